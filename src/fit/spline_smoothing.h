/* SPDX-License-Identifier: MIT */
/* Smoothing: the values and second derivatives of a natural cubic spline at its knots. */
#ifndef CSI_SPLINE_SMOOTHING_H
#define CSI_SPLINE_SMOOTHING_H

#include <costate/alloc.h>
#include <costate/spline.h>
#include <stddef.h>

/*
 * For n knots t, which increase, and weights w: value holds the data on entry, the spline's values on return; bend gets
 * its second derivatives; all of info but n_knot is set. smoothing as in costate_spline_fit(). COSTATE_OK or
 * COSTATE_ERR_MEMORY.
 */
costate_status csi_spline_smooth(size_t n, const double *t, const double *w, double smoothing,
                                 const costate_allocator *alloc, double *value, double *bend,
                                 costate_spline_info *info);

#endif
