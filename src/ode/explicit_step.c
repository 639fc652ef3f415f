/* SPDX-License-Identifier: MIT */
/* One step of tsit5 or dop853. */
#include "ode/explicit_step.h"

#include "core/finite.h"
#include "ode/explicit_stages.h"
#include "ode/stage.h"

/* state = Y_stage and k[stage] = f there. */
CSI_INLINE int evaluate(size_t n, csi_rhs_calls *calls, csi_step_record *record, size_t kept_stride,
                        const csi_tableau *tableau, int stage, int first, double *state) {
    const double t = csi_stage_time(record, tableau, stage);
    double *slope = record->k + (size_t)stage * n;
    csi_stage_sum_from(n, first, stage, record->y, record->h, tableau->a[stage], record->k, state);
    if (record->kept != NULL) {
        return csi_call_f_keep(calls, t, state, slope, record->kept + (size_t)(stage - 1) * kept_stride);
    }
    return csi_call_f(calls, t, state, slope);
}

#define EVALUATE(tableau, i, first, state)                                                                             \
    if (answer == 0) {                                                                                                 \
        answer = evaluate(n, calls, record, kept_stride, (tableau), (i), (first), (state));                            \
    }
#define TSIT5_INNER(i, first) EVALUATE(&csi_tsit5, i, first, stage)
#define TSIT5_END(i, first) EVALUATE(&csi_tsit5, i, first, y_end)
#define DOP853_INNER(i, first) EVALUATE(&csi_dop853, i, first, stage)
#define DOP853_END(i, first) EVALUATE(&csi_dop853, i, first, y_end)

CSI_INLINE int step_tsit5(size_t n, csi_rhs_calls *calls, csi_step_record *record, size_t kept_stride, double *stage,
                          double *y_end) {
    int answer = 0;
    CSI_TSIT5_STAGES(TSIT5_INNER)
    CSI_TSIT5_LAST_STAGE(TSIT5_END)
    return answer;
}

CSI_INLINE int step_dop853(size_t n, csi_rhs_calls *calls, csi_step_record *record, size_t kept_stride, double *stage,
                           double *y_end) {
    int answer = 0;
    CSI_DOP853_STAGES(DOP853_INNER)
    CSI_DOP853_LAST_STAGE(DOP853_END)
    return answer;
}

static int extra_dop853(size_t n, csi_rhs_calls *calls, csi_step_record *record, size_t kept_stride, double *stage) {
    int answer = 0;
    CSI_DOP853_EXTRA_STAGES(DOP853_INNER)
    return answer;
}

int csi_explicit_step(csi_rhs_calls *calls, csi_step_record *record, size_t kept_stride, double *stage, double *y_end) {
    const size_t n = calls->rhs.n_y;
    record->has_kept = record->kept != NULL;
    const int answer = record->tableau == &csi_tsit5
                           ? CSI_BY_STATES(step_tsit5, n, calls, record, kept_stride, stage, y_end)
                           : CSI_BY_STATES(step_dop853, n, calls, record, kept_stride, stage, y_end);
    return csi_step_outcome(answer);
}

int csi_explicit_extra(csi_rhs_calls *calls, csi_step_record *record, size_t kept_stride, double *stage) {
    const size_t n = calls->rhs.n_y;
    const size_t n_stage = (size_t)record->tableau->n_stage;
    const size_t n_extra = (size_t)record->tableau->n_extra;
    if (n_extra > 0) {
        const int answer = extra_dop853(n, calls, record, kept_stride, stage);
        if (answer != 0) {
            return csi_step_outcome(answer);
        }
        if (!csi_all_finite(record->k + n_stage * n, n_extra * n)) {
            return CSI_STEP_NONFINITE;
        }
    }
    record->has_extra = true;
    return CSI_STEP_OK;
}
