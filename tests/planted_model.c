/* SPDX-License-Identifier: MIT */
/* A right-hand side with all derivatives, one of which can be made wrong, not finite, or to answer RETRY or FAIL. */
#include "planted_model.h"

#include "support/asserts.h"

#include <math.h>
#include <string.h>

#define WORK_BYTES 40
#define KEPT_BYTES sizeof(kept_derivatives)
#define LANES_WORK_BYTES 72

typedef struct kept_derivatives {
    double dy[N_Y * N_Y];
    double dp[N_Y * N_P];
} kept_derivatives;

static void check_call(const double *y, const double *p, const void *work, void *ctx) {
    assert_non_null(y);
    assert_non_null(p);
    assert_non_null(work);
    assert_int_equal((uintptr_t)work % 64, 0);
    ((model *)ctx)->n_call++;
}

static void right_f(double t, const double *y, const double *p, double *dydt) {
    dydt[0] = p[0] * y[0] * y[1] + p[1] * sin(t);
    dydt[1] = tanh(p[2] * y[2]) - y[0] * y[0];
    dydt[2] = p[3] * exp(-y[1] * y[1]) + p[1] * y[0] * y[2];
}

static int f(double t, const double *y, const double *p, double *dydt, void *work, void *ctx) {
    const model *m = ctx;
    check_call(y, p, work, ctx);
    memset(work, 0, WORK_BYTES);
    right_f(t, y, p, dydt);
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

/* Both products with given derivatives. */
static void right_vjp(const kept_derivatives *d, const double *v, double scale, double *ybar, double *pbar) {
    for (size_t j = 0; ybar && j < N_Y; j++) {
        ybar[j] = 0;
        for (size_t i = 0; i < N_Y; i++) {
            ybar[j] += v[i] * d->dy[i + N_Y * j];
        }
    }
    for (size_t j = 0; pbar && j < N_P; j++) {
        double sum = 0;
        for (size_t i = 0; i < N_Y; i++) {
            sum += v[i] * d->dp[i + N_Y * j];
        }
        pbar[j] += scale * sum;
    }
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

static int f_keep(double t, const double *y, const double *p, double *dydt, void *kept, void *work, void *ctx) {
    const model *m = ctx;
    check_call(y, p, work, ctx);
    assert_non_null(kept);
    assert_int_equal((uintptr_t)kept % 64, 0);
    kept_derivatives *d = kept;
    right_f(t, y, p, dydt);
    if (m->kind != FAULT_KEPT_IN_WORK) {
        derivatives(t, y, p, d->dy, d->dp);
    }
    if (m->kind == FAULT_F_KEEP) {
        dydt[m->index] *= m->factor;
    } else if (m->kind == FAULT_F_KEEP_LAST_BIT) {
        dydt[m->index] = nextafter(dydt[m->index], 1e9);
    }
    if (m->f_keep_nan) {
        dydt[m->index] = (double)NAN;
    }
    return m->f_keep_answer;
}

static int vjp_kept(double t, const double *y, const double *p, const double *v, double scale, double *ybar,
                    double *pbar, const void *kept, void *work, void *ctx) {
    const model *m = ctx;
    (void)t;
    check_call(y, p, work, ctx);
    right_vjp(kept, v, scale, ybar, pbar);
    if (ybar && m->kind == FAULT_KEPT_YBAR) {
        ybar[m->index] *= m->factor;
    } else if (ybar && m->kind == FAULT_KEPT_YBAR_LAST_BIT) {
        ybar[m->index] = nextafter(ybar[m->index], 1e9);
    }
    if (pbar && (m->kind == FAULT_KEPT_PBAR || (m->kind == FAULT_KEPT_PBAR_WITHOUT_YBAR && !ybar))) {
        pbar[m->index] *= m->factor;
    }
    if (m->vjp_kept_nan && ybar) {
        ybar[m->index] = (double)NAN;
    }
    return m->vjp_kept_answer;
}

static void check_lanes_call(const double *t, const double *y, const double *p, const void *work, void *ctx) {
    const void *const arrays[] = {t, y, p, work};
    for (size_t k = 0; k < sizeof arrays / sizeof *arrays; k++) {
        assert_non_null(arrays[k]);
        assert_int_equal((uintptr_t)arrays[k] % 64, 0);
    }
    ((model *)ctx)->n_call++;
}

/* One lane's state and parameters. */
static void gather(const double *from, size_t lane, size_t n, double *to) {
    for (size_t i = 0; i < n; i++) {
        to[i] = from[i * COSTATE_LANES + lane];
    }
}

static int f_lanes(const double *t, const double *y, const double *p, double *dydt, void *work, void *ctx) {
    const model *m = ctx;
    check_lanes_call(t, y, p, work, ctx);
    memset(work, 0, LANES_WORK_BYTES);
    for (size_t lane = 0; lane < COSTATE_LANES; lane++) {
        double y_one[N_Y];
        double p_one[N_P];
        double out[N_Y];
        gather(y, lane, N_Y, y_one);
        gather(p, m->kind == FAULT_F_LANES_PARAMETERS ? 0 : lane, N_P, p_one);
        right_f(t[m->kind == FAULT_F_LANES_TIME ? 0 : lane], y_one, p_one, out);
        for (size_t i = 0; i < N_Y; i++) {
            dydt[i * COSTATE_LANES + lane] = out[i];
        }
    }
    if (m->kind == FAULT_F_LANES) {
        dydt[m->index] *= m->factor;
    }
    if (m->f_lanes_nan) {
        dydt[m->index] = (double)NAN;
    }
    return m->f_lanes_answer;
}

static int vjp_lanes(const double *t, const double *y, const double *p, const double *v, double *ybar, double *pbar,
                     void *work, void *ctx) {
    const model *m = ctx;
    check_lanes_call(t, y, p, work, ctx);
    bool ybar_wrong = m->kind == FAULT_LANES_YBAR || (m->kind == FAULT_LANES_YBAR_WITHOUT_PBAR && !pbar);
    for (size_t lane = 0; lane < COSTATE_LANES; lane++) {
        double y_one[N_Y];
        double p_one[N_P];
        double v_one[N_Y];
        double ybar_one[N_Y];
        double pbar_one[N_P] = {0};
        kept_derivatives d;
        gather(y, lane, N_Y, y_one);
        gather(p, lane, N_P, p_one);
        gather(v, lane, N_Y, v_one);
        derivatives(t[lane], y_one, p_one, d.dy, d.dp);
        right_vjp(&d, v_one, 1, ybar_one, pbar_one);
        for (size_t i = 0; i < N_Y; i++) {
            size_t at = i * COSTATE_LANES + lane;
            double value = ybar_wrong && at == m->index ? m->factor * ybar_one[i] : ybar_one[i];
            ybar[at] = m->kind == FAULT_LANES_YBAR_ACCUMULATED && at == m->index ? ybar[at] + value : value;
        }
        for (size_t j = 0; pbar && j < N_P; j++) {
            size_t at = j * COSTATE_LANES + lane;
            double value = m->kind == FAULT_LANES_PBAR && at == m->index ? m->factor * pbar_one[j] : pbar_one[j];
            pbar[at] = m->kind == FAULT_LANES_PBAR_OVERWRITTEN && at == m->index ? value : pbar[at] + value;
        }
    }
    if (m->vjp_lanes_nan) {
        ybar[m->index] = (double)NAN;
    }
    return m->vjp_lanes_answer;
}

const double y_centre[N_Y] = {0.5, -0.3, 0.8};
const double p_centre[N_P] = {1.5, -0.7, 0.4, 2};

costate_rhs rhs_of(model *m) {
    return (costate_rhs){.n_y = N_Y,
                         .n_p = N_P,
                         .work_bytes = WORK_BYTES,
                         .ctx = m,
                         .f = f,
                         .vjp = vjp,
                         .jvp = jvp,
                         .jac = jac,
                         .kept_bytes = KEPT_BYTES,
                         .f_keep = f_keep,
                         .vjp_kept = vjp_kept,
                         .lanes_work_bytes = LANES_WORK_BYTES,
                         .f_lanes = f_lanes,
                         .vjp_lanes = vjp_lanes};
}
