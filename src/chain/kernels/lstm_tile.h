/* SPDX-License-Identifier: MIT */
/* Long short-term memory; kept beside gates and states: the cells c of all steps, then tanh c. Part of chain_kernels.c. */
#ifndef CSI_LSTM_TILE_H
#define CSI_LSTM_TILE_H

#include "chain/kernels/recurrence.h"

typedef struct lstm_parts {
    real *i, *f, *g, *o;
} lstm_parts;

static lstm_parts lstm_parts_at(const recurrence *r, real *gates) {
    return (lstm_parts){gates, gates + r->part, gates + 2 * r->part, gates + 3 * r->part};
}

typedef struct lstm_values {
    const real *before; /* c one step before, NULL for zero */
    real *c, *tanh_c, *h;
} lstm_values;

static lstm_values lstm_values_at(const recurrence *r, size_t t) {
    real *c = r->others + t * r->part;
    return (lstm_values){t == 0 ? NULL : c - r->part, c, c + r->n_step * r->part, step_state(r, t)};
}

INLINE void lstm_loop(bool accurate, size_t count, const lstm_parts *at, const lstm_values *values) {
    for (size_t k = 0; k < count; k += VLANES) {
        const vreal i = act_value(COSTATE_ACT_SIGMOID, accurate, v_load(at->i + k), NULL, NULL);
        const vreal f = act_value(COSTATE_ACT_SIGMOID, accurate, v_load(at->f + k), NULL, NULL);
        const vreal g = act_value(COSTATE_ACT_TANH, accurate, v_load(at->g + k), NULL, NULL);
        const vreal o = act_value(COSTATE_ACT_SIGMOID, accurate, v_load(at->o + k), NULL, NULL);
        const vreal fresh = v_mul(i, g);
        const vreal c = values->before == NULL ? fresh : v_fma(f, v_load(values->before + k), fresh);
        const vreal tanh_c = act_value(COSTATE_ACT_TANH, accurate, c, NULL, NULL);
        v_store(at->i + k, i);
        v_store(at->f + k, f);
        v_store(at->g + k, g);
        v_store(at->o + k, o);
        v_store(values->c + k, c);
        v_store(values->tanh_c + k, tanh_c);
        v_store(values->h + k, v_mul(o, tanh_c));
    }
}

static void lstm_cell(const recurrence *r, size_t t) {
    const lstm_parts at = lstm_parts_at(r, step_gates(r, t));
    const lstm_values values = lstm_values_at(r, t);
    if (tile_is_accurate(r->tile)) {
        lstm_loop(true, r->part, &at, &values);
    } else {
        lstm_loop(false, r->part, &at, &values);
    }
}

/* Carried are the cotangents of h, all of which goes through the gates, and of c. */
static void lstm_pull(const recurrence *r, size_t t, real *delta, real *carried) {
    const lstm_parts at = lstm_parts_at(r, step_gates(r, t)), to = lstm_parts_at(r, delta);
    const lstm_values values = lstm_values_at(r, t);
    real *cell = carried + r->part;
    for (size_t k = 0; k < r->part; k += VLANES) {
        const vreal i = v_load(at.i + k), f = v_load(at.f + k), g = v_load(at.g + k), o = v_load(at.o + k);
        const vreal v = v_load(carried + k), tanh_c = v_load(values.tanh_c + k);
        const vreal through = v_mul(v_mul(v, o), act_from_value(COSTATE_ACT_TANH, tanh_c));
        const vreal c = v_add(v_load(cell + k), through);
        const vreal before = values.before == NULL ? v_zero() : v_load(values.before + k);
        v_store(to.i + k, v_mul(v_mul(c, g), act_from_value(COSTATE_ACT_SIGMOID, i)));
        v_store(to.f + k, v_mul(v_mul(c, before), act_from_value(COSTATE_ACT_SIGMOID, f)));
        v_store(to.g + k, v_mul(v_mul(c, i), act_from_value(COSTATE_ACT_TANH, g)));
        v_store(to.o + k, v_mul(v_mul(v, tanh_c), act_from_value(COSTATE_ACT_SIGMOID, o)));
        v_store(cell + k, v_mul(c, f));
        v_store(carried + k, v_zero());
    }
}

static costate_status lstm_forward(const chain_tile *tile) {
    const recurrence r = recurrence_of(tile, csi_lstm_sizes);
    recurrence_forward(&r, lstm_cell);
    return COSTATE_OK;
}

static costate_status lstm_vjp(const chain_tile *tile) {
    const recurrence r = recurrence_of(tile, csi_lstm_sizes);
    recurrence_vjp(&r, lstm_pull);
    return COSTATE_OK;
}

#endif
