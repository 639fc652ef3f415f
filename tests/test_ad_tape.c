/* SPDX-License-Identifier: MIT */
/* The vector tape: values, differences of every operation, sharing, growth of its memory, failing allocations. */
#include "ad/vector_tape.h"
#include "support/asserts.h"
#include "support/malloc_count.h"
#include "support/seeded_random.h"

#include <math.h>

enum { MAX_SIDE = 41, MAX_ELEMENT = MAX_SIDE * MAX_SIDE, N_OP = 20 };

/* Of a node and its operands, all row-major. */
typedef struct extent {
    size_t n_row;
    size_t n_col;
} extent;

static const uint32_t labels[MAX_SIDE] = {2, 0, 1, 1, 0, 2, 2};

static size_t size_of(extent e) { return e.n_row * e.n_col; }

static extent second_operand(ad_tape_op op, extent a) {
    switch (op) {
    case AD_TAPE_MATMUL: return (extent){a.n_col, 5};
    case AD_TAPE_MATMUL_T: return (extent){5, a.n_col};
    case AD_TAPE_BIAS: return (extent){1, a.n_col};
    default: return a;
    }
}

static ad_tape_ref record(ad_tape *t, ad_tape_op op, ad_tape_ref a, ad_tape_ref b) {
    switch (op) {
    case AD_TAPE_ADD: return ad_tape_add(t, a, b);
    case AD_TAPE_SUB: return ad_tape_sub(t, a, b);
    case AD_TAPE_MUL: return ad_tape_mul(t, a, b);
    case AD_TAPE_DIV: return ad_tape_div(t, a, b);
    case AD_TAPE_SCALE: return ad_tape_scale(t, a, -1.75);
    case AD_TAPE_SIN: return ad_tape_sin(t, a);
    case AD_TAPE_COS: return ad_tape_cos(t, a);
    case AD_TAPE_EXP: return ad_tape_exp(t, a);
    case AD_TAPE_LOG: return ad_tape_log(t, a);
    case AD_TAPE_TANH: return ad_tape_tanh(t, a);
    case AD_TAPE_RELU: return ad_tape_relu(t, a);
    case AD_TAPE_SUM: return ad_tape_sum(t, a);
    case AD_TAPE_DOT: return ad_tape_dot(t, a, b);
    case AD_TAPE_MATMUL: return ad_tape_matmul(t, a, b);
    case AD_TAPE_MATMUL_T: return ad_tape_matmul_t(t, a, b);
    case AD_TAPE_BIAS: return ad_tape_bias(t, a, b);
    case AD_TAPE_LOG_SUM_EXP: return ad_tape_log_sum_exp(t, a);
    case AD_TAPE_SOFTMAX_LOSS: return ad_tape_softmax_loss(t, a, labels);
    default: return a;
    }
}

static long double element_value(ad_tape_op op, long double a, long double b) {
    switch (op) {
    case AD_TAPE_ADD:
    case AD_TAPE_BIAS: return a + b;
    case AD_TAPE_SUB: return a - b;
    case AD_TAPE_MUL:
    case AD_TAPE_DOT: return a * b;
    case AD_TAPE_DIV: return a / b;
    case AD_TAPE_SCALE: return -1.75L * a;
    case AD_TAPE_SIN: return sinl(a);
    case AD_TAPE_COS: return cosl(a);
    case AD_TAPE_EXP: return expl(a);
    case AD_TAPE_LOG: return logl(a);
    case AD_TAPE_TANH: return tanhl(a);
    case AD_TAPE_RELU: return a > 0.0L ? a : 0.0L;
    default: return a;
    }
}

static long double log_sum(const double *a, size_t n) {
    long double sum = 0.0L;
    for (size_t j = 0; j < n; j++) {
        sum += expl((long double)a[j]);
    }
    return logl(sum);
}

