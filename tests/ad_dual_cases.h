/* SPDX-License-Identifier: MIT */
/* Tests of the dual numbers with AD_DUAL_N partials; included once for every size, hence without a guard. */

#define CASE_PASTE_(name, n) name##_##n
#define CASE_PASTE(name, n) CASE_PASTE_(name, n)
#define CASE(name) CASE_PASTE(name, AD_DUAL_N)

static void CASE(operations_have_their_derivatives)(void **state) {
    (void)state;
    const double a = 0.7;
    const double b = 1.3;
    for (size_t k = 0; k < AD_DUAL_N; k++) {
        const AD_DUAL() x = AD_DUAL(_variable)(a, k);
        const AD_DUAL() y = AD_DUAL(_affine)(3.0, AD_DUAL(_variable)(b, AD_DUAL_N - 1 - k), -2.0 * b);
        const double tangent = 1.0 - tanh(a) * tanh(a);
        const struct {
            AD_DUAL() result;
            double value, by_x, by_y;
        } rows[] = {
            {AD_DUAL(_add)(x, y), a + b, 1.0, 1.0},
            {AD_DUAL(_sub)(x, y), a - b, 1.0, -1.0},
            {AD_DUAL(_mul)(x, y), a * b, b, a},
            {AD_DUAL(_div)(x, y), a / b, 1.0 / b, -a / (b * b)},
            {AD_DUAL(_pow)(x, 2.5), pow(a, 2.5), 2.5 * pow(a, 1.5), 0.0},
            {AD_DUAL(_sqrt)(x), sqrt(a), 0.5 / sqrt(a), 0.0},
            {AD_DUAL(_exp)(x), exp(a), exp(a), 0.0},
            {AD_DUAL(_log)(x), log(a), 1.0 / a, 0.0},
            {AD_DUAL(_sin)(x), sin(a), cos(a), 0.0},
            {AD_DUAL(_cos)(x), cos(a), -sin(a), 0.0},
            {AD_DUAL(_tanh)(x), tanh(a), tangent, 0.0},
            {AD_DUAL(_relu)(x), a, 1.0, 0.0},
            {AD_DUAL(_relu)(AD_DUAL(_affine)(-1.0, x, 0.0)), 0.0, 0.0, 0.0},
            {AD_DUAL(_constant)(b), b, 0.0, 0.0},
        };
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
            assert_close(rows[i].result.value, rows[i].value, 1e-14, 0.0);
            for (size_t j = 0; j < AD_DUAL_N; j++) {
                const double expected =
                    (j == k ? rows[i].by_x : 0.0) + (j == AD_DUAL_N - 1 - k ? 3.0 * rows[i].by_y : 0.0);
                assert_close(rows[i].result.partial[j], expected, 1e-14, 1e-15);
            }
        }
    }
}

/* Σ_j sin(x_j)·exp(x_{j+1} / 2) / (1 + x_j²), indices modulo n. */
static AD_DUAL() CASE(mixture)(const AD_DUAL() * x) {
    AD_DUAL() sum = AD_DUAL(_constant)(0.0);
    for (size_t j = 0; j < AD_DUAL_N; j++) {
        const AD_DUAL() growth = AD_DUAL(_exp)(AD_DUAL(_affine)(0.5, x[(j + 1) % AD_DUAL_N], 0.0));
        const AD_DUAL() below = AD_DUAL(_affine)(1.0, AD_DUAL(_mul)(x[j], x[j]), 1.0);
        sum = AD_DUAL(_add)(sum, AD_DUAL(_div)(AD_DUAL(_mul)(AD_DUAL(_sin)(x[j]), growth), below));
    }
    return sum;
}

static double CASE(mixture_value)(const double *x) {
    double sum = 0.0;
    for (size_t j = 0; j < AD_DUAL_N; j++) {
        sum += sin(x[j]) * exp(0.5 * x[(j + 1) % AD_DUAL_N]) / (1.0 + x[j] * x[j]);
    }
    return sum;
}

static void CASE(mixture_agrees_with_differences)(void **state) {
    (void)state;
    costate_random random = test_random(AD_DUAL_N);
    double x[AD_DUAL_N];
    AD_DUAL() dual[AD_DUAL_N];
    fill_normal(&random, x, AD_DUAL_N, 1.0);
    for (size_t k = 0; k < AD_DUAL_N; k++) {
        dual[k] = AD_DUAL(_variable)(x[k], k);
    }
    const AD_DUAL() result = CASE(mixture)(dual);
    assert_close(result.value, CASE(mixture_value)(x), 1e-14, 1e-15);
    for (size_t k = 0; k < AD_DUAL_N; k++) {
        const double h = 1e-5;
        const double centre = x[k];
        x[k] = centre + h;
        const double up = CASE(mixture_value)(x);
        x[k] = centre - h;
        const double down = CASE(mixture_value)(x);
        x[k] = centre;
        assert_close(result.partial[k], (up - down) / (2.0 * h), 1e-7, 1e-8);
    }
}

#undef CASE
#undef CASE_PASTE
#undef CASE_PASTE_
