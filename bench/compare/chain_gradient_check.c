/* SPDX-License-Identifier: MIT */
/* Gradients of a chain in both precisions, on two numbers of threads, and beside a difference quotient. */
#include "compare/chain_gradient_check.h"
#include "compare/single_precision.h"

#include <costate/random.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TOLERANCE_LOSS 1e-6
#define TOLERANCE_GRADIENT 1e-5
/* Of the quotient, relative to the lengths of gradient and direction. */
#define TOLERANCE_QUOTIENT 1e-7
/* So short that hardly ever a corner of relu or pooling lies within it. */
#define DIFFERENCE_STEP 1e-9

/* Of what is added to the initial parameters: their biases are zero, which puts relu on its corner where x is zero. */
#define NOISE 0.05

enum { SEED = 1 };

typedef struct gradients {
    size_t n_param, n_in, n_out;
    double value_wide;
    double value[2];
    float *p;
    float *pbar[2]; /* on 1 and 2 threads */
    double *p_wide, *pbar_wide, *x_wide, *target_wide;
    double *direction, *moved; /* a random direction, zero for what is frozen, and parameters along it */
    double quotient_error;
} gradients;

/* NULL without memory. */
static float *draw_parameters(const costate_chain *chain, size_t n) {
    costate_random random = costate_random_seed(SEED, 1);
    float *p = malloc(n * sizeof *p);
    if (!p || costate_chain_init_f32(chain, &random, p) != COSTATE_OK) {
        free(p);
        return NULL;
    }
    for (size_t i = 0; i < n; i++) {
        p[i] += (float)(NOISE * costate_random_normal(&random));
    }
    return p;
}

static bool create(gradients *g, const costate_chain *chain, const costate_batch_f32 *batch) {
    *g = (gradients){.n_param = costate_chain_n_param(chain),
                     .n_in = costate_chain_n_in(chain),
                     .n_out = costate_chain_n_out(chain)};
    g->pbar[0] = calloc(g->n_param, sizeof *g->pbar[0]);
    g->pbar[1] = calloc(g->n_param, sizeof *g->pbar[1]);
    g->p = draw_parameters(chain, g->n_param);
    g->p_wide = g->p ? single_widen(g->n_param, g->p) : NULL;
    g->pbar_wide = calloc(g->n_param, sizeof *g->pbar_wide);
    g->x_wide = single_widen(batch->n * g->n_in, batch->x);
    g->direction = calloc(g->n_param, sizeof *g->direction);
    g->moved = malloc(g->n_param * sizeof *g->moved);
    g->target_wide = batch->target ? single_widen(batch->n * g->n_out, batch->target) : NULL;
    return g->pbar[0] && g->pbar[1] && g->p_wide && g->pbar_wide && g->x_wide && g->direction && g->moved &&
           (!batch->target || g->target_wide);
}

static void destroy(gradients *g) {
    free(g->p);
    free(g->pbar[0]);
    free(g->pbar[1]);
    free(g->p_wide);
    free(g->pbar_wide);
    free(g->x_wide);
    free(g->target_wide);
    free(g->direction);
    free(g->moved);
}

static costate_chain_eval *evaluator(const costate_chain *chain, costate_chain_precision precision, size_t n_thread,
                                     size_t n_piece) {
    costate_chain_eval_options options = {.precision = precision, .n_thread = n_thread, .n_piece = n_piece};
    costate_chain_eval *eval = NULL;
    return costate_chain_eval_create(chain, &options, NULL, &eval) == COSTATE_OK ? eval : NULL;
}

static void draw_direction(gradients *g, const costate_chain *chain) {
    costate_random random = costate_random_seed(SEED, 0);
    for (size_t k = 0; k < costate_chain_n_block(chain); k++) {
        costate_chain_block block;
        if (costate_chain_block_at(chain, k, &block) == COSTATE_OK && !block.frozen) {
            for (size_t i = 0; i < block.length; i++) {
                g->direction[block.offset + i] = costate_random_normal(&random);
            }
        }
    }
}

