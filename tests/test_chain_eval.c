/* SPDX-License-Identifier: MIT */
/* Evaluation of dense chains over batches: against the network of the same parameters, tails, orders, threads, losses. */
#include "chain_fixture.h"
#include "isa_environment.h"
#include "support/malloc_count.h"
#include "net_battery.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const dense_shape shapes[] = {
    {3, {4, 32, 16, 4}, COSTATE_ACT_TANH, false},
    {1, {1, 1}, COSTATE_ACT_IDENTITY, false},
    {2, {3, 1, 2}, COSTATE_ACT_GELU, false},
    {2, {70, 13, 3}, COSTATE_ACT_RELU, false},
    {2, {100, 29, 9}, COSTATE_ACT_SILU, true},
    {1, {64, 8}, COSTATE_ACT_IDENTITY, false},
    {3, {300, 60, 70, 12}, COSTATE_ACT_SIGMOID, false},
};
enum { N_SHAPE = sizeof shapes / sizeof *shapes };
static const size_t counts[] = {1, 2, 15, 16, 17, 33, 100, 257, 600};
enum { N_COUNT = sizeof counts / sizeof *counts };

/* Data of a batch and room for results. */
typedef struct sample_set {
    size_t n;
    double *x, *v, *y, *xbar, *pbar;
} sample_set;

static sample_set samples_make(const dense_chain *made, size_t n) {
    costate_random random = costate_random_seed(n, 7);
    return (sample_set){n,
                        chain_random(&random, n * made->n_in),
                        chain_random(&random, n * made->n_out),
                        chain_random(&random, n * made->n_out),
                        chain_random(&random, n * made->n_in),
                        chain_random(&random, made->n_param)};
}

static void samples_release(sample_set *set) {
    double *arrays[] = {set->x, set->v, set->y, set->xbar, set->pbar};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) {
        free(arrays[i]);
    }
}

/* What the network makes of the samples, one by one; the gradient in the chain's layout is added to pbar. */
static void reference_of(const dense_chain *made, sample_set *set) {
    const size_t bytes = costate_net_work_bytes_f64(made->net);
    void *work = malloc(bytes);
    double *pbar = calloc(made->n_param, sizeof *pbar), *foreign = malloc(made->n_param * sizeof *foreign);
    assert_non_null(work);
    assert_non_null(pbar);
    assert_non_null(foreign);
    for (size_t k = 0; k < set->n; k++) {
        const double *x = set->x + k * made->n_in;
        assert_ok(costate_net_forward_f64(made->net, made->p_net, x, set->y + k * made->n_out, work, bytes));
        assert_ok(costate_net_vjp_f64(made->net, made->p_net, x, set->v + k * made->n_out, 1.0,
                                      set->xbar + k * made->n_in, pbar, work, bytes));
    }
    assert_ok(costate_net_export_f64(made->net, COSTATE_ORDER_ROW_MAJOR, pbar, foreign));
    for (size_t i = 0; i < made->n_param; i++) {
        set->pbar[i] += foreign[i];
    }
    free(work);
    free(pbar);
    free(foreign);
}

static double largest(const double *x, size_t n) {
    double most = 0.0;
    for (size_t i = 0; i < n; i++) {
        most = fmax(most, fabs(x[i]));
    }
    return most;
}

static void assert_near(const double *actual, const double *expected, size_t n, double tolerance) {
    assert_close_array(actual, expected, n, 0.0, tolerance * largest(expected, n));
}

static void check_f64(const dense_chain *made, size_t n) {
    costate_chain_eval *eval = chain_eval_make(made->chain, COSTATE_CHAIN_F64, 1);
    sample_set ours = samples_make(made, n), reference = samples_make(made, n);
    const costate_batch_f64 batch = {.n = n, .x = ours.x};
    reference_of(made, &reference);
    assert_ok(costate_chain_forward_f64(eval, made->p, &batch, ours.y));
    assert_ok(costate_chain_vjp_f64(eval, made->p, &batch, ours.v, ours.xbar, ours.pbar));
    assert_near(ours.y, reference.y, n * made->n_out, 1e-13);
    assert_near(ours.xbar, reference.xbar, n * made->n_in, 1e-13);
    assert_near(ours.pbar, reference.pbar, made->n_param, 1e-13);
    samples_release(&ours);
    samples_release(&reference);
    costate_chain_eval_destroy(eval);
}

