/* SPDX-License-Identifier: MIT */
/* A network as a right-hand side, autonomous or with time as its last input. */
#include <costate/net.h>
#include "nn/kernels/kernels.h"
#include <stdint.h>
#include <string.h>

/*
 * A solver's arguments are known to be good, so the callbacks call the kernels themselves. The solver's scratch starts with the network's
 * workspace; with time, the network's input and a vector in its shape follow.
 */
static const csi_kernels_f64 *kernels(const costate_net *net) { return net->kernels->f64; }

static double *timed_vector(const costate_net *net, void *work, size_t k) {
    return (double *)work + net->vectors[CSI_F64].n_work + k * csi_pad(net->n_in, CSI_F64);
}

/* (y, t) */
static const double *timed_input(const costate_net *net, double t, const double *y, void *work) {
    double *input = timed_vector(net, work, 0);
    for (size_t i = 0; i < net->n_out; i++) {
        input[i] = y[i];
    }
    input[net->n_out] = t;
    return input;
}

static int autonomous_f(double t, const double *y, const double *p, double *dydt, void *work, void *ctx) {
    (void)t;
    kernels(ctx)->forward(ctx, p, y, dydt, work);
    return COSTATE_ANSWER_OK;
}

static int autonomous_f_keep(double t, const double *y, const double *p, double *dydt, void *kept, void *work,
                             void *ctx) {
    (void)t;
    (void)work;
    kernels(ctx)->forward_keep(ctx, p, y, dydt, kept);
    return COSTATE_ANSWER_OK;
}

static int autonomous_vjp(double t, const double *y, const double *p, const double *v, double scale, double *ybar,
                          double *pbar, void *work, void *ctx) {
    (void)t;
    if (ybar != NULL || pbar != NULL) {
        kernels(ctx)->vjp(ctx, p, y, v, scale, ybar, pbar, work);
    }
    return COSTATE_ANSWER_OK;
}

static int autonomous_vjp_kept(double t, const double *y, const double *p, const double *v, double scale, double *ybar,
                               double *pbar, const void *kept, void *work, void *ctx) {
    (void)t;
    if (ybar != NULL || pbar != NULL) {
        kernels(ctx)->vjp_kept(ctx, p, y, v, scale, ybar, pbar, kept, work);
    }
    return COSTATE_ANSWER_OK;
}

static int autonomous_jvp(double t, const double *y, const double *p, const double *u, const double *up, double *ju,
                          void *work, void *ctx) {
    (void)t;
    kernels(ctx)->jvp(ctx, p, y, u, up, NULL, ju, work);
    return COSTATE_ANSWER_OK;
}

static int autonomous_jac(double t, const double *y, const double *p, double *jac, void *work, void *ctx) {
    (void)t;
    kernels(ctx)->jacobian(ctx, p, y, NULL, jac, work);
    return COSTATE_ANSWER_OK;
}

static int timed_f(double t, const double *y, const double *p, double *dydt, void *work, void *ctx) {
    kernels(ctx)->forward(ctx, p, timed_input(ctx, t, y, work), dydt, work);
    return COSTATE_ANSWER_OK;
}

static int timed_f_keep(double t, const double *y, const double *p, double *dydt, void *kept, void *work, void *ctx) {
    kernels(ctx)->forward_keep(ctx, p, timed_input(ctx, t, y, work), dydt, kept);
    return COSTATE_ANSWER_OK;
}

/* ybar is what the network's input has of states. */
static void drop_time(const costate_net *net, const double *xbar, double *ybar) {
    for (size_t i = 0; ybar != NULL && i < net->n_out; i++) {
        ybar[i] = xbar[i];
    }
}

static int timed_vjp(double t, const double *y, const double *p, const double *v, double scale, double *ybar,
                     double *pbar, void *work, void *ctx) {
    double *xbar = ybar == NULL ? NULL : timed_vector(ctx, work, 1);
    if (ybar != NULL || pbar != NULL) {
        kernels(ctx)->vjp(ctx, p, timed_input(ctx, t, y, work), v, scale, xbar, pbar, work);
    }
    drop_time(ctx, xbar, ybar);
    return COSTATE_ANSWER_OK;
}

static int timed_vjp_kept(double t, const double *y, const double *p, const double *v, double scale, double *ybar,
                          double *pbar, const void *kept, void *work, void *ctx) {
    double *xbar = ybar == NULL ? NULL : timed_vector(ctx, work, 1);
    if (ybar != NULL || pbar != NULL) {
        kernels(ctx)->vjp_kept(ctx, p, timed_input(ctx, t, y, work), v, scale, xbar, pbar, kept, work);
    }
    drop_time(ctx, xbar, ybar);
    return COSTATE_ANSWER_OK;
}

static int timed_jvp(double t, const double *y, const double *p, const double *u, const double *up, double *ju,
                     void *work, void *ctx) {
    const costate_net *net = ctx;
    double *tangent = timed_vector(net, work, 1);
    memcpy(tangent, u, net->n_out * sizeof *u);
    tangent[net->n_out] = 0;
    kernels(net)->jvp(net, p, timed_input(net, t, y, work), tangent, up, NULL, ju, work);
    return COSTATE_ANSWER_OK;
}

