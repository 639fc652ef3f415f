/* SPDX-License-Identifier: MIT */
/* Texts of two classes, made up; see corpus_files.c for real ones. */
#include "compare/corpus.h"

#include "compare/corpus_files.h"
#include <costate/random.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { N_WORD = 12849, N_TOKEN = 130, N_SHORTEST = 60, N_MARK = 4, N_MARK_WORD = 3, N_THIRD = 3, SEED = 23 };

#define TRUTH 0.8

/* Of a word that is no mark, 1 … n − 1: log-uniform, which gives rank r the probability log(1 + 1/r)/log n. */
static size_t draw_word(costate_random *random) {
    const size_t n = N_WORD - N_MARK * N_MARK_WORD;
    const size_t word = (size_t)exp(costate_random_uniform(random) * log((double)n));
    return word < n ? word : n - 1;
}

static void put_mark(costate_random *random, bool forwards, float *at) {
    const size_t mark = (size_t)costate_random_below(random, N_MARK);
    const size_t first = N_WORD - N_MARK_WORD * (mark + 1);
    for (size_t k = 0; k < N_MARK_WORD; k++) {
        at[k] = (float)(first + (forwards ? k : N_MARK_WORD - 1 - k));
    }
}

static void make_text(costate_random *random, bool yes, float *x) {
    const size_t length = N_SHORTEST + (size_t)costate_random_below(random, N_TOKEN - N_SHORTEST + 1);
    for (size_t k = 0; k < N_TOKEN; k++) {
        x[k] = k < length ? (float)draw_word(random) : 0.0f;
    }
    const size_t third = length / N_THIRD;
    for (size_t k = 0; k < N_THIRD; k++) {
        const bool truth = costate_random_uniform(random) < TRUTH;
        const size_t place = (size_t)costate_random_below(random, third - N_MARK_WORD + 1);
        put_mark(random, truth == yes, x + k * third + place);
    }
}

void corpus_make_up(corpus *c) {
    costate_random random = costate_random_seed(SEED, 0);
    for (size_t i = 0; i < c->n_train + c->n_test; i++) {
        const bool yes = costate_random_uniform(&random) < 0.5;
        c->label[i] = yes ? 1.0f : 0.0f;
        make_text(&random, yes, c->x + i * c->n_token);
    }
    c->best = TRUTH * TRUTH * (3.0 - 2.0 * TRUTH);
}

bool corpus_load(bench *b, const char *folder, size_t n_train, size_t n_test, corpus *c) {
    switch (corpus_read(b, folder, n_train, n_test, c)) {
    case CORPUS_READ: return true;
    case CORPUS_WRONG: return false;
    case CORPUS_ABSENT: break;
    }
    *c = (corpus){.n_word = N_WORD, .n_token = N_TOKEN, .n_train = n_train, .n_test = n_test};
    c->x = malloc((n_train + n_test) * N_TOKEN * sizeof *c->x);
    c->label = malloc((n_train + n_test) * sizeof *c->label);
    if (!c->x || !c->label) {
        bench_fail(b, "textcnn: no memory for the texts");
        corpus_destroy(c);
        return false;
    }
    corpus_make_up(c);
    return true;
}

void corpus_destroy(corpus *c) {
    free(c->x);
    free(c->label);
    *c = (corpus){0};
}
