/* SPDX-License-Identifier: MIT */
/* Model files: what is saved comes back with the same bits, and what does not fit together is refused. */
#include "model_fixture.h"
#include "scratch_file.h"
#include "support/allocators.h"
#include "support/asserts.h"

#include <costate/model.h>
#include <costate/safetensors.h>
#include <costate/version.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void saved_model_is_loaded_with_the_same_bits(void **state) {
    (void)state;
    costate_model *model = model_fixture_create(NULL);
    scratch_file at = scratch_file_create("old", 3);
    costate_model *back;
    costate_message message;
    void *bytes[2];
    size_t n[2];
    assert_ok(costate_model_save(model, at.path, &message));
    assert_string_equal(message.text, "");
    assert_int_equal(scratch_file_count(&at), 1);
    assert_ok(costate_model_load(at.path, NULL, &back, &message));
    assert_null(model_fixture_difference(model, back));
    assert_null(costate_model_text(model, "costate.version"));
    assert_string_equal(costate_model_text(back, "costate.version"), costate_version());
    assert_ok(costate_model_format(model, &bytes[0], &n[0], NULL));
    assert_ok(costate_model_format(back, &bytes[1], &n[1], NULL));
    assert_int_equal(n[0], n[1]);
    assert_memory_equal(bytes[0], bytes[1], n[0]);
    free(bytes[0]);
    free(bytes[1]);
    costate_model_destroy(model);
    costate_model_destroy(back);
    scratch_file_remove(&at);
}

/* The network that comes back computes what the one that was saved computes. */
static void loaded_network_gives_the_same_values(void **state) {
    (void)state;
    costate_model *model = model_fixture_create(NULL);
    void *bytes;
    size_t n;
    costate_model *back;
    assert_ok(costate_model_format(model, &bytes, &n, NULL));
    assert_ok(costate_model_parse(bytes, n, NULL, &back, NULL));
    for (size_t k = 0; k < costate_model_n_net(model); k++) {
        const double x[MODEL_FIXTURE_MAX_WIDTH] = {0.3, -0.7, 1.1};
        double y[2][MODEL_FIXTURE_MAX_WIDTH];
        costate_model_net nets[2];
        assert_ok(costate_model_net_at(model, k, &nets[0]));
        assert_ok(costate_model_net_at(back, k, &nets[1]));
        for (size_t i = 0; i < 2; i++) {
            const size_t work_bytes = costate_net_work_bytes_f64(nets[i].net);
            void *work = malloc(work_bytes);
            assert_ok(costate_net_forward_f64(nets[i].net, nets[i].p, x, y[i], work, work_bytes));
            free(work);
        }
        assert_all_finite(y[0], costate_net_n_out(nets[0].net));
        assert_same_bits_f64(y[0], y[1], costate_net_n_out(nets[0].net));
    }
    free(bytes);
    costate_model_destroy(model);
    costate_model_destroy(back);
}

