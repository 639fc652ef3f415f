/* SPDX-License-Identifier: MIT */
/** @file model.h  Model files: networks, their parameters, further named parameters, and where they come from. */
#ifndef COSTATE_MODEL_H
#define COSTATE_MODEL_H

#include <costate/alloc.h>
#include <costate/export.h>
#include <costate/message.h>
#include <costate/net.h>
#include <costate/status.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * A model to be saved, or one that was loaded. Holds, all under names:
 *
 *  - networks, each with its specification and parameters;
 *  - blocks of further parameters, such as θ of the mechanistic part, with a name for every entry if wanted;
 *  - the names of the states;
 *  - texts that say where the model comes from (date, data file, seed, loss, …).
 *
 * Networks and blocks share one space of names: letters, digits and underscores, not a digit first, at most 63 bytes.
 * Names of entries and states, and keys of texts, are UTF-8 without control characters, not empty, at most 255 bytes,
 * and differ.
 *
 * One thread at a time while it is changed, any number of threads while it is only read.
 *
 * **The file** is a safetensors file (safetensors.h). The parameters of network `net` are tensors of type F64 named like
 * its views, `net.layer0.weight` (n_out × n_in, row-major whatever the layout in memory), `net.layer0.bias` (n_out), …,
 * and, where the specification has them, `net.in_scale`, `net.in_shift` (n_in), `net.out_scale` and `net.out_shift`
 * (n_out); a block is a tensor of one dimension under its name. The metadata are the texts and, with keys that begin
 * with `costate.`: `costate.format` ("1"), `costate.version` (of the library that wrote the file), and as JSON
 * `costate.nets`, an array of {"name", "n_in", "input_act", "accuracy" ("fast" or "accurate"), "layers": [{"n_out",
 * "act", "bias"}]}, `costate.blocks`, an object from the name of a block to the array of its entries' names or null, and
 * `costate.states`, an array of names.
 */
typedef struct costate_model costate_model;

/** Most networks, and most blocks, of a model. */
#define COSTATE_MODEL_MAX_PARTS 1000

/**
 * Create an empty model.
 *
 * @param[in]  alloc  where memory comes from, also of later calls; NULL for malloc
 * @param[out] model  the model, to be released with costate_model_destroy(); NULL on failure
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL    model is NULL
 * @retval COSTATE_ERR_MEMORY  no memory
 */
COSTATE_API costate_status costate_model_create(const costate_allocator *alloc, costate_model **model);

/**
 * Release a model, with its networks.
 *
 * @param[in] model  model, or NULL (no effect)
 */
COSTATE_API void costate_model_destroy(costate_model *model);

/**
 * @name Filling a model
 *
 * Everything given is copied. A part that is there under the same name is replaced (and pointers to it become invalid).
 * After a failure the model is what it was. All return
 *  - COSTATE_OK;
 *  - COSTATE_ERR_NULL if a required pointer is NULL;
 *  - COSTATE_ERR_ARGUMENT if a name is not as costate_model says, is there twice or belongs to another kind of part, a
 *    key begins with `costate.`, or there are too many parts;
 *  - COSTATE_ERR_NONFINITE if a number is NaN or infinite;
 *  - COSTATE_ERR_MEMORY if there is no memory;
 * and the message, NULL if not wanted, says which.
 * @{
 */

/**
 * Add or replace a network.
 *
 * @param[in,out] model    model
 * @param[in]     name     its name, e.g. "net0"
 * @param[in]     spec     specification
 * @param[in]     p        parameters in the library's layout (@ref net_layout), n_param elements
 * @param[out]    message  what is wrong
 * @return see the group, and what costate_net_create() returns
 */
COSTATE_API costate_status costate_model_set_net(costate_model *model, const char *name, const costate_net_spec *spec,
                                                 const double *p, costate_message *message);

