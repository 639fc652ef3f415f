/* SPDX-License-Identifier: MIT */
/* Dropout: which elements are zero, how often, and that this depends on nothing but what it may. */
#include "gather_tile.h"
#include "isa_environment.h"
#include "support/seeded_random.h"

#include <costate/chain_eval.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static isa_environment saved;

static int save_environment(void **state) {
    (void)state;
    saved = isa_environment_save();
    return 0;
}

static int restore_environment(void **state) {
    (void)state;
    isa_environment_restore(&saved);
    return 0;
}

/* The library's random numbers say whether an element is zero: 24 bits of the words of one block for four neighbours. */
static bool is_dropped(const tile_call *call, size_t sample, size_t element) {
    costate_random random = costate_random_seed(call->draw ^ UINT64_C(0x64726f706f757421), call->first + sample);
    random.block = (uint64_t)call->layer_index << 32 | element / 4;
    uint64_t bits = 0;
    for (size_t k = 0; k <= element % 4 / 2; k++) {
        bits = costate_random_bits(&random);
    }
    const uint32_t word = (uint32_t)(element % 2 == 0 ? bits : bits >> 32);
    return (double)(word >> 8) < floor(call->layer.rate * 0x1p24 + 0.5);
}

static void check_tile(tile_call call, bool is_double) {
    costate_random random = test_random(call.n);
    const size_t n_element = costate_shape_size(call.in), n = call.n * n_element;
    double *x = tile_random(&random, n), *v = tile_random(&random, n), *y = tile_zeros(n), *xbar = tile_zeros(n);
    double *behind = tile_zeros((call.row - call.n) * n_element);
    const double keep = 1 - call.layer.rate, rtol = is_double ? 1e-15 : 1e-6;
    call.x = x;
    call.v = v;
    call.y = y;
    call.xbar = xbar;
    call.y_behind = behind;
    assert_ok(is_double ? tile_call_run_f64(&call) : tile_call_run_f32(&call));
    for (size_t i = 0; i < n; i++) {
        const bool is_zero = call.training && is_dropped(&call, i / n_element, i % n_element);
        const double factor = is_zero ? 0 : call.training ? 1 / keep : 1;
        assert_close(y[i], x[i] * factor, call.training ? rtol : 0, 0);
        assert_close(xbar[i], v[i] * factor, call.training ? rtol : 0, 0);
    }
    for (size_t s = call.n; s < call.row; s++) {
        assert_same_bits_f64(behind + (s - call.n) * n_element, y + (call.n - 1) * n_element, n_element);
    }
    double *arrays[] = {x, v, y, xbar, behind};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) {
        free(arrays[i]);
    }
}

static void dropout_on_any_tile_follows_the_random_numbers(void **state) {
    static const size_t counts[][2] = {{1, 16}, {15, 16}, {16, 16}, {17, 32}, {33, 48}, {256, 256}};
    static const costate_shape shapes[] = {{1, 1, 1}, {3, 1, 1}, {4, 1, 1}, {2, 3, 7}, {30, 1, 1}};
    static const double rates[] = {0, 0.1, 0.5, 0.9};
    (void)state;
    for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++) {
        for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
            for (size_t r = 0; r < sizeof rates / sizeof *rates; r++) {
                tile_call call = {.layer = costate_chain_dropout(rates[r]),
                                  .in = shapes[k],
                                  .n = counts[c][0],
                                  .row = counts[c][1],
                                  .first = r == 1 ? ((size_t)1 << 32) - 7 : 1000 * r,
                                  .layer_index = k,
                                  .draw = c,
                                  .side = c % 2 == 0 ? GUARD_AFTER : GUARD_BEFORE,
                                  .training = true};
                check_tile(call, true);
                check_tile(call, false);
                call.training = false;
                check_tile(call, true);
                check_tile(call, false);
            }
        }
    }
}

