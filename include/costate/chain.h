/* SPDX-License-Identifier: MIT */
/**
 * @file chain.h  Chains of layers for batches of samples: y = L_k(… L_2(L_1(x))), each layer with its own parameters.
 *
 * For plain data, many samples at a time; costate_net is the network for right-hand sides. A chain is immutable and holds
 * no numbers: parameters and gradients are the caller's flat arrays, and chain_eval.h evaluates. A layer is one of the
 * kinds below or one of the user's (chain_kind.h).
 *
 * Values have a shape of channels × height × width, element (c, y, x) at index (c·height + y)·width + x. A vector of n
 * elements is n × 1 × 1, a sequence of T steps of c features is c × 1 × T. Parameters lie layer by layer; in a layer,
 * matrices are row-major with one row per output, as in PyTorch, so that its parameters can be copied over as they are.
 */
#ifndef COSTATE_CHAIN_H
#define COSTATE_CHAIN_H

#include <costate/act.h>
#include <costate/alloc.h>
#include <costate/export.h>
#include <costate/message.h>
#include <costate/random.h>
#include <costate/status.h>
#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Extents of a value; none is 0. */
typedef struct costate_shape {
    size_t n_channel; /**< channels, features */
    size_t height;    /**< 1 for vectors and sequences */
    size_t width;     /**< columns of an image, steps of a sequence */
} costate_shape;

/**
 * Shape of a vector.
 *
 * @param[in] n  elements
 * @return n × 1 × 1
 */
COSTATE_API costate_shape costate_shape_vector(size_t n);

/**
 * Elements of a shape.
 *
 * @param[in] shape  shape
 * @return n_channel·height·width; 0 if that does not fit in size_t
 */
COSTATE_API size_t costate_shape_size(costate_shape shape);

/** A kind of layer; see chain_kind.h. */
typedef struct costate_chain_kind costate_chain_kind;

/**
 * A layer as one asks for it: made by one of the functions below, after which `no_bias`, `frozen` and the other fields
 * its kind reads may be set. A plain value. What a kind does not use is not read.
 */
typedef struct costate_chain_layer {
    const costate_chain_kind *kind; /**< what it computes */
    size_t n_out;                   /**< units or channels of the output */
    size_t n_in;                    /**< embedding: size of the vocabulary */
    size_t kernel[2];               /**< convolution and pooling: window, height and width */
    size_t stride[2];               /**< convolution and pooling: step of the window, ≥ 1 */
    size_t padding[2]; /**< convolution: zeros added at both ends; pooling: never chosen, less than half a window */
    size_t order[3];   /**< permutation: axis of the input that becomes axis 0, 1, 2 */
    costate_act act;   /**< dense and convolution */
    double rate;       /**< dropout: probability of a zero, 0 ≤ rate ≤ 1 − 2^-24 */
    bool no_bias;      /**< true: no biases; dense, convolution and recurrent layers */
    bool frozen;       /**< true: its parameters are constants, their gradient stays what it is */
    bool
        whole_sequence; /**< recurrent layers: the output is the state after every step, n_out × 1 × T; else the last */
    costate_accuracy accuracy; /**< which transcendental functions */
    const void *ctx;           /**< for the user's kinds; must outlive the chain */
} costate_chain_layer;

/**
 * y = act(W x + b): W has n_out rows of the input's elements, whatever its shape; then b.
 *
 * @param[in] n_out  units
 * @param[in] act    activation
 * @return the layer
 */
COSTATE_API costate_chain_layer costate_chain_dense(size_t n_out, costate_act act);

/**
 * y_o(i, j) = act(b_o + Σ_c Σ_kl W_ockl x_c(i s₀ + k − p₀, j s₁ + l − p₁)), zero outside x; a cross-correlation.
 *
 * The output has ⌊(height + 2 p₀ − kernel₀)/s₀⌋ + 1 rows, and columns likewise: what does not fill a window is not read.
 * Parameters: W, n_out × channels × kernel₀ × kernel₁, then b. Strides are 1 and padding is 0 unless set.
 *
 * @param[in] n_out   channels of the output
 * @param[in] height  height of the window
 * @param[in] width   width of the window
 * @param[in] act     activation
 * @return the layer
 */
COSTATE_API costate_chain_layer costate_chain_conv2d(size_t n_out, size_t height, size_t width, costate_act act);

/**
 * costate_chain_conv2d() with a window of height 1, along the width of a sequence.
 *
 * @param[in] n_out  channels of the output
 * @param[in] width  width of the window
 * @param[in] act    activation
 * @return the layer
 */
