/* SPDX-License-Identifier: MIT */
/* Networks for tests: tables of shapes and random values for their calls. */
#include "net_fixture.h"

#include "support/asserts.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define L(units, name)                                                                                                 \
    { .n_out = (units), .act = COSTATE_ACT_##name }
#define L_NO_BIAS(units, name)                                                                                         \
    { .n_out = (units), .act = COSTATE_ACT_##name, .no_bias = true }

const net_shape net_shapes[] = {
    {.n_in = 2, .n_layer = 2, .layers = {L(16, TANH), L(2, IDENTITY)}},
    {.n_in = 2, .n_layer = 2, .layers = {L(50, TANH), L(2, IDENTITY)}, .input_act = COSTATE_ACT_CUBE},
    {.n_in = 4, .n_layer = 3, .layers = {L(32, TANH), L(16, TANH), L(4, IDENTITY)}, .affine = NET_AFFINE},
    {.n_in = 8, .n_layer = 3, .layers = {L(64, RELU), L(64, RELU), L(8, IDENTITY)}},
    {.n_in = 130, .n_layer = 2, .layers = {L(67, SIGMOID), L(3, IDENTITY)}},
    {.n_in = 3, .n_layer = 2, .layers = {L(67, SOFTPLUS), L(130, TANH)}, .affine = NET_AFFINE},
    {.n_in = 5, .n_layer = 3, .layers = {L(7, ELU), L(9, LEAKY_RELU), L(3, TANH)}},
    {.n_in = 3, .n_layer = 4, .layers = {L(5, GELU), L(6, GELU_TANH), L(7, SILU), L(2, SIN)}, .affine = NET_AFFINE},
    {.n_in = 2, .n_layer = 4, .layers = {L(5, GAUSSIAN), L(5, GAUSSIAN), L(5, GAUSSIAN), L(2, IDENTITY)}},
    {.n_in = 3,
     .n_layer = 7,
     .layers = {L(5, GELU), L(5, GELU), L(5, GELU), L(5, GELU), L(5, GELU), L(5, GELU), L(3, IDENTITY)},
     .affine = NET_AFFINE},
    {.n_in = 4, .n_layer = 3, .layers = {L_NO_BIAS(9, TANH), L(3, SOFTPLUS), L_NO_BIAS(2, SIGMOID)}},
    {.n_in = 6,
     .n_layer = 2,
     .layers = {L_NO_BIAS(4, CUBE), L_NO_BIAS(11, SIN)},
     .input_act = COSTATE_ACT_TANH,
     .affine = NET_AFFINE},
    {.n_in = 1, .n_layer = 1, .layers = {L(1, TANH)}},
    {.n_in = 3, .n_layer = 2, .layers = {L(9, TANH), L(2, IDENTITY)}, .affine = NET_IN_SCALE},
    {.n_in = 3, .n_layer = 2, .layers = {L(9, TANH), L(2, IDENTITY)}, .affine = NET_IN_SHIFT},
    {.n_in = 3, .n_layer = 2, .layers = {L(9, TANH), L(2, IDENTITY)}, .affine = NET_OUT_SCALE},
    {.n_in = 3, .n_layer = 2, .layers = {L(9, TANH), L(2, IDENTITY)}, .affine = NET_OUT_SHIFT},
    {.n_in = 1, .n_layer = 2, .layers = {L(1, SIGMOID), L(1, IDENTITY)}, .affine = NET_AFFINE},
    {.n_in = 17, .n_layer = 1, .layers = {L(1, IDENTITY)}},
    {.n_in = 1, .n_layer = 1, .layers = {L_NO_BIAS(17, GELU)}, .input_act = COSTATE_ACT_SIN, .affine = NET_AFFINE},
    {.n_in = 9, .n_layer = 2, .layers = {L(17, SILU), L(9, ELU)}, .input_act = COSTATE_ACT_SOFTPLUS},
    {.n_in = 3,
     .n_layer = 12,
     .layers = {L(4, TANH), L(3, SIN), L(5, TANH), L(2, SIGMOID), L(6, TANH), L(4, SILU), L(3, TANH), L(8, ELU),
                L(2, TANH), L(7, SOFTPLUS), L(5, TANH), L(3, IDENTITY)}},
    {.n_in = 4,
     .n_layer = 3,
     .layers = {L(32, TANH), L(16, GELU), L(4, SIGMOID)},
     .affine = NET_AFFINE,
     .accuracy = COSTATE_ACCURACY_ACCURATE},
    {.n_in = 3,
     .n_layer = 4,
     .layers = {L(9, ELU), L(10, SOFTPLUS), L(11, GAUSSIAN), L(3, GELU_TANH)},
     .accuracy = COSTATE_ACCURACY_ACCURATE},
};
const size_t n_net_shapes = sizeof net_shapes / sizeof *net_shapes;

net_shape net_shape_layer(size_t n_in, size_t n_out, costate_act act, bool no_bias) {
    net_shape shape = {.n_in = n_in, .n_layer = 1};
    shape.layers[0] = (costate_layer_spec){n_out, act, no_bias};
    return shape;
}

net_shape net_shape_random(costate_random *random, size_t max_width) {
    net_shape shape = {.n_in = 1 + costate_random_below(random, max_width),
                       .n_layer = 1 + costate_random_below(random, 6)};
    for (size_t l = 0; l < shape.n_layer; l++) {
        shape.layers[l].n_out = 1 + costate_random_below(random, max_width);
        shape.layers[l].act = (costate_act)costate_random_below(random, COSTATE_ACT_COUNT);
        shape.layers[l].no_bias = costate_random_below(random, 4) == 0;
    }
    shape.input_act = (costate_act)(costate_random_below(random, 2) * costate_random_below(random, COSTATE_ACT_COUNT));
    shape.affine = (unsigned)costate_random_below(random, NET_AFFINE + 1);
    shape.accuracy = costate_random_below(random, 4) == 0 ? COSTATE_ACCURACY_ACCURATE : COSTATE_ACCURACY_FAST;
    return shape;
}

double *doubles(size_t n) {
    double *array = calloc(n + 1, sizeof *array);
    assert_non_null(array);
    return array;
}

reference_value *references(size_t n) {
    reference_value *array = calloc(n + 1, sizeof *array);
    assert_non_null(array);
    return array;
}

void fill_representable(costate_random *random, double *array, size_t n) {
    for (size_t i = 0; i < n; i++) {
        array[i] = (double)(float)costate_random_normal(random);
    }
}

static double *normals(costate_random *random, size_t n) {
    double *array = doubles(n);
    fill_representable(random, array, n);
    return array;
}

/* Weights of variance 1/n_in, so that deep chains neither saturate nor explode. */
static void fill_parameters(costate_random *random, const net_fixture *fixture) {
    for (size_t k = 0; k < costate_net_n_view(fixture->net); k++) {
        costate_param_view view;
        assert_ok(costate_net_view(fixture->net, k, &view));
        size_t n = view.n_row * view.n_col;
        fill_representable(random, fixture->p + view.offset, n);
        for (size_t i = 0; i < n; i++) {
            fixture->p[view.offset + i] = (double)(float)(fixture->p[view.offset + i] / sqrt((double)view.n_col));
        }
    }
}

static void write_name(net_fixture *fixture) {
    const net_shape *shape = &fixture->shape;
    char *end = fixture->name + sizeof fixture->name, *at = fixture->name;
    at += snprintf(at, (size_t)(end - at), "%zu(%s)", shape->n_in, costate_act_name(shape->input_act));
    for (size_t l = 0; l < shape->n_layer && end - at > 80; l++) {
        const costate_layer_spec *layer = &shape->layers[l];
        at += snprintf(at, (size_t)(end - at), "-%zu%s%s", layer->n_out, costate_act_name(layer->act),
                       layer->no_bias ? "!" : "");
    }
    snprintf(at, (size_t)(end - at), " affine %x%s seed %llu", shape->affine,
             shape->accuracy == COSTATE_ACCURACY_ACCURATE ? " accurate" : "", (unsigned long long)fixture->seed);
}

void net_fixture_make(net_fixture *fixture, const net_shape *shape, uint64_t seed) {
    costate_random random = costate_random_seed(seed, 0);
    size_t n_in = shape->n_in, n_out = shape->layers[shape->n_layer - 1].n_out;
    *fixture = (net_fixture){.shape = *shape, .seed = seed, .n_in = n_in, .n_out = n_out};
    fixture->in_scale = normals(&random, n_in);
    fixture->in_shift = normals(&random, n_in);
    fixture->out_scale = normals(&random, n_out);
    fixture->out_shift = normals(&random, n_out);
    fixture->spec = (costate_net_spec){.n_in = n_in,
                                       .n_layer = shape->n_layer,
                                       .layers = fixture->shape.layers,
                                       .input_act = shape->input_act,
                                       .accuracy = shape->accuracy};
    fixture->spec.in_scale = shape->affine & NET_IN_SCALE ? fixture->in_scale : NULL;
    fixture->spec.in_shift = shape->affine & NET_IN_SHIFT ? fixture->in_shift : NULL;
    fixture->spec.out_scale = shape->affine & NET_OUT_SCALE ? fixture->out_scale : NULL;
    fixture->spec.out_shift = shape->affine & NET_OUT_SHIFT ? fixture->out_shift : NULL;
    write_name(fixture);
    assert_ok(costate_net_create(&fixture->spec, NULL, &fixture->net));
    fixture->n_param = costate_net_n_param(fixture->net);
    fixture->p = doubles(fixture->n_param);
    fill_parameters(&random, fixture);
    fixture->x = normals(&random, n_in);
    fixture->v = normals(&random, n_out);
    fixture->u = normals(&random, n_in);
    fixture->up = normals(&random, fixture->n_param);
    fixture->pbar = normals(&random, fixture->n_param);
}

void net_fixture_release(net_fixture *fixture) {
    costate_net_destroy(fixture->net);
    double *arrays[] = {fixture->in_scale, fixture->in_shift, fixture->out_scale, fixture->out_shift, fixture->p,
                        fixture->x,        fixture->v,        fixture->u,         fixture->up,        fixture->pbar};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) {
        free(arrays[i]);
    }
    *fixture = (net_fixture){0};
}
