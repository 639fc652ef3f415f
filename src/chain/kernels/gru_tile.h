/* SPDX-License-Identifier: MIT */
/* Gated recurrent unit; parts of its gates: r, z, q = U_n h + d_n, n. Part of chain_kernels.c. */
#ifndef CSI_GRU_TILE_H
#define CSI_GRU_TILE_H

#include "chain/kernels/recurrence.h"

typedef struct gru_parts {
    real *r, *z, *q, *n;
} gru_parts;

static gru_parts gru_parts_at(const recurrence *r, real *gates) {
    return (gru_parts){gates, gates + r->part, gates + 2 * r->part, gates + 3 * r->part};
}

/* `before` is the state one step before, NULL for zero. */
INLINE void gru_loop(bool accurate, size_t count, const gru_parts *at, const real *before, real *h) {
    for (size_t i = 0; i < count; i += VLANES) {
        const vreal r = act_value(COSTATE_ACT_SIGMOID, accurate, v_load(at->r + i), NULL, NULL);
        const vreal z = act_value(COSTATE_ACT_SIGMOID, accurate, v_load(at->z + i), NULL, NULL);
        const vreal sum = v_fma(r, v_load(at->q + i), v_load(at->n + i));
        const vreal n = act_value(COSTATE_ACT_TANH, accurate, sum, NULL, NULL);
        const vreal fresh = v_mul(v_sub(v_set1(1), z), n);
        v_store(at->r + i, r);
        v_store(at->z + i, z);
        v_store(at->n + i, n);
        v_store(h + i, before == NULL ? fresh : v_fma(z, v_load(before + i), fresh));
    }
}

static void gru_cell(const recurrence *r, size_t t) {
    const gru_parts at = gru_parts_at(r, step_gates(r, t));
    if (tile_is_accurate(r->tile)) {
        gru_loop(true, r->part, &at, state_before(r, t), step_state(r, t));
    } else {
        gru_loop(false, r->part, &at, state_before(r, t), step_state(r, t));
    }
}

/* The cotangent of h becomes what z lets through. */
static void gru_pull(const recurrence *r, size_t t, real *delta, real *carried) {
    const gru_parts at = gru_parts_at(r, step_gates(r, t)), to = gru_parts_at(r, delta);
    const real *before = state_before(r, t);
    for (size_t i = 0; i < r->part; i += VLANES) {
        const vreal reset = v_load(at.r + i), z = v_load(at.z + i), n = v_load(at.n + i), v = v_load(carried + i);
        const vreal h = before == NULL ? v_zero() : v_load(before + i);
        const vreal fresh = v_mul(v_mul(v, v_sub(v_set1(1), z)), act_from_value(COSTATE_ACT_TANH, n));
        const vreal of_reset = v_mul(fresh, v_load(at.q + i));
        v_store(to.r + i, v_mul(of_reset, act_from_value(COSTATE_ACT_SIGMOID, reset)));
        v_store(to.z + i, v_mul(v_mul(v, v_sub(h, n)), act_from_value(COSTATE_ACT_SIGMOID, z)));
        v_store(to.q + i, v_mul(fresh, reset));
        v_store(to.n + i, fresh);
        v_store(carried + i, v_mul(v, z));
    }
}

static costate_status gru_forward(const chain_tile *tile) {
    const recurrence r = recurrence_of(tile, csi_gru_sizes);
    recurrence_forward(&r, gru_cell);
    return COSTATE_OK;
}

static costate_status gru_vjp(const chain_tile *tile) {
    const recurrence r = recurrence_of(tile, csi_gru_sizes);
    recurrence_vjp(&r, gru_pull);
    return COSTATE_OK;
}

#endif
