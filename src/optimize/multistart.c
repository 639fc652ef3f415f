/* SPDX-License-Identifier: MIT */
/* Many optimisations from different starts, in parallel, and the best of them. */
#define _POSIX_C_SOURCE 200809L

#include "core/memory.h"
#include "core/thread_pool.h"

#include <costate/multistart.h>
#include <math.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

typedef struct multistart {
    size_t n_start;
    size_t n_x;
    costate_start_fn start;
    void *ctx;
    costate_multistart_options options;
    costate_multistart_result *results; /* by number of the start until all have ended */
    double *x;                          /* n_start × n_x */

    pthread_mutex_t mutex; /* of the members below */
    size_t last;           /* first start known to reach the target: later ones are superfluous; n_start: none */
    bool stopped;
    size_t n_done;
    size_t n_fail;
    double best;
} multistart;

costate_multistart_options costate_multistart_options_default(void) {
    return (costate_multistart_options){.n_thread = 1, .target = -HUGE_VAL};
}

static bool superfluous(multistart *m, size_t k) {
    (void)pthread_mutex_lock(&m->mutex);
    const bool answer = m->stopped || k > m->last;
    (void)pthread_mutex_unlock(&m->mutex);
    return answer;
}

/* Counts a start that has ended, and reports it. */
static void conclude(multistart *m, size_t k) {
    const costate_multistart_result *result = &m->results[k];
    (void)pthread_mutex_lock(&m->mutex);
    m->n_done++;
    m->n_fail += result->status != COSTATE_OK;
    m->best = fmin(m->best, result->value);
    if (result->status == COSTATE_OK && result->value <= m->options.target && k < m->last) {
        m->last = k;
    }
    if (m->options.progress && !m->stopped) {
        const costate_multistart_progress progress = {.n_start = m->n_start,
                                                      .n_done = m->n_done,
                                                      .n_fail = m->n_fail,
                                                      .latest = result,
                                                      .x = m->x + k * m->n_x,
                                                      .best = m->best};
        m->stopped = m->options.progress(&progress, m->options.progress_ctx) != 0;
    }
    (void)pthread_mutex_unlock(&m->mutex);
}

static void run_start(size_t k, size_t worker, void *ctx) {
    multistart *m = ctx;
    if (superfluous(m, k)) {
        return;
    }
    double value = (double)NAN;
    costate_status status = m->start(k, worker, m->x + k * m->n_x, &value, m->ctx);
    if (status == COSTATE_OK && !isfinite(value)) {
        status = COSTATE_ERR_NONFINITE;
    }
    m->results[k].status = status;
    m->results[k].value = status == COSTATE_OK ? value : HUGE_VAL;
    conclude(m, k);
}

/* 0: success, 1: failure, 2: did not run. */
static int rank(const costate_multistart_result *result) {
    return result->status == COSTATE_OK ? 0 : result->status == COSTATE_ERR_INTERRUPTED ? 2 : 1;
}

static int by_value(const void *left, const void *right) {
    const costate_multistart_result *a = left;
    const costate_multistart_result *b = right;
    if (rank(a) != rank(b)) {
        return rank(a) < rank(b) ? -1 : 1;
    }
    if (a->value < b->value || a->value > b->value) {
        return a->value < b->value ? -1 : 1;
    }
    return a->start < b->start ? -1 : 1;
}

/* Starts after the first one that reached the target may have run or not, as the threads had it: they count as not run. */
static void forget_superfluous(multistart *m) {
    for (size_t k = m->last < m->n_start ? m->last + 1 : m->n_start; k < m->n_start; k++) {
        m->results[k].status = COSTATE_ERR_INTERRUPTED;
        m->results[k].value = HUGE_VAL;
    }
}

static void write_points(const multistart *m, size_t n_best, double *x) {
    for (size_t i = 0; i < n_best; i++) {
        const costate_multistart_result *result = &m->results[i];
        double *to = x + i * m->n_x;
        if (result->status == COSTATE_OK) {
            memcpy(to, m->x + result->start * m->n_x, m->n_x * sizeof(double));
        } else {
            for (size_t j = 0; j < m->n_x; j++) {
                to[j] = (double)NAN;
            }
        }
    }
}

