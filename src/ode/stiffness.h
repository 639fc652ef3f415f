/* SPDX-License-Identifier: MIT */
/* When `auto` changes between explicit and implicit steps. */
#ifndef CSI_STIFFNESS_H
#define CSI_STIFFNESS_H

#include "ode/step_history.h"

typedef struct csi_stiffness {
    int n_for; /* evidence for a change */
    int n_against;
} csi_stiffness;

void csi_stiffness_begin(csi_stiffness *stiffness);

/* After an accepted explicit step: true if it is time to go on implicitly. `stage` is the state of the stage before the
 * last, whose c is 1 too; the tolerances weigh the states. */
bool csi_stiffness_appears(csi_stiffness *stiffness, const csi_step_record *record, size_t n, double rtol,
                           const double *atol, const double *stage, const double *y_end);

/* After an accepted implicit step: true if it is time to go on explicitly. `jac` is the Jacobian at its start. */
bool csi_stiffness_is_over(csi_stiffness *stiffness, const csi_step_record *record, size_t n, const double *jac);

#endif
