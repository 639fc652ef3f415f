/* SPDX-License-Identifier: MIT */
/* A network as a right-hand side, autonomous and with time as its last input. */
#include "net_fixture.h"

#include "support/asserts.h"
#include "support/guard_page.h"
#include "support/malloc_count.h"
#include "support/seeded_random.h"
#include <stdlib.h>
#include <string.h>

static const net_shape shapes[] = {
    /* autonomous */
    {.n_in = 2, .n_layer = 2, .layers = {{.n_out = 16, .act = COSTATE_ACT_TANH}, {.n_out = 2}}},
    {.n_in = 2,
     .n_layer = 2,
     .layers = {{.n_out = 50, .act = COSTATE_ACT_TANH}, {.n_out = 2}},
     .input_act = COSTATE_ACT_CUBE},
    {.n_in = 5,
     .n_layer = 2,
     .layers = {{.n_out = 9, .act = COSTATE_ACT_SILU}, {.n_out = 5, .act = COSTATE_ACT_SIN}},
     .affine = NET_AFFINE},
    {.n_in = 1, .n_layer = 1, .layers = {{.n_out = 1, .act = COSTATE_ACT_SOFTPLUS}}},
    {.n_in = 3, .n_layer = 1, .layers = {{.n_out = 3}}},
    /* with time */
    {.n_in = 3, .n_layer = 2, .layers = {{.n_out = 16, .act = COSTATE_ACT_TANH}, {.n_out = 2}}},
    {.n_in = 2, .n_layer = 2, .layers = {{.n_out = 7, .act = COSTATE_ACT_GELU}, {.n_out = 1}}, .affine = NET_AFFINE},
    {.n_in = 9,
     .n_layer = 3,
     .layers = {{.n_out = 17, .act = COSTATE_ACT_GAUSSIAN},
                {.n_out = 4, .no_bias = true, .act = COSTATE_ACT_SIGMOID},
                {.n_out = 8}},
     .affine = NET_AFFINE},
};

/* One shape's right-hand side with its workspace. */
typedef struct net_model {
    net_fixture fixture;
    costate_rhs rhs;
    bool has_time;
    guard_buffer work;
} net_model;

static void model_make(net_model *model, const net_shape *shape) {
    net_fixture_make(&model->fixture, shape, 21);
    assert_ok(costate_net_rhs(model->fixture.net, &model->rhs));
    model->has_time = model->fixture.n_in == model->fixture.n_out + 1;
    /* A solver's workspace is aligned to 64 bytes. */
    model->work = guard_create((model->rhs.work_bytes + 63) / 64 * 64, GUARD_AFTER);
}

static void model_release(net_model *model) {
    guard_destroy(&model->work);
    net_fixture_release(&model->fixture);
}

static void for_each_model(void (*check)(net_model *model)) {
    for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++) {
        net_model model;
        model_make(&model, &shapes[k]);
        check(&model);
        model_release(&model);
    }
}

static void check_description(net_model *model) {
    assert_int_equal(model->rhs.n_y, model->fixture.n_out);
    assert_int_equal(model->rhs.n_p, model->fixture.n_param);
    assert_non_null(model->rhs.f);
    assert_non_null(model->rhs.vjp);
    assert_non_null(model->rhs.jvp);
    assert_non_null(model->rhs.jac);
    assert_non_null(model->rhs.f_lanes);
    assert_non_null(model->rhs.vjp_lanes);
    assert_true(!model->rhs.f_keep == (model->rhs.kept_bytes == 0));
    assert_true(!model->rhs.vjp_kept == (model->rhs.kept_bytes == 0));
    assert_int_equal(model->rhs.kept_bytes, costate_net_kept_bytes_f64(model->fixture.net));
}

static void rhs_has_the_network_s_sizes_and_every_derivative(void **state) {
    (void)state;
    for_each_model(check_description);
}

/* The network's input at (t, y) is y, followed by t if the network takes it. */
static double *net_input(const net_model *model, double t) {
    double *x = doubles(model->fixture.n_in);
    memcpy(x, model->fixture.x, model->rhs.n_y * sizeof *x);
    if (model->has_time) {
        x[model->rhs.n_y] = t;
    }
    return x;
}

