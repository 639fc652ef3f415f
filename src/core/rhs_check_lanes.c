/* SPDX-License-Identifier: MIT */
/* Comparison of f_lanes and vjp_lanes with f and vjp, lane by lane. */
#include "core/memory.h"
#include "core/rhs_check_internal.h"

#include <math.h>
#include <string.h>

static const char in_f_lanes[] = "f_lanes";
static const char in_vjp_lanes[] = "vjp_lanes";
static const char in_vjp_lanes_ybar[] = "vjp_lanes ybar";
static const char in_vjp_lanes_pbar[] = "vjp_lanes pbar";

/* n elements of every lane. */
static double *take_lanes(csi_arena *arena, size_t n) {
    size_t count = 0;
    if (!csi_size_mul(n, COSTATE_LANES, &count)) {
        arena->overflow = true;
    }
    return csi_arena_take(arena, count, sizeof(double));
}

void csi_check_carve_lanes(csi_check *c, csi_arena *arena) {
    const costate_rhs *rhs = c->rhs;
    if (rhs->f_lanes) {
        c->lanes.t = take_lanes(arena, 1);
        double **per_state[] = {&c->lanes.y, &c->lanes.v, &c->lanes.dydt, &c->lanes.ybar};
        double **per_parameter[] = {&c->lanes.p, &c->lanes.pbar, &c->lanes.pbar_before};
        for (size_t i = 0; i < sizeof per_state / sizeof *per_state; i++) {
            *per_state[i] = take_lanes(arena, rhs->n_y);
        }
        for (size_t i = 0; i < sizeof per_parameter / sizeof *per_parameter; i++) {
            *per_parameter[i] = take_lanes(arena, rhs->n_p);
        }
        c->lanes.y_one = csi_arena_take(arena, rhs->n_y, sizeof(double));
        c->lanes.v_one = csi_arena_take(arena, rhs->n_y, sizeof(double));
        c->lanes.p_one = csi_arena_take(arena, rhs->n_p, sizeof(double));
        c->lanes.work = rhs->lanes_work_bytes ? csi_arena_take(arena, rhs->lanes_work_bytes, 1) : NULL;
    }
}

static void *fresh_work(const csi_check *c) {
    if (c->lanes.work) {
        memset(c->lanes.work, 0xff, c->rhs->lanes_work_bytes);
    }
    return c->lanes.work;
}

static void scatter(const double *from, size_t lane, size_t n, double *to) {
    for (size_t i = 0; i < n; i++) {
        to[i * COSTATE_LANES + lane] = from[i];
    }
}

static void gather(const double *from, size_t lane, size_t n, double *to) {
    for (size_t i = 0; i < n; i++) {
        to[i] = from[i * COSTATE_LANES + lane];
    }
}

static void draw_lanes(csi_check *c) {
    const costate_rhs *rhs = c->rhs;
    for (size_t lane = 0; lane < COSTATE_LANES; lane++) {
        csi_check_draw_point(c, &c->lanes.t[lane], c->lanes.y_one, c->lanes.p_one);
        csi_check_draw(c, c->lanes.v_one, rhs->n_y);
        scatter(c->lanes.y_one, lane, rhs->n_y, c->lanes.y);
        scatter(c->lanes.p_one, lane, rhs->n_p, c->lanes.p);
        scatter(c->lanes.v_one, lane, rhs->n_y, c->lanes.v);
    }
}

/* The point of one lane in y_one, p_one and v_one. */
static void gather_point(csi_check *c, size_t lane) {
    gather(c->lanes.y, lane, c->rhs->n_y, c->lanes.y_one);
    gather(c->lanes.p, lane, c->rhs->n_p, c->lanes.p_one);
    gather(c->lanes.v, lane, c->rhs->n_y, c->lanes.v_one);
}

static costate_status compare_lane(csi_check *c, const char *callback, size_t lane, const double *got,
                                   const double *want, size_t n) {
    costate_status status = COSTATE_OK;
    for (size_t i = 0; i < n && status == COSTATE_OK; i++) {
        const size_t index = i * COSTATE_LANES + lane;
        status = csi_check_compare(c, callback, index, got[index], want[i]);
    }
    return status;
}

