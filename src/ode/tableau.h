/* SPDX-License-Identifier: MIT */
/* Coefficients of the one-step methods, in one form that the steps, the dense output and the adjoint share. */
#ifndef CSI_TABLEAU_H
#define CSI_TABLEAU_H

#include <stdbool.h>

/* The largest of any method; a method's own sizes are often smaller. */
#define CSI_STAGE_MAX 16
#define CSI_DENSE_DEGREE 7

/*
 * k_i = f(t + c_i h, Y_i), Y_i = y + h Σ_j a_ij k_j; stage 0 is the slope at the start. The last stage is the solution at the end, Y_s−1 = y(t + h),
 * and its slope is stage 0 of the next step. All other stages are explicit (gamma = 0) or have a_ii = gamma. The n_extra
 * explicit stages that follow the last one serve the dense output alone and are evaluated where it is wanted.
 *   error estimate  h Σ e_i k_i; with a lower one by e_low the norm is ε² / √(ε² + 0.01 ε_low²)
 *   dense output    y + h Σ_i k_i Σ_d dense[i][d] φ_d(θ), θ in [0, 1]; φ_d = θ^(d+1) or, alternating, θ, θ(1 − θ), θ²(1 − θ), …
 */
typedef struct csi_tableau {
    int n_stage;
    int n_extra;
    int order;
    int error_order; /* of the embedded solution; the error estimate is O(h^(error_order + 1)) */
    double margin;   /* the step control takes the estimate for this much larger */
    double gamma;
    int dense_degree;
    bool alternating;
    double c[CSI_STAGE_MAX];
    double a[CSI_STAGE_MAX][CSI_STAGE_MAX];
    double e[CSI_STAGE_MAX];
    double e_low[CSI_STAGE_MAX]; /* zero if there is none */
    double dense[CSI_STAGE_MAX][CSI_DENSE_DEGREE];
    double predict[CSI_STAGE_MAX][CSI_STAGE_MAX]; /* first guess k_i = Σ_{j < i} predict[i][j] k_j; implicit methods */
} csi_tableau;

extern const csi_tableau csi_tsit5;
extern const csi_tableau csi_dop853;
extern const csi_tableau csi_sdirk4;

static inline bool csi_tableau_is_implicit(const csi_tableau *tableau) { return tableau->gamma != 0.0; }

/* Slopes of a step with those of the dense output. */
static inline int csi_tableau_n_slope(const csi_tableau *tableau) { return tableau->n_stage + tableau->n_extra; }

#endif
