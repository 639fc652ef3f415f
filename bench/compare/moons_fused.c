/* SPDX-License-Identifier: MIT */
/* Training on two moons by the library's fused kernels. */
#include "compare/moons_training.h"
#include "seconds.h"

#include <costate/net.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct fused {
    costate_net *net;
    double *p;
    double *pbar;
    double *score;
    double *v;
    void *work;
    size_t work_bytes;
} fused;

static bool create(const moons_task *task, fused *f) {
    costate_layer_spec layers[MOONS_MAX_LAYER] = {{0}};
    const size_t n_layer = task->shape.n_layer;
    for (size_t l = 0; l < n_layer; l++) {
        layers[l].n_out = task->shape.width[l + 1];
        layers[l].act = l + 1 < n_layer ? COSTATE_ACT_RELU : COSTATE_ACT_IDENTITY;
    }
    const costate_net_spec spec = {.n_in = 2, .n_layer = n_layer, .layers = layers};
    *f = (fused){0};
    if (costate_net_create(&spec, NULL, &f->net) != COSTATE_OK) {
        return false;
    }
    f->work_bytes = costate_net_batch_work_bytes_f64(f->net);
    f->p = malloc(task->n_param * sizeof *f->p);
    f->pbar = malloc(task->n_param * sizeof *f->pbar);
    f->score = malloc(task->n * sizeof *f->score);
    f->v = malloc(task->n * sizeof *f->v);
    f->work = malloc(f->work_bytes);
    return f->p && f->pbar && f->score && f->v && f->work &&
           costate_net_import_f64(f->net, COSTATE_ORDER_ROW_MAJOR, task->p, f->p) == COSTATE_OK;
}

static void destroy(fused *f) {
    costate_net_destroy(f->net);
    free(f->p);
    free(f->pbar);
    free(f->score);
    free(f->v);
    free(f->work);
}

static bool forward(fused *f, const moons_task *task, double *loss) {
    if (costate_net_forward_batch_f64(f->net, f->p, task->n, task->x, f->score, f->work, f->work_bytes) != COSTATE_OK) {
        return false;
    }
    const double weight = 1.0 / (double)task->n;
    double sum = 0.0;
    double squares = 0.0;
    for (size_t i = 0; i < task->n; i++) {
        const double slack = 1.0 - task->label[i] * f->score[i];
        sum += slack > 0.0 ? slack : 0.0;
        f->v[i] = slack > 0.0 ? -weight * task->label[i] : 0.0;
    }
    for (size_t i = 0; i < task->n_param; i++) {
        squares += f->p[i] * f->p[i];
    }
    *loss = weight * sum + MOONS_PENALTY * squares;
    return true;
}

static bool backward(fused *f, const moons_task *task) {
    for (size_t i = 0; i < task->n_param; i++) {
        f->pbar[i] = 2.0 * MOONS_PENALTY * f->p[i];
    }
    return costate_net_vjp_batch_f64(f->net, f->p, task->n, task->x, f->v, 1.0, NULL, f->pbar, f->work,
                                     f->work_bytes) == COSTATE_OK;
}

bool moons_train_fused(const moons_task *task, double *loss, moons_phases *phases) {
    fused f;
    bool ok = create(task, &f);
    *phases = (moons_phases){0};
    for (size_t step = 0; ok && step < MOONS_N_STEP; step++) {
        const double start = seconds_now();
        ok = forward(&f, task, &loss[step]);
        const double middle = seconds_now();
        ok = ok && backward(&f, task);
        const double late = seconds_now();
        for (size_t i = 0; i < task->n_param; i++) {
            f.p[i] -= moons_rate(step) * f.pbar[i];
        }
        phases->forward += middle - start;
        phases->backward += late - middle;
        phases->update += seconds_now() - late;
    }
    phases->total = phases->forward + phases->backward + phases->update;
    destroy(&f);
    return ok;
}
