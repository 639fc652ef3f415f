/* SPDX-License-Identifier: MIT */
/* A network as the kernels see it: shapes, offsets and pointers, all fixed at creation. */
#ifndef CSI_NET_PLAN_H
#define CSI_NET_PLAN_H

#include "core/poison.h"
#include <costate/net.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * Layouts of a call's vectors, as an index: one sample in either precision, or COSTATE_LANES samples in double precision, each element of which is
 * a SIMD vector.
 */
typedef enum csi_layout { CSI_F64, CSI_F32, CSI_LANES, CSI_N_LAYOUT } csi_layout;

/* Elements of a SIMD vector of 64 bytes. */
static inline size_t csi_vector_elements(csi_layout layout) {
    return layout == CSI_F64 ? 8 : layout == CSI_F32 ? 16 : 1;
}

/* Elements between one workspace vector and the next: a red zone under AddressSanitizer, nothing otherwise. */
#ifdef CSI_ASAN
#define CSI_RED_ZONE 16
#else
#define CSI_RED_ZONE 0
#endif

/* Most inputs and outputs of a hidden layer that is passed at once (hidden_forward.h, hidden_reverse.h). */
#define CSI_NARROW 4

/* One layer; offsets in elements. */
typedef struct csi_layer {
    size_t n_in, n_out;
    costate_act act;
    bool has_bias;
    bool columns;  /* csi_weights_by_column() */
    bool fused;    /* this layer and the one above are passed at once (hidden_forward.h, hidden_reverse.h) */
    size_t weight; /* into the parameters */
    size_t bias;   /* into the parameters */
    size_t value[CSI_N_LAYOUT]; /* into the cache: act(z), n_out padded */
    size_t slope[CSI_N_LAYOUT]; /* into the cache: act′(z), n_out padded; `value` itself if csi_slope_is_value() */
} csi_layer;

/*
 * The vectors of a call in one layout, in elements; each starts on a whole SIMD vector. The cache is what the reverse pass reads: unless the
 * input is plain its value and its slope, then value and slope of every layer. It starts the workspace, or is a block of its own that outlives
 * the call; what lies behind n_kept is of no use to the reverse pass. Behind the cache, four buffers of the widest layer alternate as cotangents
 * or tangents.
 */
typedef struct csi_vectors {
    size_t input_value, input_slope; /* n_in each, without padding between them */
    size_t n_kept;
    size_t widest; /* largest of n_in and every n_out, padded */
    size_t buffer[4];
    size_t n_work;         /* elements of the workspace */
    size_t n_hessian_work; /* elements of the Hessian's workspace; SIZE_MAX when they do not fit */
} csi_vectors;

struct costate_kernels;

struct costate_net {
    costate_allocator alloc;
    const struct costate_kernels *kernels;
    size_t n_in, n_out, n_layer, n_param;
    csi_layer *layers;
    costate_act input_act;
    bool accurate;
    bool input_is_scaled; /* in_scale or in_shift was given */
    bool input_is_plain;  /* x enters as it is: no slope to apply on the way back */
    bool output_is_plain; /* the last layer's values are the outputs */
    double *affine_f64;   /* in_scale, in_shift (n_in each), out_scale, out_shift (n_out each) */
    float *affine_f32;    /* the same, rounded */
    csi_vectors vectors[CSI_N_LAYOUT];
};

/* True if act′(z) is a function of act(z), so that the value alone is cached; otherwise act′(z) is cached beside it. */
static inline bool csi_slope_is_value(costate_act act) {
    return act == COSTATE_ACT_IDENTITY || act == COSTATE_ACT_TANH || act == COSTATE_ACT_SIGMOID ||
           act == COSTATE_ACT_RELU || act == COSTATE_ACT_LEAKY_RELU || act == COSTATE_ACT_ELU;
}

/* The longer side of a weight matrix is contiguous: columns, of n_out elements, or rows, of n_in. */
static inline bool csi_weights_by_column(size_t n_in, size_t n_out) { return n_out >= n_in; }

/* n rounded up to whole SIMD vectors; n must be ≤ SIZE_MAX − 16. */
static inline size_t csi_pad(size_t n, csi_layout layout) {
    const size_t whole = csi_vector_elements(layout);
    return (n + whole - 1) / whole * whole;
}

#endif
