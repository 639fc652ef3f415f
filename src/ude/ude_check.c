/* SPDX-License-Identifier: MIT */
/* Whether a specification of a UDE can be built. */
#include "ude/ude_check.h"

#include "core/finite.h"
#include "core/memory.h"
#include "ude/ude_internal.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

bool csi_ude_has_matrix(costate_ude_form form) {
    return form == COSTATE_UDE_ADDITIVE || form == COSTATE_UDE_MULTIPLICATIVE || form == COSTATE_UDE_CONSERVING;
}

bool csi_ude_has_index(costate_ude_form form) { return form == COSTATE_UDE_REPLACE || form == COSTATE_UDE_POSITIVE; }

size_t csi_ude_count_u(const costate_ude_spec *spec) {
    size_t n = 0;
    for (size_t k = 0; k < spec->n_net; k++) {
        if (!csi_size_add(n, spec->nets[k].net->n_out, &n)) {
            return SIZE_MAX;
        }
    }
    return n;
}

static costate_status check_net(const costate_ude_spec *spec, const costate_ude_net *net) {
    if (net->net == NULL || (net->inputs == NULL && net->n_input > 0)) {
        return COSTATE_ERR_NULL;
    }
    for (size_t k = 0; k < net->n_input; k++) {
        const costate_ude_input *input = &net->inputs[k];
        const bool known = (input->source == COSTATE_UDE_STATE && input->index < spec->mechanism.n_y) ||
                           (input->source == COSTATE_UDE_THETA && input->index < spec->mechanism.n_theta) ||
                           input->source == COSTATE_UDE_TIME;
        if (!known) {
            return COSTATE_ERR_ARGUMENT;
        }
    }
    const size_t n_in = net->net->n_in;
    if (net->n_input == 0 || (net->matrix == NULL && net->n_input != n_in)) {
        return COSTATE_ERR_SIZE;
    }
    size_t n;
    if (net->matrix != NULL && !csi_size_mul(n_in, net->n_input, &n)) {
        return COSTATE_ERR_OVERFLOW;
    }
    return net->matrix == NULL || csi_all_finite(net->matrix, n) ? COSTATE_OK : COSTATE_ERR_NONFINITE;
}

static costate_status check_pointers(const costate_ude_spec *spec) {
    const bool needs_f = spec->form == COSTATE_UDE_GENERAL || spec->form == COSTATE_UDE_MULTIPLICATIVE ||
                         spec->form == COSTATE_UDE_REPLACE;
    if ((needs_f && spec->mechanism.f == NULL) || (spec->nets == NULL && spec->n_net > 0) ||
        (spec->form == COSTATE_UDE_CONSERVING && spec->conserved == NULL)) {
        return COSTATE_ERR_NULL;
    }
    return COSTATE_OK;
}

static costate_status check_form(const costate_ude_spec *spec, size_t n_u) {
    if (spec->mechanism.n_u != (spec->form == COSTATE_UDE_GENERAL ? n_u : 0)) {
        return COSTATE_ERR_SIZE;
    }
    if (n_u > 0 && ((csi_ude_has_matrix(spec->form) && spec->matrix == NULL) ||
                    (csi_ude_has_index(spec->form) && spec->index == NULL))) {
        return COSTATE_ERR_NULL;
    }
    size_t n;
    if (csi_ude_has_matrix(spec->form) && n_u > 0) {
        if (!csi_size_mul(spec->mechanism.n_y, n_u, &n)) {
            return COSTATE_ERR_OVERFLOW;
        }
        if (!csi_all_finite(spec->matrix, n)) {
            return COSTATE_ERR_NONFINITE;
        }
    }
    const size_t n_place = spec->form == COSTATE_UDE_REPLACE ? spec->mechanism.n_theta : spec->mechanism.n_y;
    for (size_t j = 0; csi_ude_has_index(spec->form) && j < n_u; j++) {
        if (spec->index[j] >= n_place) {
            return COSTATE_ERR_ARGUMENT;
        }
    }
    return COSTATE_OK;
}

