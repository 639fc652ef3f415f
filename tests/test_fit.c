/* SPDX-License-Identifier: MIT */
/* The loss of a fit and its gradient, the horizon, predictions, counts. */
#include "fit_fixture.h"
#include "faulty_rhs.h"
#include "support/asserts.h"
#include "support/seeded_random.h"

#include <costate/costate.h>
#include <math.h>
#include <string.h>

enum { N_T = FIXTURE_N_T, N_Y = FIXTURE_N_Y, N_P = FIXTURE_N_P, N_X = FIXTURE_N_X };

static void fit_default_options_are_those_of_its_parts(void **state) {
    (void)state;
    const costate_fit_options o = costate_fit_options_default();
    const costate_solver_options s = costate_solver_options_default();
    assert_close(o.solver.rtol, s.rtol, 0.0, 0.0);
    assert_int_equal(o.solver.max_steps, s.max_steps);
    assert_close(o.adjoint.rtol, costate_adjoint_options_default().rtol, 0.0, 0.0);
    assert_int_equal(o.n_thread, 1);
}

/* A fit of one series by all parameters. */
static costate_status create_plain(const costate_rhs *rhs, const costate_series *series,
                                   const costate_fit_options *options, bool estimate_y0, costate_fit **fit) {
    const costate_estimate free_start = {.part = COSTATE_FIT_INITIAL_STATE};
    const costate_fit_spec spec = {
        .rhs = rhs, .n_series = 1, .series = series, .n_estimate = estimate_y0 ? 1 : 0, .estimates = &free_start};
    return costate_fit_create(&spec, options, NULL, fit);
}

/* Logistic growth has a closed form. */
static void fit_value_is_the_sum_over_a_closed_form(void **state) {
    (void)state;
    const problem *q = &problem_logistic;
    const double t[3] = {0.0, 0.7, 2.2};
    const double data[3] = {0.2, 0.9, 0.4};
    const costate_series series = {.n_t = 3, .t = t, .data = data, .t0 = 0.0, .y0 = q->y0};
    costate_fit_options options = costate_fit_options_default();
    costate_fit *fit;
    double expected = 0.0;
    double value;
    options.solver.rtol = 1e-11;
    options.solver.atol = 1e-12;
    for (int i = 0; i < 3; i++) {
        double y;
        q->exact(t[i], q->p, 0.0, q->y0, &y);
        expected += (y - data[i]) * (y - data[i]);
    }
    assert_ok(create_plain(&q->rhs, &series, &options, false, &fit));
    assert_int_equal(costate_fit_n_x(fit), q->rhs.n_p);
    assert_ok(costate_fit_objective(q->p, &value, NULL, fit));
    assert_close(value, expected, 1e-8, 0.0);
    costate_fit_destroy(fit);
}

static void fit_gradient_agrees_with_differences(void **state) {
    (void)state;
    const costate_method methods[] = {COSTATE_METHOD_ADAMS, COSTATE_METHOD_BDF};
    for (int m = 0; m < 2; m++) {
        for (int estimate = 0; estimate < 2; estimate++) {
            for (int weighted = 0; weighted < 2; weighted++) {
                fit_fixture f;
                fit_fixture_fill(&f);
                f.options.solver.method = methods[m];
                f.estimate_y0 = estimate == 1;
                f.series.weight = weighted == 1 ? f.weight : NULL;
                costate_fit *fit = fit_fixture_create(&f, NULL);
                assert_int_equal(costate_fit_n_x(fit), estimate == 1 ? N_X : N_P);
                check_fit_gradient(fit, f.x, 1e-5, 1e-5);
                costate_fit_destroy(fit);
            }
        }
    }
}

static void fit_gradient_of_a_network_agrees_with_differences(void **state) {
    (void)state;
    const costate_layer_spec layers[] = {{.n_out = 6, .act = COSTATE_ACT_TANH},
                                         {.n_out = 2, .act = COSTATE_ACT_IDENTITY}};
    const costate_net_spec spec = {.n_in = 2, .n_layer = 2, .layers = layers};
    costate_random random = test_random(1);
    costate_net *net;
    costate_rhs rhs;
    double x[64];
    fit_fixture f;
    fit_fixture_fill(&f);
    assert_ok(costate_net_create(&spec, NULL, &net));
    assert_ok(costate_net_rhs(net, &rhs));
    assert_ok(costate_net_init_f64(net, COSTATE_INIT_GLOROT_NORMAL, 0.5, &random, x));
    costate_fit *fit = fit_fixture_create(&f, &rhs);
    memcpy(x + rhs.n_p, f.y0, sizeof(f.y0));
    assert_int_equal(costate_fit_n_x(fit), rhs.n_p + 2);
    check_fit_gradient(fit, x, 1e-5, 1e-5);
    costate_fit_destroy(fit);
    costate_net_destroy(net);
}

