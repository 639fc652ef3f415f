/* SPDX-License-Identifier: MIT */
/* Initial-value problems with known answers and hand-written derivatives, shared by tests and benchmarks. */
#ifndef PROBLEMS_H
#define PROBLEMS_H

#include <costate/net.h>
#include <costate/rhs.h>
#include <stdbool.h>
#include <stddef.h>

enum { PROBLEM_MAX_Y = 20, PROBLEM_MAX_P = 25 };

/* One problem: a right-hand side, the usual data, and what is known of its solution. */
typedef struct problem {
    const char *name;
    costate_rhs rhs; /* every callback is set */
    bool stiff;
    double t0, t_end;
    const double *y0; /* rhs.n_y elements */
    const double *p;  /* rhs.n_p elements; NULL if there are none */
    /* State at t_end, rhs.n_y elements, 0 where nothing is published; NULL if nothing is. */
    const double *y_end;
    /* Closed form of y(t) for any t0, y0 and p; NULL if there is none. */
    void (*exact)(double t, const double *p, double t0, const double *y0, double *y);
} problem;

extern const problem problem_decay;          /* y' = -k y */
extern const problem problem_linear;         /* y' = A y, p = A row by row */
extern const problem problem_logistic;       /* y' = r y (1 - y/K) */
extern const problem problem_oscillator;     /* q' = v, v' = -w^2 q */
extern const problem problem_gaussian;       /* y' = -a t y: depends on time */
extern const problem problem_lotka_volterra; /* x' = a x - b x y, y' = -c y + d x y */
extern const problem problem_vdpol;          /* y1' = y2, y2' = ((1 - y1^2) y2 - y1)/p */
extern const problem problem_cubic_spiral;   /* y0' = -0.1 y0^3 - 2 y1^3, y1' = 2 y0^3 - 0.1 y1^3; no parameters */
extern const problem problem_rober;          /* Robertson's reaction, p = (k1, k2, k3) */
extern const problem problem_rober_log;      /* the same with p = log k */
extern const problem problem_hires;          /* high irradiance response, p = (k1 ... k6, k+, k-, k*, o_ks) */
extern const problem problem_pollu;          /* air pollution, p = the 25 rate constants */

/* All of the above, ended by NULL. */
extern const problem *const problem_list[];

/* The spiral neural ODE: a 2-50-2 tanh network on y^3, fitted to the true cubic spiral at 30 times in [0, 1.5]. */
enum { SPIRAL_N_T = 30, SPIRAL_N_Y = 2, SPIRAL_N_P = 252 };
typedef struct spiral {
    costate_net *net;
    costate_rhs rhs; /* the network; valid while net lives */
    double y0[SPIRAL_N_Y];
    double t[SPIRAL_N_T];
    double data[SPIRAL_N_T * SPIRAL_N_Y];
    double p[SPIRAL_N_P]; /* 0.1 sin(1 + 0.7 k) in the reference (row-major) order, stored in the library's layout */
} spiral;

/* Independent of the solvers: the data come from a fixed-step Runge-Kutta integration of the true field. */
costate_status spiral_create(spiral *s);
void spiral_destroy(spiral *s);

/* Sum of squared deviations of y (30 x 2) from the data; its cotangents go to v, if not NULL. */
double spiral_loss(const spiral *s, const double *y, double *v);

#endif