/* Element (i, j) of a node whose operands are a, of that shape, and b. */
static long double expected_value(ad_tape_op op, extent shape, const double *a, const double *b, size_t i, size_t j) {
    long double sum = 0.0L;
    switch (op) {
    case AD_TAPE_SUM:
    case AD_TAPE_DOT:
        for (size_t k = 0; k < size_of(shape); k++) {
            sum += element_value(op, (long double)a[k], (long double)b[k]);
        }
        return sum;
    case AD_TAPE_MATMUL:
    case AD_TAPE_MATMUL_T:
        for (size_t k = 0; k < shape.n_col; k++) {
            const double factor = op == AD_TAPE_MATMUL ? b[k * 5 + j] : b[j * shape.n_col + k];
            sum += (long double)a[i * shape.n_col + k] * (long double)factor;
        }
        return sum;
    case AD_TAPE_LOG_SUM_EXP: return log_sum(a + i * shape.n_col, shape.n_col);
    case AD_TAPE_SOFTMAX_LOSS:
        for (size_t r = 0; r < shape.n_row; r++) {
            const double *row = a + r * shape.n_col;
            sum += log_sum(row, shape.n_col) - (long double)row[labels[r]];
        }
        return sum;
    default: break;
    }
    const size_t k = i * shape.n_col + j;
    return element_value(op, (long double)a[k], (long double)b[op == AD_TAPE_BIAS ? j : k]);
}

static double replayed_product(ad_tape *t, ad_tape_ref root, const double *v) {
    const ad_tape_node *node = &t->nodes[root];
    double sum = 0.0;
    ad_tape_forward(t);
    for (size_t k = 0; k < node->n_row * node->n_col; k++) {
        sum += v[k] * ad_tape_value(t, root)[k];
    }
    return sum;
}

/* The gradient of ⟨v, root⟩ with respect to an input, after a reverse pass, against differences of replays. */
static void check_by_differences(ad_tape *t, ad_tape_ref root, ad_tape_ref input, const double *v) {
    const double h = 1e-5;
    const size_t n = t->nodes[input].n_row * t->nodes[input].n_col;
    double *x = ad_tape_value(t, input);
    for (size_t k = 0; k < n; k++) {
        const double at = x[k];
        x[k] = at + h;
        const double up = replayed_product(t, root, v);
        x[k] = at - h;
        const double down = replayed_product(t, root, v);
        x[k] = at;
        assert_close(ad_tape_grad(t, input)[k], (up - down) / (2.0 * h), 1e-6, 1e-6);
    }
    ad_tape_forward(t);
}

static void check_operation(ad_tape_op op, extent shape, costate_random *random) {
    double a[MAX_ELEMENT];
    double b[MAX_ELEMENT];
    double v[MAX_ELEMENT];
    const extent shape_b = second_operand(op, shape);
    fill_normal(random, a, size_of(shape), 1.0);
    fill_normal(random, b, size_of(shape_b), 1.0);
    /* Away from the corner of relu and the poles of quotient and logarithm, where differences see nothing. */
    for (size_t k = 0; k < size_of(shape); k++) {
        a[k] = op == AD_TAPE_LOG ? 0.5 + fabs(a[k]) : a[k] + copysign(0.1, a[k]);
    }
    for (size_t k = 0; k < size_of(shape_b); k++) {
        b[k] += copysign(0.5, b[k]);
    }
    ad_tape t;
    assert_true(ad_tape_create(&t));
    const ad_tape_ref x = ad_tape_input(&t, shape.n_row, shape.n_col, a);
    const ad_tape_ref y = ad_tape_input(&t, shape_b.n_row, shape_b.n_col, b);
    const ad_tape_ref z = record(&t, op, x, y);
    assert_false(t.failed);
    ad_tape_forward(&t);
    const extent out = {t.nodes[z].n_row, t.nodes[z].n_col};
    for (size_t i = 0; i < out.n_row; i++) {
        for (size_t j = 0; j < out.n_col; j++) {
            assert_close(ad_tape_value(&t, z)[i * out.n_col + j], expected_value(op, shape, a, b, i, j), 1e-13, 1e-13);
        }
    }
    fill_normal(random, v, size_of(out), 1.0);
    ad_tape_reverse(&t, z, v);
    check_by_differences(&t, z, x, v);
    check_by_differences(&t, z, y, v);
    ad_tape_destroy(&t);
}

