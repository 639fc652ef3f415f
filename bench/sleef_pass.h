/* SPDX-License-Identifier: MIT */
/* Elementwise passes over arrays with SLEEF's 3.5-ulp tanh, for the widest vectors the compiler was told of. */
#ifndef BENCH_SLEEF_PASS_H
#define BENCH_SLEEF_PASS_H

#include <stddef.h>

/* a = tanh(z) and a = max(z, 0); a may be z. */
void sleef_tanh_f64(size_t n, const double *z, double *a);
void sleef_tanh_f32(size_t n, const float *z, float *a);
void sleef_relu_f64(size_t n, const double *z, double *a);
void sleef_relu_f32(size_t n, const float *z, float *a);

/* Vector instructions of these passes: "avx512f", "avx2" or "scalar". */
const char *sleef_pass_isa(void);

#endif
