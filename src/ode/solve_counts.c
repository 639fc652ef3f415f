/* SPDX-License-Identifier: MIT */
/* Sums of what solves cost. */
#include "ode/solve_counts.h"

void csi_solve_counts_add(costate_solve_counts *total, const costate_solve_counts *part) {
    total->n_step += part->n_step;
    total->n_restart += part->n_restart;
    total->n_f += part->n_f;
    total->n_vjp_y += part->n_vjp_y;
    total->n_vjp_p += part->n_vjp_p;
    total->n_jac += part->n_jac;
    total->n_setup += part->n_setup;
    total->n_error_fail += part->n_error_fail;
    total->n_nonlin_fail += part->n_nonlin_fail;
    total->n_nonlin_iter += part->n_nonlin_iter;
    total->n_implicit += part->n_implicit;
    total->n_switch += part->n_switch;
    total->n_replay += part->n_replay;
    total->last_order = part->last_order;
    total->last_step = part->last_step;
    total->t_reached = part->t_reached;
}
