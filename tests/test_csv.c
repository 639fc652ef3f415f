/* SPDX-License-Identifier: MIT */
/* CSV: what is read, what is refused and with which words, and that what is written is read back. */
#define _POSIX_C_SOURCE 200809L

#include "scratch_file.h"
#include "support/allocators.h"
#include "support/asserts.h"
#include "support/seeded_random.h"

#include <costate/csv.h>
#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static costate_csv *parse(const char *text, const costate_csv_options *options) {
    costate_csv *table;
    costate_message message;
    const costate_status status = costate_csv_parse(text, strlen(text), options, NULL, &table, &message);
    if (status != COSTATE_OK) {
        fail_msg("'%s': %s", text, message.text);
    }
    assert_string_equal(message.text, "");
    return table;
}

/* The two fields of a one-column table. */
static void expect_two(const char *text, const costate_csv_options *options, const char *a, const char *b) {
    costate_csv *table = parse(text, options);
    assert_int_equal(costate_csv_n_row(table), 2);
    assert_int_equal(costate_csv_n_column(table), 2);
    assert_string_equal(costate_csv_name(table, 0), "t");
    assert_string_equal(costate_csv_name(table, 1), "x");
    assert_string_equal(costate_csv_text(table, 0, 1), a);
    assert_string_equal(costate_csv_text(table, 1, 1), b);
    costate_csv_destroy(table);
}

static void parse_forms_of_the_same_table_are_equal(void **state) {
    (void)state;
    const costate_csv_options semicolon = {.separator = ';'};
    const costate_csv_options tab = {.separator = '\t'};
    const costate_csv_options comment = {.comment = '#'};
    expect_two("t,x\n1,2\n3,4\n", NULL, "2", "4");
    expect_two("t,x\n1,2\n3,4", NULL, "2", "4");
    expect_two("t,x\r\n1,2\r\n3,4\r\n", NULL, "2", "4");
    expect_two("\xEF\xBB\xBFt,x\n1,2\n3,4\n", NULL, "2", "4");
    expect_two("t,x\n1,2\n3,4\n\n  \n\r\n", NULL, "2", "4");
    expect_two(" t\t, x\n 1 ,\t2 \n3, 4", NULL, "2", "4");
    expect_two("\"t\",\"x\"\n\"1\", \"2\" \n3,\"4\"", NULL, "2", "4");
    expect_two("t;x\n1;2\n3;4,5\n", &semicolon, "2", "4,5");
    expect_two("t\tx\n1\t2\n\t\n", &tab, "2", "");
    expect_two("# a\nt,x\n# b\n1,2\n#\n3,4\n# c", &comment, "2", "4");
    expect_two("t,x\n1,\" a, \"\"b\"\"\"\n3,\"\"\n", NULL, " a, \"b\"", "");
    expect_two("t,x\n1,a b\n3,a\"b\"\n", NULL, "a b", "a\"b\"");
    expect_two("t,x\n1,#2\n3,\xC3\xA9\n", NULL, "#2", "\xC3\xA9");
}

static void parse_table_without_rows_is_a_table(void **state) {
    (void)state;
    costate_csv *table = parse("t,x", NULL);
    double x = 7.0;
    size_t group;
    size_t n_group = 7;
    assert_int_equal(costate_csv_n_row(table), 0);
    assert_int_equal(costate_csv_n_column(table), 2);
    assert_ok(costate_csv_numbers(table, 1, COSTATE_CSV_MISSING_REFUSE, &x, NULL));
    assert_close(x, 7.0, 0.0, 0.0);
    assert_ok(costate_csv_groups(table, 0, &group, &n_group));
    assert_int_equal(n_group, 0);
    assert_null(costate_csv_text(table, 0, 0));
    costate_csv_destroy(table);
}

