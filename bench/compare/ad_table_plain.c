/* SPDX-License-Identifier: MIT */
/* Small functions of the differentiation table as plain loops, with their derivatives by hand. */
#include "compare/ad_table_plain.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

bool ad_table_plain_takes(const ad_table_task *task) { return task->function != AD_TABLE_NETWORK; }

void ad_table_plain_destroy(void *state) {
    ad_table_plain *h = state;
    if (h) {
        free(h->gradient);
        free(h);
    }
}

void *ad_table_plain_create(const ad_table_task *task) {
    ad_table_plain *h = malloc(sizeof *h);
    double *gradient = malloc(task->n_x * sizeof *gradient);
    if (!h || !gradient) {
        free(h);
        free(gradient);
        return NULL;
    }
    *h = (ad_table_plain){task, gradient};
    return h;
}

/* The sine is that of a volatile, so that every step computes it, as the other routes do. */
static double loop(const double *x) {
    const volatile double *again = x;
    double r = 1.0;
    for (size_t k = 0; k < AD_TABLE_N_STEP; k++) {
        r *= sin(*again);
    }
    return r;
}

static double loop_gradient(const double *x, double *gradient) {
    const volatile double *again = x;
    double r = 1.0;
    double dr = 0.0;
    for (size_t k = 0; k < AD_TABLE_N_STEP; k++) {
        const double at = *again;
        const double s = sin(at);
        dr = dr * s + r * cos(at);
        r *= s;
    }
    *gradient = dr;
    return r;
}

static double largest(size_t n, const double *x) {
    double top = x[0];
    for (size_t i = 1; i < n; i++) {
        top = x[i] > top ? x[i] : top;
    }
    return top;
}

static double log_sum_exp(size_t n, const double *x) {
    const double top = largest(n, x);
    double sum = 0.0;
    for (size_t i = 0; i < n; i++) {
        sum += exp(x[i] - top);
    }
    return top + log(sum);
}

static double log_sum_exp_gradient(size_t n, const double *x, double *gradient) {
    const double top = largest(n, x);
    double sum = 0.0;
    for (size_t i = 0; i < n; i++) {
        gradient[i] = exp(x[i] - top);
        sum += gradient[i];
    }
    const double scale = 1.0 / sum;
    for (size_t i = 0; i < n; i++) {
        gradient[i] *= scale;
    }
    return top + log(sum);
}

double ad_table_plain_primal(void *state) {
    const ad_table_plain *h = state;
    const double *x = h->task->x;
    switch (h->task->function) {
    case AD_TABLE_SIN_COS: return sin(cos(x[0]));
    case AD_TABLE_LOOP: return loop(x);
    case AD_TABLE_LOG_SUM_EXP: return log_sum_exp(h->task->n_x, x);
    default: return (double)NAN;
    }
}

static double gradient(void *state) {
    const ad_table_plain *h = state;
    const double *x = h->task->x;
    switch (h->task->function) {
    case AD_TABLE_SIN_COS: {
        const double inner = cos(x[0]);
        h->gradient[0] = -cos(inner) * sin(x[0]);
        return sin(inner);
    }
    case AD_TABLE_LOOP: return loop_gradient(x, h->gradient);
    case AD_TABLE_LOG_SUM_EXP: return log_sum_exp_gradient(h->task->n_x, x, h->gradient);
    default: return (double)NAN;
    }
}

void ad_table_plain_read(const void *state, double *gradient) {
    const ad_table_plain *h = state;
    memcpy(gradient, h->gradient, h->task->n_x * sizeof *gradient);
}

const ad_table_route ad_table_by_hand = {"by hand", ad_table_plain_takes, ad_table_plain_create, ad_table_plain_primal,
                                         gradient,  ad_table_plain_read,  ad_table_plain_destroy};
