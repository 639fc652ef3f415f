/* SPDX-License-Identifier: MIT */
/* Adam (Kingma & Ba, "Adam: a method for stochastic optimization", ICLR 2015, algorithm 1). */
#include "core/memory.h"
#include "optimize/minimize_track.h"

#include <costate/optimize.h>
#include <math.h>
#include <string.h>

enum { MAX_FAILURES_IN_A_ROW = 10 };

/* Growth of the halved rate per feasible update: a run that met a few bad points on its way is not slow for the rest of it. */
static const double RECOVERY = 1.02;

typedef struct adam_state {
    double *m;     /* mean of the gradients; one block with s and grad */
    double *s;     /* mean of their squares */
    double *grad;  /* gradient at the current point */
    double power1; /* beta1^k, beta2^k of the bias correction */
    double power2;
    double backoff; /* factor on the rate: halved at a failure, recovers to 1 */
} adam_state;

costate_adam_options costate_adam_options_default(void) {
    return (costate_adam_options){.rate = 0.01,
                                  .beta1 = 0.9,
                                  .beta2 = 0.999,
                                  .epsilon = 1e-8,
                                  .stop = {.max_iteration = 1000, .value = -HUGE_VAL}};
}

static bool options_valid(const costate_adam_options *o) {
    return o->rate > 0.0 && isfinite(o->rate) && o->rate_final >= 0.0 && isfinite(o->rate_final) && o->beta1 >= 0.0 &&
           o->beta1 < 1.0 && o->beta2 >= 0.0 && o->beta2 < 1.0 && o->epsilon > 0.0 && isfinite(o->epsilon) &&
           o->clip >= 0.0 && csi_stop_criteria_valid(&o->stop);
}

static costate_status adam_create(adam_state *state, size_t n, const costate_allocator *alloc) {
    size_t count;
    *state = (adam_state){.power1 = 1.0, .power2 = 1.0, .backoff = 1.0};
    if (!csi_size_mul(n, 3, &count)) {
        return COSTATE_ERR_MEMORY;
    }
    state->m = csi_alloc(alloc, count, sizeof(double));
    if (!state->m) {
        return COSTATE_ERR_MEMORY;
    }
    state->s = state->m + n;
    state->grad = state->s + n;
    return COSTATE_OK;
}

/* Rate of the update that follows `done` updates. */
static double rate_at(const costate_adam_options *options, size_t done) {
    const size_t n = options->stop.max_iteration;
    if (!(options->rate_final > 0.0) || n < 2) {
        return options->rate;
    }
    return options->rate * pow(options->rate_final / options->rate, (double)done / (double)(n - 1));
}

static void adam_update(adam_state *state, const costate_adam_options *options, double rate, double grad_norm, size_t n,
                        double *x) {
    const double shrink = options->clip > 0.0 && grad_norm > options->clip ? options->clip / grad_norm : 1.0;
    state->power1 *= options->beta1;
    state->power2 *= options->beta2;
    const double unbias1 = 1.0 / (1.0 - state->power1);
    const double unbias2 = 1.0 / (1.0 - state->power2);
    for (size_t i = 0; i < n; i++) {
        const double g = shrink * state->grad[i];
        state->m[i] = options->beta1 * state->m[i] + (1.0 - options->beta1) * g;
        state->s[i] = options->beta2 * state->s[i] + (1.0 - options->beta2) * g * g;
        x[i] -= rate * unbias1 * state->m[i] / (sqrt(unbias2 * state->s[i]) + options->epsilon);
    }
}

/* Back to the best point, with half the rate and without the moments that led away from it. */
static void adam_back_off(adam_state *state, const csi_track *track, double *x) {
    const size_t n = track->n;
    memcpy(x, track->best_x, n * sizeof(double));
    memcpy(state->grad, track->best_grad, n * sizeof(double));
    memset(state->m, 0, n * sizeof(double));
    memset(state->s, 0, n * sizeof(double));
    state->power1 = 1.0;
    state->power2 = 1.0;
    state->backoff *= 0.5;
}

static void adam_run(adam_state *state, csi_track *track, const costate_adam_options *options, double *x) {
    int failures = 0;
    if (!csi_track_evaluate(track, x, state->grad)) {
        csi_track_stop(track, COSTATE_STOP_FAILURE);
        return;
    }
    csi_track_check(track);
    while (!track->done) {
        const double rate = state->backoff * rate_at(options, track->n_iteration);
        adam_update(state, options, rate, track->grad_norm, track->n, x);
        if (csi_track_evaluate(track, x, state->grad)) {
            failures = 0;
            state->backoff = fmin(1.0, RECOVERY * state->backoff);
        } else {
            adam_back_off(state, track, x);
            failures++;
        }
        if (!track->done) {
            csi_track_iteration(track, x);
        }
        if (failures == MAX_FAILURES_IN_A_ROW) {
            csi_track_stop(track, COSTATE_STOP_FAILURE);
        }
    }
}

costate_status costate_minimize_adam(size_t n, costate_objective_fn f, void *ctx, const costate_adam_options *options,
                                     const costate_allocator *alloc, double *x, costate_optimum *optimum) {
    const costate_adam_options o = options ? *options : costate_adam_options_default();
    const costate_allocator a = csi_allocator(alloc);
    if (!f || !x) {
        return COSTATE_ERR_NULL;
    }
    if (n == 0 || !options_valid(&o)) {
        return COSTATE_ERR_ARGUMENT;
    }
    csi_track track;
    adam_state state = {0};
    costate_status status = csi_track_start(&track, n, f, ctx, x, &o.stop, alloc);
    if (status == COSTATE_OK) {
        status = adam_create(&state, n, &a);
    }
    if (status != COSTATE_OK) {
        csi_release(&a, track.best_x);
        return status;
    }
    adam_run(&state, &track, &o, x);
    csi_release(&a, state.m);
    return csi_track_finish(&track, x, optimum);
}
