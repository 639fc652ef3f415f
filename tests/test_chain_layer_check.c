/* SPDX-License-Identifier: MIT */
/* The check of a layer: right layers pass, and every planted fault is found and named. */
#include "support/allocators.h"
#include "support/asserts.h"

#include <costate/chain_kind.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What is wrong with the kind y_i = p_i x_i² + q x_i below. */
typedef enum fault {
    FAULT_NONE,
    FAULT_PARAMETER_SIGN,
    FAULT_PARAMETER_INDEX,
    FAULT_INPUT_SIGN,
    FAULT_INPUT_FACTOR,
    FAULT_PBAR_OVERWRITTEN,
    FAULT_XBAR_ACCUMULATED,
    FAULT_XBAR_NEEDS_PBAR,
    FAULT_PBAR_NEEDS_XBAR,
    FAULT_FIRST_OF_TILE,
    FAULT_LANES_MIXED,
    FAULT_LAST_TILE_SKIPPED,
    FAULT_SINGLE_FORWARD,
    FAULT_SINGLE_VJP,
    FAULT_SCRATCH_UNWRITTEN,
    FAULT_NAN,
    N_FAULT
} fault;

static costate_status square_plan(const costate_chain_layer *layer, costate_shape in, costate_chain_plan *plan) {
    (void)layer;
    plan->out = in;
    plan->n_block = 2;
    plan->block[0] = (costate_chain_plan_block){.name = "factor", .length = costate_shape_size(in), .bound = 1};
    plan->block[1] = (costate_chain_plan_block){.name = "slope", .length = 1, .is_bias = true, .value = 0.5};
    plan->n_kept = 1;
    plan->n_scratch = 1;
    return COSTATE_OK;
}

static fault fault_of(const costate_chain_layer *layer) {
    return layer->ctx == NULL ? FAULT_NONE : *(const fault *)layer->ctx;
}

#define DEFINE_SQUARE(suffix, real, is_single)                                                                         \
    static costate_status square_forward_##suffix(const costate_chain_tile_##suffix *tile) {                           \
        const size_t n = costate_shape_size(tile->in);                                                                 \
        const fault what = fault_of(tile->layer);                                                                      \
        for (size_t i = 0; i < n; i++) {                                                                               \
            for (size_t s = 0; s < tile->row; s++) {                                                                   \
                const real x = tile->x[i * tile->row + s];                                                             \
                real *y = &tile->y[i * tile->row + s];                                                                 \
                *y = tile->p[i] * x * x + tile->p[n] * x;                                                              \
                *y *= what == FAULT_SINGLE_FORWARD && (is_single) && i == 1 ? (real)1.01 : 1;                          \
                *y += what == FAULT_FIRST_OF_TILE && s == 0 ? 1 : 0;                                                   \
                *y += what == FAULT_LANES_MIXED ? tile->x[i * tile->row] : 0;                                          \
                *y = what == FAULT_NAN && i == 2 && s == 3 ? (real)NAN : *y;                                           \
            }                                                                                                          \
        }                                                                                                              \
        return COSTATE_OK;                                                                                             \
    }                                                                                                                  \
                                                                                                                       \
    static costate_status square_vjp_##suffix(const costate_chain_tile_##suffix *tile) {                               \
        const size_t n = costate_shape_size(tile->in);                                                                 \
        const fault what = fault_of(tile->layer);                                                                      \
        const real wrong = what == FAULT_SINGLE_VJP && (is_single) ? (real)1.01 : 1;                                   \
        const bool wants_pbar = tile->pbar != NULL && (what != FAULT_PBAR_NEEDS_XBAR || tile->xbar != NULL);           \
        if (what == FAULT_PBAR_OVERWRITTEN && wants_pbar) {                                                            \
            tile->pbar[n] = 0;                                                                                         \
        }                                                                                                              \
        for (size_t i = 0; i < n; i++) {                                                                               \
            for (size_t s = 0; s < tile->row; s++) {                                                                   \
                const real x = tile->x[i * tile->row + s], v = tile->v[i * tile->row + s];                             \
                if (wants_pbar && (what != FAULT_LAST_TILE_SKIPPED || tile->n + tile->first < 19 || tile->n == 19)) {  \
                    const size_t to = what == FAULT_PARAMETER_INDEX ? (i + 1) % n : i;                                 \
                    tile->pbar[to] += what == FAULT_PARAMETER_SIGN && i == 2 ? -v * x * x : v * x * x;                 \
                    tile->pbar[n] += wrong * v * x;                                                                    \
                }                                                                                                      \
                if (tile->xbar != NULL) {                                                                              \
                    const real slope = what == FAULT_INPUT_FACTOR ? tile->p[i] * x : 2 * tile->p[i] * x;               \
                    real *xbar = &tile->xbar[i * tile->row + s];                                                       \
                    const real before = what == FAULT_XBAR_ACCUMULATED ? *xbar : 0;                                    \
                    const real sign = what == FAULT_INPUT_SIGN ? -1 : 1;                                               \
                    *xbar = before + v * (slope + sign * tile->p[n]);                                                  \
                    *xbar *= what == FAULT_XBAR_NEEDS_PBAR && tile->pbar == NULL ? 2 : 1;                              \
                    *xbar += what == FAULT_SCRATCH_UNWRITTEN ? 0 * tile->scratch[s] + 0 * tile->kept[s] : 0;           \
                }                                                                                                      \
            }                                                                                                          \
        }                                                                                                              \
        return COSTATE_OK;                                                                                             \
    }

