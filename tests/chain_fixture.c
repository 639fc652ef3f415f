/* SPDX-License-Identifier: MIT */
/* Chains of dense layers for tests, their network with the same parameters, and data for both. */
#include "chain_fixture.h"

#include <stdlib.h>

double *chain_random(costate_random *random, size_t n) {
    double *x = malloc((n + 1) * sizeof *x);
    assert_non_null(x);
    for (size_t i = 0; i < n; i++) {
        x[i] = (double)(float)(2.0 * costate_random_uniform(random) - 1.0);
    }
    return x;
}

float *chain_floats(const double *x, size_t n) {
    float *narrow = malloc((n + 1) * sizeof *narrow);
    assert_non_null(narrow);
    for (size_t i = 0; i < n; i++) {
        narrow[i] = (float)x[i];
    }
    return narrow;
}

dense_chain dense_chain_make(const dense_shape *shape, uint64_t seed) {
    costate_chain_layer layers[CHAIN_MAX_DENSE];
    costate_layer_spec net_layers[CHAIN_MAX_DENSE];
    costate_random random = costate_random_seed(seed, 0);
    costate_message message;
    dense_chain made = {.shape = shape, .n_in = shape->width[0], .n_out = shape->width[shape->n_layer]};
    for (size_t i = 0; i < shape->n_layer; i++) {
        const costate_act act = i + 1 < shape->n_layer ? shape->act : COSTATE_ACT_IDENTITY;
        layers[i] = costate_chain_dense(shape->width[i + 1], act);
        layers[i].no_bias = shape->no_bias;
        net_layers[i] = (costate_layer_spec){.n_out = shape->width[i + 1], .act = act, .no_bias = shape->no_bias};
    }
    const costate_net_spec spec = {.n_in = made.n_in, .n_layer = shape->n_layer, .layers = net_layers};
    assert_ok(
        costate_chain_create(costate_shape_vector(made.n_in), shape->n_layer, layers, NULL, &made.chain, &message));
    assert_ok(costate_net_create(&spec, NULL, &made.net));
    made.n_param = costate_chain_n_param(made.chain);
    assert_int_equal(made.n_param, costate_net_n_param(made.net));
    made.p = chain_random(&random, made.n_param);
    made.p_net = chain_random(&random, made.n_param);
    assert_ok(costate_net_import_f64(made.net, COSTATE_ORDER_ROW_MAJOR, made.p, made.p_net));
    return made;
}

void dense_chain_release(dense_chain *made) {
    costate_chain_destroy(made->chain);
    costate_net_destroy(made->net);
    free(made->p);
    free(made->p_net);
}

costate_chain_eval *chain_eval_make(const costate_chain *chain, costate_chain_precision precision, size_t n_thread) {
    costate_chain_eval_options options = costate_chain_eval_options_default();
    costate_chain_eval *eval;
    options.precision = precision;
    options.n_thread = n_thread;
    assert_ok(costate_chain_eval_create(chain, &options, NULL, &eval));
    return eval;
}