static costate_status check_f_lanes(csi_check *c) {
    const costate_rhs *rhs = c->rhs;
    csi_check_draw(c, c->lanes.dydt, rhs->n_y * COSTATE_LANES);
    if (rhs->f_lanes(c->lanes.t, c->lanes.y, c->lanes.p, c->lanes.dydt, fresh_work(c), rhs->ctx) != COSTATE_ANSWER_OK) {
        return csi_check_blame(c, COSTATE_ERR_RHS_FAIL, in_f_lanes, 0);
    }
    costate_status status = COSTATE_OK;
    for (size_t lane = 0; lane < COSTATE_LANES && status == COSTATE_OK; lane++) {
        gather_point(c, lane);
        if (rhs->f(c->lanes.t[lane], c->lanes.y_one, c->lanes.p_one, c->dydt, csi_check_work(c), rhs->ctx) !=
            COSTATE_ANSWER_OK) {
            return csi_check_blame(c, COSTATE_ERR_RHS_FAIL, "f", 0);
        }
        status = compare_lane(c, in_f_lanes, lane, c->lanes.dydt, c->dydt, rhs->n_y);
    }
    return status;
}

/* One lane's ybar and pbar against vjp; c->lanes.pbar holds what the call added. */
static costate_status compare_vjp(csi_check *c, size_t lane, bool want_pbar) {
    const costate_rhs *rhs = c->rhs;
    gather_point(c, lane);
    memset(c->pbar, 0, rhs->n_p * sizeof(double));
    if (rhs->vjp(c->lanes.t[lane], c->lanes.y_one, c->lanes.p_one, c->lanes.v_one, 1, c->ybar,
                 want_pbar ? c->pbar : NULL, csi_check_work(c), rhs->ctx) != COSTATE_ANSWER_OK) {
        return csi_check_blame(c, COSTATE_ERR_RHS_FAIL, "vjp", 0);
    }
    costate_status status = compare_lane(c, in_vjp_lanes_ybar, lane, c->lanes.ybar, c->ybar, rhs->n_y);
    if (want_pbar && status == COSTATE_OK) {
        status = compare_lane(c, in_vjp_lanes_pbar, lane, c->lanes.pbar, c->pbar, rhs->n_p);
    }
    return status;
}

static costate_status check_vjp_lanes(csi_check *c, bool want_pbar) {
    const costate_rhs *rhs = c->rhs;
    const size_t n_pbar = rhs->n_p * COSTATE_LANES;
    csi_check_draw(c, c->lanes.ybar, rhs->n_y * COSTATE_LANES);
    csi_check_draw(c, c->lanes.pbar_before, n_pbar);
    memcpy(c->lanes.pbar, c->lanes.pbar_before, n_pbar * sizeof(double));
    if (rhs->vjp_lanes(c->lanes.t, c->lanes.y, c->lanes.p, c->lanes.v, c->lanes.ybar, want_pbar ? c->lanes.pbar : NULL,
                       fresh_work(c), rhs->ctx) != COSTATE_ANSWER_OK) {
        return csi_check_blame(c, COSTATE_ERR_RHS_FAIL, in_vjp_lanes, 0);
    }
    for (size_t i = 0; i < n_pbar; i++) {
        c->lanes.pbar[i] -= c->lanes.pbar_before[i];
    }
    costate_status status = COSTATE_OK;
    for (size_t lane = 0; lane < COSTATE_LANES && status == COSTATE_OK; lane++) {
        status = compare_vjp(c, lane, want_pbar);
    }
    return status;
}

costate_status csi_check_lanes(csi_check *c) {
    const costate_rhs *rhs = c->rhs;
    if (!rhs->f_lanes) {
        return COSTATE_OK;
    }
    const bool has_p = rhs->n_p > 0;
    draw_lanes(c);
    costate_status status = check_f_lanes(c);
    if (status == COSTATE_OK && rhs->vjp && rhs->vjp_lanes) {
        status = check_vjp_lanes(c, has_p);
        if (status == COSTATE_OK && has_p) {
            status = check_vjp_lanes(c, false);
        }
    }
    return status;
}
