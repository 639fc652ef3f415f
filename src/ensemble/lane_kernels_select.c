/* SPDX-License-Identifier: MIT */
/* The lane kernels this build contains, and the choice among them. */
#include "ensemble/lane_kernels.h"

#define DECLARE(isa) extern const csi_lane_kernels csi_lane_kernels_##isa;
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

static const csi_lane_kernels *const tables[] = {
    [COSTATE_ISA_GENERIC] = &csi_lane_kernels_generic,
#ifdef CSI_HAVE_FMA
    [COSTATE_ISA_FMA] = &csi_lane_kernels_fma,
#endif
#ifdef CSI_HAVE_AVX2
    [COSTATE_ISA_AVX2] = &csi_lane_kernels_avx2,
#endif
#ifdef CSI_HAVE_AVX512
    [COSTATE_ISA_AVX512] = &csi_lane_kernels_avx512,
#endif
};

costate_status csi_lane_kernels_select(const csi_lane_kernels **kernels) {
    costate_isa isa;
    const costate_status status = costate_isa_select(&isa);
    if (status == COSTATE_OK) {
        *kernels = tables[isa];
    }
    return status;
}
