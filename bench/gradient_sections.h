/* SPDX-License-Identifier: MIT */
/* The problems whose gradients are benchmarked. */
#ifndef BENCH_GRADIENT_SECTIONS_H
#define BENCH_GRADIENT_SECTIONS_H

#include "gradient_report.h"

/* The spiral neural ODE over numbers of parameters and observations. */
void spiral_section(bench *b, bool with_peers, gradient_summary *summary);

/* POLLU: 20 stiff states, 25 rate constants, over numbers of observations. */
void pollu_section(bench *b, gradient_summary *summary);

/* Robertson's reaction as a stiff neural ODE. */
void rober_net_section(bench *b, gradient_summary *summary);

/* Many short trajectories of a small network. */
void ensemble_section(bench *b, bool with_peers);

#endif
