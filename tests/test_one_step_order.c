/* SPDX-License-Identifier: MIT */
/* Orders of convergence of the one-step methods and of their dense output, measured with steps of one length. */
#include "gradient_routes.h"
#include "support/asserts.h"

#include <costate/solver.h>
#include <math.h>

enum { N_Y = 4, N_BETWEEN = 7 };

/* Nonlinear, coupled and dependent on time, with the solution e^s, e^(5s), s + 1, cos t^2 where s = sin t^2. */
static int coupled_f(double t, const double *y, const double *p, double *dydt, void *work, void *ctx) {
    (void)p, (void)work, (void)ctx;
    dydt[0] = 2.0 * t * pow(y[1], 0.2) * y[3];
    dydt[1] = 10.0 * t * exp(5.0 * (y[2] - 1.0)) * y[3];
    dydt[2] = 2.0 * t * y[3];
    dydt[3] = -2.0 * t * log(y[0]);
    return COSTATE_ANSWER_OK;
}

static int coupled_jac(double t, const double *y, const double *p, double *jac, void *work, void *ctx) {
    (void)p, (void)work, (void)ctx;
    for (size_t i = 0; i < N_Y * N_Y; i++)
        jac[i] = 0.0;
    jac[0 + N_Y * 1] = 0.4 * t * pow(y[1], -0.8) * y[3];
    jac[0 + N_Y * 3] = 2.0 * t * pow(y[1], 0.2);
    jac[1 + N_Y * 2] = 50.0 * t * exp(5.0 * (y[2] - 1.0)) * y[3];
    jac[1 + N_Y * 3] = 10.0 * t * exp(5.0 * (y[2] - 1.0));
    jac[2 + N_Y * 3] = 2.0 * t;
    jac[3 + N_Y * 0] = -2.0 * t / y[0];
    return COSTATE_ANSWER_OK;
}

static void coupled_exact(double t, double *y) {
    double s = sin(t * t);
    y[0] = exp(s);
    y[1] = exp(5.0 * s);
    y[2] = s + 1.0;
    y[3] = cos(t * t);
}

static const costate_rhs coupled = {.n_y = N_Y, .f = coupled_f, .jac = coupled_jac};

/* Largest errors of one solve with n_step equal steps: at the ends of the steps, between them, and of the slope. */
typedef struct errors {
    double end, between, slope;
} errors;

/* In units of the largest value each state takes; infinite if anything is NaN. */
static double largest_error(const double *y, const double *expected) {
    const double unit[N_Y] = {2.7, 148.0, 2.0, 1.0};
    double worst = 0.0;
    for (size_t i = 0; i < N_Y; i++) {
        double error = fabs(y[i] - expected[i]) / unit[i];
        worst = error <= worst ? worst : isnan(error) ? HUGE_VAL : error;
    }
    return worst;
}

/* The tolerance lets every step pass, and no more: Newton's iteration is held to it. */
static errors fixed_step_errors(costate_method method, double t0, double t_end, size_t n_step) {
    double h = fabs(t_end - t0) / (double)n_step, y0[N_Y], y[N_Y], expected[N_Y], slope[N_Y];
    costate_solver *solver = NULL;
    costate_solver_options options = gradient_options(method, 400.0 * pow(h, 4.0), 400.0 * pow(h, 4.0));
    options.h_init = options.h_min = options.h_max = h;
    assert_ok(costate_solver_create(&coupled, &options, NULL, &solver));
    coupled_exact(t0, y0);
    assert_ok(costate_solve(solver, NULL, t0, y0, 1, &t_end, y));
    assert_int_equal(costate_solver_counts(solver)->n_step, n_step);
    coupled_exact(t_end, expected);
    errors e = {.end = largest_error(y, expected)};
    for (size_t i = 0; i < n_step * N_BETWEEN; i++) {
        double t = t0 + (t_end - t0) * (double)i / (double)(n_step * N_BETWEEN);
        coupled_exact(t, expected);
        assert_ok(costate_solver_eval(solver, t, y));
        if (i % N_BETWEEN == 0) {
            e.end = fmax(e.end, largest_error(y, expected));
            continue;
        }
        e.between = fmax(e.between, largest_error(y, expected));
        coupled_f(t, expected, NULL, slope, NULL, NULL);
        assert_ok(costate_solver_eval_slope(solver, t, y));
        e.slope = fmax(e.slope, largest_error(y, slope));
    }
    costate_solver_destroy(solver);
    return e;
}

