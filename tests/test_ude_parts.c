/* SPDX-License-Identifier: MIT */
/* The learned terms of a UDE alone; and UDEs that lack networks or parameters, or have a very large network. */
#include "ude_fixture.h"

#include "support/asserts.h"
#include "support/guard_page.h"
#include "support/seeded_random.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* u is what the networks themselves give, whatever the form. */
static void outputs_are_those_of_the_networks(void **state) {
    (void)state;
    for (size_t form = 0; form < UDE_N_FORM; form++) {
        ude_fixture fx;
        ude_fixture_make(&fx, (costate_ude_form)form, 1, UDE_VJP);
        const double t = 0.75, z[2][3] = {{fx.y[1], fx.y[2]}, {t, fx.y[2], fx.p[1]}};
        double u[UDE_N_U], want[UDE_N_U];
        const size_t bytes = costate_ude_work_bytes(fx.ude);
        guard_buffer work = guard_create(bytes, GUARD_AFTER);
        assert_ok(costate_ude_outputs(fx.ude, t, fx.y, fx.p, u, work.data, bytes));
        for (size_t k = 0; k < 2; k++) {
            const size_t n = costate_net_work_bytes_f64(fx.net[k].net);
            void *net_work = malloc(n);
            assert_ok(costate_net_forward_f64(fx.net[k].net, fx.net[k].p, z[k], &want[k], net_work, n));
            free(net_work);
        }
        assert_same_bits_f64(u, want, UDE_N_U);
        guard_destroy(&work);
        ude_fixture_release(&fx);
    }
}

/* ⟨v, u⟩ along a random direction, by differences of costate_ude_outputs(). */
static double moved_output(const ude_fixture *fx, double e, void *work) {
    double y[UDE_N_Y], u[UDE_N_U], *p = doubles(fx->rhs.n_p);
    for (size_t i = 0; i < UDE_N_Y; i++) {
        y[i] = fx->y[i] + e * fx->u[i];
    }
    for (size_t k = 0; k < fx->rhs.n_p; k++) {
        p[k] = fx->p[k] + e * fx->up[k];
    }
    assert_ok(costate_ude_outputs(fx->ude, 0.25, y, p, u, work, costate_ude_work_bytes(fx->ude)));
    free(p);
    return fx->v[0] * u[0] + fx->v[1] * u[1];
}

static void check_outputs_vjp(const ude_fixture *fx) {
    const size_t n_p = fx->rhs.n_p, bytes = costate_ude_work_bytes(fx->ude);
    double ybar[UDE_N_Y], alone[UDE_N_Y], *pbar = doubles(n_p), *twice = doubles(n_p), sum = 0;
    void *work = malloc(bytes);
    const double h = 1e-3;
    const double near = moved_output(fx, h, work) - moved_output(fx, -h, work);
    const double far = moved_output(fx, 2 * h, work) - moved_output(fx, -2 * h, work);
    memset(work, 0xff, bytes);
    assert_ok(costate_ude_outputs_vjp(fx->ude, 0.25, fx->y, fx->p, fx->v, 1, ybar, pbar, work, bytes));
    for (size_t i = 0; i < UDE_N_Y; i++) {
        sum += ybar[i] * fx->u[i];
    }
    for (size_t k = 0; k < n_p; k++) {
        sum += pbar[k] * fx->up[k];
        twice[k] = pbar[k];
    }
    assert_close(sum, (8 * near - far) / (12 * h), 1e-6, 1e-6);
    assert_ok(costate_ude_outputs_vjp(fx->ude, 0.25, fx->y, fx->p, fx->v, 1, NULL, twice, work, bytes));
    assert_ok(costate_ude_outputs_vjp(fx->ude, 0.25, fx->y, fx->p, fx->v, -2, alone, twice, work, bytes));
    assert_same_bits_f64(alone, ybar, UDE_N_Y);
    for (size_t k = 0; k < n_p; k++) {
        assert_close(twice[k], 0, 0, 1e-14 * (1 + fabs(pbar[k])));
    }
    assert_ok(costate_ude_outputs_vjp(fx->ude, 0.25, fx->y, fx->p, fx->v, 1, alone, NULL, work, bytes));
    assert_same_bits_f64(alone, ybar, UDE_N_Y);
    free(work);
    free(pbar);
    free(twice);
}

