/* SPDX-License-Identifier: MIT */
/* Samples into the rows of a tile and back, in one precision. */
#ifndef CSI_CHAIN_ROWS_H
#define CSI_CHAIN_ROWS_H

#include "core/real.h"

#include <costate/chain_eval.h>
#include <string.h>

typedef CSI_REAL(costate_batch) real_batch;

/* Place in the arrays of sample `k` of the batch. */
static inline size_t batch_place(const real_batch *batch, size_t k) {
    return batch->index == NULL ? k : batch->index[k];
}

/* True if the loss is one whose outputs answer yes or no. */
static inline bool is_binary(const costate_chain_loss *loss) {
    return loss->kind == COSTATE_CHAIN_LOSS_OUTPUT &&
           (loss->output.kind == COSTATE_BATCH_LOSS_HINGE || loss->output.kind == COSTATE_BATCH_LOSS_LOGISTIC);
}

/* Elements of samples are taken in groups of this many, so that the cache lines of both sides are used up. */
#define ROWS_GROUP ((size_t)16)

/* Element i of `count` ≤ ROWS_GROUP elements to row i. */
static inline void rows_put(size_t count, const real *from, size_t row, real *to) {
    for (size_t i = 0; i < count; i++) {
        to[i * row] = from[i];
    }
}

/* The same for one sample after the other; a constant count makes straight code of it. */
static inline void rows_put_samples(const real_batch *batch, size_t count, const real *from, size_t n_element,
                                    size_t first, size_t n, size_t row, real *rows) {
    if (batch->index == NULL) {
        from += first * n_element;
        for (size_t s = 0; s < n; s++, from += n_element) {
            rows_put(count, from, row, rows + s);
        }
    } else {
        for (size_t s = 0; s < n; s++) {
            rows_put(count, from + batch->index[first + s] * n_element, row, rows + s);
        }
    }
}

/* n samples of n_element each, from sample `first` of the batch on. */
static inline void rows_pack(const real_batch *batch, const real *from, size_t n_element, size_t first, size_t n,
                             size_t row, real *rows) {
    for (size_t i = 0; i < n_element; i += ROWS_GROUP) {
        const size_t count = n_element - i < ROWS_GROUP ? n_element - i : ROWS_GROUP;
        if (count == ROWS_GROUP) {
            rows_put_samples(batch, ROWS_GROUP, from + i, n_element, first, n, row, rows + i * row);
        } else if (count == 4) {
            rows_put_samples(batch, 4, from + i, n_element, first, n, row, rows + i * row);
        } else {
            rows_put_samples(batch, count, from + i, n_element, first, n, row, rows + i * row);
        }
    }
}

/* Inputs of samples first … first + n − 1 of the batch; the lanes behind repeat the last. */
static inline void rows_pack_input(const real_batch *batch, size_t n_in, size_t first, size_t n, size_t row,
                                   real *rows) {
    if (batch->feature_stride == 0) {
        rows_pack(batch, batch->x, n_in, first, n, row, rows);
    } else {
        for (size_t i = 0; i < n_in; i++) {
            const real *from = batch->x + i * batch->feature_stride;
            if (batch->index == NULL) {
                memcpy(rows + i * row, from + first, n * sizeof *rows);
            } else {
                for (size_t s = 0; s < n; s++) {
                    rows[i * row + s] = from[batch->index[first + s]];
                }
            }
        }
    }
    for (size_t i = 0; i < n_in && n < row; i++) {
        for (size_t s = n; s < row; s++) {
            rows[i * row + s] = rows[i * row + n - 1];
        }
    }
}

/* Scales n elements of every row and clears those behind. */
static inline void rows_scale(real scale, size_t n_element, size_t n, size_t row, real *rows) {
    for (size_t i = 0; i < n_element; i++) {
        for (size_t s = 0; s < n; s++) {
            rows[i * row + s] *= scale;
        }
        for (size_t s = n; s < row; s++) {
            rows[i * row + s] = 0;
        }
    }
}

/* scale·v of n samples of n_element each, with zeros behind the last. */
static inline void rows_pack_cotangent(const real *v, real scale, size_t n_element, size_t n, size_t row, real *rows) {
    const real_batch in_order = {.n = n};
    rows_pack(&in_order, v, n_element, 0, n, row, rows);
    rows_scale(scale, n_element, n, row, rows);
}

static inline void rows_unpack(const real *rows, size_t n_element, size_t n, size_t row, real *to) {
    for (size_t s = 0; s < n; s++, to += n_element) {
        for (size_t i = 0; i < n_element; i++) {
            to[i] = rows[i * row + s];
        }
    }
}

#endif