static void assert_near_f32(const float *actual, const double *expected, size_t n, double tolerance) {
    double *wide = malloc((n + 1) * sizeof *wide);
    assert_non_null(wide);
    for (size_t i = 0; i < n; i++) {
        wide[i] = (double)actual[i];
    }
    assert_near(wide, expected, n, tolerance);
    free(wide);
}

static void check_f32(const dense_chain *made, size_t n) {
    costate_chain_eval *eval = chain_eval_make(made->chain, COSTATE_CHAIN_F32, 1);
    sample_set reference = samples_make(made, n);
    float *p = chain_floats(made->p, made->n_param), *x = chain_floats(reference.x, n * made->n_in);
    float *v = chain_floats(reference.v, n * made->n_out), *y = chain_floats(reference.y, n * made->n_out);
    float *xbar = chain_floats(reference.xbar, n * made->n_in), *pbar = chain_floats(reference.pbar, made->n_param);
    const costate_batch_f32 batch = {.n = n, .x = x};
    reference_of(made, &reference);
    assert_ok(costate_chain_forward_f32(eval, p, &batch, y));
    assert_ok(costate_chain_vjp_f32(eval, p, &batch, v, xbar, pbar));
    assert_near_f32(y, reference.y, n * made->n_out, 3e-6);
    assert_near_f32(xbar, reference.xbar, n * made->n_in, 3e-6);
    assert_near_f32(pbar, reference.pbar, made->n_param, 1e-5);
    float *arrays[] = {p, x, v, y, xbar, pbar};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) {
        free(arrays[i]);
    }
    samples_release(&reference);
    costate_chain_eval_destroy(eval);
}

static void dense_chains_match_the_network(void **state) {
    (void)state;
    for (size_t i = 0; i < N_SHAPE; i++) {
        dense_chain made = dense_chain_make(&shapes[i], 40 + i);
        for (size_t k = 0; k < N_COUNT; k++) {
            check_f64(&made, counts[k]);
            check_f32(&made, counts[k]);
        }
        dense_chain_release(&made);
    }
}

/* Loss and gradient of a batch, from zero. */
static costate_chain_result loss_of(costate_chain_eval *eval, const dense_chain *made, const costate_batch_f64 *batch,
                                    const costate_chain_loss *loss, double *pbar) {
    costate_chain_result result = {.value = (double)NAN, .n_right = 999};
    memset(pbar, 0, made->n_param * sizeof *pbar);
    assert_ok(costate_chain_loss_f64(eval, made->p, batch, loss, &result, pbar));
    return result;
}

static costate_chain_loss output_loss(costate_batch_loss_kind kind, costate_batch_reduction reduction) {
    return (costate_chain_loss){.kind = COSTATE_CHAIN_LOSS_OUTPUT, .output = {kind, reduction, 0.3}};
}

static void loss_gives_same_bits_for_any_number_of_threads(void **state) {
    (void)state;
    static const size_t n_thread[] = {2, 3, 8, 40};
    dense_chain made = dense_chain_make(&shapes[0], 3);
    sample_set set = samples_make(&made, 5000);
    double *pbar = malloc(made.n_param * sizeof *pbar), *other = malloc(made.n_param * sizeof *other);
    const costate_batch_f64 batch = {.n = set.n, .x = set.x, .target = set.v};
    const costate_chain_loss loss = output_loss(COSTATE_BATCH_LOSS_HUBER, COSTATE_BATCH_MEAN);
    costate_chain_eval *eval = chain_eval_make(made.chain, COSTATE_CHAIN_F64, 1);
    const costate_chain_result one = loss_of(eval, &made, &batch, &loss, pbar);
    costate_chain_eval_destroy(eval);
    for (size_t i = 0; i < sizeof n_thread / sizeof *n_thread; i++) {
        eval = chain_eval_make(made.chain, COSTATE_CHAIN_F64, n_thread[i]);
        const costate_chain_result result = loss_of(eval, &made, &batch, &loss, other);
        assert_same_bits_f64(&result.value, &one.value, 1);
        assert_same_bits_f64(other, pbar, made.n_param);
        costate_chain_eval_destroy(eval);
    }
    free(pbar);
    free(other);
    samples_release(&set);
    dense_chain_release(&made);
}

