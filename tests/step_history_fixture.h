/* SPDX-License-Identifier: MIT */
/* A made-up one-step method whose every step is a fixed function of what a history promises to give back, and solves
 * with it. */
#ifndef TEST_STEP_HISTORY_FIXTURE_H
#define TEST_STEP_HISTORY_FIXTURE_H

#include "ode/step_history.h"
#include "support/allocators.h"

typedef struct fake_solve {
    csi_step_shape shape;
    size_t n_step;
    uint64_t *digest; /* of each step's record */
    size_t n_replay;
    size_t fail_at; /* the replay (first is 1) that answers FAKE_FAILURE; 0: none does */
} fake_solve;

enum { FAKE_FAILURE = 7 };

fake_solve fake_solve_create(const csi_step_shape *shape, size_t n_step);
void fake_solve_destroy(fake_solve *solve);

/* All steps forward; COSTATE_ERR_MEMORY when the history had none. Digests every record. */
costate_status fake_solve_forward(fake_solve *solve, csi_step_history *history);

/* All steps backward; fails the test unless every record is, to the bit, what it was. */
void fake_solve_backward(fake_solve *solve, csi_step_history *history);

csi_step_replay fake_replay(fake_solve *solve);

/* Of everything in the record but has_kept and `kept`; fails the test if these do not fit to each other. */
uint64_t fake_digest(const fake_solve *solve, const csi_step_record *record);

#endif
