/* SPDX-License-Identifier: MIT */
/* The stock CVODES adjoint over the same right-hand side. */
#include "cvodes_stock.h"

#include "ode/sundials_compat.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sunlinsol/sunlinsol_dense.h>
#include <sunmatrix/sunmatrix_dense.h>
#include <sunnonlinsol/sunnonlinsol_fixedpoint.h>
#include <sunnonlinsol/sunnonlinsol_newton.h>

#define MAX_STEPS 1000000L

/* Solvers of the implicit equations of one direction; matrix and linear are those of Newton's iteration. */
typedef struct stock_solver {
    SUNNonlinearSolver nonlinear;
    SUNMatrix matrix;
    SUNLinearSolver linear;
} stock_solver;

struct cvodes_stock {
    costate_rhs rhs;
    cvodes_stock_options options;
    cvodes_stock_counts counts;
    const double *p;
    void *work;
    double *jac; /* n_y x n_y, before it is transposed */
    SUNContext context;
    void *cvode;
    stock_solver solver;
    stock_solver solver_back;
    N_Vector y;
    N_Vector lam;
    N_Vector quad;
    N_Vector atol;
    int which; /* CVODES' index of the backward problem */
    bool backward_ready;
};

static int call_f(realtype t, N_Vector y, N_Vector dydt, void *user) {
    cvodes_stock *s = user;
    s->counts.n_f++;
    return s->rhs.f(t, N_VGetArrayPointer(y), s->p, N_VGetArrayPointer(dydt), s->work, s->rhs.ctx);
}

/* lam' = -(df/dy)' lam */
static int call_lam(realtype t, N_Vector y, N_Vector lam, N_Vector dlamdt, void *user) {
    cvodes_stock *s = user;
    s->counts.n_vjp_y++;
    double *out = N_VGetArrayPointer(dlamdt);
    const int answer =
        s->rhs.vjp(t, N_VGetArrayPointer(y), s->p, N_VGetArrayPointer(lam), 1.0, out, NULL, s->work, s->rhs.ctx);
    for (size_t i = 0; i < s->rhs.n_y; i++) {
        out[i] = -out[i];
    }
    return answer;
}

/* Integrand of pbar; time runs backwards, hence the sign. */
static int call_quad(realtype t, N_Vector y, N_Vector lam, N_Vector dquad, void *user) {
    cvodes_stock *s = user;
    s->counts.n_vjp_p++;
    double *out = N_VGetArrayPointer(dquad);
    memset(out, 0, s->rhs.n_p * sizeof *out);
    return s->rhs.vjp(t, N_VGetArrayPointer(y), s->p, N_VGetArrayPointer(lam), -1.0, NULL, out, s->work, s->rhs.ctx);
}

static int call_jac(realtype t, N_Vector y, N_Vector dydt, SUNMatrix jac, void *user, N_Vector a, N_Vector b,
                    N_Vector c) {
    (void)dydt, (void)a, (void)b, (void)c;
    cvodes_stock *s = user;
    s->counts.n_jac++;
    return s->rhs.jac(t, N_VGetArrayPointer(y), s->p, SUNDenseMatrix_Data(jac), s->work, s->rhs.ctx);
}

static int call_jac_back(realtype t, N_Vector y, N_Vector lam, N_Vector dlamdt, SUNMatrix jac, void *user, N_Vector a,
                         N_Vector b, N_Vector c) {
    (void)lam, (void)dlamdt, (void)a, (void)b, (void)c;
    cvodes_stock *s = user;
    const size_t n = s->rhs.n_y;
    double *out = SUNDenseMatrix_Data(jac);
    s->counts.n_jac++;
    const int answer = s->rhs.jac(t, N_VGetArrayPointer(y), s->p, s->jac, s->work, s->rhs.ctx);
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < n; j++) {
            out[i + n * j] = -s->jac[j + n * i];
        }
    }
    return answer;
}

static bool create_solver(const cvodes_stock *s, N_Vector template, stock_solver *solver) {
    if (!s->options.bdf) {
        solver->nonlinear = SUNNonlinSol_FixedPoint(template, 0, s->context);
        return solver->nonlinear != NULL;
    }
    const sunindextype n = (sunindextype)s->rhs.n_y;
    solver->nonlinear = SUNNonlinSol_Newton(template, s->context);
    solver->matrix = SUNDenseMatrix(n, n, s->context);
    solver->linear = solver->matrix ? SUNLinSol_Dense(template, solver->matrix, s->context) : NULL;
    return solver->nonlinear && solver->linear;
}

static void destroy_solver(stock_solver *solver) {
    if (solver->nonlinear) {
        SUNNonlinSolFree(solver->nonlinear);
    }
    if (solver->linear) {
        SUNLinSolFree(solver->linear);
    }
    if (solver->matrix) {
        SUNMatDestroy(solver->matrix);
    }
}

