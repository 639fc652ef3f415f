/* SPDX-License-Identifier: MIT */
/* The calls of net.h in either precision through double arrays, with every array placed against inaccessible memory. */
#include "net_calls.h"

#include "support/asserts.h"
#include "support/guard_page.h"
#include <string.h>

long double net_real_roundoff(net_real real) { return real == NET_F64 ? 0x1p-53L : 0x1p-24L; }

reference_net net_calls_reference(const net_calls *calls, const net_fixture *fixture) {
    return (reference_net){&fixture->spec, fixture->net, net_real_roundoff(calls->real)};
}

/* An array of a call: `before` goes in (NULL: NaN), `after` receives it (NULL: it must not change). data is NULL if both are. */
typedef struct call_argument {
    guard_buffer buffer;
    void *data;
    const double *before;
    double *after;
    size_t n;
} call_argument;

enum { MAX_ARGUMENT = 8 };

/* The arguments of one call and its workspace. */
typedef struct call_frame {
    const net_calls *calls;
    call_argument arguments[MAX_ARGUMENT];
    size_t n_argument;
    guard_buffer work_buffer;
    void *work;
    size_t work_bytes;
} call_frame;

static void *place(const net_calls *calls, size_t bytes, size_t offset, guard_buffer *buffer) {
    bool at_end = calls->placement == PLACE_END;
    size_t shift = calls->placement == PLACE_OFFSET ? offset : 0;
    *buffer = guard_create(bytes + shift, at_end ? GUARD_AFTER : GUARD_BEFORE);
    return (unsigned char *)buffer->data + shift;
}

static call_frame open_frame(const net_calls *calls, size_t work_bytes) {
    call_frame frame = {.calls = calls, .work_bytes = work_bytes};
    frame.work = place(calls, work_bytes, 1, &frame.work_buffer);
    memset(frame.work, 0xff, work_bytes);
    return frame;
}

static call_frame open_evaluation(const net_calls *calls) {
    return open_frame(calls, calls->real == NET_F64 ? costate_net_work_bytes_f64(calls->net)
                                                    : costate_net_work_bytes_f32(calls->net));
}

static void *add(call_frame *frame, const double *before, double *after, size_t n) {
    if (!before && !after) {
        return NULL;
    }
    assert_in_range(frame->n_argument, 0, MAX_ARGUMENT - 1);
    bool f64 = frame->calls->real == NET_F64;
    size_t size = f64 ? sizeof(double) : sizeof(float);
    call_argument *argument = &frame->arguments[frame->n_argument++];
    argument->before = before;
    argument->after = after;
    argument->n = n;
    argument->data = place(frame->calls, n * size, size, &argument->buffer);
    if (!before) {
        memset(argument->data, 0xff, n * size);
    }
    for (size_t i = 0; before && i < n; i++) {
        if (f64) {
            ((double *)argument->data)[i] = before[i];
        } else {
            ((float *)argument->data)[i] = (float)before[i];
        }
    }
    return argument->data;
}

static void *in(call_frame *frame, const double *array, size_t n) { return add(frame, array, NULL, n); }

static void *out(call_frame *frame, double *array, size_t n) { return add(frame, NULL, array, n); }

static void *in_out(call_frame *frame, double *array, size_t n) { return add(frame, array, array, n); }

static double element(const call_frame *frame, const call_argument *argument, size_t i) {
    return frame->calls->real == NET_F64 ? ((const double *)argument->data)[i]
                                         : (double)((const float *)argument->data)[i];
}

static bool same_bits(double a, double b) {
    uint64_t a_bits, b_bits;
    memcpy(&a_bits, &a, sizeof a);
    memcpy(&b_bits, &b, sizeof b);
    return a_bits == b_bits;
}

static void close_frame(call_frame *frame, costate_status status) {
    assert_ok(status);
    for (size_t k = 0; k < frame->n_argument; k++) {
        call_argument *argument = &frame->arguments[k];
        for (size_t i = 0; i < argument->n; i++) {
            double value = element(frame, argument, i);
            if (argument->after) {
                argument->after[i] = value;
            } else if (!same_bits(value, argument->before[i])) {
                fail_msg("input %zu was changed at element %zu", k, i);
            }
        }
        guard_destroy(&argument->buffer);
    }
    guard_destroy(&frame->work_buffer);
}

void call_forward(const net_calls *calls, const double *p, const double *x, double *y) {
    const costate_net *net = calls->net;
    call_frame frame = open_evaluation(calls);
    void *p_ = in(&frame, p, costate_net_n_param(net)), *x_ = in(&frame, x, costate_net_n_in(net));
    void *y_ = out(&frame, y, costate_net_n_out(net));
    close_frame(&frame, calls->real == NET_F64
                            ? costate_net_forward_f64(net, p_, x_, y_, frame.work, frame.work_bytes)
                            : costate_net_forward_f32(net, p_, x_, y_, frame.work, frame.work_bytes));
}

