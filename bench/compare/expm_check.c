/* SPDX-License-Identifier: MIT */
/* What must hold of the network that learns the matrix exponential before its times count. */
#include "compare/expm_check.h"

#include "compare/chain_gradient_check.h"

enum { N_STEP = 100, SEED = 1 };

static bool check_descent(bench *b, expm_model *model, const costate_batch_f32 *batch) {
    double first = 0.0;
    double last = 0.0;
    costate_status status = COSTATE_OK;
    for (size_t step = 0; status == COSTATE_OK && step <= N_STEP; step++) {
        status = expm_model_step(model, batch, &last);
        first = step == 0 ? last : first;
    }
    if (status != COSTATE_OK || !(last < first)) {
        bench_fail(b, "expm: the error went from %.6g to %.6g in %d steps: %s", first, last, (int)N_STEP,
                   costate_status_message(status));
        return false;
    }
    return true;
}

bool expm_check(bench *b, const exponential_pairs *pairs) {
    const costate_batch_f32 batch = expm_batch(pairs, pairs->n);
    const costate_chain_loss loss = expm_loss();
    expm_model model;
    const costate_status status = expm_model_create(1, SEED, &model);
    if (status != COSTATE_OK) {
        bench_fail(b, "expm: %s", costate_status_message(status));
    }
    const bool good = status == COSTATE_OK && chain_gradient_check(b, "expm", model.chain, &loss, &batch, 0) &&
                      check_descent(b, &model, &batch);
    expm_model_destroy(&model);
    return good;
}
