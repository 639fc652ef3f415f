/* SPDX-License-Identifier: MIT */
/* Comparison of a right-hand side's derivatives with differences of f at random points. */
#include "core/memory.h"
#include "core/rhs_check_internal.h"

#include <math.h>
#include <string.h>

static const char in_f[] = "f";
static const char in_vjp[] = "vjp";
static const char in_vjp_ybar[] = "vjp ybar";
static const char in_vjp_pbar[] = "vjp pbar";
static const char in_jvp[] = "jvp";
static const char in_jac[] = "jac";

/* Cuts every array from the arena; the same code measures and places. */
static void carve(csi_check *c, csi_arena *arena) {
    size_t n_y = c->rhs->n_y;
    size_t n_p = c->rhs->n_p;
    double **per_state[] = {&c->y,
                            &c->v,
                            &c->u,
                            &c->ybar,
                            &c->column,
                            &c->ybar_numeric,
                            &c->ju,
                            &c->ju_numeric,
                            &c->ju_y_numeric,
                            &c->dydt,
                            &c->scratch.f_above,
                            &c->scratch.f_below,
                            &c->scratch.central,
                            &c->scratch.extrapolated,
                            &c->scratch.error};
    double **per_parameter[] = {&c->p, &c->up, &c->pbar, &c->pbar_before, &c->pbar_numeric};
    for (size_t i = 0; i < sizeof per_state / sizeof *per_state; i++) {
        *per_state[i] = csi_arena_take(arena, n_y, sizeof(double));
    }
    for (size_t i = 0; i < sizeof per_parameter / sizeof *per_parameter; i++) {
        *per_parameter[i] = csi_arena_take(arena, n_p, sizeof(double));
    }
    size_t n_jac = 0;
    if (c->rhs->jac && !csi_size_mul(n_y, n_y, &n_jac)) {
        arena->overflow = true;
    }
    c->jac = csi_arena_take(arena, n_jac, sizeof(double));
    c->scratch.work = c->rhs->work_bytes ? csi_arena_take(arena, c->rhs->work_bytes, 1) : NULL;
    csi_check_carve_kept(c, arena);
    csi_check_carve_lanes(c, arena);
}

void csi_check_draw(csi_check *c, double *x, size_t n) {
    for (size_t i = 0; i < n; i++) {
        x[i] = costate_random_normal(c->random);
    }
}

static void draw_around(csi_check *c, double *x, const double *centre, size_t n) {
    for (size_t i = 0; i < n; i++) {
        x[i] = centre[i] + c->scale * costate_random_normal(c->random);
    }
}

void csi_check_draw_point(csi_check *c, double *t, double *y, double *p) {
    *t = c->t_centre + costate_random_normal(c->random);
    draw_around(c, y, c->y_centre, c->rhs->n_y);
    draw_around(c, p, c->p_centre, c->rhs->n_p);
}

static double dot(const double *a, const double *b, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        sum += a[i] * b[i];
    }
    return sum;
}

static void add_scaled(double *sum, double factor, const double *x, size_t n) {
    for (size_t i = 0; i < n; i++) {
        sum[i] += factor * x[i];
    }
}

costate_status csi_check_blame(csi_check *c, costate_status status, const char *callback, size_t index) {
    c->worst = (costate_rhs_report){.callback = callback,
                                    .index = index,
                                    .point = c->point,
                                    .analytic = (double)NAN,
                                    .numeric = (double)NAN,
                                    .error = (double)NAN};
    return status;
}

void *csi_check_work(const csi_check *c) {
    if (c->scratch.work) {
        memset(c->scratch.work, 0xff, c->rhs->work_bytes);
    }
    return c->scratch.work;
}

costate_status csi_check_compare(csi_check *c, const char *callback, size_t index, double analytic, double numeric) {
    if (!isfinite(analytic)) {
        return csi_check_blame(c, COSTATE_ERR_NONFINITE, callback, index);
    }
    double error = fabs(analytic - numeric) / (1 + fabs(numeric));
    if (error > c->tolerance) {
        c->disagree = true;
    }
    if (error >= c->worst.error) {
        c->worst = (costate_rhs_report){.callback = callback,
                                        .index = index,
                                        .point = c->point,
                                        .analytic = analytic,
                                        .numeric = numeric,
                                        .error = error};
    }
    return COSTATE_OK;
}

static costate_status compare_array(csi_check *c, const char *callback, const double *analytic, const double *numeric,
                                    size_t n) {
    costate_status status = COSTATE_OK;
    for (size_t i = 0; i < n && status == COSTATE_OK; i++) {
        status = csi_check_compare(c, callback, i, analytic[i], numeric[i]);
    }
    return status;
}

