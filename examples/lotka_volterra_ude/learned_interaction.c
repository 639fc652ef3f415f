/* SPDX-License-Identifier: MIT */
/* What was learned: populations and interaction along the fitted trajectory, and how far they are from the truth. */
#include "learned_interaction.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

double learned_interaction_band(void) { return costate_normal_quantile(0.975); }

/* The times of the data, N_PART - 1 between two of them, and on at the mean distance. */
static void fill_times(const populations *data, learned_interaction *l) {
    for (size_t i = 0; i + 1 < l->n_visited; i++) {
        const double part = (double)(i % N_PART) / N_PART;
        const double *t = data->t + i / N_PART;
        l->t[i] = i % N_PART == 0 ? t[0] : t[0] + part * (t[1] - t[0]);
    }
    const double last = data->t[data->n - 1];
    const double n_later = (double)(l->n_t - l->n_visited);
    for (size_t i = l->n_visited - 1; i < l->n_t; i++) {
        l->t[i] = last + (data->t_end - last) * (double)(i + 1 - l->n_visited) / n_later;
    }
}

static costate_status allocate(const populations *data, learned_interaction *l) {
    const double mean_part = data->t[data->n - 1] / (double)((data->n - 1) * N_PART);
    l->n_visited = (data->n - 1) * N_PART + 1;
    l->n_t = l->n_visited + (size_t)ceil((data->t_end - data->t[data->n - 1]) / mean_part - 1e-9);
    double **const tables[] = {&l->y, &l->u, &l->u_error, &l->true_y, &l->true_u};
    l->t = malloc(l->n_t * sizeof(double));
    bool all = l->t != NULL;
    for (size_t k = 0; k < sizeof(tables) / sizeof(tables[0]); k++) {
        *tables[k] = malloc(l->n_t * N_STATE * sizeof(double));
        all = all && *tables[k];
    }
    return all ? COSTATE_OK : COSTATE_ERR_MEMORY;
}

typedef struct quantity {
    const interaction_model *model;
    const learned_interaction *learned;
    void *work;
} quantity;

/* A costate_quantity_fn: learned term i % 2 at time i / 2, and its gradient. */
static int learned_term(size_t i, const double *q, double *value, double *qbar, void *ctx) {
    const quantity *c = ctx;
    const size_t n_byte = costate_ude_work_bytes(c->model->ude);
    const double *y = c->learned->y + i / N_STATE * N_STATE;
    double v[N_STATE] = {0.0};
    double u[N_STATE];
    v[i % N_STATE] = 1.0;
    if (costate_ude_outputs(c->model->ude, 0.0, y, q, u, c->work, n_byte) != COSTATE_OK ||
        costate_ude_outputs_vjp(c->model->ude, 0.0, y, q, v, 1.0, NULL, qbar, c->work, n_byte) != COSTATE_OK) {
        return COSTATE_ANSWER_FAIL;
    }
    *value = u[i % N_STATE];
    return COSTATE_ANSWER_OK;
}

/* A trajectory that runs away after the data depends on the weights so strongly that nothing can be said about them. */
static costate_status cover(const interaction_fit *f, const search_result *best, learned_interaction *l,
                            double *covariance) {
    const size_t n_x = interaction_fit_n_x(f);
    const costate_status status =
        costate_fit_covariance(f->with_habitat, best->x, COSTATE_INFORMATION_EXPECTED, 0.0, covariance, NULL);
    l->has_band = status == COSTATE_OK;
    for (size_t i = 0; status == COSTATE_ERR_SINGULAR && i < n_x * n_x; i++) {
        covariance[i] = 0.0;
    }
    return status == COSTATE_ERR_SINGULAR ? COSTATE_OK : status;
}

static costate_status compute(const interaction_fit *f, const search_result *best, learned_interaction *l) {
    const size_t n_x = interaction_fit_n_x(f);
    double *covariance = malloc(n_x * n_x * sizeof(double));
    quantity c = {.model = f->model, .learned = l, .work = malloc(costate_ude_work_bytes(f->model->ude))};
    costate_status status = covariance && c.work ? COSTATE_OK : COSTATE_ERR_MEMORY;
    status = status ? status : costate_fit_predict(f->on_data, best->x, 0, l->n_t, l->t, l->y, NULL);
    status = status ? status : cover(f, best, l, covariance);
    status = status ? status
                    : costate_fit_quantities(f->with_habitat, best->x, covariance, l->n_t * N_STATE, learned_term, &c,
                                             l->u, l->u_error);
    for (size_t i = 0; status == COSTATE_OK && !l->has_band && i < l->n_t * N_STATE; i++) {
        l->u_error[i] = (double)NAN;
    }
    free(covariance);
    free(c.work);
    return status;
}

