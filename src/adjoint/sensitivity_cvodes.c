/* SPDX-License-Identifier: MIT */
/* Forward sensitivities inside CVODES: their right-hand side, corrector and tolerances (doc/math.md, equation 2). */
#include "adjoint/sensitivity_internal.h"
#include "ode/integrator_internal.h"

#include <limits.h>
#include <string.h>
#include <sunnonlinsol/sunnonlinsol_fixedpoint.h>
#include <sunnonlinsol/sunnonlinsol_newton.h>

/* All of ∂f/∂y and ∂f/∂p, one VJP with a unit cotangent per row. */
static int evaluate_rows(costate_sensitivity *sens, double t, const double *y) {
    csi_rhs_calls *calls = &sens->calls;
    const size_t n = calls->rhs.n_y;
    const size_t n_p = calls->rhs.n_p;
    const size_t width = sens->n_column;
    if (sens->integrator->trouble == CSI_TROUBLE_FAIL) {
        return -1;
    }
    if (sens->rows_valid && t == sens->t_rows && memcmp(y, sens->y_rows, n * sizeof *y) == 0) {
        return 0;
    }
    memset(sens->rows, 0, n * width * sizeof *sens->rows);
    int answer = 0;
    for (size_t i = 0; i < n && answer == 0; i++) {
        double *row = sens->rows + i * width;
        calls->unit[i] = 1.0;
        answer = csi_call_vjp(calls, t, y, calls->unit, 1.0, row, n_p > 0 ? row + n : NULL);
        calls->unit[i] = 0.0;
    }
    answer = csi_integrator_note(sens->integrator, answer, sens->rows, n * width, t);
    sens->rows_valid = answer == 0;
    sens->t_rows = t;
    memcpy(sens->y_rows, y, n * sizeof *y);
    return answer;
}

/* S_j′ = (∂f/∂y) S_j + ∂f/∂p_j, the last term for parameters only. */
static int sensitivity_f(int n_column, sunrealtype t, N_Vector y, N_Vector dydt, N_Vector *s, N_Vector *dsdt,
                         void *data, N_Vector tmp1, N_Vector tmp2) {
    (void)n_column, (void)dydt, (void)tmp1, (void)tmp2;
    csi_integrator *integrator = data;
    costate_sensitivity *sens = integrator->ode.ctx;
    const size_t n = sens->calls.rhs.n_y;
    const size_t n_p = sens->calls.rhs.n_p;
    const int answer = evaluate_rows(sens, t, NV_DATA_S(y));
    if (answer != 0) {
        return answer;
    }
    for (size_t j = 0; j < sens->n_column; j++) {
        const double *column = NV_DATA_S(s[j]);
        double *result = NV_DATA_S(dsdt[j]);
        for (size_t k = 0; k < n; k++) {
            const double *row = sens->rows + k * sens->n_column;
            double sum = j < n_p ? row[n + j] : 0.0;
            for (size_t i = 0; i < n; i++) {
                sum += row[i] * column[i];
            }
            result[k] = sum;
        }
    }
    return 0;
}

static int cvodes_scheme(const costate_sensitivity *sens) {
    return sens->scheme == COSTATE_SENSITIVITY_SIMULTANEOUS ? CV_SIMULTANEOUS : CV_STAGGERED;
}

static int restart(void *cvode, void *ctx) {
    costate_sensitivity *sens = ctx;
    const int flag = CVodeSensReInit(cvode, cvodes_scheme(sens), sens->column);
    return flag == CV_SUCCESS ? CVodeSetSensParams(cvode, NULL, sens->scale, NULL) : flag;
}

static bool attach_corrector(costate_sensitivity *sens) {
    const csi_integrator *it = sens->integrator;
    const bool together = sens->scheme == COSTATE_SENSITIVITY_SIMULTANEOUS;
    const int n_vector = (int)sens->n_column + (together ? 1 : 0);
    sens->corrector = sens->options.method == COSTATE_METHOD_BDF
                          ? SUNNonlinSol_NewtonSens(n_vector, it->y, it->context)
                          : SUNNonlinSol_FixedPointSens(n_vector, it->y, 0, it->context);
    if (sens->corrector == NULL) {
        return false;
    }
    const int flag = together ? CVodeSetNonlinearSolverSensSim(it->cvode, sens->corrector)
                              : CVodeSetNonlinearSolverSensStg(it->cvode, sens->corrector);
    return flag == CV_SUCCESS;
}

costate_status csi_sensitivity_attach(costate_sensitivity *sens) {
    csi_integrator *it = sens->integrator;
    if (sens->n_column >= (size_t)INT_MAX) {
        return COSTATE_ERR_OVERFLOW;
    }
    const int n_column = (int)sens->n_column;
    sens->column = N_VCloneVectorArray(n_column, it->y);
    const bool made =
        sens->column != NULL &&
        CVodeSensInit(it->cvode, n_column, cvodes_scheme(sens), sensitivity_f, sens->column) == CV_SUCCESS &&
        CVodeSensEEtolerances(it->cvode) == CV_SUCCESS && CVodeSetSensErrCon(it->cvode, SUNTRUE) == CV_SUCCESS &&
        attach_corrector(sens);
    it->on_restart = restart;
    it->on_restart_ctx = sens;
    return made ? COSTATE_OK : COSTATE_ERR_MEMORY;
}

void csi_sensitivity_detach(costate_sensitivity *sens) {
    if (sens->integrator != NULL && sens->integrator->cvode != NULL) {
        CVodeSensFree(sens->integrator->cvode);
    }
    if (sens->corrector != NULL) {
        SUNNonlinSolFree(sens->corrector);
    }
    if (sens->column != NULL) {
        N_VDestroyVectorArray(sens->column, (int)sens->n_column);
    }
}
