/* SPDX-License-Identifier: MIT */
/* The two-moons training by a scalar graph in Python. */
#include "compare/micrograd_peer.h"

#include "peer_script.h"
#include <math.h>
#include <string.h>

typedef struct peer_result {
    char variant[64];
    double seconds;
    double loss;
    size_t n_row;
} peer_result;

static void take_row(const peer_row *row, void *ctx) {
    peer_result *result = ctx;
    snprintf(result->variant, sizeof result->variant, "%s", row->variant);
    if (strcmp(row->unit, "s") == 0) {
        result->seconds = row->value;
    } else {
        result->loss = row->value;
    }
    result->n_row++;
}

void micrograd_peer_run(bench *b, const char *folder, const moons_task *task, double loss, double tolerance,
                        double first) {
    char widths[64];
    char points[24];
    peer_result result = {.loss = (double)NAN};
    moons_shape_name(&task->shape, '-', widths);
    snprintf(points, sizeof points, "%zu", task->n);
    const char *const arguments[] = {"--data", folder, "--widths", widths, "--points", points, NULL};
    peer_script_run(b, "micrograd.py", "micrograd", arguments, take_row, &result);
    if (result.n_row == 0) {
        return;
    }
    if (!(fabs(result.loss - loss) <= tolerance * fabs(loss))) {
        bench_fail(b, "micrograd %s n=%s: last loss %.15g, by the Python graph %.15g", widths, points, loss,
                   result.loss);
        return;
    }
    char text[16];
    printf("  %-36s %11s %11s %11s %11s  %10.3g\n", result.variant,
           bench_format_seconds(result.seconds, result.seconds, text), "-", "-", "-", first / result.seconds);
}
