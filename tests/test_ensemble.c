/* SPDX-License-Identifier: MIT */
/* Ensembles give what single solves give, whatever the threads, the order and the company of the trajectories. */
#include "ensemble_fixture.h"
#include "isa_environment.h"
#include "lane_rhs.h"
#include "support/asserts.h"

#include <costate/isa.h>
#include <math.h>
#include <string.h>

static const problem *const lv = &problem_lotka_volterra;

static const unsigned all_kinds[] = {0,
                                     ENSEMBLE_OWN_P,
                                     ENSEMBLE_OWN_T0,
                                     ENSEMBLE_OWN_TIMES,
                                     ENSEMBLE_OWN_P | ENSEMBLE_OWN_TIMES | ENSEMBLE_BOTH_WAYS,
                                     ENSEMBLE_OWN_P | ENSEMBLE_OWN_T0 | ENSEMBLE_OWN_TIMES | ENSEMBLE_BOTH_WAYS};
enum { N_KINDS = sizeof all_kinds / sizeof all_kinds[0] };

static const size_t all_counts[] = {1, 7, 8, 9, 64, 65, 200};
enum { N_COUNTS = sizeof all_counts / sizeof all_counts[0] };

/* Results with these options against the loop of single solves. */
static void compare_with_loop(const problem *from, const costate_rhs *rhs, size_t n, unsigned kinds,
                              const costate_ensemble_options *options, double tolerance) {
    ensemble_case c;
    ensemble_result together, loop;
    ensemble_case_create(&c, from, rhs, n, kinds);
    ensemble_run_with(options, &c, &together);
    ensemble_run_loop(options, &c, &loop);
    assert_ok(loop.solved);
    assert_ok(loop.differentiated);
    assert_results_close(&c, &together, &loop, tolerance);
    ensemble_result_destroy(&together);
    ensemble_result_destroy(&loop);
    ensemble_case_destroy(&c);
}

static void lanes_give_values_and_gradients_of_single_solves(void **state) {
    (void)state;
    lane_rhs in_lanes;
    costate_rhs rhs = lane_rhs_wrap(&in_lanes, &lv->rhs);
    costate_ensemble_options options = ensemble_lane_options(1e-5, 1e-7);
    for (size_t k = 0; k < N_KINDS; k++)
        for (size_t i = 0; i < N_COUNTS; i++)
            compare_with_loop(lv, &rhs, all_counts[i], all_kinds[k], &options, 1e-10);
    compare_with_loop(lv, &rhs, 1000, ENSEMBLE_OWN_TIMES, &options, 1e-10);
}

static void lanes_serve_every_smooth_problem(void **state) {
    (void)state;
    const problem *const problems[] = {&problem_decay, &problem_linear, &problem_logistic, &problem_oscillator,
                                       &problem_gaussian};
    for (size_t i = 0; i < sizeof problems / sizeof problems[0]; i++) {
        lane_rhs in_lanes;
        costate_rhs rhs = lane_rhs_wrap(&in_lanes, &problems[i]->rhs);
        costate_ensemble_options options = ensemble_lane_options(1e-7, 1e-9);
        compare_with_loop(problems[i], &rhs, 21, ENSEMBLE_OWN_P | ENSEMBLE_OWN_TIMES, &options, 1e-10);
        compare_with_loop(problems[i], &rhs, 21, 0, &options, 1e-10);
    }
}

static void lanes_honour_step_options(void **state) {
    (void)state;
    const double atol_state[] = {1e-4, 1e-9};
    lane_rhs in_lanes;
    costate_rhs rhs = lane_rhs_wrap(&in_lanes, &lv->rhs);
    costate_ensemble_options options = ensemble_lane_options(1e-5, 1e-7);
    options.solver.h_init = 1e-3;
    compare_with_loop(lv, &rhs, 19, 0, &options, 1e-10);
    options.solver.h_max = 0.05;
    compare_with_loop(lv, &rhs, 19, ENSEMBLE_OWN_TIMES, &options, 1e-10);
    options.solver.h_max = (lv->t_end - lv->t0) / 400.005; /* what is left for the last two steps is 1.005 of one */
    compare_with_loop(lv, &rhs, 19, 0, &options, 1e-10);
    options.solver.h_max = 0.05;
    options.solver.h_min = 0.04;
    compare_with_loop(lv, &rhs, 19, ENSEMBLE_OWN_TIMES, &options, 1e-10);
    options = ensemble_lane_options(1e-5, 1e-7);
    options.solver.atol_state = atol_state;
    compare_with_loop(lv, &rhs, 19, 0, &options, 1e-10);
}

