/* SPDX-License-Identifier: MIT */
/* History of a one-step solve: every accepted step with its stages or, above a memory limit, checkpoints from which
 * steps are repeated. */
#include "ode/step_history.h"

#include "core/arena.h"
#include "core/memory.h"
#include "ode/chunk_list.h"
#include "ode/step_checkpoints.h"

#include <string.h>

/* What f_keep wrote is a cache of what can be computed anew: once it has left the processor's caches, reading it back
 * costs about as much as that. */
#define KEPT_MAX_BYTES ((size_t)4 << 20)

#define FIRST_CHUNK_BYTES ((size_t)16 << 10)
#define FEWEST_RECORDS 2

/* Keeps what is rarely done out of functions that are called at every step. */
#if defined(__GNUC__)
#define RARE __attribute__((cold, noinline))
#else
#define RARE
#endif

/* The step in the making takes the place of the oldest one when all n_slot records are in use: step i is in record
 * i mod n_slot. */
struct csi_step_history {
    csi_step_record *next; /* the step in the making; NULL: its record has to be found */
    void *chunk_end;       /* behind the last record of its chunk */
    size_t stride;         /* bytes of a record with its arrays */
    size_t n_step;
    bool record;
    bool has_checkpoints; /* not every step has a record any more */
    size_t n_slot;
    size_t held_from; /* with checkpoints: the steps that have records */
    size_t held_end;
    csi_step_shape shape;
    csi_chunk_list records;
    csi_chunk_list kept; /* of the first records, if not of all */
    csi_step_checkpoints checkpoints;
    double *y_end; /* n: scratch */
    costate_allocator alloc;
};

/* *sum += count · size, rounded up to the alignment; false if it does not fit. */
static bool add_array(size_t *sum, size_t count, size_t size) {
    size_t bytes = 0;
    return csi_size_mul(count, size, &bytes) && csi_size_add(bytes, CSI_ALIGNMENT - 1, &bytes) &&
           csi_size_add(*sum, bytes / CSI_ALIGNMENT * CSI_ALIGNMENT, sum);
}

static bool measure_record(const csi_step_shape *shape, size_t *stride, size_t *kept_bytes) {
    size_t n_state = 0;
    size_t n_matrix = 0;
    size_t total = 0;
    *stride = 0;
    return csi_size_mul(shape->n_slope + 1, shape->n, &n_state) && add_array(stride, 1, sizeof(csi_step_record)) &&
           add_array(stride, n_state, sizeof(double)) &&
           (!shape->implicit ||
            (csi_size_mul(shape->n, shape->n, &n_matrix) && add_array(stride, n_matrix, sizeof(double)) &&
             add_array(stride, shape->n, sizeof(int64_t)))) &&
           csi_size_mul(shape->n_slope - 1, shape->kept_stride, kept_bytes) &&
           csi_size_add(*stride, *kept_bytes, &total);
}

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

/* How many records there may be, and for how many of them there is room for what f_keep writes. An eighth of a limit
 * goes to checkpoints, which are several times smaller than records, so that there are about as many; at most a quarter
 * goes to what f_keep writes; the rest to records, which serve a solve alone as long as it fits. */
static void share_memory(csi_step_history *history, size_t max_bytes, size_t kept_bytes) {
    size_t n_slot = SIZE_MAX;
    size_t n_kept = kept_bytes > 0 ? KEPT_MAX_BYTES / kept_bytes : 0;
    size_t checkpoint_bytes = 0;
    if (max_bytes > 0) {
        const size_t usable = max_bytes - max_bytes / 64; /* the rest is lost to alignment */
        checkpoint_bytes = usable / 8;
        const size_t record_bytes = usable - checkpoint_bytes;
        if (kept_bytes > 0) {
            n_kept = smaller(n_kept, usable / 4 / kept_bytes);
        }
        n_slot = (record_bytes - n_kept * kept_bytes) / history->stride;
        if (n_slot < n_kept) {
            n_slot = record_bytes / (history->stride + kept_bytes);
        }
        if (n_slot < FEWEST_RECORDS) {
            n_slot = FEWEST_RECORDS;
        }
    }
    if (!history->record) {
        n_slot = FEWEST_RECORDS;
        n_kept = 0;
    }
    history->n_slot = n_slot;
    const size_t n_first = FIRST_CHUNK_BYTES / (history->stride + kept_bytes);
    const unsigned log2_first = n_first > 1 ? csi_log2(n_first) : 0;
    history->records = (csi_chunk_list){.stride = history->stride, .limit = n_slot, .log2_first = log2_first};
    history->kept = (csi_chunk_list){.stride = kept_bytes, .limit = smaller(n_kept, n_slot), .log2_first = log2_first};
    history->checkpoints = csi_step_checkpoints_start(history->shape.n, checkpoint_bytes);
}

