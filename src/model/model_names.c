/* SPDX-License-Identifier: MIT */
/* Which names and keys a model may have. */
#include "model/model_names.h"

#include "core/memory.h"
#include "core/message.h"
#include "model/json.h"
#include "model/model_internal.h"

#include <string.h>

enum { MAX_PART_NAME = 63, MAX_ENTRY_NAME = 255 };

static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

costate_status csi_check_part_name(const char *name, costate_message *message) {
    if (!name) {
        return csi_say(message, COSTATE_ERR_NULL, "the name is NULL");
    }
    size_t n = 0;
    while (n <= MAX_PART_NAME && (is_letter(name[n]) || (n > 0 && is_digit(name[n])))) {
        n++;
    }
    if (n == 0 || n > MAX_PART_NAME || name[n] != '\0') {
        return csi_say(message, COSTATE_ERR_ARGUMENT,
                       "the name '%.80s' is not made of letters, digits and underscores, at most %d", name,
                       MAX_PART_NAME);
    }
    return COSTATE_OK;
}

/* Not empty, not long, and one line of UTF-8. */
static bool is_entry_name(const char *name) {
    const size_t n = strlen(name);
    return n > 0 && n <= MAX_ENTRY_NAME && csi_is_utf8(name, n) && !csi_has_control(name, n, false);
}

static costate_status check_differ(const char *what, size_t n, const char *const *names, const costate_allocator *alloc,
                                   costate_message *message) {
    const char **sorted = csi_alloc(alloc, n, sizeof(*sorted));
    if (!sorted) {
        return csi_say(message, COSTATE_ERR_MEMORY, "%s: no memory for the names", what);
    }
    for (size_t k = 0; k < n; k++) {
        sorted[k] = names[k];
    }
    const char *twice = csi_find_twice(sorted, n);
    csi_release(alloc, sorted);
    return twice ? csi_say(message, COSTATE_ERR_ARGUMENT, "%s: the name '%.100s' is there twice", what, twice)
                 : COSTATE_OK;
}

costate_status csi_check_entry_names(const char *what, size_t n, const char *const *names,
                                     const costate_allocator *alloc, costate_message *message) {
    if (n > 0 && !names) {
        return csi_say(message, COSTATE_ERR_NULL, "%s: the names are NULL", what);
    }
    for (size_t k = 0; k < n; k++) {
        if (!names[k]) {
            return csi_say(message, COSTATE_ERR_NULL, "%s: name %zu is NULL", what, k);
        }
        if (!is_entry_name(names[k])) {
            return csi_say(message, COSTATE_ERR_ARGUMENT, "%s: name %zu is empty, too long or no line of UTF-8", what,
                           k);
        }
    }
    return check_differ(what, n, names, alloc, message);
}

costate_status csi_check_text_key(const char *key, costate_message *message) {
    if (!key) {
        return csi_say(message, COSTATE_ERR_NULL, "the key is NULL");
    }
    if (!is_entry_name(key)) {
        return csi_say(message, COSTATE_ERR_ARGUMENT, "a key is empty, too long or no line of UTF-8");
    }
    return strncmp(key, CSI_MODEL_PREFIX, strlen(CSI_MODEL_PREFIX)) == 0
               ? csi_say(message, COSTATE_ERR_ARGUMENT, "the key '%.100s' is reserved", key)
               : COSTATE_OK;
}
