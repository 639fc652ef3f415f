/* SPDX-License-Identifier: MIT */
/* The networks that the kernel benchmark runs: hidden layers with one activation, linear output. */
#ifndef BENCH_DENSE_STACK_H
#define BENCH_DENSE_STACK_H

#include <costate/act.h>
#include <stdbool.h>
#include <stddef.h>

#define CHAIN_MAX_LAYER 4

/*
 * Weights lie as the library stores them (longer side contiguous), so that no comparator pays for a layout it would
 * not choose.
 */
typedef struct chain {
    const char *name;
    costate_act act; /* COSTATE_ACT_TANH or COSTATE_ACT_RELU */
    size_t n_layer;
    size_t width[CHAIN_MAX_LAYER + 1]; /* n_in, hidden widths, n_out */
} chain;

size_t chain_n_in(const chain *c);
size_t chain_n_out(const chain *c);
size_t chain_n_param(const chain *c);

/* Hidden units, which are the evaluations of the activation. */
size_t chain_n_unit(const chain *c);

/* Largest width, the input's included. */
size_t chain_widest(const chain *c);

/* Elements of scratch that the comparators need: two cotangents of the widest layer, then every layer's output. */
size_t chain_n_work(const chain *c);

/*
 * Additions and multiplications outside the activation of one forward call, or of one full VJP with its forward pass.
 */
double chain_flops(const chain *c, bool vjp);

/*
 * Elements that must cross between the caller's arrays and the CPU: parameters (gradient: read and written), inputs,
 * outputs, cotangents.
 */
double chain_elements(const chain *c, bool vjp);

#endif
