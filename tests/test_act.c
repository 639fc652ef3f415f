/* SPDX-License-Identifier: MIT */
/* Activations: names, values and derivatives at ordinary and extreme arguments. */
#include "act_probe.h"
#include "net_battery.h"
#include "reference_act.h"

#include "support/seeded_random.h"
#include <float.h>
#include <math.h>
#include <stdlib.h>

static const struct {
    costate_act act;
    const char *name, *formula;
} listed[] = {
#define LISTED(enumerator, name, formula) {COSTATE_ACT_##enumerator, #name, formula},
    COSTATE_ACT_LIST(LISTED)
#undef LISTED
};

static void name_round_trip_covers_the_list(void **state) {
    (void)state;
    assert_int_equal(sizeof listed / sizeof *listed, COSTATE_ACT_COUNT);
    for (size_t k = 0; k < COSTATE_ACT_COUNT; k++) {
        costate_act act = (costate_act)-1;
        assert_string_equal(costate_act_name(listed[k].act), listed[k].name);
        assert_string_equal(costate_act_formula(listed[k].act), listed[k].formula);
        assert_ok(costate_act_from_name(listed[k].name, &act));
        assert_int_equal(act, listed[k].act);
    }
}

static void name_of_unknown_activation_is_unknown(void **state) {
    (void)state;
    static const int unknown[] = {-1, COSTATE_ACT_COUNT, 12345};
    for (size_t k = 0; k < sizeof unknown / sizeof *unknown; k++) {
        assert_string_equal(costate_act_name((costate_act)unknown[k]), "unknown");
        assert_string_equal(costate_act_formula((costate_act)unknown[k]), "unknown");
    }
}

static void from_name_accepts_aliases_and_refuses_the_rest(void **state) {
    (void)state;
    costate_act act;
    assert_ok(costate_act_from_name("swish", &act));
    assert_int_equal(act, COSTATE_ACT_SILU);
    assert_ok(costate_act_from_name("linear", &act));
    assert_int_equal(act, COSTATE_ACT_IDENTITY);
    static const char *const unknown[] = {"", "Tanh", "tan", "tanh ", "relu6", "unknown"};
    for (size_t k = 0; k < sizeof unknown / sizeof *unknown; k++) {
        act = COSTATE_ACT_CUBE;
        assert_status(costate_act_from_name(unknown[k], &act), COSTATE_ERR_ARGUMENT);
        assert_int_equal(act, COSTATE_ACT_CUBE);
    }
    assert_status(costate_act_from_name(NULL, &act), COSTATE_ERR_NULL);
    assert_status(costate_act_from_name("tanh", NULL), COSTATE_ERR_NULL);
}

enum { N_RANDOM = 4000, N_POINT = 2 * 64 + N_RANDOM };

/* ± extreme and ordinary magnitudes, then random ones of widely different sizes. */
static size_t fill_points(double *z) {
    static const double magnitudes[] = {
        0.0,   4.9e-324, 1e-310, DBL_MIN, 1e-300, 1e-160, 1.4e-45, 1e-40, 1.2e-38, 1e-20, 1e-10, 1e-8,  1e-5,
        1e-3,  0.01,     0.1,    0.25,    0.3465, 0.5,    0.693,   0.75,  1.0,     1.5,   2.0,   3.0,   4.0,
        5.0,   6.0,      8.0,    9.0,     10.0,   13.0,   15.0,    17.0,  18.5,    20.0,  22.0,  30.0,  36.0,
        37.0,  40.0,     80.0,   87.0,    88.0,   89.0,   100.0,   103.5, 104.5,   500.0, 707.0, 708.0, 709.0,
        710.0, 744.0,    746.0,  800.0,   1e4,    1e5,    1e10,    1e18,  1e30,    3e38,  1e100, 1e300};
    static const double scales[] = {1e-3, 0.3, 1.0, 3.0, 10.0, 100.0, 1000.0, 1e6};
    size_t n = 0;
    for (size_t k = 0; k < sizeof magnitudes / sizeof *magnitudes; k++) {
        z[n++] = magnitudes[k];
        z[n++] = -magnitudes[k];
    }
    costate_random random = test_random(1);
    for (size_t k = 0; k < N_RANDOM; k++) {
        z[n++] = scales[k % (sizeof scales / sizeof *scales)] * costate_random_normal(&random);
    }
    return n;
}

