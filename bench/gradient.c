/* SPDX-License-Identifier: MIT */
/* Gradients of several problems by costate beside stock CVODES and Python libraries, over tolerances. */
#include "gradient_sections.h"

int main(int argc, char **argv) {
    static const char about[] =
        "Times gradients by the adjoint of each method beside the stock CVODES adjoint with its quadrature over all\n"
        "parameters and, where they exist, Python peers (bench/peers), at equal error of the gradient:\n"
        "  gradient spiral-*    a neural ODE (2 -> hidden tanh -> 2 on y^3), 252 to 5002 parameters, 1 to 1000\n"
        "                       observations\n"
        "  gradient pollu-*     air pollution, stiff: 20 states, 25 rate constants, 1 to 121 observations\n"
        "  gradient rober-net*  a stiff neural ODE for Robertson's reaction, 188 parameters, 50 observations\n"
        "  ensemble net-1-5-1*  many short trajectories of a network of 16 parameters, by lanes and by threads\n"
        "The error is that of the whole gradient, |g - reference| / |reference|, and every gradient is checked "
        "against\n"
        "the reference, which three routes confirm, before it is timed.";
    bool no_peers = false;
    const bench_switch switches[] = {{"--no-peers", "do not run the Python peers (--quick implies it)", &no_peers},
                                     {0}};
    bench b;
    const bench_start start = bench_begin(&b, argc, argv, about, switches);
    if (start != BENCH_RUN) {
        return start == BENCH_DONE ? 0 : 2;
    }
    const bool with_peers = !b.quick && !no_peers;
    gradient_summary summary = {0};
    spiral_section(&b, with_peers, &summary);
    pollu_section(&b, &summary);
    rober_net_section(&b, &summary);
    ensemble_section(&b, with_peers);
    if (b.quick && !no_peers) {
        printf("\n# skipped: the Python peers (--quick)\n");
    }
    gradient_print_summary(&summary);
    return bench_end(&b);
}
