/* SPDX-License-Identifier: MIT */
/* Sizes and operation counts of the benchmarked networks. */
#include "dense_stack.h"

size_t chain_n_in(const chain *c) { return c->width[0]; }

size_t chain_n_out(const chain *c) { return c->width[c->n_layer]; }

size_t chain_n_param(const chain *c) {
    size_t n = 0;
    for (size_t l = 0; l < c->n_layer; l++) {
        n += c->width[l + 1] * (c->width[l] + 1);
    }
    return n;
}

size_t chain_n_unit(const chain *c) {
    size_t n = 0;
    for (size_t l = 1; l < c->n_layer; l++) {
        n += c->width[l];
    }
    return n;
}

size_t chain_widest(const chain *c) {
    size_t widest = c->width[0];
    for (size_t l = 1; l <= c->n_layer; l++) {
        widest = c->width[l] > widest ? c->width[l] : widest;
    }
    return widest;
}

size_t chain_n_work(const chain *c) { return 2 * chain_widest(c) + chain_n_unit(c) + chain_n_out(c); }

double chain_flops(const chain *c, bool vjp) {
    double flops = 0.0;
    for (size_t l = 0; l < c->n_layer; l++) {
        const double n_weight = (double)(c->width[l] * c->width[l + 1]);
        const double n_out = (double)c->width[l + 1];
        const bool hidden = l + 1 < c->n_layer;
        flops += 2.0 * n_weight + n_out;
        if (vjp) {
            /* W'd, the update d x', the update of b; 1 - a² and its product with the cotangent. */
            flops += 4.0 * n_weight + n_out + (hidden ? 3.0 * n_out : 0.0);
        }
    }
    return flops;
}

double chain_elements(const chain *c, bool vjp) {
    const double ends = (double)(chain_n_in(c) + chain_n_out(c));
    const double n_param = (double)chain_n_param(c);
    return vjp ? 3.0 * n_param + ends + (double)chain_n_in(c) : n_param + ends;
}
