/* SPDX-License-Identifier: MIT */
/* One direction of integration by CVODE: created once, started as often as needed, stepped towards an end that is
 * never overrun. */
#include "ode/integrator.h"

#include "core/memory.h"
#include "core/finite.h"
#include "ode/integrator_internal.h"
#include "ode/time_grid.h"

#include <math.h>
#include <string.h>
#include <sunlinsol/sunlinsol_dense.h>
#include <sunmatrix/sunmatrix_dense.h>
#include <sunnonlinsol/sunnonlinsol_fixedpoint.h>
#include <sunnonlinsol/sunnonlinsol_newton.h>

/* Steps in a row that may leave t where it is before the solve counts as stuck. */
#define STUCK_STEPS 20

int csi_integrator_note(csi_integrator *it, int answer, const double *result, size_t n, double t) {
    if (answer == 0 && csi_all_finite(result, n)) {
        it->trouble = CSI_TROUBLE_NONE;
        return 0;
    }
    it->trouble = answer == 0 ? CSI_TROUBLE_NONFINITE : answer > 0 ? CSI_TROUBLE_RETRY : CSI_TROUBLE_FAIL;
    it->trouble_t = t;
    return answer < 0 ? -1 : 1;
}

/* CVODE's fixed-point iteration takes a failure for slow convergence and tries again; the user is not asked again. */
static int cvode_f(sunrealtype t, N_Vector y, N_Vector dydt, void *data) {
    csi_integrator *it = data;
    double *result = NV_DATA_S(dydt);
    if (it->trouble == CSI_TROUBLE_FAIL) {
        return -1;
    }
    return csi_integrator_note(it, it->ode.f(t, NV_DATA_S(y), result, it->ode.ctx), result, it->ode.n, t);
}

static int cvode_jac(sunrealtype t, N_Vector y, N_Vector fy, SUNMatrix J, void *data, N_Vector tmp1, N_Vector tmp2,
                     N_Vector tmp3) {
    (void)fy, (void)tmp1, (void)tmp2, (void)tmp3;
    csi_integrator *it = data;
    double *result = SM_DATA_D(J);
    if (it->trouble == CSI_TROUBLE_FAIL) {
        return -1;
    }
    return csi_integrator_note(it, it->ode.jac(t, NV_DATA_S(y), result, it->ode.ctx), result, it->ode.n * it->ode.n, t);
}

static int cvode_weights(N_Vector y, N_Vector weights, void *data) {
    csi_integrator *it = data;
    const double *value = NV_DATA_S(y);
    double *weight = NV_DATA_S(weights);
    for (size_t i = 0; i < it->ode.n; i++) {
        const double scale = it->rtol * fabs(value[i]) + it->atol[i];
        if (!(scale > 0.0)) {
            it->trouble = CSI_TROUBLE_WEIGHT;
            it->trouble_index = i;
            return -1;
        }
        weight[i] = 1.0 / scale;
    }
    return 0;
}

/* CVodeGetDky(t_n, 0) sums the Nordsieck columns h^k y^(k) / k!, k = q … 0, into the vector it is given. This vector
 * does not add them: it copies them, which gives the whole interpolating polynomial in one call. */
static int take_columns(int n_column, sunrealtype *factor, N_Vector *column, N_Vector probe) {
    (void)factor;
    csi_probe *target = probe->content;
    if (n_column != target->n_column) {
        return -1;
    }
    for (int k = 0; k < n_column; k++) {
        memcpy(target->coef + (size_t)k * target->n, NV_DATA_S(column[n_column - 1 - k]), target->n * sizeof(double));
    }
    target->taken = true;
    return 0;
}

/* The two operations CVODE spends most of its time in when vectors are short, without the serial vector's case
 * distinctions and calls; the results are the same. */
static sunrealtype weighted_norm(N_Vector x, N_Vector weights) {
    const double *value = NV_DATA_S(x);
    const double *weight = NV_DATA_S(weights);
    const sunindextype n = NV_LENGTH_S(x);
    double sum = 0.0;
    for (sunindextype i = 0; i < n; i++) {
        const double scaled = value[i] * weight[i];
        sum += scaled * scaled;
    }
    return sqrt(sum / (double)n);
}

