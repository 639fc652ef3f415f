/* SPDX-License-Identifier: MIT */
/* One implicit step of any problem, outside of a solver. */
#ifndef IMPLICIT_FIXTURE_H
#define IMPLICIT_FIXTURE_H

#include "faulty_rhs.h"
#include "ode/implicit_step.h"
#include "ode/stage.h"
#include "problems.h"

/* Everything a step needs; about 30 kB, make it static. */
typedef struct implicit_fixture {
    const problem *problem;
    faulty_rhs faulty;
    costate_solve_counts counts;
    csi_rhs_calls calls;
    csi_implicit implicit;
    double atol[PROBLEM_MAX_Y];
    csi_step_record record;
    double y[PROBLEM_MAX_Y], y_end[PROBLEM_MAX_Y];
    double k[CSI_STAGE_MAX * PROBLEM_MAX_Y];
    double newton[PROBLEM_MAX_Y * PROBLEM_MAX_Y];
    int64_t pivot[PROBLEM_MAX_Y];
    _Alignas(64) unsigned char kept[1024];
} implicit_fixture;

/* Scratch is filled with rubbish, so that nothing can depend on it. `keeps`: with f_keep and vjp_kept. */
void implicit_fixture_create(implicit_fixture *f, const problem *tried, double rtol, double atol, bool keeps);
void implicit_fixture_destroy(implicit_fixture *f);

/* The step from y at t, slope included, up to the call of csi_implicit_step(). */
void implicit_fixture_begin(implicit_fixture *f, double t, const double *y, double h);

/* begin, and the step; its outcome. */
int implicit_fixture_step(implicit_fixture *f, double t, const double *y, double h);

/*
 * y: from the problem's y0 on by growing steps for `duration`, so that its fast components are where they belong. The
 * fixture must not be in use.
 */
void implicit_fixture_settle(implicit_fixture *f, const problem *tried, double duration, double *y);

/* State of a stage of the last step. */
void implicit_fixture_stage(const implicit_fixture *f, int stage, double *state);

#endif
