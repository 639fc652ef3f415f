/* SPDX-License-Identifier: MIT */
/* Forward sensitivities: closed forms, agreement with the adjoint on random networks, calls and failures. */
#include "faulty_rhs.h"
#include "gradient_routes.h"
#include "problems.h"
#include "support/asserts.h"
#include "support/seeded_random.h"

#include <costate/net.h>
#include <math.h>
#include <string.h>

static const costate_method methods[] = {COSTATE_METHOD_ADAMS, COSTATE_METHOD_BDF};
static const costate_sensitivity_scheme schemes[] = {COSTATE_SENSITIVITY_SIMULTANEOUS, COSTATE_SENSITIVITY_STAGGERED};

static costate_sensitivity *make_sensitivity(const costate_rhs *rhs, size_t m, size_t scheme, double rtol) {
    costate_solver_options options = gradient_options(methods[m], rtol, rtol * 1e-2);
    costate_sensitivity *sens = NULL;
    assert_ok(costate_sensitivity_create(rhs, &options, schemes[scheme], NULL, &sens));
    return sens;
}

/* d(q, v)/d(w, q0, v0) of the oscillator. */
static void oscillator_columns(double h, double w, const double *y0, double *s) {
    double c = cos(w * h), d = sin(w * h);
    s[0] = -h * d * y0[0] + (h * c / w - d / (w * w)) * y0[1];
    s[1] = -h * d * y0[1] - (d + w * h * c) * y0[0];
    s[2] = c;
    s[3] = -d * w;
    s[4] = d / w;
    s[5] = c;
}

static void columns_meet_the_closed_form(void **state) {
    (void)state;
    const problem *q = &problem_oscillator;
    for (size_t m = 0; m < 2; m++)
        for (size_t scheme = 0; scheme < 2; scheme++)
            for (int sign = -1; sign <= 1; sign += 2) {
                const double t[] = {0.0, sign * 0.5, sign * 3.0, sign * 3.0, sign * 6.0};
                double y[10], s[30], exact[6];
                costate_sensitivity *sens = make_sensitivity(&q->rhs, m, scheme, 1e-9);
                assert_ok(costate_sensitivity_solve(sens, q->p, 0.0, q->y0, 5, t, y, s));
                for (size_t i = 0; i < 5; i++) {
                    oscillator_columns(t[i], q->p[0], q->y0, exact);
                    assert_close_array(s + 6 * i, exact, 6, 2e-7, 2e-7);
                    q->exact(t[i], q->p, 0.0, q->y0, exact);
                    assert_close_array(y + 2 * i, exact, 2, 2e-7, 2e-7);
                }
                const double initial[] = {0.0, 0.0, 1.0, 0.0, 0.0, 1.0};
                assert_close_array(s, initial, 6, 0.0, 0.0);
                assert_same_bits_f64(y, q->y0, 2);
                costate_sensitivity_destroy(sens);
            }
}

static void vjp_is_the_product_with_the_columns(void **state) {
    (void)state;
    const problem *q = &problem_lotka_volterra;
    costate_random random = test_random(1);
    const double t[] = {1.0, 2.0, 2.0};
    double s[3 * 6 * 2], v[6], y0bar[2], pbar[4] = {10.0, 20.0, 30.0, 40.0}, t0bar,
                                         expected[6] = {10.0, 20.0, 30.0, 40.0}, f[2];
    fill_normal(&random, v, 6, 1.0);
    costate_sensitivity *sens = make_sensitivity(&q->rhs, 0, 0, 1e-8);
    assert_ok(costate_sensitivity_solve(sens, q->p, 0.0, q->y0, 3, t, NULL, s));
    assert_ok(costate_sensitivity_vjp(sens, q->p, 3, v, y0bar, pbar, &t0bar));
    for (size_t i = 0; i < 3; i++)
        for (size_t j = 0; j < 6; j++)
            expected[j] += s[(i * 6 + j) * 2] * v[2 * i] + s[(i * 6 + j) * 2 + 1] * v[2 * i + 1];
    assert_close_array(pbar, expected, 4, 1e-13, 1e-13);
    assert_close_array(y0bar, expected + 4, 2, 1e-13, 1e-13);
    assert_int_equal(q->rhs.f(0.0, q->y0, q->p, f, NULL, NULL), COSTATE_ANSWER_OK);
    assert_close(t0bar, -y0bar[0] * f[0] - y0bar[1] * f[1], 1e-13, 1e-13);
    costate_sensitivity_destroy(sens);
}

