/* SPDX-License-Identifier: MIT */
/* Golden cases from their JSON. */
#include "golden/golden_case.h"

#include "support/asserts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_LAYERS = 16, MOST_BYTES = 1 << 20 };

static const cJSON *member(const cJSON *object, const char *key) {
    return cJSON_GetObjectItemCaseSensitive(object, key);
}

static char *file_text(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    if (!file) {
        return NULL;
    }
    char *text = malloc(MOST_BYTES);
    *size = text ? fread(text, 1, MOST_BYTES, file) : 0;
    fclose(file);
    return text;
}

cJSON *golden_load(const char *folder, const char *name) {
    char path[4096];
    size_t size = 0;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    char *text = file_text(path, &size);
    cJSON *root = text ? cJSON_ParseWithLength(text, size) : NULL;
    if (!root) {
        fprintf(stderr, "%s: %s\n", path, text ? "no JSON" : "cannot be read");
    }
    free(text);
    return root;
}

static double number(const cJSON *object, const char *key) {
    const cJSON *item = member(object, key);
    if (!cJSON_IsNumber(item)) {
        fail_msg("%s is no number", key);
    }
    return cJSON_GetNumberValue(item);
}

static double number_or(const cJSON *object, const char *key, double otherwise) {
    return member(object, key) ? number(object, key) : otherwise;
}

static size_t count(const cJSON *object, const char *key) {
    const double value = number(object, key);
    assert_true(value >= 0.0 && value < 1e6);
    return (size_t)value;
}

const char *golden_text(const cJSON *object, const char *key) {
    const char *text = cJSON_GetStringValue(member(object, key));
    if (!text) {
        fail_msg("%s is no text", key);
    }
    return text;
}

golden_list golden_numbers(const cJSON *object, const char *key) {
    const cJSON *array = member(object, key);
    golden_list list = {.n = (size_t)cJSON_GetArraySize(array)};
    if (list.n == 0) {
        return list;
    }
    list.value = malloc(list.n * sizeof *list.value);
    assert_non_null(list.value);
    size_t i = 0;
    const cJSON *item = NULL;
    cJSON_ArrayForEach(item, array) {
        assert_true(cJSON_IsNumber(item));
        list.value[i++] = cJSON_GetNumberValue(item);
    }
    return list;
}

/* As many numbers as `size` asks for; untouched if the object lacks them. */
static void sizes(const cJSON *object, const char *key, size_t n, size_t *size) {
    const cJSON *array = member(object, key);
    if (array) {
        assert_int_equal(cJSON_GetArraySize(array), n);
        for (size_t i = 0; i < n; i++) {
            size[i] = (size_t)cJSON_GetNumberValue(cJSON_GetArrayItem(array, (int)i));
        }
    }
}

static costate_chain_layer layer_of_kind(const char *kind, const cJSON *object, costate_act act) {
    size_t kernel[2] = {1, 1};
    size_t order[3] = {0, 1, 2};
    sizes(object, "kernel", 2, kernel);
    sizes(object, "order", 3, order);
    const size_t n_out = (size_t)number_or(object, "n_out", 0.0);
    const struct {
        const char *kind;
        costate_chain_layer layer;
    } known[] = {
        {"dense", costate_chain_dense(n_out, act)},
        {"conv2d", costate_chain_conv2d(n_out, kernel[0], kernel[1], act)},
        {"conv1d", costate_chain_conv1d(n_out, kernel[1], act)},
        {"max_pool", costate_chain_max_pool(kernel[0], kernel[1])},
        {"flatten", costate_chain_flatten()},
        {"permute", costate_chain_permute(order[0], order[1], order[2])},
        {"dropout", costate_chain_dropout(number_or(object, "rate", 0.0))},
        {"embedding", costate_chain_embedding((size_t)number_or(object, "n_in", 0.0), n_out)},
        {"rbf", costate_chain_rbf(n_out)},
        {"rnn", costate_chain_rnn(n_out)},
        {"gru", costate_chain_gru(n_out)},
        {"lstm", costate_chain_lstm(n_out)},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strcmp(kind, known[i].kind) == 0) {
            return known[i].layer;
        }
    }
    fail_msg("no layer is called %s", kind);
    return (costate_chain_layer){0};
}

static costate_chain_layer layer_of(const cJSON *object) {
    costate_act act = COSTATE_ACT_IDENTITY;
    if (member(object, "act")) {
        assert_ok(costate_act_from_name(golden_text(object, "act"), &act));
    }
    costate_chain_layer layer = layer_of_kind(golden_text(object, "kind"), object, act);
    sizes(object, "stride", 2, layer.stride);
    sizes(object, "padding", 2, layer.padding);
    layer.no_bias = cJSON_IsTrue(member(object, "no_bias"));
    layer.whole_sequence = cJSON_IsTrue(member(object, "whole_sequence"));
    return layer;
}

static costate_chain *chain_of(const cJSON *object) {
    costate_chain_layer layers[MOST_LAYERS];
    size_t extent[3] = {0};
    sizes(object, "in", 3, extent);
    const cJSON *list = member(object, "layers");
    const int n = cJSON_GetArraySize(list);
    assert_true(n > 0 && n <= MOST_LAYERS);
    for (int i = 0; i < n; i++) {
        layers[i] = layer_of(cJSON_GetArrayItem(list, i));
    }
    costate_chain *chain = NULL;
    costate_message message = {{0}};
    const costate_shape in = {extent[0], extent[1], extent[2]};
    const costate_status status = costate_chain_create(in, (size_t)n, layers, NULL, &chain, &message);
    if (status != COSTATE_OK) {
        fail_msg("%s: %s", golden_text(object, "name"), message.text);
    }
    return chain;
}