/* An unknown initial state without parameters, and no initial state that is estimated with none at all. */
static void fit_of_the_initial_state_alone_is_possible(void **state) {
    (void)state;
    const problem *q = &problem_cubic_spiral;
    const double t[3] = {0.2, 0.4, 0.6};
    const double data[6] = {1.5, 0.5, 1.0, 1.0, 0.5, 1.5};
    const costate_series series = {.n_t = 3, .t = t, .data = data, .y0 = q->y0};
    costate_fit_options options = costate_fit_options_default();
    const double x[2] = {1.8, 0.3};
    costate_fit *fit;
    options.solver.rtol = 1e-10;
    options.solver.atol = 1e-12;
    assert_ok(create_plain(&q->rhs, &series, &options, true, &fit));
    assert_int_equal(costate_fit_n_x(fit), 2);
    check_fit_gradient(fit, x, 1e-5, 1e-5);
    costate_fit_destroy(fit);
    assert_status(create_plain(&q->rhs, &series, &options, false, &fit), COSTATE_ERR_ARGUMENT);
    assert_null(fit);
}

static void fit_horizon_gives_what_a_shorter_series_gives(void **state) {
    (void)state;
    fit_fixture f;
    fit_fixture_fill(&f);
    costate_fit *fit = fit_fixture_create(&f, NULL);
    for (size_t k = 1; k < N_T; k++) {
        const size_t n = k % 2 == 0 ? N_T - k : k; /* up and down */
        double value[2];
        double grad[2][N_X];
        fit_fixture part = f;
        part.series.n_t = n > 1 && f.t[n - 1] == f.t[n] ? n + 1 : n; /* a repeated time belongs to the horizon */
        costate_fit *shorter = fit_fixture_create(&part, NULL);
        assert_ok(costate_fit_set_horizon(fit, f.t[n - 1]));
        assert_ok(costate_fit_objective(f.x, &value[0], grad[0], fit));
        assert_ok(costate_fit_objective(f.x, &value[1], grad[1], shorter));
        assert_same_bits_f64(&value[0], &value[1], 1);
        assert_same_bits_f64(grad[0], grad[1], N_X);
        costate_fit_destroy(shorter);
    }
    assert_status(costate_fit_set_horizon(fit, f.t[0] - 0.1), COSTATE_ERR_ARGUMENT);
    assert_status(costate_fit_set_horizon(fit, (double)NAN), COSTATE_ERR_ARGUMENT);
    assert_status(costate_fit_set_horizon(NULL, 1.0), COSTATE_ERR_NULL);
    costate_fit_destroy(fit);
}

static void fit_repeated_evaluation_gives_same_bits(void **state) {
    (void)state;
    fit_fixture f;
    double value[3];
    double grad[3][N_X];
    double elsewhere[N_X] = {2.0, 0.5, 1.0, 1.0, 3.0, 0.1};
    double y[2 * N_Y];
    const double t[2] = {0.6, 9.0};
    fit_fixture_fill(&f);
    costate_fit *fit = fit_fixture_create(&f, NULL);
    for (int k = 0; k < 3; k++) {
        assert_ok(costate_fit_objective(f.x, &value[k], grad[k], fit));
        assert_ok(costate_fit_objective(elsewhere, &value[2], grad[2], fit));
        assert_ok(costate_fit_predict(fit, elsewhere, 0, 2, t, y, NULL));
        elsewhere[0] = (double)NAN; /* the second time around, a failure in between */
        assert_status(costate_fit_objective(elsewhere, &value[2], NULL, fit), COSTATE_ERR_NONFINITE);
        elsewhere[0] = 2.0;
    }
    assert_same_bits_f64(&value[1], &value[0], 1);
    assert_same_bits_f64(grad[1], grad[0], N_X);
    costate_fit_destroy(fit);
}

static void fit_without_any_datum_has_no_loss_and_no_gradient(void **state) {
    (void)state;
    fit_fixture f;
    double value = 1.0;
    double grad[N_X];
    const double zero[N_X] = {0.0};
    fit_fixture_fill(&f);
    for (size_t i = 0; i < (size_t)N_T * N_Y; i++) {
        f.data[i] = (double)NAN;
    }
    costate_fit *fit = fit_fixture_create(&f, NULL);
    assert_ok(costate_fit_objective(f.x, &value, grad, fit));
    assert_close(value, 0.0, 0.0, 0.0);
    assert_close_array(grad, zero, N_X, 0.0, 0.0);
    costate_fit_destroy(fit);
}