static costate_status run_all(multistart *m, const costate_allocator *alloc) {
    csi_thread_pool *pool = NULL;
    size_t n_thread = m->options.n_thread > 0 ? m->options.n_thread : csi_processor_count();
    n_thread = n_thread < m->n_start ? n_thread : m->n_start;
    n_thread = n_thread < CSI_THREADS_MOST ? n_thread : CSI_THREADS_MOST;
    if (pthread_mutex_init(&m->mutex, NULL) != 0) {
        return COSTATE_ERR_MEMORY;
    }
    const costate_status status = csi_thread_pool_create(n_thread, alloc, &pool);
    if (status == COSTATE_OK) {
        csi_thread_pool_run(pool, m->n_start, run_start, m);
        csi_thread_pool_destroy(pool);
    }
    (void)pthread_mutex_destroy(&m->mutex);
    return status;
}

static costate_status check_arguments(size_t n_start, size_t n_x, costate_start_fn start,
                                      const costate_multistart_options *options, size_t n_best, const double *x) {
    size_t n_bytes;
    if (!start || !x) {
        return COSTATE_ERR_NULL;
    }
    if (n_start == 0 || n_x == 0 || n_best == 0 || n_best > n_start || options->n_thread > CSI_THREADS_MOST ||
        isnan(options->target)) {
        return COSTATE_ERR_ARGUMENT;
    }
    if (!csi_size_mul(n_start, n_x, &n_bytes) || !csi_size_mul(n_bytes, sizeof(double), &n_bytes) ||
        !csi_size_mul(n_start, sizeof(costate_multistart_result), &n_bytes)) {
        return COSTATE_ERR_OVERFLOW;
    }
    return COSTATE_OK;
}

/* INTERRUPTED is what a start has until it has run; one that gives it itself was not run to its end either. */
static void begin(multistart *m) {
    for (size_t k = 0; k < m->n_start; k++) {
        m->results[k] = (costate_multistart_result){.start = k, .status = COSTATE_ERR_INTERRUPTED, .value = HUGE_VAL};
    }
}

costate_status costate_multistart(size_t n_start, size_t n_x, costate_start_fn start, void *ctx,
                                  const costate_multistart_options *options, const costate_allocator *alloc,
                                  costate_multistart_result *results, size_t n_best, double *x, size_t *n_ok) {
    const costate_allocator a = csi_allocator(alloc);
    multistart m = {.n_start = n_start,
                    .n_x = n_x,
                    .start = start,
                    .ctx = ctx,
                    .options = options ? *options : costate_multistart_options_default(),
                    .last = n_start,
                    .best = HUGE_VAL};
    costate_status status = check_arguments(n_start, n_x, start, &m.options, n_best, x);
    if (status != COSTATE_OK) {
        return status;
    }
    m.results = csi_alloc(&a, n_start, sizeof *m.results);
    m.x = csi_alloc(&a, n_start * n_x, sizeof(double));
    status = COSTATE_ERR_MEMORY;
    if (m.results && m.x) {
        begin(&m);
        status = run_all(&m, &a);
    }
    if (status == COSTATE_OK) {
        size_t n_success = 0;
        forget_superfluous(&m);
        qsort(m.results, n_start, sizeof *m.results, by_value);
        while (n_success < n_start && m.results[n_success].status == COSTATE_OK) {
            n_success++;
        }
        write_points(&m, n_best, x);
        if (results) {
            memcpy(results, m.results, n_start * sizeof *results);
        }
        if (n_ok) {
            *n_ok = n_success;
        }
        status = n_success > 0 ? COSTATE_OK : COSTATE_ERR_OPTIMIZER;
    }
    csi_release(&a, m.x);
    csi_release(&a, m.results);
    return status;
}