/* Where the gate s of z·s is below the normal range it has an absolute error of one unit, which z multiplies. */
static double subnormal_gate_ulp(costate_act act, long double z, long double value, long double smallest) {
    bool gated = act == COSTATE_ACT_GELU || act == COSTATE_ACT_GELU_TANH || act == COSTATE_ACT_SILU;
    return gated && fabsl(value) < fabsl(z) * smallest ? fabs((double)z) : 0.0;
}

/*
 * Error allowed in units in the last place. Where the argument of an exponential is itself rounded, its relative rounding error times the argument
 * comes on top: z²/2 of the error function's tail, q(z) of gelu_tanh's.
 */
static double allowed_ulp(costate_act act, long double z) {
    double square = (double)(z * z), q = 1.6 * (fabs((double)z) + 0.044715 * fabs((double)z) * square);
    switch (act) {
    case COSTATE_ACT_IDENTITY:
    case COSTATE_ACT_RELU: return 0.0;
    case COSTATE_ACT_LEAKY_RELU:
    case COSTATE_ACT_CUBE: return 2.0;
    case COSTATE_ACT_GELU: return 7.0 + (z < 0.0L ? 2.5 * square : 0.0);
    case COSTATE_ACT_GELU_TANH: return 7.0 + (z < 0.0L ? 4.0 * q : 0.0);
    case COSTATE_ACT_SILU: return 6.0;
    default: return 4.0;
    }
}

static const char *real_name(net_real real) { return real == NET_F64 ? "f64" : "f32"; }

/* Values at the points of fill_points() in one precision, as doubles: order 0, 1 or 2. */
static size_t probe(costate_act act, costate_accuracy accuracy, net_real real, int order, double *z, double *value) {
    size_t n = fill_points(z);
    if (real == NET_F64) {
        if (order == 2) {
            act_probe_curvature_f64(act, accuracy, n, z, value);
        } else {
            act_probe_f64(act, accuracy, n, z, order == 0 ? value : NULL, order == 1 ? value : NULL);
        }
        return n;
    }
    static float z32[N_POINT], value32[N_POINT];
    for (size_t i = 0; i < n; i++) {
        z32[i] = (float)z[i];
        z[i] = (double)z32[i];
    }
    if (order == 2) {
        act_probe_curvature_f32(act, accuracy, n, z32, value32);
    } else {
        act_probe_f32(act, accuracy, n, z32, order == 0 ? value32 : NULL, order == 1 ? value32 : NULL);
    }
    for (size_t i = 0; i < n; i++) {
        value[i] = (double)value32[i];
    }
    return n;
}

static void for_each_variant(void (*check)(costate_act act, costate_accuracy accuracy, net_real real)) {
    for (size_t k = 0; k < COSTATE_ACT_COUNT; k++) {
        for (int accuracy = COSTATE_ACCURACY_FAST; accuracy <= COSTATE_ACCURACY_ACCURATE; accuracy++) {
            for (int real = 0; real < N_NET_REAL; real++) {
                check(listed[k].act, (costate_accuracy)accuracy, (net_real)real);
            }
        }
    }
}

static void check_values(costate_act act, costate_accuracy accuracy, net_real real) {
    static double z[N_POINT], a[N_POINT];
    size_t n = probe(act, accuracy, real, 0, z, a);
    long double largest = real == NET_F64 ? (long double)DBL_MAX : (long double)FLT_MAX;
    long double smallest = real == NET_F64 ? (long double)DBL_MIN : (long double)FLT_MIN;
    for (size_t i = 0; i < n; i++) {
        long double want = reference_act(act, 0, (long double)z[i]);
        if (isinf(z[i])) {
            continue;
        }
        if (fabsl(want) > largest) {
            assert_true(a[i] == copysign((double)INFINITY, (double)want));
            continue;
        }
        double error = real == NET_F64 ? ulp_error_f64(a[i], want) : ulp_error_f32((float)a[i], want);
        double allowed =
            allowed_ulp(act, (long double)z[i]) + subnormal_gate_ulp(act, (long double)z[i], want, smallest);
        if (!(error <= allowed)) {
            fail_msg("%s %s accuracy %d: act(%.17g) = %.17g, should be %.17Lg: %.3g ulp", costate_act_name(act),
                     real_name(real), (int)accuracy, z[i], a[i], want, error);
        }
    }
}

