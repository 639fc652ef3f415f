/* SPDX-License-Identifier: MIT */
/* A small network learns the exponential of 2 by 2 matrices, full batch: the comparison that SimpleChains.jl published. */
#include "compare/comparison.h"
#include "compare/expm_check.h"
#include "compare/expm_groups.h"

enum { N_PAIR = 10000, SEED = 1 };

void expm_job_run(void *ctx, size_t n) {
    expm_job *job = ctx;
    double error;
    for (size_t i = 0; i < n && job->status == COSTATE_OK; i++) {
        job->status = job->call(&job->model, &job->batch, &error);
    }
}

void compare_expm(bench *b, const compare_options *options) {
    exponential_pairs pairs;
    costate_random random = costate_random_seed(SEED, 0);
    const costate_status status = exponential_pairs_draw(N_PAIR, &random, &pairs);
    if (status != COSTATE_OK) {
        bench_fail(b, "expm: pairs: %s", costate_status_message(status));
    } else if (expm_check(b, &pairs)) {
        expm_time_steps(b, options, &pairs);
        expm_time_sizes(b);
        expm_train(b);
    }
    exponential_pairs_free(&pairs);
}
