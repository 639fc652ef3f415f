/* SPDX-License-Identifier: MIT */
/* UDEs for tests: a mechanism of three states in every equipment, and networks that see every kind of input. */
#ifndef UDE_FIXTURE_H
#define UDE_FIXTURE_H

#include "net_fixture.h"
#include <costate/ude.h>

enum { UDE_N_Y = 3, UDE_N_THETA = 3, UDE_N_U = 2, UDE_MAX_NET = 2, UDE_N_FORM = COSTATE_UDE_POSITIVE + 1 };

/*
 * f0 = −θ0 y0 + θ2 cos t + u0 y1
 * f1 = θ0 y0 − θ1 y1 y2 + u1²
 * f2 = θ1 y1² − θ2 y2 + sin(u0 u1) y0
 *
 * With u NULL the terms with u are not there.
 */
costate_mechanism ude_mechanism(size_t n_u);

/* Which derivatives the mechanism brings. */
typedef enum ude_equipment { UDE_VJP = 1, UDE_JVP = 2, UDE_N_EQUIPMENT = 4 } ude_equipment;

/* Networks with two outputs between them. */
enum { UDE_N_SET = 6 };
extern const char *const ude_set_name[UDE_N_SET];

typedef struct ude_fixture {
    costate_ude_spec spec;
    costate_ude_net nets[UDE_MAX_NET];
    net_fixture net[UDE_MAX_NET];
    costate_ude *ude;
    costate_rhs rhs;
    double *p, *v, *u, *up; /* parameters, cotangent, tangents */
    double y[UDE_N_Y];
    char name[96]; /* form, networks and equipment, for messages */
} ude_fixture;

/* Spec and networks alone: for tests that change it before costate_ude_create(). */
void ude_fixture_spec(ude_fixture *fixture, costate_ude_form form, size_t set, unsigned equipment);

/* The UDE of the spec, and random numbers for its calls. */
void ude_fixture_create(ude_fixture *fixture);

/* Both. Fails the running test if anything fails. */
void ude_fixture_make(ude_fixture *fixture, costate_ude_form form, size_t set, unsigned equipment);
void ude_fixture_release(ude_fixture *fixture);

/* Scratch for the right-hand side, aligned as a solver's; released with free(). */
void *ude_work(const ude_fixture *fixture);

#endif
