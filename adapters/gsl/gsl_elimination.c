/* SPDX-License-Identifier: MIT */
/*
 * GSL integrates a mechanism with a network in it:
 *
 *     depot′ = −ka · depot,   central′ = ka · depot − N(central / volume, weight; w) · central
 *
 * with its Adams, BDF and Runge–Kutta 8(7) methods, and with the Jacobian from each kind of derivative. Last line:
 * "GSL agrees with costate_solve" and exit status 0; anything else is a failure.
 *
 * GSL is under the GNU General Public License, and so is a program that is linked with it and passed on.
 */
#include "costate_gsl.h"
#include "elimination_model.h"

#include <gsl/gsl_errno.h>
#include <stdio.h>

static int solve(const costate_rhs *rhs, const double *p, const gsl_odeiv2_step_type *method, double *y) {
    static const double times[] = ELIMINATION_TIMES;
    double t = 0.0, state[2] = {ELIMINATION_DOSE, 0.0};
    costate_gsl bridge;
    int status = costate_gsl_create(&bridge, rhs, p);
    if (status != GSL_SUCCESS) {
        return status;
    }
    gsl_odeiv2_driver *driver = gsl_odeiv2_driver_alloc_y_new(&bridge.system, method, 1e-6, 1e-12, 1e-12);
    if (driver == NULL) {
        costate_gsl_destroy(&bridge);
        return GSL_ENOMEM;
    }
    for (size_t i = 0; status == GSL_SUCCESS && i < ELIMINATION_N_TIME; i++) {
        status = gsl_odeiv2_driver_apply(driver, &t, times[i], state);
        y[2 * i] = state[0];
        y[2 * i + 1] = state[1];
    }
    gsl_odeiv2_driver_free(driver);
    costate_gsl_destroy(&bridge);
    return status;
}

static int compare(const char *name, const costate_rhs *rhs, const double *p, const gsl_odeiv2_step_type *method,
                   const double *reference) {
    double y[2 * ELIMINATION_N_TIME];
    const int status = solve(rhs, p, method, y);
    const double difference = status == GSL_SUCCESS ? elimination_difference(y, reference) : (double)NAN;
    printf("%-24s %.2e %s\n", name, difference, status == GSL_SUCCESS ? "" : gsl_strerror(status));
    return difference <= 1e-8 ? 0 : 1;
}

/* Column-wise derivative, from which the bridge makes a Jacobian when there is no other. */
static int jvp(double t, const double *y, const double *p, const double *u, const double *up, double *ju, void *work,
               void *ctx) {
    const costate_rhs rhs = elimination_model_rhs(ctx);
    double jac[4];
    (void)up;
    const int answer = rhs.jac(t, y, p, jac, work, ctx);
    ju[0] = jac[0] * u[0] + jac[2] * u[1];
    ju[1] = jac[1] * u[0] + jac[3] * u[1];
    return answer;
}

/* GSL's Jacobian against the model's own, element by element and in GSL's order. */
static int check_jacobian(const costate_rhs *rhs, elimination_model *model) {
    const double y[2] = {100.0, 60.0};
    double jac[4], dfdy[4], dfdt[2];
    double work[512];
    costate_gsl bridge;
    if (costate_gsl_create(&bridge, rhs, model->p) != GSL_SUCCESS) {
        return 1;
    }
    const costate_rhs own = elimination_model_rhs(model);
    int wrong = own.work_bytes > sizeof work || own.jac(1.0, y, model->p, jac, work, model) != COSTATE_ANSWER_OK ||
                bridge.system.jacobian(1.0, y, dfdy, dfdt, bridge.system.params) != GSL_SUCCESS;
    for (int i = 0; !wrong && i < 2; i++) {
        for (int j = 0; j < 2; j++) {
            wrong += !(fabs(dfdy[2 * i + j] - jac[i + 2 * j]) <= 1e-12);
        }
        wrong += !(fabs(dfdt[i]) <= 1e-12);
    }
    costate_gsl_destroy(&bridge);
    if (wrong != 0) {
        printf("the Jacobian is wrong\n");
    }
    return wrong;
}

static int refuse(double t, const double *y, const double *p, double *dydt, void *work, void *ctx) {
    (void)t, (void)y, (void)p, (void)dydt, (void)work, (void)ctx;
    return COSTATE_ANSWER_FAIL;
}

int main(void) {
    elimination_model model;
    double reference[2 * ELIMINATION_N_TIME], y[2 * ELIMINATION_N_TIME];
    if (elimination_model_create(&model) != COSTATE_OK || elimination_reference(reference) != COSTATE_OK) {
        fprintf(stderr, "costate cannot solve the problem\n");
        return 1;
    }
    gsl_set_error_handler_off();
    const costate_rhs all = elimination_model_rhs(&model);
    costate_rhs columns = all, rows = all, failing = all;
    columns.jac = NULL;
    columns.jvp = jvp;
    rows.jac = NULL;
    failing.f = refuse;
    int wrong = compare("msadams", &all, model.p, gsl_odeiv2_step_msadams, reference);
    wrong += compare("rk8pd", &all, model.p, gsl_odeiv2_step_rk8pd, reference);
    wrong += compare("msbdf, dense Jacobian", &all, model.p, gsl_odeiv2_step_msbdf, reference);
    wrong += compare("msbdf, JVPs", &columns, model.p, gsl_odeiv2_step_msbdf, reference);
    wrong += compare("msbdf, VJPs", &rows, model.p, gsl_odeiv2_step_msbdf, reference);
    wrong += compare("bsimp, VJPs", &rows, model.p, gsl_odeiv2_step_bsimp, reference);
    wrong += check_jacobian(&all, &model) + check_jacobian(&columns, &model) + check_jacobian(&rows, &model);
    if (solve(&failing, model.p, gsl_odeiv2_step_rk8pd, y) != GSL_EBADFUNC) {
        printf("a right-hand side that fails did not end the integration\n");
        wrong++;
    }
    costate_net_destroy(model.net);
    printf(wrong == 0 ? "GSL agrees with costate_solve\n" : "GSL does not agree with costate_solve\n");
    return wrong == 0 ? 0 : 1;
}
