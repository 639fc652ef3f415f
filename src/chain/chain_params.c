/* SPDX-License-Identifier: MIT */
/* Sizes, shapes and parameters of a chain. */
#include "chain/chain_internal.h"
#include "core/memory.h"

size_t costate_shape_size(costate_shape shape) {
    size_t area;
    size_t size;
    return csi_size_mul(shape.height, shape.width, &area) && csi_size_mul(shape.n_channel, area, &size) ? size : 0;
}

size_t costate_chain_n_layer(const costate_chain *chain) { return chain == NULL ? 0 : chain->n_link; }
size_t costate_chain_n_in(const costate_chain *chain) { return chain == NULL ? 0 : chain->n_in; }
size_t costate_chain_n_out(const costate_chain *chain) { return chain == NULL ? 0 : chain->n_out; }
size_t costate_chain_n_param(const costate_chain *chain) { return chain == NULL ? 0 : chain->n_param; }
size_t costate_chain_n_block(const costate_chain *chain) { return chain == NULL ? 0 : chain->n_block; }

costate_status costate_chain_shape(const costate_chain *chain, size_t layer, costate_shape *shape) {
    if (chain == NULL || shape == NULL) {
        return COSTATE_ERR_NULL;
    }
    if (layer > chain->n_link) {
        return COSTATE_ERR_ARGUMENT;
    }
    *shape = layer == 0 ? chain->links[0].in : chain->links[layer - 1].plan.out;
    return COSTATE_OK;
}

costate_status costate_chain_block_at(const costate_chain *chain, size_t index, costate_chain_block *block) {
    if (chain == NULL || block == NULL) {
        return COSTATE_ERR_NULL;
    }
    size_t left = index;
    for (size_t i = 0; i < chain->n_link; i++) {
        const csi_chain_link *link = &chain->links[i];
        size_t offset = link->offset;
        for (size_t k = 0; k < link->plan.n_block; k++, left--) {
            const costate_chain_plan_block *plan = &link->plan.block[k];
            if (left == 0) {
                *block = (costate_chain_block){.layer = i,
                                               .name = plan->name,
                                               .offset = offset,
                                               .length = plan->length,
                                               .is_bias = plan->is_bias,
                                               .frozen = link->layer.frozen};
                return COSTATE_OK;
            }
            offset += plan->length;
        }
    }
    return COSTATE_ERR_ARGUMENT;
}

/* An initial value; the number is drawn in any case, so that a constant block does not move the others' stream. */
static double draw(const costate_chain_plan_block *block, costate_random *random) {
    const double u = 2.0 * costate_random_uniform(random) - 1.0;
    return block->value + block->bound * u;
}

#define DEFINE_INIT(suffix, real)                                                                                      \
    costate_status costate_chain_init_##suffix(const costate_chain *chain, costate_random *random, real *p) {          \
        if (chain == NULL || random == NULL || p == NULL) {                                                            \
            return COSTATE_ERR_NULL;                                                                                   \
        }                                                                                                              \
        for (size_t i = 0; i < chain->n_link; i++) {                                                                   \
            const costate_chain_plan *plan = &chain->links[i].plan;                                                    \
            for (size_t k = 0; k < plan->n_block; k++) {                                                               \
                for (size_t j = 0; j < plan->block[k].length; j++) {                                                   \
                    *p++ = (real)draw(&plan->block[k], random);                                                        \
                }                                                                                                      \
            }                                                                                                          \
        }                                                                                                              \
        return COSTATE_OK;                                                                                             \
    }

DEFINE_INIT(f64, double)
DEFINE_INIT(f32, float)
