/* SPDX-License-Identifier: MIT */
/* The vector-Jacobian product: against the reference, by algebra, and against differences of forward. */
#include "net_battery.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Results of one VJP, pbar starting from the fixture's. */
typedef struct gradient {
    double *xbar, *pbar;
} gradient;

static gradient gradient_make(const net_fixture *fixture) {
    gradient g = {doubles(fixture->n_in), doubles(fixture->n_param)};
    memcpy(g.pbar, fixture->pbar, fixture->n_param * sizeof *g.pbar);
    return g;
}

static void gradient_release(gradient *g) {
    free(g->xbar);
    free(g->pbar);
}

/* What the reference says of the same. */
typedef struct gradient_reference {
    reference_value *xbar, *pbar;
    long double u;
} gradient_reference;

static gradient_reference gradient_reference_make(const net_fixture *fixture, const net_calls *calls, const double *v,
                                                  double scale, const double *pbar_before) {
    gradient_reference want = {references(fixture->n_in), references(fixture->n_param), net_real_roundoff(calls->real)};
    reference_net ref = net_calls_reference(calls, fixture);
    reference_vjp(&ref, fixture->p, fixture->x, v, scale, pbar_before, want.xbar, want.pbar);
    return want;
}

static void gradient_reference_release(gradient_reference *want) {
    free(want->xbar);
    free(want->pbar);
}

static void check_reference(const net_fixture *fixture, const net_calls *calls) {
    static const double scales[] = {1.0, -0.75};
    for (size_t s = 0; s < sizeof scales / sizeof *scales; s++) {
        gradient_reference want = gradient_reference_make(fixture, calls, fixture->v, scales[s], fixture->pbar);
        gradient g = gradient_make(fixture);
        call_vjp(calls, fixture->p, fixture->x, fixture->v, scales[s], g.xbar, g.pbar);
        assert_matches_reference("xbar", g.xbar, want.xbar, fixture->n_in, want.u);
        assert_matches_reference("pbar", g.pbar, want.pbar, fixture->n_param, want.u);
        gradient_release(&g);
        gradient_reference_release(&want);
    }
}

static void vjp_every_pair_of_widths_matches_reference(void **state) {
    (void)state;
    net_battery_layers(NET_BATTERY_WIDTH, NET_BATTERY_WIDTH, check_reference);
}

static void vjp_table_matches_reference(void **state) {
    (void)state;
    net_battery_table(check_reference);
}

static void vjp_random_net_matches_reference(void **state) {
    (void)state;
    net_battery_random(150, 20, check_reference);
}

static void check_selection(const net_fixture *fixture, const net_calls *calls) {
    gradient both = gradient_make(fixture), apart = gradient_make(fixture);
    call_vjp(calls, fixture->p, fixture->x, fixture->v, 0.75, both.xbar, both.pbar);
    for (int placement = 0; placement < N_NET_PLACEMENT; placement++) {
        net_calls elsewhere = {calls->net, calls->real, (net_placement)placement};
        memcpy(apart.pbar, fixture->pbar, fixture->n_param * sizeof *apart.pbar);
        call_vjp(&elsewhere, fixture->p, fixture->x, fixture->v, 0.75, apart.xbar, NULL);
        call_vjp(&elsewhere, fixture->p, fixture->x, fixture->v, 0.75, NULL, apart.pbar);
        call_vjp(&elsewhere, fixture->p, fixture->x, fixture->v, 0.75, NULL, NULL);
        assert_same_bits_f64(apart.xbar, both.xbar, fixture->n_in);
        assert_same_bits_f64(apart.pbar, both.pbar, fixture->n_param);
    }
    gradient_release(&apart);
    gradient_release(&both);
}

static void vjp_of_either_gives_same_bits_as_both(void **state) {
    (void)state;
    net_battery_table(check_selection);
    net_battery_layers(NET_BATTERY_WIDTH, 3, check_selection);
    net_battery_layers(3, NET_BATTERY_WIDTH, check_selection);
    net_battery_random(50, 40, check_selection);
}

/* ⟨a, b⟩, adding what the bounds of a and of b's own computation allow to *error. */
static long double inner(const double *a, const double *b, const reference_value *bound, size_t n, long double *error) {
    long double sum = 0.0L;
    for (size_t i = 0; i < n; i++) {
        sum += (long double)a[i] * (long double)b[i];
        *error += 2.0L * fabsl((long double)a[i]) * bound[i].error;
    }
    return sum;
}

