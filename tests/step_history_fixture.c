/* SPDX-License-Identifier: MIT */
/* A made-up one-step method whose every step is a fixed function of what a history promises to give back, and solves
 * with it. */
#include "step_history_fixture.h"

#include "support/asserts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define EVERY_RESTART 17 /* steps from one discontinuity to the next */
#define EVERY_CHANGE 10  /* steps from one method to the other */

static const csi_tableau explicit_method = {.n_stage = 7};
static const csi_tableau implicit_method = {.n_stage = 4, .gamma = 0.25};

fake_solve fake_solve_create(const csi_step_shape *shape, size_t n_step) {
    fake_solve solve = {.shape = *shape, .n_step = n_step};
    solve.digest = malloc((n_step + 1) * sizeof *solve.digest);
    assert_non_null(solve.digest);
    return solve;
}

void fake_solve_destroy(fake_solve *solve) { free(solve->digest); }

static double slope(double t, double y, size_t i) { return cos(y + t + (double)i); }

static void evaluate_start(const fake_solve *solve, csi_step_record *record) {
    for (size_t i = 0; i < solve->shape.n; i++) {
        record->k[i] = slope(record->t_first, record->y[i], i);
    }
}

static void factorise(const fake_solve *solve, csi_step_record *record) {
    const size_t n = solve->shape.n;
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < n; j++) {
            record->newton[i + n * j] = record->h * record->y[j] + (double)i;
        }
        record->pivot[i] = (int64_t)(1e6 * record->y[i]);
    }
}

static unsigned char kept_byte(const csi_step_record *record, size_t b) {
    return (unsigned char)((size_t)(1e6 * fabs(record->k[0])) + b);
}

static size_t kept_bytes(const fake_solve *solve) { return (solve->shape.n_slope - 1) * solve->shape.kept_stride; }

static void step(const fake_solve *solve, csi_step_record *record, double *y_end) {
    const size_t n = solve->shape.n;
    const size_t n_stage = (size_t)record->tableau->n_stage;
    for (size_t s = 1; s < n_stage; s++) {
        const double t = s == n_stage - 1 ? record->t_last : record->t + record->h * (double)s / 8.0;
        for (size_t i = 0; i < n; i++) {
            record->k[s * n + i] = slope(t, record->y[i] + record->h * record->k[(s - 1) * n + (i + 1) % n], i);
        }
    }
    if (csi_tableau_is_implicit(record->tableau)) {
        factorise(solve, record);
    }
    record->has_kept = record->kept != NULL;
    for (size_t b = 0; record->kept != NULL && b < kept_bytes(solve); b++) {
        record->kept[b] = kept_byte(record, b);
    }
    for (size_t i = 0; i < n; i++) {
        y_end[i] = record->y[i] + record->h * record->k[(n_stage - 1) * n + i];
    }
}

static int repeat(csi_step_record *record, double *y_end, void *ctx) {
    fake_solve *solve = ctx;
    assert_false(record->has_kept);
    solve->n_replay++;
    if (solve->n_replay == solve->fail_at) {
        return FAKE_FAILURE;
    }
    if (record->restart) {
        evaluate_start(solve, record);
    }
    step(solve, record, y_end);
    return 0;
}

csi_step_replay fake_replay(fake_solve *solve) { return (csi_step_replay){.step = repeat, .ctx = solve}; }

static uint64_t mix(uint64_t digest, const void *data, size_t bytes) {
    for (size_t b = 0; b < bytes; b++) {
        unsigned char byte;
        memcpy(&byte, (const unsigned char *)data + b, 1);
        digest = (digest ^ byte) * UINT64_C(1099511628211);
    }
    return digest;
}

uint64_t fake_digest(const fake_solve *solve, const csi_step_record *record) {
    const size_t n = solve->shape.n;
    const double times[] = {record->t, record->t_end, record->h, record->t_first, record->t_last};
    const unsigned char flags[] = {record->restart, csi_tableau_is_implicit(record->tableau)};
    uint64_t digest = mix(UINT64_C(14695981039346656037), times, sizeof times);
    digest = mix(digest, flags, sizeof flags);
    digest = mix(digest, record->y, n * sizeof *record->y);
    digest = mix(digest, record->k, (size_t)record->tableau->n_stage * n * sizeof *record->k);
    if (csi_tableau_is_implicit(record->tableau)) {
        digest = mix(digest, record->newton, n * n * sizeof *record->newton);
        digest = mix(digest, record->pivot, n * sizeof *record->pivot);
    }
    assert_int_equal(record->has_kept, record->kept != NULL);
    for (size_t b = 0; record->kept != NULL && b < kept_bytes(solve); b++) {
        assert_int_equal(record->kept[b], kept_byte(record, b));
    }
    return digest;
}

/* Step `index`, which follows `before` (NULL at the first) and starts from y. */
static void begin_step(const fake_solve *solve, size_t index, double t, const csi_step_record *before, const double *y,
                       csi_step_record *record) {
    const size_t n = solve->shape.n;
    const bool implicit = solve->shape.implicit && index / EVERY_CHANGE % 2 == 1;
    record->tableau = implicit ? &implicit_method : &explicit_method;
    record->t = t;
    record->h = 0.1 / (double)(1 + index % 7);
    record->t_end = record->t + record->h;
    record->restart = index % EVERY_RESTART == 0;
    record->t_first = record->restart && index > 0 ? nextafter(t, record->t_end) : t;
    record->t_last = (index + 1) % EVERY_RESTART == 0 ? nextafter(record->t_end, t) : record->t_end;
    memcpy(record->y, y, n * sizeof *y);
    if (record->restart) {
        evaluate_start(solve, record);
    } else {
        memcpy(record->k, before->k + (size_t)(before->tableau->n_stage - 1) * n, n * sizeof *record->k);
    }
}

costate_status fake_solve_forward(fake_solve *solve, csi_step_history *history) {
    double *y = calloc(solve->shape.n, sizeof *y);
    assert_non_null(y);
    costate_status status = COSTATE_OK;
    const csi_step_record *before = NULL;
    csi_step_history_begin(history);
    for (size_t i = 0; i < solve->n_step && status == COSTATE_OK; i++) {
        csi_step_record *record = csi_step_history_next(history);
        if (record == NULL) {
            status = COSTATE_ERR_MEMORY;
            break;
        }
        assert_ptr_equal(csi_step_history_next(history), record);
        begin_step(solve, i, before != NULL ? before->t_end : 0.0, before, y, record);
        step(solve, record, y);
        solve->digest[i] = fake_digest(solve, record);
        assert_int_equal(csi_step_history_count(history), i);
        status = csi_step_history_accept(history);
        before = record;
    }
    free(y);
    return status;
}

void fake_solve_backward(fake_solve *solve, csi_step_history *history) {
    const csi_step_replay replay = fake_replay(solve);
    for (size_t i = solve->n_step; i-- > 0;) {
        int answer = -1;
        const csi_step_record *record = csi_step_history_back(history, i, &replay, &answer);
        assert_non_null(record);
        assert_int_equal(answer, 0);
        assert_true(fake_digest(solve, record) == solve->digest[i]);
    }
}
