/* SPDX-License-Identifier: MIT */
/* Creation of parameter updates: options and their check, memory. */
#include "core/memory.h"
#include "batch/update_internal.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

/* Smallest ε that single precision keeps as a normal number. */
static const double EPSILON_MIN_F32 = 1e-37;

costate_update_options costate_update_options_default(costate_update_kind kind) {
    const bool small = kind == COSTATE_UPDATE_RMSPROP || kind == COSTATE_UPDATE_ADAM || kind == COSTATE_UPDATE_ADAMW;
    return (costate_update_options){
        .kind = kind,
        .precision = COSTATE_UPDATE_F64,
        .schedule = {.kind = COSTATE_SCHEDULE_CONSTANT, .rate = small ? 0.001 : 0.01},
        .momentum = 0.9,
        .rho = 0.9,
        .beta1 = 0.9,
        .beta2 = 0.999,
        .epsilon = 1e-8,
        .decay = 0.01,
        .clip_value = HUGE_VAL,
        .clip_norm = HUGE_VAL,
    };
}

bool csi_penalty_ranges_valid(size_t n_range, const costate_penalty_range *range, size_t n) {
    for (size_t i = 0; i < n_range; i++) {
        const costate_penalty_range *r = &range[i];
        if (!(r->l1 >= 0.0 && isfinite(r->l1) && r->l2 >= 0.0 && isfinite(r->l2)) || r->offset > n ||
            r->length > n - r->offset) {
            return false;
        }
    }
    return true;
}

static bool is_fraction(double x) { return x >= 0.0 && x < 1.0; }

static bool method_valid(const costate_update_options *o) {
    const double epsilon_min = o->precision == COSTATE_UPDATE_F32 ? EPSILON_MIN_F32 : 0.0;
    const bool epsilon = o->epsilon > 0.0 && o->epsilon >= epsilon_min && isfinite(o->epsilon);
    switch (o->kind) {
    case COSTATE_UPDATE_DESCENT: return true;
    case COSTATE_UPDATE_MOMENTUM:
    case COSTATE_UPDATE_NESTEROV: return is_fraction(o->momentum);
    case COSTATE_UPDATE_RMSPROP: return is_fraction(o->rho) && epsilon;
    case COSTATE_UPDATE_ADAGRAD: return epsilon;
    case COSTATE_UPDATE_ADAM: return is_fraction(o->beta1) && is_fraction(o->beta2) && epsilon;
    case COSTATE_UPDATE_ADAMW:
        return is_fraction(o->beta1) && is_fraction(o->beta2) && epsilon && o->decay >= 0.0 && isfinite(o->decay);
    }
    return false;
}

static bool ranges_rise(size_t n_range, const costate_penalty_range *range) {
    for (size_t i = 1; i < n_range; i++) {
        if (range[i].offset < range[i - 1].offset + range[i - 1].length) {
            return false;
        }
    }
    return true;
}

static bool options_valid(const costate_update_options *o, size_t n) {
    const bool precision = o->precision == COSTATE_UPDATE_F64 || o->precision == COSTATE_UPDATE_F32;
    return precision && method_valid(o) && csi_schedule_valid(&o->schedule) && o->clip_value > 0.0 &&
           o->clip_norm > 0.0 && csi_penalty_ranges_valid(o->n_range, o->range, n) && ranges_rise(o->n_range, o->range);
}

static size_t state_vectors(costate_update_kind kind) {
    switch (kind) {
    case COSTATE_UPDATE_DESCENT: return 0;
    case COSTATE_UPDATE_ADAM:
    case COSTATE_UPDATE_ADAMW: return 2;
    default: return 1;
    }
}

/* Copy of the ranges and the state vectors; what was allocated of them is released with the update. */
static costate_status fill(costate_update *u, const costate_allocator *a) {
    const size_t real_bytes = u->options.precision == COSTATE_UPDATE_F32 ? sizeof(float) : sizeof(double);
    const size_t n_range = u->options.n_range;
    costate_penalty_range *range = csi_alloc(a, n_range, sizeof(*range));
    const costate_penalty_range *given = u->options.range;
    u->options.range = range;
    if (!range) {
        return COSTATE_ERR_MEMORY;
    }
    if (n_range > 0) {
        memcpy(range, given, n_range * sizeof(*range));
    }
    unsigned char *state = csi_alloc_aligned(a, u->state_bytes, 1, &u->block);
    if (!state) {
        return COSTATE_ERR_MEMORY;
    }
    u->state[0] = state;
    u->state[1] = u->n_state == 2 ? state + u->n * real_bytes : state;
    return COSTATE_OK;
}

costate_status costate_update_create(const costate_update_options *options, size_t n, const costate_allocator *alloc,
                                     costate_update **update) {
    const costate_allocator a = csi_allocator(alloc);
    size_t bytes;
    if (!update) {
        return COSTATE_ERR_NULL;
    }
    *update = NULL;
    if (!options || (options->n_range > 0 && !options->range)) {
        return COSTATE_ERR_NULL;
    }
    if (!options_valid(options, n)) {
        return COSTATE_ERR_ARGUMENT;
    }
    const size_t n_state = state_vectors(options->kind);
    const size_t real_bytes = options->precision == COSTATE_UPDATE_F32 ? sizeof(float) : sizeof(double);
    if (!csi_size_mul(n, n_state * real_bytes, &bytes) || bytes > SIZE_MAX / 2) {
        return COSTATE_ERR_OVERFLOW;
    }
    costate_update *u = csi_alloc(&a, 1, sizeof(*u));
    if (!u) {
        return COSTATE_ERR_MEMORY;
    }
    *u = (costate_update){.alloc = a, .options = *options, .n = n, .n_state = n_state, .state_bytes = bytes};
    const costate_status status = fill(u, &a);
    if (status != COSTATE_OK) {
        costate_update_destroy(u);
        return status;
    }
    *update = u;
    return COSTATE_OK;
}

void costate_update_destroy(costate_update *update) {
    if (update) {
        const costate_allocator a = update->alloc;
        csi_release(&a, update->block);
        csi_release(&a, (void *)update->options.range);
        csi_release(&a, update);
    }
}

size_t costate_update_count(const costate_update *update) { return update ? update->count : 0; }

void costate_update_reset(costate_update *update) {
    if (update) {
        memset(update->state[0], 0, update->state_bytes);
        update->count = 0;
    }
}