/* The loss of all outputs at once by batch_loss.h, its cotangent pulled back. */
static void losses_are_those_of_the_whole_batch(void **state) {
    (void)state;
    static const costate_batch_loss_kind kinds[] = {COSTATE_BATCH_LOSS_SQUARED, COSTATE_BATCH_LOSS_ABSOLUTE,
                                                    COSTATE_BATCH_LOSS_HUBER, COSTATE_BATCH_LOSS_LOGISTIC};
    dense_chain made = dense_chain_make(&shapes[0], 3);
    sample_set set = samples_make(&made, 1003);
    costate_chain_eval *eval = chain_eval_make(made.chain, COSTATE_CHAIN_F64, 2);
    double *target = malloc(set.n * made.n_out * sizeof *target), *weight = malloc(set.n * sizeof *weight);
    double *pbar = calloc(made.n_param, sizeof *pbar), *expected = malloc(made.n_param * sizeof *expected);
    assert_true(target != NULL && weight != NULL && pbar != NULL && expected != NULL);
    for (size_t i = 0; i < set.n * made.n_out; i++) {
        target[i] = 0.5 + 0.5 * set.v[i];
    }
    for (size_t i = 0; i < set.n; i++) {
        weight[i] = (double)(i % 3);
    }
    for (size_t i = 0; i < 16; i++) {
        const costate_chain_loss loss =
            output_loss(kinds[i % 4], i / 4 % 2 == 0 ? COSTATE_BATCH_SUM : COSTATE_BATCH_MEAN);
        const costate_batch_f64 batch = {.n = set.n, .x = set.x, .target = target, .weight = i < 8 ? NULL : weight};
        const costate_chain_result result = loss_of(eval, &made, &batch, &loss, pbar);
        double value;
        size_t n_right;
        assert_ok(costate_chain_forward_f64(eval, made.p, &batch, set.y));
        assert_ok(costate_batch_loss_f64(&loss.output, set.n, made.n_out, set.y, target, batch.weight, &value, set.v));
        memset(expected, 0, made.n_param * sizeof *expected);
        assert_ok(costate_chain_vjp_f64(eval, made.p, &batch, set.v, NULL, expected));
        assert_close(result.value, value, 1e-13, 0.0);
        assert_near(pbar, expected, made.n_param, 1e-13);
        assert_ok(costate_batch_sign_count_f64(set.n * made.n_out, set.y, target, &n_right));
        assert_int_equal(result.n_right, kinds[i % 4] == COSTATE_BATCH_LOSS_LOGISTIC ? n_right : 0);
    }
    free(target);
    free(weight);
    free(pbar);
    free(expected);
    samples_release(&set);
    costate_chain_eval_destroy(eval);
    dense_chain_release(&made);
}

