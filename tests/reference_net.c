/* SPDX-License-Identifier: MIT */
/* Naive long-double networks: one loop per formula, nothing shared between layers but plain arrays. */
#include "reference_net.h"

#include "reference_act.h"
#include "support/asserts.h"
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static void *elements(size_t n, size_t size) {
    void *block = calloc(n + 1, size);
    if (!block) {
        fail_msg("no memory for the reference");
    }
    return block;
}

/* One layer's parameters as exact values, W row-major, with where each came from. */
typedef struct layer_params {
    costate_param_view w_view, b_view;
    reference_value *w, *b;
} layer_params;

/* All values of one evaluation: x[0] is the activated input, x[l + 1] = act_l(z[l]). */
typedef struct tape {
    size_t n_layer, n_in, n_out;
    layer_params *layers;
    reference_value *z_input;
    reference_value **x, **z;
} tape;

static size_t layer_n_in(const tape *run, size_t l) { return run->layers[l].w_view.n_col; }

static size_t layer_n_out(const tape *run, size_t l) { return run->layers[l].w_view.n_row; }

static void load_layer(const reference_net *ref, size_t l, const double *p, layer_params *layer) {
    char name[32];
    snprintf(name, sizeof name, "layer%zu.weight", l);
    assert_ok(costate_net_find(ref->net, name, &layer->w_view));
    const costate_param_view *w = &layer->w_view;
    layer->w = elements(w->n_row * w->n_col, sizeof *layer->w);
    layer->b = elements(w->n_row, sizeof *layer->b);
    for (size_t i = 0; i < w->n_row; i++) {
        for (size_t j = 0; j < w->n_col; j++) {
            layer->w[i * w->n_col + j] = reference_exact(p[w->offset + i * w->row_stride + j * w->col_stride]);
        }
    }
    if (!ref->spec->layers[l].no_bias) {
        snprintf(name, sizeof name, "layer%zu.bias", l);
        assert_ok(costate_net_find(ref->net, name, &layer->b_view));
        for (size_t i = 0; i < w->n_row; i++) {
            layer->b[i] = reference_exact(p[layer->b_view.offset + i * layer->b_view.row_stride]);
        }
    }
}

/* An entry of a scale or shift array, rounded to the tested precision. */
static reference_value affine(const reference_net *ref, const double *array, size_t i, double otherwise) {
    return reference_rounded(array ? array[i] : otherwise, array ? ref->u : 0.0L);
}

static reference_value in_scale(const reference_net *ref, size_t i) { return affine(ref, ref->spec->in_scale, i, 1.0); }

static reference_value out_scale(const reference_net *ref, size_t i) {
    return affine(ref, ref->spec->out_scale, i, 1.0);
}

static void evaluate(const reference_net *ref, const double *p, const double *x, tape *run) {
    const costate_net_spec *spec = ref->spec;
    long double u = ref->u;
    run->n_layer = spec->n_layer;
    run->n_in = spec->n_in;
    run->n_out = spec->layers[spec->n_layer - 1].n_out;
    run->layers = elements(spec->n_layer, sizeof *run->layers);
    run->x = elements(spec->n_layer + 1, sizeof *run->x);
    run->z = elements(spec->n_layer, sizeof *run->z);
    run->z_input = elements(spec->n_in, sizeof *run->z_input);
    run->x[0] = elements(spec->n_in, sizeof **run->x);
    for (size_t j = 0; j < spec->n_in; j++) {
        reference_value scaled = reference_mul(in_scale(ref, j), reference_exact(x[j]), spec->in_scale ? u : 0.0L);
        run->z_input[j] = reference_add(scaled, affine(ref, spec->in_shift, j, 0.0), spec->in_shift ? u : 0.0L);
        run->x[0][j] = reference_act_value(spec->input_act, 0, run->z_input[j], u);
    }
    for (size_t l = 0; l < spec->n_layer; l++) {
        load_layer(ref, l, p, &run->layers[l]);
        size_t n_in = layer_n_in(run, l), n_out = layer_n_out(run, l);
        run->z[l] = elements(n_out, sizeof **run->z);
        run->x[l + 1] = elements(n_out, sizeof **run->x);
        for (size_t i = 0; i < n_out; i++) {
            const layer_params *layer = &run->layers[l];
            run->z[l][i] = reference_dot(layer->b[i], n_in, layer->w + i * n_in, 1, run->x[l], 1, u);
            run->x[l + 1][i] = reference_act_value(spec->layers[l].act, 0, run->z[l][i], u);
        }
    }
}

static void release(tape *run) {
    for (size_t l = 0; l < run->n_layer; l++) {
        free(run->layers[l].w);
        free(run->layers[l].b);
        free(run->z[l]);
        free(run->x[l]);
    }
    free(run->x[run->n_layer]);
    free(run->x);
    free(run->z);
    free(run->z_input);
    free(run->layers);
}