static void lanes_count_what_single_solves_count(void **state) {
    (void)state;
    lane_rhs in_lanes;
    costate_rhs rhs = lane_rhs_wrap(&in_lanes, &lv->rhs);
    ensemble_case c;
    ensemble_result r;
    costate_solve_counts counts[2];
    ensemble_case_create(&c, lv, &rhs, 100, 0);
    for (int lanes = 0; lanes < 2; lanes++) {
        costate_ensemble_options options = ensemble_lane_options(1e-6, 1e-8);
        costate_ensemble *ensemble = NULL;
        options.lanes = lanes;
        ensemble_result_create(&r, &c);
        assert_ok(costate_ensemble_create(&rhs, &options, NULL, &ensemble));
        ensemble_run(ensemble, &c, &r);
        counts[lanes] = *costate_ensemble_counts(ensemble);
        assert_int_equal(costate_ensemble_vjp_counts(ensemble)->n_replay, 0);
        if (lanes) assert_int_equal(counts[1].n_f, 6 * (counts[1].n_step + counts[1].n_error_fail + 100));
        assert_true(costate_ensemble_vjp_counts(ensemble)->n_vjp_p >= 6 * counts[lanes].n_step);
        costate_ensemble_destroy(ensemble);
        ensemble_result_destroy(&r);
    }
    assert_true(counts[0].n_step > 1000);
    assert_int_equal(counts[1].n_step, counts[0].n_step);
    assert_int_equal(counts[1].n_error_fail, counts[0].n_error_fail);
    assert_int_equal(counts[1].n_restart, counts[0].n_restart);
    assert_int_equal(counts[1].last_order, 5);
    ensemble_case_destroy(&c);
}

static void one_at_a_time_has_the_bits_of_single_solves(void **state) {
    (void)state;
    const costate_method methods[] = {COSTATE_METHOD_TSIT5, COSTATE_METHOD_ADAMS, COSTATE_METHOD_BDF};
    for (size_t m = 0; m < sizeof methods / sizeof methods[0]; m++)
        for (size_t k = 0; k < N_KINDS; k++) {
            costate_ensemble_options options = ensemble_lane_options(1e-5, 1e-7);
            ensemble_case c;
            ensemble_result together, loop;
            options.solver.method = methods[m];
            ensemble_case_create(&c, lv, &lv->rhs, 20, all_kinds[k]);
            ensemble_run_with(&options, &c, &together);
            ensemble_run_loop(&options, &c, &loop);
            assert_ok(loop.solved);
            assert_ok(loop.differentiated);
            if (!c.all.own_p) { /* each task's part is summed by itself */
                assert_close_array(together.pbar, loop.pbar, loop.n_pbar, 1e-12, 0.0);
                memcpy(together.pbar, loop.pbar, loop.n_pbar * sizeof *loop.pbar);
            }
            assert_results_same(&c, &together, &loop);
            ensemble_result_destroy(&together);
            ensemble_result_destroy(&loop);
            ensemble_case_destroy(&c);
        }
}

/* Bits with some options against those with others. */
static void compare_bits(const costate_rhs *rhs, size_t n, unsigned kinds, const costate_ensemble_options *one,
                         const costate_ensemble_options *other) {
    ensemble_case c;
    ensemble_result a, b;
    ensemble_case_create(&c, lv, rhs, n, kinds);
    ensemble_run_with(one, &c, &a);
    ensemble_run_with(other, &c, &b);
    assert_ok(a.solved);
    assert_ok(a.differentiated);
    assert_results_same(&c, &b, &a);
    ensemble_result_destroy(&a);
    ensemble_result_destroy(&b);
    ensemble_case_destroy(&c);
}

