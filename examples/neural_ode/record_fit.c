/* SPDX-License-Identifier: MIT */
/* Fits a neural ODE to a record of any length and number of states. */
#include "record_fit.h"

#include "complain.h"
#include "piece_objective.h"
#include "progress_line.h"
#include "record_scale.h"

#include <stdlib.h>
#include <string.h>

enum {
    FIRST_LENGTH = 3, /* intervals of the first pieces, unless they were more than MAX_PIECES */
    MAX_PIECES = 32,
    LBFGS_MEMORY = 30,
    MAX_STEPS = 20000 /* of one solve: a trial step of the optimiser into a stiff field shall fail and not last */
};

/* Learning rate, and the one that Adam alone ends with; factor on the first weights of the output layer, so that the field starts small. */
static const double RATE = 0.02;
static const double RATE_FINAL = 1e-4;
static const double OUT_GAIN = 0.1;

/* One fit in progress. */
typedef struct fit_run {
    const command_line *options;
    costate_net *net;
    costate_rhs rhs;
    costate_solver_options solver;
    record_scale scale;
    double *x; /* parameters, then the initial state */
    piece_objective objective;
    progress_line line;
    fit_result *result;
} fit_run;

static costate_status create_network(fit_run *run) {
    const command_line *options = run->options;
    const size_t n_state = run->scale.record.n_state;
    double in_scale[RECORD_MAX_STATES + 1];
    double in_shift[RECORD_MAX_STATES + 1] = {0.0};
    costate_layer_spec layers[MAX_HIDDEN + 1];
    for (size_t l = 0; l < options->n_hidden; l++) {
        layers[l] = (costate_layer_spec){.n_out = options->hidden[l], .act = options->activation};
    }
    layers[options->n_hidden] = (costate_layer_spec){.n_out = n_state, .act = COSTATE_ACT_IDENTITY};
    for (size_t k = 0; k < n_state; k++) {
        in_scale[k] = 1.0;
    }
    in_scale[n_state] = 2.0 / SCALED_DURATION; /* time as -1 ... 1 */
    in_shift[n_state] = -1.0;
    const costate_net_spec spec = {.n_in = n_state + (options->time_input ? 1 : 0),
                                   .n_layer = options->n_hidden + 1,
                                   .layers = layers,
                                   .in_scale = in_scale,
                                   .in_shift = in_shift};
    const costate_status status = costate_net_create(&spec, NULL, &run->net);
    return status == COSTATE_OK ? costate_net_rhs(run->net, &run->rhs) : status;
}

static int show_progress(const costate_progress *progress, void *ctx) {
    fit_run *run = ctx;
    const costate_fit_counts *done = &run->result->counts;
    const progress_values values = {.iteration = run->result->n_iteration + progress->iteration,
                                    .loss = progress->value,
                                    .rmse = piece_objective_rmse(&run->objective),
                                    .grad_norm = progress->grad_norm,
                                    .n_step = done->forward.n_step + done->backward.n_step +
                                              piece_objective_steps(&run->objective)};
    progress_line_show(&run->line, &values);
    return 0;
}

static costate_status adam(fit_run *run, size_t iterations, bool fading) {
    costate_adam_options options = costate_adam_options_default();
    costate_optimum optimum = {0};
    if (iterations == 0) {
        return COSTATE_OK;
    }
    options.rate = RATE;
    options.rate_final = fading ? RATE_FINAL : 0.0;
    options.stop.max_iteration = iterations;
    options.stop.progress = show_progress;
    options.stop.progress_ctx = run;
    const costate_status status = costate_minimize_adam(run->objective.n_x, piece_objective_evaluate, &run->objective,
                                                        &options, NULL, run->x, &optimum);
    run->result->n_iteration += optimum.n_iteration;
    run->result->loss = optimum.value;
    run->result->stop = optimum.stop;
    return status;
}

static costate_status lbfgs(fit_run *run, size_t iterations) {
    costate_lbfgs_options options = costate_lbfgs_options_default();
    costate_optimum optimum = {0};
    if (iterations == 0) {
        return COSTATE_OK;
    }
    options.memory = LBFGS_MEMORY;
    options.stop.max_iteration = iterations;
    options.stop.progress = show_progress;
    options.stop.progress_ctx = run;
    const costate_status status = costate_minimize_lbfgs(run->objective.n_x, piece_objective_evaluate, &run->objective,
                                                         &options, NULL, run->x, &optimum);
    run->result->n_iteration += optimum.n_iteration;
    run->result->loss = optimum.value;
    run->result->stop = optimum.stop;
    return status;
}

