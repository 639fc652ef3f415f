/* SPDX-License-Identifier: MIT */
/* The calls of costate_eval.h on a network of the fixtures, with every array placed against inaccessible memory. */
#include "eval_calls.h"

#include "support/asserts.h"
#include "support/guard_page.h"
#include <string.h>

void eval_calls_make(eval_calls *calls, const net_fixture *fixture, net_placement placement) {
    const costate_net_spec *spec = &fixture->spec;
    for (size_t l = 0; l < spec->n_layer; l++) {
        const costate_layer_spec *layer = &spec->layers[l];
        calls->layers[l] = (costate_eval_layer){layer->n_out, (int)layer->act, layer->no_bias};
    }
    calls->net = (costate_eval_net){.n_in = spec->n_in,
                                    .n_layer = spec->n_layer,
                                    .layers = calls->layers,
                                    .input_act = (int)spec->input_act,
                                    .in_scale = spec->in_scale,
                                    .in_shift = spec->in_shift,
                                    .out_scale = spec->out_scale,
                                    .out_shift = spec->out_shift};
    calls->placement = placement;
    const char *text = NULL;
    assert_int_equal(costate_eval_check(&calls->net, &text), COSTATE_EVAL_OK);
    assert_string_equal(text, "");
    assert_int_equal(costate_eval_n_param(&calls->net), fixture->n_param);
    assert_int_equal(costate_eval_n_out(&calls->net), fixture->n_out);
}

/* An array of a call: `before` goes in (NULL: NaN), `after` receives it (NULL: it must not change). */
typedef struct placed {
    guard_buffer buffer;
    double *data;
    const double *before;
    double *after;
    size_t n;
} placed;

static placed place(const eval_calls *calls, const double *before, double *after, size_t n) {
    size_t shift = calls->placement == PLACE_OFFSET ? 1 : 0;
    guard_side side = calls->placement == PLACE_END ? GUARD_AFTER : GUARD_BEFORE;
    placed array = {
        .buffer = guard_create((n + shift) * sizeof(double), side), .before = before, .after = after, .n = n};
    array.data = (double *)array.buffer.data + shift;
    if (before) {
        memcpy(array.data, before, n * sizeof(double));
    } else {
        memset(array.data, 0xff, n * sizeof(double));
    }
    return array;
}

/* An argument that may be NULL. */
static placed optional(const eval_calls *calls, const double *before, double *after, size_t n) {
    return before || after ? place(calls, before, after, n) : (placed){.data = NULL};
}

enum { P, X, V, UP, Y, XBAR, PBAR, JAC, HESS, N_ARRAY };

typedef struct frame {
    placed arrays[N_ARRAY];
    guard_buffer work_buffer;
    double *work;
    size_t n_work;
} frame;

static frame open_frame(const eval_calls *calls, size_t n_work, const double *p, const double *x) {
    frame open = {.n_work = n_work};
    placed work = place(calls, NULL, NULL, n_work);
    open.work_buffer = work.buffer;
    open.work = work.data;
    open.arrays[P] = place(calls, p, NULL, costate_eval_n_param(&calls->net));
    open.arrays[X] = place(calls, x, NULL, calls->net.n_in);
    return open;
}

static void check_unwritten(const frame *open, costate_eval_status status) {
    assert_int_equal(status, COSTATE_EVAL_ERR_WORKSPACE);
    for (size_t k = 0; k < N_ARRAY; k++) {
        const placed *array = &open->arrays[k];
        for (size_t i = 0; array->data && i < array->n; i++) {
            uint64_t bits, before = UINT64_MAX;
            memcpy(&bits, &array->data[i], sizeof bits);
            if (array->before) {
                memcpy(&before, &array->before[i], sizeof before);
            }
            assert_true(bits == before);
        }
    }
}

