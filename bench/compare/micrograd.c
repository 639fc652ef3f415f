/* SPDX-License-Identifier: MIT */
/* The two-moons grid: a scalar graph and fused kernels take the same 100 steps; seconds per phase of a trial. */
#include "compare/comparison.h"
#include "compare/micrograd_peer.h"
#include "compare/moons_training.h"

#include <math.h>
#include <stdlib.h>

enum { MAX_TRIAL = 5, N_ROUTE = 3 };

#define TOLERANCE 1e-9

static const moons_shape shapes[] = {{2, {2, 8, 1}}, {3, {2, 16, 16, 1}}, {3, {2, 32, 32, 1}}, {4, {2, 16, 32, 16, 1}}};
static const size_t sizes[] = {100, 200, 500, 1000, 5000, 10000};
enum {
    N_SHAPE = sizeof shapes / sizeof *shapes,
    N_SIZE = sizeof sizes / sizeof *sizes,
    N_SIZE_QUICK = 2,
    N_CONFIGURATION = N_SHAPE * N_SIZE
};

static const struct {
    const char *variant;
    moons_training *train;
} routes[N_ROUTE] = {{"scalar graph", moons_train_graph},
                     {"fused kernels (another algorithm)", moons_train_fused},
                     {"fused trainer (another algorithm)", moons_train_chain}};

/* Over the configurations that ran. */
typedef struct grid_sum {
    size_t n;
    size_t n_real;
    double seconds[N_ROUTE]; /* all trials */
} grid_sum;

static int by_total(const void *a, const void *b) {
    const double x = ((const moons_phases *)a)->total;
    const double y = ((const moons_phases *)b)->total;
    return (x > y) - (x < y);
}

static bool same_losses(bench *b, const char *group, const double *loss, const double *other) {
    for (size_t k = 0; k < MOONS_N_STEP; k++) {
        const double error = fabs(loss[k] - other[k]);
        if (!(error <= TOLERANCE * fabs(other[k]))) {
            bench_fail(b, "micrograd %s: losses %.15g and %.15g of two routes at step %zu", group, other[k], loss[k],
                       k);
            return false;
        }
    }
    if (!(loss[MOONS_N_STEP - 1] < loss[0])) {
        bench_fail(b, "micrograd %s: the loss rose from %.6g to %.6g", group, loss[0], loss[MOONS_N_STEP - 1]);
        return false;
    }
    return true;
}

static bool run_trials(bench *b, const char *group, const moons_task *task, size_t n_trial,
                       moons_phases times[N_ROUTE][MAX_TRIAL], double *last_loss) {
    for (size_t trial = 0; trial < n_trial; trial++) {
        double loss[N_ROUTE][MOONS_N_STEP];
        for (size_t r = 0; r < N_ROUTE; r++) {
            if (!routes[r].train(task, loss[r], &times[r][trial])) {
                bench_fail(b, "micrograd %s: %s failed", group, routes[r].variant);
                return false;
            }
        }
        for (size_t r = 1; r < N_ROUTE; r++) {
            if (!same_losses(b, group, loss[r], loss[0])) {
                return false;
            }
        }
        *last_loss = loss[0][MOONS_N_STEP - 1];
    }
    return true;
}

static void print_times(const char *variant, const moons_phases *t, double first) {
    const double parts[] = {t->forward, t->backward, t->update};
    char text[16];
    printf("  %-36s %11s", variant, bench_format_seconds(t->total, t->total, text));
    for (size_t k = 0; k < sizeof parts / sizeof *parts; k++) {
        printf(" %11s", parts[k] > 0.0 ? bench_format_seconds(parts[k], t->total, text) : "-");
    }
    printf("  %10.3f\n", first / t->total);
}

