/* SPDX-License-Identifier: MIT */
/* A right-hand side with all derivatives, one of which can be made wrong, not finite, or to answer RETRY or FAIL. */
#include "planted_model.h"

#include "support/asserts.h"

#include <math.h>
#include <string.h>

#define WORK_BYTES 40

static void check_call(const double *y, const double *p, const void *work, void *ctx) {
    assert_non_null(y);
    assert_non_null(p);
    assert_non_null(work);
    assert_int_equal((uintptr_t)work % 64, 0);
    ((model *)ctx)->n_call++;
}

static int f(double t, const double *y, const double *p, double *dydt, void *work, void *ctx) {
    const model *m = ctx;
    check_call(y, p, work, ctx);
    memset(work, 0, WORK_BYTES);
    dydt[0] = p[0] * y[0] * y[1] + p[1] * sin(t);
    dydt[1] = tanh(p[2] * y[2]) - y[0] * y[0];
    dydt[2] = p[3] * exp(-y[1] * y[1]) + p[1] * y[0] * y[2];
    if (m->f_nan) {
        dydt[m->index] = (double)NAN;
    }
    return m->f_answer;
}

/* dy[i + 3 j] = ∂f_i/∂y_j and dp[i + 3 j] = ∂f_i/∂p_j. */
static void derivatives(double t, const double *y, const double *p, double *dy, double *dp) {
    double a = tanh(p[2] * y[2]);
    double g = exp(-y[1] * y[1]);
    const double state[N_Y * N_Y] = {p[0] * y[1],          -2 * y[0], p[1] * y[2],        p[0] * y[0], 0,
                                     -2 * y[1] * p[3] * g, 0,         p[2] * (1 - a * a), p[1] * y[0]};
    const double parameter[N_Y * N_P] = {y[0] * y[1], 0, 0, sin(t), 0, y[0] * y[2], 0, y[2] * (1 - a * a), 0, 0, 0, g};
    memcpy(dy, state, sizeof state);
    memcpy(dp, parameter, sizeof parameter);
}

static int vjp(double t, const double *y, const double *p, const double *v, double scale, double *ybar, double *pbar,
               void *work, void *ctx) {
    const model *m = ctx;
    check_call(y, p, work, ctx);
    double dy[N_Y * N_Y];
    double dp[N_Y * N_P];
    derivatives(t, y, p, dy, dp);
    double carried = m->kind == FAULT_WORK_CARRIED_OVER ? *(double *)work : 0;
    bool ybar_wrong = m->kind == FAULT_YBAR || (m->kind == FAULT_YBAR_WITHOUT_PBAR && !pbar);
    bool pbar_wrong = m->kind == FAULT_PBAR || (m->kind == FAULT_PBAR_WITHOUT_YBAR && !ybar);
    for (size_t j = 0; ybar && j < N_Y; j++) {
        double sum = carried;
        for (size_t i = 0; i < N_Y; i++) {
            sum += v[i] * dy[i + N_Y * j];
        }
        sum *= m->kind == FAULT_YBAR_SCALED ? scale : 1;
        sum *= ybar_wrong && j == m->index ? m->factor : 1;
        ybar[j] = m->kind == FAULT_YBAR_ACCUMULATED && j == m->index ? ybar[j] + sum : sum;
    }
    for (size_t j = 0; pbar && j < N_P; j++) {
        double sum = 0;
        for (size_t i = 0; i < N_Y; i++) {
            sum += v[i] * dp[i + N_Y * j];
        }
        sum *= m->kind == FAULT_PBAR_NOT_SCALED && j == m->index ? 1 : scale;
        sum *= pbar_wrong && j == m->index ? m->factor : 1;
        pbar[j] = m->kind == FAULT_PBAR_OVERWRITTEN && j == m->index ? sum : pbar[j] + sum;
    }
    if (m->vjp_nan && ybar) {
        ybar[m->index] = (double)NAN;
    }
    return m->vjp_answer;
}

static int jvp(double t, const double *y, const double *p, const double *u, const double *up, double *ju, void *work,
               void *ctx) {
    const model *m = ctx;
    check_call(y, p, work, ctx);
    double dy[N_Y * N_Y];
    double dp[N_Y * N_P];
    derivatives(t, y, p, dy, dp);
    for (size_t i = 0; i < N_Y; i++) {
        ju[i] = 0;
        for (size_t j = 0; j < N_Y; j++) {
            ju[i] += dy[i + N_Y * j] * u[j];
        }
        for (size_t j = 0; up && m->kind != FAULT_JVP_IGNORES_UP && j < N_P; j++) {
            ju[i] += dp[i + N_Y * j] * up[j];
        }
    }
    if (m->kind == FAULT_JVP || (m->kind == FAULT_JVP_WITHOUT_UP && !up)) {
        ju[m->index] *= m->factor;
    }
    if (m->jvp_nan) {
        ju[m->index] = (double)INFINITY;
    }
    return m->jvp_answer;
}

static int jac(double t, const double *y, const double *p, double *out, void *work, void *ctx) {
    const model *m = ctx;
    check_call(y, p, work, ctx);
    double dy[N_Y * N_Y];
    double dp[N_Y * N_P];
    derivatives(t, y, p, dy, dp);
    for (size_t k = 0; k < N_Y * N_Y; k++) {
        if (m->kind == FAULT_JAC_ENTRY_NOT_WRITTEN && k == m->index) {
            continue;
        }
        out[k] = m->kind == FAULT_JAC_TRANSPOSED ? dy[k / N_Y + N_Y * (k % N_Y)] : dy[k];
    }
    if (m->kind == FAULT_JAC) {
        out[m->index] = dy[m->index] * m->factor + (dy[m->index] == 0 ? m->factor - 1 : 0);
    }
    if (m->jac_nan) {
        out[m->index] = (double)NAN;
    }
    return m->jac_answer;
}

const double y_centre[N_Y] = {0.5, -0.3, 0.8};
const double p_centre[N_P] = {1.5, -0.7, 0.4, 2};

costate_rhs rhs_of(model *m) {
    return (costate_rhs){
        .n_y = N_Y, .n_p = N_P, .work_bytes = WORK_BYTES, .ctx = m, .f = f, .vjp = vjp, .jvp = jvp, .jac = jac};
}