static void value_is_accurate_everywhere(void **state) {
    (void)state;
    for_each_variant(check_values);
}

static void check_derivative(costate_act act, costate_accuracy accuracy, net_real real, int order) {
    static double z[N_POINT], d[N_POINT];
    size_t n = probe(act, accuracy, real, order, z, d);
    long double u = net_real_roundoff(real), largest = real == NET_F64 ? (long double)DBL_MAX : (long double)FLT_MAX;
    long double smallest = real == NET_F64 ? (long double)DBL_MIN : (long double)FLT_MIN;
    for (size_t i = 0; i < n; i++) {
        reference_value want = reference_act_value(act, order, reference_exact(z[i]), u);
        /* The chain rule multiplies an overflowed slope with a zero second tangent. */
        if (isinf(z[i]) || fabsl(reference_act(act, 1, (long double)z[i])) > largest) {
            continue;
        }
        if (!(fabsl((long double)d[i] - want.value) <= want.error + smallest)) {
            fail_msg("%s %s accuracy %d: derivative %d at %.17g is %.17g, should be %.17Lg +- %.3Lg",
                     costate_act_name(act), real_name(real), (int)accuracy, order, z[i], d[i], want.value, want.error);
        }
    }
}

static void check_slope(costate_act act, costate_accuracy accuracy, net_real real) {
    check_derivative(act, accuracy, real, 1);
}

static void slope_is_accurate_everywhere(void **state) {
    (void)state;
    for_each_variant(check_slope);
}

static void check_curvature(costate_act act, costate_accuracy accuracy, net_real real) {
    check_derivative(act, accuracy, real, 2);
}

static void curvature_is_accurate_everywhere(void **state) {
    (void)state;
    for_each_variant(check_curvature);
}

/* Rounding must not carry a bounded function past its bound, or 1 - a*a turns negative. */
static void check_range(costate_act act, costate_accuracy accuracy, net_real real) {
    static const struct {
        costate_act act;
        double low, high;
    } ranges[] = {{COSTATE_ACT_TANH, -1.0, 1.0},
                  {COSTATE_ACT_SIGMOID, 0.0, 1.0},
                  {COSTATE_ACT_RELU, 0.0, (double)INFINITY},
                  {COSTATE_ACT_ELU, -1.0, (double)INFINITY},
                  {COSTATE_ACT_SOFTPLUS, 0.0, (double)INFINITY},
                  {COSTATE_ACT_SIN, -1.0, 1.0},
                  {COSTATE_ACT_GAUSSIAN, 0.0, 1.0}};
    static double z[N_POINT], a[N_POINT];
    for (size_t k = 0; k < sizeof ranges / sizeof *ranges; k++) {
        if (ranges[k].act == act) {
            size_t n = probe(act, accuracy, real, 0, z, a);
            for (size_t i = 0; i < n; i++) {
                if (!isinf(z[i]) && !(a[i] >= ranges[k].low && a[i] <= ranges[k].high)) {
                    fail_msg("%s %s: act(%.17g) = %.17g", costate_act_name(act), real_name(real), z[i], a[i]);
                }
            }
        }
    }
}

static void value_stays_in_range(void **state) {
    (void)state;
    for_each_variant(check_range);
}

#define INF ((double)INFINITY)
#define NONE ((double)NAN)

