/* SPDX-License-Identifier: MIT */
/* The vector steps of a task, in an array that grows and is used again. */
#include "ensemble/lanes.h"

#include <stdint.h>

/* Elements of the first chunk, which is there whatever the limit. */
#define LOG2_FIRST 5
#define FEWEST ((size_t)1 << LOG2_FIRST)

void csi_lane_history_init(csi_lane_history *history, size_t n_y) {
    const size_t doubles = (1 + CSI_LANE_STAGES) * n_y * COSTATE_LANES;
    *history = (csi_lane_history){.steps = {.stride = sizeof(csi_lane_step) + doubles * sizeof(double),
                                            .limit = SIZE_MAX,
                                            .log2_first = LOG2_FIRST}};
}

void csi_lane_history_begin(csi_lane_history *history, bool record, size_t max_bytes) {
    const size_t n_fit = max_bytes > 0 ? max_bytes / history->steps.stride : SIZE_MAX;
    history->steps.limit = n_fit > FEWEST ? n_fit : FEWEST;
    history->n_step = 0;
    history->complete = record;
    history->turn = 0;
}

csi_lane_step *csi_lane_history_next(csi_lane_history *history, const costate_allocator *alloc) {
    csi_chunk_list *steps = &history->steps;
    if (history->complete && history->n_step >= steps->limit) {
        history->complete = false;
    }
    const size_t needed = history->complete ? history->n_step : 0;
    if (needed >= steps->capacity && !csi_chunk_list_grow(steps, alloc)) {
        return NULL;
    }
    if (history->complete) {
        return csi_chunk_list_at(steps, history->n_step++);
    }
    history->turn ^= 1u;
    return csi_chunk_list_at(steps, history->turn);
}