/* What other languages see: shapes and row-major order under these names. */
static void file_has_row_major_tensors_under_the_names_of_the_views(void **state) {
    (void)state;
    costate_model *model = model_fixture_create(NULL);
    void *bytes;
    size_t n;
    size_t n_tensor = 0;
    costate_safetensors *file;
    assert_ok(costate_model_format(model, &bytes, &n, NULL));
    assert_ok(costate_safetensors_parse(bytes, n, NULL, NULL, &file, NULL));
    for (size_t k = 0; k < costate_model_n_net(model); k++) {
        costate_model_net net;
        assert_ok(costate_model_net_at(model, k, &net));
        for (size_t v = 0; v < costate_net_n_view(net.net); v++, n_tensor++) {
            costate_param_view view;
            char name[128];
            size_t at;
            costate_tensor tensor;
            assert_ok(costate_net_view(net.net, v, &view));
            (void)snprintf(name, sizeof(name), "%s.%s", net.name, view.name);
            assert_ok(costate_safetensors_find(file, name, &at));
            assert_ok(costate_safetensors_tensor(file, at, &tensor));
            assert_int_equal(tensor.dtype, COSTATE_DTYPE_F64);
            assert_int_equal(tensor.n_dim, strstr(view.name, "weight") ? 2 : 1);
            assert_int_equal(tensor.shape[0], view.n_row);
            assert_true(tensor.n_dim == 1 || tensor.shape[1] == view.n_col);
            for (size_t i = 0; i < view.n_row; i++) {
                for (size_t j = 0; j < view.n_col; j++) {
                    const double *x = tensor.data;
                    assert_same_bits_f64(&x[i * view.n_col + j],
                                         &net.p[view.offset + i * view.row_stride + j * view.col_stride], 1);
                }
            }
        }
    }
    static const char *const affine[] = {"net0.in_scale", "net0.in_shift", "net0.out_scale", "net0.out_shift"};
    costate_model_net net0;
    assert_ok(costate_model_find_net(model, "net0", &net0));
    const double *const expected[] = {net0.spec.in_scale, net0.spec.in_shift, net0.spec.out_scale, net0.spec.out_shift};
    for (size_t k = 0; k < 4; k++) {
        const size_t length = k < 2 ? costate_net_n_in(net0.net) : costate_net_n_out(net0.net);
        size_t at;
        costate_tensor tensor;
        assert_ok(costate_safetensors_find(file, affine[k], &at));
        assert_ok(costate_safetensors_tensor(file, at, &tensor));
        assert_int_equal(tensor.n_dim, 1);
        assert_int_equal(tensor.shape[0], length);
        assert_same_bits_f64(tensor.data, expected[k], length);
    }
    /* Of the fixture: four scales and shifts, two blocks. */
    assert_int_equal(costate_safetensors_n_tensor(file), n_tensor + 6);
    costate_safetensors_destroy(file);
    free(bytes);
    costate_model_destroy(model);
}

static void specification_is_kept_in_full(void **state) {
    (void)state;
    const double affine[4][2] = {{1.0, 2.0}, {3.0, 4.0}, {5.0}, {6.0}};
    const double p[] = {0.1, 0.2};
    costate_layer_spec layer = {.n_out = 1, .act = COSTATE_ACT_SIN, .no_bias = true};
    const costate_net_spec spec = {.n_in = 2,
                                   .n_layer = 1,
                                   .layers = &layer,
                                   .input_act = COSTATE_ACT_TANH,
                                   .in_scale = affine[0],
                                   .in_shift = affine[1],
                                   .out_scale = affine[2],
                                   .out_shift = affine[3],
                                   .accuracy = COSTATE_ACCURACY_ACCURATE};
    costate_model *model;
    costate_model_net net;
    assert_ok(costate_model_create(NULL, &model));
    assert_ok(costate_model_set_net(model, "n", &spec, p, NULL));
    layer.n_out = 7;
    assert_ok(costate_model_find_net(model, "n", &net));
    assert_int_equal(net.spec.n_in, 2);
    assert_int_equal(net.spec.n_layer, 1);
    assert_int_equal(net.spec.layers[0].n_out, 1);
    assert_int_equal(net.spec.layers[0].act, COSTATE_ACT_SIN);
    assert_true(net.spec.layers[0].no_bias);
    assert_int_equal(net.spec.input_act, COSTATE_ACT_TANH);
    assert_int_equal(net.spec.accuracy, COSTATE_ACCURACY_ACCURATE);
    assert_same_bits_f64(net.spec.in_scale, affine[0], 2);
    assert_same_bits_f64(net.spec.in_shift, affine[1], 2);
    assert_same_bits_f64(net.spec.out_scale, affine[2], 1);
    assert_same_bits_f64(net.spec.out_shift, affine[3], 1);
    assert_same_bits_f64(net.p, p, 2);
    costate_model_destroy(model);
}

