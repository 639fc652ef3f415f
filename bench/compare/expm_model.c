/* SPDX-License-Identifier: MIT */
/* The network that learns the matrix exponential. */
#include "compare/expm_model.h"

#include <string.h>

/* Stream of the seed that initial parameters come from; the pairs have two others. */
enum { STREAM_WEIGHTS = 2 };

costate_status expm_chain_create(costate_chain **chain) {
    const costate_chain_layer layers[] = {costate_chain_dense(32, COSTATE_ACT_TANH),
                                          costate_chain_dense(16, COSTATE_ACT_TANH),
                                          costate_chain_dense(N_ENTRY, COSTATE_ACT_IDENTITY)};
    const costate_status status =
        costate_chain_create(costate_shape_vector(N_ENTRY), sizeof layers / sizeof *layers, layers, NULL, chain, NULL);
    return status == COSTATE_OK && costate_chain_n_param(*chain) != EXPM_N_PARAM ? COSTATE_ERR_SIZE : status;
}

costate_status expm_model_create(size_t n_thread, uint64_t seed, expm_model *model) {
    *model = (expm_model){0};
    costate_chain_eval_options options = costate_chain_eval_options_default();
    options.precision = COSTATE_CHAIN_F32;
    options.n_thread = n_thread;
    costate_update_options adam = costate_update_options_default(COSTATE_UPDATE_ADAM);
    adam.precision = COSTATE_UPDATE_F32;
    adam.schedule.rate = 1e-3;
    costate_random random = costate_random_seed(seed, STREAM_WEIGHTS);
    costate_status status = expm_chain_create(&model->chain);
    if (status == COSTATE_OK) {
        status = costate_chain_eval_create(model->chain, &options, NULL, &model->eval);
    }
    if (status == COSTATE_OK) {
        status = costate_update_create(&adam, EXPM_N_PARAM, NULL, &model->adam);
    }
    return status == COSTATE_OK ? costate_chain_init_f32(model->chain, &random, model->p) : status;
}

void expm_model_destroy(expm_model *model) {
    costate_update_destroy(model->adam);
    costate_chain_eval_destroy(model->eval);
    costate_chain_destroy(model->chain);
}

costate_chain_loss expm_loss(void) {
    return (costate_chain_loss){.kind = COSTATE_CHAIN_LOSS_OUTPUT,
                                .output = {.kind = COSTATE_BATCH_LOSS_SQUARED, .reduction = COSTATE_BATCH_MEAN}};
}

costate_batch_f32 expm_batch(const exponential_pairs *pairs, size_t n) {
    return (costate_batch_f32){.n = n, .x = pairs->x32, .target = pairs->y32};
}

static costate_status evaluate(expm_model *model, const costate_batch_f32 *batch, double *error, float *gradient) {
    const costate_chain_loss loss = expm_loss();
    costate_chain_result result = {0};
    const costate_status status = costate_chain_loss_f32(model->eval, model->p, batch, &loss, &result, gradient);
    *error = result.value;
    return status;
}

costate_status expm_model_gradient(expm_model *model, const costate_batch_f32 *batch, double *error) {
    memset(model->gradient, 0, sizeof model->gradient);
    return evaluate(model, batch, error, model->gradient);
}

costate_status expm_model_error(expm_model *model, const costate_batch_f32 *batch, double *error) {
    return evaluate(model, batch, error, NULL);
}

costate_status expm_model_step(expm_model *model, const costate_batch_f32 *batch, double *error) {
    const costate_status status = expm_model_gradient(model, batch, error);
    return status == COSTATE_OK ? costate_update_step_f32(model->adam, model->p, model->gradient) : status;
}
