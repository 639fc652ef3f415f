/* SPDX-License-Identifier: MIT */
/* A network's right-hand side for several lanes at once: every lane is the network at its own point, and at that alone. */
#include "isa_environment.h"
#include "net_battery.h"

#include "support/guard_page.h"
#include "support/malloc_count.h"
#include "support/seeded_random.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LANES = COSTATE_LANES };

static const net_shape shapes[] = {
    {.n_in = 1, .n_layer = 2, .layers = {{.n_out = 5, .act = COSTATE_ACT_TANH}, {.n_out = 1}}},
    {.n_in = 2,
     .n_layer = 2,
     .layers = {{.n_out = 50, .act = COSTATE_ACT_TANH}, {.n_out = 2}},
     .input_act = COSTATE_ACT_CUBE},
    {.n_in = 2,
     .n_layer = 3,
     .layers = {{.n_out = 16, .act = COSTATE_ACT_TANH}, {.n_out = 16, .act = COSTATE_ACT_TANH}, {.n_out = 2}}},
    {.n_in = 3,
     .n_layer = 3,
     .layers = {{.n_out = 4, .act = COSTATE_ACT_TANH, .no_bias = true},
                {.n_out = 7, .act = COSTATE_ACT_GELU},
                {.n_out = 3, .act = COSTATE_ACT_TANH}},
     .affine = NET_AFFINE},
    {.n_in = 1, .n_layer = 1, .layers = {{.n_out = 1}}},
    {.n_in = 1,
     .n_layer = 1,
     .layers = {{.n_out = 1, .no_bias = true, .act = COSTATE_ACT_SIN}},
     .affine = NET_OUT_SCALE},
    /* with time */
    {.n_in = 2,
     .n_layer = 2,
     .layers = {{.n_out = 5, .act = COSTATE_ACT_SOFTPLUS}, {.n_out = 1}},
     .affine = NET_IN_SCALE},
    {.n_in = 3, .n_layer = 2, .layers = {{.n_out = 16, .act = COSTATE_ACT_TANH}, {.n_out = 2, .no_bias = true}}},
    {.n_in = 9,
     .n_layer = 3,
     .layers = {{.n_out = 17, .act = COSTATE_ACT_GAUSSIAN}, {.n_out = 4, .act = COSTATE_ACT_IDENTITY}, {.n_out = 8}},
     .affine = NET_AFFINE,
     .input_act = COSTATE_ACT_SIGMOID},
    {.n_in = 4,
     .n_layer = 2,
     .layers = {{.n_out = 6, .act = COSTATE_ACT_TANH}, {.n_out = 3, .act = COSTATE_ACT_ELU}},
     .accuracy = COSTATE_ACCURACY_ACCURATE},
};

/* One network's right-hand side and a point per lane; every array ends at an inaccessible page. */
typedef struct lanes_model {
    net_fixture fixture;
    costate_rhs rhs;
    bool has_time;
    guard_buffer buffers[8];
    double *t, *y, *p, *v, *dydt, *ybar, *pbar;
    void *work;
} lanes_model;

static void refill_outputs(lanes_model *model) {
    memset(model->dydt, 0xff, model->rhs.n_y * LANES * sizeof(double));
    memset(model->ybar, 0xff, model->rhs.n_y * LANES * sizeof(double));
    memset(model->work, 0xff, model->rhs.lanes_work_bytes);
    for (size_t k = 0; k < model->fixture.n_param * LANES; k++) {
        model->pbar[k] = model->fixture.pbar[k / LANES];
    }
}

static void model_make(lanes_model *model, const net_shape *shape, uint64_t seed) {
    net_fixture *fixture = &model->fixture;
    net_fixture_make(fixture, shape, seed);
    assert_ok(costate_net_rhs(fixture->net, &model->rhs));
    model->has_time = fixture->n_in > fixture->n_out;
    const size_t n_y = fixture->n_out, n_p = fixture->n_param, n[] = {1, n_y, n_p, n_y, n_y, n_y, n_p};
    double **arrays[] = {&model->t, &model->y, &model->p, &model->v, &model->dydt, &model->ybar, &model->pbar};
    for (size_t k = 0; k < 7; k++) {
        model->buffers[k] = guard_create(n[k] * LANES * sizeof(double), GUARD_AFTER);
        *arrays[k] = model->buffers[k].data;
    }
    assert_int_equal(model->rhs.lanes_work_bytes % 64, 0);
    model->buffers[7] = guard_create(model->rhs.lanes_work_bytes, GUARD_AFTER);
    model->work = model->buffers[7].data;
    costate_random random = costate_random_seed(seed, 1);
    fill_representable(&random, model->t, LANES);
    fill_representable(&random, model->y, n_y * LANES);
    fill_representable(&random, model->v, n_y * LANES);
    for (size_t k = 0; k < n_p * LANES; k++) {
        const double factor = 1 + 0.25 * costate_random_normal(&random);
        model->p[k] = (double)(float)(factor * fixture->p[k / LANES]);
    }
    refill_outputs(model);
}