static void linear_sum(sunrealtype a, N_Vector x, sunrealtype b, N_Vector y, N_Vector z) {
    const double *from = NV_DATA_S(x);
    const double *other = NV_DATA_S(y);
    double *to = NV_DATA_S(z);
    const sunindextype n = NV_LENGTH_S(x);
    for (sunindextype i = 0; i < n; i++) {
        to[i] = a * from[i] + b * other[i];
    }
}

static bool create_vectors(csi_integrator *it) {
    it->y = N_VNew_Serial((sunindextype)it->ode.n, it->context);
    it->probe_vector = N_VNewEmpty(it->context);
    if (it->y == NULL || it->probe_vector == NULL) {
        return false;
    }
    /* Clones, which is what CVODE works on, take these over. */
    it->y->ops->nvwrmsnorm = weighted_norm;
    it->y->ops->nvlinearsum = linear_sum;
    it->probe = (csi_probe){.n = it->ode.n};
    it->probe_vector->content = &it->probe;
    it->probe_vector->ops->nvlinearcombination = take_columns;
    return N_VEnableFusedOps_Serial(it->y, SUNTRUE) == 0;
}

static bool attach_newton(csi_integrator *it) {
    const sunindextype n = (sunindextype)it->ode.n;
    it->matrix = SUNDenseMatrix(n, n, it->context);
    if (it->matrix == NULL) {
        return false;
    }
    it->linear = SUNLinSol_Dense(it->y, it->matrix, it->context);
    it->nonlinear = SUNNonlinSol_Newton(it->y, it->context);
    return it->linear != NULL && it->nonlinear != NULL &&
           CVodeSetNonlinearSolver(it->cvode, it->nonlinear) == CV_SUCCESS &&
           CVodeSetLinearSolver(it->cvode, it->linear, it->matrix) == CV_SUCCESS &&
           CVodeSetJacFn(it->cvode, cvode_jac) == CV_SUCCESS;
}

static bool attach_fixed_point(csi_integrator *it) {
    it->nonlinear = SUNNonlinSol_FixedPoint(it->y, 0, it->context);
    return it->nonlinear != NULL && CVodeSetNonlinearSolver(it->cvode, it->nonlinear) == CV_SUCCESS;
}

static bool create_cvode(csi_integrator *it) {
    const bool bdf = it->setup.method == COSTATE_METHOD_BDF;
    it->cvode = CVodeCreate(bdf ? CV_BDF : CV_ADAMS, it->context);
    return it->cvode != NULL && csi_sundials_silence(it->cvode) &&
           CVodeInit(it->cvode, cvode_f, 0.0, it->y) == CV_SUCCESS &&
           CVodeWFtolerances(it->cvode, cvode_weights) == CV_SUCCESS && CVodeSetUserData(it->cvode, it) == CV_SUCCESS &&
           (bdf ? attach_newton(it) : attach_fixed_point(it)) &&
           (it->setup.max_order == 0 || CVodeSetMaxOrd(it->cvode, it->setup.max_order) == CV_SUCCESS) &&
           CVodeSetMinStep(it->cvode, it->setup.h_min) == CV_SUCCESS &&
           CVodeSetMaxStep(it->cvode, it->setup.h_max) == CV_SUCCESS;
}

static bool is_index(size_t n) { return (sunindextype)n > 0 && (size_t)(sunindextype)n == n; }

static bool sizes_fit(const csi_ode *ode, costate_method method) {
    size_t bytes = 0;
    size_t n_square = 0;
    if (!is_index(ode->n) || !csi_size_mul(ode->n, (CSI_ORDER_MAX + 1) * sizeof(double), &bytes)) {
        return false;
    }
    return method != COSTATE_METHOD_BDF || (csi_size_mul(ode->n, ode->n, &n_square) && is_index(n_square) &&
                                            csi_size_mul(n_square, sizeof(double), &bytes));
}

