/* SPDX-License-Identifier: MIT */
/* Many initial networks, each trained by the same plan, and the best of them. */
#include "interaction_search.h"

#include "search_journals.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N_GROWN = 5, GROWN_SHARE = 10, SHOOTING_LENGTH = 5, SHOOTING_ITERATIONS = 200, MEMORY = 40 };

/* Stages of the journal that come after those of costate_train(). */
static const uint32_t STAGE_OF_HABITAT = 1000;

typedef struct search {
    const populations *data;
    const interaction_model *model;
    const fit_settings *fit;
    const search_settings *settings;
    costate_journal **journals;
} search;

static costate_status draw_start(const search *s, size_t k, double *p) {
    costate_random random = costate_random_seed(s->settings->seed, k);
    memcpy(p, s->fit->rates, sizeof(s->fit->rates));
    return costate_net_init_f64(s->model->net, COSTATE_INIT_GLOROT_UNIFORM, 1.0, &random, p + N_RATE);
}

/* Slopes of splines, if wanted pieces of the record, the whole of it. */
static costate_status train_on_data(const search *s, interaction_fit *f, costate_journal *journal, double *x) {
    costate_train_plan plan = costate_train_plan_default();
    plan.n_shooting = s->settings->shooting;
    plan.shooting_length = SHOOTING_LENGTH;
    plan.shooting_effort.lbfgs = SHOOTING_ITERATIONS;
    plan.effort.lbfgs = s->settings->iterations;
    plan.lbfgs.memory = MEMORY;
    plan.journal = journal;
    return costate_train(f->on_data, &plan, NULL, x, NULL);
}

static costate_status minimise(const search *s, interaction_fit *f, costate_journal *journal, size_t stage, double *x) {
    const bool last = stage > N_GROWN;
    const double begin = f->data->t[f->data->n - 1];
    const double end = begin + (interaction_fit_horizon(f->data) - begin) * (double)stage / (N_GROWN + 1);
    costate_journaled journaled = {.journal = journal,
                                   .n = interaction_fit_n_x(f),
                                   .f = costate_fit_objective,
                                   .ctx = f->with_habitat,
                                   .stage = STAGE_OF_HABITAT + (uint32_t)stage};
    costate_lbfgs_options options = costate_lbfgs_options_default();
    options.memory = MEMORY;
    options.stop.max_iteration = last ? s->settings->iterations : s->settings->iterations / GROWN_SHARE + 1;
    const costate_status status = costate_fit_set_horizon(f->with_habitat, last ? HUGE_VAL : end);
    return status ? status
                  : costate_minimize_lbfgs(journaled.n, costate_journal_objective, &journaled, &options, NULL, x, NULL);
}

/* The time after the data comes step by step: a trajectory that ran away at once would have no useful gradient. */
static costate_status train_with_habitat(const search *s, interaction_fit *f, costate_journal *journal, double *x) {
    costate_status status = COSTATE_OK;
    if (f->with_habitat != f->on_data) {
        for (size_t stage = 1; status == COSTATE_OK && stage <= N_GROWN + 1; stage++) {
            status = minimise(s, f, journal, stage, x);
        }
    }
    return status;
}

/* A costate_start_fn. */
static costate_status start(size_t k, size_t worker, double *x, double *value, void *ctx) {
    (void)worker;
    const search *s = ctx;
    interaction_fit f = {0};
    double *p = malloc(s->model->rhs.n_p * sizeof(double));
    costate_status status = p ? draw_start(s, k, p) : COSTATE_ERR_MEMORY;
    status = status ? status : interaction_fit_create(s->data, s->model, s->fit, p, &f);
    status = status ? status : costate_fit_start(f.on_data, x);
    status = status ? status : train_on_data(s, &f, s->journals[k], x);
    status = status ? status : train_with_habitat(s, &f, s->journals[k], x);
    status = status ? status : costate_fit_objective(x, value, NULL, f.with_habitat);
    interaction_fit_destroy(&f);
    free(p);
    return status;
}

static int show_progress(const costate_multistart_progress *progress, void *ctx) {
    const bool *wanted = ctx;
    if (*wanted) {
        fprintf(stderr, "\r%zu of %zu starts, best loss %-12.6g", progress->n_done, progress->n_start, progress->best);
        fputs(progress->n_done == progress->n_start ? "\r\033[K" : "", stderr);
    }
    return 0;
}

/* The best fit in natural values. */
static costate_status interpret(const search *s, const interaction_fit *f, search_result *result) {
    double *q = malloc(costate_fit_n_q(f->on_data) * sizeof(double));
    const costate_status status = q ? costate_fit_natural(f->on_data, result->x, q) : COSTATE_ERR_MEMORY;
    if (status == COSTATE_OK) {
        const double *noise = q + costate_fit_offset(f->on_data, COSTATE_FIT_NOISE, 0);
        const double *initial = q + costate_fit_offset(f->on_data, COSTATE_FIT_INITIAL_STATE, 0);
        memcpy(result->p, q, s->model->rhs.n_p * sizeof(double));
        memcpy(result->noise, noise, sizeof(result->noise));
        memcpy(result->initial, initial, sizeof(result->initial));
    }
    free(q);
    return status;
}

static costate_status search_all(search *s, const interaction_fit *f, search_result *result) {
    const search_settings *settings = s->settings;
    const size_t n_x = interaction_fit_n_x(f);
    costate_multistart_options options = costate_multistart_options_default();
    costate_multistart_result *results = malloc(settings->starts * sizeof(*results));
    result->x = malloc(n_x * sizeof(double));
    options.n_thread = settings->threads;
    options.progress = show_progress;
    options.progress_ctx = (void *)&settings->progress;
    costate_status status = results && result->x ? COSTATE_OK : COSTATE_ERR_MEMORY;
    status = status ? status
                    : costate_multistart(settings->starts, n_x, start, s, &options, NULL, results, 1, result->x,
                                         &result->n_ok);
    if (status == COSTATE_OK) {
        result->loss = results[0].value;
        result->best = results[0].start;
    }
    free(results);
    return status ? status : interpret(s, f, result);
}

/* A fit that is not trained tells how many unknowns there are and what they stand for. */
static costate_status search_with_fit(search *s, search_result *result) {
    interaction_fit f = {0};
    result->p = malloc(s->model->rhs.n_p * sizeof(double));
    costate_status status = result->p ? draw_start(s, 0, result->p) : COSTATE_ERR_MEMORY;
    status = status ? status : interaction_fit_create(s->data, s->model, s->fit, result->p, &f);
    status = status ? status : search_all(s, &f, result);
    interaction_fit_destroy(&f);
    return status;
}

costate_status interaction_search_run(const populations *data, const interaction_model *model, const fit_settings *fit,
                                      const search_settings *settings, search_result *result) {
    search s = {.data = data, .model = model, .fit = fit, .settings = settings};
    *result = (search_result){0};
    costate_status status = search_journals_open(data, fit, settings, &s.journals);
    if (status != COSTATE_OK) {
        return status;
    }
    status = search_with_fit(&s, result);
    const costate_status closed = search_journals_close(settings, s.journals);
    if (status != COSTATE_OK && closed == COSTATE_OK) {
        fprintf(stderr, "lotka_volterra_ude: the search: %s\n", costate_status_message(status));
    }
    return closed ? closed : status;
}

void search_result_free(search_result *result) {
    free(result->x);
    free(result->p);
    *result = (search_result){0};
}