/* The error falls at least as the order says when the steps are halved. */
static void assert_order(const char *what, double coarse, double fine, double order) {
    double measured = log2(coarse / fine);
    if (!(measured >= order - 0.35)) fail_msg("%s: order %g, not %g (%g, %g)", what, measured, order, coarse, fine);
}

static void assert_orders(const errors *coarse, const errors *fine, const errors *order) {
    assert_order("ends of steps", coarse->end, fine->end, order->end);
    assert_order("between", coarse->between, fine->between, order->between);
    assert_order("slope", coarse->slope, fine->slope, order->slope);
}

static const costate_method fixed[] = {COSTATE_METHOD_TSIT5, COSTATE_METHOD_DOP853, COSTATE_METHOD_SDIRK4};

static void errors_fall_with_the_order_of_the_method(void **state) {
    (void)state;
    const errors orders[] = {{5.0, 5.0, 4.0}, {8.0, 8.0, 7.0}, {4.0, 4.0, 4.0}};
    const size_t n_step[] = {128, 18, 128};
    for (size_t k = 0; k < 6; k++) {
        costate_method method = fixed[k / 2];
        size_t n = n_step[k / 2];
        double first = k % 2 ? 1.4 : 0.2, last = k % 2 ? 0.2 : 1.4;
        errors coarse = fixed_step_errors(method, first, last, n), fine = fixed_step_errors(method, first, last, 2 * n);
        assert_orders(&coarse, &fine, &orders[k / 2]);
    }
}

/* Dense output of order q: within a step from an exact state its error is that of order q + 1, its slope's one less. */
static void errors_of_one_step_fall_with_the_order_of_the_dense_output(void **state) {
    (void)state;
    const errors orders[] = {{6.0, 5.0, 4.0}, {9.0, 8.0, 7.0}, {5.0, 5.0, 4.0}};
    for (size_t k = 0; k < 6; k++) {
        costate_method method = fixed[k / 2];
        double t0 = 0.7, length = method == COSTATE_METHOD_DOP853 ? 0.1 : 0.0375, h = k % 2 ? -length : length;
        errors coarse = fixed_step_errors(method, t0, t0 + h, 1), fine = fixed_step_errors(method, t0, t0 + 0.5 * h, 1);
        assert_orders(&coarse, &fine, &orders[k / 2]);
    }
}

/* An adaptive solve: the error falls in proportion to the tolerance. */
static void error_of_an_adaptive_solve_follows_the_tolerance(void **state) {
    (void)state;
    const costate_method methods[] = {COSTATE_METHOD_TSIT5, COSTATE_METHOD_DOP853, COSTATE_METHOD_SDIRK4,
                                      COSTATE_METHOD_AUTO};
    for (size_t m = 0; m < 4; m++) {
        double error[7], t_end = 2.0, y0[N_Y], y[N_Y], expected[N_Y];
        coupled_exact(0.0, y0);
        coupled_exact(t_end, expected);
        for (int k = 0; k < 7; k++) {
            double rtol = pow(10.0, -4 - k);
            costate_solver *solver = NULL;
            costate_solver_options options = gradient_options(methods[m], rtol, rtol);
            assert_ok(costate_solver_create(&coupled, &options, NULL, &solver));
            assert_ok(costate_solve(solver, NULL, 0.0, y0, 1, &t_end, y));
            error[k] = largest_error(y, expected);
            if (!(error[k] <= 300.0 * rtol))
                fail_msg("%s at rtol %g: error %g", costate_method_name(methods[m]), rtol, error[k]);
            costate_solver_destroy(solver);
        }
        assert_true(error[6] <= error[0] * 1e-4);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_fall_with_the_order_of_the_method),
        cmocka_unit_test(errors_of_one_step_fall_with_the_order_of_the_dense_output),
        cmocka_unit_test(error_of_an_adaptive_solve_follows_the_tolerance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