static void outputs_vjp_agrees_with_differences(void **state) {
    (void)state;
    for (size_t set = 0; set < UDE_N_SET; set++) {
        ude_fixture fx;
        ude_fixture_make(&fx, COSTATE_UDE_ADDITIVE, set, UDE_VJP);
        check_outputs_vjp(&fx);
        ude_fixture_release(&fx);
    }
}

static void outputs_refuse_bad_arguments(void **state) {
    (void)state;
    ude_fixture fx;
    ude_fixture_make(&fx, COSTATE_UDE_GENERAL, 0, UDE_VJP);
    double u[UDE_N_U] = {7, 8}, ybar[UDE_N_Y] = {9, 9, 9};
    const size_t n = costate_ude_work_bytes(fx.ude);
    void *work = malloc(n);
    costate_ude *ude = fx.ude;
    const double *y = fx.y, *p = fx.p, *v = fx.v;
    assert_status(costate_ude_outputs(NULL, 0, y, p, u, work, n), COSTATE_ERR_NULL);
    assert_status(costate_ude_outputs(ude, 0, NULL, p, u, work, n), COSTATE_ERR_NULL);
    assert_status(costate_ude_outputs(ude, 0, y, NULL, u, work, n), COSTATE_ERR_NULL);
    assert_status(costate_ude_outputs(ude, 0, y, p, NULL, work, n), COSTATE_ERR_NULL);
    assert_status(costate_ude_outputs(ude, 0, y, p, u, NULL, n), COSTATE_ERR_NULL);
    assert_status(costate_ude_outputs(ude, 0, y, p, u, work, n - 1), COSTATE_ERR_WORKSPACE);
    assert_status(costate_ude_outputs_vjp(NULL, 0, y, p, v, 1, ybar, NULL, work, n), COSTATE_ERR_NULL);
    assert_status(costate_ude_outputs_vjp(ude, 0, NULL, p, v, 1, ybar, NULL, work, n), COSTATE_ERR_NULL);
    assert_status(costate_ude_outputs_vjp(ude, 0, y, NULL, v, 1, ybar, NULL, work, n), COSTATE_ERR_NULL);
    assert_status(costate_ude_outputs_vjp(ude, 0, y, p, NULL, 1, ybar, NULL, work, n), COSTATE_ERR_NULL);
    assert_status(costate_ude_outputs_vjp(ude, 0, y, p, v, 1, ybar, NULL, NULL, n), COSTATE_ERR_NULL);
    assert_status(costate_ude_outputs_vjp(ude, 0, y, p, v, 1, ybar, NULL, work, n - 1), COSTATE_ERR_WORKSPACE);
    assert_close_array(u, ((double[]){7, 8}), 2, 0, 0);
    assert_close_array(ybar, ((double[]){9, 9, 9}), 3, 0, 0);
    free(work);
    ude_fixture_release(&fx);
}

static void pass_the_checker(const costate_rhs *rhs, const double *y, const double *p, const char *name) {
    costate_random random = test_random(9);
    costate_rhs_report report;
    const costate_status status = costate_rhs_check(rhs, 0.5, y, p, 0.25, 3, 1e-6, &random, &report);
    if (status != COSTATE_OK) {
        fail_msg("%s: %s: %s[%zu] = %g, not %g", name, costate_status_name(status), report.callback, report.index,
                 report.analytic, report.numeric);
    }
}

