/* SPDX-License-Identifier: MIT */
/* Smoothing with a given parameter, or with the one of generalised cross-validation. */
#include "fit/spline_smoothing.h"

#include "core/memory.h"
#include "fit/spline_bands.h"

#include <math.h>
#include <string.h>

/*
 * All works in a time u whose mean spacing is one and with weights whose mean is one: the sensible range of λ is then
 * known. Mode k of the spline is damped by 1/(1 + λ c_k) with c_1 of about 500/n⁴.
 */
typedef struct smoothing {
    csi_spline_bands bands;
    double unit;   /* of u in t */
    double weight; /* mean weight */
    double *u;
    double *w;
} smoothing;

/* Points of the search per decade of λ, and golden-section steps after it. */
static const double SEARCH_PER_DECADE = 3.0;
enum { GOLDEN_STEPS = 30 };

/* λ so small that it interpolates to 7 digits, and so large that it is a straight line to 3. */
static double smallest_lambda(const smoothing *s) {
    double h = HUGE_VAL;
    for (size_t i = 0; i + 1 < s->bands.n; i++) {
        h = fmin(h, s->bands.h[i]);
    }
    return 1e-7 * h * h * h;
}

static double largest_lambda(const smoothing *s) {
    const double n = (double)s->bands.n;
    return 2.0 * n * n * n * n;
}

/* n RSS/(n − tr A)²; the factor λ² in both is left out. Infinite where there is none. */
static double score(smoothing *s, double log_lambda) {
    if (!csi_spline_bands_solve(&s->bands, exp(log_lambda))) {
        return HUGE_VAL;
    }
    const double trace = csi_spline_bands_trace(&s->bands);
    const double value = (double)s->bands.n * csi_spline_bands_roughness(&s->bands) / (trace * trace);
    return isfinite(value) && trace > 0.0 ? value : HUGE_VAL;
}

/* The smallest score near the middle of three points, by golden section. */
static double refine(smoothing *s, double low, double high) {
    const double golden = 0.5 * (sqrt(5.0) - 1.0);
    double x1 = high - golden * (high - low);
    double x2 = low + golden * (high - low);
    double f1 = score(s, x1);
    double f2 = score(s, x2);
    for (int k = 0; k < GOLDEN_STEPS; k++) {
        if (f1 <= f2) {
            high = x2;
            x2 = x1;
            f2 = f1;
            x1 = high - golden * (high - low);
            f1 = score(s, x1);
        } else {
            low = x1;
            x1 = x2;
            f1 = f2;
            x2 = low + golden * (high - low);
            f2 = score(s, x2);
        }
    }
    return f1 <= f2 ? x1 : x2;
}

/* λ by generalised cross-validation; infinite when a straight line does as well. */
static double choose(smoothing *s, double line_score) {
    const double low = log(smallest_lambda(s));
    const double high = log(largest_lambda(s));
    const size_t n = 2 + (size_t)ceil((high - low) / log(10.0) * SEARCH_PER_DECADE);
    const double step = (high - low) / (double)(n - 1);
    double best = HUGE_VAL;
    double best_log = high;
    for (size_t i = 0; i < n; i++) {
        const double at = low + (double)i * step;
        const double f = score(s, at);
        if (f <= best) {
            best = f;
            best_log = at;
        }
    }
    const double refined = refine(s, fmax(low, best_log - step), fmin(high, best_log + step));
    if (score(s, refined) < best) {
        best_log = refined;
        best = score(s, refined);
    }
    return best < line_score ? exp(best_log) : HUGE_VAL;
}

/* Weighted straight line through the data; returns the weighted sum of squares. Without a slope for a single knot. */
static double fit_line(size_t n, const double *t, const double *w, double *value, double *bend) {
    double sum_w = 0.0;
    double mean_t = 0.0;
    double mean_y = 0.0;
    for (size_t i = 0; i < n; i++) {
        sum_w += w[i];
        mean_t += w[i] / sum_w * (t[i] - mean_t);
        mean_y += w[i] / sum_w * (value[i] - mean_y);
    }
    double stt = 0.0;
    double sty = 0.0;
    for (size_t i = 0; i < n; i++) {
        stt += w[i] * (t[i] - mean_t) * (t[i] - mean_t);
        sty += w[i] * (t[i] - mean_t) * (value[i] - mean_y);
    }
    const double slope = stt > 0.0 ? sty / stt : 0.0;
    double rss = 0.0;
    for (size_t i = 0; i < n; i++) {
        const double fitted = mean_y + slope * (t[i] - mean_t);
        rss += w[i] * (value[i] - fitted) * (value[i] - fitted);
        value[i] = fitted;
        bend[i] = 0.0;
    }
    return rss;
}

