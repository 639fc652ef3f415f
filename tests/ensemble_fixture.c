/* SPDX-License-Identifier: MIT */
/* Ensembles of trajectories with random data, what an ensemble gives for them, and the same by single solves. */
#include "ensemble_fixture.h"

#include "support/asserts.h"

#include <costate/adjoint.h>
#include <costate/random.h>
#include <costate/solver.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { N_SHARED_T = 6, MAX_OWN_T = 9 };

static double *numbers(size_t n, double value) {
    double *x = malloc((n > 0 ? n : 1) * sizeof *x);
    assert_non_null(x);
    for (size_t i = 0; i < n; i++)
        x[i] = value;
    return x;
}

static double uniform(costate_random *random) { return costate_random_uniform(random); }

/* Times from t0 to t_end, the first at t0 and the middle two the same, if there are so many. */
static void fill_times(costate_random *random, double t0, double t_end, size_t n, double *t) {
    for (size_t i = 0; i < n; i++)
        t[i] = t0 + (t_end - t0) * ((double)(i + 1) - 0.5 * uniform(random)) / (double)n;
    if (n > 2) t[0] = t0;
    if (n > 3) t[n / 2] = t[n / 2 - 1];
    t[n - 1] = t_end;
}

static void fill_trajectory(ensemble_case *c, const problem *from, unsigned kinds, size_t j) {
    costate_random random = costate_random_seed(2718, j);
    size_t n_y = c->rhs->n_y, n_p = c->rhs->n_p;
    for (size_t i = 0; i < n_y; i++)
        c->y0[j * n_y + i] = from->y0[i] * (0.7 + 0.6 * uniform(&random));
    for (size_t i = 0; kinds & ENSEMBLE_OWN_P && i < n_p; i++)
        c->p[j * n_p + i] = from->p[i] * (0.9 + 0.2 * uniform(&random));
    if (kinds & ENSEMBLE_OWN_T0) c->t0[j] = from->t0 + 0.1 * uniform(&random);
    if (kinds & ENSEMBLE_OWN_TIMES) {
        double t0 = c->t0[kinds & ENSEMBLE_OWN_T0 ? j : 0], length = (from->t_end - from->t0) * uniform(&random);
        double sign = kinds & ENSEMBLE_BOTH_WAYS && j % 3 == 1 ? -0.3 : 1.0;
        fill_times(&random, t0, t0 + sign * length, c->first[j + 1] - c->first[j], c->t + c->first[j]);
    }
    size_t begin = c->first ? c->first[j] : j * c->all.n_t, end = c->first ? c->first[j + 1] : begin + c->all.n_t;
    for (size_t i = begin * n_y; i < end * n_y; i++)
        c->v[i] = uniform(&random) - 0.5;
}

void ensemble_case_create(ensemble_case *c, const problem *from, const costate_rhs *rhs, size_t n, unsigned kinds) {
    memset(c, 0, sizeof *c);
    c->rhs = rhs;
    c->all.n = n;
    c->all.own_p = (kinds & ENSEMBLE_OWN_P) != 0;
    c->all.own_t0 = (kinds & ENSEMBLE_OWN_T0) != 0;
    c->n_row = n * N_SHARED_T;
    if (kinds & ENSEMBLE_OWN_TIMES) {
        c->first = malloc((n + 1) * sizeof *c->first);
        assert_non_null(c->first);
        c->first[0] = 0;
        for (size_t j = 0; j < n; j++)
            c->first[j + 1] = c->first[j] + 1 + j * 7 % MAX_OWN_T;
        c->n_row = c->first[n];
    } else {
        c->all.n_t = N_SHARED_T;
    }
    c->y0 = numbers(n * rhs->n_y, 0.0);
    c->p = numbers(c->all.own_p ? n * rhs->n_p : rhs->n_p, 0.0);
    c->t0 = numbers(c->all.own_t0 ? n : 1, from->t0);
    c->t = numbers(c->first ? c->n_row : N_SHARED_T, 0.0);
    c->v = numbers(c->n_row * rhs->n_y, 0.0);
    costate_random random = costate_random_seed(31, 0);
    double earliest = from->t0 + (c->all.own_t0 ? 0.1 : 0.0);
    if (!c->first) fill_times(&random, earliest, from->t_end, N_SHARED_T, c->t);
    for (size_t i = 0; !c->all.own_p && i < rhs->n_p; i++)
        c->p[i] = from->p[i];
    for (size_t j = 0; j < n; j++)
        fill_trajectory(c, from, kinds, j);
    c->all.y0 = c->y0, c->all.p = c->p, c->all.t0 = c->t0, c->all.t = c->t, c->all.first = c->first;
}

void ensemble_case_destroy(ensemble_case *c) {
    free(c->y0), free(c->p), free(c->t0), free(c->t), free(c->v), free(c->first);
}

