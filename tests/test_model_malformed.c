/* SPDX-License-Identifier: MIT */
/* Model files that are no model: each is refused, and the message says why. */
#include "model_fixture.h"
#include "support/asserts.h"

#include <costate/model.h>
#include <costate/safetensors.h>

#include <cjson/cJSON.h>
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_TENSOR = 8, MAX_METADATA = 8 };

/* A file in its parts, which a case may change. */
typedef struct file_parts {
    costate_tensor tensors[MAX_TENSOR];
    costate_metadata metadata[MAX_METADATA];
    size_t n_tensor, n_metadata;
} file_parts;

static const char good_nets[] =
    "[{\"name\":\"n\",\"n_in\":2,\"input_act\":\"identity\",\"accuracy\":\"fast\",\"layers\":"
    "[{\"n_out\":3,\"act\":\"tanh\",\"bias\":true},{\"n_out\":1,\"act\":\"identity\",\"bias\":false}]}]";
static const double numbers[6] = {1.0, 2.0, 3.0, 4.0, 5.0, 6.0};

static file_parts good_parts(void) {
    const file_parts parts = {
        .tensors = {{.name = "n.layer0.weight", .n_dim = 2, .shape = {3, 2}, .data = numbers},
                    {.name = "n.layer0.bias", .n_dim = 1, .shape = {3}, .data = numbers},
                    {.name = "n.layer1.weight", .n_dim = 2, .shape = {1, 3}, .data = numbers},
                    {.name = "n.in_shift", .n_dim = 1, .shape = {2}, .data = numbers},
                    {.name = "theta", .n_dim = 1, .shape = {2}, .data = numbers}},
        .n_tensor = 5,
        .metadata = {{"costate.format", "1"},
                     {"costate.nets", good_nets},
                     {"costate.blocks", "{\"theta\":[\"a\",\"b\"]}"},
                     {"costate.states", "[\"x\",\"y\"]"},
                     {"seed", "1"}},
        .n_metadata = 5,
    };
    return parts;
}

static costate_status parse(const file_parts *parts, costate_model **model, costate_message *message) {
    void *bytes;
    size_t n;
    assert_ok(costate_safetensors_format(parts->n_tensor, parts->tensors, parts->n_metadata, parts->metadata, NULL,
                                         &bytes, &n, NULL));
    *model = (costate_model *)bytes;
    const costate_status status = costate_model_parse(bytes, n, NULL, model, message);
    free(bytes);
    assert_true((status == COSTATE_OK) == (*model != NULL));
    return status;
}

static void expect(const file_parts *parts, costate_status status, const char *text) {
    costate_model *model;
    costate_message message;
    const costate_status got = parse(parts, &model, &message);
    costate_model_destroy(model);
    if (got != status || strcmp(message.text, text) != 0) {
        fail_msg("%s '%s' instead of %s '%s'", costate_status_name(got), message.text, costate_status_name(status),
                 text);
    }
    assert_status(parse(parts, &model, NULL), status);
    costate_model_destroy(model);
}

static void unchanged_parts_are_a_model(void **state) {
    (void)state;
    file_parts parts = good_parts();
    costate_model *model;
    costate_model_net net;
    assert_ok(parse(&parts, &model, NULL));
    assert_ok(costate_model_find_net(model, "n", &net));
    assert_null(net.spec.in_scale);
    assert_same_bits_f64(net.spec.in_shift, numbers, 2);
    costate_model_destroy(model);
    parts.n_metadata = 1;
    parts.n_tensor = 0;
    expect(&parts, COSTATE_OK, "");
}

