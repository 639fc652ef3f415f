/* SPDX-License-Identifier: MIT */
/* Texts of two classes as rows of word numbers: real ones, or made up so that the best possible accuracy is known. */
#ifndef BENCH_CORPUS_H
#define BENCH_CORPUS_H

#include "harness.h"

typedef struct corpus {
    bool real;
    size_t n_word;  /* every number is below it */
    size_t n_token; /* numbers of a text */
    size_t n_train; /* texts to learn from, which come first */
    size_t n_test;  /* texts to be asked for */
    float *x;       /* n_train + n_test rows of n_token word numbers */
    float *label;   /* 0 or 1 */
    double best;    /* expected accuracy of the best classifier; NaN for real texts */
} corpus;

/* What files corpus_load() looks for. */
#define CORPUS_FORMAT                                                                                                  \
    "# real texts: text/{train,test}-{ids,labels}.idx or .idx.gz in the --data folder: ids with a row per text,\n"     \
    "# of type byte, short or int, and as many labels 0 or 1 of type byte; or text/{train,test}.csv with names\n"      \
    "# in the first line, labels in the first column and ids in the others. Ids count from 0; short texts are filled " \
    "up with 0.\n"

/*
 * Texts of `folder`/text as CORPUS_FORMAT says, at most so many; where there are none, n_train and n_test made-up ones by
 * corpus_make_up(). False, counted as a failure of b, if a file is damaged or there is no memory.
 */
bool corpus_load(bench *b, const char *folder, size_t n_train, size_t n_test, corpus *c);
void corpus_destroy(corpus *c);

/*
 * Seeded texts of 60 to 130 words, filled up with 0. Words have probability about 1/rank. Into each third of a text one
 * of 4 sequences of three words is put that occur nowhere else, forwards for yes, backwards for no: single words say
 * nothing. Each of the three tells the truth about the label with probability t = 0.8, independently, and nothing else
 * depends on the label. So the best classifier goes by the majority: right with probability t²(3 − 2t) = 0.896.
 */
void corpus_make_up(corpus *c);

#endif