/* The mechanism alone, in every form that can be without networks. */
static void ude_without_networks_is_its_mechanism(void **state) {
    (void)state;
    for (unsigned equipment = 0; equipment < UDE_N_EQUIPMENT; equipment++) {
        for (size_t form = 0; form < UDE_N_FORM; form++) {
            ude_fixture fx;
            ude_fixture_spec(&fx, (costate_ude_form)form, 0, equipment);
            net_fixture_release(&fx.net[0]);
            fx.spec.n_net = 0;
            fx.spec.nets = NULL;
            fx.spec.mechanism.n_u = 0;
            ude_fixture_create(&fx);
            assert_int_equal(fx.rhs.n_p, UDE_N_THETA);
            assert_true(!fx.rhs.f_keep == (fx.rhs.kept_bytes == 0));
            double dydt[UDE_N_Y], want[UDE_N_Y];
            void *work = ude_work(&fx);
            assert_int_equal(fx.rhs.f(0.5, fx.y, fx.p, dydt, work, fx.rhs.ctx), COSTATE_ANSWER_OK);
            (void)fx.spec.mechanism.f(0.5, fx.y, fx.p, NULL, want, NULL);
            assert_same_bits_f64(dydt, want, UDE_N_Y);
            assert_ok(costate_ude_outputs(fx.ude, 0, fx.y, fx.p, NULL, work, costate_ude_work_bytes(fx.ude)));
            pass_the_checker(&fx.rhs, fx.y, fx.p, fx.name);
            free(work);
            ude_fixture_release(&fx);
        }
    }
}

static int bare_f(double t, const double *y, const double *theta, const double *u, double *dydt, void *ctx) {
    (void)theta, (void)ctx;
    dydt[0] = y[0] * y[1] + (u != NULL ? u[0] : 0);
    dydt[1] = sin(t) - y[1] + (u != NULL ? u[1] * y[0] : 0);
    return COSTATE_ANSWER_OK;
}

/* Mechanisms that would write to θ̄ or ū find NULL where there is nothing. */
static int bare_vjp(double t, const double *y, const double *theta, const double *u, const double *v, double scale,
                    double *ybar, double *thetabar, double *ubar, void *ctx) {
    (void)t, (void)theta, (void)scale, (void)ctx;
    if (thetabar != NULL || (u == NULL && ubar != NULL)) {
        return COSTATE_ANSWER_FAIL;
    }
    if (ybar != NULL) {
        ybar[0] = y[1] * v[0] + (u != NULL ? u[1] * v[1] : 0);
        ybar[1] = y[0] * v[0] - v[1];
    }
    if (ubar != NULL) {
        ubar[0] = v[0];
        ubar[1] = y[0] * v[1];
    }
    return COSTATE_ANSWER_OK;
}

static void ude_without_parameters_of_its_own_works(void **state) {
    (void)state;
    static const costate_ude_input inputs[] = {{COSTATE_UDE_STATE, 1}, {COSTATE_UDE_TIME, 0}};
    static const double matrix[] = {1, 0.5, -0.5, 2};
    static const size_t index[] = {1, 0};
    static const costate_ude_form forms[] = {COSTATE_UDE_GENERAL, COSTATE_UDE_ADDITIVE, COSTATE_UDE_MULTIPLICATIVE,
                                             COSTATE_UDE_POSITIVE};
    const net_shape shape = {.n_in = 2, .n_layer = 2, .layers = {{.n_out = 6, .act = COSTATE_ACT_TANH}, {.n_out = 2}}};
    const double y[] = {0.5, -0.75};
    net_fixture net;
    net_fixture_make(&net, &shape, 4);
    for (size_t k = 0; k < 2 * sizeof forms / sizeof *forms; k++) {
        const costate_ude_net part = {.net = net.net, .n_input = 2, .inputs = inputs};
        const costate_ude_form form = forms[k / 2];
        const costate_ude_spec spec = {.mechanism = {.n_y = 2,
                                                     .n_u = form == COSTATE_UDE_GENERAL ? 2 : 0,
                                                     .f = bare_f,
                                                     .vjp = k % 2 == 0 ? bare_vjp : NULL},
                                       .form = form,
                                       .n_net = 1,
                                       .nets = &part,
                                       .matrix = matrix,
                                       .index = index};
        costate_ude *ude = NULL;
        costate_rhs rhs;
        costate_ude_block block;
        assert_ok(costate_ude_create(&spec, NULL, &ude));
        assert_ok(costate_ude_rhs(ude, &rhs));
        assert_int_equal(rhs.n_p, net.n_param);
        assert_ok(costate_ude_find_block(ude, "theta", &block));
        assert_int_equal(block.n, 0);
        pass_the_checker(&rhs, y, net.p, "no parameters");
        costate_ude_destroy(ude);
    }
    const costate_ude_spec nothing = {.mechanism = {.n_y = 2, .f = bare_f}};
    costate_ude *ude = NULL;
    costate_rhs rhs;
    assert_ok(costate_ude_create(&nothing, NULL, &ude));
    assert_ok(costate_ude_rhs(ude, &rhs));
    assert_int_equal(rhs.n_p, 0);
    pass_the_checker(&rhs, y, NULL, "no parameters at all");
    costate_ude_destroy(ude);
    net_fixture_release(&net);
}