static void every_operation_has_its_value_and_its_derivatives(void **state) {
    (void)state;
    costate_random random = test_random(1);
    const extent shapes[] = {{1, 3}, {1, 8}, {7, 3}, {3, 31}, {2, 33}, {1, MAX_SIDE}};
    for (int op = AD_TAPE_ADD; op <= AD_TAPE_SOFTMAX_LOSS; op++) {
        for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++) {
            check_operation((ad_tape_op)op, shapes[k], &random);
        }
    }
    assert_int_equal(AD_TAPE_SOFTMAX_LOSS + 1, N_OP);
}

/* One operand twice, a constant among the operands, and values that several nodes use. */
static void shared_nodes_collect_all_their_cotangents(void **state) {
    (void)state;
    costate_random random = test_random(2);
    double a[4 * 6];
    double c[4 * 6];
    double v[4];
    fill_normal(&random, a, 24, 1.0);
    fill_normal(&random, c, 24, 1.0);
    fill_normal(&random, v, 4, 1.0);
    ad_tape t;
    assert_true(ad_tape_create(&t));
    const ad_tape_ref x = ad_tape_input(&t, 4, 6, a);
    const ad_tape_ref fixed = ad_tape_constant(&t, 4, 6, c);
    const ad_tape_ref square = ad_tape_mul(&t, x, x);
    const ad_tape_ref gram = ad_tape_matmul_t(&t, square, square);
    const ad_tape_ref mixed = ad_tape_matmul(&t, ad_tape_tanh(&t, gram), ad_tape_sub(&t, fixed, x));
    const ad_tape_ref back = ad_tape_add(&t, mixed, ad_tape_mul(&t, fixed, ad_tape_sin(&t, square)));
    const ad_tape_ref root = ad_tape_log_sum_exp(&t, back);
    assert_false(t.failed);
    ad_tape_forward(&t);
    ad_tape_reverse(&t, root, v);
    check_by_differences(&t, root, x, v);
    ad_tape_destroy(&t);
}

static void matvec_is_the_product_with_a_row_per_output(void **state) {
    (void)state;
    const double w[] = {1.0, 2.0, 3.0, 4.0, 5.0, 6.0};
    const double x[] = {1.0, -1.0, 2.0};
    const double v[] = {1.0, -2.0};
    ad_tape t;
    assert_true(ad_tape_create(&t));
    const ad_tape_ref matrix = ad_tape_input(&t, 2, 3, w);
    const ad_tape_ref vector = ad_tape_input(&t, 1, 3, x);
    const ad_tape_ref y = ad_tape_matvec(&t, matrix, vector);
    ad_tape_forward(&t);
    ad_tape_reverse(&t, y, v);
    assert_close_array(ad_tape_value(&t, y), ((double[]){5.0, 11.0}), 2, 0.0, 0.0);
    assert_close_array(ad_tape_grad(&t, vector), ((double[]){-7.0, -8.0, -9.0}), 3, 0.0, 0.0);
    assert_close_array(ad_tape_grad(&t, matrix), ((double[]){1.0, -1.0, 2.0, -2.0, 2.0, -4.0}), 6, 0.0, 0.0);
    ad_tape_destroy(&t);
}

/* Thousands of nodes of many sizes: Σ_k k·x_k over vectors, each of which was recorded before the arena moved. */
static void arena_that_grows_keeps_what_lies_in_it(void **state) {
    (void)state;
    enum { N_VECTOR = 1500 };
    ad_tape t;
    assert_true(ad_tape_create(&t));
    const size_t first_capacity = t.values.capacity;
    ad_tape_ref x[N_VECTOR];
    double fill[23];
    ad_tape_ref total = ad_tape_constant(&t, 1, 1, &(double){0.0});
    double expected = 0.0;
    for (size_t k = 0; k < N_VECTOR; k++) {
        const size_t n = 1 + k % 23;
        for (size_t i = 0; i < n; i++) {
            fill[i] = (double)(k + i);
            expected += (double)k * fill[i];
        }
        x[k] = ad_tape_input(&t, 1, n, fill);
        total = ad_tape_add(&t, total, ad_tape_scale(&t, ad_tape_sum(&t, x[k]), (double)k));
    }
    assert_false(t.failed);
    assert_true(t.values.capacity > 64 * first_capacity);
    ad_tape_forward(&t);
    ad_tape_reverse(&t, total, &(double){1.0});
    assert_close(ad_tape_value(&t, total)[0], expected, 0.0, 0.0);
    for (size_t k = 0; k < N_VECTOR; k++) {
        assert_true(t.nodes[x[k]].n_col < 8 || (uintptr_t)ad_tape_value(&t, x[k]) % 64 == 0);
        for (size_t i = 0; i < t.nodes[x[k]].n_col; i++) {
            assert_close(ad_tape_value(&t, x[k])[i], (double)(k + i), 0.0, 0.0);
            assert_close(ad_tape_grad(&t, x[k])[i], (double)k, 0.0, 0.0);
        }
    }
    ad_tape_destroy(&t);
}

