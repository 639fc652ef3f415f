/* SPDX-License-Identifier: MIT */
/* Max pooling on tiles against naive loops, exactly. */
#include "isa_environment.h"
#include "net_battery.h"
#include "tile_run.h"

#include "support/seeded_random.h"
#include <costate/isa.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct pool_case {
    costate_shape in;
    size_t kernel[2], stride[2], padding[2];
} pool_case;

static const pool_case cases[] = {
    {{1, 1, 1}, {1, 1}, {1, 1}, {0, 0}},  {{3, 6, 8}, {2, 2}, {2, 2}, {0, 0}},
    {{2, 7, 9}, {2, 2}, {2, 2}, {0, 0}}, /* a line and a column too many */
    {{2, 7, 8}, {3, 3}, {2, 2}, {1, 1}},  {{2, 5, 5}, {2, 2}, {1, 1}, {0, 0}},
    {{4, 1, 13}, {1, 4}, {1, 3}, {0, 1}}, {{5, 1, 12}, {1, 12}, {1, 12}, {0, 0}},
    {{2, 4, 6}, {4, 6}, {4, 6}, {0, 0}},  {{2, 9, 9}, {2, 2}, {3, 4}, {0, 0}}, /* elements between the windows */
    {{3, 6, 6}, {2, 2}, {2, 2}, {0, 0}},  {{1, 8, 5}, {5, 3}, {5, 3}, {2, 1}},
    {{2, 6, 3}, {3, 1}, {3, 1}, {0, 0}},  {{2, 3, 8}, {3, 4}, {1, 2}, {1, 1}},
};

enum { N_CASE = sizeof cases / sizeof *cases };

static const size_t rows[] = {16, 32, 48, 80, 256};

static costate_chain_layer layer_of(const pool_case *c) {
    costate_chain_layer layer = costate_chain_max_pool(c->kernel[0], c->kernel[1]);
    for (int axis = 0; axis < 2; axis++) {
        layer.stride[axis] = c->stride[axis];
        layer.padding[axis] = c->padding[axis];
    }
    return layer;
}

/* Small integers, so that elements are often equal and sums exact; `special`: infinities among them. */
static void fill_integers(costate_random *random, double *values, size_t n, bool special) {
    for (size_t i = 0; i < n; i++) {
        values[i] = (double)costate_random_below(random, 5) - 2.0;
        if (special && costate_random_below(random, 6) == 0) {
            values[i] = costate_random_below(random, 2) == 0 ? (double)INFINITY : -(double)INFINITY;
        }
    }
}

/* The elements of one window, of which one is its largest: the first of those, or a NaN. */
typedef struct window {
    size_t at;   /* index in x of the largest, without the lane */
    bool is_nan; /* one element is NaN */
} window;

static window window_of(const tile_run *run, size_t c, size_t y, size_t x, size_t lane) {
    const costate_chain_layer *layer = &run->layer;
    window found = {SIZE_MAX, false};
    for (size_t k = 0; k < layer->kernel[0]; k++) {
        for (size_t l = 0; l < layer->kernel[1]; l++) {
            const size_t line = y * layer->stride[0] + k, column = x * layer->stride[1] + l;
            if (line < layer->padding[0] || line - layer->padding[0] >= run->in.height || column < layer->padding[1] ||
                column - layer->padding[1] >= run->in.width) {
                continue;
            }
            const size_t at =
                (c * run->in.height + line - layer->padding[0]) * run->in.width + column - layer->padding[1];
            const double element = run->x[at * run->row + lane];
            found.is_nan = found.is_nan || isnan(element);
            if (found.at == SIZE_MAX || element > run->x[found.at * run->row + lane]) {
                found.at = at;
            }
        }
    }
    return found;
}

static void check_lane(const tile_run *run, size_t lane, double *xbar) {
    const costate_shape out = run->plan.out;
    memset(xbar, 0, run->n_in * sizeof *xbar);
    for (size_t i = 0; i < run->n_out; i++) {
        const window found =
            window_of(run, i / (out.height * out.width), i / out.width % out.height, i % out.width, lane);
        assert_true(found.at != SIZE_MAX);
        assert_true(run->y[i * run->row + lane] == run->x[found.at * run->row + lane]);
        xbar[found.at] += run->v[i * run->row + lane];
    }
    for (size_t i = 0; i < run->n_in; i++) {
        assert_true(run->xbar[i * run->row + lane] == xbar[i]);
    }
}

static void check_case(const pool_case *c, size_t row, bool single, bool special, costate_random *random) {
    const costate_chain_layer layer = layer_of(c);
    tile_run run = tile_run_make(&layer, c->in, row, single, random);
    double *xbar = calloc(run.n_in, sizeof *xbar);
    assert_non_null(xbar);
    assert_int_equal(run.plan.out.n_channel, c->in.n_channel);
    assert_int_equal(run.plan.out.height, (c->in.height + 2 * c->padding[0] - c->kernel[0]) / c->stride[0] + 1);
    assert_int_equal(run.plan.out.width, (c->in.width + 2 * c->padding[1] - c->kernel[1]) / c->stride[1] + 1);
    assert_int_equal(run.n_param, 0);
    fill_integers(random, run.x, run.n_in * row, special);
    fill_integers(random, run.v, run.n_out * row, false);
    tile_run_call(&run, row - 3, true, true);
    for (size_t lane = 0; lane < row; lane++) {
        check_lane(&run, lane, xbar);
    }
    free(xbar);
    tile_run_release(&run);
}

