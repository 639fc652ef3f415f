/* SPDX-License-Identifier: MIT */
/* Rows of a peer under the table of the library's own times. */
#ifndef BENCH_PEER_TABLE_H
#define BENCH_PEER_TABLE_H

#include "peer_script.h"

typedef struct peer_table {
    double first; /* seconds of the first row of the table */
    double peer;  /* seconds of the peer's first row; 0: none yet */
} peer_table;

/* For peer_script_run() with a peer_table as ctx: prints a row in ns. */
void peer_table_take(const peer_row *row, void *ctx);

#endif
