/* SPDX-License-Identifier: MIT */
/* A UDE for COSTATE_LANES trajectories at once: the networks in lanes, form and mechanism lane by lane. */
#include "core/memory.h"
#include "ude/ude_internal.h"

#include <stdint.h>
#include <string.h>

static double *lanes_at(void *work, size_t offset) { return (double *)work + offset; }

static void gather(size_t n, size_t lane, const double *from, double *to) {
    for (size_t i = 0; i < n; i++) {
        to[i] = from[i * COSTATE_LANES + lane];
    }
}

static void scatter(size_t n, size_t lane, const double *from, double *to) {
    for (size_t i = 0; i < n; i++) {
        to[i * COSTATE_LANES + lane] = from[i];
    }
}

static void copy_lanes(const double *from, double *to) { memcpy(to, from, COSTATE_LANES * sizeof *to); }

static void add_lanes(double factor, const double *from, double *to) {
    for (size_t l = 0; l < COSTATE_LANES; l++) {
        to[l] += factor * from[l];
    }
}

/* z of all lanes; may answer with a place in y. */
static const double *input_lanes(const csi_ude_net *net, const double *t, const double *y, const double *theta,
                                 double *s, double *z) {
    if (net->is_run) {
        return y + net->first * COSTATE_LANES;
    }
    const size_t n_known = net->n_state + net->n_theta;
    for (size_t k = 0; k < net->n_input; k++) {
        const double *from = k < net->n_state ? y : theta;
        copy_lanes(k < n_known ? from + net->from[k] * COSTATE_LANES : t, s + net->to[k] * COSTATE_LANES);
    }
    if (net->matrix == NULL) {
        return s;
    }
    const size_t n_in = net->net->n_in;
    memset(z, 0, n_in * COSTATE_LANES * sizeof *z);
    for (size_t i = 0; i < n_in; i++) {
        for (size_t j = 0; j < net->n_input; j++) {
            add_lanes(net->matrix[i * net->n_input + j], s + j * COSTATE_LANES, z + i * COSTATE_LANES);
        }
    }
    return z;
}

/* Adds what zbar means for ybar and, unless NULL, for thetabar. */
static void input_vjp_lanes(const csi_ude_net *net, const double *zbar, double *ybar, double *thetabar, double *sbar) {
    if (net->matrix != NULL) {
        memset(sbar, 0, net->n_input * COSTATE_LANES * sizeof *sbar);
        for (size_t i = 0; i < net->net->n_in; i++) {
            for (size_t j = 0; j < net->n_input; j++) {
                add_lanes(net->matrix[i * net->n_input + j], zbar + i * COSTATE_LANES, sbar + j * COSTATE_LANES);
            }
        }
        zbar = sbar;
    }
    const size_t n_known = net->n_state + (thetabar != NULL ? net->n_theta : 0);
    for (size_t k = 0; k < n_known; k++) {
        double *to = k < net->n_state ? ybar : thetabar;
        add_lanes(1, zbar + net->to[k] * COSTATE_LANES, to + net->from[k] * COSTATE_LANES);
    }
}

static const double *net_input_lanes(const costate_ude *ude, const csi_ude_net *net, const double *t, const double *y,
                                     const double *p, void *work) {
    return input_lanes(net, t, y, p, lanes_at(work, ude->lanes.s), lanes_at(work, ude->lanes.z));
}

static void networks_lanes(const costate_ude *ude, const double *t, const double *y, const double *p, void *work) {
    for (size_t k = 0; k < ude->n_net; k++) {
        const csi_ude_net *net = &ude->nets[k];
        const double *z = net_input_lanes(ude, net, t, y, p, work);
        net->net->kernels->lanes->forward(net->net, p + net->weights * COSTATE_LANES, z,
                                          lanes_at(work, ude->lanes.u + net->out * COSTATE_LANES),
                                          lanes_at(work, ude->lanes.net));
    }
}

static void networks_vjp_lanes(const costate_ude *ude, const double *t, const double *y, const double *p, double *ybar,
                               double *pbar, void *work) {
    double *zbar = lanes_at(work, ude->lanes.z_bar);
    for (size_t k = 0; k < ude->n_net; k++) {
        const csi_ude_net *net = &ude->nets[k];
        const double *z = net_input_lanes(ude, net, t, y, p, work);
        const size_t weights = net->weights * COSTATE_LANES;
        net->net->kernels->lanes->vjp(net->net, p + weights, z,
                                      lanes_at(work, ude->lanes.u_bar + net->out * COSTATE_LANES), zbar,
                                      pbar != NULL ? pbar + weights : NULL, lanes_at(work, ude->lanes.net));
        input_vjp_lanes(net, zbar, ybar, pbar, lanes_at(work, ude->lanes.s_bar));
    }
}

/* One lane's state, parameters and u, apart, and what the form prepares; *answer is the form's. */
static csi_form_point lane_point(const costate_ude *ude, size_t lane, const double *t, const double *y, const double *p,
                                 void *work, int *answer) {
    const csi_ude_lanes *lanes = &ude->lanes;
    double *one_y = lanes_at(work, lanes->one_y), *theta = lanes_at(work, lanes->one_theta);
    double *u = lanes_at(work, lanes->one_u), *form = lanes_at(work, lanes->one_form);
    gather(ude->mechanism.given.n_y, lane, y, one_y);
    gather(ude->mechanism.given.n_theta, lane, p, theta);
    gather(ude->n_u, lane, lanes_at(work, lanes->u), u);
    const csi_form_point at = {.t = t[lane],
                               .y = one_y,
                               .theta = theta,
                               .u = u,
                               .form = form,
                               .scratch = lanes_at(work, lanes->form_scratch),
                               .mechanism = lanes_at(work, lanes->mechanism)};
    *answer = ude->calls->prepare == NULL ? COSTATE_ANSWER_OK : ude->calls->prepare(ude, &at, form);
    return at;
}

