/* SPDX-License-Identifier: MIT */
/* The library's own kinds of layers: one list of names, from which their plans and kernels are declared. */
#ifndef CSI_CHAIN_KINDS_H
#define CSI_CHAIN_KINDS_H

#include <costate/chain_kind.h>

/* X(name): csi_plan_<name>() says the sizes, <name>_forward() and <name>_vjp() are the kernels. */
#define CSI_CHAIN_KIND_LIST(X)                                                                                         \
    X(dense)                                                                                                           \
    X(conv)                                                                                                            \
    X(max_pool)                                                                                                        \
    X(flatten)                                                                                                         \
    X(permute)                                                                                                         \
    X(dropout)                                                                                                         \
    X(embedding)                                                                                                       \
    X(rbf)                                                                                                             \
    X(rnn)                                                                                                             \
    X(gru)                                                                                                             \
    X(lstm)

typedef enum csi_kind_index {
#define CSI_KIND_ENUM(name) CSI_KIND_##name,
    CSI_CHAIN_KIND_LIST(CSI_KIND_ENUM)
#undef CSI_KIND_ENUM
        CSI_N_KIND
} csi_kind_index;

/* Without the calls, which the kernel table of the instruction set has. */
extern const costate_chain_kind csi_chain_kinds[CSI_N_KIND];

/* Index of a kind in csi_chain_kinds; CSI_N_KIND if it is the user's. */
csi_kind_index csi_kind_find(const costate_chain_kind *kind);

#define CSI_PLAN_DECLARE(name)                                                                                         \
    costate_status csi_plan_##name(const costate_chain_layer *layer, costate_shape in, costate_chain_plan *plan);
CSI_CHAIN_KIND_LIST(CSI_PLAN_DECLARE)
#undef CSI_PLAN_DECLARE

#endif
