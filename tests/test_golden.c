/* SPDX-License-Identifier: MIT */
/* Networks, losses and updates against values that PyTorch computed (golden/make_golden.py), one test per case. */
#include "golden/golden_case.h"
#include "net_battery.h"
#include "support/asserts.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the library makes of a network. */
typedef struct golden_outcome {
    double *y, *v, *pbar_loss, *pbar_vjp, *xbar;
    double value, value_of_y;
    size_t n_right;
} golden_outcome;

#define real double
#define GOLDEN(stem) stem##_f64
#define GOLDEN_CHAIN COSTATE_CHAIN_F64
#define GOLDEN_UPDATE COSTATE_UPDATE_F64
#include "golden/golden_evaluate.h"
#undef real
#undef GOLDEN
#undef GOLDEN_CHAIN
#undef GOLDEN_UPDATE

#define real float
#define GOLDEN(stem) stem##_f32
#define GOLDEN_CHAIN COSTATE_CHAIN_F32
#define GOLDEN_UPDATE COSTATE_UPDATE_F32
#include "golden/golden_evaluate.h"
#undef real
#undef GOLDEN
#undef GOLDEN_CHAIN
#undef GOLDEN_UPDATE

/* Largest errors, relative to the largest number of the array. */
static const double tolerance_f64 = 1e-12;
static const double tolerance_f32 = 1e-5;
/* Rounding grows with the steps, most where a gradient is divided by its own size. */
static const double growth_of_training = 10.0;

static void expect_numbers(const char *what, const double *actual, size_t n, const double *expected, double tolerance) {
    assert_true(n > 0);
    double largest = 0.0;
    for (size_t i = 0; i < n; i++) {
        largest = fmax(largest, fabs(expected[i]));
    }
    for (size_t i = 0; i < n; i++) {
        if (!(fabs(actual[i] - expected[i]) <= tolerance * largest)) {
            fail_msg("%s %zu is %.17g, not %.17g: %.2e of the largest", what, i, actual[i], expected[i],
                     fabs(actual[i] - expected[i]) / largest);
        }
    }
}

static void expect_outcome(const golden_network *g, const golden_outcome *o, double tolerance) {
    expect_numbers("y", o->y, g->y.n, g->y.value, tolerance);
    expect_numbers("loss of y", &o->value_of_y, 1, &g->value, tolerance);
    expect_numbers("v", o->v, g->v.n, g->v.value, tolerance);
    expect_numbers("loss", &o->value, 1, &g->value, tolerance);
    expect_numbers("pbar of the loss", o->pbar_loss, g->n_param, g->pbar.value, tolerance);
    expect_numbers("pbar of the VJP", o->pbar_vjp, g->n_param, g->pbar.value, tolerance);
    if (g->xbar.n > 0) {
        expect_numbers("xbar", o->xbar, g->xbar.n, g->xbar.value, tolerance);
    }
    if (g->label) {
        assert_int_equal(o->n_right, g->n_right);
    }
}

static void free_outcome(golden_outcome *o) {
    free(o->y);
    free(o->v);
    free(o->pbar_loss);
    free(o->pbar_vjp);
    free(o->xbar);
}

static void network_f64_agrees(void **state) {
    golden_network g = golden_network_of(*state);
    golden_outcome outcome = evaluate_f64(&g);
    expect_outcome(&g, &outcome, tolerance_f64);
    free_outcome(&outcome);
    golden_network_free(&g);
}

static void network_f32_agrees(void **state) {
    golden_network g = golden_network_of(*state);
    golden_outcome outcome = evaluate_f32(&g);
    expect_outcome(&g, &outcome, tolerance_f32);
    free_outcome(&outcome);
    golden_network_free(&g);
}

typedef void train_fn(const golden_network *g, size_t n_step, double *value, double *p);