void call_vjp(const net_calls *calls, const double *p, const double *x, const double *v, double scale, double *xbar,
              double *pbar) {
    const costate_net *net = calls->net;
    call_frame frame = open_evaluation(calls);
    void *p_ = in(&frame, p, costate_net_n_param(net)), *x_ = in(&frame, x, costate_net_n_in(net));
    void *v_ = in(&frame, v, costate_net_n_out(net)), *xbar_ = out(&frame, xbar, costate_net_n_in(net));
    void *pbar_ = in_out(&frame, pbar, costate_net_n_param(net));
    close_frame(&frame,
                calls->real == NET_F64
                    ? costate_net_vjp_f64(net, p_, x_, v_, scale, xbar_, pbar_, frame.work, frame.work_bytes)
                    : costate_net_vjp_f32(net, p_, x_, v_, (float)scale, xbar_, pbar_, frame.work, frame.work_bytes));
}

static void call_forward_keep(const net_calls *calls, const double *p, const double *x, double *y, void *kept,
                              size_t kept_bytes) {
    const costate_net *net = calls->net;
    call_frame frame = open_frame(calls, 0);
    void *p_ = in(&frame, p, costate_net_n_param(net)), *x_ = in(&frame, x, costate_net_n_in(net));
    void *y_ = out(&frame, y, costate_net_n_out(net));
    close_frame(&frame, calls->real == NET_F64 ? costate_net_forward_keep_f64(net, p_, x_, y_, kept, kept_bytes)
                                               : costate_net_forward_keep_f32(net, p_, x_, y_, kept, kept_bytes));
}

static void call_vjp_kept(const net_calls *calls, const double *p, const double *x, const double *v, double scale,
                          double *xbar, double *pbar, const void *kept, size_t kept_bytes) {
    const costate_net *net = calls->net;
    call_frame frame = open_evaluation(calls);
    void *p_ = in(&frame, p, costate_net_n_param(net)), *x_ = in(&frame, x, costate_net_n_in(net));
    void *v_ = in(&frame, v, costate_net_n_out(net)), *xbar_ = out(&frame, xbar, costate_net_n_in(net));
    void *pbar_ = in_out(&frame, pbar, costate_net_n_param(net));
    close_frame(&frame, calls->real == NET_F64
                            ? costate_net_vjp_kept_f64(net, p_, x_, v_, scale, xbar_, pbar_, kept, kept_bytes,
                                                       frame.work, frame.work_bytes)
                            : costate_net_vjp_kept_f32(net, p_, x_, v_, (float)scale, xbar_, pbar_, kept, kept_bytes,
                                                       frame.work, frame.work_bytes));
}

void call_kept(const net_calls *calls, const double *p, const double *x, const double *v, double scale, double *y,
               double *xbar, double *pbar) {
    bool f64 = calls->real == NET_F64;
    size_t bytes = f64 ? costate_net_kept_bytes_f64(calls->net) : costate_net_kept_bytes_f32(calls->net);
    size_t size = f64 ? sizeof(double) : sizeof(float);
    guard_buffer written, copied;
    void *kept = place(calls, bytes, size, &written), *copy = place(calls, bytes, 2 * size, &copied);
    memset(kept, 0xff, bytes);
    call_forward_keep(calls, p, x, y, kept, bytes);
    memcpy(copy, kept, bytes);
    memset(kept, 0xff, bytes);
    call_vjp_kept(calls, p, x, v, scale, xbar, pbar, copy, bytes);
    guard_destroy(&copied);
    guard_destroy(&written);
}

void call_jvp(const net_calls *calls, const double *p, const double *x, const double *u, const double *up, double *y,
              double *yu) {
    const costate_net *net = calls->net;
    call_frame frame = open_evaluation(calls);
    void *p_ = in(&frame, p, costate_net_n_param(net)), *x_ = in(&frame, x, costate_net_n_in(net));
    void *u_ = in(&frame, u, costate_net_n_in(net)), *up_ = in(&frame, up, costate_net_n_param(net));
    void *y_ = out(&frame, y, costate_net_n_out(net)), *yu_ = out(&frame, yu, costate_net_n_out(net));
    close_frame(&frame, calls->real == NET_F64
                            ? costate_net_jvp_f64(net, p_, x_, u_, up_, y_, yu_, frame.work, frame.work_bytes)
                            : costate_net_jvp_f32(net, p_, x_, u_, up_, y_, yu_, frame.work, frame.work_bytes));
}

