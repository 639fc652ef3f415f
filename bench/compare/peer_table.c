/* SPDX-License-Identifier: MIT */
/* Rows of a peer under the table of the library's own times. */
#include "compare/peer_table.h"

#include <string.h>

void peer_table_take(const peer_row *row, void *ctx) {
    peer_table *table = ctx;
    if (strcmp(row->unit, "ns") == 0) {
        const double seconds = 1e-9 * row->value;
        char text[16];
        printf("  %-36s %11s %11s %11s %11s  %10.3f\n", row->variant, bench_format_seconds(seconds, seconds, text), "-",
               "-", "-", table->first / seconds);
        table->peer = table->peer > 0.0 ? table->peer : seconds;
    }
}
