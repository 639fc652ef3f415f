/* SPDX-License-Identifier: MIT */
/* Inverse of the standard normal distribution function (Wichura, algorithm AS 241, PPND16, Appl. Statist. 37, 1988). */
#include "core/normal_quantile.h"

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define LN2_HIGH 0x1.62e42fefa38p-1 /* 11 trailing zeros: exact times any exponent */
#define LN2_LOW 0x1.ef35793c7673p-45
#define SQRT_HALF 0x1.6a09e667f3bcdp-1

/* Natural logarithm of a normal positive number to about an ulp; libm's differs between platforms. */
static double portable_log(double x) {
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    int exponent = (int)(bits >> 52) - 1022;
    bits = (bits & 0x000fffffffffffffu) | 0x3fe0000000000000u;
    double m;
    memcpy(&m, &bits, sizeof m);
    if (m < SQRT_HALF) {
        m *= 2;
        exponent--;
    }
    /* log m = 2 artanh(s) with |s| < 0.172: eleven terms leave 1e-18. */
    double s = (m - 1) / (m + 1);
    double z = s * s;
    double sum = 0;
    for (int k = 10; k >= 1; k--) {
        sum = (sum + 1.0 / (2 * k + 1)) * z;
    }
    return exponent * LN2_HIGH + (exponent * LN2_LOW + (2 * s + 2 * s * sum));
}

static double polynomial(const double *coefficient, double x) {
    double sum = coefficient[7];
    for (size_t k = 7; k > 0; k--) {
        sum = sum * x + coefficient[k - 1];
    }
    return sum;
}

/* Numerator and denominator for |p - 1/2| <= 0.425, in 0.425^2 - (p - 1/2)^2. */
static const double centre_num[8] = {3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3,
                                     1.3731693765509461125e4, 4.5921953931549871457e4, 6.7265770927008700853e4,
                                     3.3430575583588128105e4, 2.5090809287301226727e3};
static const double centre_den[8] = {1.0,
                                     4.2313330701600911252e1,
                                     6.8718700749205790830e2,
                                     5.3941960214247511077e3,
                                     2.1213794301586595867e4,
                                     3.9307895800092710610e4,
                                     2.8729085735721942674e4,
                                     5.2264952788528545610e3};
/* For r = sqrt(-log(tail probability)) <= 5, in r - 1.6. */
static const double near_num[8] = {1.42343711074968357734e0,  4.63033784615654529590e0, 5.76949722146069140550e0,
                                   3.64784832476320460504e0,  1.27045825245236838258e0, 2.41780725177450611770e-1,
                                   2.27238449892691845833e-2, 7.74545014278341407640e-4};
static const double near_den[8] = {1.0,
                                   2.05319162663775882187e0,
                                   1.67638483018380384940e0,
                                   6.89767334985100004550e-1,
                                   1.48103976427480074590e-1,
                                   1.51986665636164571966e-2,
                                   5.47593808499534494600e-4,
                                   1.05075007164441684324e-9};
/* For r > 5, in r - 5. */
static const double far_num[8] = {6.65790464350110377720e0,  5.46378491116411436990e0,  1.78482653991729133580e0,
                                  2.96560571828504891230e-1, 2.65321895265761230930e-2, 1.24266094738807843860e-3,
                                  2.71155556874348757815e-5, 2.01033439929228813265e-7};
static const double far_den[8] = {1.0,
                                  5.99832206555887937690e-1,
                                  1.36929880922735805310e-1,
                                  1.48753612908506148525e-2,
                                  7.86869131145613259100e-4,
                                  1.84631831751005468180e-5,
                                  1.42151175831644588870e-7,
                                  2.04426310338993978564e-15};

double csi_normal_quantile(double p) {
    double q = p - 0.5;
    if (fabs(q) <= 0.425) {
        double r = 0.180625 - q * q;
        return q * polynomial(centre_num, r) / polynomial(centre_den, r);
    }
    double tail = q < 0 ? p : 1 - p;
    double r = sqrt(-portable_log(tail));
    double z;
    if (r <= 5) {
        z = polynomial(near_num, r - 1.6) / polynomial(near_den, r - 1.6);
    } else {
        z = polynomial(far_num, r - 5) / polynomial(far_den, r - 5);
    }
    return q < 0 ? -z : z;
}