static void wrong_tensors_are_refused(void **state) {
    (void)state;
    static const float single[6] = {0.0F};
    static const double spoilt[6] = {0.0, (double)NAN};
    static const struct {
        size_t which;
        costate_tensor instead;
        costate_status status;
        const char *text;
    } cases[] = {
        {0,
         {.name = "n.layer0.weights", .n_dim = 2, .shape = {3, 2}, .data = numbers},
         COSTATE_ERR_FORMAT,
         "tensor 'n.layer0.weight' is missing"},
        {0,
         {.name = "n.layer0.weight", .n_dim = 2, .shape = {2, 3}, .data = numbers},
         COSTATE_ERR_FORMAT,
         "tensor 'n.layer0.weight' has the shape (2, 3); (3, 2) is needed"},
        {0,
         {.name = "n.layer0.weight", .n_dim = 1, .shape = {6}, .data = numbers},
         COSTATE_ERR_FORMAT,
         "tensor 'n.layer0.weight' has the shape (6); (3, 2) is needed"},
        {0,
         {.name = "n.layer0.weight", .dtype = COSTATE_DTYPE_F32, .n_dim = 2, .shape = {3, 2}, .data = single},
         COSTATE_ERR_FORMAT,
         "tensor 'n.layer0.weight' is of type F32; F64 is needed"},
        {0,
         {.name = "n.layer0.weight", .n_dim = 2, .shape = {3, 2}, .data = spoilt},
         COSTATE_ERR_NONFINITE,
         "tensor 'n.layer0.weight': a value is NaN or infinite"},
        {1,
         {.name = "n.layer0.bias", .n_dim = 2, .shape = {3, 1}, .data = numbers},
         COSTATE_ERR_FORMAT,
         "tensor 'n.layer0.bias' has the shape (3, 1); (3) is needed"},
        {1,
         {.name = "n.layer1.bias", .n_dim = 1, .shape = {1}, .data = numbers},
         COSTATE_ERR_FORMAT,
         "tensor 'n.layer0.bias' is missing"},
        {3,
         {.name = "n.in_shift", .n_dim = 1, .shape = {3}, .data = numbers},
         COSTATE_ERR_FORMAT,
         "tensor 'n.in_shift' has the shape (3); (2) is needed"},
        {3,
         {.name = "n.in_shifts", .n_dim = 1, .shape = {2}, .data = numbers},
         COSTATE_ERR_FORMAT,
         "tensor 'n.in_shifts' belongs to no network and no block"},
        {3,
         {.name = "n.layer1.bias", .n_dim = 1, .shape = {1}, .data = numbers},
         COSTATE_ERR_FORMAT,
         "tensor 'n.layer1.bias' belongs to no network and no block"},
        {4,
         {.name = "theta", .n_dim = 1, .shape = {3}, .data = numbers},
         COSTATE_ERR_FORMAT,
         "tensor 'theta' has the shape (3); (2) is needed"},
        {4,
         {.name = "theta", .n_dim = 0, .data = numbers},
         COSTATE_ERR_FORMAT,
         "tensor 'theta' has the shape (); (2) is needed"},
    };
    for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
        file_parts parts = good_parts();
        parts.tensors[cases[k].which] = cases[k].instead;
        expect(&parts, cases[k].status, cases[k].text);
    }
}

#define NET(members) "[{" members "}]"
#define HEAD "\"name\":\"n\",\"n_in\":2,\"input_act\":\"identity\",\"accuracy\":\"fast\","

