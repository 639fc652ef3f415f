/* SPDX-License-Identifier: MIT */
/* What a CVODE flag, together with the last answer of a callback, means to the caller. */
#include "ode/integrator_internal.h"

#include <stddef.h>

typedef struct flag_meaning {
    int flag;
    costate_status status;
    const char *name;
} flag_meaning;

/* Flags with COSTATE_ERR_RHS_RETRY stand for either kind of recoverable trouble, NaN included. */
static const flag_meaning meanings[] = {
    {CV_TOO_MUCH_ACC, COSTATE_ERR_ACCURACY, "CV_TOO_MUCH_ACC"},
    {CV_ERR_FAILURE, COSTATE_ERR_STEP_SIZE, "CV_ERR_FAILURE"},
    {CV_CONV_FAILURE, COSTATE_ERR_CONVERGENCE, "CV_CONV_FAILURE"},
    {CV_LINIT_FAIL, COSTATE_ERR_CONVERGENCE, "CV_LINIT_FAIL"},
    {CV_LSETUP_FAIL, COSTATE_ERR_CONVERGENCE, "CV_LSETUP_FAIL"},
    {CV_LSOLVE_FAIL, COSTATE_ERR_CONVERGENCE, "CV_LSOLVE_FAIL"},
    {CV_NLS_INIT_FAIL, COSTATE_ERR_CONVERGENCE, "CV_NLS_INIT_FAIL"},
    {CV_NLS_SETUP_FAIL, COSTATE_ERR_CONVERGENCE, "CV_NLS_SETUP_FAIL"},
    {CV_NLS_FAIL, COSTATE_ERR_CONVERGENCE, "CV_NLS_FAIL"},
    {CV_RHSFUNC_FAIL, COSTATE_ERR_RHS_FAIL, "CV_RHSFUNC_FAIL"},
    {CV_FIRST_RHSFUNC_ERR, COSTATE_ERR_RHS_RETRY, "CV_FIRST_RHSFUNC_ERR"},
    {CV_REPTD_RHSFUNC_ERR, COSTATE_ERR_RHS_RETRY, "CV_REPTD_RHSFUNC_ERR"},
    {CV_UNREC_RHSFUNC_ERR, COSTATE_ERR_RHS_RETRY, "CV_UNREC_RHSFUNC_ERR"},
    {CV_SRHSFUNC_FAIL, COSTATE_ERR_RHS_FAIL, "CV_SRHSFUNC_FAIL"},
    {CV_FIRST_SRHSFUNC_ERR, COSTATE_ERR_RHS_RETRY, "CV_FIRST_SRHSFUNC_ERR"},
    {CV_REPTD_SRHSFUNC_ERR, COSTATE_ERR_RHS_RETRY, "CV_REPTD_SRHSFUNC_ERR"},
    {CV_UNREC_SRHSFUNC_ERR, COSTATE_ERR_RHS_RETRY, "CV_UNREC_SRHSFUNC_ERR"},
    {CV_MEM_FAIL, COSTATE_ERR_MEMORY, "CV_MEM_FAIL"},
    {CV_ILL_INPUT, COSTATE_ERR_SOLVER, "CV_ILL_INPUT"},
    {CV_TOO_CLOSE, COSTATE_ERR_SOLVER, "CV_TOO_CLOSE"},
    {CV_VECTOROP_ERR, COSTATE_ERR_SOLVER, "CV_VECTOROP_ERR"},
};

static flag_meaning meaning_of(int flag) {
    for (size_t i = 0; i < sizeof meanings / sizeof meanings[0]; i++) {
        if (meanings[i].flag == flag) {
            return meanings[i];
        }
    }
    return (flag_meaning){flag, COSTATE_ERR_SOLVER, "unexpected flag"};
}

/* Only these end a step because of what a callback answered; after the others its answer is beside the point. */
static bool blames_callback(costate_status status) {
    return status == COSTATE_ERR_RHS_RETRY || status == COSTATE_ERR_CONVERGENCE;
}

costate_status csi_integrator_failure(csi_integrator *it, int flag, double t) {
    const flag_meaning meaning = meaning_of(flag);
    csi_detail *detail = it->setup.detail;
    const char *name = it->ode.name;
    if (it->trouble == CSI_TROUBLE_FAIL) {
        return csi_fail(detail, COSTATE_ERR_RHS_FAIL,
                        "a callback failed at t = %.17g, in a step of %s from t = %.17g (%s)", it->trouble_t, name, t,
                        meaning.name);
    }
    if (it->trouble == CSI_TROUBLE_WEIGHT) {
        return csi_fail(detail, COSTATE_ERR_ACCURACY, "the tolerance of element %zu of %s is zero at t = %.17g",
                        it->trouble_index, name, t);
    }
    if (it->trouble == CSI_TROUBLE_NONFINITE && blames_callback(meaning.status)) {
        return csi_fail(detail, COSTATE_ERR_NONFINITE,
                        "a callback gave NaN or infinity at t = %.17g, in a step of %s from t = %.17g (%s)",
                        it->trouble_t, name, t, meaning.name);
    }
    if (it->trouble == CSI_TROUBLE_RETRY && blames_callback(meaning.status)) {
        return csi_fail(detail, COSTATE_ERR_RHS_RETRY,
                        "a callback kept asking for a smaller step at t = %.17g, in a step of %s from t = %.17g (%s)",
                        it->trouble_t, name, t, meaning.name);
    }
    return csi_fail(detail, meaning.status, "%s (%d) in a step of %s from t = %.17g", meaning.name, flag, name, t);
}
