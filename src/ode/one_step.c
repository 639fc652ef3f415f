/* SPDX-License-Identifier: MIT */
/* Adaptive integration by a one-step method: created once, run as often as needed; every accepted step goes to a
 * history. */
#include "ode/one_step.h"

#include "core/finite.h"
#include "core/memory.h"
#include "ode/explicit_step.h"
#include "ode/first_step.h"
#include "ode/stage.h"
#include "ode/step_control.h"
#include "ode/step_error.h"

#include <float.h>
#include <math.h>
#include <string.h>

bool csi_one_step_may_be_implicit(costate_method method) {
    return method == COSTATE_METHOD_SDIRK4 || method == COSTATE_METHOD_AUTO;
}

const csi_tableau *csi_one_step_explicit(costate_method method) {
    switch (method) {
    case COSTATE_METHOD_TSIT5:
    case COSTATE_METHOD_AUTO: return &csi_tsit5;
    case COSTATE_METHOD_DOP853: return &csi_dop853;
    default: return NULL;
    }
}

static costate_status measure_record(csi_one_step *one) {
    const costate_rhs *rhs = &one->calls->rhs;
    const csi_tableau *tableau = csi_one_step_explicit(one->options.method);
    const bool implicit = csi_one_step_may_be_implicit(one->options.method);
    const int n_slope = tableau != NULL ? csi_tableau_n_slope(tableau) : 0;
    one->shape = (csi_step_shape){.n = one->n, .n_slope = (size_t)n_slope, .implicit = implicit};
    if (implicit && n_slope < csi_sdirk4.n_stage) {
        one->shape.n_slope = (size_t)csi_sdirk4.n_stage;
    }
    if (tableau != NULL && one->options.record && csi_rhs_keeps(rhs)) {
        size_t stride = 0;
        if (!csi_size_add(rhs->kept_bytes, CSI_ALIGNMENT - 1, &stride)) {
            return COSTATE_ERR_OVERFLOW;
        }
        one->shape.kept_stride = stride - stride % CSI_ALIGNMENT;
    }
    return COSTATE_OK;
}

void csi_one_step_set_rtol(csi_one_step *one, double rtol) {
    one->options.rtol = rtol;
    one->implicit.rtol = rtol;
}

static costate_status allocate_parts(csi_one_step *one, const costate_allocator *alloc) {
    costate_status status = measure_record(one);
    if (status == COSTATE_OK) {
        status = csi_step_history_create(&one->shape, one->options.record, one->options.max_history_bytes, alloc,
                                         &one->history);
    }
    if (status == COSTATE_OK && one->shape.implicit) {
        status = csi_implicit_init(&one->implicit, one->n, alloc);
        one->implicit.rtol = one->options.rtol;
        one->implicit.atol = one->atol;
    }
    if (status != COSTATE_OK) {
        return status;
    }
    one->block = csi_alloc(alloc, one->n, 3 * sizeof(double));
    if (one->block == NULL) {
        return COSTATE_ERR_MEMORY;
    }
    one->stage = one->block;
    one->y_end = one->stage + one->n;
    one->error = one->y_end + one->n;
    return COSTATE_OK;
}

costate_status csi_one_step_create(const costate_solver_options *options, csi_rhs_calls *calls, const double *atol,
                                   csi_detail *detail, const costate_allocator *alloc, csi_one_step **one) {
    *one = NULL;
    csi_one_step *made = csi_alloc(alloc, 1, sizeof *made);
    if (made == NULL) {
        return COSTATE_ERR_MEMORY;
    }
    made->options = *options;
    made->calls = calls;
    made->atol = atol;
    made->detail = detail;
    made->n = calls->rhs.n_y;
    const costate_status status = allocate_parts(made, alloc);
    if (status != COSTATE_OK) {
        csi_one_step_destroy(made, alloc);
        return status;
    }
    *one = made;
    return COSTATE_OK;
}

