/* SPDX-License-Identifier: MIT */
/* Least squares of the model with first-order elimination: of all subjects together, and of each alone. */
#include "linear_fit.h"

#include <math.h>

/* ke, ka and cl are positive: their logarithms are the unknowns. */
static costate_status create_fit(const costate_rhs *rhs, const costate_series *series, size_t n_series,
                                 const double *start, costate_fit **fit) {
    const costate_estimate estimates[] = {{.part = COSTATE_FIT_PARAMETER, .transform = COSTATE_TRANSFORM_LOG}};
    const size_t dose = LINEAR_DOSE;
    const costate_initial initial = dose_in_gut(&linear_dose);
    const costate_fit_spec spec = {.rhs = rhs,
                                   .n_series = n_series,
                                   .series = series,
                                   .observable = &concentration,
                                   .initial = &initial,
                                   .p = start,
                                   .n_covariate = 1,
                                   .covariate_index = &dose,
                                   .n_estimate = 1,
                                   .estimates = estimates};
    costate_fit_options options = costate_fit_options_default();
    options.solver.rtol = 1e-9;
    options.solver.atol = 1e-10;
    return costate_fit_create(&spec, &options, NULL, fit);
}

static void standard_errors(costate_fit *fit, const double *x, double *error) {
    double covariance[LINEAR_DOSE * LINEAR_DOSE];
    const costate_status status = costate_fit_covariance(fit, x, COSTATE_INFORMATION_EXPECTED, 0.0, covariance, NULL);
    for (size_t i = 0; i < LINEAR_DOSE; i++) {
        error[i] = status == COSTATE_OK ? sqrt(covariance[i * LINEAR_DOSE + i]) : (double)NAN;
    }
}

static costate_status minimise(costate_fit *fit, linear_result *result) {
    double x[LINEAR_DOSE];
    costate_optimum optimum;
    costate_lbfgs_options options = costate_lbfgs_options_default();
    options.stop.rel_change = 1e-14;
    costate_status status = costate_fit_start(fit, x);
    if (status == COSTATE_OK) {
        status = costate_minimize_lbfgs(LINEAR_DOSE, costate_fit_objective, fit, &options, NULL, x, &optimum);
    }
    if (status != COSTATE_OK) {
        return status;
    }
    for (size_t i = 0; i < LINEAR_DOSE; i++) {
        result->theta[i] = exp(x[i]);
    }
    result->square_sum = optimum.value;
    result->n_gradient = costate_fit_get_counts(fit)->n_gradient;
    standard_errors(fit, x, result->error);
    return COSTATE_OK;
}

costate_status linear_fit(const costate_series *series, size_t n_series, const double *start, linear_result *result) {
    const costate_ude_spec spec = {.mechanism = linear_elimination};
    const double p[N_LINEAR] = {start[LINEAR_KE], start[LINEAR_KA], start[LINEAR_CL], 1.0};
    costate_ude *model = NULL;
    costate_rhs rhs;
    costate_fit *fit = NULL;
    costate_status status = costate_ude_create(&spec, NULL, &model);
    status = status ? status : costate_ude_rhs(model, &rhs);
    status = status ? status : create_fit(&rhs, series, n_series, p, &fit);
    status = status ? status : minimise(fit, result);
    costate_fit_destroy(fit);
    costate_ude_destroy(model);
    return status;
}
