/* SPDX-License-Identifier: MIT */
/* Initial-value problems: output at given times and a dense history, here by CVODE. */
#include "ode/solver_internal.h"

#include "core/clock.h"
#include "core/finite.h"
#include "core/memory.h"
#include "ode/polynomial.h"
#include "ode/solve_arguments.h"
#include "ode/solver_options.h"

#include <stdlib.h>
#include <string.h>

static int solver_f(double t, const double *y, double *dydt, void *ctx) {
    costate_solver *solver = ctx;
    return csi_call_f(&solver->calls, t, y, dydt);
}

static int solver_jac(double t, const double *y, double *jac, void *ctx) {
    costate_solver *solver = ctx;
    return csi_call_jacobian(&solver->calls, t, y, jac);
}

static costate_status create_integrator(costate_solver *solver) {
    const csi_ode ode = {.n = solver->calls.rhs.n_y, .f = solver_f, .jac = solver_jac, .ctx = solver, .name = "y"};
    const csi_integrator_setup setup = csi_integrator_setup_from(&solver->options, &solver->counts, &solver->detail);
    solver->history.n = ode.n;
    return csi_integrator_create(&ode, &setup, &solver->alloc, &solver->integrator);
}

static costate_status allocate_parts(costate_solver *solver, const costate_rhs *rhs) {
    costate_status status = csi_rhs_calls_init(&solver->calls, rhs, &solver->counts, &solver->alloc);
    if (status != COSTATE_OK) {
        return status;
    }
    solver->atol = csi_alloc(&solver->alloc, rhs->n_y, sizeof(double));
    solver->coef = csi_alloc(&solver->alloc, rhs->n_y, (CSI_ORDER_MAX + 1) * sizeof(double));
    if (solver->atol == NULL || solver->coef == NULL) {
        return COSTATE_ERR_MEMORY;
    }
    return csi_method_is_one_step(solver->options.method) ? csi_solver_one_step_create(solver)
                                                          : create_integrator(solver);
}

costate_status costate_solver_create(const costate_rhs *rhs, const costate_solver_options *options,
                                     const costate_allocator *alloc, costate_solver **solver) {
    if (solver == NULL) {
        return COSTATE_ERR_NULL;
    }
    *solver = NULL;
    const costate_solver_options chosen = options != NULL ? *options : costate_solver_options_default();
    costate_status status = csi_solver_options_check(rhs, &chosen);
    if (status != COSTATE_OK) {
        return status;
    }
    const costate_allocator hooks = csi_allocator(alloc);
    costate_solver *made = csi_alloc(&hooks, 1, sizeof *made);
    if (made == NULL) {
        return COSTATE_ERR_MEMORY;
    }
    made->alloc = hooks;
    made->options = chosen;
    made->options.atol_state = NULL;
    status = allocate_parts(made, rhs);
    if (status == COSTATE_OK) {
        status = costate_solver_set_tolerances(made, chosen.rtol, chosen.atol, chosen.atol_state);
    }
    if (status != COSTATE_OK) {
        costate_solver_destroy(made);
        return status;
    }
    *solver = made;
    return COSTATE_OK;
}

void costate_solver_destroy(costate_solver *solver) {
    if (solver == NULL) {
        return;
    }
    const costate_allocator alloc = solver->alloc;
    csi_integrator_destroy(solver->integrator);
    csi_one_step_destroy(solver->one_step, &alloc);
    csi_rhs_calls_clear(&solver->calls, &alloc);
    csi_history_clear(&solver->history, &alloc);
    csi_release(&alloc, solver->times);
    csi_release(&alloc, solver->atol);
    csi_release(&alloc, solver->coef);
    csi_release(&alloc, solver->p);
    csi_release(&alloc, solver->jump);
    csi_release(&alloc, solver);
}

