/* SPDX-License-Identifier: MIT */
/* Philox streams: published vectors, the distributions, and the same bits everywhere. */
#include "core/normal_quantile.h"
#include "support/asserts.h"
#include "support/seeded_random.h"

#include <math.h>
#include <string.h>

/* Bounds are SIGMAS standard deviations of the estimate: a right generator exceeds one with probability 2e-9. */
#define SIGMAS 6.0
#define N_DRAW ((size_t)1 << 20)

typedef struct known_answer {
    uint64_t seed;
    uint64_t stream;
    uint64_t block;
    uint32_t words[4];
} known_answer;

/* Published with the Random123 library: philox4x32, 10 rounds. */
static const known_answer known_answers[] = {
    {0, 0, 0, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
    {UINT64_MAX, UINT64_MAX, UINT64_MAX, {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
    {0x299f31d0a4093822, 0x0370734413198a2e, 0x85a308d3243f6a88, {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
};

static void bits_match_the_published_vectors(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof known_answers / sizeof *known_answers; i++) {
        const known_answer *known = &known_answers[i];
        costate_random random = costate_random_seed(known->seed, known->stream);
        random.block = known->block;
        uint64_t first = costate_random_bits(&random);
        uint64_t second = costate_random_bits(&random);
        assert_true(first == ((uint64_t)known->words[1] << 32 | known->words[0]));
        assert_true(second == ((uint64_t)known->words[3] << 32 | known->words[2]));
        assert_true(random.block == known->block + 1);
    }
}

/* Seed 42, stream 7: from an implementation in another language with exact integers and 400-bit floating point. */
static const uint64_t stream_bits[6] = {0xe55410cc67ee6f2c, 0x557398d36c7eca35, 0x600f6196e5dde940,
                                        0x2c8ed8398fcdf8f1, 0xf000aacd24ecfc6e, 0xd301a3d5571a4cf0};
static const double stream_uniform[6] = {0x1.caa82198cfdcdp-1, 0x1.55ce634db1fb2p-2, 0x1.803d865b9777ap-2,
                                         0x1.6476c1cc7e6fcp-3, 0x1.e001559a49d9fp-1, 0x1.a60347aaae349p-1};
static const double stream_normal[6] = {1.258054571883239715624,   -0.4294576054318008873963, -0.3180204862239540059651,
                                        -0.9382629945213595165904, 1.534203329141451990785,   0.9316596374978228390245};
static const uint64_t stream_below_1000[6] = {895, 333, 375, 174, 937, 824};

static void stream_gives_the_documented_numbers(void **state) {
    (void)state;
    costate_random bits = costate_random_seed(42, 7);
    costate_random uniform = bits;
    costate_random normal = bits;
    costate_random below = bits;
    for (size_t i = 0; i < 6; i++) {
        assert_true(costate_random_bits(&bits) == stream_bits[i]);
        double u = costate_random_uniform(&uniform);
        assert_same_bits_f64(&u, &stream_uniform[i], 1);
        assert_close(costate_random_normal(&normal), stream_normal[i], 1e-15, 0);
        assert_true(costate_random_below(&below, 1000) == stream_below_1000[i]);
    }
}

static void normal_bits_do_not_depend_on_the_platform(void **state) {
    (void)state;
    costate_random random = costate_random_seed(2024, 0);
    uint64_t hash = 0xcbf29ce484222325; /* FNV-1a */
    for (size_t i = 0; i < 100000; i++) {
        double z = costate_random_normal(&random);
        uint64_t bits;
        memcpy(&bits, &z, sizeof bits);
        for (int shift = 0; shift < 64; shift += 8) {
            hash = (hash ^ (bits >> shift & 0xff)) * 0x100000001b3;
        }
    }
    assert_int_equal(hash, 0x488e28cba15a2641);
}

static void copy_of_a_stream_continues_alike(void **state) {
    (void)state;
    costate_random random = test_random(0);
    for (size_t skipped = 0; skipped < 5; skipped++) {
        costate_random copy = random;
        for (size_t i = 0; i < 9; i++) {
            assert_true(costate_random_bits(&copy) == costate_random_bits(&random));
        }
        (void)costate_random_bits(&random);
    }
}

static void streams_and_seeds_differ(void **state) {
    (void)state;
    const uint64_t values[] = {0, 1, 2, (uint64_t)1 << 32, UINT64_MAX};
    enum { N = sizeof values / sizeof *values };
    uint64_t first[N * N];
    for (size_t i = 0; i < N * N; i++) {
        costate_random random = costate_random_seed(values[i / N], values[i % N]);
        first[i] = costate_random_bits(&random);
        for (size_t k = 0; k < i; k++) {
            assert_true(first[i] != first[k]);
        }
    }
}

static void uniform_lies_in_the_open_interval(void **state) {
    (void)state;
    costate_random random = test_random(1);
    double smallest = 1;
    double largest = 0;
    for (size_t i = 0; i < N_DRAW; i++) {
        double u = costate_random_uniform(&random);
        assert_true(u > 0 && u < 1);
        smallest = fmin(smallest, u);
        largest = fmax(largest, u);
    }
    /* P(smallest > x) = (1 - x)^N. */
    assert_true(smallest < 20.0 / N_DRAW);
    assert_true(largest > 1 - 20.0 / N_DRAW);
}

/* Mean of power k of the draws against its expectation; `deviation` is that of one power. */
static void check_moment(double sum, double expected, double deviation) {
    assert_close(sum / (double)N_DRAW, expected, 0, SIGMAS * deviation / sqrt((double)N_DRAW));
}

static void uniform_has_the_moments_of_the_distribution(void **state) {
    (void)state;
    costate_random random = test_random(2);
    double sum[4] = {0};
    double lagged = 0;
    double before = 0.5;
    for (size_t i = 0; i < N_DRAW; i++) {
        double u = costate_random_uniform(&random);
        for (int k = 0; k < 4; k++) {
            sum[k] += pow(u, k + 1);
        }
        lagged += (u - 0.5) * (before - 0.5);
        before = u;
    }
    for (int k = 0; k < 4; k++) {
        double mean = 1.0 / (k + 2);
        check_moment(sum[k], mean, sqrt(1.0 / (2 * k + 3) - mean * mean));
    }
    check_moment(lagged, 0, 1.0 / 12);
}

static void normal_has_the_moments_of_the_distribution(void **state) {
    (void)state;
    costate_random random = test_random(3);
    double sum[5] = {0};
    double lagged = 0;
    double before = 0;
    for (size_t i = 0; i < N_DRAW; i++) {
        double z = costate_random_normal(&random);
        double power = z;
        for (int k = 1; k <= 4; k++) {
            sum[k] += power;
            power *= z;
        }
        lagged += z * before;
        before = z;
    }
    check_moment(sum[1], 0, 1);
    check_moment(sum[2], 1, sqrt(2));
    check_moment(sum[3], 0, sqrt(15));
    check_moment(sum[4], 3, sqrt(96));
    check_moment(lagged, 0, 1);
}

static void streams_of_one_seed_are_uncorrelated(void **state) {
    (void)state;
    costate_random first = test_random(4);
    costate_random second = test_random(5);
    double sum = 0;
    for (size_t i = 0; i < N_DRAW; i++) {
        sum += costate_random_normal(&first) * costate_random_normal(&second);
    }
    check_moment(sum, 0, 1);
}

static void bits_are_each_set_half_of_the_time(void **state) {
    (void)state;
    costate_random random = test_random(6);
    double n_set[64] = {0};
    for (size_t i = 0; i < N_DRAW; i++) {
        uint64_t bits = costate_random_bits(&random);
        for (int k = 0; k < 64; k++) {
            n_set[k] += (double)(bits >> k & 1);
        }
    }
    for (int k = 0; k < 64; k++) {
        check_moment(n_set[k], 0.5, 0.5);
    }
}

typedef struct quantile {
    double p;
    double z;
} quantile;

/* From 400-bit arithmetic. */
static const quantile quantiles[] = {
    {0x1p-2, -0.6744897501960817432022},   {0x1.8p-1, 0.6744897501960817432022},
    {0x1p-4, -1.534120544352546311708},    {0x1.3333333333333p-4, -1.43953147093845593495},
    {0x1p-10, -3.097269078198784462365},   {0x1p-20, -4.763001034267813956989},
    {0x1.8p-36, -6.591107558914363165265}, {0x1p-37, -6.752300431407014964608},
    {0x1p-53, -8.209536151601386855631},   {0x1.fffffffffffffp-1, 8.209536151601386855631},
    {0x1p-200, -16.42607409702265782897},  {0x1p-1022, -37.51937934714449982068},
};

static void quantile_matches_references(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof quantiles / sizeof *quantiles; i++) {
        assert_close(csi_normal_quantile(quantiles[i].p), quantiles[i].z, 1e-15, 0);
    }
    assert_close(csi_normal_quantile(0.5), 0, 0, 0);
}

static void quantile_inverts_the_distribution_function(void **state) {
    (void)state;
    costate_random random = test_random(7);
    for (int i = 0; i < 20000; i++) {
        double p = costate_random_uniform(&random);
        p = ldexp(fmin(p, 1 - p), -(i % 53)); /* the tail too; the other one follows by symmetry */
        long double z = (long double)csi_normal_quantile(p);
        long double reached = erfcl(-z / sqrtl(2)) / 2;
        long double density = expl(-z * z / 2) / sqrtl(2 * acosl(-1));
        assert_close(fabsl((reached - (long double)p) / density), 0, 0, 1e-15 * (double)fabsl(z) + 1e-18);
    }
}

static void quantile_is_odd_about_one_half(void **state) {
    (void)state;
    costate_random random = test_random(8);
    for (int i = 0; i < 10000; i++) {
        double p = ((double)(costate_random_bits(&random) >> 12) + 0.5) * 0x1p-52;
        double below = -csi_normal_quantile(p);
        double above = csi_normal_quantile(1 - p);
        assert_same_bits_f64(&above, &below, 1);
    }
}

static void below_stays_below(void **state) {
    (void)state;
    costate_random random = test_random(9);
    const uint64_t bounds[] = {1, 2, 3, 6, 1000, (uint64_t)1 << 32, ((uint64_t)1 << 63) + 1, UINT64_MAX};
    for (size_t k = 0; k < sizeof bounds / sizeof *bounds; k++) {
        for (int i = 0; i < 1000; i++) {
            assert_true(costate_random_below(&random, bounds[k]) < bounds[k]);
        }
    }
}

static void below_zero_gives_zero_and_draws_nothing(void **state) {
    (void)state;
    costate_random random = test_random(10);
    costate_random copy = random;
    assert_true(costate_random_below(&random, 0) == 0);
    assert_true(costate_random_bits(&random) == costate_random_bits(&copy));
}

static void below_is_evenly_spread(void **state) {
    (void)state;
    costate_random random = test_random(11);
    enum { N_BIN = 6 };
    double n_in[N_BIN] = {0};
    for (size_t i = 0; i < N_DRAW; i++) {
        n_in[costate_random_below(&random, N_BIN)] += 1;
    }
    for (int k = 0; k < N_BIN; k++) {
        check_moment(n_in[k], 1.0 / N_BIN, sqrt(1.0 / N_BIN * (1 - 1.0 / N_BIN)));
    }
}

/*
 * With n = 2^63 + 2^62 the products b·n fall on multiples of 2^62. Unbiased means that b is dropped where the low half
 * of the product is below 2^64 mod n = 2^62, that is for every b divisible by 4; the others give floor(3 b / 4).
 */
static void below_rejects_what_would_bias(void **state) {
    (void)state;
    costate_random random = test_random(12);
    costate_random raw = random;
    uint64_t n = (uint64_t)3 << 62;
    size_t n_rejected = 0;
    for (int i = 0; i < 4000; i++) {
        uint64_t bits = costate_random_bits(&raw);
        while (bits % 4 == 0) {
            n_rejected++;
            bits = costate_random_bits(&raw);
        }
        assert_true(costate_random_below(&random, n) == bits / 4 * 3 + bits % 4 * 3 / 4);
    }
    assert_true(n_rejected > 500);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bits_match_the_published_vectors),
        cmocka_unit_test(stream_gives_the_documented_numbers),
        cmocka_unit_test(normal_bits_do_not_depend_on_the_platform),
        cmocka_unit_test(copy_of_a_stream_continues_alike),
        cmocka_unit_test(streams_and_seeds_differ),
        cmocka_unit_test(uniform_lies_in_the_open_interval),
        cmocka_unit_test(uniform_has_the_moments_of_the_distribution),
        cmocka_unit_test(normal_has_the_moments_of_the_distribution),
        cmocka_unit_test(streams_of_one_seed_are_uncorrelated),
        cmocka_unit_test(bits_are_each_set_half_of_the_time),
        cmocka_unit_test(quantile_matches_references),
        cmocka_unit_test(quantile_inverts_the_distribution_function),
        cmocka_unit_test(quantile_is_odd_about_one_half),
        cmocka_unit_test(below_stays_below),
        cmocka_unit_test(below_zero_gives_zero_and_draws_nothing),
        cmocka_unit_test(below_is_evenly_spread),
        cmocka_unit_test(below_rejects_what_would_bias),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
