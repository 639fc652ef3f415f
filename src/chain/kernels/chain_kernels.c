/* SPDX-License-Identifier: MIT */
/* The kernels of the library's own layers, for one precision and one instruction set. */
#include "chain/kernels/chain_kernels.h"
#include "chain/kernels/dense_tile.h"
#include "chain/kernels/conv_tile.h"
#include "chain/kernels/max_pool_tile.h"
#include "chain/kernels/embedding_tile.h"
#include "chain/kernels/permute_tile.h"
#include "chain/kernels/dropout_tile.h"
#include "chain/kernels/rbf_tile.h"
#include "chain/kernels/recurrent_tile.h"

#ifndef CSI_ISA_NAME
#define CSI_ISA_NAME generic
#endif

/* A view makes no call. */
#define flatten_forward NULL
#define flatten_vjp NULL

#define CALLS(name) {name##_forward, name##_vjp},
#if CSI_REAL_BITS == 64
#define TABLE CSI_JOIN(csi_chain_calls_f64_, CSI_ISA_NAME)
extern const csi_chain_calls_f64 TABLE[CSI_N_KIND];
const csi_chain_calls_f64 TABLE[CSI_N_KIND] = {CSI_CHAIN_KIND_LIST(CALLS)};
#else
#define TABLE CSI_JOIN(csi_chain_calls_f32_, CSI_ISA_NAME)
extern const csi_chain_calls_f32 TABLE[CSI_N_KIND];
const csi_chain_calls_f32 TABLE[CSI_N_KIND] = {CSI_CHAIN_KIND_LIST(CALLS)};
#endif
