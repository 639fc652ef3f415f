/* SPDX-License-Identifier: MIT */
/** @file act.h  Activation functions. */
#ifndef COSTATE_ACT_H
#define COSTATE_ACT_H

#include <costate/export.h>
#include <costate/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * The one list of activations: X(enumerator, name, formula). It drives the enumeration, the kernels, the names and the
 * tests.
 *
 * Φ and φ are the standard normal distribution and density; s(z) = 1/(1 + e^−z).
 */
#define COSTATE_ACT_LIST(X)                                                                                            \
    X(IDENTITY, identity, "z")                                                                                         \
    X(TANH, tanh, "tanh z")                                                                                            \
    X(SIGMOID, sigmoid, "1/(1 + exp(-z))")                                                                             \
    X(RELU, relu, "max(z, 0)")                                                                                         \
    X(LEAKY_RELU, leaky_relu, "z > 0 ? z : 0.01 z")                                                                    \
    X(ELU, elu, "z > 0 ? z : exp(z) - 1")                                                                              \
    X(SOFTPLUS, softplus, "log(1 + exp(z))")                                                                           \
    X(GELU, gelu, "z Phi(z)")                                                                                          \
    X(GELU_TANH, gelu_tanh, "z/2 (1 + tanh(sqrt(2/pi) (z + 0.044715 z^3)))")                                           \
    X(SILU, silu, "z s(z)")                                                                                            \
    X(SIN, sin, "sin z")                                                                                               \
    X(CUBE, cube, "z^3")                                                                                               \
    X(GAUSSIAN, gaussian, "exp(-z^2)")

/** Activation function. */
typedef enum costate_act {
#define COSTATE_ACT_ENUM(name, text, formula) COSTATE_ACT_##name,
    COSTATE_ACT_LIST(COSTATE_ACT_ENUM)
#undef COSTATE_ACT_ENUM
} costate_act;

/** Number of activations in COSTATE_ACT_LIST. */
#define COSTATE_ACT_COUNT 13

/** Which transcendental functions the kernels use. */
typedef enum costate_accuracy {
    /** tanh, sigmoid, exp, expm1 and softplus inlined, error ≤ 4 ulp; the others from SLEEF, ≤ 3.5 ulp. The default. */
    COSTATE_ACCURACY_FAST,
    /** SLEEF's 1.0-ulp (erfc: 1.5-ulp) functions everywhere. */
    COSTATE_ACCURACY_ACCURATE
} costate_accuracy;

/**
 * Name of an activation, e.g. "leaky_relu".
 *
 * @param[in] act  any value
 * @return a constant string, "unknown" for a value not in the list
 */
COSTATE_API const char *costate_act_name(costate_act act);

/**
 * Formula of an activation as text, for help pages.
 *
 * @param[in] act  any value
 * @return a constant string, "unknown" for a value not in the list
 */
COSTATE_API const char *costate_act_formula(costate_act act);

/**
 * Activation with a given name; "swish" is accepted for silu and "linear" for identity.
 *
 * @param[in]  name  name, case-sensitive
 * @param[out] act   the activation; untouched on failure
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL      name or act is NULL
 * @retval COSTATE_ERR_ARGUMENT  no activation has this name
 */
COSTATE_API costate_status costate_act_from_name(const char *name, costate_act *act);

#ifdef __cplusplus
}
#endif
#endif
