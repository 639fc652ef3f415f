/* SPDX-License-Identifier: MIT */
/* Texts of two classes from IDX or CSV files. */
#include "compare/corpus_files.h"

#include <costate/csv.h>
#include <costate/idx.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Word numbers are floats: larger ones would not be exact. */
#define MOST_WORD 16777216.0f

/* The texts of one part, training or test. */
typedef struct part {
    size_t n, n_token;
    float *x, *label;
} part;

static void part_destroy(part *p) {
    free(p->x);
    free(p->label);
    *p = (part){0};
}

static bool part_allocate(part *p) {
    if (p->n == 0 || p->n_token == 0) {
        return false;
    }
    p->x = malloc(p->n * p->n_token * sizeof *p->x);
    p->label = malloc(p->n * sizeof *p->label);
    return p->x && p->label;
}

/* The path of the first of the names that can be opened; false if none can. */
static bool find(const char *folder, const char *stem, const char *const *ends, char *path, size_t size) {
    for (size_t i = 0; ends[i]; i++) {
        const int n = snprintf(path, size, "%s/text/%s%s", folder, stem, ends[i]);
        FILE *file = n > 0 && (size_t)n < size ? fopen(path, "rb") : NULL;
        if (file) {
            fclose(file);
            return true;
        }
    }
    return false;
}

static corpus_result read_idx(bench *b, const char *folder, const char *stem, costate_idx **idx) {
    static const char *const ends[] = {".idx", ".idx.gz", NULL};
    char path[1024];
    costate_message message;
    if (!find(folder, stem, ends, path, sizeof path)) {
        return CORPUS_ABSENT;
    }
    if (costate_idx_read(path, NULL, NULL, idx, &message) != COSTATE_OK) {
        bench_fail(b, "%s", message.text);
        return CORPUS_WRONG;
    }
    return CORPUS_READ;
}

static bool has_form(const costate_idx *ids, const costate_idx *labels) {
    costate_idx_type type;
    costate_idx_type label_type;
    return costate_idx_type_of(ids, &type) == COSTATE_OK && costate_idx_type_of(labels, &label_type) == COSTATE_OK &&
           (type == COSTATE_IDX_U8 || type == COSTATE_IDX_I16 || type == COSTATE_IDX_I32) &&
           label_type == COSTATE_IDX_U8 && costate_idx_n_dim(ids) == 2 && costate_idx_n_dim(labels) == 1 &&
           costate_idx_dim(ids, 0) == costate_idx_dim(labels, 0) && costate_idx_n_element(ids) > 0;
}

static corpus_result take_idx(bench *b, const char *folder, const char *name, size_t n_most, part *p) {
    char stem[32];
    costate_idx *ids = NULL;
    costate_idx *labels = NULL;
    snprintf(stem, sizeof stem, "%s-ids", name);
    corpus_result result = read_idx(b, folder, stem, &ids);
    if (result == CORPUS_READ) {
        snprintf(stem, sizeof stem, "%s-labels", name);
        result = read_idx(b, folder, stem, &labels);
        if (result == CORPUS_ABSENT || (result == CORPUS_READ && !has_form(ids, labels))) {
            bench_fail(b, "%s/text: %s-ids and %s-labels do not fit together", folder, name, name);
            result = CORPUS_WRONG;
        }
    }
    if (result == CORPUS_READ) {
        const size_t n = costate_idx_dim(ids, 0);
        *p = (part){.n = n < n_most ? n : n_most, .n_token = costate_idx_dim(ids, 1)};
        if (!part_allocate(p) || costate_idx_numbers_f32(ids, 0, p->n * p->n_token, 1.0, p->x) != COSTATE_OK ||
            costate_idx_numbers_f32(labels, 0, p->n, 1.0, p->label) != COSTATE_OK) {
            bench_fail(b, "%s/text: no memory for %s-ids", folder, name);
            result = CORPUS_WRONG;
        }
    }
    costate_idx_destroy(ids);
    costate_idx_destroy(labels);
    return result;
}

/* The columns of a table, the first being the labels; `column` holds a number per row. */
static bool take_columns(const costate_csv *table, double *column, part *p, costate_message *message) {
    for (size_t k = 0; k <= p->n_token; k++) {
        if (costate_csv_numbers(table, k, COSTATE_CSV_MISSING_REFUSE, column, message) != COSTATE_OK) {
            return false;
        }
        for (size_t i = 0; i < p->n; i++) {
            *(k == 0 ? &p->label[i] : &p->x[i * p->n_token + k - 1]) = (float)column[i];
        }
    }
    return true;
}