static double value_along(gradients *g, costate_chain_eval *eval, const costate_batch_f64 *batch,
                          const costate_chain_loss *loss, double step) {
    costate_chain_result result;
    for (size_t i = 0; i < g->n_param; i++) {
        g->moved[i] = g->p_wide[i] + step * g->direction[i];
    }
    return costate_chain_loss_f64(eval, g->moved, batch, loss, &result, NULL) == COSTATE_OK ? result.value
                                                                                            : (double)NAN;
}

static double quotient_error(gradients *g, costate_chain_eval *eval, const costate_batch_f64 *batch,
                             const costate_chain_loss *loss) {
    double derivative = 0.0;
    double squares = 0.0;
    double length = 0.0;
    for (size_t i = 0; i < g->n_param; i++) {
        derivative += g->pbar_wide[i] * g->direction[i];
        squares += g->pbar_wide[i] * g->pbar_wide[i];
        length += g->direction[i] * g->direction[i];
    }
    const double quotient =
        (value_along(g, eval, batch, loss, DIFFERENCE_STEP) - value_along(g, eval, batch, loss, -DIFFERENCE_STEP)) /
        (2.0 * DIFFERENCE_STEP);
    return fabs(quotient - derivative) / sqrt(squares * length);
}

static bool compute_wide(gradients *g, const costate_chain *chain, const costate_chain_loss *loss,
                         const costate_batch_f32 *batch) {
    costate_chain_eval *eval = evaluator(chain, COSTATE_CHAIN_F64, 1, 0);
    const costate_batch_f64 wide = {.n = batch->n, .x = g->x_wide, .target = g->target_wide, .label = batch->label};
    costate_chain_result result = {0};
    const bool ok = eval && costate_chain_loss_f64(eval, g->p_wide, &wide, loss, &result, g->pbar_wide) == COSTATE_OK;
    if (ok) {
        draw_direction(g, chain);
        g->quotient_error = quotient_error(g, eval, &wide, loss);
    }
    costate_chain_eval_destroy(eval);
    g->value_wide = result.value;
    return ok;
}

static bool compute(gradients *g, const costate_chain *chain, const costate_chain_loss *loss,
                    const costate_batch_f32 *batch, size_t n_piece) {
    bool ok = true;
    for (size_t k = 0; k < 2 && ok; k++) {
        costate_chain_eval *eval = evaluator(chain, COSTATE_CHAIN_F32, k + 1, n_piece);
        costate_chain_result result = {0};
        ok = eval && costate_chain_loss_f32(eval, g->p, batch, loss, &result, g->pbar[k]) == COSTATE_OK;
        costate_chain_eval_destroy(eval);
        g->value[k] = result.value;
    }
    return ok;
}

static bool compare(bench *b, const char *group, const gradients *g) {
    const double error = single_distance(g->n_param, g->pbar[0], g->pbar_wide);
    if (!(fabs(g->value[0] - g->value_wide) <= TOLERANCE_LOSS * fabs(g->value_wide)) ||
        !(error <= TOLERANCE_GRADIENT)) {
        bench_fail(b, "%s: loss %.9g, in double precision %.9g; gradients differ by %.3g", group, g->value[0],
                   g->value_wide, error);
        return false;
    }
    if (!(g->quotient_error <= TOLERANCE_QUOTIENT)) {
        bench_fail(b, "%s: the gradient is off a difference quotient by %.2e", group, g->quotient_error);
        return false;
    }
    if (memcmp(g->pbar[0], g->pbar[1], g->n_param * sizeof *g->pbar[0]) != 0 || g->value[0] != g->value[1]) {
        bench_fail(b, "%s: loss or gradient depends on the number of threads", group);
        return false;
    }
    printf("# %s: gradient off that in double precision by %.1e, that off a difference quotient by %.1e\n", group,
           error, g->quotient_error);
    return true;
}

bool chain_gradient_check(bench *b, const char *group, const costate_chain *chain, const costate_chain_loss *loss,
                          const costate_batch_f32 *batch, size_t n_piece) {
    gradients g;
    bool ok =
        create(&g, chain, batch) && compute_wide(&g, chain, loss, batch) && compute(&g, chain, loss, batch, n_piece);
    if (!ok) {
        bench_fail(b, "%s: a gradient failed, or no memory", group);
    }
    ok = ok && compare(b, group, &g);
    destroy(&g);
    return ok;
}
