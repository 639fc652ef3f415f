/* SPDX-License-Identifier: MIT */
/* A network as a right-hand side, autonomous or with time as its last input. */
#include <costate/net.h>
#include <stdint.h>
#include <string.h>
#include "nn/net_plan.h"

/*
 * The solver's scratch holds one vector with room for a time input, then the network's workspace. Every call is correct for an autonomous
 * network too; `input` then is y itself.
 */
typedef struct call {
    const costate_net *net;
    const double *input;
    double *vector; /* n_in elements */
    void *work;
    size_t work_bytes;
} call;

static call begin(const void *ctx, double t, const double *y, void *work) {
    const costate_net *net = ctx;
    double *input = work, *vector = input + csi_pad(net->n_in);
    call c = {.net = net, .input = y, .vector = vector, .work = vector + csi_pad(net->n_in)};
    c.work_bytes = costate_net_work_bytes_f64(net);
    if (net->n_in > net->n_out) {
        memcpy(input, y, net->n_out * sizeof *y);
        input[net->n_out] = t;
        c.input = input;
    }
    return c;
}

static int answer(costate_status status) { return status == COSTATE_OK ? COSTATE_ANSWER_OK : COSTATE_ANSWER_FAIL; }

static int rhs_f(double t, const double *y, const double *p, double *dydt, void *work, void *ctx) {
    const call c = begin(ctx, t, y, work);
    return answer(costate_net_forward_f64(c.net, p, c.input, dydt, c.work, c.work_bytes));
}

static int rhs_vjp(double t, const double *y, const double *p, const double *v, double scale, double *ybar,
                   double *pbar, void *work, void *ctx) {
    const call c = begin(ctx, t, y, work);
    const bool timed = c.net->n_in > c.net->n_out;
    double *xbar = ybar == NULL || !timed ? ybar : c.vector;
    const costate_status status = costate_net_vjp_f64(c.net, p, c.input, v, scale, xbar, pbar, c.work, c.work_bytes);
    if (timed && ybar != NULL && status == COSTATE_OK) {
        memcpy(ybar, xbar, c.net->n_out * sizeof *ybar);
    }
    return answer(status);
}

static int rhs_jvp(double t, const double *y, const double *p, const double *u, const double *up, double *ju,
                   void *work, void *ctx) {
    const call c = begin(ctx, t, y, work);
    const double *tangent = u;
    if (c.net->n_in > c.net->n_out) {
        memcpy(c.vector, u, c.net->n_out * sizeof *u);
        c.vector[c.net->n_out] = 0;
        tangent = c.vector;
    }
    return answer(costate_net_jvp_f64(c.net, p, c.input, tangent, up, NULL, ju, c.work, c.work_bytes));
}

/* With time, one tangent per state, so that the column of the time input is never built. */
static int rhs_jac(double t, const double *y, const double *p, double *jac, void *work, void *ctx) {
    const call c = begin(ctx, t, y, work);
    if (c.net->n_in == c.net->n_out) {
        return answer(costate_net_jacobian_f64(c.net, p, c.input, NULL, jac, c.work, c.work_bytes));
    }
    const size_t n = c.net->n_out;
    for (size_t j = 0; j < n; j++) {
        for (size_t i = 0; i <= n; i++) {
            c.vector[i] = i == j ? 1 : 0;
        }
        const costate_status status =
            costate_net_jvp_f64(c.net, p, c.input, c.vector, NULL, NULL, jac + j * n, c.work, c.work_bytes);
        if (status != COSTATE_OK) {
            return COSTATE_ANSWER_FAIL;
        }
    }
    return COSTATE_ANSWER_OK;
}

costate_status costate_net_rhs(const costate_net *net, costate_rhs *rhs) {
    if (net == NULL || rhs == NULL) {
        return COSTATE_ERR_NULL;
    }
    if (net->n_in != net->n_out && net->n_in != net->n_out + 1) {
        return COSTATE_ERR_SIZE;
    }
    *rhs = (costate_rhs){
        .n_y = net->n_out,
        .n_p = net->n_param,
        .work_bytes = 2 * csi_pad(net->n_in) * sizeof(double) + costate_net_work_bytes_f64(net),
        .f = rhs_f,
        .vjp = rhs_vjp,
        .jvp = rhs_jvp,
        .jac = rhs_jac,
    };
    rhs->ctx = (void *)(uintptr_t)net; /* never written through: the callbacks take it as const */
    return COSTATE_OK;
}
