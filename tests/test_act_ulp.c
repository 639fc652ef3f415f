/* SPDX-License-Identifier: MIT */
/*
 * Largest error of the transcendental activations in units in the last place: f32 over all its inputs, or a strided part of them, against double;
 * f64 densely sampled against MPFR.
 *
 *     test_act_ulp                       both, strided and sampled
 *     test_act_ulp --exhaustive <name>   f32 at all 2^32 inputs
 *     test_act_ulp --dense               f64 at many more samples
 */
#include "act_probe.h"
#include "net_battery.h"

#include "support/seeded_random.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#ifdef COSTATE_HAVE_MPFR
#include <mpfr.h>
#endif

enum { BLOCK = 1 << 15 };

/* Bound of the inlined functions. */
static const double fast_ulp = 4.0;

/* SLEEF's bound for a function used alone is 1.0, reached to three digits by its own figures. */
static const double accurate_ulp = 1.001;

typedef struct ulp_subject {
    costate_act act;
    bool alone; /* one SLEEF function in accurate mode, not a composition */
} ulp_subject;

static const ulp_subject subjects[] = {
    {COSTATE_ACT_TANH, true},      {COSTATE_ACT_SIGMOID, false}, {COSTATE_ACT_ELU, true},
    {COSTATE_ACT_SOFTPLUS, false}, {COSTATE_ACT_SIN, true},      {COSTATE_ACT_GAUSSIAN, false},
};

enum { N_SUBJECT = sizeof subjects / sizeof *subjects };

static double bound_of(const ulp_subject *subject, costate_accuracy accuracy) {
    return accuracy == COSTATE_ACCURACY_ACCURATE && subject->alone ? accurate_ulp : fast_ulp;
}

/* The worst error seen. */
typedef struct worst_error {
    double ulp, z, got, want;
} worst_error;

/* A NaN, once noted, stays. */
static void note(worst_error *worst, double ulp, double z, double got, double want) {
    if (!(ulp <= worst->ulp) && !isnan(worst->ulp)) {
        *worst = (worst_error){ulp, z, got, want};
    }
}

static void report(const ulp_subject *subject, const char *real, costate_accuracy accuracy, const worst_error *worst) {
    bool fast = accuracy == COSTATE_ACCURACY_FAST;
    double bound = bound_of(subject, accuracy);
    print_message("%-9s %s %-8s max %.3f ulp at %a\n", costate_act_name(subject->act), real, fast ? "fast" : "accurate",
                  worst->ulp, worst->z);
    if (!(worst->ulp <= bound)) {
        fail_msg("%s(%a) = %a, should be %a: %.3f ulp, allowed %.1f", costate_act_name(subject->act), worst->z,
                 worst->got, worst->want, worst->ulp, bound);
    }
}

/* For float arguments the double functions of the C library err by less than 1e-8 float ulp. */
static double reference_of_float(costate_act act, double z) {
    switch (act) {
    case COSTATE_ACT_TANH: return tanh(z);
    case COSTATE_ACT_SIGMOID: return z < 0.0 ? exp(z) / (1.0 + exp(z)) : 1.0 / (1.0 + exp(-z));
    case COSTATE_ACT_ELU: return z > 0.0 ? z : expm1(z);
    case COSTATE_ACT_SOFTPLUS: return fmax(z, 0.0) + log1p(exp(-fabs(z)));
    case COSTATE_ACT_SIN: return sin(z);
    default: return exp(-z * z);
    }
}

static void note_f32(const ulp_subject *subject, worst_error *worst, float z, float got) {
    double want = reference_of_float(subject->act, (double)z);
    /* A unit is at least |want|·2⁻²⁴, so most points need no exact figure. */
    if (fabs((double)got - want) <= worst->ulp * 0x1p-24 * fabs(want) || (isnan(want) && isnan((double)got))) {
        return;
    }
    double ulp = isnan(want) ? (double)INFINITY : ulp_error_f32(got, (long double)want);
    note(worst, ulp, (double)z, (double)got, want);
}

static float float_of_bits(uint32_t bits) {
    float z;
    memcpy(&z, &bits, sizeof z);
    return z;
}

/* Every stride-th bit pattern, from 0 to 2^32 - 1. */
static void sweep_f32(const ulp_subject *subject, costate_accuracy accuracy, uint64_t stride) {
    static float z[BLOCK], a[BLOCK];
    worst_error worst = {0};
    for (uint64_t bits = 0; bits < (uint64_t)1 << 32;) {
        size_t n = 0;
        for (; n < BLOCK && bits < (uint64_t)1 << 32; bits += stride) {
            z[n++] = float_of_bits((uint32_t)bits);
        }
        act_probe_f32(subject->act, accuracy, n, z, a, NULL);
        for (size_t i = 0; i < n; i++) {
            note_f32(subject, &worst, z[i], a[i]);
        }
    }
    report(subject, "f32", accuracy, &worst);
}

static void f32_strided_error_is_within_bound(void **state) {
    (void)state;
    for (size_t k = 0; k < N_SUBJECT; k++) {
        sweep_f32(&subjects[k], COSTATE_ACCURACY_FAST, 4099);
        sweep_f32(&subjects[k], COSTATE_ACCURACY_ACCURATE, 65537);
    }
}

#ifdef COSTATE_HAVE_MPFR