void ensemble_result_create(ensemble_result *r, const ensemble_case *c) {
    r->n_y_values = c->n_row * c->rhs->n_y;
    r->n_pbar = c->all.own_p ? c->all.n * c->rhs->n_p : c->rhs->n_p;
    r->y = numbers(r->n_y_values, -777.0);
    r->y0bar = numbers(c->all.n * c->rhs->n_y, -777.0);
    r->pbar = numbers(r->n_pbar, 0.25);
    r->status = malloc((c->all.n + 1) * sizeof *r->status);
    assert_non_null(r->status);
    for (size_t j = 0; j < c->all.n; j++)
        r->status[j] = COSTATE_ERR_SOLVER;
    r->solved = r->differentiated = COSTATE_ERR_SOLVER;
}

void ensemble_result_destroy(ensemble_result *r) { free(r->y), free(r->y0bar), free(r->pbar), free(r->status); }

void ensemble_run(costate_ensemble *ensemble, const ensemble_case *c, ensemble_result *r) {
    r->solved = costate_ensemble_solve(ensemble, &c->all, r->y, r->status);
    r->differentiated = costate_ensemble_vjp(ensemble, &c->all, c->v, r->y0bar, r->pbar);
}

void ensemble_run_with(const costate_ensemble_options *options, const ensemble_case *c, ensemble_result *r) {
    costate_ensemble *ensemble = NULL;
    assert_ok(costate_ensemble_create(c->rhs, options, NULL, &ensemble));
    ensemble_result_create(r, c);
    ensemble_run(ensemble, c, r);
    costate_ensemble_destroy(ensemble);
}

static void keep_first(costate_status *overall, costate_status status) {
    if (*overall == COSTATE_OK) *overall = status;
}

void ensemble_run_loop(const costate_ensemble_options *options, const ensemble_case *c, ensemble_result *r) {
    costate_solver *solver = NULL;
    costate_adjoint *adjoint = NULL;
    size_t n_y = c->rhs->n_y, n_p = c->rhs->n_p;
    assert_ok(costate_solver_create(c->rhs, &options->solver, NULL, &solver));
    assert_ok(costate_adjoint_create(solver, &options->adjoint, NULL, &adjoint));
    ensemble_result_create(r, c);
    r->solved = r->differentiated = COSTATE_OK;
    for (size_t j = 0; j < c->all.n; j++) {
        size_t row = c->first ? c->first[j] : j * c->all.n_t, n_t = c->first ? c->first[j + 1] - row : c->all.n_t;
        const double *p = c->all.own_p ? c->p + j * n_p : c->p, *t = c->first ? c->t + row : c->t;
        double t0 = c->t0[c->all.own_t0 ? j : 0], *y0bar = r->y0bar + j * n_y;
        r->status[j] = costate_solve(solver, p, t0, c->y0 + j * n_y, n_t, t, r->y + row * n_y);
        keep_first(&r->solved, r->status[j]);
        costate_status status = r->status[j];
        if (status == COSTATE_OK) {
            status = costate_adjoint_vjp(adjoint, p, n_t, c->v + row * n_y, y0bar,
                                         c->all.own_p ? r->pbar + j * n_p : r->pbar, NULL);
            keep_first(&r->differentiated, status);
        }
        for (size_t i = 0; status != COSTATE_OK && i < n_y; i++)
            y0bar[i] = (double)NAN;
    }
    costate_adjoint_destroy(adjoint);
    costate_solver_destroy(solver);
}

costate_ensemble_options ensemble_lane_options(double rtol, double atol) {
    costate_ensemble_options options = costate_ensemble_options_default();
    options.solver.rtol = rtol;
    options.solver.atol = atol;
    return options;
}

void assert_results_same(const ensemble_case *c, const ensemble_result *a, const ensemble_result *b) {
    assert_status(a->solved, b->solved);
    assert_status(a->differentiated, b->differentiated);
    for (size_t j = 0; j < c->all.n; j++)
        assert_status(a->status[j], b->status[j]);
    assert_same_bits_f64(a->y, b->y, a->n_y_values);
    assert_same_bits_f64(a->y0bar, b->y0bar, c->all.n * c->rhs->n_y);
    assert_same_bits_f64(a->pbar, b->pbar, a->n_pbar);
}

/* Against the largest element, because gradients may nearly cancel. */
static void assert_near(const double *a, const double *b, size_t n, double tolerance) {
    double largest = 0.0;
    for (size_t i = 0; i < n; i++)
        largest = fmax(largest, fabs(b[i]));
    assert_close_array(a, b, n, tolerance, tolerance * largest);
}

void assert_results_close(const ensemble_case *c, const ensemble_result *a, const ensemble_result *b,
                          double tolerance) {
    assert_status(a->solved, b->solved);
    assert_status(a->differentiated, b->differentiated);
    for (size_t j = 0; j < c->all.n; j++)
        assert_status(a->status[j], b->status[j]);
    assert_near(a->y, b->y, a->n_y_values, tolerance);
    assert_near(a->y0bar, b->y0bar, c->all.n * c->rhs->n_y, tolerance);
    assert_near(a->pbar, b->pbar, a->n_pbar, tolerance);
}
