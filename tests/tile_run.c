/* SPDX-License-Identifier: MIT */
/* One layer of a chain on one tile, in either precision through double arrays, each against inaccessible memory. */
#include "tile_run.h"

#include "chain/kernels/chain_kernels.h"
#include "support/asserts.h"
#include "support/guard_page.h"
#include "support/seeded_random.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static double *numbers(const tile_run *run, costate_random *random, size_t n) {
    double *values = calloc(n + 1, sizeof *values);
    assert_non_null(values);
    if (random != NULL) {
        fill_normal(random, values, n, 1.0);
    }
    for (size_t i = 0; i < n && run->single; i++) {
        values[i] = (double)(float)values[i];
    }
    return values;
}

tile_run tile_run_make(const costate_chain_layer *layer, costate_shape in, size_t row, bool single,
                       costate_random *random) {
    tile_run run = {.layer = *layer, .in = in, .row = row, .single = single};
    assert_ok(layer->kind->plan(layer, in, &run.plan));
    run.n_in = costate_shape_size(in);
    run.n_out = costate_shape_size(run.plan.out);
    for (size_t i = 0; i < run.plan.n_block; i++) {
        run.n_param += run.plan.block[i].length;
    }
    run.p = numbers(&run, random, run.n_param);
    run.x = numbers(&run, random, run.n_in * row);
    run.v = numbers(&run, random, run.n_out * row);
    run.pbar_before = numbers(&run, random, run.n_param);
    run.y = numbers(&run, NULL, run.n_out * row);
    run.xbar = numbers(&run, NULL, run.n_in * row);
    run.pbar = numbers(&run, NULL, run.n_param);
    return run;
}

void tile_run_release(tile_run *run) {
    double *const arrays[] = {run->p, run->x, run->v, run->pbar_before, run->y, run->xbar, run->pbar};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) {
        free(arrays[i]);
    }
}

long double tile_run_roundoff(const tile_run *run) { return run->single ? 0x1p-24L : 0x1p-53L; }

/* An array in the precision of the run, and a copy of it. */
typedef struct placed {
    guard_buffer buffer, copy;
    size_t bytes, n;
} placed;

static placed place(const tile_run *run, const double *values, size_t n) {
    const size_t bytes = n * (run->single ? sizeof(float) : sizeof(double));
    placed array = {guard_create(bytes, GUARD_AFTER), guard_create(bytes, GUARD_AFTER), bytes, n};
    for (size_t i = 0; i < n; i++) {
        const double value = values == NULL ? (double)NAN : values[i];
        if (run->single) {
            ((float *)array.buffer.data)[i] = (float)value;
        } else {
            ((double *)array.buffer.data)[i] = value;
        }
    }
    return array;
}

static void remember(const placed *array) { memcpy(array->copy.data, array->buffer.data, array->bytes); }

static void assert_untouched(const placed *array) {
    assert_memory_equal(array->copy.data, array->buffer.data, array->bytes);
}

static void take(const tile_run *run, const placed *array, double *values) {
    for (size_t i = 0; i < array->n; i++) {
        values[i] = run->single ? (double)((float *)array->buffer.data)[i] : ((double *)array->buffer.data)[i];
    }
}

enum { P, X, V, Y, KEPT, SCRATCH, XBAR, PBAR, N_ARRAY };

#define TILE(bits, real)                                                                                               \
    (costate_chain_tile_f##bits) {                                                                                     \
        .layer = &run->layer, .in = run->in, .out = run->plan.out, .n = n, .row = run->row, .training = true,          \
        .p = (const real *)a[P].buffer.data, .x = (const real *)a[X].buffer.data, .y = (real *)a[Y].buffer.data,       \
        .kept = (real *)a[KEPT].buffer.data, .scratch = (real *)a[SCRATCH].buffer.data, .v = (real *)a[V].buffer.data, \
        .xbar = want_xbar ? (real *)a[XBAR].buffer.data : NULL,                                                        \
        .pbar = want_pbar ? (real *)a[PBAR].buffer.data : NULL,                                                        \
    }

static void call(const tile_run *run, size_t n, const placed *a, bool vjp, bool want_xbar, bool want_pbar) {
    csi_chain_kernels kernels;
    assert_ok(csi_chain_kernels_select(&kernels));
    const csi_kind_index kind = csi_kind_find(run->layer.kind);
    if (run->single) {
        const costate_chain_tile_f32 tile = TILE(32, float);
        assert_ok((vjp ? kernels.f32[kind].vjp : kernels.f32[kind].forward)(&tile));
    } else {
        const costate_chain_tile_f64 tile = TILE(64, double);
        assert_ok((vjp ? kernels.f64[kind].vjp : kernels.f64[kind].forward)(&tile));
    }
}

void tile_run_call(tile_run *run, size_t n, bool want_xbar, bool want_pbar) {
    const size_t row = run->row;
    for (size_t i = 0; i < run->n_out; i++) {
        memset(run->v + i * row + n, 0, (row - n) * sizeof *run->v);
    }
    placed a[N_ARRAY] = {
        [P] = place(run, run->p, run->n_param),
        [X] = place(run, run->x, run->n_in * row),
        [V] = place(run, run->v, run->n_out * row),
        [Y] = place(run, NULL, run->n_out * row),
        [KEPT] = place(run, NULL, run->plan.n_kept * row),
        [SCRATCH] = place(run, NULL, run->plan.n_scratch * row),
        [XBAR] = place(run, NULL, run->n_in * row),
        [PBAR] = place(run, run->pbar_before, run->n_param),
    };
    remember(&a[P]);
    remember(&a[X]);
    call(run, n, a, false, want_xbar, want_pbar);
    remember(&a[Y]);
    remember(&a[KEPT]);
    memset(a[SCRATCH].buffer.data, 0xff, a[SCRATCH].bytes);
    call(run, n, a, true, want_xbar, want_pbar);
    assert_untouched(&a[P]);
    assert_untouched(&a[X]);
    assert_untouched(&a[Y]);
    assert_untouched(&a[KEPT]);
    take(run, &a[Y], run->y);
    if (want_xbar) {
        take(run, &a[XBAR], run->xbar);
    }
    if (want_pbar) {
        take(run, &a[PBAR], run->pbar);
    }
    for (size_t i = 0; i < N_ARRAY; i++) {
        guard_destroy(&a[i].buffer);
        guard_destroy(&a[i].copy);
    }
}
