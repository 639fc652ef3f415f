/* SPDX-License-Identifier: MIT */
/* Columns of a table as numbers and as groups of rows. */
#include <costate/csv.h>

#include "core/c_locale.h"
#include "core/memory.h"
#include "core/message.h"
#include "data/csv_parse.h"
#include "data/csv_table.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

/* ASCII, whatever the locale. */
static bool same_but_for_case(const char *text, const char *lower) {
    size_t i = 0;
    for (; lower[i] != '\0'; i++) {
        const char c = text[i];
        if ((c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c) != lower[i]) {
            return false;
        }
    }
    return text[i] == '\0';
}

static bool is_missing(const char *text) {
    return text[0] == '\0' || strcmp(text, ".") == 0 || same_but_for_case(text, "na") || same_but_for_case(text, "nan");
}

static bool is_infinite_word(const char *text) {
    text += *text == '-' || *text == '+' ? 1 : 0;
    return same_but_for_case(text, "inf") || same_but_for_case(text, "infinity");
}

/* NULL when the field is fine, else what is wrong with it. */
static const char *read_field(const char *text, costate_csv_missing missing, double *x) {
    double value;
    if (is_missing(text)) {
        *x = (double)NAN;
        return missing == COSTATE_CSV_MISSING_NAN ? NULL
               : text[0] == '\0'                  ? "is empty"
               : same_but_for_case(text, "nan")   ? "is not a finite number"
                                                  : "is a missing value";
    }
    if (is_infinite_word(text)) {
        return "is not a finite number";
    }
    if (!csi_csv_number(text, &value)) {
        return "is not a number";
    }
    *x = value;
    return isfinite(value) ? NULL : "is not a finite number";
}

static costate_status read_column(const costate_csv *table, size_t column, costate_csv_missing missing, double *x,
                                  costate_message *message) {
    for (size_t i = 0; i < table->n_row; i++) {
        const char *text = csi_csv_field(table, i + 1, column);
        const char *wrong = read_field(text, missing, &x[i]);
        if (wrong) {
            return csi_say(message, COSTATE_ERR_FORMAT, "row %zu, column %zu (%.*s): '%.*s' %s", table->line[i],
                           column + 1, CSI_CSV_SHOWN_BYTES, csi_csv_field(table, 0, column), CSI_CSV_SHOWN_BYTES, text,
                           wrong);
        }
    }
    return COSTATE_OK;
}

costate_status costate_csv_numbers(const costate_csv *table, size_t column, costate_csv_missing missing, double *x,
                                   costate_message *message) {
    csi_message_clear(message);
    if (!table || !x) {
        return csi_say(message, COSTATE_ERR_NULL, "table or x is NULL");
    }
    if (column >= table->n_column) {
        return csi_say(message, COSTATE_ERR_ARGUMENT, "there are %zu columns; %zu is none of them", table->n_column,
                       column + 1);
    }
    if (missing != COSTATE_CSV_MISSING_REFUSE && missing != COSTATE_CSV_MISSING_NAN) {
        return csi_say(message, COSTATE_ERR_ARGUMENT, "missing is unknown");
    }
    csi_c_locale locale;
    if (!csi_c_locale_enter(&locale)) {
        return csi_say(message, COSTATE_ERR_MEMORY, "no memory for the locale");
    }
    const costate_status status = read_column(table, column, missing, x, message);
    csi_c_locale_leave(&locale);
    csi_message_name_file(message, table->path);
    return status;
}

/* FNV-1a. */
static size_t hash(const char *text) {
    uint64_t h = 14695981039346656037U;
    for (; *text != '\0'; text++) {
        h = (h ^ (unsigned char)*text) * 1099511628211U;
    }
    return (size_t)(h ^ (h >> 32));
}

/* Slots hold 1 + the row in which a group first appears. */
static void find_groups(const costate_csv *table, size_t column, size_t *slots, size_t mask, size_t *group,
                        size_t *n_group) {
    *n_group = 0;
    for (size_t i = 0; i < table->n_row; i++) {
        const char *text = csi_csv_field(table, i + 1, column);
        size_t at = hash(text) & mask;
        while (slots[at] != 0 && strcmp(csi_csv_field(table, slots[at], column), text) != 0) {
            at = (at + 1) & mask;
        }
        if (slots[at] == 0) {
            slots[at] = i + 1;
            group[i] = (*n_group)++;
        } else {
            group[i] = group[slots[at] - 1];
        }
    }
}

costate_status costate_csv_groups(const costate_csv *table, size_t column, size_t *group, size_t *n_group) {
    if (!table || !group || !n_group) {
        return COSTATE_ERR_NULL;
    }
    if (column >= table->n_column) {
        return COSTATE_ERR_ARGUMENT;
    }
    size_t n_slot = 16;
    while (n_slot / 2 <= table->n_row && n_slot <= SIZE_MAX / 2) {
        n_slot *= 2;
    }
    size_t *slots = csi_alloc(&table->alloc, n_slot, sizeof(*slots));
    if (!slots) {
        return COSTATE_ERR_MEMORY;
    }
    find_groups(table, column, slots, n_slot - 1, group, n_group);
    csi_release(&table->alloc, slots);
    return COSTATE_OK;
}
