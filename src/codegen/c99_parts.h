/* SPDX-License-Identifier: MIT */
/* The parts of the C99 text that are the same for every network; @ stands for the function's name. */
#ifndef CSI_C99_PARTS_H
#define CSI_C99_PARTS_H

#include <costate/act.h>

extern const char csi_c99_declarations[]; /* the end of the opening comment, includes and prototypes */
extern const char csi_c99_clamp[];        /* what gate, gelu and gaussian call */
extern const char csi_c99_gate[];         /* what gelu_tanh and silu call */
extern const char *const csi_c99_act[COSTATE_ACT_COUNT];
extern const char csi_c99_layer[];       /* the type of a layer */
extern const char csi_c99_value[];       /* one layer, and the network */
extern const char csi_c99_derivatives[]; /* derivatives of the activations, one tangent, the Jacobian */
extern const char csi_c99_hessian[];     /* and the end */

#endif
