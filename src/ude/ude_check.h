/* SPDX-License-Identifier: MIT */
/* Whether a specification of a UDE can be built. */
#ifndef CSI_UDE_CHECK_H
#define CSI_UDE_CHECK_H

#include <costate/ude.h>

/* Outputs of all networks; SIZE_MAX if they are too many to count. */
size_t csi_ude_count_u(const costate_ude_spec *spec);

/* True if the form has u enter through spec->matrix, through spec->index. */
bool csi_ude_has_matrix(costate_ude_form form);
bool csi_ude_has_index(costate_ude_form form);

/* Everything but repeated indices, overflow and memory. */
costate_status csi_ude_check(const costate_ude_spec *spec);

#endif
