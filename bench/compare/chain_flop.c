/* SPDX-License-Identifier: MIT */
/* Operations of training a chain, from the sizes of its weights and outputs. */
#include "compare/chain_flop.h"

/* Elements of a layer's weights; 0 if it has none. */
static size_t weight_length(const costate_chain *chain, size_t layer) {
    for (size_t i = 0; i < costate_chain_n_block(chain); i++) {
        costate_chain_block block;
        if (costate_chain_block_at(chain, i, &block) == COSTATE_OK && block.layer == layer && !block.is_bias) {
            return block.length;
        }
    }
    return 0;
}

double chain_gradient_flop(const costate_chain *chain, size_t n_layer, const costate_chain_layer *layers) {
    const costate_chain_kind *const dense = costate_chain_dense(1, COSTATE_ACT_IDENTITY).kind;
    const costate_chain_kind *const conv = costate_chain_conv2d(1, 1, 1, COSTATE_ACT_IDENTITY).kind;
    double flop = 0.0;
    bool trained_before = false;
    for (size_t i = 0; i < n_layer; i++) {
        const size_t n_weight = weight_length(chain, i);
        const bool trained = n_weight > 0 && !layers[i].frozen;
        costate_shape out;
        if ((layers[i].kind == dense || layers[i].kind == conv) &&
            costate_chain_shape(chain, i + 1, &out) == COSTATE_OK) {
            const double products = (double)n_weight * (double)(out.height * out.width);
            flop += 2.0 * products * (1.0 + (trained ? 1.0 : 0.0) + (trained_before ? 1.0 : 0.0));
        }
        trained_before = trained_before || trained;
    }
    return flop;
}
