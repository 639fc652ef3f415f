/* SPDX-License-Identifier: MIT */
/* Solves through UDEs: what the forms promise, gradients by three routes, failures of the mechanism, threads. */
#include "gradient_routes.h"
#include "ude_fixture.h"

#include "support/asserts.h"
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { N_T = 9 };

static const costate_method methods[] = {COSTATE_METHOD_TSIT5, COSTATE_METHOD_SDIRK4, COSTATE_METHOD_BDF};

/* A gentle problem: positive rates and states. */
static void calm(ude_fixture *fx) {
    static const double theta[UDE_N_THETA] = {0.5, 0.3, 0.4}, y0[UDE_N_Y] = {1.0, 0.5, 0.8};
    memcpy(fx->p, theta, sizeof theta);
    memcpy(fx->y, y0, sizeof y0);
}

static void times(double t_end, double *t) {
    for (size_t i = 0; i < N_T; i++) {
        t[i] = t_end * (double)(i + 1) / N_T;
    }
}

static void solve(const costate_rhs *rhs, costate_method method, double rtol, double atol, const double *p,
                  const double *y0, const double *t, double *y) {
    const costate_solver_options options = gradient_options(method, rtol, atol);
    costate_solver *solver = NULL;
    assert_ok(costate_solver_create(rhs, &options, NULL, &solver));
    assert_ok(costate_solve(solver, p, 0, y0, N_T, t, y));
    costate_solver_destroy(solver);
}

/* Without f nothing but S u moves y: the sum of the states stays, to rounding, whatever the tolerance. */
static void conserving_form_conserves_to_rounding(void **state) {
    (void)state;
    double t[N_T], y[N_T * UDE_N_Y];
    times(5, t);
    for (size_t set = 0; set < UDE_N_SET; set++) {
        for (size_t m = 0; m < 3; m++) {
            ude_fixture fx;
            ude_fixture_spec(&fx, COSTATE_UDE_CONSERVING, set, 0);
            fx.spec.mechanism.f = NULL;
            ude_fixture_create(&fx);
            assert_false(costate_ude_uses_differences(fx.ude));
            calm(&fx);
            solve(&fx.rhs, methods[m], 1e-4, 1e-6, fx.p, fx.y, t, y);
            double moved = 0;
            for (size_t i = 0; i < N_T; i++) {
                const double *at = y + i * UDE_N_Y;
                assert_close(at[0] + at[1] + at[2], 2.3, 0, 4e-14 * (fabs(at[0]) + fabs(at[1]) + fabs(at[2])));
                moved = fmax(moved, fabs(at[0] - fx.y[0]));
            }
            assert_true(moved > 1e-2);
            ude_fixture_release(&fx);
        }
    }
}

/* A source for y1 alone; the networks take from y2 and y0, and take much. */
static int source(double t, const double *y, const double *theta, const double *u, double *dydt, void *ctx) {
    (void)t, (void)u, (void)ctx;
    dydt[0] = 0;
    dydt[1] = theta[0] * y[0];
    dydt[2] = 0;
    return COSTATE_ANSWER_OK;
}

static double smallest(costate_ude_form form, costate_method method) {
    double t[N_T], y[N_T * UDE_N_Y], least = HUGE_VAL;
    ude_fixture fx;
    ude_fixture_spec(&fx, form, 0, 0);
    fx.spec.mechanism.f = source;
    if (form == COSTATE_UDE_ADDITIVE) {
        static const double matrix[] = {0, -1, 0, 0, -1, 0};
        fx.spec.matrix = matrix;
    }
    ude_fixture_create(&fx);
    calm(&fx);
    costate_ude_block bias;
    assert_ok(costate_ude_find_block(fx.ude, "net0.layer1.bias", &bias));
    fx.p[bias.offset] = fx.p[bias.offset + 1] = 8;
    times(10, t);
    solve(&fx.rhs, method, 1e-6, 1e-280, fx.p, fx.y, t, y);
    for (size_t i = 0; i < sizeof y / sizeof *y; i++) {
        least = y[i] < least || isnan(y[i]) ? y[i] : least;
    }
    ude_fixture_release(&fx);
    return least;
}

static void positive_form_keeps_states_positive(void **state) {
    (void)state;
    for (size_t m = 0; m < 2; m++) {
        const double least = smallest(COSTATE_UDE_POSITIVE, methods[m]);
        assert_true(least > 0 && least < 1e-20);
    }
    assert_true(smallest(COSTATE_UDE_ADDITIVE, COSTATE_METHOD_TSIT5) < -1);
}

