/* SPDX-License-Identifier: MIT */
/*
 * An L-stable ESDIRK pair 4(3) of six stages, the first explicit, with stage order 2 and γ = 1/4.
 *
 * It belongs to the two-parameter family of ESDIRK4(3)6L[2]SA (Kennedy & Carpenter, "Diagonally implicit Runge–Kutta
 * methods for ordinary differential equations. A review", NASA/TM-2016-219173, section 7.1): c_1 = 2γ,
 * a_i0 = a_i1, and stage order 2 leave c_2 = (2 ± √2)γ and free c_3 and c_4; five conditions of order 4 then give the
 * rest. The review takes c_4 = 26/25, which is outside of the step. Here c_2 = (2 + √2)/4, c_3 = 1, c_4 = 1/3: all
 * abscissae lie within the step, no coefficient is above 0.43, and the error constant of order 5 is 0.0042 (the
 * review's 0.0034; Hairer & Wanner's SDIRK of γ = 1/4 0.0054 at stage order 1). The stability function is the same for
 * all of them. Since a_i0 = a_i1, every stage from the second implicit one on vanishes for y' = λy, λh → −∞.
 *
 * The error estimate is the one of order 3 (up to scale) that vanishes in that limit too. The dense output is the one
 * of order 4 at every θ that stays bounded there (between −0.67 and 1.11 of y(t)); its slope is continuous from the left
 * at θ = 1 only: with f(t, y) for its slope at θ = 0 it would grow with λh.
 */
#include "ode/tableau.h"

const csi_tableau csi_sdirk4 = {
    .n_stage = 6,
    .order = 4,
    .error_order = 3,
    .dense_degree = 4,
    .margin = 1.0,
    .gamma = 0.25,
    .c = {0.0, 0.5, 0.853553390593273762, 1.0, 0.333333333333333333, 1.0},
    .a =
        {
            {0.0},
            {0.25, 0.25},
            {0.301776695296636881, 0.301776695296636881, 0.25},
            {0.323223304703363119, 0.323223304703363119, 0.103553390593273762, 0.25},
            {0.0997180798305599192, 0.0997180798305599192, -0.26266233674210308, 0.146559510414316575, 0.25},
            {0.108908965590745358, 0.108908965590745358, 0.357385746853422003, -0.251651609140274315,
             0.426447931105361595, 0.25},
        },
    .e = {-0.02392402311713771, -0.02392402311713771, -0.07850689631546134865, 0.042780287365509836375,
          0.0710746551842269275, 0.0125},
    .dense =
        {
            {1.11551540215184262, -2.88448459784815738, 2.85805885160376835, -0.980180690316708223},
            {1.11551540215184262, -2.88448459784815738, 2.85805885160376835, -0.980180690316708223},
            {-0.714771493706844007, -0.714771493706844007, 5.00340045594790805, -3.21647172168079803},
            {0.122350837328167677, 1.6764479311053616, -4.72655481075632348, 2.67610443318251989},
            {-0.852895862210723191, 5.89710413778927681, -7.52972896452493767, 2.91196862005174564},
            {0.214285714285714286, -1.08981137949147963, 1.53676561612581641, -0.411239950920051061},
        },
    /* Polynomials through the slopes so far; for the last two stages those that vanish for λh → −∞. */
    .predict =
        {
            {0.0},
            {1.0},
            {-0.707106781186547524, 1.70710678118654752},
            {0.171572875253809902, -0.828427124746190098, 1.6568542494923802},
            {0.33660413905809549, 0.33660413905809549, 1.1045694996615868, -0.777777777777777778},
            {0.0, 0.0, 0.0, 1.0},
        },
};
