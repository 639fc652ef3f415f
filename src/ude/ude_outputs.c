/* SPDX-License-Identifier: MIT */
/* The learned terms of a UDE alone: the networks' outputs, and their VJP. */
#include "core/memory.h"
#include "ude/ude_internal.h"

#include <stdint.h>

size_t costate_ude_work_bytes(const costate_ude *ude) {
    return ude == NULL ? 0 : ude->layout.n_work * sizeof(double) + CSI_ALIGNMENT - 1;
}

/* The checks both calls share; the aligned workspace on success. */
static costate_status begin(const costate_ude *ude, const double *y, const double *p, void *work, size_t work_bytes,
                            double **aligned) {
    if (ude == NULL || y == NULL || (p == NULL && ude->n_p > 0) || work == NULL) {
        return COSTATE_ERR_NULL;
    }
    if (work_bytes < costate_ude_work_bytes(ude)) {
        return COSTATE_ERR_WORKSPACE;
    }
    *aligned = (double *)(void *)((unsigned char *)work + (-(uintptr_t)work & (CSI_ALIGNMENT - 1)));
    return COSTATE_OK;
}

costate_status costate_ude_outputs(const costate_ude *ude, double t, const double *y, const double *p, double *u,
                                   void *work, size_t work_bytes) {
    double *block;
    const costate_status status = begin(ude, y, p, work, work_bytes, &block);
    if (status != COSTATE_OK || (u == NULL && ude->n_u > 0)) {
        return status != COSTATE_OK ? status : COSTATE_ERR_NULL;
    }
    double *kept = block + ude->layout.kept;
    csi_ude_networks(ude, t, y, p, false, kept, block);
    for (size_t j = 0; j < ude->n_u; j++) {
        u[j] = kept[ude->layout.kept_u + j];
    }
    return COSTATE_OK;
}

costate_status costate_ude_outputs_vjp(const costate_ude *ude, double t, const double *y, const double *p,
                                       const double *v, double scale, double *ybar, double *pbar, void *work,
                                       size_t work_bytes) {
    double *block;
    const costate_status status = begin(ude, y, p, work, work_bytes, &block);
    if (status != COSTATE_OK || (v == NULL && ude->n_u > 0)) {
        return status != COSTATE_OK ? status : COSTATE_ERR_NULL;
    }
    double *kept = block + ude->layout.kept;
    csi_ude_networks(ude, t, y, p, true, kept, block);
    for (size_t i = 0; ybar != NULL && i < ude->mechanism.given.n_y; i++) {
        ybar[i] = 0;
    }
    csi_ude_networks_vjp(ude, t, y, p, v, scale, ybar, pbar, kept, block);
    return COSTATE_OK;
}
