/* SPDX-License-Identifier: MIT */
/* Checks that every solver makes of its right-hand side and options. */
#ifndef CSI_SOLVER_OPTIONS_H
#define CSI_SOLVER_OPTIONS_H

#include "ode/integrator.h"

#include <costate/solver.h>
#include <stdbool.h>

/* COSTATE_OK or what costate_solver_create() documents. */
costate_status csi_solver_options_check(const costate_rhs *rhs, const costate_solver_options *options);

/* True for the methods that are not CVODE's. */
bool csi_method_is_one_step(costate_method method);

/* The method itself if it is CVODE's, else the one of CVODE for the same kind of problem. */
costate_method csi_method_of_cvode(costate_method method);

/* True if the tolerances are in range; atol_state may be NULL. */
bool csi_tolerances_valid(double rtol, double atol, const double *atol_state, size_t n);

/* Absolute tolerance per state: atol_state, or atol for all. */
void csi_tolerances_spread(double atol, const double *atol_state, size_t n, double *per_state);

/* The part of the options that an integrator needs. */
csi_integrator_setup csi_integrator_setup_from(const costate_solver_options *options, costate_solve_counts *counts,
                                               csi_detail *detail);

#endif
