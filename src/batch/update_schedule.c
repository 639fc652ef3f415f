/* SPDX-License-Identifier: MIT */
/* Learning rates as functions of the step. */
#include "batch/update_internal.h"

#include <math.h>

static const double PI = 3.14159265358979323846;

bool csi_schedule_valid(const costate_schedule *s) {
    if (!(s->rate > 0.0 && isfinite(s->rate))) {
        return false;
    }
    if (s->kind == COSTATE_SCHEDULE_CONSTANT) {
        return true;
    }
    const bool known = s->kind == COSTATE_SCHEDULE_LINEAR || s->kind == COSTATE_SCHEDULE_COSINE ||
                       s->kind == COSTATE_SCHEDULE_EXPONENTIAL;
    const bool positive = s->kind != COSTATE_SCHEDULE_EXPONENTIAL || s->rate_final > 0.0;
    return known && positive && s->rate_final >= 0.0 && isfinite(s->rate_final) && s->n_step >= 2 &&
           s->n_step - 2 >= s->n_warm_up;
}

double costate_schedule_rate(const costate_schedule *s, size_t step) {
    if (!s || !csi_schedule_valid(s)) {
        return (double)NAN;
    }
    if (step < s->n_warm_up) {
        return s->rate * (((double)step + 1.0) / ((double)s->n_warm_up + 1.0));
    }
    if (s->kind == COSTATE_SCHEDULE_CONSTANT) {
        return s->rate;
    }
    if (step >= s->n_step - 1) {
        return s->rate_final;
    }
    const double f = (double)(step - s->n_warm_up) / (double)(s->n_step - 1 - s->n_warm_up);
    if (s->kind == COSTATE_SCHEDULE_LINEAR) {
        return s->rate + (s->rate_final - s->rate) * f;
    }
    if (s->kind == COSTATE_SCHEDULE_COSINE) {
        return s->rate_final + (s->rate - s->rate_final) * (0.5 * (1.0 + cos(PI * f)));
    }
    return s->rate * pow(s->rate_final / s->rate, f);
}
