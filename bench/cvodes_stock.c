/* SPDX-License-Identifier: MIT */
/* The stock CVODES adjoint over the same right-hand side. */
#include "cvodes_stock.h"

#include "ode/sundials_compat.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sunnonlinsol/sunnonlinsol_fixedpoint.h>

#define MAX_STEPS 1000000L

struct cvodes_stock {
    costate_rhs rhs;
    cvodes_stock_options options;
    cvodes_stock_counts counts;
    const double *p;
    void *work;
    SUNContext context;
    void *cvode;
    SUNNonlinearSolver solver;
    SUNNonlinearSolver solver_back;
    N_Vector y;
    N_Vector lam;
    N_Vector quad;
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

static bool start_forward(cvodes_stock *s) {
    const cvodes_stock_options *o = &s->options;
    N_VConst(0.0, s->y);
    s->cvode = CVodeCreate(CV_ADAMS, s->context);
    s->solver = SUNNonlinSol_FixedPoint(s->y, 0, s->context);
    s->solver_back = SUNNonlinSol_FixedPoint(s->lam, 0, s->context);
    return s->cvode && s->solver && s->solver_back && csi_sundials_silence(s->cvode) &&
           CVodeInit(s->cvode, call_f, 0.0, s->y) == CV_SUCCESS &&
           CVodeSStolerances(s->cvode, o->rtol, o->atol) == CV_SUCCESS && CVodeSetUserData(s->cvode, s) == CV_SUCCESS &&
           CVodeSetMaxNumSteps(s->cvode, MAX_STEPS) == CV_SUCCESS &&
           CVodeSetNonlinearSolver(s->cvode, s->solver) == CV_SUCCESS &&
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
    if ((rhs->work_bytes && !s->work) || !csi_sundials_context_create(&s->context)) {
        cvodes_stock_destroy(s);
        return NULL;
    }
    s->y = N_VNew_Serial((sunindextype)rhs->n_y, s->context);
    s->lam = N_VNew_Serial((sunindextype)rhs->n_y, s->context);
    s->quad = N_VNew_Serial((sunindextype)rhs->n_p, s->context);
    if (!s->y || !s->lam || !s->quad || !start_forward(s)) {
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
    if (stock->solver) {
        SUNNonlinSolFree(stock->solver);
    }
    if (stock->solver_back) {
        SUNNonlinSolFree(stock->solver_back);
    }
    N_Vector *const vectors[] = {&stock->y, &stock->lam, &stock->quad};
    for (size_t i = 0; i < 3; i++) {
        if (*vectors[i]) {
            N_VDestroy(*vectors[i]);
        }
    }
    if (stock->context) {
        SUNContext_Free(&stock->context);
    }
    free(stock->work);
    free(stock);
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
    return true;
}

/* The backward problem can be created only once a forward solution exists. */
static bool create_backward(cvodes_stock *s, double t, double atol) {
    const cvodes_stock_options *o = &s->options;
    return CVodeCreateB(s->cvode, CV_ADAMS, &s->which) == CV_SUCCESS &&
           CVodeInitB(s->cvode, s->which, call_lam, t, s->lam) == CV_SUCCESS &&
           CVodeSStolerancesB(s->cvode, s->which, o->rtol, atol) == CV_SUCCESS &&
           CVodeSetUserDataB(s->cvode, s->which, s) == CV_SUCCESS &&
           CVodeSetMaxNumStepsB(s->cvode, s->which, MAX_STEPS) == CV_SUCCESS &&
           CVodeSetNonlinearSolverB(s->cvode, s->which, s->solver_back) == CV_SUCCESS &&
           CVodeQuadInitB(s->cvode, s->which, call_quad, s->quad) == CV_SUCCESS &&
           CVodeSetQuadErrConB(s->cvode, s->which, o->quad_error_control) == CV_SUCCESS;
}

static bool restart_backward(cvodes_stock *s, double t) {
    return CVodeReInitB(s->cvode, s->which, t, s->lam) == CV_SUCCESS &&
           CVodeQuadReInitB(s->cvode, s->which, s->quad) == CV_SUCCESS;
}

static bool begin_backward(cvodes_stock *s, double t, double atol) {
    if (!s->backward_ready && !create_backward(s, t, atol)) {
        return false;
    }
    s->backward_ready = true;
    return CVodeSStolerancesB(s->cvode, s->which, s->options.rtol, atol) == CV_SUCCESS &&
           (!s->options.quad_error_control ||
            CVodeQuadSStolerancesB(s->cvode, s->which, s->options.rtol, atol) == CV_SUCCESS);
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
    return true;
}

static bool solve_backward(cvodes_stock *s, double t0, size_t n_t, const double *t, const double *v) {
    const size_t n_y = s->rhs.n_y;
    double *lam = N_VGetArrayPointer(s->lam);
    double largest = 0.0;
    for (size_t i = 0; i < n_t * n_y; i++) {
        largest = fmax(largest, fabs(v[i]));
    }
    N_VConst(0.0, s->lam);
    N_VConst(0.0, s->quad);
    if (!begin_backward(s, t[n_t - 1], s->options.atol * largest)) {
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
                           const double *t, cvodes_stock_loss loss, const void *loss_ctx, double *y, double *v,
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
