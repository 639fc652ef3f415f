/* SPDX-License-Identifier: MIT */
/* Functions of few variables of the differentiation table by dual numbers; their primal is that of plain numbers. */
#include "ad/dual.h"
#include "compare/ad_table_plain.h"

/* The variable is volatile, so that every step computes its sine, as the other routes do. */
static ad_dual1 loop(const double *x) {
    const volatile double *again = x;
    ad_dual1 r = ad_dual1_constant(1.0);
    for (size_t k = 0; k < AD_TABLE_N_STEP; k++) {
        r = ad_dual1_mul(r, ad_dual1_sin(ad_dual1_variable(*again, 0)));
    }
    return r;
}

/* Partials of eight variables from `first` on; the largest is taken out as a constant. */
static ad_dual8 log_sum_exp(size_t n, const double *x, double top, size_t first) {
    ad_dual8 sum = ad_dual8_constant(0.0);
    for (size_t i = 0; i < n; i++) {
        const size_t k = i - first;
        const ad_dual8 shifted = k < 8 ? ad_dual8_variable(x[i] - top, k) : ad_dual8_constant(x[i] - top);
        sum = ad_dual8_add(sum, ad_dual8_exp(shifted));
    }
    return ad_dual8_affine(1.0, ad_dual8_log(sum), top);
}

static double log_sum_exp_gradient(size_t n, const double *x, double *gradient) {
    double top = x[0];
    for (size_t i = 1; i < n; i++) {
        top = x[i] > top ? x[i] : top;
    }
    double value = 0.0;
    for (size_t first = 0; first < n; first += 8) {
        const ad_dual8 r = log_sum_exp(n, x, top, first);
        for (size_t k = 0; k < 8 && first + k < n; k++) {
            gradient[first + k] = r.partial[k];
        }
        value = r.value;
    }
    return value;
}

static double gradient(void *state) {
    ad_table_plain *r = state;
    const double *x = r->task->x;
    if (r->task->function == AD_TABLE_LOG_SUM_EXP) {
        return log_sum_exp_gradient(r->task->n_x, x, r->gradient);
    }
    const ad_dual1 y =
        r->task->function == AD_TABLE_LOOP ? loop(x) : ad_dual1_sin(ad_dual1_cos(ad_dual1_variable(x[0], 0)));
    r->gradient[0] = y.partial[0];
    return y.value;
}

const ad_table_route ad_table_dual = {
    "dual numbers", ad_table_plain_takes, ad_table_plain_create, ad_table_plain_primal,
    gradient,       ad_table_plain_read,  ad_table_plain_destroy};
