/* SPDX-License-Identifier: MIT */
/* One implicit step of any problem, outside of a solver. */
#include "implicit_fixture.h"

#include "core/memory.h"
#include "support/asserts.h"

#include <math.h>
#include <string.h>

static void spoil(implicit_fixture *f) {
    const size_t n = f->calls.rhs.n_y;
    csi_implicit *implicit = &f->implicit;
    for (size_t i = 0; i < n * n; i++)
        implicit->jac[i] = implicit->stage_factors[i] = f->newton[i] = (double)NAN;
    for (size_t i = 0; i < n; i++)
        implicit->base[i] = implicit->state[i] = implicit->increment[i] = implicit->residual[i] = (double)NAN;
    for (size_t i = 0; i < CSI_STAGE_MAX * n; i++)
        f->k[i] = (double)NAN;
    memset(f->pivot, 0xff, sizeof f->pivot);
}

void implicit_fixture_create(implicit_fixture *f, const problem *tried, double rtol, double atol, bool keeps) {
    *f = (implicit_fixture){.problem = tried};
    const costate_allocator alloc = csi_allocator(NULL);
    const costate_rhs rhs =
        keeps ? faulty_rhs_wrap_kept(&f->faulty, &tried->rhs) : faulty_rhs_wrap(&f->faulty, &tried->rhs);
    assert_true(rhs.kept_bytes <= sizeof f->kept);
    assert_ok(csi_rhs_calls_init(&f->calls, &rhs, &f->counts, &alloc));
    f->calls.p = tried->p;
    assert_ok(csi_implicit_init(&f->implicit, rhs.n_y, &alloc));
    for (size_t i = 0; i < rhs.n_y; i++)
        f->atol[i] = atol;
    f->implicit.rtol = rtol;
    f->implicit.atol = f->atol;
    f->implicit.kept = keeps ? f->kept : NULL;
    spoil(f);
}

void implicit_fixture_destroy(implicit_fixture *f) {
    const costate_allocator alloc = csi_allocator(NULL);
    csi_implicit_clear(&f->implicit, &alloc);
    csi_rhs_calls_clear(&f->calls, &alloc);
}

void implicit_fixture_begin(implicit_fixture *f, double t, const double *y, double h) {
    memcpy(f->y, y, f->calls.rhs.n_y * sizeof *y);
    f->record = (csi_step_record){.tableau = &csi_sdirk4,
                                  .t = t,
                                  .t_end = t + h,
                                  .h = h,
                                  .t_first = t,
                                  .t_last = t + h,
                                  .restart = true,
                                  .has_kept = true,
                                  .y = f->y,
                                  .k = f->k,
                                  .newton = f->newton,
                                  .pivot = f->pivot};
    assert_int_equal(f->problem->rhs.f(t, y, f->problem->p, f->k, NULL, f->problem->rhs.ctx), 0);
}

int implicit_fixture_step(implicit_fixture *f, double t, const double *y, double h) {
    implicit_fixture_begin(f, t, y, h);
    return csi_implicit_step(&f->implicit, &f->calls, &f->record, false, f->y_end);
}

void implicit_fixture_settle(implicit_fixture *f, const problem *tried, double duration, double *y) {
    implicit_fixture_create(f, tried, 1e-6, 1e-12, false);
    memcpy(y, tried->y0, tried->rhs.n_y * sizeof *y);
    double t = tried->t0;
    for (double h = 1e-7; t - tried->t0 < duration; t += h, h *= 1.5) {
        assert_int_equal(implicit_fixture_step(f, t, y, h), CSI_STEP_OK);
        memcpy(y, f->y_end, tried->rhs.n_y * sizeof *y);
    }
    implicit_fixture_destroy(f);
}

void implicit_fixture_stage(const implicit_fixture *f, int stage, double *state) {
    csi_stage_sum(f->calls.rhs.n_y, stage + 1, f->y, f->record.h, csi_sdirk4.a[stage], f->k, state);
}