static void softmax_loss_counts_right_answers(void **state) {
    (void)state;
    dense_chain made = dense_chain_make(&shapes[3], 3);
    sample_set set = samples_make(&made, 333);
    costate_chain_eval *eval = chain_eval_make(made.chain, COSTATE_CHAIN_F64, 1);
    uint32_t *label = malloc(set.n * sizeof *label);
    double *pbar = calloc(made.n_param, sizeof *pbar), *expected = calloc(made.n_param, sizeof *expected), value;
    size_t n_right;
    for (size_t i = 0; i < set.n; i++) {
        label[i] = (uint32_t)(i * 7 % 3);
    }
    const costate_chain_loss loss = {.kind = COSTATE_CHAIN_LOSS_SOFTMAX, .output.reduction = COSTATE_BATCH_MEAN};
    costate_batch_f64 batch = {.n = set.n, .x = set.x, .label = label};
    const costate_chain_result result = loss_of(eval, &made, &batch, &loss, pbar);
    assert_ok(costate_chain_forward_f64(eval, made.p, &batch, set.y));
    assert_ok(costate_batch_softmax_loss_f64(COSTATE_BATCH_MEAN, set.n, made.n_out, set.y, label, NULL, &value, set.v));
    assert_ok(costate_batch_class_count_f64(set.n, made.n_out, set.y, label, &n_right));
    assert_ok(costate_chain_vjp_f64(eval, made.p, &batch, set.v, NULL, expected));
    assert_close(result.value, value, 1e-13, 0.0);
    assert_int_equal(result.n_right, n_right);
    assert_true(n_right > 0 && n_right < set.n);
    assert_near(pbar, expected, made.n_param, 1e-13);
    label[332] = 3;
    memcpy(expected, pbar, made.n_param * sizeof *pbar);
    assert_status(costate_chain_loss_f64(eval, made.p, &batch, &loss, NULL, pbar), COSTATE_ERR_ARGUMENT);
    assert_same_bits_f64(pbar, expected, made.n_param);
    assert_non_null(strstr(costate_chain_eval_message(eval), "332"));
    batch.label = NULL;
    assert_status(costate_chain_loss_f64(eval, made.p, &batch, &loss, NULL, pbar), COSTATE_ERR_NULL);
    free(label);
    free(pbar);
    free(expected);
    samples_release(&set);
    costate_chain_eval_destroy(eval);
    dense_chain_release(&made);
}

/* A batch in another order of arrays, or through an index, is the same batch. */
static void arrangement_of_inputs_does_not_matter(void **state) {
    (void)state;
    dense_chain made = dense_chain_make(&shapes[3], 9);
    sample_set set = samples_make(&made, 77);
    const size_t stride = 90, n = set.n;
    costate_chain_eval *eval = chain_eval_make(made.chain, COSTATE_CHAIN_F64, 1);
    double *turned = calloc(stride * made.n_in, sizeof *turned), *shuffled = malloc(n * made.n_in * sizeof *shuffled);
    double *target = malloc(n * made.n_out * sizeof *target), *weight = malloc(2 * n * sizeof *weight);
    double *pbar = malloc(made.n_param * sizeof *pbar), *other = malloc(made.n_param * sizeof *other);
    size_t *index = malloc(n * sizeof *index);
    for (size_t k = 0; k < n; k++) {
        index[k] = k * 30 % n; /* sample k of the batch */
        weight[n + k] = 1.0 + (double)k;
    }
    for (size_t k = 0; k < n; k++) {
        weight[index[k]] = weight[n + k];
        memcpy(shuffled + index[k] * made.n_in, set.x + k * made.n_in, made.n_in * sizeof *shuffled);
        memcpy(target + index[k] * made.n_out, set.v + k * made.n_out, made.n_out * sizeof *target);
        for (size_t i = 0; i < made.n_in; i++) {
            turned[i * stride + k] = set.x[k * made.n_in + i];
        }
    }
    const costate_chain_loss loss = output_loss(COSTATE_BATCH_LOSS_SQUARED, COSTATE_BATCH_MEAN);
    const costate_batch_f64 plain = {.n = n, .x = set.x, .target = set.v, .weight = weight + n};
    const costate_batch_f64 by_feature = {
        .n = n, .x = turned, .feature_stride = stride, .target = set.v, .weight = weight + n};
    const costate_batch_f64 by_index = {.n = n, .index = index, .x = shuffled, .target = target, .weight = weight};
    const costate_chain_result one = loss_of(eval, &made, &plain, &loss, pbar);
    const costate_chain_result two = loss_of(eval, &made, &by_feature, &loss, other);
    assert_same_bits_f64(other, pbar, made.n_param);
    const costate_chain_result three = loss_of(eval, &made, &by_index, &loss, other);
    assert_same_bits_f64(other, pbar, made.n_param);
    assert_true(one.value == two.value && one.value == three.value && isfinite(one.value));
    void *arrays[] = {turned, shuffled, target, weight, pbar, other, index};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) {
        free(arrays[i]);
    }
    samples_release(&set);
    costate_chain_eval_destroy(eval);
    dense_chain_release(&made);
}