COSTATE_API costate_chain_layer costate_chain_conv1d(size_t n_out, size_t width, costate_act act);

/**
 * Largest element of every window of every channel; NaN if one is NaN. Windows do not overlap unless stride is set.
 * What does not fill a window is not read.
 *
 * The derivative goes to the first of equal elements.
 *
 * @param[in] height  height of the window, 1 for sequences
 * @param[in] width   width of the window
 * @return the layer
 */
COSTATE_API costate_chain_layer costate_chain_max_pool(size_t height, size_t width);

/**
 * The same elements as a vector.
 *
 * @return the layer
 */
COSTATE_API costate_chain_layer costate_chain_flatten(void);

/**
 * Reorder the axes: extent a of the output is extent order[a] of the input.
 *
 * @param[in] first   axis of the input that becomes the channels: 0, 1 or 2
 * @param[in] second  axis that becomes the height
 * @param[in] third   axis that becomes the width
 * @return the layer
 */
COSTATE_API costate_chain_layer costate_chain_permute(size_t first, size_t second, size_t third);

/**
 * While training: every element is zero with probability `rate`, else divided by 1 − rate (Srivastava, Hinton, Krizhevsky,
 * Sutskever & Salakhutdinov, J. Mach. Learn. Res. 15, 2014, inverted). Otherwise: the identity.
 *
 * Which elements are zero is a function of the draw, the layer, the sample's place in the batch and the element. The mask
 * takes the probability to the nearest multiple of 2^-24.
 *
 * @param[in] rate  probability of a zero
 * @return the layer
 */
COSTATE_API costate_chain_layer costate_chain_dropout(double rate);

/**
 * Rows of a table: every element of the input is an integer i, 0 ≤ i < n_word, and channels 0 … n_out − 1 of the output at
 * that place are row i of the table. The input has one channel; the output n_out × height × width.
 *
 * Parameters: the table, n_word × n_out. The derivative with respect to the input is zero. An element that is no such
 * integer makes the call answer COSTATE_ERR_ARGUMENT.
 *
 * @param[in] n_word  rows of the table; in single precision at most 2^24
 * @param[in] n_out   elements of a row
 * @return the layer
 */
COSTATE_API costate_chain_layer costate_chain_embedding(size_t n_word, size_t n_out);

/**
 * Gaussian radial basis functions y_j = exp(−s_j² ‖x − c_j‖²) of the input's elements as a vector.
 *
 * Parameters: the centres c, n_out rows, then the inverse widths s, n_out. (Broomhead & Lowe, Complex Systems 2, 1988.)
 *
 * @param[in] n_out  centres
 * @return the layer
 */
COSTATE_API costate_chain_layer costate_chain_rbf(size_t n_out);

/**
 * Recurrent layer over the width of c × 1 × T, from state zero: h_t = tanh(W x_t + b + U h_{t−1} + d) (Elman 1990).
 *
 * Parameters: W (n_out × c), U (n_out × n_out), b, d. Gradients go back through all steps.
 *
 * @param[in] n_out  units
 * @return the layer; its output is h_T, or with whole_sequence all of h
 */
COSTATE_API costate_chain_layer costate_chain_rnn(size_t n_out);

/**
 * Gated recurrent unit (Cho et al., EMNLP 2014), reset after the product: r = σ(W_r x + b_r + U_r h + d_r), z = σ(W_z x +
 * b_z + U_z h + d_z), n = tanh(W_n x + b_n + r (U_n h + d_n)), h ← (1 − z) n + z h.
 *
 * Parameters: W (3 n_out × c; rows r, z, n), U (3 n_out × n_out), b, d.
 *
 * @param[in] n_out  units
 * @return the layer; its output is as that of costate_chain_rnn()
 */
COSTATE_API costate_chain_layer costate_chain_gru(size_t n_out);

/**
 * Long short-term memory (Hochreiter & Schmidhuber 1997; forget gate of Gers, Schmidhuber & Cummins 2000): i, f, o = σ(W x +
 * b + U h + d), g = tanh(W x + b + U h + d) with rows of their own, c ← f c + i g, h ← o tanh c.
 *
 * Parameters: W (4 n_out × c; rows i, f, g, o), U (4 n_out × n_out), b, d.
 *
 * @param[in] n_out  units
 * @return the layer; its output is as that of costate_chain_rnn()
 */
COSTATE_API costate_chain_layer costate_chain_lstm(size_t n_out);

/** A chain. Immutable; share it between threads. */
typedef struct costate_chain costate_chain;

