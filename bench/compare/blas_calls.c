/* SPDX-License-Identifier: MIT */
/* Operations of BLAS by the library's calls and by others. */
#include "compare/blas_calls.h"

#include "compare/blas_naive.h"
#include "sleef_pass.h"

static bool make_layers(blas_operands *o) {
    const costate_accuracy fast = COSTATE_ACCURACY_FAST;
    return costate_layer_make(o->n, o->n, COSTATE_ACT_IDENTITY, true, fast, &o->square) == COSTATE_OK &&
           costate_layer_make(1, o->n, COSTATE_ACT_SILU, true, fast, &o->multiplier) == COSTATE_OK &&
           costate_layer_make(1, o->n, COSTATE_ACT_TANH, true, fast, &o->tanh) == COSTATE_OK;
}

static bool make_chain(blas_operands *o) {
    costate_chain_layer layer = costate_chain_dense(o->n, COSTATE_ACT_IDENTITY);
    layer.no_bias = true;
    costate_chain_eval_options options = costate_chain_eval_options_default();
    options.precision = COSTATE_CHAIN_F32;
    return costate_chain_create(costate_shape_vector(o->n), 1, &layer, NULL, &o->chain, NULL) == COSTATE_OK &&
           costate_chain_eval_create(o->chain, &options, NULL, &o->eval) == COSTATE_OK;
}

bool blas_operands_make(blas_operands *o) {
    o->one = 1.0f;
    o->status = COSTATE_OK;
    if (make_layers(o) && make_chain(o)) {
        return true;
    }
    blas_operands_release(o);
    return false;
}

void blas_operands_release(blas_operands *o) {
    costate_chain_eval_destroy(o->eval);
    costate_chain_destroy(o->chain);
    o->eval = NULL;
    o->chain = NULL;
}

static void keep(blas_operands *o, costate_status status) {
    if (status != COSTATE_OK) {
        o->status = status;
    }
}

void costate_matvec(void *ctx, size_t n_time) {
    blas_operands *o = ctx;
    for (size_t i = 0; i < n_time; i++) {
        keep(o, costate_layer_forward_f32(&o->square, o->a, o->x, o->y, NULL));
    }
}

void openblas_matvec(void *ctx, size_t n_time) {
    const blas_operands *o = ctx;
    const int n = (int)o->n;
    for (size_t i = 0; i < n_time; i++) {
        o->openblas.sgemv(CblasColMajor, CblasNoTrans, n, n, 1.0f, o->a, n, o->x, 1, 0.0f, o->y, 1);
    }
}

void plain_matvec(void *ctx, size_t n_time) {
    blas_operands *o = ctx;
    for (size_t i = 0; i < n_time; i++) {
        naive_matvec(o->n, o->a, o->x, o->y);
    }
}

void costate_product_columns(void *ctx, size_t n_time) {
    blas_operands *o = ctx;
    for (size_t i = 0; i < n_time; i++) {
        keep(o, costate_layer_forward_batch_f32(&o->square, o->a, o->n, o->b, o->c));
    }
}

void openblas_product_columns(void *ctx, size_t n_time) {
    const blas_operands *o = ctx;
    const int n = (int)o->n;
    for (size_t i = 0; i < n_time; i++) {
        o->openblas.sgemm(CblasColMajor, CblasNoTrans, CblasNoTrans, n, n, n, 1.0f, o->a, n, o->b, n, 0.0f, o->c, n);
    }
}

void plain_product_columns(void *ctx, size_t n_time) {
    blas_operands *o = ctx;
    for (size_t i = 0; i < n_time; i++) {
        naive_product_columns(o->n, o->a, o->b, o->c);
    }
}

void costate_product_rows(void *ctx, size_t n_time) {
    blas_operands *o = ctx;
    const costate_batch_f32 columns = {.n = o->n, .x = o->b, .feature_stride = o->n};
    for (size_t i = 0; i < n_time; i++) {
        keep(o, costate_chain_forward_f32(o->eval, o->a, &columns, o->c));
    }
}

void openblas_product_rows(void *ctx, size_t n_time) {
    const blas_operands *o = ctx;
    const int n = (int)o->n;
    for (size_t i = 0; i < n_time; i++) {
        o->openblas.sgemm(CblasColMajor, CblasTrans, CblasTrans, n, n, n, 1.0f, o->a, n, o->b, n, 0.0f, o->c, n);
    }
}

/* The layer's parameters and input are not read where no gradient is wanted. */
void costate_multiply(void *ctx, size_t n_time) {
    blas_operands *o = ctx;
    for (size_t i = 0; i < n_time; i++) {
        keep(o, costate_layer_pullback_f32(&o->multiplier, o->x, &o->one, o->factor, 1.0f, NULL, NULL, o->z));
    }
}

void openblas_multiply(void *ctx, size_t n_time) {
    const blas_operands *o = ctx;
    for (size_t i = 0; i < n_time; i++) {
        o->openblas.ssbmv(CblasColMajor, CblasLower, (int)o->n, 0, 1.0f, o->factor, 1, o->x, 1, 0.0f, o->y, 1);
    }
}

void plain_multiply(void *ctx, size_t n_time) {
    blas_operands *o = ctx;
    for (size_t i = 0; i < n_time; i++) {
        naive_multiply(o->n, o->factor, o->z);
    }
}

void costate_tanh(void *ctx, size_t n_time) {
    blas_operands *o = ctx;
    for (size_t i = 0; i < n_time; i++) {
        keep(o, costate_layer_forward_f32(&o->tanh, o->x, &o->one, o->y, NULL));
    }
}

void sleef_tanh(void *ctx, size_t n_time) {
    blas_operands *o = ctx;
    for (size_t i = 0; i < n_time; i++) {
        sleef_tanh_f32(o->n, o->x, o->y);
    }
}

void plain_tanh(void *ctx, size_t n_time) {
    blas_operands *o = ctx;
    for (size_t i = 0; i < n_time; i++) {
        naive_tanh(o->n, o->x, o->y);
    }
}
