/* SPDX-License-Identifier: MIT */
/* Gradients of stiff problems: the derivative of the computed steps, across changes of method too, and near that of
 * forward sensitivities. */
#include "frozen_steps.h"
#include "problems.h"
#include "support/asserts.h"
#include "support/seeded_random.h"

#include <math.h>
#include <string.h>

static const costate_method stiff_methods[] = {COSTATE_METHOD_SDIRK4, COSTATE_METHOD_AUTO};

/* One solve; cotangents are random in units of the states. */
typedef struct stiff_case {
    const problem *problem;
    double t_end;
    const double *p; /* NULL: the problem's */
    double atol;
    double size[PROBLEM_MAX_Y]; /* of the states; 0: 1 */
    size_t n_switch;            /* the fewest changes of method that auto must make */
    double tolerance;           /* of the derivative of the steps */
    double distance;            /* from the derivative of the solution, at rtol 1e-7 */
} stiff_case;

static const stiff_case cases[] = {
    {&problem_rober_log, 1e3, NULL, 1e-10, {1.0, 3e-5, 1.0}, 1, 1e-7, 1e-4},
    {&problem_rober, 1e2, NULL, 1e-10, {1.0, 3e-5, 1.0}, 1, 1e-7, 1e-4},
    {&problem_hires, 321.8122, NULL, 1e-9, {0}, 1, 1e-7, 1e-4},
    {&problem_pollu, 60.0, NULL, 1e-14, {0}, 1, 1e-7, 1e-4},
    {&problem_vdpol, 2.0, (const double[]){1e-3}, 1e-7, {0}, 3, 1e-7, 5e-2},
    /* In the jump y2 reaches 1e6 in a time of 1e-6: rounding errors of the states alone give this much. */
    {&problem_vdpol, 2.0, NULL, 1e-7, {0}, 3, 1e-3, 0.0},
};
enum { N_CASE = sizeof cases / sizeof cases[0], N_T = 12 };

/* Times that crowd at the start, where stiff problems move, and one that repeats. */
static gradient_case case_of(const stiff_case *s, costate_random *random, double *t, double *v) {
    const problem *q = s->problem;
    for (size_t i = 0; i < N_T; i++) {
        double x = (double)i / (N_T - 1);
        t[i] = s->t_end * x * x * x;
    }
    t[6] = t[5];
    fill_normal(random, v, N_T * q->rhs.n_y, 1.0);
    for (size_t i = 0; i < N_T * q->rhs.n_y; i++) {
        double size = s->size[i % q->rhs.n_y];
        v[i] /= size > 0.0 ? size : 1.0;
    }
    return (gradient_case){&q->rhs, s->p ? s->p : q->p, 0.0, q->y0, N_T, t, v};
}

static double largest_value(const frozen_steps *steps, size_t state) {
    double largest = 0.0;
    for (size_t i = 0; i < steps->n_step; i++)
        largest = fmax(largest, fabs(steps->steps[i].y[state]));
    return largest;
}

static void gradient_is_the_derivative_of_the_steps(void **state) {
    (void)state;
    costate_random random = test_random(6);
    for (size_t k = 0; k < N_CASE; k++)
        for (size_t m = 0; m < 2; m++) {
            double t[N_T], v[N_T * PROBLEM_MAX_Y];
            gradient_case c = case_of(&cases[k], &random, t, v);
            costate_solver_options options = gradient_options(stiff_methods[m], 1e-6, cases[k].atol);
            frozen_field field = frozen_field_of_rhs(c.rhs);
            frozen_steps steps = {.solver = NULL};
            costate_solve_counts forward, backward;
            gradient g;
            frozen_gradient(&c, &options, &steps, &g, &forward, &backward);
            double p_unit[PROBLEM_MAX_P], y0_unit[PROBLEM_MAX_Y];
            for (size_t j = 0; j < field.n_p; j++)
                p_unit[j] = fabs(c.p[j]);
            for (size_t j = 0; j < field.n_y; j++)
                y0_unit[j] = largest_value(&steps, j);
            double error = frozen_gradient_error(&steps, &field, &c, &g, 50, p_unit, y0_unit);
            if (!(error <= cases[k].tolerance))
                fail_msg("%s by %s: %g", cases[k].problem->name, costate_method_name(stiff_methods[m]), error);
            assert_int_equal(backward.n_implicit, forward.n_implicit);
            assert_true(m == 0 ? forward.n_switch == 0 : forward.n_switch >= cases[k].n_switch);
            frozen_steps_clear(&steps);
        }
}

/* But for the last case: there the sensitivities of BDF are no reference. */
static void gradient_is_near_that_of_forward_sensitivities(void **state) {
    (void)state;
    costate_random random = test_random(7);
    for (size_t k = 0; k + 1 < N_CASE; k++) {
        double t[N_T], v[N_T * PROBLEM_MAX_Y];
        gradient_case c = case_of(&cases[k], &random, t, v);
        costate_solver_options reference_options = gradient_options(COSTATE_METHOD_BDF, 1e-9, 1e-4 * cases[k].atol);
        gradient reference;
        gradient_by_sensitivity(&c, &reference_options, COSTATE_SENSITIVITY_SIMULTANEOUS, &reference);
        for (size_t m = 0; m < 2; m++) {
            costate_solver_options options = gradient_options(stiff_methods[m], 1e-7, 0.1 * cases[k].atol);
            gradient g;
            gradient_by_adjoint(&c, &options, &g);
            double largest = 0.0, difference = 0.0, sum = 0.0;
            for (size_t j = 0; j < c.rhs->n_p; j++) {
                double unit = fabs(c.p[j]);
                largest = fmax(largest, unit * fabs(reference.pbar[j]));
                difference = fmax(difference, unit * fabs(reference.pbar[j] - g.pbar[j]));
                sum += g.pbar[j];
            }
            if (!(difference <= cases[k].distance * largest) || isnan(sum))
                fail_msg("%s by %s: %g", cases[k].problem->name, costate_method_name(stiff_methods[m]),
                         difference / largest);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradient_is_the_derivative_of_the_steps),
        cmocka_unit_test(gradient_is_near_that_of_forward_sensitivities),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
