/* SPDX-License-Identifier: MIT */
/* Least squares of the model whose elimination is learned: blood' = ka gut / V - blood softplus(N(blood)). */
#include "learned_fit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* All that lives during a fit. */
typedef struct run {
    const subjects *s;
    const learned_options *options;
    learned_result *result;
    costate_net *net;
    costate_ude *model;
    costate_rhs rhs;
    costate_fit *fit;
    double *p; /* ka, V, dose, weights */
    double *x;
    double *covariance;
    void *work;
} run;

/* N sees the concentration in units of the highest; with weights of zero in the last layer softplus(N) is `rate`. */
static costate_status create_network(run *r, double rate) {
    const double in_scale = 1.0 / r->s->highest;
    const double out_shift = log(expm1(rate));
    const costate_layer_spec layers[] = {{.n_out = r->options->n_hidden, .act = COSTATE_ACT_TANH},
                                         {.n_out = 1, .act = COSTATE_ACT_IDENTITY}};
    const costate_net_spec spec = {
        .n_in = 1, .n_layer = 2, .layers = layers, .in_scale = &in_scale, .out_shift = &out_shift};
    return costate_net_create(&spec, NULL, &r->net);
}

static costate_status create_model(run *r) {
    static const costate_ude_input blood = {.source = COSTATE_UDE_STATE, .index = BLOOD};
    static const size_t eliminated = BLOOD;
    static const char *const names[N_LEARNED] = {"ka", "V", "dose"};
    const costate_ude_net net = {.net = r->net, .n_input = 1, .inputs = &blood};
    const costate_ude_spec spec = {.mechanism = absorption_alone,
                                   .form = COSTATE_UDE_POSITIVE,
                                   .n_net = 1,
                                   .nets = &net,
                                   .index = &eliminated,
                                   .theta_name = names};
    const costate_status status = costate_ude_create(&spec, NULL, &r->model);
    return status == COSTATE_OK ? costate_ude_rhs(r->model, &r->rhs) : status;
}

static costate_status start_parameters(run *r, const linear_result *linear) {
    costate_random random = costate_random_seed(r->options->seed, 0);
    r->p = calloc(r->rhs.n_p, sizeof(double));
    r->work = malloc(costate_ude_work_bytes(r->model));
    if (!r->p || !r->work) {
        return COSTATE_ERR_MEMORY;
    }
    r->p[LEARNED_KA] = linear->theta[LINEAR_KA];
    r->p[LEARNED_V] = linear->theta[LINEAR_CL] / linear->theta[LINEAR_KE];
    return costate_net_init_f64(r->net, COSTATE_INIT_GLOROT_UNIFORM, 0.0, &random, r->p + N_LEARNED);
}

static costate_status create_fit(run *r) {
    const size_t dose = LEARNED_DOSE;
    const costate_estimate estimates[] = {
        {.part = COSTATE_FIT_PARAMETER, .n = LEARNED_DOSE, .transform = COSTATE_TRANSFORM_LOG},
        {.part = COSTATE_FIT_PARAMETER, .first = N_LEARNED, .l2 = r->options->ridge}};
    const costate_initial initial = dose_in_gut(&learned_dose);
    const costate_fit_spec spec = {.rhs = &r->rhs,
                                   .n_series = r->s->n,
                                   .series = r->s->series,
                                   .observable = &concentration,
                                   .initial = &initial,
                                   .p = r->p,
                                   .n_covariate = 1,
                                   .covariate_index = &dose,
                                   .n_estimate = 2,
                                   .estimates = estimates};
    costate_fit_options options = costate_fit_options_default();
    options.solver.rtol = 1e-8;
    options.solver.atol = 1e-9;
    return costate_fit_create(&spec, &options, NULL, &r->fit);
}

