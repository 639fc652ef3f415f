/* SPDX-License-Identifier: MIT */
/* Export as source text: lengths, buffers, names, files, numbers. What the texts compute is for codegen_run.sh. */
#define _POSIX_C_SOURCE 200809L

#include "support/allocators.h"
#include "support/asserts.h"
#include "support/guard_page.h"
#include "support/malloc_count.h"
#include "support/seeded_random.h"
#include <costate/codegen.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define N_IN 3
#define N_OUT 2

/* A network of every kind of layer, with parameters of all magnitudes. */
typedef struct subject {
    costate_net *net;
    double *p;
    size_t n_param;
} subject;

static subject make(size_t width) {
    static const double scale[N_IN] = {0.5, -2.0, 1e-3}, shift[N_OUT] = {1.0 / 3.0, -7.0};
    const costate_layer_spec layers[] = {
        {width, COSTATE_ACT_SOFTPLUS, false}, {width, COSTATE_ACT_GELU, true}, {N_OUT, COSTATE_ACT_IDENTITY, false}};
    const costate_net_spec spec = {.n_in = N_IN, .n_layer = 3, .layers = layers, .in_scale = scale, .out_shift = shift};
    subject made = {0};
    assert_ok(costate_net_create(&spec, NULL, &made.net));
    made.n_param = costate_net_n_param(made.net);
    made.p = malloc(made.n_param * sizeof *made.p);
    assert_non_null(made.p);
    costate_random random = test_random(1);
    for (size_t i = 0; i < made.n_param; i++) {
        made.p[i] = costate_random_normal(&random) * pow(10.0, 8.0 * costate_random_normal(&random));
    }
    return made;
}

static void forget(subject *made) {
    costate_net_destroy(made->net);
    free(made->p);
}

static size_t count(const subject *of, costate_language language, const costate_codegen_options *options) {
    size_t length = 0;
    costate_message message;
    assert_ok(costate_codegen(of->net, of->p, language, options, NULL, 0, &length, &message));
    assert_string_equal(message.text, "");
    assert_true(length > 0);
    return length;
}

static char *text_of(const subject *of, costate_language language, const costate_codegen_options *options) {
    size_t length, capacity = count(of, language, options) + 1;
    char *text = malloc(capacity);
    assert_non_null(text);
    assert_ok(costate_codegen(of->net, of->p, language, options, text, capacity, &length, NULL));
    assert_int_equal(length, capacity - 1);
    assert_int_equal(strlen(text), length);
    return text;
}

/* All capacities near both ends, some between. */
static size_t next_capacity(size_t capacity, size_t whole) {
    return capacity < 40 || capacity + 100 > whole ? capacity + 1 : capacity + 97;
}

static void codegen_any_capacity_gives_beginning_of_text(void **state) {
    (void)state;
    subject of = make(4);
    for (unsigned language = 0; language < COSTATE_LANGUAGE_COUNT; language++) {
        char *text = text_of(&of, (costate_language)language, NULL);
        const size_t whole = strlen(text);
        for (size_t capacity = 1; capacity <= whole + 3; capacity = next_capacity(capacity, whole)) {
            guard_buffer guard = guard_create(capacity, GUARD_AFTER);
            memset(guard.data, 'x', capacity);
            size_t length = 0;
            const costate_status status =
                costate_codegen(of.net, of.p, (costate_language)language, NULL, guard.data, capacity, &length, NULL);
            assert_status(status, capacity > whole ? COSTATE_OK : COSTATE_ERR_WORKSPACE);
            assert_int_equal(length, whole);
            const size_t kept = capacity > whole ? whole : capacity - 1;
            assert_int_equal(strlen(guard.data), kept);
            assert_memory_equal(guard.data, text, kept);
            guard_destroy(&guard);
        }
        free(text);
    }
    forget(&of);
}

