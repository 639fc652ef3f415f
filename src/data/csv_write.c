/* SPDX-License-Identifier: MIT */
/* A CSV file from columns. */
#include <costate/csv.h>

#include "core/atomic_file.h"
#include "core/c_locale.h"
#include "core/memory.h"
#include "core/message.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* What a reader would take for something else without quotes. */
static bool needs_quotes(const char *text) {
    const size_t length = strlen(text);
    return length == 0 || text[strcspn(text, ",;\t\"'#")] != '\0' || text[0] == ' ' || text[length - 1] == ' ' ||
           (unsigned char)text[0] >= 0x80;
}

static void put_text(FILE *file, const char *text) {
    if (!needs_quotes(text)) {
        (void)fputs(text, file);
        return;
    }
    (void)fputc('"', file);
    for (; *text != '\0'; text++) {
        if (*text == '"') {
            (void)fputc('"', file);
        }
        (void)fputc(*text, file);
    }
    (void)fputc('"', file);
}

static void put_number(FILE *file, double x) {
    char text[40] = "NA";
    for (int digits = 15; !isnan(x) && digits <= 17; digits++) {
        (void)snprintf(text, sizeof(text), "%.*g", digits, x);
        if (strtod(text, NULL) == x) {
            break;
        }
    }
    (void)fputs(text, file);
}

static void put_table(FILE *file, size_t n_row, size_t n_column, const costate_csv_column *columns) {
    for (size_t k = 0; k < n_column; k++) {
        put_text(file, columns[k].name);
        (void)fputc(k + 1 < n_column ? ',' : '\n', file);
    }
    for (size_t i = 0; i < n_row; i++) {
        for (size_t k = 0; k < n_column; k++) {
            const costate_csv_column *column = &columns[k];
            if (column->x) {
                put_number(file, column->x[i * (column->stride > 0 ? column->stride : 1)]);
            } else {
                put_text(file, column->text[i]);
            }
            (void)fputc(k + 1 < n_column ? ',' : '\n', file);
        }
    }
}

static bool has_line_end(const char *text) { return text[strcspn(text, "\r\n")] != '\0'; }

static costate_status check_name(size_t k, const costate_csv_column *columns, costate_message *message) {
    const char *name = columns[k].name;
    if (!name) {
        return csi_say(message, COSTATE_ERR_NULL, "column %zu: the name is NULL", k + 1);
    }
    if (name[0] == '\0' || has_line_end(name)) {
        return csi_say(message, COSTATE_ERR_ARGUMENT, "column %zu: the name is empty or has a line end in it", k + 1);
    }
    for (size_t j = 0; j < k; j++) {
        if (strcmp(columns[j].name, name) == 0) {
            return csi_say(message, COSTATE_ERR_ARGUMENT, "columns %zu and %zu have the name '%.100s'", j + 1, k + 1,
                           name);
        }
    }
    return COSTATE_OK;
}

static costate_status check_values(size_t n_row, size_t k, const costate_csv_column *column, costate_message *message) {
    if (n_row > 0 && !column->x && !column->text) {
        return csi_say(message, COSTATE_ERR_NULL, "column %zu (%.100s): neither x nor text", k + 1, column->name);
    }
    for (size_t i = 0; i < n_row; i++) {
        if (column->x) {
            if (isinf(column->x[i * (column->stride > 0 ? column->stride : 1)])) {
                return csi_say(message, COSTATE_ERR_NONFINITE, "column %zu (%.100s): the number in row %zu is infinite",
                               k + 1, column->name, i + 1);
            }
        } else if (!column->text[i]) {
            return csi_say(message, COSTATE_ERR_NULL, "column %zu (%.100s): the text in row %zu is NULL", k + 1,
                           column->name, i + 1);
        } else if (has_line_end(column->text[i])) {
            return csi_say(message, COSTATE_ERR_ARGUMENT, "column %zu (%.100s): the text in row %zu has a line end",
                           k + 1, column->name, i + 1);
        }
    }
    return COSTATE_OK;
}

static costate_status check_columns(size_t n_row, size_t n_column, const costate_csv_column *columns,
                                    costate_message *message) {
    if (n_column == 0) {
        return csi_say(message, COSTATE_ERR_ARGUMENT, "there is no column");
    }
    for (size_t k = 0; k < n_column; k++) {
        costate_status status = check_name(k, columns, message);
        if (status == COSTATE_OK) {
            status = check_values(n_row, k, &columns[k], message);
        }
        if (status != COSTATE_OK) {
            return status;
        }
    }
    return COSTATE_OK;
}

static costate_status write_file(const char *path, size_t n_row, size_t n_column, const costate_csv_column *columns,
                                 const costate_allocator *alloc, costate_message *message) {
    csi_atomic_file file;
    csi_c_locale locale;
    const costate_status status = csi_atomic_file_open(&file, path, alloc, message);
    if (status != COSTATE_OK) {
        return status;
    }
    if (!csi_c_locale_enter(&locale)) {
        csi_atomic_file_abandon(&file);
        return csi_say(message, COSTATE_ERR_MEMORY, "no memory for the locale");
    }
    put_table(file.file, n_row, n_column, columns);
    csi_c_locale_leave(&locale);
    return csi_atomic_file_commit(&file, message);
}

costate_status costate_csv_write(const char *path, size_t n_row, size_t n_column, const costate_csv_column *columns,
                                 const costate_allocator *alloc, costate_message *message) {
    csi_message_clear(message);
    if (!path || !columns) {
        return csi_say(message, COSTATE_ERR_NULL, "path or columns is NULL");
    }
    costate_status status = check_columns(n_row, n_column, columns, message);
    if (status == COSTATE_OK) {
        status = write_file(path, n_row, n_column, columns, alloc, message);
    }
    csi_message_name_file(message, path);
    return status;
}
