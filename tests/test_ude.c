/* SPDX-License-Identifier: MIT */
/* The calls of a UDE: derivatives of every form, values by hand and by a long-double reference, bits, bounds, memory. */
#include "ude_fixture.h"

#include "support/asserts.h"
#include "support/guard_page.h"
#include "support/malloc_count.h"
#include "support/seeded_random.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Every form with every set of networks and every equipment of the mechanism. */
static void for_each_ude(void (*check)(ude_fixture *fixture)) {
    for (unsigned equipment = 0; equipment < UDE_N_EQUIPMENT; equipment++) {
        for (size_t form = 0; form < UDE_N_FORM; form++) {
            for (size_t set = 0; set < UDE_N_SET; set++) {
                ude_fixture fixture;
                ude_fixture_make(&fixture, (costate_ude_form)form, set, equipment);
                check(&fixture);
                ude_fixture_release(&fixture);
            }
        }
    }
}

static costate_random check_random;

static void check_derivatives(ude_fixture *fixture) {
    costate_rhs_report report;
    assert_non_null(fixture->rhs.f_keep);
    assert_non_null(fixture->rhs.vjp_kept);
    assert_non_null(fixture->rhs.jvp);
    assert_non_null(fixture->rhs.jac);
    const costate_status status =
        costate_rhs_check(&fixture->rhs, 0.5, fixture->y, fixture->p, 0.25, 2, 1e-6, &check_random, &report);
    if (status != COSTATE_OK) {
        fail_msg("%s: %s: %s[%zu] = %g, differences give %g", fixture->name, costate_status_name(status),
                 report.callback, report.index, report.analytic, report.numeric);
    }
}

static void every_form_passes_the_checker(void **state) {
    (void)state;
    check_random = test_random(3);
    for_each_ude(check_derivatives);
}

/* vjp of every equipment against the one whose mechanism has both: differences are good to 1e-8. */
static void derivatives_do_not_depend_on_what_the_mechanism_brings(void **state) {
    (void)state;
    for (size_t form = 0; form < UDE_N_FORM; form++) {
        double ybar[2][UDE_N_Y], ju[2][UDE_N_Y], jac[2][UDE_N_Y * UDE_N_Y], *pbar[2] = {NULL, NULL};
        for (unsigned equipment = UDE_N_EQUIPMENT; equipment-- > 0;) {
            const size_t k = equipment == (UDE_VJP | UDE_JVP) ? 0 : 1;
            ude_fixture fx;
            ude_fixture_make(&fx, (costate_ude_form)form, 1, equipment);
            void *work = ude_work(&fx);
            pbar[k] = doubles(fx.rhs.n_p);
            assert_int_equal(fx.rhs.vjp(0.3, fx.y, fx.p, fx.v, 0.5, ybar[k], pbar[k], work, fx.rhs.ctx), 0);
            assert_int_equal(fx.rhs.jvp(0.3, fx.y, fx.p, fx.u, fx.up, ju[k], work, fx.rhs.ctx), 0);
            assert_int_equal(fx.rhs.jac(0.3, fx.y, fx.p, jac[k], work, fx.rhs.ctx), 0);
            assert_int_equal(costate_ude_uses_differences(fx.ude), equipment == 0);
            const double tol = equipment == 0 ? 1e-8 : 1e-13;
            assert_close_array(ybar[k], ybar[0], UDE_N_Y, tol, tol);
            assert_close_array(pbar[k], pbar[0], fx.rhs.n_p, tol, tol);
            assert_close_array(ju[k], ju[0], UDE_N_Y, tol, tol);
            assert_close_array(jac[k], jac[0], UDE_N_Y * UDE_N_Y, tol, tol);
            if (k == 1) {
                free(pbar[1]);
            }
            free(work);
            ude_fixture_release(&fx);
        }
        free(pbar[0]);
    }
}