static costate_status check_f(csi_check *c) {
    const costate_rhs *rhs = c->rhs;
    for (size_t i = 0; i < rhs->n_y; i++) {
        c->dydt[i] = (double)NAN;
    }
    if (rhs->f(c->t, c->y, c->p, c->dydt, csi_check_work(c), rhs->ctx) != COSTATE_ANSWER_OK) {
        return csi_check_blame(c, COSTATE_ERR_RHS_FAIL, in_f, 0);
    }
    for (size_t i = 0; i < rhs->n_y; i++) {
        if (!isfinite(c->dydt[i])) {
            return csi_check_blame(c, COSTATE_ERR_NONFINITE, in_f, i);
        }
    }
    return COSTATE_OK;
}

/* Differences with respect to each state; compares jac, which must have been evaluated, on the way. */
static costate_status difference_states(csi_check *c) {
    size_t n_y = c->rhs->n_y;
    memset(c->ju_y_numeric, 0, n_y * sizeof(double));
    for (size_t j = 0; j < n_y; j++) {
        costate_status status = csi_difference_column(&c->scratch, c->rhs, c->t, c->y, c->p, &c->y[j], c->column);
        if (status != COSTATE_OK) {
            return csi_check_blame(c, status, in_f, 0);
        }
        c->ybar_numeric[j] = dot(c->v, c->column, n_y);
        add_scaled(c->ju_y_numeric, c->u[j], c->column, n_y);
        for (size_t i = 0; c->rhs->jac && i < n_y && status == COSTATE_OK; i++) {
            status = csi_check_compare(c, in_jac, i + n_y * j, c->jac[i + n_y * j], c->column[i]);
        }
        if (status != COSTATE_OK) {
            return status;
        }
    }
    return COSTATE_OK;
}

static costate_status difference_parameters(csi_check *c) {
    size_t n_y = c->rhs->n_y;
    memcpy(c->ju_numeric, c->ju_y_numeric, n_y * sizeof(double));
    for (size_t j = 0; j < c->rhs->n_p; j++) {
        costate_status status = csi_difference_column(&c->scratch, c->rhs, c->t, c->y, c->p, &c->p[j], c->column);
        if (status != COSTATE_OK) {
            return csi_check_blame(c, status, in_f, 0);
        }
        c->pbar_numeric[j] = dot(c->v, c->column, n_y);
        add_scaled(c->ju_numeric, c->up[j], c->column, n_y);
    }
    return COSTATE_OK;
}

static costate_status evaluate_jac(csi_check *c) {
    const costate_rhs *rhs = c->rhs;
    if (!rhs->jac) {
        return COSTATE_OK;
    }
    csi_check_draw(c, c->jac, rhs->n_y * rhs->n_y);
    if (rhs->jac(c->t, c->y, c->p, c->jac, csi_check_work(c), rhs->ctx) != COSTATE_ANSWER_OK) {
        return csi_check_blame(c, COSTATE_ERR_RHS_FAIL, in_jac, 0);
    }
    return COSTATE_OK;
}

/* One call of vjp with outputs that hold random numbers before; `factor` is its scale argument. */
static costate_status check_vjp(csi_check *c, bool want_ybar, bool want_pbar, double factor) {
    const costate_rhs *rhs = c->rhs;
    csi_check_draw(c, c->ybar, rhs->n_y);
    csi_check_draw(c, c->pbar_before, rhs->n_p);
    memcpy(c->pbar, c->pbar_before, rhs->n_p * sizeof(double));
    int answer = rhs->vjp(c->t, c->y, c->p, c->v, factor, want_ybar ? c->ybar : NULL, want_pbar ? c->pbar : NULL,
                          csi_check_work(c), rhs->ctx);
    if (answer != COSTATE_ANSWER_OK) {
        return csi_check_blame(c, COSTATE_ERR_RHS_FAIL, in_vjp, 0);
    }
    costate_status status = COSTATE_OK;
    if (want_ybar) {
        status = compare_array(c, in_vjp_ybar, c->ybar, c->ybar_numeric, rhs->n_y);
    }
    if (want_pbar && status == COSTATE_OK) {
        for (size_t j = 0; j < rhs->n_p; j++) {
            c->pbar[j] = (c->pbar[j] - c->pbar_before[j]) / factor;
        }
        status = compare_array(c, in_vjp_pbar, c->pbar, c->pbar_numeric, rhs->n_p);
    }
    return status;
}

static costate_status check_jvp(csi_check *c, const double *up, const double *numeric) {
    const costate_rhs *rhs = c->rhs;
    csi_check_draw(c, c->ju, rhs->n_y);
    if (rhs->jvp(c->t, c->y, c->p, c->u, up, c->ju, csi_check_work(c), rhs->ctx) != COSTATE_ANSWER_OK) {
        return csi_check_blame(c, COSTATE_ERR_RHS_FAIL, in_jvp, 0);
    }
    return compare_array(c, in_jvp, c->ju, numeric, rhs->n_y);
}

