/* SPDX-License-Identifier: MIT */
/* The scalar reverse-mode graph: hand values, finite differences, sharing, deep chains, reuse of its memory. */
#include "ad/scalar_graph.h"
#include "support/asserts.h"
#include "support/seeded_random.h"

enum { N_OP = 11 };

static ad_ref apply(ad_graph *g, size_t op, ad_ref a, ad_ref b) {
    switch (op) {
    case 0: return ad_add(g, a, b);
    case 1: return ad_sub(g, a, b);
    case 2: return ad_mul(g, a, b);
    case 3: return ad_div(g, a, b);
    case 4: return ad_pow(g, a, b);
    case 5: return ad_exp(g, a);
    case 6: return ad_log(g, a);
    case 7: return ad_sin(g, a);
    case 8: return ad_cos(g, a);
    case 9: return ad_tanh(g, a);
    default: return ad_relu(g, a);
    }
}

static double value_of(size_t op, double a, double b) {
    const double values[N_OP] = {a + b,  a - b,  a * b,  a / b,   pow(a, b),        exp(a),
                                 log(a), sin(a), cos(a), tanh(a), a > 0.0 ? a : 0.0};
    return values[op];
}

static void every_operation_has_its_value_and_derivatives(void **state) {
    (void)state;
    const double a = 0.7;
    const double b = 1.3;
    const double power = pow(a, b);
    const double tangent = 1.0 - tanh(a) * tanh(a);
    const double expected[N_OP][2] = {
        {1.0, 1.0},    {1.0, -1.0},    {b, a},        {1.0 / b, -a / (b * b)}, {b * power / a, power * log(a)},
        {exp(a), 0.0}, {1.0 / a, 0.0}, {cos(a), 0.0}, {-sin(a), 0.0},          {tangent, 0.0},
        {1.0, 0.0},
    };
    for (size_t op = 0; op < N_OP; op++) {
        ad_graph g;
        assert_true(ad_graph_create(1, &g));
        const ad_ref x = ad_variable(&g, a);
        const ad_ref y = ad_variable(&g, b);
        const ad_ref z = apply(&g, op, x, y);
        assert_close(ad_value(&g, z), value_of(op, a, b), 1e-15, 0.0);
        ad_graph_backward(&g, z, -2.0);
        assert_close(g.nodes[x].grad, -2.0 * expected[op][0], 1e-14, 0.0);
        assert_close(g.nodes[y].grad, -2.0 * expected[op][1], 1e-14, 0.0);
        assert_false(g.failed);
        ad_graph_destroy(&g);
    }
}

static void corners_have_the_derivative_that_is_defined(void **state) {
    (void)state;
    ad_graph g;
    assert_true(ad_graph_create(8, &g));
    const ad_ref zero = ad_variable(&g, 0.0);
    ad_graph_backward(&g, ad_relu(&g, zero), 1.0);
    assert_close(g.nodes[zero].grad, 0.0, 0.0, 0.0);
    ad_graph_backward(&g, ad_pow(&g, zero, ad_constant(&g, 1.0)), 1.0);
    assert_close(g.nodes[zero].grad, 1.0, 0.0, 0.0);
    const ad_ref negative = ad_variable(&g, -3.0);
    ad_graph_backward(&g, ad_pow(&g, negative, ad_constant(&g, 2.0)), 1.0);
    assert_close(g.nodes[negative].grad, -6.0, 0.0, 0.0);
    assert_true(isnan(ad_value(&g, ad_relu(&g, ad_constant(&g, (double)NAN)))));
    ad_graph_destroy(&g);
}

/* log(1 + exp(x₀x₁)) / (x₂² + 1) − tanh(x₀ − x₂)·x₀ + relu(x₁)^1.5 + sin(x₂)·cos(x₀). */
static ad_ref mixed(ad_graph *g, const ad_ref x[3]) {
    const ad_ref one = ad_constant(g, 1.0);
    const ad_ref soft = ad_log(g, ad_add(g, one, ad_exp(g, ad_mul(g, x[0], x[1]))));
    const ad_ref first = ad_div(g, soft, ad_add(g, ad_mul(g, x[2], x[2]), one));
    const ad_ref second = ad_mul(g, ad_tanh(g, ad_sub(g, x[0], x[2])), x[0]);
    const ad_ref third = ad_pow(g, ad_relu(g, x[1]), ad_constant(g, 1.5));
    return ad_add(g, ad_add(g, ad_sub(g, first, second), third), ad_mul(g, ad_sin(g, x[2]), ad_cos(g, x[0])));
}

static double mixed_value(const double x[3]) {
    return log(1.0 + exp(x[0] * x[1])) / (x[2] * x[2] + 1.0) - tanh(x[0] - x[2]) * x[0] +
           (x[1] > 0.0 ? pow(x[1], 1.5) : 0.0) + sin(x[2]) * cos(x[0]);
}

