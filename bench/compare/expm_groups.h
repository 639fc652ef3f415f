/* SPDX-License-Identifier: MIT */
/* The groups of the comparison expm. */
#ifndef BENCH_EXPM_GROUPS_H
#define BENCH_EXPM_GROUPS_H

#include "compare/comparison.h"
#include "compare/expm_model.h"

/* The work of a bench_case; a failure is kept in `status`. */
typedef struct expm_job {
    expm_model model;
    costate_batch_f32 batch;
    costate_status (*call)(expm_model *model, const costate_batch_f32 *batch, double *error);
    costate_status status;
} expm_job;

void expm_job_run(void *ctx, size_t n);

/* Steps of training over all pairs, beside the peer and the peak of the cores. */
void expm_time_steps(bench *b, const compare_options *options, const exponential_pairs *pairs);

/* Loss and gradient of 64 samples to a million. */
void expm_time_sizes(bench *b);

/* Errors after 10 000, 20 000 and 30 000 steps. */
void expm_train(bench *b);

#endif
