/* SPDX-License-Identifier: MIT */
/*
 * Plain CVODES user code that calls nothing of the library but the kernels: its own context, vectors, right-hand side
 * and Jacobian over
 *
 *     depot′ = −ka · depot,   central′ = ka · depot − N(central / volume, weight; w) · central,
 *
 * and its own adjoint: λ′ = −(∂f/∂y)ᵀλ backward from the amount in the central compartment after 4 h, with the gradient
 * for w as a quadrature of CVODES. Checked against costate_solve() and
 * costate_adjoint_vjp(). Last line: "CVODES agrees with costate" and exit status 0; anything else is a failure.
 */
#include "elimination_model.h"

#include <cvodes/cvodes.h>
#include <nvector/nvector_serial.h>
#include <stdio.h>
#include <sundials/sundials_config.h>
#include <sunlinsol/sunlinsol_dense.h>
#include <sunmatrix/sunmatrix_dense.h>

#if SUNDIALS_VERSION_MAJOR >= 7
#define NO_COMM SUN_COMM_NULL
#else
#define NO_COMM NULL
#endif

/* The differentiated amount is that at ELIMINATION_TIMES[LOSS_TIME], 4 h. */
enum { LOSS_TIME = 3 };

/* What CVODES passes to the callbacks. */
typedef struct user_data {
    const costate_net *net;
    const double *p;
    double work[512];
} user_data;

static double *numbers(N_Vector v) { return N_VGetArrayPointer(v); }

static int f(sunrealtype t, N_Vector y, N_Vector ydot, void *data) {
    (void)t;
    user_data *user = data;
    const double depot = numbers(y)[0], central = numbers(y)[1];
    const double x[2] = {central / ELIMINATION_VOLUME, ELIMINATION_WEIGHT};
    double rate;
    if (costate_net_forward_f64(user->net, user->p, x, &rate, user->work, sizeof user->work) != COSTATE_OK) {
        return -1;
    }
    numbers(ydot)[0] = -ELIMINATION_KA * depot;
    numbers(ydot)[1] = ELIMINATION_KA * depot - rate * central;
    return 0;
}

static int jacobian(sunrealtype t, N_Vector y, N_Vector ydot, SUNMatrix jac, void *data, N_Vector a, N_Vector b,
                    N_Vector c) {
    (void)t, (void)ydot, (void)a, (void)b, (void)c;
    user_data *user = data;
    const double central = numbers(y)[1], x[2] = {central / ELIMINATION_VOLUME, ELIMINATION_WEIGHT};
    double rate, slope[2];
    if (costate_net_jacobian_f64(user->net, user->p, x, &rate, slope, user->work, sizeof user->work) != COSTATE_OK) {
        return -1;
    }
    SM_ELEMENT_D(jac, 0, 0) = -ELIMINATION_KA;
    SM_ELEMENT_D(jac, 0, 1) = 0.0;
    SM_ELEMENT_D(jac, 1, 0) = ELIMINATION_KA;
    SM_ELEMENT_D(jac, 1, 1) = -rate - slope[0] / ELIMINATION_VOLUME * central;
    return 0;
}

/* λ′ = −(∂f/∂y)ᵀ λ */
static int f_backward(sunrealtype t, N_Vector y, N_Vector lambda, N_Vector lambda_dot, void *data) {
    (void)t;
    user_data *user = data;
    const double *lam = numbers(lambda), central = numbers(y)[1], rate_bar = -lam[1] * central;
    const double x[2] = {central / ELIMINATION_VOLUME, ELIMINATION_WEIGHT};
    double rate, x_bar[2];
    if (costate_net_forward_f64(user->net, user->p, x, &rate, user->work, sizeof user->work) != COSTATE_OK ||
        costate_net_vjp_f64(user->net, user->p, x, &rate_bar, 0.0, x_bar, NULL, user->work, sizeof user->work) !=
            COSTATE_OK) {
        return -1;
    }
    numbers(lambda_dot)[0] = ELIMINATION_KA * (lam[0] - lam[1]);
    numbers(lambda_dot)[1] = lam[1] * rate - x_bar[0] / ELIMINATION_VOLUME;
    return 0;
}

