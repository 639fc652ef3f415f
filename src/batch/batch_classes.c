/* SPDX-License-Identifier: MIT */
/* Softmax cross-entropy with class labels, and counts of right answers, in one precision. */
#include "core/memory.h"
#include "batch/batch_weight.h"

#include <math.h>

/* First index of the largest of k > 0 elements. A NaN is never larger, and nothing is larger than a NaN. */
static size_t largest(size_t k, const real *h) {
    size_t best = 0;
    for (size_t j = 1; j < k; j++) {
        best = h[j] > h[best] ? j : best;
    }
    return best;
}

/*
 * Loss of one sample; the cotangents times scale, if wanted. With e_j = exp(h_j − max h): the loss is max h − h_c +
 * log(1 + Σ over the others of e_j), and p_c − 1 = −(Σ_{j≠c} e_j)/Σe, which does not cancel as p_c nears 1.
 */
static double softmax_term(size_t k, const real *h, size_t label, double scale, real *hbar) {
    const size_t best = largest(k, h);
    const double top = (double)h[best];
    double others = 0.0;
    double of_label = 1.0;
    for (size_t j = 0; j < k; j++) {
        const double e = j == best ? 1.0 : exp((double)h[j] - top);
        others += j == best ? 0.0 : e;
        of_label = j == label ? e : of_label;
        if (hbar) {
            hbar[j] = (real)e;
        }
    }
    const double rest = label == best ? others : 1.0 + (others - of_label);
    const double norm = 1.0 + others;
    for (size_t j = 0; hbar && j < k; j++) {
        hbar[j] = (real)(scale * (j == label ? -rest / norm : (double)hbar[j] / norm));
    }
    /* The difference of a logit with itself is NaN where it is infinite or NaN; the latter is not lost. */
    const double behind = label == best && isinf(top) ? 0.0 : top - (double)h[label];
    return behind + log1p(others);
}

static bool labels_valid(size_t n, size_t k, const uint32_t *label) {
    for (size_t i = 0; i < n; i++) {
        if (label[i] >= k) {
            return false;
        }
    }
    return true;
}

costate_status CSI_REAL(costate_batch_softmax_loss)(costate_batch_reduction reduction, size_t n, size_t k,
                                                    const real *h, const uint32_t *label, const real *weight,
                                                    double *value, real *hbar) {
    size_t count;
    double total;
    double sum = 0.0;
    if (!csi_size_mul(n, k, &count)) {
        return COSTATE_ERR_OVERFLOW;
    }
    if ((count > 0 && !h) || (n > 0 && !label)) {
        return COSTATE_ERR_NULL;
    }
    if (!reduction_known(reduction) || !labels_valid(n, k, label) || !total_weight(n, NULL, weight, &total)) {
        return COSTATE_ERR_ARGUMENT;
    }
    const double factor = reduction_factor(reduction, total, 1);
    for (size_t i = 0; i < n; i++) {
        const double w = weight ? (double)weight[i] : 1.0;
        sum += w * softmax_term(k, h + i * k, label[i], w * factor, hbar ? hbar + i * k : NULL);
    }
    if (value) {
        *value = factor * sum;
    }
    return COSTATE_OK;
}

static bool any_nan(size_t k, const real *h) {
    bool found = false;
    for (size_t j = 0; j < k; j++) {
        found = found || h[j] != h[j];
    }
    return found;
}

costate_status CSI_REAL(costate_batch_class_count)(size_t n, size_t k, const real *h, const uint32_t *label,
                                                   size_t *n_right) {
    size_t count;
    size_t right = 0;
    if (!csi_size_mul(n, k, &count)) {
        return COSTATE_ERR_OVERFLOW;
    }
    if (!n_right || (count > 0 && (!h || !label))) {
        return COSTATE_ERR_NULL;
    }
    for (size_t i = 0; k > 0 && i < n; i++) {
        const real *row = h + i * k;
        right += largest(k, row) == label[i] && !any_nan(k, row);
    }
    *n_right = right;
    return COSTATE_OK;
}

costate_status CSI_REAL(costate_batch_sign_count)(size_t n, const real *h, const real *target, size_t *n_right) {
    size_t right = 0;
    if (!n_right || (n > 0 && (!h || !target))) {
        return COSTATE_ERR_NULL;
    }
    for (size_t i = 0; i < n; i++) {
        const bool yes = h[i] > 0 && (double)target[i] > 0.5;
        const bool no = h[i] <= 0 && (double)target[i] <= 0.5;
        right += yes || no;
    }
    *n_right = right;
    return COSTATE_OK;
}
