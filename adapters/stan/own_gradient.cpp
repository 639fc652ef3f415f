// SPDX-License-Identifier: MIT
// own_gradient <theophylline.csv>: log-likelihood and gradient at three points without Stan, one line for each:
// value, d/d(log ka), d/d(log V), d/dw, d/dsigma.
#include "learned_elimination.hpp"
#include <cstdio>
#include <exception>
#include <fstream>
#include <sstream>

// Columns Subject, Wt, Dose, Time, conc; subjects in blocks.
static learned_elimination::data read(const char *path) {
    std::ifstream file(path);
    std::string line;
    if (!std::getline(file, line)) {
        throw std::runtime_error(std::string("cannot read ") + path);
    }
    learned_elimination::data seen;
    int last = 0;
    while (std::getline(file, line)) {
        int subject = 0;
        double weight = 0, dose = 0, time = 0, conc = 0;
        char comma = 0;
        std::istringstream row(line);
        if (!(row >> subject >> comma >> weight >> comma >> dose >> comma >> time >> comma >> conc)) {
            throw std::runtime_error("not a row: " + line);
        }
        if (subject != last) {
            seen.first.push_back(seen.conc.size());
            seen.dose.push_back(dose);
            last = subject;
        }
        seen.time.push_back(time);
        seen.conc.push_back(conc);
    }
    seen.first.push_back(seen.conc.size());
    return seen;
}

int main(int argc, char **argv) {
    try {
        const learned_elimination::data seen = read(argc == 2 ? argv[1] : "theophylline.csv");
        learned_elimination model;
        for (int point = 0; point < 3; point++) {
            std::vector<double> p = {0.4 - 0.3 * point, -0.7 + 0.2 * point};
            for (std::size_t k = 2; k < model.n_p(); k++) {
                p.push_back((1 + point) * 0.1 * std::sin(1 + 0.7 * static_cast<double>(k - 2)));
            }
            p.back() -= 2;
            std::vector<double> gradient;
            std::printf("%.17g", model.log_likelihood(p, 1.5 - 0.4 * point, seen, &gradient));
            for (double element : gradient) {
                std::printf(",%.17g", element);
            }
            std::printf("\n");
        }
    } catch (const std::exception &error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
    return 0;
}
