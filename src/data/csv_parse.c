/* SPDX-License-Identifier: MIT */
/* From the text of a CSV file to its fields. */
#include "data/csv_parse.h"

#include "core/c_locale.h"
#include "core/memory.h"
#include "core/message.h"

#include <stdlib.h>
#include <string.h>

typedef struct parser {
    costate_csv *table;
    const costate_csv_options *options;
    costate_message *message;
    char *next;       /* the next line */
    const char *end;  /* of the text, where its zero byte is */
    size_t line;      /* the one being read; the first is 1 */
    size_t n_field;   /* found so far, over all rows */
    size_t max_field; /* there is room for */
} parser;

static bool is_blank(char c) { return c == ' ' || c == '\t'; }

/* Not over a separator, which may be a tab. */
static char *skip_blanks(const parser *r, char *at) {
    while (is_blank(*at) && *at != r->options->separator) {
        at++;
    }
    return at;
}

static bool is_empty_line(const parser *r, const char *line) {
    return line[strspn(line, r->options->separator == '\t' ? " \r" : " \t\r")] == '\0';
}

/* Cuts the next line off, its end LF, CRLF or the end of the text; NULL when there is none. */
static char *next_line(parser *r) {
    do {
        char *line = r->next;
        if (line == r->end) {
            return NULL;
        }
        char *end = memchr(line, '\n', (size_t)(r->end - line));
        r->next = line + (end ? end - line + 1 : r->end - line);
        end = end ? end : r->next;
        if (end > line && end[-1] == '\r') {
            end--;
        }
        *end = '\0';
        r->line++;
        if (r->options->comment == '\0' || *line != r->options->comment) {
            return line;
        }
    } while (true);
}

/* Removes the quotes of a quoted field in place ("" is one quote) and returns what follows the closing one, NULL if there is none. */
static char *unquote(char *field) {
    char *to = field;
    for (char *from = field + 1; *from != '\0'; from++) {
        if (*from == '"') {
            if (from[1] != '"') {
                *to = '\0';
                return from + 1;
            }
            from++;
        }
        *to++ = *from;
    }
    return NULL;
}

/* Cuts a field off that begins at `field`; returns its separator or the end of the line, NULL when quotes do not match. The separator is
 * still there unless the field ends at it. */
static char *cut_field(const parser *r, char *field) {
    if (*field == '"') {
        char *end = unquote(field);
        end = end ? skip_blanks(r, end) : NULL;
        return end && (*end == '\0' || *end == r->options->separator) ? end : NULL;
    }
    char *end = field;
    while (*end != '\0' && *end != r->options->separator) {
        end++;
    }
    return end;
}

static void trim(char *field, char *end) {
    while (end > field && is_blank(end[-1])) {
        end--;
    }
    *end = '\0';
}

/* Splits a line; *n is the number of columns, also of those that there is no room for. */
static costate_status split(parser *r, char *line, size_t *n) {
    char *at = line;
    *n = 0;
    for (bool last = false; !last; (*n)++) {
        char *field = skip_blanks(r, at);
        const bool quoted = *field == '"';
        char *end = cut_field(r, field);
        if (!end) {
            return csi_say(r->message, COSTATE_ERR_FORMAT, "row %zu, column %zu: the quotes do not match", r->line,
                           *n + 1);
        }
        last = *end == '\0';
        at = end + 1;
        if (!quoted) {
            trim(field, end);
        }
        if (r->n_field + *n < r->max_field) {
            r->table->field[r->n_field + *n] = (size_t)(field - r->table->text);
        }
    }
    return COSTATE_OK;
}

bool csi_csv_number(const char *text, double *value) {
    char *end;
    if (text[0] == '\0' || text[strspn(text, "+-.0123456789eE")] != '\0') {
        return false;
    }
    *value = strtod(text, &end);
    return *end == '\0';
}