static void reference_gradient_is_met(void **state) {
    (void)state;
    const problem *q = &problem_lotka_volterra;
    const double pbar[] = {0.62196158554956, 0.06800140415064931, 0.16917646399541045, 0.27256069394932614};
    const double y0bar[] = {0.2995995083029675, -0.014151816344797948};
    const double v[] = {q->y_end[0] - 1.0, q->y_end[1] - 1.0};
    gradient_case c = {&q->rhs, q->p, 0.0, q->y0, 1, &q->t_end, v};
    for (size_t m = 0; m < 2; m++)
        for (size_t scheme = 0; scheme < 2; scheme++) {
            costate_solver_options options = gradient_options(methods[m], 1e-10, 1e-12);
            gradient g;
            gradient_by_sensitivity(&c, &options, schemes[scheme], &g);
            assert_close_array(g.pbar, pbar, 4, 1e-7, 0.0);
            assert_close_array(g.y0bar, y0bar, 2, 1e-7, 0.0);
        }
}

/* One random network as right-hand side, with random parameters, initial state and cotangents. */
typedef struct network_row {
    size_t n_state;
    size_t hidden[2];
    costate_act act;
    bool with_time;
} network_row;

static costate_net *make_network(const network_row *row, costate_random *random, double *p) {
    costate_layer_spec layers[3];
    size_t n_layer = 0;
    for (size_t i = 0; i < 2; i++)
        if (row->hidden[i]) layers[n_layer++] = (costate_layer_spec){row->hidden[i], row->act, false};
    layers[n_layer++] = (costate_layer_spec){row->n_state, COSTATE_ACT_IDENTITY, false};
    costate_net_spec spec = {.n_in = row->n_state + (row->with_time ? 1u : 0u), .n_layer = n_layer, .layers = layers};
    costate_net *net = NULL;
    assert_ok(costate_net_create(&spec, NULL, &net));
    assert_true(costate_net_n_param(net) <= GRADIENT_MAX_P);
    assert_ok(costate_net_init_f64(net, COSTATE_INIT_GLOROT_NORMAL, 1.0, random, p));
    for (size_t j = 0; j < costate_net_n_param(net); j++)
        p[j] += 0.2 * costate_random_normal(random);
    return net;
}

/* Adjoint and both schemes of sensitivities to 1e-6 at rtol 1e-9, and differences along a random direction. */
static void compare_routes(const gradient_case *c, size_t m, costate_random *random) {
    costate_solver_options options = gradient_options(methods[m], 1e-9, 1e-11);
    gradient adjoint, forward;
    gradient_by_adjoint(c, &options, &adjoint);
    for (size_t scheme = 0; scheme < 2; scheme++) {
        gradient_by_sensitivity(c, &options, schemes[scheme], &forward);
        double distance = gradient_distance(c, &adjoint, &forward);
        if (!(distance <= 1e-6))
            fail_msg("%s, scheme %zu, %zu times: adjoint and sensitivities differ by %g",
                     costate_method_name(methods[m]), scheme, c->n_t, distance);
        assert_close(adjoint.t0bar, forward.t0bar, 1e-6, 1e-6);
    }
    double p_dir[GRADIENT_MAX_P], y0_dir[GRADIENT_MAX_Y];
    options = gradient_options(COSTATE_METHOD_ADAMS, 1e-11, 1e-13);
    fill_normal(random, p_dir, c->rhs->n_p, 1.0);
    fill_normal(random, y0_dir, c->rhs->n_y, 1.0);
    double analytic = gradient_dot(c, &adjoint, p_dir, y0_dir, 0.5), size = 0.0;
    for (size_t i = 0; i < c->n_t * c->rhs->n_y; i++)
        size += fabs(c->v[i]);
    assert_close(gradient_by_differences(c, &options, p_dir, y0_dir, 0.5, 1e-3), analytic, 1e-5, 1e-6 * size);
}

