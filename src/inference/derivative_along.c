/* SPDX-License-Identifier: MIT */
/* The derivative of a vector function along one line, by central differences of fourth order. */
#include "inference/derivative_along.h"

#include "core/finite.h"

#include <costate/rhs.h>
#include <string.h>

#define FIRST_STEP 0x1p-11
#define CLOSER 0x1p-6
#define N_ATTEMPT 3
#define N_POINT 4

static const double offsets[N_POINT] = {-2.0, -1.0, 1.0, 2.0};
static const double weights[N_POINT] = {1.0 / 12.0, -2.0 / 3.0, 2.0 / 3.0, -1.0 / 12.0};

static int attempt(const csi_line *line, double step) {
    int answer = COSTATE_ANSWER_OK;
    memset(line->sum, 0, line->n * sizeof(double));
    for (int k = 0; k < N_POINT && answer == COSTATE_ANSWER_OK; k++) {
        answer = line->add(offsets[k] * step, weights[k] / step, line->ctx);
    }
    return answer == COSTATE_ANSWER_OK && !csi_all_finite(line->sum, line->n) ? COSTATE_ANSWER_RETRY : answer;
}

int csi_derivative_along(const csi_line *line, double size) {
    memset(line->sum, 0, line->n * sizeof(double));
    if (size == 0.0) {
        return COSTATE_ANSWER_OK;
    }
    double step = FIRST_STEP / size;
    int answer = attempt(line, step);
    for (int k = 1; k < N_ATTEMPT && answer > 0; k++) {
        step *= CLOSER;
        answer = attempt(line, step);
    }
    return answer;
}
