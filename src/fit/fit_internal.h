/* SPDX-License-Identifier: MIT */
/* What a fit is made of. */
#ifndef COSTATE_SRC_FIT_INTERNAL_H
#define COSTATE_SRC_FIT_INTERNAL_H

#include <costate/fit.h>
#include <stdbool.h>
#include <stddef.h>

/* One estimated entry of q. */
typedef struct csi_unknown {
    size_t q;
    costate_transform transform;
    double lower;
    double upper;
    double scale;
    double l2;
    double l1;
    double mean;
} csi_unknown;

/* A trajectory of the objective: a series, or with multiple shooting a part of one. */
typedef struct csi_segment {
    size_t series;
    size_t first; /* its first observation, counted over all series */
    size_t n;     /* observations */
    size_t state; /* its initial state in x; SIZE_MAX: the series' own */
    bool joined;  /* the next segment goes on where this one ends: there is a gap */
    size_t row;   /* first row of y and v */
} csi_segment;

struct costate_fit {
    costate_allocator alloc;
    costate_rhs rhs;
    costate_observable observable; /* f NULL: the states */
    costate_initial initial;       /* f NULL: states of q */
    costate_loss loss;
    costate_ensemble *ensemble;
    costate_fit_options options;

    size_t n_y;
    size_t n_p;
    size_t n_h;
    size_t n_noise;
    size_t n_series;
    size_t n_covariate;
    size_t n_q;
    size_t n_obs; /* observations of all series */

    size_t n_unknown; /* estimated entries of q */
    csi_unknown *unknowns;

    size_t *first;  /* n_series + 1: observations of series s are first[s] … first[s + 1] − 1 */
    bool *held_out; /* n_series */
    size_t *covariate_index;
    double *block;     /* the arrays of numbers below */
    double *t;         /* n_obs */
    double *data;      /* n_obs × n_h */
    double *weight;    /* n_series × n_h */
    double *covariate; /* n_series × n_covariate */
    double *q0;        /* n_q, start values */
    double *q;         /* n_q, those of the evaluation in progress */
    double *qbar;      /* n_q */
    double *h;         /* n_h */
    double *hbar;      /* n_h */
    double *slope;     /* n_y, dy/dt at an initial time; the state at another */
    double *state;     /* n_y, an initial state */
    double *p;         /* n_p, those of one series */
    double *atol;      /* 2 n_y, what the options point to */

    double horizon;
    size_t shooting; /* observations per segment, 0: no shooting */
    double shooting_weight;
    double *shooting_scale; /* n_y */

    /* The trajectories: those of the objective, then those that are held out. */
    size_t n_segment;
    size_t n_held_out;
    csi_segment *segments;
    size_t n_state; /* segment states */
    size_t n_row;   /* rows of y */
    double *trajectory_block;
    size_t *row_first; /* n_segment + n_held_out + 1 */
    double *row_t;
    double *y;  /* n_row × n_y */
    double *v;  /* n_row × n_y */
    double *y0; /* of every trajectory */
    double *t0;
    double *own_p; /* NULL without covariates */
    double *y0bar;
    double *own_pbar;
    costate_status *status;

    bool estimates_time; /* some initial time is estimated */
    void *rhs_work;      /* for f at the initial time, aligned; inside rhs_block */
    void *rhs_block;
    double *prediction; /* n_prediction × n_y */
    size_t n_prediction;

    costate_fit_counts counts;
    char detail[256];
};

/* Transforms (fit_unknowns.c). */

/* z -> q and dq/dz. */
double csi_transform(const csi_unknown *unknown, double z);
double csi_transform_slope(const csi_unknown *unknown, double z);
/* q -> z; NaN outside the bounds. */
double csi_transform_inverse(const csi_unknown *unknown, double q);

/* q = T(scale · x) in full: estimated entries from x, the others at their start values. */
void csi_fit_bind(const costate_fit *fit, const double *x, double *q);

/* grad_i = qbar_j dq_j/dx_i for the estimated entries. */
void csi_fit_pull_unknowns(const costate_fit *fit, const double *x, const double *qbar, double *grad);

/* Penalties: adds to *value and, unless NULL, grad. */
void csi_fit_penalties(const costate_fit *fit, const double *x, double *value, double *grad);

/* Checks all that does not depend on allocated memory (fit_check.c). */
costate_status csi_fit_check(const costate_fit_spec *spec);

/* Lists the estimated entries of q; on success fit->unknowns and fit->n_unknown are set (fit_estimates.c). */
costate_status csi_fit_list_unknowns(costate_fit *fit, const costate_fit_spec *spec);

/* Series (fit_series.c). */

/* Parameters of a series: p of q with the covariates in their places. */
void csi_fit_series_parameters(const costate_fit *fit, size_t series, const double *q, double *p);

/* The same for given covariates. */
void csi_fit_parameters(const costate_fit *fit, const double *covariate, const double *q, double *p);

/* Where the initial state and time of a series are in q. */
size_t csi_fit_state_offset(const costate_fit *fit, size_t series);
size_t csi_fit_time_offset(const costate_fit *fit, size_t series);

/* Initial state of a series from q and its parameters p. */
costate_status csi_fit_initial_state(costate_fit *fit, size_t series, const double *q, const double *p, double *y0);

/* qbar += the pullback of an initial state's cotangent: to q's own entries or, through `initial`, to p (`pbar`, which is
 * that of the series' parameters, covariates included). */
costate_status csi_fit_pull_initial_state(costate_fit *fit, size_t series, const double *p, const double *y0bar,
                                          double *qbar, double *pbar);

/* h = h(t, y, p). */
costate_status csi_fit_observe(costate_fit *fit, double t, const double *y, const double *p, double *h);

/* ybar = (∂h/∂y)ᵀ hbar, pbar += (∂h/∂p)ᵀ hbar. */
costate_status csi_fit_observe_vjp(costate_fit *fit, double t, const double *y, const double *p, const double *hbar,
                                   double *ybar, double *pbar);

/* What the loss sees of observation i, counted over all series. */
costate_observation csi_fit_observation(const costate_fit *fit, size_t series, size_t i, const double *q,
                                        const double *h);

/* Trajectories (fit_segments.c). */

/* Makes room for the trajectories of a way of shooting, and lists them; on failure nothing has changed. */
costate_status csi_fit_cut(costate_fit *fit, size_t length);

/* Lists the trajectories again, for the present horizon. */
void csi_fit_list_segments(costate_fit *fit);

/* Segment states of x for the unknowns in x: data, else a solve, else the initial state. */
void csi_fit_start_segments(costate_fit *fit, double *x);

/* Evaluation (fit_objective.c). */

/* Solves trajectories begin … end − 1 at the unknowns x: fills q, y0, t0, own_p and y. */
costate_status csi_fit_solve(costate_fit *fit, const double *x, size_t begin, size_t end);

/* What costate_ensemble_solve() and costate_ensemble_vjp() take for these trajectories. */
costate_trajectories csi_fit_trajectories(const costate_fit *fit, size_t begin, size_t end);

/* Parameters a trajectory was solved with. */
const double *csi_fit_trajectory_parameters(const costate_fit *fit, size_t trajectory);

/* Adds what the ensemble's last solve or VJP cost. */
void csi_fit_count_solve(costate_fit *fit);
void csi_fit_count_vjp(costate_fit *fit);

/* Keeps a detail text and gives back the status. */
costate_status csi_fit_fail(costate_fit *fit, costate_status status, const char *detail);

#endif