static void max_pool_of_every_shape_matches_reference(void **state) {
    (void)state;
    costate_random random = test_random(311);
    for (size_t k = 0; k < N_CASE; k++) {
        for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
            for (int turn = 0; turn < 4; turn++) {
                check_case(&cases[k], rows[r], turn % 2 == 1, turn / 2 == 1, &random);
            }
        }
    }
}

/* NaN reaches exactly the windows it is in, next to infinities too; what is passed back stays finite and whole. */
static void max_pool_of_nan_is_nan(void **state) {
    (void)state;
    costate_random random = test_random(312);
    const size_t row = 32;
    for (size_t k = 0; k < N_CASE; k++) {
        for (int single = 0; single < 2; single++) {
            const costate_chain_layer layer = layer_of(&cases[k]);
            tile_run run = tile_run_make(&layer, cases[k].in, row, single == 1, &random);
            const costate_shape out = run.plan.out;
            fill_integers(&random, run.x, run.n_in * row, true);
            fill_integers(&random, run.v, run.n_out * row, false);
            for (size_t i = 0; i < run.n_in * row; i++) {
                if (costate_random_below(&random, 4) == 0) {
                    run.x[i] = (double)NAN;
                }
            }
            tile_run_call(&run, row, true, true);
            double balance = 0;
            for (size_t i = 0; i < run.n_out * row; i++) {
                const size_t j = i / row;
                const window found =
                    window_of(&run, j / (out.height * out.width), j / out.width % out.height, j % out.width, i % row);
                assert_int_equal(isnan(run.y[i]) != 0, found.is_nan);
                balance += run.v[i];
            }
            for (size_t i = 0; i < run.n_in * row; i++) {
                balance -= run.xbar[i];
            }
            assert_true(balance == 0);
            tile_run_release(&run);
        }
    }
}

static void max_pool_vjp_without_xbar_does_nothing(void **state) {
    (void)state;
    costate_random random = test_random(313);
    const costate_chain_layer layer = layer_of(&cases[1]);
    tile_run run = tile_run_make(&layer, cases[1].in, 16, true, &random);
    tile_run_call(&run, 16, false, true);
    for (size_t i = 0; i < run.n_in * 16; i++) {
        assert_true(run.xbar[i] == 0);
    }
    tile_run_release(&run);
}

static void max_pool_gives_same_bits_on_every_variant(void **state) {
    (void)state;
    static const char *const names[] = {"generic", "fma", "avx2", "avx512"};
    const isa_environment saved = isa_environment_save();
    const costate_random stream = test_random(314);
    for (size_t k = 0; k < N_CASE; k++) {
        tile_run first = {.y = NULL};
        for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
            costate_isa isa;
            isa_environment_set(names[i]);
            if (costate_isa_select(&isa) != COSTATE_OK) {
                print_message("SKIPPED: COSTATE_ISA=%s is not available here\n", names[i]);
                continue;
            }
            costate_random random = stream;
            const costate_chain_layer layer = layer_of(&cases[k]);
            tile_run run = tile_run_make(&layer, cases[k].in, 48, k % 2 == 0, &random);
            tile_run_call(&run, 48, true, false);
            if (first.y == NULL) {
                first = run;
            } else {
                assert_same_bits_f64(run.y, first.y, run.n_out * 48);
                assert_same_bits_f64(run.xbar, first.xbar, run.n_in * 48);
                tile_run_release(&run);
            }
        }
        assert_non_null(first.y);
        tile_run_release(&first);
    }
    isa_environment_restore(&saved);
}

static costate_status planned(const costate_chain_layer *layer, costate_shape in) {
    costate_chain_plan plan = {.n_kept = 0};
    return layer->kind->plan(layer, in, &plan);
}

static void max_pool_plan_refuses_what_cannot_be(void **state) {
    (void)state;
    const costate_shape in = {2, 6, 7};
    const costate_chain_layer good = costate_chain_max_pool(3, 3);
    assert_ok(planned(&good, in));
    for (int axis = 0; axis < 2; axis++) {
        costate_chain_layer layer = good;
        layer.kernel[axis] = 0;
        assert_status(planned(&layer, in), COSTATE_ERR_ARGUMENT);
        layer = good;
        layer.stride[axis] = 0;
        assert_status(planned(&layer, in), COSTATE_ERR_ARGUMENT);
        layer = good;
        layer.padding[axis] = 1;
        assert_ok(planned(&layer, in));
        layer.padding[axis] = 2;
        assert_status(planned(&layer, in), COSTATE_ERR_ARGUMENT);
        layer.padding[axis] = SIZE_MAX;
        assert_status(planned(&layer, in), COSTATE_ERR_ARGUMENT);
        layer = good;
        layer.kernel[axis] = 2;
        layer.padding[axis] = 1;
        assert_status(planned(&layer, in), COSTATE_ERR_ARGUMENT);
        layer = good;
        layer.kernel[axis] = 8;
        assert_status(planned(&layer, in), COSTATE_ERR_SIZE);
        layer.kernel[axis] = SIZE_MAX;
        layer.padding[axis] = SIZE_MAX / 2;
        assert_status(planned(&layer, in), COSTATE_ERR_OVERFLOW);
    }
}

int main(void) {
    if (!net_battery_isa_available()) {
        return TEST_SKIPPED;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(max_pool_of_every_shape_matches_reference),
        cmocka_unit_test(max_pool_of_nan_is_nan),
        cmocka_unit_test(max_pool_vjp_without_xbar_does_nothing),
        cmocka_unit_test(max_pool_gives_same_bits_on_every_variant),
        cmocka_unit_test(max_pool_plan_refuses_what_cannot_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
