/* SPDX-License-Identifier: MIT */
/* What a training plan means for a fit. */
#ifndef CSI_TRAIN_INTERNAL_H
#define CSI_TRAIN_INTERNAL_H

#include <costate/train.h>
#include <stdbool.h>
#include <stddef.h>

/* True if every member is within its documented range and there is room for all runs. */
bool csi_train_plan_valid(const costate_train_plan *plan, size_t n_y);

/* The times at which the plan's horizons end, into n_horizon elements: each lets in an equal share of the observation
 * times. COSTATE_OK or COSTATE_ERR_MEMORY. */
costate_status csi_train_horizons(const costate_fit *fit, size_t n_horizon, const costate_allocator *alloc,
                                  double *t_end);

/* The unit of the gaps of each state, into n_y elements. */
void csi_train_shooting_scale(const costate_fit *fit, const costate_train_plan *plan, double *scale);

/* Weight of the gaps in step k. */
double csi_train_shooting_weight(const costate_train_plan *plan, size_t k);

/* True if a series with data is held out. */
bool csi_train_has_validation(const costate_fit *fit);

#endif
