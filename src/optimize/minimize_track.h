/* SPDX-License-Identifier: MIT */
/* What every optimiser shares: evaluations, the best point, stop criteria and progress. */
#ifndef CSI_MINIMIZE_TRACK_H
#define CSI_MINIMIZE_TRACK_H

#include <costate/alloc.h>
#include <costate/optimize.h>
#include <stdbool.h>
#include <stddef.h>

/* One optimisation. An optimiser evaluates only through csi_track_evaluate() and goes on while `done` is false. */
typedef struct csi_track {
    size_t n;
    costate_objective_fn f;
    void *ctx;
    costate_stop_criteria criteria;
    costate_allocator alloc;

    double *best_x;    /* n elements, the best point so far, at first the start; one block with best_grad */
    double *best_grad; /* n elements, the gradient there */
    double best;       /* +infinity before the first feasible point */
    double best_norm;

    double value;     /* of the last evaluation; that of the best point when it failed */
    double grad_norm; /* likewise */
    bool feasible;    /* the last evaluation gave a finite value and gradient */

    size_t n_iteration;
    size_t n_eval;
    size_t n_fail;
    double start_seconds;

    bool done;
    costate_stop stop;
    costate_status status; /* not OK: the objective ended the run */
} csi_track;

/* True if an objective that gives this status ends the optimisation: another point would not help. */
bool csi_status_ends_run(costate_status status);

/* True if the criteria are within their documented ranges. */
bool csi_stop_criteria_valid(const costate_stop_criteria *criteria);

/* Starts at x; COSTATE_OK or COSTATE_ERR_MEMORY. */
costate_status csi_track_start(csi_track *track, size_t n, costate_objective_fn f, void *ctx, const double *x,
                               const costate_stop_criteria *criteria, const costate_allocator *alloc);

/* Evaluates at x; true if the point is feasible. Sets `done` when the status of the objective ends the run. */
bool csi_track_evaluate(csi_track *track, const double *x, double *grad);

/* Stops for value, gradient, iteration or time limit. */
void csi_track_check(csi_track *track);

/* Counts an iteration that ended at x, reports progress, and checks the criteria. */
void csi_track_iteration(csi_track *track, const double *x);

/* Ends the run for the given reason unless it has ended already. */
void csi_track_stop(csi_track *track, costate_stop stop);

/* Writes the best point (the start if none was feasible) and the outcome, releases memory, and returns what the optimiser returns. */
costate_status csi_track_finish(csi_track *track, double *x, costate_optimum *optimum);

#endif