static void no_sample_gives_zero(void **state) {
    (void)state;
    dense_chain made = dense_chain_make(&shapes[0], 9);
    costate_chain_eval *eval = chain_eval_make(made.chain, COSTATE_CHAIN_F64, 2);
    double *pbar = calloc(made.n_param, sizeof *pbar);
    const costate_batch_f64 batch = {.n = 0};
    const costate_chain_loss loss = output_loss(COSTATE_BATCH_LOSS_SQUARED, COSTATE_BATCH_MEAN);
    costate_chain_result result = {.value = 5.0, .n_right = 5};
    pbar[3] = 4.0;
    assert_ok(costate_chain_loss_f64(eval, made.p, &batch, &loss, &result, pbar));
    assert_true(result.value == 0.0 && result.n_right == 0 && pbar[3] == 4.0 && pbar[2] == 0.0);
    assert_ok(costate_chain_forward_f64(eval, made.p, &batch, NULL));
    assert_ok(costate_chain_vjp_f64(eval, made.p, &batch, NULL, NULL, pbar));
    free(pbar);
    costate_chain_eval_destroy(eval);
    dense_chain_release(&made);
}

static void frozen_layers_keep_their_gradient(void **state) {
    (void)state;
    costate_chain_layer layers[3] = {costate_chain_dense(5, COSTATE_ACT_TANH), costate_chain_dense(3, COSTATE_ACT_TANH),
                                     costate_chain_dense(2, COSTATE_ACT_IDENTITY)};
    costate_chain *trained, *frozen;
    costate_random random = costate_random_seed(4, 4);
    double full[51], part[51], start[51], xbar[2][40];
    double *x = chain_random(&random, 40), *v = chain_random(&random, 20), *parameters = chain_random(&random, 51);
    const costate_batch_f64 batch = {.n = 10, .x = x};
    assert_ok(costate_chain_create(costate_shape_vector(4), 3, layers, NULL, &trained, NULL));
    assert_int_equal(costate_chain_n_param(trained), 25 + 18 + 8);
    for (size_t choice = 2; choice < 16; choice++) {
        const size_t mask = choice / 2;
        const bool with_input = choice % 2 != 0;
        for (size_t i = 0; i < 3; i++) {
            layers[i].frozen = (mask >> i & 1u) != 0;
        }
        assert_ok(costate_chain_create(costate_shape_vector(4), 3, layers, NULL, &frozen, NULL));
        costate_chain_eval *a = chain_eval_make(trained, COSTATE_CHAIN_F64, 1);
        costate_chain_eval *b = chain_eval_make(frozen, COSTATE_CHAIN_F64, 1);
        for (size_t i = 0; i < 51; i++) {
            start[i] = part[i] = full[i] = -0.25 * (double)i;
        }
        assert_ok(costate_chain_vjp_f64(a, parameters, &batch, v, xbar[0], full));
        assert_ok(costate_chain_vjp_f64(b, parameters, &batch, v, with_input ? xbar[1] : NULL, part));
        if (with_input) {
            assert_same_bits_f64(xbar[1], xbar[0], 40);
        }
        const size_t edge[] = {0, 25, 43, 51};
        for (size_t i = 0; i < 3; i++) {
            assert_same_bits_f64(part + edge[i], (layers[i].frozen ? start : full) + edge[i], edge[i + 1] - edge[i]);
        }
        costate_chain_eval_destroy(a);
        costate_chain_eval_destroy(b);
        costate_chain_destroy(frozen);
    }
    free(x);
    free(v);
    free(parameters);
    costate_chain_destroy(trained);
}

