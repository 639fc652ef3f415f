/* SPDX-License-Identifier: MIT */
/* From the text of a CSV file to its fields. */
#ifndef CSI_CSV_PARSE_H
#define CSI_CSV_PARSE_H

#include "data/csv_table.h"
#include <stdbool.h>

/* Bytes of a field that a message shows. */
enum { CSI_CSV_SHOWN_BYTES = 40 };

/* True, and the number, for decimal notation with digits, sign, point and exponent; HUGE_VAL for what is too large. In the C locale only. */
bool csi_csv_number(const char *text, double *value);

/*
 * Fills the table, of which text (n_bytes and a zero byte, cut up in place) and allocator are set, by options that have no default left.
 * The caller destroys the table after a failure. The message does not name the file.
 */
costate_status csi_csv_parse(costate_csv *table, size_t n_bytes, const costate_csv_options *options,
                             costate_message *message);

#endif
