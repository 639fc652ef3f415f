/* SPDX-License-Identifier: MIT */
/* Which tensors of a model file belong to a network: writer and reader follow the same list. */
#ifndef CSI_NET_TENSORS_H
#define CSI_NET_TENSORS_H

#include <costate/net.h>
#include <costate/safetensors.h>

/* A tensor of a network. */
typedef struct csi_net_tensor {
    costate_tensor tensor; /* type and shape */
    size_t n;              /* elements */
    size_t layer;          /* of a weight or bias */
    int affine; /* 0 ... 3: in_scale, in_shift, out_scale, out_shift, which may be missing; -1: weight or bias */
    bool is_bias;
} csi_net_tensor;

/* How many there can be: weight and bias of every layer and four for scales and shifts. A bias that a layer does not have counts. */
size_t csi_n_net_tensor(const costate_net_spec *spec);

/* The i-th: weights and biases in the order of the parameters, then scales and shifts. A bias that a layer does not have has n = 0. */
csi_net_tensor csi_net_tensor_at(const costate_net_spec *spec, size_t i);

/* "<net>.layer<l>.weight", ...; the name is that of a network and the buffer has CSI_TENSOR_NAME_BYTES. */
void csi_net_tensor_name(const char *net, const csi_net_tensor *tensor, char *name);

#endif
