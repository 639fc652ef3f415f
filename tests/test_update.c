/* SPDX-License-Identifier: MIT */
/* Parameter updates: the published formulas, closed forms on simple problems, clipping, penalties, schedules. */
#include "support/asserts.h"
#include "support/seeded_random.h"

#include <costate/costate.h>
#include <math.h>
#include <string.h>

enum { N_KIND = 7, MAX = 64 };

static costate_update *make(const costate_update_options *options, size_t n) {
    costate_update *update;
    assert_ok(costate_update_create(options, n, NULL, &update));
    return update;
}

typedef struct reference_state {
    long double p;
    long double v; /* or m */
    long double s;
    long double theta; /* Nesterov: the point that p looks ahead of */
} reference_state;

/* Step k = 1, 2, … of one element as published; Nesterov with the point and its look-ahead kept apart. */
static void reference_step(const costate_update_options *o, long double rate, int k, long double g,
                           reference_state *x) {
    const long double mu = (long double)o->momentum;
    const long double eps = (long double)o->epsilon;
    const long double b1 = (long double)o->beta1;
    const long double b2 = (long double)o->beta2;
    switch (o->kind) {
    case COSTATE_UPDATE_DESCENT: x->p -= rate * g; break;
    case COSTATE_UPDATE_MOMENTUM:
        x->v = mu * x->v - rate * g;
        x->p += x->v;
        break;
    case COSTATE_UPDATE_NESTEROV:
        x->v = mu * x->v - rate * g;
        x->theta += x->v;
        x->p = x->theta + mu * x->v;
        break;
    case COSTATE_UPDATE_RMSPROP:
        x->s = (long double)o->rho * x->s + (1.0L - (long double)o->rho) * g * g;
        x->p -= rate * g / (sqrtl(x->s) + eps);
        break;
    case COSTATE_UPDATE_ADAGRAD:
        x->s += g * g;
        x->p -= rate * g / (sqrtl(x->s) + eps);
        break;
    default:
        x->v = b1 * x->v + (1.0L - b1) * g;
        x->s = b2 * x->s + (1.0L - b2) * g * g;
        x->p -= rate * ((x->v / (1.0L - powl(b1, k))) / (sqrtl(x->s / (1.0L - powl(b2, k))) + eps) +
                        (o->kind == COSTATE_UPDATE_ADAMW ? (long double)o->decay * x->p : 0.0L));
        break;
    }
}

static void check_formula(costate_update_options options, size_t n) {
    enum { N_STEP = 25 };
    costate_random random = test_random(n);
    double p[MAX];
    float p32[MAX + 1];
    reference_state x[MAX] = {{0}};
    for (size_t i = 0; i < n; i++) {
        p32[i + 1] = (float)costate_random_normal(&random);
        p[i] = (double)p32[i + 1];
        x[i].p = (long double)p[i];
        x[i].theta = x[i].p;
    }
    options.schedule = (costate_schedule){COSTATE_SCHEDULE_COSINE, 0.02, 0.001, N_STEP, 3};
    costate_update *update = make(&options, n);
    options.precision = COSTATE_UPDATE_F32;
    costate_update *update32 = make(&options, n);
    for (int k = 1; k <= N_STEP; k++) {
        double grad[MAX];
        float grad32[MAX];
        const double rate = costate_schedule_rate(&options.schedule, (size_t)k - 1);
        for (size_t i = 0; i < n; i++) {
            grad32[i] = (float)costate_random_normal(&random);
            grad[i] = (double)grad32[i];
            reference_step(&options, (long double)rate, k, (long double)grad[i], &x[i]);
        }
        assert_ok(costate_update_step_f64(update, p, grad));
        assert_ok(costate_update_step_f32(update32, p32 + 1, grad32));
        for (size_t i = 0; i < n; i++) {
            assert_close(p[i], (double)x[i].p, 1e-13, 1e-14);
            assert_close(p32[i + 1], (double)x[i].p, 1e-5, 1e-5);
        }
    }
    assert_int_equal(costate_update_count(update), N_STEP);
    costate_update_destroy(update);
    costate_update_destroy(update32);
}

