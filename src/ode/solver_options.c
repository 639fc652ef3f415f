/* SPDX-License-Identifier: MIT */
/* Methods by name, default options, and the checks that every solver makes. */
#include "ode/solver_options.h"

#include <math.h>
#include <string.h>

static const char *const method_names[] = {
#define METHOD_NAME(enumerator, name) [COSTATE_METHOD_##enumerator] = (name),
    COSTATE_METHOD_LIST(METHOD_NAME)
#undef METHOD_NAME
};

#define N_METHOD (sizeof method_names / sizeof method_names[0])

static bool method_is_known(costate_method method) { return (size_t)method < N_METHOD; }

const char *costate_method_name(costate_method method) {
    return method_is_known(method) ? method_names[method] : "unknown";
}

costate_status costate_method_from_name(const char *name, costate_method *method) {
    if (name == NULL || method == NULL) {
        return COSTATE_ERR_NULL;
    }
    for (size_t i = 0; i < N_METHOD; i++) {
        if (strcmp(name, method_names[i]) == 0) {
            *method = (costate_method)i;
            return COSTATE_OK;
        }
    }
    return COSTATE_ERR_ARGUMENT;
}

bool csi_method_is_one_step(costate_method method) {
    return method != COSTATE_METHOD_ADAMS && method != COSTATE_METHOD_BDF;
}

costate_method csi_method_of_cvode(costate_method method) {
    if (!csi_method_is_one_step(method)) {
        return method;
    }
    const bool explicit = method == COSTATE_METHOD_TSIT5 || method == COSTATE_METHOD_DOP853;
    return explicit ? COSTATE_METHOD_ADAMS : COSTATE_METHOD_BDF;
}

costate_solver_options costate_solver_options_default(void) {
    return (costate_solver_options){
        .method = COSTATE_METHOD_TSIT5, .rtol = 1e-6, .atol = 1e-8, .max_steps = 100000, .record = true};
}

static bool in_range(double value) { return value >= 0.0 && isfinite(value); }

bool csi_tolerances_valid(double rtol, double atol, const double *atol_state, size_t n) {
    bool valid = rtol > 0.0 && isfinite(rtol) && in_range(atol);
    for (size_t i = 0; atol_state != NULL && i < n; i++) {
        valid = valid && in_range(atol_state[i]);
    }
    return valid;
}

void csi_tolerances_spread(double atol, const double *atol_state, size_t n, double *per_state) {
    for (size_t i = 0; i < n; i++) {
        per_state[i] = atol_state != NULL ? atol_state[i] : atol;
    }
}

static bool steps_valid(const costate_solver_options *options) {
    const double h_min = options->h_min;
    const double h_max = options->h_max;
    return options->max_steps >= 1 && in_range(options->h_init) && in_range(h_min) && in_range(h_max) &&
           (h_max == 0.0 || h_min <= h_max);
}

static bool order_valid(const costate_solver_options *options) {
    const int largest = options->method == COSTATE_METHOD_BDF ? 5 : options->method == COSTATE_METHOD_ADAMS ? 12 : 0;
    return options->max_order >= 0 && options->max_order <= largest;
}

costate_status csi_solver_options_check(const costate_rhs *rhs, const costate_solver_options *options) {
    if (rhs == NULL || rhs->f == NULL) {
        return COSTATE_ERR_NULL;
    }
    const bool valid = rhs->n_y > 0 && method_is_known(options->method) && order_valid(options) &&
                       steps_valid(options) &&
                       csi_tolerances_valid(options->rtol, options->atol, options->atol_state, rhs->n_y);
    if (!valid) {
        return COSTATE_ERR_ARGUMENT;
    }
    const bool differentiable = rhs->jac != NULL || rhs->jvp != NULL || rhs->vjp != NULL;
    const bool explicit = options->method == COSTATE_METHOD_ADAMS || options->method == COSTATE_METHOD_TSIT5 ||
                          options->method == COSTATE_METHOD_DOP853;
    return !explicit && !differentiable ? COSTATE_ERR_UNSUPPORTED : COSTATE_OK;
}

csi_integrator_setup csi_integrator_setup_from(const costate_solver_options *options, costate_solve_counts *counts,
                                               csi_detail *detail) {
    return (csi_integrator_setup){.method = options->method,
                                  .max_order = options->max_order,
                                  .h_min = options->h_min,
                                  .h_max = options->h_max,
                                  .max_steps = options->max_steps,
                                  .interrupt = options->interrupt,
                                  .interrupt_ctx = options->interrupt_ctx,
                                  .counts = counts,
                                  .detail = detail};
}
