/* SPDX-License-Identifier: MIT */
/* The kernel tables this build contains, and the choice among them. */
#include "nn/kernels/kernels.h"

#define DECLARE(isa)                                                                                                   \
    extern const csi_kernels_f64 csi_kernels_f64_##isa;                                                                \
    extern const csi_kernels_f32 csi_kernels_f32_##isa;                                                                \
    extern const csi_kernels_lanes csi_kernels_lanes_##isa;
#define ENTRY(NAME, isa)                                                                                               \
    [COSTATE_ISA_##                                                                                                    \
        NAME] = {COSTATE_ISA_##NAME, &csi_kernels_f64_##isa, &csi_kernels_f32_##isa, &csi_kernels_lanes_##isa},

DECLARE(generic)
#ifdef CSI_HAVE_FMA
DECLARE(fma)
#endif
#ifdef CSI_HAVE_AVX2
DECLARE(avx2)
#endif
#ifdef CSI_HAVE_AVX512
DECLARE(avx512)
#endif

static const struct costate_kernels tables[] = {ENTRY(GENERIC, generic)
#ifdef CSI_HAVE_FMA
                                                    ENTRY(FMA, fma)
#endif
#ifdef CSI_HAVE_AVX2
                                                        ENTRY(AVX2, avx2)
#endif
#ifdef CSI_HAVE_AVX512
                                                            ENTRY(AVX512, avx512)
#endif
};

costate_status csi_kernels_select(const struct costate_kernels **kernels) {
    costate_isa isa;
    const costate_status status = costate_isa_select(&isa);
    if (status == COSTATE_OK) {
        *kernels = &tables[isa];
    }
    return status;
}
