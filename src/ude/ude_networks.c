/* SPDX-License-Identifier: MIT */
/* The networks of a UDE: their inputs, their outputs in a row, and the products with their Jacobians. */
#include "ude/ude_internal.h"

static void matrix_product(const csi_ude_net *net, const double *s, double *z) {
    const double *row = net->matrix;
    for (size_t i = 0; i < net->net->n_in; i++, row += net->n_input) {
        double sum = 0;
        for (size_t j = 0; j < net->n_input; j++) {
            sum += row[j] * s[j];
        }
        z[i] = sum;
    }
}

static void matrix_transposed_product(const csi_ude_net *net, const double *zbar, double *sbar) {
    const double *row = net->matrix;
    for (size_t j = 0; j < net->n_input; j++) {
        sbar[j] = 0;
    }
    for (size_t i = 0; i < net->net->n_in; i++, row += net->n_input) {
        for (size_t j = 0; j < net->n_input; j++) {
            sbar[j] += row[j] * zbar[i];
        }
    }
}

const double *csi_ude_input(const csi_ude_net *net, double t, const double *y, const double *theta, double *s,
                            double *z) {
    if (net->is_run) {
        return y + net->first;
    }
    const size_t n_known = net->n_state + net->n_theta;
    for (size_t k = 0; k < net->n_state; k++) {
        s[net->to[k]] = y[net->from[k]];
    }
    for (size_t k = net->n_state; k < n_known; k++) {
        s[net->to[k]] = theta[net->from[k]];
    }
    for (size_t k = n_known; k < net->n_input; k++) {
        s[net->to[k]] = t;
    }
    if (net->matrix == NULL) {
        return s;
    }
    matrix_product(net, s, z);
    return z;
}

const double *csi_ude_input_jvp(const csi_ude_net *net, const double *yu, const double *thetau, double *s, double *z) {
    const size_t n_known = net->n_state + net->n_theta;
    for (size_t k = 0; k < net->n_state; k++) {
        s[net->to[k]] = yu[net->from[k]];
    }
    for (size_t k = net->n_state; k < n_known; k++) {
        s[net->to[k]] = thetau != NULL ? thetau[net->from[k]] : 0;
    }
    for (size_t k = n_known; k < net->n_input; k++) {
        s[net->to[k]] = 0;
    }
    if (net->matrix == NULL) {
        return s;
    }
    matrix_product(net, s, z);
    return z;
}

void csi_ude_input_vjp(const csi_ude_net *net, const double *zbar, double scale, double *ybar, double *thetabar,
                       double *sbar) {
    if (net->matrix != NULL) {
        matrix_transposed_product(net, zbar, sbar);
        zbar = sbar;
    }
    for (size_t k = 0; ybar != NULL && k < net->n_state; k++) {
        ybar[net->from[k]] += zbar[net->to[k]];
    }
    for (size_t k = net->n_state; thetabar != NULL && k < net->n_state + net->n_theta; k++) {
        thetabar[net->from[k]] += scale * zbar[net->to[k]];
    }
}

void csi_ude_networks(const costate_ude *ude, double t, const double *y, const double *p, bool keep, double *kept,
                      double *work) {
    for (size_t k = 0; k < ude->n_net; k++) {
        const csi_ude_net *net = &ude->nets[k];
        const double *z = csi_ude_input(net, t, y, p, work + ude->layout.s, kept + net->kept_z);
        double *u = kept + ude->layout.kept_u + net->out;
        if (keep) {
            net->kernels->forward_keep(net->net, p + net->weights, z, u, kept + net->kept);
        } else {
            net->kernels->forward(net->net, p + net->weights, z, u, work + ude->layout.net);
        }
    }
}

void csi_ude_networks_vjp(const costate_ude *ude, double t, const double *y, const double *p, const double *ubar,
                          double scale, double *ybar, double *pbar, const double *kept, double *work) {
    for (size_t k = 0; k < ude->n_net; k++) {
        const csi_ude_net *net = &ude->nets[k];
        const double *z =
            net->matrix != NULL ? kept + net->kept_z : csi_ude_input(net, t, y, p, work + ude->layout.s, NULL);
        const bool has_input = (ybar != NULL && net->n_state > 0) || (pbar != NULL && net->n_theta > 0);
        double *zbar = has_input ? work + ude->layout.z_bar : NULL;
        if (zbar != NULL || pbar != NULL) {
            net->kernels->vjp_kept(net->net, p + net->weights, z, ubar + net->out, scale, zbar,
                                   pbar != NULL ? pbar + net->weights : NULL, kept + net->kept, work + ude->layout.net);
        }
        if (zbar != NULL) {
            csi_ude_input_vjp(net, zbar, scale, ybar, pbar, work + ude->layout.s_bar);
        }
    }
}

void csi_ude_networks_jvp(const costate_ude *ude, double t, const double *y, const double *p, const double *yu,
                          const double *up, double *uu, double *kept, double *work) {
    for (size_t k = 0; k < ude->n_net; k++) {
        const csi_ude_net *net = &ude->nets[k];
        const double *z = csi_ude_input(net, t, y, p, work + ude->layout.s, kept + net->kept_z);
        const double *zu = csi_ude_input_jvp(net, yu, up, work + ude->layout.s_bar, work + ude->layout.z_bar);
        net->kernels->jvp(net->net, p + net->weights, z, zu, up != NULL ? up + net->weights : NULL,
                          kept + ude->layout.kept_u + net->out, uu + net->out, work + ude->layout.net);
    }
}
