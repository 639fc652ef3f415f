/* SPDX-License-Identifier: MIT */
/* Two-moons files: what is read, and what is refused and with which words. */
#include "scratch_file.h"
#include "support/allocators.h"
#include "support/asserts.h"

#include <costate/moons.h>
#include <costate/net.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char points_text[] = "{\"n\": 3, \"noise\": 0.2, \"seed\": 17,\n"
                                  "\"X\": [[1.5, -2e-1], [0.1, 3], [-0, 4]],\n\"y\": [1, -1, 1.0]}\n";
static const char net_text[] = "{\"architecture\": [2, 3, 1], \"layers\": [\n"
                               "{\"weights\": [[1, 2], [3, 4], [5, 6]], \"biases\": [7, 8, 9]},\n"
                               "{\"biases\": [0.5], \"weights\": [[10, 11, 12]]}]}";

/* From a block that is exactly as large, so that AddressSanitizer sees a read behind it. */
static char *exact_copy(const char *text, size_t n) {
    char *exact = malloc(n > 0 ? n : 1);
    assert_non_null(exact);
    memcpy(exact, text, n);
    return exact;
}

static costate_status parse_points(const char *text, size_t n, costate_moons **moons, costate_message *message) {
    char *exact = exact_copy(text, n);
    const costate_status status = costate_moons_parse(exact, n, NULL, NULL, moons, message);
    free(exact);
    assert_true((*moons != NULL) == (status == COSTATE_OK));
    assert_true((message->text[0] == '\0') == (status == COSTATE_OK));
    return status;
}

static costate_status parse_net(const char *text, size_t n, costate_moons_net **net, costate_message *message) {
    char *exact = exact_copy(text, n);
    const costate_status status = costate_moons_net_parse(exact, n, NULL, NULL, net, message);
    free(exact);
    assert_true((*net != NULL) == (status == COSTATE_OK));
    assert_true((message->text[0] == '\0') == (status == COSTATE_OK));
    return status;
}

static void expect_points(const costate_moons *moons) {
    const double x[] = {1.5, -0.2, 0.1, 3.0, -0.0, 4.0};
    const double label[] = {1.0, -1.0, 1.0};
    assert_int_equal(costate_moons_n_point(moons), 3);
    assert_same_bits_f64(costate_moons_x(moons), x, 6);
    assert_same_bits_f64(costate_moons_label(moons), label, 3);
}

static void expect_net(const costate_moons_net *net) {
    const double p[] = {1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0, 0.5};
    assert_int_equal(costate_moons_net_n_layer(net), 2);
    assert_int_equal(costate_moons_net_width(net, 0), 2);
    assert_int_equal(costate_moons_net_width(net, 1), 3);
    assert_int_equal(costate_moons_net_width(net, 2), 1);
    assert_int_equal(costate_moons_net_width(net, 3), 0);
    assert_int_equal(costate_moons_net_n_param(net), 13);
    assert_same_bits_f64(costate_moons_net_param(net), p, 13);
}

static void parse_gives_points_and_labels(void **state) {
    (void)state;
    const char *no_points = "{\"y\":[],\"X\":[],\"n\":0}";
    costate_moons *moons;
    costate_message message;
    assert_ok(parse_points(points_text, strlen(points_text), &moons, &message));
    expect_points(moons);
    costate_moons_destroy(moons);
    assert_ok(parse_points(no_points, strlen(no_points), &moons, &message));
    assert_int_equal(costate_moons_n_point(moons), 0);
    assert_non_null(costate_moons_x(moons));
    costate_moons_destroy(moons);
}

static void net_parse_gives_widths_and_parameters(void **state) {
    (void)state;
    const char *one_layer = "{\"architecture\":[2,1],\"layers\":[{\"weights\":[[1,2]],\"biases\":[3]}]}";
    costate_moons_net *net;
    costate_message message;
    assert_ok(parse_net(net_text, strlen(net_text), &net, &message));
    expect_net(net);
    costate_moons_net_destroy(net);
    assert_ok(parse_net(one_layer, strlen(one_layer), &net, &message));
    assert_int_equal(costate_moons_net_n_layer(net), 1);
    costate_moons_net_destroy(net);
}

