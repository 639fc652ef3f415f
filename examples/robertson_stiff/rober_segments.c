/* SPDX-License-Identifier: MIT */
/* The solution of the network's equation against the data, in segments that start at data. */
#include "rober_segments.h"

#include <math.h>
#include <string.h>

/* A field that needs more steps than this for one segment is going astray: the optimiser had better step back. */
enum { MAX_STEPS = 5000 };

costate_status rober_segments_create(const rober_data *data, const costate_rhs *rhs, costate_method method, double rtol,
                                     rober_segments *segments) {
    costate_solver_options options = costate_solver_options_default();
    double atol[ROBER_N_Y];
    for (size_t k = 0; k < ROBER_N_Y; k++) {
        atol[k] = 0.1 * rtol * data->scale[k];
    }
    options.method = method;
    options.rtol = rtol;
    options.atol_state = atol;
    options.max_steps = MAX_STEPS;
    *segments = (rober_segments){.data = data, .n_p = rhs->n_p, .length = ROBER_N_T};
    costate_status status = costate_solver_create(rhs, &options, NULL, &segments->solver);
    if (status == COSTATE_OK) {
        status = costate_adjoint_create(segments->solver, NULL, NULL, &segments->adjoint);
    }
    return status;
}

void rober_segments_destroy(rober_segments *segments) {
    costate_adjoint_destroy(segments->adjoint);
    costate_solver_destroy(segments->solver);
    *segments = (rober_segments){0};
}

/* Adds the loss of the segment of n observations from the first one on to *value, and its gradient to grad. */
static costate_status add_segment(rober_segments *s, const double *p, size_t first, size_t n, double *value,
                                  double *grad) {
    const rober_data *data = s->data;
    const double t0 = first > 0 ? data->t[first - 1] : 0.0;
    const double *u0 = first > 0 ? data->u + (first - 1) * ROBER_N_Y : data->u0;
    const double *datum = data->u + first * ROBER_N_Y;
    double u[ROBER_N_T * ROBER_N_Y];
    double v[ROBER_N_T * ROBER_N_Y];
    const costate_status status = costate_solve(s->solver, p, t0, u0, n, data->t + first, u);
    for (size_t i = 0; status == COSTATE_OK && i < n * ROBER_N_Y; i++) {
        const double scale = data->scale[i % ROBER_N_Y];
        const double e = (u[i] - datum[i]) / scale;
        *value += (s->absolute ? fabs(e) : e * e) / (ROBER_N_T * ROBER_N_Y);
        v[i] = (s->absolute ? copysign(1.0, e) : 2.0 * e) / (scale * ROBER_N_T * ROBER_N_Y);
    }
    return status == COSTATE_OK && grad ? costate_adjoint_vjp(s->adjoint, p, n, v, NULL, grad, NULL) : status;
}

costate_status rober_segments_objective(const double *p, double *value, double *grad, void *ctx) {
    rober_segments *s = ctx;
    costate_status status = COSTATE_OK;
    *value = 0.0;
    if (grad) {
        memset(grad, 0, s->n_p * sizeof(double));
    }
    for (size_t first = 0; status == COSTATE_OK && first < ROBER_N_T; first += s->length) {
        const size_t left = ROBER_N_T - first;
        status = add_segment(s, p, first, left < s->length ? left : s->length, value, grad);
    }
    return status == COSTATE_OK && !isfinite(*value) ? COSTATE_ERR_NONFINITE : status;
}
