/* SPDX-License-Identifier: MIT */
/* The derivative of a vector function along one line, by central differences of fourth order. */
#ifndef CSI_DERIVATIVE_ALONG_H
#define CSI_DERIVATIVE_ALONG_H

#include <stddef.h>

/* Along a line x + offset · d: `add` evaluates g there and adds weight · g to `sum`. */
typedef struct csi_line {
    int (*add)(double offset, double weight, void *ctx); /* returns a costate_answer */
    void *ctx;
    size_t n;    /* elements of sum */
    double *sum; /* overwritten: dg/doffset at 0 */
} csi_line;

/*
 * `size` is the largest element of d in units of what x, element by element, typically is; with 0 the sum is 0. The
 * points are 2⁻¹¹ and 2⁻¹⁰ such units away, closer when `add` answers RETRY or g is not finite: the error is about 1e-12
 * of g for a function that bends on the scale of those units. Returns a costate_answer; RETRY where g is not finite.
 */
int csi_derivative_along(const csi_line *line, double size);

#endif
