/* SPDX-License-Identifier: MIT */
/* How many channels a convolution takes at once, on every instruction set. */
#ifndef CSI_WINDOW_LIMITS_H
#define CSI_WINDOW_LIMITS_H

#include <stddef.h>

/* Accumulators of this many channels × WINDOW_WIDTH vectors, with what they need beside them, fill the registers. */
#define WINDOW_GROUP ((size_t)6)

/* The next of the blocks that share `left` evenly, none larger than `most`. */
static inline size_t window_share(size_t left, size_t most) {
    const size_t n_block = (left + most - 1) / most;
    return (left + n_block - 1) / n_block;
}

#endif
