/* SPDX-License-Identifier: MIT */
/* The mechanism, its VJP, and the network that completes it. */
#include "elimination_ude.h"

enum { depot, central, peripheral, n_y };
enum { ka, k12, k21, n_theta };

static int flow(double t, const double *y, const double *theta, const double *u, double *dydt, void *ctx) {
    (void)t, (void)u, (void)ctx;
    dydt[depot] = -theta[ka] * y[depot];
    dydt[central] = theta[ka] * y[depot] - theta[k12] * y[central] + theta[k21] * y[peripheral];
    dydt[peripheral] = theta[k12] * y[central] - theta[k21] * y[peripheral];
    return COSTATE_ANSWER_OK;
}

static int flow_vjp(double t, const double *y, const double *theta, const double *u, const double *v, double scale,
                    double *ybar, double *thetabar, double *ubar, void *ctx) {
    (void)t, (void)u, (void)ubar, (void)ctx;
    if (ybar != NULL) {
        ybar[depot] = theta[ka] * (v[central] - v[depot]);
        ybar[central] = theta[k12] * (v[peripheral] - v[central]);
        ybar[peripheral] = theta[k21] * (v[central] - v[peripheral]);
    }
    if (thetabar != NULL) {
        thetabar[ka] += scale * (v[central] - v[depot]) * y[depot];
        thetabar[k12] += scale * (v[peripheral] - v[central]) * y[central];
        thetabar[k21] += scale * (v[central] - v[peripheral]) * y[peripheral];
    }
    return COSTATE_ANSWER_OK;
}

costate_status elimination_create(struct elimination *model) {
    static const costate_layer_spec layers[] = {{.n_out = 5, .act = COSTATE_ACT_TANH}, {.n_out = 1}};
    static const double in_scale[] = {0.2};
    static const costate_net_spec net_spec = {.n_in = 1, .n_layer = 2, .layers = layers, .in_scale = in_scale};
    static const costate_ude_input seen[] = {{.source = COSTATE_UDE_STATE, .index = central}};
    static const size_t reduced[] = {central};
    static const char *const name[] = {"ka", "k12", "k21"};

    *model = (struct elimination){0};
    costate_status status = costate_net_create(&net_spec, NULL, &model->net);
    if (status == COSTATE_OK) {
        const costate_ude_net nets[] = {{.net = model->net, .n_input = 1, .inputs = seen}};
        const costate_ude_spec spec = {.mechanism = {.n_y = n_y, .n_theta = n_theta, .f = flow, .vjp = flow_vjp},
                                       .form = COSTATE_UDE_POSITIVE,
                                       .n_net = 1,
                                       .nets = nets,
                                       .index = reduced,
                                       .theta_name = name};
        status = costate_ude_create(&spec, NULL, &model->ude);
    }
    if (status == COSTATE_OK) {
        status = costate_ude_rhs(model->ude, &model->rhs);
    }
    if (status != COSTATE_OK) {
        elimination_destroy(model);
    }
    return status;
}

void elimination_destroy(struct elimination *model) {
    costate_ude_destroy(model->ude);
    costate_net_destroy(model->net);
    *model = (struct elimination){0};
}