static void what_the_root_does_not_depend_on_gets_zero(void **state) {
    (void)state;
    const double a[] = {0.0, 2.0};
    ad_tape t;
    assert_true(ad_tape_create(&t));
    const ad_tape_ref x = ad_tape_input(&t, 1, 2, a);
    const ad_tape_ref square = ad_tape_mul(&t, x, x);
    const ad_tape_ref infinite = ad_tape_log(&t, x);
    const ad_tape_ref root = ad_tape_sum(&t, square);
    const ad_tape_ref later = ad_tape_exp(&t, root);
    const ad_tape_ref other = ad_tape_input(&t, 1, 2, a);
    ad_tape_forward(&t);
    assert_true(isinf(ad_tape_value(&t, infinite)[0]));
    ad_tape_reverse(&t, later, &(double){1.0});
    ad_tape_reverse(&t, root, &(double){1.0});
    assert_close_array(ad_tape_grad(&t, x), ((double[]){0.0, 4.0}), 2, 0.0, 0.0);
    assert_close(ad_tape_grad(&t, later)[0], 0.0, 0.0, 0.0);
    assert_close_array(ad_tape_grad(&t, other), ((double[]){0.0, 0.0}), 2, 0.0, 0.0);
    ad_tape_destroy(&t);
}

static void constants_take_no_memory_for_derivatives(void **state) {
    (void)state;
    const double a[] = {3.0, 4.0};
    ad_tape t;
    assert_true(ad_tape_create(&t));
    const ad_tape_ref c = ad_tape_constant(&t, 1, 2, a);
    const ad_tape_ref length = ad_tape_dot(&t, c, c);
    assert_int_equal(t.grads.n, 0);
    ad_tape_forward(&t);
    ad_tape_reverse(&t, length, &(double){1.0});
    assert_close(ad_tape_value(&t, length)[0], 25.0, 0.0, 0.0);
    const ad_tape_ref x = ad_tape_input(&t, 1, 1, &(double){2.0});
    const ad_tape_ref product = ad_tape_mul(&t, length, x);
    assert_int_equal(t.grads.n, 2);
    ad_tape_forward(&t);
    ad_tape_reverse(&t, product, &(double){1.0});
    assert_close(ad_tape_grad(&t, x)[0], 25.0, 0.0, 0.0);
    ad_tape_destroy(&t);
}

static void corners_have_the_value_and_derivative_that_is_defined(void **state) {
    (void)state;
    const double a[] = {0.0, -1.0, (double)NAN, 1e3, -1e3};
    const double v[] = {1.0, 1.0, 1.0};
    const uint32_t bad[] = {3};
    ad_tape t;
    assert_true(ad_tape_create(&t));
    const ad_tape_ref x = ad_tape_input(&t, 1, 3, a);
    const ad_tape_ref positive = ad_tape_relu(&t, x);
    const ad_tape_ref large = ad_tape_input(&t, 1, 2, a + 3);
    const ad_tape_ref log_sum_exp = ad_tape_log_sum_exp(&t, large);
    const ad_tape_ref no_class = ad_tape_softmax_loss(&t, ad_tape_input(&t, 1, 3, v), bad);
    ad_tape_forward(&t);
    ad_tape_reverse(&t, positive, v);
    assert_true(isnan(ad_tape_value(&t, positive)[2]));
    assert_close_array(ad_tape_value(&t, positive), ((double[]){0.0, 0.0}), 2, 0.0, 0.0);
    assert_close_array(ad_tape_grad(&t, x), ((double[]){0.0, 0.0, 1.0}), 3, 0.0, 0.0);
    ad_tape_reverse(&t, log_sum_exp, v);
    assert_close(ad_tape_value(&t, log_sum_exp)[0], 1e3, 0.0, 0.0);
    assert_close_array(ad_tape_grad(&t, large), ((double[]){1.0, 0.0}), 2, 0.0, 0.0);
    assert_true(isnan(ad_tape_value(&t, no_class)[0]));
    ad_tape_destroy(&t);
}

