/* SPDX-License-Identifier: MIT */
/* A C program against the installed library: header and library agree in version, a network's VJP with its JVP. */
#include <costate/costate.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int fail(const char *what) {
    printf("%s\n", what);
    return EXIT_FAILURE;
}

int main(void) {
    if (strcmp(costate_version(), COSTATE_VERSION) != 0) return fail("header and library differ in version");

    const costate_layer_spec layers[] = {{.n_out = 16, .act = COSTATE_ACT_TANH}, {.n_out = 2}};
    const costate_net_spec spec = {.n_in = 2, .n_layer = 2, .layers = layers};
    costate_net *net;
    if (costate_net_create(&spec, NULL, &net) != COSTATE_OK) return fail("costate_net_create");

    const size_t n_param = costate_net_n_param(net);
    const size_t work_bytes = costate_net_work_bytes_f64(net);
    double *p = calloc(n_param, sizeof *p);
    void *work = malloc(work_bytes);
    if (!p || !work) return fail("no memory");
    costate_random random = costate_random_seed(1, 0);
    const double x[] = {0.3, -0.7};
    const double u[] = {1.1, 0.4};
    const double v[] = {-0.6, 0.9};
    double y[2];
    double ju[2];
    double xbar[2];
    if (costate_net_init_f64(net, COSTATE_INIT_GLOROT_NORMAL, 1.0, &random, p) != COSTATE_OK) return fail("init");
    if (costate_net_jvp_f64(net, p, x, u, NULL, y, ju, work, work_bytes) != COSTATE_OK) return fail("jvp");
    if (costate_net_vjp_f64(net, p, x, v, 1.0, xbar, NULL, work, work_bytes) != COSTATE_OK) return fail("vjp");

    const double left = v[0] * ju[0] + v[1] * ju[1];
    const double right = xbar[0] * u[0] + xbar[1] * u[1];
    if (!(fabs(left - right) <= 1e-12) || !(fabs(left) > 1e-6)) return fail("<v, Ju> differs from <J'v, u>");
    free(work);
    free(p);
    costate_net_destroy(net);
    printf("costate %s\n", costate_version());
    return EXIT_SUCCESS;
}
