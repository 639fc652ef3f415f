/* SPDX-License-Identifier: MIT */
/*
 * The activations of the C99 text: `double act(double z, double *d)` returns the value and, unless d is null, stores both derivatives in d[0] and d[1]. Forms
 * without overflow or cancellation; where z·0 would be NaN at an infinite z, z is held to ±1000, far beyond where the other factor is zero.
 */
#include "codegen/c99_parts.h"

const char csi_c99_clamp[] =
    "\nstatic double @_clamp(double z) { return z > 1000.0 ? 1000.0 : z < -1000.0 ? -1000.0 : z; }\n";

const char csi_c99_gate[] =
    "\n/* z s(w) with s(w) = 1/(1 + exp(-w)), w a function of z with derivatives w1 and w2 */\n"
    "static double @_gate(double z, double w, double w1, double w2, double *d) {\n"
    "    const double e = exp(-fabs(w)), s = (w < 0.0 ? e : 1.0) / (1.0 + e), c = @_clamp(z);\n"
    "    if (d) {\n"
    "        const double slope = e / ((1.0 + e) * (1.0 + e)), odd = (w < 0.0 ? 1.0 - e : e - 1.0) / (1.0 + e);\n"
    "        d[0] = s + c * slope * w1;\n"
    "        d[1] = slope * (2.0 * w1 + c * (w2 + w1 * w1 * odd));\n"
    "    }\n"
    "    return (z > -1000.0 ? z : -1000.0) * s;\n"
    "}\n";

/* Three expressions make an activation. */
#define SIMPLE(name, before, value, first, second)                                                                     \
    "\nstatic double @_" name "(double z, double *d) {\n" before "    if (d) {\n"                                      \
    "        d[0] = " first ";\n"                                                                                      \
    "        d[1] = " second ";\n"                                                                                     \
    "    }\n"                                                                                                          \
    "    return " value ";\n"                                                                                          \
    "}\n"

/* Two branches make an activation with a kink; the first derivative of the second one is an expression. */
#define KINKED(name, value, first, second) SIMPLE(name, "", "z > 0.0 ? z : " value, "z > 0.0 ? 1.0 : " first, second)

const char *const csi_c99_act[COSTATE_ACT_COUNT] = {
    [COSTATE_ACT_IDENTITY] = SIMPLE("identity", "", "z", "1.0", "0.0"),
    [COSTATE_ACT_TANH] =
        SIMPLE("tanh", "    const double a = tanh(z);\n", "a", "(1.0 - a) * (1.0 + a)", "-2.0 * a * d[0]"),
    [COSTATE_ACT_SIGMOID] =
        SIMPLE("sigmoid", "    const double e = exp(-fabs(z));\n", "(z < 0.0 ? e : 1.0) / (1.0 + e)",
               "e / ((1.0 + e) * (1.0 + e))", "d[0] * (z < 0.0 ? 1.0 - e : e - 1.0) / (1.0 + e)"),
    [COSTATE_ACT_RELU] = SIMPLE("relu", "", "z < 0.0 ? 0.0 : z", "z > 0.0 ? 1.0 : 0.0", "0.0"),
    [COSTATE_ACT_LEAKY_RELU] = KINKED("leaky_relu", "0.01 * z", "0.01", "0.0"),
    [COSTATE_ACT_ELU] = KINKED("elu", "expm1(z)", "exp(z)", "z > 0.0 ? 0.0 : exp(z)"),
    [COSTATE_ACT_SOFTPLUS] =
        SIMPLE("softplus", "    const double e = exp(-fabs(z));\n", "(z < 0.0 ? 0.0 : z) + log1p(e)",
               "(z < 0.0 ? e : 1.0) / (1.0 + e)", "e / ((1.0 + e) * (1.0 + e))"),
    [COSTATE_ACT_GELU] = "\nstatic double @_gelu(double z, double *d) {\n"
                         "    const double phi = 0.5 * erfc(-0.70710678118654752 * z);\n"
                         "    if (d) {\n"
                         "        const double c = @_clamp(z), density = 0.39894228040143268 * exp(-0.5 * c * c);\n"
                         "        d[0] = phi + c * density;\n"
                         "        d[1] = density * (2.0 - c * c);\n"
                         "    }\n"
                         "    return (z > -1000.0 ? z : -1000.0) * phi;\n"
                         "}\n",
    [COSTATE_ACT_GELU_TANH] =
        "\nstatic double @_gelu_tanh(double z, double *d) {\n"
        "    const double k = 1.5957691216057308, c = @_clamp(z);\n"
        "    return @_gate(z, k * c * (1.0 + 0.044715 * c * c), k * (1.0 + 0.134145 * c * c), k * 0.26829 * c, d);\n"
        "}\n",
    [COSTATE_ACT_SILU] = "\nstatic double @_silu(double z, double *d) { return @_gate(z, z, 1.0, 0.0, d); }\n",
    [COSTATE_ACT_SIN] = SIMPLE("sin", "", "sin(z)", "cos(z)", "-sin(z)"),
    [COSTATE_ACT_CUBE] = SIMPLE("cube", "", "z * z * z", "3.0 * z * z", "6.0 * z"),
    [COSTATE_ACT_GAUSSIAN] = SIMPLE("gaussian", "    const double c = @_clamp(z), a = exp(-c * c);\n", "a",
                                    "-2.0 * c * a", "(4.0 * c * c - 2.0) * a"),
};
