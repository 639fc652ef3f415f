/* SPDX-License-Identifier: MIT */
/* Fits dy/dt = N(y; p), N a 2-16-2 network, to 21 points of a damped oscillation. Prints "success, error 0.0001". */
#include <costate/costate.h>
#include <math.h>
#include <stdio.h>

int main(void) {
    double t[21], data[21][2], x[128], error;
    for (int i = 0; i < 21; i++) {
        t[i] = 0.4 * i;
        data[i][0] = exp(-0.2 * t[i]) * cos(t[i]);
        data[i][1] = exp(-0.2 * t[i]) * sin(t[i]);
    }
    const costate_layer_spec layers[] = {{16, COSTATE_ACT_TANH, false}, {2, COSTATE_ACT_IDENTITY, false}};
    const costate_net_spec spec = {.n_in = 2, .n_layer = 2, .layers = layers};
    const costate_series series = {.n_t = 21, .t = t, .data = data[0], .y0 = data[0]};
    costate_random random = costate_random_seed(1, 0);
    costate_net *net = NULL;
    costate_rhs rhs;
    const costate_fit_spec problem = {.rhs = &rhs, .n_series = 1, .series = &series};
    costate_fit *fit = NULL;
    costate_optimum optimum;
    costate_status status = costate_net_create(&spec, NULL, &net);
    status = status ? status : costate_net_rhs(net, &rhs);
    status = status ? status : costate_net_init_f64(net, COSTATE_INIT_GLOROT_UNIFORM, 0.1, &random, x);
    status = status ? status : costate_fit_create(&problem, NULL, NULL, &fit);
    status = status ? status : costate_minimize_lbfgs(rhs.n_p, costate_fit_objective, fit, NULL, NULL, x, &optimum);
    error = status ? HUGE_VAL : sqrt(optimum.value / 42.0);
    printf("%s, error %.4f\n", costate_status_message(status), error);
    costate_fit_destroy(fit);
    costate_net_destroy(net);
    return error < 0.01 ? 0 : 1;
}
