/* SPDX-License-Identifier: MIT */
/* The activations in languages without arrays. */
#ifndef CSI_SCALAR_ACT_H
#define CSI_SCALAR_ACT_H

#include <costate/act.h>
#include <costate/codegen.h>
#include <stdbool.h>

/*
 * An activation in assignments. In the expressions Z is the argument, W another variable, E is exp(-|W|), and cdf the normal distribution; other words are
 * functions, numbers are numbers.
 *
 * Without `negative`, the value is `positive`. Otherwise it is that where W is above zero; `negative` elsewhere, but `far` where it is given and W is
 * below -5.
 */
typedef struct csi_scalar_act {
    const char *argument; /* W; NULL: W is Z */
    bool exponential;     /* E occurs */
    bool once;            /* Z occurs once in `positive`: its expression may stand there */
    const char *positive, *negative, *far;
} csi_scalar_act;

csi_scalar_act csi_scalar_act_of(costate_language language, costate_act act);

#endif