static void parse_wrong_text_is_refused_with_its_place(void **state) {
    (void)state;
    const struct {
        const char *text;
        const char *message;
    } cases[] = {
        {"", "is empty"},
        {"\xEF\xBB\xBF", "is empty"},
        {"\n\n", "row 1 is empty; a header is needed"},
        {" \r\n1\n", "row 1 is empty; a header is needed"},
        {"1,2\n2,3\n", "row 1 holds numbers; a header with the names of the columns is needed"},
        {"t,,y\n1,2,3\n", "row 1, column 2: the column has no name"},
        {"t,x,t\n1,2,3\n", "row 1: two columns have the name 't'"},
        {"t,x,y\n1,2,3\n2,3\n", "row 3, column 3 (y): missing; the header has 3 columns, this row 2"},
        {"t,x,y\n1\n", "row 2, column 2 (x): missing; the header has 3 columns, this row 1"},
        {"t,x\n1,2,3\n", "row 2, column 3: one too many; the header has 2 columns, this row 3"},
        {"t,x\n1,2,\n", "row 2, column 3: one too many; the header has 2 columns, this row 3"},
        {"t,x\n1,2\n\n2,3\n", "row 3, column 1: the row is empty"},
        {"t,x\n1,\"2\n2,3\n", "row 2, column 2: the quotes do not match"},
        {"t,\"x\"y\n1,2\n", "row 1, column 2: the quotes do not match"},
        {"t,x\n1,\"\"\"\n", "row 2, column 2: the quotes do not match"},
    };
    for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
        costate_csv *table = (costate_csv *)(void *)&table;
        costate_message message;
        assert_status(costate_csv_parse(cases[k].text, strlen(cases[k].text), NULL, NULL, &table, &message),
                      COSTATE_ERR_FORMAT);
        assert_null(table);
        assert_string_equal(message.text, cases[k].message);
        assert_status(costate_csv_parse(cases[k].text, strlen(cases[k].text), NULL, NULL, &table, NULL),
                      COSTATE_ERR_FORMAT);
    }
    costate_csv *table;
    costate_message message;
    assert_status(costate_csv_parse("t,x\n1,\0\n", 8, NULL, NULL, &table, &message), COSTATE_ERR_FORMAT);
    assert_string_equal(message.text, "holds a zero byte; it is no text file in UTF-8");
    const costate_csv_options comment = {.comment = '#'};
    assert_status(costate_csv_parse("#a", 2, &comment, NULL, &table, &message), COSTATE_ERR_FORMAT);
    assert_string_equal(message.text, "there are only comments");
    assert_status(costate_csv_parse("#a\n#b\nt,x\n1\n", 12, &comment, NULL, &table, &message), COSTATE_ERR_FORMAT);
    assert_string_equal(message.text, "row 4, column 2 (x): missing; the header has 2 columns, this row 1");
}

static void parse_limits_are_kept(void **state) {
    (void)state;
    static const char text[] = "t,x\n1,2\n2,3\n";
    const struct {
        costate_csv_options options;
        const char *message;
    } cases[] = {
        {{.max_rows = 2, .max_columns = 2, .max_bytes = sizeof(text) - 1}, NULL},
        {{.max_rows = 1}, "row 3: more than 1 rows of data"},
        {{.max_columns = 1}, "row 1 has 2 columns; at most 1 are allowed"},
        {{.max_bytes = sizeof(text) - 2}, "12 bytes are more than the 11 allowed"},
    };
    for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
        costate_csv *table;
        costate_message message;
        const costate_status status =
            costate_csv_parse(text, sizeof(text) - 1, &cases[k].options, NULL, &table, &message);
        assert_status(status, cases[k].message ? COSTATE_ERR_FORMAT : COSTATE_OK);
        assert_string_equal(message.text, cases[k].message ? cases[k].message : "");
        costate_csv_destroy(table);
    }
}

