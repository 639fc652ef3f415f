/* SPDX-License-Identifier: MIT */
/* Random numbers for tests, from a seed that is printed. */
#include "support/seeded_random.h"

#include "support/asserts.h"

#include <inttypes.h>
#include <stdlib.h>

#define DEFAULT_SEED 20110613

costate_random test_random(uint64_t stream) {
    const char *text = getenv("COSTATE_TEST_SEED");
    uint64_t seed = text && *text ? strtoull(text, NULL, 0) : DEFAULT_SEED;
    print_message("COSTATE_TEST_SEED=%" PRIu64 " (stream %" PRIu64 ")\n", seed, stream);
    return costate_random_seed(seed, stream);
}

void fill_normal(costate_random *random, double *x, size_t n, double deviation) {
    for (size_t i = 0; i < n; i++) {
        x[i] = deviation * costate_random_normal(random);
    }
}

void fill_normal_f32(costate_random *random, float *x, size_t n, double deviation) {
    for (size_t i = 0; i < n; i++) {
        x[i] = (float)(deviation * costate_random_normal(random));
    }
}
