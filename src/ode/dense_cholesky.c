/* SPDX-License-Identifier: MIT */
/* Cholesky factorisation of a dense matrix by SUNDIALS. */
#include "ode/dense_cholesky.h"

#include <stdint.h>
#include <sundials/sundials_dense.h>

size_t csi_cholesky_factor(size_t n, double **column, double least) {
    const sunindextype failed = SUNDlsMat_densePOTRF(column, (sunindextype)n);
    const size_t n_done = failed > 0 ? (size_t)failed - 1 : n;
    for (size_t j = 0; j < n_done; j++) {
        if (!(column[j][j] * column[j][j] > least)) {
            return j;
        }
    }
    return n_done;
}

void csi_cholesky_solve(size_t n, double **column, double *x) { SUNDlsMat_densePOTRS(column, (sunindextype)n, x); }
