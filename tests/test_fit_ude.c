/* SPDX-License-Identifier: MIT */
/* Joint gradients of a universal differential equation's fit: mechanism, network, initial states and noise together, against
 * finite differences and against forward sensitivities. */
#include "fit_fixture.h"
#include "support/asserts.h"
#include "support/seeded_random.h"

#include <costate/costate.h>
#include <math.h>
#include <string.h>

enum { N_SERIES = 2, N_T = 7, N_Y = 2, N_THETA = 2, MAX_X = 128 };

/* Growth and death known, interaction learned: x' = a x + N_0, y' = -d y + N_1. */
static int known_f(double t, const double *y, const double *theta, const double *u, double *dydt, void *ctx) {
    (void)t;
    (void)u;
    (void)ctx;
    dydt[0] = theta[0] * y[0];
    dydt[1] = -theta[1] * y[1];
    return COSTATE_ANSWER_OK;
}

static int known_vjp(double t, const double *y, const double *theta, const double *u, const double *v, double scale,
                     double *ybar, double *thetabar, double *ubar, void *ctx) {
    (void)t;
    (void)u;
    (void)ubar;
    (void)ctx;
    if (ybar) {
        ybar[0] = theta[0] * v[0];
        ybar[1] = -theta[1] * v[1];
    }
    if (thetabar) {
        thetabar[0] += scale * y[0] * v[0];
        thetabar[1] -= scale * y[1] * v[1];
    }
    return COSTATE_ANSWER_OK;
}

typedef struct learned_interaction {
    costate_net *net;
    costate_ude *ude;
    costate_rhs rhs;
    double t[N_SERIES][N_T];
    double data[N_SERIES][N_T * N_Y];
    double y0[N_SERIES][N_Y];
    double p[MAX_X];
    double noise[3];
    costate_series series[N_SERIES];
} learned_interaction;

static const costate_noise kinds[N_Y] = {COSTATE_NOISE_COMBINED, COSTATE_NOISE_LOGNORMAL};
static const costate_noise_model noise_model = {N_Y, kinds};

static void create_model(learned_interaction *m, bool differences) {
    static const costate_layer_spec layers[] = {{.n_out = 5, .act = COSTATE_ACT_GAUSSIAN},
                                                {.n_out = 4, .act = COSTATE_ACT_TANH},
                                                {.n_out = 2, .act = COSTATE_ACT_IDENTITY}};
    static const costate_ude_input inputs[] = {{COSTATE_UDE_STATE, 0}, {COSTATE_UDE_STATE, 1}};
    static const double matrix[] = {1.0, 0.0, 0.0, 1.0};
    const costate_net_spec net_spec = {.n_in = 2, .n_layer = 3, .layers = layers};
    assert_ok(costate_net_create(&net_spec, NULL, &m->net));
    const costate_ude_net nets[] = {{.net = m->net, .n_input = 2, .inputs = inputs}};
    const costate_ude_spec spec = {
        .mechanism = {.n_y = N_Y, .n_theta = N_THETA, .f = known_f, .vjp = differences ? NULL : known_vjp},
        .form = COSTATE_UDE_ADDITIVE,
        .n_net = 1,
        .nets = nets,
        .matrix = matrix};
    assert_ok(costate_ude_create(&spec, NULL, &m->ude));
    assert_ok(costate_ude_rhs(m->ude, &m->rhs));
    assert_true(m->rhs.n_p <= MAX_X);
}

static void learned_interaction_create(learned_interaction *m, bool differences) {
    costate_random random = test_random(5);
    *m = (learned_interaction){.noise = {0.3, 0.2, 0.4}};
    create_model(m, differences);
    m->p[0] = 0.7;
    m->p[1] = 0.9;
    assert_ok(costate_net_init_f64(m->net, COSTATE_INIT_GLOROT_NORMAL, 0.6, &random, m->p + N_THETA));
    for (size_t s = 0; s < N_SERIES; s++) {
        for (size_t i = 0; i < N_T; i++) {
            m->t[s][i] = 0.3 * (double)i + 0.1;
            m->data[s][2 * i] = 1.5 + 0.5 * cos((double)(3 * i + s));
            m->data[s][2 * i + 1] = 1.2 + 0.4 * sin((double)(2 * i + s));
        }
        m->y0[s][0] = 1.1 + 0.2 * (double)s;
        m->y0[s][1] = 0.8;
        m->series[s] = (costate_series){.n_t = N_T, .t = m->t[s], .data = m->data[s], .y0 = m->y0[s]};
    }
}

static void learned_interaction_destroy(learned_interaction *m) {
    costate_ude_destroy(m->ude);
    costate_net_destroy(m->net);
}

