/* SPDX-License-Identifier: MIT */
/* An independent repeat of the steps that a one-step solver took, with its derivatives. */
#include "frozen_steps.h"

#include "ode/tableau.h"
#include "support/asserts.h"
#include "support/seeded_random.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static int note_step(void *ctx) {
    frozen_steps *s = ctx;
    const costate_solve_counts *counts = costate_solver_counts(s->solver);
    if (counts->n_step == 0 || s->direction == 0.0) return 0;
    if (counts->n_step > s->capacity) {
        s->capacity = 2 * counts->n_step + 64;
        s->steps = realloc(s->steps, s->capacity * sizeof *s->steps);
        assert_non_null(s->steps);
    }
    s->n_step = counts->n_step;
    frozen_step *step = &s->steps[s->n_step - 1];
    step->t = s->n_step == 1 ? s->t0 : step[-1].t_end;
    step->t_end = counts->t_reached;
    step->h = s->direction * counts->last_step;
    step->implicit = counts->n_implicit > (s->n_step == 1 ? 0 : s->n_implicit);
    s->n_implicit = counts->n_implicit;
    step->order = counts->last_order;
    return 0;
}

void frozen_steps_clear(frozen_steps *steps) {
    free(steps->steps);
    memset(steps, 0, sizeof *steps);
}

void frozen_gradient(const gradient_case *c, const costate_solver_options *options, frozen_steps *steps, gradient *g,
                     costate_solve_counts *forward, costate_solve_counts *backward) {
    costate_solver *solver = NULL;
    costate_adjoint *adjoint = NULL;
    costate_solver_options noting = *options;
    noting.interrupt = note_step;
    noting.interrupt_ctx = steps;
    memset(g, 0, sizeof *g);
    assert_ok(costate_solver_create(c->rhs, &noting, NULL, &solver));
    assert_ok(costate_adjoint_create(solver, NULL, NULL, &adjoint));
    if (steps->n_jump > 0) assert_ok(costate_solver_set_discontinuities(solver, steps->n_jump, steps->jump));
    steps->solver = solver;
    steps->t0 = c->t0;
    steps->direction = c->t[c->n_t - 1] < c->t0 ? -1.0 : 1.0;
    steps->n_step = 0;
    assert_ok(costate_solve(solver, c->p, c->t0, c->y0, c->n_t, c->t, NULL));
    assert_int_equal(costate_solver_counts(solver)->n_step, steps->n_step);
    steps->direction = 0.0;
    for (size_t i = 0; i < steps->n_step; i++)
        assert_ok(costate_solver_eval(solver, steps->steps[i].t, steps->steps[i].y));
    assert_ok(costate_adjoint_vjp(adjoint, c->p, c->n_t, c->v, g->y0bar, g->pbar, &g->t0bar));
    if (forward) *forward = *costate_solver_counts(solver);
    if (backward) *backward = *costate_adjoint_counts(adjoint);
    steps->solver = NULL;
    costate_adjoint_destroy(adjoint);
    costate_solver_destroy(solver);
}

/* State and slopes of one step with their tangents. */
typedef struct repeat {
    const frozen_field *field;
    const double *p;
    size_t n_dir;
    const double *const *up;
    frozen_state y, k[CSI_STAGE_MAX];
    frozen_tangents u, ku[CSI_STAGE_MAX];
} repeat;

/* Factors A (n x n, row by row) with row pivoting, or solves with the factors. */
static void factor(size_t n, long double A[][FROZEN_MAX_Y], size_t *pivot) {
    for (size_t col = 0; col < n; col++) {
        pivot[col] = col;
        for (size_t i = col + 1; i < n; i++)
            if (fabsl(A[i][col]) > fabsl(A[pivot[col]][col])) pivot[col] = i;
        for (size_t j = 0; j < n; j++) {
            long double swap = A[col][j];
            A[col][j] = A[pivot[col]][j];
            A[pivot[col]][j] = swap;
        }
        for (size_t i = col + 1; i < n; i++) {
            A[i][col] /= A[col][col];
            for (size_t j = col + 1; j < n; j++)
                A[i][j] -= A[i][col] * A[col][j];
        }
    }
}

static void solve(size_t n, long double A[][FROZEN_MAX_Y], const size_t *pivot, long double *x) {
    for (size_t col = 0; col < n; col++) {
        long double swap = x[col];
        x[col] = x[pivot[col]];
        x[pivot[col]] = swap;
    }
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++)
            x[i] -= A[i][j] * x[j];
    for (size_t i = n; i-- > 0;) {
        for (size_t j = i + 1; j < n; j++)
            x[i] -= A[i][j] * x[j];
        x[i] /= A[i][i];
    }
}

/* dydt = f and the factors of 1 - g J at (t, y). */
static void newton_matrix(const repeat *r, long double t, const long double *y, long double g, long double *dydt,
                          long double A[][FROZEN_MAX_Y], size_t *pivot) {
    static frozen_tangents unit, column;
    size_t n = r->field->n_y;
    memset(unit, 0, sizeof unit);
    for (size_t j = 0; j < n; j++)
        unit[j][j] = 1.0L;
    const frozen_directions dirs = {.n = n, .u = unit};
    r->field->eval(t, y, r->p, &dirs, dydt, column, r->field->ctx);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            A[i][j] = (i == j ? 1.0L : 0.0L) - g * column[j][i];
    factor(n, A, pivot);
}

