/* SPDX-License-Identifier: MIT */
/** @file safetensors.h  Named tensors in safetensors files, which many languages read and write. */
#ifndef COSTATE_SAFETENSORS_H
#define COSTATE_SAFETENSORS_H

#include <costate/alloc.h>
#include <costate/export.h>
#include <costate/message.h>
#include <costate/status.h>
#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @name The format
 *
 * A safetensors file is the length of a header (8 bytes, little-endian), the header (JSON: name, element type, shape and
 * position of every tensor, and a map from strings to strings) and the tensors' elements (little-endian, row-major,
 * without holes). Files written here are read by the Python and Rust packages of that name; their files are read here
 * as long as the elements are of a type in COSTATE_DTYPE_LIST.
 * @{
 */

/** Element types: X(enumerator, name in the file, C type, bytes). */
#define COSTATE_DTYPE_LIST(X)                                                                                          \
    X(F64, "F64", double, 8)                                                                                           \
    X(F32, "F32", float, 4)                                                                                            \
    X(I64, "I64", int64_t, 8)                                                                                          \
    X(I32, "I32", int32_t, 4)                                                                                          \
    X(U8, "U8", uint8_t, 1)

/** Type of a tensor's elements. */
typedef enum costate_dtype {
#define COSTATE_DTYPE_ENUM(name, text, type, bytes) COSTATE_DTYPE_##name,
    COSTATE_DTYPE_LIST(COSTATE_DTYPE_ENUM)
#undef COSTATE_DTYPE_ENUM
    /** number of element types */
    COSTATE_DTYPE_COUNT
} costate_dtype;

/** Most dimensions of a tensor. */
#define COSTATE_TENSOR_MAX_DIM 8

/** Largest header that is read or written, in bytes. */
#define COSTATE_SAFETENSORS_MAX_HEADER ((size_t)16 << 20)

/** A named tensor; everything pointed to belongs to the caller, or to the costate_safetensors it was asked from. */
typedef struct costate_tensor {
    const char *name;                     /**< UTF-8, not "__metadata__" */
    costate_dtype dtype;                  /**< type of the elements */
    size_t n_dim;                         /**< 0 … COSTATE_TENSOR_MAX_DIM; 0 is a single number */
    size_t shape[COSTATE_TENSOR_MAX_DIM]; /**< n_dim lengths, the last one contiguous */
    const void *data; /**< elements in the host's byte order, aligned for their type; may be NULL if there are none */
} costate_tensor;

/** One entry of the map from strings to strings. */
typedef struct costate_metadata {
    const char *key;   /**< UTF-8 */
    const char *value; /**< UTF-8 */
} costate_metadata;
/** @} */

/**
 * Bytes of one element.
 *
 * @param[in] dtype  any value
 * @return 1, 4 or 8; 0 for a value not in the list
 */
COSTATE_API size_t costate_dtype_bytes(costate_dtype dtype);

/**
 * Name of an element type, as it stands in the file.
 *
 * @param[in] dtype  any value
 * @return a constant string, "unknown" for a value not in the list
 */
COSTATE_API const char *costate_dtype_name(costate_dtype dtype);

/**
 * Put tensors and metadata into a block of memory that is the content of a safetensors file.
 *
 * Tensors stand in the file in the order given, those with larger elements first, so that all are aligned in it. The
 * same arguments give the same bytes.
 *
 * @param[in]  n_tensor    number of tensors, may be 0
 * @param[in]  tensors     n_tensor elements
 * @param[in]  n_metadata  number of entries, may be 0
 * @param[in]  metadata    n_metadata elements
 * @param[in]  alloc       where memory comes from; NULL for malloc
 * @param[out] bytes       the block, the caller's to release: by alloc->release(), or free() if alloc is NULL; NULL on
 *                         failure
 * @param[out] n_bytes     its size; 0 on failure
 * @param[out] message     what is wrong; NULL if not wanted
 *
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL      an array that is not empty, a name, a value, the elements of a tensor that has any,
 *                               bytes or n_bytes is NULL
 * @retval COSTATE_ERR_ARGUMENT  an unknown type, too many dimensions, a name or key that is there twice, reserved, or
 *                               no UTF-8
 * @retval COSTATE_ERR_OVERFLOW  a size does not fit, or the header is too long
 * @retval COSTATE_ERR_MEMORY    no memory
 */
COSTATE_API costate_status costate_safetensors_format(size_t n_tensor, const costate_tensor *tensors, size_t n_metadata,
                                                      const costate_metadata *metadata, const costate_allocator *alloc,
                                                      void **bytes, size_t *n_bytes, costate_message *message);

/**
 * Write tensors and metadata to a file, which is complete or untouched at any moment: a temporary file in the same
 * folder is written, put on the disk and renamed. A process that is killed may leave a file named like it with `.tmp`
 * at the end.
 *
 * @param[in]  path        the file, replaced if it is there
 * @param[in]  n_tensor    number of tensors, may be 0
 * @param[in]  tensors     n_tensor elements
 * @param[in]  n_metadata  number of entries, may be 0
 * @param[in]  metadata    n_metadata elements
 * @param[in]  alloc       where memory comes from; NULL for malloc
 * @param[out] message     what is wrong; NULL if not wanted
 *
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL  path is NULL
 * @retval COSTATE_ERR_IO    the file cannot be written
 * @return else what costate_safetensors_format() says
 */
COSTATE_API costate_status costate_safetensors_save(const char *path, size_t n_tensor, const costate_tensor *tensors,
                                                    size_t n_metadata, const costate_metadata *metadata,
                                                    const costate_allocator *alloc, costate_message *message);

/** What is accepted when a file is read. A member that is zero has its default value; NULL means all defaults. */
typedef struct costate_safetensors_options {
    bool finite;      /**< NaN and infinity in an F64 or F32 tensor are refused; default: they are not */
    size_t max_bytes; /**< largest file that is read; default 4 GiB, or what fits */
} costate_safetensors_options;

/** The content of a safetensors file. Immutable: may be shared by any number of threads. */
typedef struct costate_safetensors costate_safetensors;

/**
 * Read the content of a safetensors file from memory. Every byte is accounted for: whatever does not follow the format
 * is refused, and the message says which tensor is at fault.
 *
 * @param[in]  bytes    the content, copied; any alignment
 * @param[in]  n_bytes  its size
 * @param[in]  options  NULL for the defaults
 * @param[in]  alloc    where memory comes from; NULL for malloc
 * @param[out] file     the content, to be released with costate_safetensors_destroy(); NULL on failure
 * @param[out] message  what is wrong; NULL if not wanted
 *
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL         bytes (unless n_bytes is 0) or file is NULL
 * @retval COSTATE_ERR_FORMAT       truncated, a header that is too long or no JSON, a shape that does not match its
 *                                  position or overflows, tensors that overlap or leave holes, a name that is there
 *                                  twice, more than max_bytes
 * @retval COSTATE_ERR_UNSUPPORTED  a tensor has elements of another type or more than COSTATE_TENSOR_MAX_DIM dimensions
 * @retval COSTATE_ERR_NONFINITE    NaN or infinity, with the option `finite`
 * @retval COSTATE_ERR_MEMORY       no memory
 */
COSTATE_API costate_status costate_safetensors_parse(const void *bytes, size_t n_bytes,
                                                     const costate_safetensors_options *options,
                                                     const costate_allocator *alloc, costate_safetensors **file,
                                                     costate_message *message);

/**
 * Read a safetensors file.
 *
 * @param[in]  path     the file
 * @param[in]  options  NULL for the defaults
 * @param[in]  alloc    where memory comes from; NULL for malloc
 * @param[out] file     its content, to be released with costate_safetensors_destroy(); NULL on failure
 * @param[out] message  what is wrong, with the name of the file; NULL if not wanted
 *
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL  path or file is NULL
 * @retval COSTATE_ERR_IO    the file cannot be opened or read
 * @return else what costate_safetensors_parse() says of its content
 */
COSTATE_API costate_status costate_safetensors_load(const char *path, const costate_safetensors_options *options,
                                                    const costate_allocator *alloc, costate_safetensors **file,
                                                    costate_message *message);

/**
 * Release the content of a file.
 *
 * @param[in] file  the content, or NULL (no effect)
 */
COSTATE_API void costate_safetensors_destroy(costate_safetensors *file);

/**
 * Number of tensors.
 *
 * @param[in] file  the content
 * @return tensors; 0 if file is NULL
 */
COSTATE_API size_t costate_safetensors_n_tensor(const costate_safetensors *file);

/**
 * The k-th tensor, in the order in which their elements stand in the file.
 *
 * @param[in]  file    the content
 * @param[in]  k       index, < costate_safetensors_n_tensor()
 * @param[out] tensor  the tensor, whose name and elements live as long as the content
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL      file or tensor is NULL
 * @retval COSTATE_ERR_ARGUMENT  no such tensor
 */
COSTATE_API costate_status costate_safetensors_tensor(const costate_safetensors *file, size_t k,
                                                      costate_tensor *tensor);

/**
 * The index of the tensor with a given name.
 *
 * @param[in]  file  the content
 * @param[in]  name  the name
 * @param[out] k     its index; untouched on failure
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL      an argument is NULL
 * @retval COSTATE_ERR_ARGUMENT  no tensor has this name
 */
COSTATE_API costate_status costate_safetensors_find(const costate_safetensors *file, const char *name, size_t *k);

/**
 * Number of metadata entries.
 *
 * @param[in] file  the content
 * @return entries; 0 if file is NULL
 */
COSTATE_API size_t costate_safetensors_n_metadata(const costate_safetensors *file);

/**
 * The k-th metadata entry, in the order of the file.
 *
 * @param[in]  file   the content
 * @param[in]  k      index, < costate_safetensors_n_metadata()
 * @param[out] entry  key and value, which live as long as the content
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL      file or entry is NULL
 * @retval COSTATE_ERR_ARGUMENT  no such entry
 */
COSTATE_API costate_status costate_safetensors_metadata(const costate_safetensors *file, size_t k,
                                                        costate_metadata *entry);

/**
 * The metadata value with a given key.
 *
 * @param[in] file  the content
 * @param[in] key   the key
 * @return the value, which lives as long as the content; NULL if there is none or an argument is NULL
 */
COSTATE_API const char *costate_safetensors_value(const costate_safetensors *file, const char *key);

#ifdef __cplusplus
}
#endif
#endif
