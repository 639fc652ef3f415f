/* SPDX-License-Identifier: MIT */
/* The arguments that every solve takes, and the checks that it makes of them. */
#ifndef CSI_SOLVE_ARGUMENTS_H
#define CSI_SOLVE_ARGUMENTS_H

#include "ode/detail.h"
#include "ode/time_grid.h"

#include <costate/rhs.h>
#include <costate/status.h>
#include <stddef.h>

typedef struct csi_solve_arguments {
    const double *p;
    double t0;
    const double *y0;
    size_t n_t;
    const double *t;
} csi_solve_arguments;

/* Fills the grid; COSTATE_ERR_NULL, COSTATE_ERR_ARGUMENT or COSTATE_ERR_NONFINITE with text otherwise. */
costate_status csi_solve_arguments_check(const csi_solve_arguments *arguments, const costate_rhs *rhs,
                                         csi_time_grid *grid, csi_detail *detail);

#endif
