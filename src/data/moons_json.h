/* SPDX-License-Identifier: MIT */
/* JSON files of numbers: arrays of known lengths in an object. */
#ifndef CSI_MOONS_JSON_H
#define CSI_MOONS_JSON_H

#include <cjson/cJSON.h>
#include <costate/moons.h>
#include <stdbool.h>

/* Room for the place of a value, such as "layers[2].weights". */
enum { CSI_MOONS_PLACE_BYTES = 48 };

/*
 * The object that the text, or the *n_bytes of the file, consist of, to be released with cJSON_Delete(); NULL on
 * failure: COSTATE_ERR_NULL (no text or path), COSTATE_ERR_IO, COSTATE_ERR_FORMAT or COSTATE_ERR_MEMORY. The message
 * does not name the file.
 */
costate_status csi_moons_json_parse(const char *text, size_t n_bytes, const costate_moons_options *options,
                                    const costate_allocator *alloc, cJSON **object, costate_message *message);
costate_status csi_moons_json_read(const char *path, const costate_moons_options *options,
                                   const costate_allocator *alloc, cJSON **object, size_t *n_bytes,
                                   costate_message *message);

/* The member with this name, which has to be there once and an array; `place` tells the object, and ends in a dot unless
 * it is empty. NULL, with a message, if it is not. */
const cJSON *csi_moons_array(const cJSON *object, const char *place, const char *name, costate_message *message);

/* The same for a size: whole and not negative. */
bool csi_moons_size(const cJSON *object, const char *name, size_t *size, costate_message *message);

/* True if it is a number and a size. */
bool csi_moons_is_size(const cJSON *item, size_t *size);

/* An array has to have n elements; `place` is its own. */
bool csi_moons_has_length(const cJSON *array, size_t n, const char *place, costate_message *message);

/* Copies the n finite numbers that an array has to consist of. */
bool csi_moons_numbers(const cJSON *array, size_t n, const char *place, double *x, costate_message *message);

/* Copies the rows × columns numbers of an array of arrays. */
bool csi_moons_matrix(const cJSON *array, size_t n_row, size_t n_column, const char *place, double *x,
                      costate_message *message);

#endif