static void check_values(net_model *model) {
    const net_fixture *fixture = &model->fixture;
    size_t n_y = model->rhs.n_y, work_bytes = costate_net_work_bytes_f64(fixture->net);
    double t = 0.375, *x = net_input(model, t), *y = doubles(n_y), *dydt = doubles(n_y);
    void *work = malloc(work_bytes);
    assert_ok(costate_net_forward_f64(fixture->net, fixture->p, x, y, work, work_bytes));
    assert_int_equal(model->rhs.f(t, fixture->x, fixture->p, dydt, model->work.data, model->rhs.ctx),
                     COSTATE_ANSWER_OK);
    assert_same_bits_f64(dydt, y, n_y);

    double *ybar = doubles(n_y), *xbar = doubles(fixture->n_in), *pbar = doubles(fixture->n_param);
    assert_ok(costate_net_vjp_f64(fixture->net, fixture->p, x, fixture->v, 0.5, xbar, pbar, work, work_bytes));
    double *pbar_rhs = doubles(fixture->n_param);
    assert_int_equal(
        model->rhs.vjp(t, fixture->x, fixture->p, fixture->v, 0.5, ybar, pbar_rhs, model->work.data, model->rhs.ctx),
        COSTATE_ANSWER_OK);
    assert_same_bits_f64(ybar, xbar, n_y);
    assert_same_bits_f64(pbar_rhs, pbar, fixture->n_param);
    free(work);
    double *arrays[] = {x, y, dydt, ybar, xbar, pbar, pbar_rhs};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) {
        free(arrays[i]);
    }
}

static void rhs_equals_network_at_state_and_time(void **state) {
    (void)state;
    for_each_model(check_values);
}

static void check_derivatives(net_model *model) {
    const net_fixture *fixture = &model->fixture;
    costate_random random = test_random(1);
    costate_rhs_report report;
    costate_status status = costate_rhs_check(&model->rhs, 0.5, fixture->x, fixture->p, 0.5, 3, 1e-6, &random, &report);
    if (status != COSTATE_OK) {
        fail_msg("%s: %s[%zu] = %g, differences give %g", fixture->name, report.callback, report.index, report.analytic,
                 report.numeric);
    }
}

/* f_keep and vjp_kept with a block that ends at an inaccessible page, and scratch that carries nothing over. */
static void check_kept(net_model *model) {
    const net_fixture *fixture = &model->fixture;
    const costate_rhs *rhs = &model->rhs;
    if (rhs->kept_bytes == 0) {
        return;
    }
    guard_buffer kept = guard_create(rhs->kept_bytes, GUARD_AFTER);
    double *dydt = doubles(rhs->n_y), *ybar = doubles(rhs->n_y), *pbar = doubles(rhs->n_p);
    double *dydt_kept = doubles(rhs->n_y), *ybar_kept = doubles(rhs->n_y), *pbar_kept = doubles(rhs->n_p);
    void *work = model->work.data;
    memset(kept.data, 0xff, rhs->kept_bytes);
    assert_int_equal(rhs->f(0.375, fixture->x, fixture->p, dydt, work, rhs->ctx), COSTATE_ANSWER_OK);
    assert_int_equal(rhs->f_keep(0.375, fixture->x, fixture->p, dydt_kept, kept.data, work, rhs->ctx),
                     COSTATE_ANSWER_OK);
    assert_same_bits_f64(dydt_kept, dydt, rhs->n_y);
    for (int want = 0; want < 4; want++) {
        double *ybars[] = {want & 1 ? ybar : NULL, want & 1 ? ybar_kept : NULL};
        double *pbars[] = {want & 2 ? pbar : NULL, want & 2 ? pbar_kept : NULL};
        memset(work, 0xff, rhs->work_bytes);
        assert_int_equal(rhs->vjp_kept(0.375, fixture->x, fixture->p, fixture->v, -0.5, ybars[1], pbars[1], kept.data,
                                       work, rhs->ctx),
                         COSTATE_ANSWER_OK);
        assert_int_equal(rhs->vjp(0.375, fixture->x, fixture->p, fixture->v, -0.5, ybars[0], pbars[0], work, rhs->ctx),
                         COSTATE_ANSWER_OK);
        assert_same_bits_f64(ybar_kept, ybar, rhs->n_y);
        assert_same_bits_f64(pbar_kept, pbar, rhs->n_p);
    }
    double *arrays[] = {dydt, ybar, pbar, dydt_kept, ybar_kept, pbar_kept};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) {
        free(arrays[i]);
    }
    guard_destroy(&kept);
}

static void rhs_with_kept_block_has_the_bits_of_the_plain_one(void **state) {
    (void)state;
    for_each_model(check_kept);
}

static void rhs_passes_the_checker(void **state) {
    (void)state;
    for_each_model(check_derivatives);
}

