/* SPDX-License-Identifier: MIT */
/** @file idx.h  Arrays in IDX files, plain or packed by gzip, such as those of the MNIST digits. */
#ifndef COSTATE_IDX_H
#define COSTATE_IDX_H

#include <costate/alloc.h>
#include <costate/export.h>
#include <costate/message.h>
#include <costate/status.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @name The format
 *
 * An IDX file is two zero bytes, a byte for the element type, a byte for the number of dimensions, the dimensions (4
 * bytes each, big-endian) and the elements (big-endian, row-major: the last dimension is contiguous). Nothing follows.
 * A file that begins with the two bytes of gzip (RFC 1952) is unpacked first, all its members one after the other.
 * @{
 */

/** Element types: X(enumerator, byte in the file, name, C type). */
#define COSTATE_IDX_TYPE_LIST(X)                                                                                       \
    X(U8, 0x08, "unsigned byte", uint8_t)                                                                              \
    X(I8, 0x09, "signed byte", int8_t)                                                                                 \
    X(I16, 0x0B, "short", int16_t)                                                                                     \
    X(I32, 0x0C, "int", int32_t)                                                                                       \
    X(F32, 0x0D, "float", float)                                                                                       \
    X(F64, 0x0E, "double", double)

/** Type of the elements; the value is that of the file. */
typedef enum costate_idx_type {
#define COSTATE_IDX_TYPE_ENUM(name, value, text, type) COSTATE_IDX_##name = (value),
    COSTATE_IDX_TYPE_LIST(COSTATE_IDX_TYPE_ENUM)
#undef COSTATE_IDX_TYPE_ENUM
} costate_idx_type;

/** Most dimensions of an array; the fewest are 1. */
#define COSTATE_IDX_MAX_DIM 8
/** @} */

/** What is accepted when a file is read. A member that is zero has its default value; NULL means all defaults. */
typedef struct costate_idx_options {
    size_t max_bytes; /**< of the file as it is, and of the elements; default 1 GiB */
} costate_idx_options;

/** An array. Immutable: may be shared by any number of threads. */
typedef struct costate_idx costate_idx;

/**
 * Read an array from memory.
 *
 * The header alone decides how much memory is asked for, and no more than the rest of the bytes can hold: of a packed
 * file about 1032 times their number, which is what deflate can do at most. Unpacking stops one byte behind the last
 * element.
 *
 * @param[in]  bytes    the content of a file, plain or packed; any alignment; not needed afterwards
 * @param[in]  n_bytes  its length
 * @param[in]  options  NULL for the defaults
 * @param[in]  alloc    where memory comes from; NULL for malloc
 * @param[out] idx      the array, to be released with costate_idx_destroy(); NULL on failure
 * @param[out] message  what is wrong, with the offset of the byte (the first is 0), of the unpacked content where it
 *                      says so; NULL if not wanted
 *
 * @retval COSTATE_OK          also for an array of which a dimension is 0
 * @retval COSTATE_ERR_NULL    bytes (unless n_bytes is 0) or idx is NULL
 * @retval COSTATE_ERR_FORMAT  no IDX, truncated, followed by more bytes, damaged, or larger than the options allow
 * @retval COSTATE_ERR_MEMORY  no memory
 */
COSTATE_API costate_status costate_idx_parse(const void *bytes, size_t n_bytes, const costate_idx_options *options,
                                             const costate_allocator *alloc, costate_idx **idx,
                                             costate_message *message);

/**
 * Read an array from a file; the message then names the file.
 *
 * @param[in]  path     the file, plain or packed, whatever its name
 * @param[in]  options  NULL for the defaults
 * @param[in]  alloc    where memory comes from; NULL for malloc
 * @param[out] idx      the array, to be released with costate_idx_destroy(); NULL on failure
 * @param[out] message  what is wrong, with file and byte; NULL if not wanted
 *
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL  path or idx is NULL
 * @retval COSTATE_ERR_IO    the file cannot be opened or read
 * @return else what costate_idx_parse() says of its content
 */
COSTATE_API costate_status costate_idx_read(const char *path, const costate_idx_options *options,
                                            const costate_allocator *alloc, costate_idx **idx,
                                            costate_message *message);

/**
 * Release an array.
 *
 * @param[in] idx  array, or NULL (no effect)
 */
COSTATE_API void costate_idx_destroy(costate_idx *idx);

/**
 * Type of the elements.
 *
 * @param[in]  idx   array
 * @param[out] type  the type; untouched on failure
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL  idx or type is NULL
 */
COSTATE_API costate_status costate_idx_type_of(const costate_idx *idx, costate_idx_type *type);

/**
 * Bytes of one element.
 *
 * @param[in] type  any value
 * @return 1, 2, 4 or 8; 0 for a value not in the list
 */
COSTATE_API size_t costate_idx_type_bytes(costate_idx_type type);

/**
 * Name of an element type.
 *
 * @param[in] type  any value
 * @return a constant string, "unknown" for a value not in the list
 */
COSTATE_API const char *costate_idx_type_name(costate_idx_type type);

/**
 * Number of dimensions.
 *
 * @param[in] idx  array
 * @return 1 … COSTATE_IDX_MAX_DIM; 0 if idx is NULL
 */
COSTATE_API size_t costate_idx_n_dim(const costate_idx *idx);

/**
 * One of the dimensions.
 *
 * @param[in] idx  array
 * @param[in] k    which, < costate_idx_n_dim(); 0 is the slowest
 * @return its length; 0 if there is no such dimension
 */
COSTATE_API size_t costate_idx_dim(const costate_idx *idx, size_t k);

/**
 * Number of elements: the product of the dimensions.
 *
 * @param[in] idx  array
 * @return elements; 0 if idx is NULL
 */
COSTATE_API size_t costate_idx_n_element(const costate_idx *idx);

/**
 * The elements as they are, e.g. bytes for COSTATE_IDX_U8, in the host's byte order.
 *
 * @param[in] idx  array
 * @return costate_idx_n_element() elements of its type, on an address divisible by 64, which live as long as the array;
 *         NULL if idx is NULL
 */
COSTATE_API const void *costate_idx_elements(const costate_idx *idx);

/**
 * Elements as numbers: x[i] = scale · element[first + i], e.g. with scale 1/255 for the brightness of a byte.
 *
 * The product is that of doubles; for float it is then rounded, and infinite where it is too large. NaN and infinity of
 * the file stay what they are.
 *
 * @param[in]  idx    array
 * @param[in]  first  the first element
 * @param[in]  n      how many, first + n ≤ costate_idx_n_element()
 * @param[in]  scale  factor, finite; 1 for the elements themselves
 * @param[out] x      n elements; untouched on failure
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL      idx or x is NULL
 * @retval COSTATE_ERR_ARGUMENT  there are no such elements, or scale is not finite
 */
COSTATE_API costate_status costate_idx_numbers_f64(const costate_idx *idx, size_t first, size_t n, double scale,
                                                   double *x);
/** @copydoc costate_idx_numbers_f64 */
COSTATE_API costate_status costate_idx_numbers_f32(const costate_idx *idx, size_t first, size_t n, double scale,
                                                   float *x);

#ifdef __cplusplus
}
#endif
#endif