/* The order of the parameters is one that a network imports. */
static void net_parameters_are_what_a_network_imports(void **state) {
    (void)state;
    const costate_layer_spec layers[] = {{.n_out = 3, .act = COSTATE_ACT_RELU},
                                         {.n_out = 1, .act = COSTATE_ACT_IDENTITY}};
    const costate_net_spec spec = {.n_in = 2, .n_layer = 2, .layers = layers};
    const double x[] = {1.0, -2.0};
    double p[13];
    double y;
    costate_net *net;
    costate_moons_net *read;
    costate_message message;
    assert_ok(parse_net(net_text, strlen(net_text), &read, &message));
    assert_ok(costate_net_create(&spec, NULL, &net));
    assert_int_equal(costate_net_n_param(net), costate_moons_net_n_param(read));
    assert_ok(costate_net_import_f64(net, COSTATE_ORDER_ROW_MAJOR, costate_moons_net_param(read), p));
    const size_t work_bytes = costate_net_work_bytes_f64(net);
    void *work = malloc(work_bytes);
    assert_non_null(work);
    assert_ok(costate_net_forward_f64(net, p, x, &y, work, work_bytes));
    /* relu(1 - 4 + 7, 3 - 8 + 8, 5 - 12 + 9) = (4, 3, 2) */
    assert_close(y, 40.0 + 33.0 + 24.0 + 0.5, 0.0, 0.0);
    free(work);
    costate_net_destroy(net);
    costate_moons_net_destroy(read);
}

static void parse_wrong_text_is_refused_with_its_place(void **state) {
    (void)state;
    static const struct {
        const char *text;
        const char *why;
    } cases[] = {
        {"", "byte 0: no JSON"},
        {"[]", "byte 0: the text is no object"},
        {"{\"n\":1,", "byte 7: no JSON"},
        {"{\"n\":1} x", "byte 8: no JSON"},
        {"{\"n\":1, \"X\":[[1,2]], \"y\":[1 1]}", "byte 28: no JSON"},
        {"{\"n\":0\x01}", "byte 6: 01 is not printable ASCII, or is an escape"},
        {"{\"n\xC3\xA9\":0}", "byte 3: c3 is not printable ASCII, or is an escape"},
        {"{\"n\\u0000\":0}", "byte 3: 5c is not printable ASCII, or is an escape"},
        {"{}", "n: missing"},
        {"{\"N\":1, \"x\":[[1,2]], \"Y\":[1]}", "n: missing"},
        {"{\"n\":-1}", "n: not a whole number, 0 or more"},
        {"{\"n\":1.5}", "n: not a whole number, 0 or more"},
        {"{\"n\":\"1\"}", "n: not a whole number, 0 or more"},
        {"{\"n\":1e999}", "n: not a whole number, 0 or more"},
        {"{\"n\":1, \"n\":1}", "n: there twice"},
        {"{\"n\":1}", "X: missing"},
        {"{\"n\":1, \"X\":{}}", "X: not an array"},
        {"{\"n\":1, \"X\":[[1,2]]}", "y: missing"},
        {"{\"n\":1, \"X\":[[1,2]], \"y\":1}", "y: not an array"},
        {"{\"n\":1, \"X\":[[1,2]], \"y\":[1], \"y\":[1]}", "y: there twice"},
        {"{\"n\":1, \"X\":[[1,2],[3,4]], \"y\":[1]}", "X: 2 elements where 1 are needed"},
        {"{\"n\":2, \"X\":[[1,2],[3,4]], \"y\":[1]}", "y: 1 elements where 2 are needed"},
        {"{\"n\":9007199254740992, \"X\":[], \"y\":[]}", "X: 0 elements where 9007199254740992 are needed"},
        {"{\"n\":2, \"X\":[[1,2],3], \"y\":[1,1]}", "X[1]: not an array"},
        {"{\"n\":2, \"X\":[[1,2],[3]], \"y\":[1,1]}", "X[1]: 1 elements where 2 are needed"},
        {"{\"n\":2, \"X\":[[1,2],[3,4,5]], \"y\":[1,1]}", "X[1]: 3 elements where 2 are needed"},
        {"{\"n\":2, \"X\":[[1,2],[3,null]], \"y\":[1,1]}", "X[1][1]: not a finite number"},
        {"{\"n\":2, \"X\":[[1,2],[-1e999,4]], \"y\":[1,1]}", "X[1][0]: not a finite number"},
        {"{\"n\":2, \"X\":[[1,2],[3,NaN]], \"y\":[1,1]}", "byte 22: no JSON"},
        {"{\"n\":2, \"X\":[[1,2],[3,4]], \"y\":[1,true]}", "y[1]: not a finite number"},
        {"{\"n\":2, \"X\":[[1,2],[3,4]], \"y\":[1,0]}", "y[1]: 0 is neither -1 nor 1"},
    };
    for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
        costate_moons *moons;
        costate_message message;
        assert_status(parse_points(cases[k].text, strlen(cases[k].text), &moons, &message), COSTATE_ERR_FORMAT);
        assert_string_equal(message.text, cases[k].why);
    }
}

