/* SPDX-License-Identifier: MIT */
/* Text on its way into a caller's buffer or a file, counted in any case. */
#ifndef CSI_TEXT_H
#define CSI_TEXT_H

#include <stddef.h>
#include <stdio.h>

typedef struct csi_text {
    char *buffer;    /* of `capacity` bytes; always a complete string */
    size_t capacity; /* 0: no buffer */
    FILE *file;      /* NULL: no file; its errors are the opener's to ask for */
    size_t length;   /* bytes so far, also those that did not fit */
    size_t column;   /* bytes since the last line end */
} csi_text;

void csi_text_put(csi_text *text, const char *string);

/* For strings and integers only, which no locale changes; at most 255 bytes. */
void csi_text_format(csi_text *text, const char *format, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 2, 3)))
#endif
    ;

/* `pattern` with every @ replaced by `name`. */
void csi_text_template(csi_text *text, const char *pattern, const char *name);

/*
 * A finite number in 17 significant digits less trailing zeros, with a decimal point whatever the locale. The exponent letter is `letter`; 'D', which is
 * what tells Fortran that a number is double, is there even if the exponent is zero.
 */
void csi_text_number(csi_text *text, double value, char letter);

#endif