/* More frozen parameters in front than are added up at a time. */
static void large_frozen_layers_leave_the_others_gradient(void **state) {
    (void)state;
    enum { N_IN = 130, N_HIDDEN = 150, N_FROZEN = N_IN * N_HIDDEN + N_HIDDEN, N_PARAM = N_FROZEN + 2 * N_HIDDEN + 2 };
    costate_chain_layer layers[2] = {costate_chain_dense(N_HIDDEN, COSTATE_ACT_TANH),
                                     costate_chain_dense(2, COSTATE_ACT_IDENTITY)};
    costate_random random = costate_random_seed(4, 4);
    double *x = chain_random(&random, 40 * N_IN), *v = chain_random(&random, 80), *p = chain_random(&random, N_PARAM);
    double *full = calloc(N_PARAM, sizeof *full), *part = calloc(N_PARAM, sizeof *part);
    double *zero = calloc(N_PARAM, sizeof *zero);
    const costate_batch_f64 batch = {.n = 40, .x = x};
    for (size_t i = 0; i < 2; i++) {
        costate_chain *chain;
        layers[0].frozen = i > 0;
        assert_ok(costate_chain_create(costate_shape_vector(N_IN), 2, layers, NULL, &chain, NULL));
        costate_chain_eval *eval = chain_eval_make(chain, COSTATE_CHAIN_F64, 2);
        assert_ok(costate_chain_vjp_f64(eval, p, &batch, v, NULL, i > 0 ? part : full));
        costate_chain_eval_destroy(eval);
        costate_chain_destroy(chain);
    }
    assert_same_bits_f64(part, zero, N_FROZEN);
    assert_same_bits_f64(part + N_FROZEN, full + N_FROZEN, N_PARAM - N_FROZEN);
    assert_true(largest(full, N_FROZEN) > 0.0 && largest(part, N_PARAM) > 0.0);
    free(x);
    free(v);
    free(p);
    free(full);
    free(part);
    free(zero);
}

/* The samples of one tile share rows: a NaN must stay in its sample's outputs, and reach loss and gradient. */
static void nan_stays_in_its_sample_and_reaches_the_loss(void **state) {
    (void)state;
    dense_chain made = dense_chain_make(&shapes[0], 9);
    sample_set set = samples_make(&made, 50);
    costate_chain_eval *eval = chain_eval_make(made.chain, COSTATE_CHAIN_F64, 1);
    const costate_batch_f64 batch = {.n = 50, .x = set.x, .target = set.v};
    const costate_chain_loss loss = output_loss(COSTATE_BATCH_LOSS_SQUARED, COSTATE_BATCH_MEAN);
    set.x[49 * made.n_in + 1] = (double)NAN;
    assert_ok(costate_chain_forward_f64(eval, made.p, &batch, set.y));
    assert_all_finite(set.y, 49 * made.n_out);
    assert_true(isnan(set.y[49 * made.n_out]));
    const costate_chain_result result = loss_of(eval, &made, &batch, &loss, set.pbar);
    assert_true(isnan(result.value) && isnan(set.pbar[0]));
    samples_release(&set);
    costate_chain_eval_destroy(eval);
    dense_chain_release(&made);
}

static void evaluation_allocates_nothing(void **state) {
    (void)state;
    if (!malloc_count_available()) {
        skip();
    }
    dense_chain made = dense_chain_make(&shapes[0], 9);
    sample_set set = samples_make(&made, 3000);
    costate_chain_eval *eval = chain_eval_make(made.chain, COSTATE_CHAIN_F64, 2);
    const costate_batch_f64 batch = {.n = set.n, .x = set.x, .target = set.v};
    const costate_chain_loss loss = output_loss(COSTATE_BATCH_LOSS_SQUARED, COSTATE_BATCH_MEAN);
    malloc_count_start();
    for (size_t i = 0; i < 3; i++) {
        (void)costate_chain_loss_f64(eval, made.p, &batch, &loss, NULL, set.pbar);
        (void)costate_chain_forward_f64(eval, made.p, &batch, set.y);
    }
    assert_int_equal(malloc_count_stop().here, 0);
    samples_release(&set);
    costate_chain_eval_destroy(eval);
    dense_chain_release(&made);
}

