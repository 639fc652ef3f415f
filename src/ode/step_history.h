/* SPDX-License-Identifier: MIT */
/* History of a one-step solve: every accepted step with its stages or, above a memory limit, checkpoints from which
 * steps are repeated. */
#ifndef CSI_STEP_HISTORY_H
#define CSI_STEP_HISTORY_H

#include "ode/tableau.h"

#include <costate/alloc.h>
#include <costate/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One step from t to t_end = t + h. It begins at the t_end, and in the state, that the one before ended in. Everything
 * but y and k[0] follows from the step's own data, so that it can be repeated to the bit. */
typedef struct csi_step_record {
    const csi_tableau *tableau;
    double t;
    double t_end;   /* exactly the time the step was cut to, if it was */
    double h;       /* signed */
    double t_first; /* where f is evaluated for t and t_end: those themselves, or their neighbours within the step */
    double t_last;
    bool restart;        /* k[0] was evaluated for this step; otherwise it is the last slope of the step before */
    bool has_kept;       /* `kept` was filled by f_keep for the stages from 1 on */
    bool has_extra;      /* the slopes that only the dense output uses are there; methods without any need not say so */
    double *y;           /* n: state at t */
    double *k;           /* n_slope × n: slopes */
    double *newton;      /* n × n: factors of 1 − hγJ; implicit steps only, as is: */
    int64_t *pivot;      /* n */
    unsigned char *kept; /* (n_slope − 1) × kept_stride bytes, aligned to 64; NULL if there is no room for it */
} csi_step_record;

/* Sizes of a record, fixed at creation. */
typedef struct csi_step_shape {
    size_t n;           /* states */
    size_t n_slope;     /* the most slopes a step may have */
    bool implicit;      /* room for newton and pivot */
    size_t kept_stride; /* bytes per stage, a multiple of 64; 0: nothing is kept */
} csi_step_shape;

/* Repeats the step whose t, t_end, h, t_first, t_last, restart, has_extra, tableau and y are given, and k[0] unless `restart` is
 * set: fills in the rest (has_kept comes as false) and writes the state at its end. Else a callback's answer. */
typedef struct csi_step_replay {
    int (*step)(csi_step_record *record, double *y_end, void *ctx);
    void *ctx;
} csi_step_replay;

typedef struct csi_step_history csi_step_history;

/*
 * max_bytes: 0 for no limit; otherwise what records, their `kept` included, and checkpoints may occupy, at least two
 * records and four checkpoints. Steps whose record is not kept cost up to 64 bytes each beside it.
 * record: false keeps no history, only the step in the making and the one before.
 */
costate_status csi_step_history_create(const csi_step_shape *shape, bool record, size_t max_bytes,
                                       const costate_allocator *alloc, csi_step_history **history);
void csi_step_history_destroy(csi_step_history *history);

/* Empties the history; memory is kept. */
void csi_step_history_begin(csi_step_history *history);

/* The record of the step in the making; the same until the step is accepted, and from then on intact until the next one
 * is. NULL if there is no memory. Its arrays are in place and hold nothing. */
csi_step_record *csi_step_history_next(csi_step_history *history);

/* Accepts the step in the making. COSTATE_ERR_MEMORY: it still is the one in the making. */
costate_status csi_step_history_accept(csi_step_history *history);

size_t csi_step_history_count(const csi_step_history *history);

/* False if steps have to be repeated, or none is kept: csi_step_history_at() is then not to be called. */
bool csi_step_history_is_complete(const csi_step_history *history);

/* Step `index` of a complete history. */
csi_step_record *csi_step_history_at(const csi_step_history *history, size_t index);

/*
 * Step `index` of a recorded solve: one below that of the call before or, to begin once more, the last step. Repeats
 * steps by `replay` as needed. NULL if a callback failed; *answer is what it answered, else 0. The record is valid until the
 * next call.
 */
const csi_step_record *csi_step_history_back(csi_step_history *history, size_t index, const csi_step_replay *replay,
                                             int *answer);

#endif