/* Every number of the table that follows `name` is a parameter, a scale or a shift, bit for bit. */
static void codegen_numbers_give_back_the_parameters(void **state) {
    (void)state;
    subject of = make(5);
    of.p[0] = 5e-324;
    of.p[1] = -1.7976931348623157e308;
    of.p[2] = 1e22;
    of.p[3] = 0.1;
    of.p[4] = 123456789012345680.0;
    of.p[5] = -0.0001;
    of.p[6] = 9007199254740993.0;
    char *text = text_of(&of, COSTATE_LANGUAGE_C99, NULL);
    double *rows = malloc(of.n_param * sizeof *rows);
    assert_non_null(rows);
    assert_ok(costate_net_export_f64(of.net, COSTATE_ORDER_ROW_MAJOR, of.p, rows));
    static const char *const tables[] = {"net_w1[15] = {", "net_b1[5] = {", "net_w2[25] = {", "net_w3[10] = {",
                                         "net_b3[2] = {"};
    size_t k = 0;
    for (size_t t = 0; t < sizeof tables / sizeof *tables; t++) {
        const char *at = strstr(text, tables[t]);
        assert_non_null(at);
        at += strlen(tables[t]);
        do {
            char *end;
            const double value = strtod(at, &end);
            assert_ptr_not_equal(at, end);
            assert_true(k < of.n_param);
            assert_true(value == rows[k]);
            at = end + 1;
            k++;
        } while (at[-1] == ',');
    }
    assert_int_equal(k, of.n_param);
    free(rows);
    free(text);
    forget(&of);
}

static void codegen_text_is_the_same_in_every_locale(void **state) {
    (void)state;
    static const char *const commas[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "nb_NO.UTF-8", "ps_AF.UTF-8"};
    subject of = make(4);
    char *before[COSTATE_LANGUAGE_COUNT];
    for (unsigned language = 0; language < COSTATE_LANGUAGE_COUNT; language++) {
        before[language] = text_of(&of, (costate_language)language, NULL);
    }
    bool found = false;
    for (size_t k = 0; k < sizeof commas / sizeof *commas; k++) {
        found = setlocale(LC_ALL, commas[k]) != NULL || found;
        for (unsigned language = 0; language < COSTATE_LANGUAGE_COUNT; language++) {
            char *now = text_of(&of, (costate_language)language, NULL);
            assert_string_equal(now, before[language]);
            free(now);
        }
        setlocale(LC_ALL, "C");
    }
    for (unsigned language = 0; language < COSTATE_LANGUAGE_COUNT; language++) {
        free(before[language]);
    }
    forget(&of);
    if (!found) {
        print_message("no locale with a decimal comma is installed: skipped\n");
        skip();
    }
}

static void codegen_provenance_stays_in_its_comment(void **state) {
    (void)state;
    static const char *const marks[] = {" * ", "; ", "# ", "// ", "; "};
    char provenance[900] = "first\nsecond */ int x; /* \x1b \xc3\xa9 ?\?/\r\n";
    const size_t start = strlen(provenance);
    memset(provenance + start, 'w', sizeof provenance - start - 1);
    subject of = make(2);
    const costate_codegen_options options = {.provenance = provenance};
    for (unsigned language = 0; language < COSTATE_LANGUAGE_COUNT; language++) {
        char *text = text_of(&of, (costate_language)language, &options);
        const char *line = strstr(text, "first\n");
        assert_non_null(line);
        assert_non_null(strstr(text, "second * / int x; / * _ __ ? ?/_\n"));
        for (size_t k = 0; k < 4; k++) {
            line = strchr(line, '\n') + 1;
            assert_memory_equal(line, marks[language], strlen(marks[language]));
            assert_true(strcspn(line, "\n") <= 120);
        }
        for (const char *c = text; *c != '\0'; c++) {
            assert_true(*c == '\n' || (*c >= ' ' && *c <= '~'));
        }
        free(text);
    }
    forget(&of);
}

typedef struct name_row {
    costate_language language;
    const char *name;
    const char *inputs[N_IN], *outputs[N_OUT];
    const char *said; /* NULL: allowed */
} name_row;

#define LANG(name) COSTATE_LANGUAGE_##name
#define INPUTS "a", "b", "c"