/* a = act(z) to 100 bits. */
static void mpfr_act(costate_act act, mpfr_t a, const mpfr_t z) {
    switch (act) {
    case COSTATE_ACT_TANH: mpfr_tanh(a, z, MPFR_RNDN); break;
    case COSTATE_ACT_SIGMOID:
        mpfr_neg(a, z, MPFR_RNDN);
        mpfr_exp(a, a, MPFR_RNDN);
        mpfr_add_ui(a, a, 1, MPFR_RNDN);
        mpfr_ui_div(a, 1, a, MPFR_RNDN);
        break;
    case COSTATE_ACT_ELU:
        if (mpfr_sgn(z) > 0) {
            mpfr_set(a, z, MPFR_RNDN);
        } else {
            mpfr_expm1(a, z, MPFR_RNDN);
        }
        break;
    case COSTATE_ACT_SOFTPLUS:
        mpfr_exp(a, z, MPFR_RNDN);
        mpfr_log1p(a, a, MPFR_RNDN);
        break;
    case COSTATE_ACT_SIN: mpfr_sin(a, z, MPFR_RNDN); break;
    default:
        mpfr_sqr(a, z, MPFR_RNDN);
        mpfr_neg(a, a, MPFR_RNDN);
        mpfr_exp(a, a, MPFR_RNDN);
    }
}

/* Where the functions bend, where exponentials leave the normal range, and every magnitude. */
static double sample(costate_random *random, size_t k) {
    double r = costate_random_uniform(random), sign = costate_random_below(random, 2) == 0 ? 1.0 : -1.0;
    switch (k % 6) {
    case 0: return sign * r;
    case 1: return sign * 40.0 * r;
    case 2: return sign * (700.0 + 50.0 * r);
    case 3: return sign * 27.5 * r;
    case 4: return sign * ldexp(r, -(int)costate_random_below(random, 60));
    default: return sign * 700.0 * r;
    }
}

static void sample_f64(const ulp_subject *subject, costate_accuracy accuracy, size_t n_block) {
    static double z[BLOCK], a[BLOCK];
    costate_random random = test_random(301 + (uint64_t)subject->act);
    worst_error worst = {0};
    mpfr_t exact_z, exact_a;
    mpfr_inits2(100, exact_z, exact_a, (mpfr_ptr)0);
    for (size_t b = 0; b < n_block; b++) {
        for (size_t i = 0; i < BLOCK; i++) {
            z[i] = sample(&random, i);
        }
        act_probe_f64(subject->act, accuracy, BLOCK, z, a, NULL);
        for (size_t i = 0; i < BLOCK; i++) {
            mpfr_set_d(exact_z, z[i], MPFR_RNDN);
            mpfr_act(subject->act, exact_a, exact_z);
            long double want = mpfr_get_ld(exact_a, MPFR_RNDN);
            note(&worst, ulp_error_f64(a[i], want), z[i], a[i], (double)want);
        }
    }
    mpfr_clears(exact_z, exact_a, (mpfr_ptr)0);
    report(subject, "f64", accuracy, &worst);
}

static void f64_sampled_error_is_within_bound(void **state) {
    (void)state;
    for (size_t k = 0; k < N_SUBJECT; k++) {
        sample_f64(&subjects[k], COSTATE_ACCURACY_FAST, 3);
        sample_f64(&subjects[k], COSTATE_ACCURACY_ACCURATE, 1);
    }
}

static void f64_densely_sampled_error_is_within_bound(void **state) {
    (void)state;
    for (size_t k = 0; k < N_SUBJECT; k++) {
        sample_f64(&subjects[k], COSTATE_ACCURACY_FAST, 200);
    }
}

#else

static void f64_sampled_error_is_within_bound(void **state) {
    (void)state;
    print_message("SKIPPED: built without MPFR\n");
    skip();
}

static void f64_densely_sampled_error_is_within_bound(void **state) { f64_sampled_error_is_within_bound(state); }

#endif

/* The function named on the command line. */
static const ulp_subject *exhaustive_subject;

static void f32_error_is_within_bound_at_every_input(void **state) {
    (void)state;
    sweep_f32(exhaustive_subject, COSTATE_ACCURACY_FAST, 1);
}

int main(int argc, char **argv) {
    if (!net_battery_isa_available()) {
        return TEST_SKIPPED;
    }
    if (argc == 2 && strcmp(argv[1], "--dense") == 0) {
        const struct CMUnitTest tests[] = {cmocka_unit_test(f64_densely_sampled_error_is_within_bound)};
        return cmocka_run_group_tests_name("act_ulp_dense", tests, NULL, NULL);
    }
    for (size_t k = 0; k < N_SUBJECT && argc == 3 && strcmp(argv[1], "--exhaustive") == 0; k++) {
        if (strcmp(argv[2], costate_act_name(subjects[k].act)) == 0) {
            exhaustive_subject = &subjects[k];
            const struct CMUnitTest tests[] = {cmocka_unit_test(f32_error_is_within_bound_at_every_input)};
            return cmocka_run_group_tests_name("act_ulp_exhaustive", tests, NULL, NULL);
        }
    }
    if (argc != 1) {
        print_error("usage: %s [--dense | --exhaustive <activation>]\n", argv[0]);
        return 2;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(f32_strided_error_is_within_bound),
        cmocka_unit_test(f64_sampled_error_is_within_bound),
    };
    return cmocka_run_group_tests_name("act_ulp", tests, NULL, NULL);
}
