/* SPDX-License-Identifier: MIT */
/* The network that takes the place of the reaction's rates. */
#include "rober_network.h"

enum { N_HIDDEN = 6, WIDTH = 5 };

double rober_network_rate(const rober_data *data, size_t k) { return data->scale[k] / ROBER_T_END; }

costate_status rober_network_create(const rober_data *data, costate_net **net, costate_rhs *rhs) {
    costate_layer_spec layers[N_HIDDEN + 1];
    double in_scale[ROBER_N_Y];
    double out_scale[ROBER_N_Y];
    for (size_t l = 0; l < N_HIDDEN; l++) {
        layers[l] = (costate_layer_spec){.n_out = WIDTH, .act = COSTATE_ACT_GELU};
    }
    layers[N_HIDDEN] = (costate_layer_spec){.n_out = ROBER_N_Y, .act = COSTATE_ACT_IDENTITY};
    for (size_t k = 0; k < ROBER_N_Y; k++) {
        in_scale[k] = 1.0 / data->scale[k];
        out_scale[k] = rober_network_rate(data, k);
    }
    const costate_net_spec spec = {
        .n_in = ROBER_N_Y, .n_layer = N_HIDDEN + 1, .layers = layers, .in_scale = in_scale, .out_scale = out_scale};
    const costate_status status = costate_net_create(&spec, NULL, net);
    return status == COSTATE_OK ? costate_net_rhs(*net, rhs) : status;
}
