/* SPDX-License-Identifier: MIT */
/* The trajectories of a call one by one, and the record of those that failed. */
#ifndef CSI_TRAJECTORY_SET_H
#define CSI_TRAJECTORY_SET_H

#include "ode/detail.h"
#include "ode/solve_arguments.h"

#include <costate/ensemble.h>
#include <stdbool.h>
#include <stddef.h>

/* The caller's trajectories with the sizes of their right-hand side. */
typedef struct csi_trajectory_set {
    costate_trajectories all;
    size_t n_y;
    size_t n_p;
} csi_trajectory_set;

/* Checks what does not belong to a single trajectory. */
costate_status csi_trajectory_set_check(const csi_trajectory_set *set, csi_detail *detail);

/* Arguments of the solve of trajectory j. */
csi_solve_arguments csi_trajectory_arguments(const csi_trajectory_set *set, size_t j);

/* Row of its first time, in y and in v. */
size_t csi_trajectory_row(const csi_trajectory_set *set, size_t j);

/* Rows of all trajectories together. */
size_t csi_trajectory_set_rows(const csi_trajectory_set *set);

/* The failure of the lowest trajectory among those noted. */
typedef struct csi_first_failure {
    costate_status status; /* COSTATE_OK if there is none */
    size_t trajectory;
    csi_detail detail;
} csi_first_failure;

/* `text` says what happened to trajectory j; the number is put before it. */
void csi_note_failure(csi_first_failure *failure, size_t j, costate_status status, const char *text);

#endif
