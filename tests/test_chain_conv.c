/* SPDX-License-Identifier: MIT */
/* Convolutions on tiles against naive loops in long double. */
#include "isa_environment.h"
#include "net_battery.h"
#include "reference_act.h"
#include "tile_run.h"

#include "support/seeded_random.h"
#include <costate/isa.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct conv_case {
    costate_shape in;
    size_t n_out, kernel[2], stride[2], padding[2];
} conv_case;

static const conv_case cases[] = {
    {{1, 1, 1}, 1, {1, 1}, {1, 1}, {0, 0}},
    {{1, 5, 5}, 1, {1, 1}, {1, 1}, {0, 0}},
    {{2, 6, 7}, 3, {3, 2}, {1, 1}, {0, 0}},
    {{3, 7, 9}, 7, {3, 3}, {2, 2}, {1, 1}},
    {{2, 8, 8}, 5, {3, 3}, {3, 2}, {0, 0}},
    {{4, 1, 13}, 8, {1, 3}, {1, 1}, {0, 0}},
    {{5, 1, 20}, 6, {1, 4}, {1, 3}, {0, 2}},
    {{3, 4, 5}, 9, {4, 5}, {1, 1}, {0, 0}}, /* the window is the image */
    {{7, 3, 3}, 13, {1, 1}, {1, 1}, {0, 0}},
    {{2, 5, 5}, 2, {3, 3}, {1, 1}, {2, 2}},
    {{1, 3, 3}, 2, {2, 2}, {1, 1}, {3, 3}}, /* windows of nothing but padding */
    {{2, 6, 6}, 4, {1, 1}, {2, 2}, {1, 1}},
    {{2, 5, 9}, 3, {2, 3}, {3, 5}, {0, 0}}, /* elements between the windows */
    {{3, 9, 1}, 4, {3, 1}, {1, 1}, {1, 0}},
    {{2, 10, 11}, 11, {5, 4}, {1, 2}, {2, 1}},
    {{8, 4, 6}, 2, {2, 5}, {2, 1}, {0, 3}},
    {{1, 2, 90}, 4, {2, 7}, {1, 1}, {1, 3}},
    {{2, 3, 4}, 3, {2, 2}, {SIZE_MAX, SIZE_MAX}, {1, 1}}, /* a single window, in the corner */
    {{1, 4, 5}, 2, {3, 2}, {2, SIZE_MAX - 1}, {1, 0}},
};

/* More than one strip, and the shapes of a well-known network. */
static const conv_case large[] = {
    {{1, 28, 28}, 6, {5, 5}, {1, 1}, {0, 0}},
    {{6, 12, 12}, 16, {5, 5}, {1, 1}, {0, 0}},
    {{2, 21, 17}, 7, {3, 3}, {1, 1}, {1, 1}},
    {{2, 60, 40}, 3, {4, 3}, {2, 2}, {1, 1}},
};

enum { N_CASE = sizeof cases / sizeof *cases, N_LARGE = sizeof large / sizeof *large };

static const size_t rows[] = {32, 48, 64, 80, 112, 128, 256};

static costate_chain_layer layer_of(const conv_case *c, costate_act act, bool no_bias) {
    costate_chain_layer layer = costate_chain_conv2d(c->n_out, c->kernel[0], c->kernel[1], act);
    for (int axis = 0; axis < 2; axis++) {
        layer.stride[axis] = c->stride[axis];
        layer.padding[axis] = c->padding[axis];
    }
    layer.no_bias = no_bias;
    return layer;
}

/* One sum with the number of its terms. */
typedef struct sum_value {
    reference_value sum;
    size_t n;
} sum_value;

static void add_term(sum_value *to, reference_value a, reference_value b, long double u) {
    to->sum = reference_add(to->sum, reference_mul(a, b, u), 0.0L);
    to->n++;
}

static reference_value done(const sum_value *sum, long double u) {
    reference_value value = sum->sum;
    value.error += u * (long double)(sum->n + 2) * value.magnitude;
    return value;
}

static sum_value *sums(size_t n) {
    sum_value *values = calloc(n, sizeof *values);
    assert_non_null(values);
    return values;
}

