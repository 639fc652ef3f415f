/* SPDX-License-Identifier: MIT */
/* Where everything lies in the blocks of a UDE's calls. */
#include "core/memory.h"
#include "ude/ude_internal.h"

#include <stdint.h>

bool csi_ude_reserve(size_t n, size_t *total, size_t *offset) {
    const size_t limit = (size_t)PTRDIFF_MAX / sizeof(double) - CSI_ALIGNMENT;
    *offset = *total;
    if (n > limit || *total > limit - csi_pad(n, CSI_F64)) {
        return false;
    }
    *total += csi_pad(n, CSI_F64);
    return true;
}

static size_t larger(size_t a, size_t b) { return a > b ? a : b; }

/* u and what the form keeps first: without networks that is all. */
static bool plan_kept(costate_ude *ude) {
    csi_ude_layout *layout = &ude->layout;
    if (!csi_ude_reserve(ude->n_u, &layout->n_kept, &layout->kept_u) ||
        !csi_ude_reserve(csi_form_kept(ude), &layout->n_kept, &layout->kept_form)) {
        return false;
    }
    for (size_t k = 0; k < ude->n_net; k++) {
        csi_ude_net *net = &ude->nets[k];
        if (!csi_ude_reserve(net->matrix != NULL ? net->net->n_in : 0, &layout->n_kept, &net->kept_z) ||
            !csi_ude_reserve(net->net->vectors[CSI_F64].n_kept, &layout->n_kept, &net->kept)) {
            return false;
        }
    }
    return true;
}

/* Elements of (points, slopes) of the mechanism's scratch; false if they do not fit. */
static bool mechanism_scratch(const costate_mechanism *given, size_t *n) {
    size_t n_slopes;
    return csi_size_add(given->n_y, given->n_theta, n) && csi_size_add(*n, given->n_u, n) &&
           csi_size_mul(*n, CSI_MECHANISM_POINTS, n) && csi_size_mul(given->n_y, CSI_MECHANISM_SLOPES, &n_slopes) &&
           csi_size_add(*n, n_slopes, n);
}

bool csi_ude_plan(costate_ude *ude) {
    csi_ude_layout *layout = &ude->layout;
    const size_t n_y = ude->mechanism.given.n_y;
    size_t n_net = 0, n_s = 0, n_z = 0, n_scratch, *total = &layout->n_work;
    for (size_t k = 0; k < ude->n_net; k++) {
        const csi_ude_net *net = &ude->nets[k];
        n_net = larger(n_net, net->net->vectors[CSI_F64].n_work);
        n_s = larger(n_s, net->n_input);
        n_z = larger(n_z, net->net->n_in);
    }
    return mechanism_scratch(&ude->mechanism.given, &n_scratch) && n_y <= SIZE_MAX / 2 && plan_kept(ude) &&
           csi_ude_reserve(layout->n_kept, total, &layout->kept) && csi_ude_reserve(n_net, total, &layout->net) &&
           csi_ude_reserve(n_s, total, &layout->s) && csi_ude_reserve(n_s, total, &layout->s_bar) &&
           csi_ude_reserve(n_z, total, &layout->z_bar) && csi_ude_reserve(ude->n_u, total, &layout->u_bar) &&
           csi_ude_reserve(csi_form_scratch(ude), total, &layout->form) &&
           csi_ude_reserve(n_scratch, total, &layout->mechanism) && csi_ude_reserve(n_y, total, &layout->unit) &&
           csi_ude_reserve(n_y, total, &layout->row) && csi_ude_plan_lanes(ude, n_scratch);
}
