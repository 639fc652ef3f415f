/* SPDX-License-Identifier: MIT */
/*
 * The SIMD vocabulary the kernels are written in: vectors of 512 bits (VLANES reals) on every instruction set.
 *
 * The lane count, the order of every sum and the rounding of every operation are the same in all variants with a fused multiply-add, so that they
 * give identical bits. Types: vreal (a vector), vbool (a comparison), vmask (the first n lanes).
 *
 *   v_set1(x)  v_zero()               every lane x; every lane +0
 *   v_load(q)  v_store(q, a)          VLANES reals, any alignment
 *   v_mask(n)                         the first min(n, VLANES) lanes
 *   v_load_mask(q, m)                 masked lanes from memory, the others +0 without being read
 *   v_keep(m, a)                      masked lanes of a, the others +0
 *   v_store_first(q, n, a)            the first n < VLANES lanes to memory, by stores that touch nothing beyond: a masked store delays later
 *                                     loads of what it masks
 *   v_store_mask(q, m, a)             masked lanes to memory; AVX-512 only, and see above
 *   v_add v_sub v_mul v_div           IEEE
 *   v_fma(a, b, c)  v_fnma(a, b, c)   ab + c;  c − ab
 *   v_mul_error(a, b, ab)             the rounding error of ab, exactly
 *   v_min(a, b)  v_max(a, b)          a < b ? a : b;  a > b ? a : b  (so b when either is NaN)
 *   v_abs  v_neg  v_copysign(a, s)    a ≥ 0 with the sign of s
 *   v_less(a, b)  v_select(c, a, b)   a < b;  c ? a : b
 *   v_exponent(t)                     the low mantissa bits of t as the exponent of a power of two
 *   v_ldexp(a, n)                     a·2ⁿ, rounded once; n integral, |n| < 2·(largest exponent)
 *   v_sum4(a, b, c, d)                the four lane sums as a vquad, by a fixed tree
 *   v_sum16(sum, total)               total[w] = v_sum4 of the four sum[w], for four w; AVX-512 only
 *   v_quads(q)  v_extend(a)           a vreal from VLANES/4 vquads; from one and zeros
 *   v_quad_zero()                     a vquad of +0
 *   v_sleef_<f>_u10(a), …             SLEEF's functions
 */
#ifndef CSI_SIMD_H
#define CSI_SIMD_H

#include "core/real.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
/* sleef.h hides its scalar FMA functions without these, which math.h defines for gcc only. */
#if defined(__FMA__) && !defined(FP_FAST_FMA)
#define FP_FAST_FMA
#endif
#if defined(__FMA__) && !defined(FP_FAST_FMAF)
#define FP_FAST_FMAF
#endif
#include <sleef.h>

#define VLANES ((size_t)(512 / CSI_REAL_BITS))

#if defined(CSI_ISA_AVX512)
#include "nn/kernels/simd_avx512.h"
#elif defined(CSI_ISA_AVX2)
#include "nn/kernels/simd_avx2.h"
#else
#include "nn/kernels/simd_scalar.h"
#endif

/* Accumulators a kernel may keep in registers at once. */
#if defined(CSI_ISA_AVX512)
#define VBLOCK 8
#define V_MASK_IS_FREE true /* a masked load costs what a whole one does */
#else
#define VBLOCK 4
#define V_MASK_IS_FREE false
#endif

/* For functions whose flags are constants at every call. The plain-C variants leave the choice to the compiler: inlined everywhere they are ten times larger and no faster. */
#if defined(CSI_ISA_AVX512) || defined(CSI_ISA_AVX2)
#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 8")
#define OUTLINE __attribute__((noinline))
#else
#define INLINE static inline
#define UNROLL
#define OUTLINE
#endif

#endif