static void assert_within(double actual, const sum_value *expected, long double u) {
    const reference_value value = done(expected, u);
    assert_close(actual, value.value, 0.0, (double)(value.error * 1.01L) + 1e-40);
}

/* One output element and the places its window covers. */
typedef struct place {
    const tile_run *run;
    size_t channel, y, x, lane;
} place;

/* Calls `visit` for each tap inside the image: index of the weight and index in x. */
static void for_each_tap(const place *at, void (*visit)(void *state, const place *at, size_t weight, size_t element),
                         void *state) {
    const costate_chain_layer *layer = &at->run->layer;
    const costate_shape in = at->run->in;
    for (size_t c = 0; c < in.n_channel; c++) {
        for (size_t k = 0; k < layer->kernel[0]; k++) {
            for (size_t l = 0; l < layer->kernel[1]; l++) {
                const size_t line = at->y * layer->stride[0] + k, column = at->x * layer->stride[1] + l;
                if (line >= layer->padding[0] && line < layer->padding[0] + in.height && column >= layer->padding[1] &&
                    column < layer->padding[1] + in.width) {
                    const size_t element =
                        (c * in.height + line - layer->padding[0]) * in.width + column - layer->padding[1];
                    visit(state, at, ((at->channel * in.n_channel + c) * layer->kernel[0] + k) * layer->kernel[1] + l,
                          element);
                }
            }
        }
    }
}

typedef struct reference {
    long double u;
    sum_value z;           /* of the place at hand */
    reference_value delta; /* of the place at hand */
    sum_value *xbar, *pbar;
} reference;

static void visit_forward(void *state, const place *at, size_t weight, size_t element) {
    reference *ref = state;
    const tile_run *run = at->run;
    add_term(&ref->z, reference_exact(run->p[weight]), reference_exact(run->x[element * run->row + at->lane]), ref->u);
}

static void visit_reverse(void *state, const place *at, size_t weight, size_t element) {
    reference *ref = state;
    const tile_run *run = at->run;
    const size_t i = element * run->row + at->lane;
    add_term(&ref->xbar[i], reference_exact(run->p[weight]), ref->delta, ref->u);
    add_term(&ref->pbar[weight], reference_exact(run->x[i]), ref->delta, ref->u);
}

/* Checks y at one place, and adds what it gives to the cotangents. */
static void check_place(reference *ref, const place *at) {
    const tile_run *run = at->run;
    const costate_act act = run->layer.act;
    const size_t n_weight = run->plan.block[0].length;
    const size_t out =
        ((at->channel * run->plan.out.height + at->y) * run->plan.out.width + at->x) * run->row + at->lane;
    ref->z = (sum_value){reference_exact(run->layer.no_bias ? 0.0 : run->p[n_weight + at->channel]), 1};
    for_each_tap(at, visit_forward, ref);
    const reference_value z = done(&ref->z, ref->u), y = reference_act_value(act, 0, z, ref->u);
    assert_close(run->y[out], y.value, 0.0, (double)(y.error * 1.01L) + 1e-40);
    ref->delta = reference_mul(reference_exact(run->v[out]), reference_act_value(act, 1, z, ref->u), ref->u);
    for_each_tap(at, visit_reverse, ref);
    if (!run->layer.no_bias) {
        add_term(&ref->pbar[n_weight + at->channel], reference_exact(1.0), ref->delta, ref->u);
    }
}

static void check_reference(const tile_run *run) {
    reference ref = {.u = tile_run_roundoff(run), .xbar = sums(run->n_in * run->row), .pbar = sums(run->n_param)};
    for (size_t i = 0; i < run->n_param; i++) {
        ref.pbar[i] = (sum_value){reference_exact(run->pbar_before[i]), 1};
    }
    place at = {.run = run};
    for (at.channel = 0; at.channel < run->plan.out.n_channel; at.channel++) {
        for (at.y = 0; at.y < run->plan.out.height; at.y++) {
            for (at.x = 0; at.x < run->plan.out.width; at.x++) {
                for (at.lane = 0; at.lane < run->row; at.lane++) {
                    check_place(&ref, &at);
                }
            }
        }
    }
    for (size_t i = 0; i < run->n_in * run->row; i++) {
        assert_within(run->xbar[i], &ref.xbar[i], ref.u);
    }
    for (size_t i = 0; i < run->n_param; i++) {
        assert_within(run->pbar[i], &ref.pbar[i], ref.u);
    }
    free(ref.xbar);
    free(ref.pbar);
}