static int compare_names(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static costate_status check_names_differ(const parser *r) {
    const costate_csv *table = r->table;
    const char **names = csi_alloc(&table->alloc, table->n_column, sizeof(*names));
    if (!names) {
        return csi_say(r->message, COSTATE_ERR_MEMORY, "no memory for the names");
    }
    for (size_t k = 0; k < table->n_column; k++) {
        names[k] = csi_csv_field(table, 0, k);
    }
    qsort(names, table->n_column, sizeof(*names), compare_names);
    costate_status status = COSTATE_OK;
    for (size_t k = 1; k < table->n_column && status == COSTATE_OK; k++) {
        if (strcmp(names[k], names[k - 1]) == 0) {
            status = csi_say(r->message, COSTATE_ERR_FORMAT, "row %zu: two columns have the name '%.*s'", r->line,
                             CSI_CSV_SHOWN_BYTES, names[k]);
        }
    }
    csi_release(&table->alloc, names);
    return status;
}

static costate_status check_header(const parser *r) {
    const costate_csv *table = r->table;
    bool all_numbers = true;
    double unused;
    for (size_t k = 0; k < table->n_column; k++) {
        const char *name = csi_csv_field(table, 0, k);
        if (name[0] == '\0') {
            return csi_say(r->message, COSTATE_ERR_FORMAT, "row %zu, column %zu: the column has no name", r->line,
                           k + 1);
        }
        all_numbers = all_numbers && csi_csv_number(name, &unused);
    }
    if (all_numbers) {
        return csi_say(r->message, COSTATE_ERR_FORMAT,
                       "row %zu holds numbers; a header with the names of the columns is needed", r->line);
    }
    return check_names_differ(r);
}

static costate_status read_header(parser *r) {
    size_t n;
    char *line = next_line(r);
    if (!line || is_empty_line(r, line)) {
        return line ? csi_say(r->message, COSTATE_ERR_FORMAT, "row %zu is empty; a header is needed", r->line)
                    : csi_say(r->message, COSTATE_ERR_FORMAT, r->line > 0 ? "there are only comments" : "is empty");
    }
    const costate_status status = split(r, line, &n);
    if (status != COSTATE_OK) {
        return status;
    }
    if (n > r->options->max_columns) {
        return csi_say(r->message, COSTATE_ERR_FORMAT, "row %zu has %zu columns; at most %zu are allowed", r->line, n,
                       r->options->max_columns);
    }
    r->table->n_column = n;
    r->n_field = n;
    return check_header(r);
}

static costate_status read_row(parser *r, char *line) {
    costate_csv *table = r->table;
    size_t n;
    if (table->n_row == r->options->max_rows) {
        return csi_say(r->message, COSTATE_ERR_FORMAT, "row %zu: more than %zu rows of data", r->line,
                       r->options->max_rows);
    }
    const costate_status status = split(r, line, &n);
    if (status != COSTATE_OK) {
        return status;
    }
    if (n < table->n_column) {
        return csi_say(r->message, COSTATE_ERR_FORMAT,
                       "row %zu, column %zu (%.*s): missing; the header has %zu columns, this row %zu", r->line, n + 1,
                       CSI_CSV_SHOWN_BYTES, csi_csv_field(table, 0, n), table->n_column, n);
    }
    if (n > table->n_column) {
        return csi_say(r->message, COSTATE_ERR_FORMAT,
                       "row %zu, column %zu: one too many; the header has %zu columns, this row %zu", r->line,
                       table->n_column + 1, table->n_column, n);
    }
    table->line[table->n_row] = r->line;
    table->n_row++;
    r->n_field += n;
    return COSTATE_OK;
}

/* Only empty lines may follow an empty line. */
static costate_status check_rest(parser *r) {
    const size_t empty = r->line;
    char *line = next_line(r);
    while (line && is_empty_line(r, line)) {
        line = next_line(r);
    }
    return line ? csi_say(r->message, COSTATE_ERR_FORMAT, "row %zu, column 1: the row is empty", empty) : COSTATE_OK;
}

static costate_status read_table(parser *r) {
    costate_status status = read_header(r);
    for (char *line; status == COSTATE_OK && (line = next_line(r)) != NULL;) {
        if (is_empty_line(r, line)) {
            return check_rest(r);
        }
        status = read_row(r, line);
    }
    return status;
}

/* Every field but the last ends at a separator or a line end. */
static costate_status make_room(parser *r) {
    costate_csv *table = r->table;
    size_t n_line = 1;
    r->max_field = 1;
    for (const char *c = r->next; c < r->end; c++) {
        n_line += *c == '\n' ? 1 : 0;
        r->max_field += *c == '\n' || *c == r->options->separator ? 1 : 0;
    }
    table->field = csi_alloc(&table->alloc, r->max_field, sizeof(*table->field));
    table->line = csi_alloc(&table->alloc, n_line, sizeof(*table->line));
    return table->field && table->line ? COSTATE_OK
                                       : csi_say(r->message, COSTATE_ERR_MEMORY, "no memory for the fields");
}

costate_status csi_csv_parse(costate_csv *table, size_t n_bytes, const costate_csv_options *options,
                             costate_message *message) {
    const bool has_mark = n_bytes >= 3 && memcmp(table->text, "\xEF\xBB\xBF", 3) == 0;
    parser r = {.table = table, .options = options, .message = message};
    r.next = table->text + (has_mark ? 3 : 0);
    r.end = table->text + n_bytes;
    if (memchr(table->text, '\0', n_bytes)) {
        return csi_say(message, COSTATE_ERR_FORMAT, "holds a zero byte; it is no text file in UTF-8");
    }
    csi_c_locale locale;
    if (!csi_c_locale_enter(&locale)) {
        return csi_say(message, COSTATE_ERR_MEMORY, "no memory for the locale");
    }
    costate_status status = make_room(&r);
    if (status == COSTATE_OK) {
        status = read_table(&r);
    }
    csi_c_locale_leave(&locale);
    return status;
}
