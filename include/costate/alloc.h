/* SPDX-License-Identifier: MIT */
/** @file alloc.h  Allocator hooks: where the library's set-up memory comes from. */
#ifndef COSTATE_ALLOC_H
#define COSTATE_ALLOC_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Pair of functions that every `…_create` call takes; a NULL `const costate_allocator *` means malloc and free.
 *
 * The struct is copied at creation; `ctx` must outlive the object. The functions may be called only inside create,
 * destroy and, for a recording solver, while its history grows. Both must be thread-safe if objects that share them
 * are used from several threads.
 */
typedef struct costate_allocator {
    /** Return `bytes` (> 0) bytes aligned for any C type, or NULL when there are none. */
    void *(*alloc)(size_t bytes, void *ctx);
    /** Release what alloc() returned; never called with NULL. */
    void (*release)(void *block, void *ctx);
    /** Passed through to both. */
    void *ctx;
} costate_allocator;

#ifdef __cplusplus
}
#endif
#endif