/* One tangent per state, so that the column of the time input is never built. */
static int timed_jac(double t, const double *y, const double *p, double *jac, void *work, void *ctx) {
    const costate_net *net = ctx;
    const double *input = timed_input(net, t, y, work);
    double *tangent = timed_vector(net, work, 1);
    const size_t n = net->n_out;
    for (size_t j = 0; j < n; j++) {
        for (size_t i = 0; i <= n; i++) {
            tangent[i] = i == j ? 1 : 0;
        }
        kernels(net)->jvp(net, p, input, tangent, NULL, NULL, jac + j * n, work);
    }
    return COSTATE_ANSWER_OK;
}

static int autonomous_f_lanes(const double *t, const double *y, const double *p, double *dydt, void *work, void *ctx) {
    const costate_net *net = ctx;
    (void)t;
    net->kernels->lanes->forward(net, p, y, dydt, work);
    return COSTATE_ANSWER_OK;
}

static int autonomous_vjp_lanes(const double *t, const double *y, const double *p, const double *v, double *ybar,
                                double *pbar, void *work, void *ctx) {
    const costate_net *net = ctx;
    (void)t;
    net->kernels->lanes->vjp(net, p, y, v, ybar, pbar, work);
    return COSTATE_ANSWER_OK;
}

/* A vector of n_in elements of every lane, behind the network's workspace. */
static double *timed_lanes(const costate_net *net, void *work, size_t k) {
    return (double *)work + (net->vectors[CSI_LANES].n_work + k * net->n_in) * COSTATE_LANES;
}

static const double *timed_lanes_input(const costate_net *net, const double *t, const double *y, void *work) {
    double *input = timed_lanes(net, work, 0);
    memcpy(input, y, net->n_out * COSTATE_LANES * sizeof *y);
    memcpy(input + net->n_out * COSTATE_LANES, t, COSTATE_LANES * sizeof *t);
    return input;
}

static int timed_f_lanes(const double *t, const double *y, const double *p, double *dydt, void *work, void *ctx) {
    const costate_net *net = ctx;
    net->kernels->lanes->forward(net, p, timed_lanes_input(net, t, y, work), dydt, work);
    return COSTATE_ANSWER_OK;
}

static int timed_vjp_lanes(const double *t, const double *y, const double *p, const double *v, double *ybar,
                           double *pbar, void *work, void *ctx) {
    const costate_net *net = ctx;
    double *xbar = timed_lanes(net, work, 1);
    net->kernels->lanes->vjp(net, p, timed_lanes_input(net, t, y, work), v, xbar, pbar, work);
    memcpy(ybar, xbar, net->n_out * COSTATE_LANES * sizeof *ybar);
    return COSTATE_ANSWER_OK;
}

static void set_lanes(const costate_net *net, costate_rhs *rhs) {
    const bool timed = net->n_in > net->n_out;
    const size_t n = net->vectors[CSI_LANES].n_work + (timed ? 2 * net->n_in : 0);
    if (n <= SIZE_MAX / sizeof(double) / COSTATE_LANES) {
        rhs->lanes_work_bytes = n * COSTATE_LANES * sizeof(double);
        rhs->f_lanes = timed ? timed_f_lanes : autonomous_f_lanes;
        rhs->vjp_lanes = timed ? timed_vjp_lanes : autonomous_vjp_lanes;
    }
}

costate_status costate_net_rhs(const costate_net *net, costate_rhs *rhs) {
    if (net == NULL || rhs == NULL) {
        return COSTATE_ERR_NULL;
    }
    if (net->n_in != net->n_out && net->n_in != net->n_out + 1) {
        return COSTATE_ERR_SIZE;
    }
    const csi_vectors *vectors = &net->vectors[CSI_F64];
    *rhs = (costate_rhs){.n_y = net->n_out, .n_p = net->n_param, .kept_bytes = vectors->n_kept * sizeof(double)};
    rhs->ctx = (void *)(uintptr_t)net; /* never written through: the callbacks take it as const */
    if (net->n_in == net->n_out) {
        rhs->work_bytes = vectors->n_work * sizeof(double);
        rhs->f = autonomous_f;
        rhs->vjp = autonomous_vjp;
        rhs->jvp = autonomous_jvp;
        rhs->jac = autonomous_jac;
    } else {
        rhs->work_bytes = (vectors->n_work + 2 * csi_pad(net->n_in, CSI_F64)) * sizeof(double);
        rhs->f = timed_f;
        rhs->vjp = timed_vjp;
        rhs->jvp = timed_jvp;
        rhs->jac = timed_jac;
    }
    if (rhs->kept_bytes > 0) {
        rhs->f_keep = net->n_in == net->n_out ? autonomous_f_keep : timed_f_keep;
        rhs->vjp_kept = net->n_in == net->n_out ? autonomous_vjp_kept : timed_vjp_kept;
    }
    set_lanes(net, rhs);
    return COSTATE_OK;
}
