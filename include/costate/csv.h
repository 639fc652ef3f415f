/* SPDX-License-Identifier: MIT */
/** @file csv.h  Tables in CSV files: columns by name, as numbers or as text. */
#ifndef COSTATE_CSV_H
#define COSTATE_CSV_H

#include <costate/alloc.h>
#include <costate/export.h>
#include <costate/message.h>
#include <costate/status.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * What a file may look like. A member that is zero has its default value, so that `{0}` and NULL mean the same.
 *
 * Rows end in LF or CRLF, the last one may end with the text; a UTF-8 byte-order mark and empty rows at the end do not
 * matter. Blanks and tabs around a field are no part of it. A field may be quoted, with "" for a quote inside; it then
 * may hold separators and blanks, but no line end. The first row holds the names of the columns, all of them different.
 */
typedef struct costate_csv_options {
    char separator;     /**< between fields, e.g. ';' or '\\t'; default ',' */
    char comment;       /**< rows that begin with it are skipped, e.g. '#'; default: there are no comments */
    size_t max_bytes;   /**< largest text that is read; default 1 GiB */
    size_t max_rows;    /**< most rows of data; default 10 000 000 */
    size_t max_columns; /**< most columns; default 4096 */
} costate_csv_options;

/** A table. Immutable: may be shared by any number of threads. */
typedef struct costate_csv costate_csv;

/**
 * Read a table from memory.
 *
 * @param[in]  text     the text, copied; need not end in a zero byte
 * @param[in]  n_bytes  its length
 * @param[in]  options  NULL for the defaults
 * @param[in]  alloc    where memory comes from; NULL for malloc
 * @param[out] table    the table, to be released with costate_csv_destroy(); NULL on failure
 * @param[out] message  what is wrong, with row (a line of the text; the first is 1) and column; NULL if not wanted
 *
 * @retval COSTATE_OK            also for a table without rows of data
 * @retval COSTATE_ERR_NULL      text (unless n_bytes is 0) or table is NULL
 * @retval COSTATE_ERR_ARGUMENT  separator or comment is a quote, a line end or the same as the other, or the comment is
 *                               a blank
 * @retval COSTATE_ERR_FORMAT    not a table, or larger than the options allow
 * @retval COSTATE_ERR_MEMORY    no memory
 */
COSTATE_API costate_status costate_csv_parse(const char *text, size_t n_bytes, const costate_csv_options *options,
                                             const costate_allocator *alloc, costate_csv **table,
                                             costate_message *message);

/**
 * Read a table from a file; messages, also later ones about this table, then name the file.
 *
 * @param[in]  path     the file
 * @param[in]  options  NULL for the defaults
 * @param[in]  alloc    where memory comes from; NULL for malloc
 * @param[out] table    the table, to be released with costate_csv_destroy(); NULL on failure
 * @param[out] message  what is wrong, with file, row and column; NULL if not wanted
 *
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL  path or table is NULL
 * @retval COSTATE_ERR_IO    the file cannot be opened or read
 * @return else what costate_csv_parse() says of its content
 */
COSTATE_API costate_status costate_csv_read(const char *path, const costate_csv_options *options,
                                            const costate_allocator *alloc, costate_csv **table,
                                            costate_message *message);

/**
 * Release a table.
 *
 * @param[in] table  table, or NULL (no effect)
 */
COSTATE_API void costate_csv_destroy(costate_csv *table);

/**
 * Number of rows of data.
 *
 * @param[in] table  table
 * @return rows, the header not counted; 0 if table is NULL
 */
COSTATE_API size_t costate_csv_n_row(const costate_csv *table);

/**
 * Number of columns.
 *
 * @param[in] table  table
 * @return columns; 0 if table is NULL
 */
COSTATE_API size_t costate_csv_n_column(const costate_csv *table);

/**
 * Name of a column.
 *
 * @param[in] table   table
 * @param[in] column  index, < costate_csv_n_column()
 * @return the name, which lives as long as the table; NULL if there is no such column
 */
COSTATE_API const char *costate_csv_name(const costate_csv *table, size_t column);

/**
 * Column with a given name.
 *
 * @param[in]  table    table
 * @param[in]  name     name, case-sensitive
 * @param[out] column   its index; untouched on failure
 * @param[out] message  what is wrong; NULL if not wanted
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL      table, name or column is NULL
 * @retval COSTATE_ERR_ARGUMENT  no column has this name
 */
