/* SPDX-License-Identifier: MIT */
/* Two moons and initial weights. */
#include "compare/moons_task.h"

#include <costate/moons.h>
#include <costate/random.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SEED = 17 };

typedef enum read_result { READ_OK, READ_ABSENT, READ_WRONG } read_result;

const char *moons_shape_name(const moons_shape *shape, char separator, char *text) {
    size_t used = 0;
    for (size_t l = 0; l <= shape->n_layer; l++) {
        const int n = l ? snprintf(text + used, 64 - used, "%c%zu", separator, shape->width[l])
                        : snprintf(text, 64, "%zu", shape->width[l]);
        used += n > 0 && used + (size_t)n < 64 ? (size_t)n : 0;
    }
    return text;
}

static size_t count_param(const moons_shape *shape) {
    size_t n = 0;
    for (size_t l = 0; l < shape->n_layer; l++) {
        n += shape->width[l + 1] * (shape->width[l] + 1);
    }
    return n;
}

/* The path in the folder; false if there is no such file. */
static bool find(const char *folder, const char *name, char *path, size_t size) {
    const int n = snprintf(path, size, "%s/moons/%s.json", folder, name);
    FILE *file = n > 0 && (size_t)n < size ? fopen(path, "rb") : NULL;
    return file && fclose(file) == 0;
}

static read_result read_points(bench *b, const char *path, moons_task *task) {
    costate_message message;
    costate_moons *moons = NULL;
    if (costate_moons_read(path, NULL, NULL, &moons, &message) != COSTATE_OK) {
        bench_fail(b, "%s", message.text);
        return READ_WRONG;
    }
    const bool fits = costate_moons_n_point(moons) == task->n;
    if (fits) {
        memcpy(task->x, costate_moons_x(moons), 2 * task->n * sizeof *task->x);
        memcpy(task->label, costate_moons_label(moons), task->n * sizeof *task->label);
    } else {
        bench_fail(b, "%s: %zu points", path, costate_moons_n_point(moons));
    }
    costate_moons_destroy(moons);
    return fits ? READ_OK : READ_WRONG;
}

static bool has_shape(const costate_moons_net *net, const moons_shape *shape) {
    bool same = costate_moons_net_n_layer(net) == shape->n_layer;
    for (size_t l = 0; l <= shape->n_layer && same; l++) {
        same = costate_moons_net_width(net, l) == shape->width[l];
    }
    return same;
}

static read_result read_weights(bench *b, const char *path, moons_task *task) {
    costate_message message;
    costate_moons_net *net = NULL;
    if (costate_moons_net_read(path, NULL, NULL, &net, &message) != COSTATE_OK) {
        bench_fail(b, "%s", message.text);
        return READ_WRONG;
    }
    const bool fits = has_shape(net, &task->shape);
    if (fits) {
        memcpy(task->p, costate_moons_net_param(net), task->n_param * sizeof *task->p);
    } else {
        bench_fail(b, "%s: other widths than its name says", path);
    }
    costate_moons_net_destroy(net);
    return fits ? READ_OK : READ_WRONG;
}

static read_result read_files(bench *b, const char *folder, moons_task *task) {
    char name[96];
    char shape[64];
    char path[1024];
    snprintf(name, sizeof name, "moons_%zu", task->n);
    read_result result = find(folder, name, path, sizeof path) ? read_points(b, path, task) : READ_ABSENT;
    if (result == READ_OK) {
        snprintf(name, sizeof name, "weights_%s", moons_shape_name(&task->shape, '_', shape));
        result = find(folder, name, path, sizeof path) ? read_weights(b, path, task) : READ_ABSENT;
    }
    return result;
}

/* Half circles that reach into each other, with noise of deviation 0.2; weights uniform in (−1, 1), biases zero. */
static void make_up(moons_task *task) {
    static const double pi = 3.14159265358979323846;
    costate_random random = costate_random_seed(SEED, task->n);
    for (size_t i = 0; i < task->n; i++) {
        const double angle = pi * costate_random_uniform(&random);
        const bool lower = i % 2 == 1;
        task->label[i] = lower ? 1.0 : -1.0;
        task->x[2 * i] = (lower ? 1.0 - cos(angle) : cos(angle)) + 0.2 * costate_random_normal(&random);
        task->x[2 * i + 1] = (lower ? 0.5 - sin(angle) : sin(angle)) + 0.2 * costate_random_normal(&random);
    }
    double *p = task->p;
    for (size_t l = 0; l < task->shape.n_layer; l++) {
        const size_t n_out = task->shape.width[l + 1];
        for (size_t i = 0; i < n_out * task->shape.width[l]; i++) {
            *p++ = 2.0 * costate_random_uniform(&random) - 1.0;
        }
        memset(p, 0, n_out * sizeof *p);
        p += n_out;
    }
}

bool moons_task_create(bench *b, const char *folder, const moons_shape *shape, size_t n, moons_task *task) {
    *task = (moons_task){.shape = *shape, .n = n, .n_param = count_param(shape)};
    task->x = malloc(2 * n * sizeof *task->x);
    task->label = calloc(n, sizeof *task->label);
    task->p = malloc(task->n_param * sizeof *task->p);
    if (!task->x || !task->label || !task->p) {
        bench_fail(b, "micrograd: no memory for %zu points", n);
        moons_task_destroy(task);
        return false;
    }
    const read_result result = read_files(b, folder, task);
    if (result == READ_WRONG) {
        moons_task_destroy(task);
        return false;
    }
    task->real = result == READ_OK;
    if (!task->real) {
        make_up(task);
    }
    return true;
}

void moons_task_destroy(moons_task *task) {
    free(task->x);
    free(task->label);
    free(task->p);
    *task = (moons_task){0};
}
