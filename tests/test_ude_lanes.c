/* SPDX-License-Identifier: MIT */
/* UDEs in lanes: bounds, memory, answers of single lanes, and ensembles with and without lanes. */
#include "ude_fixture.h"

#include "support/asserts.h"
#include "support/guard_page.h"
#include "support/malloc_count.h"
#include <costate/ensemble.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Arrays of all lanes that end at inaccessible pages. */
typedef struct lane_arrays {
    guard_buffer t, y, p, v, out, pbar, work;
} lane_arrays;

static guard_buffer spread(const double *from, size_t n, size_t bytes) {
    guard_buffer all = guard_create((bytes + 63) / 64 * 64, GUARD_AFTER);
    for (size_t i = 0; from != NULL && i < n * COSTATE_LANES; i++) {
        ((double *)all.data)[i] = from[i / COSTATE_LANES] * (1 + 0.01 * (double)(i % COSTATE_LANES));
    }
    return all;
}

static void arrays_make(const ude_fixture *fx, lane_arrays *a) {
    static const double t = 0.5;
    const size_t one = COSTATE_LANES * sizeof(double), n_y = UDE_N_Y, n_p = fx->rhs.n_p;
    *a = (lane_arrays){.t = spread(&t, 1, one),
                       .y = spread(fx->y, n_y, n_y * one),
                       .p = spread(fx->p, n_p, n_p * one),
                       .v = spread(fx->v, n_y, n_y * one),
                       .out = spread(NULL, 0, n_y * one),
                       .pbar = spread(NULL, 0, n_p * one),
                       .work = spread(NULL, 0, fx->rhs.lanes_work_bytes)};
    memset(a->work.data, 0xff, fx->rhs.lanes_work_bytes);
}

static void arrays_release(lane_arrays *a) {
    guard_buffer *all[] = {&a->t, &a->y, &a->p, &a->v, &a->out, &a->pbar, &a->work};
    for (size_t k = 0; k < sizeof all / sizeof *all; k++) {
        guard_destroy(all[k]);
    }
}

static int call_f(const ude_fixture *fx, const lane_arrays *a) {
    return fx->rhs.f_lanes(a->t.data, a->y.data, a->p.data, a->out.data, a->work.data, fx->rhs.ctx);
}

static int call_vjp(const ude_fixture *fx, const lane_arrays *a, bool want_pbar) {
    return fx->rhs.vjp_lanes(a->t.data, a->y.data, a->p.data, a->v.data, a->out.data, want_pbar ? a->pbar.data : NULL,
                             a->work.data, fx->rhs.ctx);
}

static void lanes_stay_inside_their_arrays_and_allocate_nothing(void **state) {
    (void)state;
    for (size_t form = 0; form < UDE_N_FORM; form++) {
        for (size_t set = 0; set < UDE_N_SET; set++) {
            ude_fixture fx;
            lane_arrays a;
            ude_fixture_make(&fx, (costate_ude_form)form, set, set % 2 == 0 ? UDE_VJP : 0);
            arrays_make(&fx, &a);
            malloc_count_start();
            const int f = call_f(&fx, &a), both = call_vjp(&fx, &a, true), alone = call_vjp(&fx, &a, false);
            const malloc_counts counts = malloc_count_stop();
            assert_int_equal(f, COSTATE_ANSWER_OK);
            assert_int_equal(both, COSTATE_ANSWER_OK);
            assert_int_equal(alone, COSTATE_ANSWER_OK);
            assert_all_finite((const double *)a.out.data, (size_t)UDE_N_Y * COSTATE_LANES);
            assert_all_finite((const double *)a.pbar.data, fx.rhs.n_p * COSTATE_LANES);
            if (malloc_count_available()) {
                assert_int_equal(counts.here + counts.other, 0);
            }
            arrays_release(&a);
            ude_fixture_release(&fx);
        }
    }
}

/* The mechanism of the fixture, which refuses at one of its calls. */
typedef struct moody {
    size_t n_call, bad;
    int answer;
} moody;

static int moody_f(double t, const double *y, const double *theta, const double *u, double *dydt, void *ctx) {
    moody *m = ctx;
    (void)ude_mechanism(0).f(t, y, theta, u, dydt, NULL);
    return ++m->n_call == m->bad ? m->answer : COSTATE_ANSWER_OK;
}

static int moody_vjp(double t, const double *y, const double *theta, const double *u, const double *v, double scale,
                     double *ybar, double *thetabar, double *ubar, void *ctx) {
    moody *m = ctx;
    (void)ude_mechanism(0).vjp(t, y, theta, u, v, scale, ybar, thetabar, ubar, NULL);
    return ++m->n_call == m->bad ? m->answer : COSTATE_ANSWER_OK;
}

static void answer_of_any_lane_is_passed_on(void **state) {
    (void)state;
    static const int answers[] = {COSTATE_ANSWER_RETRY, -23};
    for (size_t form = 0; form < UDE_N_FORM; form++) {
        for (size_t lane = 0; lane < 2 * COSTATE_LANES; lane++) {
            moody m = {0};
            ude_fixture fx;
            lane_arrays a;
            ude_fixture_spec(&fx, (costate_ude_form)form, 1, UDE_VJP);
            fx.spec.mechanism.f = moody_f;
            fx.spec.mechanism.vjp = moody_vjp;
            fx.spec.mechanism.ctx = &m;
            ude_fixture_create(&fx);
            arrays_make(&fx, &a);
            m = (moody){.bad = lane / 2 + 1, .answer = answers[lane % 2]};
            assert_int_equal(call_f(&fx, &a), answers[lane % 2]);
            m.n_call = 0;
            assert_int_equal(call_vjp(&fx, &a, true), answers[lane % 2]);
            arrays_release(&a);
            ude_fixture_release(&fx);
        }
    }
}

