/* SPDX-License-Identifier: MIT */
/* Philox4x32-10 streams and the distributions drawn from them. */
#include <costate/random.h>

#include "core/normal_quantile.h"
#include "core/philox.h"

static uint32_t low_word(uint64_t value) { return (uint32_t)value; }

static uint32_t high_word(uint64_t value) { return (uint32_t)(value >> 32); }

costate_random costate_random_seed(uint64_t seed, uint64_t stream) {
    return (costate_random){.seed = seed, .stream = stream};
}

uint64_t costate_random_bits(costate_random *random) {
    const uint32_t *word = random->buffer + 2;
    if (random->n_left == 2) {
        random->n_left = 0;
    } else {
        csi_philox(random->seed, random->stream, random->block, random->buffer);
        random->block++;
        random->n_left = 2;
        word = random->buffer;
    }
    return (uint64_t)word[1] << 32 | word[0];
}

double costate_random_uniform(costate_random *random) {
    return ((double)(costate_random_bits(random) >> 12) + 0.5) * 0x1p-52;
}

double costate_random_normal(costate_random *random) { return csi_normal_quantile(costate_random_uniform(random)); }

/* Upper 64 bits of a·b; the lower ones are a * b. */
static uint64_t multiply_high(uint64_t a, uint64_t b) {
    uint64_t low = (uint64_t)low_word(a) * low_word(b);
    uint64_t cross0 = (uint64_t)high_word(a) * low_word(b) + high_word(low);
    uint64_t cross1 = (uint64_t)low_word(a) * high_word(b) + low_word(cross0);
    return (uint64_t)high_word(a) * high_word(b) + high_word(cross0) + high_word(cross1);
}

uint64_t costate_random_below(costate_random *random, uint64_t n) {
    if (n == 0) {
        return 0;
    }
    uint64_t bits = costate_random_bits(random);
    if (bits * n < n) {
        uint64_t threshold = (0 - n) % n;
        while (bits * n < threshold) {
            bits = costate_random_bits(random);
        }
    }
    return multiply_high(bits, n);
}