/* |cᵀS| against what rounding can make of it, for every row c of `conserved`. */
static costate_status check_conserved(const costate_ude_spec *spec, size_t n_u) {
    const size_t n_y = spec->mechanism.n_y;
    size_t n;
    if (spec->form != COSTATE_UDE_CONSERVING) {
        return COSTATE_OK;
    }
    if (spec->n_conserved == 0) {
        return COSTATE_ERR_ARGUMENT;
    }
    if (!csi_size_mul(spec->n_conserved, n_y, &n)) {
        return COSTATE_ERR_OVERFLOW;
    }
    if (!csi_all_finite(spec->conserved, n)) {
        return COSTATE_ERR_NONFINITE;
    }
    for (size_t r = 0; r < spec->n_conserved; r++) {
        const double *c = spec->conserved + r * n_y;
        for (size_t j = 0; j < n_u; j++) {
            double sum = 0, magnitude = 0;
            for (size_t i = 0; i < n_y; i++) {
                const double term = c[i] * spec->matrix[i * n_u + j];
                sum += term;
                magnitude += fabs(term);
            }
            if (!(fabs(sum) <= 1e-12 * magnitude)) {
                return COSTATE_ERR_MISMATCH;
            }
        }
    }
    return COSTATE_OK;
}

static costate_status check_typical(const costate_ude_spec *spec) {
    const costate_mechanism *g = &spec->mechanism;
    size_t n;
    if (spec->typical == NULL) {
        return COSTATE_OK;
    }
    if (!csi_size_add(g->n_y, g->n_theta, &n) || !csi_size_add(n, g->n_u, &n)) {
        return COSTATE_ERR_OVERFLOW;
    }
    if (!csi_all_finite(spec->typical, n)) {
        return COSTATE_ERR_NONFINITE;
    }
    for (size_t k = 0; k < n; k++) {
        if (!(spec->typical[k] > 0)) {
            return COSTATE_ERR_ARGUMENT;
        }
    }
    return COSTATE_OK;
}

static costate_status check_names(const costate_ude_spec *spec) {
    const size_t n = spec->theta_name == NULL ? 0 : spec->mechanism.n_theta;
    for (size_t k = 0; k < n; k++) {
        const char *name = spec->theta_name[k];
        if (name == NULL) {
            return COSTATE_ERR_NULL;
        }
        /* "theta" and "net…" are names of other blocks. */
        if (name[0] == '\0' || strlen(name) >= CSI_UDE_NAME_SIZE || strcmp(name, "theta") == 0 ||
            (strncmp(name, "net", 3) == 0 && name[3] >= '0' && name[3] <= '9')) {
            return COSTATE_ERR_ARGUMENT;
        }
        for (size_t l = 0; l < k; l++) {
            if (strcmp(name, spec->theta_name[l]) == 0) {
                return COSTATE_ERR_ARGUMENT;
            }
        }
    }
    return COSTATE_OK;
}

costate_status csi_ude_check(const costate_ude_spec *spec) {
    if (spec->mechanism.n_y == 0 || csi_form_calls_of(spec->form) == NULL) {
        return COSTATE_ERR_ARGUMENT;
    }
    costate_status status = check_pointers(spec);
    for (size_t k = 0; k < spec->n_net && status == COSTATE_OK; k++) {
        status = check_net(spec, &spec->nets[k]);
    }
    if (status != COSTATE_OK) {
        return status;
    }
    const size_t n_u = csi_ude_count_u(spec);
    if (n_u == SIZE_MAX) {
        return COSTATE_ERR_OVERFLOW;
    }
    status = check_form(spec, n_u);
    if (status == COSTATE_OK) {
        status = check_conserved(spec, n_u);
    }
    if (status == COSTATE_OK) {
        status = check_typical(spec);
    }
    return status == COSTATE_OK ? check_names(spec) : status;
}
