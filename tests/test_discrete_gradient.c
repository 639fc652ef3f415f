/* SPDX-License-Identifier: MIT */
/* The gradient of a one-step method is the derivative of the numbers it computed: random networks, against an
 * independent repeat of the same steps. */
#include "frozen_steps.h"
#include "problems.h"
#include "support/asserts.h"
#include "support/seeded_random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_LAYER = 4, MAX_ENTRY = 120, N_DIRECTION = 3 };

static const costate_method one_step[] = {COSTATE_METHOD_TSIT5, COSTATE_METHOD_DOP853, COSTATE_METHOD_SDIRK4,
                                          COSTATE_METHOD_AUTO};

typedef struct shape {
    size_t n_y;
    bool timed;
    costate_layer_spec hidden[MAX_LAYER]; /* ended by n_out 0 */
    costate_act input_act;
    bool scaled;
} shape;

static const shape shapes[] = {
    {.n_y = 2, .hidden = {{8, COSTATE_ACT_TANH, false}}},
    {.n_y = 1, .timed = true, .hidden = {{3, COSTATE_ACT_SILU, false}, {5, COSTATE_ACT_GELU, true}}},
    {.n_y = 3, .timed = true, .scaled = true, .hidden = {{7, COSTATE_ACT_SOFTPLUS, false}}},
    {.n_y = 4, .hidden = {{6, COSTATE_ACT_TANH, false}, {4, COSTATE_ACT_SOFTPLUS, true}}},
    {.n_y = 5, .hidden = {{9, COSTATE_ACT_ELU, false}, {4, COSTATE_ACT_SIN, false}}},
    {.n_y = 2,
     .hidden = {{5, COSTATE_ACT_GAUSSIAN, false}, {5, COSTATE_ACT_GAUSSIAN, false}, {5, COSTATE_ACT_TANH, false}}},
    {.n_y = 2, .hidden = {{50, COSTATE_ACT_TANH, false}}, .input_act = COSTATE_ACT_CUBE},
    {.n_y = 2, .timed = true},
    {.n_y = 17,
     .timed = true,
     .scaled = true,
     .hidden = {{12, COSTATE_ACT_SIGMOID, false}, {8, COSTATE_ACT_GELU_TANH, false}}},
};
enum { N_SHAPE = sizeof shapes / sizeof shapes[0] };

/* A network and the data of one solve with it. */
typedef struct model {
    costate_layer_spec layers[MAX_LAYER + 1];
    double scale[FROZEN_MAX_WIDTH], shift[FROZEN_MAX_WIDTH];
    costate_net_spec spec;
    costate_net *net;
    frozen_net frozen;
    frozen_field field;
    costate_rhs rhs;
    double *p, y0[FROZEN_MAX_Y];
} model;

static void model_create(model *m, const shape *s, costate_random *random) {
    memset(m, 0, sizeof *m);
    m->spec = (costate_net_spec){.n_in = s->n_y + s->timed, .layers = m->layers, .input_act = s->input_act};
    for (; m->spec.n_layer < MAX_LAYER && s->hidden[m->spec.n_layer].n_out > 0; m->spec.n_layer++)
        m->layers[m->spec.n_layer] = s->hidden[m->spec.n_layer];
    m->layers[m->spec.n_layer++] = (costate_layer_spec){.n_out = s->n_y, .act = COSTATE_ACT_IDENTITY};
    for (size_t i = 0; i < FROZEN_MAX_WIDTH; i++) {
        m->scale[i] = 0.5 + costate_random_uniform(random);
        m->shift[i] = 0.2 * costate_random_normal(random);
    }
    if (s->scaled) {
        m->spec.in_scale = m->spec.out_scale = m->scale;
        m->spec.in_shift = m->spec.out_shift = m->shift;
    }
    assert_ok(costate_net_create(&m->spec, NULL, &m->net));
    assert_ok(costate_net_rhs(m->net, &m->rhs));
    m->p = calloc(m->rhs.n_p, sizeof *m->p);
    assert_non_null(m->p);
    fill_normal(random, m->p, m->rhs.n_p, 0.3);
    fill_normal(random, m->y0, s->n_y, 0.6);
    m->frozen = (frozen_net){.spec = &m->spec, .net = m->net};
    m->field = frozen_field_of_net(&m->frozen);
}

