/* SPDX-License-Identifier: MIT */
/* A model with everything that a model can have. */
#include "model_fixture.h"

#include <costate/random.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static costate_status set_nets(costate_model *model) {
    enum { N_IN = 3, N_OUT = 4, N_PARAM = 3 * 5 + 5 + 5 * 2 + 2 * 4 + 4 };
    static const costate_layer_spec layers[] = {{.n_out = 5, .act = COSTATE_ACT_TANH},
                                                {.n_out = 2, .act = COSTATE_ACT_SOFTPLUS, .no_bias = true},
                                                {.n_out = N_OUT, .act = COSTATE_ACT_IDENTITY}};
    static const double in[2][N_IN] = {{0.1, -2.0, 1e-300}, {-0.0, 1.0 / 3.0, 5e-324}};
    static const double out[2][N_OUT] = {{1.0, 2.0, 3.0, -4.0}, {1e300, 0.7, 0.1, 0.2}};
    static const costate_layer_spec plain_layer = {.n_out = 1};
    static const double plain_p[] = {0.1, -0.0};
    const costate_net_spec spec = {.n_in = N_IN,
                                   .n_layer = 3,
                                   .layers = layers,
                                   .input_act = COSTATE_ACT_CUBE,
                                   .in_scale = in[0],
                                   .in_shift = in[1],
                                   .out_scale = out[0],
                                   .out_shift = out[1],
                                   .accuracy = COSTATE_ACCURACY_ACCURATE};
    const costate_net_spec plain = {.n_in = 1, .n_layer = 1, .layers = &plain_layer};
    costate_random random = costate_random_seed(7, 0);
    double p[N_PARAM];
    for (size_t k = 0; k < N_PARAM; k++) {
        p[k] = costate_random_normal(&random);
    }
    const costate_status status = costate_model_set_net(model, "net0", &spec, p, NULL);
    return status == COSTATE_OK ? costate_model_set_net(model, "n", &plain, plain_p, NULL) : status;
}

static costate_status set_others(costate_model *model) {
    static const char *const names[] = {"k_a", "V/F", "\xCE\xB8 \"3\""};
    static const double theta[] = {1.0 / 3.0, -1e-17, 2.5};
    static const double other[] = {-0.0};
    static const char *const states[] = {"hare", "lynx"};
    costate_status status = costate_model_set_block(model, "theta", 3, names, theta, NULL);
    status = status == COSTATE_OK ? costate_model_set_block(model, "other", 1, NULL, other, NULL) : status;
    status = status == COSTATE_OK ? costate_model_set_states(model, 2, states, NULL) : status;
    status = status == COSTATE_OK ? costate_model_set_text(model, "data", "hudson-bay-lynx-hare.csv", NULL) : status;
    status = status == COSTATE_OK ? costate_model_set_text(model, "seed", "1", NULL) : status;
    return status == COSTATE_OK ? costate_model_set_text(model, "note", "two\n\"lines\" \xF0\x9F\x90\x87", NULL)
                                : status;
}

costate_status model_fixture_try(const costate_allocator *alloc, costate_model **model) {
    *model = NULL;
    costate_status status = costate_model_create(alloc, model);
    status = status == COSTATE_OK ? set_nets(*model) : status;
    return status == COSTATE_OK ? set_others(*model) : status;
}

costate_model *model_fixture_create(const costate_allocator *alloc) {
    costate_model *model;
    const costate_status status = model_fixture_try(alloc, &model);
    if (status != COSTATE_OK) {
        (void)fprintf(stderr, "the model of the test: %s\n", costate_status_message(status));
        exit(EXIT_FAILURE);
    }
    return model;
}

static bool same_numbers(const double *a, const double *b, size_t n) {
    return (a != NULL) == (b != NULL) && (!a || memcmp(a, b, n * sizeof(*a)) == 0);
}

static bool same_spec(const costate_net_spec *a, const costate_net_spec *b) {
    if (a->n_in != b->n_in || a->n_layer != b->n_layer || a->input_act != b->input_act || a->accuracy != b->accuracy) {
        return false;
    }
    for (size_t l = 0; l < a->n_layer; l++) {
        if (a->layers[l].n_out != b->layers[l].n_out || a->layers[l].act != b->layers[l].act ||
            a->layers[l].no_bias != b->layers[l].no_bias) {
            return false;
        }
    }
    const size_t n_out = a->layers[a->n_layer - 1].n_out;
    return same_numbers(a->in_scale, b->in_scale, a->n_in) && same_numbers(a->in_shift, b->in_shift, a->n_in) &&
           same_numbers(a->out_scale, b->out_scale, n_out) && same_numbers(a->out_shift, b->out_shift, n_out);
}

static bool same_net(const costate_model *a, const costate_model *b, size_t k) {
    costate_model_net x;
    costate_model_net y;
    return costate_model_net_at(a, k, &x) == COSTATE_OK && costate_model_net_at(b, k, &y) == COSTATE_OK &&
           strcmp(x.name, y.name) == 0 && same_spec(&x.spec, &y.spec) &&
           costate_net_n_param(x.net) == costate_net_n_param(y.net) &&
           same_numbers(x.p, y.p, costate_net_n_param(x.net));
}

static bool same_names(const char *const *a, const char *const *b, size_t n) {
    for (size_t i = 0; i < n && a && b; i++) {
        if (strcmp(a[i], b[i]) != 0) {
            return false;
        }
    }
    return (a != NULL) == (b != NULL);
}

static bool same_block(const costate_model *a, const costate_model *b, size_t k) {
    costate_model_block x;
    costate_model_block y;
    return costate_model_block_at(a, k, &x) == COSTATE_OK && costate_model_block_at(b, k, &y) == COSTATE_OK &&
           strcmp(x.name, y.name) == 0 && x.n == y.n && same_numbers(x.x, y.x, x.n) &&
           same_names(x.names, y.names, x.n);
}

const char *model_fixture_difference(const costate_model *a, const costate_model *b) {
    const char *const *names[2];
    const size_t n_state = costate_model_states(a, &names[0]);
    if (costate_model_n_net(a) != costate_model_n_net(b) || costate_model_n_block(a) != costate_model_n_block(b) ||
        costate_model_n_text(a) != costate_model_n_text(b)) {
        return "the number of parts";
    }
    if (costate_model_states(b, &names[1]) != n_state || !same_names(names[0], names[1], n_state)) {
        return "states";
    }
    for (size_t k = 0; k < costate_model_n_net(a); k++) {
        if (!same_net(a, b, k)) {
            return "a network";
        }
    }
    for (size_t k = 0; k < costate_model_n_block(a); k++) {
        if (!same_block(a, b, k)) {
            return "a block";
        }
    }
    for (size_t k = 0; k < costate_model_n_text(a); k++) {
        const char *key = costate_model_text_key(a, k);
        const char *value = costate_model_text(b, key);
        if (!value || strcmp(costate_model_text(a, key), value) != 0) {
            return "a text";
        }
    }
    return NULL;
}
