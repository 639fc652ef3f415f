/* SPDX-License-Identifier: MIT */
/* The ways of computing a gradient within this program. */
#ifndef BENCH_GRADIENT_METHOD_H
#define BENCH_GRADIENT_METHOD_H

#include <costate/solver.h>
#include <stdbool.h>

/* X(enumerator, name, kind, method) */
#define GRADIENT_METHOD_LIST(X)                                                                                        \
    X(TSIT5, "costate tsit5", OURS, TSIT5)                                                                             \
    X(TSIT5_SOLVE, "tsit5 solve", SOLVE, TSIT5)                                                                        \
    X(TSIT5_PLAIN_SOLVE, "tsit5 solve unrecorded", PLAIN_SOLVE, TSIT5)                                                 \
    X(DOP853, "costate dop853", OURS, DOP853)                                                                          \
    X(SDIRK4, "costate sdirk4", OURS, SDIRK4)                                                                          \
    X(SDIRK4_SOLVE, "sdirk4 solve", SOLVE, SDIRK4)                                                                     \
    X(AUTO, "costate auto", OURS, AUTO)                                                                                \
    X(ADAMS, "costate adams", OURS, ADAMS)                                                                             \
    X(BDF, "costate bdf", OURS, BDF)                                                                                   \
    X(STOCK_ADAMS, "CVODES adjoint", STOCK, ADAMS)                                                                     \
    X(STOCK_ADAMS_CHECKED, "CVODES adjoint quad-error", STOCK_CHECKED, ADAMS)                                          \
    X(STOCK_BDF, "CVODES BDF adjoint", STOCK, BDF)

typedef enum gradient_method {
#define GRADIENT_METHOD_ENUM(enumerator, name, kind, method) GRADIENT_##enumerator,
    GRADIENT_METHOD_LIST(GRADIENT_METHOD_ENUM)
#undef GRADIENT_METHOD_ENUM
} gradient_method;

typedef enum gradient_kind {
    GRADIENT_KIND_OURS,         /* costate's solve and adjoint */
    GRADIENT_KIND_SOLVE,        /* the solve alone, recorded as for the adjoint */
    GRADIENT_KIND_PLAIN_SOLVE,  /* the solve alone, without history */
    GRADIENT_KIND_STOCK,        /* CVODES as its manual shows it */
    GRADIENT_KIND_STOCK_CHECKED /* with the quadrature in the backward error test */
} gradient_kind;

typedef struct gradient_method_info {
    const char *name;
    gradient_kind kind;
    costate_method method;
} gradient_method_info;

const gradient_method_info *gradient_method_get(gradient_method method);

/* True unless the method only solves. */
bool gradient_method_has_gradient(gradient_method method);

bool gradient_method_is_stock(gradient_method method);

#endif
