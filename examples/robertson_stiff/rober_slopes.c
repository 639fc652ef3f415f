/* SPDX-License-Identifier: MIT */
/* The network's values against the slopes of a spline through the data: a first fit that solves no equation. */
#include "rober_slopes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* K of the loss: slopes with respect to ln t count as gross errors above 1 / K. */
static const double K = 10.0;

/* Slopes d/dx of the natural cubic spline through n equispaced values of one column, h apart; y and slope have a stride. */
static void spline_slopes(size_t n, double h, const double *y, double *slope, size_t stride) {
    double curvature[ROBER_N_T] = {0.0};
    double factor[ROBER_N_T] = {0.0};
    for (size_t i = 1; i + 1 < n; i++) {
        const double second = (y[(i + 1) * stride] - 2.0 * y[i * stride] + y[(i - 1) * stride]) / (h * h);
        factor[i] = 1.0 / (4.0 - factor[i - 1]);
        curvature[i] = factor[i] * (6.0 * second - curvature[i - 1]);
    }
    for (size_t i = n - 2; i > 0; i--) {
        curvature[i] -= factor[i] * curvature[i + 1];
    }
    for (size_t i = 0; i + 1 < n; i++) {
        const double chord = (y[(i + 1) * stride] - y[i * stride]) / h;
        slope[i * stride] = chord - h * (2.0 * curvature[i] + curvature[i + 1]) / 6.0;
        slope[(i + 1) * stride] = chord + h * (curvature[i] + 2.0 * curvature[i + 1]) / 6.0;
    }
}

costate_status rober_slopes_create(const rober_data *data, const costate_net *net, rober_slopes *slopes) {
    *slopes = (rober_slopes){.net = net, .data = data, .work_bytes = costate_net_work_bytes_f64(net)};
    slopes->work = malloc(slopes->work_bytes);
    if (!slopes->work) {
        return COSTATE_ERR_MEMORY;
    }
    const double h = log(data->t[1] / data->t[0]);
    for (size_t k = 0; k < ROBER_N_Y; k++) {
        spline_slopes(ROBER_N_T, h, data->u + k, slopes->slope + k, ROBER_N_Y);
        for (size_t i = 0; i < ROBER_N_T; i++) {
            slopes->slope[i * ROBER_N_Y + k] /= data->t[i] * rober_network_rate(data, k);
        }
    }
    return COSTATE_OK;
}

void rober_slopes_destroy(rober_slopes *slopes) {
    free(slopes->work);
    *slopes = (rober_slopes){0};
}

costate_status rober_slopes_objective(const double *p, double *value, double *grad, void *ctx) {
    enum { N = ROBER_N_T * ROBER_N_Y };
    rober_slopes *s = ctx;
    double dudt[N];
    double v[N];
    *value = 0.0;
    costate_status status =
        costate_net_forward_batch_f64(s->net, p, ROBER_N_T, s->data->u, dudt, s->work, s->work_bytes);
    for (size_t i = 0; status == COSTATE_OK && i < N; i++) {
        const double unit = rober_network_rate(s->data, i % ROBER_N_Y);
        const double magnify = s->magnitudes ? 1.0 : K * s->data->t[i / ROBER_N_Y] / ROBER_T_END;
        const double weight = s->magnitudes ? 1.0 / N : 1.0 / (N * K * K);
        const double a = magnify * dudt[i] / unit;
        const double error = asinh(a) - asinh(magnify * s->slope[i]);
        *value += weight * error * error;
        v[i] = 2.0 * weight * error / hypot(1.0, a) * magnify / unit;
    }
    if (status == COSTATE_OK && grad) {
        memset(grad, 0, costate_net_n_param(s->net) * sizeof(double));
        status =
            costate_net_vjp_batch_f64(s->net, p, ROBER_N_T, s->data->u, v, 1.0, NULL, grad, s->work, s->work_bytes);
    }
    return status == COSTATE_OK && !isfinite(*value) ? COSTATE_ERR_NONFINITE : status;
}
