/* SPDX-License-Identifier: MIT */
/* Texts of two classes from files. */
#ifndef BENCH_CORPUS_FILES_H
#define BENCH_CORPUS_FILES_H

#include "compare/corpus.h"

typedef enum corpus_result { CORPUS_READ, CORPUS_ABSENT, CORPUS_WRONG } corpus_result;

/*
 * The texts of `folder`/text, in the format of CORPUS_FORMAT, at most n_train and n_test of them. CORPUS_WRONG, counted
 * as a failure of b with the file's name, if one is damaged, does not fit the others, or there is no memory; c is then
 * empty.
 */
corpus_result corpus_read(bench *b, const char *folder, size_t n_train, size_t n_test, corpus *c);

#endif
