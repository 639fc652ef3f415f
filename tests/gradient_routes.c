/* SPDX-License-Identifier: MIT */
/* Gradients of L = sum of <v_i, y(t_i)> by three routes: adjoint, forward sensitivities, finite differences. */
#include "gradient_routes.h"

#include "support/asserts.h"

#include <math.h>
#include <string.h>

const costate_method every_method[N_METHOD] = {COSTATE_METHOD_ADAMS,  COSTATE_METHOD_BDF,    COSTATE_METHOD_TSIT5,
                                               COSTATE_METHOD_DOP853, COSTATE_METHOD_SDIRK4, COSTATE_METHOD_AUTO};

bool is_one_step(costate_method method) { return method != COSTATE_METHOD_ADAMS && method != COSTATE_METHOD_BDF; }

costate_solver_options gradient_options(costate_method method, double rtol, double atol) {
    costate_solver_options options = costate_solver_options_default();
    options.method = method;
    options.rtol = rtol;
    options.atol = atol;
    return options;
}

void gradient_by_adjoint(const gradient_case *c, const costate_solver_options *options, gradient *g) {
    costate_solver *solver = NULL;
    costate_adjoint *adjoint = NULL;
    memset(g, 0, sizeof *g);
    assert_ok(costate_solver_create(c->rhs, options, NULL, &solver));
    assert_ok(costate_adjoint_create(solver, NULL, NULL, &adjoint));
    assert_ok(costate_solve(solver, c->p, c->t0, c->y0, c->n_t, c->t, NULL));
    assert_ok(costate_adjoint_vjp(adjoint, c->p, c->n_t, c->v, g->y0bar, g->pbar, &g->t0bar));
    costate_adjoint_destroy(adjoint);
    costate_solver_destroy(solver);
}

void gradient_by_sensitivity(const gradient_case *c, const costate_solver_options *options,
                             costate_sensitivity_scheme scheme, gradient *g) {
    costate_sensitivity *sens = NULL;
    memset(g, 0, sizeof *g);
    assert_ok(costate_sensitivity_create(c->rhs, options, scheme, NULL, &sens));
    assert_ok(costate_sensitivity_solve(sens, c->p, c->t0, c->y0, c->n_t, c->t, NULL, NULL));
    assert_ok(costate_sensitivity_vjp(sens, c->p, c->n_t, c->v, g->y0bar, g->pbar, &g->t0bar));
    costate_sensitivity_destroy(sens);
}

/* L at the shifted point. */
static double shifted_loss(const gradient_case *c, costate_solver *solver, const double *p_dir, const double *y0_dir,
                           double t0_dir, double e) {
    static double y[GRADIENT_MAX_T * GRADIENT_MAX_Y];
    double p[GRADIENT_MAX_P] = {0.0}, y0[GRADIENT_MAX_Y] = {0.0}, t[GRADIENT_MAX_T] = {0.0}, loss = 0.0;
    size_t n_y = c->rhs->n_y, n_p = c->rhs->n_p;
    for (size_t j = 0; j < n_p; j++)
        p[j] = c->p[j] + (p_dir ? e * p_dir[j] : 0.0);
    for (size_t j = 0; j < n_y; j++)
        y0[j] = c->y0[j] + (y0_dir ? e * y0_dir[j] : 0.0);
    double t0 = c->t0 + e * t0_dir;
    for (size_t i = 0; i < c->n_t; i++)
        t[i] = c->t[i] == c->t0 ? t0 : c->t[i];
    assert_ok(costate_solve(solver, p, t0, y0, c->n_t, t, y));
    for (size_t i = 0; i < c->n_t * n_y; i++)
        loss += c->v[i] * y[i];
    return loss;
}

double gradient_by_differences(const gradient_case *c, const costate_solver_options *options, const double *p_dir,
                               const double *y0_dir, double t0_dir, double h) {
    costate_solver *solver = NULL;
    assert_true(c->n_t <= GRADIENT_MAX_T && c->rhs->n_y <= GRADIENT_MAX_Y && c->rhs->n_p <= GRADIENT_MAX_P);
    assert_ok(costate_solver_create(c->rhs, options, NULL, &solver));
    double near =
        shifted_loss(c, solver, p_dir, y0_dir, t0_dir, h) - shifted_loss(c, solver, p_dir, y0_dir, t0_dir, -h);
    double far = shifted_loss(c, solver, p_dir, y0_dir, t0_dir, 2.0 * h) -
                 shifted_loss(c, solver, p_dir, y0_dir, t0_dir, -2.0 * h);
    costate_solver_destroy(solver);
    return (8.0 * near - far) / (12.0 * h);
}

double gradient_dot(const gradient_case *c, const gradient *g, const double *p_dir, const double *y0_dir,
                    double t0_dir) {
    double sum = t0_dir * g->t0bar;
    for (size_t j = 0; p_dir && j < c->rhs->n_p; j++)
        sum += p_dir[j] * g->pbar[j];
    for (size_t j = 0; y0_dir && j < c->rhs->n_y; j++)
        sum += y0_dir[j] * g->y0bar[j];
    return sum;
}

double gradient_distance(const gradient_case *c, const gradient *a, const gradient *b) {
    double difference = 0.0, largest = 0.0, sum = 0.0;
    for (size_t j = 0; j < c->rhs->n_p + c->rhs->n_y; j++) {
        double x = j < c->rhs->n_p ? a->pbar[j] : a->y0bar[j - c->rhs->n_p];
        double y = j < c->rhs->n_p ? b->pbar[j] : b->y0bar[j - c->rhs->n_p];
        difference = fmax(difference, fabs(x - y));
        largest = fmax(largest, fabs(y));
        sum += x - y;
    }
    return isnan(sum) ? sum : difference / largest;
}