static void fit_series_is_copied(void **state) {
    (void)state;
    fit_fixture f;
    double value[2];
    double grad[2][N_X];
    fit_fixture_fill(&f);
    const fit_fixture original = f;
    costate_fit *fit = fit_fixture_create(&f, NULL);
    assert_ok(costate_fit_objective(original.x, &value[0], grad[0], fit));
    memset(f.t, 0, sizeof(f.t));
    memset(f.data, 0, sizeof(f.data));
    memset(f.weight, 0, sizeof(f.weight));
    memset(f.y0, 0, sizeof(f.y0));
    assert_ok(costate_fit_objective(original.x, &value[1], grad[1], fit));
    assert_same_bits_f64(&value[1], &value[0], 1);
    assert_same_bits_f64(grad[1], grad[0], N_X);
    costate_fit_destroy(fit);
}

typedef struct watched {
    const fit_fixture *fixture;
    size_t next;
    bool as_expected;
} watched;

static int watching_loss(const costate_observation *o, double *value, double *hbar, double *noisebar, void *ctx) {
    (void)noisebar;
    watched *w = ctx;
    const fit_fixture *f = w->fixture;
    w->as_expected = w->as_expected && o->index == w->next && o->t == f->t[o->index] && o->n_h == N_Y &&
                     memcmp(o->data, f->data + o->index * N_Y, N_Y * sizeof(double)) == 0 &&
                     memcmp(o->weight, f->weight, N_Y * sizeof(double)) == 0 && isfinite(o->h[0]) && isfinite(o->h[1]);
    w->next++;
    *value = o->t * o->h[0]; /* depends on the index and is not symmetric in the states */
    if (hbar) {
        hbar[0] = o->t;
        hbar[1] = 0.0;
    }
    return COSTATE_ANSWER_OK;
}

static void fit_custom_loss_sees_every_observation_in_order(void **state) {
    (void)state;
    fit_fixture f;
    double value;
    double expected = 0.0;
    double y[N_T * N_Y];
    fit_fixture_fill(&f);
    watched w = {.fixture = &f, .as_expected = true};
    f.loss = (costate_loss){.value = watching_loss, .ctx = &w};
    costate_fit *fit = fit_fixture_create(&f, NULL);
    assert_ok(costate_fit_objective(f.x, &value, NULL, fit));
    assert_int_equal(w.next, N_T);
    assert_true(w.as_expected);
    assert_ok(costate_fit_predict(fit, f.x, 0, N_T, f.t, y, NULL));
    for (size_t i = 0; i < N_T; i++) {
        expected += f.t[i] * y[i * N_Y];
    }
    assert_close(value, expected, 1e-14, 0.0);
    w = (watched){.fixture = &f, .as_expected = true};
    check_fit_gradient(fit, f.x, 1e-5, 1e-5);
    costate_fit_destroy(fit);
}

static void fit_predict_follows_the_closed_form_beyond_the_data(void **state) {
    (void)state;
    const problem *q = &problem_decay;
    const double t[2] = {1.0, 2.0};
    const double data[2] = {1.0, 1.0};
    const costate_series series = {.n_t = 2, .t = t, .data = data, .t0 = 0.5, .y0 = q->y0};
    costate_fit *fit;
    const double x[2] = {0.6, 3.0};
    const double wanted[5] = {0.5, 0.5, 1.1, 2.0, 7.0};
    double y[5];
    assert_ok(create_plain(&q->rhs, &series, NULL, true, &fit));
    assert_ok(costate_fit_set_horizon(fit, 1.0));
    assert_ok(costate_fit_predict(fit, x, 0, 5, wanted, y, NULL));
    for (int i = 0; i < 5; i++) {
        assert_close(y[i], 3.0 * exp(-0.6 * (wanted[i] - 0.5)), 1e-5, 0.0);
    }
    costate_fit_destroy(fit);
}