static void parts_are_replaced(void **state) {
    (void)state;
    const double one = 1.0;
    const double two[] = {2.0, 3.0};
    const char *const names[] = {"a", "b"};
    const costate_layer_spec layer = {.n_out = 1, .no_bias = true};
    const costate_layer_spec other = {.n_out = 2, .act = COSTATE_ACT_TANH, .no_bias = true};
    costate_model *model;
    costate_model_block block;
    costate_model_net net;
    assert_ok(costate_model_create(NULL, &model));
    assert_ok(costate_model_set_block(model, "theta", 1, NULL, &one, NULL));
    assert_ok(costate_model_set_block(model, "theta", 2, names, two, NULL));
    assert_int_equal(costate_model_n_block(model), 1);
    assert_ok(costate_model_find_block(model, "theta", &block));
    assert_int_equal(block.n, 2);
    assert_string_equal(block.names[1], "b");
    assert_same_bits_f64(block.x, two, 2);
    assert_ok(costate_model_set_block(model, "theta", 2, block.names, block.x, NULL));
    assert_ok(costate_model_find_block(model, "theta", &block));
    assert_same_bits_f64(block.x, two, 2);
    assert_ok(
        costate_model_set_net(model, "n", &(costate_net_spec){.n_in = 1, .n_layer = 1, .layers = &layer}, &one, NULL));
    assert_ok(
        costate_model_set_net(model, "n", &(costate_net_spec){.n_in = 1, .n_layer = 1, .layers = &other}, two, NULL));
    assert_ok(costate_model_net_at(model, 0, &net));
    assert_int_equal(costate_model_n_net(model), 1);
    assert_int_equal(costate_net_n_param(net.net), 2);
    assert_same_bits_f64(net.p, two, 2);
    assert_ok(costate_model_set_text(model, "k", "v", NULL));
    assert_ok(costate_model_set_text(model, "k", "w", NULL));
    assert_int_equal(costate_model_n_text(model), 1);
    assert_string_equal(costate_model_text(model, "k"), "w");
    assert_ok(costate_model_set_states(model, 2, names, NULL));
    assert_ok(costate_model_set_states(model, 0, NULL, NULL));
    assert_int_equal(costate_model_states(model, NULL), 0);
    costate_model_destroy(model);
}

