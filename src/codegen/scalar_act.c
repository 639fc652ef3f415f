/* SPDX-License-Identifier: MIT */
/* The activations in languages without arrays. */
#include "codegen/scalar_act.h"

static const csi_scalar_act acts[COSTATE_ACT_COUNT] = {
    [COSTATE_ACT_IDENTITY] = {.once = true, .positive = "Z"},
    [COSTATE_ACT_TANH] = {.once = true, .positive = "tanh(Z)"},
    [COSTATE_ACT_SIGMOID] = {.exponential = true, .positive = "1/(1 + E)", .negative = "E/(1 + E)"},
    [COSTATE_ACT_RELU] = {.positive = "Z", .negative = "0"},
    [COSTATE_ACT_LEAKY_RELU] = {.positive = "Z", .negative = "0.01*Z"},
    /* exp(z) − 1 without cancellation */
    [COSTATE_ACT_ELU] = {.positive = "Z", .negative = "tanh(0.5*Z)*(exp(Z) + 1)"},
    /* log(1 + e) by its series where 1 + e would round e away; the first term left out is 1e-16 of the sum */
    [COSTATE_ACT_SOFTPLUS] = {.exponential = true,
                              .positive = "Z + log(1 + E)",
                              .negative = "log(1 + E)",
                              .far = "E*(1 - E*(1/2 - E*(1/3 - E*(1/4 - E*(1/5 - E*(1/6 - E/7))))))"},
    [COSTATE_ACT_GELU] = {.positive = "Z*cdf(Z)"},
    [COSTATE_ACT_GELU_TANH] = {.argument = "1.5957691216057308*Z*(1 + 0.044715*Z*Z)",
                               .exponential = true,
                               .positive = "Z/(1 + E)",
                               .negative = "Z*E/(1 + E)"},
    [COSTATE_ACT_SILU] = {.exponential = true, .positive = "Z/(1 + E)", .negative = "Z*E/(1 + E)"},
    [COSTATE_ACT_SIN] = {.once = true, .positive = "sin(Z)"},
    [COSTATE_ACT_CUBE] = {.positive = "Z*Z*Z"},
    [COSTATE_ACT_GAUSSIAN] = {.positive = "exp(-(Z*Z))"},
};

csi_scalar_act csi_scalar_act_of(costate_language language, costate_act act) {
    csi_scalar_act form = acts[act];
    if (language == COSTATE_LANGUAGE_RXODE2) {
        /* Its symbolic derivatives turn a condition into the sum of condition × branch, so that the branch not taken must be finite, too. */
        if (act == COSTATE_ACT_ELU) {
            form.negative = "expm1(-abs(Z))";
        } else if (act == COSTATE_ACT_SOFTPLUS) {
            form.positive = "Z + log1p(E)";
            form.negative = "log1p(E)";
            form.far = NULL;
        }
    }
    return form;
}
