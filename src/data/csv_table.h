/* SPDX-License-Identifier: MIT */
/* A table of text: one block with the fields, each ended by a zero byte, and where they begin. */
#ifndef CSI_CSV_TABLE_H
#define CSI_CSV_TABLE_H

#include <costate/csv.h>

struct costate_csv {
    costate_allocator alloc;
    char *path;    /* for messages; NULL if there is none */
    char *text;    /* the fields */
    size_t *field; /* (1 + n_row) × n_column offsets into the text, the names of the columns first */
    size_t *line;  /* n_row numbers */
    size_t n_row, n_column;
};

static inline const char *csi_csv_field(const costate_csv *table, size_t record, size_t column) {
    return table->text + table->field[record * table->n_column + column];
}

#endif
