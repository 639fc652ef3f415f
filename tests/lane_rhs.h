/* SPDX-License-Identifier: MIT */
/* A right-hand side for lanes that calls another one's f and vjp lane by lane, and can be made to misbehave in a region
 * of states. */
#ifndef LANE_RHS_H
#define LANE_RHS_H

#include "faulty_rhs.h"

#include <costate/rhs.h>
#include <stdbool.h>

typedef struct lane_rhs {
    const costate_rhs *inner;
    /* Evaluations with y[0] above `wall`, or with t between the two times, misbehave in this way, those of vjp if
     * `in_vjp` is true, else those of f. */
    fault_kind fault;
    double wall;
    double t_from, t_to;
    bool in_vjp;
} lane_rhs;

/* f, vjp, f_lanes and vjp_lanes of `inner`; `state` becomes the context and is not written to, so that several threads
 * may use it. */
costate_rhs lane_rhs_wrap(lane_rhs *state, const costate_rhs *inner);

#endif
