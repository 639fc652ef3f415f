/* SPDX-License-Identifier: MIT */
/* Gradients of a chain in both precisions and on two numbers of threads. */
#include "compare/chain_gradient_check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TOLERANCE_LOSS 1e-6
#define TOLERANCE_GRADIENT 1e-5

typedef struct gradients {
    size_t n_param, n_in, n_out;
    double value_wide;
    double value[2];
    float *pbar[2]; /* on 1 and 2 threads */
    double *p_wide, *pbar_wide, *x_wide, *target_wide;
} gradients;

static double *widen(const float *from, size_t n) {
    double *to = malloc(n * sizeof *to);
    for (size_t i = 0; to && i < n; i++) {
        to[i] = (double)from[i];
    }
    return to;
}

static bool create(gradients *g, const costate_chain *chain, const float *p, const costate_batch_f32 *batch) {
    *g = (gradients){.n_param = costate_chain_n_param(chain),
                     .n_in = costate_chain_n_in(chain),
                     .n_out = costate_chain_n_out(chain)};
    g->pbar[0] = calloc(g->n_param, sizeof *g->pbar[0]);
    g->pbar[1] = calloc(g->n_param, sizeof *g->pbar[1]);
    g->p_wide = widen(p, g->n_param);
    g->pbar_wide = calloc(g->n_param, sizeof *g->pbar_wide);
    g->x_wide = widen(batch->x, batch->n * g->n_in);
    g->target_wide = batch->target ? widen(batch->target, batch->n * g->n_out) : NULL;
    return g->pbar[0] && g->pbar[1] && g->p_wide && g->pbar_wide && g->x_wide && (!batch->target || g->target_wide);
}

static void destroy(gradients *g) {
    free(g->pbar[0]);
    free(g->pbar[1]);
    free(g->p_wide);
    free(g->pbar_wide);
    free(g->x_wide);
    free(g->target_wide);
}

static costate_chain_eval *evaluator(const costate_chain *chain, costate_chain_precision precision, size_t n_thread,
                                     size_t n_piece) {
    costate_chain_eval_options options = {.precision = precision, .n_thread = n_thread, .n_piece = n_piece};
    costate_chain_eval *eval = NULL;
    return costate_chain_eval_create(chain, &options, NULL, &eval) == COSTATE_OK ? eval : NULL;
}

static bool compute_wide(gradients *g, const costate_chain *chain, const costate_chain_loss *loss,
                         const costate_batch_f32 *batch) {
    costate_chain_eval *eval = evaluator(chain, COSTATE_CHAIN_F64, 1, 0);
    const costate_batch_f64 wide = {.n = batch->n, .x = g->x_wide, .target = g->target_wide, .label = batch->label};
    costate_chain_result result = {0};
    const bool ok = eval && costate_chain_loss_f64(eval, g->p_wide, &wide, loss, &result, g->pbar_wide) == COSTATE_OK;
    costate_chain_eval_destroy(eval);
    g->value_wide = result.value;
    return ok;
}

static bool compute(gradients *g, const costate_chain *chain, const costate_chain_loss *loss, const float *p,
                    const costate_batch_f32 *batch, size_t n_piece) {
    bool ok = true;
    for (size_t k = 0; k < 2 && ok; k++) {
        costate_chain_eval *eval = evaluator(chain, COSTATE_CHAIN_F32, k + 1, n_piece);
        costate_chain_result result = {0};
        ok = eval && costate_chain_loss_f32(eval, p, batch, loss, &result, g->pbar[k]) == COSTATE_OK;
        costate_chain_eval_destroy(eval);
        g->value[k] = result.value;
    }
    return ok;
}

/* ‖ḡ − ḡ_wide‖/‖ḡ_wide‖, not finite if that norm is zero. */
static double relative_error(const gradients *g) {
    double difference = 0.0;
    double norm = 0.0;
    for (size_t i = 0; i < g->n_param; i++) {
        const double error = (double)g->pbar[0][i] - g->pbar_wide[i];
        difference += error * error;
        norm += g->pbar_wide[i] * g->pbar_wide[i];
    }
    return sqrt(difference / norm);
}

static bool compare(bench *b, const char *group, const gradients *g) {
    const double error = relative_error(g);
    if (!(fabs(g->value[0] - g->value_wide) <= TOLERANCE_LOSS * fabs(g->value_wide)) ||
        !(error <= TOLERANCE_GRADIENT)) {
        bench_fail(b, "%s: loss %.9g, in double precision %.9g; gradients differ by %.3g", group, g->value[0],
                   g->value_wide, error);
        return false;
    }
    if (memcmp(g->pbar[0], g->pbar[1], g->n_param * sizeof *g->pbar[0]) != 0 || g->value[0] != g->value[1]) {
        bench_fail(b, "%s: loss or gradient depends on the number of threads", group);
        return false;
    }
    return true;
}

bool chain_gradient_check(bench *b, const char *group, const costate_chain *chain, const costate_chain_loss *loss,
                          const float *p, const costate_batch_f32 *batch, size_t n_piece) {
    gradients g;
    bool ok = create(&g, chain, p, batch) && compute_wide(&g, chain, loss, batch) &&
              compute(&g, chain, loss, p, batch, n_piece);
    if (!ok) {
        bench_fail(b, "%s: a gradient failed, or no memory", group);
    }
    ok = ok && compare(b, group, &g);
    destroy(&g);
    return ok;
}