DEFINE_SQUARE(f64, double, false)
DEFINE_SQUARE(f32, float, true)

static const costate_chain_kind square = {"square",       square_plan,        square_forward_f64,
                                          square_vjp_f64, square_forward_f32, square_vjp_f32};
static const costate_chain_kind square_double = {
    .name = "square", .plan = square_plan, .forward_f64 = square_forward_f64, .vjp_f64 = square_vjp_f64};
static const costate_chain_kind square_single = {
    .name = "square", .plan = square_plan, .forward_f32 = square_forward_f32, .vjp_f32 = square_vjp_f32};
static const costate_chain_kind square_half = {
    .name = "square", .plan = square_plan, .forward_f64 = square_forward_f64, .vjp_f32 = square_vjp_f32};

static const costate_shape shape = {4, 1, 1};

static costate_status check(const costate_chain_kind *kind, const fault *what, double *error,
                            costate_message *message) {
    const costate_chain_layer layer = {.kind = kind, .ctx = what};
    return costate_chain_layer_check(shape, &layer, NULL, NULL, error, message);
}

static void check_of_a_right_layer_passes(void **state) {
    const costate_chain_kind *kinds[] = {&square, &square_double, &square_single};
    (void)state;
    for (size_t k = 0; k < 3; k++) {
        costate_message message = {"before"};
        double error = (double)NAN;
        assert_ok(check(kinds[k], NULL, &error, &message));
        assert_string_equal(message.text, "");
        assert_true(error > 0 && error < (k == 2 ? 1e-4 : 1e-9));
    }
    assert_ok(check(&square, NULL, NULL, NULL));
}

/* Every fault, a word of the message that names the place, and another that says what of. */
static void check_of_a_faulty_layer_names_what_is_wrong(void **state) {
    static const struct {
        fault fault;
        const char *place, *what;
        bool in_single; /* also where there is no double precision */
    } expected[] = {
        {FAULT_PARAMETER_SIGN, "factor[2]", "differences", true},
        {FAULT_PARAMETER_INDEX, "factor[", "differences", true},
        {FAULT_INPUT_SIGN, "derivative by input ", "differences", true},
        {FAULT_INPUT_FACTOR, "derivative by input ", "differences", true},
        {FAULT_PBAR_OVERWRITTEN, "slope[0]", "added", true},
        {FAULT_XBAR_ACCUMULATED, "derivative by input ", "nan by the VJP", true},
        {FAULT_XBAR_NEEDS_PBAR, "derivative by input ", "not wanted", true},
        {FAULT_PBAR_NEEDS_XBAR, "derivative by ", "not wanted", true},
        {FAULT_FIRST_OF_TILE, "output ", "tile", true},
        {FAULT_LANES_MIXED, "derivative by input ", "differences", true},
        {FAULT_LAST_TILE_SKIPPED, "derivative by ", "tile", true},
        {FAULT_SINGLE_FORWARD, "output 1 of sample ", "single precision", false},
        {FAULT_SINGLE_VJP, "slope[0]", "single precision", false},
        {FAULT_SCRATCH_UNWRITTEN, "derivative by input ", "nan by the VJP", true},
        {FAULT_NAN, "output 2 of sample 3", "nan", true},
    };
    (void)state;
    assert_int_equal(sizeof expected / sizeof *expected, N_FAULT - 1);
    for (size_t k = 0; k < sizeof expected / sizeof *expected; k++) {
        for (int is_single = 0; is_single <= expected[k].in_single; is_single++) {
            const costate_chain_kind *kind = is_single ? &square_single : &square;
            costate_message message;
            double error = -1;
            assert_status(check(kind, &expected[k].fault, &error, &message), COSTATE_ERR_MISMATCH);
            if (strstr(message.text, expected[k].place) == NULL || strstr(message.text, expected[k].what) == NULL ||
                strncmp(message.text, "square: ", 8) != 0) {
                fail_msg("fault %d: %s", (int)expected[k].fault, message.text);
            }
            assert_true(error >= (strcmp(expected[k].what, "differences") == 0 ? 0.1 : 0));
        }
    }
}