static void model_destroy(model *m) {
    free(m->p);
    costate_net_destroy(m->net);
}

/* Observation times of one solve from t0 to t_end. */
typedef enum arrangement { AT_END, EQUISPACED, RANDOM, AT_STEPS, N_ARRANGEMENT } arrangement;

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* With AT_STEPS: t0 and every step, each twice, where the steps are those noted before. */
static size_t fill_times(arrangement kind, double t0, double t_end, const frozen_steps *noted, costate_random *random,
                         double *t) {
    size_t n = 0;
    switch (kind) {
    case AT_END: t[n++] = t_end; break;
    case EQUISPACED:
        for (; n < 31; n++)
            t[n] = n == 30 ? t_end : t0 + (t_end - t0) * (double)n / 30.0;
        break;
    case RANDOM:
        for (; n < 98; n++)
            t[n] = costate_random_uniform(random);
        qsort(t, n, sizeof *t, by_value);
        for (size_t i = 0; i < n; i++)
            t[i] = t0 + (t_end - t0) * t[i];
        t[40] = t[41] = t[42];
        t[n++] = t_end;
        t[n++] = t_end;
        break;
    case AT_STEPS:
        t[n++] = t0;
        t[n++] = t0;
        for (size_t i = 0; i < noted->n_step && n + 2 < GRADIENT_MAX_T; i++) {
            t[n++] = noted->steps[i].t_end;
            t[n++] = noted->steps[i].t_end;
        }
        t[n++] = t_end;
        break;
    case N_ARRANGEMENT: break;
    }
    return n;
}

/* Every arrangement of times, both directions; the largest error over them. */
static double worst_error(const model *m, const costate_solver_options *options, costate_random *random) {
    double t[GRADIENT_MAX_T], v[GRADIENT_MAX_T * FROZEN_MAX_Y], worst = 0.0;
    frozen_steps steps = {.solver = NULL};
    for (int reversed = 0; reversed < 2; reversed++)
        for (int kind = 0; kind < N_ARRANGEMENT; kind++) {
            double t0 = reversed ? 1.3 : -0.2, t_end = reversed ? 0.1 : 1.8;
            gradient_case c = {.rhs = &m->rhs, .p = m->p, .t0 = t0, .y0 = m->y0, .t = t, .v = v};
            c.n_t = fill_times((arrangement)kind, t0, t_end, &steps, random, t);
            fill_normal(random, v, c.n_t * m->rhs.n_y, 1.0);
            gradient g;
            frozen_gradient(&c, options, &steps, &g, NULL, NULL);
            size_t n = kind == EQUISPACED && !reversed ? MAX_ENTRY : N_DIRECTION;
            double error = frozen_gradient_error(&steps, &m->field, &c, &g, n, NULL, NULL);
            assert_true(steps.n_step >= 2 && error <= 1e6);
            worst = fmax(worst, error);
        }
    frozen_steps_clear(&steps);
    return worst;
}

/* Rounding alone with explicit steps; with implicit ones also what Newton's iteration leaves. */
static void gradient_is_the_derivative_of_the_steps(costate_method method) {
    const double rtol[] = {1e-3, 1e-7};
    costate_random random = test_random(1);
    for (size_t s = 0; s < N_SHAPE; s++)
        for (size_t r = 0; r < 2; r++) {
            model m;
            model_create(&m, &shapes[s], &random);
            costate_solver_options options = gradient_options(method, rtol[r], 1e-2 * rtol[r]);
            double error = worst_error(&m, &options, &random);
            bool may_be_implicit = method == COSTATE_METHOD_SDIRK4 || method == COSTATE_METHOD_AUTO;
            if (!(error <= (may_be_implicit ? 1e-8 : 1e-10)))
                fail_msg("%s, shape %zu, rtol %g: %g", costate_method_name(method), s, rtol[r], error);
            model_destroy(&m);
        }
}