static void wrong_arguments_are_refused(void **state) {
    (void)state;
    const costate_csv_options bad[] = {{.separator = '"'}, {.separator = '\n'}, {.separator = ' '},
                                       {.comment = '"'},   {.comment = ','},    {.comment = ' '},
                                       {.comment = '\r'},  {.comment = '\t'},   {.separator = '#', .comment = '#'}};
    costate_csv *table;
    double x[2];
    size_t at = 77;
    size_t group[2];
    for (size_t k = 0; k < sizeof(bad) / sizeof(bad[0]); k++) {
        assert_status(costate_csv_parse("t,x", 3, &bad[k], NULL, &table, NULL), COSTATE_ERR_ARGUMENT);
        assert_status(costate_csv_read("t.csv", &bad[k], NULL, &table, NULL), COSTATE_ERR_ARGUMENT);
    }
    assert_status(costate_csv_parse(NULL, 3, NULL, NULL, &table, NULL), COSTATE_ERR_NULL);
    assert_status(costate_csv_parse("t,x", 3, NULL, NULL, NULL, NULL), COSTATE_ERR_NULL);
    assert_status(costate_csv_parse(NULL, 0, NULL, NULL, &table, NULL), COSTATE_ERR_FORMAT);
    assert_status(costate_csv_read(NULL, NULL, NULL, &table, NULL), COSTATE_ERR_NULL);
    assert_status(costate_csv_read("t.csv", NULL, NULL, NULL, NULL), COSTATE_ERR_NULL);
    table = parse("t,x\n1,2\n3,4\n", NULL);
    assert_status(costate_csv_find(NULL, "t", &at, NULL), COSTATE_ERR_NULL);
    assert_status(costate_csv_find(table, NULL, &at, NULL), COSTATE_ERR_NULL);
    assert_status(costate_csv_find(table, "t", NULL, NULL), COSTATE_ERR_NULL);
    assert_status(costate_csv_find(table, "T", &at, NULL), COSTATE_ERR_ARGUMENT);
    assert_int_equal(at, 77);
    assert_status(costate_csv_numbers(NULL, 0, COSTATE_CSV_MISSING_NAN, x, NULL), COSTATE_ERR_NULL);
    assert_status(costate_csv_numbers(table, 0, COSTATE_CSV_MISSING_NAN, NULL, NULL), COSTATE_ERR_NULL);
    assert_status(costate_csv_numbers(table, 2, COSTATE_CSV_MISSING_NAN, x, NULL), COSTATE_ERR_ARGUMENT);
    assert_status(costate_csv_numbers(table, 0, (costate_csv_missing)2, x, NULL), COSTATE_ERR_ARGUMENT);
    assert_status(costate_csv_groups(NULL, 0, group, &at), COSTATE_ERR_NULL);
    assert_status(costate_csv_groups(table, 0, NULL, &at), COSTATE_ERR_NULL);
    assert_status(costate_csv_groups(table, 0, group, NULL), COSTATE_ERR_NULL);
    assert_status(costate_csv_groups(table, 2, group, &at), COSTATE_ERR_ARGUMENT);
    assert_null(costate_csv_name(table, 2));
    assert_null(costate_csv_text(table, 2, 0));
    assert_null(costate_csv_text(table, 0, 2));
    assert_int_equal(costate_csv_line(table, 2), 0);
    assert_int_equal(costate_csv_n_row(NULL) + costate_csv_n_column(NULL) + costate_csv_line(NULL, 0), 0);
    assert_null(costate_csv_name(NULL, 0));
    assert_null(costate_csv_text(NULL, 0, 0));
    costate_csv_destroy(table);
    costate_csv_destroy(NULL);
}

static void numbers_are_the_nearest_doubles(void **state) {
    (void)state;
    static const struct {
        const char *text;
        double value;
    } cases[] = {
        {"0", 0.0},
        {"-0", -0.0},
        {"+1", 1.0},
        {".5", 0.5},
        {"5.", 5.0},
        {"1e3", 1e3},
        {"1E+3", 1e3},
        {"2.5e-2", 2.5e-2},
        {"0.1", 0.1},
        {"1e-320", 1e-320},
        {"4.9e-324", 4.9e-324},
        {"1e-400", 0.0},
        {"007", 7.0},
        {"9007199254740993", 9007199254740992.0},
        {"0.3000000000000000166", 0.3},
        {"179769313486231570e291", DBL_MAX},
    };
    for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
        char text[64];
        double x = (double)NAN;
        (void)snprintf(text, sizeof(text), "x\n%s\n", cases[k].text);
        costate_csv *table = parse(text, NULL);
        assert_ok(costate_csv_numbers(table, 0, COSTATE_CSV_MISSING_REFUSE, &x, NULL));
        assert_same_bits_f64(&x, &cases[k].value, 1);
        costate_csv_destroy(table);
    }
}

