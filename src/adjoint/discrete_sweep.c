/* SPDX-License-Identifier: MIT */
/* The discrete adjoint of a one-step method: the reverse of every accepted step (doc/math.md). */
#include "adjoint/discrete_sweep.h"

#include "core/memory.h"
#include "ode/dense_output.h"
#include "ode/explicit_stages.h"
#include "ode/stage.h"

#include <string.h>

struct csi_discrete {
    csi_implicit implicit; /* for stage equations and repeated steps */
    double *block;         /* everything below, n elements each unless said */
    double *lam;           /* cotangent of the state the sweep has come to */
    double *kap;           /* cotangent of the slope there, through the step after it */
    double *base;          /* n_slope × n: cotangents of the slopes from observations and the step after */
    double *total;         /* n_slope × n: cotangents of the stages' states */
    double *moment;        /* (dense_degree + 1) × n */
    double *state;         /* a stage's state */
    double *w;             /* what f is pulled back from */
    double *r;             /* right-hand side of an implicit stage */
    double *y_end;         /* of a repeated step */
    void *kept_block;      /* of implicit.kept */
};

/* With room for what f_keep leaves at an implicit stage, to which several cotangents are pulled back. */
static costate_status create_implicit(costate_adjoint *adjoint) {
    csi_discrete *d = adjoint->discrete;
    const costate_rhs *rhs = &adjoint->calls.rhs;
    const costate_status status = csi_implicit_init(&d->implicit, rhs->n_y, &adjoint->alloc);
    if (status != COSTATE_OK || !csi_rhs_keeps(rhs)) {
        return status;
    }
    d->implicit.kept = csi_alloc_aligned(&adjoint->alloc, rhs->kept_bytes, 1, &d->kept_block);
    return d->implicit.kept != NULL ? COSTATE_OK : COSTATE_ERR_MEMORY;
}

costate_status csi_discrete_create(costate_adjoint *adjoint) {
    const size_t n = adjoint->calls.rhs.n_y;
    csi_discrete *made = csi_alloc(&adjoint->alloc, 1, sizeof *made);
    adjoint->discrete = made;
    if (made == NULL) {
        return COSTATE_ERR_MEMORY;
    }
    const csi_one_step *one = adjoint->solver->one_step;
    const size_t n_slope = one->shape.n_slope;
    const size_t n_vector = 6 + 2 * n_slope + CSI_DENSE_DEGREE + 1;
    made->block = csi_alloc(&adjoint->alloc, n, n_vector * sizeof(double));
    if (made->block == NULL) {
        return COSTATE_ERR_MEMORY;
    }
    made->lam = made->block;
    made->kap = made->lam + n;
    made->state = made->kap + n;
    made->w = made->state + n;
    made->r = made->w + n;
    made->y_end = made->r + n;
    made->base = made->y_end + n;
    made->total = made->base + n_slope * n;
    made->moment = made->total + n_slope * n;
    return one->shape.implicit ? create_implicit(adjoint) : COSTATE_OK;
}

void csi_discrete_destroy(csi_discrete *discrete, const costate_allocator *alloc) {
    if (discrete == NULL) {
        return;
    }
    csi_implicit_clear(&discrete->implicit, alloc);
    csi_release(alloc, discrete->kept_block);
    csi_release(alloc, discrete->block);
    csi_release(alloc, discrete);
}

CSI_INLINE bool is_zero(const double *x, size_t n) {
    size_t i = 0;
    while (i < n && x[i] == 0.0) {
        i++;
    }
    return i == n;
}

/* w = base + h Σ_{j > stage} a_j,stage total_j: the cotangent of a slope from the stages that use it, of which that of stage + 1 has just been
 * computed. */
CSI_INLINE void slope_cotangent(size_t n, int stage, int last, const csi_tableau *tableau, double h,
                                const double *restrict total, const double *restrict base, double *restrict w) {
    const double newest = h * tableau->a[stage + 1][stage];
    for (size_t i = 0; i < n; i++) {
        double sum = 0.0;
        CSI_STAGE_UNROLL
        for (int j = last; j > stage + 1; j--) {
            sum += tableau->a[j][stage] * total[(size_t)j * n + i];
        }
        w[i] = (base[(size_t)stage * n + i] + h * sum) + newest * total[((size_t)stage + 1) * n + i];
    }
}

