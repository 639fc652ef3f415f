/* SPDX-License-Identifier: MIT */
/* What an update consists of, shared by its creation, its steps and its checkpoints. */
#ifndef CSI_UPDATE_INTERNAL_H
#define CSI_UPDATE_INTERNAL_H

#include <costate/update.h>
#include <stdbool.h>

struct costate_update {
    costate_allocator alloc;
    costate_update_options options; /* range: the copy */
    size_t n;
    size_t n_state;     /* vectors of n elements: 0, 1 or 2 */
    size_t state_bytes; /* all of them together */
    size_t count;       /* steps done */
    void *state[2];     /* vectors of reals; in one block */
    void *block;        /* which is released */
};

/* Penalties as the ranges of options and of costate_penalty_… have to be: factors finite and not negative, within n. */
bool csi_penalty_ranges_valid(size_t n_range, const costate_penalty_range *range, size_t n);

bool csi_schedule_valid(const costate_schedule *schedule);

#endif
