/* SPDX-License-Identifier: MIT */
/* Tables of a CSV file: reading the file, release, and what can be asked of them. */
#include <costate/csv.h>

#include "core/memory.h"
#include "core/message.h"
#include "core/whole_file.h"
#include "data/csv_parse.h"
#include "data/csv_table.h"

#include <string.h>

static bool is_line_end(char c) { return c == '\n' || c == '\r'; }

static bool make_options(const costate_csv_options *from, costate_csv_options *options) {
    *options = from ? *from : (costate_csv_options){0};
    if (options->separator == '\0') {
        options->separator = ',';
    }
    options->max_bytes = options->max_bytes > 0 ? options->max_bytes : (size_t)1 << 30;
    options->max_rows = options->max_rows > 0 ? options->max_rows : 10000000;
    options->max_columns = options->max_columns > 0 ? options->max_columns : 4096;
    const char s = options->separator;
    const char c = options->comment;
    return s != '"' && s != ' ' && !is_line_end(s) && c != '"' && c != ' ' && c != '\t' && !is_line_end(c) && s != c;
}

/* Takes the text over: it is released here or with the table. */
static costate_status make_table(char *text, size_t n_bytes, const costate_csv_options *options,
                                 const costate_allocator *alloc, costate_csv **table, costate_message *message) {
    costate_csv *made = csi_alloc(alloc, 1, sizeof(*made));
    if (!made) {
        csi_release(alloc, text);
        return csi_say(message, COSTATE_ERR_MEMORY, "no memory for the table");
    }
    made->alloc = *alloc;
    made->text = text;
    const costate_status status = csi_csv_parse(made, n_bytes, options, message);
    if (status != COSTATE_OK) {
        costate_csv_destroy(made);
        return status;
    }
    *table = made;
    return COSTATE_OK;
}

costate_status costate_csv_parse(const char *text, size_t n_bytes, const costate_csv_options *options,
                                 const costate_allocator *alloc, costate_csv **table, costate_message *message) {
    costate_csv_options wanted;
    csi_message_clear(message);
    if (!table) {
        return csi_say(message, COSTATE_ERR_NULL, "table is NULL");
    }
    *table = NULL;
    if (!text && n_bytes > 0) {
        return csi_say(message, COSTATE_ERR_NULL, "text is NULL");
    }
    if (!make_options(options, &wanted)) {
        return csi_say(message, COSTATE_ERR_ARGUMENT, "this separator or comment character cannot be used");
    }
    if (n_bytes > wanted.max_bytes || n_bytes == (size_t)-1) {
        return csi_say(message, COSTATE_ERR_FORMAT, "%zu bytes are more than the %zu allowed", n_bytes,
                       wanted.max_bytes);
    }
    const costate_allocator hooks = csi_allocator(alloc);
    char *copy = csi_alloc(&hooks, n_bytes + 1, 1);
    if (!copy) {
        return csi_say(message, COSTATE_ERR_MEMORY, "no memory for the text");
    }
    if (n_bytes > 0) {
        memcpy(copy, text, n_bytes);
    }
    return make_table(copy, n_bytes, &wanted, &hooks, table, message);
}

static costate_status keep_path(costate_csv *table, const char *path, costate_message *message) {
    const size_t bytes = strlen(path) + 1;
    table->path = csi_alloc(&table->alloc, bytes, 1);
    if (!table->path) {
        return csi_say(message, COSTATE_ERR_MEMORY, "no memory for the name of the file");
    }
    memcpy(table->path, path, bytes);
    return COSTATE_OK;
}

static costate_status read_file(const char *path, const costate_csv_options *options, const costate_allocator *alloc,
                                costate_csv **table, costate_message *message) {
    char *text;
    size_t n_bytes;
    costate_status status = csi_read_whole_file(path, options->max_bytes, alloc, &text, &n_bytes, message);
    if (status == COSTATE_OK) {
        status = make_table(text, n_bytes, options, alloc, table, message);
    }
    if (status == COSTATE_OK) {
        status = keep_path(*table, path, message);
    }
    return status;
}

costate_status costate_csv_read(const char *path, const costate_csv_options *options, const costate_allocator *alloc,
                                costate_csv **table, costate_message *message) {
    costate_csv_options wanted;
    csi_message_clear(message);
    if (!table) {
        return csi_say(message, COSTATE_ERR_NULL, "table is NULL");
    }
    *table = NULL;
    if (!path) {
        return csi_say(message, COSTATE_ERR_NULL, "path is NULL");
    }
    if (!make_options(options, &wanted)) {
        return csi_say(message, COSTATE_ERR_ARGUMENT, "this separator or comment character cannot be used");
    }
    const costate_allocator hooks = csi_allocator(alloc);
    const costate_status status = read_file(path, &wanted, &hooks, table, message);
    if (status != COSTATE_OK) {
        csi_message_name_file(message, path);
        costate_csv_destroy(*table);
        *table = NULL;
    }
    return status;
}

void costate_csv_destroy(costate_csv *table) {
    if (table) {
        const costate_allocator hooks = table->alloc;
        csi_release(&hooks, table->path);
        csi_release(&hooks, table->text);
        csi_release(&hooks, table->field);
        csi_release(&hooks, table->line);
        csi_release(&hooks, table);
    }
}

size_t costate_csv_n_row(const costate_csv *table) { return table ? table->n_row : 0; }

size_t costate_csv_n_column(const costate_csv *table) { return table ? table->n_column : 0; }

const char *costate_csv_name(const costate_csv *table, size_t column) {
    return table && column < table->n_column ? csi_csv_field(table, 0, column) : NULL;
}

costate_status costate_csv_find(const costate_csv *table, const char *name, size_t *column, costate_message *message) {
    csi_message_clear(message);
    if (!table || !name || !column) {
        return csi_say(message, COSTATE_ERR_NULL, "table, name or column is NULL");
    }
    for (size_t k = 0; k < table->n_column; k++) {
        if (strcmp(csi_csv_field(table, 0, k), name) == 0) {
            *column = k;
            return COSTATE_OK;
        }
    }
    csi_message_write(message, "there is no column '%.100s'", name);
    csi_message_name_file(message, table->path);
    return COSTATE_ERR_ARGUMENT;
}

const char *costate_csv_text(const costate_csv *table, size_t row, size_t column) {
    return table && row < table->n_row && column < table->n_column ? csi_csv_field(table, row + 1, column) : NULL;
}

size_t costate_csv_line(const costate_csv *table, size_t row) {
    return table && row < table->n_row ? table->line[row] : 0;
}
