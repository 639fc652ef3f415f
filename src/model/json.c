/* SPDX-License-Identifier: MIT */
/* JSON from files that may hold anything: what cJSON reads, less what it lets through. */
#include "model/json.h"

#include "core/message.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Length of the well-formed sequence at the beginning of n bytes, 0 if there is none (Unicode standard, table 3-7). */
static size_t utf8_length(const unsigned char *s, size_t n) {
    if (s[0] < 0x80) {
        return 1;
    }
    const size_t length = s[0] >= 0xC2 && s[0] <= 0xDF   ? 2
                          : s[0] >= 0xE0 && s[0] <= 0xEF ? 3
                          : s[0] >= 0xF0 && s[0] <= 0xF4 ? 4
                                                         : 0;
    if (length == 0 || length > n) {
        return 0;
    }
    const unsigned char low = s[0] == 0xE0 ? 0xA0 : s[0] == 0xF0 ? 0x90 : 0x80;
    const unsigned char high = s[0] == 0xED ? 0x9F : s[0] == 0xF4 ? 0x8F : 0xBF;
    if (s[1] < low || s[1] > high) {
        return 0;
    }
    for (size_t i = 2; i < length; i++) {
        if (s[i] < 0x80 || s[i] > 0xBF) {
            return 0;
        }
    }
    return length;
}

bool csi_is_utf8(const char *text, size_t n) {
    const unsigned char *s = (const unsigned char *)text;
    size_t length;
    for (size_t i = 0; i < n; i += length) {
        length = utf8_length(s + i, n - i);
        if (length == 0) {
            return false;
        }
    }
    return true;
}

bool csi_has_control(const char *text, size_t n, bool but_lines) {
    for (size_t i = 0; i < n; i++) {
        const unsigned char c = (unsigned char)text[i];
        if (c < 0x20 && !(but_lines && (c == '\t' || c == '\n' || c == '\r'))) {
            return true;
        }
    }
    return false;
}

/* cJSON gives strings as C strings, so that an escaped zero would hide what follows it. */
static bool has_escaped_zero(const char *text, size_t n) {
    for (size_t i = 0; i + 6 <= n; i++) {
        if (text[i] == '\\') {
            if (memcmp(text + i + 1, "u0000", 5) == 0) {
                return true;
            }
            i++;
        }
    }
    return false;
}

costate_status csi_json_parse(const char *what, const char *text, size_t n, cJSON **value, costate_message *message) {
    *value = NULL;
    if (!csi_is_utf8(text, n) || csi_has_control(text, n, true)) {
        return csi_say(message, COSTATE_ERR_FORMAT, "%s: no JSON, which is UTF-8 without control characters", what);
    }
    if (has_escaped_zero(text, n)) {
        return csi_say(message, COSTATE_ERR_FORMAT, "%s: a string with a zero character in it", what);
    }
    const char *end = text;
    /* cJSON does not tell a wrong text from a lack of memory; malloc() does. */
    errno = 0;
    *value = cJSON_ParseWithLengthOpts(text, n + 1, &end, 1);
    if (!*value && errno == ENOMEM) {
        return csi_say(message, COSTATE_ERR_MEMORY, "%s: no memory", what);
    }
    return *value ? COSTATE_OK
                  : csi_say(message, COSTATE_ERR_FORMAT, "%s: no JSON from byte %zu on", what, (size_t)(end - text));
}

bool csi_json_size(const cJSON *item, size_t *size) {
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

const cJSON *csi_json_member(const cJSON *object, const char *name) {
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

static int compare(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

const char *csi_find_twice(const char **strings, size_t n) {
    qsort(strings, n, sizeof(*strings), compare);
    for (size_t k = 1; k < n; k++) {
        if (strcmp(strings[k], strings[k - 1]) == 0) {
            return strings[k];
        }
    }
    return NULL;
}
