/* SPDX-License-Identifier: MIT */
/* A right-hand side that forwards to another, counts its calls, watches the times and misbehaves at a chosen call. */
#include "faulty_rhs.h"

#include <math.h>
#include <stdbool.h>

/* Counts the call; the fault it must show. */
static fault_kind enter(faulty_rhs *s, callback_kind callback, double t) {
    size_t index = s->n_call[callback]++;
    s->t_min = fmin(s->t_min, t);
    s->t_max = fmax(s->t_max, t);
    bool bad = callback == s->callback && index >= s->first && index - s->first < s->n_bad;
    return bad ? s->fault : FAULT_NONE;
}

/* The answer to give; spoils n results when the fault is one of values. */
static int leave(fault_kind fault, int answer, double *result, size_t n) {
    switch (fault) {
    case FAULT_RETRY: return COSTATE_ANSWER_RETRY;
    case FAULT_FAIL: return COSTATE_ANSWER_FAIL;
    case FAULT_OTHER_POSITIVE: return 17;
    case FAULT_OTHER_NEGATIVE: return -23;
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

costate_rhs faulty_rhs_wrap(faulty_rhs *state, const costate_rhs *inner) {
    state->inner = inner;
    faulty_rhs_arm(state, FAULT_NONE, CALLBACK_F, 0, 0);
    costate_rhs rhs = *inner;
    rhs.ctx = state;
    rhs.f = faulty_f;
    rhs.vjp = inner->vjp ? faulty_vjp : NULL;
    rhs.jvp = inner->jvp ? faulty_jvp : NULL;
    rhs.jac = inner->jac ? faulty_jac : NULL;
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