/* f_keep and vjp_kept with a block that ends at an inaccessible page, and scratch that carries nothing over. */
static void check_kept(ude_fixture *fx) {
    const costate_rhs *rhs = &fx->rhs;
    guard_buffer kept = guard_create(rhs->kept_bytes, GUARD_AFTER);
    double dydt[2][UDE_N_Y], ybar[2][UDE_N_Y], *pbar[] = {doubles(rhs->n_p), doubles(rhs->n_p)};
    void *work = ude_work(fx);
    memset(kept.data, 0xff, rhs->kept_bytes);
    assert_int_equal(rhs->f(0.375, fx->y, fx->p, dydt[0], work, rhs->ctx), COSTATE_ANSWER_OK);
    assert_int_equal(rhs->f_keep(0.375, fx->y, fx->p, dydt[1], kept.data, work, rhs->ctx), COSTATE_ANSWER_OK);
    assert_all_finite(dydt[0], UDE_N_Y);
    assert_same_bits_f64(dydt[1], dydt[0], UDE_N_Y);
    for (unsigned want = 0; want < 4; want++) {
        memset(ybar, 0, sizeof ybar);
        memset(work, 0xff, rhs->work_bytes);
        assert_int_equal(rhs->vjp_kept(0.375, fx->y, fx->p, fx->v, -0.5, want & 1 ? ybar[1] : NULL,
                                       want & 2 ? pbar[1] : NULL, kept.data, work, rhs->ctx),
                         COSTATE_ANSWER_OK);
        memset(work, 0xff, rhs->work_bytes);
        assert_int_equal(rhs->vjp(0.375, fx->y, fx->p, fx->v, -0.5, want & 1 ? ybar[0] : NULL,
                                  want & 2 ? pbar[0] : NULL, work, rhs->ctx),
                         COSTATE_ANSWER_OK);
        assert_same_bits_f64(ybar[1], ybar[0], UDE_N_Y);
        assert_same_bits_f64(pbar[1], pbar[0], rhs->n_p);
        assert_all_finite(pbar[0], rhs->n_p);
    }
    free(work);
    free(pbar[0]);
    free(pbar[1]);
    guard_destroy(&kept);
}

static void kept_block_gives_the_bits_of_the_plain_calls(void **state) {
    (void)state;
    for_each_ude(check_kept);
}

/* Every array of every call ends at an inaccessible page, and so does the workspace. */
static void check_bounds(ude_fixture *fx) {
    const costate_rhs *rhs = &fx->rhs;
    const size_t n_y = UDE_N_Y * sizeof(double), n_p = rhs->n_p * sizeof(double);
    guard_buffer y = guard_create(n_y, GUARD_AFTER), p = guard_create(n_p, GUARD_AFTER),
                 v = guard_create(n_y, GUARD_AFTER), out = guard_create(n_y, GUARD_AFTER),
                 pbar = guard_create(n_p, GUARD_AFTER), jac = guard_create(n_y * UDE_N_Y, GUARD_AFTER),
                 work = guard_create((rhs->work_bytes + 63) / 64 * 64, GUARD_AFTER);
    memcpy(y.data, fx->y, n_y);
    memcpy(p.data, fx->p, n_p);
    memcpy(v.data, fx->v, n_y);
    assert_int_equal(rhs->f(1.0, y.data, p.data, out.data, work.data, rhs->ctx), COSTATE_ANSWER_OK);
    assert_int_equal(rhs->vjp(1.0, y.data, p.data, v.data, 1.0, out.data, pbar.data, work.data, rhs->ctx),
                     COSTATE_ANSWER_OK);
    assert_int_equal(rhs->jvp(1.0, y.data, p.data, v.data, fx->up, out.data, work.data, rhs->ctx), COSTATE_ANSWER_OK);
    assert_all_finite((const double *)out.data, UDE_N_Y);
    assert_int_equal(rhs->jac(1.0, y.data, p.data, jac.data, work.data, rhs->ctx), COSTATE_ANSWER_OK);
    assert_all_finite((const double *)jac.data, (size_t)UDE_N_Y * UDE_N_Y);
    guard_buffer *all[] = {&y, &p, &v, &out, &pbar, &jac, &work};
    for (size_t k = 0; k < sizeof all / sizeof *all; k++) {
        guard_destroy(all[k]);
    }
}

static void calls_stay_inside_their_arrays(void **state) {
    (void)state;
    for_each_ude(check_bounds);
}

