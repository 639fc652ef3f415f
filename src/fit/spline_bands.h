/* SPDX-License-Identifier: MIT */
/* The banded system of a natural cubic smoothing spline. */
#ifndef CSI_SPLINE_BANDS_H
#define CSI_SPLINE_BANDS_H

#include <costate/alloc.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * With distances h of the n knots and weights w: Q (n × m, m = n − 2) takes second differences of slopes, R (m × m) is
 * the Gram matrix of the piecewise linear second derivative, C = QᵀW⁻¹Q. The second derivatives γ at the inner knots solve
 * (R + λC) γ = Qᵀy, and the spline's values are y − λW⁻¹Qγ (Reinsch 1967).
 */
typedef struct csi_spline_bands {
    size_t n;
    size_t m;
    const double *y;
    const double *w;
    double *block;
    double *h;     /* n − 1 distances */
    double *r[2];  /* bands of R: diagonal, first off-diagonal */
    double *c[3];  /* bands of C */
    double *l[3];  /* factors of R + λC: diagonal of D, the two bands of the unit lower triangle */
    double *rhs;   /* Qᵀy */
    double *gamma; /* γ */
} csi_spline_bands;

/* For n ≥ 3 knots at u, which increase; y and w must outlive it. False when there is no memory. */
bool csi_spline_bands_create(csi_spline_bands *bands, size_t n, const double *u, const double *y, const double *w,
                             const costate_allocator *alloc);
void csi_spline_bands_destroy(csi_spline_bands *bands, const costate_allocator *alloc);

/* γ for λ ≥ 0; false if rounding left the system without a factor. */
bool csi_spline_bands_solve(csi_spline_bands *bands, double lambda);

/* (Qγ)_i. */
double csi_spline_bands_bend(const csi_spline_bands *bands, size_t i);

/* Of the last solve: Σ (Qγ)²/w, which is RSS/λ², and tr((R + λC)⁻¹C), which is (n − tr A)/λ. */
double csi_spline_bands_roughness(const csi_spline_bands *bands);
double csi_spline_bands_trace(const csi_spline_bands *bands);

#endif