static bool attach_solver(cvodes_stock *s) {
    return CVodeSetNonlinearSolver(s->cvode, s->solver.nonlinear) == CV_SUCCESS &&
           (!s->options.bdf || (CVodeSetLinearSolver(s->cvode, s->solver.linear, s->solver.matrix) == CV_SUCCESS &&
                                CVodeSetJacFn(s->cvode, call_jac) == CV_SUCCESS));
}

static bool attach_solver_back(cvodes_stock *s) {
    const stock_solver *back = &s->solver_back;
    return CVodeSetNonlinearSolverB(s->cvode, s->which, back->nonlinear) == CV_SUCCESS &&
           (!s->options.bdf || (CVodeSetLinearSolverB(s->cvode, s->which, back->linear, back->matrix) == CV_SUCCESS &&
                                CVodeSetJacFnB(s->cvode, s->which, call_jac_back) == CV_SUCCESS));
}

static int multistep(const cvodes_stock *s) { return s->options.bdf ? CV_BDF : CV_ADAMS; }

static bool start_forward(cvodes_stock *s) {
    const cvodes_stock_options *o = &s->options;
    double *atol = N_VGetArrayPointer(s->atol);
    N_VConst(0.0, s->y);
    for (size_t i = 0; i < s->rhs.n_y; i++) {
        atol[i] = o->atol * (o->scale ? o->scale[i] : 1.0);
    }
    s->cvode = CVodeCreate(multistep(s), s->context);
    return s->cvode && create_solver(s, s->y, &s->solver) && create_solver(s, s->lam, &s->solver_back) &&
           csi_sundials_silence(s->cvode) && CVodeInit(s->cvode, call_f, 0.0, s->y) == CV_SUCCESS &&
           CVodeSVtolerances(s->cvode, o->rtol, s->atol) == CV_SUCCESS && CVodeSetUserData(s->cvode, s) == CV_SUCCESS &&
           CVodeSetMaxNumSteps(s->cvode, MAX_STEPS) == CV_SUCCESS && attach_solver(s) &&
           CVodeAdjInit(s->cvode, (long)o->steps_per_segment, CV_HERMITE) == CV_SUCCESS;
}

cvodes_stock *cvodes_stock_create(const costate_rhs *rhs, const cvodes_stock_options *options) {
    cvodes_stock *s = calloc(1, sizeof *s);
    if (!s) {
        return NULL;
    }
    s->rhs = *rhs;
    s->options = *options;
    s->work = rhs->work_bytes ? aligned_alloc(64, (rhs->work_bytes + 63) / 64 * 64) : NULL;
    s->jac = calloc(rhs->n_y * rhs->n_y, sizeof *s->jac);
    if ((rhs->work_bytes && !s->work) || !s->jac || !csi_sundials_context_create(&s->context)) {
        cvodes_stock_destroy(s);
        return NULL;
    }
    s->y = N_VNew_Serial((sunindextype)rhs->n_y, s->context);
    s->lam = N_VNew_Serial((sunindextype)rhs->n_y, s->context);
    s->quad = N_VNew_Serial((sunindextype)rhs->n_p, s->context);
    s->atol = N_VNew_Serial((sunindextype)rhs->n_y, s->context);
    if (!s->y || !s->lam || !s->quad || !s->atol || !start_forward(s)) {
        cvodes_stock_destroy(s);
        return NULL;
    }
    return s;
}

void cvodes_stock_destroy(cvodes_stock *stock) {
    if (!stock) {
        return;
    }
    if (stock->cvode) {
        CVodeFree(&stock->cvode);
    }
    destroy_solver(&stock->solver);
    destroy_solver(&stock->solver_back);
    N_Vector *const vectors[] = {&stock->y, &stock->lam, &stock->quad, &stock->atol};
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        if (*vectors[i]) {
            N_VDestroy(*vectors[i]);
        }
    }
    if (stock->context) {
        SUNContext_Free(&stock->context);
    }
    free(stock->jac);
    free(stock->work);
    free(stock);
}

static void add_setups(cvodes_stock *s, void *cvode) {
    long n_setup = 0;
    CVodeGetNumLinSolvSetups(cvode, &n_setup);
    s->counts.n_setup += (size_t)n_setup;
}

static bool solve_forward(cvodes_stock *s, double t0, const double *y0, size_t n_t, const double *t, double *y) {
    const size_t row_bytes = s->rhs.n_y * sizeof *y;
    double *state = N_VGetArrayPointer(s->y);
    memcpy(state, y0, row_bytes);
    if (CVodeReInit(s->cvode, t0, s->y) != CV_SUCCESS || CVodeAdjReInit(s->cvode) != CV_SUCCESS) {
        return false;
    }
    for (size_t i = 0; i < n_t; i++) {
        realtype reached;
        int n_checkpoint;
        if (t[i] > t0 && CVodeF(s->cvode, t[i], s->y, &reached, CV_NORMAL, &n_checkpoint) < 0) {
            return false;
        }
        memcpy(y + i * s->rhs.n_y, state, row_bytes);
    }
    long n_step = 0;
    CVodeGetNumSteps(s->cvode, &n_step);
    s->counts.n_step = (size_t)n_step;
    add_setups(s, s->cvode);
    return true;
}

