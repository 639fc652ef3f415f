/* SPDX-License-Identifier: MIT */
/** @file isa.h  Instruction sets the kernels are compiled for, and which one this process uses. */
#ifndef COSTATE_ISA_H
#define COSTATE_ISA_H

#include <costate/export.h>
#include <costate/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Kernel variants, slowest first: X(enumerator, name).
 *
 * `fma`, `avx2` and `avx512` give identical bits; `generic` runs on every CPU and rounds twice where they use a fused
 * multiply-add, so its results agree with theirs to rounding only.
 */
#define COSTATE_ISA_LIST(X)                                                                                            \
    X(GENERIC, "generic")                                                                                              \
    X(FMA, "fma")                                                                                                      \
    X(AVX2, "avx2")                                                                                                    \
    X(AVX512, "avx512")

/** Kernel variant. */
typedef enum costate_isa {
#define COSTATE_ISA_ENUM(name, text) COSTATE_ISA_##name,
    COSTATE_ISA_LIST(COSTATE_ISA_ENUM)
#undef COSTATE_ISA_ENUM
} costate_isa;

/**
 * The variant a network created now would use: the best one that the build contains and the CPU and operating system
 * allow, lowered by the environment variable COSTATE_ISA (one of the names above) when that is set and not empty.
 *
 * The environment is read at each call and never written. Thread-safe as long as no other thread changes the
 * environment.
 *
 * @param[out] isa  the variant
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL         isa is NULL
 * @retval COSTATE_ERR_ARGUMENT     COSTATE_ISA holds no known name
 * @retval COSTATE_ERR_UNSUPPORTED  COSTATE_ISA names a variant that this CPU or build lacks
 */
COSTATE_API costate_status costate_isa_select(costate_isa *isa);

/**
 * Name of a variant.
 *
 * @param[in] isa  any value
 * @return a constant string, "unknown" for a value not in the list
 */
COSTATE_API const char *costate_isa_name(costate_isa isa);

#ifdef __cplusplus
}
#endif
#endif
