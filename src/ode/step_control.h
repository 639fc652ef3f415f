/* SPDX-License-Identifier: MIT */
/* Step size control of the one-step methods: a proportional–integral controller in plain arithmetic, so that steps do
 * not depend on the mathematics library, and so simple that eight of them become vector instructions. */
#ifndef CSI_STEP_CONTROL_H
#define CSI_STEP_CONTROL_H

#include <stdint.h>
#include <string.h>

#define CSI_SAFETY 0.9
#define CSI_SHRINK_MOST 0.2
#define CSI_GROW_MOST 10.0
/* After a step that could not be evaluated. */
#define CSI_SHRINK_BLIND 0.25
/* Steps shorter than this many units in the last place of t do not move it dependably. */
#define CSI_LEAST_ULPS 8.0
/* Tries of one step, enough to make it 1e-30 times as long. */
#define CSI_TRIES_MAX 50
/* A step is stretched by up to this factor if that spares a last one. */
#define CSI_STRETCH 1.01
/* What sums of steps may exceed a multiple of the largest step by, relatively. */
#define CSI_LENGTH_ROUNDING 1e-10
/* Squared errors below this count as this: the growth limit is reached long before. */
#define CSI_ERROR_SQUARE_LEAST 1e-40

/* log2 of a positive normal number, error below 1e-5. */
static inline double csi_log2_rough(double x) {
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    const double exponent = (double)((int)(bits >> 52) - 1023);
    bits = (bits & 0x000fffffffffffffu) | 0x3ff0000000000000u;
    double m;
    memcpy(&m, &bits, sizeof m);
    const double u = m - 1.0;
    const double u2 = u * u;
    const double q = (0.44268246 - 0.27771248 * u) + u2 * ((0.19114654 - 0.11082659 * u) + u2 * 0.03378576);
    return (exponent + u) + (u - u2) * q;
}

/* 2^x for |x| < 1000, relative error below 1e-6. */
static inline double csi_exp2_rough(double x) {
    const int whole = (int)(x + 1024.0) - 1024;
    const double u = x - (double)whole;
    const double u2 = u * u;
    const double s = (-0.30685115 - 0.06667901 * u) + u2 * (-0.01086463 - 0.00189782 * u);
    const uint64_t bits = (uint64_t)(whole + 1023) << 52;
    double scale;
    memcpy(&scale, &bits, sizeof scale);
    return scale * ((1.0 + u) + (u - u2) * s);
}

/* log2 of the error's norm from the norm's square, which must not be NaN. */
static inline double csi_log2_error(double error_square) {
    return 0.5 * csi_log2_rough(error_square > CSI_ERROR_SQUARE_LEAST ? error_square : CSI_ERROR_SQUARE_LEAST);
}

/* Factor on the step after an accepted one: 0.9 e^(−0.7/k) e_before^(0.4/k), k = order of the estimate (Hairer & Wanner II, IV.2), from
 * the binary logarithms of the error norms; e_before is 1 at a start. */
static inline double csi_growth(double log_error, double log_error_before, double error_order) {
    const double factor = CSI_SAFETY * csi_exp2_rough((0.4 * log_error_before - 0.7 * log_error) / (error_order + 1.0));
    return factor < CSI_SHRINK_MOST ? CSI_SHRINK_MOST : factor > CSI_GROW_MOST ? CSI_GROW_MOST : factor;
}

/* Factor on the step after one whose error was too large. */
static inline double csi_shrinkage(double log_error, double error_order) {
    const double bounded = log_error < 40.0 ? log_error : 40.0;
    const double factor = CSI_SAFETY * csi_exp2_rough(-bounded / (error_order + 1.0));
    return factor < CSI_SHRINK_MOST ? CSI_SHRINK_MOST : factor;
}

#endif