/* order-th derivative of layer l's activation at unit i. */
static reference_value act_at(const reference_net *ref, const tape *run, size_t l, size_t i, int order) {
    return reference_act_value(ref->spec->layers[l].act, order, run->z[l][i], ref->u);
}

static reference_value input_act_at(const reference_net *ref, const tape *run, size_t j, int order) {
    return reference_act_value(ref->spec->input_act, order, run->z_input[j], ref->u);
}

void reference_forward(const reference_net *ref, const double *p, const double *x, reference_value *y) {
    tape run;
    evaluate(ref, p, x, &run);
    for (size_t i = 0; i < run.n_out; i++) {
        reference_value scaled = reference_mul(out_scale(ref, i), run.x[run.n_layer][i], ref->u);
        y[i] = reference_add(scaled, affine(ref, ref->spec->out_shift, i, 0.0), ref->u);
    }
    release(&run);
}

static void store_layer_gradient(const reference_net *ref, const tape *run, size_t l, const reference_value *d,
                                 double scale, const double *pbar_before, reference_value *pbar) {
    const costate_param_view *w = &run->layers[l].w_view, *b = &run->layers[l].b_view;
    for (size_t i = 0; i < w->n_row; i++) {
        reference_value scaled = reference_mul(reference_exact(scale), d[i], ref->u);
        for (size_t j = 0; j < w->n_col; j++) {
            size_t k = w->offset + i * w->row_stride + j * w->col_stride;
            reference_value term = reference_mul(scaled, run->x[l][j], ref->u);
            pbar[k] = reference_add(reference_exact(pbar_before[k]), term, ref->u);
        }
        if (!ref->spec->layers[l].no_bias) {
            size_t k = b->offset + i * b->row_stride;
            pbar[k] = reference_add(reference_exact(pbar_before[k]), scaled, ref->u);
        }
    }
}

void reference_vjp(const reference_net *ref, const double *p, const double *x, const double *v, double scale,
                   const double *pbar_before, reference_value *xbar, reference_value *pbar) {
    tape run;
    evaluate(ref, p, x, &run);
    reference_value *bar = elements(run.n_out, sizeof *bar);
    for (size_t i = 0; i < run.n_out; i++) {
        bar[i] = reference_mul(out_scale(ref, i), reference_exact(v[i]), ref->u);
    }
    for (size_t l = run.n_layer; l-- > 0;) {
        size_t n_in = layer_n_in(&run, l), n_out = layer_n_out(&run, l);
        for (size_t i = 0; i < n_out; i++) {
            bar[i] = reference_mul(bar[i], act_at(ref, &run, l, i, 1), ref->u);
        }
        store_layer_gradient(ref, &run, l, bar, scale, pbar_before, pbar);
        reference_value *below = elements(n_in, sizeof *below);
        for (size_t j = 0; j < n_in; j++) {
            below[j] = reference_dot(reference_exact(0.0), n_out, run.layers[l].w + j, n_in, bar, 1, ref->u);
        }
        free(bar);
        bar = below;
    }
    for (size_t j = 0; j < run.n_in; j++) {
        reference_value slope = reference_mul(input_act_at(ref, &run, j, 1), in_scale(ref, j), ref->u);
        xbar[j] = reference_mul(bar[j], slope, ref->u);
    }
    free(bar);
    release(&run);
}

/* zu += dW x + db of layer l. */
static void add_parameter_tangent(const reference_net *ref, const tape *run, size_t l, const double *up,
                                  reference_value *zu) {
    layer_params tangent;
    load_layer(ref, l, up, &tangent);
    size_t n_in = layer_n_in(run, l);
    for (size_t i = 0; i < layer_n_out(run, l); i++) {
        reference_value from_w = reference_dot(tangent.b[i], n_in, tangent.w + i * n_in, 1, run->x[l], 1, ref->u);
        zu[i] = reference_add(zu[i], from_w, ref->u);
    }
    free(tangent.w);
    free(tangent.b);
}