/* k = f(t, base + g k) by Newton's iteration until rounding, from the guess in k; its tangents from those of base. */
static void implicit_stage(const repeat *r, long double t, const long double *base, long double (*base_u)[FROZEN_MAX_Y],
                           long double g, long double *k, long double (*ku)[FROZEN_MAX_Y]) {
    static long double A[FROZEN_MAX_Y][FROZEN_MAX_Y];
    size_t n = r->field->n_y, pivot[FROZEN_MAX_Y];
    frozen_state y, dydt;
    long double size_before = HUGE_VALL;
    for (int iteration = 0; iteration < 30; iteration++) {
        long double size = 0.0L;
        for (size_t i = 0; i < n; i++)
            y[i] = base[i] + g * k[i];
        newton_matrix(r, t, y, g, dydt, A, pivot);
        for (size_t i = 0; i < n; i++)
            dydt[i] -= k[i];
        solve(n, A, pivot, dydt);
        for (size_t i = 0; i < n; i++) {
            k[i] += dydt[i];
            size += fabsl(dydt[i]);
        }
        if (iteration > 1 && size >= 0.5L * size_before) break;
        size_before = size;
    }
    for (size_t i = 0; i < n; i++)
        y[i] = base[i] + g * k[i];
    const frozen_directions dirs = {.n = r->n_dir, .u = base_u, .up = r->up};
    r->field->eval(t, y, r->p, &dirs, dydt, ku, r->field->ctx);
    for (size_t d = 0; d < r->n_dir; d++)
        solve(n, A, pivot, ku[d]);
}

static bool is_jump(const frozen_steps *s, double t) {
    for (size_t i = 0; i < s->n_jump; i++)
        if (s->jump[i] == t) return true;
    return false;
}

/* Where stage i is evaluated: on the step's own side of a jump. */
static long double stage_time(const frozen_steps *s, const frozen_step *step, const csi_tableau *tableau, int i) {
    if (tableau->c[i] == 0.0) return (long double)(is_jump(s, step->t) ? nextafter(step->t, step->t_end) : step->t);
    if (tableau->c[i] == 1.0)
        return (long double)(is_jump(s, step->t_end) ? nextafter(step->t_end, step->t) : step->t_end);
    return (long double)step->t + (long double)tableau->c[i] * (long double)step->h;
}

/* to += factor * from, for the state and its tangents. */
static void add(const repeat *r, long double factor, const long double *from, long double (*from_u)[FROZEN_MAX_Y],
                long double *to, long double (*to_u)[FROZEN_MAX_Y]) {
    for (size_t l = 0; l < r->field->n_y && factor != 0.0L; l++) {
        to[l] += factor * from[l];
        for (size_t d = 0; d < r->n_dir; d++)
            to_u[d][l] += factor * from_u[d][l];
    }
}

static const csi_tableau *tableau_of(const frozen_step *step) {
    return step->implicit ? &csi_sdirk4 : step->order == csi_dop853.order ? &csi_dop853 : &csi_tsit5;
}

/* All slopes of the step; *end and *end_u become the state at its end. */
static void repeat_step(repeat *r, const frozen_steps *s, const frozen_step *step, long double *end,
                        long double (*end_u)[FROZEN_MAX_Y]) {
    const csi_tableau *tableau = tableau_of(step);
    static frozen_tangents inner_u;
    frozen_state inner;
    long double h = (long double)step->h, *outer = end, (*outer_u)[FROZEN_MAX_Y] = end_u;
    for (int i = 0; i < csi_tableau_n_slope(tableau); i++) {
        end = i < tableau->n_stage ? outer : inner;
        end_u = i < tableau->n_stage ? outer_u : inner_u;
        long double t = stage_time(s, step, tableau, i), g = i > 0 ? h * (long double)tableau->gamma : 0.0L;
        memcpy(end, r->y, sizeof r->y);
        memcpy(end_u, r->u, sizeof r->u);
        for (int j = 0; j < i; j++)
            add(r, h * (long double)tableau->a[i][j], r->k[j], r->ku[j], end, end_u);
        if (g == 0.0L) {
            const frozen_directions dirs = {.n = r->n_dir, .u = end_u, .up = r->up};
            r->field->eval(t, end, r->p, &dirs, r->k[i], r->ku[i], r->field->ctx);
            continue;
        }
        memcpy(r->k[i], r->k[i - 1], sizeof r->k[i]);
        implicit_stage(r, t, end, end_u, g, r->k[i], r->ku[i]);
        add(r, g, r->k[i], r->ku[i], end, end_u);
    }
}

