/* SPDX-License-Identifier: MIT */
/* What a finished fit hands to the report and the files. */
#include "fit_result.h"

#include "complain.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

void fit_result_describe(fit_result *result, const costate_net *net) {
    char *text = result->network;
    const size_t size = sizeof(result->network);
    const size_t n_layer = costate_net_n_layer(net);
    costate_layer_spec layer = {0};
    int used = snprintf(text, size, "%zu", costate_net_n_in(net));
    const char *act = "";
    for (size_t l = 0; l < n_layer && costate_net_layer(net, l, &layer) == COSTATE_OK; l++) {
        used += snprintf(text + used, size - (size_t)used, "-%zu", layer.n_out);
        act = l == 0 ? costate_act_name(layer.act) : act;
    }
    snprintf(text + used, size - (size_t)used, " %s", act);
    result->n_p = costate_net_n_param(net);
    result->isa = costate_net_isa(net);
}

/* Relative to the largest datum: good enough also for data that hardly change, where a constant is as good. */
static const double GOOD_ERROR = 1e-3;

bool fit_result_check(const fit_result *result) {
    const curves *c = &result->curves;
    if (!isfinite(result->loss) || !curves_all_finite(c)) {
        complain("the fit failed: it is not finite");
        return false;
    }
    const double error = curves_rmse(c, c->n_state);
    const double constant = curves_rmse_of_constant(c, c->n_state);
    if (!(error < constant) && !(error <= GOOD_ERROR * curves_largest_datum(c))) {
        complain("the fit failed: its error of %.4g is no better than the %.4g of a constant", error, constant);
        return false;
    }
    return true;
}

static void print_solver(const fit_result *result) {
    const costate_solve_counts *forward = &result->counts.forward;
    printf("solver    %s, rtol %g", costate_method_name(result->solver), result->rtol);
    if (result->solver == COSTATE_METHOD_AUTO) {
        printf(", %zu of %zu steps implicit, %zu changes", forward->n_implicit, forward->n_step, forward->n_switch);
    }
    printf("\n");
}

static void print_solves(const char *direction, const costate_solve_counts *counts) {
    printf("%s %zu steps, %zu rhs, %zu + %zu VJPs, %zu Jacobians, %zu factorisations, %zu + %zu steps rejected, "
           "%.2f s\n",
           direction, counts->n_step, counts->n_f, counts->n_vjp_y, counts->n_vjp_p, counts->n_jac, counts->n_setup,
           counts->n_error_fail, counts->n_nonlin_fail, counts->seconds);
}

void fit_result_print(const fit_result *result) {
    const curves *c = &result->curves;
    printf("network   %s, %zu parameters, %s kernels\n", result->network, result->n_p, costate_isa_name(result->isa));
    printf("fit       %zu iterations (%s), %zu gradients, %zu failed, %.2f s\n", result->n_iteration,
           costate_stop_text(result->stop), result->counts.n_gradient, result->counts.n_fail, result->seconds);
    print_solver(result);
    print_solves("forward  ", &result->counts.forward);
    print_solves("backward ", &result->counts.backward);
    printf("loss      %.6g\n", result->loss);
    for (size_t j = 0; j < c->n_state; j++) {
        printf("RMSE      %.4g of %s (a constant: %.4g)\n", curves_rmse(c, j), result->names[j + 1],
               curves_rmse_of_constant(c, j));
    }
}
