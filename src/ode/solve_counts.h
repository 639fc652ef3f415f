/* SPDX-License-Identifier: MIT */
/* Sums of what solves cost. */
#ifndef CSI_SOLVE_COUNTS_H
#define CSI_SOLVE_COUNTS_H

#include <costate/solver.h>

/* Adds every sum, and takes over the last order, step and time. The seconds are left alone: parts may run side by side. */
void csi_solve_counts_add(costate_solve_counts *total, const costate_solve_counts *part);

#endif
