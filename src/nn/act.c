/* SPDX-License-Identifier: MIT */
/* Names and formulas of the activations. */
#include <costate/act.h>
#include <stddef.h>
#include <string.h>

static const char *const names[] = {
#define NAME(name, text, formula) [COSTATE_ACT_##name] = #text,
    COSTATE_ACT_LIST(NAME)
#undef NAME
};

static const char *const formulas[] = {
#define FORMULA(name, text, formula) [COSTATE_ACT_##name] = formula,
    COSTATE_ACT_LIST(FORMULA)
#undef FORMULA
};

_Static_assert(sizeof names / sizeof names[0] == COSTATE_ACT_COUNT, "COSTATE_ACT_COUNT counts COSTATE_ACT_LIST");

const char *costate_act_name(costate_act act) { return (unsigned)act < COSTATE_ACT_COUNT ? names[act] : "unknown"; }

const char *costate_act_formula(costate_act act) {
    return (unsigned)act < COSTATE_ACT_COUNT ? formulas[act] : "unknown";
}

costate_status costate_act_from_name(const char *name, costate_act *act) {
    if (name == NULL || act == NULL) {
        return COSTATE_ERR_NULL;
    }
    if (strcmp(name, "swish") == 0) {
        name = "silu";
    } else if (strcmp(name, "linear") == 0) {
        name = "identity";
    }
    for (unsigned i = 0; i < COSTATE_ACT_COUNT; i++) {
        if (strcmp(name, names[i]) == 0) {
            *act = (costate_act)i;
            return COSTATE_OK;
        }
    }
    return COSTATE_ERR_ARGUMENT;
}