static void check_no_allocation(ude_fixture *fx) {
    const costate_rhs *rhs = &fx->rhs;
    double out[UDE_N_Y], jac[UDE_N_Y * UDE_N_Y], u[UDE_N_U], *pbar = doubles(rhs->n_p);
    const size_t bytes = costate_ude_work_bytes(fx->ude);
    void *kept = aligned_alloc(64, (rhs->kept_bytes + 63) / 64 * 64), *work = ude_work(fx), *any = malloc(bytes);
    malloc_count_start();
    (void)rhs->f(0.0, fx->y, fx->p, out, work, rhs->ctx);
    (void)rhs->vjp(0.0, fx->y, fx->p, fx->v, 1.0, out, pbar, work, rhs->ctx);
    (void)rhs->jvp(0.0, fx->y, fx->p, fx->u, fx->up, out, work, rhs->ctx);
    (void)rhs->jac(0.0, fx->y, fx->p, jac, work, rhs->ctx);
    (void)rhs->f_keep(0.0, fx->y, fx->p, out, kept, work, rhs->ctx);
    (void)rhs->vjp_kept(0.0, fx->y, fx->p, fx->v, 1.0, out, pbar, kept, work, rhs->ctx);
    (void)costate_ude_outputs(fx->ude, 0.0, fx->y, fx->p, u, any, bytes);
    (void)costate_ude_outputs_vjp(fx->ude, 0.0, fx->y, fx->p, fx->v, 1.0, out, pbar, any, bytes);
    const malloc_counts counts = malloc_count_stop();
    assert_int_equal(counts.here, 0);
    assert_int_equal(counts.other, 0);
    free(kept);
    free(work);
    free(any);
    free(pbar);
}

static void calls_allocate_nothing(void **state) {
    (void)state;
    if (!malloc_count_available()) {
        skip();
    }
    for_each_ude(check_no_allocation);
}

/* A linear network of one input and two outputs, u = w z + b, on which everything can be followed by hand. */
static void by_hand(costate_ude_form form, const double *want, const double *want_ybar, const double *want_thetabar) {
    static const costate_layer_spec layer = {.n_out = 2};
    static const costate_ude_input input = {COSTATE_UDE_STATE, 1};
    static const double matrix[] = {1, 0, 2, 1, 0, -1}, stoichiometry[] = {-1, 0, 1, -1, 0, 1};
    static const double c[] = {1, 1, 1}, y[] = {2, 3, 5}, v[] = {1, 2, -1};
    static const size_t index[] = {2, 0};
    /* θ, then the column of weights, then the biases: u = (3·0.5 − 1, 3·2 − 4) = (0.5, 2). */
    static const double p[] = {1, 2, 3, 0.5, 2, -1, -4};
    costate_net *net;
    costate_ude *ude;
    costate_rhs rhs;
    assert_ok(costate_net_create(&(costate_net_spec){.n_in = 1, .n_layer = 1, .layers = &layer}, NULL, &net));
    const costate_ude_net part = {.net = net, .n_input = 1, .inputs = &input};
    const costate_ude_spec spec = {.mechanism = ude_mechanism(form == COSTATE_UDE_GENERAL ? 2 : 0),
                                   .form = form,
                                   .n_net = 1,
                                   .nets = &part,
                                   .matrix = form == COSTATE_UDE_CONSERVING ? stoichiometry : matrix,
                                   .index = index,
                                   .n_conserved = 1,
                                   .conserved = c};
    assert_ok(costate_ude_create(&spec, NULL, &ude));
    assert_ok(costate_ude_rhs(ude, &rhs));
    void *work = aligned_alloc(64, (rhs.work_bytes + 63) / 64 * 64);
    double dydt[3], ybar[3], pbar[7] = {0};
    assert_int_equal(rhs.f(0, y, p, dydt, work, rhs.ctx), COSTATE_ANSWER_OK);
    assert_close_array(dydt, want, 3, 4e-15, 0);
    assert_int_equal(rhs.vjp(0, y, p, v, 2, ybar, pbar, work, rhs.ctx), COSTATE_ANSWER_OK);
    assert_close_array(ybar, want_ybar, 3, 4e-15, 0);
    assert_close_array(pbar, want_thetabar, 7, 4e-15, 0);
    free(work);
    costate_ude_destroy(ude);
    costate_net_destroy(net);
}

