/* SPDX-License-Identifier: MIT */
/* UDEs for tests: a mechanism of three states in every equipment, and networks that see every kind of input. */
#include "ude_fixture.h"

#include "support/asserts.h"
#include "support/seeded_random.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int mechanism_f(double t, const double *y, const double *theta, const double *u, double *dydt, void *ctx) {
    (void)ctx;
    dydt[0] = -theta[0] * y[0] + theta[2] * cos(t);
    dydt[1] = theta[0] * y[0] - theta[1] * y[1] * y[2];
    dydt[2] = theta[1] * y[1] * y[1] - theta[2] * y[2];
    if (u != NULL) {
        dydt[0] += u[0] * y[1];
        dydt[1] += u[1] * u[1];
        dydt[2] += sin(u[0] * u[1]) * y[0];
    }
    return COSTATE_ANSWER_OK;
}

static int mechanism_vjp(double t, const double *y, const double *theta, const double *u, const double *v, double scale,
                         double *ybar, double *thetabar, double *ubar, void *ctx) {
    (void)ctx;
    const double s = u == NULL ? 0 : sin(u[0] * u[1]), c = u == NULL ? 0 : cos(u[0] * u[1]), u0 = u == NULL ? 0 : u[0];
    if (ybar != NULL) {
        ybar[0] = theta[0] * (v[1] - v[0]) + s * v[2];
        ybar[1] = -theta[1] * y[2] * v[1] + 2 * theta[1] * y[1] * v[2] + u0 * v[0];
        ybar[2] = -theta[1] * y[1] * v[1] - theta[2] * v[2];
    }
    if (thetabar != NULL) {
        thetabar[0] += scale * y[0] * (v[1] - v[0]);
        thetabar[1] += scale * (y[1] * y[1] * v[2] - y[1] * y[2] * v[1]);
        thetabar[2] += scale * (cos(t) * v[0] - y[2] * v[2]);
    }
    if (ubar != NULL && u != NULL) {
        ubar[0] = y[1] * v[0] + u[1] * c * y[0] * v[2];
        ubar[1] = 2 * u[1] * v[1] + u[0] * c * y[0] * v[2];
    }
    return COSTATE_ANSWER_OK;
}

static int mechanism_jvp(double t, const double *y, const double *theta, const double *u, const double *yu,
                         const double *thetau, const double *uu, double *ju, void *ctx) {
    (void)ctx;
    const double zero[UDE_N_THETA] = {0};
    const double *th = thetau == NULL ? zero : thetau;
    ju[0] = -theta[0] * yu[0] - th[0] * y[0] + th[2] * cos(t);
    ju[1] = theta[0] * yu[0] + th[0] * y[0] - theta[1] * (yu[1] * y[2] + y[1] * yu[2]) - th[1] * y[1] * y[2];
    ju[2] = 2 * theta[1] * y[1] * yu[1] + th[1] * y[1] * y[1] - theta[2] * yu[2] - th[2] * y[2];
    if (u != NULL) {
        ju[0] += u[0] * yu[1];
        ju[2] += sin(u[0] * u[1]) * yu[0];
        if (uu != NULL) {
            ju[0] += uu[0] * y[1];
            ju[1] += 2 * u[1] * uu[1];
            ju[2] += cos(u[0] * u[1]) * (uu[0] * u[1] + u[0] * uu[1]) * y[0];
        }
    }
    return COSTATE_ANSWER_OK;
}

costate_mechanism ude_mechanism(size_t n_u) {
    return (costate_mechanism){.n_y = UDE_N_Y,
                               .n_theta = UDE_N_THETA,
                               .n_u = n_u,
                               .f = mechanism_f,
                               .vjp = mechanism_vjp,
                               .jvp = mechanism_jvp};
}

/* A network of the table: shape, selected quantities, and the first of its matrix's entries. */
typedef struct set_net {
    net_shape shape;
    size_t n_input;
    costate_ude_input inputs[4];
    bool matrix;
} set_net;

#define Y(k)                                                                                                           \
    { COSTATE_UDE_STATE, (k) }
#define THETA(k)                                                                                                       \
    { COSTATE_UDE_THETA, (k) }
#define TIME                                                                                                           \
    { COSTATE_UDE_TIME, 99 }
#define TANH(units)                                                                                                    \
    { .n_out = (units), .act = COSTATE_ACT_TANH }
#define LINEAR(units)                                                                                                  \
    { .n_out = (units) }

static const double set_matrix[] = {0.5, -1.0, 0.25, 2.0, 1.5, 0.75, -0.5, 0.125, -0.75, 1.0, 0.5, -0.25};

