/* SPDX-License-Identifier: MIT */
/* Asserts for numbers: NaN fails every one of them, and each message shows index and values. */
#include "support/asserts.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

static bool is_close(double actual, double expected, double rtol, double atol) {
    if (isfinite(expected)) {
        return fabs(actual - expected) <= atol + rtol * fabs(expected);
    }
    return actual == expected;
}

static void report_close(double actual, double expected, double rtol, double atol, const char *what) {
    print_error("%s = %.17g, expected %.17g; difference %.3g exceeds rtol %.3g, atol %.3g\n", what, actual, expected,
                actual - expected, rtol, atol);
}

void check_close(double actual, double expected, double rtol, double atol, const char *what, const char *file,
                 int line) {
    if (!is_close(actual, expected, rtol, atol)) {
        report_close(actual, expected, rtol, atol, what);
        _fail(file, line);
    }
}

static void check_close_element(double actual, double expected, double rtol, double atol, const char *what, size_t i,
                                const char *file, int line) {
    if (!is_close(actual, expected, rtol, atol)) {
        print_error("element %zu: ", i);
        report_close(actual, expected, rtol, atol, what);
        _fail(file, line);
    }
}

void check_close_array_f64(const double *actual, const double *expected, size_t n, double rtol, double atol,
                           const char *what, const char *file, int line) {
    for (size_t i = 0; i < n; i++) {
        check_close_element(actual[i], expected[i], rtol, atol, what, i, file, line);
    }
}

void check_close_array_f32(const float *actual, const float *expected, size_t n, double rtol, double atol,
                           const char *what, const char *file, int line) {
    for (size_t i = 0; i < n; i++) {
        check_close_element((double)actual[i], (double)expected[i], rtol, atol, what, i, file, line);
    }
}

void check_same_bits_f64(const double *actual, const double *expected, size_t n, const char *what, const char *file,
                         int line) {
    for (size_t i = 0; i < n; i++) {
        uint64_t a;
        uint64_t e;
        memcpy(&a, &actual[i], sizeof a);
        memcpy(&e, &expected[i], sizeof e);
        if (a != e) {
            print_error("element %zu: %s = %a (%016" PRIx64 "), expected %a (%016" PRIx64 ")\n", i, what, actual[i], a,
                        expected[i], e);
            _fail(file, line);
        }
    }
}

void check_same_bits_f32(const float *actual, const float *expected, size_t n, const char *what, const char *file,
                         int line) {
    for (size_t i = 0; i < n; i++) {
        uint32_t a;
        uint32_t e;
        memcpy(&a, &actual[i], sizeof a);
        memcpy(&e, &expected[i], sizeof e);
        if (a != e) {
            print_error("element %zu: %s = %a (%08" PRIx32 "), expected %a (%08" PRIx32 ")\n", i, what,
                        (double)actual[i], a, (double)expected[i], e);
            _fail(file, line);
        }
    }
}

/* Spacing of a binary format with `digits` bits and smallest exponent `min_exponent` (as in float.h) around x. */
static long double spacing(long double x, int digits, int min_exponent) {
    int exponent;
    (void)frexpl(x, &exponent);
    if (x == 0 || exponent < min_exponent) {
        exponent = min_exponent;
    }
    return ldexpl(1, exponent - digits);
}

static double ulp_error(long double actual, long double expected, long double largest, int digits, int min_exponent) {
    if (isnan(expected) || isnan(actual)) {
        return (double)INFINITY;
    }
    if (actual == expected) {
        return 0;
    }
    if (fabsl(expected) > largest || isinf(actual)) {
        return (double)INFINITY;
    }
    return (double)(fabsl(actual - expected) / spacing(expected, digits, min_exponent));
}

double ulp_error_f64(double actual, long double expected) {
    return ulp_error((long double)actual, expected, (long double)DBL_MAX, DBL_MANT_DIG, DBL_MIN_EXP);
}

double ulp_error_f32(float actual, long double expected) {
    return ulp_error((long double)actual, expected, (long double)FLT_MAX, FLT_MANT_DIG, FLT_MIN_EXP);
}

static void check_ulp(double error, double actual, long double expected, double max_ulp, const char *what,
                      const char *file, int line) {
    if (!(error <= max_ulp)) {
        print_error("%s = %.17g, expected %.21Lg; off by %.3g ulp, allowed %.3g\n", what, actual, expected, error,
                    max_ulp);
        _fail(file, line);
    }
}

void check_ulp_f64(double actual, long double expected, double max_ulp, const char *what, const char *file, int line) {
    check_ulp(ulp_error_f64(actual, expected), actual, expected, max_ulp, what, file, line);
}

void check_ulp_f32(float actual, long double expected, double max_ulp, const char *what, const char *file, int line) {
    check_ulp(ulp_error_f32(actual, expected), (double)actual, expected, max_ulp, what, file, line);
}

void check_all_finite_f64(const double *x, size_t n, const char *what, const char *file, int line) {
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(x[i])) {
            print_error("element %zu: %s = %g is not finite\n", i, what, x[i]);
            _fail(file, line);
        }
    }
}

void check_all_finite_f32(const float *x, size_t n, const char *what, const char *file, int line) {
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(x[i])) {
            print_error("element %zu: %s = %g is not finite\n", i, what, (double)x[i]);
            _fail(file, line);
        }
    }
}

void check_status(costate_status actual, costate_status expected, const char *what, const char *file, int line) {
    if (actual != expected) {
        print_error("%s: %s, expected %s\n", what, costate_status_name(actual), costate_status_name(expected));
        _fail(file, line);
    }
}
