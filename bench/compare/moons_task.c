/* SPDX-License-Identifier: MIT */
/* Two moons and initial weights. */
#include "compare/moons_task.h"

#include <cjson/cJSON.h>
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

/* The whole file with a zero after it; NULL without memory or on a read error. */
static char *read_all(FILE *file) {
    char *text = NULL;
    size_t n = 0;
    for (size_t size = (size_t)1 << 16;; size *= 2) {
        char *larger = realloc(text, size);
        if (!larger) {
            break;
        }
        text = larger;
        n += fread(text + n, 1, size - n - 1, file);
        if (n < size - 1) {
            text[n] = '\0';
            return text;
        }
    }
    free(text);
    return NULL;
}

static read_result read_json(const char *path, cJSON **json) {
    *json = NULL;
    FILE *file = fopen(path, "rb");
    if (!file) {
        return READ_ABSENT;
    }
    char *text = read_all(file);
    fclose(file);
    *json = text ? cJSON_Parse(text) : NULL;
    free(text);
    return *json ? READ_OK : READ_WRONG;
}

/* Exactly n finite numbers. */
static bool take_numbers(const cJSON *array, size_t n, double *x) {
    if (!cJSON_IsArray(array) || (size_t)cJSON_GetArraySize(array) != n) {
        return false;
    }
    const cJSON *item;
    cJSON_ArrayForEach(item, array) {
        if (!cJSON_IsNumber(item) || !isfinite(item->valuedouble)) {
            return false;
        }
        *x++ = item->valuedouble;
    }
    return true;
}

/* Exactly n_row rows of n_col numbers. */
static bool take_rows(const cJSON *array, size_t n_row, size_t n_col, double *x) {
    if (!cJSON_IsArray(array) || (size_t)cJSON_GetArraySize(array) != n_row) {
        return false;
    }
    const cJSON *row;
    cJSON_ArrayForEach(row, array) {
        if (!take_numbers(row, n_col, x)) {
            return false;
        }
        x += n_col;
    }
    return true;
}

static bool take_points(const cJSON *json, moons_task *task) {
    if (!take_rows(cJSON_GetObjectItemCaseSensitive(json, "X"), task->n, 2, task->x) ||
        !take_numbers(cJSON_GetObjectItemCaseSensitive(json, "y"), task->n, task->label)) {
        return false;
    }
    for (size_t i = 0; i < task->n; i++) {
        if (fabs(task->label[i]) != 1.0) {
            return false;
        }
    }
    return true;
}

static bool take_weights(const cJSON *json, moons_task *task) {
    const cJSON *layers = cJSON_GetObjectItemCaseSensitive(json, "layers");
    if (!cJSON_IsArray(layers) || (size_t)cJSON_GetArraySize(layers) != task->shape.n_layer) {
        return false;
    }
    const size_t *width = task->shape.width;
    double *p = task->p;
    const cJSON *layer;
    cJSON_ArrayForEach(layer, layers) {
        const size_t n_weight = width[0] * width[1];
        if (!take_rows(cJSON_GetObjectItemCaseSensitive(layer, "weights"), width[1], width[0], p) ||
            !take_numbers(cJSON_GetObjectItemCaseSensitive(layer, "biases"), width[1], p + n_weight)) {
            return false;
        }
        p += n_weight + width[1];
        width++;
    }
    return true;
}

static read_result read_part(bench *b, const char *folder, const char *name, moons_task *task,
                             bool (*take)(const cJSON *json, moons_task *task)) {
    char path[1024];
    const int n = snprintf(path, sizeof path, "%s/moons/%s.json", folder, name);
    cJSON *json = NULL;
    read_result result = n > 0 && (size_t)n < sizeof path ? read_json(path, &json) : READ_ABSENT;
    if (result == READ_OK && !take(json, task)) {
        result = READ_WRONG;
    }
    cJSON_Delete(json);
    if (result == READ_WRONG) {
        bench_fail(b, "%s: not the points or weights that its name promises", path);
    }
    return result;
}

static read_result read_files(bench *b, const char *folder, moons_task *task) {
    char name[96];
    char shape[64];
    snprintf(name, sizeof name, "moons_%zu", task->n);
    const read_result points = read_part(b, folder, name, task, take_points);
    if (points != READ_OK) {
        return points;
    }
    snprintf(name, sizeof name, "weights_%s", moons_shape_name(&task->shape, '_', shape));
    return read_part(b, folder, name, task, take_weights);
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