static void net_parse_wrong_text_is_refused_with_its_place(void **state) {
    (void)state;
    static const struct {
        const char *text;
        const char *why;
    } cases[] = {
        {"{\"layers\":[]}", "architecture: missing"},
        {"{\"architecture\":3}", "architecture: not an array"},
        {"{\"architecture\":[2,1]}", "layers: missing"},
        {"{\"architecture\":[2,1],\"layers\":{}}", "layers: not an array"},
        {"{\"architecture\":[2,0,1],\"layers\":[]}", "architecture[1]: not a whole number, 1 or more"},
        {"{\"architecture\":[2,\"8\",1],\"layers\":[]}", "architecture[1]: not a whole number, 1 or more"},
        {"{\"architecture\":[],\"layers\":[]}", "architecture: not two inputs, layers of units and one output"},
        {"{\"architecture\":[2],\"layers\":[]}", "architecture: not two inputs, layers of units and one output"},
        {"{\"architecture\":[3,1],\"layers\":[]}", "architecture: not two inputs, layers of units and one output"},
        {"{\"architecture\":[2,8],\"layers\":[]}", "architecture: not two inputs, layers of units and one output"},
        {"{\"architecture\":[2,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1],\"layers\":[]}",
         "architecture: more than 17 elements"},
        {"{\"architecture\":[2,1],\"layers\":[]}", "layers: 0 elements where 1 are needed"},
        {"{\"architecture\":[2,9000000000000000,1],\"layers\":[0,0]}",
         "architecture[1]: with this width there are more parameters than the text has"},
        {"{\"architecture\":[2,9000000000000000,9000000000000000,1],\"layers\":[0,0,0]}",
         "architecture[1]: with this width there are more parameters than the text has"},
        {"{\"architecture\":[2,5,1000,1],\"layers\":[0,0,0]}",
         "architecture[2]: with this width there are more parameters than the text has"},
        {"{\"architecture\":[2,1],\"layers\":[[]]}", "layers[0]: not an object"},
        {"{\"architecture\":[2,1],\"layers\":[{}]}", "layers[0].weights: missing"},
        {"{\"architecture\":[2,1],\"layers\":[{\"weights\":[[1,2]]}]}", "layers[0].biases: missing"},
        {"{\"architecture\":[2,1],\"layers\":[{\"weights\":[[1,2]],\"biases\":0}]}", "layers[0].biases: not an array"},
        {"{\"architecture\":[2,1],\"layers\":[{\"weights\":[1,2],\"biases\":[0]}]}",
         "layers[0].weights: 2 elements where 1 are needed"},
        {"{\"architecture\":[2,1],\"layers\":[{\"weights\":[1],\"biases\":[0]}]}",
         "layers[0].weights[0]: not an array"},
        {"{\"architecture\":[2,1],\"layers\":[{\"weights\":[[1]],\"biases\":[0]}]}",
         "layers[0].weights[0]: 1 elements where 2 are needed"},
        {"{\"architecture\":[2,1],\"layers\":[{\"weights\":[[1,\"\"]],\"biases\":[0]}]}",
         "layers[0].weights[0][1]: not a finite number"},
        {"{\"architecture\":[2,1],\"layers\":[{\"weights\":[[1,2]],\"biases\":[0,0]}]}",
         "layers[0].biases: 2 elements where 1 are needed"},
        {"{\"architecture\":[2,1,1],\"layers\":[{\"weights\":[[1,2]],\"biases\":[0]},"
         "{\"weights\":[[1]],\"biases\":[1e400]}]}",
         "layers[1].biases[0]: not a finite number"},
        {"{\"architecture\":[2,1],\"layers\":[{\"weights\":[[1,2]],\"weights\":[[1,2]],\"biases\":[0]}]}",
         "layers[0].weights: there twice"},
    };
    for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
        costate_moons_net *net;
        costate_message message;
        assert_status(parse_net(cases[k].text, strlen(cases[k].text), &net, &message), COSTATE_ERR_FORMAT);
        assert_string_equal(message.text, cases[k].why);
    }
}