static void tsit5_gradient_is_the_derivative_of_its_steps(void **state) {
    (void)state;
    gradient_is_the_derivative_of_the_steps(COSTATE_METHOD_TSIT5);
}

static void dop853_gradient_is_the_derivative_of_its_steps(void **state) {
    (void)state;
    gradient_is_the_derivative_of_the_steps(COSTATE_METHOD_DOP853);
}

static void sdirk4_gradient_is_the_derivative_of_its_steps(void **state) {
    (void)state;
    gradient_is_the_derivative_of_the_steps(COSTATE_METHOD_SDIRK4);
}

static void auto_gradient_is_the_derivative_of_its_steps(void **state) {
    (void)state;
    gradient_is_the_derivative_of_the_steps(COSTATE_METHOD_AUTO);
}

/* L with perturbed parameters. */
static double loss_at(costate_solver *solver, const gradient_case *c, const double *p_dir, const double *y0_dir,
                      double e) {
    static double y[GRADIENT_MAX_T * FROZEN_MAX_Y], p[GRADIENT_MAX_P], y0[FROZEN_MAX_Y];
    double loss = 0.0;
    for (size_t j = 0; j < c->rhs->n_p; j++)
        p[j] = c->p[j] + e * p_dir[j];
    for (size_t j = 0; j < c->rhs->n_y; j++)
        y0[j] = c->y0[j] + e * y0_dir[j];
    assert_ok(costate_solve(solver, p, c->t0, y0, c->n_t, c->t, y));
    for (size_t i = 0; i < c->n_t * c->rhs->n_y; i++)
        loss += c->v[i] * y[i];
    return loss;
}

/* Central difference of sixth order. */
static double difference(costate_solver *solver, const gradient_case *c, const double *p_dir, const double *y0_dir,
                         double h) {
    const double weight[] = {45.0, -9.0, 1.0};
    double sum = 0.0;
    for (int k = 1; k <= 3; k++)
        sum += weight[k - 1] * (loss_at(solver, c, p_dir, y0_dir, k * h) - loss_at(solver, c, p_dir, y0_dir, -k * h));
    return sum / (60.0 * h);
}

static void normalise(double *x, size_t n) {
    double square = 0.0;
    for (size_t j = 0; j < n; j++)
        square += x[j] * x[j];
    for (size_t j = 0; j < n; j++)
        x[j] /= sqrt(square);
}

/*
 * |gradient - difference| along a random direction, relative to the gradient; the smallest for three step lengths.
 * Every step of the solves has the same length: no error is too large for the tolerance, while Newton's iteration, held
 * to parts of a unit and not of the tolerance, still converges.
 */
static double difference_error(const model *m, costate_method method, bool reversed, costate_random *random) {
    double t[GRADIENT_MAX_T], v[GRADIENT_MAX_T * FROZEN_MAX_Y], p_dir[GRADIENT_MAX_P], y0_dir[FROZEN_MAX_Y], size = 0.0;
    const double lengths[] = {1e-2, 4e-3, 1.5e-3};
    costate_solver_options options = gradient_options(method, 1e8, 1e8);
    options.h_init = options.h_min = options.h_max = 0.07;
    gradient_case c = {.rhs = &m->rhs, .p = m->p, .t0 = reversed ? 1.0 : 0.0, .y0 = m->y0, .t = t, .v = v};
    c.n_t = fill_times(reversed ? RANDOM : EQUISPACED, c.t0, reversed ? 0.0 : 1.0, NULL, random, t);
    fill_normal(random, v, c.n_t * m->rhs.n_y, 1.0);
    fill_normal(random, p_dir, m->rhs.n_p, 1.0);
    fill_normal(random, y0_dir, m->rhs.n_y, 1.0);
    normalise(p_dir, m->rhs.n_p);
    normalise(y0_dir, m->rhs.n_y);
    gradient g;
    gradient_by_adjoint(&c, &options, &g);
    for (size_t j = 0; j < m->rhs.n_p; j++)
        size = fmax(size, fabs(g.pbar[j]));
    costate_solver *solver = NULL;
    assert_ok(costate_solver_create(&m->rhs, &options, NULL, &solver));
    double found = gradient_dot(&c, &g, p_dir, y0_dir, 0.0);
    double least = HUGE_VAL;
    for (size_t k = 0; k < 3; k++)
        least = fmin(least, fabs(found - difference(solver, &c, p_dir, y0_dir, lengths[k])));
    assert_int_equal(costate_solver_counts(solver)->n_step, 15);
    costate_solver_destroy(solver);
    assert_true(least < HUGE_VAL);
    return least / (size + fabs(found));
}

