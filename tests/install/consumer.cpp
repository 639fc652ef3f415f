// SPDX-License-Identifier: MIT
// A C++17 program against the installed library: exponential decay, solved and differentiated.
#include <costate/costate.h>
#include <cmath>
#include <cstdio>
#include <memory>

static int decay(double, const double *y, const double *p, double *dydt, void *, void *) {
    dydt[0] = -p[0] * y[0];
    return COSTATE_ANSWER_OK;
}

static int decay_vjp(double, const double *y, const double *p, const double *v, double scale, double *ybar,
                     double *pbar, void *, void *) {
    if (ybar) ybar[0] = -p[0] * v[0];
    if (pbar) pbar[0] -= scale * y[0] * v[0];
    return COSTATE_ANSWER_OK;
}

int main() {
    costate_rhs rhs = {};
    rhs.n_y = 1;
    rhs.n_p = 1;
    rhs.f = decay;
    rhs.vjp = decay_vjp;
    costate_solver_options options = costate_solver_options_default();
    options.rtol = 1e-9;
    options.atol = 1e-12;

    costate_solver *raw_solver = nullptr;
    if (costate_solver_create(&rhs, &options, nullptr, &raw_solver) != COSTATE_OK) return 1;
    const std::unique_ptr<costate_solver, decltype(&costate_solver_destroy)> solver(raw_solver, costate_solver_destroy);
    costate_adjoint *raw_adjoint = nullptr;
    if (costate_adjoint_create(raw_solver, nullptr, nullptr, &raw_adjoint) != COSTATE_OK) return 1;
    const std::unique_ptr<costate_adjoint, decltype(&costate_adjoint_destroy)> adjoint(raw_adjoint,
                                                                                       costate_adjoint_destroy);

    const double p = 0.7;
    const double y0 = 2.0;
    const double t = 1.5;
    const double v = 1.0;
    double y = 0.0;
    double y0bar = 0.0;
    double pbar = 0.0;
    if (costate_solve(solver.get(), &p, 0.0, &y0, 1, &t, &y) != COSTATE_OK) return 1;
    if (costate_adjoint_vjp(adjoint.get(), &p, 1, &v, &y0bar, &pbar, nullptr) != COSTATE_OK) return 1;

    const double exact = y0 * std::exp(-p * t);
    const bool right =
        std::fabs(y - exact) <= 1e-6 && std::fabs(y0bar - exact / y0) <= 1e-6 && std::fabs(pbar + t * exact) <= 1e-6;
    std::printf("costate %s: y = %.9f, dy/dy0 = %.9f, dy/dp = %.9f\n", costate_version(), y, y0bar, pbar);
    return right ? 0 : 1;
}
