/* SPDX-License-Identifier: MIT */
/* Which dense layers may transpose their input on the way back, to have the lanes of a weight gradient along the inputs. */
#ifndef CSI_DENSE_SHAPE_H
#define CSI_DENSE_SHAPE_H

#include <stdbool.h>
#include <stddef.h>

/* Worth it where a tile has few vectors, as those of large chains have: sums over lanes would then cost more than the products. */
#define CSI_DENSE_FEW ((size_t)64)

static inline bool csi_dense_transposes(size_t n_in, size_t n_out) { return n_in >= 64 && n_out >= 8; }

/* Elements between the transposed samples: whole vectors of either precision. */
static inline size_t csi_dense_pitch(size_t n_in) { return (n_in + 15) / 16 * 16; }

#endif
