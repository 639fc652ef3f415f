/* SPDX-License-Identifier: MIT */
/* A right-hand side together with everything its callbacks are called with: parameters, scratch, and the counts they
 * add to. */
#include "ode/rhs_calls.h"

#include "core/memory.h"

#include <stdint.h>

costate_status csi_rhs_calls_init(csi_rhs_calls *calls, const costate_rhs *rhs, costate_solve_counts *counts,
                                  const costate_allocator *alloc) {
    *calls = (csi_rhs_calls){.rhs = *rhs, .counts = counts};
    size_t bytes = 0;
    if (!csi_size_add(rhs->work_bytes, CSI_ALIGNMENT - 1, &bytes) ||
        !csi_size_mul(rhs->n_y, 2 * sizeof(double), &bytes)) {
        return COSTATE_ERR_OVERFLOW;
    }
    calls->unit = csi_alloc(alloc, rhs->n_y, 2 * sizeof(double));
    if (calls->unit == NULL) {
        return COSTATE_ERR_MEMORY;
    }
    calls->row = calls->unit + rhs->n_y;
    if (rhs->work_bytes > 0) {
        calls->work = csi_alloc_aligned(alloc, rhs->work_bytes, 1, &calls->work_block);
        if (calls->work == NULL) {
            return COSTATE_ERR_MEMORY;
        }
    }
    return COSTATE_OK;
}

void csi_rhs_calls_clear(csi_rhs_calls *calls, const costate_allocator *alloc) {
    csi_release(alloc, calls->work_block);
    csi_release(alloc, calls->unit);
    *calls = (csi_rhs_calls){0};
}

static void count_vjp(costate_solve_counts *counts, const double *pbar) {
    if (pbar != NULL) {
        counts->n_vjp_p++;
    } else {
        counts->n_vjp_y++;
    }
}

int csi_call_vjp(csi_rhs_calls *calls, double t, const double *y, const double *v, double scale, double *ybar,
                 double *pbar) {
    count_vjp(calls->counts, pbar);
    return calls->rhs.vjp(t, y, calls->p, v, scale, ybar, pbar, calls->work, calls->rhs.ctx);
}

int csi_call_vjp_kept(csi_rhs_calls *calls, double t, const double *y, const double *v, double scale, double *ybar,
                      double *pbar, const void *kept) {
    count_vjp(calls->counts, pbar);
    return calls->rhs.vjp_kept(t, y, calls->p, v, scale, ybar, pbar, kept, calls->work, calls->rhs.ctx);
}

static int jacobian_by_jvp(csi_rhs_calls *calls, double t, const double *y, double *jac) {
    const costate_rhs *rhs = &calls->rhs;
    int answer = 0;
    for (size_t j = 0; j < rhs->n_y && answer == 0; j++) {
        calls->unit[j] = 1.0;
        answer = rhs->jvp(t, y, calls->p, calls->unit, NULL, jac + j * rhs->n_y, calls->work, rhs->ctx);
        calls->unit[j] = 0.0;
    }
    return answer;
}

static int jacobian_by_vjp(csi_rhs_calls *calls, double t, const double *y, double *jac) {
    const size_t n = calls->rhs.n_y;
    int answer = 0;
    for (size_t i = 0; i < n && answer == 0; i++) {
        calls->unit[i] = 1.0;
        answer = csi_call_vjp(calls, t, y, calls->unit, 1.0, calls->row, NULL);
        calls->unit[i] = 0.0;
        for (size_t j = 0; j < n; j++) {
            jac[i + n * j] = calls->row[j];
        }
    }
    return answer;
}

int csi_call_jacobian(csi_rhs_calls *calls, double t, const double *y, double *jac) {
    const costate_rhs *rhs = &calls->rhs;
    calls->counts->n_jac++;
    if (rhs->jac != NULL) {
        return rhs->jac(t, y, calls->p, jac, calls->work, rhs->ctx);
    }
    return rhs->jvp != NULL ? jacobian_by_jvp(calls, t, y, jac) : jacobian_by_vjp(calls, t, y, jac);
}