/* Every output of every callback ends at an inaccessible page, and so does the workspace. */
static void check_bounds(net_model *model) {
    const net_fixture *fixture = &model->fixture;
    const costate_rhs *rhs = &model->rhs;
    guard_buffer y = guard_create(rhs->n_y * sizeof(double), GUARD_AFTER),
                 u = guard_create(rhs->n_y * sizeof(double), GUARD_AFTER);
    guard_buffer out = guard_create(rhs->n_y * sizeof(double), GUARD_AFTER);
    guard_buffer jac = guard_create(rhs->n_y * rhs->n_y * sizeof(double), GUARD_AFTER);
    memcpy(y.data, fixture->x, rhs->n_y * sizeof(double));
    memcpy(u.data, fixture->u, rhs->n_y * sizeof(double));
    double *pbar = doubles(rhs->n_p);
    void *work = model->work.data;
    assert_int_equal(rhs->f(1.0, y.data, fixture->p, out.data, work, rhs->ctx), COSTATE_ANSWER_OK);
    assert_all_finite((const double *)out.data, rhs->n_y);
    assert_int_equal(rhs->vjp(1.0, y.data, fixture->p, u.data, 1.0, out.data, pbar, work, rhs->ctx), COSTATE_ANSWER_OK);
    assert_int_equal(rhs->vjp(1.0, y.data, fixture->p, u.data, 1.0, NULL, pbar, work, rhs->ctx), COSTATE_ANSWER_OK);
    assert_int_equal(rhs->vjp(1.0, y.data, fixture->p, u.data, 1.0, out.data, NULL, work, rhs->ctx), COSTATE_ANSWER_OK);
    assert_int_equal(rhs->jvp(1.0, y.data, fixture->p, u.data, fixture->up, out.data, work, rhs->ctx),
                     COSTATE_ANSWER_OK);
    assert_int_equal(rhs->jvp(1.0, y.data, fixture->p, u.data, NULL, out.data, work, rhs->ctx), COSTATE_ANSWER_OK);
    assert_int_equal(rhs->jac(1.0, y.data, fixture->p, jac.data, work, rhs->ctx), COSTATE_ANSWER_OK);
    assert_all_finite((const double *)jac.data, rhs->n_y * rhs->n_y);
    free(pbar);
    guard_destroy(&jac);
    guard_destroy(&out);
    guard_destroy(&u);
    guard_destroy(&y);
}

static void rhs_stays_inside_its_arrays(void **state) {
    (void)state;
    for_each_model(check_bounds);
}

static void check_no_allocation(net_model *model) {
    const net_fixture *fixture = &model->fixture;
    const costate_rhs *rhs = &model->rhs;
    double *out = doubles(rhs->n_y), *pbar = doubles(rhs->n_p), *jac = doubles(rhs->n_y * rhs->n_y);
    double *kept = doubles(rhs->kept_bytes / sizeof(double));
    void *work = model->work.data;
    malloc_count_start();
    (void)rhs->f(0.0, fixture->x, fixture->p, out, work, rhs->ctx);
    (void)rhs->vjp(0.0, fixture->x, fixture->p, fixture->v, 1.0, out, pbar, work, rhs->ctx);
    (void)rhs->jvp(0.0, fixture->x, fixture->p, fixture->u, fixture->up, out, work, rhs->ctx);
    (void)rhs->jac(0.0, fixture->x, fixture->p, jac, work, rhs->ctx);
    if (rhs->f_keep) {
        (void)rhs->f_keep(0.0, fixture->x, fixture->p, out, kept, work, rhs->ctx);
        (void)rhs->vjp_kept(0.0, fixture->x, fixture->p, fixture->v, 1.0, out, pbar, kept, work, rhs->ctx);
    }
    malloc_counts counts = malloc_count_stop();
    assert_int_equal(counts.here, 0);
    assert_int_equal(counts.other, 0);
    free(kept);
    free(jac);
    free(pbar);
    free(out);
}

static void rhs_allocates_nothing(void **state) {
    (void)state;
    if (!malloc_count_available()) {
        skip();
    }
    for_each_model(check_no_allocation);
}

static void rhs_of_unsuitable_network_is_refused(void **state) {
    (void)state;
    static const size_t widths[][2] = {{4, 2}, {2, 3}, {1, 9}};
    for (size_t k = 0; k < sizeof widths / sizeof *widths; k++) {
        net_shape shape = net_shape_layer(widths[k][0], widths[k][1], COSTATE_ACT_TANH, false);
        net_fixture fixture;
        costate_rhs rhs;
        net_fixture_make(&fixture, &shape, 1);
        assert_status(costate_net_rhs(fixture.net, &rhs), COSTATE_ERR_SIZE);
        net_fixture_release(&fixture);
    }
}

static void rhs_null_is_refused(void **state) {
    (void)state;
    net_fixture fixture;
    costate_rhs rhs;
    net_fixture_make(&fixture, &shapes[0], 1);
    assert_status(costate_net_rhs(NULL, &rhs), COSTATE_ERR_NULL);
    assert_status(costate_net_rhs(fixture.net, NULL), COSTATE_ERR_NULL);
    net_fixture_release(&fixture);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rhs_has_the_network_s_sizes_and_every_derivative),
        cmocka_unit_test(rhs_equals_network_at_state_and_time),
        cmocka_unit_test(rhs_with_kept_block_has_the_bits_of_the_plain_one),
        cmocka_unit_test(rhs_passes_the_checker),
        cmocka_unit_test(rhs_stays_inside_its_arrays),
        cmocka_unit_test(rhs_allocates_nothing),
        cmocka_unit_test(rhs_of_unsuitable_network_is_refused),
        cmocka_unit_test(rhs_null_is_refused),
    };
    return cmocka_run_group_tests_name("net_rhs", tests, NULL, NULL);
}