/* Only public calls, and no other code of the methods, take part in this one. */
static void gradient_is_the_difference_quotient_of_solves_with_fixed_steps(void **state) {
    (void)state;
    costate_random random = test_random(2);
    for (size_t s = 0; s < N_SHAPE; s++)
        for (size_t k = 0; k < 8; k++) {
            model m;
            if (shapes[s].hidden[0].act == COSTATE_ACT_ELU) continue; /* its second derivative jumps */
            if (one_step[k % 4] == COSTATE_METHOD_AUTO) continue;     /* a difference may change where it switches */
            model_create(&m, &shapes[s], &random);
            double error = difference_error(&m, one_step[k % 4], k >= 4, &random);
            /* What Newton's iteration leaves, 1e-10, is divided by the length of the difference. */
            double tolerance = one_step[k % 4] == COSTATE_METHOD_SDIRK4 ? 1e-7 : 1e-8;
            if (!(error <= tolerance)) fail_msg("%s, shape %zu: %g", costate_method_name(one_step[k % 4]), s, error);
            model_destroy(&m);
        }
}

/* What f keeps for its VJP spares work and changes no bit. */
static void gradient_does_not_depend_on_what_f_keeps(void **state) {
    (void)state;
    costate_random random = test_random(8);
    for (size_t s = 0; s < N_SHAPE; s++)
        for (size_t k = 0; k < 4; k++) {
            model m;
            double t[GRADIENT_MAX_T], v[GRADIENT_MAX_T * FROZEN_MAX_Y];
            model_create(&m, &shapes[s], &random);
            gradient_case c = {.rhs = &m.rhs, .p = m.p, .t0 = 0.0, .y0 = m.y0, .t = t, .v = v};
            c.n_t = fill_times(EQUISPACED, 0.0, 2.0, NULL, &random, t);
            fill_normal(&random, v, c.n_t * m.rhs.n_y, 1.0);
            costate_solver_options options = gradient_options(one_step[k], 1e-6, 1e-8);
            gradient with, without;
            gradient_by_adjoint(&c, &options, &with);
            m.rhs.f_keep = NULL;
            m.rhs.vjp_kept = NULL;
            m.rhs.kept_bytes = 0;
            gradient_by_adjoint(&c, &options, &without);
            assert_same_bits_f64(with.pbar, without.pbar, m.rhs.n_p);
            assert_same_bits_f64(with.y0bar, without.y0bar, m.rhs.n_y);
            assert_same_bits_f64(&with.t0bar, &without.t0bar, 1);
            model_destroy(&m);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tsit5_gradient_is_the_derivative_of_its_steps),
        cmocka_unit_test(dop853_gradient_is_the_derivative_of_its_steps),
        cmocka_unit_test(sdirk4_gradient_is_the_derivative_of_its_steps),
        cmocka_unit_test(auto_gradient_is_the_derivative_of_its_steps),
        cmocka_unit_test(gradient_is_the_difference_quotient_of_solves_with_fixed_steps),
        cmocka_unit_test(gradient_does_not_depend_on_what_f_keeps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
