/* SPDX-License-Identifier: MIT */
/* The arithmetic of tsit5 for COSTATE_LANES trajectories at once. Compiled once per instruction set, in plain C whose
 * inner loops over lanes become vector instructions; no product is fused, so that all give the same bits. */
#include "ensemble/lane_kernels.h"

#include "ode/step_control.h"
#include "ode/tableau.h"

#include <float.h>
#include <math.h>

#define L COSTATE_LANES
#define EACH_LANE(l) _Pragma("omp simd") for (size_t l = 0; l < L; l++)

#if defined(__GNUC__)
#define ALWAYS_INLINE static inline __attribute__((always_inline))
#else
#define ALWAYS_INLINE static inline
#endif
#define CONCAT(a, b) a##b
#define NAMED(stem, isa) CONCAT(stem, isa)

/* n_term is a constant wherever these are inlined, so that no loop over slopes is left. */
#define TERM(j, n_term)                                                                                                \
    if ((n_term) > (j)) {                                                                                              \
        sum += a[j] * k[((j)*n + i) * L + l];                                                                          \
    }

/* The expression of csi_stage_sum(), so that lanes make the steps that a single solve makes. */
ALWAYS_INLINE void stage_terms(size_t n, const int n_term, const double *restrict a, const double *restrict h,
                               const double *restrict y, const double *restrict k, double *restrict out) {
    const size_t newest = (size_t)n_term - 1;
    for (size_t i = 0; i < n; i++) {
        EACH_LANE(l) {
            double sum = 0.0;
            TERM(0, n_term - 1)
            TERM(1, n_term - 1)
            TERM(2, n_term - 1)
            TERM(3, n_term - 1)
            TERM(4, n_term - 1)
            out[i * L + l] = (y[i * L + l] + h[l] * sum) + (h[l] * a[newest]) * k[(newest * n + i) * L + l];
        }
    }
}

static void stage_times(int stage, const csi_lane_step *restrict step, double *restrict t) {
    const double c = csi_tsit5.c[stage];
    if (c == 1.0) {
        EACH_LANE(l) { t[l] = step->t_end[l]; }
    } else {
        EACH_LANE(l) { t[l] = step->t[l] + c * step->h[l]; }
    }
}

static void lane_stage(size_t n, int stage, const csi_lane_step *step, const double *y, const double *k, double *t,
                       double *out) {
    const double *a = csi_tsit5.a[stage];
    stage_times(stage, step, t);
    switch (stage) {
    case 1: stage_terms(n, 1, a, step->h, y, k, out); break;
    case 2: stage_terms(n, 2, a, step->h, y, k, out); break;
    case 3: stage_terms(n, 3, a, step->h, y, k, out); break;
    case 4: stage_terms(n, 4, a, step->h, y, k, out); break;
    case 5: stage_terms(n, 5, a, step->h, y, k, out); break;
    default: stage_terms(n, 6, a, step->h, y, k, out); break;
    }
}

static void lane_error(size_t n, const csi_lane_step *step, const double *restrict y, const double *restrict k,
                       const double *restrict y_end, double rtol, const double *restrict atol,
                       double *restrict square) {
    const double *restrict a = csi_tsit5.e;
    const double *restrict h = step->h;
    double total[L] = {0.0};
    double zero[L] = {0.0};
    for (size_t i = 0; i < n; i++) {
        EACH_LANE(l) {
            double sum = a[0] * k[i * L + l];
            TERM(1, 7)
            TERM(2, 7)
            TERM(3, 7)
            TERM(4, 7)
            TERM(5, 7)
            TERM(6, 7)
            const double begin = fabs(y[i * L + l]);
            const double end = fabs(y_end[i * L + l]);
            const double scaled = h[l] * sum / (atol[i] + rtol * (begin > end ? begin : end));
            total[l] += scaled * scaled;
            zero[l] += y_end[i * L + l] * 0.0;
        }
    }
    EACH_LANE(l) { square[l] = csi_tsit5.margin * csi_tsit5.margin * (total[l] / (double)n) + zero[l]; }
}