static costate_status minimise(run *r) {
    const size_t n_x = costate_fit_n_x(r->fit);
    costate_lbfgs_options options = costate_lbfgs_options_default();
    costate_fit_summary summary;
    options.stop.max_iteration = r->options->max_iteration;
    r->x = malloc(n_x * sizeof(double));
    r->covariance = malloc(n_x * n_x * sizeof(double));
    if (!r->x || !r->covariance) {
        return COSTATE_ERR_MEMORY;
    }
    costate_status status = costate_fit_start(r->fit, r->x);
    status = status ? status : costate_minimize_lbfgs(n_x, costate_fit_objective, r->fit, &options, NULL, r->x, NULL);
    status = status ? status : costate_fit_diagnostics(r->fit, r->x, false, NULL, &summary);
    if (status == COSTATE_OK) {
        r->result->theta[LEARNED_KA] = exp(r->x[LEARNED_KA]);
        r->result->theta[LEARNED_V] = exp(r->x[LEARNED_V]);
        r->result->square_sum = summary.loss;
        r->result->n_parameter = costate_net_n_param(r->net);
        r->result->n_gradient = costate_fit_get_counts(r->fit)->n_gradient;
    }
    return status;
}

/* The elimination at point i of the grid, c softplus(N(c)), and its gradient. */
static int learned_rate(size_t i, const double *q, double *value, double *qbar, void *ctx) {
    const run *r = ctx;
    const double c = r->result->concentration[i];
    const double y[N_STATE] = {0.0, c};
    const size_t bytes = costate_ude_work_bytes(r->model);
    double u;
    if (costate_ude_outputs(r->model, 0.0, y, q, &u, r->work, bytes) != COSTATE_OK) {
        return COSTATE_ANSWER_FAIL;
    }
    const double slope = c / (1.0 + exp(-u));
    *value = c * log1p(exp(u));
    return costate_ude_outputs_vjp(r->model, 0.0, y, q, &slope, 1.0, NULL, qbar, r->work, bytes) == COSTATE_OK
               ? COSTATE_ANSWER_OK
               : COSTATE_ANSWER_FAIL;
}

static costate_status learned_curve(run *r) {
    learned_result *result = r->result;
    for (size_t i = 0; i < N_GRID; i++) {
        result->concentration[i] = r->s->highest * (double)i / (N_GRID - 1);
        result->curve_time[i] = r->s->longest * (double)i / (N_GRID - 1);
    }
    costate_status status =
        costate_fit_covariance(r->fit, r->x, COSTATE_INFORMATION_EXPECTED, 0.0, r->covariance, NULL);
    status = status ? status
                    : costate_fit_quantities(r->fit, r->x, r->covariance, N_GRID, learned_rate, r, result->rate,
                                             result->rate_error);
    for (size_t k = 0; status == COSTATE_OK && k < r->s->n; k++) {
        status = costate_fit_predict(r->fit, r->x, k, N_GRID, result->curve_time, NULL, result->curve + k * N_GRID);
    }
    return status;
}

costate_status learned_fit(const subjects *s, const linear_result *linear, const learned_options *options,
                           learned_result *result) {
    run r = {.s = s, .options = options, .result = result};
    *result = (learned_result){.curve = malloc(s->n * N_GRID * sizeof(double)),
                               .curve_time = malloc(N_GRID * sizeof(double))};
    costate_status status = result->curve && result->curve_time ? COSTATE_OK : COSTATE_ERR_MEMORY;
    status = status ? status : create_network(&r, linear->theta[LINEAR_KE]);
    status = status ? status : create_model(&r);
    status = status ? status : start_parameters(&r, linear);
    status = status ? status : create_fit(&r);
    status = status ? status : minimise(&r);
    status = status ? status : learned_curve(&r);
    costate_fit_destroy(r.fit);
    costate_ude_destroy(r.model);
    costate_net_destroy(r.net);
    free(r.p);
    free(r.x);
    free(r.covariance);
    free(r.work);
    return status;
}

void learned_result_free(learned_result *result) {
    free(result->curve);
    free(result->curve_time);
}