static void set_wrong_arguments_leave_the_model(void **state) {
    (void)state;
    const double good[] = {1.0, 2.0};
    const double bad[] = {1.0, (double)NAN};
    const costate_layer_spec layer = {.n_out = 1};
    const costate_layer_spec unknown = {.n_out = 1, .act = COSTATE_ACT_COUNT};
    const costate_net_spec spec = {.n_in = 1, .n_layer = 1, .layers = &layer};
    const costate_net_spec wrong = {.n_in = 1, .n_layer = 1, .layers = &unknown};
    const char *const twice[] = {"a", "a"};
    const char *const empty[] = {"a", ""};
    const char *const hole[] = {"a", NULL};
    const char *const line[] = {"a", "b\n"};
    const char *const wrong_names[] = {
        "", "1a", "a.b", "a b", "\xC3\xA9", "a123456789b123456789c123456789d123456789e123456789f123456789g123"};
    costate_message m;
    costate_model *model;
    assert_ok(costate_model_create(NULL, &model));
    assert_ok(costate_model_set_net(model, "n", &spec, good, NULL));
    assert_ok(costate_model_set_block(model, "b", 2, NULL, good, NULL));
    assert_status(costate_model_create(NULL, NULL), COSTATE_ERR_NULL);
    for (size_t k = 0; k < sizeof(wrong_names) / sizeof(wrong_names[0]); k++) {
        assert_status(costate_model_set_net(model, wrong_names[k], &spec, good, &m), COSTATE_ERR_ARGUMENT);
        assert_status(costate_model_set_block(model, wrong_names[k], 2, NULL, good, &m), COSTATE_ERR_ARGUMENT);
    }
    assert_status(costate_model_set_net(NULL, "n", &spec, good, &m), COSTATE_ERR_NULL);
    assert_status(costate_model_set_net(model, NULL, &spec, good, &m), COSTATE_ERR_NULL);
    assert_status(costate_model_set_net(model, "n", NULL, good, &m), COSTATE_ERR_NULL);
    assert_status(costate_model_set_net(model, "n", &spec, NULL, &m), COSTATE_ERR_NULL);
    assert_status(costate_model_set_net(model, "b", &spec, good, &m), COSTATE_ERR_ARGUMENT);
    assert_string_equal(m.text, "'b' is a block");
    assert_status(costate_model_set_net(model, "n", &wrong, good, &m), COSTATE_ERR_ARGUMENT);
    assert_status(costate_model_set_net(model, "n", &spec, bad, &m), COSTATE_ERR_NONFINITE);
    assert_string_equal(m.text, "network 'n': parameter 1 is NaN or infinite");
    assert_status(costate_model_set_block(NULL, "b", 2, NULL, good, &m), COSTATE_ERR_NULL);
    assert_status(costate_model_set_block(model, NULL, 2, NULL, good, &m), COSTATE_ERR_NULL);
    assert_status(costate_model_set_block(model, "b", 2, NULL, NULL, &m), COSTATE_ERR_NULL);
    assert_status(costate_model_set_block(model, "b", 2, hole, good, &m), COSTATE_ERR_NULL);
    assert_status(costate_model_set_block(model, "b", 0, NULL, good, &m), COSTATE_ERR_ARGUMENT);
    assert_status(costate_model_set_block(model, "b", 2, twice, good, &m), COSTATE_ERR_ARGUMENT);
    assert_string_equal(m.text, "b: the name 'a' is there twice");
    assert_status(costate_model_set_block(model, "b", 2, empty, good, &m), COSTATE_ERR_ARGUMENT);
    assert_status(costate_model_set_block(model, "b", 2, line, good, &m), COSTATE_ERR_ARGUMENT);
    assert_status(costate_model_set_block(model, "n", 2, NULL, good, &m), COSTATE_ERR_ARGUMENT);
    assert_string_equal(m.text, "'n' is a network");
    assert_status(costate_model_set_block(model, "b", 2, NULL, bad, &m), COSTATE_ERR_NONFINITE);
    assert_status(costate_model_set_states(NULL, 1, twice, &m), COSTATE_ERR_NULL);
    assert_status(costate_model_set_states(model, 1, NULL, &m), COSTATE_ERR_NULL);
    assert_status(costate_model_set_states(model, 2, twice, &m), COSTATE_ERR_ARGUMENT);
    assert_status(costate_model_set_text(NULL, "k", "v", &m), COSTATE_ERR_NULL);
    assert_status(costate_model_set_text(model, NULL, "v", &m), COSTATE_ERR_NULL);
    assert_status(costate_model_set_text(model, "k", NULL, &m), COSTATE_ERR_NULL);
    assert_status(costate_model_set_text(model, "costate.x", "v", &m), COSTATE_ERR_ARGUMENT);
    assert_status(costate_model_set_text(model, "", "v", &m), COSTATE_ERR_ARGUMENT);
    assert_status(costate_model_set_text(model, "k", "\xFF", &m), COSTATE_ERR_ARGUMENT);
    assert_int_equal(costate_model_n_net(model), 1);
    assert_int_equal(costate_model_n_block(model), 1);
    assert_int_equal(costate_model_states(model, NULL), 0);
    assert_int_equal(costate_model_n_text(model), 0);
    costate_model_net net;
    costate_model_block block;
    assert_ok(costate_model_net_at(model, 0, &net));
    assert_same_bits_f64(net.p, good, 2);
    assert_ok(costate_model_block_at(model, 0, &block));
    assert_same_bits_f64(block.x, good, 2);
    assert_status(costate_model_net_at(model, 1, &net), COSTATE_ERR_ARGUMENT);
    assert_status(costate_model_net_at(NULL, 0, &net), COSTATE_ERR_NULL);
    assert_status(costate_model_net_at(model, 0, NULL), COSTATE_ERR_NULL);
    assert_status(costate_model_find_net(model, "b", &net), COSTATE_ERR_ARGUMENT);
    assert_status(costate_model_find_net(model, NULL, &net), COSTATE_ERR_NULL);
    assert_status(costate_model_block_at(model, 1, &block), COSTATE_ERR_ARGUMENT);
    assert_status(costate_model_block_at(NULL, 0, &block), COSTATE_ERR_NULL);
    assert_status(costate_model_find_block(model, "n", &block), COSTATE_ERR_ARGUMENT);
    assert_status(costate_model_find_block(model, "b", NULL), COSTATE_ERR_NULL);
    assert_null(costate_model_text(model, "k"));
    assert_null(costate_model_text(NULL, "k"));
    assert_null(costate_model_text_key(model, 0));
    assert_int_equal(costate_model_n_net(NULL) + costate_model_n_block(NULL) + costate_model_n_text(NULL) +
                         costate_model_states(NULL, NULL),
                     0);
    assert_status(costate_model_save(NULL, "x", NULL), COSTATE_ERR_NULL);
    assert_status(costate_model_save(model, NULL, NULL), COSTATE_ERR_NULL);
    assert_status(costate_model_format(model, NULL, NULL, NULL), COSTATE_ERR_NULL);
    costate_model_destroy(model);
    costate_model_destroy(NULL);
    assert_status(costate_model_load(NULL, NULL, &model, NULL), COSTATE_ERR_NULL);
    assert_status(costate_model_load("x", NULL, NULL, NULL), COSTATE_ERR_NULL);
    assert_status(costate_model_parse("x", 1, NULL, NULL, NULL), COSTATE_ERR_NULL);
}