static const name_row name_rows[] = {
    {LANG(C99), "", {NULL}, {NULL}, "function name \"\" does not start with a letter"},
    {LANG(C99), "2net", {NULL}, {NULL}, "function name \"2net\" does not start with a letter"},
    {LANG(C99), "_net", {NULL}, {NULL}, "does not start with a letter"},
    {LANG(C99), "a b", {NULL}, {NULL}, "function name \"a b\" has a character"},
    {LANG(C99), "f;g", {NULL}, {NULL}, "has a character"},
    {LANG(C99), "f\n", {NULL}, {NULL}, "has a character"},
    {LANG(C99), "\xc3\xa9t\xc3\xa9", {NULL}, {NULL}, "does not start with a letter"},
    {LANG(C99), "net_", {NULL}, {NULL}, "ends in an underscore"},
    {LANG(C99), "a__b", {NULL}, {NULL}, "two in a row"},
    {LANG(C99), "double", {NULL}, {NULL}, "function name \"double\" is a word"},
    {LANG(C99), "class", {NULL}, {NULL}, "is a word"},
    {LANG(C99), "yn", {NULL}, {NULL}, "is a word"},
    {LANG(C99), "Double", {NULL}, {NULL}, NULL},
    {LANG(C99), "dou", {NULL}, {NULL}, NULL},
    {LANG(C99), "a2345678901234567890123456789012", {NULL}, {NULL}, "more than 31"},
    {LANG(C99), "a234567890123456789012345678901", {NULL}, {NULL}, NULL},
    {LANG(NMTRAN), "EXIT", {NULL}, {NULL}, "is a word"},
    {LANG(NMTRAN), "exit", {NULL}, {NULL}, "is a word"},
    {LANG(NMTRAN), "A(1)", {NULL}, {NULL}, "has a character"},
    {LANG(NMTRAN), "A23456789012", {NULL}, {NULL}, NULL},
    {LANG(NMTRAN), "A234567890123", {NULL}, {NULL}, "a variable would have 21 characters"},
    {LANG(STAN), "vector", {NULL}, {NULL}, "is a word"},
    {LANG(STAN), "net.1", {NULL}, {NULL}, "has a character"},
    {LANG(MLXTRAN), "end", {NULL}, {NULL}, "is a word"},
    {LANG(RXODE2), "f", {NULL}, {NULL}, "is a word"},
    {LANG(RXODE2), "nn", {"A.1", "b", "c"}, {NULL}, NULL},
    {LANG(MLXTRAN), "nn", {"A.1", "b", "c"}, {NULL}, "input name 1, \"A.1\", has a character"},
    {LANG(NMTRAN), "nn", {"A(1)", "A(12)", "T"}, {"DADT(1)", "DADT(2)"}, NULL},
    {LANG(NMTRAN), "nn", {"A(1)", "A(0)", "T"}, {NULL}, "input name 2, \"A(0)\", has a character"},
    {LANG(NMTRAN), "nn", {"A(1)", "A()", "T"}, {NULL}, "has a character"},
    {LANG(NMTRAN), "nn", {"A(1)", "A(1+1)", "T"}, {NULL}, "has a character"},
    {LANG(NMTRAN), "nn", {"A(1)", "a(1)", "T"}, {NULL}, "input name 2, \"a(1)\", is there twice"},
    {LANG(NMTRAN), "nn", {INPUTS}, {"x", "B"}, "output name 2, \"B\", is the name of an input"},
    {LANG(RXODE2), "nn", {INPUTS}, {"x", "B"}, NULL},
    {LANG(RXODE2), "nn", {INPUTS}, {"x", "b"}, "is the name of an input"},
    {LANG(RXODE2), "nn", {INPUTS}, {"x", "x"}, "is there twice"},
    {LANG(RXODE2), "nn", {"a", "nn", "c"}, {NULL}, "is the name of the network"},
    {LANG(RXODE2), "nn", {"a", "nn_z1_1", "c"}, {NULL}, "begins like"},
    {LANG(NMTRAN), "nn", {"a", "NN_z1_1", "c"}, {NULL}, "begins like"},
    {LANG(RXODE2), "nn", {"a", "NN_z1_1", "nnx"}, {NULL}, NULL},
    {LANG(STAN), "nn", {"a", "b", "c d"}, {NULL}, "input name 3, \"c d\""},
};

static void codegen_bad_name_is_named(void **state) {
    (void)state;
    subject of = make(18);
    for (size_t k = 0; k < sizeof name_rows / sizeof *name_rows; k++) {
        const name_row *row = &name_rows[k];
        const costate_codegen_options options = {.name = row->name,
                                                 .input_names = row->inputs[0] != NULL ? row->inputs : NULL,
                                                 .output_names = row->outputs[0] != NULL ? row->outputs : NULL};
        costate_message message = {"unset"};
        char buffer[8] = "unset";
        size_t length = 77;
        const costate_status status =
            costate_codegen(of.net, of.p, row->language, &options, NULL, 0, &length, &message);
        print_message("%s: %s\n", row->name, message.text);
        if (row->said == NULL) {
            assert_ok(status);
            assert_true(length > 0);
            continue;
        }
        assert_status(status, COSTATE_ERR_ARGUMENT);
        assert_int_equal(length, 0);
        assert_non_null(strstr(message.text, row->said));
        assert_status(costate_codegen(of.net, of.p, row->language, &options, buffer, sizeof buffer, &length, NULL),
                      COSTATE_ERR_ARGUMENT);
        assert_string_equal(buffer, "");
    }
    forget(&of);
}