/* The backward problem can be created only once a forward solution exists. */
static bool create_backward(cvodes_stock *s, double t) {
    const cvodes_stock_options *o = &s->options;
    return CVodeCreateB(s->cvode, multistep(s), &s->which) == CV_SUCCESS &&
           CVodeInitB(s->cvode, s->which, call_lam, t, s->lam) == CV_SUCCESS &&
           CVodeSVtolerancesB(s->cvode, s->which, o->rtol, s->atol) == CV_SUCCESS &&
           CVodeSetUserDataB(s->cvode, s->which, s) == CV_SUCCESS &&
           CVodeSetMaxNumStepsB(s->cvode, s->which, MAX_STEPS) == CV_SUCCESS && attach_solver_back(s) &&
           CVodeQuadInitB(s->cvode, s->which, call_quad, s->quad) == CV_SUCCESS &&
           CVodeSetQuadErrConB(s->cvode, s->which, o->quad_error_control) == CV_SUCCESS;
}

static bool restart_backward(cvodes_stock *s, double t) {
    return CVodeReInitB(s->cvode, s->which, t, s->lam) == CV_SUCCESS &&
           CVodeQuadReInitB(s->cvode, s->which, s->quad) == CV_SUCCESS;
}

/* `largest` is the largest cotangent, in units of 1 / scale. */
static bool begin_backward(cvodes_stock *s, double t, double largest) {
    const cvodes_stock_options *o = &s->options;
    double *atol = N_VGetArrayPointer(s->atol);
    for (size_t i = 0; i < s->rhs.n_y; i++) {
        atol[i] = o->atol * largest / (o->scale ? o->scale[i] : 1.0);
    }
    if (!s->backward_ready && !create_backward(s, t)) {
        return false;
    }
    s->backward_ready = true;
    return CVodeSVtolerancesB(s->cvode, s->which, o->rtol, s->atol) == CV_SUCCESS &&
           (!o->quad_error_control ||
            CVodeQuadSStolerancesB(s->cvode, s->which, o->rtol, o->atol * largest) == CV_SUCCESS);
}

static bool step_back_to(cvodes_stock *s, double from, double to) {
    realtype reached;
    long n_step = 0;
    if (!restart_backward(s, from) || CVodeB(s->cvode, to, CV_NORMAL) < 0 ||
        CVodeGetB(s->cvode, s->which, &reached, s->lam) != CV_SUCCESS ||
        CVodeGetQuadB(s->cvode, s->which, &reached, s->quad) != CV_SUCCESS) {
        return false;
    }
    CVodeGetNumSteps(CVodeGetAdjCVodeBmem(s->cvode, s->which), &n_step);
    s->counts.n_step_back += (size_t)n_step;
    add_setups(s, CVodeGetAdjCVodeBmem(s->cvode, s->which));
    return true;
}

static bool solve_backward(cvodes_stock *s, double t0, size_t n_t, const double *t, const double *v) {
    const size_t n_y = s->rhs.n_y;
    double *lam = N_VGetArrayPointer(s->lam);
    double largest = 0.0;
    for (size_t i = 0; i < n_t * n_y; i++) {
        largest = fmax(largest, fabs(v[i]) * (s->options.scale ? s->options.scale[i % n_y] : 1.0));
    }
    N_VConst(0.0, s->lam);
    N_VConst(0.0, s->quad);
    if (!begin_backward(s, t[n_t - 1], largest)) {
        return false;
    }
    for (size_t i = n_t; i-- > 0;) {
        const double previous = i > 0 ? t[i - 1] : t0;
        for (size_t k = 0; k < n_y; k++) {
            lam[k] += v[i * n_y + k];
        }
        if (previous < t[i] && !step_back_to(s, t[i], previous)) {
            return false;
        }
    }
    return true;
}

bool cvodes_stock_gradient(cvodes_stock *stock, const double *p, double t0, const double *y0, size_t n_t,
                           const double *t, gradient_loss loss, const void *loss_ctx, double *y, double *v,
                           double *value, double *y0bar, double *pbar) {
    stock->p = p;
    stock->counts = (cvodes_stock_counts){0};
    if (!solve_forward(stock, t0, y0, n_t, t, y)) {
        return false;
    }
    *value = loss(y, v, loss_ctx);
    if (!solve_backward(stock, t0, n_t, t, v)) {
        return false;
    }
    memcpy(y0bar, N_VGetArrayPointer(stock->lam), stock->rhs.n_y * sizeof *y0bar);
    memcpy(pbar, N_VGetArrayPointer(stock->quad), stock->rhs.n_p * sizeof *pbar);
    return true;
}

const cvodes_stock_counts *cvodes_stock_last_counts(const cvodes_stock *stock) { return &stock->counts; }
