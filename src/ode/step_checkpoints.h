/* SPDX-License-Identifier: MIT */
/* What is left of a step whose record is not kept: its times and, here and there, a checkpoint to repeat steps from. */
#ifndef CSI_STEP_CHECKPOINTS_H
#define CSI_STEP_CHECKPOINTS_H

#include "ode/chunk_list.h"
#include "ode/step_history.h"

typedef struct csi_checkpoint {
    size_t step;
    uint32_t level; /* csi_step_checkpoints_place() */
    uint32_t slot;  /* where its y and k[0] are */
} csi_checkpoint;

typedef struct csi_step_checkpoints {
    size_t n;
    size_t n_slot;
    size_t n_used;
    csi_checkpoint *checkpoint; /* n_slot: those in use from the first step to the last, then the free slots */
    double *state;              /* n_slot × 2 × n */
    csi_chunk_list mesh;        /* of every step */
    double t0;
} csi_step_checkpoints;

/* As many slots as fit in `bytes`, at least a few; nothing is allocated. */
csi_step_checkpoints csi_step_checkpoints_start(size_t n, size_t bytes);
void csi_step_checkpoints_clear(csi_step_checkpoints *checkpoints, const costate_allocator *alloc);

/* No checkpoint; its memory is made at the first call. False if there is none. */
bool csi_step_checkpoints_begin(csi_step_checkpoints *checkpoints, const costate_allocator *alloc);

/* Keeps t … restart and has_extra of step `index`, which may be at most one above those before; false if there is no memory. */
bool csi_step_checkpoints_put_mesh(csi_step_checkpoints *checkpoints, size_t index, const csi_step_record *record,
                                   const costate_allocator *alloc);

/* Gives them back to the bit. */
void csi_step_checkpoints_get_mesh(const csi_step_checkpoints *checkpoints, size_t index, csi_step_record *record);

/*
 * A checkpoint at a later step than all others while the number of steps is unknown: in a free slot or in the place of
 * one that can be spared, so that the number of times any step will be repeated is the least possible (Wang, Moin &
 * Iaccarino, SIAM J. Sci. Comput. 31, 2549, 2009, algorithm 1). The one at step 0 stays.
 */
void csi_step_checkpoints_place(csi_step_checkpoints *checkpoints, size_t step, const csi_step_record *record);

/* A checkpoint at a later step than all others in a free slot, of which there must be one. */
void csi_step_checkpoints_append(csi_step_checkpoints *checkpoints, size_t step, const csi_step_record *record);

/* Forgets the checkpoints beyond `step` and returns the step of the last one left. */
size_t csi_step_checkpoints_return_to(csi_step_checkpoints *checkpoints, size_t step);

/* y and k[0] of the last checkpoint. */
void csi_step_checkpoints_restore(const csi_step_checkpoints *checkpoints, csi_step_record *record);

/*
 * n_unit > 1 units of work lie ahead of a checkpoint and n_free > 0 slots are free: how many units ahead the next
 * checkpoint belongs, by the binomial schedule (Griewank & Walther, ACM Trans. Math. Softw. 26, 19, 2000).
 */
size_t csi_step_checkpoints_split(size_t n_unit, size_t n_free);

#endif