static costate_status add_truth(const populations *data, learned_interaction *l) {
    for (size_t i = 0; i < l->n_t * N_STATE; i++) {
        l->true_y[i] = l->true_u[i] = (double)NAN;
    }
    if (!data->has_truth) {
        return COSTATE_OK;
    }
    for (size_t i = 0; i < l->n_t; i++) {
        populations_true_interaction(l->y + i * N_STATE, l->true_u + i * N_STATE);
    }
    return populations_truth(l->n_t, l->t, l->true_y);
}

static void judge_fit(const populations *data, learned_interaction *l) {
    for (size_t k = 0; k < N_STATE; k++) {
        double square = 0.0;
        double spread = 0.0;
        for (size_t i = 0; i < data->n; i++) {
            const double datum = data->y[i * N_STATE + k];
            square += pow(datum - l->y[i * N_PART * N_STATE + k], 2.0);
            spread += pow(datum - data->mean[k], 2.0);
        }
        l->residual[k] = sqrt(square / (double)data->n);
        l->explained[k] = 1.0 - square / spread;
    }
    l->least = HUGE_VAL;
    l->most = -HUGE_VAL;
    for (size_t i = 0; i < l->n_t * N_STATE; i++) {
        l->least = fmin(l->least, l->y[i]);
        l->most = fmax(l->most, l->y[i]);
    }
}

static void fit_mass_action(learned_interaction *l) {
    for (size_t k = 0; k < N_STATE; k++) {
        double product = 0.0;
        double square = 0.0;
        for (size_t i = 0; i < l->n_visited; i++) {
            const double xy = l->y[i * N_STATE + PREY] * l->y[i * N_STATE + PREDATOR];
            product += xy * l->u[i * N_STATE + k];
            square += xy * xy;
        }
        l->rate[k] = (k == PREY ? -1.0 : 1.0) * product / square;
    }
}

/* Distance of learned from true terms over the visited times. */
typedef struct distance {
    double square;
    double true_square;
    double largest;
    double true_largest;
} distance;

/* Of term k, to which rate * population is added; wrong_rate is by how much the fitted rate is off. */
static distance measure(const learned_interaction *l, size_t k, double wrong_rate, double true_rate) {
    distance d = {0};
    for (size_t i = 0; i < l->n_visited; i++) {
        const size_t at = i * N_STATE + k;
        const double error = l->u[at] - l->true_u[at] + wrong_rate * l->y[at];
        const double truth = l->true_u[at] + true_rate * l->y[at];
        d.square += error * error;
        d.true_square += truth * truth;
        d.largest = fmax(d.largest, fabs(error));
        d.true_largest = fmax(d.true_largest, fabs(truth));
    }
    return d;
}

static void judge_interaction(const search_result *best, learned_interaction *l) {
    const double band = learned_interaction_band();
    const double rate[N_STATE] = {true_growth, -true_death};
    const double wrong[N_STATE] = {best->p[GROWTH] - true_growth, true_death - best->p[DEATH]};
    for (size_t k = 0; k < N_STATE; k++) {
        const distance term = measure(l, k, 0.0, 0.0);
        const distance slope = measure(l, k, wrong[k], rate[k]);
        size_t inside = 0;
        for (size_t i = 0; i < l->n_visited; i++) {
            const size_t at = i * N_STATE + k;
            inside += fabs(l->u[at] - l->true_u[at]) <= band * l->u_error[at];
        }
        l->error[k] = sqrt(term.square / term.true_square);
        l->worst[k] = term.largest / term.true_largest;
        l->covered[k] = (double)inside / (double)l->n_visited;
        l->slope_error = fmax(l->slope_error, sqrt(slope.square / slope.true_square));
    }
}

costate_status learned_interaction_examine(const populations *data, const interaction_model *model,
                                           const fit_settings *settings, const search_result *best,
                                           learned_interaction *learned) {
    interaction_fit f = {0};
    *learned = (learned_interaction){0};
    costate_status status = allocate(data, learned);
    if (status == COSTATE_OK) {
        fill_times(data, learned);
        status = interaction_fit_create(data, model, settings, best->p, &f);
    }
    status = status ? status : compute(&f, best, learned);
    status = status ? status : add_truth(data, learned);
    if (status == COSTATE_OK) {
        judge_fit(data, learned);
        fit_mass_action(learned);
    } else {
        const char *detail = f.with_habitat ? costate_fit_detail(f.with_habitat) : "";
        fprintf(stderr, "lotka_volterra_ude: the trained model: %s%s%s\n", costate_status_message(status),
                detail[0] != '\0' ? ": " : "", detail);
    }
    if (status == COSTATE_OK && data->has_truth) {
        judge_interaction(best, learned);
    }
    interaction_fit_destroy(&f);
    return status;
}

void learned_interaction_free(learned_interaction *learned) {
    free(learned->t);
    free(learned->y);
    free(learned->u);
    free(learned->u_error);
    free(learned->true_y);
    free(learned->true_u);
    *learned = (learned_interaction){0};
}
