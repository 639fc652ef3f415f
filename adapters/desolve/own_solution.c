/* SPDX-License-Identifier: MIT */
/* The same problem by costate's own solver, to compare with: t and the states as CSV, the doses by restarts. */
#include "elimination_ude.h"
#include <costate/solver.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { n_y = 3, n_theta = 3, n_period = 3, per_period = 24 };
static const double dose = 10;
static const double period = 12;

static void print_row(double t, const double *y) { printf("%.17g,%.17g,%.17g,%.17g\n", t, y[0], y[1], y[2]); }

/* Rows at every half hour; at a dose the state before it, as deSolve has it. */
static costate_status print_solution(costate_solver *solver, const double *p) {
    double y[n_y] = {0};
    printf("time,depot,central,peripheral\n");
    for (int k = 0; k < n_period; k++) {
        double t[per_period];
        double out[per_period * n_y];
        const double t0 = k * period;
        y[0] += dose;
        if (k == 0) {
            print_row(t0, y);
        }
        for (int i = 0; i < per_period; i++) {
            t[i] = t0 + (i + 1) * period / per_period;
        }
        const costate_status status = costate_solve(solver, p, t0, y, per_period, t, out);
        if (status != COSTATE_OK) {
            return status;
        }
        const double *row = out;
        for (int i = 0; i < per_period; i++, row += n_y) {
            print_row(t[i], row);
        }
        for (int i = 0; i < n_y; i++) {
            y[i] = out[(per_period - 1) * n_y + i];
        }
    }
    return COSTATE_OK;
}

int main(void) {
    struct elimination model;
    costate_solver *solver = NULL;
    costate_solver_options options = costate_solver_options_default();
    options.method = COSTATE_METHOD_DOP853;
    options.rtol = 1e-12;
    options.atol = 1e-12;
    costate_status status = elimination_create(&model);
    double *p = status == COSTATE_OK ? malloc(model.rhs.n_p * sizeof *p) : NULL;
    if (status == COSTATE_OK) {
        status = p == NULL ? COSTATE_ERR_MEMORY : costate_solver_create(&model.rhs, &options, NULL, &solver);
    }
    if (status == COSTATE_OK) {
        static const double theta[n_theta] = {1.5, 0.2, 0.1};
        for (size_t k = 0; k < model.rhs.n_p; k++) {
            p[k] = k < n_theta ? theta[k] : 0.1 * sin(1 + 0.7 * (double)(k - n_theta));
        }
        status = print_solution(solver, p);
    }
    if (status != COSTATE_OK) {
        fprintf(stderr, "%s\n", costate_status_message(status));
    }
    costate_solver_destroy(solver);
    elimination_destroy(&model);
    free(p);
    return status == COSTATE_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
