/* SPDX-License-Identifier: MIT */
/*
 * A process that computes one gradient in single precision and ends: `expm`, 4 → 32 tanh → 16 tanh → 4 with squared loss
 * over 10 000 samples, or `lenet5` with softmax loss over 128 images. The second argument: `none` leaves before
 * anything is computed, `check` also compares the gradient with that in double precision.
 */
#include "compare/expm_model.h"
#include "compare/image_nets.h"
#include "compare/single_precision.h"
#include <costate/chain_eval.h>
#include <stdlib.h>
#include <string.h>

enum { N_EXPM = 10000, N_IMAGE = 128 };

/* A batch and the gradient of its loss. */
typedef struct first_gradient {
    costate_chain *chain;
    costate_chain_loss loss;
    size_t n, n_in, n_out, n_param;
    float *x, *target, *p, *pbar;
    uint32_t *label;
} first_gradient;

static bool create_chain(first_gradient *g, bool images) {
    if (images) {
        const image_net net = image_net_lenet5();
        g->n = N_IMAGE;
        g->loss = (costate_chain_loss){.kind = COSTATE_CHAIN_LOSS_SOFTMAX, .output.reduction = COSTATE_BATCH_MEAN};
        return image_net_create(&net, &g->chain);
    }
    g->n = N_EXPM;
    g->loss = expm_loss();
    return expm_chain_create(&g->chain) == COSTATE_OK;
}

static bool create(first_gradient *g, bool images) {
    if (!create_chain(g, images)) {
        return false;
    }
    g->n_in = costate_chain_n_in(g->chain);
    g->n_out = costate_chain_n_out(g->chain);
    g->n_param = costate_chain_n_param(g->chain);
    g->x = malloc(g->n * g->n_in * sizeof *g->x);
    g->target = malloc(g->n * g->n_out * sizeof *g->target);
    g->label = malloc(g->n * sizeof *g->label);
    g->p = malloc(g->n_param * sizeof *g->p);
    g->pbar = calloc(g->n_param, sizeof *g->pbar);
    if (!g->x || !g->target || !g->label || !g->p || !g->pbar) {
        return false;
    }
    costate_random random = costate_random_seed(1, 0);
    for (size_t i = 0; i < g->n * g->n_in; i++) {
        g->x[i] = (float)costate_random_uniform(&random) - 0.5f;
    }
    for (size_t i = 0; i < g->n * g->n_out; i++) {
        g->target[i] = (float)costate_random_uniform(&random) - 0.5f;
    }
    for (size_t i = 0; i < g->n; i++) {
        g->label[i] = (uint32_t)costate_random_below(&random, g->n_out);
    }
    return costate_chain_init_f32(g->chain, &random, g->p) == COSTATE_OK;
}

static void destroy(first_gradient *g) {
    costate_chain_destroy(g->chain);
    free(g->x);
    free(g->target);
    free(g->label);
    free(g->p);
    free(g->pbar);
}

static bool compute(first_gradient *g) {
    costate_chain_eval_options options = costate_chain_eval_options_default();
    options.precision = COSTATE_CHAIN_F32;
    const costate_batch_f32 batch = {.n = g->n, .x = g->x, .target = g->target, .label = g->label};
    costate_chain_eval *eval = NULL;
    costate_chain_result result;
    const bool ok = costate_chain_eval_create(g->chain, &options, NULL, &eval) == COSTATE_OK &&
                    costate_chain_loss_f32(eval, g->p, &batch, &g->loss, &result, g->pbar) == COSTATE_OK;
    costate_chain_eval_destroy(eval);
    return ok;
}

static bool check(const first_gradient *g) {
    double *x = single_widen(g->n * g->n_in, g->x);
    double *target = single_widen(g->n * g->n_out, g->target);
    double *p = single_widen(g->n_param, g->p);
    double *pbar = calloc(g->n_param, sizeof *pbar);
    costate_chain_eval *eval = NULL;
    costate_chain_result result;
    const costate_batch_f64 batch = {.n = g->n, .x = x, .target = target, .label = g->label};
    const bool ok = x && target && p && pbar && costate_chain_eval_create(g->chain, NULL, NULL, &eval) == COSTATE_OK &&
                    costate_chain_loss_f64(eval, p, &batch, &g->loss, &result, pbar) == COSTATE_OK &&
                    single_distance(g->n_param, g->pbar, pbar) <= 1e-4;
    costate_chain_eval_destroy(eval);
    free(x);
    free(target);
    free(p);
    free(pbar);
    return ok;
}

int main(int argc, char **argv) {
    const char *const name = argc > 1 ? argv[1] : "";
    const char *const mode = argc > 2 ? argv[2] : "";
    const bool images = strcmp(name, "lenet5") == 0;
    if (!images && strcmp(name, "expm") != 0) {
        return 2;
    }
    if (strcmp(mode, "none") == 0) {
        return 0;
    }
    first_gradient g = {0};
    const bool ok = create(&g, images) && compute(&g) && (strcmp(mode, "check") != 0 || check(&g));
    destroy(&g);
    return ok ? 0 : 1;
}