/* Adds the tangents of <v, y> at theta of the step just repeated. */
static void observe(const repeat *r, const frozen_step *step, long double theta, const double *v,
                    long double *derivative) {
    const csi_tableau *tableau = tableau_of(step);
    static frozen_tangents u;
    frozen_state y;
    memcpy(y, r->y, sizeof y);
    memcpy(u, r->u, sizeof u);
    for (int i = 0; i < csi_tableau_n_slope(tableau); i++) {
        long double weight = 0.0L;
        for (int d = CSI_DENSE_DEGREE - 1; d >= 0; d--)
            weight = (weight + (long double)tableau->dense[i][d]) *
                     (tableau->alternating && d % 2 == 1 ? 1.0L - theta : theta);
        add(r, (long double)step->h * weight, r->k[i], (long double(*)[FROZEN_MAX_Y])r->ku[i], y, u);
    }
    for (size_t d = 0; d < r->n_dir; d++)
        for (size_t l = 0; l < r->field->n_y; l++)
            derivative[d] += (long double)v[l] * u[d][l];
}

/* The repeated step ends where the solver's next one starts. */
static void check_end(const frozen_step *next, size_t n, const long double *end, double tolerance) {
    double largest = 0.0;
    for (size_t l = 0; l < n; l++)
        largest = fmax(largest, fabs(next->y[l]));
    for (size_t l = 0; l < n; l++)
        assert_close((double)end[l], next->y[l], tolerance, tolerance * largest);
}

static void differentiate(const frozen_steps *steps, const gradient_case *c, repeat *r, double tolerance,
                          long double *derivative) {
    static frozen_tangents end_u;
    size_t n = r->field->n_y, done = 0;
    double sign = c->t[c->n_t - 1] < c->t0 ? -1.0 : 1.0;
    for (size_t i = 0; i < steps->n_step; i++) {
        const frozen_step *step = &steps->steps[i];
        frozen_state end = {0.0L};
        for (size_t l = 0; l < n; l++)
            r->y[l] = (long double)step->y[l];
        repeat_step(r, steps, step, end, end_u);
        if (i + 1 < steps->n_step) check_end(step + 1, n, end, tolerance);
        for (; done < c->n_t && sign * c->t[done] <= sign * step->t_end; done++) {
            bool at_end = c->t[done] == step->t_end;
            long double theta = at_end ? 1.0L : ((long double)c->t[done] - (long double)step->t) / (long double)step->h;
            observe(r, step, theta, c->v + done * n, derivative);
        }
        memcpy(r->u, end_u, sizeof r->u);
    }
    assert_int_equal(done, c->n_t);
}

void frozen_steps_derivatives(const frozen_steps *steps, const frozen_field *field, const gradient_case *c,
                              size_t n_dir, const double *const *p_dir, const double *const *y0_dir, double tolerance,
                              double *derivative) {
    static repeat r;
    for (size_t first = 0; first < n_dir; first += FROZEN_MAX_DIR) {
        long double sums[FROZEN_MAX_DIR] = {0.0L};
        size_t n = n_dir - first < FROZEN_MAX_DIR ? n_dir - first : FROZEN_MAX_DIR;
        r = (repeat){.field = field, .p = c->p, .n_dir = n, .up = p_dir + first};
        for (size_t d = 0; d < n; d++)
            for (size_t l = 0; l < field->n_y; l++)
                r.u[d][l] = y0_dir[first + d] ? (long double)y0_dir[first + d][l] : 0.0L;
        differentiate(steps, c, &r, tolerance, sums);
        for (size_t d = 0; d < n; d++)
            derivative[first + d] = (double)sums[d];
    }
}

double frozen_gradient_error(const frozen_steps *steps, const frozen_field *field, const gradient_case *c,
                             const gradient *g, size_t max_entry, const double *p_unit, const double *y0_unit) {
    size_t n_y = field->n_y, n_p = field->n_p, every = n_y + n_p, n = every <= max_entry ? every : max_entry;
    double *numbers = calloc(n * (every + 1), sizeof *numbers), *found = numbers + n * every;
    const double **p_dir = calloc(2 * n, sizeof *p_dir), **y0_dir = p_dir + n;
    assert_true(numbers && p_dir);
    costate_random random = costate_random_seed(7, 1);
    for (size_t d = 0; d < n; d++) {
        double *dir = numbers + d * every;
        if (n < every)
            fill_normal(&random, dir, every, 1.0);
        else
            dir[d] = 1.0;
        for (size_t j = 0; j < every; j++) {
            const double *unit = j < n_y ? y0_unit : p_unit;
            dir[j] *= unit ? unit[j < n_y ? j : j - n_y] : 1.0;
        }
        y0_dir[d] = dir;
        p_dir[d] = dir + n_y;
    }
    frozen_steps_derivatives(steps, field, c, n, p_dir, y0_dir, 1e-8, found);
    double largest = 0.0, difference = 0.0, sum = 0.0;
    for (size_t d = 0; d < n; d++) {
        double expected = found[d], got = gradient_dot(c, g, p_dir[d], y0_dir[d], 0.0);
        largest = fmax(largest, fabs(expected));
        difference = fmax(difference, fabs(got - expected));
        sum += got - expected;
    }
    free(p_dir);
    free(numbers);
    return isnan(sum) ? sum : difference / largest;
}
