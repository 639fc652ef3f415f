/* SPDX-License-Identifier: MIT */
/* A fixed number of threads that share numbered tasks. */
#ifndef CSI_THREAD_POOL_H
#define CSI_THREAD_POOL_H

#include <costate/alloc.h>
#include <costate/status.h>
#include <stddef.h>

#define CSI_THREADS_MOST 1024

typedef struct csi_thread_pool csi_thread_pool;

/* What the threads do with task `task`; `worker` is below the number of threads and no two calls at a time have the
 * same. Worker 0 is the thread that called csi_thread_pool_run(). */
typedef void (*csi_task_fn)(size_t task, size_t worker, void *ctx);

/* n_thread threads, the caller's being one of them: 1 makes none. COSTATE_ERR_MEMORY also if the system refuses a
 * thread. */
costate_status csi_thread_pool_create(size_t n_thread, const costate_allocator *alloc, csi_thread_pool **pool);
void csi_thread_pool_destroy(csi_thread_pool *pool);

size_t csi_thread_pool_size(const csi_thread_pool *pool);

/* Does tasks 0 … n_task − 1, each once and in no certain order, and returns when all are done. What was written before
 * the call is seen by every task, and what the tasks wrote is seen after it. */
void csi_thread_pool_run(csi_thread_pool *pool, size_t n_task, csi_task_fn fn, void *ctx);

/* Processors that are online, ≥ 1. */
size_t csi_processor_count(void);

#endif
