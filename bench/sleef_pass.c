/* SPDX-License-Identifier: MIT */
/* Elementwise passes with SLEEF's u35 functions: full vectors, then one partial one. */
#include "sleef_pass.h"

#include <string.h>
#if defined(__AVX512F__) || defined(__AVX2__)
#include <immintrin.h>
#endif
#include <sleef.h>

#if defined(__AVX512F__)
#define PASS_ISA "avx512f"
#define LANES_F64 8
#define LANES_F32 16
#define TANH_F64(in, out) _mm512_storeu_pd(out, Sleef_tanhd8_u35avx512f(_mm512_loadu_pd(in)))
#define TANH_F32(in, out) _mm512_storeu_ps(out, Sleef_tanhf16_u35avx512f(_mm512_loadu_ps(in)))

static void tail_tanh_f64(size_t n, const double *z, double *a) {
    const __mmask8 mask = (__mmask8)((1u << n) - 1u);
    _mm512_mask_storeu_pd(a, mask, Sleef_tanhd8_u35avx512f(_mm512_maskz_loadu_pd(mask, z)));
}

static void tail_tanh_f32(size_t n, const float *z, float *a) {
    const __mmask16 mask = (__mmask16)((1u << n) - 1u);
    _mm512_mask_storeu_ps(a, mask, Sleef_tanhf16_u35avx512f(_mm512_maskz_loadu_ps(mask, z)));
}

#else

#if defined(__AVX2__)
#define PASS_ISA "avx2"
#define LANES_F64 4
#define LANES_F32 8
#define TANH_F64(in, out) _mm256_storeu_pd(out, Sleef_tanhd4_u35avx2(_mm256_loadu_pd(in)))
#define TANH_F32(in, out) _mm256_storeu_ps(out, Sleef_tanhf8_u35avx2(_mm256_loadu_ps(in)))
#else
#define PASS_ISA "scalar"
#define LANES_F64 1
#define LANES_F32 1
#define TANH_F64(in, out) (*(out) = Sleef_tanh_u35(*(in)))
#define TANH_F32(in, out) (*(out) = Sleef_tanhf_u35(*(in)))
#endif

static void tail_tanh_f64(size_t n, const double *z, double *a) {
    double block[LANES_F64] = {0};
    memcpy(block, z, n * sizeof *z);
    TANH_F64(block, block);
    memcpy(a, block, n * sizeof *a);
}

static void tail_tanh_f32(size_t n, const float *z, float *a) {
    float block[LANES_F32] = {0};
    memcpy(block, z, n * sizeof *z);
    TANH_F32(block, block);
    memcpy(a, block, n * sizeof *a);
}

#endif

void sleef_tanh_f64(size_t n, const double *z, double *a) {
    size_t i = 0;
    for (; i + LANES_F64 <= n; i += LANES_F64) {
        TANH_F64(z + i, a + i);
    }
    if (i < n) {
        tail_tanh_f64(n - i, z + i, a + i);
    }
}

void sleef_tanh_f32(size_t n, const float *z, float *a) {
    size_t i = 0;
    for (; i + LANES_F32 <= n; i += LANES_F32) {
        TANH_F32(z + i, a + i);
    }
    if (i < n) {
        tail_tanh_f32(n - i, z + i, a + i);
    }
}

void sleef_relu_f64(size_t n, const double *z, double *a) {
    for (size_t i = 0; i < n; i++) {
        a[i] = z[i] > 0.0 ? z[i] : 0.0;
    }
}

void sleef_relu_f32(size_t n, const float *z, float *a) {
    for (size_t i = 0; i < n; i++) {
        a[i] = z[i] > 0.0f ? z[i] : 0.0f;
    }
}

const char *sleef_pass_isa(void) { return PASS_ISA; }