/* total = (∂f/∂y)ᵀ w and pbar += (∂f/∂p)ᵀ w at an explicit stage. */
CSI_INLINE int pull_back_explicit(size_t n, costate_adjoint *adjoint, const csi_step_record *record,
                                  const csi_tableau *tableau, int stage, int first, double *total) {
    csi_discrete *d = adjoint->discrete;
    if (is_zero(d->w, n)) {
        memset(total, 0, n * sizeof *total);
        return 0;
    }
    const double t = csi_stage_time(record, tableau, stage);
    csi_stage_sum_from(n, first, stage, record->y, record->h, tableau->a[stage], record->k, d->state);
    if (record->has_kept) {
        const void *kept = record->kept + (size_t)(stage - 1) * adjoint->solver->one_step->shape.kept_stride;
        return csi_step_outcome(csi_call_vjp_kept(&adjoint->calls, t, d->state, d->w, 1.0, total, adjoint->pbar, kept));
    }
    return csi_step_outcome(csi_call_vjp(&adjoint->calls, t, d->state, d->w, 1.0, total, adjoint->pbar));
}

/* The same at an implicit stage, where w = (1 − hγJᵀ)⁻¹ (w + hγ outer) first; `outer` is the cotangent of the stage's state from elsewhere, or NULL. */
static int pull_back_implicit(costate_adjoint *adjoint, const csi_step_record *record, int stage, const double *outer,
                              double *total) {
    csi_discrete *d = adjoint->discrete;
    const csi_tableau *tableau = record->tableau;
    const size_t n = adjoint->calls.rhs.n_y;
    const double step = record->h * tableau->gamma;
    for (size_t i = 0; i < n; i++) {
        d->r[i] = outer != NULL ? d->w[i] + step * outer[i] : d->w[i];
    }
    if (is_zero(d->r, n)) {
        memset(total, 0, n * sizeof *total);
        return 0;
    }
    const double t = csi_stage_time(record, tableau, stage);
    csi_stage_sum(n, stage + 1, record->y, record->h, tableau->a[stage], record->k, d->state);
    const int outcome = csi_implicit_solve_transposed(&d->implicit, &adjoint->calls, record, t, d->state, d->r, d->w);
    if (outcome != CSI_STEP_OK) {
        return outcome;
    }
    const void *kept = d->implicit.kept;
    return csi_step_outcome(kept != NULL
                                ? csi_call_vjp_kept(&adjoint->calls, t, d->state, d->w, 1.0, total, adjoint->pbar, kept)
                                : csi_call_vjp(&adjoint->calls, t, d->state, d->w, 1.0, total, adjoint->pbar));
}

/* The last stage, whose state is that at the end and whose slope the next step begins with. */
CSI_INLINE int reverse_end(size_t n, costate_adjoint *adjoint, const csi_step_record *record,
                           const csi_tableau *tableau, int stage, int first) {
    csi_discrete *d = adjoint->discrete;
    double *total = d->total + (size_t)stage * n;
    memcpy(d->w, d->base + (size_t)stage * n, n * sizeof *d->w);
    const int outcome = pull_back_explicit(n, adjoint, record, tableau, stage, first, total);
    for (size_t i = 0; i < n; i++) {
        total[i] += d->lam[i];
        d->lam[i] = total[i];
    }
    return outcome;
}

/* Another stage, used by those up to `last`. */
CSI_INLINE int reverse_inner(size_t n, costate_adjoint *adjoint, const csi_step_record *record,
                             const csi_tableau *tableau, int stage, int first, int last) {
    csi_discrete *d = adjoint->discrete;
    double *total = d->total + (size_t)stage * n;
    slope_cotangent(n, stage, last, tableau, record->h, d->total, d->base, d->w);
    const int outcome = pull_back_explicit(n, adjoint, record, tableau, stage, first, total);
    for (size_t i = 0; i < n; i++) {
        d->lam[i] += total[i];
    }
    return outcome;
}

#define REVERSE_INNER(tableau, stage, first, last)                                                                     \
    if (outcome == 0) {                                                                                                \
        outcome = reverse_inner(n, adjoint, record, (tableau), (stage), (first), (last));                              \
    }
#define TSIT5_INNER(stage, first, last) REVERSE_INNER(&csi_tsit5, stage, first, last)
#define TSIT5_END(stage, first) outcome = reverse_end(n, adjoint, record, &csi_tsit5, (stage), (first));
#define DOP853_INNER(stage, first, last) REVERSE_INNER(&csi_dop853, stage, first, last)
#define DOP853_END(stage, first) outcome = reverse_end(n, adjoint, record, &csi_dop853, (stage), (first));

/* lam and kap from the end of an explicit step to its start; `base` holds what observations add, if there are any. */
CSI_INLINE int reverse_tsit5(size_t n, costate_adjoint *adjoint, const csi_step_record *record) {
    csi_discrete *d = adjoint->discrete;
    int outcome;
    CSI_TSIT5_LAST_STAGE(TSIT5_END)
    CSI_TSIT5_STAGES_BACK(TSIT5_INNER)
    slope_cotangent(n, 0, CSI_TSIT5_LAST, &csi_tsit5, record->h, d->total, d->base, d->kap);
    return outcome;
}

