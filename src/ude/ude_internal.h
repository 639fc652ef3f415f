/* SPDX-License-Identifier: MIT */
/* A UDE as its calls see it: networks, mechanism, form, and where everything lies in a call's blocks. */
#ifndef CSI_UDE_INTERNAL_H
#define CSI_UDE_INTERNAL_H

#include "nn/kernels/kernels.h"
#include "ude/ude_form.h"
#include "ude/ude_mechanism.h"
#include <costate/ude.h>

enum { CSI_UDE_NAME_SIZE = sizeof((costate_ude_block *)NULL)->name };

/* One network; offsets in elements. */
typedef struct csi_ude_net {
    const costate_net *net;
    const csi_kernels_f64 *kernels;
    size_t n_input;          /* elements of s */
    size_t n_state, n_theta; /* of them: the first n_state are states, the next n_theta parameters, the rest time */
    size_t *to;              /* selected quantity k is element to[k] of s … */
    size_t *from;            /* … and element from[k] of its source */
    double *matrix;          /* n_in × n_input, row-major; NULL: z = s */
    bool is_run;             /* z is the states from `first` on, as they lie in y */
    size_t first;
    size_t weights; /* into p */
    size_t out;     /* into u */
    size_t kept;    /* into the kept block: what the kernels keep */
    size_t kept_z;  /* into the kept block: z, if there is a matrix */
} csi_ude_net;

/* Offsets into the work and the kept block of a call, in elements; each array starts on a whole SIMD vector. */
typedef struct csi_ude_layout {
    size_t kept_u, kept_form; /* into the kept block: u, and what the form keeps */
    size_t n_kept;
    size_t kept;      /* a kept block for calls that are not given one */
    size_t net;       /* workspace of the kernels, for one network at a time */
    size_t s, s_bar;  /* selected quantities; their cotangent or tangent */
    size_t z_bar;     /* of a network's input: cotangent or tangent */
    size_t u_bar;     /* of u: cotangent or tangent */
    size_t form;      /* scratch of the form */
    size_t mechanism; /* scratch of derivatives that were not given */
    size_t unit, row; /* n_y each, of the Jacobian */
    size_t n_work;
} csi_ude_layout;

/* Offsets into the work of the lanes, in elements: arrays of all lanes, then arrays for one lane at a time. */
typedef struct csi_ude_lanes {
    size_t net, s, s_bar, z, z_bar, u, u_bar;
    size_t one_y, one_v, one_out, one_theta, one_theta_bar, one_u, one_u_bar, one_form;
    size_t form_scratch, mechanism;
    size_t n_work;
} csi_ude_lanes;

struct costate_ude {
    costate_allocator alloc;
    csi_mechanism mechanism;
    costate_ude_form form;
    const csi_form_calls *calls; /* of the form */
    size_t n_net, n_u, n_p;
    csi_ude_net *nets;
    double *matrix;                        /* n_y × n_u, row-major, or NULL */
    size_t *index;                         /* n_u, or NULL */
    char (*theta_name)[CSI_UDE_NAME_SIZE]; /* n_theta, or NULL for the default names */
    csi_ude_layout layout;
    csi_ude_lanes lanes;
};

/* z of a network; `s` and `z` have room for s and, with a matrix, for z. May answer with a place in y. */
const double *csi_ude_input(const csi_ude_net *net, double t, const double *y, const double *theta, double *s,
                            double *z);

/* Adds what the cotangent zbar of z means for y, and scale times what it means for theta; either may be NULL. */
void csi_ude_input_vjp(const csi_ude_net *net, const double *zbar, double scale, double *ybar, double *thetabar,
                       double *sbar);

/* Tangent of z for tangents of y and theta (NULL: zero). */
const double *csi_ude_input_jvp(const csi_ude_net *net, const double *yu, const double *thetau, double *s, double *z);

/* All networks: u into the kept block, with what the kernels keep of them if `keep`. */
void csi_ude_networks(const costate_ude *ude, double t, const double *y, const double *p, bool keep, double *kept,
                      double *work);

/* Adds what the cotangent ubar of u means for y, and scale times what it means for p; either may be NULL. */
void csi_ude_networks_vjp(const costate_ude *ude, double t, const double *y, const double *p, const double *ubar,
                          double scale, double *ybar, double *pbar, const double *kept, double *work);

/* u into the kept block, and uu = (∂u/∂y) yu + (∂u/∂p) up; up may be NULL. */
void csi_ude_networks_jvp(const costate_ude *ude, double t, const double *y, const double *p, const double *yu,
                          const double *up, double *uu, double *kept, double *work);

/*
 * *offset gets *total, and *total grows by n elements rounded up to whole SIMD vectors; false when that cannot be
 * addressed in bytes.
 */
bool csi_ude_reserve(size_t n, size_t *total, size_t *offset);

/* Offsets of all blocks; false if they do not fit. n_mechanism: elements of the mechanism's scratch. */
bool csi_ude_plan(costate_ude *ude);
bool csi_ude_plan_lanes(costate_ude *ude, size_t n_mechanism);

/* Sizes and callbacks of the lanes. */
void csi_ude_set_lanes(const costate_ude *ude, costate_rhs *rhs);

#endif
