/* SPDX-License-Identifier: MIT */
/* Named blocks of a UDE's parameter vector. */
#include "ude/ude_internal.h"

#include <string.h>

/* Puts `text` and then the number at the end of the name, without stdio. */
static void append(costate_ude_block *block, const char *text, const size_t *number) {
    size_t at = strlen(block->name);
    while (*text != '\0' && at + 1 < sizeof block->name) {
        block->name[at++] = *text++;
    }
    char digits[20];
    size_t n = 0;
    for (size_t rest = number != NULL ? *number : 0; number != NULL && (rest > 0 || n == 0); rest /= 10) {
        digits[n++] = (char)('0' + rest % 10);
    }
    while (n > 0 && at + 1 < sizeof block->name) {
        block->name[at++] = digits[--n];
    }
    block->name[at] = '\0';
}

static costate_ude_block theta_block(const costate_ude *ude, size_t k) {
    costate_ude_block block = {.offset = k, .n = 1};
    if (ude->theta_name != NULL) {
        append(&block, ude->theta_name[k], NULL);
    } else {
        append(&block, "theta[", &k);
        append(&block, "]", NULL);
    }
    return block;
}

static costate_ude_block net_block(const costate_ude *ude, size_t k) {
    costate_ude_block block = {.offset = ude->nets[k].weights, .n = ude->nets[k].net->n_param};
    append(&block, "net", &k);
    return block;
}

static costate_ude_block view_block(const costate_ude *ude, size_t k, const costate_param_view *view) {
    costate_ude_block block = net_block(ude, k);
    append(&block, ".", NULL);
    append(&block, view->name, NULL);
    block.offset += view->offset;
    block.n = view->n_row * view->n_col;
    return block;
}

size_t costate_ude_n_block(const costate_ude *ude) {
    size_t n = ude == NULL ? 0 : ude->mechanism.given.n_theta;
    for (size_t k = 0; ude != NULL && k < ude->n_net; k++) {
        n += costate_net_n_view(ude->nets[k].net);
    }
    return n;
}

costate_status costate_ude_block_at(const costate_ude *ude, size_t k, costate_ude_block *block) {
    if (ude == NULL || block == NULL) {
        return COSTATE_ERR_NULL;
    }
    const size_t n_theta = ude->mechanism.given.n_theta;
    if (k < n_theta) {
        *block = theta_block(ude, k);
        return COSTATE_OK;
    }
    k -= n_theta;
    for (size_t l = 0; l < ude->n_net; l++) {
        const size_t n_view = costate_net_n_view(ude->nets[l].net);
        costate_param_view view;
        if (k < n_view && costate_net_view(ude->nets[l].net, k, &view) == COSTATE_OK) {
            *block = view_block(ude, l, &view);
            return COSTATE_OK;
        }
        k -= n_view;
    }
    return COSTATE_ERR_ARGUMENT;
}

costate_status costate_ude_find_block(const costate_ude *ude, const char *name, costate_ude_block *block) {
    if (ude == NULL || name == NULL || block == NULL) {
        return COSTATE_ERR_NULL;
    }
    if (strcmp(name, "theta") == 0) {
        *block = (costate_ude_block){.name = "theta", .n = ude->mechanism.given.n_theta};
        return COSTATE_OK;
    }
    costate_ude_block candidate;
    for (size_t k = 0; k < ude->n_net; k++) {
        candidate = net_block(ude, k);
        if (strcmp(candidate.name, name) == 0) {
            *block = candidate;
            return COSTATE_OK;
        }
    }
    for (size_t k = 0; costate_ude_block_at(ude, k, &candidate) == COSTATE_OK; k++) {
        if (strcmp(candidate.name, name) == 0) {
            *block = candidate;
            return COSTATE_OK;
        }
    }
    return COSTATE_ERR_ARGUMENT;
}