static costate_chain_loss loss_of(const cJSON *object) {
    static const char *const names[] = {[COSTATE_BATCH_LOSS_SQUARED] = "squared",
                                        [COSTATE_BATCH_LOSS_ABSOLUTE] = "absolute",
                                        [COSTATE_BATCH_LOSS_HUBER] = "huber",
                                        [COSTATE_BATCH_LOSS_HINGE] = "hinge",
                                        [COSTATE_BATCH_LOSS_LOGISTIC] = "logistic"};
    const char *kind = golden_text(object, "kind");
    const char *reduction = golden_text(object, "reduction");
    costate_chain_loss loss = {.kind = COSTATE_CHAIN_LOSS_OUTPUT};
    loss.output.reduction = strcmp(reduction, "sum") == 0 ? COSTATE_BATCH_SUM : COSTATE_BATCH_MEAN;
    loss.output.delta = number_or(object, "delta", 0.0);
    if (strcmp(kind, "softmax") == 0) {
        loss.kind = COSTATE_CHAIN_LOSS_SOFTMAX;
        return loss;
    }
    size_t i = 0;
    while (i < sizeof names / sizeof *names && strcmp(kind, names[i]) != 0) {
        i++;
    }
    assert_true(i < sizeof names / sizeof *names);
    loss.output.kind = (costate_batch_loss_kind)i;
    return loss;
}

static uint32_t *labels_of(const cJSON *object, size_t n) {
    golden_list list = golden_numbers(object, "label");
    if (list.n == 0) {
        return NULL;
    }
    assert_int_equal(list.n, n);
    uint32_t *label = malloc(n * sizeof *label);
    assert_non_null(label);
    for (size_t i = 0; i < n; i++) {
        label[i] = (uint32_t)list.value[i];
    }
    free(list.value);
    return label;
}

golden_network golden_network_of(const cJSON *object) {
    golden_network g = {.name = golden_text(object, "name"),
                        .chain = chain_of(object),
                        .loss = loss_of(member(object, "loss")),
                        .n = count(object, "n"),
                        .x = golden_numbers(object, "x"),
                        .p = golden_numbers(object, "p"),
                        .target = golden_numbers(object, "target"),
                        .weight = golden_numbers(object, "weight"),
                        .y = golden_numbers(object, "y"),
                        .v = golden_numbers(object, "v"),
                        .pbar = golden_numbers(object, "pbar"),
                        .xbar = golden_numbers(object, "xbar"),
                        .value = number(object, "value"),
                        .train = member(object, "train")};
    g.n_in = costate_chain_n_in(g.chain);
    g.n_out = costate_chain_n_out(g.chain);
    g.n_param = costate_chain_n_param(g.chain);
    g.label = labels_of(object, g.n);
    g.n_right = g.label ? count(object, "n_right") : 0;
    assert_int_equal(g.x.n, g.n * g.n_in);
    assert_int_equal(g.p.n, g.n_param);
    assert_int_equal(g.y.n, g.n * g.n_out);
    assert_int_equal(g.v.n, g.n * g.n_out);
    assert_int_equal(g.pbar.n, g.n_param);
    assert_true(g.xbar.n == 0 || g.xbar.n == g.x.n);
    assert_true(g.label ? g.target.n == 0 : g.target.n == g.y.n);
    assert_true(g.weight.n == 0 || g.weight.n == g.n);
    return g;
}

void golden_network_free(golden_network *g) {
    const golden_list lists[] = {g->x, g->p, g->target, g->weight, g->y, g->v, g->pbar, g->xbar};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        free(lists[i].value);
    }
    free(g->label);
    costate_chain_destroy(g->chain);
}

costate_update_options golden_update_options(const cJSON *object, size_t n, costate_update_precision precision,
                                             costate_penalty_range *range) {
    static const char *const names[] = {
        [COSTATE_UPDATE_DESCENT] = "descent",   [COSTATE_UPDATE_MOMENTUM] = "momentum",
        [COSTATE_UPDATE_NESTEROV] = "nesterov", [COSTATE_UPDATE_RMSPROP] = "rmsprop",
        [COSTATE_UPDATE_ADAGRAD] = "adagrad",   [COSTATE_UPDATE_ADAM] = "adam",
        [COSTATE_UPDATE_ADAMW] = "adamw",
    };
    const char *kind = golden_text(object, "kind");
    size_t i = 0;
    while (i < sizeof names / sizeof *names && strcmp(kind, names[i]) != 0) {
        i++;
    }
    assert_true(i < sizeof names / sizeof *names);
    costate_update_options options = costate_update_options_default((costate_update_kind)i);
    const cJSON *given = member(object, "options");
    options.precision = precision;
    options.schedule.rate = number(given, "rate");
    options.momentum = number_or(given, "momentum", options.momentum);
    options.rho = number_or(given, "rho", options.rho);
    options.beta1 = number_or(given, "beta1", options.beta1);
    options.beta2 = number_or(given, "beta2", options.beta2);
    options.epsilon = number_or(given, "epsilon", options.epsilon);
    options.decay = number_or(given, "decay", options.decay);
    options.clip_value = number_or(given, "clip_value", options.clip_value);
    if (member(given, "l2")) {
        *range = (costate_penalty_range){.length = n, .l2 = number(given, "l2")};
        options.n_range = 1;
        options.range = range;
    }
    return options;
}