/* The mask of a sample is its own, whatever tile and lane it is in. */
static void dropout_of_a_sample_does_not_depend_on_its_tile(void **state) {
    enum { N = 100, N_ELEMENT = 21 };
    double ones[N * N_ELEMENT], whole[N * N_ELEMENT], part[N * N_ELEMENT];
    (void)state;
    for (size_t i = 0; i < N * N_ELEMENT; i++) {
        ones[i] = 1;
    }
    tile_call call = {.layer = costate_chain_dropout(0.5),
                      .in = {N_ELEMENT, 1, 1},
                      .n = N,
                      .row = 112,
                      .draw = 12,
                      .layer_index = 3,
                      .training = true,
                      .x = ones,
                      .y = whole};
    assert_ok(tile_call_run_f64(&call));
    call.y = part;
    for (size_t first = 0; first < N; first += call.n) {
        call.n = first % 7 + 1 < N - first ? first % 7 + 1 : N - first;
        call.row = first % 2 == 0 ? 16 : 32;
        call.first = first;
        assert_ok(first % 3 == 0 ? tile_call_run_f32(&call) : tile_call_run_f64(&call));
        assert_same_bits_f64(part, whole + first * N_ELEMENT, call.n * N_ELEMENT);
    }
}

static double mean_of(const double *x, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        sum += x[i];
    }
    return sum / (double)n;
}

/*
 * Over many elements: the fraction of zeros within five standard deviations, also among neighbours, and masks of other
 * draws, layers and samples that agree as often as chance has it.
 */
static void dropout_zeros_are_frequent_as_told_and_independent(void **state) {
    enum { N = 256, N_ELEMENT = 100, N_ALL = N * N_ELEMENT };
    static const double rates[] = {0.02, 0.3, 0.5, 0.95};
    double *ones = tile_zeros(N_ALL), *mask[4], *both = tile_zeros(N_ALL);
    (void)state;
    for (size_t i = 0; i < N_ALL; i++) {
        ones[i] = 1;
    }
    for (size_t r = 0; r < sizeof rates / sizeof *rates; r++) {
        tile_call call = {.layer = costate_chain_dropout(rates[r]),
                          .in = {N_ELEMENT, 1, 1},
                          .n = N,
                          .row = N,
                          .training = true,
                          .x = ones};
        for (size_t k = 0; k < 4; k++) {
            call.draw = k == 1;
            call.layer_index = k == 2;
            call.first = k == 3;
            call.y = mask[k] = tile_zeros(N_ALL);
            assert_ok(tile_call_run_f64(&call));
            for (size_t i = 0; i < N_ALL; i++) {
                mask[k][i] = mask[k][i] == 0;
            }
            assert_close(mean_of(mask[k], N_ALL), rates[r], 0, 5 * sqrt(rates[r] * (1 - rates[r]) / N_ALL));
        }
        const double square = rates[r] * rates[r], bound = 5 * sqrt(square * (1 - square) / N_ALL);
        for (size_t k = 1; k < 4; k++) {
            for (size_t i = 0; i < N_ALL; i++) {
                both[i] = mask[0][i] * mask[k][i];
            }
            assert_close(mean_of(both, N_ALL), square, 0, bound);
        }
        for (size_t distance = 1; distance <= N_ELEMENT; distance = distance == 4 ? N_ELEMENT : distance + 1) {
            for (size_t i = 0; i + distance < N_ALL; i++) {
                both[i] = mask[0][i] * mask[0][i + distance];
            }
            assert_close(mean_of(both, N_ALL - distance), square, 0, 1.5 * bound);
        }
        for (size_t k = 0; k < 4; k++) {
            free(mask[k]);
        }
    }
    free(ones);
    free(both);
}

static void dropout_of_nan_and_infinity_is_zero_or_that(void **state) {
    enum { N_ELEMENT = 64 };
    double x[N_ELEMENT], y[N_ELEMENT], xbar[N_ELEMENT];
    size_t n_zero = 0;
    (void)state;
    for (size_t i = 0; i < N_ELEMENT; i++) {
        x[i] = i % 2 == 0 ? (double)NAN : (double)INFINITY;
    }
    const tile_call call = {.layer = costate_chain_dropout(0.5),
                            .in = {N_ELEMENT, 1, 1},
                            .n = 1,
                            .row = 16,
                            .training = true,
                            .x = x,
                            .v = x,
                            .y = y,
                            .xbar = xbar};
    assert_ok(tile_call_run_f64(&call));
    for (size_t i = 0; i < N_ELEMENT; i++) {
        const bool is_zero = is_dropped(&call, 0, i);
        n_zero += is_zero;
        assert_true(is_zero ? y[i] == 0 && xbar[i] == 0 : i % 2 == 0 ? isnan(y[i]) && isnan(xbar[i]) : isinf(y[i]));
    }
    assert_true(n_zero > 0 && n_zero < N_ELEMENT);
}

