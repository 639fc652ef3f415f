// SPDX-License-Identifier: MIT
// Stands in for mrgsolve, which Debian does not have: integrates the translated elimination.cpp and compares it with the same
// problem on the library's kernels. What it tests is the code of the model's blocks and the evaluator in them, not mrgsolve's
// parser, dosing or solver. Last line: "the mrgsolve model agrees with costate" and exit status 0; anything else is a failure.
// With --reference it prints "time depot central" of the library's solution instead.
#include "elimination_translated.h"

#include "elimination_model.h"
#include <cmath>
#include <cstdio>
#include <cstring>

static const double times[ELIMINATION_N_TIME] = ELIMINATION_TIMES;

static int model_f(double t, const double *y, const double *, double *dydt, void *, void *) {
    model_ode(t, y, dydt);
    return COSTATE_ANSWER_OK;
}

static costate_status solve_model(double *y) {
    const double y0[2] = {ELIMINATION_DOSE, 0.0};
    costate_rhs rhs = costate_rhs();
    rhs.n_y = model_n_cmt;
    rhs.f = model_f;
    costate_solver_options options = costate_solver_options_default();
    options.method = COSTATE_METHOD_DOP853;
    options.rtol = 1e-12;
    options.atol = 1e-12;
    costate_solver *solver = nullptr;
    costate_status status = costate_solver_create(&rhs, &options, nullptr, &solver);
    if (status == COSTATE_OK) {
        status = costate_solve(solver, nullptr, 0.0, y0, ELIMINATION_N_TIME, times, y);
    }
    costate_solver_destroy(solver);
    return status;
}

// Concentration and rate that $TABLE captures against the library's; NaN if there is one.
static double table_difference(const double *y) {
    double worst = 0.0;
    for (size_t i = 0; i < ELIMINATION_N_TIME; i++) {
        double captured[model_n_capture];
        model_table(y + 2 * i, captured);
        const double concentration = y[2 * i + 1] / ELIMINATION_VOLUME;
        const double rate = elimination_reference_rate(concentration, ELIMINATION_WEIGHT);
        const double difference = std::fabs(captured[0] - concentration) + std::fabs(captured[1] - rate);
        worst = difference <= worst || std::isnan(worst) ? worst : difference;
    }
    return worst;
}

int main(int argc, char **argv) {
    static_assert(model_n_cmt == 2 && model_n_capture == 2, "the model has other compartments or captures");
    double y[2 * ELIMINATION_N_TIME], reference[2 * ELIMINATION_N_TIME];
    if (elimination_reference(reference) != COSTATE_OK || solve_model(y) != COSTATE_OK) {
        std::fprintf(stderr, "costate cannot solve the problem\n");
        return 1;
    }
    if (argc > 1 && std::strcmp(argv[1], "--reference") == 0) {
        for (size_t i = 0; i < ELIMINATION_N_TIME; i++) {
            std::printf("%.17g %.17g %.17g\n", times[i], reference[2 * i], reference[2 * i + 1]);
        }
        return 0;
    }
    const double solution = elimination_difference(y, reference), table = table_difference(reference);
    const bool right = solution <= 1e-8 && table <= 1e-13;
    std::printf("solution %.2e, captures %.2e\nthe mrgsolve model %s with costate\n", solution, table,
                right ? "agrees" : "does not agree");
    return right ? 0 : 1;
}