static void values_are_those_found_by_hand(void **state) {
    (void)state;
    /*
     * g = (−2 + 3, 2 − 2·3·5, 2·9 − 3·5) = (1, −28, 3); u = (0.5, 2).
     * Cotangent of g for v = (1, 2, −1): ȳ0 = θ0 (v1 − v0) = 1; ȳ1 = −θ1 y2 v1 + 2 θ1 y1 v2 = −20 − 12 = −32;
     * ȳ2 = −θ1 y1 v1 − θ2 v2 = −12 + 3 = −9; θ̄ = (y0 (v1 − v0), y1² v2 − y1 y2 v1, v0 − y2 v2) = (2, −39, 6), twice as
     * much with scale 2.
     *
     * Additive: B u = (0.5, 3, −2); ū = Bᵀv = (1 + 4, 2 + 1) = (5, 3); ȳ1 += 0.5·5 + 2·3 = 8.5; w̄ = 2 y1 ū, b̄ = 2 ū.
     */
    by_hand(COSTATE_UDE_ADDITIVE, (double[]){1.5, -25, 1}, (double[]){1, -23.5, -9},
            (double[]){4, -78, 12, 30, 18, 10, 6});
    /*
     * Conserving: S u = (−0.5, 0.5 − 2, 2) = (−0.5, −1.5, 2); ū = Sᵀv = (−1 + 2, −2 − 1) = (1, −3);
     * ȳ1 += 0.5 − 6 = −5.5.
     */
    by_hand(COSTATE_UDE_CONSERVING, (double[]){0.5, -29.5, 5}, (double[]){1, -37.5, -9},
            (double[]){4, -78, 12, 6, -18, 2, -6});
    /*
     * Multiplicative: 1 + B u = (1.5, 4, −1): ẏ = (1.5, −112, −3). Cotangent of g: (1.5, 8, 1):
     * ȳ0 = 6.5; ȳ1 = −80 + 12 = −68; ȳ2 = −48 − 3 = −51; θ̄ = (13, 9 − 120, 1.5 − 5) = (13, −111, −3.5).
     * v∘g = (1, −56, −3): ū = (1 − 112, −56 + 3) = (−111, −53); ȳ1 += −55.5 − 106 = −161.5.
     */
    by_hand(COSTATE_UDE_MULTIPLICATIVE, (double[]){1.5, -112, -3}, (double[]){6.5, -229.5, -51},
            (double[]){26, -222, -7, -666, -318, -222, -106});
    /*
     * Replace: θ′ = (2, 2, 0.5): ẏ = (−4 + 0.5, 4 − 30, 18 − 2.5) = (−3.5, −26, 15.5).
     * ȳ0 = 2; ȳ1 = −32; ȳ2 = −12 + 0.5 = −11.5; θ̄′ = (2, −39, 6): ū = (6, 2), θ̄ = (0, −39, 0);
     * ȳ1 += 3 + 4 = 7.
     */
    by_hand(COSTATE_UDE_REPLACE, (double[]){-3.5, -26, 15.5}, (double[]){2, -25, -11.5},
            (double[]){0, -78, 0, 36, 12, 12, 4});
    /* General: u0 y1 = 1.5, u1² = 4, sin(1)·2. ū = (3 + 2 cos(1)·2·(−1), 8 + 0.5 cos(1)·2·(−1)). */
    const double s = sin(1.0), c = cos(1.0), u0 = 3 - 4 * c, u1 = 8 - c;
    by_hand(COSTATE_UDE_GENERAL, (double[]){2.5, -24, 3 + 2 * s}, (double[]){1 - s, -32 + 0.5 + 0.5 * u0 + 2 * u1, -9},
            (double[]){4, -78, 12, 6 * u0, 6 * u1, 2 * u0, 2 * u1});
    /* Positive: ẏ2 −= 5 log(1 + e^½), ẏ0 −= 2 log(1 + e²); ū = (−v2 y2 σ(½), −v0 y0 σ(2)). */
    const double s0 = log(1 + exp(0.5)), s1 = log(1 + exp(2.0)), a = 5 / (1 + exp(-0.5)), b = -2 / (1 + exp(-2.0));
    by_hand(COSTATE_UDE_POSITIVE, (double[]){1 - 2 * s1, -28, 3 - 5 * s0},
            (double[]){1 - s1, -32 + 0.5 * a + 2 * b, -9 + s0}, (double[]){4, -78, 12, 6 * a, 6 * b, 2 * a, 2 * b});
}

static long double wide(double x) { return (long double)x; }