static void fused_variants_give_the_same_bits(void **state) {
    (void)state;
    static const char *const names[] = {"fma", "avx2", "avx512"};
    const isa_environment saved = isa_environment_save();
    double *first = NULL;
    size_t n_seen = 0, n_param = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        costate_isa isa;
        isa_environment_set(names[i]);
        if (costate_isa_select(&isa) != COSTATE_OK) {
            continue;
        }
        double *all = NULL;
        size_t at = 0;
        for (size_t k = 0; k < N_SHAPE; k++) {
            dense_chain made = dense_chain_make(&shapes[k], 11);
            sample_set set = samples_make(&made, 77);
            costate_chain_eval *eval = chain_eval_make(made.chain, COSTATE_CHAIN_F64, 1);
            const costate_batch_f64 batch = {.n = set.n, .x = set.x};
            assert_ok(costate_chain_vjp_f64(eval, made.p, &batch, set.v, NULL, set.pbar));
            all = realloc(all, (at + made.n_param) * sizeof *all);
            assert_non_null(all);
            memcpy(all + at, set.pbar, made.n_param * sizeof *all);
            at += made.n_param;
            samples_release(&set);
            costate_chain_eval_destroy(eval);
            dense_chain_release(&made);
        }
        if (n_seen++ == 0) {
            first = all;
            n_param = at;
        } else {
            assert_same_bits_f64(all, first, n_param);
            free(all);
        }
    }
    free(first);
    isa_environment_restore(&saved);
    if (n_seen < 2) {
        skip();
    }
}

static void evaluator_refuses_what_it_cannot_do(void **state) {
    (void)state;
    dense_chain made = dense_chain_make(&shapes[0], 9);
    costate_chain_eval *eval = chain_eval_make(made.chain, COSTATE_CHAIN_F64, 1);
    costate_chain_eval_options options = costate_chain_eval_options_default();
    costate_chain_eval *none = eval;
    double a[64] = {0.0};
    float b[64] = {0.0f};
    const costate_batch_f64 batch = {.n = 1, .x = a, .target = a}, no_x = {.n = 1}, huge = {.n = SIZE_MAX / 2, .x = a},
                            empty = {.n = 0};
    const costate_batch_f32 narrow = {.n = 1, .x = b};
    costate_chain_loss loss = output_loss(COSTATE_BATCH_LOSS_SQUARED, COSTATE_BATCH_MEAN);
    assert_status(costate_chain_forward_f64(NULL, made.p, &batch, a), COSTATE_ERR_NULL);
    assert_status(costate_chain_forward_f64(eval, NULL, &batch, a), COSTATE_ERR_NULL);
    assert_status(costate_chain_forward_f64(eval, made.p, &no_x, a), COSTATE_ERR_NULL);
    assert_status(costate_chain_forward_f64(eval, made.p, &batch, NULL), COSTATE_ERR_NULL);
    assert_status(costate_chain_forward_f64(eval, made.p, &huge, a), COSTATE_ERR_OVERFLOW);
    assert_status(costate_chain_forward_f32(eval, b, &narrow, b), COSTATE_ERR_UNSUPPORTED);
    assert_status(costate_chain_loss_f64(eval, made.p, &batch, NULL, NULL, NULL), COSTATE_ERR_NULL);
    loss.kind = (costate_chain_loss_kind)9;
    assert_status(costate_chain_loss_f64(eval, made.p, &batch, &loss, NULL, NULL), COSTATE_ERR_ARGUMENT);
    loss = output_loss((costate_batch_loss_kind)9, COSTATE_BATCH_MEAN);
    assert_status(costate_chain_loss_f64(eval, made.p, &batch, &loss, NULL, NULL), COSTATE_ERR_ARGUMENT);
    assert_status(costate_chain_loss_f64(eval, made.p, &empty, &loss, NULL, NULL), COSTATE_ERR_ARGUMENT);
    options.n_thread = 1025;
    assert_status(costate_chain_eval_create(made.chain, &options, NULL, &none), COSTATE_ERR_ARGUMENT);
    assert_null(none);
    options = (costate_chain_eval_options){.precision = (costate_chain_precision)7, .n_thread = 1};
    assert_status(costate_chain_eval_create(made.chain, &options, NULL, &none), COSTATE_ERR_ARGUMENT);
    assert_status(costate_chain_eval_create(NULL, NULL, NULL, &none), COSTATE_ERR_NULL);
    costate_chain_eval_destroy(NULL);
    assert_string_equal(costate_chain_eval_message(NULL), "");
    costate_chain_eval_destroy(eval);
    dense_chain_release(&made);
}