costate_status costate_solver_set_tolerances(costate_solver *solver, double rtol, double atol,
                                             const double *atol_state) {
    if (solver == NULL) {
        return COSTATE_ERR_NULL;
    }
    const size_t n = solver->calls.rhs.n_y;
    if (!csi_tolerances_valid(rtol, atol, atol_state, n)) {
        return csi_fail(&solver->detail, COSTATE_ERR_ARGUMENT, "rtol must be > 0 and every atol ≥ 0 and finite");
    }
    csi_detail_clear(&solver->detail);
    solver->options.rtol = rtol;
    solver->options.atol = atol;
    csi_tolerances_spread(atol, atol_state, n, solver->atol);
    if (solver->one_step == NULL) {
        csi_integrator_set_tolerances(solver->integrator, rtol, solver->atol);
        return COSTATE_OK;
    }
    csi_one_step_set_rtol(solver->one_step, rtol);
    /* Steps could not be repeated as they were. */
    solver->solved = solver->solved && csi_step_history_is_complete(solver->one_step->history);
    return COSTATE_OK;
}

static int compare_times(const void *a, const void *b) {
    const double first = *(const double *)a;
    const double second = *(const double *)b;
    return (first > second) - (first < second);
}

costate_status costate_solver_set_discontinuities(costate_solver *solver, size_t n, const double *t) {
    if (solver == NULL || (n > 0 && t == NULL)) {
        return COSTATE_ERR_NULL;
    }
    if (solver->one_step == NULL) {
        return csi_fail(&solver->detail, COSTATE_ERR_UNSUPPORTED, "%s does not stop at discontinuities",
                        costate_method_name(solver->options.method));
    }
    const size_t bad = csi_first_nonfinite(t, n);
    if (bad < n) {
        return csi_fail(&solver->detail, COSTATE_ERR_NONFINITE, "t[%zu] = %g is not finite", bad, t[bad]);
    }
    double *jump = csi_alloc(&solver->alloc, n, sizeof *jump);
    if (jump == NULL) {
        return csi_fail(&solver->detail, COSTATE_ERR_MEMORY, "no memory for %zu times", n);
    }
    if (n > 0) {
        memcpy(jump, t, n * sizeof *jump);
        qsort(jump, n, sizeof *jump, compare_times);
    }
    csi_detail_clear(&solver->detail);
    csi_release(&solver->alloc, solver->jump);
    solver->jump = jump;
    solver->n_jump = n;
    return COSTATE_OK;
}

/* Writes the rows of the times that the step has passed. */
static void write_rows(costate_solver *solver, const csi_step *step, const double *coef) {
    const size_t n = solver->calls.rhs.n_y;
    csi_time_grid *grid = &solver->grid;
    for (; csi_time_grid_due(grid, solver->counts.t_reached); grid->n_done++) {
        if (solver->y_out != NULL) {
            csi_polynomial_eval(coef, step->order, n, (grid->t[grid->n_done] - step->t_end) / step->h,
                                solver->y_out + grid->n_done * n);
        }
    }
}

static costate_status after_step(csi_integrator *integrator, const csi_step *step, void *ctx) {
    costate_solver *solver = ctx;
    double *coef = solver->coef;
    if (solver->options.record) {
        coef = csi_history_append(&solver->history, &solver->alloc, step->t_end, step->h, step->order);
        if (coef == NULL) {
            return csi_fail(&solver->detail, COSTATE_ERR_MEMORY, "no memory for the history after t = %.17g",
                            step->t_begin);
        }
    } else if (!csi_time_grid_due(&solver->grid, solver->counts.t_reached)) {
        return COSTATE_OK;
    }
    const costate_status status = csi_integrator_interpolant(integrator, step, coef);
    if (status == COSTATE_OK) {
        write_rows(solver, step, coef);
    }
    return status;
}

static costate_status keep_times(costate_solver *solver) {
    csi_time_grid *grid = &solver->grid;
    if (grid->n_t > solver->times_capacity) {
        double *times = csi_alloc(&solver->alloc, grid->n_t, sizeof *times);
        if (times == NULL) {
            return csi_fail(&solver->detail, COSTATE_ERR_MEMORY, "no memory for %zu times", grid->n_t);
        }
        csi_release(&solver->alloc, solver->times);
        solver->times = times;
        solver->times_capacity = grid->n_t;
    }
    memcpy(solver->times, grid->t, grid->n_t * sizeof *solver->times);
    grid->t = solver->times;
    return COSTATE_OK;
}