void call_jacobian(const net_calls *calls, const double *p, const double *x, double *y, double *jac) {
    const costate_net *net = calls->net;
    size_t n_in = costate_net_n_in(net), n_out = costate_net_n_out(net);
    call_frame frame = open_evaluation(calls);
    void *p_ = in(&frame, p, costate_net_n_param(net)), *x_ = in(&frame, x, n_in);
    void *y_ = out(&frame, y, n_out), *jac_ = out(&frame, jac, n_in * n_out);
    close_frame(&frame, calls->real == NET_F64
                            ? costate_net_jacobian_f64(net, p_, x_, y_, jac_, frame.work, frame.work_bytes)
                            : costate_net_jacobian_f32(net, p_, x_, y_, jac_, frame.work, frame.work_bytes));
}

void call_hessian(const net_calls *calls, const double *p, const double *x, double *y, double *jac, double *hess) {
    const costate_net *net = calls->net;
    size_t n_in = costate_net_n_in(net), n_out = costate_net_n_out(net);
    call_frame frame = open_frame(calls, calls->real == NET_F64 ? costate_net_hessian_work_bytes_f64(net)
                                                                : costate_net_hessian_work_bytes_f32(net));
    void *p_ = in(&frame, p, costate_net_n_param(net)), *x_ = in(&frame, x, n_in), *y_ = out(&frame, y, n_out);
    void *jac_ = out(&frame, jac, n_in * n_out), *hess_ = out(&frame, hess, n_in * n_in * n_out);
    close_frame(&frame, calls->real == NET_F64
                            ? costate_net_hessian_f64(net, p_, x_, y_, jac_, hess_, frame.work, frame.work_bytes)
                            : costate_net_hessian_f32(net, p_, x_, y_, jac_, hess_, frame.work, frame.work_bytes));
}

static call_frame open_tiles(const net_calls *calls) {
    return open_frame(calls, calls->real == NET_F64 ? costate_net_batch_work_bytes_f64(calls->net)
                                                    : costate_net_batch_work_bytes_f32(calls->net));
}

static void forward_batch(call_frame frame, const double *p, size_t n, const double *x, double *y) {
    const net_calls *calls = frame.calls;
    const costate_net *net = calls->net;
    void *p_ = in(&frame, p, costate_net_n_param(net)), *x_ = in(&frame, x, n * costate_net_n_in(net));
    void *y_ = out(&frame, y, n * costate_net_n_out(net));
    close_frame(&frame, calls->real == NET_F64
                            ? costate_net_forward_batch_f64(net, p_, n, x_, y_, frame.work, frame.work_bytes)
                            : costate_net_forward_batch_f32(net, p_, n, x_, y_, frame.work, frame.work_bytes));
}

void call_forward_batch(const net_calls *calls, const double *p, size_t n, const double *x, double *y) {
    forward_batch(open_evaluation(calls), p, n, x, y);
}

void call_forward_tiles(const net_calls *calls, const double *p, size_t n, const double *x, double *y) {
    forward_batch(open_tiles(calls), p, n, x, y);
}

static void vjp_batch(call_frame frame, const double *p, size_t n, const double *x, const double *v, double scale,
                      double *xbar, double *pbar) {
    const net_calls *calls = frame.calls;
    const costate_net *net = calls->net;
    void *p_ = in(&frame, p, costate_net_n_param(net)), *x_ = in(&frame, x, n * costate_net_n_in(net));
    void *v_ = in(&frame, v, n * costate_net_n_out(net)), *xbar_ = out(&frame, xbar, n * costate_net_n_in(net));
    void *pbar_ = in_out(&frame, pbar, costate_net_n_param(net));
    close_frame(&frame, calls->real == NET_F64 ? costate_net_vjp_batch_f64(net, p_, n, x_, v_, scale, xbar_, pbar_,
                                                                           frame.work, frame.work_bytes)
                                               : costate_net_vjp_batch_f32(net, p_, n, x_, v_, (float)scale, xbar_,
                                                                           pbar_, frame.work, frame.work_bytes));
}

void call_vjp_batch(const net_calls *calls, const double *p, size_t n, const double *x, const double *v, double scale,
                    double *xbar, double *pbar) {
    vjp_batch(open_evaluation(calls), p, n, x, v, scale, xbar, pbar);
}

void call_vjp_tiles(const net_calls *calls, const double *p, size_t n, const double *x, const double *v, double scale,
                    double *xbar, double *pbar) {
    vjp_batch(open_tiles(calls), p, n, x, v, scale, xbar, pbar);
}
