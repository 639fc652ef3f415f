/* SPDX-License-Identifier: MIT */
/* The text that explains an object's last failure. */
#ifndef CSI_DETAIL_H
#define CSI_DETAIL_H

#include <costate/status.h>

typedef struct csi_detail {
    char text[224];
} csi_detail;

void csi_detail_clear(csi_detail *detail);

/* Formats the text (cut to fit) and returns `status`, so that a failure is one statement. */
costate_status csi_fail(csi_detail *detail, costate_status status, const char *format, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 3, 4)))
#endif
    ;

#endif