static void codegen_wrong_arguments_are_refused(void **state) {
    (void)state;
    subject of = make(2);
    const char *const holes[N_IN] = {"a", NULL, "c"};
    const costate_codegen_options options = {.input_names = holes};
    size_t length = 7;
    costate_message message;
    assert_status(costate_codegen(NULL, of.p, LANG(C99), NULL, NULL, 0, &length, NULL), COSTATE_ERR_NULL);
    assert_int_equal(length, 0);
    assert_status(costate_codegen(of.net, NULL, LANG(C99), NULL, NULL, 0, &length, NULL), COSTATE_ERR_NULL);
    assert_status(costate_codegen(of.net, of.p, LANG(C99), NULL, NULL, 0, NULL, NULL), COSTATE_ERR_NULL);
    assert_status(costate_codegen(of.net, of.p, LANG(C99), NULL, NULL, 5, &length, NULL), COSTATE_ERR_NULL);
    assert_status(costate_codegen(of.net, of.p, LANG(C99), &options, NULL, 0, &length, &message), COSTATE_ERR_NULL);
    assert_string_equal(message.text, "input name 2 is NULL");
    assert_status(costate_codegen(of.net, of.p, (costate_language)COSTATE_LANGUAGE_COUNT, NULL, NULL, 0, &length, NULL),
                  COSTATE_ERR_ARGUMENT);
    assert_status(costate_codegen(of.net, of.p, (costate_language)-1, NULL, NULL, 0, &length, NULL),
                  COSTATE_ERR_ARGUMENT);
    const double bad[] = {(double)NAN, (double)INFINITY, -(double)INFINITY};
    for (size_t k = 0; k < 3; k++) {
        const double old = of.p[of.n_param - 1];
        of.p[of.n_param - 1] = bad[k];
        assert_status(costate_codegen(of.net, of.p, LANG(STAN), NULL, NULL, 0, &length, &message),
                      COSTATE_ERR_NONFINITE);
        assert_non_null(strstr(message.text, "layer2.bias"));
        of.p[of.n_param - 1] = old;
    }
    forget(&of);
}

static void language_names_lead_back(void **state) {
    (void)state;
    costate_language language = LANG(C99);
    for (unsigned k = 0; k < COSTATE_LANGUAGE_COUNT; k++) {
        assert_ok(costate_language_from_name(costate_language_name((costate_language)k), &language));
        assert_int_equal(language, k);
    }
    assert_string_equal(costate_language_name(LANG(NMTRAN)), "nmtran");
    assert_string_equal(costate_language_name((costate_language)99), "unknown");
    assert_status(costate_language_from_name("fortran", &language), COSTATE_ERR_ARGUMENT);
    assert_status(costate_language_from_name(NULL, &language), COSTATE_ERR_NULL);
    assert_status(costate_language_from_name("c99", NULL), COSTATE_ERR_NULL);
}

/* 93 000 parameters. */
static void codegen_wide_network_has_a_bounded_line(void **state) {
    (void)state;
    static const costate_language languages[] = {LANG(C99), LANG(NMTRAN), LANG(RXODE2), LANG(STAN), LANG(MLXTRAN)};
    static const size_t longest[] = {130, 160, 1200, 130, 1200};
    subject of = make(300);
    for (size_t k = 0; k < 5; k++) {
        char *text = text_of(&of, languages[k], NULL);
        size_t widest = 0;
        for (const char *line = text; *line != '\0'; line += strcspn(line, "\n") + 1) {
            const size_t width = strcspn(line, "\n");
            widest = width > widest ? width : widest;
        }
        assert_true(widest <= longest[k]);
        assert_true(strlen(text) > 18 * of.n_param && strlen(text) < 80 * of.n_param);
        free(text);
    }
    forget(&of);
}

