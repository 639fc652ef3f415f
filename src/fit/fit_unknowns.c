/* SPDX-License-Identifier: MIT */
/* From unknowns to natural values and back, and the penalties on the unknowns. */
#include "fit/fit_internal.h"

#include <math.h>
#include <string.h>

static double sigmoid(double z) { return z >= 0.0 ? 1.0 / (1.0 + exp(-z)) : exp(z) / (1.0 + exp(z)); }

static double softplus(double z) { return z > 0.0 ? z + log1p(exp(-z)) : log1p(exp(z)); }

double csi_transform(const csi_unknown *unknown, double z) {
    switch (unknown->transform) {
    case COSTATE_TRANSFORM_NONE: break;
    case COSTATE_TRANSFORM_LOG: return exp(z);
    case COSTATE_TRANSFORM_LOGIT: return unknown->lower + (unknown->upper - unknown->lower) * sigmoid(z);
    case COSTATE_TRANSFORM_SOFTPLUS: return unknown->lower + softplus(z);
    }
    return z;
}

double csi_transform_slope(const csi_unknown *unknown, double z) {
    switch (unknown->transform) {
    case COSTATE_TRANSFORM_NONE: break;
    case COSTATE_TRANSFORM_LOG: return exp(z);
    case COSTATE_TRANSFORM_LOGIT: return (unknown->upper - unknown->lower) * sigmoid(z) * sigmoid(-z);
    case COSTATE_TRANSFORM_SOFTPLUS: return sigmoid(z);
    }
    return 1.0;
}

double csi_transform_inverse(const csi_unknown *unknown, double q) {
    const double above = q - unknown->lower;
    switch (unknown->transform) {
    case COSTATE_TRANSFORM_NONE: break;
    case COSTATE_TRANSFORM_LOG: return q > 0.0 ? log(q) : (double)NAN;
    case COSTATE_TRANSFORM_LOGIT:
        return above > 0.0 && q < unknown->upper ? log(above / (unknown->upper - q)) : (double)NAN;
    case COSTATE_TRANSFORM_SOFTPLUS: return above > 0.0 ? above + log(-expm1(-above)) : (double)NAN;
    }
    return q;
}

void csi_fit_bind(const costate_fit *fit, const double *x, double *q) {
    memcpy(q, fit->q0, fit->n_q * sizeof(double));
    for (size_t i = 0; i < fit->n_unknown; i++) {
        const csi_unknown *unknown = &fit->unknowns[i];
        q[unknown->q] = csi_transform(unknown, unknown->scale * x[i]);
    }
}

static double slope_of(const csi_unknown *unknown, double x) {
    return unknown->scale * csi_transform_slope(unknown, unknown->scale * x);
}

void csi_fit_pull_unknowns(const costate_fit *fit, const double *x, const double *qbar, double *grad) {
    for (size_t i = 0; i < fit->n_unknown; i++) {
        grad[i] = qbar[fit->unknowns[i].q] * slope_of(&fit->unknowns[i], x[i]);
    }
}

void csi_fit_penalties(const costate_fit *fit, const double *x, double *value, double *grad) {
    double sum = 0.0;
    for (size_t i = 0; i < fit->n_unknown; i++) {
        const csi_unknown *unknown = &fit->unknowns[i];
        if (unknown->l2 > 0.0 || unknown->l1 > 0.0) {
            const double off = unknown->scale * x[i] - unknown->mean;
            const double sign = off > 0.0 ? 1.0 : off < 0.0 ? -1.0 : 0.0;
            sum += unknown->l2 * off * off + unknown->l1 * fabs(off);
            if (grad) {
                grad[i] += unknown->scale * (2.0 * unknown->l2 * off + unknown->l1 * sign);
            }
        }
    }
    *value += sum;
}

size_t costate_fit_unknown(const costate_fit *fit, size_t i) {
    return fit && i < fit->n_unknown ? fit->unknowns[i].q : SIZE_MAX;
}

costate_status costate_fit_natural(const costate_fit *fit, const double *x, double *q) {
    if (!fit || !x || !q) {
        return COSTATE_ERR_NULL;
    }
    csi_fit_bind(fit, x, q);
    return COSTATE_OK;
}

costate_status costate_fit_natural_slope(const costate_fit *fit, const double *x, double *dqdx) {
    if (!fit || !x || !dqdx) {
        return COSTATE_ERR_NULL;
    }
    for (size_t i = 0; i < fit->n_unknown; i++) {
        dqdx[i] = slope_of(&fit->unknowns[i], x[i]);
    }
    for (size_t i = fit->n_unknown; i < costate_fit_n_x(fit); i++) {
        dqdx[i] = 0.0;
    }
    return COSTATE_OK;
}

costate_status costate_fit_unknowns(costate_fit *fit, const double *q, double *x) {
    if (!fit || !q || !x) {
        return COSTATE_ERR_NULL;
    }
    for (size_t i = 0; i < fit->n_unknown; i++) {
        const csi_unknown *unknown = &fit->unknowns[i];
        x[i] = csi_transform_inverse(unknown, q[unknown->q]) / unknown->scale;
        if (!isfinite(x[i])) {
            return COSTATE_ERR_ARGUMENT;
        }
    }
    csi_fit_start_segments(fit, x);
    return COSTATE_OK;
}

costate_status costate_fit_start(costate_fit *fit, double *x) {
    if (!fit || !x) {
        return COSTATE_ERR_NULL;
    }
    return costate_fit_unknowns(fit, fit->q0, x);
}