static void check_case(const conv_case *c, costate_act act, bool no_bias, size_t row, costate_random *random) {
    const costate_chain_layer layer = layer_of(c, act, no_bias);
    for (int single = 0; single < 2; single++) {
        tile_run run = tile_run_make(&layer, c->in, row, single == 1, random);
        assert_int_equal(run.plan.out.height, (c->in.height + 2 * c->padding[0] - c->kernel[0]) / c->stride[0] + 1);
        assert_int_equal(run.plan.out.width, (c->in.width + 2 * c->padding[1] - c->kernel[1]) / c->stride[1] + 1);
        tile_run_call(&run, row - (size_t)single * 5, true, true);
        check_reference(&run);
        tile_run_release(&run);
    }
}

static void conv_of_every_shape_matches_reference(void **state) {
    (void)state;
    costate_random random = test_random(301);
    for (size_t k = 0; k < N_CASE; k++) {
        const costate_act act = (costate_act)(k % COSTATE_ACT_COUNT);
        check_case(&cases[k], act, k % 3 == 0, 16, &random);
        check_case(&cases[k], COSTATE_ACT_TANH, k % 3 == 1, rows[k % 7], &random);
        check_case(&cases[k], COSTATE_ACT_RELU, false, rows[(k + 3) % 7], &random);
    }
}

static void conv_of_several_strips_matches_reference(void **state) {
    (void)state;
    costate_random random = test_random(302);
    for (size_t k = 0; k < N_LARGE; k++) {
        check_case(&large[k], k % 2 == 0 ? COSTATE_ACT_SILU : COSTATE_ACT_RELU, false, 16, &random);
    }
}

static void conv_of_every_activation_matches_reference(void **state) {
    (void)state;
    costate_random random = test_random(303);
    for (int act = 0; act < COSTATE_ACT_COUNT; act++) {
        check_case(&cases[3], (costate_act)act, act % 2 == 0, 16, &random);
    }
}

/* Blocks of every number of channels and places. */
static void conv_of_every_width_matches_reference(void **state) {
    (void)state;
    costate_random random = test_random(304);
    for (size_t n = 1; n <= 14; n++) {
        const conv_case columns = {{n, 3, 2 + n}, 15 - n, {2, 3}, {1, 1}, {0, 0}};
        const conv_case padded = {{15 - n, 2, n}, n, {1, 3}, {1, 1}, {0, 1}};
        check_case(&columns, COSTATE_ACT_ELU, false, 16, &random);
        check_case(&padded, COSTATE_ACT_GELU, false, 16, &random);
    }
}

static void conv_vjp_of_either_gives_same_bits_as_both(void **state) {
    (void)state;
    costate_random random = test_random(305);
    for (size_t k = 0; k < N_CASE; k++) {
        for (int single = 0; single < 2; single++) {
            const costate_chain_layer layer = layer_of(&cases[k], (costate_act)(k % COSTATE_ACT_COUNT), k % 2 == 0);
            tile_run run = tile_run_make(&layer, cases[k].in, 32, single == 1, &random);
            double *xbar = calloc(run.n_in * run.row, sizeof *xbar), *pbar = calloc(run.n_param, sizeof *pbar);
            assert_non_null(xbar);
            assert_non_null(pbar);
            tile_run_call(&run, 32, true, true);
            memcpy(xbar, run.xbar, run.n_in * run.row * sizeof *xbar);
            memcpy(pbar, run.pbar, run.n_param * sizeof *pbar);
            memset(run.xbar, 0xff, run.n_in * run.row * sizeof *xbar);
            memset(run.pbar, 0xff, run.n_param * sizeof *pbar);
            tile_run_call(&run, 32, false, true);
            tile_run_call(&run, 32, true, false);
            tile_run_call(&run, 32, false, false);
            assert_same_bits_f64(run.xbar, xbar, run.n_in * run.row);
            assert_same_bits_f64(run.pbar, pbar, run.n_param);
            free(xbar);
            free(pbar);
            tile_run_release(&run);
        }
    }
}

