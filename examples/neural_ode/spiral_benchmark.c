/* SPDX-License-Identifier: MIT */
/* The cubic spiral of Chen et al. (2018), the benchmark of neural ODE libraries. */
#include "spiral_benchmark.h"

#include "complain.h"
#include "progress_line.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N_T = 30, N_Y = 2 };
static const double T_END = 1.5;
static const double Y0[N_Y] = {2.0, 0.0};
static const double RATE = 0.05;
static const double ATOL = 1e-6;
static const double DATA_RTOL = 1e-12; /* of the exact spiral */

static char time_name[] = "t";
static char y0_name[] = "y0";
static char y1_name[] = "y1";
static char *const names[] = {time_name, y0_name, y1_name};

typedef struct spiral_run {
    costate_net *net;
    costate_rhs rhs;
    costate_fit *fit;
    double *p;
    double time[N_T];
    double data[N_T * N_Y];
    progress_line line;
    fit_result *result;
} spiral_run;

static int true_field(double t, const double *y, const double *p, double *dydt, void *work, void *ctx) {
    (void)t;
    (void)p;
    (void)work;
    (void)ctx;
    const double a = y[0] * y[0] * y[0];
    const double b = y[1] * y[1] * y[1];
    dydt[0] = -0.1 * a - 2.0 * b;
    dydt[1] = 2.0 * a - 0.1 * b;
    return COSTATE_ANSWER_OK;
}

static costate_status compute_data(spiral_run *run) {
    const costate_rhs rhs = {.n_y = N_Y, .f = true_field};
    costate_solver_options options = costate_solver_options_default();
    costate_solver *solver;
    options.rtol = DATA_RTOL;
    options.atol = DATA_RTOL;
    options.record = false;
    for (size_t i = 0; i < N_T; i++) {
        run->time[i] = T_END * (double)i / (double)(N_T - 1);
    }
    costate_status status = costate_solver_create(&rhs, &options, NULL, &solver);
    if (status == COSTATE_OK) {
        status = costate_solve(solver, NULL, 0.0, Y0, N_T, run->time, run->data);
        costate_solver_destroy(solver);
    }
    return status;
}

static costate_status create_network(spiral_run *run, const command_line *options) {
    costate_layer_spec layers[MAX_HIDDEN + 1];
    for (size_t l = 0; l < options->n_hidden; l++) {
        layers[l] = (costate_layer_spec){.n_out = options->hidden[l], .act = options->activation};
    }
    layers[options->n_hidden] = (costate_layer_spec){.n_out = N_Y, .act = COSTATE_ACT_IDENTITY};
    const costate_net_spec spec = {
        .n_in = N_Y, .n_layer = options->n_hidden + 1, .layers = layers, .input_act = COSTATE_ACT_CUBE};
    const costate_status status = costate_net_create(&spec, NULL, &run->net);
    return status == COSTATE_OK ? costate_net_rhs(run->net, &run->rhs) : status;
}

static costate_status create_fit(spiral_run *run, const command_line *options) {
    const costate_series series = {.n_t = N_T, .t = run->time, .data = run->data, .t0 = 0.0, .y0 = Y0};
    costate_fit_options fit_options = costate_fit_options_default();
    fit_options.solver.method = options->solver;
    fit_options.solver.rtol = options->rtol;
    fit_options.solver.atol = ATOL;
    const costate_fit_spec problem = {.rhs = &run->rhs, .n_series = 1, .series = &series};
    return costate_fit_create(&problem, &fit_options, NULL, &run->fit);
}

static int show_progress(const costate_progress *progress, void *ctx) {
    spiral_run *run = ctx;
    const costate_fit_counts *counts = costate_fit_get_counts(run->fit);
    const progress_values values = {.iteration = progress->iteration,
                                    .loss = progress->value,
                                    .rmse = sqrt(progress->value / (N_T * N_Y)),
                                    .grad_norm = progress->grad_norm,
                                    .n_step = counts->forward.n_step + counts->backward.n_step};
    progress_line_show(&run->line, &values);
    return 0;
}

static costate_status train(spiral_run *run, const command_line *options) {
    costate_random random = costate_random_seed(options->seed, 0);
    costate_adam_options adam = costate_adam_options_default();
    costate_optimum optimum = {0};
    adam.rate = RATE;
    adam.stop.max_iteration = options->iterations;
    adam.stop.progress = show_progress;
    adam.stop.progress_ctx = run;
    run->p = allocate(run->rhs.n_p, sizeof(double));
    costate_status status = costate_net_init_f64(run->net, COSTATE_INIT_GLOROT_UNIFORM, 1.0, &random, run->p);
    if (status == COSTATE_OK) {
        status = costate_minimize_adam(run->rhs.n_p, costate_fit_objective, run->fit, &adam, NULL, run->p, &optimum);
    }
    run->result->loss = optimum.value;
    run->result->n_iteration = optimum.n_iteration;
    run->result->stop = optimum.stop;
    run->result->counts = *costate_fit_get_counts(run->fit);
    return status;
}

int spiral_benchmark(const command_line *options, fit_result *result) {
    spiral_run run = {.result = result};
    *result = (fit_result){.names = names, .phase_plane = true, .solver = options->solver, .rtol = options->rtol};
    costate_status status = compute_data(&run);
    if (status == COSTATE_OK) {
        status = create_network(&run, options);
    }
    if (status == COSTATE_OK) {
        fit_result_describe(result, run.net);
        status = create_fit(&run, options);
    }
    run.line = progress_line_start(options->iterations, options->quiet);
    if (status == COSTATE_OK) {
        status = train(&run, options);
    }
    result->seconds = progress_line_seconds(&run.line);
    progress_line_clear(&run.line);
    curves_create(&result->curves, N_T, N_Y, run.time, run.data);
    if (status == COSTATE_OK) {
        status = costate_fit_predict(run.fit, run.p, 0, result->curves.n_point, result->curves.time, result->curves.fit,
                                     NULL);
    }
    if (status != COSTATE_OK) {
        complain("the fit failed: %s", costate_status_message(status));
    }
    costate_fit_destroy(run.fit);
    costate_net_destroy(run.net);
    free(run.p);
    return status == COSTATE_OK ? EXIT_SUCCESS : EXIT_FIT;
}
