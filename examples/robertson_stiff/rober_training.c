/* SPDX-License-Identifier: MIT */
/* How the network is trained: several starts, each in stages. */
#define _POSIX_C_SOURCE 200809L

#include "rober_training.h"

#include "rober_segments.h"
#include "rober_slopes.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SLOPE_ITERATIONS = 15, LBFGS_MEMORY = 40 };

/* Loss of the slopes with respect to ln t above which a start is given up. */
static const double GOOD_SLOPES = 1e-4;

typedef struct training {
    const rober_training_options *options;
    const costate_net *net;
    size_t n_p;
    rober_slopes slopes;
    rober_segments segments;
    double *p;
    rober_training_result *result;
} training;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* What a stage came to. A loss that cannot be evaluated at its start leaves the parameters to the next stage. */
static costate_status conclude(training *run, costate_status status, const costate_optimum *optimum) {
    run->result->n_eval += optimum->n_eval;
    return status == COSTATE_ERR_OPTIMIZER ? COSTATE_OK : status;
}

static costate_status lbfgs(training *run, costate_objective_fn objective, void *ctx, size_t iterations) {
    costate_lbfgs_options options = costate_lbfgs_options_default();
    options.memory = LBFGS_MEMORY;
    options.stop.max_iteration = iterations;
    options.stop.rel_change = 0.0;
    costate_optimum optimum = {0};
    const costate_status status = costate_minimize_lbfgs(run->n_p, objective, ctx, &options, NULL, run->p, &optimum);
    return conclude(run, status, &optimum);
}

static costate_status adam(training *run, costate_objective_fn objective, void *ctx, size_t iterations, double rate,
                           double rate_final) {
    costate_adam_options options = costate_adam_options_default();
    options.rate = rate;
    options.rate_final = rate_final;
    options.stop.max_iteration = iterations;
    costate_optimum optimum = {0};
    const costate_status status = costate_minimize_adam(run->n_p, objective, ctx, &options, NULL, run->p, &optimum);
    return conclude(run, status, &optimum);
}

/* Stage 1; *loss is that of the slopes with respect to ln t. */
static costate_status fit_slopes(training *run, double *loss) {
    const size_t n = SLOPE_ITERATIONS * run->options->iterations;
    rober_slopes *slopes = &run->slopes;
    slopes->magnitudes = true;
    costate_status status = adam(run, rober_slopes_objective, slopes, n, 1e-2, 1e-2);
    if (status == COSTATE_OK) {
        status = lbfgs(run, rober_slopes_objective, slopes, n);
    }
    slopes->magnitudes = false;
    /* A fresh start of L-BFGS forgets curvatures of steep valleys that were left long ago. */
    for (int k = 0; status == COSTATE_OK && k < 3; k++) {
        status = lbfgs(run, rober_slopes_objective, slopes, n);
    }
    return status == COSTATE_OK ? rober_slopes_objective(run->p, loss, NULL, slopes) : status;
}

/* Stages 2 and 3. L-BFGS that ran into the noise of the steps' choice may go on from a fresh start, hence the repeats. */
static costate_status fit_solution(training *run) {
    const size_t n = run->options->iterations;
    rober_segments *segments = &run->segments;
    costate_status status = COSTATE_OK;
    segments->absolute = false;
    for (size_t length = 1; status == COSTATE_OK && length < ROBER_N_T; length *= 2) {
        segments->length = length;
        status = lbfgs(run, rober_segments_objective, segments, n);
    }
    segments->length = ROBER_N_T;
    for (int k = 0; status == COSTATE_OK && k < 3; k++) {
        status = lbfgs(run, rober_segments_objective, segments, n);
    }
    segments->absolute = true;
    return status == COSTATE_OK ? adam(run, rober_segments_objective, segments, 2 * n, 1e-5, 1e-6) : status;
}

/* Mean absolute error of the solution; HUGE_VAL where there is none. */
static double solution_error(training *run) {
    double error = HUGE_VAL;
    run->segments.length = ROBER_N_T;
    run->segments.absolute = true;
    return rober_segments_objective(run->p, &error, NULL, &run->segments) == COSTATE_OK ? error : HUGE_VAL;
}

static void keep_best(training *run, double error) {
    if (error < run->result->error) {
        const costate_solve_counts *counts = costate_solver_counts(run->segments.solver);
        memcpy(run->result->p, run->p, run->n_p * sizeof(double));
        run->result->error = error;
        run->result->n_step = counts->n_step;
        run->result->n_implicit = counts->n_implicit;
    }
}

static costate_status train_once(training *run, size_t k) {
    costate_random random = costate_random_seed(run->options->seed, k);
    double first = 0.0;
    double slopes = 0.0;
    costate_status status = costate_net_init_f64(run->net, COSTATE_INIT_GLOROT_NORMAL, 1.0, &random, run->p);
    run->slopes.magnitudes = false;
    if (status == COSTATE_OK) {
        status = rober_slopes_objective(run->p, &first, NULL, &run->slopes);
    }
    if (status == COSTATE_OK) {
        status = fit_slopes(run, &slopes);
    }
    if (status != COSTATE_OK) {
        return status;
    }
    printf("start %-3zu slopes %.1e -> %.1e", k + 1, first, slopes);
    const double before = solution_error(run);
    keep_best(run, before);
    if (slopes > GOOD_SLOPES && k + 1 < run->options->starts) {
        printf(", given up\n");
        return COSTATE_OK;
    }
    fflush(stdout);
    status = fit_solution(run);
    if (status == COSTATE_OK) {
        const double after = solution_error(run);
        keep_best(run, after);
        printf(", solution %.2e -> %.2e\n", before, after);
    }
    return status;
}

costate_status rober_training_run(const rober_data *data, const costate_net *net, const costate_rhs *rhs,
                                  const rober_training_options *options, rober_training_result *result) {
    training run = {.options = options, .net = net, .n_p = rhs->n_p, .result = result};
    const double start = now();
    *result = (rober_training_result){.p = calloc(rhs->n_p, sizeof(double)), .error = HUGE_VAL};
    run.p = calloc(rhs->n_p, sizeof(double));
    costate_status status = result->p && run.p ? COSTATE_OK : COSTATE_ERR_MEMORY;
    if (status == COSTATE_OK) {
        status = rober_slopes_create(data, net, &run.slopes);
    }
    if (status == COSTATE_OK) {
        status = rober_segments_create(data, rhs, options->method, options->rtol, &run.segments);
    }
    while (status == COSTATE_OK && result->n_start < options->starts && !(result->error <= options->target)) {
        status = train_once(&run, result->n_start++);
    }
    result->seconds = now() - start;
    rober_segments_destroy(&run.segments);
    rober_slopes_destroy(&run.slopes);
    free(run.p);
    return status;
}
