/* SPDX-License-Identifier: MIT */
/* A fit in several stages that is killed at random moments, again and again, ends with the bits of an undisturbed one. */
#define _POSIX_C_SOURCE 200809L

#include "fit_fixture.h"
#include "scratch_file.h"
#include "support/asserts.h"
#include "support/seeded_random.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MAX_X = 32, SEGMENT = 3, ROUNDS = 6 };

/* The first moment of a round, as a part of the undisturbed duration; the later ones come later on average, so that the
 * fit ends. */
static const double FIRST_PART = 0.02;
static const double GROWTH = 1.15;

typedef struct outcome {
    costate_status status;
    double x[FIXTURE_N_X];
    double value;
} outcome;

static costate_status run_stage(costate_journal *journal, uint32_t stage, costate_fit *fit, double *x, double *value) {
    costate_journaled f = {
        .journal = journal, .n = costate_fit_n_x(fit), .f = costate_fit_objective, .ctx = fit, .stage = stage};
    costate_optimum optimum = {0};
    costate_status status;
    if (stage == 0) {
        costate_adam_options options = costate_adam_options_default();
        options.rate = 0.02;
        options.stop.max_iteration = 80;
        status = costate_minimize_adam(f.n, costate_journal_objective, &f, &options, NULL, x, &optimum);
    } else {
        costate_lbfgs_options options = costate_lbfgs_options_default();
        options.stop.max_iteration = 40;
        status = costate_minimize_lbfgs(f.n, costate_journal_objective, &f, &options, NULL, x, &optimum);
    }
    *value = optimum.value;
    return status;
}

/* Adam, L-BFGS with the states of shooting as further unknowns, L-BFGS without. No asserts: this runs in the child too. */
static outcome walk(costate_journal *journal) {
    outcome o = {0};
    fit_fixture fixture;
    double x[MAX_X];
    fit_fixture_fill(&fixture);
    costate_fit *fit = NULL;
    o.status = fit_fixture_try(&fixture, &problem_lotka_volterra.rhs, NULL, &fit);
    memcpy(x, fixture.x, sizeof fixture.x);
    if (o.status == COSTATE_OK) {
        o.status = run_stage(journal, 0, fit, x, &o.value);
    }
    if (o.status == COSTATE_OK) {
        double q[MAX_X];
        (void)costate_fit_natural(fit, x, q);
        o.status = costate_fit_set_shooting(fit, SEGMENT, 2.0, NULL);
        (void)costate_fit_unknowns(fit, q, x);
    }
    if (o.status == COSTATE_OK) {
        o.status = run_stage(journal, 1, fit, x, &o.value);
        (void)costate_fit_set_shooting(fit, 0, 0.0, NULL);
    }
    if (o.status == COSTATE_OK) {
        o.status = run_stage(journal, 2, fit, x, &o.value);
    }
    memcpy(o.x, x, sizeof o.x);
    costate_fit_destroy(fit);
    return o;
}

/* The program that may be killed: its outcome goes to a pipe. */
static void run_child(const char *path, int to_parent) {
    outcome o = {.status = COSTATE_ERR_IO};
    costate_journal *journal = NULL;
    if (costate_journal_open(path, "killed", NULL, &journal, NULL) == COSTATE_OK) {
        o = walk(journal);
        if (costate_journal_close(journal) != COSTATE_OK) {
            o.status = COSTATE_ERR_IO;
        }
    }
    const ssize_t n = write(to_parent, &o, sizeof o);
    _exit(n == (ssize_t)sizeof o ? 0 : 1);
}

static double seconds_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void wait_seconds(double seconds) {
    const struct timespec time = {.tv_sec = (time_t)seconds, .tv_nsec = (long)(1e9 * fmod(seconds, 1.0))};
    (void)nanosleep(&time, NULL);
}

/* Starts the program and kills it after `seconds`. True when it ended by itself. */
static bool run_and_kill(const char *path, double seconds, outcome *o) {
    int ends[2];
    int how;
    assert_int_equal(pipe(ends), 0);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)close(ends[0]);
        run_child(path, ends[1]);
    }
    assert_int_equal(close(ends[1]), 0);
    wait_seconds(seconds);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, &how, 0), child);
    const bool ended = WIFEXITED(how);
    assert_true(ended ? WEXITSTATUS(how) == 0 : WTERMSIG(how) == SIGKILL);
    assert_int_equal(!ended || read(ends[0], o, sizeof *o) == (ssize_t)sizeof *o, 1);
    assert_int_equal(close(ends[0]), 0);
    return ended;
}

static void killed_fit_ends_with_the_same_bits(void **state) {
    (void)state;
    costate_random random = test_random(11);
    const double start = seconds_now();
    const outcome direct = walk(NULL);
    const double seconds = seconds_now() - start;
    size_t n_kill = 0;
    assert_ok(direct.status);
    for (int round = 0; round < ROUNDS; round++) {
        const scratch_file file = scratch_file_create("", 0);
        outcome o = {.status = COSTATE_ERR_STATE};
        double latest = 2.0 * FIRST_PART * seconds;
        while (!run_and_kill(file.path, latest * costate_random_uniform(&random), &o)) {
            latest *= GROWTH;
            n_kill++;
        }
        assert_ok(o.status);
        assert_same_bits_f64(o.x, direct.x, FIXTURE_N_X);
        assert_same_bits_f64(&o.value, &direct.value, 1);
        scratch_file_remove(&file);
    }
    print_message("%zu kills\n", n_kill);
    assert_true(n_kill >= 2 * ROUNDS);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(killed_fit_ends_with_the_same_bits)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
