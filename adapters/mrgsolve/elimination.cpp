// SPDX-License-Identifier: MIT
// One compartment, first-order absorption, learned elimination: a model for mrgsolve's mread(). In the project directory
// beside it: elimination_net.h, costate_eval.h, costate_eval.c.
// clang-format off
$PROB Learned elimination

$PARAM KA = 1.2, V = 20, WT = 84

$CMT DEPOT CENT

$INCLUDE elimination_net.h

$ODE
double KEL = elimination_rate(CENT / V, WT);
dxdt_DEPOT = -KA * DEPOT;
dxdt_CENT = KA * DEPOT - KEL * CENT;

$TABLE
capture CP = CENT / V;
capture KELIM = elimination_rate(CP, WT);
