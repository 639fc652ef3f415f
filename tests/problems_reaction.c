/* SPDX-License-Identifier: MIT */
/* Stiff problems of chemical kinetics (Hairer & Wanner II; IVP test set), written as mass-action reaction tables. */
#include "problems.h"

#include <math.h>

/* rate = k y_a y_b takes one of each reactant away and gives one of each product. Species count from 1; 0 is none. */
typedef struct reaction {
    unsigned char rate;        /* index of its constant in p */
    unsigned char reactant[2]; /* equal for a second-order reaction of one species */
    unsigned char product[3];
} reaction;

typedef struct reaction_system {
    size_t n_y;
    size_t n_reaction;
    bool log_rates; /* p holds log k */
    const reaction *reactions;
} reaction_system;

/* <v, change of y per unit of rate> */
static double reaction_dot(const reaction *r, const double *v) {
    double sum = 0.0;
    for (size_t i = 0; i < 2; i++)
        sum -= r->reactant[i] ? v[r->reactant[i] - 1] : 0.0;
    for (size_t i = 0; i < 3; i++)
        sum += r->product[i] ? v[r->product[i] - 1] : 0.0;
    return sum;
}

/* dydt += amount * change of y per unit of rate */
static void reaction_add(const reaction *r, double amount, double *dydt) {
    for (size_t i = 0; i < 2; i++)
        if (r->reactant[i]) dydt[r->reactant[i] - 1] -= amount;
    for (size_t i = 0; i < 3; i++)
        if (r->product[i]) dydt[r->product[i] - 1] += amount;
}

static double reaction_constant(const reaction_system *s, const reaction *r, const double *p) {
    return s->log_rates ? exp(p[r->rate]) : p[r->rate];
}

/* The i-th reactant's concentration; 1 when there is none. */
static double reaction_factor(const reaction *r, const double *y, size_t i) {
    return r->reactant[i] ? y[r->reactant[i] - 1] : 1.0;
}

static int reaction_f(double t, const double *y, const double *p, double *dydt, void *work, void *ctx) {
    (void)t, (void)work;
    const reaction_system *s = ctx;
    for (size_t i = 0; i < s->n_y; i++)
        dydt[i] = 0.0;
    for (size_t k = 0; k < s->n_reaction; k++) {
        const reaction *r = &s->reactions[k];
        reaction_add(r, reaction_constant(s, r, p) * reaction_factor(r, y, 0) * reaction_factor(r, y, 1), dydt);
    }
    return COSTATE_ANSWER_OK;
}

static int reaction_vjp(double t, const double *y, const double *p, const double *v, double scale, double *ybar,
                        double *pbar, void *work, void *ctx) {
    (void)t, (void)work;
    const reaction_system *s = ctx;
    for (size_t i = 0; ybar && i < s->n_y; i++)
        ybar[i] = 0.0;
    for (size_t k = 0; k < s->n_reaction; k++) {
        const reaction *r = &s->reactions[k];
        double constant = reaction_constant(s, r, p), dot = reaction_dot(r, v);
        double first = reaction_factor(r, y, 0), second = reaction_factor(r, y, 1);
        if (ybar && r->reactant[0]) ybar[r->reactant[0] - 1] += constant * second * dot;
        if (ybar && r->reactant[1]) ybar[r->reactant[1] - 1] += constant * first * dot;
        if (pbar) pbar[r->rate] += scale * (s->log_rates ? constant : 1.0) * first * second * dot;
    }
    return COSTATE_ANSWER_OK;
}

static int reaction_jvp(double t, const double *y, const double *p, const double *u, const double *up, double *ju,
                        void *work, void *ctx) {
    (void)t, (void)work;
    const reaction_system *s = ctx;
    for (size_t i = 0; i < s->n_y; i++)
        ju[i] = 0.0;
    for (size_t k = 0; k < s->n_reaction; k++) {
        const reaction *r = &s->reactions[k];
        double constant = reaction_constant(s, r, p);
        double first = reaction_factor(r, y, 0), second = reaction_factor(r, y, 1), rate = 0.0;
        if (r->reactant[0]) rate += constant * second * u[r->reactant[0] - 1];
        if (r->reactant[1]) rate += constant * first * u[r->reactant[1] - 1];
        if (up) rate += (s->log_rates ? constant : 1.0) * first * second * up[r->rate];
        reaction_add(r, rate, ju);
    }
    return COSTATE_ANSWER_OK;
}

static int reaction_jac(double t, const double *y, const double *p, double *jac, void *work, void *ctx) {
    (void)t, (void)work;
    const reaction_system *s = ctx;
    for (size_t i = 0; i < s->n_y * s->n_y; i++)
        jac[i] = 0.0;
    for (size_t k = 0; k < s->n_reaction; k++) {
        const reaction *r = &s->reactions[k];
        double constant = reaction_constant(s, r, p);
        for (size_t i = 0; i < 2; i++)
            if (r->reactant[i])
                reaction_add(r, constant * reaction_factor(r, y, 1 - i), jac + s->n_y * (r->reactant[i] - 1u));
    }
    return COSTATE_ANSWER_OK;
}

/* The table is only read through the context. */
#define REACTION_RHS(system, n_species, n_constant)                                                                    \
    {                                                                                                                  \
        .n_y = (n_species), .n_p = (n_constant), .ctx = (void *)&(system), .f = reaction_f, .vjp = reaction_vjp,       \
        .jvp = reaction_jvp, .jac = reaction_jac                                                                       \
    }