static void model_release(lanes_model *model) {
    for (size_t k = 0; k < 8; k++) {
        guard_destroy(&model->buffers[k]);
    }
    net_fixture_release(&model->fixture);
}

static void call_f_lanes(lanes_model *model) {
    const costate_rhs *rhs = &model->rhs;
    assert_int_equal(rhs->f_lanes(model->t, model->y, model->p, model->dydt, model->work, rhs->ctx), COSTATE_ANSWER_OK);
}

static void call_vjp_lanes(lanes_model *model, double *pbar) {
    const costate_rhs *rhs = &model->rhs;
    assert_int_equal(rhs->vjp_lanes(model->t, model->y, model->p, model->v, model->ybar, pbar, model->work, rhs->ctx),
                     COSTATE_ANSWER_OK);
}

static void for_each_model(void (*check)(lanes_model *model)) {
    for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++) {
        lanes_model model;
        model_make(&model, &shapes[k], k + 1);
        check(&model);
        model_release(&model);
    }
}

static void gather(const double *from, size_t lane, size_t n, double *to) {
    for (size_t i = 0; i < n; i++) {
        to[i] = from[i * LANES + lane];
    }
}

/* One lane against the long-double network at that lane's point. */
static void check_lane(lanes_model *model, size_t lane) {
    const net_fixture *fixture = &model->fixture;
    const size_t n_in = fixture->n_in, n_y = fixture->n_out, n_p = fixture->n_param;
    const reference_net ref = {&fixture->spec, fixture->net, net_real_roundoff(NET_F64)};
    double *x = doubles(n_in), *p = doubles(n_p), *v = doubles(n_y), *got = doubles(n_p + n_in);
    reference_value *y = references(n_y), *xbar = references(n_in), *pbar = references(n_p);
    gather(model->y, lane, n_y, x);
    gather(model->p, lane, n_p, p);
    gather(model->v, lane, n_y, v);
    if (model->has_time) {
        x[n_y] = model->t[lane];
    }
    reference_forward(&ref, p, x, y);
    reference_vjp(&ref, p, x, v, 1, fixture->pbar, xbar, pbar);
    gather(model->dydt, lane, n_y, got);
    assert_matches_reference("dydt", got, y, n_y, ref.u);
    gather(model->ybar, lane, n_y, got);
    assert_matches_reference("ybar", got, xbar, n_y, ref.u);
    gather(model->pbar, lane, n_p, got);
    assert_matches_reference("pbar", got, pbar, n_p, ref.u);
    free(pbar);
    free(xbar);
    free(y);
    free(got);
    free(v);
    free(p);
    free(x);
}

static void check_every_lane(lanes_model *model) {
    call_f_lanes(model);
    memset(model->work, 0xff, model->rhs.lanes_work_bytes);
    call_vjp_lanes(model, model->pbar);
    for (size_t lane = 0; lane < LANES; lane++) {
        check_lane(model, lane);
    }
}

static void every_lane_is_the_network_at_its_point(void **state) {
    (void)state;
    for_each_model(check_every_lane);
}

/* One or two layers of every width up to 17 with every activation; time is an input of every other one. */
static void for_each_width(void (*check)(lanes_model *model)) {
    for (size_t n = 1; n <= 17; n++) {
        for (int act = 0; act < COSTATE_ACT_COUNT; act++) {
            const size_t n_y = 1 + (n + (size_t)act) % 6;
            net_shape shape = {.n_in = n_y + n % 2, .n_layer = 2, .affine = n % 3 == 0 ? NET_AFFINE : 0};
            shape.layers[0] = (costate_layer_spec){.n_out = n, .act = (costate_act)act, .no_bias = n % 4 == 0};
            shape.layers[1] =
                (costate_layer_spec){.n_out = n_y, .act = n % 5 == 0 ? (costate_act)act : COSTATE_ACT_IDENTITY};
            shape.input_act = n % 7 == 0 ? (costate_act)act : COSTATE_ACT_IDENTITY;
            shape.accuracy = n % 8 == 3 ? COSTATE_ACCURACY_ACCURATE : COSTATE_ACCURACY_FAST;
            lanes_model model;
            model_make(&model, &shape, n);
            check(&model);
            model_release(&model);
        }
    }
}

static void every_lane_of_every_width_and_activation_is_the_network(void **state) {
    (void)state;
    for_each_width(check_every_lane);
}

/* dydt, ybar and pbar of one lane. */
static void lane_results(lanes_model *model, size_t lane, double *results) {
    const size_t n_y = model->rhs.n_y;
    refill_outputs(model);
    call_f_lanes(model);
    call_vjp_lanes(model, model->pbar);
    gather(model->dydt, lane, n_y, results);
    gather(model->ybar, lane, n_y, results + n_y);
    gather(model->pbar, lane, model->rhs.n_p, results + 2 * n_y);
}