static void updates_follow_the_published_formulas(void **state) {
    static const size_t size[] = {1, 3, 8, 17, 61};
    (void)state;
    for (int kind = 0; kind < N_KIND; kind++) {
        for (size_t s = 0; s < sizeof(size) / sizeof(size[0]); s++) {
            check_formula(costate_update_options_default((costate_update_kind)kind), size[s]);
        }
    }
}

/* Steps of one method on p²·a/2 from p = 1. */
static void descend(const costate_update_options *options, double a, size_t n_step, double *path) {
    costate_update *update = make(options, 1);
    path[0] = 1.0;
    for (size_t k = 0; k < n_step; k++) {
        const double grad = a * path[k];
        path[k + 1] = path[k];
        assert_ok(costate_update_step_f64(update, &path[k + 1], &grad));
    }
    costate_update_destroy(update);
}

/*
 * A linear method on a quadratic obeys x_{k+1} = (1 + q − r) x_k − q x_{k−1}; with complex roots of the characteristic
 * polynomial its solution is q^{k/2} times a cosine, of which two values determine the others.
 */
static void check_linear_rate(const costate_update_options *options, double trace, double q) {
    enum { N_STEP = 200 };
    double path[N_STEP + 1];
    descend(options, 3.0, N_STEP, path);
    const double angle = acos(trace / (2.0 * sqrt(q)));
    const double b = (path[1] / sqrt(q) - cos(angle)) / sin(angle);
    for (size_t k = 0; k <= N_STEP; k++) {
        const double x = (double)k;
        assert_close(path[k], pow(q, 0.5 * x) * (cos(x * angle) + b * sin(x * angle)), 0.0, 1e-11 * pow(q, 0.5 * x));
    }
}

static void linear_methods_converge_at_their_known_rates(void **state) {
    double path[101];
    const double contraction = 1.0 - 0.01 * 3.0;
    (void)state;
    costate_update_options o = costate_update_options_default(COSTATE_UPDATE_DESCENT);
    descend(&o, 3.0, 100, path);
    assert_close(path[100], pow(contraction, 100.0), 1e-13, 0.0);
    o.kind = COSTATE_UPDATE_MOMENTUM;
    check_linear_rate(&o, 1.9 - 0.03, 0.9);
    o.kind = COSTATE_UPDATE_NESTEROV;
    check_linear_rate(&o, 1.9 * contraction, 0.9 * contraction);
}

/* A constant gradient: RMSProp's η/√(1 − ρᵏ), AdaGrad's η/√k and Adam's η per step, whatever the gradient's size. */
static void scaled_methods_move_as_known_under_a_constant_gradient(void **state) {
    const double slope = -37.5;
    (void)state;
    for (int kind = COSTATE_UPDATE_RMSPROP; kind <= COSTATE_UPDATE_ADAM; kind++) {
        costate_update_options o = costate_update_options_default((costate_update_kind)kind);
        o.epsilon = 1e-30;
        costate_update *update = make(&o, 1);
        double p = 0.0;
        double expected = 0.0;
        for (int k = 1; k <= 100; k++) {
            const double by = kind == COSTATE_UPDATE_RMSPROP   ? 1.0 / sqrt(1.0 - pow(0.9, k))
                              : kind == COSTATE_UPDATE_ADAGRAD ? 1.0 / sqrt((double)k)
                                                               : 1.0;
            expected += o.schedule.rate * by;
            assert_ok(costate_update_step_f64(update, &p, &slope));
            assert_close(p, expected, 1e-12, 0.0);
        }
        costate_update_destroy(update);
    }
}

