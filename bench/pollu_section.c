/* SPDX-License-Identifier: MIT */
/* The gradient of POLLU (IVP test set: 20 species, 25 reactions, stiff) over numbers of observations. */
#include "gradient_sections.h"

#include "problems.h"

#define N_T_MAX 121
#define N_ELEMENT(array) (sizeof(array) / sizeof *(array))

/* sdirk4 at this tolerance stands for a problem in the closing table. */
#define SUMMARY_DECADE 4

static const gradient_range full[] = {{GRADIENT_SDIRK4, 2, 6, 1},
                                      {GRADIENT_SDIRK4_SOLVE, 2, 6, 1},
                                      {GRADIENT_AUTO, 2, 6, 2},
                                      {GRADIENT_BDF, 4, 9, 1},
                                      {GRADIENT_STOCK_BDF, 4, 9, 1}};
static const gradient_range quick[] = {{GRADIENT_SDIRK4, 3, 5, 2},
                                       {GRADIENT_SDIRK4_SOLVE, 3, 5, 2},
                                       {GRADIENT_AUTO, 3, 5, 2},
                                       {GRADIENT_BDF, 3, 7, 2},
                                       {GRADIENT_STOCK_BDF, 3, 7, 2}};

static const reference_plan reference = {
    .ours = GRADIENT_BDF, .stock = GRADIENT_STOCK_BDF, .rtol = 1e-11, .sensitivity_rtol = 1e-10, .agreement = 1e-7};

/* L = sum |y|^2 over all observations; ctx is the number of their elements. */
static double loss(const double *y, double *v, const void *ctx) {
    const size_t n = *(const size_t *)ctx;
    double sum = 0.0;
    for (size_t i = 0; i < n; i++) {
        sum += y[i] * y[i];
        v[i] = 2.0 * y[i];
    }
    return sum;
}

/* Observations at equal intervals that end at t_end, from t0 unless there is only one. */
static void run(bench *b, size_t n_t, gradient_summary *summary) {
    const problem *pollu = &problem_pollu;
    const size_t n_y = pollu->rhs.n_y;
    const size_t n_element = n_t * n_y;
    double t[N_T_MAX];
    double weight[PROBLEM_MAX_P + PROBLEM_MAX_Y] = {0};
    char shape[32];
    for (size_t i = 0; i < n_t; i++) {
        t[i] = n_t == 1 ? pollu->t_end : pollu->t_end / (double)(n_t - 1) * (double)i;
    }
    /* Rates span 16 decades: errors are those of the gradient with respect to their logarithms. */
    for (size_t i = 0; i < pollu->rhs.n_p; i++) {
        weight[i] = pollu->p[i];
    }
    snprintf(shape, sizeof shape, "pollu-obs%zu", n_t);
    const gradient_task task = {.shape = shape,
                                .rhs = &pollu->rhs,
                                .p = pollu->p,
                                .y0 = pollu->y0,
                                .n_t = n_t,
                                .t = t,
                                .loss = loss,
                                .ctx = &n_element,
                                .weight = weight,
                                .stock_steps = 20000,
                                .error_per_rtol = 1e4};
    const gradient_plan plan = {.reference = reference,
                                .n_range = b->quick ? N_ELEMENT(quick) : N_ELEMENT(full),
                                .ranges = b->quick ? quick : full,
                                .kernels = true};
    gradient_result result;
    if (bench_wanted(b, "gradient", shape) && gradient_run(b, &task, &plan, &result)) {
        gradient_report_parts(b, &result, GRADIENT_SDIRK4, GRADIENT_SDIRK4_SOLVE, NULL);
        gradient_report_equal_error(b, &result);
        gradient_summarise(summary, &result, SUMMARY_DECADE);
    }
}

void pollu_section(bench *b, gradient_summary *summary) {
    static const size_t n_t[] = {1, 21, N_T_MAX};
    for (size_t i = 0; i < N_ELEMENT(n_t); i++) {
        if (!b->quick || n_t[i] == 21) {
            run(b, n_t[i], summary);
        }
    }
}
