/* SPDX-License-Identifier: MIT */
/* Derivative matching: the right-hand side at given states against given slopes. */
#include "core/finite.h"
#include "core/memory.h"
#include "fit/collocation_internal.h"
#include "fit/fit_internal.h"

#include <costate/collocation.h>
#include <math.h>
#include <string.h>

struct costate_collocation {
    costate_allocator alloc;
    costate_fit *fit;
    bool log_time;
    size_t n_row;
    size_t n_match; /* slopes that are matched */
    size_t *first;  /* n_series + 1: the rows of series s are first[s] … first[s + 1] − 1 */
    double *block;  /* the arrays below */
    double *t;      /* n_row */
    double *weight; /* n_row */
    double *y;      /* n_row × n_y */
    double *dydt;   /* n_row × n_y */
    double *scale;  /* n_y */
    double *q;      /* n_q */
    double *qbar;   /* n_q */
    double *p;      /* n_p */
    double *f;      /* n_y */
    double *v;      /* n_y */
    void *work;     /* of the right-hand side, 64-byte aligned */
    void *work_block;
};

costate_collocation_options costate_collocation_options_default(void) {
    return (costate_collocation_options){.smoothing = COSTATE_SPLINE_GCV, .n_between = 1};
}

static bool options_valid(const costate_collocation_options *o, size_t n_y) {
    for (size_t i = 0; o->scale && i < n_y; i++) {
        if (!(o->scale[i] > 0.0) || isinf(o->scale[i])) {
            return false;
        }
    }
    return o->smoothing >= 0.0 || (o->smoothing <= COSTATE_SPLINE_GCV && o->smoothing >= COSTATE_SPLINE_GCV);
}

static costate_status check_table(const costate_collocation_table *table, size_t n_y) {
    if (table->n_t > 0 && (!table->t || !table->y || !table->dydt)) {
        return COSTATE_ERR_NULL;
    }
    for (size_t k = 0; k < table->n_t; k++) {
        const double w = table->weight ? table->weight[k] : 1.0;
        if (!isfinite(table->t[k]) || !isfinite(w) || !csi_all_finite(table->y + k * n_y, n_y)) {
            return COSTATE_ERR_NONFINITE;
        }
        if (w < 0.0) {
            return COSTATE_ERR_ARGUMENT;
        }
        for (size_t i = 0; i < n_y; i++) {
            if (isinf(table->dydt[k * n_y + i])) {
                return COSTATE_ERR_NONFINITE;
            }
        }
    }
    return COSTATE_OK;
}

static costate_status count_rows(const costate_fit *fit, const costate_collocation_table *tables, size_t *n_row) {
    *n_row = 0;
    for (size_t s = 0; s < fit->n_series; s++) {
        if (!fit->held_out[s]) {
            const costate_status status = check_table(&tables[s], fit->n_y);
            if (status != COSTATE_OK) {
                return status;
            }
            if (!csi_size_add(*n_row, tables[s].n_t, n_row)) {
                return COSTATE_ERR_OVERFLOW;
            }
        }
    }
    return *n_row > 0 ? COSTATE_OK : COSTATE_ERR_ARGUMENT;
}

static costate_status allocate(costate_collocation *c) {
    const costate_fit *fit = c->fit;
    size_t rows;
    size_t fixed;
    size_t count;
    if (!csi_size_mul(c->n_row, 2 * fit->n_y + 2, &rows) || !csi_size_mul(fit->n_q, 2, &fixed) ||
        !csi_size_add(fixed, fit->n_p + 3 * fit->n_y, &fixed) || !csi_size_add(rows, fixed, &count)) {
        return COSTATE_ERR_OVERFLOW;
    }
    c->first = csi_alloc(&c->alloc, fit->n_series + 1, sizeof *c->first);
    c->block = csi_alloc(&c->alloc, count, sizeof *c->block);
    c->work = csi_alloc_aligned(&c->alloc, fit->rhs.work_bytes, 1, &c->work_block);
    if (!c->first || !c->block || !c->work) {
        return COSTATE_ERR_MEMORY;
    }
    c->t = c->block;
    c->weight = c->t + c->n_row;
    c->y = c->weight + c->n_row;
    c->dydt = c->y + c->n_row * fit->n_y;
    c->scale = c->dydt + c->n_row * fit->n_y;
    c->q = c->scale + fit->n_y;
    c->qbar = c->q + fit->n_q;
    c->p = c->qbar + fit->n_q;
    c->f = c->p + fit->n_p;
    c->v = c->f + fit->n_y;
    return COSTATE_OK;
}

