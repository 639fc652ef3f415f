/* SPDX-License-Identifier: MIT */
/* The kernel table: what one (real, ISA) compilation of the templates exports. */
#ifndef CSI_KERNELS_H
#define CSI_KERNELS_H

#include "nn/net_plan.h"
#include <costate/layer.h>

/* The calls of net.h and layer.h after their arguments have been checked; `work` is 64-byte aligned. A batch goes in tiles of n_tile samples, whole vectors. */
#define CSI_KERNELS(bits, real)                                                                                        \
    typedef struct csi_kernels_f##bits {                                                                               \
        void (*forward)(const costate_net *net, const real *p, const real *x, real *y, real *work);                    \
        void (*forward_keep)(const costate_net *net, const real *p, const real *x, real *y, real *kept);               \
        void (*vjp)(const costate_net *net, const real *p, const real *x, const real *v, real scale, real *xbar,       \
                    real *pbar, real *work);                                                                           \
        void (*vjp_kept)(const costate_net *net, const real *p, const real *x, const real *v, real scale, real *xbar,  \
                         real *pbar, const real *kept, real *work);                                                    \
        void (*jvp)(const costate_net *net, const real *p, const real *x, const real *u, const real *up, real *y,      \
                    real *yu, real *work);                                                                             \
        void (*jacobian)(const costate_net *net, const real *p, const real *x, real *y, real *jac, real *work);        \
        void (*hessian)(const costate_net *net, const real *p, const real *x, real *y, real *jac, real *hess,          \
                        real *work);                                                                                   \
        void (*layer_forward)(const costate_layer *layer, const real *p, const real *x, real *y, real *cache);         \
        void (*layer_pullback)(const costate_layer *layer, const real *p, const real *x, const real *v, real scale,    \
                               real *xbar, real *pbar, real *cache);                                                   \
        void (*forward_batch)(const costate_net *net, const real *p, size_t n, const real *x, real *y, size_t n_tile,  \
                              real *work);                                                                             \
        void (*vjp_batch)(const costate_net *net, const real *p, size_t n, const real *x, const real *v, real scale,   \
                          real *xbar, real *pbar, size_t n_tile, real *work);                                          \
        void (*layer_forward_batch)(const costate_layer *layer, const real *p, size_t n, const real *x, real *y);      \
    } csi_kernels_f##bits;

CSI_KERNELS(64, double)
CSI_KERNELS(32, float)

/* COSTATE_LANES samples at once, element i of lane l at index i·COSTATE_LANES + l of every array, aligned to 64 bytes; pbar may be NULL. */
typedef struct csi_kernels_lanes {
    void (*forward)(const costate_net *net, const double *p, const double *x, double *y, double *work);
    void (*vjp)(const costate_net *net, const double *p, const double *x, const double *v, double *xbar, double *pbar,
                double *work);
} csi_kernels_lanes;

/* Everything of one instruction set. */
struct costate_kernels {
    costate_isa isa;
    const csi_kernels_f64 *f64;
    const csi_kernels_f32 *f32;
    const csi_kernels_lanes *lanes;
};

/* The tables of the variant costate_isa_select() gives. */
costate_status csi_kernels_select(const struct costate_kernels **kernels);

#endif