static const reaction rober_reactions[] = {
    {0, {1, 0}, {2, 0, 0}},
    {1, {2, 2}, {2, 3, 0}},
    {2, {2, 3}, {1, 3, 0}},
};
static const reaction_system rober_system = {3, 3, false, rober_reactions};
static const reaction_system rober_log_system = {3, 3, true, rober_reactions};
static const double rober_y0[] = {1.0, 0.0, 0.0};
static const double rober_end[] = {.2083340149701255e-7, .8333360770334713e-13, .9999999791665050};

const problem problem_rober = {
    .name = "rober",
    .rhs = REACTION_RHS(rober_system, 3, 3),
    .stiff = true,
    .t_end = 1e11,
    .y0 = rober_y0,
    .p = (const double[]){0.04, 3e7, 1e4},
    .y_end = rober_end,
};

const problem problem_rober_log = {
    .name = "rober_log",
    .rhs = REACTION_RHS(rober_log_system, 3, 3),
    .stiff = true,
    .t_end = 1e11,
    .y0 = rober_y0,
    .p = (const double[]){-3.2188758248682007, 17.216707939626428, 9.210340371976184},
    .y_end = rober_end,
};

static const reaction hires_reactions[] = {
    {0, {1, 0}, {2, 0, 0}}, {0, {3, 0}, {4, 0, 0}}, {0, {5, 0}, {6, 0, 0}}, {1, {2, 0}, {1, 0, 0}},
    {1, {4, 0}, {3, 0, 0}}, {1, {6, 0}, {5, 0, 0}}, {1, {7, 0}, {5, 8, 0}}, {2, {2, 0}, {4, 0, 0}},
    {3, {4, 0}, {6, 0, 0}}, {4, {5, 0}, {3, 0, 0}}, {5, {3, 0}, {1, 0, 0}}, {6, {6, 8}, {7, 0, 0}},
    {7, {7, 0}, {6, 8, 0}}, {8, {7, 0}, {8, 0, 0}}, {9, {0, 0}, {1, 0, 0}},
};
static const reaction_system hires_system = {8, sizeof hires_reactions / sizeof hires_reactions[0], false,
                                             hires_reactions};

const problem problem_hires = {
    .name = "hires",
    .rhs = REACTION_RHS(hires_system, 8, 10),
    .stiff = true,
    .t_end = 321.8122,
    .y0 = (const double[]){1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0057},
    .p = (const double[]){1.71, 0.43, 8.32, 0.69, 0.035, 8.32, 280.0, 0.69, 0.69, 0.0007},
    .y_end = (const double[]){.7371312573325668e-3, .1442485726316185e-3, .5888729740967575e-4, .1175651343283149e-2,
                              .2386356198831331e-2, .6238968252742796e-2, .2849998395185769e-2, .2850001604814231e-2},
};

static const reaction pollu_reactions[] = {
    {0, {1, 0}, {2, 3, 0}},    {1, {2, 4}, {1, 0, 0}},   {2, {2, 5}, {1, 6, 0}},    {3, {7, 0}, {5, 5, 8}},
    {4, {7, 0}, {8, 0, 0}},    {5, {7, 6}, {5, 8, 0}},   {6, {9, 0}, {5, 8, 10}},   {7, {9, 6}, {11, 0, 0}},
    {8, {11, 2}, {1, 10, 12}}, {9, {11, 1}, {13, 0, 0}}, {10, {13, 0}, {1, 11, 0}}, {11, {10, 2}, {1, 14, 0}},
    {12, {14, 0}, {5, 7, 0}},  {13, {1, 6}, {15, 0, 0}}, {14, {3, 0}, {4, 0, 0}},   {15, {4, 0}, {16, 0, 0}},
    {16, {4, 0}, {3, 0, 0}},   {17, {16, 0}, {6, 6, 0}}, {18, {16, 0}, {3, 0, 0}},  {19, {17, 6}, {5, 18, 0}},
    {20, {19, 0}, {2, 0, 0}},  {21, {19, 0}, {1, 3, 0}}, {22, {1, 4}, {19, 0, 0}},  {23, {19, 1}, {20, 0, 0}},
    {24, {20, 0}, {1, 19, 0}},
};
static const reaction_system pollu_system = {20, sizeof pollu_reactions / sizeof pollu_reactions[0], false,
                                             pollu_reactions};

const problem problem_pollu = {
    .name = "pollu",
    .rhs = REACTION_RHS(pollu_system, 20, 25),
    .stiff = true,
    .t_end = 60.0,
    .y0 = (const double[20]){[1] = 0.2, [3] = 0.04, [6] = 0.1, [7] = 0.3, [8] = 0.01, [16] = 0.007},
    .p = (const double[]){.35,     .266e2, .123e5, .86e-3, .82e-3,  .15e5,  .13e-3, .24e5,   .165e5,
                          .9e4,    .22e-1, .12e5,  .188e1, .163e5,  .48e7,  .35e-3, .175e-1, .1e9,
                          .444e12, .124e4, .21e1,  .578e1, .474e-1, .178e4, .312e1},
    .y_end = (const double[20]){[0] = .5646255480022769e-1,
                                [1] = .1342484130422339,
                                [3] = .5523140207484359e-2,
                                [19] = .5682943292316392e-4},
};