static void gradient_of_a_mixture_agrees_with_differences(void **state) {
    (void)state;
    costate_random random = test_random(1);
    ad_graph g;
    assert_true(ad_graph_create(1, &g));
    for (size_t trial = 0; trial < 50; trial++) {
        double x[3];
        ad_ref node[3];
        fill_normal(&random, x, 3, 1.0);
        ad_graph_rewind(&g, 1);
        for (size_t i = 0; i < 3; i++) {
            node[i] = ad_variable(&g, x[i]);
        }
        const ad_ref root = mixed(&g, node);
        const double seed = costate_random_normal(&random);
        assert_close(ad_value(&g, root), mixed_value(x), 1e-13, 1e-14);
        ad_graph_backward(&g, root, seed);
        for (size_t i = 0; i < 3; i++) {
            const double h = 1e-5;
            double up[3] = {x[0], x[1], x[2]};
            double down[3] = {x[0], x[1], x[2]};
            up[i] += h;
            down[i] -= h;
            const double difference = seed * (mixed_value(up) - mixed_value(down)) / (2.0 * h);
            assert_close(g.nodes[node[i]].grad, difference, 1e-6, 1e-7);
        }
    }
    ad_graph_destroy(&g);
}

static void gradients_of_several_roots_add_up(void **state) {
    (void)state;
    ad_graph g;
    assert_true(ad_graph_create(1, &g));
    const ad_ref x = ad_variable(&g, 3.0);
    const ad_ref square = ad_mul(&g, x, x);
    const ad_ref cube = ad_mul(&g, square, x);
    const ad_ref unused = ad_exp(&g, cube);
    ad_graph_backward(&g, cube, 1.0);
    assert_close(g.nodes[x].grad, 27.0, 0.0, 0.0);
    ad_graph_backward(&g, square, 2.0);
    assert_close(g.nodes[x].grad, 39.0, 0.0, 0.0);
    assert_close(g.nodes[square].grad, 0.0, 0.0, 0.0);
    assert_close(g.nodes[unused].grad, 0.0, 0.0, 0.0);
    ad_graph_destroy(&g);
}

/* x ← 0.999999·x + 1e-6, a million times: the gradient is 0.999999^1000000. */
static void chain_of_two_million_nodes_needs_no_recursion(void **state) {
    (void)state;
    ad_graph g;
    assert_true(ad_graph_create(1, &g));
    const ad_ref x = ad_variable(&g, 2.0);
    const ad_ref factor = ad_constant(&g, 0.999999);
    const ad_ref shift = ad_constant(&g, 1e-6);
    ad_ref r = x;
    for (size_t i = 0; i < 1000000; i++) {
        r = ad_add(&g, ad_mul(&g, r, factor), shift);
    }
    assert_false(g.failed);
    assert_true(g.n > 2000000);
    ad_graph_backward(&g, r, 1.0);
    assert_close(g.nodes[x].grad, exp(1e6 * log1p(-1e-6)), 1e-9, 0.0);
    ad_graph_destroy(&g);
}

static void rewound_memory_is_used_again(void **state) {
    (void)state;
    ad_graph g;
    assert_true(ad_graph_create(4, &g));
    const ad_ref x = ad_variable(&g, 1.5);
    const size_t mark = g.n;
    size_t capacity = 0;
    for (size_t pass = 0; pass < 100; pass++) {
        ad_ref r = x;
        for (size_t i = 0; i < 1000; i++) {
            r = ad_add(&g, r, x);
        }
        ad_graph_backward(&g, r, 1.0);
        assert_close(g.nodes[x].grad, 1001.0 * (double)(pass + 1), 0.0, 0.0);
        ad_graph_rewind(&g, mark);
        assert_true(g.n == mark);
        assert_true(pass == 0 || g.capacity == capacity);
        capacity = g.capacity;
    }
    ad_graph_destroy(&g);
}

static void graph_too_large_is_refused(void **state) {
    (void)state;
    ad_graph g;
    assert_false(ad_graph_create(SIZE_MAX, &g));
    assert_null(g.nodes);
    ad_graph_destroy(&g);
    assert_true(ad_graph_create(1, &g));
    ad_graph full = {.nodes = g.nodes, .n = UINT32_MAX, .capacity = UINT32_MAX};
    assert_int_equal(ad_push(&full, 1.0, AD_CONSTANT, 0, 0), 0);
    assert_true(full.failed);
    ad_graph_destroy(&g);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_operation_has_its_value_and_derivatives),
        cmocka_unit_test(corners_have_the_derivative_that_is_defined),
        cmocka_unit_test(gradient_of_a_mixture_agrees_with_differences),
        cmocka_unit_test(gradients_of_several_roots_add_up),
        cmocka_unit_test(chain_of_two_million_nodes_needs_no_recursion),
        cmocka_unit_test(rewound_memory_is_used_again),
        cmocka_unit_test(graph_too_large_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
