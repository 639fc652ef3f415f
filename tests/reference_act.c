/* SPDX-License-Identifier: MIT */
/* Activation functions and their first two derivatives, written for accuracy at every argument. */
#include "reference_act.h"

#include <stdbool.h>

static const long double inv_sqrt_2 = 0.707106781186547524400844362104849039L;
static const long double inv_sqrt_2pi = 0.398942280401432677939946059934381868L;
static const long double two_sqrt_2_over_pi = 1.595769121605730711759542397552747472L;
static const long double gelu_cubic = 0.044715L;

static long double sigmoid(long double z) {
    long double e = expl(-fabsl(z));
    return z >= 0.0L ? 1.0L / (1.0L + e) : e / (1.0L + e);
}

/* s, s' or s'' at z. */
static long double sigmoid_order(int order, long double z) {
    long double s = sigmoid(z);
    long double s1 = s * sigmoid(-z);
    return order == 0 ? s : order == 1 ? s1 : s1 * (sigmoid(-z) - s);
}

static long double tanh_order(int order, long double z) {
    long double e = expl(-2.0L * fabsl(z));
    long double sech2 = 4.0L * e / ((1.0L + e) * (1.0L + e));
    return order == 0 ? tanhl(z) : order == 1 ? sech2 : -2.0L * tanhl(z) * sech2;
}

static long double softplus_order(int order, long double z) {
    if (order > 0) {
        return sigmoid_order(order - 1, z);
    }
    return fmaxl(z, 0.0L) + log1pl(expl(-fabsl(z)));
}

static long double elu_order(int order, long double z) {
    if (z > 0.0L) {
        return order == 0 ? z : order == 1 ? 1.0L : 0.0L;
    }
    return order == 0 ? expm1l(z) : expl(z);
}

static long double gelu_order(int order, long double z) {
    long double density = inv_sqrt_2pi * expl(-0.5L * z * z);
    long double distribution = 0.5L * erfcl(-z * inv_sqrt_2);
    if (order < 2) {
        return order == 0 ? z * distribution : distribution + z * density;
    }
    return density > 0.0L ? density * (2.0L - z * z) : 0.0L;
}

/* z s(q(z)) with the polynomial's derivatives q1, q2. */
static long double gated_order(int order, long double z, long double q, long double q1, long double q2) {
    long double s1 = sigmoid_order(1, q);
    if (order == 0) {
        return z * sigmoid(q);
    }
    if (order == 1) {
        return sigmoid(q) + (s1 > 0.0L ? z * s1 * q1 : 0.0L);
    }
    return s1 > 0.0L ? 2.0L * s1 * q1 + z * (sigmoid_order(2, q) * q1 * q1 + s1 * q2) : 0.0L;
}

/* z/2 (1 + tanh(r)) = z s(2 r). */
static long double gelu_tanh_order(int order, long double z) {
    long double k = two_sqrt_2_over_pi;
    return gated_order(order, z, k * (z + gelu_cubic * z * z * z), k * (1.0L + 3.0L * gelu_cubic * z * z),
                       k * 6.0L * gelu_cubic * z);
}

static long double gaussian_order(int order, long double z) {
    long double a = expl(-z * z);
    return order == 0 || a == 0.0L ? a : order == 1 ? -2.0L * z * a : (4.0L * z * z - 2.0L) * a;
}

static long double piecewise_linear_order(int order, long double z, long double slope) {
    long double d = z > 0.0L ? 1.0L : slope;
    return order == 0 ? d * z : order == 1 ? d : 0.0L;
}

