/* SPDX-License-Identifier: MIT */
/* The trained model as a file that other programs load. */
#include "interaction_file.h"

#include <stdio.h>
#include <stdlib.h>

static costate_status fill(costate_model *file, const populations *data, const search_result *best, const char *source,
                           costate_message *message) {
    static const char *const rates[N_RATE] = {"growth", "death"};
    static const char *const states[N_STATE] = {"prey", "predator"};
    interaction_network network;
    const costate_net_spec spec = interaction_network_spec(data, &network);
    char loss[32];
    snprintf(loss, sizeof(loss), "%.17g", best->loss);
    costate_status status = costate_model_set_net(file, "interaction", &spec, best->p + N_RATE, message);
    status = status ? status : costate_model_set_block(file, "rates", N_RATE, rates, best->p, message);
    status = status ? status : costate_model_set_block(file, "initial", N_STATE, states, best->initial, message);
    status = status ? status : costate_model_set_block(file, "noise", N_STATE, states, best->noise, message);
    status = status ? status : costate_model_set_states(file, N_STATE, states, message);
    status = status ? status
                    : costate_model_set_text(file, "equations",
                                             "prey' = growth prey + interaction_1(prey, predator), "
                                             "predator' = interaction_2(prey, predator) - death predator",
                                             message);
    status = status ? status : costate_model_set_text(file, "source", source, message);
    return status ? status : costate_model_set_text(file, "loss", loss, message);
}

/* Whether the network of the file gives the same numbers as that in memory, at the first datum. */
static bool same_network(const costate_model *file, const populations *data, const interaction_model *model,
                         const search_result *best) {
    costate_model_net loaded;
    double u[N_STATE];
    double v[N_STATE];
    const size_t n_byte = costate_net_work_bytes_f64(model->net);
    void *work = malloc(n_byte);
    const bool same = work && costate_model_find_net(file, "interaction", &loaded) == COSTATE_OK &&
                      costate_net_forward_f64(model->net, best->p + N_RATE, data->y, u, work, n_byte) == COSTATE_OK &&
                      costate_net_forward_f64(loaded.net, loaded.p, data->y, v, work, n_byte) == COSTATE_OK &&
                      u[PREY] == v[PREY] && u[PREDATOR] == v[PREDATOR];
    free(work);
    return same;
}

bool interaction_file_save(const char *path, const populations *data, const interaction_model *model,
                           const search_result *best, const char *source) {
    costate_model *file = NULL;
    costate_model *loaded = NULL;
    costate_message message = {.text = "no memory"};
    costate_status status = costate_model_create(NULL, &file);
    status = status ? status : fill(file, data, best, source, &message);
    status = status ? status : costate_model_save(file, path, &message);
    status = status ? status : costate_model_load(path, NULL, &loaded, &message);
    if (status == COSTATE_OK && !same_network(loaded, data, model, best)) {
        snprintf(message.text, sizeof(message.text), "%s: the network differs from the one that was saved", path);
        status = COSTATE_ERR_MISMATCH;
    }
    if (status != COSTATE_OK) {
        fprintf(stderr, "lotka_volterra_ude: --model: %s\n", message.text);
    }
    costate_model_destroy(loaded);
    costate_model_destroy(file);
    return status == COSTATE_OK;
}
