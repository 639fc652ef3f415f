/* SPDX-License-Identifier: MIT */
/* The integrator's parts, for what is attached to CVODE beside the states (sensitivities) and for the naming of its
 * failures. */
#ifndef CSI_INTEGRATOR_INTERNAL_H
#define CSI_INTEGRATOR_INTERNAL_H

#include "ode/integrator.h"
#include "ode/sundials_compat.h"

#include <sundials/sundials_linearsolver.h>
#include <sundials/sundials_matrix.h>
#include <sundials/sundials_nonlinearsolver.h>

/* What was wrong with the last callback. */
typedef enum csi_trouble {
    CSI_TROUBLE_NONE,
    CSI_TROUBLE_RETRY,
    CSI_TROUBLE_NONFINITE,
    CSI_TROUBLE_FAIL,
    CSI_TROUBLE_WEIGHT /* an error weight would be infinite */
} csi_trouble;

/* Where the vector that receives an interpolant puts it. */
typedef struct csi_probe {
    size_t n;
    int n_column;
    double *coef;
    bool taken;
} csi_probe;

struct csi_integrator {
    costate_allocator alloc;
    csi_ode ode;
    csi_integrator_setup setup;
    double rtol;
    double *atol;
    csi_trouble trouble;
    double trouble_t;
    size_t trouble_index;
    SUNContext context;
    void *cvode;
    N_Vector y;
    N_Vector probe_vector;
    csi_probe probe;
    SUNMatrix matrix;
    SUNLinearSolver linear;
    SUNNonlinearSolver nonlinear;
    int (*on_restart)(void *cvode,
                      void *ctx); /* re-initialises what else CVODE carries; answers a CVODE flag; NULL: nothing */
    void *on_restart_ctx;
};

/* Remembers a callback's answer and looks for NaN in its n results; what CVODE is to be told. */
int csi_integrator_note(csi_integrator *integrator, int answer, const double *result, size_t n, double t);

/* The status, with text, of a negative CVODE flag in a step from t. */
costate_status csi_integrator_failure(csi_integrator *integrator, int flag, double t);

#endif
