/* SPDX-License-Identifier: MIT */
/* A solver of the Lotka-Volterra problem with its adjoint, observation times, random cotangents and their gradient. */
#include "adjoint_fixture.h"

#include "support/asserts.h"
#include "support/seeded_random.h"

#include <string.h>

static const problem *const lv = &problem_lotka_volterra;

const adjoint_setup adjoint_setups[N_ADJOINT_SETUP] = {
    {COSTATE_METHOD_ADAMS, N_SPARSE}, {COSTATE_METHOD_BDF, N_SPARSE},    {COSTATE_METHOD_ADAMS, N_DENSE},
    {COSTATE_METHOD_BDF, N_DENSE},    {COSTATE_METHOD_TSIT5, N_SPARSE},  {COSTATE_METHOD_SDIRK4, N_SPARSE},
    {COSTATE_METHOD_AUTO, N_SPARSE},  {COSTATE_METHOD_TSIT5, N_DENSE},   {COSTATE_METHOD_SDIRK4, N_DENSE},
    {COSTATE_METHOD_AUTO, N_DENSE},   {COSTATE_METHOD_DOP853, N_SPARSE}, {COSTATE_METHOD_DOP853, N_DENSE}};

void adjoint_fixture_vjp(adjoint_fixture *fx, size_t n_t, const double *v, gradient *g) {
    memset(g, 0, sizeof *g);
    assert_ok(costate_adjoint_vjp(fx->adjoint, lv->p, n_t, v, g->y0bar, g->pbar, &g->t0bar));
}

void adjoint_fixture_solve(adjoint_fixture *fx) {
    /* The caller's arrays need not outlive the call. */
    double t[N_DENSE], y0[LV_N_Y], p[LV_N_P];
    memcpy(t, fx->t, fx->n_t * sizeof *t);
    memcpy(y0, lv->y0, sizeof y0);
    memcpy(p, lv->p, sizeof p);
    assert_ok(costate_solve(fx->solver, p, 0.0, y0, fx->n_t, t, NULL));
    memset(t, 0xff, sizeof t);
    memset(y0, 0xff, sizeof y0);
    memset(p, 0xff, sizeof p);
}

void adjoint_fixture_fill(adjoint_fixture *fx, size_t n_t) {
    const double first[N_SPARSE] = {0.0, 0.4, 1.0, 1.0, 2.3, 3.9, 4.0};
    costate_random random = costate_random_seed(1, 0);
    fx->n_t = n_t;
    for (size_t i = 0; i < n_t; i++)
        fx->t[i] = i < N_SPARSE ? first[i] : 4.0 + 0.1 * (double)(i - N_SPARSE + 1);
    fill_normal(&random, fx->v, n_t * LV_N_Y, 1.0);
}

void adjoint_fixture_create(adjoint_fixture *fx, const adjoint_setup *setup, double rtol) {
    costate_solver_options options = gradient_options(setup->method, rtol, rtol * 1e-2);
    assert_ok(costate_solver_create(&lv->rhs, &options, NULL, &fx->solver));
    assert_ok(costate_adjoint_create(fx->solver, NULL, NULL, &fx->adjoint));
    adjoint_fixture_fill(fx, setup->n_t);
    adjoint_fixture_solve(fx);
    adjoint_fixture_vjp(fx, fx->n_t, fx->v, &fx->g);
}

void adjoint_fixture_destroy(adjoint_fixture *fx) {
    costate_adjoint_destroy(fx->adjoint);
    costate_solver_destroy(fx->solver);
}

void assert_lv_gradients_same(const gradient *a, const gradient *b) {
    assert_same_bits_f64(a->y0bar, b->y0bar, LV_N_Y);
    assert_same_bits_f64(a->pbar, b->pbar, LV_N_P);
    assert_same_bits_f64(&a->t0bar, &b->t0bar, 1);
}

void assert_lv_gradients_close(const gradient *a, const gradient *b, double tolerance) {
    assert_close_array(a->y0bar, b->y0bar, LV_N_Y, tolerance, tolerance);
    assert_close_array(a->pbar, b->pbar, LV_N_P, tolerance, tolerance);
    assert_close(a->t0bar, b->t0bar, tolerance, tolerance);
}
