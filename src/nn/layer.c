/* SPDX-License-Identifier: MIT */
/* Description of a single dense layer. */
#include <costate/layer.h>
#include "core/memory.h"
#include "nn/kernels/kernels.h"
#include <stdint.h>

costate_status costate_layer_make(size_t n_in, size_t n_out, costate_act act, bool no_bias, costate_accuracy accuracy,
                                  costate_layer *layer) {
    if (layer == NULL) {
        return COSTATE_ERR_NULL;
    }
    if (n_in == 0 || n_out == 0 || (unsigned)act >= COSTATE_ACT_COUNT ||
        (accuracy != COSTATE_ACCURACY_FAST && accuracy != COSTATE_ACCURACY_ACCURATE)) {
        return COSTATE_ERR_ARGUMENT;
    }
    size_t columns, n_param;
    if (!csi_size_add(n_in, 1, &columns) || !csi_size_mul(columns, n_out, &n_param) ||
        n_param > (size_t)PTRDIFF_MAX / sizeof(double)) {
        return COSTATE_ERR_OVERFLOW;
    }
    const struct costate_kernels *kernels;
    const costate_status status = csi_kernels_select(&kernels);
    if (status == COSTATE_OK) {
        *layer = (costate_layer){
            .n_in = n_in, .n_out = n_out, .act = act, .no_bias = no_bias, .accuracy = accuracy, .kernels = kernels};
    }
    return status;
}

size_t costate_layer_n_param(const costate_layer *layer) {
    return layer == NULL ? 0 : layer->n_out * (layer->n_in + (layer->no_bias ? 0 : 1));
}
