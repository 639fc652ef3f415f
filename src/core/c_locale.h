/* SPDX-License-Identifier: MIT */
/* Numbers as text with a decimal point, whatever the host has set its locale to. */
#ifndef CSI_C_LOCALE_H
#define CSI_C_LOCALE_H

#include <stdbool.h>

/* What the thread used before. */
typedef struct csi_c_locale {
    void *made;
    void *previous;
} csi_c_locale;

/* From here on strtod(), snprintf() and their kin of this thread, and of no other, are those of the C locale. False
 * when there is no memory. */
bool csi_c_locale_enter(csi_c_locale *locale);

/* Only after a csi_c_locale_enter() that was true. */
void csi_c_locale_leave(const csi_c_locale *locale);

#endif
