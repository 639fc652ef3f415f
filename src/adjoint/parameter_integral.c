/* SPDX-License-Identifier: MIT */
/* The parameter integral of the adjoint: Gauss quadrature over backward steps, accumulated by the fused VJP. */
#include "adjoint/parameter_integral.h"

#include "adjoint/adjoint_internal.h"
#include "adjoint/gauss_legendre.h"
#include "ode/polynomial.h"

#include <math.h>
#include <string.h>

/* The integrand may vary this much faster than the solution whose local error chose the step. */
#define ROUGHNESS 2.0
/* The quadrature's error, as a fraction of the local error. */
#define FRACTION 1e-2
/* Steps whose lengths differ by more than this factor are not spanned by one rule: the time scale is changing. */
#define LENGTH_RATIO_MAX 1.25

void csi_parameter_integral_begin(costate_adjoint *adjoint) {
    csi_parameter_integral *integral = &adjoint->integral;
    for (int order = 1; order <= CSI_ORDER_MAX; order++) {
        integral->relative_step[order] = ROUGHNESS * pow(adjoint->rtol, 1.0 / (order + 1));
    }
    integral->tolerance = FRACTION * adjoint->rtol;
    integral->n_part = 0;
}

/* Fewest nodes whose error over an extent that is n_step steps is small enough: equation 9 of doc/math.md. */
static int node_count(const costate_adjoint *adjoint, double extent, double n_step) {
    if (adjoint->options.quad_nodes > 0) {
        return adjoint->options.quad_nodes;
    }
    double power = extent * extent * extent;
    int n_node = 1;
    while (n_node < CSI_GAUSS_MAX && csi_gauss_error_constant(n_node) * power > adjoint->integral.tolerance * n_step) {
        power *= extent * extent;
        n_node++;
    }
    return n_node;
}

costate_status csi_adjoint_answer(costate_adjoint *adjoint, int answer, const char *callback, double t) {
    if (answer == 0) {
        return COSTATE_OK;
    }
    const costate_status status = answer < 0 ? COSTATE_ERR_RHS_FAIL : COSTATE_ERR_RHS_RETRY;
    return csi_fail(&adjoint->detail, status, "%s answered %d at t = %.17g, where no step can be cut", callback, answer,
                    t);
}

static double *coef_of(const costate_adjoint *adjoint, int part) {
    return adjoint->integral.coef + (size_t)part * (CSI_ORDER_MAX + 1) * adjoint->calls.rhs.n_y;
}

static costate_status add_node(costate_adjoint *adjoint, int part, double t, double scale) {
    const csi_step *step = &adjoint->integral.part[part].step;
    const size_t n = adjoint->calls.rhs.n_y;
    csi_polynomial_eval(coef_of(adjoint, part), step->order, n, (t - step->t_end) / step->h, adjoint->lam);
    csi_history_eval(&adjoint->solver->history, &adjoint->cursor, t, adjoint->y);
    const int answer = csi_call_vjp(&adjoint->calls, t, adjoint->y, adjoint->lam, scale, NULL, adjoint->pbar);
    return csi_adjoint_answer(adjoint, answer, "vjp", t);
}

costate_status csi_parameter_integral_flush(costate_adjoint *adjoint) {
    csi_parameter_integral *integral = &adjoint->integral;
    if (integral->n_part == 0) {
        return COSTATE_OK;
    }
    const int last = integral->n_part - 1;
    const double t_from = integral->part[0].t_from;
    const double half = 0.5 * (integral->part[last].t_to - t_from);
    const int n_node = node_count(adjoint, integral->extent, integral->n_step);
    const double *node = csi_gauss_nodes(n_node);
    const double *weight = csi_gauss_weights(n_node);
    costate_status status = COSTATE_OK;
    int part = 0;
    for (int j = 0; j < n_node && status == COSTATE_OK; j++) {
        const double t = t_from + half * (1.0 + node[j]);
        while (part < last && (t - integral->part[part].t_to) * half > 0.0) {
            part++;
        }
        /* The steps run against the integral. */
        status = add_node(adjoint, part, t, -half * weight[j]);
    }
    integral->n_part = 0;
    return status;
}

/* True if one rule over the waiting parts and this one needs fewer nodes than two. */
static bool joins(const costate_adjoint *adjoint, const csi_part *part, double extent, double n_step) {
    const csi_parameter_integral *integral = &adjoint->integral;
    if (integral->n_part == 0 || integral->n_part == CSI_PART_MAX || adjoint->options.quad_nodes > 0) {
        return false;
    }
    const csi_part *before = &integral->part[integral->n_part - 1];
    const double ratio = part->step.h / before->step.h;
    if (part->t_from != before->t_to || !(ratio <= LENGTH_RATIO_MAX && ratio >= 1.0 / LENGTH_RATIO_MAX)) {
        return false;
    }
    const int n_joint = node_count(adjoint, integral->extent + extent, integral->n_step + n_step);
    const int n_apart = node_count(adjoint, integral->extent, integral->n_step) + node_count(adjoint, extent, n_step);
    return n_joint < n_apart && n_joint < CSI_GAUSS_MAX;
}

costate_status csi_parameter_integral_add(costate_adjoint *adjoint, const csi_part *part, const double *coef) {
    csi_parameter_integral *integral = &adjoint->integral;
    if (part->t_from == part->t_to) {
        return COSTATE_OK;
    }
    const double n_step = fabs((part->t_to - part->t_from) / part->step.h);
    const double extent = n_step * integral->relative_step[part->step.order];
    costate_status status = COSTATE_OK;
    if (!joins(adjoint, part, extent, n_step)) {
        status = csi_parameter_integral_flush(adjoint);
        integral->extent = 0.0;
        integral->n_step = 0.0;
    }
    integral->extent += extent;
    integral->n_step += n_step;
    const size_t n_coef = ((size_t)part->step.order + 1) * adjoint->calls.rhs.n_y;
    memcpy(coef_of(adjoint, integral->n_part), coef, n_coef * sizeof *coef);
    integral->part[integral->n_part++] = *part;
    return status;
}