static void copy_tables(costate_collocation *c, const costate_collocation_table *tables) {
    const size_t n_y = c->fit->n_y;
    size_t row = 0;
    for (size_t s = 0; s < c->fit->n_series; s++) {
        const costate_collocation_table *table = &tables[s];
        const size_t n = c->fit->held_out[s] ? 0 : table->n_t;
        c->first[s] = row;
        for (size_t k = 0; k < n; k++, row++) {
            c->t[row] = table->t[k];
            c->weight[row] = table->weight ? table->weight[k] : 1.0;
            memcpy(c->y + row * n_y, table->y + k * n_y, n_y * sizeof(double));
            memcpy(c->dydt + row * n_y, table->dydt + k * n_y, n_y * sizeof(double));
        }
    }
    c->first[c->fit->n_series] = row;
}

/* What a slope is multiplied with before it is matched: t·dy/dt is the slope in log t. */
static double row_factor(const costate_collocation *c, size_t row) { return c->log_time ? c->t[row] : 1.0; }

static void set_scale(costate_collocation *c, const double *scale) {
    const size_t n_y = c->fit->n_y;
    for (size_t i = 0; i < n_y; i++) {
        double mean = 0.0; /* of the squares */
        size_t n = 0;
        for (size_t row = 0; row < c->n_row; row++) {
            const double slope = row_factor(c, row) * c->dydt[row * n_y + i];
            if (!isnan(slope)) {
                n++;
                mean += (slope * slope - mean) / (double)n;
            }
        }
        c->n_match += n;
        c->scale[i] = scale ? scale[i] : mean > 0.0 && isfinite(mean) ? sqrt(mean) : 1.0;
    }
}

static costate_status make(costate_fit *fit, const costate_collocation_table *tables,
                           const costate_collocation_options *options, const costate_allocator *alloc,
                           costate_collocation **collocation) {
    size_t n_row;
    costate_status status = count_rows(fit, tables, &n_row);
    if (status != COSTATE_OK) {
        return status;
    }
    costate_collocation *c = csi_alloc(alloc, 1, sizeof *c);
    if (!c) {
        return COSTATE_ERR_MEMORY;
    }
    *c = (costate_collocation){.alloc = *alloc, .fit = fit, .log_time = options->log_time, .n_row = n_row};
    status = allocate(c);
    if (status == COSTATE_OK) {
        copy_tables(c, tables);
        set_scale(c, options->scale);
        status = c->n_match > 0 ? COSTATE_OK : COSTATE_ERR_ARGUMENT;
    }
    if (status != COSTATE_OK) {
        costate_collocation_destroy(c);
        return status;
    }
    *collocation = c;
    return COSTATE_OK;
}

/* What both ways to create have in common. */
static costate_status begin(costate_fit *fit, const costate_collocation_options *options,
                            costate_collocation **collocation) {
    if (!collocation) {
        return COSTATE_ERR_NULL;
    }
    *collocation = NULL;
    if (!fit) {
        return COSTATE_ERR_NULL;
    }
    fit->detail[0] = '\0';
    return options_valid(options, fit->n_y) ? COSTATE_OK : COSTATE_ERR_ARGUMENT;
}

costate_status costate_collocation_create(costate_fit *fit, const costate_collocation_options *options,
                                          const costate_allocator *alloc, costate_collocation **collocation) {
    const costate_collocation_options o = options ? *options : costate_collocation_options_default();
    const costate_allocator a = csi_allocator(alloc);
    csi_spline_tables tables;
    costate_status status = begin(fit, &o, collocation);
    if (status != COSTATE_OK) {
        return status;
    }
    if (fit->observable.f) {
        return csi_fit_fail(fit, COSTATE_ERR_UNSUPPORTED, "the states are not observed directly");
    }
    status = csi_spline_tables_create(fit, &o, &a, &tables);
    if (status == COSTATE_OK) {
        status = make(fit, tables.tables, &o, &a, collocation);
        csi_spline_tables_destroy(&tables, &a);
    }
    return status;
}

costate_status costate_collocation_create_from(costate_fit *fit, const costate_collocation_table *tables,
                                               const costate_collocation_options *options,
                                               const costate_allocator *alloc, costate_collocation **collocation) {
    const costate_collocation_options o = options ? *options : costate_collocation_options_default();
    const costate_allocator a = csi_allocator(alloc);
    const costate_status status = begin(fit, &o, collocation);
    if (status != COSTATE_OK) {
        return status;
    }
    return tables ? make(fit, tables, &o, &a, collocation) : COSTATE_ERR_NULL;
}

void costate_collocation_destroy(costate_collocation *collocation) {
    if (collocation) {
        const costate_allocator alloc = collocation->alloc;
        csi_release(&alloc, collocation->first);
        csi_release(&alloc, collocation->block);
        csi_release(&alloc, collocation->work_block);
        csi_release(&alloc, collocation);
    }
}

/* Adds the mismatch of one row, and with a gradient sets its cotangent v. */
static void match_row(costate_collocation *c, size_t row, bool with_gradient, double *value) {
    const size_t n_y = c->fit->n_y;
    const double weight = c->weight[row] * (double)c->fit->n_obs / (double)c->n_match;
    for (size_t i = 0; i < n_y; i++) {
        const double slope = c->dydt[row * n_y + i];
        const double unit = row_factor(c, row) / c->scale[i];
        const double off = isnan(slope) ? 0.0 : unit * (c->f[i] - slope);
        *value += weight * off * off;
        if (with_gradient) {
            c->v[i] = 2.0 * weight * unit * off;
        }
    }
}

