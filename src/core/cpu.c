/* SPDX-License-Identifier: MIT */
/* What the CPU and the operating system allow: CPUID for the instructions, XGETBV for the registers the OS saves. */
#include "core/cpu.h"

#if defined(__GNUC__) && (defined(__x86_64__) || defined(__i386__))

#include <cpuid.h>
#include <stdint.h>

/* CPUID leaf 1, ECX. */
#define BIT_FMA (1u << 12)
#define BIT_OSXSAVE (1u << 27)
#define BIT_AVX (1u << 28)
/* CPUID leaf 7.0, EBX. */
#define BIT_AVX2 (1u << 5)
#define BITS_AVX512 ((1u << 8) | (1u << 16) | (1u << 17) | (1u << 30) | (1u << 31)) /* BMI2, F, DQ, BW, VL */
/* XCR0. */
#define XCR0_AVX 0x06u    /* XMM and YMM */
#define XCR0_AVX512 0xe6u /* and mask registers, upper halves of ZMM0-15, ZMM16-31 */

typedef struct features {
    uint32_t leaf1_ecx;
    uint32_t leaf7_ebx;
    uint32_t xcr0;
} features;

/* Not by intrinsic, which needs a compiler flag that lets the compiler use more than the CPU may have. */
static uint32_t read_xcr0(void) {
    uint32_t low;
    uint32_t high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

static features detect(void) {
    features found = {0};
    uint32_t eax;
    uint32_t ebx;
    uint32_t ecx;
    uint32_t edx;
    if (__get_cpuid(1, &eax, &ebx, &ecx, &edx)) {
        found.leaf1_ecx = ecx;
    }
    if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx)) {
        found.leaf7_ebx = ebx;
    }
    if (found.leaf1_ecx & BIT_OSXSAVE) {
        found.xcr0 = read_xcr0();
    }
    return found;
}

static bool all_set(uint32_t word, uint32_t bits) { return (word & bits) == bits; }

bool csi_cpu_has(costate_isa isa) {
    features found = detect();
    bool fma = all_set(found.leaf1_ecx, BIT_FMA | BIT_AVX) && all_set(found.xcr0, XCR0_AVX);
    bool avx2 = fma && all_set(found.leaf7_ebx, BIT_AVX2);
    bool avx512 = avx2 && all_set(found.leaf7_ebx, BITS_AVX512) && all_set(found.xcr0, XCR0_AVX512);
    switch (isa) {
    case COSTATE_ISA_GENERIC: return true;
    case COSTATE_ISA_FMA: return fma;
    case COSTATE_ISA_AVX2: return avx2;
    case COSTATE_ISA_AVX512: return avx512;
    }
    return false;
}

#else

bool csi_cpu_has(costate_isa isa) { return isa == COSTATE_ISA_GENERIC; }

#endif
