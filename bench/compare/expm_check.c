/* SPDX-License-Identifier: MIT */
/* What must hold of the network that learns the matrix exponential before its times count. */
#include "compare/expm_check.h"

#include <math.h>
#include <string.h>

enum { N_STEP = 100, SEED = 1, STREAM_DIRECTION = 3 };

#define TOLERANCE_F32 1e-4
#define TOLERANCE_DIFFERENCE 1e-6
#define DIFFERENCE_STEP 1e-5

/* Double precision at the parameters of the model. */
typedef struct wide_model {
    costate_chain_eval *eval;
    costate_batch_f64 batch;
    double p[EXPM_N_PARAM];
    double gradient[EXPM_N_PARAM];
    double narrow[EXPM_N_PARAM]; /* gradient in single precision */
} wide_model;

static double error_along(wide_model *wide, const double *direction, double step) {
    double p[EXPM_N_PARAM];
    costate_chain_result result = {.value = (double)NAN};
    const costate_chain_loss loss = expm_loss();
    for (size_t i = 0; i < EXPM_N_PARAM; i++) {
        p[i] = wide->p[i] + step * direction[i];
    }
    const costate_status status = costate_chain_loss_f64(wide->eval, p, &wide->batch, &loss, &result, NULL);
    return status == COSTATE_OK ? result.value : (double)NAN;
}

/* Distance of the derivative along a random direction from the difference quotient, relative to |gradient||direction|. */
static double difference_error(wide_model *wide) {
    costate_random random = costate_random_seed(SEED, STREAM_DIRECTION);
    double direction[EXPM_N_PARAM];
    double derivative = 0.0;
    double squares = 0.0;
    double length = 0.0;
    for (size_t i = 0; i < EXPM_N_PARAM; i++) {
        direction[i] = costate_random_normal(&random);
        derivative += wide->gradient[i] * direction[i];
        squares += wide->gradient[i] * wide->gradient[i];
        length += direction[i] * direction[i];
    }
    const double quotient =
        (error_along(wide, direction, DIFFERENCE_STEP) - error_along(wide, direction, -DIFFERENCE_STEP)) /
        (2.0 * DIFFERENCE_STEP);
    return fabs(quotient - derivative) / sqrt(squares * length);
}

static bool check_gradient(bench *b, wide_model *wide) {
    const costate_chain_loss loss = expm_loss();
    memset(wide->gradient, 0, sizeof wide->gradient);
    const costate_status status =
        costate_chain_loss_f64(wide->eval, wide->p, &wide->batch, &loss, NULL, wide->gradient);
    if (status != COSTATE_OK) {
        bench_fail(b, "expm: gradient in double precision: %s", costate_status_message(status));
        return false;
    }
    const double narrow = bench_difference(EXPM_N_PARAM, wide->narrow, wide->gradient);
    const double quotient = difference_error(wide);
    if (!(narrow <= TOLERANCE_F32) || !(quotient <= TOLERANCE_DIFFERENCE)) {
        bench_fail(b, "expm: the gradient in single precision is off by %.2e, that in double precision by %.2e", narrow,
                   quotient);
        return false;
    }
    printf("# expm: gradient off that in double precision by %.1e, that off a difference quotient by %.1e\n", narrow,
           quotient);
    return true;
}

static bool check_wide(bench *b, const expm_model *model, const exponential_pairs *pairs) {
    wide_model wide = {.batch = {.n = pairs->n, .x = pairs->x, .target = pairs->y}};
    for (size_t i = 0; i < EXPM_N_PARAM; i++) {
        wide.p[i] = (double)model->p[i];
        wide.narrow[i] = (double)model->gradient[i];
    }
    const costate_status status = costate_chain_eval_create(model->chain, NULL, NULL, &wide.eval);
    if (status != COSTATE_OK) {
        bench_fail(b, "expm: evaluator in double precision: %s", costate_status_message(status));
        return false;
    }
    const bool good = check_gradient(b, &wide);
    costate_chain_eval_destroy(wide.eval);
    return good;
}

static bool check_threads(bench *b, const expm_model *model, expm_model *other, const costate_batch_f32 *batch,
                          double error) {
    double other_error = 0.0;
    const costate_status status = expm_model_gradient(other, batch, &other_error);
    bool same = status == COSTATE_OK && error == other_error;
    for (size_t i = 0; i < EXPM_N_PARAM; i++) {
        same = same && model->gradient[i] == other->gradient[i];
    }
    if (!same) {
        bench_fail(b, "expm: the gradient of two threads is not that of one: %s", costate_status_message(status));
        return false;
    }
    return true;
}

static bool check_descent(bench *b, expm_model *model, const costate_batch_f32 *batch) {
    double first = 0.0;
    double last = 0.0;
    costate_status status = COSTATE_OK;
    for (size_t step = 0; status == COSTATE_OK && step <= N_STEP; step++) {
        status = expm_model_step(model, batch, &last);
        first = step == 0 ? last : first;
    }
    if (status != COSTATE_OK || !(last < first)) {
        bench_fail(b, "expm: the error went from %.6g to %.6g in %d steps: %s", first, last, (int)N_STEP,
                   costate_status_message(status));
        return false;
    }
    return true;
}

bool expm_check(bench *b, const exponential_pairs *pairs) {
    const costate_batch_f32 batch = expm_batch(pairs, pairs->n);
    expm_model one;
    expm_model two = {0};
    double error = 0.0;
    costate_status status = expm_model_create(1, SEED, &one);
    if (status == COSTATE_OK) {
        status = expm_model_create(2, SEED, &two);
    }
    if (status == COSTATE_OK) {
        status = expm_model_gradient(&one, &batch, &error);
    }
    if (status != COSTATE_OK) {
        bench_fail(b, "expm: %s", costate_status_message(status));
    }
    const bool good = status == COSTATE_OK && check_wide(b, &one, pairs) &&
                      check_threads(b, &one, &two, &batch, error) && check_descent(b, &one, &batch);
    expm_model_destroy(&two);
    expm_model_destroy(&one);
    return good;
}