/* Factors on the length after acceptance and after rejection. Loops of their own, because compilers turn no longer ones
 * into vector instructions. */
static void choose_factors(const csi_lane_control *restrict c, double *restrict log_error, double *restrict growth,
                           double *restrict shrinkage) {
    const double order = csi_tsit5.error_order;
    EACH_LANE(l) {
        const double square = c->square[l];
        log_error[l] = csi_log2_error(square * 0.0 == 0.0 ? square : 1.0);
    }
    EACH_LANE(l) {
        const double factor = csi_growth(log_error[l], c->log_error[l], order);
        const double most = c->n_reject[l] > 0 ? 1.0 : CSI_GROW_MOST;
        growth[l] = factor > most ? most : factor;
    }
    EACH_LANE(l) {
        const double factor = csi_shrinkage(log_error[l], order);
        shrinkage[l] = c->square[l] * 0.0 == 0.0 ? factor : CSI_SHRINK_BLIND;
    }
}

/* The length to go on with. */
static void choose_length(csi_lane_control *restrict c, const csi_lane_step *restrict step,
                          const double *restrict log_error, const double *restrict growth,
                          const double *restrict shrinkage) {
    EACH_LANE(l) {
        const double length = fabs(step->h[l]);
        const double grown = length * growth[l];
        const double below = grown < c->h_max ? grown : c->h_max;
        const double longer = below > c->h_min ? below : c->h_min;
        const double rounding = CSI_LEAST_ULPS * DBL_EPSILON * fabs(step->t[l]);
        const double least = rounding > c->h_min ? rounding : c->h_min;
        const double shrunk = shrinkage[l] * length;
        const double shorter = shrunk > least ? shrunk : least;
        const double chosen = step->live[l] ? longer : shorter;
        const double next = c->direction[l] * chosen;
        c->stuck[l] = length > least && length > DBL_MIN ? 0 : -1;
        c->h[l] = c->starting[l] ? c->h_start[l] : next;
    }
    EACH_LANE(l) {
        const double kept = step->live[l] ? log_error[l] : c->log_error[l];
        c->log_error[l] = c->starting[l] ? 0.0 : kept;
    }
}

static void judge(csi_lane_control *restrict c, csi_lane_step *restrict step) {
    EACH_LANE(l) {
        const int64_t good = c->square[l] <= 1.0 ? -1 : 0;
        step->live[l] = good & c->active[l];
    }
}

static void count_step(csi_lane_control *restrict c, const csi_lane_step *restrict step) {
    EACH_LANE(l) {
        const int64_t live = step->live[l];
        const int64_t starting = c->starting[l];
        const int64_t blind = c->square[l] * 0.0 == 0.0 ? 0 : -1;
        const int64_t n_reject = c->n_reject[l] + 1;
        const int64_t given_up = n_reject >= CSI_TRIES_MAX ? -1 : 0;
        c->n_reject[l] = n_reject & ~live & ~starting;
        c->n_step[l] -= live & ~starting;
        c->event[l] =
            (~live & (CSI_LANE_REJECTED | (blind & CSI_LANE_BLIND) | ((c->stuck[l] | given_up) & CSI_LANE_STUCK))) |
            (starting & CSI_LANE_STARTED);
    }
}

/* Times of the step after `step`, whose fate is known. */
static void place_next(const csi_lane_control *restrict c, const csi_lane_step *restrict step,
                       csi_lane_step *restrict next) {
    EACH_LANE(l) {
        const double t_end = step->t_end[l];
        const double t_begin = step->t[l];
        const double t = step->live[l] ? t_end : t_begin;
        const double h = c->h[l];
        const double left = c->stop[l] - t;
        const double beyond = t + h;
        const double stretch = fabs(left) > c->h_max * (1.0 + CSI_LENGTH_ROUNDING) ? 1.0 : CSI_STRETCH;
        const double t_next = fabs(h) * stretch >= fabs(left) ? c->stop[l] : beyond;
        next->t[l] = t;
        next->t_end[l] = t_next;
        next->h[l] = t_next - t; /* as rounded, or the steps would not add up to the interval */
    }
}

