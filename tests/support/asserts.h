/* SPDX-License-Identifier: MIT */
/* Asserts for numbers: NaN fails every one of them, and each message shows index and values. Includes cmocka. */
#ifndef TEST_ASSERTS_H
#define TEST_ASSERTS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <costate/status.h>

/* |actual - expected| <= atol + rtol·|expected|; an infinite expected value asks for the same infinity. */
#define assert_close(actual, expected, rtol, atol)                                                                     \
    check_close((double)(actual), (double)(expected), (rtol), (atol), #actual, __FILE__, __LINE__)

/* assert_close for each of n elements. */
#define assert_close_array(actual, expected, n, rtol, atol)                                                            \
    check_close_array_f64((actual), (expected), (n), (rtol), (atol), #actual, __FILE__, __LINE__)
#define assert_close_array_f32(actual, expected, n, rtol, atol)                                                        \
    check_close_array_f32((actual), (expected), (n), (rtol), (atol), #actual, __FILE__, __LINE__)

/* The n elements have the same bits: -0 is not 0, and a NaN matches only the same NaN. */
#define assert_same_bits_f64(actual, expected, n)                                                                      \
    check_same_bits_f64((actual), (expected), (n), #actual, __FILE__, __LINE__)
#define assert_same_bits_f32(actual, expected, n)                                                                      \
    check_same_bits_f32((actual), (expected), (n), #actual, __FILE__, __LINE__)

/* actual is within max_ulp units in the last place (of its own type, at expected) of a long double reference. */
#define assert_ulp_f64(actual, expected, max_ulp)                                                                      \
    check_ulp_f64((actual), (long double)(expected), (max_ulp), #actual, __FILE__, __LINE__)
#define assert_ulp_f32(actual, expected, max_ulp)                                                                      \
    check_ulp_f32((actual), (long double)(expected), (max_ulp), #actual, __FILE__, __LINE__)

/* Every one of the n elements is finite. */
#define assert_all_finite(x, n) check_all_finite_f64((x), (n), #x, __FILE__, __LINE__)
#define assert_all_finite_f32(x, n) check_all_finite_f32((x), (n), #x, __FILE__, __LINE__)

/* A call returned the status that was expected; the message names both. */
#define assert_status(actual, expected) check_status((actual), (expected), #actual, __FILE__, __LINE__)
#define assert_ok(actual) assert_status(actual, COSTATE_OK)

/* Error in units in the last place, as the ulp asserts measure it; infinite where they would never pass. */
double ulp_error_f64(double actual, long double expected);
double ulp_error_f32(float actual, long double expected);

void check_close(double actual, double expected, double rtol, double atol, const char *what, const char *file,
                 int line);
void check_close_array_f64(const double *actual, const double *expected, size_t n, double rtol, double atol,
                           const char *what, const char *file, int line);
void check_close_array_f32(const float *actual, const float *expected, size_t n, double rtol, double atol,
                           const char *what, const char *file, int line);
void check_same_bits_f64(const double *actual, const double *expected, size_t n, const char *what, const char *file,
                         int line);
void check_same_bits_f32(const float *actual, const float *expected, size_t n, const char *what, const char *file,
                         int line);
void check_ulp_f64(double actual, long double expected, double max_ulp, const char *what, const char *file, int line);
void check_ulp_f32(float actual, long double expected, double max_ulp, const char *what, const char *file, int line);
void check_all_finite_f64(const double *x, size_t n, const char *what, const char *file, int line);
void check_all_finite_f32(const float *x, size_t n, const char *what, const char *file, int line);
void check_status(costate_status actual, costate_status expected, const char *what, const char *file, int line);

#endif
