/* SPDX-License-Identifier: MIT */
/* Operations of training a chain. */
#ifndef BENCH_CHAIN_FLOP_H
#define BENCH_CHAIN_FLOP_H

#include <costate/chain.h>

/*
 * Floating-point operations of loss and gradient per sample: two for every multiply-add of dense and convolution
 * layers in the forward pass, as many for the gradient of their weights unless they are frozen, as many for the
 * cotangent of their input if a layer before them is trained. Activations, pooling, biases and the update are left out.
 */
double chain_gradient_flop(const costate_chain *chain, size_t n_layer, const costate_chain_layer *layers);

#endif