void csi_one_step_destroy(csi_one_step *one, const costate_allocator *alloc) {
    if (one == NULL) {
        return;
    }
    csi_step_history_destroy(one->history);
    csi_implicit_clear(&one->implicit, alloc);
    csi_release(alloc, one->block);
    csi_release(alloc, one);
}

/* How many of the discontinuities lie before t or, if `with` is true, at or before it. */
static size_t count_jumps(const csi_one_step *one, double t, bool with) {
    size_t low = 0;
    size_t high = one->n_jump;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (one->jump[middle] < t || (with && one->jump[middle] == t)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool is_jump(const csi_one_step *one, double t) {
    return one->n_jump > 0 && count_jumps(one, t, true) > count_jumps(one, t, false);
}

/* Where a step from t must not reach beyond: the next discontinuity, else the end. */
static double stop_after(const csi_one_step *one, double t, double t_end) {
    if (one->direction > 0.0) {
        const size_t next = count_jumps(one, t, true);
        return next < one->n_jump && one->jump[next] < t_end ? one->jump[next] : t_end;
    }
    const size_t before = count_jumps(one, t, false);
    return before > 0 && one->jump[before - 1] > t_end ? one->jump[before - 1] : t_end;
}

/* Index of a state whose tolerance at the start of the step is zero; n if there is none. */
static size_t weightless_state(const csi_one_step *one, const double *y) {
    size_t i = 0;
    while (i < one->n && one->options.rtol * fabs(y[i]) + one->atol[i] > 0.0) {
        i++;
    }
    return i;
}

static costate_status refuse_weight(csi_one_step *one, size_t i, double t) {
    return csi_fail(one->detail, COSTATE_ERR_ACCURACY, "the tolerance of element %zu of y is zero at t = %.17g", i, t);
}

/* The status, with text, of a step from t that cannot be made shorter. */
static costate_status give_up(csi_one_step *one, double t) {
    const char *because = "";
    switch (one->trouble) {
    case CSI_STEP_FAIL: because = "a callback failed"; break;
    case CSI_STEP_RETRY: because = "a callback kept asking for a smaller step"; break;
    case CSI_STEP_NONFINITE: because = "a callback gave NaN or infinity"; break;
    case CSI_STEP_NO_CONVERGENCE: because = "Newton's iteration failed"; break;
    default: because = "the error test failed at the smallest step"; break;
    }
    return csi_fail(one->detail, csi_step_status(one->trouble), "%s in a step of y from t = %.17g (h = %.3g)", because,
                    t, one->h);
}

/* True if output is wanted within the step, and takes slopes that the step does not have. */
static bool wants_extra(const csi_one_step *one, const csi_step_record *record) {
    const csi_time_grid *grid = one->grid;
    return record->tableau->n_extra > 0 && grid != NULL && grid->n_done < grid->n_t &&
           (grid->t[grid->n_done] - record->t_end) * grid->direction < 0.0;
}

/* One try of the step in the record; its error's mean square. */
static int try_step(csi_one_step *one, csi_step_record *record, double *square) {
    const csi_step_tolerance tolerance = {.n = one->n, .rtol = one->options.rtol, .atol = one->atol};
    int outcome;
    if (csi_tableau_is_implicit(one->tableau)) {
        outcome = csi_implicit_step(&one->implicit, one->calls, record, one->jacobian_known, one->y_end);
        one->jacobian_known = outcome != CSI_STEP_FAIL;
        if (outcome == CSI_STEP_OK) {
            csi_implicit_error(&one->implicit, record, one->error);
            *square = csi_step_error_given(record, &tolerance, one->y_end, one->error);
        }
    } else {
        outcome = csi_explicit_step(one->calls, record, one->shape.kept_stride, one->stage, one->y_end);
        if (outcome == CSI_STEP_OK) {
            *square = csi_step_error_explicit(record, &tolerance, one->y_end);
        }
        if (outcome == CSI_STEP_OK && *square <= 1.0 && wants_extra(one, record)) {
            outcome = csi_explicit_extra(one->calls, record, one->shape.kept_stride, one->stage);
        }
    }
    return outcome == CSI_STEP_OK && !isfinite(*square) ? CSI_STEP_NONFINITE : outcome;
}

static void set_end(csi_one_step *one, csi_step_record *record, double stop) {
    const double left = stop - record->t;
    const double h_max = one->options.h_max;
    const double stretch = h_max > 0.0 && fabs(left) > h_max * (1.0 + CSI_LENGTH_ROUNDING) ? 1.0 : CSI_STRETCH;
    const bool cut = fabs(one->h) * stretch >= fabs(left);
    record->t_end = cut ? stop : record->t + one->h;
    record->h = record->t_end - record->t; /* as rounded, or the steps would not add up to the interval */
    record->t_last = cut && is_jump(one, stop) ? nextafter(stop, record->t) : record->t_end;
}

/* The length after an accepted step; a step that was cut short does not shorten the next one. */
static void propose(csi_one_step *one, const csi_step_record *record, double square) {
    const double log_error = csi_log2_error(square);
    double factor = csi_growth(log_error, one->log_error, one->tableau->error_order);
    if (one->rejected && factor > 1.0) {
        factor = 1.0;
    }
    double length = fabs(record->h) * factor;
    if (fabs(record->h) < fabs(one->h) * (1.0 - CSI_LENGTH_ROUNDING) && length < fabs(one->h)) {
        length = fabs(one->h);
    }
    if (one->options.h_max > 0.0) {
        length = fmin(length, one->options.h_max);
    }
    one->h = copysign(fmax(length, one->options.h_min), one->direction);
    one->log_error = log_error;
    one->rejected = false;
}

/* Shortens the step for another try; false if it is as short as it may be. */
static bool shorten(csi_one_step *one, const csi_step_record *record, double factor) {
    const double length = fabs(record->h);
    const double least = fmax(one->options.h_min, CSI_LEAST_ULPS * DBL_EPSILON * fabs(record->t));
    if (!(length > least)) {
        return false;
    }
    one->h = copysign(fmax(factor * length, least), one->direction);
    one->rejected = true;
    return length > DBL_MIN;
}

/* Tries until the step is accepted. */
static costate_status make_step(csi_one_step *one, csi_step_record *record, double stop) {
    costate_solve_counts *counts = one->calls->counts;
    one->jacobian_known = false;
    record->tableau = one->tableau;
    for (int n_try = 1;; n_try++) {
        double square = 0.0;
        set_end(one, record, stop);
        const int outcome = try_step(one, record, &square);
        if (outcome == CSI_STEP_OK && square <= 1.0) {
            propose(one, record, square);
            return COSTATE_OK;
        }
        one->trouble = outcome == CSI_STEP_OK ? CSI_STEP_INACCURATE : outcome;
        double factor = CSI_SHRINK_BLIND;
        if (one->trouble == CSI_STEP_INACCURATE) {
            counts->n_error_fail++;
            factor = csi_shrinkage(csi_log2_error(square), one->tableau->error_order);
        } else if (outcome == CSI_STEP_NO_CONVERGENCE) {
            counts->n_nonlin_fail++;
        } else if (outcome == CSI_STEP_NONFINITE && weightless_state(one, record->y) < one->n) {
            return refuse_weight(one, weightless_state(one, record->y), record->t);
        }
        if (outcome == CSI_STEP_FAIL || n_try == CSI_TRIES_MAX || !shorten(one, record, factor)) {
            return give_up(one, record->t);
        }
    }
}

/* f at the start of a step that has no step before it. */
static costate_status evaluate_start(csi_one_step *one, csi_step_record *record) {
    const int answer = csi_call_f(one->calls, record->t_first, record->y, record->k);
    one->trouble = csi_step_outcome(answer);
    if (answer == 0 && csi_all_finite(record->k, one->n)) {
        return COSTATE_OK;
    }
    one->trouble = answer == 0 ? CSI_STEP_NONFINITE : one->trouble;
    return give_up(one, record->t);
}

static costate_status choose_first_step(csi_one_step *one, const csi_step_record *record, double t_end) {
    double length = one->options.h_init;
    if (length == 0.0) {
        const csi_first_step first = {.n = one->n,
                                      .order = one->tableau->error_order + 1,
                                      .t = record->t_first,
                                      .t_end = t_end,
                                      .y = record->y,
                                      .slope = record->k,
                                      .rtol = one->options.rtol,
                                      .atol = one->atol,
                                      .scratch = one->stage};
        int answer = 0;
        length = csi_first_step_estimate(&first, one->calls, &answer);
        if (answer < 0) {
            one->trouble = CSI_STEP_FAIL;
            return give_up(one, record->t);
        }
        length = fmax(length, 2.0 * CSI_LEAST_ULPS * DBL_EPSILON * fabs(record->t));
    }
    if (one->options.h_max > 0.0) {
        length = fmin(length, one->options.h_max);
    }
    one->h = copysign(fmax(length, one->options.h_min), one->direction);
    return COSTATE_OK;
}

/* The next record, with the state at the end of the step before and its slope there or, at a restart, that of f on the
 * far side; NULL, and what is wrong in *status. */
static csi_step_record *begin_step(csi_one_step *one, double t, const csi_step_record *before, bool at_jump,
                                   costate_status *status) {
    csi_step_record *record = csi_step_history_next(one->history);
    if (record == NULL) {
        *status = csi_fail(one->detail, COSTATE_ERR_MEMORY, "no memory for the history after t = %.17g", t);
        return NULL;
    }
    if (before != NULL) {
        memcpy(record->k, before->k + (size_t)(before->tableau->n_stage - 1) * one->n, one->n * sizeof *record->k);
    }
    memcpy(record->y, one->y_end, one->n * sizeof *record->y);
    record->t = t;
    record->t_first = at_jump ? nextafter(t, t + one->direction * DBL_MAX) : t;
    record->restart = before == NULL;
    record->has_extra = false;
    if (record->restart) {
        one->calls->counts->n_restart++;
        *status = evaluate_start(one, record);
    }
    return *status == COSTATE_OK ? record : NULL;
}

static void consider_change(csi_one_step *one, const csi_step_record *record) {
    const bool implicit = csi_tableau_is_implicit(one->tableau);
    const bool change = implicit ? csi_stiffness_is_over(&one->stiffness, record, one->n, one->implicit.jac)
                                 : csi_stiffness_appears(&one->stiffness, record, one->n, one->options.rtol, one->atol,
                                                         one->stage, one->y_end);
    if (change) {
        one->tableau = implicit ? csi_one_step_explicit(one->options.method) : &csi_sdirk4;
        one->log_error = 0.0;
        one->calls->counts->n_switch++;
        csi_stiffness_begin(&one->stiffness);
    }
}

static costate_status check_limits(const csi_one_step *one, const csi_step_record *record, double t_end) {
    const costate_solver_options *options = &one->options;
    if (options->interrupt != NULL && options->interrupt(options->interrupt_ctx) != 0) {
        return csi_fail(one->detail, COSTATE_ERR_INTERRUPTED, "interrupted at t = %.17g", record->t_end);
    }
    if (record->t_end != t_end && one->calls->counts->n_step >= options->max_steps) {
        return csi_fail(one->detail, COSTATE_ERR_MAX_STEPS, "%zu steps reached only t = %.17g", options->max_steps,
                        record->t_end);
    }
    return COSTATE_OK;
}

static costate_status accept_step(csi_one_step *one, const csi_step_record *record, double t_end,
                                  csi_one_step_callback on_step, void *ctx) {
    costate_solve_counts *counts = one->calls->counts;
    counts->n_step++;
    counts->n_implicit += csi_tableau_is_implicit(one->tableau);
    counts->last_order = one->tableau->order;
    counts->last_step = fabs(record->h);
    counts->t_reached = record->t_end;
    costate_status status = on_step(record, one->y_end, ctx);
    if (status == COSTATE_OK) {
        status = csi_step_history_accept(one->history);
    }
    if (status == COSTATE_OK) {
        status = check_limits(one, record, t_end);
    }
    if (status == COSTATE_OK && one->options.method == COSTATE_METHOD_AUTO) {
        consider_change(one, record);
    }
    return status;
}

static costate_status begin_run(csi_one_step *one, double t0, const double *y0, double t_end) {
    one->direction = t_end < t0 ? -1.0 : 1.0;
    const csi_tableau *tableau = csi_one_step_explicit(one->options.method);
    one->tableau = tableau != NULL ? tableau : &csi_sdirk4;
    one->log_error = 0.0;
    one->rejected = false;
    csi_stiffness_begin(&one->stiffness);
    if (one->options.rtol < 2.0 * DBL_EPSILON) {
        return csi_fail(one->detail, COSTATE_ERR_ACCURACY, "rtol = %g is below what rounding allows",
                        one->options.rtol);
    }
    const size_t weightless = weightless_state(one, y0);
    return weightless < one->n ? refuse_weight(one, weightless, t0) : COSTATE_OK;
}

costate_status csi_one_step_run(csi_one_step *one, double t0, const double *y0, double t_end,
                                csi_one_step_callback on_step, void *ctx) {
    costate_solve_counts *counts = one->calls->counts;
    csi_step_history_begin(one->history);
    memcpy(one->y_end, y0, one->n * sizeof *y0);
    counts->t_reached = t0;
    if (csi_interval_is_empty(t0, t_end)) {
        counts->t_reached = t_end;
        return COSTATE_OK;
    }
    costate_status status = begin_run(one, t0, y0, t_end);
    double t = t0;
    bool at_jump = is_jump(one, t0);
    double stop = stop_after(one, t0, t_end);
    csi_step_record *record = NULL;
    while (status == COSTATE_OK && t != t_end) {
        const bool first = record == NULL;
        record = begin_step(one, t, at_jump ? NULL : record, at_jump, &status);
        if (record == NULL) {
            break;
        }
        status = first ? choose_first_step(one, record, stop) : COSTATE_OK;
        if (status == COSTATE_OK) {
            status = make_step(one, record, stop);
        }
        if (status != COSTATE_OK) {
            break;
        }
        t = record->t_end;
        status = accept_step(one, record, t_end, on_step, ctx);
        at_jump = t == stop;
        if (at_jump && t != t_end) {
            stop = stop_after(one, t, t_end);
            one->log_error = 0.0;
        }
    }
    return status;
}

int csi_one_step_repeat(const csi_one_step *one, csi_rhs_calls *calls, csi_implicit *implicit, double *stage,
                        csi_step_record *record, double *y_end) {
    if (record->restart) {
        const int answer = csi_call_f(calls, record->t_first, record->y, record->k);
        if (answer != 0) {
            return csi_step_outcome(answer);
        }
    }
    calls->counts->n_replay++;
    if (csi_tableau_is_implicit(record->tableau)) {
        return csi_implicit_step(implicit, calls, record, false, y_end);
    }
    int outcome = csi_explicit_step(calls, record, one->shape.kept_stride, stage, y_end);
    /* As it was when it was accepted; otherwise it could go on to checkpoints. */
    if (outcome == CSI_STEP_OK && !csi_all_finite(record->k, (size_t)record->tableau->n_stage * one->n)) {
        outcome = CSI_STEP_NONFINITE;
    }
    return outcome == CSI_STEP_OK && record->has_extra
               ? csi_explicit_extra(calls, record, one->shape.kept_stride, stage)
               : outcome;
}