static const set_net sets[UDE_N_SET][UDE_MAX_NET] = {
    {{.shape = {.n_in = 3, .n_layer = 2, .layers = {TANH(16), LINEAR(2)}}, .n_input = 3, .inputs = {Y(0), Y(1), Y(2)}}},
    {{.shape = {.n_in = 2, .n_layer = 2, .layers = {TANH(7), LINEAR(1)}, .affine = NET_AFFINE},
      .n_input = 2,
      .inputs = {Y(1), Y(2)}},
     {.shape = {.n_in = 3,
                .n_layer = 3,
                .layers = {{.n_out = 5, .act = COSTATE_ACT_GELU}, {.n_out = 9, .act = COSTATE_ACT_SILU}, LINEAR(1)}},
      .n_input = 3,
      .inputs = {TIME, Y(2), THETA(1)}}},
    {{.shape = {.n_in = 3, .n_layer = 2, .layers = {TANH(10), LINEAR(2)}, .affine = NET_AFFINE},
      .n_input = 4,
      .inputs = {THETA(2), Y(1), TIME, Y(0)},
      .matrix = true}},
    {{.shape = {.n_in = 1, .n_layer = 1, .layers = {{.n_out = 1, .act = COSTATE_ACT_SIN}}},
      .n_input = 3,
      .inputs = {Y(2), Y(2), Y(0)},
      .matrix = true},
     {.shape = {.n_in = 2,
                .n_layer = 2,
                .layers = {{.n_out = 3, .act = COSTATE_ACT_GAUSSIAN, .no_bias = true}, LINEAR(1)},
                .input_act = COSTATE_ACT_TANH},
      .n_input = 2,
      .inputs = {TIME, THETA(0)}}},
    {{.shape = {.n_in = 4,
                .n_layer = 3,
                .layers = {{.n_out = 33, .act = COSTATE_ACT_SOFTPLUS}, TANH(40), TANH(2)},
                .affine = NET_AFFINE},
      .n_input = 4,
      .inputs = {Y(2), Y(0), Y(2), Y(1)}}},
    /* Linear networks keep nothing. */
    {{.shape = {.n_in = 1, .n_layer = 1, .layers = {LINEAR(1)}}, .n_input = 1, .inputs = {Y(2)}},
     {.shape = {.n_in = 2, .n_layer = 1, .layers = {LINEAR(1)}}, .n_input = 2, .inputs = {Y(1), Y(0)}}},
};

const char *const ude_set_name[UDE_N_SET] = {"run", "mixed", "matrix", "matrix and time", "repeated", "linear"};

static const char *const form_name[UDE_N_FORM] = {"general", "additive",   "multiplicative",
                                                  "replace", "conserving", "positive"};

static const double b_matrix[UDE_N_Y * UDE_N_U] = {0.5, -1.0, 0.0, 2.0, -0.75, 0.25};
/* Conserves y0 + y1 + y2 and nothing else. */
static const double s_matrix[UDE_N_Y * UDE_N_U] = {-1.0, 0.5, 0.25, 0.5, 0.75, -1.0};
static const double conserved[UDE_N_Y] = {1.0, 1.0, 1.0};
static const size_t form_index[UDE_N_U] = {2, 0};

void ude_fixture_spec(ude_fixture *fixture, costate_ude_form form, size_t set, unsigned equipment) {
    *fixture = (ude_fixture){.spec = {.mechanism = ude_mechanism(form == COSTATE_UDE_GENERAL ? UDE_N_U : 0),
                                      .form = form,
                                      .nets = fixture->nets,
                                      .index = form_index,
                                      .matrix = form == COSTATE_UDE_CONSERVING ? s_matrix : b_matrix,
                                      .n_conserved = 1,
                                      .conserved = conserved}};
    if (!(equipment & UDE_VJP)) {
        fixture->spec.mechanism.vjp = NULL;
    }
    if (!(equipment & UDE_JVP)) {
        fixture->spec.mechanism.jvp = NULL;
    }
    for (size_t k = 0; k < UDE_MAX_NET && sets[set][k].n_input > 0; k++) {
        const set_net *from = &sets[set][k];
        net_fixture_make(&fixture->net[k], &from->shape, 31 + k);
        fixture->nets[k] = (costate_ude_net){.net = fixture->net[k].net,
                                             .n_input = from->n_input,
                                             .inputs = from->inputs,
                                             .matrix = from->matrix ? set_matrix : NULL};
        fixture->spec.n_net = k + 1;
    }
    (void)snprintf(fixture->name, sizeof fixture->name, "%s, %s, vjp %d, jvp %d", form_name[form], ude_set_name[set],
                   (equipment & UDE_VJP) != 0, (equipment & UDE_JVP) != 0);
}

void ude_fixture_create(ude_fixture *fixture) {
    assert_ok(costate_ude_create(&fixture->spec, NULL, &fixture->ude));
    assert_ok(costate_ude_rhs(fixture->ude, &fixture->rhs));
    const size_t n_p = fixture->rhs.n_p, n_y = fixture->rhs.n_y;
    costate_random random = costate_random_seed(77, 1);
    fixture->p = doubles(n_p);
    fixture->up = doubles(n_p);
    fixture->v = doubles(n_y);
    fixture->u = doubles(n_y);
    double *const all[] = {fixture->p, fixture->up, fixture->v, fixture->u, fixture->y};
    const size_t n[] = {n_p, n_p, n_y, n_y, UDE_N_Y};
    for (size_t a = 0; a < 5; a++) {
        fill_representable(&random, all[a], n[a]);
    }
    double *weights = fixture->p + fixture->spec.mechanism.n_theta;
    for (size_t k = 0; k < fixture->spec.n_net; k++) {
        memcpy(weights, fixture->net[k].p, fixture->net[k].n_param * sizeof *weights);
        weights += fixture->net[k].n_param;
    }
}

void ude_fixture_make(ude_fixture *fixture, costate_ude_form form, size_t set, unsigned equipment) {
    ude_fixture_spec(fixture, form, set, equipment);
    ude_fixture_create(fixture);
}

void ude_fixture_release(ude_fixture *fixture) {
    costate_ude_destroy(fixture->ude);
    for (size_t k = 0; k < fixture->spec.n_net; k++) {
        net_fixture_release(&fixture->net[k]);
    }
    free(fixture->p);
    free(fixture->up);
    free(fixture->v);
    free(fixture->u);
}

void *ude_work(const ude_fixture *fixture) {
    const size_t bytes = fixture->rhs.work_bytes > fixture->rhs.lanes_work_bytes ? fixture->rhs.work_bytes
                                                                                 : fixture->rhs.lanes_work_bytes;
    void *work = aligned_alloc(64, (bytes + 63) / 64 * 64);
    assert_non_null(work);
    memset(work, 0xff, bytes);
    return work;
}
