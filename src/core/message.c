/* SPDX-License-Identifier: MIT */
/* Filling a costate_message. */
#define _POSIX_C_SOURCE 200809L

#include "core/message.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Longest part of a path that is shown. */
enum { PATH_BYTES = 200 };

void csi_message_clear(costate_message *message) {
    if (message) {
        message->text[0] = '\0';
    }
}

void csi_message_write(costate_message *message, const char *format, ...) {
    if (message) {
        va_list arguments;
        va_start(arguments, format);
        if (vsnprintf(message->text, sizeof(message->text), format, arguments) < 0) {
            message->text[0] = '\0';
        }
        va_end(arguments);
    }
}

void csi_message_name_file(costate_message *message, const char *path) {
    if (!message || !path || path[0] == '\0' || message->text[0] == '\0') {
        return;
    }
    const costate_message old = *message;
    const size_t length = strlen(path);
    const bool cut = length > PATH_BYTES;
    csi_message_write(message, "%s%s: %s", cut ? "..." : "", cut ? path + length - PATH_BYTES : path, old.text);
}

void csi_message_write_errno(costate_message *message, const char *what, int error) {
    char reason[128];
    if (strerror_r(error, reason, sizeof(reason)) == 0) {
        csi_message_write(message, "%s: %s", what, reason);
    } else {
        csi_message_write(message, "%s: error %d", what, error);
    }
}