CSI_INLINE int reverse_dop853(size_t n, costate_adjoint *adjoint, const csi_step_record *record) {
    csi_discrete *d = adjoint->discrete;
    int outcome;
    CSI_DOP853_LAST_STAGE(DOP853_END)
    CSI_DOP853_STAGES_BACK(DOP853_INNER)
    slope_cotangent(n, 0, CSI_DOP853_LAST, &csi_dop853, record->h, d->total, d->base, d->kap);
    return outcome;
}

/* A stage of the dense output alone: what its slope was given by observations goes on to the slopes that its state was made from, and to
 * the state at the start, whose share is collected with that of the observations. */
static int reverse_extra_stage(costate_adjoint *adjoint, const csi_step_record *record, int stage, int first) {
    csi_discrete *d = adjoint->discrete;
    const csi_tableau *tableau = record->tableau;
    const size_t n = adjoint->calls.rhs.n_y;
    double *total = d->total + (size_t)stage * n;
    memcpy(d->w, d->base + (size_t)stage * n, n * sizeof *d->w);
    const int outcome = pull_back_explicit(n, adjoint, record, tableau, stage, first, total);
    for (size_t j = 0; j < (size_t)stage; j++) {
        for (size_t i = 0; i < n; i++) {
            d->base[j * n + i] += record->h * tableau->a[stage][j] * total[i];
        }
    }
    for (size_t i = 0; i < n; i++) {
        d->moment[i] += total[i];
    }
    return outcome;
}

static int reverse_extra(costate_adjoint *adjoint, const csi_step_record *record) {
    int outcome = 0;
#define EXTRA(stage, first)                                                                                            \
    if (outcome == 0) {                                                                                                \
        outcome = reverse_extra_stage(adjoint, record, (stage), (first));                                              \
    }
    CSI_DOP853_EXTRA_STAGES_BACK(EXTRA)
#undef EXTRA
    return outcome;
}

static int reverse_explicit(costate_adjoint *adjoint, const csi_step_record *record) {
    const size_t n = adjoint->calls.rhs.n_y;
    return record->tableau == &csi_tsit5 ? CSI_BY_STATES(reverse_tsit5, n, adjoint, record)
                                         : CSI_BY_STATES(reverse_dop853, n, adjoint, record);
}

/* lam and kap from the end of an implicit step to its start. */
static int reverse_implicit(costate_adjoint *adjoint, const csi_step_record *record) {
    csi_discrete *d = adjoint->discrete;
    const csi_tableau *tableau = record->tableau;
    const int last = tableau->n_stage - 1;
    const size_t n = adjoint->calls.rhs.n_y;
    int outcome = 0;
    for (int stage = last; stage > 0 && outcome == 0; stage--) {
        double *total = d->total + (size_t)stage * n;
        const double *outer = stage == last ? d->lam : NULL;
        if (stage == last) {
            memcpy(d->w, d->base + (size_t)last * n, n * sizeof *d->w);
        } else {
            slope_cotangent(n, stage, last, tableau, record->h, d->total, d->base, d->w);
        }
        outcome = pull_back_implicit(adjoint, record, stage, outer, total);
        for (size_t i = 0; i < n; i++) {
            if (stage == last) {
                total[i] += d->lam[i];
                d->lam[i] = total[i];
            } else {
                d->lam[i] += total[i];
            }
        }
    }
    slope_cotangent(n, 0, last, tableau, record->h, d->total, d->base, d->kap);
    return outcome;
}

/* The rows of cotangents at the end of the step go to lam, those within it to the moments; true if there are any of the latter. */
static bool take_observations(costate_adjoint *adjoint, const csi_step_record *record) {
    csi_discrete *d = adjoint->discrete;
    const csi_time_grid *grid = &adjoint->solver->grid;
    const size_t n = adjoint->calls.rhs.n_y;
    for (; adjoint->n_left > 0 && grid->t[adjoint->n_left - 1] == record->t_end; adjoint->n_left--) {
        const double *v = adjoint->v + (adjoint->n_left - 1) * n;
        for (size_t i = 0; i < n; i++) {
            d->lam[i] += v[i];
        }
    }
    const size_t n_within = csi_time_grid_count_after(grid, adjoint->n_left, record->t);
    if (n_within == 0) {
        return false;
    }
    adjoint->n_left -= n_within;
    memset(d->moment, 0, ((size_t)record->tableau->dense_degree + 1) * n * sizeof *d->moment);
    csi_dense_moments_of_rows(record, n, n_within, grid->t + adjoint->n_left, adjoint->v + adjoint->n_left * n,
                              d->moment);
    return true;
}

