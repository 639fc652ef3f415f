/* SPDX-License-Identifier: MIT */
/* Gauss–Legendre quadrature on [−1, 1]. */
#ifndef CSI_GAUSS_LEGENDRE_H
#define CSI_GAUSS_LEGENDRE_H

#define CSI_GAUSS_MAX 8

/* Nodes in ascending order and weights (their sum is 2) of the rule with n_node = 1 … CSI_GAUSS_MAX nodes, exact up
 * to degree 2·n_node − 1. */
const double *csi_gauss_nodes(int n_node);
const double *csi_gauss_weights(int n_node);

/* C with error = C h^(2·n_node + 1) g^(2·n_node) for the integral of g over an interval of length h. */
double csi_gauss_error_constant(int n_node);

#endif