/**
 * Add or replace a block of parameters.
 *
 * @param[in,out] model    model
 * @param[in]     name     its name, e.g. "theta"
 * @param[in]     n        number of entries, ≥ 1
 * @param[in]     names    n names of the entries; NULL for none
 * @param[in]     x        n values
 * @param[out]    message  what is wrong
 * @return see the group; COSTATE_ERR_ARGUMENT also if n is 0
 */
COSTATE_API costate_status costate_model_set_block(costate_model *model, const char *name, size_t n,
                                                   const char *const *names, const double *x, costate_message *message);

/**
 * Set the names of the states.
 *
 * @param[in,out] model    model
 * @param[in]     n        number of states, may be 0
 * @param[in]     names    n names
 * @param[out]    message  what is wrong
 * @return see the group
 */
COSTATE_API costate_status costate_model_set_states(costate_model *model, size_t n, const char *const *names,
                                                    costate_message *message);

/**
 * Add or replace a text, such as "date" or "data".
 *
 * @param[in,out] model    model
 * @param[in]     key      its key
 * @param[in]     value    UTF-8
 * @param[out]    message  what is wrong
 * @return see the group; COSTATE_ERR_ARGUMENT also if the value is no UTF-8
 */
COSTATE_API costate_status costate_model_set_text(costate_model *model, const char *key, const char *value,
                                                  costate_message *message);
/** @} */

/**
 * @name Asking a model
 *
 * What is returned belongs to the model and lives until the part is replaced or the model destroyed. Parts are numbered
 * in the order in which they were added.
 * @{
 */

/** A network of a model. */
typedef struct costate_model_net {
    const char *name;       /**< its name */
    const costate_net *net; /**< the network, ready to use */
    costate_net_spec spec;  /**< what it was made from */
    const double *p;        /**< parameters in the library's layout, n_param elements */
} costate_model_net;

/** A block of parameters of a model. */
typedef struct costate_model_block {
    const char *name;         /**< its name */
    size_t n;                 /**< number of entries, ≥ 1 */
    const char *const *names; /**< n names of the entries, or NULL */
    const double *x;          /**< n values */
} costate_model_block;

/**
 * Number of networks.
 *
 * @param[in] model  model
 * @return networks; 0 if model is NULL
 */
COSTATE_API size_t costate_model_n_net(const costate_model *model);

/**
 * The k-th network.
 *
 * @param[in]  model  model
 * @param[in]  k      index, < costate_model_n_net()
 * @param[out] net    the network
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL      model or net is NULL
 * @retval COSTATE_ERR_ARGUMENT  no such network
 */
COSTATE_API costate_status costate_model_net_at(const costate_model *model, size_t k, costate_model_net *net);

/**
 * The network with a given name.
 *
 * @param[in]  model  model
 * @param[in]  name   the name
 * @param[out] net    the network
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL      an argument is NULL
 * @retval COSTATE_ERR_ARGUMENT  no network has this name
 */
COSTATE_API costate_status costate_model_find_net(const costate_model *model, const char *name, costate_model_net *net);

/**
 * Number of blocks.
 *
 * @param[in] model  model
 * @return blocks; 0 if model is NULL
 */
COSTATE_API size_t costate_model_n_block(const costate_model *model);

/**
 * The k-th block.
 *
 * @param[in]  model  model
 * @param[in]  k      index, < costate_model_n_block()
 * @param[out] block  the block
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL      model or block is NULL
 * @retval COSTATE_ERR_ARGUMENT  no such block
 */
COSTATE_API costate_status costate_model_block_at(const costate_model *model, size_t k, costate_model_block *block);

/**
 * The block with a given name.
 *
 * @param[in]  model  model
 * @param[in]  name   the name
 * @param[out] block  the block
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL      an argument is NULL
 * @retval COSTATE_ERR_ARGUMENT  no block has this name
 */
COSTATE_API costate_status costate_model_find_block(const costate_model *model, const char *name,
                                                    costate_model_block *block);

/**
 * The names of the states.
 *
 * @param[in]  model  model
 * @param[out] names  the names; NULL if not wanted
 * @return number of states; 0 if model is NULL
 */
