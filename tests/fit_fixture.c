/* SPDX-License-Identifier: MIT */
/* A series of Lotka-Volterra data, regular in nothing: uneven times, two of them equal, one at t0, missing values, weights. */
#include "fit_fixture.h"

#include "support/asserts.h"

#include <math.h>
#include <string.h>

void fit_fixture_fill(fit_fixture *fixture) {
    static const double t[FIXTURE_N_T] = {0.5, 0.7, 1.3, 1.3, 2.0, 2.9, 3.1, 4.2, 5.0};
    static const double x[FIXTURE_N_X] = {1.4, 0.9, 2.7, 1.1, 1.2, 0.9};
    memcpy(fixture->t, t, sizeof(t));
    memcpy(fixture->x, x, sizeof(x));
    for (size_t i = 0; i < (size_t)FIXTURE_N_T * FIXTURE_N_Y; i++) {
        fixture->data[i] = 1.5 + sin(0.9 * (double)i);
    }
    fixture->data[3] = (double)NAN;
    fixture->data[8] = (double)NAN;
    fixture->data[9] = (double)NAN;
    fixture->weight[0] = 2.5;
    fixture->weight[1] = 0.4;
    fixture->y0[0] = 1.2;
    fixture->y0[1] = 0.9;
    fixture->series = (costate_series){.n_t = FIXTURE_N_T,
                                       .t = fixture->t,
                                       .data = fixture->data,
                                       .weight = fixture->weight,
                                       .t0 = 0.5,
                                       .y0 = fixture->y0};
    fixture->estimate_y0 = true;
    fixture->loss = costate_loss_squared();
    fixture->options = costate_fit_options_default();
    fixture->options.solver.rtol = 1e-10;
    fixture->options.solver.atol = 1e-12;
}

costate_status fit_fixture_try(const fit_fixture *fixture, const costate_rhs *rhs, const costate_allocator *alloc,
                               costate_fit **fit) {
    const costate_estimate free_start = {.part = COSTATE_FIT_INITIAL_STATE, .series = COSTATE_EVERY_SERIES};
    const costate_fit_spec spec = {.rhs = rhs,
                                   .n_series = 1,
                                   .series = &fixture->series,
                                   .loss = fixture->loss,
                                   .n_estimate = fixture->estimate_y0 ? 1 : 0,
                                   .estimates = &free_start};
    return costate_fit_create(&spec, &fixture->options, alloc, fit);
}

costate_fit *fit_fixture_create(const fit_fixture *fixture, const costate_rhs *rhs) {
    costate_fit *fit = NULL;
    assert_ok(fit_fixture_try(fixture, rhs ? rhs : &problem_lotka_volterra.rhs, NULL, &fit));
    assert_non_null(fit);
    return fit;
}

void check_fit_gradient(costate_fit *fit, const double *x, double rtol, double atol) {
    enum { MAX_X = 64 };
    const size_t n = costate_fit_n_x(fit);
    double point[MAX_X];
    double grad[MAX_X];
    double value;
    assert_true(n <= MAX_X);
    assert_ok(costate_fit_objective(x, &value, grad, fit));
    memcpy(point, x, n * sizeof(double));
    for (size_t i = 0; i < n; i++) {
        const double h = 2e-3; /* the noise of the solver is divided by it */
        double v[4];
        for (int k = 0; k < 4; k++) {
            const double steps[4] = {-2.0, -1.0, 1.0, 2.0};
            point[i] = x[i] + steps[k] * h;
            assert_ok(costate_fit_objective(point, &v[k], NULL, fit));
        }
        point[i] = x[i];
        assert_close(grad[i], (v[0] - 8.0 * v[1] + 8.0 * v[2] - v[3]) / (12.0 * h), rtol, atol);
    }
}
