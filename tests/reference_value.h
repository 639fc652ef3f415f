/* SPDX-License-Identifier: MIT */
/* Long-double numbers that carry a bound on the rounding error of a floating-point evaluation in any order. */
#ifndef REFERENCE_VALUE_H
#define REFERENCE_VALUE_H

#include <math.h>
#include <stddef.h>

/*
 * The bound follows the classical componentwise analysis (Higham, Accuracy and Stability of Numerical Algorithms, section 3.1):
 * every rounding contributes u times the sum of the absolute values of the terms, so it holds for every order of summation, with and
 * without fused multiply-add.
 */
typedef struct reference_value {
    long double value;     /* the number itself */
    long double magnitude; /* the same expression with every term made positive */
    long double error;     /* largest |computed - value| to be expected */
} reference_value;

/* A number known exactly in the tested precision. */
static inline reference_value reference_exact(double value) {
    return (reference_value){(long double)value, fabsl((long double)value), 0.0L};
}

/* A number rounded to the tested precision of unit roundoff u. */
static inline reference_value reference_rounded(double value, long double u) {
    return (reference_value){(long double)value, fabsl((long double)value), u * fabsl((long double)value)};
}

static inline reference_value reference_mul(reference_value a, reference_value b, long double u) {
    long double magnitude = a.magnitude * b.magnitude;
    long double carried = a.error * b.magnitude + a.magnitude * b.error + a.error * b.error;
    return (reference_value){a.value * b.value, magnitude, carried + u * magnitude};
}

static inline reference_value reference_add(reference_value a, reference_value b, long double u) {
    long double magnitude = a.magnitude + b.magnitude;
    return (reference_value){a.value + b.value, magnitude, a.error + b.error + u * magnitude};
}

/* initial + sum of a[k*stride_a]*b[k*stride_b] over n terms, added in any order. */
static inline reference_value reference_dot(reference_value initial, size_t n, const reference_value *a,
                                            size_t stride_a, const reference_value *b, size_t stride_b, long double u) {
    reference_value sum = initial;
    for (size_t k = 0; k < n; k++) {
        sum = reference_add(sum, reference_mul(a[k * stride_a], b[k * stride_b], u), 0.0L);
    }
    sum.error += u * (long double)(n + 1) * sum.magnitude;
    return sum;
}

#endif
