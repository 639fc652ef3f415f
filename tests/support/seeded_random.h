/* SPDX-License-Identifier: MIT */
/* Random numbers for tests, from a seed that is printed. */
#ifndef TEST_SEEDED_RANDOM_H
#define TEST_SEEDED_RANDOM_H

#include <costate/random.h>
#include <stddef.h>

/* Stream number `stream` of the seed in COSTATE_TEST_SEED (environment), else of a fixed one. Prints the seed. */
costate_random test_random(uint64_t stream);

/* n independent normal numbers with mean 0 and the given standard deviation. */
void fill_normal(costate_random *random, double *x, size_t n, double deviation);
void fill_normal_f32(costate_random *random, float *x, size_t n, double deviation);

#endif