static int ude_f_lanes(const double *t, const double *y, const double *p, double *dydt, void *work, void *ctx) {
    const costate_ude *ude = ctx;
    double *one = lanes_at(work, ude->lanes.one_out);
    int answer = COSTATE_ANSWER_OK;
    networks_lanes(ude, t, y, p, work);
    for (size_t l = 0; l < COSTATE_LANES && answer == COSTATE_ANSWER_OK; l++) {
        const csi_form_point at = lane_point(ude, l, t, y, p, work, &answer);
        if (answer == COSTATE_ANSWER_OK) {
            answer = ude->calls->f(ude, &at, one);
            scatter(ude->mechanism.given.n_y, l, one, dydt);
        }
    }
    return answer;
}

/* The form's VJP of one lane: ybar and u's cotangent overwritten, added to pbar unless NULL. */
static int form_vjp_lane(const costate_ude *ude, size_t lane, const csi_form_point *at, const double *v, double *ybar,
                         double *pbar, void *work) {
    const csi_ude_lanes *lanes = &ude->lanes;
    const size_t n_y = ude->mechanism.given.n_y, n_theta = ude->mechanism.given.n_theta;
    double *one_v = lanes_at(work, lanes->one_v), *one_ybar = lanes_at(work, lanes->one_out);
    double *thetabar = pbar != NULL ? lanes_at(work, lanes->one_theta_bar) : NULL;
    double *ubar = lanes_at(work, lanes->one_u_bar);
    gather(n_y, lane, v, one_v);
    for (size_t k = 0; thetabar != NULL && k < n_theta; k++) {
        thetabar[k] = 0;
    }
    const int answer = ude->calls->vjp(ude, at, one_v, 1, one_ybar, thetabar, ubar);
    scatter(n_y, lane, one_ybar, ybar);
    scatter(ude->n_u, lane, ubar, lanes_at(work, lanes->u_bar));
    for (size_t k = 0; thetabar != NULL && k < n_theta; k++) {
        pbar[k * COSTATE_LANES + lane] += thetabar[k];
    }
    return answer;
}

static int ude_vjp_lanes(const double *t, const double *y, const double *p, const double *v, double *ybar, double *pbar,
                         void *work, void *ctx) {
    const costate_ude *ude = ctx;
    int answer = COSTATE_ANSWER_OK;
    if (ude->calls->vjp_takes_u) {
        networks_lanes(ude, t, y, p, work);
    }
    for (size_t l = 0; l < COSTATE_LANES && answer == COSTATE_ANSWER_OK; l++) {
        const csi_form_point at = lane_point(ude, l, t, y, p, work, &answer);
        if (answer == COSTATE_ANSWER_OK) {
            answer = form_vjp_lane(ude, l, &at, v, ybar, pbar, work);
        }
    }
    if (answer == COSTATE_ANSWER_OK) {
        networks_vjp_lanes(ude, t, y, p, ybar, pbar, work);
    }
    return answer;
}

/* n elements for all lanes. */
static bool reserve_lanes(size_t n, size_t *total, size_t *offset) {
    size_t n_lanes;
    return csi_size_mul(n, COSTATE_LANES, &n_lanes) && csi_ude_reserve(n_lanes, total, offset);
}

static size_t larger(size_t a, size_t b) { return a > b ? a : b; }

bool csi_ude_plan_lanes(costate_ude *ude, size_t n_mechanism) {
    csi_ude_lanes *lanes = &ude->lanes;
    const size_t n_y = ude->mechanism.given.n_y, n_theta = ude->mechanism.given.n_theta;
    size_t n_net = 0, n_s = 0, n_z = 0, *total = &lanes->n_work;
    for (size_t k = 0; k < ude->n_net; k++) {
        const csi_ude_net *net = &ude->nets[k];
        n_net = larger(n_net, net->net->vectors[CSI_LANES].n_work);
        n_s = larger(n_s, net->n_input);
        n_z = larger(n_z, net->net->n_in);
    }
    return reserve_lanes(n_net, total, &lanes->net) && reserve_lanes(n_s, total, &lanes->s) &&
           reserve_lanes(n_s, total, &lanes->s_bar) && reserve_lanes(n_z, total, &lanes->z) &&
           reserve_lanes(n_z, total, &lanes->z_bar) && reserve_lanes(ude->n_u, total, &lanes->u) &&
           reserve_lanes(ude->n_u, total, &lanes->u_bar) && csi_ude_reserve(n_y, total, &lanes->one_y) &&
           csi_ude_reserve(n_y, total, &lanes->one_v) && csi_ude_reserve(n_y, total, &lanes->one_out) &&
           csi_ude_reserve(n_theta, total, &lanes->one_theta) &&
           csi_ude_reserve(n_theta, total, &lanes->one_theta_bar) && csi_ude_reserve(ude->n_u, total, &lanes->one_u) &&
           csi_ude_reserve(ude->n_u, total, &lanes->one_u_bar) &&
           csi_ude_reserve(csi_form_kept(ude), total, &lanes->one_form) &&
           csi_ude_reserve(csi_form_scratch(ude), total, &lanes->form_scratch) &&
           csi_ude_reserve(n_mechanism, total, &lanes->mechanism);
}

void csi_ude_set_lanes(const costate_ude *ude, costate_rhs *rhs) {
    rhs->lanes_work_bytes = ude->lanes.n_work * sizeof(double);
    rhs->f_lanes = ude_f_lanes;
    rhs->vjp_lanes = ude_vjp_lanes;
}