static void bits_do_not_depend_on_the_number_of_threads(void **state) {
    (void)state;
    lane_rhs in_lanes;
    costate_rhs rhs = lane_rhs_wrap(&in_lanes, &lv->rhs);
    for (int lanes = 0; lanes < 2; lanes++)
        for (size_t k = 0; k < N_KINDS; k++)
            for (size_t n_thread = 2; n_thread <= 3; n_thread++) {
                costate_ensemble_options one = ensemble_lane_options(1e-5, 1e-7), more;
                one.lanes = lanes;
                more = one;
                more.n_thread = n_thread;
                compare_bits(&rhs, lanes ? 400 : 60, all_kinds[k], &one, &more);
            }
}

static void bits_do_not_depend_on_whether_histories_are_kept(void **state) {
    (void)state;
    lane_rhs in_lanes;
    costate_rhs rhs = lane_rhs_wrap(&in_lanes, &lv->rhs);
    const costate_method methods[] = {COSTATE_METHOD_TSIT5, COSTATE_METHOD_ADAMS};
    for (size_t m = 0; m < 2; m++)
        for (int lanes = 0; lanes < 2; lanes++)
            for (size_t n_thread = 1; n_thread <= 2; n_thread++) {
                costate_ensemble_options kept = ensemble_lane_options(1e-5, 1e-7), again;
                kept.solver.method = methods[m];
                kept.lanes = lanes;
                again = kept;
                again.max_history_bytes = 1;
                again.n_thread = n_thread;
                compare_bits(&rhs, 150, ENSEMBLE_OWN_TIMES, &kept, &again);
                again.max_history_bytes = 400000;
                compare_bits(&rhs, 150, ENSEMBLE_OWN_P, &kept, &again);
            }
}

static void steps_that_were_not_kept_are_counted_as_repeated(void **state) {
    (void)state;
    lane_rhs in_lanes;
    costate_rhs rhs = lane_rhs_wrap(&in_lanes, &lv->rhs);
    for (int lanes = 0; lanes < 2; lanes++) {
        costate_ensemble_options options = ensemble_lane_options(1e-5, 1e-7);
        costate_ensemble *ensemble = NULL;
        ensemble_case c;
        ensemble_result r;
        options.lanes = lanes;
        options.max_history_bytes = 1;
        ensemble_case_create(&c, lv, &rhs, 100, 0);
        ensemble_result_create(&r, &c);
        assert_ok(costate_ensemble_create(&rhs, &options, NULL, &ensemble));
        ensemble_run(ensemble, &c, &r);
        assert_ok(r.differentiated);
        assert_int_equal(costate_ensemble_vjp_counts(ensemble)->n_replay, costate_ensemble_counts(ensemble)->n_step);
        costate_ensemble_destroy(ensemble);
        ensemble_result_destroy(&r);
        ensemble_case_destroy(&c);
    }
}

/* Trajectories alone or in reverse order against all together. */
static void bits_do_not_depend_on_order_or_company(void **state) {
    (void)state;
    enum { N = 90 };
    lane_rhs in_lanes;
    costate_rhs rhs = lane_rhs_wrap(&in_lanes, &lv->rhs);
    costate_ensemble_options options = ensemble_lane_options(1e-5, 1e-7);
    ensemble_case c;
    ensemble_result all, part;
    ensemble_case_create(&c, lv, &rhs, N, ENSEMBLE_OWN_P | ENSEMBLE_OWN_T0);
    ensemble_run_with(&options, &c, &all);
    assert_ok(all.differentiated);
    const size_t n_y = rhs.n_y, n_p = rhs.n_p, width = c.all.n_t * n_y;
    double y0[N * 2], p[N * 4], t0[N], *v = c.v, *y0_all = c.y0, *p_all = c.p, *t0_all = c.t0;
    static double v_back[N * 64];
    for (size_t j = 0; j < N; j++) {
        memcpy(y0 + (N - 1 - j) * n_y, c.y0 + j * n_y, n_y * sizeof *y0);
        memcpy(p + (N - 1 - j) * n_p, c.p + j * n_p, n_p * sizeof *p);
        memcpy(v_back + (N - 1 - j) * width, c.v + j * width, width * sizeof *v);
        t0[N - 1 - j] = c.t0[j];
    }
    c.all.y0 = y0, c.all.p = p, c.all.t0 = t0, c.v = v_back;
    ensemble_run_with(&options, &c, &part);
    for (size_t j = 0; j < N; j++) {
        assert_same_bits_f64(part.y + (N - 1 - j) * width, all.y + j * width, width);
        assert_same_bits_f64(part.y0bar + (N - 1 - j) * n_y, all.y0bar + j * n_y, n_y);
        assert_same_bits_f64(part.pbar + (N - 1 - j) * n_p, all.pbar + j * n_p, n_p);
    }
    ensemble_result_destroy(&part);
    for (size_t j = 0; j < N; j += 11) {
        c.all.n = 1;
        c.n_row = c.all.n_t;
        c.all.y0 = y0_all + j * n_y, c.all.p = p_all + j * n_p, c.all.t0 = t0_all + j, c.v = v + j * width;
        ensemble_run_with(&options, &c, &part);
        assert_same_bits_f64(part.y, all.y + j * width, width);
        assert_same_bits_f64(part.y0bar, all.y0bar + j * n_y, n_y);
        assert_same_bits_f64(part.pbar, all.pbar + j * n_p, n_p);
        ensemble_result_destroy(&part);
    }
    c.v = v;
    ensemble_result_destroy(&all);
    ensemble_case_destroy(&c);
}

