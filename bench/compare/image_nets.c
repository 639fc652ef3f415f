/* SPDX-License-Identifier: MIT */
/* Networks that classify images of 28 × 28 into ten classes. */
#include "compare/image_nets.h"

image_net image_net_lenet5(void) {
    return (image_net){.name = "lenet5",
                       .n_layer = 8,
                       .layers = {costate_chain_conv2d(6, 5, 5, COSTATE_ACT_RELU), costate_chain_max_pool(2, 2),
                                  costate_chain_conv2d(16, 5, 5, COSTATE_ACT_RELU), costate_chain_max_pool(2, 2),
                                  costate_chain_flatten(), costate_chain_dense(120, COSTATE_ACT_RELU),
                                  costate_chain_dense(84, COSTATE_ACT_RELU),
                                  costate_chain_dense(IMAGE_CLASSES, COSTATE_ACT_IDENTITY)},
                       .n_param = 44426};
}

image_net image_net_padded(void) {
    image_net net = {.name = "padded-16-32-32",
                     .n_layer = 8,
                     .layers = {costate_chain_conv2d(16, 3, 3, COSTATE_ACT_RELU), costate_chain_max_pool(2, 2),
                                costate_chain_conv2d(32, 3, 3, COSTATE_ACT_RELU), costate_chain_max_pool(2, 2),
                                costate_chain_conv2d(32, 3, 3, COSTATE_ACT_RELU), costate_chain_max_pool(2, 2),
                                costate_chain_flatten(), costate_chain_dense(IMAGE_CLASSES, COSTATE_ACT_IDENTITY)},
                     .n_param = 16938};
    for (size_t i = 0; i < 3; i++) {
        net.layers[2 * i].padding[0] = net.layers[2 * i].padding[1] = 1;
    }
    return net;
}

bool image_net_create(const image_net *net, costate_chain **chain) {
    const costate_shape in = {1, IMAGE_SIDE, IMAGE_SIDE};
    if (costate_chain_create(in, net->n_layer, net->layers, NULL, chain, NULL) != COSTATE_OK) {
        return false;
    }
    if (costate_chain_n_param(*chain) != net->n_param) {
        costate_chain_destroy(*chain);
        *chain = NULL;
        return false;
    }
    return true;
}