static void check_gradient(costate_ude_form form, unsigned equipment) {
    ude_fixture fx;
    ude_fixture_make(&fx, form, 1, equipment);
    calm(&fx);
    double t[N_T], v[N_T * UDE_N_Y];
    times(1.5, t);
    costate_random random = costate_random_seed(5, form);
    fill_representable(&random, v, N_T * UDE_N_Y);
    const gradient_case c = {&fx.rhs, fx.p, 0, fx.y, N_T, t, v};
    const costate_solver_options fine = gradient_options(COSTATE_METHOD_BDF, 1e-11, 1e-12);
    static gradient reference, g;
    gradient_by_sensitivity(&c, &fine, COSTATE_SENSITIVITY_SIMULTANEOUS, &reference);
    for (size_t m = 0; m < 3; m++) {
        const bool bdf = methods[m] == COSTATE_METHOD_BDF;
        const costate_solver_options options = gradient_options(methods[m], bdf ? 1e-10 : 1e-9, 1e-11);
        gradient_by_adjoint(&c, &options, &g);
        const double distance = gradient_distance(&c, &g, &reference);
        if (!(distance <= 1e-6)) {
            fail_msg("%s: method %d is %g off the sensitivities", fx.name, (int)methods[m], distance);
        }
        const double numeric = gradient_by_differences(&c, &options, fx.up, fx.u, 0, 1e-3);
        assert_close(gradient_dot(&c, &g, fx.up, fx.u, 0), numeric, 1e-6, 1e-6);
    }
    ude_fixture_release(&fx);
}

static void gradients_agree_with_sensitivities_and_differences(void **state) {
    (void)state;
    for (size_t form = 0; form < UDE_N_FORM; form++) {
        check_gradient((costate_ude_form)form, UDE_VJP | UDE_JVP);
        check_gradient((costate_ude_form)form, 0);
    }
}

/* The mechanism of the fixture, which answers `answer` at call `bad` of one of its callbacks. */
typedef struct moody {
    size_t n_f, n_vjp, n_jvp, bad_f, bad_vjp, bad_jvp;
    int answer;
} moody;

static int spoil(const moody *m, bool bad, double *array, size_t n) {
    for (size_t i = 0; bad && array != NULL && i < n; i++) {
        array[i] = (double)NAN;
    }
    return bad ? m->answer : COSTATE_ANSWER_OK;
}

static int moody_f(double t, const double *y, const double *theta, const double *u, double *dydt, void *ctx) {
    moody *m = ctx;
    (void)ude_mechanism(0).f(t, y, theta, u, dydt, NULL);
    return spoil(m, ++m->n_f == m->bad_f, dydt, UDE_N_Y);
}

static int moody_vjp(double t, const double *y, const double *theta, const double *u, const double *v, double scale,
                     double *ybar, double *thetabar, double *ubar, void *ctx) {
    moody *m = ctx;
    (void)ude_mechanism(0).vjp(t, y, theta, u, v, scale, ybar, thetabar, ubar, NULL);
    return spoil(m, ++m->n_vjp == m->bad_vjp, ybar, UDE_N_Y);
}

static int moody_jvp(double t, const double *y, const double *theta, const double *u, const double *yu,
                     const double *thetau, const double *uu, double *ju, void *ctx) {
    moody *m = ctx;
    (void)ude_mechanism(0).jvp(t, y, theta, u, yu, thetau, uu, ju, NULL);
    return spoil(m, ++m->n_jvp == m->bad_jvp, ju, UDE_N_Y);
}

static void moody_make(ude_fixture *fx, moody *m, costate_ude_form form, unsigned equipment) {
    ude_fixture_spec(fx, form, 1, equipment);
    fx->spec.mechanism.f = moody_f;
    fx->spec.mechanism.vjp = equipment & UDE_VJP ? moody_vjp : NULL;
    fx->spec.mechanism.jvp = equipment & UDE_JVP ? moody_jvp : NULL;
    fx->spec.mechanism.ctx = m;
    ude_fixture_create(fx);
    calm(fx);
}

