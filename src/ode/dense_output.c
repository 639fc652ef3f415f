/* SPDX-License-Identifier: MIT */
/* Dense output of a one-step method: the polynomial over one step, its value, slope and VJP. */
#include "ode/dense_output.h"

#include "ode/short_state.h"

enum { SHORT = 4 };

/* function(n, degree, alternating, …) with these constant: the two forms that the tableaux have. */
#define BY_FORM(function, tableau, n, ...)                                                                             \
    ((tableau)->alternating ? CSI_BY_STATES(function, n, 7, true, __VA_ARGS__)                                         \
                            : CSI_BY_STATES(function, n, 4, false, __VA_ARGS__))

/* φ_d = factor φ_(d−1), φ_(−1) = 1. */
CSI_INLINE double factor(bool alternating, size_t d, double theta) {
    return alternating && d % 2 == 1 ? 1.0 - theta : theta;
}

CSI_INLINE void coefficients(size_t n, size_t degree, bool alternating, const csi_tableau *restrict tableau, double h,
                             const double *restrict k, double *restrict coef) {
    (void)alternating;
    const int n_slope = csi_tableau_n_slope(tableau);
    for (size_t i = 0; i < n; i++) {
        double sum[CSI_DENSE_DEGREE] = {0.0};
        for (int s = 0; s < n_slope; s++) {
            for (size_t d = 0; d < degree; d++) {
                sum[d] += tableau->dense[s][d] * k[(size_t)s * n + i];
            }
        }
        for (size_t d = 0; d < degree; d++) {
            coef[d * n + i] = h * sum[d];
        }
    }
}

void csi_dense_coefficients(const csi_step_record *record, size_t n, double *restrict coef) {
    BY_FORM(coefficients, record->tableau, n, record->tableau, record->h, record->k, coef);
}

CSI_INLINE void value(size_t n, size_t degree, bool alternating, const double *restrict y, const double *restrict coef,
                      double theta, double *restrict out) {
    for (size_t i = 0; i < n; i++) {
        double sum = coef[(degree - 1) * n + i];
        for (size_t d = degree - 1; d > 0; d--) {
            sum = sum * factor(alternating, d, theta) + coef[(d - 1) * n + i];
        }
        out[i] = y[i] + theta * sum;
    }
}

void csi_dense_value(const csi_step_record *record, size_t n, const double *coef, double theta, double *restrict y) {
    BY_FORM(value, record->tableau, n, record->y, coef, theta, y);
}

CSI_INLINE void rows_of(size_t n, size_t degree, bool alternating, const csi_step_record *restrict record,
                        const double *restrict y, const double *restrict coef, size_t n_row, const double *restrict t,
                        double *restrict rows) {
    const double begin = record->t;
    const double per_h = 1.0 / record->h;
    for (size_t r = 0; r < n_row; r++) {
        value(n, degree, alternating, y, coef, (t[r] - begin) * per_h, rows + r * n);
    }
}

void csi_dense_rows(const csi_step_record *record, size_t n, const double *coef, size_t n_row, const double *t,
                    double *restrict rows) {
    BY_FORM(rows_of, record->tableau, n, record, record->y, coef, n_row, t, rows);
}

/* The value's Horner scheme with its derivative. */
CSI_INLINE void slope(size_t n, size_t degree, bool alternating, const double *restrict coef, double theta, double h,
                      double *restrict dydt) {
    for (size_t i = 0; i < n; i++) {
        double sum = coef[(degree - 1) * n + i];
        double change = 0.0;
        for (size_t d = degree - 1; d > 0; d--) {
            const double turn = alternating && d % 2 == 1 ? -1.0 : 1.0;
            change = change * factor(alternating, d, theta) + turn * sum;
            sum = sum * factor(alternating, d, theta) + coef[(d - 1) * n + i];
        }
        dydt[i] = (sum + theta * change) / h;
    }
}

void csi_dense_slope(const csi_step_record *record, size_t n, const double *coef, double theta, double *dydt) {
    BY_FORM(slope, record->tableau, n, coef, theta, record->h, dydt);
}

/* place (degree + 1) × n: += v and φ_d(θ) v. */
CSI_INLINE void add_moments(size_t n, size_t degree, bool alternating, double theta, const double *v, double *place) {
    if (n > SHORT) {
        for (size_t i = 0; i < n; i++) {
            double term = v[i];
            place[i] += term;
            for (size_t d = 0; d < degree; d++) {
                term *= factor(alternating, d, theta);
                place[(d + 1) * n + i] += term;
            }
        }
        return;
    }
    double term[SHORT];
    for (size_t i = 0; i < n; i++) {
        term[i] = v[i];
        place[i] += term[i];
    }
    for (size_t d = 0; d < degree; d++) {
        const double next = factor(alternating, d, theta);
        for (size_t i = 0; i < n; i++) {
            term[i] *= next;
            place[(d + 1) * n + i] += term[i];
        }
    }
}

/* Short states are summed up in registers, odd and even rows apart because each sum has to wait for its last addition. */
CSI_INLINE void moments_of_rows(size_t n, size_t degree, bool alternating, const csi_step_record *record, size_t n_row,
                                const double *t, const double *restrict v, double *restrict moment) {
    const double begin = record->t;
    const double per_h = 1.0 / record->h;
    if (n > SHORT) {
        for (size_t r = 0; r < n_row; r++) {
            add_moments(n, degree, alternating, (t[r] - begin) * per_h, v + r * n, moment);
        }
        return;
    }
    double even[(CSI_DENSE_DEGREE + 1) * SHORT];
    double odd[(CSI_DENSE_DEGREE + 1) * SHORT];
    for (size_t i = 0; i < (degree + 1) * n; i++) {
        even[i] = 0.0;
        odd[i] = 0.0;
    }
    size_t r = 0;
    for (; r + 2 <= n_row; r += 2) {
        add_moments(n, degree, alternating, (t[r] - begin) * per_h, v + r * n, even);
        add_moments(n, degree, alternating, (t[r + 1] - begin) * per_h, v + (r + 1) * n, odd);
    }
    if (r < n_row) {
        add_moments(n, degree, alternating, (t[r] - begin) * per_h, v + r * n, even);
    }
    for (size_t i = 0; i < (degree + 1) * n; i++) {
        moment[i] += even[i] + odd[i];
    }
}

void csi_dense_moments_of_rows(const csi_step_record *record, size_t n, size_t n_row, const double *t, const double *v,
                               double *restrict moment) {
    BY_FORM(moments_of_rows, record->tableau, n, record, n_row, t, v, moment);
}

CSI_INLINE void pull_back(size_t n, size_t degree, bool alternating, const csi_tableau *restrict tableau, double h,
                          const double *restrict moment, double *restrict kbar) {
    (void)alternating;
    const int n_slope = csi_tableau_n_slope(tableau);
    for (int s = 0; s < n_slope; s++) {
        const double *dense = tableau->dense[s];
        for (size_t i = 0; i < n; i++) {
            double sum = dense[0] * moment[n + i];
            for (size_t d = 1; d < degree; d++) {
                sum += dense[d] * moment[(d + 1) * n + i];
            }
            kbar[(size_t)s * n + i] += h * sum;
        }
    }
}

void csi_dense_pull_back(const csi_step_record *record, size_t n, const double *moment, double *restrict kbar) {
    BY_FORM(pull_back, record->tableau, n, record->tableau, record->h, moment, kbar);
}