/* Both values are in the message. */
static void check_of_a_wrong_sign_shows_both_values(void **state) {
    const fault what = FAULT_PARAMETER_SIGN;
    static const char before[] = "square: the derivative by factor[2] is ", between[] = " by the VJP and ";
    costate_message message;
    double error;
    char *end;
    (void)state;
    assert_status(check(&square, &what, &error, &message), COSTATE_ERR_MISMATCH);
    assert_memory_equal(message.text, before, sizeof before - 1);
    const double by_vjp = strtod(message.text + sizeof before - 1, &end);
    assert_memory_equal(end, between, sizeof between - 1);
    const double by_differences = strtod(end + sizeof between - 1, &end);
    assert_string_equal(end, " by differences");
    assert_close(by_vjp, -by_differences, 1e-8, 0);
    assert_true(by_vjp != 0);
}

static costate_status check_built_in(costate_shape in, costate_chain_layer layer, size_t n_integer) {
    costate_chain_check_options options = costate_chain_check_options_default();
    costate_message message;
    options.n_integer = n_integer;
    const costate_status status = costate_chain_layer_check(in, &layer, &options, NULL, NULL, &message);
    if (status != COSTATE_OK) {
        print_message("%s\n", message.text);
    }
    return status;
}

static void check_of_the_librarys_layers_passes(void **state) {
    const costate_shape image = {2, 5, 6}, sequence = {3, 1, 5};
    (void)state;
    for (int act = 0; act < COSTATE_ACT_COUNT; act++) {
        assert_ok(check_built_in(costate_shape_vector(5), costate_chain_dense(3, (costate_act)act), 0));
    }
    assert_ok(check_built_in(sequence, costate_chain_flatten(), 0));
    assert_ok(check_built_in(sequence, costate_chain_permute(2, 1, 0), 0));
    assert_ok(check_built_in(sequence, costate_chain_permute(1, 0, 2), 0));
    assert_ok(check_built_in(image, costate_chain_dropout(0.4), 0));
    assert_ok(check_built_in((costate_shape){1, 1, 4}, costate_chain_embedding(6, 5), 6));
    assert_ok(check_built_in(image, costate_chain_conv2d(3, 2, 3, COSTATE_ACT_TANH), 0));
    assert_ok(check_built_in(sequence, costate_chain_conv1d(2, 3, COSTATE_ACT_RELU), 0));
    assert_ok(check_built_in(image, costate_chain_max_pool(2, 2), 0));
    assert_ok(check_built_in(image, costate_chain_rbf(3), 0));
    assert_ok(check_built_in(sequence, costate_chain_rnn(4), 0));
    assert_ok(check_built_in(sequence, costate_chain_gru(4), 0));
    assert_ok(check_built_in(sequence, costate_chain_lstm(4), 0));
}

