/* SPDX-License-Identifier: MIT */
/* Parameter layout, named views and foreign orders. */
#include "net_fixture.h"

#include "support/asserts.h"
#include <stdint.h>
#include <stdlib.h>

/* 2 inputs, 3 tanh units, 1 unit without bias, 1 unit: 6 + 3, 3, 1 + 1 parameters. */
static costate_net *small_net(void) {
    static const costate_layer_spec layers[] = {
        {.n_out = 3, .act = COSTATE_ACT_TANH}, {.n_out = 1, .no_bias = true}, {.n_out = 1}};
    costate_net *net;
    assert_ok(costate_net_create(&(costate_net_spec){.n_in = 2, .n_layer = 3, .layers = layers}, NULL, &net));
    return net;
}

static void assert_view(const costate_param_view *view, const costate_param_view *want) {
    assert_string_equal(view->name, want->name);
    assert_int_equal(view->offset, want->offset);
    assert_int_equal(view->n_row, want->n_row);
    assert_int_equal(view->n_col, want->n_col);
    if (want->n_row > 1) {
        assert_int_equal(view->row_stride, want->row_stride);
    }
    if (want->n_col > 1) {
        assert_int_equal(view->col_stride, want->col_stride);
    }
}

static void view_layout_is_as_computed_by_hand(void **state) {
    (void)state;
    static const costate_param_view want[] = {
        {"layer0.weight", 0, 3, 2, 1, 3},                                    /* n_out >= n_in: columns contiguous */
        {"layer0.bias", 6, 3, 1, 1, 0},    {"layer1.weight", 9, 1, 3, 3, 1}, /* n_out < n_in: rows contiguous */
        {"layer2.weight", 12, 1, 1, 1, 1}, {"layer2.bias", 13, 1, 1, 1, 0},
    };
    costate_net *net = small_net();
    size_t n = sizeof want / sizeof *want;
    assert_int_equal(costate_net_n_view(net), n);
    assert_int_equal(costate_net_n_param(net), 14);
    for (size_t k = 0; k < n; k++) {
        costate_param_view view;
        assert_ok(costate_net_view(net, k, &view));
        assert_view(&view, &want[k]);
        assert_ok(costate_net_find(net, want[k].name, &view));
        assert_view(&view, &want[k]);
    }
    costate_net_destroy(net);
}

static void view_of_square_matrix_is_column_major(void **state) {
    (void)state;
    costate_layer_spec layer = {.n_out = 4};
    costate_net *net;
    costate_param_view view;
    assert_ok(costate_net_create(&(costate_net_spec){.n_in = 4, .n_layer = 1, .layers = &layer}, NULL, &net));
    assert_ok(costate_net_find(net, "layer0.weight", &view));
    assert_int_equal(view.row_stride, 1);
    assert_int_equal(view.col_stride, 4);
    costate_net_destroy(net);
}

/* Views tile the parameter array: every element belongs to exactly one entry of one view. */
static void view_entries_cover_every_parameter_once(void **state) {
    (void)state;
    for (size_t s = 0; s < n_net_shapes; s++) {
        net_fixture fixture;
        net_fixture_make(&fixture, &net_shapes[s], 1);
        double *seen = doubles(fixture.n_param);
        for (size_t k = 0; k < costate_net_n_view(fixture.net); k++) {
            costate_param_view view;
            assert_ok(costate_net_view(fixture.net, k, &view));
            for (size_t i = 0; i < view.n_row; i++) {
                for (size_t j = 0; j < view.n_col; j++) {
                    size_t at = view.offset + i * view.row_stride + j * view.col_stride;
                    assert_in_range(at, 0, fixture.n_param - 1);
                    seen[at] += 1.0;
                }
            }
        }
        for (size_t k = 0; k < fixture.n_param; k++) {
            assert_true(seen[k] == 1.0);
        }
        free(seen);
        net_fixture_release(&fixture);
    }
}

