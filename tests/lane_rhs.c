/* SPDX-License-Identifier: MIT */
/* A right-hand side for lanes that calls another one's f and vjp lane by lane, and can be made to misbehave in a region
 * of states. */
#include "lane_rhs.h"

#include <math.h>
#include <stddef.h>

enum { L = COSTATE_LANES };

/* The answer of a call at t and y, whose results may be spoilt. */
static int misbehave(const lane_rhs *state, bool is_vjp, double t, const double *y, int answer, double *result) {
    bool inside = y[0] > state->wall || (t > state->t_from && t < state->t_to);
    if (state->fault == FAULT_NONE || is_vjp != state->in_vjp || !inside) return answer;
    switch (state->fault) {
    case FAULT_RETRY: return COSTATE_ANSWER_RETRY;
    case FAULT_FAIL: return COSTATE_ANSWER_FAIL;
    case FAULT_NAN:
        if (result) result[0] = (double)NAN;
        return answer;
    default:
        if (result) result[0] = (double)INFINITY;
        return answer;
    }
}

static int one_f(double t, const double *y, const double *p, double *dydt, void *work, void *ctx) {
    const lane_rhs *state = ctx;
    int answer = state->inner->f(t, y, p, dydt, work, state->inner->ctx);
    return misbehave(state, false, t, y, answer, dydt);
}

static int one_vjp(double t, const double *y, const double *p, const double *v, double scale, double *ybar,
                   double *pbar, void *work, void *ctx) {
    const lane_rhs *state = ctx;
    int answer = state->inner->vjp(t, y, p, v, scale, ybar, pbar, work, state->inner->ctx);
    return misbehave(state, true, t, y, answer, ybar);
}

/* Columns y, v, result (n_y each), p and pbar (n_p each) of one lane, then the inner scratch. */
static void get(size_t n, size_t l, const double *lanes, double *column) {
    for (size_t i = 0; i < n; i++)
        column[i] = lanes[i * L + l];
}

static void put(size_t n, size_t l, const double *column, double *lanes) {
    for (size_t i = 0; i < n; i++)
        lanes[i * L + l] = column[i];
}

static int lanes_f(const double *t, const double *y, const double *p, double *dydt, void *work, void *ctx) {
    const lane_rhs *state = ctx;
    size_t n = state->inner->n_y, n_p = state->inner->n_p;
    double *column = work, *slope = column + 2 * n, *own = column + 3 * n;
    for (size_t l = 0; l < L; l++) {
        get(n, l, y, column);
        get(n_p, l, p, own);
        int answer = one_f(t[l], column, own, slope, own + 2 * n_p, ctx);
        if (answer) return answer;
        put(n, l, slope, dydt);
    }
    return 0;
}

static int lanes_vjp(const double *t, const double *y, const double *p, const double *v, double *ybar, double *pbar,
                     void *work, void *ctx) {
    const lane_rhs *state = ctx;
    size_t n = state->inner->n_y, n_p = state->inner->n_p;
    double *column = work, *cotangent = column + n, *result = column + 2 * n, *own = column + 3 * n;
    double *own_bar = own + n_p;
    for (size_t l = 0; l < L; l++) {
        get(n, l, y, column);
        get(n, l, v, cotangent);
        get(n_p, l, p, own);
        if (pbar) get(n_p, l, pbar, own_bar);
        int answer = one_vjp(t[l], column, own, cotangent, 1.0, result, pbar ? own_bar : NULL, own + 2 * n_p, ctx);
        if (answer) return answer;
        put(n, l, result, ybar);
        if (pbar) put(n_p, l, own_bar, pbar);
    }
    return 0;
}

costate_rhs lane_rhs_wrap(lane_rhs *state, const costate_rhs *inner) {
    *state = (lane_rhs){.inner = inner, .fault = FAULT_NONE, .wall = (double)INFINITY};
    return (costate_rhs){
        .n_y = inner->n_y,
        .n_p = inner->n_p,
        .work_bytes = inner->work_bytes,
        .ctx = state,
        .f = one_f,
        .vjp = one_vjp,
        .lanes_work_bytes = (3 * inner->n_y + 2 * inner->n_p) * sizeof(double) + inner->work_bytes,
        .f_lanes = lanes_f,
        .vjp_lanes = lanes_vjp,
    };
}
