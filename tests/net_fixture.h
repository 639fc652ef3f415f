/* SPDX-License-Identifier: MIT */
/* Networks for tests: a shape in one line of a table, turned into a network with random parameters, inputs and cotangents. */
#ifndef NET_FIXTURE_H
#define NET_FIXTURE_H

#include "reference_net.h"
#include <costate/net.h>
#include <costate/random.h>
#include <stdbool.h>
#include <stdint.h>

#define NET_FIXTURE_MAX_LAYER 12

/* Random scales and shifts that a network has. */
typedef enum net_affine {
    NET_IN_SCALE = 1,
    NET_IN_SHIFT = 2,
    NET_OUT_SCALE = 4,
    NET_OUT_SHIFT = 8,
    NET_AFFINE = NET_IN_SCALE | NET_IN_SHIFT | NET_OUT_SCALE | NET_OUT_SHIFT
} net_affine;

/* One row of a table of shapes. Zero members mean what they mean in costate_net_spec. */
typedef struct net_shape {
    size_t n_in, n_layer;
    costate_layer_spec layers[NET_FIXTURE_MAX_LAYER];
    costate_act input_act;
    unsigned affine; /* bits of net_affine */
    costate_accuracy accuracy;
} net_shape;

/* A network and everything its calls take. All numbers are representable in float, so that both precisions see the same ones. */
typedef struct net_fixture {
    net_shape shape;
    uint64_t seed;
    costate_net_spec spec;
    costate_net *net;
    size_t n_in, n_out, n_param;
    double *in_scale, *in_shift, *out_scale, *out_shift;
    double *p, *x, *v; /* parameters, input, output cotangent */
    double *up, *u;    /* tangents of parameters and input */
    double *pbar;      /* what a gradient is accumulated into */
    char name[256];    /* shape and seed, for messages */
} net_fixture;

/* Shapes that between them have every activation, both orientations, deep, wide, biasless and scaled networks. */
extern const net_shape net_shapes[];
extern const size_t n_net_shapes;

/* n_in → n_out with one activation. */
net_shape net_shape_layer(size_t n_in, size_t n_out, costate_act act, bool no_bias);

/* A random chain of at most 6 layers of at most max_width units. */
net_shape net_shape_random(costate_random *random, size_t max_width);

/* Fails the running test if the network cannot be made; released by net_fixture_release(). */
void net_fixture_make(net_fixture *fixture, const net_shape *shape, uint64_t seed);
void net_fixture_release(net_fixture *fixture);

/* n standard normal numbers that both precisions represent. */
void fill_representable(costate_random *random, double *array, size_t n);

/* A zeroed array, released with free(); fails the running test when there is no memory. */
double *doubles(size_t n);
reference_value *references(size_t n);

#endif
