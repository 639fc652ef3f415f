/* SPDX-License-Identifier: MIT */
/* Evaluation of one layer over a few samples in tiles of any width, in one precision. */
#include "chain/layer_check_internal.h"
#include "core/real.h"

#include <math.h>

#if CSI_REAL_BITS == 64
#define CALLS(link) ((link)->f64)
#else
#define CALLS(link) ((link)->f32)
#endif

typedef CSI_REAL(costate_chain_tile) chain_tile;

static void narrow(size_t n, const double *from, real *to) {
    for (size_t i = 0; i < n; i++) {
        to[i] = (real)from[i];
    }
}

static void widen(size_t n, const real *from, double *to) {
    for (size_t i = 0; i < n; i++) {
        to[i] = (double)from[i];
    }
}

static void fill_nan(size_t n, real *to) {
    for (size_t i = 0; i < n; i++) {
        to[i] = (real)NAN;
    }
}

/* Lanes behind the last sample repeat it, times `behind`. */
static void pack(const chain_tile *tile, size_t n_element, const double *samples, real behind, real *rows) {
    const double *from = samples + tile->first * n_element;
    for (size_t i = 0; i < n_element; i++) {
        for (size_t s = 0; s < tile->row; s++) {
            const bool is_sample = s < tile->n;
            const real value = (real)from[(is_sample ? s : tile->n - 1) * n_element + i];
            rows[i * tile->row + s] = is_sample ? value : behind * value;
        }
    }
}

static void unpack(const chain_tile *tile, size_t n_element, const real *rows, double *samples) {
    double *to = samples + tile->first * n_element;
    for (size_t s = 0; s < tile->n; s++) {
        for (size_t i = 0; i < n_element; i++) {
            to[s * n_element + i] = (double)rows[i * tile->row + s];
        }
    }
}

static costate_status run_view(const csi_layer_run *run, const chain_tile *tile) {
    const csi_chain_link *link = run->link;
    unpack(tile, link->n_out, tile->x, run->y);
    if (run->v != NULL && run->xbar != NULL) {
        pack(tile, link->n_out, run->v, 0, tile->v);
        unpack(tile, link->n_in, tile->v, run->xbar);
    }
    return COSTATE_OK;
}

/* x: where the tile reads its input. */
static costate_status run_tile(const csi_layer_run *run, const chain_tile *tile, real *x) {
    const csi_chain_link *link = run->link;
    pack(tile, link->n_in, run->x, 1, x);
    if (link->plan.is_view) {
        return run_view(run, tile);
    }
    fill_nan(link->n_out * tile->row, tile->y);
    fill_nan(link->plan.n_kept * tile->row, tile->kept);
    fill_nan(link->plan.n_scratch * tile->row, tile->scratch);
    costate_status status = CALLS(link).forward(tile);
    if (status != COSTATE_OK) {
        return status;
    }
    unpack(tile, link->n_out, tile->y, run->y);
    if (run->v == NULL) {
        return COSTATE_OK;
    }
    pack(tile, link->n_out, run->v, 0, tile->v);
    fill_nan(link->plan.n_scratch * tile->row, tile->scratch);
    if (tile->xbar != NULL) {
        fill_nan(link->n_in * tile->row, tile->xbar);
    }
    status = CALLS(link).vjp(tile);
    if (status == COSTATE_OK && tile->xbar != NULL) {
        unpack(tile, link->n_in, tile->xbar, run->xbar);
    }
    return status;
}

costate_status CSI_REAL(csi_layer_run)(const csi_layer_run *run) {
    const csi_chain_link *link = run->link;
    const size_t row = (run->n_tile + 15) / 16 * 16;
    real *x = (real *)run->work, *y = x + link->n_in * row, *kept = y + link->n_out * row;
    real *scratch = kept + link->plan.n_kept * row, *v = scratch + link->plan.n_scratch * row;
    real *xbar = v + link->n_out * row, *p = xbar + link->n_in * row, *pbar = p + link->n_param;
    costate_status status = COSTATE_OK;
    narrow(link->n_param, run->p, p);
    if (run->pbar != NULL) {
        narrow(link->n_param, run->pbar, pbar);
    }
    for (size_t first = 0; first < run->n_sample && status == COSTATE_OK; first += run->n_tile) {
        const size_t n_left = run->n_sample - first;
        const chain_tile tile = {.layer = &link->layer,
                                 .in = link->in,
                                 .out = link->plan.out,
                                 .n = n_left < run->n_tile ? n_left : run->n_tile,
                                 .row = row,
                                 .first = first,
                                 .draw = run->draw,
                                 .training = run->training,
                                 .p = p,
                                 .x = x,
                                 .y = y,
                                 .kept = kept,
                                 .scratch = scratch,
                                 .v = v,
                                 .xbar = run->xbar == NULL ? NULL : xbar,
                                 .pbar = run->pbar == NULL ? NULL : pbar};
        status = run_tile(run, &tile, x);
    }
    if (status == COSTATE_OK && run->pbar != NULL) {
        widen(link->n_param, pbar, run->pbar);
    }
    return status;
}
