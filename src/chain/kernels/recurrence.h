/* SPDX-License-Identifier: MIT */
/*
 * What recurrent layers have in common: products with W for some steps at once, with U step by step, and backpropagation
 * through time. Part of chain_kernels.c.
 *
 * Kept are, step by step, the parts of the gates (recurrent_sizes.h), then the states of all steps, then what else the kind
 * keeps. A part is n_unit rows.
 */
#ifndef CSI_RECURRENCE_H
#define CSI_RECURRENCE_H

#include "chain/kernels/chain_tile.h"
#include "chain/kernels/step_product.h"
#include "chain/recurrent_sizes.h"

#include <string.h>

typedef struct recurrence {
    const chain_tile *tile;
    csi_recurrent_sizes sizes;
    size_t n_in, n_unit, n_step, row;
    size_t part;                        /* elements of a part: n_unit·row */
    size_t weight_hh, bias_ih, bias_hh; /* into the parameters; W is at 0 */
    real *gates, *states, *others;
} recurrence;

static recurrence recurrence_of(const chain_tile *tile, csi_recurrent_sizes sizes) {
    recurrence r = {.tile = tile,
                    .sizes = sizes,
                    .n_in = tile->in.n_channel,
                    .n_unit = tile->layer->n_out,
                    .n_step = tile->in.width,
                    .row = tile->row};
    const size_t n_row = sizes.n_gate * r.n_unit;
    r.part = r.n_unit * r.row;
    r.weight_hh = n_row * r.n_in;
    r.bias_ih = r.weight_hh + n_row * r.n_unit;
    r.bias_hh = r.bias_ih + n_row;
    r.gates = tile->kept;
    r.states = sizes.n_value == 0 ? r.gates : r.gates + r.n_step * sizes.n_part * r.part;
    r.others = r.states + r.n_step * r.part;
    return r;
}

static real *step_gates(const recurrence *r, size_t t) { return r->gates + t * r->sizes.n_part * r->part; }
static real *step_state(const recurrence *r, size_t t) { return r->states + t * r->part; }

/* h_{t−1}; NULL for zero. */
static const real *state_before(const recurrence *r, size_t t) { return t == 0 ? NULL : step_state(r, t - 1); }

/* The biases of gate `gate`; NULL if there are none. */
static const real *gate_bias(const recurrence *r, size_t bias, size_t gate) {
    return r->tile->layer->no_bias ? NULL : r->tile->p + bias + gate * r->n_unit;
}

/* Rows of W or of U, and the parts of the gates that they make. */
typedef struct gate_range {
    size_t gate, count, part;
} gate_range;

/* Those of gates that are functions of a sum, and the others; W's or U's. */
static gate_range summed_gates(const recurrence *r) { return (gate_range){0, r->sizes.n_sum, 0}; }

static gate_range other_gates(const recurrence *r, bool of_state) {
    const size_t n_sum = r->sizes.n_sum, n_gate = r->sizes.n_gate;
    return (gate_range){n_sum, n_gate - n_sum, of_state ? n_sum : n_gate};
}

/* W x + b of `count` steps, with d where U h is added later. */
static void input_product(const recurrence *r, gate_range range, bool is_summed, size_t t, size_t count) {
    const step_terms o = {
        .row = r->row,
        .n_step = count,
        .n_term = r->n_in,
        .n_sum = range.count * r->n_unit,
        .term_stride = 1,
        .sum_stride = r->n_in,
        .in_term = r->n_step * r->row,
        .in_step = r->row,
        .out_sum = r->row,
        .out_step = r->sizes.n_part * r->part,
        .matrix = r->tile->p + range.gate * r->n_unit * r->n_in,
        .in = r->tile->x + t * r->row,
        .init = {gate_bias(r, r->bias_ih, range.gate), is_summed ? gate_bias(r, r->bias_hh, range.gate) : NULL},
        .out = step_gates(r, t) + range.part * r->part};
    step_sums(&o);
}

