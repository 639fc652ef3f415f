/* SPDX-License-Identifier: MIT */
/* One step of tsit5 or dop853. */
#ifndef CSI_EXPLICIT_STEP_H
#define CSI_EXPLICIT_STEP_H

#include "ode/rhs_calls.h"
#include "ode/step_history.h"

/* Given the record's tableau, times, h, y and k[0]: writes the slopes from k[1] to the last stage's, `kept` if there is
 * room for it, the state of the stage before the last to `stage` (n) and that at the end to `y_end`. The same input gives
 * the same bits. Returns an outcome (stage.h). */
int csi_explicit_step(csi_rhs_calls *calls, csi_step_record *record, size_t kept_stride, double *stage, double *y_end);

/* Adds to a step just made, or to a recorded one, the slopes that its dense output needs beside those of its stages, and
 * sets has_extra. */
int csi_explicit_extra(csi_rhs_calls *calls, csi_step_record *record, size_t kept_stride, double *stage);

#endif