COSTATE_API size_t costate_model_states(const costate_model *model, const char *const **names);

/**
 * The text with a given key; "costate.version" gives the version of the library that wrote the file the model was loaded
 * from.
 *
 * @param[in] model  model
 * @param[in] key    the key
 * @return the text; NULL if there is none or an argument is NULL
 */
COSTATE_API const char *costate_model_text(const costate_model *model, const char *key);

/**
 * Number of texts, without that of the version.
 *
 * @param[in] model  model
 * @return texts; 0 if model is NULL
 */
COSTATE_API size_t costate_model_n_text(const costate_model *model);

/**
 * Key of the k-th text.
 *
 * @param[in] model  model
 * @param[in] k      index, < costate_model_n_text()
 * @return the key; NULL if there is no such text
 */
COSTATE_API const char *costate_model_text_key(const costate_model *model, size_t k);
/** @} */

/**
 * Put a model into a block of memory that is the content of a model file. The same model gives the same bytes.
 *
 * @param[in]  model    model
 * @param[out] bytes    the block, the caller's to release: by the release() of the model's allocator, or free() if that
 *                      was NULL; NULL on failure
 * @param[out] n_bytes  its size; 0 on failure
 * @param[out] message  what is wrong; NULL if not wanted
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL      model, bytes or n_bytes is NULL
 * @retval COSTATE_ERR_OVERFLOW  the header would be longer than COSTATE_SAFETENSORS_MAX_HEADER
 * @retval COSTATE_ERR_MEMORY    no memory
 */
COSTATE_API costate_status costate_model_format(const costate_model *model, void **bytes, size_t *n_bytes,
                                                costate_message *message);

/**
 * Save a model to a file, which is complete or untouched at any moment, as costate_safetensors_save() writes it.
 *
 * @param[in]  model    model
 * @param[in]  path     the file, replaced if it is there
 * @param[out] message  what is wrong; NULL if not wanted
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL  model or path is NULL
 * @retval COSTATE_ERR_IO    the file cannot be written
 * @return else what costate_model_format() says
 */
COSTATE_API costate_status costate_model_save(const costate_model *model, const char *path, costate_message *message);

/**
 * Make a model of the content of a model file. Networks are created by costate_net_create() with the same allocator.
 *
 * @param[in]  bytes    the content; any alignment
 * @param[in]  n_bytes  its size
 * @param[in]  alloc    where memory comes from; NULL for malloc
 * @param[out] model    the model, to be released with costate_model_destroy(); NULL on failure
 * @param[out] message  what is wrong; NULL if not wanted
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL         bytes (unless n_bytes is 0) or model is NULL
 * @retval COSTATE_ERR_FORMAT       no safetensors file (costate_safetensors_parse()), no model file, of an unknown
 *                                  version, a tensor that is missing, left over or of the wrong type or shape, an
 *                                  unknown activation, a name that is not as costate_model says
 * @retval COSTATE_ERR_UNSUPPORTED  elements of a type that no model has, or what costate_net_create() calls so
 * @retval COSTATE_ERR_NONFINITE    a number is NaN or infinite
 * @retval COSTATE_ERR_MEMORY       no memory
 */
COSTATE_API costate_status costate_model_parse(const void *bytes, size_t n_bytes, const costate_allocator *alloc,
                                               costate_model **model, costate_message *message);

/**
 * Load a model from a file.
 *
 * @param[in]  path     the file
 * @param[in]  alloc    where memory comes from; NULL for malloc
 * @param[out] model    the model, to be released with costate_model_destroy(); NULL on failure
 * @param[out] message  what is wrong, with the name of the file; NULL if not wanted
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL  path or model is NULL
 * @retval COSTATE_ERR_IO    the file cannot be opened or read
 * @return else what costate_model_parse() says of its content
 */
COSTATE_API costate_status costate_model_load(const char *path, const costate_allocator *alloc, costate_model **model,
                                              costate_message *message);

#ifdef __cplusplus
}
#endif
#endif