static void describe(costate_spline_info *info, double lambda, double freedom, double rss) {
    const double n = (double)info->n_knot;
    const double left = n - freedom;
    info->smoothing = lambda;
    info->freedom = freedom;
    info->gcv = left > 1e-9 * n ? n * rss / (left * left) : (double)NAN;
    info->variance = left > 1e-9 * n ? rss / left : (double)NAN;
}

/* The spline of the last solve, for λ in units of u. */
static void finish(const smoothing *s, double lambda, double *value, double *bend, costate_spline_info *info) {
    const csi_spline_bands *b = &s->bands;
    double rss = 0.0;
    const double freedom = (double)b->n - lambda * csi_spline_bands_trace(b);
    for (size_t i = 0; i < b->n; i++) {
        const double off = lambda * csi_spline_bands_bend(b, i) / b->w[i];
        rss += s->weight * b->w[i] * off * off;
        value[i] -= off;
        bend[i] = i > 0 && i + 1 < b->n ? b->gamma[i - 1] / (s->unit * s->unit) : 0.0;
    }
    const double unit3 = s->unit * s->unit * s->unit;
    describe(info, lambda * s->weight * unit3, fmin(fmax(freedom, 2.0), (double)b->n), rss);
}

static bool begin(smoothing *s, size_t n, const double *t, const double *w, const double *y,
                  const costate_allocator *alloc) {
    size_t count;
    *s = (smoothing){.unit = (t[n - 1] - t[0]) / (double)(n - 1)};
    s->u = csi_size_mul(n, 2, &count) ? csi_alloc(alloc, count, sizeof(double)) : NULL;
    if (!s->u) {
        return false;
    }
    s->w = s->u + n;
    for (size_t i = 0; i < n; i++) {
        s->weight += w[i] / (double)n;
    }
    for (size_t i = 0; i < n; i++) {
        s->u[i] = (t[i] - t[0]) / s->unit;
        s->w[i] = w[i] / s->weight;
    }
    return csi_spline_bands_create(&s->bands, n, s->u, y, s->w, alloc);
}

static void end(smoothing *s, const costate_allocator *alloc) {
    csi_spline_bands_destroy(&s->bands, alloc);
    csi_release(alloc, s->u);
}

/* Knots so close together that rounding leaves no cubic between them get a line. */
static bool spline_exists(const smoothing *s) {
    for (size_t i = 0; i + 1 < s->bands.n; i++) {
        if (!(s->bands.h[i] > 0.0)) {
            return false;
        }
    }
    return true;
}

costate_status csi_spline_smooth(size_t n, const double *t, const double *w, double given,
                                 const costate_allocator *alloc, double *value, double *bend,
                                 costate_spline_info *info) {
    const bool gcv = given < 0.0;
    const size_t n_least = gcv ? 4 : 3;
    smoothing s = {0};
    double lambda = HUGE_VAL;
    costate_status status = COSTATE_OK;
    double *data = csi_alloc(alloc, n, sizeof *data);
    bool found = false;
    if (!data) {
        return COSTATE_ERR_MEMORY;
    }
    memcpy(data, value, n * sizeof *data);
    const double line_rss = fit_line(n, t, w, value, bend);
    describe(info, HUGE_VAL, n < 2 ? 1.0 : 2.0, line_rss);
    if (n >= n_least && (gcv || isfinite(given))) {
        status = begin(&s, n, t, w, data, alloc) ? COSTATE_OK : COSTATE_ERR_MEMORY;
        if (status == COSTATE_OK && spline_exists(&s)) {
            lambda = gcv ? choose(&s, info->gcv / s.weight) : given / (s.weight * s.unit * s.unit * s.unit);
            found = isfinite(lambda) && csi_spline_bands_solve(&s.bands, lambda);
        }
        if (found) {
            memcpy(value, data, n * sizeof *data);
            finish(&s, lambda, value, bend, info);
        }
        end(&s, alloc);
    }
    csi_release(alloc, data);
    return status;
}