void reference_jvp(const reference_net *ref, const double *p, const double *x, const double *u, const double *up,
                   reference_value *yu) {
    tape run;
    evaluate(ref, p, x, &run);
    reference_value *dot = elements(run.n_in, sizeof *dot);
    for (size_t j = 0; j < run.n_in; j++) {
        reference_value scaled = reference_mul(in_scale(ref, j), reference_exact(u[j]), ref->u);
        dot[j] = reference_mul(input_act_at(ref, &run, j, 1), scaled, ref->u);
    }
    for (size_t l = 0; l < run.n_layer; l++) {
        size_t n_in = layer_n_in(&run, l), n_out = layer_n_out(&run, l);
        reference_value *above = elements(n_out, sizeof *above);
        for (size_t i = 0; i < n_out; i++) {
            above[i] = reference_dot(reference_exact(0.0), n_in, run.layers[l].w + i * n_in, 1, dot, 1, ref->u);
        }
        if (up) {
            add_parameter_tangent(ref, &run, l, up, above);
        }
        for (size_t i = 0; i < n_out; i++) {
            above[i] = reference_mul(above[i], act_at(ref, &run, l, i, 1), ref->u);
        }
        free(dot);
        dot = above;
    }
    for (size_t i = 0; i < run.n_out; i++) {
        yu[i] = reference_mul(out_scale(ref, i), dot[i], ref->u);
    }
    free(dot);
    release(&run);
}

void reference_jacobian(const reference_net *ref, const double *p, const double *x, reference_value *jac) {
    size_t n_in = ref->spec->n_in, n_out = ref->spec->layers[ref->spec->n_layer - 1].n_out;
    double *unit = elements(n_in, sizeof *unit);
    for (size_t j = 0; j < n_in; j++) {
        unit[j] = 1.0;
        reference_jvp(ref, p, x, unit, NULL, jac + j * n_out);
        unit[j] = 0.0;
    }
    free(unit);
}

/* Second-order propagation of one pair (i, j): value, both first tangents and the mixed second tangent of every unit. */
typedef struct jet {
    reference_value first_i, first_j, second;
} jet;

static jet activated(reference_value slope, reference_value curvature, jet z, long double u) {
    reference_value product = reference_mul(z.first_i, z.first_j, u);
    reference_value bent = reference_mul(curvature, product, u), straight = reference_mul(slope, z.second, u);
    return (jet){reference_mul(slope, z.first_i, u), reference_mul(slope, z.first_j, u),
                 reference_add(bent, straight, u)};
}

static jet input_jet(const reference_net *ref, const tape *run, size_t k, size_t i, size_t j) {
    reference_value scale = in_scale(ref, k), zero = reference_exact(0.0);
    jet z = {k == i ? scale : zero, k == j ? scale : zero, zero};
    return activated(input_act_at(ref, run, k, 1), input_act_at(ref, run, k, 2), z, ref->u);
}

static jet *layer_jets(const reference_net *ref, const tape *run, size_t l, const jet *x) {
    size_t n_in = layer_n_in(run, l), n_out = layer_n_out(run, l), stride = sizeof *x / sizeof(reference_value);
    const reference_value zero = reference_exact(0.0), *flat = (const reference_value *)x;
    jet *above = elements(n_out, sizeof *above);
    for (size_t k = 0; k < n_out; k++) {
        const reference_value *w = run->layers[l].w + k * n_in;
        jet z = {reference_dot(zero, n_in, w, 1, flat, stride, ref->u),
                 reference_dot(zero, n_in, w, 1, flat + 1, stride, ref->u),
                 reference_dot(zero, n_in, w, 1, flat + 2, stride, ref->u)};
        above[k] = activated(act_at(ref, run, l, k, 1), act_at(ref, run, l, k, 2), z, ref->u);
    }
    return above;
}

void reference_hessian(const reference_net *ref, const double *p, const double *x, reference_value *hess) {
    tape run;
    evaluate(ref, p, x, &run);
    for (size_t i = 0; i < run.n_in; i++) {
        for (size_t j = 0; j < run.n_in; j++) {
            jet *jets = elements(run.n_in, sizeof *jets);
            for (size_t k = 0; k < run.n_in; k++) {
                jets[k] = input_jet(ref, &run, k, i, j);
            }
            for (size_t l = 0; l < run.n_layer; l++) {
                jet *above = layer_jets(ref, &run, l, jets);
                free(jets);
                jets = above;
            }
            for (size_t k = 0; k < run.n_out; k++) {
                hess[(k * run.n_in + i) * run.n_in + j] = reference_mul(out_scale(ref, k), jets[k].second, ref->u);
            }
            free(jets);
        }
    }
    release(&run);
}

void assert_matches_reference(const char *what, const double *got, const reference_value *want, size_t n,
                              long double u) {
    /* Intermediate results that underflow are off by a few of the smallest normal numbers, not by a relative error. */
    long double underflow = u > 1e-10L ? 1e-36L : 1e-300L;
    for (size_t i = 0; i < n; i++) {
        long double bound = 2.0L * want[i].error + underflow;
        if (!(fabsl((long double)got[i] - want[i].value) <= bound)) {
            fail_msg("%s[%zu] is %.17g, should be %.17Lg +- %.3Lg", what, i, got[i], want[i].value, bound);
        }
    }
}