costate_status csi_step_history_create(const csi_step_shape *shape, bool record, size_t max_bytes,
                                       const costate_allocator *alloc, csi_step_history **history) {
    *history = NULL;
    size_t stride = 0;
    size_t kept_bytes = 0;
    if (!measure_record(shape, &stride, &kept_bytes)) {
        return COSTATE_ERR_OVERFLOW;
    }
    const costate_allocator hooks = csi_allocator(alloc);
    csi_step_history *made = csi_alloc(&hooks, 1, sizeof *made);
    double *y_end = csi_alloc(&hooks, shape->n, sizeof *y_end);
    if (made == NULL || y_end == NULL) {
        csi_release(&hooks, y_end);
        csi_release(&hooks, made);
        return COSTATE_ERR_MEMORY;
    }
    *made = (csi_step_history){.stride = stride, .record = record, .shape = *shape, .y_end = y_end, .alloc = hooks};
    share_memory(made, max_bytes, kept_bytes);
    *history = made;
    return COSTATE_OK;
}

void csi_step_history_destroy(csi_step_history *history) {
    if (history == NULL) {
        return;
    }
    const costate_allocator alloc = history->alloc;
    csi_step_checkpoints_clear(&history->checkpoints, &alloc);
    csi_chunk_list_clear(&history->kept, &alloc);
    csi_chunk_list_clear(&history->records, &alloc);
    csi_release(&alloc, history->y_end);
    csi_release(&alloc, history);
}

void csi_step_history_begin(csi_step_history *history) {
    history->next = NULL;
    history->n_step = 0;
    history->has_checkpoints = false;
}

static void *take(unsigned char **place, size_t count, size_t size) {
    void *taken = *place;
    *place += (count * size + CSI_ALIGNMENT - 1) / CSI_ALIGNMENT * CSI_ALIGNMENT;
    return taken;
}

/* Points a new record at its arrays. k follows y without a gap: where n leaves one, the rows of k are not aligned
 * either. */
static void lay_out(const csi_step_history *history, size_t slot) {
    const csi_step_shape *shape = &history->shape;
    unsigned char *place = csi_chunk_list_at(&history->records, slot);
    csi_step_record *record = take(&place, 1, sizeof *record);
    record->y = take(&place, (shape->n_slope + 1) * shape->n, sizeof(double));
    record->k = record->y + shape->n;
    if (shape->implicit) {
        record->newton = take(&place, shape->n * shape->n, sizeof(double));
        record->pivot = take(&place, shape->n, sizeof(int64_t));
    }
    record->kept = slot < history->kept.capacity ? csi_chunk_list_at(&history->kept, slot) : NULL;
}

static bool add_records(csi_step_history *history) {
    const size_t first = history->records.capacity;
    if (history->kept.capacity == first && history->kept.limit > first &&
        !csi_chunk_list_grow(&history->kept, &history->alloc)) {
        return false;
    }
    if (!csi_chunk_list_grow(&history->records, &history->alloc)) {
        return false;
    }
    for (size_t slot = first; slot < history->records.capacity; slot++) {
        lay_out(history, slot);
    }
    return true;
}

static csi_step_record *record_of(const csi_step_history *history, size_t step) {
    return csi_chunk_list_at(&history->records, step % history->n_slot);
}

/* Every step so far still has its record. */
static bool begin_checkpoints(csi_step_history *history) {
    csi_step_checkpoints *checkpoints = &history->checkpoints;
    if (!csi_step_checkpoints_begin(checkpoints, &history->alloc)) {
        return false;
    }
    for (size_t i = 0; i < history->n_step; i++) {
        if (!csi_step_checkpoints_put_mesh(checkpoints, i, record_of(history, i), &history->alloc)) {
            return false;
        }
    }
    csi_step_checkpoints_place(checkpoints, 0, record_of(history, 0));
    history->has_checkpoints = true;
    history->held_from = 1;
    history->held_end = history->n_step;
    return true;
}