long double reference_act(costate_act act, int order, long double z) {
    switch (act) {
    case COSTATE_ACT_IDENTITY: return piecewise_linear_order(order, z, 1.0L);
    case COSTATE_ACT_TANH: return tanh_order(order, z);
    case COSTATE_ACT_SIGMOID: return sigmoid_order(order, z);
    case COSTATE_ACT_RELU: return order == 0 ? (z < 0.0L ? 0.0L : z) : piecewise_linear_order(order, z, 0.0L);
    case COSTATE_ACT_LEAKY_RELU: return piecewise_linear_order(order, z, 0.01L);
    case COSTATE_ACT_ELU: return elu_order(order, z);
    case COSTATE_ACT_SOFTPLUS: return softplus_order(order, z);
    case COSTATE_ACT_GELU: return gelu_order(order, z);
    case COSTATE_ACT_GELU_TANH: return gelu_tanh_order(order, z);
    case COSTATE_ACT_SILU: return gated_order(order, z, z, 1.0L, 0.0L);
    case COSTATE_ACT_SIN: return order == 0 ? sinl(z) : order == 1 ? cosl(z) : -sinl(z);
    case COSTATE_ACT_CUBE: return order == 0 ? z * z * z : order == 1 ? 3.0L * z * z : 6.0L * z;
    case COSTATE_ACT_GAUSSIAN: return gaussian_order(order, z);
    }
    return (long double)NAN;
}

/* Rounding error, in units of u, of evaluating the function itself at an exact z: functions of 4 ulp (8 u) and the few operations around them. */
static long double value_noise(costate_act act, long double z) {
    long double a = fabsl(reference_act(act, 0, z));
    switch (act) {
    case COSTATE_ACT_IDENTITY:
    case COSTATE_ACT_RELU: return 0.0L;
    case COSTATE_ACT_LEAKY_RELU: return 2.0L * a;
    case COSTATE_ACT_CUBE: return 3.0L * a;
    case COSTATE_ACT_GAUSSIAN: return (10.0L + z * z) * a;
    case COSTATE_ACT_GELU:
    case COSTATE_ACT_GELU_TANH:
    case COSTATE_ACT_SILU: return 12.0L * fabsl(z);
    default: return 8.0L * a;
    }
}

/*
 * The same for the first derivative, which may come from the function value: 1 - a*a loses what a rounds. In the gated functions the rounding of s(1 - s) is
 * multiplied by z q' while s differs from 1, that is up to |z| = 37 (silu) or 7 (gelu_tanh).
 */
static long double slope_noise(costate_act act, long double z) {
    long double d = fabsl(reference_act(act, 1, z));
    switch (act) {
    case COSTATE_ACT_IDENTITY:
    case COSTATE_ACT_RELU: return 0.0L;
    case COSTATE_ACT_LEAKY_RELU: return d;
    case COSTATE_ACT_CUBE: return 4.0L * d;
    case COSTATE_ACT_GAUSSIAN: return d > 0.0L ? (12.0L + z * z) * d : 0.0L;
    case COSTATE_ACT_GELU_TANH:
    case COSTATE_ACT_SILU: return 100.0L;
    default: return 30.0L;
    }
}

static long double curvature_noise(costate_act act, long double z) {
    long double d = fabsl(reference_act(act, 2, z)), density = expl(-0.5L * z * z);
    switch (act) {
    case COSTATE_ACT_IDENTITY:
    case COSTATE_ACT_RELU:
    case COSTATE_ACT_LEAKY_RELU: return 0.0L;
    case COSTATE_ACT_CUBE: return 2.0L * d;
    case COSTATE_ACT_GELU:
    case COSTATE_ACT_GAUSSIAN: return density > 0.0L ? (12.0L + z * z) * (4.0L * z * z + 2.0L) * density : 0.0L;
    case COSTATE_ACT_GELU_TANH: return 2000.0L;
    case COSTATE_ACT_SILU: return 200.0L;
    default: return 40.0L;
    }
}

reference_value reference_act_value(costate_act act, int order, reference_value z, long double u) {
    long double value = reference_act(act, order, z.value);
    long double above = fabsl(reference_act(act, order, z.value + z.error) - value);
    long double below = fabsl(reference_act(act, order, z.value - z.error) - value);
    long double noise = order == 0   ? value_noise(act, z.value)
                        : order == 1 ? slope_noise(act, z.value)
                                     : curvature_noise(act, z.value);
    return (reference_value){value, fabsl(value), 1.5L * fmaxl(above, below) + u * noise};
}