static void shapes_that_do_not_fit_are_refused(void **state) {
    (void)state;
    const double a[6] = {1.0, 2.0, 3.0, 4.0, 5.0, 6.0};
    ad_tape t;
    assert_true(ad_tape_create(&t));
    const ad_tape_ref wide = ad_tape_input(&t, 2, 3, a);
    const ad_tape_ref tall = ad_tape_input(&t, 3, 2, a);
    const size_t n = t.n;
    const ad_tape_op ops[] = {AD_TAPE_ADD, AD_TAPE_SUB,      AD_TAPE_MUL, AD_TAPE_DIV,
                              AD_TAPE_DOT, AD_TAPE_MATMUL_T, AD_TAPE_BIAS};
    for (size_t k = 0; k < sizeof ops / sizeof *ops; k++) {
        t.failed = false;
        assert_int_equal(record(&t, ops[k], wide, tall), 0);
        assert_true(t.failed);
    }
    t.failed = false;
    assert_int_equal(ad_tape_matmul(&t, wide, wide), 0);
    assert_int_equal(ad_tape_sin(&t, 0), 0);
    assert_int_equal(ad_tape_sum(&t, 0), 0);
    assert_int_equal(ad_tape_bias(&t, wide, ad_tape_constant(&t, 3, 1, a)), 0);
    assert_int_equal(ad_tape_input(&t, 0, 3, a), 0);
    assert_int_equal(ad_tape_input(&t, SIZE_MAX, 3, a), 0);
    assert_int_equal(ad_tape_input(&t, 1, SIZE_MAX / 2, a), 0);
    assert_true(t.failed);
    assert_int_equal(t.n, n + 1);
    assert_true(ad_tape_matmul(&t, wide, tall) != 0);
    ad_tape_destroy(&t);
}

/* Enough nodes for the list of nodes and both arenas to grow. */
static bool record_chain(ad_tape *t) {
    ad_tape_ref r = ad_tape_input(t, 1, 20, (double[20]){0.5});
    for (size_t k = 0; k < 100; k++) {
        r = ad_tape_sin(t, r);
    }
    return r != 0;
}

static void kth_allocation_that_fails_leaves_nothing_behind(void **state) {
    (void)state;
    if (!malloc_count_available()) {
        skip();
    }
    for (size_t k = 1;; k++) {
        ad_tape t;
        malloc_fail_at(k);
        const bool created = ad_tape_create(&t);
        const bool recorded = created && record_chain(&t);
        const bool failed = malloc_fail_happened();
        malloc_fail_at(0);
        if (!failed) {
            assert_true(recorded);
            assert_true(k > 8);
            ad_tape_destroy(&t);
            break;
        }
        assert_false(recorded);
        assert_true(created == (k > 3));
        assert_true(!created || t.failed);
        assert_true(created || !t.nodes);
        ad_tape_forward(&t);
        ad_tape_destroy(&t);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_operation_has_its_value_and_its_derivatives),
        cmocka_unit_test(shared_nodes_collect_all_their_cotangents),
        cmocka_unit_test(matvec_is_the_product_with_a_row_per_output),
        cmocka_unit_test(arena_that_grows_keeps_what_lies_in_it),
        cmocka_unit_test(what_the_root_does_not_depend_on_gets_zero),
        cmocka_unit_test(constants_take_no_memory_for_derivatives),
        cmocka_unit_test(corners_have_the_value_and_derivative_that_is_defined),
        cmocka_unit_test(shapes_that_do_not_fit_are_refused),
        cmocka_unit_test(kth_allocation_that_fails_leaves_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
