/* SPDX-License-Identifier: MIT */
/* Which tensors of a model file belong to a network: writer and reader follow the same list. */
#include "model/net_tensors.h"

#include "model/model_internal.h"

#include <stdio.h>

size_t csi_n_net_tensor(const costate_net_spec *spec) { return 2 * spec->n_layer + 4; }

csi_net_tensor csi_net_tensor_at(const costate_net_spec *spec, size_t i) {
    csi_net_tensor at = {.tensor = {.dtype = COSTATE_DTYPE_F64, .n_dim = 1}, .layer = i / 2, .affine = -1};
    if (i >= 2 * spec->n_layer) {
        at.affine = (int)(i - 2 * spec->n_layer);
        at.n = at.affine < 2 ? spec->n_in : spec->layers[spec->n_layer - 1].n_out;
        at.tensor.shape[0] = at.n;
        return at;
    }
    const costate_layer_spec *layer = &spec->layers[at.layer];
    at.is_bias = i % 2 == 1;
    at.tensor.shape[0] = layer->n_out;
    at.n = at.is_bias && layer->no_bias ? 0 : layer->n_out;
    if (!at.is_bias) {
        at.tensor.n_dim = 2;
        at.tensor.shape[1] = at.layer == 0 ? spec->n_in : spec->layers[at.layer - 1].n_out;
        at.n *= at.tensor.shape[1];
    }
    return at;
}

void csi_net_tensor_name(const char *net, const csi_net_tensor *tensor, char *name) {
    static const char *const affine[] = {"in_scale", "in_shift", "out_scale", "out_shift"};
    if (tensor->affine >= 0) {
        (void)snprintf(name, CSI_TENSOR_NAME_BYTES, "%s.%s", net, affine[tensor->affine]);
    } else {
        (void)snprintf(name, CSI_TENSOR_NAME_BYTES, "%s.layer%zu.%s", net, tensor->layer,
                       tensor->is_bias ? "bias" : "weight");
    }
}