/* The right-hand side is the same plain C for all of them. */
static void bits_do_not_depend_on_the_instruction_set(void **state) {
    (void)state;
    lane_rhs in_lanes;
    costate_rhs rhs = lane_rhs_wrap(&in_lanes, &lv->rhs);
    const char *const names[] = {"generic", "fma", "avx2", "avx512"};
    const isa_environment saved = isa_environment_save();
    costate_ensemble_options options = ensemble_lane_options(1e-5, 1e-7);
    ensemble_case c;
    ensemble_result best, r;
    ensemble_case_create(&c, lv, &rhs, 100, ENSEMBLE_OWN_TIMES | ENSEMBLE_BOTH_WAYS);
    ensemble_run_with(&options, &c, &best);
    assert_ok(best.differentiated);
    for (size_t i = 0; i < 4; i++) {
        costate_isa isa;
        isa_environment_set(names[i]);
        if (costate_isa_select(&isa) == COSTATE_OK) {
            ensemble_run_with(&options, &c, &r);
            assert_results_same(&c, &r, &best);
            ensemble_result_destroy(&r);
        }
    }
    isa_environment_set("nonsense");
    costate_ensemble *ensemble = NULL;
    assert_status(costate_ensemble_create(&rhs, &options, NULL, &ensemble), COSTATE_ERR_ARGUMENT);
    isa_environment_restore(&saved);
    ensemble_result_destroy(&best);
    ensemble_case_destroy(&c);
}

/* Loss of the ensemble, with one element of the data displaced. */
static double displaced_loss(costate_ensemble *ensemble, const ensemble_case *c, double *element, double h) {
    ensemble_result r;
    double before = *element, loss = 0.0;
    ensemble_result_create(&r, c);
    *element = before + h;
    assert_ok(costate_ensemble_solve(ensemble, &c->all, r.y, NULL));
    *element = before;
    for (size_t i = 0; i < r.n_y_values; i++)
        loss += c->v[i] * r.y[i];
    ensemble_result_destroy(&r);
    return loss;
}

static double difference(costate_ensemble *ensemble, const ensemble_case *c, double *element) {
    double h = 2e-4 * (1.0 + fabs(*element));
    double near = displaced_loss(ensemble, c, element, h) - displaced_loss(ensemble, c, element, -h);
    double far = displaced_loss(ensemble, c, element, 2 * h) - displaced_loss(ensemble, c, element, -2 * h);
    return (8.0 * near - far) / (12.0 * h);
}