static void view_errors_are_reported(void **state) {
    (void)state;
    costate_net *net = small_net();
    costate_param_view view;
    assert_status(costate_net_view(NULL, 0, &view), COSTATE_ERR_NULL);
    assert_status(costate_net_view(net, 0, NULL), COSTATE_ERR_NULL);
    assert_status(costate_net_view(net, 5, &view), COSTATE_ERR_ARGUMENT);
    assert_status(costate_net_view(net, SIZE_MAX, &view), COSTATE_ERR_ARGUMENT);
    assert_status(costate_net_find(NULL, "layer0.weight", &view), COSTATE_ERR_NULL);
    assert_status(costate_net_find(net, NULL, &view), COSTATE_ERR_NULL);
    assert_status(costate_net_find(net, "layer0.weight", NULL), COSTATE_ERR_NULL);
    static const char *const absent[] = {
        "", "layer0", "layer0.weights", "layer0.weigh", "layer1.bias", "layer3.weight", "Layer0.weight"};
    for (size_t k = 0; k < sizeof absent / sizeof *absent; k++) {
        assert_status(costate_net_find(net, absent[k], &view), COSTATE_ERR_ARGUMENT);
    }
    assert_int_equal(costate_net_n_view(NULL), 0);
    costate_net_destroy(net);
}

/* The small net's parameters in either foreign order (entry ij of W0 is called ij), and where they must go. */
static const double row_major[14] = {11, 12, 21, 22, 31, 32, 1, 2, 3, 4, 5, 6, 7, 8};
static const double column_major[14] = {11, 21, 31, 12, 22, 32, 1, 2, 3, 4, 5, 6, 7, 8};
static const double own_layout[14] = {11, 21, 31, 12, 22, 32, 1, 2, 3, 4, 5, 6, 7, 8};

static void import_small_net_is_as_computed_by_hand(void **state) {
    (void)state;
    costate_net *net = small_net();
    double p[14], foreign[14];
    assert_ok(costate_net_import_f64(net, COSTATE_ORDER_ROW_MAJOR, row_major, p));
    assert_same_bits_f64(p, own_layout, 14);
    assert_ok(costate_net_import_f64(net, COSTATE_ORDER_COLUMN_MAJOR, column_major, p));
    assert_same_bits_f64(p, own_layout, 14);
    assert_ok(costate_net_export_f64(net, COSTATE_ORDER_ROW_MAJOR, own_layout, foreign));
    assert_same_bits_f64(foreign, row_major, 14);
    assert_ok(costate_net_export_f64(net, COSTATE_ORDER_COLUMN_MAJOR, own_layout, foreign));
    assert_same_bits_f64(foreign, column_major, 14);
    costate_net_destroy(net);
}

/* A 3 → 2 layer is row-major in the library, so its column-major peer is a transpose. */
static void import_wide_matrix_is_as_computed_by_hand(void **state) {
    (void)state;
    static const double rows[8] = {11, 12, 13, 21, 22, 23, 1, 2}, columns[8] = {11, 21, 12, 22, 13, 23, 1, 2};
    costate_layer_spec layer = {.n_out = 2};
    costate_net *net;
    double p[8];
    assert_ok(costate_net_create(&(costate_net_spec){.n_in = 3, .n_layer = 1, .layers = &layer}, NULL, &net));
    assert_ok(costate_net_import_f64(net, COSTATE_ORDER_ROW_MAJOR, rows, p));
    assert_same_bits_f64(p, rows, 8);
    assert_ok(costate_net_import_f64(net, COSTATE_ORDER_COLUMN_MAJOR, columns, p));
    assert_same_bits_f64(p, rows, 8);
    costate_net_destroy(net);
}