static void numbers_that_are_none_are_refused_with_their_place(void **state) {
    (void)state;
    const struct {
        const char *field;
        const char *why;
        bool missing;
    } cases[] = {
        {"abc", "is not a number", false},          {"1900-01", "is not a number", false},
        {"1.5kg", "is not a number", false},        {"0x10", "is not a number", false},
        {"1 2", "is not a number", false},          {"1e", "is not a number", false},
        {"--1", "is not a number", false},          {"e5", "is not a number", false},
        {"nan(1)", "is not a number", false},       {"-nan", "is not a number", false},
        {"Inf", "is not a finite number", false},   {"-infinity", "is not a finite number", false},
        {"1e999", "is not a finite number", false}, {"-1e999", "is not a finite number", false},
        {"NaN", "is not a finite number", true},    {"", "is empty", true},
        {"NA", "is a missing value", true},         {"na", "is a missing value", true},
        {".", "is a missing value", true},
    };
    for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
        char text[64];
        char expected[128];
        double x[2] = {0.0};
        costate_message message;
        (void)snprintf(text, sizeof(text), "# c\nt,x\n1,2\n3,%s\n", cases[k].field);
        (void)snprintf(expected, sizeof(expected), "row 4, column 2 (x): '%s' %s", cases[k].field, cases[k].why);
        costate_csv *table = parse(text, &(costate_csv_options){.comment = '#'});
        assert_status(costate_csv_numbers(table, 1, COSTATE_CSV_MISSING_REFUSE, x, &message), COSTATE_ERR_FORMAT);
        assert_string_equal(message.text, expected);
        assert_status(costate_csv_numbers(table, 1, COSTATE_CSV_MISSING_NAN, x, &message),
                      cases[k].missing ? COSTATE_OK : COSTATE_ERR_FORMAT);
        assert_string_equal(message.text, cases[k].missing ? "" : expected);
        assert_close(x[0], 2.0, 0.0, 0.0);
        assert_true(!cases[k].missing || isnan(x[1]));
        assert_ok(costate_csv_numbers(table, 0, COSTATE_CSV_MISSING_REFUSE, x, &message));
        costate_csv_destroy(table);
    }
}

static void groups_are_numbered_as_they_appear(void **state) {
    (void)state;
    const size_t expected[] = {0, 1, 0, 2, 1, 2, 3};
    size_t group[7];
    size_t n_group;
    size_t column;
    costate_csv *table = parse("id,x\nA 7,1\nB,2\nA 7,3\n007,4\nB,5\n007,6\n7,7\n", NULL);
    assert_ok(costate_csv_find(table, "id", &column, NULL));
    assert_ok(costate_csv_groups(table, column, group, &n_group));
    assert_int_equal(n_group, 4);
    assert_memory_equal(group, expected, sizeof(expected));
    costate_csv_destroy(table);
}

static void groups_of_many_rows_are_told_apart(void **state) {
    (void)state;
    enum { N = 3000, N_GROUP = 1000 };
    char *text = malloc(16 * (N + 1));
    size_t *group = malloc(N * sizeof(*group));
    size_t n_group;
    size_t at = 0;
    assert_non_null(text);
    assert_non_null(group);
    at += (size_t)sprintf(text, "id\n");
    for (int i = 0; i < N; i++) {
        at += (size_t)sprintf(text + at, "s%d\n", i * 7 % N_GROUP);
    }
    costate_csv *table = parse(text, NULL);
    assert_ok(costate_csv_groups(table, 0, group, &n_group));
    assert_int_equal(n_group, N_GROUP);
    for (size_t i = 0; i < N; i++) {
        assert_int_equal(group[i], i % N_GROUP);
    }
    costate_csv_destroy(table);
    free(group);
    free(text);
}

