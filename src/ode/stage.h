/* SPDX-License-Identifier: MIT */
/* The states a step's stages are evaluated at, from its start and its slopes; the one expression for step and adjoint. */
#ifndef CSI_STAGE_H
#define CSI_STAGE_H

#include "ode/short_state.h"
#include "ode/step_history.h"

/* clang unrolls these loops unasked where their length is a constant, and complains where it is not. */
#if defined(__GNUC__) && !defined(__clang__)
#define CSI_STAGE_UNROLL _Pragma("GCC unroll 16")
#else
#define CSI_STAGE_UNROLL
#endif

/* What a step may end in beside success; negative outcomes end the solve, positive ones ask for a smaller step. */
enum {
    CSI_STEP_OK = 0,
    CSI_STEP_RETRY = 1,
    CSI_STEP_NONFINITE = 2,
    CSI_STEP_NO_CONVERGENCE = 3,
    CSI_STEP_INACCURATE = 4, /* the error test failed */
    CSI_STEP_FAIL = -1
};

/* The outcome that a callback's answer means. */
static inline int csi_step_outcome(int answer) {
    return answer == 0 ? CSI_STEP_OK : answer > 0 ? CSI_STEP_RETRY : CSI_STEP_FAIL;
}

/* The status of a step that cannot be made shorter after this outcome. */
static inline costate_status csi_step_status(int outcome) {
    switch (outcome) {
    case CSI_STEP_OK: return COSTATE_OK;
    case CSI_STEP_RETRY: return COSTATE_ERR_RHS_RETRY;
    case CSI_STEP_NONFINITE: return COSTATE_ERR_NONFINITE;
    case CSI_STEP_NO_CONVERGENCE: return COSTATE_ERR_CONVERGENCE;
    case CSI_STEP_INACCURATE: return COSTATE_ERR_STEP_SIZE;
    default: return COSTATE_ERR_RHS_FAIL;
    }
}

/* Where stage `stage` is evaluated. */
static inline double csi_stage_time(const csi_step_record *record, const csi_tableau *tableau, int stage) {
    const double c = tableau->c[stage];
    return c == 0.0 ? record->t_first : c == 1.0 ? record->t_last : record->t + c * record->h;
}

/* out = y + h Σ_{j < n_term} a_j k_j, where a_j = 0 for 0 < j < first. The last slope has just been computed: as little as possible waits for it. */
CSI_INLINE void csi_stage_sum_from(size_t n, int first, int n_term, const double *restrict y, double h, const double *a,
                                   const double *restrict k, double *restrict out) {
    const int newest = n_term - 1;
    for (size_t i = 0; i < n; i++) {
        double sum = 0.0;
        CSI_STAGE_UNROLL
        for (int j = 0; j < newest; j++) {
            if (j == 0 || j >= first) {
                sum += a[j] * k[(size_t)j * n + i];
            }
        }
        out[i] = (y[i] + h * sum) + (h * a[newest]) * k[(size_t)newest * n + i];
    }
}

CSI_INLINE void csi_stage_sum(size_t n, int n_term, const double *restrict y, double h, const double *a,
                              const double *restrict k, double *restrict out) {
    csi_stage_sum_from(n, 1, n_term, y, h, a, k, out);
}

#endif
