/* SPDX-License-Identifier: MIT */
/* Choice of the kernel variant from build, CPU, operating system and environment. */
#include <costate/isa.h>

#include "core/cpu.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define COUNT_ONE(name, text) +1
enum { N_ISA = 0 COSTATE_ISA_LIST(COUNT_ONE) };
#undef COUNT_ONE

/* Bit i is set if the build contains variant i. */
static const unsigned built_variants = 1u << COSTATE_ISA_GENERIC
#ifdef CSI_HAVE_FMA
                                       | 1u << COSTATE_ISA_FMA
#endif
#ifdef CSI_HAVE_AVX2
                                       | 1u << COSTATE_ISA_AVX2
#endif
#ifdef CSI_HAVE_AVX512
                                       | 1u << COSTATE_ISA_AVX512
#endif
    ;

static bool usable(costate_isa isa) { return (built_variants >> isa & 1u) != 0 && csi_cpu_has(isa); }

static costate_status select_named(const char *name, costate_isa *isa) {
    for (int i = 0; i < N_ISA; i++) {
        costate_isa candidate = (costate_isa)i;
        if (strcmp(name, costate_isa_name(candidate)) == 0) {
            if (!usable(candidate)) {
                return COSTATE_ERR_UNSUPPORTED;
            }
            *isa = candidate;
            return COSTATE_OK;
        }
    }
    return COSTATE_ERR_ARGUMENT;
}

costate_status costate_isa_select(costate_isa *isa) {
    if (!isa) {
        return COSTATE_ERR_NULL;
    }
    const char *name = getenv("COSTATE_ISA");
    if (name && *name) {
        return select_named(name, isa);
    }
    int best = N_ISA - 1;
    while (!usable((costate_isa)best)) {
        best--;
    }
    *isa = (costate_isa)best;
    return COSTATE_OK;
}

const char *costate_isa_name(costate_isa isa) {
    switch (isa) {
#define NAME_CASE(name, text)                                                                                          \
    case COSTATE_ISA_##name: return text;
        COSTATE_ISA_LIST(NAME_CASE)
#undef NAME_CASE
    }
    return "unknown";
}