static void poison_other_lanes(double *array, size_t lane, size_t n) {
    static const double poison[] = {(double)NAN, (double)INFINITY, (double)-INFINITY, 1e300, -1e-310, 0, 1e10};
    for (size_t i = 0; i < n * LANES; i++) {
        array[i] = i % LANES == lane ? array[i] : poison[(i + i / LANES) % 7];
    }
}

/* One lane keeps its bits when every other gets another point. */
static void check_independence(lanes_model *model) {
    const size_t n_y = model->rhs.n_y, n_p = model->rhs.n_p, lane = (n_p + n_y) % LANES;
    double *before = doubles(2 * n_y + n_p), *after = doubles(2 * n_y + n_p);
    lane_results(model, lane, before);
    poison_other_lanes(model->t, lane, 1);
    poison_other_lanes(model->y, lane, n_y);
    poison_other_lanes(model->p, lane, n_p);
    poison_other_lanes(model->v, lane, n_y);
    lane_results(model, lane, after);
    assert_same_bits_f64(after, before, 2 * n_y + n_p);
    free(after);
    free(before);
}

static void no_lane_sees_what_is_in_another(void **state) {
    (void)state;
    for_each_model(check_independence);
    for_each_width(check_independence);
}

static void check_without_pbar(lanes_model *model) {
    const size_t n = model->rhs.n_y * LANES;
    double *ybar = doubles(n);
    call_vjp_lanes(model, model->pbar);
    memcpy(ybar, model->ybar, n * sizeof *ybar);
    refill_outputs(model);
    call_vjp_lanes(model, NULL);
    assert_same_bits_f64(model->ybar, ybar, n);
    for (size_t k = 0; k < model->fixture.n_param * LANES; k++) {
        assert_same_bits_f64(&model->pbar[k], &model->fixture.pbar[k / LANES], 1);
    }
    free(ybar);
}

static void ybar_is_the_same_without_pbar(void **state) {
    (void)state;
    for_each_model(check_without_pbar);
}

static void check_no_allocation(lanes_model *model) {
    const costate_rhs *rhs = &model->rhs;
    malloc_count_start();
    (void)rhs->f_lanes(model->t, model->y, model->p, model->dydt, model->work, rhs->ctx);
    (void)rhs->vjp_lanes(model->t, model->y, model->p, model->v, model->ybar, model->pbar, model->work, rhs->ctx);
    malloc_counts counts = malloc_count_stop();
    assert_int_equal(counts.here, 0);
    assert_int_equal(counts.other, 0);
}

static void lanes_allocate_nothing(void **state) {
    (void)state;
    if (!malloc_count_available()) {
        skip();
    }
    for_each_model(check_no_allocation);
}

/* dydt, ybar and pbar of the model's network made anew under one variant; false where that is not available. */
static bool results_under(const char *variant, const lanes_model *model, double *results) {
    isa_environment_set(variant);
    costate_net *net;
    const costate_status status = costate_net_create(&model->fixture.spec, NULL, &net);
    if (status == COSTATE_ERR_UNSUPPORTED) {
        return false;
    }
    assert_ok(status);
    lanes_model made = *model;
    assert_ok(costate_net_rhs(net, &made.rhs));
    refill_outputs(&made);
    call_f_lanes(&made);
    call_vjp_lanes(&made, made.pbar);
    const size_t n_y = made.rhs.n_y * LANES, n_p = made.rhs.n_p * LANES;
    memcpy(results, made.dydt, n_y * sizeof *results);
    memcpy(results + n_y, made.ybar, n_y * sizeof *results);
    memcpy(results + 2 * n_y, made.pbar, n_p * sizeof *results);
    costate_net_destroy(net);
    return true;
}

static void check_variants(lanes_model *model) {
    static const char *const fused[] = {"fma", "avx2", "avx512"};
    const isa_environment saved = isa_environment_save();
    const size_t n = (2 * model->rhs.n_y + model->rhs.n_p) * LANES;
    double *first = doubles(n), *other = doubles(n);
    bool have_first = false;
    for (size_t k = 0; k < sizeof fused / sizeof *fused; k++) {
        if (results_under(fused[k], model, have_first ? other : first)) {
            if (have_first) {
                assert_same_bits_f64(other, first, n);
            }
            have_first = true;
        }
    }
    isa_environment_restore(&saved);
    free(other);
    free(first);
}

static void lanes_have_identical_bits_under_every_variant(void **state) {
    (void)state;
    for_each_model(check_variants);
    for_each_width(check_variants);
}

int main(void) {
    if (!net_battery_isa_available()) {
        return TEST_SKIPPED;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_lane_is_the_network_at_its_point),
        cmocka_unit_test(every_lane_of_every_width_and_activation_is_the_network),
        cmocka_unit_test(no_lane_sees_what_is_in_another),
        cmocka_unit_test(ybar_is_the_same_without_pbar),
        cmocka_unit_test(lanes_allocate_nothing),
        cmocka_unit_test(lanes_have_identical_bits_under_every_variant),
    };
    return cmocka_run_group_tests_name("net_lanes", tests, NULL, NULL);
}