RARE static csi_step_record *find_next(csi_step_history *history) {
    size_t slot = history->n_step;
    if (slot >= history->n_slot) {
        if (history->record && !history->has_checkpoints && !begin_checkpoints(history)) {
            return NULL;
        }
        slot %= history->n_slot;
    }
    if (slot == history->records.capacity && !add_records(history)) {
        return NULL;
    }
    history->next = csi_chunk_list_at(&history->records, slot);
    history->chunk_end = csi_chunk_list_end(&history->records, slot);
    return history->next;
}

csi_step_record *csi_step_history_next(csi_step_history *history) {
    return history->next != NULL ? history->next : find_next(history);
}

/* Checkpoints are a round of the records apart, so that the steps from one to the next fit in them. */
RARE static bool accept_with_checkpoints(csi_step_history *history) {
    if (!csi_step_checkpoints_put_mesh(&history->checkpoints, history->n_step, history->next, &history->alloc)) {
        return false;
    }
    if (history->n_step % history->n_slot == 0) {
        csi_step_checkpoints_place(&history->checkpoints, history->n_step, history->next);
    }
    /* The record of the oldest step may be in use for the next one. */
    history->held_end = history->n_step + 1;
    history->held_from = history->held_end - (history->n_slot - 1);
    return true;
}

costate_status csi_step_history_accept(csi_step_history *history) {
    if (history->has_checkpoints && !accept_with_checkpoints(history)) {
        return COSTATE_ERR_MEMORY;
    }
    history->n_step++;
    void *after = (unsigned char *)history->next + history->stride;
    history->next = after != history->chunk_end ? after : NULL;
    return COSTATE_OK;
}

size_t csi_step_history_count(const csi_step_history *history) { return history->n_step; }

bool csi_step_history_is_complete(const csi_step_history *history) {
    return history->record && !history->has_checkpoints;
}

csi_step_record *csi_step_history_at(const csi_step_history *history, size_t index) {
    return csi_chunk_list_at(&history->records, index);
}

/* The step at which to leave a checkpoint on the way from the one at `step` to `end`; SIZE_MAX if at none. */
static size_t next_checkpoint(const csi_step_history *history, size_t step, size_t end) {
    const size_t n_slot = history->n_slot;
    const size_t n_free = history->checkpoints.n_slot - history->checkpoints.n_used;
    const size_t n_unit = (end - step - 1) / n_slot + 1;
    return n_unit > 1 && n_free > 0 ? step + csi_step_checkpoints_split(n_unit, n_free) * n_slot : SIZE_MAX;
}

/* Repeats the steps up to `end` from the last checkpoint before, leaving checkpoints on the way if these are more than
 * the records hold. The state at the end goes nowhere: its record may be that of the first step to be held. */
RARE static int repeat_steps(csi_step_history *history, size_t end, const csi_step_replay *replay) {
    csi_step_checkpoints *checkpoints = &history->checkpoints;
    const size_t n = history->shape.n;
    const size_t first = csi_step_checkpoints_return_to(checkpoints, end - 1);
    size_t pause = next_checkpoint(history, first, end);
    csi_step_record *record = record_of(history, first);
    csi_step_checkpoints_restore(checkpoints, record);
    history->held_from = history->held_end = end;
    for (size_t step = first;; step++) {
        const bool is_last = step + 1 == end;
        csi_step_record *following = record_of(history, step + 1);
        csi_step_checkpoints_get_mesh(checkpoints, step, record);
        const int answer = replay->step(record, is_last ? history->y_end : following->y, replay->ctx);
        if (answer != 0) {
            return answer;
        }
        if (step == pause) {
            csi_step_checkpoints_append(checkpoints, step, record);
            pause = next_checkpoint(history, step, end);
        }
        if (is_last) {
            break;
        }
        memcpy(following->k, record->k + (size_t)(record->tableau->n_stage - 1) * n, n * sizeof *following->k);
        record = following;
    }
    history->held_from = end - first > history->n_slot ? end - history->n_slot : first;
    return 0;
}

const csi_step_record *csi_step_history_back(csi_step_history *history, size_t index, const csi_step_replay *replay,
                                             int *answer) {
    *answer = 0;
    if (!history->has_checkpoints) {
        return csi_step_history_at(history, index);
    }
    if (index < history->held_from || index >= history->held_end) {
        *answer = repeat_steps(history, index + 1, replay);
        if (*answer != 0) {
            return NULL;
        }
    }
    return record_of(history, index);
}
