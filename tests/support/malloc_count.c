/* SPDX-License-Identifier: MIT */
/* Counts calls of malloc and its relatives by putting own definitions in front of the C library's. */
#define _GNU_SOURCE /* dladdr */

#include "support/malloc_count.h"

#include <stdlib.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define SANITIZED 1
#endif
#endif

#if defined(__GLIBC__) && !defined(SANITIZED)

#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

void *libc_malloc(size_t bytes) __asm__("__libc_malloc");
void *libc_calloc(size_t count, size_t size) __asm__("__libc_calloc");
void *libc_realloc(void *block, size_t bytes) __asm__("__libc_realloc");
void *libc_memalign(size_t alignment, size_t bytes) __asm__("__libc_memalign");

static atomic_bool counting;
static atomic_size_t n_here;
static atomic_size_t n_sundials;
static atomic_size_t n_other;
static atomic_size_t here_until_failure;
static atomic_bool failure_happened;

static const void *module_of(const void *address, const char **name) {
    Dl_info info;
    if (!dladdr(address, &info)) {
        *name = "";
        return NULL;
    }
    *name = info.dli_fname;
    return info.dli_fbase;
}

/* Counts one allocation by its return address; false if it must fail. */
static bool admit(const void *caller) {
    bool armed = atomic_load(&here_until_failure) > 0;
    if (!armed && !atomic_load(&counting)) {
        return true;
    }
    const char *name;
    bool here =
        module_of(caller, &name) == module_of((const void *)(uintptr_t)&malloc_count_start, &(const char *){NULL});
    if (atomic_load(&counting)) {
        atomic_size_t *counter = here ? &n_here : strstr(name, "libsundials") ? &n_sundials : &n_other;
        atomic_fetch_add(counter, 1);
    }
    if (here && armed && atomic_fetch_sub(&here_until_failure, 1) == 1) {
        atomic_store(&failure_happened, true);
        errno = ENOMEM;
        return false;
    }
    return true;
}

void *malloc(size_t bytes) { return admit(__builtin_return_address(0)) ? libc_malloc(bytes) : NULL; }

void *calloc(size_t count, size_t size) { return admit(__builtin_return_address(0)) ? libc_calloc(count, size) : NULL; }

void *realloc(void *block, size_t bytes) {
    return admit(__builtin_return_address(0)) ? libc_realloc(block, bytes) : NULL;
}

void *memalign(size_t alignment, size_t bytes) {
    return admit(__builtin_return_address(0)) ? libc_memalign(alignment, bytes) : NULL;
}

void *aligned_alloc(size_t alignment, size_t bytes) {
    return admit(__builtin_return_address(0)) ? libc_memalign(alignment, bytes) : NULL;
}

int posix_memalign(void **block, size_t alignment, size_t bytes) {
    void *result = admit(__builtin_return_address(0)) ? libc_memalign(alignment, bytes) : NULL;
    if (!result) {
        return ENOMEM;
    }
    *block = result;
    return 0;
}

void malloc_count_start(void) {
    atomic_store(&n_here, 0);
    atomic_store(&n_sundials, 0);
    atomic_store(&n_other, 0);
    atomic_store(&counting, true);
}

malloc_counts malloc_count_stop(void) {
    atomic_store(&counting, false);
    return (malloc_counts){
        .here = atomic_load(&n_here), .sundials = atomic_load(&n_sundials), .other = atomic_load(&n_other)};
}

bool malloc_count_available(void) {
    void *(*volatile allocate)(size_t) = malloc;
    malloc_count_start();
    free(allocate(1));
    return malloc_count_stop().here == 1;
}

void malloc_fail_at(size_t k) {
    atomic_store(&failure_happened, false);
    atomic_store(&here_until_failure, k);
}

bool malloc_fail_happened(void) { return atomic_load(&failure_happened); }

#else

bool malloc_count_available(void) { return false; }

void malloc_count_start(void) {}

malloc_counts malloc_count_stop(void) { return (malloc_counts){0}; }

void malloc_fail_at(size_t k) { (void)k; }

bool malloc_fail_happened(void) { return false; }

#endif
