/* SPDX-License-Identifier: MIT */
/* One call of a layer's kernels on one tile, all of whose arrays lie against inaccessible pages. */
#include "gather_tile.h"

#include "chain/kernels/chain_kernels.h"
#include "isa_environment.h"

#include <costate/isa.h>
#include <math.h>
#include <stdlib.h>

enum { N_GUARD = 8 };

costate_chain_plan tile_call_plan(const tile_call *call) {
    costate_chain_plan plan = {.n_kept = 0};
    assert_ok(call->layer.kind->plan(&call->layer, call->in, &plan));
    return plan;
}

static size_t count_parameters(const costate_chain_plan *plan) {
    size_t n = 0;
    for (size_t k = 0; k < plan->n_block; k++) {
        n += plan->block[k].length;
    }
    return n;
}

#define DEFINE_RUN(suffix, real)                                                                                       \
    static real *reals_##suffix(guard_buffer *guard, size_t n, guard_side side) {                                      \
        *guard = guard_create(n * sizeof(real), side);                                                                 \
        return guard->data;                                                                                            \
    }                                                                                                                  \
                                                                                                                       \
    static void pack_##suffix(const tile_call *call, size_t n_element, const double *from, bool is_cotangent,          \
                              real *rows) {                                                                            \
        for (size_t i = 0; i < n_element; i++) {                                                                       \
            for (size_t s = 0; s < call->row; s++) {                                                                   \
                const double last = from[(s < call->n ? s : call->n - 1) * n_element + i];                             \
                const double behind = is_cotangent ? call->v_behind : call->x_behind_is_nan ? (double)NAN : last;      \
                rows[i * call->row + s] = (real)(s < call->n ? last : behind);                                         \
            }                                                                                                          \
        }                                                                                                              \
    }                                                                                                                  \
                                                                                                                       \
    static void unpack_##suffix(const tile_call *call, size_t n_element, size_t from, size_t to, const real *rows,     \
                                double *values) {                                                                      \
        for (size_t s = from; s < to; s++) {                                                                           \
            for (size_t i = 0; i < n_element; i++) {                                                                   \
                values[(s - from) * n_element + i] = (double)rows[i * call->row + s];                                  \
            }                                                                                                          \
        }                                                                                                              \
    }                                                                                                                  \
                                                                                                                       \
    costate_status tile_call_run_##suffix(const tile_call *call) {                                                     \
        const costate_chain_plan plan = tile_call_plan(call);                                                          \
        const size_t n_in = costate_shape_size(call->in), n_out = costate_shape_size(plan.out);                        \
        const size_t n_param = count_parameters(&plan);                                                                \
        guard_buffer guard[N_GUARD];                                                                                   \
        csi_chain_kernels kernels;                                                                                     \
        assert_ok(csi_chain_kernels_select(&kernels));                                                                 \
        const csi_chain_calls_##suffix calls = kernels.suffix[csi_kind_find(call->layer.kind)];                        \
        real *p = reals_##suffix(&guard[0], n_param, call->side);                                                      \
        real *pbar = reals_##suffix(&guard[1], n_param, call->side);                                                   \
        real *x = reals_##suffix(&guard[2], n_in * call->row, call->side);                                             \
        real *y = reals_##suffix(&guard[3], n_out * call->row, call->side);                                            \
        real *v = reals_##suffix(&guard[4], n_out * call->row, call->side);                                            \
        real *xbar = reals_##suffix(&guard[5], n_in * call->row, call->side);                                          \
        real *kept = reals_##suffix(&guard[6], plan.n_kept * call->row, call->side);                                   \
        real *scratch = reals_##suffix(&guard[7], plan.n_scratch * call->row, call->side);                             \
        for (size_t i = 0; i < n_param; i++) {                                                                         \
            p[i] = (real)call->p[i];                                                                                   \
            pbar[i] = (real)(call->pbar == NULL ? 0 : call->pbar[i]);                                                  \
        }                                                                                                              \
        pack_##suffix(call, n_in, call->x, false, x);                                                                  \
        for (size_t i = 0; i < n_in * call->row; i++) {                                                                \
            xbar[i] = (real)777;                                                                                       \
        }                                                                                                              \
        const costate_chain_tile_##suffix tile = {.layer = &call->layer,                                               \
                                                  .in = call->in,                                                      \
                                                  .out = plan.out,                                                     \
                                                  .n = call->n,                                                        \
                                                  .row = call->row,                                                    \
                                                  .first = call->first,                                                \
                                                  .layer_index = call->layer_index,                                    \
                                                  .draw = call->draw,                                                  \
                                                  .training = call->training,                                          \
                                                  .p = p,                                                              \
                                                  .x = x,                                                              \
                                                  .y = y,                                                              \
                                                  .kept = kept,                                                        \
                                                  .scratch = scratch,                                                  \
                                                  .v = v,                                                              \
                                                  .xbar = call->xbar == NULL ? NULL : xbar,                            \
                                                  .pbar = call->pbar == NULL ? NULL : pbar};                           \
        costate_status status = calls.forward(&tile);                                                                  \
        unpack_##suffix(call, n_out, 0, call->n, y, call->y);                                                          \
        if (call->y_behind != NULL) {                                                                                  \
            unpack_##suffix(call, n_out, call->n, call->row, y, call->y_behind);                                       \
        }                                                                                                              \
        if (status == COSTATE_OK && call->v != NULL) {                                                                 \
            pack_##suffix(call, n_out, call->v, true, v);                                                              \
            status = calls.vjp(&tile);                                                                                 \
            if (call->xbar != NULL) {                                                                                  \
                unpack_##suffix(call, n_in, 0, call->n, xbar, call->xbar);                                             \
            }                                                                                                          \
            for (size_t i = 0; i < n_param && call->pbar != NULL; i++) {                                               \
                call->pbar[i] = (double)pbar[i];                                                                       \
            }                                                                                                          \
        }                                                                                                              \
        for (size_t i = 0; i < N_GUARD; i++) {                                                                         \
            guard_destroy(&guard[i]);                                                                                  \
        }                                                                                                              \
        return status;                                                                                                 \
    }

DEFINE_RUN(f64, double)
DEFINE_RUN(f32, float)

double *tile_zeros(size_t n) {
    double *x = calloc(n + 1, sizeof *x);
    assert_non_null(x);
    return x;
}

double *tile_random(costate_random *random, size_t n) {
    double *x = tile_zeros(n);
    for (size_t i = 0; i < n; i++) {
        x[i] = (double)(float)(2.0 * costate_random_uniform(random) - 1.0);
    }
    return x;
}

bool tile_isa_available(void) {
    costate_isa chosen;
    const costate_status status = costate_isa_select(&chosen);
    assert_true(status == COSTATE_OK || status == COSTATE_ERR_UNSUPPORTED);
    return status == COSTATE_OK;
}

bool tile_select(const char *isa) {
    isa_environment_set(isa);
    return tile_isa_available();
}
