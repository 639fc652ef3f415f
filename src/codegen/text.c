/* SPDX-License-Identifier: MIT */
/* Text on its way into a caller's buffer or a file, counted in any case. */
#include "codegen/text.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Significant digits that identify every double. */
enum { DIGITS = 17 };

static void put_bytes(csi_text *text, const char *bytes, size_t n) {
    if (text->file != NULL) {
        (void)fwrite(bytes, 1, n, text->file);
    }
    if (text->length + 1 < text->capacity) {
        const size_t room = text->capacity - 1 - text->length;
        const size_t fits = n < room ? n : room;
        memcpy(text->buffer + text->length, bytes, fits);
        text->buffer[text->length + fits] = '\0';
    }
    text->length += n;
    for (size_t i = 0; i < n; i++) {
        text->column = bytes[i] == '\n' ? 0 : text->column + 1;
    }
}

void csi_text_put(csi_text *text, const char *string) { put_bytes(text, string, strlen(string)); }

void csi_text_format(csi_text *text, const char *format, ...) {
    char piece[256];
    va_list arguments;
    va_start(arguments, format);
    const int length = vsnprintf(piece, sizeof piece, format, arguments);
    va_end(arguments);
    if (length > 0) {
        csi_text_put(text, piece);
    }
}

void csi_text_template(csi_text *text, const char *pattern, const char *name) {
    for (const char *at = strchr(pattern, '@'); at != NULL; pattern = at + 1, at = strchr(pattern, '@')) {
        put_bytes(text, pattern, (size_t)(at - pattern));
        csi_text_put(text, name);
    }
    csi_text_put(text, pattern);
}

/* |value| = 0.d₁d₂… · 10^exponent; trailing zeros are left out, one digit is always there. Locales differ in the separator only, and no digit is
 * part of one. */
static size_t significant_digits(double value, char digits[DIGITS], int *exponent) {
    char form[64];
    size_t n = 0;
    digits[0] = '0';
    (void)snprintf(form, sizeof form, "%.*e", DIGITS - 1, value);
    const char *mark = strchr(form, 'e');
    for (const char *at = form; at < mark && n < DIGITS; at++) {
        if (*at >= '0' && *at <= '9') {
            digits[n++] = *at;
        }
    }
    while (n > 1 && digits[n - 1] == '0') {
        n--;
    }
    *exponent = digits[0] == '0' ? 1 : 1 + (int)strtol(mark + 1, NULL, 10);
    return n;
}

/* `before` digits in front of the point, with zeros where there are none; at least one digit on either side. */
static void put_positional(csi_text *text, const char *digits, size_t n, int before) {
    char form[2 * DIGITS + 8];
    size_t length = 0;
    for (int k = before < 1 ? before - 1 : 0; k < (int)n || k <= before; k++) {
        if (k == before) {
            form[length++] = '.';
        }
        form[length++] = (char)(k < 0 || k >= (int)n ? '0' : digits[k]);
    }
    put_bytes(text, form, length);
}

void csi_text_number(csi_text *text, double value, char letter) {
    char digits[DIGITS];
    int exponent;
    const size_t n = significant_digits(value, digits, &exponent);
    if (value < 0) {
        csi_text_put(text, "-");
    }
    const bool plain = exponent > -4 && exponent <= DIGITS;
    put_positional(text, digits, n, plain ? exponent : 1);
    if (!plain || letter == 'D') {
        csi_text_format(text, "%c%d", letter, plain ? 0 : exponent - 1);
    }
}