/* Steps of fixed length, much too long to be accurate: the gradient is that of the numbers, not of the equation. */
static void gradient_is_the_derivative_of_the_computed_numbers(void **state) {
    (void)state;
    enum { N = 11 };
    lane_rhs in_lanes;
    costate_rhs rhs = lane_rhs_wrap(&in_lanes, &lv->rhs);
    costate_ensemble_options options = ensemble_lane_options(1e3, 1e3);
    options.solver.h_init = options.solver.h_min = options.solver.h_max = 0.19;
    for (size_t k = 0; k < N_KINDS; k++) {
        costate_ensemble *ensemble = NULL;
        ensemble_case c;
        ensemble_result r;
        ensemble_case_create(&c, lv, &rhs, N, all_kinds[k]);
        ensemble_result_create(&r, &c);
        for (size_t i = 0; i < r.n_pbar; i++)
            r.pbar[i] = 0.0;
        assert_ok(costate_ensemble_create(&rhs, &options, NULL, &ensemble));
        ensemble_run(ensemble, &c, &r);
        assert_ok(r.solved);
        assert_ok(r.differentiated);
        assert_int_equal(costate_ensemble_counts(ensemble)->n_error_fail, 0);
        for (size_t i = 0; i < r.n_pbar; i++)
            assert_close(r.pbar[i], difference(ensemble, &c, &c.p[i]), 1e-7, 1e-8);
        for (size_t i = 0; i < N * rhs.n_y; i++)
            assert_close(r.y0bar[i], difference(ensemble, &c, &c.y0[i]), 1e-7, 1e-8);
        costate_ensemble_destroy(ensemble);
        ensemble_result_destroy(&r);
        ensemble_case_destroy(&c);
    }
}

static void networks_run_in_lanes(void **state) {
    (void)state;
    const costate_layer_spec layers[] = {{.n_out = 5, .act = COSTATE_ACT_TANH}, {.n_out = 1}};
    const costate_net_spec spec = {.n_in = 1, .n_layer = 2, .layers = layers};
    costate_net *net = NULL;
    costate_rhs rhs;
    assert_ok(costate_net_create(&spec, NULL, &net));
    assert_ok(costate_net_rhs(net, &rhs));
    double p[16], y0[] = {0.8};
    assert_int_equal(rhs.n_p, 16);
    for (size_t i = 0; i < rhs.n_p; i++)
        p[i] = sin(1.0 + 0.7 * (double)i);
    const problem decay_net = {.name = "1-5-1", .rhs = rhs, .t_end = 3.0, .y0 = y0, .p = p};
    for (size_t k = 0; k < N_KINDS; k++) {
        costate_ensemble_options options = ensemble_lane_options(1e-6, 1e-8);
        compare_with_loop(&decay_net, &rhs, 130, all_kinds[k], &options, 1e-9);
    }
    costate_net_destroy(net);
}

/* What is left in an ensemble from trajectories that were more, or took more steps, does not show. */
static void ensembles_serve_again_for_other_trajectories(void **state) {
    (void)state;
    const size_t counts[] = {150, 9, 70, 1, 400};
    lane_rhs in_lanes;
    costate_rhs rhs = lane_rhs_wrap(&in_lanes, &lv->rhs);
    for (int lanes = 0; lanes < 2; lanes++)
        for (int limited = 0; limited < 2; limited++) {
            costate_ensemble_options options = ensemble_lane_options(1e-5, 1e-7);
            costate_ensemble *ensemble = NULL;
            options.lanes = lanes;
            if (limited) options.max_history_bytes = 1;
            assert_ok(costate_ensemble_create(&rhs, &options, NULL, &ensemble));
            for (size_t i = 0; i < 10; i++) {
                ensemble_case c;
                ensemble_result fresh, again;
                ensemble_case_create(&c, lv, &rhs, counts[i % 5], all_kinds[i % N_KINDS]);
                ensemble_run_with(&options, &c, &fresh);
                ensemble_result_create(&again, &c);
                ensemble_run(ensemble, &c, &again);
                assert_ok(fresh.differentiated);
                assert_results_same(&c, &again, &fresh);
                ensemble_result_destroy(&fresh);
                ensemble_result_destroy(&again);
                ensemble_case_destroy(&c);
            }
            costate_ensemble_destroy(ensemble);
        }
}

