/* SPDX-License-Identifier: MIT */
/* Which entries of q are estimated, and how: the defaults, then the rules in their order. */
#include "core/memory.h"
#include "fit/fit_internal.h"

#include <math.h>

/* One entry of q before it is known whether it is estimated. */
typedef struct entry {
    csi_unknown unknown;
    bool estimated;
} entry;

static void set_defaults(const costate_fit *fit, entry *entries) {
    for (size_t j = 0; j < fit->n_q; j++) {
        const bool noise = j >= fit->n_p && j < fit->n_p + fit->n_noise;
        entries[j].unknown =
            (csi_unknown){.q = j, .scale = 1.0, .transform = noise ? COSTATE_TRANSFORM_LOG : COSTATE_TRANSFORM_NONE};
        entries[j].estimated = j < fit->n_p + fit->n_noise;
    }
}

static void apply(const costate_estimate *rule, size_t offset, size_t size, entry *entries) {
    const size_t n = rule->n > 0 ? rule->n : size - rule->first;
    for (size_t k = 0; k < n; k++) {
        entry *e = &entries[offset + rule->first + k];
        e->estimated = !rule->fixed;
        e->unknown.transform = rule->transform;
        e->unknown.lower = rule->lower;
        e->unknown.upper = rule->upper;
        e->unknown.scale = rule->scale > 0.0 ? rule->scale : 1.0;
        e->unknown.l2 = rule->l2;
        e->unknown.l1 = rule->l1;
        e->unknown.mean = rule->mean ? rule->mean[k] : 0.0;
    }
}

/* Nothing is known of the start of a series that is held out. */
static void apply_to_series(const costate_fit *fit, const costate_estimate *rule, entry *entries) {
    for (size_t s = 0; s < fit->n_series; s++) {
        if (!fit->held_out[s] && (rule->series == COSTATE_EVERY_SERIES || rule->series == s)) {
            apply(rule, costate_fit_offset(fit, rule->part, s), rule->part == COSTATE_FIT_INITIAL_STATE ? fit->n_y : 1,
                  entries);
        }
    }
}

static void apply_rules(const costate_fit *fit, const costate_fit_spec *spec, entry *entries) {
    for (size_t k = 0; k < spec->n_estimate; k++) {
        const costate_estimate *rule = &spec->estimates[k];
        if (rule->part == COSTATE_FIT_PARAMETER) {
            apply(rule, 0, fit->n_p, entries);
        } else if (rule->part == COSTATE_FIT_NOISE) {
            apply(rule, fit->n_p, fit->n_noise, entries);
        } else {
            apply_to_series(fit, rule, entries);
        }
    }
    for (size_t k = 0; k < fit->n_covariate; k++) {
        entries[fit->covariate_index[k]].estimated = false;
    }
}

static costate_status collect(costate_fit *fit, const entry *entries) {
    const size_t first_time = csi_fit_time_offset(fit, 0);
    for (size_t j = 0; j < fit->n_q; j++) {
        fit->n_unknown += entries[j].estimated ? 1 : 0;
    }
    if (fit->n_unknown == 0) {
        return COSTATE_ERR_ARGUMENT;
    }
    fit->unknowns = csi_alloc(&fit->alloc, fit->n_unknown, sizeof(csi_unknown));
    if (!fit->unknowns) {
        return COSTATE_ERR_MEMORY;
    }
    size_t i = 0;
    for (size_t j = 0; j < fit->n_q; j++) {
        if (entries[j].estimated) {
            fit->unknowns[i++] = entries[j].unknown;
            fit->estimates_time = fit->estimates_time || j >= first_time;
            if (!isfinite(csi_transform_inverse(&entries[j].unknown, fit->q0[j]))) {
                return COSTATE_ERR_ARGUMENT;
            }
        }
    }
    return COSTATE_OK;
}

costate_status csi_fit_list_unknowns(costate_fit *fit, const costate_fit_spec *spec) {
    entry *entries = csi_alloc(&fit->alloc, fit->n_q, sizeof(*entries));
    if (!entries) {
        return COSTATE_ERR_MEMORY;
    }
    set_defaults(fit, entries);
    apply_rules(fit, spec, entries);
    const costate_status status = collect(fit, entries);
    csi_release(&fit->alloc, entries);
    return status;
}