static void truncated_anywhere_is_refused(void **state) {
    (void)state;
    costate_message message;
    /* Without its line end a text is whole. */
    for (size_t n = 0; n < strlen(points_text) - 1; n++) {
        costate_moons *moons;
        assert_status(parse_points(points_text, n, &moons, &message), COSTATE_ERR_FORMAT);
        assert_memory_equal(message.text, "byte ", 5);
    }
    for (size_t n = 0; n < strlen(net_text); n++) {
        costate_moons_net *net;
        assert_status(parse_net(net_text, n, &net, &message), COSTATE_ERR_FORMAT);
        assert_memory_equal(message.text, "byte ", 5);
    }
}

static void read_names_the_file(void **state) {
    (void)state;
    costate_moons *moons;
    costate_moons_net *net;
    costate_message message;
    char expected[256];
    scratch_file file = scratch_file_create(points_text, strlen(points_text));
    assert_ok(costate_moons_read(file.path, NULL, NULL, &moons, &message));
    expect_points(moons);
    costate_moons_destroy(moons);
    assert_status(costate_moons_net_read(file.path, NULL, NULL, &net, &message), COSTATE_ERR_FORMAT);
    assert_null(net);
    (void)snprintf(expected, sizeof(expected), "%s: architecture: missing", file.path);
    assert_string_equal(message.text, expected);
    const costate_moons_options options = {.max_bytes = 20};
    (void)snprintf(expected, sizeof(expected), "%s: is larger than 20 bytes", file.path);
    assert_status(costate_moons_read(file.path, &options, NULL, &moons, &message), COSTATE_ERR_FORMAT);
    assert_null(moons);
    assert_string_equal(message.text, expected);
    assert_status(costate_moons_parse(points_text, 21, &options, NULL, &moons, &message), COSTATE_ERR_FORMAT);
    assert_string_equal(message.text, "21 bytes are more than the 20 allowed");
    scratch_file_remove(&file);
    assert_status(costate_moons_read(file.path, NULL, NULL, &moons, &message), COSTATE_ERR_IO);
    assert_status(costate_moons_net_read(file.path, NULL, NULL, &net, &message), COSTATE_ERR_IO);
    assert_memory_equal(message.text, file.path, strlen(file.path));
    file = scratch_file_create(net_text, strlen(net_text));
    assert_ok(costate_moons_net_read(file.path, NULL, NULL, &net, &message));
    expect_net(net);
    costate_moons_net_destroy(net);
    scratch_file_remove(&file);
}

static void wrong_arguments_are_refused(void **state) {
    (void)state;
    costate_moons *moons;
    costate_moons_net *net;
    assert_status(costate_moons_parse("{}", 2, NULL, NULL, NULL, NULL), COSTATE_ERR_NULL);
    assert_status(costate_moons_parse(NULL, 2, NULL, NULL, &moons, NULL), COSTATE_ERR_NULL);
    assert_status(costate_moons_parse(NULL, 0, NULL, NULL, &moons, NULL), COSTATE_ERR_FORMAT);
    assert_status(costate_moons_read(NULL, NULL, NULL, &moons, NULL), COSTATE_ERR_NULL);
    assert_status(costate_moons_read("x", NULL, NULL, NULL, NULL), COSTATE_ERR_NULL);
    assert_status(costate_moons_net_parse("{}", 2, NULL, NULL, NULL, NULL), COSTATE_ERR_NULL);
    assert_status(costate_moons_net_parse(NULL, 2, NULL, NULL, &net, NULL), COSTATE_ERR_NULL);
    assert_status(costate_moons_net_read(NULL, NULL, NULL, &net, NULL), COSTATE_ERR_NULL);
    assert_status(costate_moons_net_read("x", NULL, NULL, NULL, NULL), COSTATE_ERR_NULL);
    assert_null(moons);
    assert_null(net);
    assert_int_equal(costate_moons_n_point(NULL) + costate_moons_net_n_layer(NULL) + costate_moons_net_n_param(NULL),
                     0);
    assert_int_equal(costate_moons_net_width(NULL, 0), 0);
    assert_null(costate_moons_x(NULL));
    assert_null(costate_moons_label(NULL));
    assert_null(costate_moons_net_param(NULL));
    costate_moons_destroy(NULL);
    costate_moons_net_destroy(NULL);
}