static void read_names_the_file(void **state) {
    (void)state;
    costate_csv *table;
    costate_message message;
    double x[2];
    size_t at;
    char expected[700];
    scratch_file file = scratch_file_create("t,x\n1,2\n3,b\n", 12);
    assert_ok(costate_csv_read(file.path, NULL, NULL, &table, &message));
    assert_string_equal(message.text, "");
    assert_status(costate_csv_numbers(table, 1, COSTATE_CSV_MISSING_NAN, x, &message), COSTATE_ERR_FORMAT);
    (void)snprintf(expected, sizeof(expected), "%s: row 3, column 2 (x): 'b' is not a number", file.path);
    assert_string_equal(message.text, expected);
    assert_status(costate_csv_find(table, "y", &at, &message), COSTATE_ERR_ARGUMENT);
    (void)snprintf(expected, sizeof(expected), "%s: there is no column 'y'", file.path);
    assert_string_equal(message.text, expected);
    costate_csv_destroy(table);

    assert_status(costate_csv_read(file.path, &(costate_csv_options){.max_bytes = 11}, NULL, &table, &message),
                  COSTATE_ERR_FORMAT);
    assert_null(table);
    (void)snprintf(expected, sizeof(expected), "%s: is larger than 11 bytes", file.path);
    assert_string_equal(message.text, expected);
    assert_ok(costate_csv_read(file.path, &(costate_csv_options){.max_bytes = 12}, NULL, &table, &message));
    costate_csv_destroy(table);

    assert_status(costate_csv_read(file.folder, NULL, NULL, &table, &message), COSTATE_ERR_IO);
    (void)snprintf(expected, sizeof(expected), "%s: cannot be read: Is a directory", file.folder);
    assert_string_equal(message.text, expected);
    scratch_file_remove(&file);
    assert_status(costate_csv_read(file.path, NULL, NULL, &table, &message), COSTATE_ERR_IO);
    (void)snprintf(expected, sizeof(expected), "%s: cannot be opened: No such file or directory", file.path);
    assert_string_equal(message.text, expected);
}

static void write_gives_this_text(void **state) {
    (void)state;
    const double x[] = {0.1, -0.0, 1e300, (double)NAN, 1.0 / 3.0, 12345.0};
    const char *const id[] = {"a", " b", "c,\"d\""};
    const costate_csv_column columns[] = {
        {.name = "id", .text = id}, {.name = "x y", .x = x, .stride = 2}, {.name = "#z", .x = x + 3}};
    scratch_file file = scratch_file_create("old", 3);
    costate_message message;
    char text[256];
    assert_ok(costate_csv_write(file.path, 3, 3, columns, NULL, &message));
    assert_string_equal(message.text, "");
    text[scratch_file_read(&file, text, sizeof(text) - 1)] = '\0';
    assert_string_equal(
        text, "id,x y,\"#z\"\na,0.1,NA\n\" b\",1e+300,0.3333333333333333\n\"c,\"\"d\"\"\",0.3333333333333333,12345\n");
    scratch_file_remove(&file);
}

static void written_numbers_are_read_back_bit_for_bit(void **state) {
    (void)state;
    enum { N = 2000 };
    costate_random random = test_random(1);
    double *x = malloc(2 * N * sizeof(*x));
    costate_csv *table;
    assert_non_null(x);
    for (size_t i = 0; i < N; i++) {
        do {
            const uint64_t bits = costate_random_bits(&random);
            memcpy(&x[i], &bits, sizeof(bits));
        } while (!isfinite(x[i]));
    }
    scratch_file file = scratch_file_create("", 0);
    assert_ok(costate_csv_write(file.path, N, 1, &(costate_csv_column){.name = "x", .x = x}, NULL, NULL));
    assert_ok(costate_csv_read(file.path, NULL, NULL, &table, NULL));
    assert_int_equal(costate_csv_n_row(table), N);
    assert_ok(costate_csv_numbers(table, 0, COSTATE_CSV_MISSING_REFUSE, x + N, NULL));
    assert_same_bits_f64(x + N, x, N);
    costate_csv_destroy(table);
    scratch_file_remove(&file);
    free(x);
}

