/* SPDX-License-Identifier: MIT */
/* Runs the spiral's Python peers and collects their curves. */
#include "gradient_peers.h"

#include "peer_script.h"
#include <stdlib.h>
#include <string.h>

static const char *const scripts[] = {"spiral_torchdiffeq.py", "spiral_diffrax.py"};

/* The variant is "<method> rtol=<number>"; a script writes the time of a tolerance before its error. */
static void take_row(const peer_row *row, void *ctx) {
    gradient_result *result = ctx;
    char *mark = strstr(row->variant, " rtol=");
    const bool is_time = strcmp(row->unit, "ns") == 0;
    if (!mark || (!is_time && strcmp(row->unit, "relative_error") != 0)) {
        return;
    }
    *mark = '\0';
    gradient_curve *curve = gradient_add_curve(result, row->variant);
    *mark = ' ';
    if (curve && is_time && curve->n < GRADIENT_MAX_RTOL) {
        curve->points[curve->n++] = (error_point){.rtol = strtod(mark + 6, NULL), .seconds = 1e-9 * row->value};
    } else if (curve && !is_time && curve->n > 0) {
        error_point *point = &curve->points[curve->n - 1];
        char text[16];
        point->error = row->value;
        printf("  %-40s %11s  error %.1e\n", row->variant, bench_format_seconds(point->seconds, point->seconds, text),
               point->error);
    }
}

static bool list_tolerances(const peer_tolerances *tolerances, char *text, size_t size) {
    size_t used = 0;
    for (int decade = tolerances->first; decade <= tolerances->last; decade += tolerances->step) {
        const int n = snprintf(text + used, size - used, "%s1e-%d", used ? "," : "", decade);
        if (n < 0 || (size_t)n >= size - used) {
            return false;
        }
        used += (size_t)n;
    }
    return true;
}

void gradient_peers_run(bench *b, const peer_tolerances *tolerances, gradient_result *result) {
    char rtols[128];
    char n_t[24];
    snprintf(n_t, sizeof n_t, "%zu", result->task->n_t);
    if (!list_tolerances(tolerances, rtols, sizeof rtols)) {
        bench_fail(b, "%s: too many tolerances", result->task->shape);
        return;
    }
    const char *const arguments[] = {"--observations", n_t, "--rtol", rtols, NULL};
    for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
        peer_script_run(b, scripts[i], "gradient", arguments, take_row, result);
    }
}