/* lam −> its value at the start of the step; kap likewise, spent where the step has none before it. */
static int reverse_step(costate_adjoint *adjoint, const csi_step_record *record) {
    csi_discrete *d = adjoint->discrete;
    const size_t n = adjoint->calls.rhs.n_y;
    const int last = record->tableau->n_stage - 1;
    const bool observed = take_observations(adjoint, record);
    const size_t n_extra = (size_t)record->tableau->n_extra;
    memset(d->base, 0, (size_t)last * n * sizeof *d->base);
    memcpy(d->base + (size_t)last * n, d->kap, n * sizeof *d->base);
    int outcome = 0;
    if (observed) {
        memset(d->base + ((size_t)last + 1) * n, 0, n_extra * n * sizeof *d->base);
        csi_dense_pull_back(record, n, d->moment, d->base);
        outcome = n_extra > 0 ? reverse_extra(adjoint, record) : 0;
    }
    if (outcome == 0) {
        outcome = csi_tableau_is_implicit(record->tableau) ? reverse_implicit(adjoint, record)
                                                           : reverse_explicit(adjoint, record);
    }
    if (observed) {
        for (size_t i = 0; i < n; i++) {
            d->lam[i] += d->moment[i];
        }
    }
    if (record->restart && outcome == 0 && !is_zero(d->kap, n)) {
        outcome = csi_step_outcome(
            csi_call_vjp(&adjoint->calls, record->t_first, record->y, d->kap, 1.0, d->state, adjoint->pbar));
        for (size_t i = 0; i < n; i++) {
            d->lam[i] += d->state[i];
        }
    }
    if (record->restart) {
        memset(d->kap, 0, n * sizeof *d->kap);
    }
    return outcome;
}

static int repeat_step(csi_step_record *record, double *y_end, void *ctx) {
    costate_adjoint *adjoint = ctx;
    csi_discrete *d = adjoint->discrete;
    return csi_one_step_repeat(adjoint->solver->one_step, &adjoint->calls, &d->implicit, d->state, record, y_end);
}

static costate_status refuse(costate_adjoint *adjoint, int outcome, double t) {
    const costate_status status = csi_step_status(outcome);
    return csi_fail(&adjoint->detail, status, "%s in the step that ends at t = %.17g, which cannot be cut",
                    costate_status_message(status), t);
}

/* −λᵀ f(t0, y0, p): equation 7. */
static double initial_time_gradient(const csi_discrete *d, const csi_step_record *first, size_t n) {
    double sum = 0.0;
    for (size_t i = 0; i < n; i++) {
        sum -= d->lam[i] * first->k[i];
    }
    return sum;
}

static costate_status check_interrupt(costate_adjoint *adjoint, double t) {
    const costate_solver_options *options = &adjoint->solver->options;
    if (options->interrupt != NULL && options->interrupt(options->interrupt_ctx) != 0) {
        return csi_fail(&adjoint->detail, COSTATE_ERR_INTERRUPTED, "interrupted at t = %.17g", t);
    }
    return COSTATE_OK;
}

costate_status csi_discrete_sweep(costate_adjoint *adjoint, double *t0bar, const double **lam) {
    csi_discrete *d = adjoint->discrete;
    const csi_one_step *one = adjoint->solver->one_step;
    const csi_step_replay replay = {.step = repeat_step, .ctx = adjoint};
    const size_t n = adjoint->calls.rhs.n_y;
    d->implicit.rtol = one->options.rtol;
    d->implicit.atol = one->atol;
    memset(d->lam, 0, 2 * n * sizeof *d->lam);
    *lam = d->lam;
    costate_solve_counts *counts = &adjoint->counts;
    counts->t_reached = adjoint->solver->grid.t[adjoint->n_left - 1];
    for (size_t index = csi_step_history_count(one->history); index-- > 0;) {
        int outcome = 0;
        const csi_step_record *record = csi_step_history_back(one->history, index, &replay, &outcome);
        if (record == NULL) {
            return refuse(adjoint, outcome, counts->t_reached);
        }
        outcome = reverse_step(adjoint, record);
        if (outcome != 0) {
            return refuse(adjoint, outcome, record->t_end);
        }
        counts->n_step++;
        counts->n_implicit += csi_tableau_is_implicit(record->tableau);
        counts->last_order = record->tableau->order;
        counts->last_step = record->h < 0.0 ? -record->h : record->h;
        counts->t_reached = record->t;
        const costate_status status = check_interrupt(adjoint, record->t);
        if (status != COSTATE_OK) {
            return status;
        }
        if (index == 0 && t0bar != NULL) {
            *t0bar = initial_time_gradient(d, record, n);
        }
    }
    for (; adjoint->n_left > 0; adjoint->n_left--) {
        const double *v = adjoint->v + (adjoint->n_left - 1) * n;
        for (size_t i = 0; i < n; i++) {
            d->lam[i] += v[i];
        }
    }
    return COSTATE_OK;
}