static void every_method_finds_the_minimum_of_a_quadratic(void **state) {
    (void)state;
    for (int kind = 0; kind < N_KIND; kind++) {
        static double path[4001];
        costate_update_options o = costate_update_options_default((costate_update_kind)kind);
        o.schedule = (costate_schedule){COSTATE_SCHEDULE_EXPONENTIAL, 0.05, 1e-7, 4000, 0};
        o.schedule.rate = kind == COSTATE_UPDATE_ADAGRAD ? 0.5 : 0.05;
        descend(&o, 3.0, 4000, path);
        assert_close(path[4000], 0.0, 0.0, 1e-5);
    }
}

static void gradients_are_clipped_by_norm_then_by_value(void **state) {
    const double grad[3] = {3.0, -4.0, 12.0};
    const double huge[3] = {3e200, -4e200, 12e200};
    double p[3] = {0.0, 0.0, 0.0};
    (void)state;
    costate_update_options o = costate_update_options_default(COSTATE_UPDATE_DESCENT);
    o.schedule.rate = 1.0;
    o.clip_norm = 1.3;
    costate_update *update = make(&o, 3);
    assert_ok(costate_update_step_f64(update, p, grad));
    assert_close_array(p, ((double[3]){-0.3, 0.4, -1.2}), 3, 1e-15, 0.0);
    memset(p, 0, sizeof(p));
    assert_ok(costate_update_step_f64(update, p, huge));
    assert_close_array(p, ((double[3]){-0.3, 0.4, -1.2}), 3, 1e-14, 0.0);
    assert_ok(costate_update_step_f64(update, p, (double[3]){0.0, 0.0, 0.0}));
    memset(p, 0, sizeof(p));
    assert_ok(costate_update_step_f64(update, p, (double[3]){0.3, 0.0, 0.4}));
    assert_close_array(p, ((double[3]){-0.3, 0.0, -0.4}), 3, 0.0, 0.0);
    assert_status(costate_update_step_f64(update, p, (double[3]){0.3, (double)NAN, 0.4}), COSTATE_ERR_NONFINITE);
    assert_status(costate_update_step_f64(update, p, (double[3]){(double)INFINITY, 1.0, 0.4}), COSTATE_ERR_NONFINITE);
    assert_close_array(p, ((double[3]){-0.3, 0.0, -0.4}), 3, 0.0, 0.0);
    assert_int_equal(costate_update_count(update), 4);
    costate_update_destroy(update);

    o.clip_norm = 1.3e-200;
    update = make(&o, 3);
    memset(p, 0, sizeof(p));
    assert_ok(costate_update_step_f64(update, p, (double[3]){3e-199, -4e-199, 12e-199}));
    assert_close_array(p, ((double[3]){-3e-201, 4e-201, -12e-201}), 3, 1e-14, 0.0);
    costate_update_destroy(update);

    o.clip_norm = 1.3;
    o.clip_value = 1.0;
    update = make(&o, 3);
    memset(p, 0, sizeof(p));
    assert_ok(costate_update_step_f64(update, p, grad));
    assert_close_array(p, ((double[3]){-0.3, 0.4, -1.0}), 3, 1e-15, 0.0);
    costate_update_destroy(update);

    o.clip_norm = HUGE_VAL;
    o.precision = COSTATE_UPDATE_F32;
    update = make(&o, 3);
    float q[3] = {0.0F, 0.0F, 0.0F};
    assert_ok(costate_update_step_f32(update, q, (float[3]){0.5F, -4.0F, (float)NAN}));
    assert_true(q[0] == -0.5F && q[1] == 1.0F && isnan(q[2]));
    costate_update_destroy(update);
}

