/* SPDX-License-Identifier: MIT */
/* The network that learns the matrix exponential: 4 → 32 tanh → 16 tanh → 4 in single precision, trained by Adam. */
#ifndef BENCH_EXPM_MODEL_H
#define BENCH_EXPM_MODEL_H

#include "exponential_pairs.h"
#include <costate/chain_eval.h>
#include <costate/update.h>

#define EXPM_WIDTHS "4-32-16-4"
enum { EXPM_N_PARAM = 756 };

/*
 * Of one sample's loss and gradient, a multiply-add counted as two: the three products with 4·32 + 32·16 + 16·4 = 704
 * weights forth, as many for the gradient of the weights, and 32·16 + 16·4 = 576 for the cotangents between the layers;
 * none for the input's, biases, activations and loss.
 */
#define EXPM_FLOP (2.0 * (704 + 704 + 576))

typedef struct expm_model {
    costate_chain *chain;
    costate_chain_eval *eval;
    costate_update *adam;
    float p[EXPM_N_PARAM];
    float gradient[EXPM_N_PARAM];
} expm_model;

/* Initial parameters are drawn from the seed. Whatever the answer, the model is to be destroyed. */
costate_status expm_model_create(size_t n_thread, uint64_t seed, expm_model *model);
void expm_model_destroy(expm_model *model);

costate_status expm_chain_create(costate_chain **chain);

/* Mean squared error of an element. */
costate_chain_loss expm_loss(void);

/* The first n pairs. */
costate_batch_f32 expm_batch(const exponential_pairs *pairs, size_t n);

/* Error of the model on a batch, and its gradient in model->gradient. */
costate_status expm_model_gradient(expm_model *model, const costate_batch_f32 *batch, double *error);

/* The error alone. */
costate_status expm_model_error(expm_model *model, const costate_batch_f32 *batch, double *error);

/* Gradient and one update; the error is that before it. */
costate_status expm_model_step(expm_model *model, const costate_batch_f32 *batch, double *error);

#endif
