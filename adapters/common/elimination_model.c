/* SPDX-License-Identifier: MIT */
/* The shared problem as a right-hand side of the library, and its solution by costate_solve(). */
#include "elimination_model.h"

#include <math.h>

costate_status elimination_model_create(elimination_model *model) {
    static const costate_layer_spec layers[] = {{ELIMINATION_N_HIDDEN, COSTATE_ACT_TANH, false},
                                                {1, COSTATE_ACT_SOFTPLUS, false}};
    static const double in_scale[] = ELIMINATION_IN_SCALE, in_shift[] = ELIMINATION_IN_SHIFT;
    const costate_net_spec spec = {
        .n_in = 2, .n_layer = 2, .layers = layers, .in_scale = in_scale, .in_shift = in_shift};
    for (int k = 0; k < ELIMINATION_N_PARAM; k++) {
        model->p[k] = elimination_param(k);
    }
    return costate_net_create(&spec, NULL, &model->net);
}

static int rhs_f(double t, const double *y, const double *p, double *dydt, void *work, void *ctx) {
    (void)t;
    const costate_net *net = ((const elimination_model *)ctx)->net;
    const double x[2] = {y[1] / ELIMINATION_VOLUME, ELIMINATION_WEIGHT};
    double rate;
    if (costate_net_forward_f64(net, p, x, &rate, work, costate_net_work_bytes_f64(net)) != COSTATE_OK) {
        return COSTATE_ANSWER_FAIL;
    }
    dydt[0] = -ELIMINATION_KA * y[0];
    dydt[1] = ELIMINATION_KA * y[0] - rate * y[1];
    return COSTATE_ANSWER_OK;
}

static int rhs_vjp(double t, const double *y, const double *p, const double *v, double scale, double *ybar,
                   double *pbar, void *work, void *ctx) {
    (void)t;
    const costate_net *net = ((const elimination_model *)ctx)->net;
    const size_t bytes = costate_net_work_bytes_f64(net);
    const double x[2] = {y[1] / ELIMINATION_VOLUME, ELIMINATION_WEIGHT}, rate_bar = -v[1] * y[1];
    double rate, x_bar[2];
    if (costate_net_forward_f64(net, p, x, &rate, work, bytes) != COSTATE_OK ||
        costate_net_vjp_f64(net, p, x, &rate_bar, scale, x_bar, pbar, work, bytes) != COSTATE_OK) {
        return COSTATE_ANSWER_FAIL;
    }
    if (ybar != NULL) {
        ybar[0] = ELIMINATION_KA * (v[1] - v[0]);
        ybar[1] = x_bar[0] / ELIMINATION_VOLUME - v[1] * rate;
    }
    return COSTATE_ANSWER_OK;
}

static int rhs_jac(double t, const double *y, const double *p, double *jac, void *work, void *ctx) {
    (void)t;
    const costate_net *net = ((const elimination_model *)ctx)->net;
    const double x[2] = {y[1] / ELIMINATION_VOLUME, ELIMINATION_WEIGHT};
    double rate, slope[2];
    if (costate_net_jacobian_f64(net, p, x, &rate, slope, work, costate_net_work_bytes_f64(net)) != COSTATE_OK) {
        return COSTATE_ANSWER_FAIL;
    }
    jac[0] = -ELIMINATION_KA;
    jac[1] = ELIMINATION_KA;
    jac[2] = 0.0;
    jac[3] = -rate - slope[0] / ELIMINATION_VOLUME * y[1];
    return COSTATE_ANSWER_OK;
}

costate_rhs elimination_model_rhs(elimination_model *model) {
    return (costate_rhs){.n_y = 2,
                         .n_p = ELIMINATION_N_PARAM,
                         .work_bytes = costate_net_work_bytes_f64(model->net),
                         .ctx = model,
                         .f = rhs_f,
                         .vjp = rhs_vjp,
                         .jac = rhs_jac};
}

costate_status elimination_reference(double *y) {
    static const double y0[] = {ELIMINATION_DOSE, 0.0}, times[] = ELIMINATION_TIMES;
    elimination_model model;
    costate_status status = elimination_model_create(&model);
    if (status != COSTATE_OK) {
        return status;
    }
    costate_solver_options options = costate_solver_options_default();
    options.method = COSTATE_METHOD_DOP853;
    options.rtol = 1e-12;
    options.atol = 1e-12;
    options.record = false;
    const costate_rhs rhs = elimination_model_rhs(&model);
    costate_solver *solver = NULL;
    status = costate_solver_create(&rhs, &options, NULL, &solver);
    if (status == COSTATE_OK) {
        status = costate_solve(solver, model.p, 0.0, y0, ELIMINATION_N_TIME, times, y);
    }
    costate_solver_destroy(solver);
    costate_net_destroy(model.net);
    return status;
}

double elimination_reference_rate(double concentration, double weight) {
    elimination_model model;
    double rate = (double)NAN;
    if (elimination_model_create(&model) != COSTATE_OK) {
        return rate;
    }
    const double x[2] = {concentration, weight};
    double work[512];
    if (costate_net_forward_f64(model.net, model.p, x, &rate, work, sizeof work) != COSTATE_OK) {
        rate = (double)NAN;
    }
    costate_net_destroy(model.net);
    return rate;
}

double elimination_difference(const double *y, const double *reference) {
    double worst = 0.0;
    for (int i = 0; i < 2 * ELIMINATION_N_TIME; i++) {
        const double difference = fabs(y[i] - reference[i]) / fmax(1.0, fabs(reference[i]));
        if (!(difference <= worst)) {
            worst = difference;
        }
        if (isnan(worst)) {
            return worst;
        }
    }
    return worst;
}
