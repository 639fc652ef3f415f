/* SPDX-License-Identifier: MIT */
/* Version of the library. */
#include <costate/version.h>

const char *costate_version(void) { return COSTATE_VERSION; }
