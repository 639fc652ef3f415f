/* SPDX-License-Identifier: MIT */
/* Comparison of f_keep and vjp_kept with f and vjp, whose values they must reproduce exactly. */
#include "core/rhs_check_internal.h"

#include <math.h>
#include <string.h>

static const char in_f_keep[] = "f_keep";
static const char in_vjp_kept[] = "vjp_kept";
static const char in_vjp_kept_ybar[] = "vjp_kept ybar";
static const char in_vjp_kept_pbar[] = "vjp_kept pbar";

void csi_check_carve_kept(csi_check *c, csi_arena *arena) {
    const costate_rhs *rhs = c->rhs;
    if (rhs->f_keep) {
        c->kept.dydt = csi_arena_take(arena, rhs->n_y, sizeof(double));
        c->kept.ybar = csi_arena_take(arena, rhs->n_y, sizeof(double));
        c->kept.pbar = csi_arena_take(arena, rhs->n_p, sizeof(double));
        c->kept.block = rhs->kept_bytes ? csi_arena_take(arena, rhs->kept_bytes, 1) : NULL;
    }
}

/* The first difference ends the check, however small it is. */
static costate_status compare_exactly(csi_check *c, const char *callback, const double *got, const double *want,
                                      size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(got[i])) {
            return csi_check_blame(c, COSTATE_ERR_NONFINITE, callback, i);
        }
        if (got[i] != want[i]) {
            c->worst = (costate_rhs_report){.callback = callback,
                                            .index = i,
                                            .point = c->point,
                                            .analytic = got[i],
                                            .numeric = want[i],
                                            .error = fabs(got[i] - want[i]) / (1 + fabs(want[i]))};
            return COSTATE_ERR_MISMATCH;
        }
    }
    return COSTATE_OK;
}

static costate_status check_f_keep(csi_check *c) {
    const costate_rhs *rhs = c->rhs;
    csi_check_draw(c, c->kept.dydt, rhs->n_y);
    if (c->kept.block) {
        memset(c->kept.block, 0xff, rhs->kept_bytes);
    }
    int answer = rhs->f_keep(c->t, c->y, c->p, c->kept.dydt, c->kept.block, csi_check_work(c), rhs->ctx);
    if (answer != COSTATE_ANSWER_OK) {
        return csi_check_blame(c, COSTATE_ERR_RHS_FAIL, in_f_keep, 0);
    }
    return compare_exactly(c, in_f_keep, c->kept.dydt, c->dydt, rhs->n_y);
}

/* Both calls with one cotangent and scale, and gradients accumulated into the same numbers. */
static costate_status check_vjp_kept(csi_check *c, bool want_ybar, bool want_pbar, double factor) {
    const costate_rhs *rhs = c->rhs;
    csi_check_draw(c, c->pbar, rhs->n_p);
    memcpy(c->kept.pbar, c->pbar, rhs->n_p * sizeof(double));
    csi_check_draw(c, c->kept.ybar, rhs->n_y);
    int answer = rhs->vjp(c->t, c->y, c->p, c->v, factor, want_ybar ? c->ybar : NULL, want_pbar ? c->pbar : NULL,
                          csi_check_work(c), rhs->ctx);
    if (answer != COSTATE_ANSWER_OK) {
        return csi_check_blame(c, COSTATE_ERR_RHS_FAIL, "vjp", 0);
    }
    answer = rhs->vjp_kept(c->t, c->y, c->p, c->v, factor, want_ybar ? c->kept.ybar : NULL,
                           want_pbar ? c->kept.pbar : NULL, c->kept.block, csi_check_work(c), rhs->ctx);
    if (answer != COSTATE_ANSWER_OK) {
        return csi_check_blame(c, COSTATE_ERR_RHS_FAIL, in_vjp_kept, 0);
    }
    costate_status status = COSTATE_OK;
    if (want_ybar) {
        status = compare_exactly(c, in_vjp_kept_ybar, c->kept.ybar, c->ybar, rhs->n_y);
    }
    if (want_pbar && status == COSTATE_OK) {
        status = compare_exactly(c, in_vjp_kept_pbar, c->kept.pbar, c->pbar, rhs->n_p);
    }
    return status;
}

costate_status csi_check_kept(csi_check *c) {
    const costate_rhs *rhs = c->rhs;
    if (!rhs->f_keep) {
        return COSTATE_OK;
    }
    const bool has_p = rhs->n_p > 0;
    costate_status status = check_f_keep(c);
    if (status != COSTATE_OK || !rhs->vjp || !rhs->vjp_kept) {
        return status;
    }
    status = check_vjp_kept(c, true, has_p, -0.75);
    if (status == COSTATE_OK && has_p) {
        status = check_vjp_kept(c, true, false, 1);
    }
    if (status == COSTATE_OK && has_p) {
        status = check_vjp_kept(c, false, true, 2.5);
    }
    return status;
}
