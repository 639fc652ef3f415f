/* SPDX-License-Identifier: MIT */
/* Activations at many points at once, through the public layer and network calls. */
#include "act_probe.h"

#include "support/asserts.h"
#include <costate/layer.h>
#include <costate/net.h>
#include <stdlib.h>

static void *block(size_t n, size_t size) {
    void *memory = calloc(n + 1, size);
    assert_non_null(memory);
    return memory;
}

static costate_layer layer_of_points(costate_act act, costate_accuracy accuracy, size_t n) {
    costate_layer layer;
    assert_ok(costate_layer_make(1, n, act, true, accuracy, &layer));
    return layer;
}

static costate_net *net_of_points(costate_act act, costate_accuracy accuracy, size_t n) {
    costate_layer_spec layer = {.n_out = n, .act = act};
    costate_net *net;
    assert_ok(costate_net_create(&(costate_net_spec){.n_in = 1, .n_layer = 1, .layers = &layer, .accuracy = accuracy},
                                 NULL, &net));
    return net;
}

#define DEFINE_ACT_PROBE(REAL, SUFFIX)                                                                                 \
    void act_probe_##SUFFIX(costate_act act, costate_accuracy accuracy, size_t n, const REAL *z, REAL *a, REAL *d) {   \
        costate_layer layer = layer_of_points(act, accuracy, n);                                                       \
        REAL *y = block(n, sizeof *y), *cache = block(n, sizeof *cache), *ones = block(n, sizeof *ones), one = 1;      \
        for (size_t i = 0; i < n; i++) {                                                                               \
            ones[i] = 1;                                                                                               \
        }                                                                                                              \
        assert_ok(costate_layer_forward_##SUFFIX(&layer, z, &one, y, d ? cache : NULL));                               \
        if (d) {                                                                                                       \
            assert_ok(costate_layer_pullback_##SUFFIX(&layer, z, &one, ones, 1, NULL, NULL, cache));                   \
        }                                                                                                              \
        for (size_t i = 0; i < n; i++) {                                                                               \
            if (a) {                                                                                                   \
                a[i] = y[i];                                                                                           \
            }                                                                                                          \
            if (d) {                                                                                                   \
                d[i] = cache[i];                                                                                       \
            }                                                                                                          \
        }                                                                                                              \
        free(ones);                                                                                                    \
        free(cache);                                                                                                   \
        free(y);                                                                                                       \
    }                                                                                                                  \
                                                                                                                       \
    void act_probe_curvature_##SUFFIX(costate_act act, costate_accuracy accuracy, size_t n, const REAL *z, REAL *dd) { \
        costate_net *net = net_of_points(act, accuracy, n);                                                            \
        size_t work_bytes = costate_net_hessian_work_bytes_##SUFFIX(net);                                              \
        REAL *p = block(2 * n, sizeof *p), zero = 0;                                                                   \
        void *work = block(work_bytes, 1);                                                                             \
        for (size_t i = 0; i < n; i++) {                                                                               \
            p[i] = 1;                                                                                                  \
            p[n + i] = z[i];                                                                                           \
        }                                                                                                              \
        assert_ok(costate_net_hessian_##SUFFIX(net, p, &zero, NULL, NULL, dd, work, work_bytes));                      \
        free(work);                                                                                                    \
        free(p);                                                                                                       \
        costate_net_destroy(net);                                                                                      \
    }

DEFINE_ACT_PROBE(double, f64)
DEFINE_ACT_PROBE(float, f32)
