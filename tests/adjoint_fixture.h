/* SPDX-License-Identifier: MIT */
/* A solver of the Lotka-Volterra problem with its adjoint, observation times, random cotangents and their gradient. */
#ifndef ADJOINT_FIXTURE_H
#define ADJOINT_FIXTURE_H

#include "gradient_routes.h"
#include "problems.h"

/* The first N_CONTINUOUS_SETUP are those of the adjoint equation, the others discrete. */
enum { LV_N_Y = 2, LV_N_P = 4, N_SPARSE = 7, N_DENSE = 47, N_CONTINUOUS_SETUP = 4, N_ADJOINT_SETUP = 12 };

/* Every method, with few and with many observations: the adjoint may treat these differently. */
typedef struct adjoint_setup {
    costate_method method;
    size_t n_t;
} adjoint_setup;
extern const adjoint_setup adjoint_setups[N_ADJOINT_SETUP];

typedef struct adjoint_fixture {
    costate_solver *solver;
    costate_adjoint *adjoint;
    size_t n_t;
    double t[N_DENSE]; /* t0 is observed, and rows 2 and 3 coincide */
    double v[N_DENSE * LV_N_Y];
    gradient g; /* of v */
} adjoint_fixture;

void adjoint_fixture_create(adjoint_fixture *fx, const adjoint_setup *setup, double rtol);
void adjoint_fixture_destroy(adjoint_fixture *fx);

/* n_t, times and cotangents alone. */
void adjoint_fixture_fill(adjoint_fixture *fx, size_t n_t);

/* The solve to the fixture's times, and the gradient of other cotangents; the test fails unless the status is OK. */
void adjoint_fixture_solve(adjoint_fixture *fx);
void adjoint_fixture_vjp(adjoint_fixture *fx, size_t n_t, const double *v, gradient *g);

void assert_lv_gradients_same(const gradient *a, const gradient *b);
void assert_lv_gradients_close(const gradient *a, const gradient *b, double tolerance);

#endif