static void check_with_few_and_many_samples_passes(void **state) {
    static const size_t counts[] = {1, 2, 16, 17, 300};
    const costate_chain_layer layer = {.kind = &square};
    (void)state;
    for (size_t k = 0; k < sizeof counts / sizeof *counts; k++) {
        costate_chain_check_options options = costate_chain_check_options_default();
        options.n_sample = counts[k];
        options.seed = k;
        options.x_low = 10;
        options.x_high = 30;
        options.training = false;
        assert_ok(costate_chain_layer_check(shape, &layer, &options, NULL, NULL, NULL));
    }
}

static void check_with_options_out_of_range_is_refused(void **state) {
    const costate_chain_layer layer = {.kind = &square};
    costate_message message;
    (void)state;
    for (size_t k = 0; k < 12; k++) {
        costate_chain_check_options o = costate_chain_check_options_default();
        switch (k) {
        case 0: o.n_sample = 0; break;
        case 1: o.x_low = 1; break;
        case 2: o.x_low = (double)NAN; break;
        case 3: o.x_high = (double)INFINITY; break;
        case 4: o.p_bound = -1; break;
        case 5: o.p_bound = (double)NAN; break;
        case 6: o.tolerance = 0; break;
        case 7: o.tolerance = (double)NAN; break;
        case 8: o.tolerance_f32 = -1; break;
        case 9: o.tolerance_f32 = (double)INFINITY; break;
        case 10: o.x_high = -2; break;
        default: o.x_low = -(double)INFINITY; break;
        }
        assert_status(costate_chain_layer_check(shape, &layer, &o, NULL, NULL, &message), COSTATE_ERR_ARGUMENT);
        assert_true(strlen(message.text) > 0);
    }
}

static costate_status refuse(const costate_chain_tile_f64 *tile) {
    (void)tile;
    return COSTATE_ERR_ARGUMENT;
}

static void check_passes_on_what_creation_and_calls_answer(void **state) {
    const costate_chain_kind refusing = {
        .name = "refusing", .plan = square_plan, .forward_f64 = refuse, .vjp_f64 = refuse};
    const costate_chain_layer wide = costate_chain_conv2d(3, 9, 9, COSTATE_ACT_TANH), nothing = {.kind = NULL};
    costate_message message;
    (void)state;
    assert_status(check(&refusing, NULL, NULL, &message), COSTATE_ERR_ARGUMENT);
    assert_non_null(strstr(message.text, "refusing"));
    assert_status(check(&square_half, NULL, NULL, &message), COSTATE_ERR_UNSUPPORTED);
    assert_non_null(strstr(message.text, "square"));
    assert_status(costate_chain_layer_check(shape, NULL, NULL, NULL, NULL, &message), COSTATE_ERR_NULL);
    assert_status(costate_chain_layer_check(shape, &nothing, NULL, NULL, NULL, &message), COSTATE_ERR_NULL);
    assert_status(costate_chain_layer_check(shape, &wide, NULL, NULL, NULL, &message), COSTATE_ERR_SIZE);
    /* A word that the table does not have. */
    assert_status(check_built_in((costate_shape){1, 1, 4}, costate_chain_embedding(6, 5), 60), COSTATE_ERR_ARGUMENT);
}

static void check_without_memory_says_so(void **state) {
    const costate_chain_layer layer = {.kind = &square};
    (void)state;
    for (size_t k = 1;; k++) {
        test_allocator counts = {.fail_at = k};
        const costate_allocator hooks = test_allocator_hooks(&counts);
        costate_message message;
        const costate_status status = costate_chain_layer_check(shape, &layer, NULL, &hooks, NULL, &message);
        assert_int_equal(counts.n_live, 0);
        if (counts.n_failed == 0) {
            assert_ok(status);
            assert_true(k > 2);
            break;
        }
        assert_status(status, COSTATE_ERR_MEMORY);
        assert_true(strlen(message.text) > 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(check_of_a_right_layer_passes),
        cmocka_unit_test(check_of_a_faulty_layer_names_what_is_wrong),
        cmocka_unit_test(check_of_a_wrong_sign_shows_both_values),
        cmocka_unit_test(check_of_the_librarys_layers_passes),
        cmocka_unit_test(check_with_few_and_many_samples_passes),
        cmocka_unit_test(check_with_options_out_of_range_is_refused),
        cmocka_unit_test(check_passes_on_what_creation_and_calls_answer),
        cmocka_unit_test(check_without_memory_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
