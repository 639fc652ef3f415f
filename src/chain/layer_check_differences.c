/* SPDX-License-Identifier: MIT */
/* Derivatives of a layer by extrapolated central differences. */
#include "chain/layer_check_internal.h"

#include <math.h>
#include <string.h>

/* Step lengths 2^first, 2^(first − ratio), …: from where functions that bend on a scale of 1 are smooth down to where
   rounding is felt, past kinks that a longer step crosses. */
typedef struct step_lengths {
    int first;
    int ratio;
} step_lengths;

static const step_lengths single_steps = {-2, 1};
static const step_lengths double_steps = {-4, 3};

/*
 * The limit of difference quotients by Ridders' extrapolation (Adv. Eng. Softw. 4, 1982); those before one that is not
 * finite, because a step left the domain, do not count. NaN if too few are left.
 */
static double extrapolate(const double *quotient, size_t stride, double square) {
    double above[CSI_LAYER_STEPS] = {0};
    double row[CSI_LAYER_STEPS];
    double best = (double)NAN, least = (double)INFINITY;
    size_t n_before = 0;
    for (size_t k = 0; k < CSI_LAYER_STEPS; k++) {
        double power = 1;
        row[0] = quotient[k * stride];
        if (!isfinite(row[0])) {
            n_before = 0;
            continue;
        }
        for (size_t m = 1; m <= n_before; m++) {
            power *= square;
            row[m] = row[m - 1] + (row[m - 1] - above[m - 1]) / (power - 1);
            const double error = fmax(fabs(row[m] - row[m - 1]), fabs(row[m] - above[m - 1]));
            if (error < least) {
                least = error;
                best = row[m];
            }
        }
        n_before++;
        memcpy(above, row, n_before * sizeof *row);
    }
    return best;
}

/* Largest power of two that is not above x. */
static double scale_of(double x) { return ldexp(1, ilogb(x)); }

/* A displaced value as the layer will see it. */
static double seen(const csi_layer_check *check, double x) { return check->is_double ? x : (double)(float)x; }

/* Outputs with every stride-th element from `element` on, `n` in all, displaced by `step`; they are put back after. */
static costate_status evaluate_at(const csi_layer_check *check, double *element, size_t n, size_t stride, double step,
                                  double *saved, double *y) {
    for (size_t s = 0; s < n; s++) {
        saved[s] = element[s * stride];
        element[s * stride] = seen(check, saved[s] + step);
    }
    csi_layer_run run = csi_layer_run_of(check);
    run.y = y;
    run.v = NULL;
    const costate_status status = csi_layer_evaluate(check, &run, check->is_double);
    for (size_t s = 0; s < n; s++) {
        element[s * stride] = saved[s];
    }
    return status;
}

/* Σ v (above − below) of each sample. */
static void add_up(const csi_layer_check *check, double *sums) {
    const size_t n_out = check->link->n_out;
    for (size_t s = 0; s < check->options.n_sample; s++) {
        sums[s] = 0;
        for (size_t i = s * n_out; i < (s + 1) * n_out; i++) {
            sums[s] += check->v[i] * (check->above[i] - check->below[i]);
        }
    }
}

/* Quotients for every step length; the `n` displaced elements belong to a sample each, or the one to all of them. */
static costate_status find_quotients(const csi_layer_check *check, double *element, size_t n, size_t stride,
                                     double scale) {
    const step_lengths steps = check->is_double ? double_steps : single_steps;
    const size_t n_sample = check->options.n_sample;
    for (size_t k = 0; k < CSI_LAYER_STEPS; k++) {
        double *sums = check->quotient + k * n_sample;
        const double step = ldexp(scale, steps.first - (int)k * steps.ratio);
        costate_status status = evaluate_at(check, element, n, stride, step, sums, check->above);
        if (status == COSTATE_OK) {
            status = evaluate_at(check, element, n, stride, -step, sums, check->below);
        }
        if (status != COSTATE_OK) {
            return status;
        }
        add_up(check, sums);
        for (size_t s = 0; s < n_sample; s++) {
            const double x = element[(n == 1 ? 0 : s) * stride];
            sums[s] /= seen(check, x + step) - seen(check, x - step);
        }
        for (size_t s = 1; n == 1 && s < n_sample; s++) {
            sums[0] += sums[s];
        }
    }
    return COSTATE_OK;
}

costate_status csi_layer_differences(csi_layer_check *check) {
    const size_t n_sample = check->options.n_sample, n_in = check->link->n_in, n_param = check->link->n_param;
    const double square = check->is_double ? ldexp(1, 2 * double_steps.ratio) : ldexp(1, 2 * single_steps.ratio);
    const double width = scale_of((check->options.x_high - check->options.x_low) / 2);
    for (size_t j = 0; j < n_param; j++) {
        double *element = check->p + j;
        const costate_status status = find_quotients(check, element, 1, 1, scale_of(fmax(1, fabs(*element))));
        if (status != COSTATE_OK) {
            return status;
        }
        check->numeric_pbar[j] = extrapolate(check->quotient, n_sample, square);
    }
    for (size_t i = 0; i < n_in && check->options.n_integer == 0; i++) {
        const costate_status status = find_quotients(check, check->x + i, n_sample, n_in, width);
        if (status != COSTATE_OK) {
            return status;
        }
        for (size_t s = 0; s < n_sample; s++) {
            check->numeric_xbar[s * n_in + i] = extrapolate(check->quotient + s, n_sample, square);
        }
    }
    return COSTATE_OK;
}