static void adjoint_agrees_with_sensitivities_on_random_networks(void **state) {
    (void)state;
    const network_row rows[] = {
        {1, {4, 0}, COSTATE_ACT_TANH, false},     {2, {8, 0}, COSTATE_ACT_SIGMOID, true},
        {3, {5, 4}, COSTATE_ACT_SOFTPLUS, false}, {2, {6, 3}, COSTATE_ACT_SILU, false},
        {4, {7, 0}, COSTATE_ACT_GELU, true},      {2, {0, 0}, COSTATE_ACT_TANH, true},
        {3, {9, 0}, COSTATE_ACT_GAUSSIAN, true},  {9, {4, 0}, COSTATE_ACT_TANH, false},
        {2, {5, 5}, COSTATE_ACT_SIN, false},
    };
    const size_t n_times[] = {1, 2, 30};
    costate_random random = test_random(2);
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        double p[GRADIENT_MAX_P], y0[9], t[30], v[30 * 9];
        costate_net *net = make_network(&rows[r], &random, p);
        costate_rhs rhs;
        assert_ok(costate_net_rhs(net, &rhs));
        for (size_t k = 0; k < 3; k++)
            for (size_t m = 0; m < 2; m++) {
                size_t n_t = n_times[k];
                double direction = r % 3 == 2 ? -1.0 : 1.0;
                /* t0 is observed wherever there is more than one time; every other case has it at the end alone. */
                for (size_t i = 0; i < n_t; i++)
                    t[i] = 0.25 + direction * 1.5 * (n_t == 1 ? 1.0 : (double)i / (double)(n_t - 1));
                fill_normal(&random, y0, rows[r].n_state, 1.0);
                fill_normal(&random, v, n_t * rows[r].n_state, 1.0);
                gradient_case c = {&rhs, p, 0.25, y0, n_t, t, v};
                compare_routes(&c, m, &random);
            }
        costate_net_destroy(net);
    }
}

/* Gradients in log p, so that constants of all sizes count alike. */
static void adjoint_agrees_with_sensitivities_on_stiff_problems(void **state) {
    (void)state;
    const problem *all[] = {&problem_hires, &problem_pollu};
    const double atol[] = {1e-13, 1e-15};
    for (size_t k = 0; k < 2; k++) {
        enum { N_T = 12 };
        const problem *q = all[k];
        double t[N_T], v[N_T * PROBLEM_MAX_Y];
        for (size_t i = 0; i < N_T; i++)
            t[i] = q->t_end * pow(10.0, -3.0 + 3.0 * (double)i / (N_T - 1));
        for (size_t i = 0; i < N_T * q->rhs.n_y; i++)
            v[i] = 1.0 + 0.5 * sin((double)i);
        gradient_case c = {&q->rhs, q->p, 0.0, q->y0, N_T, t, v};
        costate_solver_options options = gradient_options(COSTATE_METHOD_BDF, 1e-9, atol[k]);
        gradient a, f;
        gradient_by_adjoint(&c, &options, &a);
        gradient_by_sensitivity(&c, &options, schemes[1], &f);
        for (size_t j = 0; j < q->rhs.n_p; j++) {
            a.pbar[j] *= q->p[j];
            f.pbar[j] *= q->p[j];
        }
        if (!(gradient_distance(&c, &a, &f) <= 1e-6)) fail_msg("%s: %g", q->name, gradient_distance(&c, &a, &f));
    }
}

static void problem_without_parameters_has_y0_columns(void **state) {
    (void)state;
    const problem *q = &problem_cubic_spiral;
    const double t[] = {0.7, 1.5}, v[] = {-1.0, 0.4, 0.8, 0.5};
    gradient_case c = {&q->rhs, NULL, 0.0, q->y0, 2, t, v};
    for (size_t m = 0; m < 2; m++)
        for (size_t scheme = 0; scheme < 2; scheme++) {
            costate_solver_options options = gradient_options(methods[m], 1e-10, 1e-12);
            gradient forward, adjoint;
            gradient_by_sensitivity(&c, &options, schemes[scheme], &forward);
            gradient_by_adjoint(&c, &options, &adjoint);
            assert_true(gradient_distance(&c, &adjoint, &forward) <= 1e-7);
        }
}