static void expect_training(const cJSON *object, train_fn *train, double tolerance) {
    golden_network g = golden_network_of(object);
    const golden_list value = golden_numbers(g.train, "value");
    const golden_list p = golden_numbers(g.train, "p");
    assert_int_equal(p.n, g.n_param);
    double *actual = malloc((value.n + p.n) * sizeof *actual);
    assert_non_null(actual);
    train(&g, value.n, actual, actual + value.n);
    expect_numbers("loss", actual, value.n, value.value, tolerance);
    expect_numbers("p", actual + value.n, p.n, p.value, tolerance);
    free(actual);
    free(p.value);
    free(value.value);
    golden_network_free(&g);
}

static void training_f64_agrees(void **state) {
    expect_training(*state, train_f64, growth_of_training * tolerance_f64);
}

static void training_f32_agrees(void **state) {
    expect_training(*state, train_f32, growth_of_training * tolerance_f32);
}

typedef double *follow_fn(const cJSON *object, golden_list p, golden_list gradient);

static void expect_path(const cJSON *object, follow_fn *follow, double tolerance) {
    const golden_list p = golden_numbers(object, "p");
    const golden_list gradient = golden_numbers(object, "gradient");
    const golden_list path = golden_numbers(object, "path");
    assert_int_equal(gradient.n % p.n, 0);
    assert_int_equal(path.n, gradient.n);
    double *actual = follow(object, p, gradient);
    expect_numbers("path", actual, path.n, path.value, tolerance);
    free(actual);
    free(path.value);
    free(gradient.value);
    free(p.value);
}

static void update_f64_agrees(void **state) { expect_path(*state, follow_f64, tolerance_f64); }
static void update_f32_agrees(void **state) { expect_path(*state, follow_f32, tolerance_f32); }

enum { MOST_TESTS = 256, NAME_BYTES = 96 };

typedef struct test_list {
    size_t n;
    struct CMUnitTest tests[MOST_TESTS];
    char names[MOST_TESTS][NAME_BYTES];
} test_list;

static void add(test_list *list, const char *name, CMUnitTestFunction function, cJSON *object) {
    if (list->n == MOST_TESTS) {
        return;
    }
    char *whole = list->names[list->n];
    snprintf(whole, NAME_BYTES, "%s: %s", name, cJSON_GetStringValue(cJSON_GetObjectItem(object, "name")));
    list->tests[list->n++] = (struct CMUnitTest){.name = whole, .test_func = function, .initial_state = object};
}

/* test_golden [folder]: the folder of the files. */
int main(int argc, char **argv) {
    static test_list list;
    if (!net_battery_isa_available()) {
        return 77;
    }
    const char *folder = argc > 1 ? argv[1] : GOLDEN_DIR;
    cJSON *networks = golden_load(folder, "networks.json");
    cJSON *updates = golden_load(folder, "updates.json");
    cJSON *object = NULL;
    cJSON_ArrayForEach(object, cJSON_GetObjectItem(networks, "cases")) {
        add(&list, "network_f64_agrees", network_f64_agrees, object);
        add(&list, "network_f32_agrees", network_f32_agrees, object);
        if (cJSON_GetObjectItem(object, "train")) {
            add(&list, "training_f64_agrees", training_f64_agrees, object);
            add(&list, "training_f32_agrees", training_f32_agrees, object);
        }
    }
    const size_t n_network = list.n;
    cJSON_ArrayForEach(object, cJSON_GetObjectItem(updates, "cases")) {
        add(&list, "update_f64_agrees", update_f64_agrees, object);
        add(&list, "update_f32_agrees", update_f32_agrees, object);
    }
    int n_failed = 1;
    if (n_network == 0 || list.n == n_network || list.n == MOST_TESTS) {
        fprintf(stderr, "%s: %zu tests of networks, %zu of updates\n", folder, n_network, list.n - n_network);
    } else {
        n_failed = _cmocka_run_group_tests("golden", list.tests, list.n, NULL, NULL);
    }
    cJSON_Delete(networks);
    cJSON_Delete(updates);
    return n_failed;
}
