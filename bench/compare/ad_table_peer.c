/* SPDX-License-Identifier: MIT */
/* The differentiation table by PyTorch. */
#include "compare/ad_table_peer.h"

#include "peer_script.h"
#include <math.h>
#include <string.h>

typedef struct collector {
    bench *b;
    size_t n;
    ad_table_peer_result *results;
} collector;

static void take_number(const peer_row *row, ad_table_peer_result *result) {
    const struct {
        const char *unit;
        double scale;
        double *number;
    } numbers[] = {{"ns_primal", 1e-9, &result->primal},
                   {"ns", 1e-9, &result->gradient},
                   {"value", 1.0, &result->value},
                   {"projection", 1.0, &result->projection}};
    for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++) {
        if (strcmp(row->unit, numbers[k].unit) == 0) {
            *numbers[k].number = numbers[k].scale * row->value;
        }
    }
    snprintf(result->variant, sizeof result->variant, "%s", row->variant);
}

static void take_row(const peer_row *row, void *ctx) {
    const collector *c = ctx;
    for (size_t i = 0; i < c->n; i++) {
        if (strcmp(row->shape, c->results[i].shape) == 0) {
            take_number(row, &c->results[i]);
            return;
        }
    }
    bench_fail(c->b, "ad-table: the peer wrote of \"%s\", which it was not asked for", row->shape);
}

double ad_table_projection(size_t n, const double *gradient) {
    double sum = 0.0;
    for (size_t k = 0; k < n; k++) {
        sum += gradient[k] * cos((double)k * (double)k);
    }
    return sum;
}

void ad_table_peer_run(bench *b, size_t n, ad_table_peer_result *results) {
    char seconds[24];
    const char *arguments[2 + AD_TABLE_MAX_TASK + 1] = {"--seconds", seconds};
    snprintf(seconds, sizeof seconds, "%g", b->min_seconds);
    for (size_t i = 0; i < n; i++) {
        arguments[2 + i] = results[i].shape;
    }
    /* Its rows are written beside those of the other routes. */
    bench unwritten = *b;
    unwritten.csv = NULL;
    unwritten.sink = NULL;
    peer_script_run(&unwritten, "ad_table.py", "ad-table", arguments, take_row, &(collector){&unwritten, n, results});
    b->n_failure = unwritten.n_failure;
}
