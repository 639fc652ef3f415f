/* SPDX-License-Identifier: MIT */
/* JSON from files that may hold anything: what cJSON reads, less what it lets through. */
#ifndef CSI_JSON_H
#define CSI_JSON_H

#include <cjson/cJSON.h>
#include <costate/alloc.h>
#include <costate/message.h>
#include <costate/status.h>
#include <stdbool.h>
#include <stddef.h>

/* Well-formed UTF-8, of which a zero byte is a part. */
bool csi_is_utf8(const char *text, size_t n);

/* A byte below 32; with `but_lines` other than a tab or a line end. */
bool csi_has_control(const char *text, size_t n, bool but_lines);

/*
 * The value that a text (n bytes and a zero byte behind them) consists of, to be released with cJSON_Delete(); NULL on failure. Strings end where
 * they seem to: a text with an escaped zero character is refused. COSTATE_ERR_FORMAT or COSTATE_ERR_MEMORY; `what` names the text in the message.
 */
costate_status csi_json_parse(const char *what, const char *text, size_t n, cJSON **value, costate_message *message);

/* True if it is a number and a size: whole, not negative, exact. */
bool csi_json_size(const cJSON *item, size_t *size);

/* The member with this name of an object, NULL if there is none. */
const cJSON *csi_json_member(const cJSON *object, const char *name);

/* A string that is there more than once among the n, NULL if there is none. Sorts the array. */
const char *csi_find_twice(const char **strings, size_t n);

#endif