/* Limits at infinity; NONE: there is no limit, or IEEE arithmetic makes it -inf times 0, and then NaN and anything bounded are right. */
static const struct {
    costate_act act;
    double value[2], slope[2]; /* at -inf and +inf */
} limits[] = {
    {COSTATE_ACT_IDENTITY, {-INF, INF}, {1, 1}},
    {COSTATE_ACT_TANH, {-1, 1}, {0, 0}},
    {COSTATE_ACT_SIGMOID, {0, 1}, {0, 0}},
    {COSTATE_ACT_RELU, {0, INF}, {0, 1}},
    {COSTATE_ACT_LEAKY_RELU, {-INF, INF}, {0.01, 1}},
    {COSTATE_ACT_ELU, {-1, INF}, {0, 1}},
    {COSTATE_ACT_SOFTPLUS, {0, INF}, {0, 1}},
    {COSTATE_ACT_GELU, {NONE, INF}, {NONE, NONE}},
    {COSTATE_ACT_GELU_TANH, {NONE, INF}, {NONE, NONE}},
    {COSTATE_ACT_SILU, {NONE, INF}, {NONE, NONE}},
    {COSTATE_ACT_SIN, {NONE, NONE}, {NONE, NONE}},
    {COSTATE_ACT_CUBE, {-INF, INF}, {INF, INF}},
    {COSTATE_ACT_GAUSSIAN, {0, 0}, {NONE, NONE}},
};

static void assert_limit(costate_act act, double got, double want) {
    bool right = isnan(want) ? isnan(got) || fabs(got) <= 1.0 : isinf(want) ? got == want : fabs(got - want) <= 1e-7;
    if (!right) {
        fail_msg("%s at infinity is %g, should be %g", costate_act_name(act), got, want);
    }
}

static void limits_at_infinity_are_right(void **state) {
    (void)state;
    const double z[2] = {(double)-INFINITY, (double)INFINITY};
    const float z32[2] = {-INFINITY, INFINITY};
    assert_int_equal(sizeof limits / sizeof *limits, COSTATE_ACT_COUNT);
    for (size_t k = 0; k < COSTATE_ACT_COUNT; k++) {
        for (int accuracy = COSTATE_ACCURACY_FAST; accuracy <= COSTATE_ACCURACY_ACCURATE; accuracy++) {
            double a[2], d[2];
            float a32[2], d32[2];
            act_probe_f64(limits[k].act, (costate_accuracy)accuracy, 2, z, a, d);
            act_probe_f32(limits[k].act, (costate_accuracy)accuracy, 2, z32, a32, d32);
            for (size_t side = 0; side < 2; side++) {
                assert_limit(limits[k].act, a[side], limits[k].value[side]);
                assert_limit(limits[k].act, d[side], limits[k].slope[side]);
                assert_limit(limits[k].act, (double)a32[side], limits[k].value[side]);
                assert_limit(limits[k].act, (double)d32[side], limits[k].slope[side]);
            }
        }
    }
}

/* One NaN among ordinary points, at every lane of a vector and its tail. */
static void check_nan(costate_act act, costate_accuracy accuracy, net_real real) {
    enum { N = 35 };
    for (size_t bad = 0; bad < N; bad++) {
        double z[N], a[N];
        float z32[N], a32[N];
        for (size_t i = 0; i < N; i++) {
            z[i] = i == bad ? (double)NAN : 0.1 * (double)i - 1.7;
            z32[i] = (float)z[i];
        }
        if (real == NET_F64) {
            act_probe_f64(act, accuracy, N, z, a, NULL);
        } else {
            act_probe_f32(act, accuracy, N, z32, a32, NULL);
        }
        for (size_t i = 0; i < N; i++) {
            bool is_nan = real == NET_F64 ? isnan(a[i]) : isnan(a32[i]);
            if (is_nan != (i == bad)) {
                fail_msg("%s %s: NaN at %zu, unit %zu is %sNaN", costate_act_name(act), real_name(real), bad, i,
                         is_nan ? "" : "not ");
            }
        }
    }
}

static void nan_gives_nan_in_its_lane_only(void **state) {
    (void)state;
    for_each_variant(check_nan);
}

int main(void) {
    if (!net_battery_isa_available()) {
        return TEST_SKIPPED;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(name_round_trip_covers_the_list),
        cmocka_unit_test(name_of_unknown_activation_is_unknown),
        cmocka_unit_test(from_name_accepts_aliases_and_refuses_the_rest),
        cmocka_unit_test(value_is_accurate_everywhere),
        cmocka_unit_test(slope_is_accurate_everywhere),
        cmocka_unit_test(curvature_is_accurate_everywhere),
        cmocka_unit_test(value_stays_in_range),
        cmocka_unit_test(limits_at_infinity_are_right),
        cmocka_unit_test(nan_gives_nan_in_its_lane_only),
    };
    return cmocka_run_group_tests_name("act", tests, NULL, NULL);
}