static void dropout_on_every_isa_gives_the_same_bits(void **state) {
    static const char *const names[] = {"generic", "fma", "avx2", "avx512"};
    enum { N = 33, N_ELEMENT = 10 };
    costate_random random = test_random(1);
    double *x = tile_random(&random, N * N_ELEMENT), *y = tile_zeros(N * N_ELEMENT), *first = NULL;
    tile_call call = {.layer = costate_chain_dropout(0.3),
                      .in = {N_ELEMENT, 1, 1},
                      .n = N,
                      .row = 48,
                      .training = true,
                      .x = x,
                      .y = y};
    (void)state;
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
        if (tile_select(names[k])) {
            assert_ok(tile_call_run_f64(&call));
            if (first == NULL) {
                first = tile_zeros(N * N_ELEMENT);
                memcpy(first, y, N * N_ELEMENT * sizeof *y);
            }
            assert_same_bits_f64(y, first, N * N_ELEMENT);
        }
    }
    isa_environment_restore(&saved);
    free(x);
    free(y);
    free(first);
}

static void chain_create_with_a_rate_out_of_range_is_refused(void **state) {
    const double wrong[] = {-0.1, 1 - 0x1p-25, 1, 1.5, (double)NAN, (double)INFINITY, -(double)INFINITY};
    costate_chain *chain;
    (void)state;
    for (size_t k = 0; k < sizeof wrong / sizeof *wrong; k++) {
        const costate_chain_layer layer = costate_chain_dropout(wrong[k]);
        assert_status(costate_chain_create(costate_shape_vector(3), 1, &layer, NULL, &chain, NULL),
                      COSTATE_ERR_ARGUMENT);
    }
}

/* Through an evaluator: equal draws give equal masks for any number of threads, others do not; without training nothing. */
static void chain_with_dropout_repeats_its_draws(void **state) {
    enum { N = 700, N_ELEMENT = 6, N_ALL = N * N_ELEMENT };
    const costate_chain_layer layers[] = {costate_chain_dropout(0.5), costate_chain_dropout(0.5)};
    costate_random random = test_random(2);
    double *x = tile_random(&random, N_ALL), *y[4], no_parameter = 0;
    const costate_batch_f64 batch = {.n = N, .x = x};
    costate_chain *chain;
    costate_chain_eval *eval;
    size_t n_zero = 0;
    (void)state;
    assert_ok(costate_chain_create(costate_shape_vector(N_ELEMENT), 2, layers, NULL, &chain, NULL));
    for (size_t k = 0; k < 4; k++) {
        costate_chain_eval_options options = costate_chain_eval_options_default();
        options.n_thread = k == 1 ? 3 : 1;
        y[k] = tile_zeros(N_ALL);
        assert_ok(costate_chain_eval_create(chain, &options, NULL, &eval));
        costate_chain_eval_training(eval, k < 3, k == 2 ? 6 : 5);
        assert_ok(costate_chain_forward_f64(eval, &no_parameter, &batch, y[k]));
        costate_chain_eval_destroy(eval);
    }
    assert_same_bits_f64(y[1], y[0], N_ALL);
    assert_true(memcmp(y[2], y[0], N_ALL * sizeof *x) != 0);
    assert_same_bits_f64(y[3], x, N_ALL);
    for (size_t i = 0; i < N_ALL; i++) {
        n_zero += y[0][i] == 0;
    }
    assert_close((double)n_zero / N_ALL, 0.75, 0, 0.04);
    for (size_t k = 0; k < 4; k++) {
        free(y[k]);
    }
    free(x);
    costate_chain_destroy(chain);
}

int main(void) {
    if (!tile_isa_available()) {
        return TILE_SKIPPED;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dropout_on_any_tile_follows_the_random_numbers),
        cmocka_unit_test(dropout_of_a_sample_does_not_depend_on_its_tile),
        cmocka_unit_test(dropout_zeros_are_frequent_as_told_and_independent),
        cmocka_unit_test(dropout_of_nan_and_infinity_is_zero_or_that),
        cmocka_unit_test(dropout_on_every_isa_gives_the_same_bits),
        cmocka_unit_test(chain_create_with_a_rate_out_of_range_is_refused),
        cmocka_unit_test(chain_with_dropout_repeats_its_draws),
    };
    return cmocka_run_group_tests(tests, save_environment, restore_environment);
}
