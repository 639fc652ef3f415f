/* SPDX-License-Identifier: MIT */
/* A right-hand side that forwards to another, counts its calls, watches the times and misbehaves at a chosen call. */
#ifndef FAULTY_RHS_H
#define FAULTY_RHS_H

#include <costate/rhs.h>
#include <stddef.h>

typedef enum callback_kind { CALLBACK_F, CALLBACK_VJP, CALLBACK_JVP, CALLBACK_JAC, CALLBACK_COUNT } callback_kind;

typedef enum fault_kind {
    FAULT_NONE,
    FAULT_RETRY,
    FAULT_FAIL,
    FAULT_OTHER_POSITIVE, /* counts as RETRY */
    FAULT_OTHER_NEGATIVE, /* counts as FAIL */
    FAULT_NAN,            /* answers OK with a NaN in the last result */
    FAULT_INF             /* answers OK with an infinity in the first result */
} fault_kind;

typedef struct faulty_rhs {
    const costate_rhs *inner;
    fault_kind fault;
    callback_kind callback; /* which callback misbehaves */
    size_t first;           /* index of the first bad call, from 0 */
    size_t n_bad;           /* bad calls in a row; SIZE_MAX for all that follow */
    size_t n_call[CALLBACK_COUNT];
    size_t n_vjp_p;      /* calls of vjp with pbar */
    double t_min, t_max; /* range of the times of all calls */
    size_t n_kept;       /* calls of vjp_kept */
    size_t n_mismatch;   /* those whose t, y or p were not those of the f_keep that wrote `kept` */
} faulty_rhs;

/* A right-hand side with the callbacks of `inner`; `state` becomes its context. No fault, all counts zero. */
costate_rhs faulty_rhs_wrap(faulty_rhs *state, const costate_rhs *inner);

/*
 * The same with f_keep and vjp_kept, whatever `inner` has: what is kept are copies of t, y and p. Both count, and fail,
 * as f and vjp do.
 */
costate_rhs faulty_rhs_wrap_kept(faulty_rhs *state, const costate_rhs *inner);

/* Counts and range from zero again, with this fault at call `first` of `callback` and the n_bad - 1 after it. */
void faulty_rhs_arm(faulty_rhs *state, fault_kind fault, callback_kind callback, size_t first, size_t n_bad);

/* Status a solve must answer when this fault persists. */
costate_status faulty_rhs_status(fault_kind fault);

#endif