static costate_status check_products(csi_check *c) {
    costate_status status = COSTATE_OK;
    bool has_p = c->rhs->n_p > 0;
    if (c->rhs->vjp) {
        status = check_vjp(c, true, has_p, -0.75);
        if (status == COSTATE_OK && has_p) {
            status = check_vjp(c, true, false, 1);
        }
        if (status == COSTATE_OK && has_p) {
            status = check_vjp(c, false, true, 2.5);
        }
    }
    if (c->rhs->jvp && status == COSTATE_OK) {
        status = check_jvp(c, NULL, c->ju_y_numeric);
        if (status == COSTATE_OK && has_p) {
            status = check_jvp(c, c->up, c->ju_numeric);
        }
    }
    return status;
}

static costate_status check_point(csi_check *c) {
    costate_status status = check_f(c);
    if (status == COSTATE_OK) {
        status = evaluate_jac(c);
    }
    if (status == COSTATE_OK) {
        status = difference_states(c);
    }
    if (status == COSTATE_OK) {
        status = difference_parameters(c);
    }
    return status == COSTATE_OK ? check_products(c) : status;
}

/* The other forms of f and vjp. */
static costate_status check_forms(csi_check *c) {
    costate_status status = check_f(c);
    if (status == COSTATE_OK) {
        status = csi_check_kept(c);
    }
    return status == COSTATE_OK ? csi_check_lanes(c) : status;
}

/* The other forms are compared with f and vjp, so these come first. */
static costate_status check_points(csi_check *c, size_t n_point) {
    for (c->point = 0; c->point < n_point; c->point++) {
        csi_check_draw_point(c, &c->t, c->y, c->p);
        csi_check_draw(c, c->v, c->rhs->n_y);
        csi_check_draw(c, c->u, c->rhs->n_y);
        csi_check_draw(c, c->up, c->rhs->n_p);
        costate_status status = check_point(c);
        if (status != COSTATE_OK) {
            return status;
        }
    }
    const bool has_forms = c->rhs->f_keep || c->rhs->f_lanes;
    for (c->point = 0; has_forms && !c->disagree && c->point < n_point; c->point++) {
        csi_check_draw_point(c, &c->t, c->y, c->p);
        csi_check_draw(c, c->v, c->rhs->n_y);
        costate_status status = check_forms(c);
        if (status != COSTATE_OK) {
            return status;
        }
    }
    return c->disagree ? COSTATE_ERR_MISMATCH : COSTATE_OK;
}

static costate_status check_arguments(const costate_rhs *rhs, const double *y, const double *p, double scale,
                                      size_t n_point, double tolerance, const costate_random *random) {
    if (!rhs || !rhs->f || !y || !random || (rhs->n_p > 0 && !p)) {
        return COSTATE_ERR_NULL;
    }
    if (rhs->n_y == 0 || n_point == 0) {
        return COSTATE_ERR_ARGUMENT;
    }
    if (!(scale >= 0) || !isfinite(scale) || !(tolerance >= 0) || !isfinite(tolerance)) {
        return COSTATE_ERR_ARGUMENT;
    }
    return COSTATE_OK;
}

costate_status costate_rhs_check(const costate_rhs *rhs, double t, const double *y, const double *p, double scale,
                                 size_t n_point, double tolerance, costate_random *random, costate_rhs_report *report) {
    costate_status status = check_arguments(rhs, y, p, scale, n_point, tolerance, random);
    if (status != COSTATE_OK) {
        return status;
    }
    csi_check c = {.rhs = rhs,
                   .t_centre = t,
                   .y_centre = y,
                   .p_centre = p,
                   .scale = scale,
                   .tolerance = tolerance,
                   .random = random,
                   .worst = {.callback = ""}};
    csi_arena arena = csi_arena_measure();
    carve(&c, &arena);
    if (!csi_arena_fits(&arena)) {
        return COSTATE_ERR_OVERFLOW;
    }
    size_t bytes = csi_arena_bytes(&arena);
    costate_allocator alloc = csi_allocator(NULL);
    void *block = csi_alloc(&alloc, bytes, 1);
    if (!block) {
        return COSTATE_ERR_MEMORY;
    }
    arena = csi_arena_open(block, bytes);
    carve(&c, &arena);
    status = check_points(&c, n_point);
    csi_arena_close(&arena);
    csi_release(&alloc, block);
    if (status == COSTATE_OK) {
        c.worst.callback = "";
    }
    if (report) {
        *report = c.worst;
    }
    return status;
}
