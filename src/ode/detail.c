/* SPDX-License-Identifier: MIT */
/* The text that explains an object's last failure. */
#include "ode/detail.h"

#include <stdarg.h>
#include <stdio.h>

void csi_detail_clear(csi_detail *detail) { detail->text[0] = '\0'; }

costate_status csi_fail(csi_detail *detail, costate_status status, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    if (vsnprintf(detail->text, sizeof detail->text, format, arguments) < 0) {
        detail->text[0] = '\0';
    }
    va_end(arguments);
    return status;
}