/* Beyond its wall the mechanism asks for smaller steps: the lanes of others go on. */
static int walled(double t, const double *y, const double *theta, const double *u, double *dydt, void *ctx) {
    (void)ctx;
    (void)ude_mechanism(0).f(t, y, theta, u, dydt, NULL);
    return y[0] > 20 ? COSTATE_ANSWER_RETRY : COSTATE_ANSWER_OK;
}

enum { N_TRAJECTORY = 11, N_T = 5, BAD = 4 };

typedef struct ensemble_result {
    double y[N_TRAJECTORY * N_T * UDE_N_Y], y0bar[N_TRAJECTORY * UDE_N_Y], pbar[512];
    costate_status status[N_TRAJECTORY];
} ensemble_result;

static void run(const ude_fixture *fx, const costate_trajectories *all, const double *v, bool lanes,
                ensemble_result *result) {
    costate_ensemble_options options = costate_ensemble_options_default();
    options.solver.method = COSTATE_METHOD_TSIT5;
    options.solver.rtol = 1e-9;
    options.solver.atol = 1e-11;
    options.lanes = lanes;
    options.n_thread = 2;
    costate_ensemble *ensemble = NULL;
    memset(result, 0, sizeof *result);
    assert_ok(costate_ensemble_create(&fx->rhs, &options, NULL, &ensemble));
    (void)costate_ensemble_solve(ensemble, all, result->y, result->status);
    (void)costate_ensemble_vjp(ensemble, all, v, result->y0bar, result->pbar);
    costate_ensemble_destroy(ensemble);
}

static void check_ensemble(ude_fixture *fx, bool one_is_bad) {
    static const double theta[UDE_N_THETA] = {0.5, 0.3, 0.4}, t[N_T] = {0.2, 0.4, 0.6, 0.8, 1.0};
    static ensemble_result in_lanes, alone;
    double y0[N_TRAJECTORY * UDE_N_Y], v[N_TRAJECTORY * N_T * UDE_N_Y];
    memcpy(fx->p, theta, sizeof theta);
    for (size_t i = 0; i < N_TRAJECTORY * UDE_N_Y; i++) {
        y0[i] = 1 + 0.5 * sin(1.0 + (double)i);
    }
    if (one_is_bad) {
        y0[BAD * UDE_N_Y] = 30;
    }
    for (size_t i = 0; i < N_TRAJECTORY * N_T * UDE_N_Y; i++) {
        v[i] = cos((double)i);
    }
    const double t0 = 0;
    const costate_trajectories all = {.n = N_TRAJECTORY, .y0 = y0, .p = fx->p, .t0 = &t0, .n_t = N_T, .t = t};
    run(fx, &all, v, true, &in_lanes);
    run(fx, &all, v, false, &alone);
    for (size_t j = 0; j < N_TRAJECTORY; j++) {
        assert_status(alone.status[j], one_is_bad && j == BAD ? COSTATE_ERR_RHS_RETRY : COSTATE_OK);
        assert_status(in_lanes.status[j], alone.status[j]);
        if (alone.status[j] == COSTATE_OK) {
            assert_close_array(in_lanes.y + j * N_T * UDE_N_Y, alone.y + j * N_T * UDE_N_Y, N_T * UDE_N_Y, 1e-8, 1e-8);
            assert_close_array(in_lanes.y0bar + j * UDE_N_Y, alone.y0bar + j * UDE_N_Y, UDE_N_Y, 1e-7, 1e-7);
        }
    }
    double size = 0;
    for (size_t k = 0; k < fx->rhs.n_p; k++) {
        size = fmax(size, fabs(alone.pbar[k]));
    }
    assert_true(size > 0.1);
    assert_close_array(in_lanes.pbar, alone.pbar, fx->rhs.n_p, 1e-7, 1e-7 * size);
}

static void ensembles_in_lanes_agree_with_single_trajectories(void **state) {
    (void)state;
    for (size_t form = 0; form < UDE_N_FORM; form++) {
        ude_fixture fx;
        ude_fixture_make(&fx, (costate_ude_form)form, 1, UDE_VJP);
        check_ensemble(&fx, false);
        ude_fixture_release(&fx);
        ude_fixture_spec(&fx, (costate_ude_form)form, 2, UDE_VJP);
        fx.spec.mechanism.f = walled;
        ude_fixture_create(&fx);
        check_ensemble(&fx, true);
        ude_fixture_release(&fx);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lanes_stay_inside_their_arrays_and_allocate_nothing),
        cmocka_unit_test(answer_of_any_lane_is_passed_on),
        cmocka_unit_test(ensembles_in_lanes_agree_with_single_trajectories),
    };
    return cmocka_run_group_tests_name("ude_lanes", tests, NULL, NULL);
}