static void long_gradients_are_shrunk_to_the_norm(void **state) {
    costate_random random = test_random(7);
    (void)state;
    for (size_t n = 1; n <= 35; n++) {
        double p[35] = {0.0};
        double grad[35];
        long double square = 0.0L;
        costate_update_options o = costate_update_options_default(COSTATE_UPDATE_DESCENT);
        o.schedule.rate = 1.0;
        o.clip_norm = 1e-3;
        costate_update *update = make(&o, n);
        fill_normal(&random, grad, n, 1.0);
        assert_ok(costate_update_step_f64(update, p, grad));
        for (size_t i = 0; i < n; i++) {
            square += (long double)grad[i] * (long double)grad[i];
        }
        for (size_t i = 0; i < n; i++) {
            assert_close(p[i], (double)(-0.001L * (long double)grad[i] / sqrtl(square)), 1e-14, 0.0);
        }
        costate_update_destroy(update);
    }
}

static const costate_penalty_range ranges[3] = {{2, 7, 0.3, 0.0}, {9, 0, 1.0, 1.0}, {12, 13, 0.1, 0.2}};

/* A step with ranges is a step along the gradient to which their penalties were added. */
static void penalties_are_those_of_the_ranges(void **state) {
    enum { N = 30 };
    costate_random random = test_random(4);
    (void)state;
    for (int kind = 0; kind < N_KIND; kind++) {
        double p[N];
        double q[N];
        double grad[N];
        double total[N];
        costate_update_options o = costate_update_options_default((costate_update_kind)kind);
        o.decay = 0.0;
        costate_update *plain = make(&o, N);
        o.n_range = 3;
        o.range = ranges;
        costate_update *ranged = make(&o, N);
        fill_normal(&random, p, N, 1.0);
        p[3] = 0.0;
        memcpy(q, p, sizeof(p));
        for (int k = 0; k < 3; k++) {
            fill_normal(&random, grad, N, 1.0);
            memcpy(total, grad, sizeof(grad));
            assert_ok(costate_penalty_f64(3, ranges, N, q, NULL, total));
            assert_ok(costate_update_step_f64(plain, q, total));
            assert_ok(costate_update_step_f64(ranged, p, grad));
            assert_close_array(p, q, N, 1e-14, 1e-15);
        }
        costate_update_destroy(plain);
        costate_update_destroy(ranged);
    }
}

static void penalty_gradients_are_the_differences_of_the_value(void **state) {
    enum { N = 25 };
    const costate_penalty_range one = {1, 2, 0.5, 0.25};
    const float p32[3] = {9.0F, -2.0F, 4.0F};
    costate_random random = test_random(5);
    float pbar32[3] = {1.0F, 1.0F, 1.0F};
    double p[N];
    double pbar[N] = {0.0};
    double value;
    double up;
    double down;
    (void)state;
    assert_ok(costate_penalty_f32(1, &one, 3, p32, &value, pbar32));
    assert_close(value, 0.5 * 6.0 + 0.25 * 20.0, 0.0, 0.0);
    assert_true(pbar32[0] == 1.0F && pbar32[1] == 1.0F - 0.5F - 1.0F && pbar32[2] == 1.0F + 0.5F + 2.0F);
    fill_normal(&random, p, N, 1.0);
    assert_ok(costate_penalty_f64(3, ranges, N, p, &value, pbar));
    for (size_t i = 0; i < N; i++) {
        const double kept = p[i];
        p[i] = kept + 1e-6;
        assert_ok(costate_penalty_f64(3, ranges, N, p, &up, NULL));
        p[i] = kept - 1e-6;
        assert_ok(costate_penalty_f64(3, ranges, N, p, &down, NULL));
        p[i] = kept;
        assert_close(pbar[i], (up - down) / 2e-6, 1e-7, 1e-8);
    }
    assert_status(costate_penalty_f64(3, ranges, N - 1, p, &value, pbar), COSTATE_ERR_ARGUMENT);
    assert_status(costate_penalty_f64(3, NULL, N, p, &value, pbar), COSTATE_ERR_NULL);
    assert_status(costate_penalty_f64(3, ranges, N, NULL, &value, pbar), COSTATE_ERR_NULL);
    assert_ok(costate_penalty_f64(0, NULL, 0, NULL, &value, NULL));
    assert_close(value, 0.0, 0.0, 0.0);
}

