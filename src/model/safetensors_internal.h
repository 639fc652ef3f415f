/* SPDX-License-Identifier: MIT */
/* The content of a safetensors file, and what reading and writing share. */
#ifndef CSI_SAFETENSORS_INTERNAL_H
#define CSI_SAFETENSORS_INTERNAL_H

#include <costate/safetensors.h>

/* Where the length of the header stands, and what it and the header are a multiple of. */
enum { CSI_LENGTH_BYTES = 8 };

/* The member of the header that is no tensor. */
#define CSI_METADATA_KEY "__metadata__"

struct costate_safetensors {
    costate_allocator alloc;
    costate_tensor *tensors;        /* n_tensor, in the order of the file */
    const costate_tensor **by_name; /* the same, sorted */
    costate_metadata *metadata;     /* n_metadata */
    char *strings;                  /* names, keys and values */
    unsigned char *elements;        /* every tensor begins at a multiple of 8 */
    size_t n_tensor, n_metadata;
};

/* *n = elements of the tensor, *bytes = their size; false if either does not fit. The type must be known. */
bool csi_tensor_size(const costate_tensor *tensor, size_t *n, size_t *bytes);

/* n elements of 1, 4 or 8 bytes, from the host's byte order to little-endian. */
void csi_to_little_endian(unsigned char *to, const unsigned char *from, size_t n, size_t element_bytes);

/* And back. */
void csi_from_little_endian(unsigned char *to, const unsigned char *from, size_t n, size_t element_bytes);

#endif
