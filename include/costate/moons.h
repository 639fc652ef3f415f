/* SPDX-License-Identifier: MIT */
/** @file moons.h  The two-moons points, and networks that classify them, in JSON files. */
#ifndef COSTATE_MOONS_H
#define COSTATE_MOONS_H

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
 * Points are an object with the members `n`, a number; `X`, an array of n arrays of two numbers; and `y`, an array of n
 * labels, each -1 or 1. A network is an object with the members `architecture`, an array of widths, the first of them 2
 * and the last one 1; and `layers`, an array with one fewer object: its members are `weights`, an array with one array
 * for each unit of one number for each input, and `biases`, an array of one number for each unit.
 *
 * Other members are ignored; one of these that is there twice is an error. All numbers have to be finite. Names and
 * texts are of printable ASCII without escapes.
 * @{
 */
/** Most layers of a network. */
#define COSTATE_MOONS_MAX_LAYER 16
/** @} */

/** What is accepted when a file is read. A member that is zero has its default value; NULL means all defaults. */
typedef struct costate_moons_options {
    size_t max_bytes; /**< largest text; default 16 MiB. Reading needs up to 40 bytes of memory for each of them */
} costate_moons_options;

/** Points with labels. Immutable: may be shared by any number of threads. */
typedef struct costate_moons costate_moons;

/** A network's widths and parameters. Immutable: may be shared by any number of threads. */
typedef struct costate_moons_net costate_moons_net;

/**
 * Read points from memory.
 *
 * Memory for the text's structure is malloc()'s whatever the allocator.
 *
 * @param[in]  text     the text; need not end in a zero byte; not needed afterwards
 * @param[in]  n_bytes  its length
 * @param[in]  options  NULL for the defaults
 * @param[in]  alloc    where memory comes from; NULL for malloc
 * @param[out] moons    the points, to be released with costate_moons_destroy(); NULL on failure
 * @param[out] message  what is wrong: the byte (the first is 0) of what is no JSON, else which member and element; NULL
 *                      if not wanted
 *
 * @retval COSTATE_OK          also for no points
 * @retval COSTATE_ERR_NULL    text (unless n_bytes is 0) or moons is NULL
 * @retval COSTATE_ERR_FORMAT  no such file, or larger than the options allow
 * @retval COSTATE_ERR_MEMORY  no memory
 */
COSTATE_API costate_status costate_moons_parse(const char *text, size_t n_bytes, const costate_moons_options *options,
                                               const costate_allocator *alloc, costate_moons **moons,
                                               costate_message *message);

/**
 * Read points from a file; the message then names the file.
 *
 * @param[in]  path     the file
 * @param[in]  options  NULL for the defaults
 * @param[in]  alloc    where memory comes from; NULL for malloc
 * @param[out] moons    the points, to be released with costate_moons_destroy(); NULL on failure
 * @param[out] message  what is wrong, with file and place; NULL if not wanted
 *
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL  path or moons is NULL
 * @retval COSTATE_ERR_IO    the file cannot be opened or read
 * @return else what costate_moons_parse() says of its content
 */
COSTATE_API costate_status costate_moons_read(const char *path, const costate_moons_options *options,
                                              const costate_allocator *alloc, costate_moons **moons,
                                              costate_message *message);

/**
 * Release points.
 *
 * @param[in] moons  points, or NULL (no effect)
 */
COSTATE_API void costate_moons_destroy(costate_moons *moons);

/**
 * Number of points.
 *
 * @param[in] moons  points
 * @return points; 0 if moons is NULL
 */
COSTATE_API size_t costate_moons_n_point(const costate_moons *moons);

/**
 * Coordinates of the points.
 *
 * @param[in] moons  points
 * @return 2 · n_point numbers, point after point, which live as long as the points; NULL if moons is NULL
 */
COSTATE_API const double *costate_moons_x(const costate_moons *moons);

/**
 * Labels of the points.
 *
 * @param[in] moons  points
 * @return n_point numbers, each -1 or 1, which live as long as the points; NULL if moons is NULL
 */
COSTATE_API const double *costate_moons_label(const costate_moons *moons);

/**
 * Read a network from memory.
 *
 * Memory for the text's structure is malloc()'s whatever the allocator.
 *
 * @param[in]  text     the text; need not end in a zero byte; not needed afterwards
 * @param[in]  n_bytes  its length
 * @param[in]  options  NULL for the defaults
 * @param[in]  alloc    where memory comes from; NULL for malloc
 * @param[out] net      the network, to be released with costate_moons_net_destroy(); NULL on failure
 * @param[out] message  what is wrong, as from costate_moons_parse(); NULL if not wanted
 *
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL    text (unless n_bytes is 0) or net is NULL
 * @retval COSTATE_ERR_FORMAT  no such file, or larger than the options allow
 * @retval COSTATE_ERR_MEMORY  no memory
 */
COSTATE_API costate_status costate_moons_net_parse(const char *text, size_t n_bytes,
                                                   const costate_moons_options *options, const costate_allocator *alloc,
                                                   costate_moons_net **net, costate_message *message);

/**
 * Read a network from a file; the message then names the file.
 *
 * @param[in]  path     the file
 * @param[in]  options  NULL for the defaults
 * @param[in]  alloc    where memory comes from; NULL for malloc
 * @param[out] net      the network, to be released with costate_moons_net_destroy(); NULL on failure
 * @param[out] message  what is wrong, with file and place; NULL if not wanted
 *
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL  path or net is NULL
 * @retval COSTATE_ERR_IO    the file cannot be opened or read
 * @return else what costate_moons_net_parse() says of its content
 */
COSTATE_API costate_status costate_moons_net_read(const char *path, const costate_moons_options *options,
                                                  const costate_allocator *alloc, costate_moons_net **net,
                                                  costate_message *message);

/**
 * Release a network.
 *
 * @param[in] net  network, or NULL (no effect)
 */
COSTATE_API void costate_moons_net_destroy(costate_moons_net *net);

/**
 * Number of layers, each with weights and biases.
 *
 * @param[in] net  network
 * @return 1 … COSTATE_MOONS_MAX_LAYER; 0 if net is NULL
 */
COSTATE_API size_t costate_moons_net_n_layer(const costate_moons_net *net);

/**
 * One of the widths: inputs of layer k, and units of layer k - 1.
 *
 * @param[in] net  network
 * @param[in] k    which, ≤ costate_moons_net_n_layer(); 0 are the inputs of the network
 * @return the width, ≥ 1; 0 if there is no such width
 */
COSTATE_API size_t costate_moons_net_width(const costate_moons_net *net, size_t k);

/**
 * Number of parameters.
 *
 * @param[in] net  network
 * @return weights and biases of all layers; 0 if net is NULL
 */
COSTATE_API size_t costate_moons_net_n_param(const costate_moons_net *net);

/**
 * Parameters: layer by layer its weights (units × inputs, row-major) and then its biases, which is what
 * costate_net_import_f64() takes with COSTATE_ORDER_ROW_MAJOR.
 *
 * @param[in] net  network
 * @return n_param numbers, which live as long as the network; NULL if net is NULL
 */
COSTATE_API const double *costate_moons_net_param(const costate_moons_net *net);

#ifdef __cplusplus
}
#endif
#endif
