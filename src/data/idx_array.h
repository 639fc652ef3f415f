/* SPDX-License-Identifier: MIT */
/* The content of an IDX file. */
#ifndef CSI_IDX_ARRAY_H
#define CSI_IDX_ARRAY_H

#include <costate/idx.h>

struct costate_idx {
    costate_allocator alloc;
    costate_idx_type type;
    size_t n_dim;
    size_t dim[COSTATE_IDX_MAX_DIM];
    size_t n_element;
    unsigned char *elements; /* inside the block, in the host's byte order */
    void *block;
};

/* n elements of 1, 2, 4 or 8 bytes, from big-endian to the host's byte order, in place. */
void csi_from_big_endian(unsigned char *elements, size_t n, size_t element_bytes);

#endif