/* U h of step t, added to W x or, apart, with d. */
static void state_product(const recurrence *r, gate_range range, bool is_summed, size_t t) {
    const real *state = state_before(r, t);
    const step_terms o = {.row = r->row,
                          .n_step = 1,
                          .n_term = state == NULL ? 0 : r->n_unit,
                          .n_sum = range.count * r->n_unit,
                          .term_stride = 1,
                          .sum_stride = r->n_unit,
                          .in_term = r->row,
                          .out_sum = r->row,
                          .matrix = r->tile->p + r->weight_hh + range.gate * r->n_unit * r->n_unit,
                          .in = state == NULL ? r->tile->x : state,
                          .adds = is_summed,
                          .init = {gate_bias(r, r->bias_hh, range.gate), NULL},
                          .out = step_gates(r, t) + range.part * r->part};
    step_sums(&o);
}

static void copy_rows(size_t n, size_t row, const real *from, real *to, size_t to_stride) {
    for (size_t i = 0; i < n; i++) {
        for (size_t s = 0; s < row; s += VLANES) {
            v_store(to + i * to_stride + s, v_load(from + i * row + s));
        }
    }
}

/* `cell` makes the state of step t from its gates. */
static void recurrence_forward(const recurrence *r, void (*cell)(const recurrence *r, size_t t)) {
    const bool whole = r->tile->layer->whole_sequence, has_other = r->sizes.n_gate > r->sizes.n_sum;
    for (size_t first = 0; first < r->n_step; first += CSI_RECURRENT_STEPS) {
        const size_t end = first + csi_recurrent_steps(r->n_step - first);
        input_product(r, summed_gates(r), true, first, end - first);
        if (has_other) {
            input_product(r, other_gates(r, false), false, first, end - first);
        }
        for (size_t t = first; t < end; t++) {
            state_product(r, summed_gates(r), true, t);
            if (has_other) {
                state_product(r, other_gates(r, true), false, t);
            }
            cell(r, t);
            if (whole) {
                copy_rows(r->n_unit, r->row, step_state(r, t), r->tile->y + t * r->row, r->n_step * r->row);
            }
        }
    }
    if (!whole) {
        copy_rows(r->n_unit, r->row, step_state(r, r->n_step - 1), r->tile->y, r->row);
    }
}

/* hbar += the cotangent of step t's output */
static void add_cotangent(const recurrence *r, size_t t, real *hbar) {
    const bool whole = r->tile->layer->whole_sequence;
    if (!whole && t + 1 < r->n_step) {
        return;
    }
    const size_t stride = whole ? r->n_step * r->row : r->row;
    const real *v = whole ? r->tile->v + t * r->row : r->tile->v;
    for (size_t i = 0; i < r->n_unit; i++) {
        for (size_t s = 0; s < r->row; s += VLANES) {
            real *q = hbar + i * r->row + s;
            v_store(q, v_add(v_load(q), v_load(v + i * stride + s)));
        }
    }
}

/* hbar += Uᵀ delta, for the parts of one step's gates. */
static void pull_state(const recurrence *r, const real *delta, real *hbar) {
    const step_terms o = {.row = r->row,
                          .n_step = 1,
                          .n_term = r->sizes.n_gate * r->n_unit,
                          .n_sum = r->n_unit,
                          .term_stride = r->n_unit,
                          .sum_stride = 1,
                          .in_term = r->row,
                          .out_sum = r->row,
                          .matrix = r->tile->p + r->weight_hh,
                          .in = delta,
                          .adds = true,
                          .out = hbar};
    step_sums(&o);
}

/* xbar = Wᵀ delta for `count` steps from t on, or added to that of other gates. */
static void pull_input(const recurrence *r, gate_range range, bool adds, size_t t, size_t count, const real *delta) {
    const step_terms o = {.row = r->row,
                          .n_step = count,
                          .n_term = range.count * r->n_unit,
                          .n_sum = r->n_in,
                          .term_stride = r->n_in,
                          .sum_stride = 1,
                          .in_term = r->row,
                          .in_step = r->sizes.n_part * r->part,
                          .out_sum = r->n_step * r->row,
                          .out_step = r->row,
                          .matrix = r->tile->p + range.gate * r->n_unit * r->n_in,
                          .in = delta + range.part * r->part,
                          .adds = adds,
                          .out = r->tile->xbar + t * r->row};
    step_sums(&o);
}

