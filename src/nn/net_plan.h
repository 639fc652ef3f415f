/* SPDX-License-Identifier: MIT */
/* A network as the kernels see it: shapes, offsets and pointers, all fixed at creation. */
#ifndef CSI_NET_PLAN_H
#define CSI_NET_PLAN_H

#include "core/poison.h"
#include <costate/net.h>
#include <stdbool.h>
#include <stddef.h>

/* Offsets into the workspace are multiples of this many elements: 64 bytes in either precision, and the widest vector. */
#define CSI_PAD 16

/* Elements between one workspace vector and the next: a red zone under AddressSanitizer, nothing otherwise. */
#ifdef CSI_ASAN
#define CSI_RED_ZONE CSI_PAD
#else
#define CSI_RED_ZONE 0
#endif

/* One layer; offsets in elements. */
typedef struct csi_layer {
    size_t n_in, n_out;
    costate_act act;
    bool has_bias;
    bool columns;  /* csi_weights_by_column() */
    size_t weight; /* into the parameters */
    size_t bias;   /* into the parameters */
    size_t value;  /* into the workspace: act(z), n_out padded */
    size_t slope;  /* into the workspace: act′(z), n_out padded; `value` itself if csi_slope_is_value() */
} csi_layer;

struct costate_kernels;

/*
 * Workspace: input value, input slope, per layer value and slope, then four buffers of the widest layer that alternate as cotangents
 * or tangents, each starting on a multiple of CSI_PAD elements.
 */
struct costate_net {
    costate_allocator alloc;
    const struct costate_kernels *kernels;
    size_t n_in, n_out, n_layer, n_param;
    csi_layer *layers;
    costate_act input_act;
    bool accurate;
    bool input_is_plain;  /* x enters as it is: no slope to apply on the way back */
    bool output_is_plain; /* the last layer's values are the outputs */
    double *affine_f64;   /* in_scale, in_shift (n_in each), out_scale, out_shift (n_out each) */
    float *affine_f32;    /* the same, rounded */
    size_t widest;        /* largest of n_in and every n_out, padded */
    size_t input_value, input_slope;
    size_t buffer[4];
    size_t n_work;         /* elements of the workspace */
    size_t n_hessian_work; /* elements of the Hessian's workspace; SIZE_MAX when they do not fit */
};

/* True if act′(z) is a function of act(z), so that the value alone is cached; otherwise act′(z) is cached beside it. */
static inline bool csi_slope_is_value(costate_act act) {
    return act == COSTATE_ACT_IDENTITY || act == COSTATE_ACT_TANH || act == COSTATE_ACT_SIGMOID ||
           act == COSTATE_ACT_RELU || act == COSTATE_ACT_LEAKY_RELU || act == COSTATE_ACT_ELU;
}

/* The longer side of a weight matrix is contiguous: columns, of n_out elements, or rows, of n_in. */
static inline bool csi_weights_by_column(size_t n_in, size_t n_out) { return n_out >= n_in; }

/* n rounded up to CSI_PAD; n must be ≤ SIZE_MAX − CSI_PAD. */
static inline size_t csi_pad(size_t n) { return (n + CSI_PAD - 1) / CSI_PAD * CSI_PAD; }

#endif