static void codegen_allocates_nothing(void **state) {
    (void)state;
    if (!malloc_count_available()) {
        skip();
    }
    subject of = make(20);
    static char buffer[200000];
    for (unsigned language = 0; language < COSTATE_LANGUAGE_COUNT; language++) {
        size_t length;
        malloc_count_start();
        const costate_status status =
            costate_codegen(of.net, of.p, (costate_language)language, NULL, buffer, sizeof buffer, &length, NULL);
        const malloc_counts counts = malloc_count_stop();
        assert_ok(status);
        assert_int_equal(counts.here, 0);
    }
    forget(&of);
}

static char *read_whole(const char *path) {
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return NULL;
    }
    char *text = calloc(1, 1 << 20);
    assert_non_null(text);
    const size_t n = fread(text, 1, (1 << 20) - 1, file);
    fclose(file);
    text[n] = '\0';
    return text;
}

static void codegen_write_makes_the_same_text(void **state) {
    (void)state;
    subject of = make(4);
    char folder[] = "/tmp/codegen_XXXXXX", path[64];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/net.txt", folder);
    for (unsigned language = 0; language < COSTATE_LANGUAGE_COUNT; language++) {
        costate_message message = {"unset"};
        assert_ok(costate_codegen_write(of.net, of.p, (costate_language)language, NULL, path, NULL, &message));
        assert_string_equal(message.text, "");
        char *text = text_of(&of, (costate_language)language, NULL), *written = read_whole(path);
        assert_non_null(written);
        assert_string_equal(written, text);
        free(written);
        free(text);
    }
    unlink(path);
    assert_int_equal(rmdir(folder), 0);
    forget(&of);
}

/* Whatever fails, the file of before is there, and no other. */
static void codegen_write_failure_leaves_the_old_file(void **state) {
    (void)state;
    subject of = make(4);
    char folder[] = "/tmp/codegen_XXXXXX", path[64], missing[80];
    costate_message message;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/net.txt", folder);
    snprintf(missing, sizeof missing, "%s/none/net.txt", folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs("old", file) >= 0 && fclose(file) == 0);

    const costate_codegen_options bad = {.name = "1"};
    assert_status(costate_codegen_write(of.net, of.p, LANG(C99), &bad, path, NULL, &message), COSTATE_ERR_ARGUMENT);
    assert_status(costate_codegen_write(of.net, of.p, LANG(C99), NULL, NULL, NULL, &message), COSTATE_ERR_NULL);
    assert_status(costate_codegen_write(NULL, of.p, LANG(C99), NULL, path, NULL, &message), COSTATE_ERR_NULL);
    assert_status(costate_codegen_write(of.net, of.p, LANG(C99), NULL, missing, NULL, &message), COSTATE_ERR_IO);
    assert_non_null(strstr(message.text, missing));
    assert_status(costate_codegen_write(of.net, of.p, LANG(C99), NULL, folder, NULL, &message), COSTATE_ERR_IO);
    for (size_t k = 1;; k++) {
        test_allocator counts = {.fail_at = k};
        const costate_allocator hooks = test_allocator_hooks(&counts);
        char *now = read_whole(path);
        assert_non_null(now);
        assert_string_equal(now, "old");
        free(now);
        const costate_status status = costate_codegen_write(of.net, of.p, LANG(C99), NULL, path, &hooks, &message);
        assert_int_equal(counts.n_live, 0);
        if (counts.n_failed == 0) {
            assert_ok(status);
            assert_true(k > 1);
            break;
        }
        assert_status(status, COSTATE_ERR_MEMORY);
    }
    unlink(path);
    assert_int_equal(rmdir(folder), 0);
    forget(&of);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codegen_any_capacity_gives_beginning_of_text),
        cmocka_unit_test(codegen_numbers_give_back_the_parameters),
        cmocka_unit_test(codegen_text_is_the_same_in_every_locale),
        cmocka_unit_test(codegen_provenance_stays_in_its_comment),
        cmocka_unit_test(codegen_bad_name_is_named),
        cmocka_unit_test(codegen_wrong_arguments_are_refused),
        cmocka_unit_test(language_names_lead_back),
        cmocka_unit_test(codegen_wide_network_has_a_bounded_line),
        cmocka_unit_test(codegen_allocates_nothing),
        cmocka_unit_test(codegen_write_makes_the_same_text),
        cmocka_unit_test(codegen_write_failure_leaves_the_old_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
