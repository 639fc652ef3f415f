/* SPDX-License-Identifier: MIT */
/* A right-hand side together with its tangent along one direction: Y = (y, s), P = (p, up), s′ = f_y s + f_p up. */
#ifndef CSI_TANGENT_RHS_H
#define CSI_TANGENT_RHS_H

#include <costate/rhs.h>

/* What the tangent right-hand side's callbacks have as context. */
typedef struct csi_tangent_rhs {
    costate_rhs rhs;         /* of the model, with vjp */
    const double *magnitude; /* n_y elements > 0: what the states typically are */
    double p_size;           /* the largest element of up in units of what p typically is */
} csi_tangent_rhs;

/*
 * The right-hand side of Y, with f and vjp; `context` must outlive it. Its vjp is made of two of the model's and of the
 * derivative of a third along (s, up), for which see csi_derivative_along().
 */
costate_status csi_tangent_rhs_init(const csi_tangent_rhs *context, costate_rhs *rhs);

/* The largest |s_i| / magnitude_i, or p_size if that is larger. */
double csi_tangent_size(const csi_tangent_rhs *context, const double *s);

#endif