/* What happened at the time the lane has come to. */
static void note_arrival(csi_lane_control *restrict c, const csi_lane_step *restrict step) {
    EACH_LANE(l) {
        const double t = step->t_end[l];
        const double ahead = (c->next_t[l] - t) * c->direction[l];
        const int64_t going = t == c->stop[l] ? 0 : -1;
        const int64_t due = ahead <= 0.0 ? -1 : 0;
        const int64_t limit = c->n_step[l] >= c->max_steps ? -1 : 0;
        const int64_t event = (~going & CSI_LANE_ENDED) | (due & CSI_LANE_DUE) | (limit & CSI_LANE_LIMIT);
        c->event[l] = (c->event[l] | (event & step->live[l])) & c->active[l];
    }
}

static int64_t lane_control(csi_lane_control *c, csi_lane_step *step, csi_lane_step *next) {
    double log_error[L];
    double growth[L];
    double shrinkage[L];
    judge(c, step);
    choose_factors(c, log_error, growth, shrinkage);
    choose_length(c, step, log_error, growth, shrinkage);
    count_step(c, step);
    place_next(c, step, next);
    note_arrival(c, step);
    int64_t events = 0;
    for (size_t l = 0; l < L; l++) {
        events |= c->event[l];
    }
    return events;
}

static void lane_advance(size_t n, const int64_t *restrict live, const double *restrict y, const double *restrict k,
                         const double *restrict y_end, double *restrict y_next, double *restrict k_next) {
    const double *last = k + (CSI_LANE_STAGES - 1) * n * L;
    for (size_t i = 0; i < n; i++) {
        EACH_LANE(l) {
            const double y_now = y[i * L + l];
            const double y_then = y_end[i * L + l];
            const double k_now = k[i * L + l];
            const double k_then = last[i * L + l];
            y_next[i * L + l] = live[l] ? y_then : y_now;
            k_next[i * L + l] = live[l] ? k_then : k_now;
        }
    }
}

/* b_j(θ) of the dense output. */
static void dense_weights(const double *restrict theta, double weight[restrict CSI_LANE_STAGES][L]) {
    for (size_t j = 0; j < CSI_LANE_STAGES; j++) {
        const double *d = csi_tsit5.dense[j];
        EACH_LANE(l) {
            const double s = theta[l];
            weight[j][l] = s * (d[0] + s * (d[1] + s * (d[2] + s * d[3])));
        }
    }
}

static void lane_interpolate(size_t n, const csi_lane_step *step, const double *restrict y, const double *restrict k,
                             const double *restrict theta, double *restrict out) {
    const double *restrict h = step->h;
    double w[CSI_LANE_STAGES][L];
    dense_weights(theta, w);
    for (size_t i = 0; i < n; i++) {
        EACH_LANE(l) {
            double sum = w[0][l] * k[i * L + l];
            sum += w[1][l] * k[(n + i) * L + l];
            sum += w[2][l] * k[(2 * n + i) * L + l];
            sum += w[3][l] * k[(3 * n + i) * L + l];
            sum += w[4][l] * k[(4 * n + i) * L + l];
            sum += w[5][l] * k[(5 * n + i) * L + l];
            sum += w[6][l] * k[(6 * n + i) * L + l];
            out[i * L + l] = y[i * L + l] + h[l] * sum;
        }
    }
}

