/* SPDX-License-Identifier: MIT */
/* The library's own kinds of layers, and the functions that make such layers. */
#include "chain/kinds.h"

const costate_chain_kind csi_chain_kinds[CSI_N_KIND] = {
#define ENTRY(kind) {.name = #kind, .plan = csi_plan_##kind},
    CSI_CHAIN_KIND_LIST(ENTRY)
#undef ENTRY
};

csi_kind_index csi_kind_find(const costate_chain_kind *kind) {
    size_t i = 0;
    while (i < CSI_N_KIND && kind != &csi_chain_kinds[i]) {
        i++;
    }
    return (csi_kind_index)i;
}

costate_shape costate_shape_vector(size_t n) { return (costate_shape){n, 1, 1}; }

static costate_chain_layer layer_of(csi_kind_index index) {
    return (costate_chain_layer){.kind = &csi_chain_kinds[index], .stride = {1, 1}};
}

static costate_chain_layer units(csi_kind_index index, size_t n_out, costate_act act) {
    costate_chain_layer layer = layer_of(index);
    layer.n_out = n_out;
    layer.act = act;
    return layer;
}

costate_chain_layer costate_chain_dense(size_t n_out, costate_act act) { return units(CSI_KIND_dense, n_out, act); }

costate_chain_layer costate_chain_conv2d(size_t n_out, size_t height, size_t width, costate_act act) {
    costate_chain_layer layer = units(CSI_KIND_conv, n_out, act);
    layer.kernel[0] = height;
    layer.kernel[1] = width;
    return layer;
}

costate_chain_layer costate_chain_conv1d(size_t n_out, size_t width, costate_act act) {
    return costate_chain_conv2d(n_out, 1, width, act);
}

costate_chain_layer costate_chain_max_pool(size_t height, size_t width) {
    costate_chain_layer layer = layer_of(CSI_KIND_max_pool);
    layer.kernel[0] = layer.stride[0] = height;
    layer.kernel[1] = layer.stride[1] = width;
    return layer;
}

costate_chain_layer costate_chain_flatten(void) { return layer_of(CSI_KIND_flatten); }

costate_chain_layer costate_chain_permute(size_t first, size_t second, size_t third) {
    costate_chain_layer layer = layer_of(CSI_KIND_permute);
    layer.order[0] = first;
    layer.order[1] = second;
    layer.order[2] = third;
    return layer;
}

costate_chain_layer costate_chain_dropout(double rate) {
    costate_chain_layer layer = layer_of(CSI_KIND_dropout);
    layer.rate = rate;
    return layer;
}

costate_chain_layer costate_chain_embedding(size_t n_word, size_t n_out) {
    costate_chain_layer layer = layer_of(CSI_KIND_embedding);
    layer.n_in = n_word;
    layer.n_out = n_out;
    return layer;
}

costate_chain_layer costate_chain_rbf(size_t n_out) { return units(CSI_KIND_rbf, n_out, COSTATE_ACT_IDENTITY); }
costate_chain_layer costate_chain_rnn(size_t n_out) { return units(CSI_KIND_rnn, n_out, COSTATE_ACT_IDENTITY); }
costate_chain_layer costate_chain_gru(size_t n_out) { return units(CSI_KIND_gru, n_out, COSTATE_ACT_IDENTITY); }
costate_chain_layer costate_chain_lstm(size_t n_out) { return units(CSI_KIND_lstm, n_out, COSTATE_ACT_IDENTITY); }
