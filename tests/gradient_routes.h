/* SPDX-License-Identifier: MIT */
/* Gradients of L = sum of <v_i, y(t_i)> by three routes: adjoint, forward sensitivities, finite differences. */
#ifndef GRADIENT_ROUTES_H
#define GRADIENT_ROUTES_H

#include <costate/adjoint.h>
#include <costate/sensitivity.h>
#include <costate/solver.h>
#include <stdbool.h>
#include <stddef.h>

enum { GRADIENT_MAX_Y = 20, GRADIENT_MAX_P = 512, GRADIENT_MAX_T = 128 };

enum { N_METHOD = 6 };
extern const costate_method every_method[N_METHOD];

/* True for those whose adjoint is discrete. */
bool is_one_step(costate_method method);

/* What is differentiated: a solve and the cotangents of its outputs. */
typedef struct gradient_case {
    const costate_rhs *rhs;
    const double *p;
    double t0;
    const double *y0;
    size_t n_t;
    const double *t;
    const double *v; /* n_t x n_y */
} gradient_case;

typedef struct gradient {
    double y0bar[GRADIENT_MAX_Y];
    double pbar[GRADIENT_MAX_P];
    double t0bar;
} gradient;

/* Options with this method and tolerances, otherwise the default. */
costate_solver_options gradient_options(costate_method method, double rtol, double atol);

/* One solve and one gradient with objects of their own. The test fails unless every status is OK. */
void gradient_by_adjoint(const gradient_case *c, const costate_solver_options *options, gradient *g);
void gradient_by_sensitivity(const gradient_case *c, const costate_solver_options *options,
                             costate_sensitivity_scheme scheme, gradient *g);

/*
 * d/de L(p + e p_dir, y0 + e y0_dir, t0 + e t0_dir) at e = 0 by differences of fourth order with step h. Observations
 * at t0 move with it.
 */
double gradient_by_differences(const gradient_case *c, const costate_solver_options *options, const double *p_dir,
                               const double *y0_dir, double t0_dir, double h);

/* <gradient, direction>, to compare with the above. */
double gradient_dot(const gradient_case *c, const gradient *g, const double *p_dir, const double *y0_dir,
                    double t0_dir);

/* Largest difference of y0bar and pbar over the largest entry of `b`; NaN if anything is. */
double gradient_distance(const gradient_case *c, const gradient *a, const gradient *b);

#endif
