/* SPDX-License-Identifier: MIT */
/* The universal differential equation: growth and death are known, what the populations do to each other is a network. */
#include "interaction_model.h"

enum { N_LAYER = 4, WIDTH = 5 };

static int growth_and_death(double t, const double *y, const double *theta, const double *u, double *dydt, void *ctx) {
    (void)t, (void)u, (void)ctx;
    dydt[PREY] = theta[GROWTH] * y[PREY];
    dydt[PREDATOR] = -theta[DEATH] * y[PREDATOR];
    return COSTATE_ANSWER_OK;
}

static int growth_and_death_vjp(double t, const double *y, const double *theta, const double *u, const double *v,
                                double scale, double *ybar, double *thetabar, double *ubar, void *ctx) {
    (void)t, (void)u, (void)ubar, (void)ctx;
    if (ybar) {
        ybar[PREY] = theta[GROWTH] * v[PREY];
        ybar[PREDATOR] = -theta[DEATH] * v[PREDATOR];
    }
    if (thetabar) {
        thetabar[GROWTH] += scale * v[PREY] * y[PREY];
        thetabar[DEATH] -= scale * v[PREDATOR] * y[PREDATOR];
    }
    return COSTATE_ANSWER_OK;
}

costate_net_spec interaction_network_spec(const populations *data, interaction_network *network) {
    for (size_t l = 0; l + 1 < N_LAYER; l++) {
        network->layers[l] = (costate_layer_spec){.n_out = WIDTH, .act = COSTATE_ACT_GAUSSIAN};
    }
    network->layers[N_LAYER - 1] = (costate_layer_spec){.n_out = N_STATE, .act = COSTATE_ACT_IDENTITY};
    for (size_t k = 0; k < N_STATE; k++) {
        network->in_scale[k] = 1.0 / data->largest_of[k];
        network->out_scale[k] = data->slope[k];
    }
    return (costate_net_spec){.n_in = N_STATE,
                              .n_layer = N_LAYER,
                              .layers = network->layers,
                              .in_scale = network->in_scale,
                              .out_scale = network->out_scale};
}

costate_status interaction_model_create(const populations *data, interaction_model *model) {
    static const costate_ude_input inputs[] = {{.source = COSTATE_UDE_STATE, .index = PREY},
                                               {.source = COSTATE_UDE_STATE, .index = PREDATOR}};
    static const double identity[N_STATE * N_STATE] = {1.0, 0.0, 0.0, 1.0};
    static const char *const names[N_RATE] = {"growth", "death"};
    interaction_network network;
    const costate_net_spec net = interaction_network_spec(data, &network);
    *model = (interaction_model){0};
    costate_status status = costate_net_create(&net, NULL, &model->net);
    const costate_ude_net learned = {.net = model->net, .n_input = N_STATE, .inputs = inputs};
    const costate_ude_spec spec = {
        .mechanism = {.n_y = N_STATE, .n_theta = N_RATE, .f = growth_and_death, .vjp = growth_and_death_vjp},
        .form = COSTATE_UDE_ADDITIVE,
        .n_net = 1,
        .nets = &learned,
        .matrix = identity,
        .theta_name = names};
    status = status ? status : costate_ude_create(&spec, NULL, &model->ude);
    return status ? status : costate_ude_rhs(model->ude, &model->rhs);
}

void interaction_model_destroy(interaction_model *model) {
    costate_ude_destroy(model->ude);
    costate_net_destroy(model->net);
}