costate_status csi_integrator_create(const csi_ode *ode, const csi_integrator_setup *setup,
                                     const costate_allocator *alloc, csi_integrator **integrator) {
    *integrator = NULL;
    if (!sizes_fit(ode, setup->method)) {
        return COSTATE_ERR_OVERFLOW;
    }
    csi_integrator *it = csi_alloc(alloc, 1, sizeof *it);
    if (it == NULL) {
        return COSTATE_ERR_MEMORY;
    }
    it->alloc = *alloc;
    it->ode = *ode;
    it->setup = *setup;
    it->atol = csi_alloc(alloc, ode->n, sizeof(double));
    if (it->atol == NULL || !csi_sundials_context_create(&it->context) || !create_vectors(it) || !create_cvode(it)) {
        csi_integrator_destroy(it);
        return COSTATE_ERR_MEMORY;
    }
    *integrator = it;
    return COSTATE_OK;
}

void csi_integrator_destroy(csi_integrator *it) {
    if (it == NULL) {
        return;
    }
    if (it->cvode != NULL) {
        CVodeFree(&it->cvode);
    }
    if (it->nonlinear != NULL) {
        SUNNonlinSolFree(it->nonlinear);
    }
    if (it->linear != NULL) {
        SUNLinSolFree(it->linear);
    }
    if (it->matrix != NULL) {
        SUNMatDestroy(it->matrix);
    }
    if (it->probe_vector != NULL) {
        N_VFreeEmpty(it->probe_vector);
    }
    if (it->y != NULL) {
        N_VDestroy(it->y);
    }
    if (it->context != NULL) {
        SUNContext_Free(&it->context);
    }
    const costate_allocator alloc = it->alloc;
    csi_release(&alloc, it->atol);
    csi_release(&alloc, it);
}

void csi_integrator_set_tolerances(csi_integrator *it, double rtol, const double *atol) {
    it->rtol = rtol;
    memcpy(it->atol, atol, it->ode.n * sizeof *atol);
}

double *csi_integrator_state(csi_integrator *it) { return NV_DATA_S(it->y); }

void csi_integrator_begin(csi_integrator *it) {
    *it->setup.counts = (costate_solve_counts){0};
    csi_detail_clear(it->setup.detail);
}

/* CVODE counts from its last start; a run adds what it did. */
static void add_counts(csi_integrator *it) {
    costate_solve_counts *counts = it->setup.counts;
    long n_setup = 0, n_error_fail = 0, n_nonlin_fail = 0, n_nonlin_iter = 0;
    if (CVodeGetNumLinSolvSetups(it->cvode, &n_setup) == CV_SUCCESS) {
        counts->n_setup += (size_t)n_setup;
    }
    if (CVodeGetNumErrTestFails(it->cvode, &n_error_fail) == CV_SUCCESS) {
        counts->n_error_fail += (size_t)n_error_fail;
    }
    if (CVodeGetNumStepSolveFails(it->cvode, &n_nonlin_fail) == CV_SUCCESS) {
        counts->n_nonlin_fail += (size_t)n_nonlin_fail;
    }
    if (CVodeGetNumNonlinSolvIters(it->cvode, &n_nonlin_iter) == CV_SUCCESS) {
        counts->n_nonlin_iter += (size_t)n_nonlin_iter;
    }
}

static costate_status start(csi_integrator *it, double t0, double t_end, double h_init) {
    it->trouble = CSI_TROUBLE_NONE;
    it->setup.counts->n_restart++;
    /* CVODE's estimate of the first step squares the interval. */
    const double length = fabs(t_end - t0);
    const double h = h_init == 0.0 && length < 1e-100 ? length : h_init;
    int flag = CVodeReInit(it->cvode, t0, it->y);
    if (flag == CV_SUCCESS && it->on_restart != NULL) {
        flag = it->on_restart(it->cvode, it->on_restart_ctx);
    }
    if (flag == CV_SUCCESS) {
        flag = CVodeSetInitStep(it->cvode, copysign(h, t_end - t0));
    }
    if (flag == CV_SUCCESS) {
        flag = CVodeSetStopTime(it->cvode, t_end);
    }
    return flag == CV_SUCCESS ? COSTATE_OK : csi_integrator_failure(it, flag, t0);
}