/* The gradient's integrand, −(∂f/∂w)ᵀ λ, since CVODES integrates it from the end to the start. */
static int quadrature_backward(sunrealtype t, N_Vector y, N_Vector lambda, N_Vector integrand, void *data) {
    (void)t;
    user_data *user = data;
    const double central = numbers(y)[1], rate_bar = -numbers(lambda)[1] * central;
    const double x[2] = {central / ELIMINATION_VOLUME, ELIMINATION_WEIGHT};
    N_VConst(0.0, integrand);
    return costate_net_vjp_f64(user->net, user->p, x, &rate_bar, -1.0, NULL, numbers(integrand), user->work,
                               sizeof user->work) == COSTATE_OK
               ? 0
               : -1;
}

/* All that CVODES needs, made and released together. */
typedef struct session {
    SUNContext context;
    N_Vector y, lambda, gradient;
    SUNMatrix matrix[2]; /* forward and backward: CVODES alternates between the two */
    SUNLinearSolver linear[2];
    void *cvode;
} session;

static int session_open(session *s, user_data *user) {
    if (SUNContext_Create(NO_COMM, &s->context) != 0) {
        return -1;
    }
    s->y = N_VNew_Serial(2, s->context);
    s->lambda = N_VNew_Serial(2, s->context);
    s->gradient = N_VNew_Serial(ELIMINATION_N_PARAM, s->context);
    s->cvode = CVodeCreate(CV_BDF, s->context);
    if (!s->y || !s->lambda || !s->gradient || !s->cvode) {
        return -1;
    }
    for (int k = 0; k < 2; k++) {
        s->matrix[k] = SUNDenseMatrix(2, 2, s->context);
        s->linear[k] = s->matrix[k] ? SUNLinSol_Dense(s->y, s->matrix[k], s->context) : NULL;
        if (!s->linear[k]) {
            return -1;
        }
    }
    numbers(s->y)[0] = ELIMINATION_DOSE;
    numbers(s->y)[1] = 0.0;
    return CVodeInit(s->cvode, f, 0.0, s->y) == CV_SUCCESS && CVodeSStolerances(s->cvode, 1e-12, 1e-12) == CV_SUCCESS &&
                   CVodeSetUserData(s->cvode, user) == CV_SUCCESS &&
                   CVodeSetMaxNumSteps(s->cvode, 100000) == CV_SUCCESS &&
                   CVodeSetLinearSolver(s->cvode, s->linear[0], s->matrix[0]) == CV_SUCCESS &&
                   CVodeSetJacFn(s->cvode, jacobian) == CV_SUCCESS &&
                   CVodeAdjInit(s->cvode, 1000, CV_POLYNOMIAL) == CV_SUCCESS
               ? 0
               : -1;
}

static void session_close(session *s) {
    if (s->cvode) {
        CVodeFree(&s->cvode);
    }
    for (int k = 0; k < 2; k++) {
        if (s->linear[k]) {
            SUNLinSolFree(s->linear[k]);
        }
        if (s->matrix[k]) {
            SUNMatDestroy(s->matrix[k]);
        }
    }
    N_Vector vectors[] = {s->y, s->lambda, s->gradient};
    for (int i = 0; i < 3; i++) {
        if (vectors[i]) {
            N_VDestroy(vectors[i]);
        }
    }
    if (s->context) {
        SUNContext_Free(&s->context);
    }
}

static int solve_forward(session *s, double *y) {
    static const double times[] = ELIMINATION_TIMES;
    for (size_t i = 0; i < ELIMINATION_N_TIME; i++) {
        double reached;
        int n_check;
        if (CVodeF(s->cvode, times[i], s->y, &reached, CV_NORMAL, &n_check) < 0) {
            return -1;
        }
        y[2 * i] = numbers(s->y)[0];
        y[2 * i + 1] = numbers(s->y)[1];
    }
    return 0;
}

