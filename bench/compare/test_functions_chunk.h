/* SPDX-License-Identifier: MIT */
/* The two functions on dual numbers with AD_DUAL_N partials; included once for every size, hence without a guard. */

/* Element i, a variable if it is one of the chunk that begins at `first`. */
static inline AD_DUAL() CHUNK(element)(const double *x, size_t i, size_t first) {
    const size_t k = i - first;
    return k < AD_DUAL_N ? AD_DUAL(_variable)(x[i], k) : AD_DUAL(_constant)(x[i]);
}

static AD_DUAL() CHUNK(rosenbrock_value)(size_t n, const double *x, size_t first) {
    AD_DUAL() sum = AD_DUAL(_constant)(0.0);
    AD_DUAL() here = CHUNK(element)(x, 0, first);
    for (size_t i = 0; i + 1 < n; i++) {
        const AD_DUAL() next = CHUNK(element)(x, i + 1, first);
        const AD_DUAL() a = AD_DUAL(_affine)(-1.0, here, 1.0);
        const AD_DUAL() b = AD_DUAL(_sub)(next, AD_DUAL(_mul)(here, here));
        sum = AD_DUAL(_add)(sum, AD_DUAL(_add)(AD_DUAL(_mul)(a, a), AD_DUAL(_affine)(100.0, AD_DUAL(_mul)(b, b), 0.0)));
        here = next;
    }
    return sum;
}

static AD_DUAL() CHUNK(ackley_value)(size_t n, const double *x, size_t first) {
    const double scale = 1.0 / (double)n;
    AD_DUAL() squares = AD_DUAL(_constant)(0.0);
    AD_DUAL() cosines = AD_DUAL(_constant)(0.0);
    for (size_t i = 0; i < n; i++) {
        const AD_DUAL() here = CHUNK(element)(x, i, first);
        squares = AD_DUAL(_add)(squares, AD_DUAL(_mul)(here, here));
        cosines = AD_DUAL(_add)(cosines, AD_DUAL(_cos)(AD_DUAL(_affine)(2.0 * pi, here, 0.0)));
    }
    const AD_DUAL() root = AD_DUAL(_sqrt)(AD_DUAL(_affine)(scale, squares, 0.0));
    const AD_DUAL() bowl = AD_DUAL(_affine)(-20.0, AD_DUAL(_exp)(AD_DUAL(_affine)(-0.2, root, 0.0)), 20.0 + exp(1.0));
    return AD_DUAL(_sub)(bowl, AD_DUAL(_exp)(AD_DUAL(_affine)(scale, cosines, 0.0)));
}

static inline double CHUNK(all_chunks)(AD_DUAL() (*f)(size_t n, const double *x, size_t first), size_t n,
                                       const double *x, double *gradient) {
    double value = 0.0;
    for (size_t first = 0; first < n; first += AD_DUAL_N) {
        const AD_DUAL() r = f(n, x, first);
        for (size_t k = 0; k < AD_DUAL_N && first + k < n; k++) {
            gradient[first + k] = r.partial[k];
        }
        value = r.value;
    }
    return value;
}

double CHUNK(rosenbrock)(size_t n, const double *x, double *gradient) {
    return CHUNK(all_chunks)(CHUNK(rosenbrock_value), n, x, gradient);
}

double CHUNK(ackley)(size_t n, const double *x, double *gradient) {
    return CHUNK(all_chunks)(CHUNK(ackley_value), n, x, gradient);
}