static void written_texts_are_read_back(void **state) {
    (void)state;
    const char *const texts[] = {
        "", " ", "a", "\"", "\"\"", ",", "a\tb", "\t", "1,5", "#", "\xC3\xA9", "\xEF\xBB\xBFx", "NA", "'", "a\"b"};
    enum { N = sizeof(texts) / sizeof(texts[0]) };
    for (size_t k = 1; k < N; k++) {
        const costate_csv_column columns[] = {{.name = texts[k], .text = texts}, {.name = "last", .text = texts}};
        scratch_file file = scratch_file_create("", 0);
        costate_csv *table;
        assert_ok(costate_csv_write(file.path, N, 2, columns, NULL, NULL));
        assert_ok(costate_csv_read(file.path, &(costate_csv_options){.comment = '#'}, NULL, &table, NULL));
        assert_string_equal(costate_csv_name(table, 0), texts[k]);
        for (size_t i = 0; i < N; i++) {
            assert_string_equal(costate_csv_text(table, i, 0), texts[i]);
            assert_string_equal(costate_csv_text(table, i, 1), texts[i]);
        }
        costate_csv_destroy(table);
        scratch_file_remove(&file);
    }
}

static void write_wrong_arguments_leave_the_file(void **state) {
    (void)state;
    const double x[] = {1.0, HUGE_VAL};
    const char *const text[] = {"a", "b\n"};
    const char *const hole[] = {"a", NULL};
    const struct {
        costate_csv_column columns[2];
        size_t n_column;
        costate_status status;
    } cases[] = {
        {{{.name = "a", .x = x}}, 0, COSTATE_ERR_ARGUMENT},
        {{{.name = NULL, .x = x}}, 1, COSTATE_ERR_NULL},
        {{{.name = "", .x = x}}, 1, COSTATE_ERR_ARGUMENT},
        {{{.name = "a\r", .x = x}}, 1, COSTATE_ERR_ARGUMENT},
        {{{.name = "a", .text = text}}, 1, COSTATE_ERR_ARGUMENT},
        {{{.name = "a", .text = hole}}, 1, COSTATE_ERR_NULL},
        {{{.name = "a"}}, 1, COSTATE_ERR_NULL},
        {{{.name = "a", .x = x}}, 1, COSTATE_ERR_NONFINITE},
        {{{.name = "a", .text = text + 1}, {.name = "a", .x = x}}, 2, COSTATE_ERR_ARGUMENT},
    };
    scratch_file file = scratch_file_create("old", 3);
    for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
        costate_message message;
        char left[8];
        assert_status(costate_csv_write(file.path, 2, cases[k].n_column, cases[k].columns, NULL, &message),
                      cases[k].status);
        assert_true(strlen(message.text) > 0);
        assert_int_equal(scratch_file_read(&file, left, sizeof(left)), 3);
        assert_int_equal(scratch_file_count(&file), 1);
    }
    const costate_csv_column good = {.name = "a", .x = x};
    assert_status(costate_csv_write(NULL, 1, 1, &good, NULL, NULL), COSTATE_ERR_NULL);
    assert_status(costate_csv_write(file.path, 1, 1, NULL, NULL, NULL), COSTATE_ERR_NULL);
    costate_message message;
    assert_status(costate_csv_write(file.folder, 1, 1, &good, NULL, &message), COSTATE_ERR_IO);
    assert_non_null(strstr(message.text, "cannot be written: it is a directory"));
    assert_status(costate_csv_write("/dev/null", 1, 1, &good, NULL, &message), COSTATE_ERR_IO);
    assert_string_equal(message.text, "/dev/null: cannot be written: it is no regular file");
    assert_status(costate_csv_write("/nowhere/at/all.csv", 1, 1, &good, NULL, &message), COSTATE_ERR_IO);
    assert_string_equal(message.text, "/nowhere/at/all.csv: cannot be written: No such file or directory");
    scratch_file_remove(&file);
}

