/* SPDX-License-Identifier: MIT */
/* Registration of the entries. */
#include "costate_r.h"
#include <R_ext/Rdynload.h>
#include <R_ext/Visibility.h>

#define ENTRY(name, n_argument)                                                                                        \
    { #name, (DL_FUNC)(void (*)(void))name, n_argument }

static const R_CallMethodDef entries[] = {
    ENTRY(cr_net_create, 6),
    ENTRY(cr_net_size, 1),
    ENTRY(cr_net_convert, 4),
    ENTRY(cr_net_forward, 3),
    ENTRY(cr_net_vjp, 4),
    ENTRY(cr_model_builtin, 1),
    ENTRY(cr_model_network, 1),
    ENTRY(cr_model_names, 1),
    ENTRY(cr_solve, 5),
    ENTRY(cr_objective_create, 7),
    ENTRY(cr_objective_value, 3),
    ENTRY(cr_objective_gradient, 2),
    {NULL, NULL, 0},
};

attribute_visible void R_init_costate(DllInfo *info);

void R_init_costate(DllInfo *info) {
    R_registerRoutines(info, NULL, entries, NULL, NULL);
    R_useDynamicSymbols(info, FALSE);
    R_forceSymbols(info, TRUE);
}
