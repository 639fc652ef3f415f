/* SPDX-License-Identifier: MIT */
/* Natural cubic smoothing splines: the knots, and values and slopes between them. */
#include "fit/spline_smoothing.h"

#include "core/memory.h"

#include <costate/spline.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct costate_spline {
    costate_allocator alloc;
    costate_spline_info info;
    double *t;     /* knots; one block with the two below */
    double *value; /* s there */
    double *bend;  /* s'' there */
};

typedef struct datum {
    double t;
    double y;
    double w;
    size_t index;
} datum;

static int by_time(const void *left, const void *right) {
    const datum *a = left;
    const datum *b = right;
    if (a->t < b->t || a->t > b->t) {
        return a->t < b->t ? -1 : 1;
    }
    return a->index < b->index ? -1 : 1;
}

static costate_status check_datum(double t, double y, double w) {
    if (!isfinite(t) || isinf(y) || !isfinite(w)) {
        return COSTATE_ERR_NONFINITE;
    }
    return w < 0.0 ? COSTATE_ERR_ARGUMENT : COSTATE_OK;
}

/* The data that count, sorted by time. */
static costate_status collect(size_t n, const double *t, const double *y, const double *weight, datum *data,
                              size_t *n_data) {
    *n_data = 0;
    for (size_t i = 0; i < n; i++) {
        const double w = weight ? weight[i] : 1.0;
        const costate_status status = check_datum(t[i], y[i], w);
        if (status != COSTATE_OK) {
            return status;
        }
        if (!isnan(y[i]) && w > 0.0) {
            data[(*n_data)++] = (datum){t[i], y[i], w, i};
        }
    }
    qsort(data, *n_data, sizeof *data, by_time);
    return *n_data > 0 ? COSTATE_OK : COSTATE_ERR_ARGUMENT;
}

/* Data at equal times become one with their sum of weights, in place. */
static size_t merge(datum *data, size_t n) {
    size_t n_knot = 0;
    for (size_t i = 0; i < n; n_knot++) {
        double w = 0.0;
        double wy = 0.0;
        const double t = data[i].t;
        const double y = data[i].y;
        for (; i < n && data[i].t <= t; i++) {
            w += data[i].w;
            wy += data[i].w * (data[i].y - y);
        }
        data[n_knot] = (datum){t, y + wy / w, w, n_knot};
    }
    return n_knot;
}

static costate_status make_spline(const datum *data, size_t n, double smoothing, const costate_allocator *alloc,
                                  costate_spline **spline) {
    size_t count;
    costate_spline *s = csi_alloc(alloc, 1, sizeof *s);
    double *w = csi_alloc(alloc, n, sizeof *w);
    double *block = csi_size_mul(n, 3, &count) ? csi_alloc(alloc, count, sizeof *block) : NULL;
    costate_status status = COSTATE_ERR_MEMORY;
    if (s && w && block) {
        *s = (costate_spline){
            .alloc = *alloc, .info = {.n_knot = n}, .t = block, .value = block + n, .bend = block + 2 * n};
        for (size_t i = 0; i < n; i++) {
            s->t[i] = data[i].t;
            s->value[i] = data[i].y;
            w[i] = data[i].w;
        }
        status = csi_spline_smooth(n, s->t, w, smoothing, alloc, s->value, s->bend, &s->info);
    }
    csi_release(alloc, w);
    if (status != COSTATE_OK) {
        csi_release(alloc, block);
        csi_release(alloc, s);
        return status;
    }
    *spline = s;
    return COSTATE_OK;
}

costate_status costate_spline_fit(size_t n, const double *t, const double *y, const double *weight, double smoothing,
                                  const costate_allocator *alloc, costate_spline **spline) {
    const costate_allocator a = csi_allocator(alloc);
    size_t n_bytes;
    if (!spline) {
        return COSTATE_ERR_NULL;
    }
    *spline = NULL;
    if (!t || !y) {
        return COSTATE_ERR_NULL;
    }
    const bool gcv = smoothing <= COSTATE_SPLINE_GCV && smoothing >= COSTATE_SPLINE_GCV;
    if (n == 0 || (!(smoothing >= 0.0) && !gcv)) {
        return COSTATE_ERR_ARGUMENT;
    }
    if (!csi_size_mul(n, sizeof(datum), &n_bytes)) {
        return COSTATE_ERR_OVERFLOW;
    }
    datum *data = csi_alloc(&a, n, sizeof *data);
    if (!data) {
        return COSTATE_ERR_MEMORY;
    }
    size_t n_data;
    costate_status status = collect(n, t, y, weight, data, &n_data);
    if (status == COSTATE_OK) {
        status = make_spline(data, merge(data, n_data), smoothing, &a, spline);
    }
    csi_release(&a, data);
    return status;
}

void costate_spline_destroy(costate_spline *spline) {
    if (spline) {
        const costate_allocator alloc = spline->alloc;
        csi_release(&alloc, spline->t);
        csi_release(&alloc, spline);
    }
}

const costate_spline_info *costate_spline_get_info(const costate_spline *spline) {
    return spline ? &spline->info : NULL;
}

/* The interval that holds t, the outermost for what lies beyond; there are at least two knots. */
static size_t interval(const costate_spline *s, double t) {
    size_t low = 0;
    size_t high = s->info.n_knot - 1;
    while (high - low > 1) {
        const size_t middle = low + (high - low) / 2;
        if (s->t[middle] <= t) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}

double costate_spline_slope(const costate_spline *spline, double t) {
    const costate_spline *s = spline;
    if (!s) {
        return (double)NAN;
    }
    if (s->info.n_knot == 1) {
        return 0.0;
    }
    const size_t i = interval(s, t);
    const double h = s->t[i + 1] - s->t[i];
    const double b = fmin(fmax((t - s->t[i]) / h, 0.0), 1.0);
    const double a = 1.0 - b;
    const double bend = (3.0 * b * b - 1.0) * s->bend[i + 1] - (3.0 * a * a - 1.0) * s->bend[i];
    return (s->value[i + 1] - s->value[i]) / h + h / 6.0 * bend;
}

double costate_spline_eval(const costate_spline *spline, double t) {
    const costate_spline *s = spline;
    if (!s) {
        return (double)NAN;
    }
    const size_t last = s->info.n_knot - 1;
    if (t < s->t[0] || last == 0) {
        return s->value[0] + costate_spline_slope(s, s->t[0]) * (t - s->t[0]);
    }
    if (t > s->t[last]) {
        return s->value[last] + costate_spline_slope(s, s->t[last]) * (t - s->t[last]);
    }
    const size_t i = interval(s, t);
    const double h = s->t[i + 1] - s->t[i];
    const double b = (t - s->t[i]) / h;
    const double a = 1.0 - b;
    const double bend = (1.0 + a) * s->bend[i] + (1.0 + b) * s->bend[i + 1];
    return a * s->value[i] + b * s->value[i + 1] - h * h / 6.0 * a * b * bend;
}
