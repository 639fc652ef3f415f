/* SPDX-License-Identifier: MIT */
/* Right-hand sides in long double with their derivatives along several directions at once, for references that share no
 * code with the library. */
#ifndef FROZEN_FIELD_H
#define FROZEN_FIELD_H

#include <costate/net.h>
#include <costate/rhs.h>
#include <stddef.h>

enum { FROZEN_MAX_Y = 20, FROZEN_MAX_WIDTH = 64, FROZEN_MAX_DIR = 20 };

/* One value per state, or one per state and direction. */
typedef long double frozen_state[FROZEN_MAX_Y];
typedef long double frozen_tangents[FROZEN_MAX_DIR][FROZEN_MAX_Y];

/* Directions in which to differentiate: of the state u, of the parameters up (n_dir pointers, NULL for zero each). */
typedef struct frozen_directions {
    size_t n;
    long double (*u)[FROZEN_MAX_Y];
    const double *const *up; /* NULL: all zero */
} frozen_directions;

/* dydt = f(t, y, p) and, for each direction, ju = (∂f/∂y) u + (∂f/∂p) up. No direction: ju is not used. */
typedef struct frozen_field {
    size_t n_y, n_p;
    void (*eval)(long double t, const long double *y, const double *p, const frozen_directions *dirs, long double *dydt,
                 long double (*ju)[FROZEN_MAX_Y], const void *ctx);
    const void *ctx;
} frozen_field;

/* f and jvp of a right-hand side that needs no scratch, in double precision. It must outlive the field. */
frozen_field frozen_field_of_rhs(const costate_rhs *rhs);

/* The formula of costate_net_spec, time being the last input if there is one input more than outputs. */
typedef struct frozen_net {
    const costate_net_spec *spec;
    const costate_net *net; /* is only asked where a parameter lies */
} frozen_net;
frozen_field frozen_field_of_net(const frozen_net *net);

#endif