static costate_status begin_solve(costate_solver *solver, const double *p, double t0, const double *y0, size_t n_t,
                                  const double *t) {
    const csi_solve_arguments arguments = {.p = p, .t0 = t0, .y0 = y0, .n_t = n_t, .t = t};
    solver->counts = (costate_solve_counts){0};
    csi_detail_clear(&solver->detail);
    solver->grid = (csi_time_grid){0};
    costate_status status = csi_solve_arguments_check(&arguments, &solver->calls.rhs, &solver->grid, &solver->detail);
    if (status == COSTATE_OK && solver->options.record) {
        status = keep_times(solver);
        if (status == COSTATE_OK && solver->integrator != NULL &&
            !csi_history_begin(&solver->history, &solver->alloc, t0, y0, solver->grid.direction)) {
            status = csi_fail(&solver->detail, COSTATE_ERR_MEMORY, "no memory for the history");
        }
    }
    return status;
}

static costate_status solve(costate_solver *solver, const double *p, double t0, const double *y0, size_t n_t,
                            const double *t) {
    const costate_status status = begin_solve(solver, p, t0, y0, n_t, t);
    if (status != COSTATE_OK) {
        return status;
    }
    const size_t n = solver->calls.rhs.n_y;
    csi_time_grid *grid = &solver->grid;
    solver->calls.p = p;
    for (; csi_time_grid_due_at_start(grid); grid->n_done++) {
        if (solver->y_out != NULL) {
            memcpy(solver->y_out + grid->n_done * n, y0, n * sizeof *y0);
        }
    }
    if (solver->one_step != NULL) {
        return csi_solver_one_step_run(solver, y0);
    }
    memcpy(csi_integrator_state(solver->integrator), y0, n * sizeof *y0);
    return csi_integrator_run(solver->integrator, t0, grid->t[n_t - 1], solver->options.h_init, after_step, solver);
}

costate_status costate_solve(costate_solver *solver, const double *p, double t0, const double *y0, size_t n_t,
                             const double *t, double *y) {
    if (solver == NULL) {
        return COSTATE_ERR_NULL;
    }
    const double start = csi_clock_seconds();
    solver->y_out = y;
    const costate_status status = solve(solver, p, t0, y0, n_t, t);
    solver->solved = status == COSTATE_OK;
    if (status != COSTATE_OK && y != NULL) {
        csi_mark_missing_rows(&solver->grid, n_t, solver->calls.rhs.n_y, y);
    }
    solver->calls.p = NULL;
    solver->y_out = NULL;
    if (!solver->options.record) {
        solver->grid.t = NULL;
    }
    solver->counts.seconds = csi_clock_seconds() - start;
    return status;
}

static costate_status check_eval(const costate_solver *solver, double t, const double *result) {
    if (solver == NULL || result == NULL) {
        return COSTATE_ERR_NULL;
    }
    const csi_one_step *one = solver->one_step;
    if (!solver->solved || !solver->options.record || (one != NULL && !csi_step_history_is_complete(one->history))) {
        return COSTATE_ERR_STATE;
    }
    const csi_time_grid *grid = &solver->grid;
    const bool inside =
        (t - grid->t0) * grid->direction >= 0.0 && (t - grid->t[grid->n_t - 1]) * grid->direction <= 0.0;
    return inside ? COSTATE_OK : COSTATE_ERR_ARGUMENT;
}

costate_status costate_solver_eval(const costate_solver *solver, double t, double *y) {
    const costate_status status = check_eval(solver, t, y);
    if (status != COSTATE_OK) {
        return status;
    }
    if (solver->one_step != NULL) {
        return csi_solver_one_step_eval(solver, t, false, y);
    }
    size_t cursor = 0;
    csi_history_eval(&solver->history, &cursor, t, y);
    return COSTATE_OK;
}

costate_status costate_solver_eval_slope(const costate_solver *solver, double t, double *dydt) {
    const costate_status status = check_eval(solver, t, dydt);
    if (status != COSTATE_OK) {
        return status;
    }
    if (csi_interval_is_empty(solver->grid.t0, solver->grid.t[solver->grid.n_t - 1])) {
        return COSTATE_ERR_STATE;
    }
    if (solver->one_step != NULL) {
        return csi_solver_one_step_eval(solver, t, true, dydt);
    }
    csi_history_slope(&solver->history, t, dydt);
    return COSTATE_OK;
}

const costate_solve_counts *costate_solver_counts(const costate_solver *solver) {
    return solver != NULL ? &solver->counts : NULL;
}

const char *costate_solver_detail(const costate_solver *solver) { return solver != NULL ? solver->detail.text : ""; }