/* ⟨v, J (u, up)⟩ both ways through 300 000 weights. */
static void huge_network_keeps_the_dot_identity(void **state) {
    (void)state;
    static const costate_ude_input inputs[] = {{COSTATE_UDE_STATE, 0}, {COSTATE_UDE_STATE, 2}, {COSTATE_UDE_TIME, 0}};
    const net_shape shape = {
        .n_in = 3,
        .n_layer = 3,
        .layers = {{.n_out = 1000, .act = COSTATE_ACT_TANH}, {.n_out = 300, .act = COSTATE_ACT_SILU}, {.n_out = 2}}};
    for (size_t form = 0; form < UDE_N_FORM; form++) {
        ude_fixture fx;
        ude_fixture_spec(&fx, (costate_ude_form)form, 0, UDE_VJP | UDE_JVP);
        net_fixture_release(&fx.net[0]);
        net_fixture_make(&fx.net[0], &shape, 8);
        fx.nets[0] = (costate_ude_net){.net = fx.net[0].net, .n_input = 3, .inputs = inputs};
        ude_fixture_create(&fx);
        double ju[UDE_N_Y], ybar[UDE_N_Y], *pbar = doubles(fx.rhs.n_p), forward = 0, reverse = 0, size = 0;
        void *work = ude_work(&fx);
        assert_int_equal(fx.rhs.jvp(0.5, fx.y, fx.p, fx.u, fx.up, ju, work, fx.rhs.ctx), COSTATE_ANSWER_OK);
        assert_int_equal(fx.rhs.vjp(0.5, fx.y, fx.p, fx.v, 1, ybar, pbar, work, fx.rhs.ctx), COSTATE_ANSWER_OK);
        for (size_t i = 0; i < UDE_N_Y; i++) {
            forward += fx.v[i] * ju[i];
            reverse += ybar[i] * fx.u[i];
            size += fabs(ybar[i] * fx.u[i]);
        }
        for (size_t k = 0; k < fx.rhs.n_p; k++) {
            reverse += pbar[k] * fx.up[k];
            size += fabs(pbar[k] * fx.up[k]);
        }
        assert_true(size > 1);
        assert_close(forward, reverse, 0, 1e-13 * size);
        free(work);
        free(pbar);
        ude_fixture_release(&fx);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(outputs_are_those_of_the_networks),
        cmocka_unit_test(outputs_vjp_agrees_with_differences),
        cmocka_unit_test(outputs_refuse_bad_arguments),
        cmocka_unit_test(ude_without_networks_is_its_mechanism),
        cmocka_unit_test(ude_without_parameters_of_its_own_works),
        cmocka_unit_test(huge_network_keeps_the_dot_identity),
    };
    return cmocka_run_group_tests_name("ude_parts", tests, NULL, NULL);
}