static void failed_allocation_is_reported(void **state) {
    (void)state;
    scratch_file file[2] = {scratch_file_create(points_text, strlen(points_text)),
                            scratch_file_create(net_text, strlen(net_text))};
    for (size_t k = 1;; k++) {
        test_allocator counts = {.fail_at = k};
        const costate_allocator hooks = test_allocator_hooks(&counts);
        costate_moons *moons;
        costate_moons_net *net = NULL;
        costate_message message;
        costate_status status = costate_moons_read(file[0].path, NULL, &hooks, &moons, &message);
        assert_true((status == COSTATE_OK) == (moons != NULL));
        if (status == COSTATE_OK) {
            status = costate_moons_net_read(file[1].path, NULL, &hooks, &net, &message);
            assert_true((status == COSTATE_OK) == (net != NULL));
        }
        costate_moons_destroy(moons);
        costate_moons_net_destroy(net);
        assert_int_equal(counts.n_live, 0);
        if (counts.n_failed == 0) {
            assert_ok(status);
            assert_true(k > 7);
            break;
        }
        assert_status(status, COSTATE_ERR_MEMORY);
        assert_non_null(strstr(message.text, "no memory"));
    }
    scratch_file_remove(&file[0]);
    scratch_file_remove(&file[1]);
}

/* The published files, where the folder COSTATE_DATA_DIR has them. */
static void published_files_are_read(void **state) {
    (void)state;
    const char *folder = getenv("COSTATE_DATA_DIR");
    const size_t sizes[] = {100, 200, 500, 1000, 5000, 10000};
    const struct {
        const char *name;
        size_t n_param;
    } nets[] = {{"2_8_1", 33}, {"2_16_16_1", 337}, {"2_16_32_16_1", 1137}, {"2_32_32_1", 1185}};
    char path[512];
    costate_message message;
    if (!folder) {
        print_message("skipped: COSTATE_DATA_DIR names no folder\n");
        skip();
    }
    for (size_t k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++) {
        costate_moons *moons;
        (void)snprintf(path, sizeof(path), "%s/moons/moons_%zu.json", folder, sizes[k]);
        const costate_status status = costate_moons_read(path, NULL, NULL, &moons, &message);
        if (k == 0 && status == COSTATE_ERR_IO) {
            print_message("skipped: %s\n", message.text);
            skip();
        }
        assert_ok(status);
        assert_int_equal(costate_moons_n_point(moons), sizes[k]);
        assert_close(costate_moons_x(moons)[0], 1.2202524907011694, 0.0, 0.0);
        double sum = 0.0;
        for (size_t i = 0; i < sizes[k]; i++) {
            sum += costate_moons_label(moons)[i];
        }
        assert_close(sum, 0.0, 0.0, 0.0);
        costate_moons_destroy(moons);
    }
    for (size_t k = 0; k < sizeof(nets) / sizeof(nets[0]); k++) {
        costate_moons_net *net;
        (void)snprintf(path, sizeof(path), "%s/moons/weights_%s.json", folder, nets[k].name);
        assert_ok(costate_moons_net_read(path, NULL, NULL, &net, &message));
        assert_int_equal(costate_moons_net_n_param(net), nets[k].n_param);
        assert_close(costate_moons_net_param(net)[1], 0.6133815542373582, 0.0, 0.0);
        assert_close(costate_moons_net_param(net)[nets[k].n_param - 1], 0.0, 0.0, 0.0);
        costate_moons_net_destroy(net);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parse_gives_points_and_labels),
        cmocka_unit_test(net_parse_gives_widths_and_parameters),
        cmocka_unit_test(net_parameters_are_what_a_network_imports),
        cmocka_unit_test(parse_wrong_text_is_refused_with_its_place),
        cmocka_unit_test(net_parse_wrong_text_is_refused_with_its_place),
        cmocka_unit_test(truncated_anywhere_is_refused),
        cmocka_unit_test(read_names_the_file),
        cmocka_unit_test(wrong_arguments_are_refused),
        cmocka_unit_test(failed_allocation_is_reported),
        cmocka_unit_test(published_files_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
