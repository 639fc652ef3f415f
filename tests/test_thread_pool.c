/* SPDX-License-Identifier: MIT */
/* A thread pool does every task once, in the threads it was given, as often as it is run. */
#define _POSIX_C_SOURCE 200809L

#include "core/memory.h"
#include "core/shared_alloc.h"
#include "core/thread_pool.h"
#include "support/allocators.h"
#include "support/asserts.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

enum { MAX_TASK = 1000, MAX_THREAD = 5 };

typedef struct record {
    size_t n_thread;
    pthread_t caller;
    size_t input[MAX_TASK];  /* written before the run, read by tasks */
    size_t output[MAX_TASK]; /* written by tasks */
    size_t done[MAX_TASK];   /* how often */
    size_t load[MAX_THREAD]; /* tasks of each worker */
    atomic_int busy[MAX_THREAD];
    atomic_size_t n_fault;
} record;

static void note(size_t task, size_t worker, void *ctx) {
    record *r = ctx;
    if (worker >= r->n_thread || atomic_exchange(&r->busy[worker], 1) != 0 ||
        (pthread_equal(pthread_self(), r->caller) != 0) != (worker == 0))
        atomic_fetch_add(&r->n_fault, 1);
    r->output[task] = r->input[task] + 1;
    r->done[task]++;
    r->load[worker]++;
    atomic_store(&r->busy[worker], 0);
}

static void every_task_is_done_once(void **state) {
    (void)state;
    static record r;
    const costate_allocator alloc = csi_allocator(NULL);
    const size_t counts[] = {0, 1, 2, 3, 7, 100, MAX_TASK};
    for (size_t n_thread = 1; n_thread <= MAX_THREAD; n_thread++) {
        csi_thread_pool *pool = NULL;
        assert_ok(csi_thread_pool_create(n_thread, &alloc, &pool));
        assert_int_equal(csi_thread_pool_size(pool), n_thread);
        for (size_t run = 0; run < 200; run++) {
            size_t n_task = counts[run % (sizeof counts / sizeof counts[0])], total = 0;
            memset(&r, 0, sizeof r);
            r.n_thread = n_thread;
            r.caller = pthread_self();
            for (size_t i = 0; i < MAX_TASK; i++)
                r.input[i] = 3 * i + run;
            csi_thread_pool_run(pool, n_task, note, &r);
            for (size_t i = 0; i < MAX_TASK; i++) {
                assert_int_equal(r.done[i], i < n_task);
                assert_int_equal(r.output[i], i < n_task ? 3 * i + run + 1 : 0);
            }
            for (size_t i = 0; i < n_thread; i++)
                total += r.load[i];
            assert_int_equal(total, n_task);
            assert_int_equal(r.n_fault, 0);
        }
        csi_thread_pool_destroy(pool);
    }
}

/* Two tasks that wait for each other: they end only if two threads are at work. */
static void meet(size_t task, size_t worker, void *ctx) {
    (void)task, (void)worker;
    pthread_barrier_wait(ctx);
}

static void threads_work_at_the_same_time(void **state) {
    (void)state;
    const costate_allocator alloc = csi_allocator(NULL);
    pthread_barrier_t barrier;
    csi_thread_pool *pool = NULL;
    assert_int_equal(pthread_barrier_init(&barrier, NULL, 2), 0);
    assert_ok(csi_thread_pool_create(2, &alloc, &pool));
    for (int run = 0; run < 20; run++)
        csi_thread_pool_run(pool, 2, meet, &barrier);
    csi_thread_pool_destroy(pool);
    pthread_barrier_destroy(&barrier);
}

/* The caller's tasks are done at once, the other threads' take a while. */
static void dawdle(size_t task, size_t worker, void *ctx) {
    const struct timespec while_ = {.tv_nsec = 20000000};
    (void)task;
    if (worker != 0) {
        nanosleep(&while_, NULL);
        atomic_fetch_add((atomic_size_t *)ctx, 1);
    } else {
        while (atomic_load((atomic_size_t *)ctx + 1) == 0)
            sched_yield();
    }
    atomic_store((atomic_size_t *)ctx + 1, 1);
}

static void runs_end_with_the_slowest_task(void **state) {
    (void)state;
    const costate_allocator alloc = csi_allocator(NULL);
    csi_thread_pool *pool = NULL;
    assert_ok(csi_thread_pool_create(2, &alloc, &pool));
    for (int run = 0; run < 3; run++) {
        atomic_size_t n_slow[2] = {0, 0};
        csi_thread_pool_run(pool, 2, dawdle, n_slow);
        assert_true(n_slow[0] >= 1);
    }
    csi_thread_pool_destroy(pool);
}

static void creation_survives_every_failed_allocation(void **state) {
    (void)state;
    for (size_t k = 1;; k++) {
        test_allocator counts = {.fail_at = k};
        const costate_allocator hooks = test_allocator_hooks(&counts);
        csi_thread_pool *pool = (csi_thread_pool *)(void *)&counts;
        costate_status status = csi_thread_pool_create(3, &hooks, &pool);
        if (counts.n_failed == 0) {
            assert_ok(status);
            csi_thread_pool_destroy(pool);
            assert_int_equal(counts.n_live, 0);
            assert_true(k > 1);
            break;
        }
        assert_status(status, COSTATE_ERR_MEMORY);
        assert_null(pool);
        assert_int_equal(counts.n_live, 0);
    }
    csi_thread_pool_destroy(NULL);
}

static void one_processor_at_least(void **state) {
    (void)state;
    assert_true(csi_processor_count() >= 1);
}

/* Each task allocates and releases through hooks that bear one thread only. */
static void churn(size_t task, size_t worker, void *ctx) {
    (void)worker;
    const costate_allocator hooks = csi_shared_alloc_hooks(ctx);
    for (size_t i = 0; i < 20; i++) {
        unsigned char *block = csi_alloc(&hooks, task + i + 1, 1);
        memset(block, 0x5A, task + i + 1);
        csi_release(&hooks, block);
    }
}

static void shared_hooks_serialise_and_count(void **state) {
    (void)state;
    test_allocator counts = {.fail_at = 0};
    const costate_allocator inner = test_allocator_hooks(&counts);
    const costate_allocator alloc = csi_allocator(NULL);
    csi_shared_alloc shared;
    csi_thread_pool *pool = NULL;
    assert_ok(csi_shared_alloc_init(&shared, &inner));
    assert_ok(csi_thread_pool_create(4, &alloc, &pool));
    csi_thread_pool_run(pool, 300, churn, &shared);
    assert_int_equal(counts.n_alloc, 6000);
    assert_int_equal(counts.n_live, 0);
    assert_int_equal(csi_shared_alloc_bytes(&shared), 0);
    const costate_allocator hooks = csi_shared_alloc_hooks(&shared);
    double *block = csi_alloc(&hooks, 100, sizeof *block);
    assert_non_null(block);
    assert_int_equal(csi_shared_alloc_bytes(&shared), counts.live_bytes);
    assert_true(counts.live_bytes >= 100 * sizeof *block);
    csi_release(&hooks, block);
    assert_null(hooks.alloc(SIZE_MAX, hooks.ctx));
    csi_thread_pool_destroy(pool);
    csi_shared_alloc_clear(&shared);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_task_is_done_once),        cmocka_unit_test(threads_work_at_the_same_time),
        cmocka_unit_test(runs_end_with_the_slowest_task), cmocka_unit_test(creation_survives_every_failed_allocation),
        cmocka_unit_test(one_processor_at_least),         cmocka_unit_test(shared_hooks_serialise_and_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