/* A locale with a decimal comma must not matter; where there is none on the machine, there is nothing to see. */
static void locale_does_not_matter(void **state) {
    (void)state;
    static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "de_DE"};
    const char *found = NULL;
    for (size_t k = 0; k < sizeof(names) / sizeof(names[0]) && !found; k++) {
        found = setlocale(LC_ALL, names[k]);
    }
    if (!found) {
        skip();
    }
    double x = 1.5;
    char text[32];
    costate_csv *table;
    scratch_file file = scratch_file_create("", 0);
    assert_ok(costate_csv_write(file.path, 1, 1, &(costate_csv_column){.name = "x", .x = &x}, NULL, NULL));
    text[scratch_file_read(&file, text, sizeof(text) - 1)] = '\0';
    assert_string_equal(text, "x\n1.5\n");
    assert_ok(costate_csv_read(file.path, NULL, NULL, &table, NULL));
    x = 0.0;
    assert_ok(costate_csv_numbers(table, 0, COSTATE_CSV_MISSING_REFUSE, &x, NULL));
    assert_close(x, 1.5, 0.0, 0.0);
    assert_string_equal(localeconv()->decimal_point, ",");
    costate_csv_destroy(table);
    scratch_file_remove(&file);
    setlocale(LC_ALL, "C");
}

static void failed_allocation_is_reported(void **state) {
    (void)state;
    const double x[] = {1.0, 2.0};
    const costate_csv_column column = {.name = "x", .x = x};
    scratch_file file = scratch_file_create("t,x\n1,2\n3,4\n", 12);
    scratch_file out = scratch_file_create("old", 3);
    for (size_t k = 1;; k++) {
        test_allocator counts = {.fail_at = k};
        const costate_allocator hooks = test_allocator_hooks(&counts);
        costate_csv *table = NULL;
        size_t group[2];
        size_t n_group;
        costate_message message;
        costate_status status = costate_csv_read(file.path, NULL, &hooks, &table, &message);
        assert_true((status == COSTATE_OK) == (table != NULL));
        if (status == COSTATE_OK) {
            status = costate_csv_groups(table, 0, group, &n_group);
        }
        costate_csv_destroy(table);
        if (status == COSTATE_OK) {
            status = costate_csv_write(out.path, 2, 1, &column, &hooks, &message);
        }
        assert_int_equal(counts.n_live, 0);
        assert_int_equal(scratch_file_count(&out), 1);
        if (counts.n_failed == 0) {
            assert_ok(status);
            assert_true(k > 5);
            break;
        }
        assert_status(status, COSTATE_ERR_MEMORY);
    }
    scratch_file_remove(&file);
    scratch_file_remove(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parse_forms_of_the_same_table_are_equal),
        cmocka_unit_test(parse_table_without_rows_is_a_table),
        cmocka_unit_test(parse_wrong_text_is_refused_with_its_place),
        cmocka_unit_test(parse_limits_are_kept),
        cmocka_unit_test(wrong_arguments_are_refused),
        cmocka_unit_test(numbers_are_the_nearest_doubles),
        cmocka_unit_test(numbers_that_are_none_are_refused_with_their_place),
        cmocka_unit_test(groups_are_numbered_as_they_appear),
        cmocka_unit_test(groups_of_many_rows_are_told_apart),
        cmocka_unit_test(read_names_the_file),
        cmocka_unit_test(write_gives_this_text),
        cmocka_unit_test(written_numbers_are_read_back_bit_for_bit),
        cmocka_unit_test(written_texts_are_read_back),
        cmocka_unit_test(write_wrong_arguments_leave_the_file),
        cmocka_unit_test(locale_does_not_matter),
        cmocka_unit_test(failed_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