static void wrong_metadata_are_refused(void **state) {
    (void)state;
    static const char exactly[] = "a network is not described by exactly name, n_in, input_act, accuracy and layers";
    static const struct {
        size_t which;
        const char *key, *value, *text;
    } cases[] = {
        {0, "format", "1", "no model file: the metadata have no costate.format"},
        {0, "costate.format", "2", "version '2' of the format is not known; 1 is"},
        {0, "costate.format", "", "version '' of the format is not known; 1 is"},
        {4, "costate.seed", "1", "metadata 'costate.seed': not known"},
        {4, "", "1", "a key is empty, too long or no line of UTF-8"},
        {4, "a\nb", "1", "a key is empty, too long or no line of UTF-8"},
        {1, "costate.nets", "", "costate.nets: no JSON from byte 0 on"},
        {1, "costate.nets", "[", "costate.nets: no JSON from byte 1 on"},
        {1, "costate.nets", "[] ]", "costate.nets: no JSON from byte 3 on"},
        {1, "costate.nets", "{}", "costate.nets is no array"},
        {1, "costate.nets", "[1]", exactly},
        {1, "costate.nets", "[[]]", exactly},
        {1, "costate.nets", NET("\"name\":\"n\""), exactly},
        {1, "costate.nets", NET("\"name\":1,\"n_in\":2,\"input_act\":\"identity\",\"accuracy\":\"fast\",\"layers\":[]"),
         exactly},
        {1, "costate.nets", NET(HEAD "\"layers\":[],\"more\":1"), exactly},
        {1, "costate.nets",
         NET("\"name\":\"a.b\",\"n_in\":2,\"input_act\":\"identity\",\"accuracy\":\"fast\",\"layers\":[]"),
         "the name 'a.b' is not made of letters, digits and underscores, at most 63"},
        {1, "costate.nets",
         NET("\"name\":\"n\",\"n_in\":0,\"input_act\":\"identity\",\"accuracy\":\"fast\",\"layers\":[]"),
         "network 'n': n_in is no size"},
        {1, "costate.nets",
         NET("\"name\":\"n\",\"n_in\":-2,\"input_act\":\"identity\",\"accuracy\":\"fast\",\"layers\":[]"),
         "network 'n': n_in is no size"},
        {1, "costate.nets",
         NET("\"name\":\"n\",\"n_im\":2,\"input_act\":\"identity\",\"accuracy\":\"fast\",\"layers\":[]"),
         "network 'n': n_in is no size"},
        {1, "costate.nets",
         NET("\"name\":\"n\",\"n_in\":2,\"input_act\":\"identity\",\"accuracy\":\"best\",\"layers\":[]"),
         "network 'n': accuracy is neither fast nor accurate"},
        {1, "costate.nets", NET(HEAD "\"layers\":[]"), "network 'n': there are no layers"},
        {1, "costate.nets", NET(HEAD "\"layers\":{}"), "network 'n': there are no layers"},
        {1, "costate.nets",
         NET("\"name\":\"n\",\"n_in\":2,\"input_act\":\"cubed\",\"accuracy\":\"fast\",\"layers\":[1]"),
         "network 'n': unknown activation 'cubed'"},
        {1, "costate.nets", NET(HEAD "\"layers\":[1]"),
         "network 'n': layer 0 has not exactly n_out (a size), act and bias (true or false)"},
        {1, "costate.nets", NET(HEAD "\"layers\":[{\"n_out\":0,\"act\":\"tanh\",\"bias\":true}]"),
         "network 'n': layer 0 has not exactly n_out (a size), act and bias (true or false)"},
        {1, "costate.nets", NET(HEAD "\"layers\":[{\"n_out\":1,\"act\":\"tanh\",\"bias\":1}]"),
         "network 'n': layer 0 has not exactly n_out (a size), act and bias (true or false)"},
        {1, "costate.nets", NET(HEAD "\"layers\":[{\"n_out\":1,\"act\":\"tanh\",\"bias\":true,\"x\":1}]"),
         "network 'n': layer 0 has not exactly n_out (a size), act and bias (true or false)"},
        {1, "costate.nets", NET(HEAD "\"layers\":[{\"n_out\":3,\"act\":\"Tanh\",\"bias\":true}]"),
         "network 'n': unknown activation 'Tanh'"},
        {1, "costate.nets", NET(HEAD "\"layers\":[{\"n_out\":3,\"act\":7,\"bias\":true}]"),
         "network 'n': an activation is no string"},
        {1, "costate.nets", NET(HEAD "\"layers\":[{\"n_out\":9007199254740992,\"act\":\"tanh\",\"bias\":true}]"),
         "tensor 'n.layer0.weight' has the shape (3, 2); (9007199254740992, 2) is needed"},
        {2, "costate.blocks", "[]", "costate.blocks is no object"},
        {2, "costate.blocks", "{}", "tensor 'theta' belongs to no network and no block"},
        {2, "costate.blocks", "{\"theta\":1}", "theta: no array of names"},
        {2, "costate.blocks", "{\"theta\":[\"a\",1]}", "theta: name 1 is no string"},
        {2, "costate.blocks", "{\"theta\":[\"a\"]}", "tensor 'theta' has the shape (2); (1) is needed"},
        {2, "costate.blocks", "{\"theta\":[\"a\",\"a\"]}", "theta: the name 'a' is there twice"},
        {2, "costate.blocks", "{\"theta\":[\"a\",\"\"]}", "theta: name 1 is empty, too long or no line of UTF-8"},
        {2, "costate.blocks", "{\"theta\":[\"a\",\"b\"],\"theta\":null}", "the block 'theta' is there twice"},
        {2, "costate.blocks", "{\"theta\":[\"a\",\"b\"],\"x y\":null}",
         "the name 'x y' is not made of letters, digits and underscores, at most 63"},
        {2, "costate.blocks", "{\"theta\":[\"a\",\"b\"],\"eta\":null}", "tensor 'eta' is missing"},
        {2, "costate.blocks", "{\"theta\":[\"a\",\"b\"],\"n\":null}", "tensor 'n' is missing"},
        {3, "costate.states", "{}", "states: no array of names"},
        {3, "costate.states", "[1]", "states: name 0 is no string"},
        {3, "costate.states", "[\"a\",\"a\"]", "states: the name 'a' is there twice"},
        {3, "costate.states", "[\"a\\u0000\"]", "costate.states: a string with a zero character in it"},
    };
    for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
        file_parts parts = good_parts();
        parts.metadata[cases[k].which] = (costate_metadata){cases[k].key, cases[k].value};
        expect(&parts, COSTATE_ERR_FORMAT, cases[k].text);
    }
}