/* Returns the seconds of the first route. */
static double report(bench *b, const char *group, size_t n_trial, moons_phases times[N_ROUTE][MAX_TRIAL], double loss,
                     grid_sum *sum) {
    printf("\nmicrograd %s, median of %zu, loss after %d steps %.6f by all\n  %-36s %11s %11s %11s %11s  %s\n", group,
           n_trial, MOONS_N_STEP - 1, loss, "variant", "trial", "forward", "backward", "update", "first/this");
    double first = 0.0;
    for (size_t r = 0; r < N_ROUTE; r++) {
        for (size_t trial = 0; trial < n_trial; trial++) {
            sum->seconds[r] += times[r][trial].total;
        }
        qsort(times[r], n_trial, sizeof times[r][0], by_total);
        const moons_phases *t = &times[r][n_trial / 2];
        first = r == 0 ? t->total : first;
        print_times(routes[r].variant, t, first);
        bench_row(b, "micrograd", group, routes[r].variant, t->total, "s");
        if (t->forward > 0.0) {
            bench_row(b, "micrograd", group, routes[r].variant, t->forward, "s_forward");
            bench_row(b, "micrograd", group, routes[r].variant, t->backward, "s_backward");
            bench_row(b, "micrograd", group, routes[r].variant, t->update, "s_update");
        }
    }
    return first;
}

/* Python's graph is given the two smallest configurations: the others take it minutes. */
static bool with_peer(const bench *b, const compare_options *options, const moons_task *task) {
    return !b->quick && !options->no_peers && task->real && task->n == sizes[0] &&
           task->shape.width[1] <= shapes[1].width[1] && task->shape.n_layer <= shapes[1].n_layer;
}

static void run_configuration(bench *b, const compare_options *options, const moons_shape *shape, size_t n,
                              grid_sum *sum) {
    moons_task task;
    if (!moons_task_create(b, options->data, shape, n, &task)) {
        return;
    }
    char name[64];
    char group[128];
    moons_phases times[N_ROUTE][MAX_TRIAL];
    double loss = 0.0;
    const size_t n_trial = b->quick ? 1 : MAX_TRIAL;
    snprintf(group, sizeof group, "%s %s n=%zu", task.real ? "REAL" : "SYNTHETIC", moons_shape_name(shape, '-', name),
             n);
    if (bench_wanted(b, "micrograd", group) && run_trials(b, group, &task, n_trial, times, &loss)) {
        const double first = report(b, group, n_trial, times, loss, sum);
        if (with_peer(b, options, &task)) {
            micrograd_peer_run(b, options->data, &task, loss, TOLERANCE, first);
        }
        sum->n++;
        sum->n_real += task.real;
    }
    moons_task_destroy(&task);
}

static void print_sum(bench *b, const grid_sum *sum) {
    putchar('\n');
    bench_note(b, "micrograd", "%zu of %d configurations (%zu REAL), every trial: %s %.2f s, %s %.2f s, %s %.2f s",
               sum->n, N_CONFIGURATION, sum->n_real, routes[0].variant, sum->seconds[0], routes[1].variant,
               sum->seconds[1], routes[2].variant, sum->seconds[2]);
    bench_note(b, "micrograd",
               "the backward phase of the fused kernels repeats the forward pass; the trainer has one "
               "pass for both");
    if (!b->quick && sum->n == N_CONFIGURATION) {
        const char *const shape = sum->n_real == sum->n ? "REAL grid" : "SYNTHETIC grid";
        for (size_t r = 0; r < N_ROUTE; r++) {
            bench_row(b, "micrograd", shape, routes[r].variant, sum->seconds[r], "s_all_trials");
        }
        bench_note(b, "micrograd",
                   "published for the grid, 5 trials, on an Apple M5: scalar graph in Julia 12922.6 s, in Python 70.3 "
                   "times that at the median; compare only ratios between machines");
    }
}

void compare_micrograd(bench *b, const compare_options *options) {
    grid_sum sum = {0};
    const size_t n_size = b->quick ? N_SIZE_QUICK : N_SIZE;
    for (size_t s = 0; s < N_SHAPE; s++) {
        for (size_t i = 0; i < n_size; i++) {
            run_configuration(b, options, &shapes[s], sizes[i], &sum);
        }
    }
    if (b->quick && !options->no_peers) {
        printf("\n# skipped: the Python peer (--quick)\n");
    }
    if (sum.n > 0) {
        print_sum(b, &sum);
    }
}
