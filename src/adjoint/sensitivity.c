/* SPDX-License-Identifier: MIT */
/* Forward sensitivities: solves with output of S at given times, and the gradient that follows from them. */
#include "adjoint/sensitivity_internal.h"
#include "core/clock.h"
#include "core/memory.h"
#include "core/finite.h"
#include "ode/polynomial.h"
#include "ode/solve_arguments.h"
#include "ode/solver_options.h"

#include <math.h>
#include <string.h>

static int sensitivity_f(double t, const double *y, double *dydt, void *ctx) {
    costate_sensitivity *sens = ctx;
    return csi_call_f(&sens->calls, t, y, dydt);
}

static int sensitivity_jac(double t, const double *y, double *jac, void *ctx) {
    costate_sensitivity *sens = ctx;
    return csi_call_jacobian(&sens->calls, t, y, jac);
}

static costate_status allocate_vectors(costate_sensitivity *sens) {
    const size_t n = sens->calls.rhs.n_y;
    const costate_allocator *alloc = &sens->alloc;
    size_t n_rows = 0;
    size_t bytes = 0;
    if (!csi_size_mul(n, sens->n_column, &n_rows) || !csi_size_mul(n_rows, sizeof(double), &bytes)) {
        return COSTATE_ERR_OVERFLOW;
    }
    sens->rows = csi_alloc(alloc, n_rows, sizeof(double));
    sens->scale = csi_alloc(alloc, sens->n_column, sizeof(double));
    sens->coef = csi_alloc(alloc, n, (CSI_ORDER_MAX + 1) * sizeof(double));
    sens->atol = csi_alloc(alloc, n, 3 * sizeof(double));
    if (sens->rows == NULL || sens->scale == NULL || sens->coef == NULL || sens->atol == NULL) {
        return COSTATE_ERR_MEMORY;
    }
    sens->y_rows = sens->atol + n;
    sens->y0 = sens->y_rows + n;
    return COSTATE_OK;
}

static costate_status allocate_parts(costate_sensitivity *sens, const costate_rhs *rhs) {
    if (!csi_size_add(rhs->n_p, rhs->n_y, &sens->n_column)) {
        return COSTATE_ERR_OVERFLOW;
    }
    costate_status status = csi_rhs_calls_init(&sens->calls, rhs, &sens->counts, &sens->alloc);
    if (status == COSTATE_OK) {
        status = allocate_vectors(sens);
    }
    if (status != COSTATE_OK) {
        return status;
    }
    const csi_ode ode = {.n = rhs->n_y, .f = sensitivity_f, .jac = sensitivity_jac, .ctx = sens, .name = "y and S"};
    const csi_integrator_setup setup = csi_integrator_setup_from(&sens->options, &sens->counts, &sens->detail);
    status = csi_integrator_create(&ode, &setup, &sens->alloc, &sens->integrator);
    if (status != COSTATE_OK) {
        return status;
    }
    csi_tolerances_spread(sens->options.atol, sens->options.atol_state, rhs->n_y, sens->atol);
    sens->options.atol_state = NULL;
    csi_integrator_set_tolerances(sens->integrator, sens->options.rtol, sens->atol);
    return csi_sensitivity_attach(sens);
}

costate_status costate_sensitivity_create(const costate_rhs *rhs, const costate_solver_options *options,
                                          costate_sensitivity_scheme scheme, const costate_allocator *alloc,
                                          costate_sensitivity **sens) {
    if (sens == NULL) {
        return COSTATE_ERR_NULL;
    }
    *sens = NULL;
    costate_solver_options chosen = options != NULL ? *options : costate_solver_options_default();
    costate_status status = csi_solver_options_check(rhs, &chosen);
    if (status == COSTATE_ERR_NULL || status == COSTATE_ERR_ARGUMENT) {
        return status;
    }
    if (scheme != COSTATE_SENSITIVITY_SIMULTANEOUS && scheme != COSTATE_SENSITIVITY_STAGGERED) {
        return COSTATE_ERR_ARGUMENT;
    }
    if (rhs->vjp == NULL) {
        return COSTATE_ERR_UNSUPPORTED;
    }
    chosen.method = csi_method_of_cvode(chosen.method);
    const costate_allocator hooks = csi_allocator(alloc);
    costate_sensitivity *made = csi_alloc(&hooks, 1, sizeof *made);
    if (made == NULL) {
        return COSTATE_ERR_MEMORY;
    }
    made->alloc = hooks;
    made->options = chosen;
    made->scheme = scheme;
    status = allocate_parts(made, rhs);
    if (status != COSTATE_OK) {
        costate_sensitivity_destroy(made);
        return status;
    }
    *sens = made;
    return COSTATE_OK;
}

void costate_sensitivity_destroy(costate_sensitivity *sens) {
    if (sens == NULL) {
        return;
    }
    const costate_allocator alloc = sens->alloc;
    csi_sensitivity_detach(sens);
    csi_integrator_destroy(sens->integrator);
    csi_rhs_calls_clear(&sens->calls, &alloc);
    csi_release(&alloc, sens->rows);
    csi_release(&alloc, sens->scale);
    csi_release(&alloc, sens->coef);
    csi_release(&alloc, sens->atol);
    csi_release(&alloc, sens->s);
    csi_release(&alloc, sens);
}

static double size_of(double value) { return value != 0.0 ? fabs(value) : 1.0; }

