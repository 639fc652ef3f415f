/* SPDX-License-Identifier: MIT */
/* Any bytes as a CSV file: a table of which every field can be had, or a refusal that says why. */
#include "fuzz_target.h"

#include <costate/csv.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void check_column(const costate_csv *table, size_t column) {
    const size_t n_row = costate_csv_n_row(table);
    double *x = malloc((n_row + 1) * sizeof(*x));
    size_t *group = malloc((n_row + 1) * sizeof(*group));
    size_t n_group;
    size_t found;
    costate_message message;
    FUZZ_CHECK(x && group);
    FUZZ_CHECK(costate_csv_find(table, costate_csv_name(table, column), &found, NULL) == COSTATE_OK && found == column);
    const costate_status strict = costate_csv_numbers(table, column, COSTATE_CSV_MISSING_REFUSE, x, &message);
    FUZZ_CHECK((strlen(message.text) > 0) == (strict != COSTATE_OK));
    for (size_t i = 0; i < n_row && strict == COSTATE_OK; i++) {
        FUZZ_CHECK(isfinite(x[i]));
    }
    const costate_status lenient = costate_csv_numbers(table, column, COSTATE_CSV_MISSING_NAN, x, &message);
    FUZZ_CHECK(strict != COSTATE_OK || lenient == COSTATE_OK);
    FUZZ_CHECK(costate_csv_groups(table, column, group, &n_group) == COSTATE_OK && n_group <= n_row);
    for (size_t i = 0; i < n_row; i++) {
        FUZZ_CHECK(group[i] < n_group && costate_csv_text(table, i, column));
        FUZZ_CHECK(i == 0 || (group[i] == group[i - 1]) == (strcmp(costate_csv_text(table, i, column),
                                                                   costate_csv_text(table, i - 1, column)) == 0));
    }
    free(x);
    free(group);
}

static void check_text(const uint8_t *data, size_t size, const costate_csv_options *options) {
    costate_csv *table;
    costate_message message;
    const costate_status status = costate_csv_parse((const char *)data, size, options, NULL, &table, &message);
    FUZZ_CHECK((table != NULL) == (status == COSTATE_OK));
    FUZZ_CHECK((strlen(message.text) > 0) == (status != COSTATE_OK));
    for (size_t k = 0; k < costate_csv_n_column(table); k++) {
        check_column(table, k);
    }
    costate_csv_destroy(table);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const costate_csv_options semicolon = {.separator = ';', .comment = '#', .max_columns = 50, .max_rows = 100};
    const costate_csv_options tab = {.separator = '\t', .comment = '@'};
    check_text(data, size, NULL);
    check_text(data, size, &semicolon);
    check_text(data, size, &tab);
    return 0;
}