COSTATE_API costate_status costate_csv_find(const costate_csv *table, const char *name, size_t *column,
                                            costate_message *message);

/**
 * A field as text, without its quotes.
 *
 * @param[in] table   table
 * @param[in] row     index, < costate_csv_n_row()
 * @param[in] column  index, < costate_csv_n_column()
 * @return the text, which lives as long as the table; NULL if there is no such field
 */
COSTATE_API const char *costate_csv_text(const costate_csv *table, size_t row, size_t column);

/**
 * The line of the file on which a row stands, for messages.
 *
 * @param[in] table  table
 * @param[in] row    index, < costate_csv_n_row()
 * @return the line, ≥ 2; 0 if there is no such row
 */
COSTATE_API size_t costate_csv_line(const costate_csv *table, size_t row);

/** What to do where a number is missing: the field is empty, `NA`, `NaN` (in any case) or a single dot. */
typedef enum costate_csv_missing {
    COSTATE_CSV_MISSING_REFUSE, /**< it is an error */
    COSTATE_CSV_MISSING_NAN     /**< the number is NaN */
} costate_csv_missing;

/**
 * A column as numbers, in decimal notation with a point, whatever the locale. Each is the nearest double.
 *
 * @param[in]  table    table
 * @param[in]  column   index, < costate_csv_n_column()
 * @param[in]  missing  what to do where there is none
 * @param[out] x        n_row elements; undefined after a failure
 * @param[out] message  which field is wrong and why; NULL if not wanted
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL      table or x is NULL
 * @retval COSTATE_ERR_ARGUMENT  there is no such column, or missing is unknown
 * @retval COSTATE_ERR_FORMAT    a field is no finite number
 * @retval COSTATE_ERR_MEMORY    no memory
 */
COSTATE_API costate_status costate_csv_numbers(const costate_csv *table, size_t column, costate_csv_missing missing,
                                               double *x, costate_message *message);

/**
 * Groups of rows: rows with the same text in a column, such as a subject's, get the same index. Groups are numbered from
 * 0 in the order in which they first appear; their rows need not stand together.
 *
 * @param[in]  table    table
 * @param[in]  column   index, < costate_csv_n_column()
 * @param[out] group    n_row elements: the group of every row
 * @param[out] n_group  number of groups
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL      table, group or n_group is NULL
 * @retval COSTATE_ERR_ARGUMENT  there is no such column
 * @retval COSTATE_ERR_MEMORY    no memory; group is undefined
 */
COSTATE_API costate_status costate_csv_groups(const costate_csv *table, size_t column, size_t *group, size_t *n_group);

/** A column to write: numbers or texts. */
typedef struct costate_csv_column {
    const char *name;        /**< not empty, without line ends */
    const double *x;         /**< n_row numbers, or NULL */
    size_t stride;           /**< x[i·stride] is in row i; 0 means 1 */
    const char *const *text; /**< where x is NULL: n_row texts without line ends */
} costate_csv_column;

/**
 * Write a table to a file. Numbers have as few digits as give the same number when they are read back, at most 17, with
 * a decimal point whatever the locale; NaN is written as `NA`. Names and texts are quoted where they have to be.
 *
 * The file is complete or untouched at any moment: a temporary file in the same folder is written, put on the disk and
 * renamed. A process that is killed may leave a file named like it with `.tmp` at the end.
 *
 * @param[in]  path      the file, replaced if it is there
 * @param[in]  n_row     rows, may be 0
 * @param[in]  n_column  columns, ≥ 1
 * @param[in]  columns   n_column elements
 * @param[in]  alloc     where memory comes from; NULL for malloc
 * @param[out] message   what is wrong; NULL if not wanted
 * @retval COSTATE_OK
 * @retval COSTATE_ERR_NULL       path, columns, a name, or both x and text of a column with rows are NULL
 * @retval COSTATE_ERR_ARGUMENT   no column; a name is empty or there twice; a name or text has a line end in it
 * @retval COSTATE_ERR_NONFINITE  a number is infinite
 * @retval COSTATE_ERR_IO         the file cannot be written
 * @retval COSTATE_ERR_MEMORY     no memory
 */
COSTATE_API costate_status costate_csv_write(const char *path, size_t n_row, size_t n_column,
                                             const costate_csv_column *columns, const costate_allocator *alloc,
                                             costate_message *message);

#ifdef __cplusplus
}
#endif
#endif
