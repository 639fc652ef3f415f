/* SPDX-License-Identifier: MIT */
/* Dual numbers with AD_DUAL_N partials; included once for every size, hence without a guard. */

typedef struct AD_DUAL() {
    /* First, so that a copy of the whole moves them as one vector, which the next operation can load as one. */
    double partial[AD_DUAL_N];
    double value;
} AD_DUAL();

static inline AD_DUAL() AD_DUAL(_constant)(double value) { return (AD_DUAL()){.value = value}; }

/* The variable that partial number k is taken with respect to. */
static inline AD_DUAL() AD_DUAL(_variable)(double value, size_t k) {
    AD_DUAL() r = {.value = value};
    for (size_t j = 0; j < AD_DUAL_N; j++) {
        r.partial[j] = j == k ? 1.0 : 0.0;
    }
    return r;
}

/* A function of one number: its value, and its derivative by the chain rule. */
static inline AD_DUAL() AD_DUAL(_chain)(double value, double derivative, AD_DUAL() a) {
    AD_DUAL() r = {.value = value};
    for (size_t k = 0; k < AD_DUAL_N; k++) {
        r.partial[k] = derivative * a.partial[k];
    }
    return r;
}

/* A function of two numbers. */
static inline AD_DUAL() AD_DUAL(_chain2)(double value, double by_a, AD_DUAL() a, double by_b, AD_DUAL() b) {
    AD_DUAL() r = {.value = value};
    for (size_t k = 0; k < AD_DUAL_N; k++) {
        r.partial[k] = by_a * a.partial[k] + by_b * b.partial[k];
    }
    return r;
}

static inline AD_DUAL() AD_DUAL(_add)(AD_DUAL() a, AD_DUAL() b) {
    AD_DUAL() r = {.value = a.value + b.value};
    for (size_t k = 0; k < AD_DUAL_N; k++) {
        r.partial[k] = a.partial[k] + b.partial[k];
    }
    return r;
}

static inline AD_DUAL() AD_DUAL(_sub)(AD_DUAL() a, AD_DUAL() b) {
    AD_DUAL() r = {.value = a.value - b.value};
    for (size_t k = 0; k < AD_DUAL_N; k++) {
        r.partial[k] = a.partial[k] - b.partial[k];
    }
    return r;
}

static inline AD_DUAL() AD_DUAL(_mul)(AD_DUAL() a, AD_DUAL() b) {
    return AD_DUAL(_chain2)(a.value * b.value, b.value, a, a.value, b);
}

static inline AD_DUAL() AD_DUAL(_div)(AD_DUAL() a, AD_DUAL() b) {
    const double inverse = 1.0 / b.value;
    const double value = a.value / b.value;
    return AD_DUAL(_chain2)(value, inverse, a, -value * inverse, b);
}

/* scale · a + shift. */
static inline AD_DUAL() AD_DUAL(_affine)(double scale, AD_DUAL() a, double shift) {
    return AD_DUAL(_chain)(scale * a.value + shift, scale, a);
}

static inline AD_DUAL() AD_DUAL(_pow)(AD_DUAL() a, double exponent) {
    const double derivative = exponent == 0.0 ? 0.0 : exponent * pow(a.value, exponent - 1.0);
    return AD_DUAL(_chain)(pow(a.value, exponent), derivative, a);
}

static inline AD_DUAL() AD_DUAL(_sqrt)(AD_DUAL() a) {
    const double value = sqrt(a.value);
    return AD_DUAL(_chain)(value, 0.5 / value, a);
}

static inline AD_DUAL() AD_DUAL(_exp)(AD_DUAL() a) {
    const double value = exp(a.value);
    return AD_DUAL(_chain)(value, value, a);
}

static inline AD_DUAL() AD_DUAL(_log)(AD_DUAL() a) { return AD_DUAL(_chain)(log(a.value), 1.0 / a.value, a); }

static inline AD_DUAL() AD_DUAL(_sin)(AD_DUAL() a) { return AD_DUAL(_chain)(sin(a.value), cos(a.value), a); }

static inline AD_DUAL() AD_DUAL(_cos)(AD_DUAL() a) { return AD_DUAL(_chain)(cos(a.value), -sin(a.value), a); }

static inline AD_DUAL() AD_DUAL(_tanh)(AD_DUAL() a) {
    const double value = tanh(a.value);
    return AD_DUAL(_chain)(value, 1.0 - value * value, a);
}

/* max(0, a), with derivative 0 at 0; a NaN stays one. */
static inline AD_DUAL() AD_DUAL(_relu)(AD_DUAL() a) {
    const bool off = a.value <= 0.0;
    return AD_DUAL(_chain)(off ? 0.0 : a.value, off ? 0.0 : 1.0, a);
}
