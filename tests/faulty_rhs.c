/* SPDX-License-Identifier: MIT */
/* A right-hand side that forwards to another, counts its calls, watches the times and misbehaves at a chosen call. */
#include "faulty_rhs.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* Counts the call; the fault it must show. */
static fault_kind enter(faulty_rhs *s, callback_kind callback, double t) {
    size_t index = s->n_call[callback]++;
    s->t_min = fmin(s->t_min, t);
    s->t_max = fmax(s->t_max, t);
    bool bad = callback == s->callback && index >= s->first && index - s->first < s->n_bad;
    return bad ? s->fault : FAULT_NONE;
}

/* Leaves results that no one may use. */
static int refuse(int answer, double *result, size_t n) {
    for (size_t i = 0; result != NULL && i < n; i++) {
        result[i] = (double)NAN;
    }
    return answer;
}

/* The answer to give; spoils n results when the fault is one of values, and all when there are none. */
static int leave(fault_kind fault, int answer, double *result, size_t n) {
    switch (fault) {
    case FAULT_RETRY: return refuse(COSTATE_ANSWER_RETRY, result, n);
    case FAULT_FAIL: return refuse(COSTATE_ANSWER_FAIL, result, n);
    case FAULT_OTHER_POSITIVE: return refuse(17, result, n);
    case FAULT_OTHER_NEGATIVE: return refuse(-23, result, n);
    case FAULT_NAN:
        if (result != NULL) {
            result[n - 1] = (double)NAN;
        }
        return answer;
    case FAULT_INF:
        if (result != NULL) {
            result[0] = HUGE_VAL;
        }
        return answer;
    case FAULT_NONE: break;
    }
    return answer;
}

static int faulty_f(double t, const double *y, const double *p, double *dydt, void *work, void *ctx) {
    faulty_rhs *s = ctx;
    fault_kind fault = enter(s, CALLBACK_F, t);
    return leave(fault, s->inner->f(t, y, p, dydt, work, s->inner->ctx), dydt, s->inner->n_y);
}

static int faulty_vjp(double t, const double *y, const double *p, const double *v, double scale, double *ybar,
                      double *pbar, void *work, void *ctx) {
    faulty_rhs *s = ctx;
    fault_kind fault = enter(s, CALLBACK_VJP, t);
    s->n_vjp_p += pbar ? 1 : 0;
    int answer = s->inner->vjp(t, y, p, v, scale, ybar, pbar, work, s->inner->ctx);
    return leave(fault, answer, ybar ? ybar : pbar, ybar ? s->inner->n_y : s->inner->n_p);
}

static int faulty_jvp(double t, const double *y, const double *p, const double *u, const double *up, double *ju,
                      void *work, void *ctx) {
    faulty_rhs *s = ctx;
    fault_kind fault = enter(s, CALLBACK_JVP, t);
    return leave(fault, s->inner->jvp(t, y, p, u, up, ju, work, s->inner->ctx), ju, s->inner->n_y);
}

static int faulty_jac(double t, const double *y, const double *p, double *jac, void *work, void *ctx) {
    faulty_rhs *s = ctx;
    fault_kind fault = enter(s, CALLBACK_JAC, t);
    return leave(fault, s->inner->jac(t, y, p, jac, work, s->inner->ctx), jac, s->inner->n_y * s->inner->n_y);
}

/* kept: t, then y, then p. */
static int faulty_f_keep(double t, const double *y, const double *p, double *dydt, void *kept, void *work, void *ctx) {
    faulty_rhs *s = ctx;
    double *copy = kept;
    copy[0] = t;
    memcpy(copy + 1, y, s->inner->n_y * sizeof *y);
    if (p) memcpy(copy + 1 + s->inner->n_y, p, s->inner->n_p * sizeof *p);
    return faulty_f(t, y, p, dydt, work, ctx);
}

static int faulty_vjp_kept(double t, const double *y, const double *p, const double *v, double scale, double *ybar,
                           double *pbar, const void *kept, void *work, void *ctx) {
    faulty_rhs *s = ctx;
    const double *copy = kept;
    size_t n_y = s->inner->n_y, n_p = s->inner->n_p;
    bool same = (uintptr_t)kept % 64 == 0 && memcmp(copy, &t, sizeof t) == 0 &&
                memcmp(copy + 1, y, n_y * sizeof *y) == 0 && (!p || memcmp(copy + 1 + n_y, p, n_p * sizeof *p) == 0);
    s->n_kept++;
    s->n_mismatch += same ? 0 : 1;
    return faulty_vjp(t, y, p, v, scale, ybar, pbar, work, ctx);
}

costate_rhs faulty_rhs_wrap_kept(faulty_rhs *state, const costate_rhs *inner) {
    costate_rhs rhs = faulty_rhs_wrap(state, inner);
    rhs.kept_bytes = (1 + inner->n_y + inner->n_p) * sizeof(double);
    rhs.f_keep = faulty_f_keep;
    rhs.vjp_kept = faulty_vjp_kept;
    return rhs;
}

costate_rhs faulty_rhs_wrap(faulty_rhs *state, const costate_rhs *inner) {
    state->inner = inner;
    faulty_rhs_arm(state, FAULT_NONE, CALLBACK_F, 0, 0);
    costate_rhs rhs = *inner;
    rhs.ctx = state;
    rhs.f = faulty_f;
    rhs.vjp = inner->vjp ? faulty_vjp : NULL;
    rhs.jvp = inner->jvp ? faulty_jvp : NULL;
    rhs.jac = inner->jac ? faulty_jac : NULL;
    rhs.kept_bytes = 0;
    rhs.f_keep = NULL;
    rhs.vjp_kept = NULL;
    rhs.f_lanes = NULL;
    rhs.vjp_lanes = NULL;
    return rhs;
}

void faulty_rhs_arm(faulty_rhs *state, fault_kind fault, callback_kind callback, size_t first, size_t n_bad) {
    const costate_rhs *inner = state->inner;
    *state = (faulty_rhs){.inner = inner, .fault = fault, .callback = callback, .first = first, .n_bad = n_bad};
    state->t_min = HUGE_VAL;
    state->t_max = -HUGE_VAL;
}

costate_status faulty_rhs_status(fault_kind fault) {
    switch (fault) {
    case FAULT_RETRY:
    case FAULT_OTHER_POSITIVE: return COSTATE_ERR_RHS_RETRY;
    case FAULT_FAIL:
    case FAULT_OTHER_NEGATIVE: return COSTATE_ERR_RHS_FAIL;
    case FAULT_NAN:
    case FAULT_INF: return COSTATE_ERR_NONFINITE;
    case FAULT_NONE: break;
    }
    return COSTATE_OK;
}
