/* SPDX-License-Identifier: MIT */
/* Summaries of the residuals of a fit. */
#include "core/memory.h"
#include "fit/fit_internal.h"

#include <costate/inference.h>
#include <math.h>
#include <string.h>

#define NORMAL_95 1.96

/* Residuals and predictions of a group of series, all their observations in a row. */
typedef struct series_group {
    costate_fit *fit;
    const double *x;
    bool held_out;
    double *residual; /* n_obs × n_h, by observation as in the fit */
    double *h;        /* n_obs × n_h */
} series_group;

/* Sums over what is present of one quantity. */
typedef struct order_sums {
    double runs;
    double runs_expected;
    double runs_variance;
    double product;
} order_sums;

static bool belongs(const series_group *group, size_t series) {
    return group->fit->held_out[series] == group->held_out;
}

static costate_status evaluate(const series_group *group, bool with_residuals) {
    costate_fit *fit = group->fit;
    costate_status status = COSTATE_OK;
    for (size_t s = 0; s < fit->n_series && status == COSTATE_OK; s++) {
        const size_t first = fit->first[s];
        const size_t n_t = fit->first[s + 1] - first;
        if (belongs(group, s)) {
            status = costate_fit_predict(fit, group->x, s, n_t, fit->t + first, NULL, group->h + first * fit->n_h);
            if (status == COSTATE_OK && with_residuals) {
                status = costate_fit_residuals(fit, group->x, s, group->residual + first * fit->n_h);
            }
        }
    }
    return status;
}

/* Mean, spread, extremes and root mean squares. */
static void summarise_values(const series_group *group, size_t k, costate_residual_summary *out) {
    const costate_fit *fit = group->fit;
    double sum = 0.0;
    double sum_square = 0.0;
    double sum_error = 0.0;
    for (size_t s = 0; s < fit->n_series; s++) {
        for (size_t i = fit->first[s]; belongs(group, s) && i < fit->first[s + 1]; i++) {
            const size_t at = i * fit->n_h + k;
            const double r = group->residual[at];
            const double error = fit->data[at] - group->h[at];
            if (isnan(fit->data[at])) {
                continue;
            }
            if (out->n == 0 || fabs(r) > fabs(out->largest)) {
                out->largest = r;
                out->largest_series = s;
                out->largest_index = i - fit->first[s];
            }
            out->n++;
            sum += r;
            sum_square += r * r;
            sum_error += error * error;
        }
    }
    const double n = (double)out->n;
    out->mean = sum / n;
    out->rmse = sqrt(sum_error / n);
    out->sd = out->n > 1 ? sqrt(fmax(sum_square - n * out->mean * out->mean, 0.0) / (n - 1.0)) : (double)NAN;
    const double unit = fit->loss.likelihood ? 1.0 : sqrt(sum_square / n);
    for (size_t s = 0; s < fit->n_series; s++) {
        for (size_t i = fit->first[s]; belongs(group, s) && i < fit->first[s + 1]; i++) {
            const double r = group->residual[i * fit->n_h + k];
            out->outside += fabs(r) > NORMAL_95 * unit ? 1.0 : 0.0;
        }
    }
    out->outside /= n;
}

/* Expectation and variance of the runs in a random order of so many signs. */
static void expect_runs(double n_above, double n_below, order_sums *sums) {
    const double n = n_above + n_below;
    if (n > 1.0) {
        const double expected = 1.0 + 2.0 * n_above * n_below / n;
        sums->runs_expected += expected;
        sums->runs_variance += (expected - 1.0) * (expected - 2.0) / (n - 1.0);
    } else {
        sums->runs_expected += n;
    }
}

/* Whatever depends on the order in one series. */
static void add_series(const series_group *group, size_t series, size_t k, double mean, order_sums *sums) {
    const costate_fit *fit = group->fit;
    double n_above = 0.0;
    double n_below = 0.0;
    double before = (double)NAN;
    for (size_t i = fit->first[series]; i < fit->first[series + 1]; i++) {
        const double r = group->residual[i * fit->n_h + k];
        if (isnan(r)) {
            continue;
        }
        const bool above = r > 0.0;
        n_above += above ? 1.0 : 0.0;
        n_below += above ? 0.0 : 1.0;
        if (isnan(before)) {
            sums->runs += 1.0;
        } else {
            sums->product += (before - mean) * (r - mean);
            sums->runs += above != (before > 0.0) ? 1.0 : 0.0;
        }
        before = r;
    }
    expect_runs(n_above, n_below, sums);
}