/* S(t0) = (0 | I), and the sizes by which the tolerances of y become those of S. */
static void set_initial_columns(costate_sensitivity *sens, const double *p, const double *y0) {
    const size_t n = sens->calls.rhs.n_y;
    const size_t n_p = sens->calls.rhs.n_p;
    for (size_t j = 0; j < sens->n_column; j++) {
        double *column = NV_DATA_S(sens->column[j]);
        memset(column, 0, n * sizeof *column);
        if (j >= n_p) {
            column[j - n_p] = 1.0;
        }
        sens->scale[j] = size_of(j < n_p ? p[j] : y0[j - n_p]);
    }
}

/* Copies the columns to the rows of time i. */
static void write_columns(costate_sensitivity *sens, size_t i) {
    const size_t n = sens->calls.rhs.n_y;
    double *row = sens->s + i * sens->n_column * n;
    for (size_t j = 0; j < sens->n_column; j++) {
        memcpy(row + j * n, NV_DATA_S(sens->column[j]), n * sizeof *row);
    }
    if (sens->s_out != NULL) {
        memcpy(sens->s_out + i * sens->n_column * n, row, sens->n_column * n * sizeof *row);
    }
}

static costate_status after_step(csi_integrator *integrator, const csi_step *step, void *ctx) {
    costate_sensitivity *sens = ctx;
    csi_time_grid *grid = &sens->grid;
    const size_t n = sens->calls.rhs.n_y;
    if (!csi_time_grid_due(grid, sens->counts.t_reached)) {
        return COSTATE_OK;
    }
    const costate_status status = csi_integrator_interpolant(integrator, step, sens->coef);
    if (status != COSTATE_OK) {
        return status;
    }
    for (; csi_time_grid_due(grid, sens->counts.t_reached); grid->n_done++) {
        const double t = grid->t[grid->n_done];
        const int flag = CVodeGetSensDky(integrator->cvode, t, 0, sens->column);
        if (flag != CV_SUCCESS) {
            return csi_fail(&sens->detail, COSTATE_ERR_SOLVER, "CVODES gives no sensitivities at t = %.17g (flag %d)",
                            t, flag);
        }
        write_columns(sens, grid->n_done);
        if (sens->y_out != NULL) {
            csi_polynomial_eval(sens->coef, step->order, n, (t - step->t_end) / step->h,
                                sens->y_out + grid->n_done * n);
        }
    }
    return COSTATE_OK;
}

static costate_status reserve_output(costate_sensitivity *sens, size_t n_t) {
    size_t n_s = 0;
    if (!csi_size_mul(n_t, sens->n_column * sens->calls.rhs.n_y, &n_s)) {
        return csi_fail(&sens->detail, COSTATE_ERR_MEMORY, "%zu times need more memory than there is", n_t);
    }
    if (n_s <= sens->s_capacity) {
        return COSTATE_OK;
    }
    double *larger = csi_alloc(&sens->alloc, n_s, sizeof *larger);
    if (larger == NULL) {
        return csi_fail(&sens->detail, COSTATE_ERR_MEMORY, "no memory for the sensitivities at %zu times", n_t);
    }
    csi_release(&sens->alloc, sens->s);
    sens->s = larger;
    sens->s_capacity = n_s;
    return COSTATE_OK;
}

static costate_status solve(costate_sensitivity *sens, const csi_solve_arguments *arguments) {
    const size_t n = sens->calls.rhs.n_y;
    csi_time_grid *grid = &sens->grid;
    csi_integrator_begin(sens->integrator);
    *grid = (csi_time_grid){0};
    costate_status status = csi_solve_arguments_check(arguments, &sens->calls.rhs, grid, &sens->detail);
    if (status == COSTATE_OK) {
        status = reserve_output(sens, arguments->n_t);
    }
    if (status != COSTATE_OK) {
        return status;
    }
    sens->calls.p = arguments->p;
    sens->rows_valid = false;
    memcpy(sens->y0, arguments->y0, n * sizeof *sens->y0);
    memcpy(csi_integrator_state(sens->integrator), arguments->y0, n * sizeof *sens->y0);
    set_initial_columns(sens, arguments->p, arguments->y0);
    for (; csi_time_grid_due_at_start(grid); grid->n_done++) {
        write_columns(sens, grid->n_done);
        if (sens->y_out != NULL) {
            memcpy(sens->y_out + grid->n_done * n, arguments->y0, n * sizeof *sens->y0);
        }
    }
    sens->n_at_start = grid->n_done;
    return csi_integrator_run(sens->integrator, arguments->t0, grid->t[grid->n_t - 1], sens->options.h_init, after_step,
                              sens);
}

costate_status costate_sensitivity_solve(costate_sensitivity *sens, const double *p, double t0, const double *y0,
                                         size_t n_t, const double *t, double *y, double *s) {
    if (sens == NULL) {
        return COSTATE_ERR_NULL;
    }
    const double start = csi_clock_seconds();
    const csi_solve_arguments arguments = {.p = p, .t0 = t0, .y0 = y0, .n_t = n_t, .t = t};
    sens->y_out = y;
    sens->s_out = s;
    const costate_status status = solve(sens, &arguments);
    const size_t n = sens->calls.rhs.n_y;
    sens->solved = status == COSTATE_OK;
    if (status != COSTATE_OK && y != NULL) {
        csi_mark_missing_rows(&sens->grid, n_t, n, y);
    }
    if (status != COSTATE_OK && s != NULL) {
        csi_mark_missing_rows(&sens->grid, n_t, sens->n_column * n, s);
    }
    sens->y_out = NULL;
    sens->s_out = NULL;
    sens->calls.p = NULL;
    sens->grid.t = NULL;
    sens->counts.seconds = csi_clock_seconds() - start;
    return status;
}