/* One accepted step; `arrived` at the stop time. */
static costate_status advance(csi_integrator *it, double t_end, csi_step *step, bool *arrived) {
    sunrealtype t = step->t_end;
    const int flag = CVode(it->cvode, t_end, it->y, &t, CV_ONE_STEP);
    step->t_begin = step->t_end;
    if (it->trouble == CSI_TROUBLE_FAIL || flag < 0) {
        return csi_integrator_failure(it, flag, step->t_begin);
    }
    *arrived = flag == CV_TSTOP_RETURN;
    if (CVodeGetCurrentTime(it->cvode, &step->t_end) != CV_SUCCESS ||
        CVodeGetLastStep(it->cvode, &step->h) != CV_SUCCESS ||
        CVodeGetLastOrder(it->cvode, &step->order) != CV_SUCCESS) {
        return csi_fail(it->setup.detail, COSTATE_ERR_SOLVER, "CVODE does not tell its step at t = %.17g",
                        step->t_begin);
    }
    costate_solve_counts *counts = it->setup.counts;
    counts->n_step++;
    counts->last_order = step->order;
    counts->last_step = fabs(step->h);
    counts->t_reached = *arrived ? t_end : step->t_end;
    if (!csi_all_finite(NV_DATA_S(it->y), it->ode.n)) {
        return csi_fail(it->setup.detail, COSTATE_ERR_NONFINITE, "%s overflows at t = %.17g", it->ode.name,
                        step->t_end);
    }
    return COSTATE_OK;
}

static costate_status check_limits(csi_integrator *it, const csi_step *step, bool arrived, int *n_stuck) {
    const csi_integrator_setup *setup = &it->setup;
    *n_stuck = step->t_end == step->t_begin ? *n_stuck + 1 : 0;
    if (setup->interrupt != NULL && setup->interrupt(setup->interrupt_ctx) != 0) {
        return csi_fail(setup->detail, COSTATE_ERR_INTERRUPTED, "interrupted at t = %.17g", step->t_end);
    }
    if (arrived) {
        return COSTATE_OK;
    }
    if (setup->counts->n_step >= setup->max_steps) {
        return csi_fail(setup->detail, COSTATE_ERR_MAX_STEPS, "%zu steps reached only t = %.17g", setup->max_steps,
                        step->t_end);
    }
    if (*n_stuck >= STUCK_STEPS) {
        return csi_fail(setup->detail, COSTATE_ERR_STEP_SIZE, "steps of %.3g no longer change t = %.17g", step->h,
                        step->t_end);
    }
    return COSTATE_OK;
}

costate_status csi_integrator_run(csi_integrator *it, double t0, double t_end, double h_init, csi_step_callback on_step,
                                  void *ctx) {
    it->setup.counts->t_reached = t0;
    if (csi_interval_is_empty(t0, t_end)) {
        it->setup.counts->t_reached = t_end;
        return COSTATE_OK;
    }
    if (it->setup.counts->n_step >= it->setup.max_steps) {
        return csi_fail(it->setup.detail, COSTATE_ERR_MAX_STEPS, "%zu steps reached only t = %.17g",
                        it->setup.max_steps, t0);
    }
    costate_status status = start(it, t0, t_end, h_init);
    csi_step step = {.t_begin = t0, .t_end = t0};
    bool arrived = false;
    int n_stuck = 0;
    while (status == COSTATE_OK && !arrived) {
        status = advance(it, t_end, &step, &arrived);
        if (status == COSTATE_OK) {
            status = on_step(it, &step, ctx);
        }
        if (status == COSTATE_OK) {
            status = check_limits(it, &step, arrived, &n_stuck);
        }
    }
    add_counts(it);
    return status;
}

costate_status csi_integrator_interpolant(csi_integrator *it, const csi_step *step, double *coef) {
    it->probe.n_column = step->order + 1;
    it->probe.coef = coef;
    it->probe.taken = false;
    const int flag = CVodeGetDky(it->cvode, step->t_end, 0, it->probe_vector);
    if (flag != CV_SUCCESS || !it->probe.taken) {
        return csi_fail(it->setup.detail, COSTATE_ERR_SOLVER, "CVODE gives no interpolant at t = %.17g (flag %d)",
                        step->t_end, flag);
    }
    return COSTATE_OK;
}