/* S(2) of Lotka–Volterra by the CVODES method that stands for `method`. */
static void solve_by(costate_method method, double *s) {
    const problem *q = &problem_lotka_volterra;
    const costate_solver_options options = gradient_options(method, 1e-6, 1e-8);
    const double t = 2.0;
    costate_sensitivity *sens = NULL;
    assert_ok(costate_sensitivity_create(&q->rhs, &options, schemes[0], NULL, &sens));
    assert_ok(costate_sensitivity_solve(sens, q->p, 0.0, q->y0, 1, &t, NULL, s));
    costate_sensitivity_destroy(sens);
}

static void one_step_methods_stand_for_those_of_cvodes(void **state) {
    (void)state;
    const costate_method pairs[][2] = {{COSTATE_METHOD_TSIT5, COSTATE_METHOD_ADAMS},
                                       {COSTATE_METHOD_DOP853, COSTATE_METHOD_ADAMS},
                                       {COSTATE_METHOD_SDIRK4, COSTATE_METHOD_BDF},
                                       {COSTATE_METHOD_AUTO, COSTATE_METHOD_BDF}};
    double adams[12], bdf[12], s[12];
    solve_by(COSTATE_METHOD_ADAMS, adams);
    solve_by(COSTATE_METHOD_BDF, bdf);
    assert_true(memcmp(adams, bdf, sizeof adams) != 0);
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        solve_by(pairs[i][0], s);
        assert_memory_equal(s, pairs[i][1] == COSTATE_METHOD_ADAMS ? adams : bdf, sizeof s);
    }
}

static void wrong_calls_are_refused(void **state) {
    (void)state;
    const problem *q = &problem_lotka_volterra;
    const double t[] = {1.0, 2.0}, v[] = {1.0, 2.0, 3.0, 4.0}, bad_v[] = {1.0, (double)NAN, 3.0, 4.0},
                 back[] = {2.0, 1.0};
    double y0bar[2] = {7.0, 7.0}, pbar[4] = {0.0}, t0bar = 7.0, y[4];
    costate_sensitivity *sens = NULL;
    costate_rhs rhs = q->rhs;
    assert_status(costate_sensitivity_create(NULL, NULL, schemes[0], NULL, &sens), COSTATE_ERR_NULL);
    assert_status(costate_sensitivity_create(&rhs, NULL, schemes[0], NULL, NULL), COSTATE_ERR_NULL);
    assert_status(costate_sensitivity_create(&rhs, NULL, (costate_sensitivity_scheme)5, NULL, &sens),
                  COSTATE_ERR_ARGUMENT);
    costate_solver_options options = gradient_options(COSTATE_METHOD_ADAMS, -1.0, 1e-8);
    assert_status(costate_sensitivity_create(&rhs, &options, schemes[0], NULL, &sens), COSTATE_ERR_ARGUMENT);
    rhs.vjp = NULL;
    assert_status(costate_sensitivity_create(&rhs, NULL, schemes[0], NULL, &sens), COSTATE_ERR_UNSUPPORTED);
    assert_null(sens);
    sens = make_sensitivity(&q->rhs, 0, 0, 1e-6);
    assert_status(costate_sensitivity_vjp(sens, q->p, 2, v, y0bar, pbar, &t0bar), COSTATE_ERR_STATE);
    assert_ok(costate_sensitivity_solve(sens, q->p, 0.0, q->y0, 2, t, NULL, NULL));
    assert_status(costate_sensitivity_vjp(sens, q->p, 1, v, y0bar, pbar, &t0bar), COSTATE_ERR_SIZE);
    assert_status(costate_sensitivity_vjp(sens, q->p, 2, bad_v, y0bar, pbar, &t0bar), COSTATE_ERR_NONFINITE);
    assert_status(costate_sensitivity_vjp(sens, NULL, 2, v, y0bar, pbar, &t0bar), COSTATE_ERR_NULL);
    assert_status(costate_sensitivity_vjp(sens, q->p, 2, NULL, y0bar, pbar, &t0bar), COSTATE_ERR_NULL);
    assert_true(y0bar[0] == 7.0 && t0bar == 7.0);
    assert_ok(costate_sensitivity_vjp(sens, q->p, 2, v, NULL, NULL, NULL));
    assert_status(costate_sensitivity_solve(sens, q->p, 0.0, q->y0, 2, back, y, NULL), COSTATE_ERR_ARGUMENT);
    assert_status(costate_sensitivity_solve(sens, q->p, 0.0, NULL, 2, t, y, NULL), COSTATE_ERR_NULL);
    assert_status(costate_sensitivity_solve(sens, q->p, (double)NAN, q->y0, 2, t, y, NULL), COSTATE_ERR_NONFINITE);
    assert_true(strlen(costate_sensitivity_detail(sens)) > 0);
    assert_status(costate_sensitivity_vjp(sens, q->p, 2, v, y0bar, pbar, &t0bar), COSTATE_ERR_STATE);
    costate_sensitivity_destroy(sens);
    costate_sensitivity_destroy(NULL);
    assert_null(costate_sensitivity_counts(NULL));
    assert_string_equal(costate_sensitivity_detail(NULL), "");
}