static costate_status match_series(costate_collocation *c, size_t series, bool with_gradient, double *value) {
    const costate_fit *fit = c->fit;
    const costate_rhs *rhs = &fit->rhs;
    csi_fit_series_parameters(fit, series, c->q, c->p);
    for (size_t row = c->first[series]; row < c->first[series + 1]; row++) {
        const double *y = c->y + row * fit->n_y;
        if (rhs->f(c->t[row], y, c->p, c->f, c->work, rhs->ctx) != COSTATE_ANSWER_OK) {
            return COSTATE_ERR_RHS_FAIL;
        }
        if (!csi_all_finite(c->f, fit->n_y)) {
            return COSTATE_ERR_NONFINITE;
        }
        match_row(c, row, with_gradient, value);
        if (with_gradient &&
            rhs->vjp(c->t[row], y, c->p, c->v, 1.0, NULL, c->qbar, c->work, rhs->ctx) != COSTATE_ANSWER_OK) {
            return COSTATE_ERR_RHS_FAIL;
        }
    }
    return COSTATE_OK;
}

costate_status costate_collocation_objective(const double *x, double *value, double *grad, void *collocation) {
    costate_collocation *c = collocation;
    if (!x || !value || !c) {
        return COSTATE_ERR_NULL;
    }
    const costate_fit *fit = c->fit;
    const size_t n_x = costate_fit_n_x(fit);
    if (!csi_all_finite(x, n_x)) {
        return COSTATE_ERR_NONFINITE;
    }
    csi_fit_bind(fit, x, c->q);
    memset(c->qbar, 0, fit->n_q * sizeof(double));
    double sum = 0.0;
    costate_status status = COSTATE_OK;
    for (size_t s = 0; status == COSTATE_OK && s < fit->n_series; s++) {
        status = match_series(c, s, grad != NULL, &sum);
    }
    if (status != COSTATE_OK) {
        return status;
    }
    if (grad) {
        memset(grad, 0, n_x * sizeof(double));
        csi_fit_pull_unknowns(fit, x, c->qbar, grad);
    }
    csi_fit_penalties(fit, x, &sum, grad);
    *value = sum;
    return isfinite(sum) && (!grad || csi_all_finite(grad, n_x)) ? COSTATE_OK : COSTATE_ERR_NONFINITE;
}

size_t costate_collocation_n_t(const costate_collocation *collocation, size_t series) {
    const costate_collocation *c = collocation;
    return c && series < c->fit->n_series ? c->first[series + 1] - c->first[series] : 0;
}

costate_status costate_collocation_get(const costate_collocation *collocation, size_t series, double *t, double *y,
                                       double *dydt) {
    const costate_collocation *c = collocation;
    if (!c) {
        return COSTATE_ERR_NULL;
    }
    if (series >= c->fit->n_series) {
        return COSTATE_ERR_ARGUMENT;
    }
    const size_t first = c->first[series];
    const size_t n = c->first[series + 1] - first;
    const size_t n_y = c->fit->n_y;
    if (t) {
        memcpy(t, c->t + first, n * sizeof(double));
    }
    if (y) {
        memcpy(y, c->y + first * n_y, n * n_y * sizeof(double));
    }
    if (dydt) {
        memcpy(dydt, c->dydt + first * n_y, n * n_y * sizeof(double));
    }
    return COSTATE_OK;
}

/* The series and state that an entry of q is the initial state of; false if it is none. */
static bool find_state(const costate_fit *fit, size_t q, size_t *series, size_t *state) {
    const size_t begin_states = csi_fit_state_offset(fit, 0);
    if (q < begin_states || q >= begin_states + fit->n_series * fit->n_y) {
        return false;
    }
    *series = (q - begin_states) / fit->n_y;
    *state = (q - begin_states) % fit->n_y;
    return true;
}

costate_status costate_collocation_set_initial(const costate_collocation *collocation, double *x) {
    const costate_collocation *c = collocation;
    if (!c || !x) {
        return COSTATE_ERR_NULL;
    }
    const costate_fit *fit = c->fit;
    for (size_t i = 0; i < fit->n_unknown; i++) {
        const csi_unknown *unknown = &fit->unknowns[i];
        size_t series;
        size_t state;
        if (!find_state(fit, unknown->q, &series, &state) || c->first[series] == c->first[series + 1]) {
            continue;
        }
        const size_t row = c->first[series];
        const double t0 = fit->q0[csi_fit_time_offset(fit, series)];
        const double z = csi_transform_inverse(unknown, c->y[row * fit->n_y + state]) / unknown->scale;
        if (c->t[row] >= t0 && c->t[row] <= t0 && isfinite(z)) {
            x[i] = z;
        }
    }
    return COSTATE_OK;
}