static void fit_counts_add_up(void **state) {
    (void)state;
    fit_fixture f;
    faulty_rhs calls;
    const costate_rhs rhs = faulty_rhs_wrap(&calls, &problem_lotka_volterra.rhs);
    double value;
    double grad[N_X];
    double bad[N_X];
    fit_fixture_fill(&f);
    costate_fit *fit = fit_fixture_create(&f, &rhs);
    const costate_fit_counts *counts = costate_fit_get_counts(fit);
    assert_int_equal(counts->n_value + counts->n_gradient + counts->n_fail, 0);
    assert_ok(costate_fit_objective(f.x, &value, NULL, fit));
    assert_int_equal(counts->n_value, 1);
    assert_int_equal(counts->n_gradient, 0);
    assert_int_equal(counts->forward.n_f, calls.n_call[CALLBACK_F]);
    assert_int_equal(counts->backward.n_step, 0);
    const size_t n_step = counts->forward.n_step;
    assert_true(n_step > 10);
    for (int k = 0; k < 2; k++) {
        assert_ok(costate_fit_objective(f.x, &value, grad, fit));
    }
    assert_int_equal(counts->n_value, 1);
    assert_int_equal(counts->n_gradient, 2);
    assert_int_equal(counts->forward.n_step, 3 * n_step);
    assert_int_equal(counts->forward.n_restart, 3);
    assert_true(counts->backward.n_step > 0);
    assert_int_equal(counts->backward.n_vjp_p, calls.n_vjp_p);
    assert_close(counts->forward.t_reached, f.t[N_T - 1], 0.0, 0.0);
    assert_close(counts->backward.t_reached, f.series.t0, 0.0, 0.0);
    assert_true(counts->forward.last_order >= 1 && counts->forward.last_step > 0.0);
    assert_true(counts->forward.seconds > 0.0 && counts->backward.seconds > 0.0);
    assert_int_equal(counts->n_fail, 0);

    memcpy(bad, f.x, sizeof(bad));
    bad[1] = HUGE_VAL;
    assert_status(costate_fit_objective(bad, &value, grad, fit), COSTATE_ERR_NONFINITE);
    assert_int_equal(counts->n_gradient, 3);
    assert_int_equal(counts->n_fail, 1);
    assert_int_equal(counts->forward.n_step, 3 * n_step);
    costate_fit_destroy(fit);
}

/* Twice the same gradient counts twice as much; a stiff problem and a history of the least size make every count move. */
static void fit_counts_of_one_step_methods_add_up(void **state) {
    (void)state;
    const problem *q = &problem_rober_log;
    const double t[3] = {0.1, 1.0, 40.0};
    const double data[9] = {0.9, 0.0, 0.1, 0.9, 0.0, 0.1, 0.7, 0.0, 0.3};
    const costate_series series = {.n_t = 3, .t = t, .data = data, .t0 = 0.0, .y0 = q->y0};
    costate_fit_options options = costate_fit_options_default();
    costate_fit *fit;
    double value;
    double grad[3];
    options.solver.method = COSTATE_METHOD_AUTO;
    options.solver.max_history_bytes = 1;
    assert_ok(create_plain(&q->rhs, &series, &options, false, &fit));
    assert_ok(costate_fit_objective(q->p, &value, grad, fit));
    const costate_fit_counts *counts = costate_fit_get_counts(fit);
    const costate_fit_counts once = *counts;
    assert_true(once.forward.n_implicit > 0 && once.forward.n_implicit < once.forward.n_step);
    assert_true(once.forward.n_switch > 0 && once.forward.n_setup >= once.forward.n_implicit);
    assert_true(once.backward.n_replay >= once.forward.n_step / 2);
    assert_ok(costate_fit_objective(q->p, &value, grad, fit));
    assert_int_equal(counts->forward.n_implicit, 2 * once.forward.n_implicit);
    assert_int_equal(counts->forward.n_switch, 2 * once.forward.n_switch);
    assert_int_equal(counts->backward.n_implicit, 2 * once.backward.n_implicit);
    assert_int_equal(counts->backward.n_replay, 2 * once.backward.n_replay);
    costate_fit_destroy(fit);
}

static void fit_getters_accept_null(void **state) {
    (void)state;
    assert_int_equal(costate_fit_n_x(NULL), 0);
    assert_null(costate_fit_get_counts(NULL));
    assert_string_equal(costate_fit_detail(NULL), "");
    costate_fit_destroy(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fit_default_options_are_those_of_its_parts),
        cmocka_unit_test(fit_value_is_the_sum_over_a_closed_form),
        cmocka_unit_test(fit_gradient_agrees_with_differences),
        cmocka_unit_test(fit_gradient_of_a_network_agrees_with_differences),
        cmocka_unit_test(fit_of_the_initial_state_alone_is_possible),
        cmocka_unit_test(fit_horizon_gives_what_a_shorter_series_gives),
        cmocka_unit_test(fit_repeated_evaluation_gives_same_bits),
        cmocka_unit_test(fit_without_any_datum_has_no_loss_and_no_gradient),
        cmocka_unit_test(fit_series_is_copied),
        cmocka_unit_test(fit_custom_loss_sees_every_observation_in_order),
        cmocka_unit_test(fit_predict_follows_the_closed_form_beyond_the_data),
        cmocka_unit_test(fit_counts_add_up),
        cmocka_unit_test(fit_counts_of_one_step_methods_add_up),
        cmocka_unit_test(fit_getters_accept_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