/* The general form of the set "mixed" in long double: N₀(y1, y2) and N₁(t, y2, θ1). */
static void composition_agrees_with_a_long_double_reference(void **state) {
    (void)state;
    enum { FIRST_IN = 2, SECOND_IN = 3 };
    ude_fixture fx;
    ude_fixture_make(&fx, COSTATE_UDE_GENERAL, 1, UDE_VJP);
    const double t = 0.625, one = 1;
    const double *p = fx.p, *y = fx.y, *v = fx.v, z[2][SECOND_IN] = {{y[1], y[2]}, {t, y[2], p[1]}};
    long double u[2] = {0}, zbar[2][SECOND_IN] = {{0}};
    reference_value value, xbar[SECOND_IN], *wbar[2];
    for (size_t k = 0; k < 2; k++) {
        const net_fixture *net = &fx.net[k];
        const reference_net ref = {&net->spec, net->net, 0x1p-53L};
        double *zero = doubles(net->n_param);
        wbar[k] = references(net->n_param);
        reference_forward(&ref, net->p, z[k], &value);
        reference_vjp(&ref, net->p, z[k], &one, 1, zero, xbar, wbar[k]);
        u[k] = value.value;
        for (size_t i = 0; i < net->n_in; i++) {
            zbar[k][i] = xbar[i].value;
        }
        free(zero);
    }
    const long double Y0 = wide(y[0]), Y1 = wide(y[1]), Y2 = wide(y[2]), T0 = wide(p[0]), T1 = wide(p[1]);
    const long double T2 = wide(p[2]), V0 = wide(v[0]), V1 = wide(v[1]), V2 = wide(v[2]);
    const long double s = sinl(u[0] * u[1]), c = cosl(u[0] * u[1]);
    const long double f[] = {-T0 * Y0 + T2 * cosl(wide(t)) + u[0] * Y1, T0 * Y0 - T1 * Y1 * Y2 + u[1] * u[1],
                             T1 * Y1 * Y1 - T2 * Y2 + s * Y0};
    const long double ubar[] = {Y1 * V0 + u[1] * c * Y0 * V2, 2 * u[1] * V1 + u[0] * c * Y0 * V2};
    const long double ybar[] = {T0 * (V1 - V0) + s * V2,
                                2 * T1 * Y1 * V2 - T1 * Y2 * V1 + u[0] * V0 + ubar[0] * zbar[0][0],
                                -T1 * Y1 * V1 - T2 * V2 + ubar[0] * zbar[0][1] + ubar[1] * zbar[1][1]};
    const long double thetabar[] = {Y0 * (V1 - V0), Y1 * Y1 * V2 - Y1 * Y2 * V1 + ubar[1] * zbar[1][2],
                                    cosl(wide(t)) * V0 - Y2 * V2};
    double dydt[3], got[3], *pbar = doubles(fx.rhs.n_p);
    void *work = ude_work(&fx);
    assert_int_equal(fx.rhs.f(t, y, p, dydt, work, fx.rhs.ctx), COSTATE_ANSWER_OK);
    assert_int_equal(fx.rhs.vjp(t, y, p, v, 1, got, pbar, work, fx.rhs.ctx), COSTATE_ANSWER_OK);
    for (size_t i = 0; i < 3; i++) {
        assert_close(dydt[i], f[i], 1e-13, 1e-14);
        assert_close(got[i], ybar[i], 1e-13, 1e-13);
        assert_close(pbar[i], thetabar[i], 1e-13, 1e-13);
    }
    const double *bar = pbar + UDE_N_THETA;
    for (size_t k = 0; k < 2; k++) {
        for (size_t j = 0; j < fx.net[k].n_param; j++) {
            assert_close(bar[j], ubar[k] * wbar[k][j].value, 1e-12, 1e-13);
        }
        bar += fx.net[k].n_param;
        free(wbar[k]);
    }
    free(pbar);
    free(work);
    ude_fixture_release(&fx);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_passes_the_checker),
        cmocka_unit_test(derivatives_do_not_depend_on_what_the_mechanism_brings),
        cmocka_unit_test(kept_block_gives_the_bits_of_the_plain_calls),
        cmocka_unit_test(calls_stay_inside_their_arrays),
        cmocka_unit_test(calls_allocate_nothing),
        cmocka_unit_test(values_are_those_found_by_hand),
        cmocka_unit_test(composition_agrees_with_a_long_double_reference),
    };
    return cmocka_run_group_tests_name("ude", tests, NULL, NULL);
}