static void check_dot_identity(const net_fixture *fixture, const net_calls *calls) {
    reference_net ref = net_calls_reference(calls, fixture);
    double *zero = doubles(fixture->n_param), *yu = doubles(fixture->n_out);
    reference_value *yu_bound = references(fixture->n_out);
    gradient_reference bound = gradient_reference_make(fixture, calls, fixture->v, 1.0, zero);
    reference_jvp(&ref, fixture->p, fixture->x, fixture->u, fixture->up, yu_bound);
    gradient g = {doubles(fixture->n_in), doubles(fixture->n_param)};
    call_vjp(calls, fixture->p, fixture->x, fixture->v, 1.0, g.xbar, g.pbar);
    call_jvp(calls, fixture->p, fixture->x, fixture->u, fixture->up, NULL, yu);

    long double error = 1e-30L;
    long double forward = inner(fixture->v, yu, yu_bound, fixture->n_out, &error);
    long double backward = inner(fixture->u, g.xbar, bound.xbar, fixture->n_in, &error) +
                           inner(fixture->up, g.pbar, bound.pbar, fixture->n_param, &error);
    if (!(fabsl(forward - backward) <= error)) {
        fail_msg("<v, J u> = %.17Lg but <J'v, u> = %.17Lg, bound %.3Lg", forward, backward, error);
    }
    gradient_release(&g);
    gradient_reference_release(&bound);
    free(yu_bound);
    free(yu);
    free(zero);
}

static void vjp_and_jvp_satisfy_dot_identity(void **state) {
    (void)state;
    net_battery_table(check_dot_identity);
    net_battery_random(150, 30, check_dot_identity);
}

/* v and its even and odd halves: the halves add up to v exactly, so their gradients must to rounding. */
static void check_additive(const net_fixture *fixture, const net_calls *calls) {
    double *zero = doubles(fixture->n_param), *half = doubles(fixture->n_out);
    gradient_reference bound = gradient_reference_make(fixture, calls, fixture->v, 1.0, zero);
    gradient sum = {doubles(fixture->n_in), doubles(fixture->n_param)};
    for (size_t parity = 0; parity < 2; parity++) {
        for (size_t i = 0; i < fixture->n_out; i++) {
            half[i] = i % 2 == parity ? fixture->v[i] : 0.0;
        }
        gradient g = {doubles(fixture->n_in), doubles(fixture->n_param)};
        call_vjp(calls, fixture->p, fixture->x, half, 1.0, g.xbar, g.pbar);
        for (size_t j = 0; j < fixture->n_in; j++) {
            sum.xbar[j] += g.xbar[j];
        }
        for (size_t k = 0; k < fixture->n_param; k++) {
            sum.pbar[k] += g.pbar[k];
        }
        gradient_release(&g);
    }
    assert_matches_reference("xbar", sum.xbar, bound.xbar, fixture->n_in, bound.u);
    assert_matches_reference("pbar", sum.pbar, bound.pbar, fixture->n_param, bound.u);
    gradient_release(&sum);
    gradient_reference_release(&bound);
    free(half);
    free(zero);
}

static void vjp_is_additive_in_v(void **state) {
    (void)state;
    net_battery_table(check_additive);
    net_battery_random(50, 20, check_additive);
}

/* Doubling is exact, so a doubled cotangent or scale doubles the results exactly. */
static void check_homogeneous(const net_fixture *fixture, const net_calls *calls) {
    double *v = doubles(fixture->n_out);
    for (size_t i = 0; i < fixture->n_out; i++) {
        v[i] = 2.0 * fixture->v[i];
    }
    gradient once = {doubles(fixture->n_in), doubles(fixture->n_param)};
    gradient doubled = {doubles(fixture->n_in), doubles(fixture->n_param)};
    gradient scaled = {doubles(fixture->n_in), doubles(fixture->n_param)};
    call_vjp(calls, fixture->p, fixture->x, fixture->v, 1.0, once.xbar, once.pbar);
    call_vjp(calls, fixture->p, fixture->x, v, 1.0, doubled.xbar, doubled.pbar);
    call_vjp(calls, fixture->p, fixture->x, fixture->v, 2.0, scaled.xbar, scaled.pbar);
    double underflow = calls->real == NET_F64 ? 1e-300 : 1e-36;
    for (size_t j = 0; j < fixture->n_in; j++) {
        assert_close(doubled.xbar[j], 2.0 * once.xbar[j], 0.0, underflow);
        assert_close(scaled.xbar[j], once.xbar[j], 0.0, 0.0);
    }
    for (size_t k = 0; k < fixture->n_param; k++) {
        assert_close(doubled.pbar[k], 2.0 * once.pbar[k], 0.0, underflow);
        assert_close(scaled.pbar[k], 2.0 * once.pbar[k], 0.0, underflow);
    }
    gradient_release(&scaled);
    gradient_release(&doubled);
    gradient_release(&once);
    free(v);
}

static void vjp_is_homogeneous_in_v_and_scale(void **state) {
    (void)state;
    net_battery_table(check_homogeneous);
    net_battery_random(50, 20, check_homogeneous);
}

/* ⟨v, N(x + h u; p + h up)⟩. */
static double projected(const net_fixture *fixture, const net_calls *calls, double h) {
    double *x = doubles(fixture->n_in), *p = doubles(fixture->n_param), *y = doubles(fixture->n_out), sum = 0.0;
    for (size_t j = 0; j < fixture->n_in; j++) {
        x[j] = fixture->x[j] + h * fixture->u[j];
    }
    for (size_t k = 0; k < fixture->n_param; k++) {
        p[k] = fixture->p[k] + h * fixture->up[k];
    }
    call_forward(calls, p, x, y);
    for (size_t i = 0; i < fixture->n_out; i++) {
        sum += fixture->v[i] * y[i];
    }
    free(y);
    free(p);
    free(x);
    return sum;
}

