/* SPDX-License-Identifier: MIT */
/* The arithmetic of tsit5 for COSTATE_LANES trajectories at once: loops over lanes that become vector instructions. */
#ifndef CSI_LANE_KERNELS_H
#define CSI_LANE_KERNELS_H

#include <costate/isa.h>
#include <costate/rhs.h>
#include <costate/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CSI_LANE_STAGES 7

/* One vector step as it was executed, with y (n × lanes) and k (stages × n × lanes) behind it. A lane that is not live
 * made no step of its own: its try was rejected, or it had no work. */
typedef struct csi_lane_step {
    _Alignas(64) double t[COSTATE_LANES];
    double t_end[COSTATE_LANES];
    double h[COSTATE_LANES];
    int64_t live[COSTATE_LANES]; /* all bits or none */
    size_t trajectory[COSTATE_LANES];
    int64_t n_live;
    unsigned starting; /* bit l: lane l makes the step of length 0 that evaluates f at t0 */
} csi_lane_step;

static inline double *csi_lane_y(const csi_lane_step *step) { return (double *)(step + 1); }
static inline double *csi_lane_k(const csi_lane_step *step, size_t n) {
    return (double *)(step + 1) + n * COSTATE_LANES;
}

/* What a lane needs its owner for after a step. */
enum {
    CSI_LANE_REJECTED = 1, /* with one of the next two: */
    CSI_LANE_BLIND = 2,    /* the step was not finite */
    CSI_LANE_STUCK = 4,    /* it cannot be made shorter */
    CSI_LANE_ENDED = 8,
    CSI_LANE_DUE = 16, /* an output time was passed */
    CSI_LANE_LIMIT = 32,
    CSI_LANE_STARTED = 64
};

/* Step control of each lane. */
typedef struct csi_lane_control {
    _Alignas(64) double stop[COSTATE_LANES]; /* where the trajectory ends; an idle lane's own t */
    double direction[COSTATE_LANES];
    double h[COSTATE_LANES];         /* what the step should be, signed */
    double h_start[COSTATE_LANES];   /* for lanes that start: what the first one should be */
    double log_error[COSTATE_LANES]; /* as in ode/step_control.h */
    double square[COSTATE_LANES];    /* mean square of the step's error */
    double next_t[COSTATE_LANES];    /* the next output time; infinite if there is none */
    int64_t n_step[COSTATE_LANES];
    int64_t n_reject[COSTATE_LANES]; /* tries of the step in the making that were rejected */
    int64_t stuck[COSTATE_LANES];    /* as the next two all bits or none: the step cannot be made shorter */
    int64_t active[COSTATE_LANES];
    int64_t starting[COSTATE_LANES];
    int64_t event[COSTATE_LANES]; /* of the above, for active lanes */
    int64_t max_steps;
    double h_min;
    double h_max; /* may be infinite */
} csi_lane_control;

typedef struct csi_lane_kernels {
    /* t = the stage's time; out = y + h Σ_{j < stage} a_j k_j */
    void (*stage)(size_t n, int stage, const csi_lane_step *step, const double *y, const double *k, double *t,
                  double *out);
    /* square = mean square of the error in units of the tolerance; NaN or infinite if anything is. */
    void (*error)(size_t n, const csi_lane_step *step, const double *y, const double *k, const double *y_end,
                  double rtol, const double *atol, double *square);
    /* Accepts or rejects `step`, sets `live`, and times and lengths of the step after it; all events or'ed. */
    int64_t (*control)(csi_lane_control *control, csi_lane_step *step, csi_lane_step *next);
    /* State and slope the next step starts from. */
    void (*advance)(size_t n, const int64_t *live, const double *y, const double *k, const double *y_end,
                    double *y_next, double *k_next);
    /* out = y(t + θh) */
    void (*interpolate)(size_t n, const csi_lane_step *step, const double *y, const double *k, const double *theta,
                        double *out);

    /* The reverse: kbar = 0 but for the last slope's, which is kap; acc = 0; lam and kap count for live lanes only. */
    void (*enter)(size_t n, const int64_t *live, const double *lam, const double *kap, double *lam_live, double *kbar,
                  double *acc);
    /* Cotangents v of y(t + θh), zero for lanes without: those of k and, added to acc, of y. */
    void (*interpolate_vjp)(size_t n, const csi_lane_step *step, const double *theta, const double *v, double *kbar,
                            double *acc);
    /* Cotangent g (plus `more`, if not NULL) of the state at a stage: those of the slopes before it, and of y. */
    void (*pull)(size_t n, int stage, const csi_lane_step *step, const double *g, const double *more, double *kbar,
                 double *acc);
    /* lam = acc and kap = the first slope's kbar for live lanes. */
    void (*leave)(size_t n, const int64_t *live, const double *acc, const double *kbar, double *lam, double *kap);
} csi_lane_kernels;

/* Those for the instruction set that costate_isa_select() names. */
costate_status csi_lane_kernels_select(const csi_lane_kernels **kernels);

#endif