static corpus_result take_csv(bench *b, const char *folder, const char *name, size_t n_most, part *p) {
    static const char *const ends[] = {".csv", NULL};
    char path[1024];
    costate_message message = {"fewer than two columns, no row, or no memory"};
    costate_csv *table = NULL;
    if (!find(folder, name, ends, path, sizeof path)) {
        return CORPUS_ABSENT;
    }
    bool ok = costate_csv_read(path, NULL, NULL, &table, &message) == COSTATE_OK;
    if (ok) {
        const size_t n = costate_csv_n_row(table);
        double *column = malloc((n + 1) * sizeof *column);
        snprintf(message.text, sizeof message.text, "%.400s: fewer than two columns, no row, or no memory", path);
        *p = (part){.n = n < n_most ? n : n_most, .n_token = costate_csv_n_column(table) - 1};
        ok = column && n > 0 && p->n_token > 0 && part_allocate(p) && take_columns(table, column, p, &message);
        free(column);
    }
    costate_csv_destroy(table);
    if (!ok) {
        bench_fail(b, "%s", message.text);
    }
    return ok ? CORPUS_READ : CORPUS_WRONG;
}

/* One more than the largest number; 0 if one is no word number or a label neither 0 nor 1. */
static size_t vocabulary(const part *p) {
    float largest = 0.0f;
    for (size_t i = 0; i < p->n * p->n_token; i++) {
        if (!(p->x[i] >= 0.0f && p->x[i] < MOST_WORD && p->x[i] == floorf(p->x[i]))) {
            return 0;
        }
        largest = fmaxf(largest, p->x[i]);
    }
    for (size_t i = 0; i < p->n; i++) {
        if (p->label[i] != 0.0f && p->label[i] != 1.0f) {
            return 0;
        }
    }
    return (size_t)largest + 1;
}

static corpus_result take_part(bench *b, const char *folder, const char *name, size_t n_most, part *p) {
    corpus_result result = take_idx(b, folder, name, n_most, p);
    if (result == CORPUS_ABSENT) {
        result = take_csv(b, folder, name, n_most, p);
    }
    return result;
}

/* Both parts in one; false without memory. */
static bool join(const part *train, const part *test, corpus *c) {
    part all = {.n = train->n + test->n, .n_token = train->n_token};
    if (!part_allocate(&all)) {
        part_destroy(&all);
        return false;
    }
    memcpy(all.x, train->x, train->n * train->n_token * sizeof *all.x);
    memcpy(all.x + train->n * train->n_token, test->x, test->n * test->n_token * sizeof *all.x);
    memcpy(all.label, train->label, train->n * sizeof *all.label);
    memcpy(all.label + train->n, test->label, test->n * sizeof *all.label);
    const size_t n_word[2] = {vocabulary(train), vocabulary(test)};
    *c = (corpus){.real = true,
                  .n_word = n_word[0] > n_word[1] ? n_word[0] : n_word[1],
                  .n_token = all.n_token,
                  .n_train = train->n,
                  .n_test = test->n,
                  .x = all.x,
                  .label = all.label,
                  .best = (double)NAN};
    return true;
}

corpus_result corpus_read(bench *b, const char *folder, size_t n_train, size_t n_test, corpus *c) {
    part train = {0};
    part test = {0};
    *c = (corpus){0};
    corpus_result result = take_part(b, folder, "train", n_train, &train);
    if (result == CORPUS_READ) {
        result = take_part(b, folder, "test", n_test, &test);
        if (result == CORPUS_ABSENT ||
            (result == CORPUS_READ && (train.n_token != test.n_token || !vocabulary(&train) || !vocabulary(&test)))) {
            bench_fail(
                b,
                "%s/text: test texts are missing or of another length, an id is no whole number from 0 to 2^24 - "
                "1, or a label is neither 0 nor 1",
                folder);
            result = CORPUS_WRONG;
        }
    }
    if (result == CORPUS_READ && !join(&train, &test, c)) {
        bench_fail(b, "%s/text: no memory", folder);
        result = CORPUS_WRONG;
    }
    part_destroy(&train);
    part_destroy(&test);
    return result;
}