/* All of p, both noise parameters, and all initial states are estimated, without transforms. */
static costate_fit *create_fit(const learned_interaction *m, costate_method method) {
    const costate_estimate estimates[] = {{.part = COSTATE_FIT_NOISE},
                                          {.part = COSTATE_FIT_INITIAL_STATE, .series = COSTATE_EVERY_SERIES}};
    const costate_fit_spec spec = {.rhs = &m->rhs,
                                   .n_series = N_SERIES,
                                   .series = m->series,
                                   .loss = costate_loss_gaussian(&noise_model),
                                   .p = m->p,
                                   .noise = m->noise,
                                   .n_estimate = 2,
                                   .estimates = estimates};
    costate_fit_options options = costate_fit_options_default();
    costate_fit *fit;
    options.solver.method = method;
    options.solver.rtol = 1e-11;
    options.solver.atol = 1e-12;
    assert_ok(costate_fit_create(&spec, &options, NULL, &fit));
    assert_int_equal(costate_fit_n_x(fit), m->rhs.n_p + 3 + N_SERIES * N_Y);
    return fit;
}

static void joint_gradient_agrees_with_finite_differences(void **state) {
    (void)state;
    const costate_method methods[] = {COSTATE_METHOD_TSIT5, COSTATE_METHOD_SDIRK4, COSTATE_METHOD_DOP853};
    for (size_t k = 0; k < 6; k++) {
        learned_interaction m;
        double x[MAX_X];
        learned_interaction_create(&m, k % 2 == 1);
        costate_fit *fit = create_fit(&m, methods[k / 2]);
        assert_ok(costate_fit_start(fit, x));
        double value;
        double grad[MAX_X];
        assert_ok(costate_fit_objective(x, &value, grad, fit));
        for (size_t i = 0; i < costate_fit_n_x(fit); i++) {
            const double h = 1e-3;
            const double centre = x[i];
            double v[4];
            const double steps[4] = {-2.0, -1.0, 1.0, 2.0};
            for (size_t j = 0; j < 4; j++) {
                x[i] = centre + steps[j] * h;
                assert_ok(costate_fit_objective(x, &v[j], NULL, fit));
            }
            x[i] = centre;
            assert_close(grad[i], (v[0] - 8.0 * v[1] + 8.0 * v[2] - v[3]) / (12.0 * h), 1e-6, 1e-6);
        }
        costate_fit_destroy(fit);
        learned_interaction_destroy(&m);
    }
}

/* The gradient put together from CVODES' sensitivities: an integrator, a derivative and an order of sums of their own. */
static void gradient_by_sensitivities(const learned_interaction *m, double *value, double *grad) {
    const costate_loss loss = costate_loss_gaussian(&noise_model);
    const size_t n_p = m->rhs.n_p;
    costate_solver_options options = costate_solver_options_default();
    costate_sensitivity *sens;
    options.rtol = 1e-11;
    options.atol = 1e-12;
    assert_ok(costate_sensitivity_create(&m->rhs, &options, COSTATE_SENSITIVITY_SIMULTANEOUS, NULL, &sens));
    *value = 0.0;
    for (size_t s = 0; s < N_SERIES; s++) {
        double y[N_T * N_Y];
        double v[N_T * N_Y];
        assert_ok(costate_sensitivity_solve(sens, m->p, 0.0, m->y0[s], N_T, m->t[s], y, NULL));
        for (size_t i = 0; i < N_T; i++) {
            const costate_observation observation = {
                .n_h = N_Y, .h = y + N_Y * i, .data = m->data[s] + N_Y * i, .noise = m->noise};
            double term;
            assert_int_equal(loss.value(&observation, &term, v + N_Y * i, grad + n_p, loss.ctx), COSTATE_ANSWER_OK);
            *value += term;
        }
        assert_ok(costate_sensitivity_vjp(sens, m->p, N_T, v, grad + n_p + 3 + N_Y * s, grad, NULL));
    }
    costate_sensitivity_destroy(sens);
}

static void joint_gradient_agrees_with_forward_sensitivities(void **state) {
    (void)state;
    const costate_method methods[] = {COSTATE_METHOD_TSIT5, COSTATE_METHOD_DOP853, COSTATE_METHOD_SDIRK4,
                                      COSTATE_METHOD_ADAMS, COSTATE_METHOD_BDF};
    for (size_t k = 0; k < 10; k++) {
        learned_interaction m;
        double x[MAX_X];
        double value[2];
        double grad[2][MAX_X] = {{0.0}};
        learned_interaction_create(&m, k % 2 == 1);
        costate_fit *fit = create_fit(&m, methods[k / 2]);
        const size_t n = costate_fit_n_x(fit);
        assert_ok(costate_fit_start(fit, x));
        assert_ok(costate_fit_objective(x, &value[0], grad[0], fit));
        gradient_by_sensitivities(&m, &value[1], grad[1]);
        assert_close(value[0], value[1], 1e-8, 0.0);
        assert_close_array(grad[0], grad[1], n, 1e-6, 1e-6);
        costate_fit_destroy(fit);
        learned_interaction_destroy(&m);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(joint_gradient_agrees_with_finite_differences),
        cmocka_unit_test(joint_gradient_agrees_with_forward_sensitivities),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
