/* SPDX-License-Identifier: MIT */
/* The parameter integral of the adjoint: Gauss quadrature over each accepted backward step, accumulated by the fused VJP. */
#include "adjoint/adjoint_internal.h"
#include "adjoint/gauss_legendre.h"
#include "ode/polynomial.h"

/* Gauss quadrature with m nodes errs by h^(2m+1), a step of order q by h^(q+1): equation 9 of doc/math.md. At order 2 the
 * error constants of one node and of the step are alike, hence two nodes. */
static int node_count(const costate_adjoint *adjoint, const csi_step *step) {
    if (adjoint->options.quad_nodes > 0) {
        return adjoint->options.quad_nodes;
    }
    return step->order <= 2 ? step->order : (step->order + 1) / 2;
}

costate_status csi_adjoint_answer(costate_adjoint *adjoint, int answer, const char *callback, double t) {
    if (answer == 0) {
        return COSTATE_OK;
    }
    const costate_status status = answer < 0 ? COSTATE_ERR_RHS_FAIL : COSTATE_ERR_RHS_RETRY;
    return csi_fail(&adjoint->detail, status, "%s answered %d at t = %.17g, where no step can be cut", callback, answer,
                    t);
}

costate_status csi_adjoint_integrate_parameters(costate_adjoint *adjoint, const csi_step *step) {
    costate_status status = csi_integrator_interpolant(adjoint->integrator, step, adjoint->coef);
    const size_t n = adjoint->calls.rhs.n_y;
    const int n_node = node_count(adjoint, step);
    const double *node = csi_gauss_nodes(n_node);
    const double *weight = csi_gauss_weights(n_node);
    /* Against the step's direction, as y is. */
    for (int j = n_node - 1; j >= 0 && status == COSTATE_OK; j--) {
        const double s = 0.5 * (node[n_node - 1 - j] - 1.0);
        const double t = step->t_end + s * step->h;
        csi_polynomial_eval(adjoint->coef, step->order, n, s, adjoint->lam);
        csi_history_eval(&adjoint->solver->history, &adjoint->cursor, t, adjoint->y);
        const double scale = -0.5 * step->h * weight[j];
        const int answer = csi_call_vjp(&adjoint->calls, t, adjoint->y, adjoint->lam, scale, NULL, adjoint->pbar);
        status = csi_adjoint_answer(adjoint, answer, "vjp", t);
    }
    return status;
}