static void faults_are_reported_and_survived(void **state) {
    (void)state;
    const problem *q = &problem_lotka_volterra;
    const fault_kind kinds[] = {FAULT_RETRY, FAULT_FAIL, FAULT_NAN};
    /* Nearly the same parameters: what is left of a failed solve must not serve the next. */
    const double t[] = {0.0, 1.0, 4.0}, other[] = {1.501, 1.001, 3.001, 1.001};
    for (size_t m = 0; m < 2; m++)
        for (size_t scheme = 0; scheme < 2; scheme++) {
            faulty_rhs fault;
            costate_rhs inner = q->rhs, rhs;
            inner.jvp = NULL;
            rhs = faulty_rhs_wrap(&fault, &inner);
            double good[36], s[36], y[6];
            costate_sensitivity *sens = make_sensitivity(&rhs, m, scheme, 1e-6);
            assert_ok(costate_sensitivity_solve(sens, q->p, 0.0, q->y0, 3, t, NULL, good));
            size_t n_call[CALLBACK_COUNT];
            memcpy(n_call, fault.n_call, sizeof n_call);
            assert_int_equal(costate_sensitivity_counts(sens)->n_f, n_call[CALLBACK_F]);
            for (int which = CALLBACK_F; which <= CALLBACK_VJP; which++)
                for (size_t f = 0; f < 3; f++)
                    for (size_t k = 0; 10 * k < 9 * n_call[which]; k += k < 8 ? 1 : n_call[which] / 9) {
                        faulty_rhs_arm(&fault, kinds[f], (callback_kind)which, k, SIZE_MAX);
                        assert_status(costate_sensitivity_solve(sens, other, 0.0, q->y0, 3, t, y, s),
                                      faulty_rhs_status(kinds[f]));
                        assert_true(isnan(y[5]) && isnan(s[35]));
                        assert_true(strlen(costate_sensitivity_detail(sens)) > 0);
                        faulty_rhs_arm(&fault, FAULT_NONE, CALLBACK_F, 0, 0);
                        assert_ok(costate_sensitivity_solve(sens, q->p, 0.0, q->y0, 3, t, y, s));
                        assert_same_bits_f64(s, good, 36);
                    }
            costate_sensitivity_destroy(sens);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_meet_the_closed_form),
        cmocka_unit_test(vjp_is_the_product_with_the_columns),
        cmocka_unit_test(reference_gradient_is_met),
        cmocka_unit_test(adjoint_agrees_with_sensitivities_on_random_networks),
        cmocka_unit_test(adjoint_agrees_with_sensitivities_on_stiff_problems),
        cmocka_unit_test(problem_without_parameters_has_y0_columns),
        cmocka_unit_test(one_step_methods_stand_for_those_of_cvodes),
        cmocka_unit_test(wrong_calls_are_refused),
        cmocka_unit_test(faults_are_reported_and_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