static void summarise(const series_group *group, size_t k, costate_residual_summary *out) {
    const costate_fit *fit = group->fit;
    *out = (costate_residual_summary){.rmse = (double)NAN,
                                      .mean = (double)NAN,
                                      .sd = (double)NAN,
                                      .lag1 = (double)NAN,
                                      .runs_z = (double)NAN,
                                      .largest = (double)NAN};
    summarise_values(group, k, out);
    order_sums sums = {0};
    for (size_t s = 0; s < fit->n_series; s++) {
        if (belongs(group, s)) {
            add_series(group, s, k, out->mean, &sums);
        }
    }
    const double square = out->sd * out->sd * ((double)out->n - 1.0);
    out->lag1 = square > 0.0 ? sums.product / square : (double)NAN;
    out->runs_z = sums.runs_variance > 0.0 ? (sums.runs - sums.runs_expected) / sqrt(sums.runs_variance) : (double)NAN;
}

static costate_status add_losses(const series_group *group, costate_fit_summary *summary) {
    costate_fit *fit = group->fit;
    for (size_t s = 0; s < fit->n_series; s++) {
        for (size_t i = fit->first[s]; belongs(group, s) && i < fit->first[s + 1]; i++) {
            const costate_observation observation = csi_fit_observation(fit, s, i, fit->q, group->h + i * fit->n_h);
            double term = (double)NAN;
            if (fit->loss.value(&observation, &term, NULL, NULL, fit->loss.ctx) != COSTATE_ANSWER_OK) {
                return csi_fit_fail(fit, COSTATE_ERR_RHS_FAIL, "the loss failed");
            }
            summary->loss += term;
            for (size_t k = 0; k < fit->n_h; k++) {
                summary->n_value += isnan(observation.data[k]) ? 0 : 1;
            }
        }
    }
    const double n_x = (double)costate_fit_n_x(fit);
    summary->aic = fit->loss.likelihood ? 2.0 * summary->loss + 2.0 * n_x : (double)NAN;
    summary->bic = fit->loss.likelihood ? 2.0 * summary->loss + n_x * log((double)summary->n_value) : (double)NAN;
    return isfinite(summary->loss) ? COSTATE_OK : csi_fit_fail(fit, COSTATE_ERR_NONFINITE, "the loss is not finite");
}

static costate_status diagnose(const series_group *group, costate_residual_summary *quantities,
                               costate_fit_summary *summary) {
    costate_status status = evaluate(group, quantities != NULL);
    for (size_t k = 0; k < group->fit->n_h && quantities && status == COSTATE_OK; k++) {
        summarise(group, k, &quantities[k]);
    }
    if (summary && status == COSTATE_OK) {
        *summary = (costate_fit_summary){0};
        status = add_losses(group, summary);
    }
    return status;
}

costate_status costate_fit_diagnostics(costate_fit *fit, const double *x, bool held_out,
                                       costate_residual_summary *quantities, costate_fit_summary *summary) {
    if (!fit || !x) {
        return COSTATE_ERR_NULL;
    }
    fit->detail[0] = '\0';
    bool any = false;
    for (size_t s = 0; s < fit->n_series; s++) {
        any = any || fit->held_out[s] == held_out;
    }
    if (!any) {
        return csi_fit_fail(fit, COSTATE_ERR_STATE, held_out ? "no series is held out" : "every series is held out");
    }
    if (quantities && !fit->loss.residual) {
        return csi_fit_fail(fit, COSTATE_ERR_UNSUPPORTED, "the loss has no residual");
    }
    const size_t n_value = fit->n_obs * fit->n_h;
    series_group group = {.fit = fit, .x = x, .held_out = held_out};
    group.residual = csi_alloc(&fit->alloc, n_value, 2 * sizeof(double));
    if (!group.residual) {
        return csi_fit_fail(fit, COSTATE_ERR_MEMORY, "no room for residuals");
    }
    group.h = group.residual + n_value;
    memset(group.residual, 0, 2 * n_value * sizeof(double));
    const costate_status status = diagnose(&group, quantities, summary);
    csi_release(&fit->alloc, group.residual);
    return status;
}