/**
 * Make a chain and choose its kernel variant by costate_isa_select().
 *
 * @param[in]  in       shape of one sample's input
 * @param[in]  n_layer  layers, ≥ 1
 * @param[in]  layers   n_layer elements, copied; the first reads the input
 * @param[in]  alloc    where memory comes from; NULL for malloc
 * @param[out] chain    the chain, to be released with costate_chain_destroy(); NULL on failure
 * @param[out] message  on failure, which layer and why; NULL if not wanted
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL         layers, chain or a layer's kind is NULL
 * @retval COSTATE_ERR_ARGUMENT     n_layer or an extent is 0, an option of a layer is outside its range, or COSTATE_ISA holds no
 *                                  known name
 * @retval COSTATE_ERR_SIZE         a layer cannot take the shape it is given, such as a window larger than the image
 * @retval COSTATE_ERR_UNSUPPORTED  COSTATE_ISA names a variant this CPU or build lacks
 * @retval COSTATE_ERR_OVERFLOW     a size does not fit in size_t
 * @retval COSTATE_ERR_MEMORY       no memory
 * @return also what the `plan` of a user's kind answers
 */
COSTATE_API costate_status costate_chain_create(costate_shape in, size_t n_layer, const costate_chain_layer *layers,
                                                const costate_allocator *alloc, costate_chain **chain,
                                                costate_message *message);

/**
 * Release a chain.
 *
 * @param[in] chain  chain; NULL is accepted
 */
COSTATE_API void costate_chain_destroy(costate_chain *chain);

/** Number of layers. @param[in] chain chain @return the number; 0 if chain is NULL */
COSTATE_API size_t costate_chain_n_layer(const costate_chain *chain);
/** Elements of a sample's input. @param[in] chain chain @return the number; 0 if chain is NULL */
COSTATE_API size_t costate_chain_n_in(const costate_chain *chain);
/** Elements of a sample's output. @param[in] chain chain @return the number; 0 if chain is NULL */
COSTATE_API size_t costate_chain_n_out(const costate_chain *chain);
/** Number of parameters, frozen ones too. @param[in] chain chain @return the number; 0 if chain is NULL */
COSTATE_API size_t costate_chain_n_param(const costate_chain *chain);

/**
 * Shape between layers.
 *
 * @param[in]  chain  chain
 * @param[in]  layer  0 … n_layer: the output of the first `layer` layers; 0 is the input
 * @param[out] shape  the shape
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL      chain or shape is NULL
 * @retval COSTATE_ERR_ARGUMENT  there is no such layer
 */
COSTATE_API costate_status costate_chain_shape(const costate_chain *chain, size_t layer, costate_shape *shape);

/** A block of parameters of one layer, such as its weights. */
typedef struct costate_chain_block {
    size_t layer;     /**< index of the layer */
    const char *name; /**< "weight", "bias", …; lives as long as the chain */
    size_t offset;    /**< first element in the parameters of the chain */
    size_t length;    /**< elements */
    bool is_bias;     /**< true: penalties usually leave it out */
    bool frozen;      /**< of a frozen layer */
} costate_chain_block;

/** Number of blocks. @param[in] chain chain @return the number; 0 if chain is NULL */
COSTATE_API size_t costate_chain_n_block(const costate_chain *chain);

/**
 * One block; blocks lie in rising order and without gaps.
 *
 * @param[in]  chain  chain
 * @param[in]  index  0 … costate_chain_n_block() − 1
 * @param[out] block  the block
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL      chain or block is NULL
 * @retval COSTATE_ERR_ARGUMENT  there is no such block
 */
COSTATE_API costate_status costate_chain_block_at(const costate_chain *chain, size_t index, costate_chain_block *block);

/**
 * Draw initial parameters as the kinds say: weights uniform in ±√(6/(fan in + fan out)) (Glorot & Bengio 2010), biases zero;
 * recurrent layers uniform in ±1/√n_out; tables and centres uniform in ±1; inverse widths 1/√elements. Drawn in double
 * precision, so that both precisions and every platform get the same values.
 *
 * @param[in]     chain   chain
 * @param[in,out] random  stream of random numbers
 * @param[out]    p       costate_chain_n_param() elements
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL  chain, random or p is NULL
 */
COSTATE_API costate_status costate_chain_init_f64(const costate_chain *chain, costate_random *random, double *p);
/** @copydoc costate_chain_init_f64 */
COSTATE_API costate_status costate_chain_init_f32(const costate_chain *chain, costate_random *random, float *p);

#ifdef __cplusplus
}
#endif
#endif