static costate_status refuse_late_samples(size_t n, size_t first, const double *h, double *value, double *hbar,
                                          void *ctx) {
    const size_t *limit = ctx;
    *value = 0.0;
    for (size_t i = 0; i < n; i++) {
        *value += h[i] * (double)(first + i + 1);
        if (hbar != NULL) {
            hbar[i] = (double)(first + i + 1);
        }
    }
    return first + n > *limit ? COSTATE_ERR_INTERRUPTED : COSTATE_OK;
}

static void own_loss_is_called_for_every_sample_and_may_refuse(void **state) {
    (void)state;
    const costate_chain_layer layer = costate_chain_dense(1, COSTATE_ACT_IDENTITY);
    costate_chain *chain;
    size_t limit = 1000;
    double x[900], p[2] = {2.0, 1.0}, pbar[2] = {0.0, 0.0}, value = 0.0, slope = 0.0, count = 0.0;
    assert_ok(costate_chain_create(costate_shape_vector(1), 1, &layer, NULL, &chain, NULL));
    for (size_t i = 0; i < 900; i++) {
        x[i] = (double)(i % 5);
        value += (2.0 * x[i] + 1.0) * (double)(i + 1);
        slope += x[i] * (double)(i + 1);
        count += (double)(i + 1);
    }
    costate_chain_eval *eval = chain_eval_make(chain, COSTATE_CHAIN_F64, 2);
    const costate_batch_f64 batch = {.n = 900, .x = x};
    const costate_chain_loss loss = {.kind = COSTATE_CHAIN_LOSS_OWN,
                                     .output.reduction = COSTATE_BATCH_SUM,
                                     .own_f64 = refuse_late_samples,
                                     .ctx = &limit};
    costate_chain_result result;
    assert_ok(costate_chain_loss_f64(eval, p, &batch, &loss, &result, pbar));
    assert_close(result.value, value, 1e-14, 0.0);
    assert_close(pbar[0], slope, 1e-14, 0.0);
    assert_close(pbar[1], count, 1e-14, 0.0);
    limit = 100;
    assert_status(costate_chain_loss_f64(eval, p, &batch, &loss, &result, pbar), COSTATE_ERR_INTERRUPTED);
    assert_close(pbar[1], count, 1e-14, 0.0);
    assert_non_null(strstr(costate_chain_eval_message(eval), "loss"));
    assert_status(costate_chain_loss_f64(eval, NULL, &batch, &loss, NULL, NULL), COSTATE_ERR_NULL);
    assert_string_equal(costate_chain_eval_message(eval), "");
    costate_chain_eval_destroy(eval);
    costate_chain_destroy(chain);
}

int main(void) {
    if (!net_battery_isa_available()) {
        return TEST_SKIPPED;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dense_chains_match_the_network),
        cmocka_unit_test(loss_gives_same_bits_for_any_number_of_threads),
        cmocka_unit_test(losses_are_those_of_the_whole_batch),
        cmocka_unit_test(softmax_loss_counts_right_answers),
        cmocka_unit_test(arrangement_of_inputs_does_not_matter),
        cmocka_unit_test(no_sample_gives_zero),
        cmocka_unit_test(frozen_layers_keep_their_gradient),
        cmocka_unit_test(large_frozen_layers_leave_the_others_gradient),
        cmocka_unit_test(nan_stays_in_its_sample_and_reaches_the_loss),
        cmocka_unit_test(evaluation_allocates_nothing),
        cmocka_unit_test(fused_variants_give_the_same_bits),
        cmocka_unit_test(evaluator_refuses_what_it_cannot_do),
        cmocka_unit_test(own_loss_is_called_for_every_sample_and_may_refuse),
    };
    return cmocka_run_group_tests_name("chain_eval", tests, NULL, NULL);
}
