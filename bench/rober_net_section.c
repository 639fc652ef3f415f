/* SPDX-License-Identifier: MIT */
/* The gradient of the stiff neural ODE, before and after its training. */
#include "gradient_sections.h"

#include "rober_net.h"

#define N_ELEMENT(array) (sizeof(array) / sizeof *(array))

/* auto at this tolerance stands for a problem in the closing table. */
#define SUMMARY_DECADE 6

static const gradient_range full[] = {{GRADIENT_AUTO, 3, 10, 1},
                                      {GRADIENT_SDIRK4, 3, 9, 1},
                                      {GRADIENT_SDIRK4_SOLVE, 3, 9, 1},
                                      {GRADIENT_BDF, 3, 10, 1},
                                      {GRADIENT_STOCK_BDF, 3, 10, 1}};
static const gradient_range quick[] = {{GRADIENT_AUTO, 4, 8, 2},
                                       {GRADIENT_SDIRK4, 4, 6, 2},
                                       {GRADIENT_SDIRK4_SOLVE, 4, 6, 2},
                                       {GRADIENT_BDF, 5, 7, 2},
                                       {GRADIENT_STOCK_BDF, 5, 7, 2}};

static const reference_plan reference = {
    .ours = GRADIENT_BDF, .stock = GRADIENT_STOCK_BDF, .rtol = 1e-11, .sensitivity_rtol = 1e-10, .agreement = 1e-6};

static void run(bench *b, rober_net_state state, gradient_summary *summary) {
    rober_net problem;
    gradient_result result;
    if (!rober_net_create(state, &problem)) {
        bench_fail(b, "the stiff neural ODE could not be created");
        return;
    }
    const gradient_plan plan = {.reference = reference,
                                .n_range = b->quick ? N_ELEMENT(quick) : N_ELEMENT(full),
                                .ranges = b->quick ? quick : full,
                                .kernels = true};
    if (bench_wanted(b, "gradient", problem.task.shape) && gradient_run(b, &problem.task, &plan, &result)) {
        gradient_report_parts(b, &result, GRADIENT_SDIRK4, GRADIENT_SDIRK4_SOLVE, NULL);
        gradient_report_equal_error(b, &result);
        gradient_summarise(summary, &result, SUMMARY_DECADE);
    }
    rober_net_destroy(&problem);
}

void rober_net_section(bench *b, gradient_summary *summary) {
    run(b, ROBER_NET_UNTRAINED, summary);
    run(b, ROBER_NET_TRAINED, summary);
}
