/* SPDX-License-Identifier: MIT */
/* What a collocation is made of. */
#ifndef CSI_COLLOCATION_INTERNAL_H
#define CSI_COLLOCATION_INTERNAL_H

#include <costate/collocation.h>
#include <stddef.h>

/* Tables of splines through the data of a fit, one per series: empty for those that are held out. */
typedef struct csi_spline_tables {
    size_t n;
    costate_collocation_table *tables;
    double **blocks; /* one per series */
} csi_spline_tables;

/* On failure nothing is left allocated, and the fit has the detail. */
costate_status csi_spline_tables_create(costate_fit *fit, const costate_collocation_options *options,
                                        const costate_allocator *alloc, csi_spline_tables *tables);
void csi_spline_tables_destroy(csi_spline_tables *tables, const costate_allocator *alloc);

#endif
