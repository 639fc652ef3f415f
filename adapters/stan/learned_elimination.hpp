// SPDX-License-Identifier: MIT
// Log-likelihood of concentrations under a pharmacokinetic model with learned elimination, and its gradient: costate's
// solver and discrete adjoint, nothing of Stan. C++14.
#ifndef LEARNED_ELIMINATION_HPP
#define LEARNED_ELIMINATION_HPP

#include <costate/ensemble.h>
#include <costate/ude.h>
#include <cmath>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <vector>

// In units of concentration, for a subject with a dose:
//
//     depot' = -ka depot,   conc' = ka depot - conc softplus(N(conc/10; w)),   depot(0) = dose/V,   conc(0) = 0.
//
// Parameters p = (log ka, log V, w), N: 1 -> 4 tanh -> 1.
class learned_elimination {
  public:
    // Observations conc[i] at time[i] > 0; those of subject j are first[j] ... first[j + 1] - 1, counted from 0.
    struct data {
        std::vector<double> conc, time, dose;
        std::vector<std::size_t> first;
    };

    learned_elimination() {
        try {
            create();
        } catch (...) {
            destroy();
            throw;
        }
    }
    ~learned_elimination() { destroy(); }
    learned_elimination(const learned_elimination &) = delete;
    learned_elimination &operator=(const learned_elimination &) = delete;

    std::size_t n_p() const { return rhs_.n_p; }

    // sum_i log normal(conc[i] | conc(time[i]), sigma). With a gradient: d/dp, then d/dsigma, n_p() + 1 elements.
    double log_likelihood(const std::vector<double> &p, double sigma, const data &seen, std::vector<double> *gradient) {
        if (p.size() != n_p() || seen.first.size() != seen.dose.size() + 1 || seen.first.back() != seen.conc.size() ||
            seen.time.size() != seen.conc.size()) {
            throw std::invalid_argument("learned_elimination: sizes that must agree do not");
        }
        const std::size_t n = seen.dose.size();
        y0_.assign(2 * n, 0);
        for (std::size_t j = 0; j < n; j++) {
            y0_[2 * j] = seen.dose[j] * std::exp(-p[log_volume]);
        }
        y_.resize(2 * seen.conc.size());
        const double t0 = 0;
        costate_trajectories all = {};
        all.n = n;
        all.y0 = y0_.data();
        all.p = p.data();
        all.t0 = &t0;
        all.t = seen.time.data();
        all.first = seen.first.data();
        // Stan rejects a proposal whose density throws a domain_error.
        if (costate_ensemble_solve(ensemble_, &all, y_.data(), nullptr) != COSTATE_OK) {
            throw std::domain_error(costate_ensemble_detail(ensemble_));
        }
        double squares = 0;
        v_.assign(y_.size(), 0);
        for (std::size_t i = 0; i < seen.conc.size(); i++) {
            const double residual = seen.conc[i] - y_[2 * i + 1];
            squares += residual * residual;
            v_[2 * i + 1] = residual / (sigma * sigma);
        }
        const double count = static_cast<double>(seen.conc.size());
        if (gradient != nullptr) {
            gradient->assign(n_p() + 1, 0);
            y0bar_.resize(2 * n);
            if (costate_ensemble_vjp(ensemble_, &all, v_.data(), y0bar_.data(), gradient->data()) != COSTATE_OK) {
                throw std::domain_error(costate_ensemble_detail(ensemble_));
            }
            for (std::size_t j = 0; j < n; j++) {
                (*gradient)[log_volume] -= y0bar_[2 * j] * y0_[2 * j];
            }
            (*gradient)[n_p()] = squares / (sigma * sigma * sigma) - count / sigma;
        }
        const double log_two_pi = 1.8378770664093454836;
        return -count * (std::log(sigma) + 0.5 * log_two_pi) - squares / (2 * sigma * sigma);
    }

  private:
    enum { log_ka, log_volume, n_theta };

    static int flow(double, const double *y, const double *theta, const double *, double *dydt, void *) {
        const double absorbed = std::exp(theta[log_ka]) * y[0];
        dydt[0] = -absorbed;
        dydt[1] = absorbed;
        return COSTATE_ANSWER_OK;
    }

    static int flow_vjp(double, const double *y, const double *theta, const double *, const double *v, double scale,
                        double *ybar, double *thetabar, double *, void *) {
        const double ka = std::exp(theta[log_ka]);
        if (ybar != nullptr) {
            ybar[0] = ka * (v[1] - v[0]);
            ybar[1] = 0;
        }
        if (thetabar != nullptr) {
            thetabar[log_ka] += scale * ka * (v[1] - v[0]) * y[0];
        }
        return COSTATE_ANSWER_OK;
    }

    static void check(costate_status status) {
        if (status != COSTATE_OK) {
            throw std::runtime_error(std::string("costate: ") + costate_status_message(status));
        }
    }

    void create() {
        costate_layer_spec layers[2] = {};
        layers[0].n_out = 4;
        layers[0].act = COSTATE_ACT_TANH;
        layers[1].n_out = 1;
        const double in_scale = 0.1;
        costate_net_spec net = {};
        net.n_in = 1;
        net.n_layer = 2;
        net.layers = layers;
        net.in_scale = &in_scale;
        check(costate_net_create(&net, nullptr, &net_));

        costate_ude_input seen = {};
        seen.source = COSTATE_UDE_STATE;
        seen.index = 1;
        costate_ude_net nets = {};
        nets.net = net_;
        nets.n_input = 1;
        nets.inputs = &seen;
        const std::size_t reduced = 1;
        costate_ude_spec spec = {};
        spec.mechanism.n_y = 2;
        spec.mechanism.n_theta = n_theta;
        spec.mechanism.f = flow;
        spec.mechanism.vjp = flow_vjp;
        spec.form = COSTATE_UDE_POSITIVE;
        spec.n_net = 1;
        spec.nets = &nets;
        spec.index = &reduced;
        check(costate_ude_create(&spec, nullptr, &ude_));
        check(costate_ude_rhs(ude_, &rhs_));

        costate_ensemble_options options = costate_ensemble_options_default();
        options.solver.rtol = 1e-9;
        options.solver.atol = 1e-10;
        check(costate_ensemble_create(&rhs_, &options, nullptr, &ensemble_));
    }

    void destroy() {
        costate_ensemble_destroy(ensemble_);
        costate_ude_destroy(ude_);
        costate_net_destroy(net_);
    }

    costate_net *net_ = nullptr;
    costate_ude *ude_ = nullptr;
    costate_ensemble *ensemble_ = nullptr;
    costate_rhs rhs_ = {};
    std::vector<double> y0_, y_, v_, y0bar_;
};

#endif