static void outputs_are_optional(void **state) {
    (void)state;
    lane_rhs in_lanes;
    costate_rhs rhs = lane_rhs_wrap(&in_lanes, &lv->rhs);
    for (int lanes = 0; lanes < 2; lanes++)
        for (unsigned kinds = 0; kinds < 2; kinds++) {
            costate_ensemble_options options = ensemble_lane_options(1e-5, 1e-7);
            costate_ensemble *ensemble = NULL;
            ensemble_case c;
            ensemble_result full, part;
            options.lanes = lanes;
            ensemble_case_create(&c, lv, &rhs, 30, kinds);
            ensemble_run_with(&options, &c, &full);
            ensemble_result_create(&part, &c);
            assert_ok(costate_ensemble_create(&rhs, &options, NULL, &ensemble));
            assert_ok(costate_ensemble_solve(ensemble, &c.all, NULL, NULL));
            assert_ok(costate_ensemble_vjp(ensemble, &c.all, c.v, part.y0bar, NULL));
            assert_same_bits_f64(part.y0bar, full.y0bar, 30 * rhs.n_y);
            assert_ok(costate_ensemble_vjp(ensemble, &c.all, c.v, NULL, part.pbar));
            assert_same_bits_f64(part.pbar, full.pbar, full.n_pbar);
            assert_ok(costate_ensemble_vjp(ensemble, &c.all, c.v, NULL, NULL));
            costate_ensemble_destroy(ensemble);
            ensemble_result_destroy(&full);
            ensemble_result_destroy(&part);
            ensemble_case_destroy(&c);
        }
}

/* All times at t0, or too near to it for a step. */
static void trajectories_without_steps_pass_cotangents_on(void **state) {
    (void)state;
    lane_rhs in_lanes;
    costate_rhs rhs = lane_rhs_wrap(&in_lanes, &lv->rhs);
    const double y0[] = {1.0, 2.0, 3.0, 4.0}, t0[] = {0.5, 0.5}, t[] = {0.5, 0.5, 0.5, 1.0};
    const double v[] = {1.0, -2.0, 0.5, 4.0, 0.25, 8.0, 0.0, 0.0};
    const size_t first[] = {0, 2, 4};
    costate_trajectories all = {.n = 2, .y0 = y0, .p = lv->p, .t0 = t0, .own_t0 = true, .t = t, .first = first};
    for (int lanes = 0; lanes < 2; lanes++) {
        double y[8], y0bar[4], pbar[4] = {0.0};
        costate_ensemble_options options = ensemble_lane_options(1e-6, 1e-8);
        costate_ensemble *ensemble = NULL;
        options.lanes = lanes;
        assert_ok(costate_ensemble_create(&rhs, &options, NULL, &ensemble));
        assert_ok(costate_ensemble_solve(ensemble, &all, y, NULL));
        assert_ok(costate_ensemble_vjp(ensemble, &all, v, y0bar, pbar));
        assert_same_bits_f64(y, ((double[]){1.0, 2.0, 1.0, 2.0, 3.0, 4.0}), 6);
        assert_same_bits_f64(y0bar, ((double[]){1.5, 2.0, 0.25, 8.0}), 4);
        assert_close_array(pbar, ((double[]){0.0, 0.0, 0.0, 0.0}), 4, 0.0, 0.0);
        costate_ensemble_destroy(ensemble);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lanes_give_values_and_gradients_of_single_solves),
        cmocka_unit_test(lanes_serve_every_smooth_problem),
        cmocka_unit_test(lanes_honour_step_options),
        cmocka_unit_test(lanes_count_what_single_solves_count),
        cmocka_unit_test(one_at_a_time_has_the_bits_of_single_solves),
        cmocka_unit_test(bits_do_not_depend_on_the_number_of_threads),
        cmocka_unit_test(bits_do_not_depend_on_whether_histories_are_kept),
        cmocka_unit_test(steps_that_were_not_kept_are_counted_as_repeated),
        cmocka_unit_test(bits_do_not_depend_on_order_or_company),
        cmocka_unit_test(bits_do_not_depend_on_the_instruction_set),
        cmocka_unit_test(gradient_is_the_derivative_of_the_computed_numbers),
        cmocka_unit_test(networks_run_in_lanes),
        cmocka_unit_test(ensembles_serve_again_for_other_trajectories),
        cmocka_unit_test(outputs_are_optional),
        cmocka_unit_test(trajectories_without_steps_pass_cotangents_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
