// SPDX-License-Identifier: MIT
// The function that learned_elimination.stan declares, for double and for var. rstan puts this text into the model's
// namespace, where no header may be included: learned_elimination.hpp must come before (-include).

inline double evaluate(const std::vector<double> &p, double sigma, const std::vector<double> &conc,
                       const std::vector<double> &time, const std::vector<int> &first, const std::vector<double> &dose,
                       std::vector<double> *gradient) {
    // One set of solvers for each thread that runs a chain.
    static thread_local learned_elimination model;
    learned_elimination::data seen;
    seen.conc = conc;
    seen.time = time;
    seen.dose = dose;
    for (int row : first) {
        seen.first.push_back(static_cast<std::size_t>(row - 1));
    }
    return model.log_likelihood(p, sigma, seen, gradient);
}

inline double log_likelihood(const Eigen::Matrix<double, Eigen::Dynamic, 1> &p, const double &sigma,
                             const std::vector<double> &conc, const std::vector<double> &time,
                             const std::vector<int> &first, const std::vector<double> &dose, std::ostream *) {
    return evaluate(std::vector<double>(p.data(), p.data() + p.size()), sigma, conc, time, first, dose, nullptr);
}

inline stan::math::var log_likelihood(const Eigen::Matrix<stan::math::var, Eigen::Dynamic, 1> &p,
                                      const stan::math::var &sigma, const std::vector<double> &conc,
                                      const std::vector<double> &time, const std::vector<int> &first,
                                      const std::vector<double> &dose, std::ostream *) {
    std::vector<stan::math::var> operands(p.data(), p.data() + p.size());
    std::vector<double> values;
    for (const stan::math::var &operand : operands) {
        values.push_back(operand.val());
    }
    operands.push_back(sigma);
    std::vector<double> gradient;
    const double value = evaluate(values, sigma.val(), conc, time, first, dose, &gradient);
    return stan::math::precomputed_gradients(value, operands, gradient);
}
