/* SPDX-License-Identifier: MIT */
/* A fixed number of threads that share numbered tasks. */
#define _POSIX_C_SOURCE 200809L

#include "core/thread_pool.h"

#include "core/memory.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <unistd.h>

typedef struct helper {
    csi_thread_pool *pool;
    size_t worker;
    pthread_t thread;
} helper;

struct csi_thread_pool {
    costate_allocator alloc;
    helper *helpers; /* the threads beside the caller's */
    size_t n_helper;

    pthread_mutex_t mutex; /* guards what follows, up to `ctx`; the atomic ones may be looked at without it */
    pthread_cond_t wake;   /* a run begins, or the pool ends */
    pthread_cond_t done;   /* the last helper has no task left */
    atomic_size_t run;     /* number of the current run */
    bool open;             /* helpers may join it */
    atomic_size_t n_busy;  /* helpers that joined and are not through */
    atomic_bool quit;
    size_t n_task;
    csi_task_fn fn;
    void *ctx;

    atomic_size_t next_task;
};

/* Looks at what one is about to wait for before one goes to sleep: runs often follow one another within microseconds, and waking
 * takes longer than that. Each look offers the processor to other threads. */
enum { N_LOOK = 100 };

static void work(csi_thread_pool *pool, size_t worker, size_t n_task, csi_task_fn fn, void *ctx) {
    for (;;) {
        const size_t task = atomic_fetch_add_explicit(&pool->next_task, 1, memory_order_relaxed);
        if (task >= n_task) {
            return;
        }
        fn(task, worker, ctx);
    }
}

static bool nothing_new(csi_thread_pool *pool, size_t last_run) {
    return atomic_load(&pool->run) == last_run && !atomic_load(&pool->quit);
}

static void *helper_main(void *argument) {
    const helper *self = argument;
    csi_thread_pool *pool = self->pool;
    size_t last_run = 0;
    for (;;) {
        for (int i = 0; i < N_LOOK && nothing_new(pool, last_run); i++) {
            sched_yield();
        }
        pthread_mutex_lock(&pool->mutex);
        while (nothing_new(pool, last_run)) {
            pthread_cond_wait(&pool->wake, &pool->mutex);
        }
        const bool quit = atomic_load(&pool->quit), join = pool->open && !quit;
        last_run = atomic_load(&pool->run);
        const size_t n_task = pool->n_task;
        const csi_task_fn fn = pool->fn;
        void *ctx = pool->ctx;
        if (join) {
            atomic_fetch_add(&pool->n_busy, 1);
        }
        pthread_mutex_unlock(&pool->mutex);
        if (quit) {
            return NULL;
        }
        if (join) {
            work(pool, self->worker, n_task, fn, ctx);
            pthread_mutex_lock(&pool->mutex);
            if (atomic_fetch_sub(&pool->n_busy, 1) == 1) {
                pthread_cond_signal(&pool->done);
            }
            pthread_mutex_unlock(&pool->mutex);
        }
    }
}

/* Signals stay with the host's own threads, whose handlers may not expect to run elsewhere. */
static bool start_helper(helper *self) {
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    if (pthread_sigmask(SIG_SETMASK, &all, &before) != 0) {
        return false;
    }
    const bool started = pthread_create(&self->thread, NULL, helper_main, self) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return started;
}

static costate_status start_helpers(csi_thread_pool *pool, size_t n) {
    if (n == 0) {
        return COSTATE_OK;
    }
    pool->helpers = csi_alloc(&pool->alloc, n, sizeof *pool->helpers);
    if (pool->helpers == NULL) {
        return COSTATE_ERR_MEMORY;
    }
    for (; pool->n_helper < n; pool->n_helper++) {
        helper *self = &pool->helpers[pool->n_helper];
        self->pool = pool;
        self->worker = pool->n_helper + 1;
        if (!start_helper(self)) {
            return COSTATE_ERR_MEMORY;
        }
    }
    return COSTATE_OK;
}

static bool init_locks(csi_thread_pool *pool) {
    if (pthread_mutex_init(&pool->mutex, NULL) != 0) {
        return false;
    }
    if (pthread_cond_init(&pool->wake, NULL) != 0) {
        pthread_mutex_destroy(&pool->mutex);
        return false;
    }
    if (pthread_cond_init(&pool->done, NULL) != 0) {
        pthread_cond_destroy(&pool->wake);
        pthread_mutex_destroy(&pool->mutex);
        return false;
    }
    return true;
}

costate_status csi_thread_pool_create(size_t n_thread, const costate_allocator *alloc, csi_thread_pool **pool) {
    *pool = NULL;
    csi_thread_pool *made = csi_alloc(alloc, 1, sizeof *made);
    if (made == NULL) {
        return COSTATE_ERR_MEMORY;
    }
    made->alloc = *alloc;
    atomic_init(&made->next_task, 0);
    atomic_init(&made->run, 0);
    atomic_init(&made->n_busy, 0);
    atomic_init(&made->quit, false);
    if (!init_locks(made)) {
        csi_release(alloc, made);
        return COSTATE_ERR_MEMORY;
    }
    const costate_status status = start_helpers(made, n_thread - 1);
    if (status != COSTATE_OK) {
        csi_thread_pool_destroy(made);
        return status;
    }
    *pool = made;
    return COSTATE_OK;
}

void csi_thread_pool_destroy(csi_thread_pool *pool) {
    if (pool == NULL) {
        return;
    }
    pthread_mutex_lock(&pool->mutex);
    atomic_store(&pool->quit, true);
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->mutex);
    for (size_t i = 0; i < pool->n_helper; i++) {
        pthread_join(pool->helpers[i].thread, NULL);
    }
    pthread_cond_destroy(&pool->done);
    pthread_cond_destroy(&pool->wake);
    pthread_mutex_destroy(&pool->mutex);
    const costate_allocator alloc = pool->alloc;
    csi_release(&alloc, pool->helpers);
    csi_release(&alloc, pool);
}

size_t csi_thread_pool_size(const csi_thread_pool *pool) { return pool->n_helper + 1; }

/* Lets the helpers join a run. */
static void open_run(csi_thread_pool *pool, size_t n_task, csi_task_fn fn, void *ctx) {
    pthread_mutex_lock(&pool->mutex);
    pool->n_task = n_task;
    pool->fn = fn;
    pool->ctx = ctx;
    pool->open = true;
    atomic_fetch_add(&pool->run, 1);
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->mutex);
}

/* Waits for those that joined; who has not woken yet is too late. */
static void close_run(csi_thread_pool *pool) {
    pthread_mutex_lock(&pool->mutex);
    pool->open = false;
    pthread_mutex_unlock(&pool->mutex);
    for (int i = 0; i < N_LOOK && atomic_load(&pool->n_busy) > 0; i++) {
        sched_yield();
    }
    pthread_mutex_lock(&pool->mutex);
    while (atomic_load(&pool->n_busy) > 0) {
        pthread_cond_wait(&pool->done, &pool->mutex);
    }
    pthread_mutex_unlock(&pool->mutex);
}

void csi_thread_pool_run(csi_thread_pool *pool, size_t n_task, csi_task_fn fn, void *ctx) {
    const bool shared = pool->n_helper > 0 && n_task > 1;
    atomic_store_explicit(&pool->next_task, 0, memory_order_relaxed);
    if (shared) {
        open_run(pool, n_task, fn, ctx);
    }
    work(pool, 0, n_task, fn, ctx);
    if (shared) {
        close_run(pool);
    }
}

size_t csi_processor_count(void) {
    const long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 1 ? (size_t)online : 1;
}