static double central(const net_fixture *fixture, const net_calls *calls, double h) {
    return (projected(fixture, calls, h) - projected(fixture, calls, -h)) / (2.0 * h);
}

static bool has_kink(const net_fixture *fixture) {
    bool kink = false;
    for (size_t l = 0; l < fixture->shape.n_layer; l++) {
        costate_act act = fixture->shape.layers[l].act;
        kink = kink || act == COSTATE_ACT_RELU || act == COSTATE_ACT_LEAKY_RELU || act == COSTATE_ACT_ELU;
    }
    return kink;
}

/* Differences with two Richardson steps: truncation O(h^6), rounding about 1e-16/h. */
static void check_differences(const net_fixture *fixture, const net_calls *calls) {
    if (calls->real != NET_F64 || has_kink(fixture)) {
        return;
    }
    double h = 1e-3, d1 = central(fixture, calls, h), d2 = central(fixture, calls, h / 2),
           d4 = central(fixture, calls, h / 4);
    double r1 = (4.0 * d2 - d1) / 3.0, r2 = (4.0 * d4 - d2) / 3.0, numeric = (16.0 * r2 - r1) / 15.0;
    gradient g = {doubles(fixture->n_in), doubles(fixture->n_param)};
    call_vjp(calls, fixture->p, fixture->x, fixture->v, 1.0, g.xbar, g.pbar);
    double analytic = 0.0, size = 1.0;
    for (size_t j = 0; j < fixture->n_in; j++) {
        analytic += g.xbar[j] * fixture->u[j];
        size += fabs(g.xbar[j] * fixture->u[j]);
    }
    for (size_t k = 0; k < fixture->n_param; k++) {
        analytic += g.pbar[k] * fixture->up[k];
        size += fabs(g.pbar[k] * fixture->up[k]);
    }
    assert_close(analytic, numeric, 0.0, 1e-8 * size);
    gradient_release(&g);
}

static void vjp_matches_differences_of_forward(void **state) {
    (void)state;
    net_battery_table(check_differences);
}

static void check_batch(const net_fixture *fixture, const net_calls *calls) {
    enum { N = 11 };
    static const size_t counts[] = {0, 1, 2, 3, 8, N};
    size_t n_in = fixture->n_in, n_out = fixture->n_out;
    costate_random random = costate_random_seed(fixture->seed, 1);
    double *x = doubles(N * n_in), *v = doubles(N * n_out), *xbar = doubles(N * n_in), *xbar_loop = doubles(N * n_in);
    double *pbar = doubles(fixture->n_param), *pbar_loop = doubles(fixture->n_param);
    size_t pbar_bytes = fixture->n_param * sizeof *pbar;
    fill_representable(&random, x, N * n_in);
    fill_representable(&random, v, N * n_out);
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
        memcpy(pbar_loop, fixture->pbar, pbar_bytes);
        for (size_t k = 0; k < counts[c]; k++) {
            call_vjp(calls, fixture->p, x + k * n_in, v + k * n_out, -1.25, xbar_loop + k * n_in, pbar_loop);
        }
        memcpy(pbar, fixture->pbar, pbar_bytes);
        call_vjp_batch(calls, fixture->p, counts[c], x, v, -1.25, xbar, pbar);
        assert_same_bits_f64(xbar, xbar_loop, counts[c] * n_in);
        assert_same_bits_f64(pbar, pbar_loop, fixture->n_param);
        memcpy(pbar, fixture->pbar, pbar_bytes);
        call_vjp_batch(calls, fixture->p, counts[c], x, v, -1.25, NULL, pbar);
        call_vjp_batch(calls, fixture->p, counts[c], x, v, -1.25, xbar, NULL);
        assert_same_bits_f64(xbar, xbar_loop, counts[c] * n_in);
        assert_same_bits_f64(pbar, pbar_loop, fixture->n_param);
    }
    double *arrays[] = {x, v, xbar, xbar_loop, pbar, pbar_loop};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) {
        free(arrays[i]);
    }
}

static void vjp_batch_equals_loop_bit_for_bit(void **state) {
    (void)state;
    net_battery_table(check_batch);
}

int main(void) {
    if (!net_battery_isa_available()) {
        return TEST_SKIPPED;
    }
    const struct CMUnitTest tests[] = {
        net_battery_test(vjp_every_pair_of_widths_matches_reference),
        net_battery_test(vjp_table_matches_reference),
        net_battery_test(vjp_random_net_matches_reference),
        net_battery_test(vjp_of_either_gives_same_bits_as_both),
        net_battery_test(vjp_and_jvp_satisfy_dot_identity),
        net_battery_test(vjp_is_additive_in_v),
        net_battery_test(vjp_is_homogeneous_in_v_and_scale),
        net_battery_test(vjp_matches_differences_of_forward),
        net_battery_test(vjp_batch_equals_loop_bit_for_bit),
    };
    return cmocka_run_group_tests_name("net_vjp", tests, NULL, NULL);
}