static void parts_that_clash_are_refused(void **state) {
    (void)state;
    file_parts parts = good_parts();
    parts.tensors[5] = (costate_tensor){.name = "n", .n_dim = 1, .shape = {1}, .data = numbers};
    parts.n_tensor = 6;
    parts.metadata[2].value = "{\"theta\":null,\"n\":null}";
    expect(&parts, COSTATE_ERR_FORMAT, "'n' is a network");
    parts = good_parts();
    char twice[2 * sizeof(good_nets)];
    (void)snprintf(twice, sizeof(twice), "%.*s,%s", (int)sizeof(good_nets) - 2, good_nets, good_nets + 1);
    parts.metadata[1].value = twice;
    expect(&parts, COSTATE_ERR_FORMAT, "the network 'n' is there twice");
    parts = good_parts();
    parts.tensors[4] = (costate_tensor){.name = "theta", .n_dim = 1, .shape = {0}};
    parts.metadata[2].value = "{\"theta\":null}";
    expect(&parts, COSTATE_ERR_FORMAT, "block 'theta' has no entry");
    parts.metadata[2].value = "{\"theta\":[]}";
    expect(&parts, COSTATE_ERR_FORMAT, "block 'theta' has no entry");
}

/* Whatever single byte changes: a model comes out, or a refusal with a message. */
static void every_changed_byte_is_survived(void **state) {
    (void)state;
    costate_model *model = model_fixture_create(NULL);
    unsigned char *bytes;
    size_t n;
    size_t n_refused = 0;
    assert_ok(costate_model_format(model, (void **)&bytes, &n, NULL));
    costate_model_destroy(model);
    for (size_t k = 0; k < n; k++) {
        static const unsigned char changes[] = {0x01, 0x80, 0xFF};
        for (size_t c = 0; c < sizeof(changes); c++) {
            costate_message message;
            bytes[k] ^= changes[c];
            const costate_status status = costate_model_parse(bytes, n, NULL, &model, &message);
            assert_true((strlen(message.text) > 0) == (status != COSTATE_OK));
            costate_model_destroy(model);
            n_refused += status != COSTATE_OK ? 1 : 0;
            bytes[k] ^= changes[c];
        }
    }
    assert_true(n_refused > n);
    for (size_t k = 0; k < n; k++) {
        assert_status(costate_model_parse(bytes, k, NULL, &model, NULL), COSTATE_ERR_FORMAT);
    }
    free(bytes);
}

/* The JSON library allocates by itself. */
static size_t json_allocations_left;

static void *limited_malloc(size_t bytes) {
    if (json_allocations_left == 0) {
        errno = ENOMEM;
        return NULL;
    }
    json_allocations_left--;
    return malloc(bytes);
}

static void failed_allocation_of_json_is_reported(void **state) {
    (void)state;
    costate_model *model = model_fixture_create(NULL);
    void *good;
    size_t n_good;
    bool done = false;
    cJSON_Hooks hooks = {limited_malloc, free};
    assert_ok(costate_model_format(model, &good, &n_good, NULL));
    cJSON_InitHooks(&hooks);
    for (size_t k = 0; !done; k++) {
        void *bytes;
        size_t n;
        costate_model *back;
        json_allocations_left = k;
        costate_status status = costate_model_format(model, &bytes, &n, NULL);
        assert_true(status == COSTATE_OK || status == COSTATE_ERR_MEMORY);
        done = status == COSTATE_OK;
        free(bytes);
        json_allocations_left = k;
        status = costate_model_parse(good, n_good, NULL, &back, NULL);
        assert_true(status == COSTATE_OK || status == COSTATE_ERR_MEMORY);
        done = done && status == COSTATE_OK;
        costate_model_destroy(back);
        assert_true(k > 50 || !done);
    }
    cJSON_InitHooks(NULL);
    costate_model_destroy(model);
    free(good);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unchanged_parts_are_a_model),    cmocka_unit_test(wrong_tensors_are_refused),
        cmocka_unit_test(wrong_metadata_are_refused),     cmocka_unit_test(parts_that_clash_are_refused),
        cmocka_unit_test(every_changed_byte_is_survived), cmocka_unit_test(failed_allocation_of_json_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
