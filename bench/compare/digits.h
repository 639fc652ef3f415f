/* SPDX-License-Identifier: MIT */
/* Labelled images of 28 × 28: real digits, or drawings that stand in for them. */
#ifndef BENCH_DIGITS_H
#define BENCH_DIGITS_H

#include "harness.h"
#include <stdint.h>

typedef struct digits {
    bool real;
    size_t n;
    float *x;               /* n images, brightness from 0 to 1 */
    uint32_t *label;        /* n classes */
    double read_seconds;    /* files read and unpacked, or images drawn */
    double convert_seconds; /* bytes to x */
} digits;

/*
 * Images of `folder`/mnist: train-images-idx3-ubyte and train-labels-idx1-ubyte, else the t10k files, each packed (.gz)
 * or not; where there are none, 10 000 seeded drawings. At most n_most. False, counted as a failure of b, if a file is
 * damaged or there is no memory.
 */
bool digits_load(bench *b, const char *folder, size_t n_most, digits *d);
void digits_destroy(digits *d);

#endif