/* One stage: pieces of this length, or the whole record for length 0. Adam crosses bad ground, L-BFGS then goes down. */
static costate_status fit_stage(fit_run *run, size_t length, size_t iterations) {
    const command_line *options = run->options;
    const bool adam_only = options->optimizer == OPTIMIZER_ADAM;
    const size_t n_adam = adam_only ? iterations : length == 0 ? 0 : 2 * iterations / 3;
    costate_status status =
        piece_objective_create(&run->objective, &run->scale.record, length, options->ridge, &run->rhs, &run->solver);
    if (status == COSTATE_OK) {
        status = adam(run, n_adam, length == 0);
    }
    if (status == COSTATE_OK) {
        status = lbfgs(run, iterations - n_adam);
    }
    if (status == COSTATE_OK && length == 0) {
        curves *c = &run->result->curves;
        double *time = allocate(c->n_point, sizeof(double));
        record_scale_times(&run->scale, c->n_point, c->time, time);
        status = costate_fit_predict(run->objective.fit, run->x, 0, c->n_point, time, c->fit, NULL);
        record_scale_undo(&run->scale, c->n_point, c->fit);
        free(time);
    }
    piece_objective_destroy(&run->objective, &run->result->counts);
    return status;
}

static size_t first_length(size_t n_interval) {
    const size_t length = (n_interval + MAX_PIECES - 1) / MAX_PIECES;
    return length > FIRST_LENGTH ? length : FIRST_LENGTH;
}

/* Half of the iterations for pieces that double in length, the other half for the whole record. */
static costate_status fit_stages(fit_run *run) {
    const size_t n_interval = run->scale.record.n_row - 1;
    const size_t iterations = run->options->iterations;
    size_t n_stage = 0;
    for (size_t length = first_length(n_interval); length < n_interval; length *= 2) {
        n_stage++;
    }
    const size_t share = n_stage > 0 ? iterations / 2 / n_stage : 0;
    size_t length = first_length(n_interval);
    for (size_t stage = 0; stage < n_stage && share > 0; stage++, length *= 2) {
        const costate_status status = fit_stage(run, length, share);
        if (status != COSTATE_OK) {
            return status;
        }
    }
    return fit_stage(run, 0, iterations - n_stage * share);
}

static costate_status fit_network(fit_run *run) {
    const command_line *options = run->options;
    costate_random random = costate_random_seed(options->seed, 0);
    costate_status status = create_network(run);
    if (status != COSTATE_OK) {
        return status;
    }
    run->solver = costate_solver_options_default();
    run->solver.method = options->solver;
    run->solver.rtol = options->rtol;
    run->solver.atol = options->rtol;
    run->solver.max_steps = MAX_STEPS;
    run->x = allocate(run->rhs.n_p + run->rhs.n_y, sizeof(double));
    memcpy(run->x + run->rhs.n_p, run->scale.state, run->rhs.n_y * sizeof(double));
    fit_result_describe(run->result, run->net);
    status = costate_net_init_f64(run->net, COSTATE_INIT_GLOROT_UNIFORM, OUT_GAIN, &random, run->x);
    return status == COSTATE_OK ? fit_stages(run) : status;
}

int record_fit(const data_record *record, const command_line *options, fit_result *result) {
    fit_run run = {.options = options, .result = result};
    *result = (fit_result){.names = record->names, .solver = options->solver, .rtol = options->rtol};
    record_scale_create(&run.scale, record);
    curves_create(&result->curves, record->n_row, record->n_state, record->time, record->state);
    run.line = progress_line_start(options->iterations, options->quiet);
    const costate_status status = fit_network(&run);
    result->seconds = progress_line_seconds(&run.line);
    progress_line_clear(&run.line);
    if (status != COSTATE_OK) {
        complain("the fit failed: %s", costate_status_message(status));
    }
    costate_net_destroy(run.net);
    record_scale_free(&run.scale);
    free(run.x);
    return status == COSTATE_OK ? EXIT_SUCCESS : EXIT_FIT;
}