static void number_of_parts_is_limited(void **state) {
    (void)state;
    const double one = 1.0;
    costate_model *model;
    costate_message message;
    char name[16];
    assert_ok(costate_model_create(NULL, &model));
    for (int k = 0; k < COSTATE_MODEL_MAX_PARTS; k++) {
        (void)snprintf(name, sizeof(name), "b%d", k);
        assert_ok(costate_model_set_block(model, name, 1, NULL, &one, &message));
    }
    assert_status(costate_model_set_block(model, "b", 1, NULL, &one, &message), COSTATE_ERR_ARGUMENT);
    assert_string_equal(message.text, "'b': there are 1000 parts already");
    assert_ok(costate_model_set_block(model, "b7", 1, NULL, &one, &message));
    costate_model_destroy(model);
}

static void failed_allocation_is_reported(void **state) {
    (void)state;
    scratch_file at = scratch_file_create("old", 3);
    for (size_t k = 1;; k++) {
        test_allocator counts = {.fail_at = k};
        const costate_allocator hooks = test_allocator_hooks(&counts);
        costate_model *model;
        costate_model *back = NULL;
        costate_status status = model_fixture_try(&hooks, &model);
        if (status == COSTATE_OK) {
            status = costate_model_save(model, at.path, NULL);
        }
        if (status == COSTATE_OK) {
            status = costate_model_load(at.path, &hooks, &back, NULL);
            assert_true((status == COSTATE_OK) == (back != NULL));
        }
        costate_model_destroy(model);
        costate_model_destroy(back);
        assert_int_equal(counts.n_live, 0);
        assert_int_equal(scratch_file_count(&at), 1);
        if (counts.n_failed == 0) {
            assert_ok(status);
            assert_true(k > 50);
            break;
        }
        assert_status(status, COSTATE_ERR_MEMORY);
    }
    scratch_file_remove(&at);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(saved_model_is_loaded_with_the_same_bits),
        cmocka_unit_test(loaded_network_gives_the_same_values),
        cmocka_unit_test(file_has_row_major_tensors_under_the_names_of_the_views),
        cmocka_unit_test(specification_is_kept_in_full),
        cmocka_unit_test(parts_are_replaced),
        cmocka_unit_test(set_wrong_arguments_leave_the_model),
        cmocka_unit_test(number_of_parts_is_limited),
        cmocka_unit_test(failed_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