static void decay_stays_in_the_ranges(void **state) {
    const costate_penalty_range middle = {1, 1, 0.0, 0.0};
    double p[3] = {1.0, 1.0, 1.0};
    const double grad[3] = {0.0, 0.0, 0.0};
    (void)state;
    costate_update_options o = costate_update_options_default(COSTATE_UPDATE_ADAMW);
    o.schedule.rate = 0.5;
    costate_update *update = make(&o, 3);
    assert_ok(costate_update_step_f64(update, p, grad));
    assert_close_array(p, ((double[3]){0.995, 0.995, 0.995}), 3, 1e-15, 0.0);
    costate_update_destroy(update);
    o.n_range = 1;
    o.range = &middle;
    update = make(&o, 3);
    p[0] = p[1] = p[2] = 1.0;
    assert_ok(costate_update_step_f64(update, p, grad));
    assert_close_array(p, ((double[3]){1.0, 0.995, 1.0}), 3, 1e-15, 0.0);
    costate_update_destroy(update);
}

static void schedules_pass_through_their_known_points(void **state) {
    const costate_schedule constant = {COSTATE_SCHEDULE_CONSTANT, 0.8, 0.0, 0, 3};
    costate_schedule s = {COSTATE_SCHEDULE_LINEAR, 1.0, 0.01, 15, 4};
    (void)state;
    assert_close(costate_schedule_rate(&constant, 0), 0.2, 1e-15, 0.0);
    assert_close(costate_schedule_rate(&constant, 2), 0.6, 1e-15, 0.0);
    assert_close(costate_schedule_rate(&constant, 3), 0.8, 0.0, 0.0);
    assert_close(costate_schedule_rate(&constant, SIZE_MAX), 0.8, 0.0, 0.0);
    for (int kind = COSTATE_SCHEDULE_LINEAR; kind <= COSTATE_SCHEDULE_EXPONENTIAL; kind++) {
        s.kind = (costate_schedule_kind)kind;
        assert_close(costate_schedule_rate(&s, 1), 0.4, 1e-15, 0.0);
        assert_close(costate_schedule_rate(&s, 4), 1.0, 1e-15, 0.0);
        assert_close(costate_schedule_rate(&s, 14), 0.01, 0.0, 0.0);
        assert_close(costate_schedule_rate(&s, 1000), 0.01, 0.0, 0.0);
        assert_close(costate_schedule_rate(&s, 9), kind == COSTATE_SCHEDULE_EXPONENTIAL ? 0.1 : 0.505, 1e-14, 0.0);
    }
    s.kind = COSTATE_SCHEDULE_COSINE;
    s.rate_final = 0.0;
    s.n_step = 11;
    assert_close(costate_schedule_rate(&s, 6), 0.75, 1e-14, 0.0);
    s.n_step = 5;
    assert_true(isnan(costate_schedule_rate(&s, 0)));
    s.kind = COSTATE_SCHEDULE_EXPONENTIAL;
    s.n_step = 11;
    assert_true(isnan(costate_schedule_rate(&s, 0)));
    assert_true(isnan(costate_schedule_rate(NULL, 0)));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(updates_follow_the_published_formulas),
        cmocka_unit_test(linear_methods_converge_at_their_known_rates),
        cmocka_unit_test(scaled_methods_move_as_known_under_a_constant_gradient),
        cmocka_unit_test(every_method_finds_the_minimum_of_a_quadratic),
        cmocka_unit_test(gradients_are_clipped_by_norm_then_by_value),
        cmocka_unit_test(long_gradients_are_shrunk_to_the_norm),
        cmocka_unit_test(penalties_are_those_of_the_ranges),
        cmocka_unit_test(penalty_gradients_are_the_differences_of_the_value),
        cmocka_unit_test(decay_stays_in_the_ranges),
        cmocka_unit_test(schedules_pass_through_their_known_points),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