/* Gradients of rows of W and of b from the cotangents of their gates. */
static void pull_input_weights(const recurrence *r, gate_range range, size_t t, size_t count, const real *delta) {
    const size_t n_row = range.count * r->n_unit, step = r->sizes.n_part * r->part;
    const step_factors o = {.row = r->row,
                            .n_step = count,
                            .n_a = r->n_in,
                            .n_b = n_row,
                            .a_unit = r->n_step * r->row,
                            .a_step = r->row,
                            .b_unit = r->row,
                            .b_step = step,
                            .a = r->tile->x + t * r->row,
                            .b = delta + range.part * r->part,
                            .to = r->tile->pbar + range.gate * r->n_unit * r->n_in};
    step_outer(&o);
    if (!r->tile->layer->no_bias) {
        step_row_sums(r->row, count, step, n_row, o.b, r->tile->pbar + r->bias_ih + range.gate * r->n_unit);
    }
}

/* Gradients of U and d. The first step has no state before it. */
static void pull_state_weights(const recurrence *r, size_t t, size_t count, const real *delta) {
    const size_t n_row = r->sizes.n_gate * r->n_unit, step = r->sizes.n_part * r->part, skipped = t == 0 ? 1 : 0;
    const step_factors o = {.row = r->row,
                            .n_step = count - skipped,
                            .n_a = r->n_unit,
                            .n_b = n_row,
                            .a_unit = r->row,
                            .a_step = r->part,
                            .b_unit = r->row,
                            .b_step = step,
                            .a = step_state(r, t + skipped - 1),
                            .b = delta + skipped * step,
                            .to = r->tile->pbar + r->weight_hh};
    if (o.n_step > 0) {
        step_outer(&o);
    }
    if (!r->tile->layer->no_bias) {
        step_row_sums(r->row, count, step, n_row, delta, r->tile->pbar + r->bias_hh);
    }
}

/* What goes to x and to the parameters from the cotangents of the gates of some steps. */
static void pull_steps(const recurrence *r, size_t t, size_t count, const real *delta) {
    const gate_range summed = summed_gates(r), other = other_gates(r, false);
    if (r->tile->pbar != NULL) {
        pull_input_weights(r, summed, t, count, delta);
        pull_state_weights(r, t, count, delta);
    }
    if (r->tile->xbar != NULL) {
        pull_input(r, summed, false, t, count, delta);
    }
    if (r->tile->pbar != NULL && other.count > 0) {
        pull_input_weights(r, other, t, count, delta);
    }
    if (r->tile->xbar != NULL && other.count > 0) {
        pull_input(r, other, true, t, count, delta);
    }
}

/*
 * `pull` turns the cotangent of a step's state, the first part of `carried`, into those of the step's gates, and leaves in
 * `carried` what goes to the step before on other ways than through U.
 */
static void recurrence_vjp(const recurrence *r,
                           void (*pull)(const recurrence *r, size_t t, real *delta, real *carried)) {
    const size_t step = r->sizes.n_part * r->part;
    real *delta = r->tile->scratch, *carried = delta + csi_recurrent_steps(r->n_step) * step;
    memset(carried, 0, r->sizes.n_carried * r->part * sizeof *carried);
    for (size_t end = r->n_step, first; end > 0; end = first) {
        const size_t count = csi_recurrent_steps(end);
        first = end - count;
        for (size_t t = end; t-- > first;) {
            add_cotangent(r, t, carried);
            pull(r, t, delta + (t - first) * step, carried);
            if (t > 0) {
                pull_state(r, delta + (t - first) * step, carried);
            }
        }
        pull_steps(r, first, count, delta);
    }
}

#endif
