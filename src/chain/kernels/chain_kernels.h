/* SPDX-License-Identifier: MIT */
/* What one (real, ISA) compilation of the layers' kernels exports. */
#ifndef CSI_CHAIN_KERNELS_H
#define CSI_CHAIN_KERNELS_H

#include "chain/kinds.h"

typedef struct csi_chain_calls_f64 {
    costate_status (*forward)(const costate_chain_tile_f64 *tile);
    costate_status (*vjp)(const costate_chain_tile_f64 *tile);
} csi_chain_calls_f64;

typedef struct csi_chain_calls_f32 {
    costate_status (*forward)(const costate_chain_tile_f32 *tile);
    costate_status (*vjp)(const costate_chain_tile_f32 *tile);
} csi_chain_calls_f32;

/* By kind. */
typedef struct csi_chain_kernels {
    const csi_chain_calls_f64 *f64;
    const csi_chain_calls_f32 *f32;
} csi_chain_kernels;

/* The tables of the variant costate_isa_select() gives. */
costate_status csi_chain_kernels_select(csi_chain_kernels *kernels);

#endif