static void import_agrees_with_views_and_export_inverts_it(void **state) {
    (void)state;
    for (size_t s = 0; s < n_net_shapes; s++) {
        net_fixture fixture;
        net_fixture_make(&fixture, &net_shapes[s], s);
        size_t n = fixture.n_param;
        double *p = doubles(n), *foreign = doubles(n);
        float *p32 = calloc(n, sizeof *p32), *foreign32 = calloc(n, sizeof *foreign32),
              *back32 = calloc(n, sizeof *back32);
        for (size_t k = 0; k < n; k++) {
            foreign32[k] = (float)fixture.p[k];
        }
        for (int order = COSTATE_ORDER_ROW_MAJOR; order <= COSTATE_ORDER_COLUMN_MAJOR; order++) {
            assert_ok(costate_net_import_f64(fixture.net, (costate_order)order, fixture.p, p));
            assert_ok(costate_net_import_f32(fixture.net, (costate_order)order, foreign32, p32));
            size_t next = 0;
            for (size_t b = 0; b < costate_net_n_view(fixture.net); b++) {
                costate_param_view view;
                assert_ok(costate_net_view(fixture.net, b, &view));
                bool rows = order == COSTATE_ORDER_ROW_MAJOR;
                size_t outer = rows ? view.n_row : view.n_col, inner = rows ? view.n_col : view.n_row;
                for (size_t i = 0; i < outer * inner; i++) {
                    size_t row = rows ? i / inner : i % inner, col = rows ? i % inner : i / inner;
                    size_t at = view.offset + row * view.row_stride + col * view.col_stride;
                    assert_same_bits_f64(&p[at], &fixture.p[next], 1);
                    assert_same_bits_f32(&p32[at], &foreign32[next], 1);
                    next++;
                }
            }
            assert_ok(costate_net_export_f64(fixture.net, (costate_order)order, p, foreign));
            assert_same_bits_f64(foreign, fixture.p, n);
            assert_ok(costate_net_export_f32(fixture.net, (costate_order)order, p32, back32));
            assert_same_bits_f32(back32, foreign32, n);
        }
        free(back32);
        free(foreign32);
        free(p32);
        free(foreign);
        free(p);
        net_fixture_release(&fixture);
    }
}

static void import_and_export_errors_leave_output_alone(void **state) {
    (void)state;
    costate_net *net = small_net();
    double p[14] = {0}, zero[14] = {0};
    float p32[14] = {0}, zero32[14] = {0}, rows32[14] = {1.0f};
    costate_order row = COSTATE_ORDER_ROW_MAJOR, unknown = (costate_order)2;
    assert_status(costate_net_import_f64(NULL, row, row_major, p), COSTATE_ERR_NULL);
    assert_status(costate_net_import_f64(net, row, NULL, p), COSTATE_ERR_NULL);
    assert_status(costate_net_import_f64(net, row, row_major, NULL), COSTATE_ERR_NULL);
    assert_status(costate_net_import_f64(net, unknown, row_major, p), COSTATE_ERR_ARGUMENT);
    assert_status(costate_net_export_f64(NULL, row, row_major, p), COSTATE_ERR_NULL);
    assert_status(costate_net_export_f64(net, row, NULL, p), COSTATE_ERR_NULL);
    assert_status(costate_net_export_f64(net, row, row_major, NULL), COSTATE_ERR_NULL);
    assert_status(costate_net_export_f64(net, unknown, row_major, p), COSTATE_ERR_ARGUMENT);
    assert_status(costate_net_import_f32(NULL, row, rows32, p32), COSTATE_ERR_NULL);
    assert_status(costate_net_import_f32(net, row, NULL, p32), COSTATE_ERR_NULL);
    assert_status(costate_net_import_f32(net, row, rows32, NULL), COSTATE_ERR_NULL);
    assert_status(costate_net_import_f32(net, unknown, rows32, p32), COSTATE_ERR_ARGUMENT);
    assert_status(costate_net_export_f32(NULL, row, rows32, p32), COSTATE_ERR_NULL);
    assert_status(costate_net_export_f32(net, row, NULL, p32), COSTATE_ERR_NULL);
    assert_status(costate_net_export_f32(net, row, rows32, NULL), COSTATE_ERR_NULL);
    assert_status(costate_net_export_f32(net, unknown, rows32, p32), COSTATE_ERR_ARGUMENT);
    assert_same_bits_f64(p, zero, 14);
    assert_same_bits_f32(p32, zero32, 14);
    costate_net_destroy(net);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(view_layout_is_as_computed_by_hand),
        cmocka_unit_test(view_of_square_matrix_is_column_major),
        cmocka_unit_test(view_entries_cover_every_parameter_once),
        cmocka_unit_test(view_errors_are_reported),
        cmocka_unit_test(import_small_net_is_as_computed_by_hand),
        cmocka_unit_test(import_wide_matrix_is_as_computed_by_hand),
        cmocka_unit_test(import_agrees_with_views_and_export_inverts_it),
        cmocka_unit_test(import_and_export_errors_leave_output_alone),
    };
    return cmocka_run_group_tests_name("net_params", tests, NULL, NULL);
}