/* The Jacobian of the adjoint equation is left to CVODES' difference quotients. */
static int solve_backward(session *s, user_data *user, double t_end, double *gradient) {
    int which;
    double reached;
    numbers(s->lambda)[0] = 0.0;
    numbers(s->lambda)[1] = 1.0;
    N_VConst(0.0, s->gradient);
    if (CVodeCreateB(s->cvode, CV_BDF, &which) != CV_SUCCESS ||
        CVodeInitB(s->cvode, which, f_backward, t_end, s->lambda) != CV_SUCCESS ||
        CVodeSStolerancesB(s->cvode, which, 1e-11, 1e-12) != CV_SUCCESS ||
        CVodeSetUserDataB(s->cvode, which, user) != CV_SUCCESS ||
        CVodeSetMaxNumStepsB(s->cvode, which, 100000) != CV_SUCCESS ||
        CVodeSetLinearSolverB(s->cvode, which, s->linear[1], s->matrix[1]) != CV_SUCCESS ||
        CVodeQuadInitB(s->cvode, which, quadrature_backward, s->gradient) != CV_SUCCESS ||
        CVodeQuadSStolerancesB(s->cvode, which, 1e-10, 1e-10) != CV_SUCCESS ||
        CVodeSetQuadErrConB(s->cvode, which, SUNTRUE) != CV_SUCCESS || CVodeB(s->cvode, 0.0, CV_NORMAL) < 0 ||
        CVodeGetQuadB(s->cvode, which, &reached, s->gradient) != CV_SUCCESS) {
        return -1;
    }
    for (int k = 0; k < ELIMINATION_N_PARAM; k++) {
        gradient[k] = numbers(s->gradient)[k];
    }
    return 0;
}

/* The same gradient by the library. */
static costate_status reference_gradient(elimination_model *model, double *gradient) {
    static const double y0[] = {ELIMINATION_DOSE, 0.0}, times[] = ELIMINATION_TIMES, v[] = {0.0, 1.0};
    costate_solver_options options = costate_solver_options_default();
    options.method = COSTATE_METHOD_DOP853;
    options.rtol = 1e-12;
    options.atol = 1e-12;
    const costate_rhs rhs = elimination_model_rhs(model);
    costate_solver *solver = NULL;
    costate_adjoint *adjoint = NULL;
    double y[2], y0_bar[2];
    for (int k = 0; k < ELIMINATION_N_PARAM; k++) {
        gradient[k] = 0.0;
    }
    costate_status status = costate_solver_create(&rhs, &options, NULL, &solver);
    status = status ? status : costate_adjoint_create(solver, NULL, NULL, &adjoint);
    status = status ? status : costate_solve(solver, model->p, 0.0, y0, 1, &times[LOSS_TIME], y);
    status = status ? status : costate_adjoint_vjp(adjoint, model->p, 1, v, y0_bar, gradient, NULL);
    costate_adjoint_destroy(adjoint);
    costate_solver_destroy(solver);
    return status;
}

/* Largest difference, relative to the largest element of the reference; NaN if there is one. */
static double gradient_difference(const double *gradient, const double *reference) {
    double size = 0.0, worst = 0.0;
    for (int k = 0; k < ELIMINATION_N_PARAM; k++) {
        size = fmax(size, fabs(reference[k]));
    }
    for (int k = 0; k < ELIMINATION_N_PARAM; k++) {
        const double difference = fabs(gradient[k] - reference[k]) / size;
        worst = difference <= worst || isnan(worst) ? worst : difference;
    }
    return worst;
}

int main(void) {
    static const double times[] = ELIMINATION_TIMES;
    elimination_model model;
    double y[2 * ELIMINATION_N_TIME], reference[2 * ELIMINATION_N_TIME];
    double gradient[ELIMINATION_N_PARAM], want[ELIMINATION_N_PARAM];
    if (elimination_model_create(&model) != COSTATE_OK || elimination_reference(reference) != COSTATE_OK ||
        reference_gradient(&model, want) != COSTATE_OK) {
        fprintf(stderr, "costate cannot solve the problem\n");
        return 1;
    }
    user_data user = {.net = model.net, .p = model.p};
    session s = {0};
    int status = costate_net_work_bytes_f64(model.net) <= sizeof user.work ? session_open(&s, &user) : -1;
    status = status ? status : solve_forward(&s, y);
    status = status ? status : solve_backward(&s, &user, times[LOSS_TIME], gradient);
    session_close(&s);
    costate_net_destroy(model.net);
    if (status != 0) {
        fprintf(stderr, "CVODES failed\n");
        return 1;
    }
    const double states = elimination_difference(y, reference), slopes = gradient_difference(gradient, want);
    const int right = states <= 1e-8 && slopes <= 1e-7;
    printf("states %.2e, gradient %.2e\nCVODES %s with costate\n", states, slopes, right ? "agrees" : "does not agree");
    return right ? 0 : 1;
}
