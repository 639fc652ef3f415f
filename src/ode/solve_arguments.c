/* SPDX-License-Identifier: MIT */
/* The arguments that every solve takes, and the checks that it makes of them. */
#include "ode/solve_arguments.h"

#include "core/finite.h"

costate_status csi_solve_arguments_check(const csi_solve_arguments *arguments, const costate_rhs *rhs,
                                         csi_time_grid *grid, csi_detail *detail) {
    const char *missing = arguments->y0 == NULL                  ? "y0"
                          : arguments->t == NULL                 ? "t"
                          : arguments->p == NULL && rhs->n_p > 0 ? "p"
                                                                 : NULL;
    if (missing != NULL) {
        return csi_fail(detail, COSTATE_ERR_NULL, "%s is NULL", missing);
    }
    const costate_status status = csi_time_grid_init(grid, arguments->t0, arguments->n_t, arguments->t, detail);
    if (status != COSTATE_OK) {
        return status;
    }
    const size_t bad_y0 = csi_first_nonfinite(arguments->y0, rhs->n_y);
    if (bad_y0 < rhs->n_y) {
        return csi_fail(detail, COSTATE_ERR_NONFINITE, "y0[%zu] = %g is not finite", bad_y0, arguments->y0[bad_y0]);
    }
    const size_t bad_p = csi_first_nonfinite(arguments->p, rhs->n_p);
    if (bad_p < rhs->n_p) {
        return csi_fail(detail, COSTATE_ERR_NONFINITE, "p[%zu] = %g is not finite", bad_p, arguments->p[bad_p]);
    }
    return COSTATE_OK;
}