static void lane_enter(size_t n, const int64_t *restrict live, const double *restrict lam, const double *restrict kap,
                       double *restrict lam_live, double *restrict kbar, double *restrict acc) {
    double *restrict last = kbar + (CSI_LANE_STAGES - 1) * n * L;
    for (size_t i = 0; i < (CSI_LANE_STAGES - 1) * n * L; i++) {
        kbar[i] = 0.0;
    }
    for (size_t i = 0; i < n; i++) {
        EACH_LANE(l) {
            const double lam_then = lam[i * L + l];
            const double kap_then = kap[i * L + l];
            lam_live[i * L + l] = live[l] ? lam_then : 0.0;
            last[i * L + l] = live[l] ? kap_then : 0.0;
            acc[i * L + l] = 0.0;
        }
    }
}

static void lane_interpolate_vjp(size_t n, const csi_lane_step *step, const double *restrict theta,
                                 const double *restrict v, double *restrict kbar, double *restrict acc) {
    const double *restrict h = step->h;
    double w[CSI_LANE_STAGES][L];
    dense_weights(theta, w);
    for (size_t i = 0; i < n; i++) {
        EACH_LANE(l) { acc[i * L + l] += v[i * L + l]; }
    }
    for (size_t j = 0; j < CSI_LANE_STAGES; j++) {
        for (size_t i = 0; i < n; i++) {
            EACH_LANE(l) { kbar[(j * n + i) * L + l] += w[j][l] * (h[l] * v[i * L + l]); }
        }
    }
}

#define PULL(j)                                                                                                        \
    if (n_term > (j)) {                                                                                                \
        kbar[((j)*n + i) * L + l] += a[j] * scaled;                                                                    \
    }
ALWAYS_INLINE void pull_terms(size_t n, const int n_term, const double *restrict a, const double *restrict h,
                              const double *restrict g, const double *restrict more, double *restrict kbar,
                              double *restrict acc) {
    for (size_t i = 0; i < n; i++) {
        EACH_LANE(l) {
            const double whole = more != NULL ? g[i * L + l] + more[i * L + l] : g[i * L + l];
            const double scaled = h[l] * whole;
            acc[i * L + l] += whole;
            PULL(0)
            PULL(1)
            PULL(2)
            PULL(3)
            PULL(4)
            PULL(5)
        }
    }
}

static void lane_pull(size_t n, int stage, const csi_lane_step *step, const double *g, const double *more, double *kbar,
                      double *acc) {
    const double *a = csi_tsit5.a[stage];
    switch (stage) {
    case 1: pull_terms(n, 1, a, step->h, g, NULL, kbar, acc); break;
    case 2: pull_terms(n, 2, a, step->h, g, NULL, kbar, acc); break;
    case 3: pull_terms(n, 3, a, step->h, g, NULL, kbar, acc); break;
    case 4: pull_terms(n, 4, a, step->h, g, NULL, kbar, acc); break;
    case 5: pull_terms(n, 5, a, step->h, g, NULL, kbar, acc); break;
    default: pull_terms(n, 6, a, step->h, g, more, kbar, acc); break;
    }
}

static void lane_leave(size_t n, const int64_t *restrict live, const double *restrict acc, const double *restrict kbar,
                       double *restrict lam, double *restrict kap) {
    for (size_t i = 0; i < n; i++) {
        EACH_LANE(l) {
            const double lam_now = acc[i * L + l];
            const double kap_now = kbar[i * L + l];
            lam[i * L + l] = live[l] ? lam_now : lam[i * L + l];
            kap[i * L + l] = live[l] ? kap_now : kap[i * L + l];
        }
    }
}

extern const csi_lane_kernels NAMED(csi_lane_kernels_, CSI_ISA_NAME);
const csi_lane_kernels NAMED(csi_lane_kernels_, CSI_ISA_NAME) = {
    .stage = lane_stage,
    .error = lane_error,
    .control = lane_control,
    .advance = lane_advance,
    .interpolate = lane_interpolate,
    .enter = lane_enter,
    .interpolate_vjp = lane_interpolate_vjp,
    .pull = lane_pull,
    .leave = lane_leave,
};
