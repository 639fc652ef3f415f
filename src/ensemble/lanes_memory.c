/* SPDX-License-Identifier: MIT */
/* The arrays of one thread's lanes, in one block. */
#include "core/arena.h"
#include "core/memory.h"
#include "core/poison.h"
#include "ensemble/lanes.h"

#include <math.h>
#include <stdint.h>

static double *take(csi_arena *arena, size_t n, size_t factor) {
    size_t count = SIZE_MAX;
    (void)csi_size_mul(n, factor * COSTATE_LANES, &count);
    return csi_arena_take(arena, count, sizeof(double));
}

static void lay_out(csi_lanes *lanes, csi_arena *arena) {
    const costate_rhs *rhs = &lanes->setup->rhs;
    const size_t n = rhs->n_y;
    lanes->control = csi_arena_take(arena, 1, sizeof *lanes->control);
    lanes->t = take(arena, 1, 1);
    lanes->theta = take(arena, 1, 1);
    lanes->own_p = take(arena, rhs->n_p, 1);
    lanes->pbar = take(arena, rhs->n_p, 1);
    lanes->state = take(arena, n, 1);
    lanes->y_end = take(arena, n, 1);
    lanes->row = take(arena, n, 1);
    lanes->lam = take(arena, n, 1);
    lanes->kap = take(arena, n, 1);
    lanes->lam_live = take(arena, n, 1);
    lanes->acc = take(arena, n, 1);
    lanes->g = take(arena, n, 1);
    lanes->kbar = take(arena, n, CSI_LANE_STAGES);
    lanes->work = rhs->lanes_work_bytes > 0 ? csi_arena_take(arena, rhs->lanes_work_bytes, 1) : NULL;
}

costate_status csi_lanes_init(csi_lanes *lanes, const csi_lane_setup *setup, const costate_allocator *alloc) {
    const costate_solver_options *options = &setup->options;
    *lanes = (csi_lanes){.setup = setup};
    csi_arena arena = csi_arena_measure();
    lay_out(lanes, &arena);
    const size_t bytes = csi_arena_bytes(&arena);
    if (bytes == SIZE_MAX) {
        return COSTATE_ERR_OVERFLOW;
    }
    lanes->block = csi_alloc(alloc, bytes, 1);
    if (lanes->block == NULL) {
        return COSTATE_ERR_MEMORY;
    }
    lanes->block_bytes = bytes;
    arena = csi_arena_open(lanes->block, bytes);
    lay_out(lanes, &arena);
    lanes->control->max_steps = options->max_steps < INT64_MAX ? (int64_t)options->max_steps : INT64_MAX;
    lanes->control->h_min = options->h_min;
    lanes->control->h_max = options->h_max > 0.0 ? options->h_max : (double)INFINITY;
    return COSTATE_OK;
}

void csi_lanes_clear(csi_lanes *lanes, const costate_allocator *alloc) {
    if (lanes->block != NULL) {
        CSI_UNPOISON(lanes->block, lanes->block_bytes);
    }
    csi_release(alloc, lanes->block);
    *lanes = (csi_lanes){0};
}
