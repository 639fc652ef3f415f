/* SPDX-License-Identifier: MIT */
/* The trajectories of a call one by one, and the record of those that failed. */
#include "ensemble/trajectory_set.h"

#include "core/memory.h"

#include <stdint.h>

static bool sizes_fit(const csi_trajectory_set *set) {
    const costate_trajectories *all = &set->all;
    size_t size;
    const size_t rows_each = all->first != NULL ? 1 : all->n_t;
    return csi_size_mul(all->n, set->n_y, &size) && csi_size_mul(size, rows_each, &size) &&
           csi_size_mul(size, sizeof(double), &size) && csi_size_mul(all->n, set->n_p, &size) &&
           csi_size_mul(size, sizeof(double), &size);
}

costate_status csi_trajectory_set_check(const csi_trajectory_set *set, csi_detail *detail) {
    const costate_trajectories *all = &set->all;
    if (all->n == 0) {
        return COSTATE_OK;
    }
    const char *missing = all->y0 == NULL                  ? "y0"
                          : all->t0 == NULL                ? "t0"
                          : all->t == NULL                 ? "t"
                          : all->p == NULL && set->n_p > 0 ? "p"
                                                           : NULL;
    if (missing != NULL) {
        return csi_fail(detail, COSTATE_ERR_NULL, "%s is NULL", missing);
    }
    if (all->first == NULL && all->n_t == 0) {
        return csi_fail(detail, COSTATE_ERR_ARGUMENT, "n_t is 0");
    }
    for (size_t j = 0; all->first != NULL && j < all->n; j++) {
        if (all->first[j + 1] < all->first[j]) {
            return csi_fail(detail, COSTATE_ERR_ARGUMENT, "first[%zu] is below first[%zu]", j + 1, j);
        }
    }
    return sizes_fit(set) ? COSTATE_OK : csi_fail(detail, COSTATE_ERR_OVERFLOW, "the sizes do not fit");
}

csi_solve_arguments csi_trajectory_arguments(const csi_trajectory_set *set, size_t j) {
    const costate_trajectories *all = &set->all;
    const double *p = all->p;
    return (csi_solve_arguments){
        .p = p != NULL && all->own_p ? p + j * set->n_p : p,
        .t0 = all->t0[all->own_t0 ? j : 0],
        .y0 = all->y0 + j * set->n_y,
        .n_t = all->first != NULL ? all->first[j + 1] - all->first[j] : all->n_t,
        .t = all->first != NULL ? all->t + all->first[j] : all->t,
    };
}

size_t csi_trajectory_row(const csi_trajectory_set *set, size_t j) {
    return set->all.first != NULL ? set->all.first[j] : j * set->all.n_t;
}

size_t csi_trajectory_set_rows(const csi_trajectory_set *set) {
    const costate_trajectories *all = &set->all;
    return all->first == NULL ? all->n * all->n_t : all->n > 0 ? all->first[all->n] - all->first[0] : 0;
}

void csi_note_failure(csi_first_failure *failure, size_t j, costate_status status, const char *text) {
    if (failure->status == COSTATE_OK || j < failure->trajectory) {
        failure->status = csi_fail(&failure->detail, status, "trajectory %zu: %s", j, text);
        failure->trajectory = j;
    }
}
