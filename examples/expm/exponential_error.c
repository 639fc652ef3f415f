/* SPDX-License-Identifier: MIT */
/* The mean squared error of a network over pairs, in either precision. */
#include "exponential_error.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

bool exponential_error_create(const costate_net *net, const exponential_pairs *pairs, bool single,
                              exponential_error *error) {
    const size_t n_p = costate_net_n_param(net);
    const size_t work_bytes = single ? costate_net_batch_work_bytes_f32(net) : costate_net_batch_work_bytes_f64(net);
    *error = (exponential_error){.net = net,
                                 .pairs = pairs,
                                 .single = single,
                                 .output = calloc(pairs->n * N_ENTRY, single ? sizeof(float) : sizeof(double)),
                                 .work = malloc(work_bytes),
                                 .work_bytes = work_bytes,
                                 .p32 = calloc(n_p, sizeof(float)),
                                 .grad32 = calloc(n_p, sizeof(float))};
    return error->output && error->work && error->p32 && error->grad32;
}

void exponential_error_destroy(exponential_error *error) {
    free(error->output);
    free(error->work);
    free(error->p32);
    free(error->grad32);
    *error = (exponential_error){0};
}

static costate_status evaluate_f64(const double *p, double *value, double *grad, exponential_error *e) {
    const exponential_pairs *pairs = e->pairs;
    const size_t n = pairs->n * N_ENTRY;
    double *v = e->output;
    double sum = 0.0;
    costate_status status = costate_net_forward_batch_f64(e->net, p, pairs->n, pairs->x, v, e->work, e->work_bytes);
    for (size_t i = 0; status == COSTATE_OK && i < n; i++) {
        v[i] -= pairs->y[i];
        sum += v[i] * v[i];
    }
    *value = sum / (double)n;
    if (status == COSTATE_OK && grad) {
        memset(grad, 0, costate_net_n_param(e->net) * sizeof(double));
        status = costate_net_vjp_batch_f64(e->net, p, pairs->n, pairs->x, v, 2.0 / (double)n, NULL, grad, e->work,
                                           e->work_bytes);
    }
    return status;
}

static costate_status evaluate_f32(const double *p, double *value, double *grad, exponential_error *e) {
    const exponential_pairs *pairs = e->pairs;
    const size_t n = pairs->n * N_ENTRY;
    const size_t n_p = costate_net_n_param(e->net);
    float *v = e->output;
    double sum = 0.0;
    for (size_t j = 0; j < n_p; j++) {
        e->p32[j] = (float)p[j];
        e->grad32[j] = 0.0F;
    }
    costate_status status =
        costate_net_forward_batch_f32(e->net, e->p32, pairs->n, pairs->x32, v, e->work, e->work_bytes);
    for (size_t i = 0; status == COSTATE_OK && i < n; i++) {
        v[i] -= pairs->y32[i];
        sum += (double)v[i] * (double)v[i];
    }
    *value = sum / (double)n;
    if (status == COSTATE_OK && grad) {
        status = costate_net_vjp_batch_f32(e->net, e->p32, pairs->n, pairs->x32, v, 2.0F / (float)n, NULL, e->grad32,
                                           e->work, e->work_bytes);
    }
    for (size_t j = 0; status == COSTATE_OK && grad && j < n_p; j++) {
        grad[j] = (double)e->grad32[j];
    }
    return status;
}

costate_status exponential_error_objective(const double *p, double *value, double *grad, void *ctx) {
    exponential_error *e = ctx;
    const costate_status status = e->single ? evaluate_f32(p, value, grad, e) : evaluate_f64(p, value, grad, e);
    return status == COSTATE_OK && !isfinite(*value) ? COSTATE_ERR_NONFINITE : status;
}
