/* SPDX-License-Identifier: MIT */
/* A right-hand side with all derivatives, one of which can be made wrong, not finite, or to answer RETRY or FAIL. */
#ifndef PLANTED_MODEL_H
#define PLANTED_MODEL_H

#include <costate/rhs.h>
#include <stdbool.h>
#include <stddef.h>

enum { N_Y = 3, N_P = 4 };

/* What the model does wrong; index is the entry of the faulty output (in the layout of lanes, of theirs). */
typedef enum fault_kind {
    FAULT_NONE,
    FAULT_YBAR,
    FAULT_YBAR_WITHOUT_PBAR,
    FAULT_YBAR_ACCUMULATED,
    FAULT_YBAR_SCALED,
    FAULT_PBAR,
    FAULT_PBAR_WITHOUT_YBAR,
    FAULT_PBAR_OVERWRITTEN,
    FAULT_PBAR_NOT_SCALED,
    FAULT_JVP,
    FAULT_JVP_WITHOUT_UP,
    FAULT_JVP_IGNORES_UP,
    FAULT_JAC,
    FAULT_JAC_TRANSPOSED,
    FAULT_JAC_ENTRY_NOT_WRITTEN,
    FAULT_WORK_CARRIED_OVER,
    FAULT_F_KEEP,
    FAULT_F_KEEP_LAST_BIT,
    FAULT_KEPT_IN_WORK, /* f_keep leaves what vjp_kept reads in its scratch */
    FAULT_KEPT_YBAR,
    FAULT_KEPT_YBAR_LAST_BIT,
    FAULT_KEPT_PBAR,
    FAULT_KEPT_PBAR_WITHOUT_YBAR,
    FAULT_F_LANES,
    FAULT_F_LANES_TIME, /* every lane at the time of the first */
    FAULT_F_LANES_PARAMETERS,
    FAULT_LANES_YBAR,
    FAULT_LANES_YBAR_ACCUMULATED,
    FAULT_LANES_YBAR_WITHOUT_PBAR,
    FAULT_LANES_PBAR,
    FAULT_LANES_PBAR_OVERWRITTEN
} fault_kind;

/* Which callback answers what instead of OK, or writes NaN. */
typedef struct model {
    fault_kind kind;
    size_t index;
    double factor; /* the faulty entry is the right one times this */
    int f_answer;
    int vjp_answer;
    int jvp_answer;
    int jac_answer;
    int f_keep_answer;
    int vjp_kept_answer;
    int f_lanes_answer;
    int vjp_lanes_answer;
    bool f_nan;
    bool vjp_nan;
    bool jvp_nan;
    bool jac_nan;
    bool f_keep_nan;
    bool vjp_kept_nan;
    bool f_lanes_nan;
    bool vjp_lanes_nan;
    size_t n_call;
} model;

/* A point at which no entry of a derivative is negligible, apart from those that are 0. */
extern const double y_centre[N_Y];
extern const double p_centre[N_P];

/* The model's right-hand side with all its callbacks; m is its ctx and must outlive it. */
costate_rhs rhs_of(model *m);

#endif
