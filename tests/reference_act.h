/* SPDX-License-Identifier: MIT */
/* Activation functions and their first two derivatives in long double. */
#ifndef REFERENCE_ACT_H
#define REFERENCE_ACT_H

#include "reference_value.h"
#include <costate/act.h>

/* The derivative of the given order (0, 1 or 2) at z; at a kink that of the branch the formula of COSTATE_ACT_LIST takes. */
long double reference_act(costate_act act, int order, long double z);

/*
 * The same with error bounds: those of z carried through the function, and those of evaluating the formula with functions of at
 * most 4 ulp in a precision of unit roundoff u.
 */
reference_value reference_act_value(costate_act act, int order, reference_value z, long double u);

#endif
