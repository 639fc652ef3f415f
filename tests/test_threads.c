/* SPDX-License-Identifier: MIT */
/* Threads that fit different trajectories with one shared network give the bits of a single thread. */
#include "gradient_routes.h"
#include "problems.h"
#include "support/asserts.h"

#include <pthread.h>
#include <stdbool.h>
#include <string.h>

enum { N_THREAD = 6, N_ITERATION = 6, N_P = SPIRAL_N_P };

/* One thread's problem and what it gives; nothing else is written by the thread. */
typedef struct job {
    const spiral *shared;
    costate_method method;
    bool sensitivities;
    double y0[SPIRAL_N_Y];
    costate_status status;
    double p[N_P];
    double loss[N_ITERATION];
} job;

/* A few steps of gradient descent with a solver, an adjoint and a sensitivity solver of its own. */
static costate_status descend(job *j, costate_solver *solver, costate_adjoint *adjoint, costate_sensitivity *sens) {
    const spiral *s = j->shared;
    double y[SPIRAL_N_T * SPIRAL_N_Y], v[SPIRAL_N_T * SPIRAL_N_Y], g[N_P];
    memcpy(j->p, s->p, sizeof j->p);
    for (size_t k = 0; k < N_ITERATION; k++) {
        memset(g, 0, sizeof g);
        costate_status status = sens ? costate_sensitivity_solve(sens, j->p, 0.0, j->y0, SPIRAL_N_T, s->t, y, NULL)
                                     : costate_solve(solver, j->p, 0.0, j->y0, SPIRAL_N_T, s->t, y);
        if (status != COSTATE_OK) return status;
        j->loss[k] = spiral_loss(s, y, v);
        status = sens ? costate_sensitivity_vjp(sens, j->p, SPIRAL_N_T, v, NULL, g, NULL)
                      : costate_adjoint_vjp(adjoint, j->p, SPIRAL_N_T, v, NULL, g, NULL);
        if (status != COSTATE_OK) return status;
        for (size_t i = 0; i < N_P; i++)
            j->p[i] -= 1e-4 * g[i];
    }
    return COSTATE_OK;
}

static void *job_run(void *argument) {
    job *j = argument;
    costate_solver *solver = NULL;
    costate_adjoint *adjoint = NULL;
    costate_sensitivity *sens = NULL;
    costate_solver_options options = gradient_options(j->method, 1e-6, 1e-8);
    j->status = costate_solver_create(&j->shared->rhs, &options, NULL, &solver);
    if (j->status == COSTATE_OK) j->status = costate_adjoint_create(solver, NULL, NULL, &adjoint);
    if (j->status == COSTATE_OK && j->sensitivities)
        j->status = costate_sensitivity_create(&j->shared->rhs, &options, COSTATE_SENSITIVITY_STAGGERED, NULL, &sens);
    if (j->status == COSTATE_OK) j->status = descend(j, solver, adjoint, sens);
    costate_sensitivity_destroy(sens);
    costate_adjoint_destroy(adjoint);
    costate_solver_destroy(solver);
    return NULL;
}

static void jobs_fill(job *jobs, const spiral *shared) {
    const costate_method methods[N_THREAD] = {COSTATE_METHOD_ADAMS, COSTATE_METHOD_BDF,    COSTATE_METHOD_ADAMS,
                                              COSTATE_METHOD_TSIT5, COSTATE_METHOD_SDIRK4, COSTATE_METHOD_AUTO};
    for (size_t i = 0; i < N_THREAD; i++) {
        memset(&jobs[i], 0, sizeof jobs[i]);
        jobs[i].shared = shared;
        jobs[i].method = methods[i];
        jobs[i].sensitivities = i == 2;
        jobs[i].y0[0] = 2.0 - 0.3 * (double)i;
        jobs[i].y0[1] = 0.2 * (double)i;
    }
}

static void threads_with_a_shared_network_give_the_bits_of_one_thread(void **state) {
    (void)state;
    static job alone[N_THREAD], together[N_THREAD];
    spiral s;
    assert_ok(spiral_create(&s));
    jobs_fill(alone, &s);
    jobs_fill(together, &s);
    for (size_t i = 0; i < N_THREAD; i++)
        job_run(&alone[i]);
    pthread_t threads[N_THREAD];
    for (size_t i = 0; i < N_THREAD; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, job_run, &together[i]), 0);
    for (size_t i = 0; i < N_THREAD; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    for (size_t i = 0; i < N_THREAD; i++) {
        assert_ok(alone[i].status);
        assert_ok(together[i].status);
        assert_same_bits_f64(together[i].p, alone[i].p, N_P);
        assert_same_bits_f64(together[i].loss, alone[i].loss, N_ITERATION);
        assert_true(alone[i].loss[N_ITERATION - 1] < alone[i].loss[0]);
    }
    spiral_destroy(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_with_a_shared_network_give_the_bits_of_one_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