/* A lane's results are its own, wherever NaN and infinity are in the others. */
static void conv_keeps_a_nan_to_its_sample(void **state) {
    (void)state;
    costate_random random = test_random(306);
    const size_t row = 48, bad = 21;
    for (size_t k = 0; k < N_CASE; k++) {
        for (int single = 0; single < 2; single++) {
            const costate_chain_layer layer = layer_of(&cases[k], COSTATE_ACT_TANH, false);
            tile_run run = tile_run_make(&layer, cases[k].in, row, single == 1, &random);
            tile_run_call(&run, row, true, true);
            tile_run spoilt = run;
            spoilt.y = calloc(run.n_out * row, sizeof(double));
            spoilt.xbar = calloc(run.n_in * row, sizeof(double));
            assert_non_null(spoilt.y);
            assert_non_null(spoilt.xbar);
            for (size_t i = 0; i < run.n_in; i++) {
                spoilt.x[i * row + bad] = i % 2 == 0 ? (double)NAN : (double)INFINITY;
            }
            tile_run_call(&spoilt, row, true, false);
            for (size_t i = 0; i < (run.n_out + run.n_in) * row; i++) {
                const size_t j = i - run.n_out * row;
                if (i % row != bad && i < run.n_out * row) {
                    assert_same_bits_f64(spoilt.y + i, run.y + i, 1);
                } else if (i % row != bad) {
                    assert_same_bits_f64(spoilt.xbar + j, run.xbar + j, 1);
                }
            }
            free(spoilt.y);
            free(spoilt.xbar);
            tile_run_release(&run);
        }
    }
}

static bool selected(const char *isa_name) {
    costate_isa isa;
    isa_environment_set(isa_name);
    return costate_isa_select(&isa) == COSTATE_OK;
}

static void check_same_bits(const conv_case *c, size_t row, bool single, costate_random stream, size_t *n_compared) {
    static const char *const names[] = {"fma", "avx2", "avx512"};
    const costate_chain_layer layer = layer_of(c, COSTATE_ACT_SIGMOID, false);
    tile_run first = {.y = NULL};
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
        costate_random random = stream;
        if (!selected(names[k])) {
            print_message("SKIPPED: COSTATE_ISA=%s is not available here\n", names[k]);
            continue;
        }
        tile_run run = tile_run_make(&layer, c->in, row, single, &random);
        tile_run_call(&run, row, true, true);
        if (first.y == NULL) {
            first = run;
        } else {
            assert_same_bits_f64(run.y, first.y, run.n_out * row);
            assert_same_bits_f64(run.xbar, first.xbar, run.n_in * row);
            assert_same_bits_f64(run.pbar, first.pbar, run.n_param);
            tile_run_release(&run);
            ++*n_compared;
        }
    }
    tile_run_release(&first);
}

static void conv_gives_same_bits_on_fused_variants(void **state) {
    (void)state;
    const isa_environment saved = isa_environment_save();
    const costate_random stream = test_random(307);
    size_t n_compared = 0;
    for (size_t k = 0; k < N_CASE + N_LARGE; k++) {
        for (int single = 0; single < 2; single++) {
            check_same_bits(k < N_CASE ? &cases[k] : &large[k - N_CASE], k % 2 == 0 ? 16 : 80, single == 1, stream,
                            &n_compared);
        }
    }
    isa_environment_restore(&saved);
    if (n_compared == 0) {
        skip();
    }
}

static void conv_plan_describes_its_parameters(void **state) {
    (void)state;
    costate_chain_layer layer = layer_of(&cases[14], COSTATE_ACT_GELU, false);
    costate_chain_plan plan = {.n_kept = 0};
    assert_ok(layer.kind->plan(&layer, cases[14].in, &plan));
    assert_int_equal(plan.n_block, 2);
    assert_string_equal(plan.block[0].name, "weight");
    assert_int_equal(plan.block[0].length, 11 * 2 * 5 * 4);
    assert_false(plan.block[0].is_bias);
    assert_close(plan.block[0].bound, sqrt(6.0 / (2 * 20 + 11 * 20)), 1e-15, 0.0);
    assert_string_equal(plan.block[1].name, "bias");
    assert_int_equal(plan.block[1].length, 11);
    assert_true(plan.block[1].is_bias);
    assert_int_equal(plan.n_kept, costate_shape_size(plan.out));
    layer.act = COSTATE_ACT_RELU;
    layer.no_bias = true;
    plan = (costate_chain_plan){.n_kept = 0};
    assert_ok(layer.kind->plan(&layer, cases[14].in, &plan));
    assert_int_equal(plan.n_block, 1);
    assert_int_equal(plan.n_kept, 0);
}