static void close_frame(frame *open, costate_eval_status status) {
    assert_int_equal(status, COSTATE_EVAL_OK);
    for (size_t k = 0; k < N_ARRAY; k++) {
        placed *array = &open->arrays[k];
        if (array->data && array->after) {
            memcpy(array->after, array->data, array->n * sizeof(double));
        } else if (array->data) {
            assert_memory_equal(array->data, array->before, array->n * sizeof(double));
        }
        if (array->data) {
            guard_destroy(&array->buffer);
        }
    }
    guard_destroy(&open->work_buffer);
}

/* The call with one element of scratch too few, then with exactly enough. */
#define CALL(frame, function, ...)                                                                                     \
    do {                                                                                                               \
        check_unwritten(&(frame), function(__VA_ARGS__, (frame).work, (frame).n_work - 1));                            \
        close_frame(&(frame), function(__VA_ARGS__, (frame).work, (frame).n_work));                                    \
    } while (0)

void eval_forward(const eval_calls *calls, const double *p, const double *x, double *y) {
    const costate_eval_net *net = &calls->net;
    frame f = open_frame(calls, costate_eval_n_work(net), p, x);
    f.arrays[Y] = optional(calls, NULL, y, costate_eval_n_out(net));
    CALL(f, costate_eval_forward, net, f.arrays[P].data, f.arrays[X].data, f.arrays[Y].data);
}

void eval_vjp(const eval_calls *calls, const double *p, const double *x, const double *v, double scale, double *xbar,
              double *pbar) {
    const costate_eval_net *net = &calls->net;
    frame f = open_frame(calls, costate_eval_n_work(net), p, x);
    f.arrays[V] = place(calls, v, NULL, costate_eval_n_out(net));
    f.arrays[XBAR] = optional(calls, NULL, xbar, net->n_in);
    f.arrays[PBAR] = optional(calls, pbar, pbar, costate_eval_n_param(net));
    CALL(f, costate_eval_vjp, net, f.arrays[P].data, f.arrays[X].data, f.arrays[V].data, scale, f.arrays[XBAR].data,
         f.arrays[PBAR].data);
}

void eval_jvp(const eval_calls *calls, const double *p, const double *x, const double *u, const double *up, double *y,
              double *yu) {
    const costate_eval_net *net = &calls->net;
    frame f = open_frame(calls, costate_eval_n_work(net), p, x);
    f.arrays[V] = place(calls, u, NULL, net->n_in);
    f.arrays[UP] = optional(calls, up, NULL, costate_eval_n_param(net));
    f.arrays[Y] = optional(calls, NULL, y, costate_eval_n_out(net));
    f.arrays[JAC] = optional(calls, NULL, yu, costate_eval_n_out(net));
    CALL(f, costate_eval_jvp, net, f.arrays[P].data, f.arrays[X].data, f.arrays[V].data, f.arrays[UP].data,
         f.arrays[Y].data, f.arrays[JAC].data);
}

void eval_jacobian(const eval_calls *calls, const double *p, const double *x, double *y, double *jac) {
    const costate_eval_net *net = &calls->net;
    frame f = open_frame(calls, costate_eval_n_work(net), p, x);
    f.arrays[Y] = optional(calls, NULL, y, costate_eval_n_out(net));
    f.arrays[JAC] = optional(calls, NULL, jac, costate_eval_n_out(net) * net->n_in);
    CALL(f, costate_eval_jacobian, net, f.arrays[P].data, f.arrays[X].data, f.arrays[Y].data, f.arrays[JAC].data);
}

void eval_hessian(const eval_calls *calls, const double *p, const double *x, double *y, double *jac, double *hess) {
    const costate_eval_net *net = &calls->net;
    size_t n_jac = costate_eval_n_out(net) * net->n_in;
    frame f = open_frame(calls, costate_eval_n_hessian_work(net), p, x);
    f.arrays[Y] = optional(calls, NULL, y, costate_eval_n_out(net));
    f.arrays[JAC] = optional(calls, NULL, jac, n_jac);
    f.arrays[HESS] = place(calls, NULL, hess, n_jac * net->n_in);
    CALL(f, costate_eval_hessian, net, f.arrays[P].data, f.arrays[X].data, f.arrays[Y].data, f.arrays[JAC].data,
         f.arrays[HESS].data);
}
