/* SPDX-License-Identifier: MIT */
/* JSON files of numbers: what cJSON reads, less what it lets through. */
#include "data/moons_json.h"

#include "core/memory.h"
#include "core/message.h"
#include "core/whole_file.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static size_t max_bytes_of(const costate_moons_options *options) {
    return options && options->max_bytes > 0 ? options->max_bytes : (size_t)16 << 20;
}

/* An escape could hide a zero behind which cJSON drops the rest of a name. */
static bool is_plain(unsigned char c) {
    return (c >= 0x20 && c < 0x7F && c != '\\') || c == '\t' || c == '\n' || c == '\r';
}

/* The text has a zero byte behind it. */
static costate_status parse(const char *text, size_t n_bytes, cJSON **object, costate_message *message) {
    for (size_t i = 0; i < n_bytes; i++) {
        if (!is_plain((unsigned char)text[i])) {
            return csi_say(message, COSTATE_ERR_FORMAT, "byte %zu: %02x is not printable ASCII, or is an escape", i,
                           (unsigned)(unsigned char)text[i]);
        }
    }
    const char *end = text;
    /* cJSON does not tell a wrong text from a lack of memory; malloc() does. */
    errno = 0;
    cJSON *value = cJSON_ParseWithLengthOpts(text, n_bytes + 1, &end, 1);
    if (!value) {
        return errno == ENOMEM ? csi_say(message, COSTATE_ERR_MEMORY, "no memory for the text's structure")
                               : csi_say(message, COSTATE_ERR_FORMAT, "byte %zu: no JSON", (size_t)(end - text));
    }
    if (!cJSON_IsObject(value)) {
        cJSON_Delete(value);
        return csi_say(message, COSTATE_ERR_FORMAT, "byte 0: the text is no object");
    }
    *object = value;
    return COSTATE_OK;
}

costate_status csi_moons_json_parse(const char *text, size_t n_bytes, const costate_moons_options *options,
                                    const costate_allocator *alloc, cJSON **object, costate_message *message) {
    const size_t max_bytes = max_bytes_of(options);
    *object = NULL;
    if (!text && n_bytes > 0) {
        return csi_say(message, COSTATE_ERR_NULL, "text is NULL");
    }
    if (n_bytes > max_bytes || n_bytes == SIZE_MAX) {
        return csi_say(message, COSTATE_ERR_FORMAT, "%zu bytes are more than the %zu allowed", n_bytes, max_bytes);
    }
    char *copy = csi_alloc(alloc, n_bytes + 1, 1);
    if (!copy) {
        return csi_say(message, COSTATE_ERR_MEMORY, "no memory for the text");
    }
    if (n_bytes > 0) {
        memcpy(copy, text, n_bytes);
    }
    const costate_status status = parse(copy, n_bytes, object, message);
    csi_release(alloc, copy);
    return status;
}

costate_status csi_moons_json_read(const char *path, const costate_moons_options *options,
                                   const costate_allocator *alloc, cJSON **object, size_t *n_bytes,
                                   costate_message *message) {
    char *text;
    *object = NULL;
    if (!path) {
        return csi_say(message, COSTATE_ERR_NULL, "path is NULL");
    }
    costate_status status = csi_read_whole_file(path, max_bytes_of(options), alloc, &text, n_bytes, message);
    if (status == COSTATE_OK) {
        status = parse(text, *n_bytes, object, message);
        csi_release(alloc, text);
    }
    return status;
}

/* NULL if it is not there, or twice. */
static const cJSON *member(const cJSON *object, const char *place, const char *name, costate_message *message) {
    const cJSON *found = NULL;
    const cJSON *item = NULL;
    cJSON_ArrayForEach(item, object) {
        if (item->string && strcmp(item->string, name) == 0) {
            if (found) {
                csi_message_write(message, "%s%s: there twice", place, name);
                return NULL;
            }
            found = item;
        }
    }
    if (!found) {
        csi_message_write(message, "%s%s: missing", place, name);
    }
    return found;
}

const cJSON *csi_moons_array(const cJSON *object, const char *place, const char *name, costate_message *message) {
    const cJSON *item = member(object, place, name, message);
    if (item && !cJSON_IsArray(item)) {
        csi_message_write(message, "%s%s: not an array", place, name);
        return NULL;
    }
    return item;
}

bool csi_moons_is_size(const cJSON *item, size_t *size) {
    const double largest = 9007199254740992.0;
    if (!cJSON_IsNumber(item) || !(item->valuedouble >= 0.0 && item->valuedouble <= largest)) {
        return false;
    }
    const uint64_t whole = (uint64_t)item->valuedouble;
    if ((double)whole != item->valuedouble || whole > SIZE_MAX) {
        return false;
    }
    *size = (size_t)whole;
    return true;
}

bool csi_moons_size(const cJSON *object, const char *name, size_t *size, costate_message *message) {
    const cJSON *item = member(object, "", name, message);
    if (item && !csi_moons_is_size(item, size)) {
        csi_message_write(message, "%s: not a whole number, 0 or more", name);
        return false;
    }
    return item != NULL;
}

bool csi_moons_has_length(const cJSON *array, size_t n, const char *place, costate_message *message) {
    size_t length = 0;
    const cJSON *item = NULL;
    cJSON_ArrayForEach(item, array) { length++; }
    if (length != n) {
        csi_message_write(message, "%s: %zu elements where %zu are needed", place, length, n);
    }
    return length == n;
}

bool csi_moons_numbers(const cJSON *array, size_t n, const char *place, double *x, costate_message *message) {
    if (!csi_moons_has_length(array, n, place, message)) {
        return false;
    }
    size_t i = 0;
    const cJSON *item = NULL;
    cJSON_ArrayForEach(item, array) {
        if (!cJSON_IsNumber(item) || !isfinite(item->valuedouble)) {
            csi_message_write(message, "%s[%zu]: not a finite number", place, i);
            return false;
        }
        x[i++] = item->valuedouble;
    }
    return true;
}

bool csi_moons_matrix(const cJSON *array, size_t n_row, size_t n_column, const char *place, double *x,
                      costate_message *message) {
    if (!csi_moons_has_length(array, n_row, place, message)) {
        return false;
    }
    size_t i = 0;
    const cJSON *row = NULL;
    cJSON_ArrayForEach(row, array) {
        char row_place[2 * CSI_MOONS_PLACE_BYTES];
        (void)snprintf(row_place, sizeof(row_place), "%s[%zu]", place, i);
        if (!cJSON_IsArray(row)) {
            csi_message_write(message, "%s: not an array", row_place);
            return false;
        }
        if (!csi_moons_numbers(row, n_column, row_place, x + i * n_column, message)) {
            return false;
        }
        i++;
    }
    return true;
}