/* Every callback of the mechanism that a call makes refuses in turn: its very answer comes back. */
static void answers_of_the_mechanism_are_passed_on(void **state) {
    (void)state;
    static const int answers[] = {COSTATE_ANSWER_RETRY, COSTATE_ANSWER_FAIL, 17, -23};
    for (size_t form = 0; form < UDE_N_FORM; form++) {
        for (size_t k = 0; k < 4; k++) {
            moody m = {.answer = answers[k]};
            ude_fixture fx;
            moody_make(&fx, &m, (costate_ude_form)form, UDE_VJP | UDE_JVP);
            void *work = ude_work(&fx), *kept = aligned_alloc(64, (fx.rhs.kept_bytes + 63) / 64 * 64);
            double out[UDE_N_Y * UDE_N_Y], *pbar = doubles(fx.rhs.n_p);
            const costate_rhs *rhs = &fx.rhs;
            m = (moody){.bad_f = 1, .answer = answers[k]};
            assert_int_equal(rhs->f(0, fx.y, fx.p, out, work, rhs->ctx), answers[k]);
            m.n_f = 0;
            assert_int_equal(rhs->f_keep(0, fx.y, fx.p, out, kept, work, rhs->ctx), answers[k]);
            assert_int_equal(rhs->f_keep(0, fx.y, fx.p, out, kept, work, rhs->ctx), COSTATE_ANSWER_OK);
            m = (moody){.bad_vjp = 1, .answer = answers[k]};
            assert_int_equal(rhs->vjp(0, fx.y, fx.p, fx.v, 1, out, pbar, work, rhs->ctx), answers[k]);
            m.n_vjp = 0;
            assert_int_equal(rhs->vjp_kept(0, fx.y, fx.p, fx.v, 1, out, pbar, kept, work, rhs->ctx), answers[k]);
            for (m.bad_vjp = 1; m.bad_vjp <= UDE_N_Y; m.bad_vjp++) {
                m.n_vjp = 0;
                assert_int_equal(rhs->jac(0, fx.y, fx.p, out, work, rhs->ctx), answers[k]);
            }
            m = (moody){.bad_jvp = 1, .answer = answers[k]};
            assert_int_equal(rhs->jvp(0, fx.y, fx.p, fx.u, fx.up, out, work, rhs->ctx), answers[k]);
            free(work);
            free(kept);
            free(pbar);
            ude_fixture_release(&fx);
        }
    }
}

/* Derivatives made of other callbacks pass a FAIL on at once, wherever it comes. */
static void failures_within_derived_products_are_passed_on(void **state) {
    (void)state;
    for (unsigned equipment = 0; equipment < UDE_VJP + UDE_JVP; equipment++) {
        moody m = {.answer = -5};
        ude_fixture fx;
        moody_make(&fx, &m, COSTATE_UDE_GENERAL, equipment);
        void *work = ude_work(&fx);
        double out[UDE_N_Y], *pbar = doubles(fx.rhs.n_p);
        const costate_rhs *rhs = &fx.rhs;
        for (size_t k = 1;; k++) {
            m = (moody){.bad_f = k, .bad_vjp = k, .bad_jvp = k, .answer = -5};
            const int answer = rhs->vjp(0, fx.y, fx.p, fx.v, 1, out, pbar, work, rhs->ctx);
            if (m.n_f < k && m.n_vjp < k && m.n_jvp < k) {
                assert_int_equal(answer, COSTATE_ANSWER_OK);
                /* Two differences, or one product, for each of three states, three parameters and two outputs. */
                assert_int_equal(k - 1, equipment == 0 ? 16 : equipment == UDE_JVP ? 8 : 1);
                break;
            }
            assert_int_equal(answer, -5);
        }
        for (size_t k = 1;; k++) {
            m = (moody){.bad_f = k, .bad_vjp = k, .bad_jvp = k, .answer = -5};
            const int answer = rhs->jvp(0, fx.y, fx.p, fx.u, fx.up, out, work, rhs->ctx);
            if (m.n_f < k && m.n_vjp < k && m.n_jvp < k) {
                assert_int_equal(answer, COSTATE_ANSWER_OK);
                assert_int_equal(k - 1, equipment == 0 ? 2 : equipment == UDE_JVP ? 1 : 3);
                break;
            }
            assert_int_equal(answer, -5);
        }
        free(work);
        free(pbar);
        ude_fixture_release(&fx);
    }
}

static void solves_obey_the_answers_of_the_mechanism(void **state) {
    (void)state;
    double t[N_T], y[N_T * UDE_N_Y], want[N_T * UDE_N_Y];
    times(1, t);
    moody m = {0};
    ude_fixture fx;
    moody_make(&fx, &m, COSTATE_UDE_GENERAL, UDE_VJP);
    solve(&fx.rhs, COSTATE_METHOD_TSIT5, 1e-8, 1e-10, fx.p, fx.y, t, want);
    m = (moody){.bad_f = 20, .answer = COSTATE_ANSWER_RETRY};
    solve(&fx.rhs, COSTATE_METHOD_TSIT5, 1e-8, 1e-10, fx.p, fx.y, t, y);
    assert_true(m.n_f > 20);
    assert_close_array(y, want, N_T * UDE_N_Y, 1e-6, 1e-7);
    const costate_solver_options options = gradient_options(COSTATE_METHOD_TSIT5, 1e-8, 1e-10);
    costate_solver *solver = NULL;
    assert_ok(costate_solver_create(&fx.rhs, &options, NULL, &solver));
    m = (moody){.bad_f = 20, .answer = COSTATE_ANSWER_FAIL};
    assert_status(costate_solve(solver, fx.p, 0, fx.y, N_T, t, y), COSTATE_ERR_RHS_FAIL);
    costate_solver_destroy(solver);
    ude_fixture_release(&fx);
}