static void conv1d_is_conv2d_of_height_one(void **state) {
    (void)state;
    const costate_chain_layer sequence = costate_chain_conv1d(8, 3, COSTATE_ACT_RELU);
    const costate_chain_layer image = costate_chain_conv2d(8, 1, 3, COSTATE_ACT_RELU);
    const costate_shape in = {4, 1, 13};
    costate_random one = test_random(308), two = test_random(308);
    tile_run a = tile_run_make(&sequence, in, 16, true, &one), b = tile_run_make(&image, in, 16, true, &two);
    tile_run_call(&a, 16, true, true);
    tile_run_call(&b, 16, true, true);
    assert_int_equal(a.plan.out.width, 11);
    assert_same_bits_f64(a.y, b.y, a.n_out * 16);
    assert_same_bits_f64(a.pbar, b.pbar, a.n_param);
    tile_run_release(&a);
    tile_run_release(&b);
}

static costate_status planned(const costate_chain_layer *layer, costate_shape in) {
    costate_chain_plan plan = {.n_kept = 0};
    return layer->kind->plan(layer, in, &plan);
}

static void conv_plan_refuses_what_cannot_be(void **state) {
    (void)state;
    const costate_shape in = {2, 6, 7};
    const costate_chain_layer good = costate_chain_conv2d(3, 3, 3, COSTATE_ACT_RELU);
    costate_chain_layer layer = good;
    assert_ok(planned(&layer, in));
    layer.n_out = 0;
    assert_status(planned(&layer, in), COSTATE_ERR_ARGUMENT);
    for (int axis = 0; axis < 2; axis++) {
        layer = good;
        layer.kernel[axis] = 0;
        assert_status(planned(&layer, in), COSTATE_ERR_ARGUMENT);
        layer = good;
        layer.stride[axis] = 0;
        assert_status(planned(&layer, in), COSTATE_ERR_ARGUMENT);
        layer = good;
        layer.kernel[axis] = 8;
        assert_status(planned(&layer, in), COSTATE_ERR_SIZE);
        layer.padding[axis] = 1;
        assert_ok(planned(&layer, in));
        layer.padding[axis] = SIZE_MAX / 2 + 1;
        assert_status(planned(&layer, in), COSTATE_ERR_OVERFLOW);
        layer.padding[axis] = SIZE_MAX / 2;
        assert_status(planned(&layer, in), COSTATE_ERR_OVERFLOW);
    }
    layer = good;
    layer.act = (costate_act)COSTATE_ACT_COUNT;
    assert_status(planned(&layer, in), COSTATE_ERR_ARGUMENT);
    layer = good;
    layer.n_out = SIZE_MAX / 17;
    assert_status(planned(&layer, in), COSTATE_ERR_OVERFLOW);
    layer = good;
    layer.padding[0] = layer.padding[1] = (size_t)1 << 40;
    layer.stride[0] = layer.stride[1] = (size_t)1 << 41;
    assert_status(planned(&layer, in), COSTATE_ERR_OVERFLOW);
}

int main(void) {
    if (!net_battery_isa_available()) {
        return TEST_SKIPPED;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conv_of_every_shape_matches_reference),
        cmocka_unit_test(conv_of_several_strips_matches_reference),
        cmocka_unit_test(conv_of_every_activation_matches_reference),
        cmocka_unit_test(conv_of_every_width_matches_reference),
        cmocka_unit_test(conv_vjp_of_either_gives_same_bits_as_both),
        cmocka_unit_test(conv_keeps_a_nan_to_its_sample),
        cmocka_unit_test(conv_gives_same_bits_on_fused_variants),
        cmocka_unit_test(conv_plan_describes_its_parameters),
        cmocka_unit_test(conv1d_is_conv2d_of_height_one),
        cmocka_unit_test(conv_plan_refuses_what_cannot_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
