/* SPDX-License-Identifier: MIT */
/* What is left of a step whose record is not kept: its times and, here and there, a checkpoint to repeat steps from. */
#include "ode/step_checkpoints.h"

#include "core/memory.h"

#include <math.h>
#include <string.h>

#define FEWEST_SLOTS 4
#define LOG2_FIRST_MESH 9

/* A step begins where the one before ended. */
typedef struct mesh_step {
    double t_end;
    double h;
    const csi_tableau *tableau;
    bool restart;
    bool has_extra;
    bool first_inside; /* t_first is the neighbour of t, not t itself */
    bool last_inside;
} mesh_step;

csi_step_checkpoints csi_step_checkpoints_start(size_t n, size_t bytes) {
    const size_t slot_bytes = sizeof(csi_checkpoint) + 2 * n * sizeof(double);
    size_t n_slot = bytes / slot_bytes;
    if (n_slot < FEWEST_SLOTS) {
        n_slot = FEWEST_SLOTS;
    } else if (n_slot > UINT32_MAX) {
        n_slot = UINT32_MAX;
    }
    return (csi_step_checkpoints){
        .n = n,
        .n_slot = n_slot,
        .mesh = {.stride = sizeof(mesh_step), .limit = SIZE_MAX, .log2_first = LOG2_FIRST_MESH}};
}

void csi_step_checkpoints_clear(csi_step_checkpoints *checkpoints, const costate_allocator *alloc) {
    csi_release(alloc, checkpoints->checkpoint);
    csi_release(alloc, checkpoints->state);
    csi_chunk_list_clear(&checkpoints->mesh, alloc);
    checkpoints->checkpoint = NULL;
    checkpoints->state = NULL;
}

bool csi_step_checkpoints_begin(csi_step_checkpoints *checkpoints, const costate_allocator *alloc) {
    const size_t n_slot = checkpoints->n_slot;
    if (checkpoints->checkpoint == NULL) {
        checkpoints->checkpoint = csi_alloc(alloc, n_slot, sizeof(csi_checkpoint));
    }
    if (checkpoints->state == NULL) {
        checkpoints->state = csi_alloc(alloc, n_slot, 2 * checkpoints->n * sizeof(double));
    }
    if (checkpoints->checkpoint == NULL || checkpoints->state == NULL) {
        return false;
    }
    for (size_t s = 0; s < n_slot; s++) {
        checkpoints->checkpoint[s].slot = (uint32_t)s;
    }
    checkpoints->n_used = 0;
    return true;
}

bool csi_step_checkpoints_put_mesh(csi_step_checkpoints *checkpoints, size_t index, const csi_step_record *record,
                                   const costate_allocator *alloc) {
    if (index == checkpoints->mesh.capacity && !csi_chunk_list_grow(&checkpoints->mesh, alloc)) {
        return false;
    }
    if (index == 0) {
        checkpoints->t0 = record->t;
    }
    mesh_step *step = csi_chunk_list_at(&checkpoints->mesh, index);
    *step = (mesh_step){.t_end = record->t_end,
                        .h = record->h,
                        .tableau = record->tableau,
                        .restart = record->restart,
                        .has_extra = record->has_extra,
                        .first_inside = record->t_first != record->t,
                        .last_inside = record->t_last != record->t_end};
    return true;
}

void csi_step_checkpoints_get_mesh(const csi_step_checkpoints *checkpoints, size_t index, csi_step_record *record) {
    const mesh_step *step = csi_chunk_list_at(&checkpoints->mesh, index);
    double t = checkpoints->t0;
    if (index > 0) {
        const mesh_step *before = csi_chunk_list_at(&checkpoints->mesh, index - 1);
        t = before->t_end;
    }
    record->tableau = step->tableau;
    record->t = t;
    record->t_end = step->t_end;
    record->h = step->h;
    record->t_first = step->first_inside ? nextafter(t, step->t_end) : t;
    record->t_last = step->last_inside ? nextafter(step->t_end, t) : step->t_end;
    record->restart = step->restart;
    record->has_extra = step->has_extra;
    record->has_kept = false;
}

static double *state_of(const csi_step_checkpoints *checkpoints, size_t index) {
    return checkpoints->state + 2 * checkpoints->n * checkpoints->checkpoint[index].slot;
}

void csi_step_checkpoints_append(csi_step_checkpoints *checkpoints, size_t step, const csi_step_record *record) {
    const size_t n = checkpoints->n;
    csi_checkpoint *added = &checkpoints->checkpoint[checkpoints->n_used];
    added->step = step;
    added->level = 0;
    double *state = state_of(checkpoints, checkpoints->n_used);
    memcpy(state, record->y, n * sizeof *state);
    memcpy(state + n, record->k, n * sizeof *state);
    checkpoints->n_used++;
}

static void forget(csi_step_checkpoints *checkpoints, size_t index) {
    csi_checkpoint *forgotten = &checkpoints->checkpoint[index];
    const csi_checkpoint freed = *forgotten;
    checkpoints->n_used--;
    memmove(forgotten, forgotten + 1, (checkpoints->n_used - index) * sizeof *forgotten);
    checkpoints->checkpoint[checkpoints->n_used] = freed;
}

/* The last checkpoint but that of step 0 that has one of a higher level behind it; 0 if none. */
static size_t find_dispensable(const csi_step_checkpoints *checkpoints) {
    uint32_t highest = 0;
    for (size_t i = checkpoints->n_used; i-- > 1;) {
        const uint32_t level = checkpoints->checkpoint[i].level;
        if (level < highest) {
            return i;
        }
        highest = level;
    }
    return 0;
}

void csi_step_checkpoints_place(csi_step_checkpoints *checkpoints, size_t step, const csi_step_record *record) {
    uint32_t level = 0;
    if (checkpoints->n_used == checkpoints->n_slot) {
        size_t spared = find_dispensable(checkpoints);
        if (spared == 0) {
            spared = checkpoints->n_used - 1;
            level = checkpoints->checkpoint[spared].level + 1;
        }
        forget(checkpoints, spared);
    }
    csi_step_checkpoints_append(checkpoints, step, record);
    checkpoints->checkpoint[checkpoints->n_used - 1].level = level;
}

size_t csi_step_checkpoints_return_to(csi_step_checkpoints *checkpoints, size_t step) {
    while (checkpoints->checkpoint[checkpoints->n_used - 1].step > step) {
        checkpoints->n_used--;
    }
    return checkpoints->checkpoint[checkpoints->n_used - 1].step;
}

void csi_step_checkpoints_restore(const csi_step_checkpoints *checkpoints, csi_step_record *record) {
    const size_t n = checkpoints->n;
    const double *state = state_of(checkpoints, checkpoints->n_used - 1);
    memcpy(record->y, state, n * sizeof *state);
    memcpy(record->k, state + n, n * sizeof *state);
}

/* With s checkpoints, r repetitions reach over β(s, r) = C(s + r, r) units. */
size_t csi_step_checkpoints_split(size_t n_unit, size_t n_free) {
    const size_t s = n_free + 1;
    size_t reach = 1; /* β(s, r − 1) */
    for (size_t r = 1;; r++) {
        size_t product = 0;
        if (!csi_size_mul(reach, s + r, &product)) {
            return reach;
        }
        const size_t further = product / r;
        if (further >= n_unit) {
            const size_t least_behind = reach * s / (s + r - 1); /* β(s − 1, r − 1) */
            return reach < n_unit - least_behind ? reach : n_unit - least_behind;
        }
        reach = further;
    }
}