/* θ (1 + y²) eʸ, which beyond 0, where θ y < 0, is RETRY or, with ctx, NaN. */
static int walled(double t, const double *y, const double *theta, const double *u, double *dydt, void *ctx) {
    (void)t, (void)u;
    const bool beyond = theta[0] * y[0] < 0;
    dydt[0] = beyond && ctx != NULL ? (double)NAN : theta[0] * exp(y[0]) * (1 + y[0] * y[0]);
    return beyond && ctx == NULL ? COSTATE_ANSWER_RETRY : COSTATE_ANSWER_OK;
}

/* A wall on either side of one point. */
static int slit(double t, const double *y, const double *theta, const double *u, double *dydt, void *ctx) {
    (void)t, (void)theta, (void)u, (void)ctx;
    dydt[0] = y[0];
    return y[0] == 1 ? COSTATE_ANSWER_OK : COSTATE_ANSWER_RETRY;
}

static void differences_use_the_side_that_can_be_had(void **state) {
    (void)state;
    costate_rhs rhs;
    double y, v = 1.5, ybar, ju, jac;
    for (int k = 0; k < 4; k++) {
        const bool with_nan = k % 2 == 1;
        double theta = k < 2 ? 2 : -2, pbar = 0;
        costate_ude *ude = NULL;
        y = copysign(1e-7, theta);
        const costate_ude_spec spec = {
            .mechanism = {.n_y = 1, .n_theta = 1, .f = walled, .ctx = with_nan ? &theta : NULL}};
        assert_ok(costate_ude_create(&spec, NULL, &ude));
        assert_ok(costate_ude_rhs(ude, &rhs));
        void *work = aligned_alloc(64, (rhs.work_bytes + 63) / 64 * 64);
        const double slope = theta * exp(y) * (1 + 2 * y + y * y);
        assert_int_equal(rhs.vjp(0, &y, &theta, &v, 1, &ybar, &pbar, work, rhs.ctx), COSTATE_ANSWER_OK);
        assert_close(ybar, v * slope, 1e-9, 0);
        assert_int_equal(rhs.jvp(0, &y, &theta, &v, NULL, &ju, work, rhs.ctx), COSTATE_ANSWER_OK);
        assert_close(ju, v * slope, 1e-9, 0);
        assert_int_equal(rhs.jac(0, &y, &theta, &jac, work, rhs.ctx), COSTATE_ANSWER_OK);
        assert_close(jac, slope, 1e-9, 0);
        const double zero = 0;
        assert_int_equal(rhs.jvp(0, &y, &theta, &zero, NULL, &ju, work, rhs.ctx), COSTATE_ANSWER_OK);
        assert_close(ju, 0, 0, 0);
        assert_close(pbar, v * exp(y) * (1 + y * y), 1e-9, 0);
        free(work);
        costate_ude_destroy(ude);
    }
    costate_ude *ude = NULL;
    const costate_ude_spec spec = {.mechanism = {.n_y = 1, .f = slit}};
    assert_ok(costate_ude_create(&spec, NULL, &ude));
    assert_ok(costate_ude_rhs(ude, &rhs));
    void *work = aligned_alloc(64, (rhs.work_bytes + 63) / 64 * 64);
    y = 1;
    assert_int_equal(rhs.vjp(0, &y, NULL, &v, 1, &ybar, NULL, work, rhs.ctx), COSTATE_ANSWER_RETRY);
    assert_int_equal(rhs.jvp(0, &y, NULL, &v, NULL, &ju, work, rhs.ctx), COSTATE_ANSWER_RETRY);
    free(work);
    costate_ude_destroy(ude);
}

static int logarithm(double t, const double *y, const double *theta, const double *u, double *dydt, void *ctx) {
    (void)t, (void)theta, (void)u, (void)ctx;
    dydt[0] = log(y[0]);
    return COSTATE_ANSWER_OK;
}

