/* SPDX-License-Identifier: MIT */
/* Numbers as text with a decimal point, whatever the host has set its locale to. */
#define _POSIX_C_SOURCE 200809L

#include "core/c_locale.h"

#include <locale.h>

bool csi_c_locale_enter(csi_c_locale *locale) {
    const locale_t made = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (made == (locale_t)0) {
        return false;
    }
    locale->made = (void *)made;
    locale->previous = (void *)uselocale(made);
    return true;
}

void csi_c_locale_leave(const csi_c_locale *locale) {
    uselocale((locale_t)locale->previous);
    freelocale((locale_t)locale->made);
}
