/* SPDX-License-Identifier: MIT */
/* Inverse of the standard normal distribution function. */
#ifndef CSI_NORMAL_QUANTILE_H
#define CSI_NORMAL_QUANTILE_H

/* z with P(Z < z) = p for 2^-1022 <= p < 1; only + - * / and sqrt, so the same bits everywhere. */
double csi_normal_quantile(double p);

#endif
