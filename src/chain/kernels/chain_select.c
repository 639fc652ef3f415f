/* SPDX-License-Identifier: MIT */
/* The tables of layer kernels this build contains, and the choice among them. */
#include "chain/kernels/chain_kernels.h"

#include <costate/isa.h>

#define DECLARE(isa)                                                                                                   \
    extern const csi_chain_calls_f64 csi_chain_calls_f64_##isa[CSI_N_KIND];                                            \
    extern const csi_chain_calls_f32 csi_chain_calls_f32_##isa[CSI_N_KIND];
#define ENTRY(NAME, isa) [COSTATE_ISA_##NAME] = {csi_chain_calls_f64_##isa, csi_chain_calls_f32_##isa},

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

static const csi_chain_kernels tables[] = {ENTRY(GENERIC, generic)
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

costate_status csi_chain_kernels_select(csi_chain_kernels *kernels) {
    costate_isa isa;
    const costate_status status = costate_isa_select(&isa);
    if (status == COSTATE_OK) {
        *kernels = tables[isa];
    }
    return status;
}