/* y far below 1 asks for steps in its own unit. */
static void differences_take_their_step_from_typical_magnitudes(void **state) {
    (void)state;
    const double y = 2e-7, v = 1, typical = 1e-7;
    for (int told = 0; told < 2; told++) {
        costate_ude *ude = NULL;
        costate_rhs rhs;
        double ybar;
        const costate_ude_spec spec = {.mechanism = {.n_y = 1, .f = logarithm}, .typical = told ? &typical : NULL};
        assert_ok(costate_ude_create(&spec, NULL, &ude));
        assert_ok(costate_ude_rhs(ude, &rhs));
        void *work = aligned_alloc(64, (rhs.work_bytes + 63) / 64 * 64);
        assert_int_equal(rhs.vjp(0, &y, NULL, &v, 1, &ybar, NULL, work, rhs.ctx), COSTATE_ANSWER_OK);
        if (told) {
            assert_close(ybar, 1 / y, 1e-9, 0);
        } else {
            assert_true(fabs(ybar * y - 1) > 1e-3);
        }
        free(work);
        costate_ude_destroy(ude);
    }
}

typedef struct job {
    const costate_rhs *rhs;
    const double *p, *y0;
    costate_method method;
    double y[N_T * UDE_N_Y], ybar[UDE_N_Y], pbar[GRADIENT_MAX_P];
    costate_status status;
} job;

static void *job_run(void *argument) {
    job *j = argument;
    const costate_solver_options options = gradient_options(j->method, 1e-8, 1e-10);
    costate_solver *solver = NULL;
    costate_adjoint *adjoint = NULL;
    double t[N_T], v[N_T * UDE_N_Y];
    times(2, t);
    for (size_t i = 0; i < N_T * UDE_N_Y; i++) {
        v[i] = 1.0 / (double)(i + 1);
    }
    j->status = costate_solver_create(j->rhs, &options, NULL, &solver);
    if (j->status == COSTATE_OK) {
        j->status = costate_adjoint_create(solver, NULL, NULL, &adjoint);
    }
    for (int k = 0; k < 5 && j->status == COSTATE_OK; k++) {
        memset(j->pbar, 0, sizeof j->pbar);
        j->status = costate_solve(solver, j->p, 0, j->y0, N_T, t, j->y);
        if (j->status == COSTATE_OK) {
            j->status = costate_adjoint_vjp(adjoint, j->p, N_T, v, j->ybar, j->pbar, NULL);
        }
    }
    costate_adjoint_destroy(adjoint);
    costate_solver_destroy(solver);
    return NULL;
}

static void threads_with_a_shared_ude_give_the_bits_of_one_thread(void **state) {
    (void)state;
    for (unsigned equipment = 0; equipment < UDE_N_EQUIPMENT; equipment++) {
        static job alone[3], together[3];
        ude_fixture fx;
        ude_fixture_make(&fx, COSTATE_UDE_GENERAL, 1, equipment);
        calm(&fx);
        pthread_t threads[3];
        for (size_t k = 0; k < 3; k++) {
            alone[k] = together[k] = (job){.rhs = &fx.rhs, .p = fx.p, .y0 = fx.y, .method = methods[k]};
            job_run(&alone[k]);
            assert_ok(alone[k].status);
        }
        for (size_t k = 0; k < 3; k++) {
            assert_int_equal(pthread_create(&threads[k], NULL, job_run, &together[k]), 0);
        }
        for (size_t k = 0; k < 3; k++) {
            assert_int_equal(pthread_join(threads[k], NULL), 0);
            assert_ok(together[k].status);
            assert_same_bits_f64(together[k].y, alone[k].y, N_T * UDE_N_Y);
            assert_same_bits_f64(together[k].pbar, alone[k].pbar, fx.rhs.n_p);
            assert_true(fabs(alone[k].pbar[0]) > 1e-3);
        }
        ude_fixture_release(&fx);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conserving_form_conserves_to_rounding),
        cmocka_unit_test(positive_form_keeps_states_positive),
        cmocka_unit_test(gradients_agree_with_sensitivities_and_differences),
        cmocka_unit_test(answers_of_the_mechanism_are_passed_on),
        cmocka_unit_test(failures_within_derived_products_are_passed_on),
        cmocka_unit_test(solves_obey_the_answers_of_the_mechanism),
        cmocka_unit_test(differences_use_the_side_that_can_be_had),
        cmocka_unit_test(differences_take_their_step_from_typical_magnitudes),
        cmocka_unit_test(threads_with_a_shared_ude_give_the_bits_of_one_thread),
    };
    return cmocka_run_group_tests_name("ude_solve", tests, NULL, NULL);
}
