/* SPDX-License-Identifier: MIT */
/* The spiral gradient over numbers of parameters and observations. */
#include "gradient_sections.h"

#include "gradient_peers.h"
#include "spiral.h"

/* tsit5 at this tolerance stands for a problem in the closing table. */
#define SUMMARY_DECADE 6

#define N_ELEMENT(array) (sizeof(array) / sizeof *(array))

static const gradient_range full[] = {
    {GRADIENT_TSIT5, 3, 10, 1},  {GRADIENT_TSIT5_SOLVE, 3, 8, 1},  {GRADIENT_TSIT5_PLAIN_SOLVE, 3, 8, 1},
    {GRADIENT_DOP853, 5, 11, 1}, {GRADIENT_AUTO, 4, 8, 2},         {GRADIENT_SDIRK4, 2, 8, 2},
    {GRADIENT_ADAMS, 2, 11, 1},  {GRADIENT_STOCK_ADAMS, 2, 12, 1}, {GRADIENT_STOCK_ADAMS_CHECKED, 2, 12, 2}};
static const gradient_range scaling[] = {{GRADIENT_TSIT5, 3, 8, 1},
                                         {GRADIENT_TSIT5_SOLVE, 3, 8, 1},
                                         {GRADIENT_ADAMS, 3, 11, 2},
                                         {GRADIENT_STOCK_ADAMS, 2, 12, 2}};
/* At 1000 observations stock CVODES takes so long that every other tolerance must do. */
static const gradient_range crowded[] = {{GRADIENT_TSIT5, 3, 8, 1},
                                         {GRADIENT_TSIT5_SOLVE, 3, 8, 1},
                                         {GRADIENT_ADAMS, 3, 11, 2},
                                         {GRADIENT_STOCK_ADAMS, 4, 12, 2}};
static const gradient_range quick[] = {{GRADIENT_TSIT5, 3, 6, 3},
                                       {GRADIENT_TSIT5_SOLVE, 3, 6, 3},
                                       {GRADIENT_TSIT5_PLAIN_SOLVE, 3, 6, 3},
                                       {GRADIENT_AUTO, 3, 6, 3},
                                       {GRADIENT_ADAMS, 2, 8, 3},
                                       {GRADIENT_STOCK_ADAMS, 2, 8, 3},
                                       {GRADIENT_STOCK_ADAMS_CHECKED, 2, 8, 3}};

static const reference_plan reference = {
    .ours = GRADIENT_ADAMS, .stock = GRADIENT_STOCK_ADAMS, .rtol = 1e-12, .sensitivity_rtol = 1e-10, .agreement = 1e-8};

typedef struct spiral_run {
    size_t hidden;
    size_t n_t;
    size_t n_range;
    const gradient_range *ranges;
    peer_tolerances peers; /* step 0: none */
    bool in_quick;
    bool kernels;
} spiral_run;

static const spiral_run runs[] = {
    {50, 1, N_ELEMENT(full), full, {2, 10, 1}, true, true},
    {50, 2, N_ELEMENT(scaling), scaling, {0}, false, true},
    {50, 30, N_ELEMENT(full), full, {2, 10, 1}, true, true},
    {50, 1000, N_ELEMENT(crowded), crowded, {3, 9, 2}, false, true},
    {200, 1, N_ELEMENT(scaling), scaling, {0}, false, false},
    {200, 30, N_ELEMENT(scaling), scaling, {0}, true, false},
    {1000, 1, N_ELEMENT(scaling), scaling, {0}, false, false},
    {1000, 30, N_ELEMENT(scaling), scaling, {0}, false, false},
};

/* tsit5 with 252 parameters, by the number of observations. */
typedef struct flatness {
    size_t n;
    size_t n_t[N_ELEMENT(runs)];
    gradient_curve curves[N_ELEMENT(runs)];
} flatness;

static void report_flatness(bench *b, const flatness *flat) {
    const gradient_curve *base = NULL;
    for (size_t k = 0; k < flat->n; k++) {
        base = flat->n_t[k] == 2 ? &flat->curves[k] : base;
    }
    if (!base) {
        return;
    }
    printf("\ncostate tsit5, 252 parameters: time by number of observations, relative to two\n");
    for (size_t k = 0; k < flat->n; k++) {
        printf("  %5zu observations:", flat->n_t[k]);
        for (size_t i = 0; i < base->n; i++) {
            const error_point *point = gradient_find_point(&flat->curves[k], base->points[i].rtol);
            if (point) {
                char variant[96];
                const double ratio = point->seconds / base->points[i].seconds;
                printf("  %.2f (rtol %.0e)", ratio, point->rtol);
                snprintf(variant, sizeof variant, "costate tsit5: %zu / 2 observations rtol=%.0e", flat->n_t[k],
                         point->rtol);
                bench_row(b, "gradient flatness", "spiral-252", variant, ratio, "ratio");
            }
        }
        printf("\n");
    }
}

static void run(bench *b, const spiral_run *r, bool with_peers, gradient_summary *summary, flatness *flat) {
    static const gradient_method plain = GRADIENT_TSIT5_PLAIN_SOLVE;
    const gradient_plan plan = {.reference = reference,
                                .n_range = b->quick ? N_ELEMENT(quick) : r->n_range,
                                .ranges = b->quick ? quick : r->ranges,
                                .kernels = r->kernels};
    spiral problem;
    gradient_result result;
    if (!spiral_create(r->hidden, r->n_t, &problem)) {
        bench_fail(b, "the spiral problem with %zu hidden units could not be created", r->hidden);
        return;
    }
    if (bench_wanted(b, "gradient", problem.shape) && gradient_run(b, &problem.task, &plan, &result)) {
        if (with_peers && r->peers.step > 0) {
            gradient_peers_run(b, &r->peers, &result);
        }
        gradient_report_parts(b, &result, GRADIENT_TSIT5, GRADIENT_TSIT5_SOLVE, &plain);
        gradient_report_equal_error(b, &result);
        gradient_summarise(summary, &result, SUMMARY_DECADE);
        if (r->hidden == 50) {
            flat->n_t[flat->n] = r->n_t;
            flat->curves[flat->n++] = result.curves[0];
        }
    }
    spiral_destroy(&problem);
}

void spiral_section(bench *b, bool with_peers, gradient_summary *summary) {
    flatness flat = {0};
    for (size_t i = 0; i < N_ELEMENT(runs); i++) {
        if (!b->quick || runs[i].in_quick) {
            run(b, &runs[i], with_peers, summary, &flat);
        }
    }
    report_flatness(b, &flat);
}
