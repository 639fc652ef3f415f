/* SPDX-License-Identifier: MIT */
/* Dense networks and their derivatives in plain C99 that is C++11 too: see costate_eval.h. Statics are named ce_… so that a host may include it. */
#include "costate_eval.h"

#include <math.h>

/* Most elements of an array that can be addressed. */
#define CE_MOST ((size_t)-1 / 2 / sizeof(double))

/* Beyond this |z| the tails of the gated functions and of e^(−z²) are zero; the clamp keeps ∞·0 out of them. */
#define CE_FAR 1000.0

static double ce_clamp(double z) { return z > CE_FAR ? CE_FAR : z < -CE_FAR ? -CE_FAR : z; }

/* e^(−z²), with the rounding error of z² carried along. */
static double ce_gaussian(double z) {
    const double c = ce_clamp(z), square = c * c;
    return exp(-square) * (1 - fma(c, c, -square));
}

/* s(z), and 1 − s(z), each to full relative accuracy. */
static double ce_sigmoid(double z, double *complement) {
    const double e = exp(-fabs(z));
    const double small = e / (1 + e), large = 1 / (1 + e);
    *complement = z < 0 ? large : small;
    return z < 0 ? small : large;
}

/* z Φ(z) with Φ(z) = erfc(−z/√2)/2. */
static double ce_gelu(double z, double *d) {
    const double cdf = 0.5 * erfc(-0.70710678118654752440 * z);
    if (d != NULL) {
        const double c = ce_clamp(z), pdf = 0.39894228040143267794 * ce_gaussian(0.70710678118654752440 * c);
        d[0] = cdf + c * pdf;
        d[1] = pdf * (2 - c * c);
    }
    return (z < -CE_FAR ? -CE_FAR : z) * cdf;
}

/* z s(w) for a polynomial w of z with the derivatives w1 and w2. */
static double ce_gated(double z, double w, double w1, double w2, double *d) {
    double complement;
    const double s = ce_sigmoid(w, &complement);
    if (d != NULL) {
        const double c = ce_clamp(z), slope = s * complement;
        d[0] = s + c * slope * w1;
        d[1] = slope * (2 * w1 + c * (w2 + w1 * w1 * (complement - s)));
    }
    return (z < -CE_FAR ? -CE_FAR : z) * s;
}

/* z/2 (1 + tanh u) = z s(2u). */
static double ce_gelu_tanh(double z, double *d) {
    const double k = 1.5957691216057307118, cubic = 0.044715, c = ce_clamp(z), square = c * c;
    return ce_gated(z, k * c * (1 + cubic * square), k * (1 + 3 * cubic * square), 6 * k * cubic * c, d);
}

static void ce_derivatives(double *d, double slope, double curvature) {
    if (d != NULL) {
        d[0] = slope;
        d[1] = curvature;
    }
}

/* act(z), and in d, unless it is NULL, its first and second derivative. */
static double ce_act(int act, double z, double *d) {
    double a = z, other;
    switch (act) {
    case COSTATE_EVAL_TANH:
        a = tanh(z);
        ce_derivatives(d, 1 - a * a, -2 * a * (1 - a * a));
        break;
    case COSTATE_EVAL_SIGMOID:
        a = ce_sigmoid(z, &other);
        ce_derivatives(d, a * other, a * other * (other - a));
        break;
    case COSTATE_EVAL_RELU:
        a = z < 0 ? 0 : z;
        ce_derivatives(d, z > 0 ? 1 : 0, 0);
        break;
    case COSTATE_EVAL_LEAKY_RELU:
        a = z > 0 ? z : 0.01 * z;
        ce_derivatives(d, z > 0 ? 1 : 0.01, 0);
        break;
    case COSTATE_EVAL_ELU:
        a = z > 0 ? z : expm1(z);
        ce_derivatives(d, z > 0 ? 1 : a + 1, z > 0 ? 0 : a + 1);
        break;
    case COSTATE_EVAL_SOFTPLUS:
        a = (z > 0 ? z : 0) + log1p(exp(-fabs(z)));
        if (d != NULL) {
            d[0] = ce_sigmoid(z, &other);
            d[1] = d[0] * other;
        }
        break;
    case COSTATE_EVAL_GELU: return ce_gelu(z, d);
    case COSTATE_EVAL_GELU_TANH: return ce_gelu_tanh(z, d);
    case COSTATE_EVAL_SILU: return ce_gated(z, z, 1, 0, d);
    case COSTATE_EVAL_SIN:
        a = sin(z);
        if (d != NULL) {
            ce_derivatives(d, cos(z), -a);
        }
        break;
    case COSTATE_EVAL_CUBE:
        a = z * z * z;
        ce_derivatives(d, 3 * z * z, 6 * z);
        break;
    case COSTATE_EVAL_GAUSSIAN:
        a = ce_gaussian(z);
        z = ce_clamp(z);
        ce_derivatives(d, -2 * z * a, (4 * z * z - 2) * a);
        break;
    default: ce_derivatives(d, 1, 0); break;
    }
    return a;
}

/*
 * A weight matrix as n_run runs of `length` contiguous elements: its columns when n_out ≥ n_in, else its rows. One of W x
 * and Wᵀ z adds up runs, the other takes dot products with them.
 */
typedef struct ce_matrix {
    int columns;
    size_t n_run, length;
} ce_matrix;

static ce_matrix ce_shape(size_t n_in, size_t n_out) {
    ce_matrix shape;
    shape.columns = n_out >= n_in;
    shape.n_run = shape.columns ? n_in : n_out;
    shape.length = shape.columns ? n_out : n_in;
    return shape;
}

/* to[length] += Σ_r from[r] · run r, or, if not `sum`, to[r] += run r · from[length] */
static void ce_product(ce_matrix shape, int sum, const double *w, const double *from, double *to) {
    for (size_t r = 0; r < shape.n_run; r++, w += shape.length) {
        if (sum) {
            for (size_t k = 0; k < shape.length; k++) {
                to[k] += from[r] * w[k];
            }
        } else {
            double dot = 0;
            for (size_t k = 0; k < shape.length; k++) {
                dot += w[k] * from[k];
            }
            to[r] += dot;
        }
    }
}

/* wbar += scale · z xᵀ */
static void ce_outer(ce_matrix shape, double scale, const double *z, const double *x, double *wbar) {
    for (size_t r = 0; r < shape.n_run; r++, wbar += shape.length) {
        for (size_t k = 0; k < shape.length; k++) {
            wbar[k] += shape.columns ? scale * z[k] * x[r] : scale * z[r] * x[k];
        }
    }
}

/* Inputs and units are counted through: x⁰ first, then layer after layer. Arrays over all of them lie in the scratch. */
typedef struct ce_run {
    const costate_eval_net *net;
    const double *p;
    size_t n_unit;         /* of the layers */
    double *value, *slope; /* n_in + n_unit each */
    double *from, *to;     /* widest each: a cotangent or tangent and the next */
    double *curvature;     /* n_in + n_unit; NULL but for a Hessian */
    double *tangent;       /* n_in rows of n_unit: ∂z/∂x_j; NULL but for a Hessian */
} ce_run;

static size_t ce_n_unit(const costate_eval_net *net) {
    size_t n = 0;
    for (size_t l = 0; l < net->n_layer; l++) {
        n += net->layers[l].n_out;
    }
    return n;
}

static size_t ce_widest(const costate_eval_net *net) {
    size_t widest = net->n_in;
    for (size_t l = 0; l < net->n_layer; l++) {
        widest = net->layers[l].n_out > widest ? net->layers[l].n_out : widest;
    }
    return widest;
}

/* Lay out the scratch for one call, or say why not; `result` stands for what that call cannot do without. */
static costate_eval_status ce_open(ce_run *run, const costate_eval_net *net, const double *p, const double *x,
                                   const double *result, int hessian, double *work, size_t n_work) {
    if (net == NULL || p == NULL || x == NULL || result == NULL || work == NULL) {
        return COSTATE_EVAL_ERR_NULL;
    }
    if (n_work < (hessian ? costate_eval_n_hessian_work(net) : costate_eval_n_work(net))) {
        return COSTATE_EVAL_ERR_WORKSPACE;
    }
    const size_t n_unit = ce_n_unit(net), n_all = net->n_in + n_unit, widest = ce_widest(net);
    run->net = net;
    run->p = p;
    run->n_unit = n_unit;
    run->value = work;
    run->slope = run->value + n_all;
    run->from = run->slope + n_all;
    run->to = run->from + widest;
    run->curvature = hessian ? run->to + widest : NULL;
    run->tangent = hessian ? run->curvature + n_all : NULL;
    return COSTATE_EVAL_OK;
}

static void ce_swap(ce_run *run) {
    double *const from = run->from;
    run->from = run->to;
    run->to = from;
}

static double ce_in_scale(const costate_eval_net *net, size_t j) {
    return net->in_scale != NULL ? net->in_scale[j] : 1;
}

static double ce_out_scale(const costate_eval_net *net, size_t i) {
    return net->out_scale != NULL ? net->out_scale[i] : 1;
}

static void ce_activate(ce_run *run, int derivatives, int act, size_t unit, double z) {
    double d[2];
    run->value[unit] = ce_act(act, z, derivatives ? d : NULL);
    if (derivatives) {
        run->slope[unit] = d[0];
        if (run->curvature != NULL) {
            run->curvature[unit] = d[1];
        }
    }
}

/* Fill in every value, with derivatives slope and curvature too, and give y unless it is NULL. */
static void ce_evaluate(ce_run *run, int derivatives, const double *x, double *y) {
    const costate_eval_net *const net = run->net;
    const double *w = run->p;
    size_t n_in = net->n_in, unit = 0;
    for (size_t i = 0; i < n_in; i++) {
        const double shift = net->in_shift != NULL ? net->in_shift[i] : 0;
        ce_activate(run, derivatives, net->input_act, i, ce_in_scale(net, i) * x[i] + shift);
    }
    for (size_t l = 0; l < net->n_layer; l++) {
        const costate_eval_layer *const layer = &net->layers[l];
        const ce_matrix shape = ce_shape(n_in, layer->n_out);
        const double *const bias = layer->no_bias ? NULL : w + n_in * layer->n_out;
        double *const input = run->value + unit, *const z = input + n_in;
        unit += n_in;
        for (size_t i = 0; i < layer->n_out; i++) {
            z[i] = bias != NULL ? bias[i] : 0;
        }
        ce_product(shape, shape.columns, w, input, z);
        for (size_t i = 0; i < layer->n_out; i++) {
            ce_activate(run, derivatives, layer->act, unit + i, z[i]);
        }
        w += n_in * layer->n_out + (bias != NULL ? layer->n_out : 0);
        n_in = layer->n_out;
    }
    for (size_t i = 0; y != NULL && i < n_in; i++) {
        y[i] = ce_out_scale(net, i) * run->value[unit + i] + (net->out_shift != NULL ? net->out_shift[i] : 0);
    }
}

/* hess += Σ_i bar_i act″(z_i) ∇z_i ∇z_iᵀ over the units of one layer, of which `unit` is the first; lower triangle. */
static void ce_bend(const ce_run *run, size_t unit, size_t n, const double *bar, double *hess) {
    const size_t n_in = run->net->n_in;
    const double *const dz = run->tangent + (unit - n_in);
    for (size_t r = 0; r < n_in; r++) {
        for (size_t s = 0; s <= r; s++) {
            for (size_t i = 0; i < n; i++) {
                const double square = dz[r * run->n_unit + i] * dz[s * run->n_unit + i];
                hess[r * n_in + s] += bar[i] * run->curvature[unit + i] * square;
            }
        }
    }
}

/* The cotangent of the last values in `from` becomes that of x; on the way pbar and hess (lower triangle) receive, unless NULL. */
static void ce_pull(ce_run *run, double scale, double *pbar, double *hess) {
    const costate_eval_net *const net = run->net;
    size_t unit = net->n_in + run->n_unit, param = costate_eval_n_param(net);
    for (size_t l = net->n_layer; l-- > 0;) {
        const costate_eval_layer *const layer = &net->layers[l];
        const size_t n_out = layer->n_out, n_in = l > 0 ? net->layers[l - 1].n_out : net->n_in;
        const ce_matrix shape = ce_shape(n_in, n_out);
        unit -= n_out;
        param -= n_in * n_out + (layer->no_bias ? 0 : n_out);
        if (hess != NULL) {
            ce_bend(run, unit, n_out, run->from, hess);
        }
        for (size_t i = 0; i < n_out; i++) {
            run->from[i] *= run->slope[unit + i];
        }
        if (pbar != NULL) {
            ce_outer(shape, scale, run->from, run->value + (unit - n_in), pbar + param);
            for (size_t i = 0; !layer->no_bias && i < n_out; i++) {
                pbar[param + n_in * n_out + i] += scale * run->from[i];
            }
        }
        for (size_t i = 0; i < n_in; i++) {
            run->to[i] = 0;
        }
        ce_product(shape, !shape.columns, run->p + param, run->from, run->to);
        ce_swap(run);
    }
    for (size_t i = 0; i < net->n_in; i++) {
        const double in_scale = ce_in_scale(net, i);
        if (hess != NULL) {
            hess[i * net->n_in + i] += run->from[i] * run->curvature[i] * in_scale * in_scale;
        }
        run->from[i] *= run->slope[i] * in_scale;
    }
}

/* The tangent of x in `from`, with up (unless NULL) that of p, becomes that of the last values; dz (unless NULL) receives that of every z. */
static void ce_push(ce_run *run, const double *up, double *dz) {
    const costate_eval_net *const net = run->net;
    const double *w = run->p;
    size_t n_in = net->n_in, unit = 0;
    for (size_t i = 0; i < n_in; i++) {
        run->from[i] *= run->slope[i] * ce_in_scale(net, i);
    }
    for (size_t l = 0; l < net->n_layer; l++) {
        const costate_eval_layer *const layer = &net->layers[l];
        const size_t n_out = layer->n_out, n_param = n_in * n_out + (layer->no_bias ? 0 : n_out);
        const ce_matrix shape = ce_shape(n_in, n_out);
        for (size_t i = 0; i < n_out; i++) {
            run->to[i] = up != NULL && !layer->no_bias ? up[n_in * n_out + i] : 0;
        }
        if (up != NULL) {
            ce_product(shape, shape.columns, up, run->value + unit, run->to);
            up += n_param;
        }
        ce_product(shape, shape.columns, w, run->from, run->to);
        w += n_param;
        unit += n_in;
        for (size_t i = 0; i < n_out; i++) {
            if (dz != NULL) {
                *dz++ = run->to[i];
            }
            run->to[i] *= run->slope[unit + i];
        }
        ce_swap(run);
        n_in = n_out;
    }
}

/* A zero vector but for element k. */
static void ce_unit(double *vector, size_t n, size_t k, double value) {
    for (size_t i = 0; i < n; i++) {
        vector[i] = i == k ? value : 0;
    }
}

/* Column j of the Jacobian by a tangent, leaving ∂z/∂x_j in dz. */
static void ce_column(ce_run *run, size_t j, double *dz, double *jac) {
    const size_t n_out = costate_eval_n_out(run->net);
    ce_unit(run->from, run->net->n_in, j, 1);
    ce_push(run, NULL, dz);
    for (size_t i = 0; jac != NULL && i < n_out; i++) {
        jac[i + n_out * j] = ce_out_scale(run->net, i) * run->from[i];
    }
}

static int ce_all_finite(const double *array, size_t n) {
    for (size_t i = 0; array != NULL && i < n; i++) {
        if (!(fabs(array[i]) <= 1.7976931348623157e308)) {
            return 0;
        }
    }
    return 1;
}

/* *total += a · b, or 0 when that cannot be addressed. */
static int ce_grow(size_t a, size_t b, size_t *total) {
    if (a > CE_MOST || (a > 0 && b > (CE_MOST - *total) / a)) {
        return 0;
    }
    *total += a * b;
    return 1;
}

static costate_eval_status ce_answer(costate_eval_status status, const char *why, const char **text) {
    if (text != NULL) {
        *text = why;
    }
    return status;
}

costate_eval_status costate_eval_check(const costate_eval_net *net, const char **text) {
    size_t n_param = 0, n_unit = 0;
    if (net == NULL || net->layers == NULL) {
        return ce_answer(COSTATE_EVAL_ERR_NULL, net == NULL ? "net is NULL" : "layers is NULL", text);
    }
    if (net->n_in == 0 || net->n_layer == 0) {
        return ce_answer(COSTATE_EVAL_ERR_ARGUMENT, net->n_in == 0 ? "n_in is 0" : "n_layer is 0", text);
    }
    if (net->input_act < 0 || net->input_act >= COSTATE_EVAL_ACT_COUNT) {
        return ce_answer(COSTATE_EVAL_ERR_ARGUMENT, "input_act is no activation", text);
    }
    size_t n_in = net->n_in;
    for (size_t l = 0; l < net->n_layer; l++) {
        const costate_eval_layer *const layer = &net->layers[l];
        if (layer->n_out == 0 || layer->act < 0 || layer->act >= COSTATE_EVAL_ACT_COUNT) {
            return ce_answer(COSTATE_EVAL_ERR_ARGUMENT,
                             layer->n_out == 0 ? "a layer has no units" : "a layer's act is no activation", text);
        }
        if (!ce_grow(n_in, layer->n_out, &n_param) || !ce_grow(layer->no_bias ? 0 : 1, layer->n_out, &n_param) ||
            !ce_grow(1, layer->n_out, &n_unit)) {
            return ce_answer(COSTATE_EVAL_ERR_OVERFLOW, "the parameters cannot be addressed", text);
        }
        n_in = layer->n_out;
    }
    if (net->n_in > CE_MOST / 8 || n_unit > CE_MOST / 8) {
        return ce_answer(COSTATE_EVAL_ERR_OVERFLOW, "the scratch cannot be addressed", text);
    }
    if (!ce_all_finite(net->in_scale, net->n_in) || !ce_all_finite(net->in_shift, net->n_in)) {
        return ce_answer(COSTATE_EVAL_ERR_NONFINITE, "in_scale or in_shift is not finite", text);
    }
    if (!ce_all_finite(net->out_scale, n_in) || !ce_all_finite(net->out_shift, n_in)) {
        return ce_answer(COSTATE_EVAL_ERR_NONFINITE, "out_scale or out_shift is not finite", text);
    }
    return ce_answer(COSTATE_EVAL_OK, "", text);
}

size_t costate_eval_n_out(const costate_eval_net *net) { return net->layers[net->n_layer - 1].n_out; }

size_t costate_eval_n_param(const costate_eval_net *net) {
    size_t n_in = net->n_in, n = 0;
    for (size_t l = 0; l < net->n_layer; l++) {
        n += net->layers[l].n_out * (n_in + (net->layers[l].no_bias ? 0 : 1));
        n_in = net->layers[l].n_out;
    }
    return n;
}

size_t costate_eval_n_work(const costate_eval_net *net) { return 2 * (net->n_in + ce_n_unit(net) + ce_widest(net)); }

size_t costate_eval_n_hessian_work(const costate_eval_net *net) {
    const size_t n_unit = ce_n_unit(net);
    size_t n = costate_eval_n_work(net) + net->n_in;
    return ce_grow(1 + net->n_in, n_unit, &n) ? n : (size_t)-1;
}

costate_eval_status costate_eval_forward(const costate_eval_net *net, const double *p, const double *x, double *y,
                                         double *work, size_t n_work) {
    ce_run run;
    const costate_eval_status status = ce_open(&run, net, p, x, y, 0, work, n_work);
    if (status != COSTATE_EVAL_OK) {
        return status;
    }
    ce_evaluate(&run, 0, x, y);
    return COSTATE_EVAL_OK;
}

costate_eval_status costate_eval_vjp(const costate_eval_net *net, const double *p, const double *x, const double *v,
                                     double scale, double *xbar, double *pbar, double *work, size_t n_work) {
    ce_run run;
    const costate_eval_status status = ce_open(&run, net, p, x, v, 0, work, n_work);
    if (status != COSTATE_EVAL_OK) {
        return status;
    }
    ce_evaluate(&run, 1, x, NULL);
    const size_t n_out = costate_eval_n_out(net);
    for (size_t i = 0; i < n_out; i++) {
        run.from[i] = ce_out_scale(net, i) * v[i];
    }
    ce_pull(&run, scale, pbar, NULL);
    for (size_t i = 0; xbar != NULL && i < net->n_in; i++) {
        xbar[i] = run.from[i];
    }
    return COSTATE_EVAL_OK;
}

costate_eval_status costate_eval_jvp(const costate_eval_net *net, const double *p, const double *x, const double *u,
                                     const double *up, double *y, double *yu, double *work, size_t n_work) {
    ce_run run;
    const costate_eval_status status = ce_open(&run, net, p, x, u == NULL ? u : yu, 0, work, n_work);
    if (status != COSTATE_EVAL_OK) {
        return status;
    }
    ce_evaluate(&run, 1, x, y);
    for (size_t i = 0; i < net->n_in; i++) {
        run.from[i] = u[i];
    }
    ce_push(&run, up, NULL);
    const size_t n_out = costate_eval_n_out(net);
    for (size_t i = 0; i < n_out; i++) {
        yu[i] = ce_out_scale(net, i) * run.from[i];
    }
    return COSTATE_EVAL_OK;
}

costate_eval_status costate_eval_jacobian(const costate_eval_net *net, const double *p, const double *x, double *y,
                                          double *jac, double *work, size_t n_work) {
    ce_run run;
    const costate_eval_status status = ce_open(&run, net, p, x, jac, 0, work, n_work);
    if (status != COSTATE_EVAL_OK) {
        return status;
    }
    ce_evaluate(&run, 1, x, y);
    const size_t n_out = costate_eval_n_out(net);
    for (size_t j = 0; n_out >= net->n_in && j < net->n_in; j++) {
        ce_column(&run, j, NULL, jac);
    }
    for (size_t i = 0; n_out < net->n_in && i < n_out; i++) {
        ce_unit(run.from, n_out, i, ce_out_scale(net, i));
        ce_pull(&run, 0, NULL, NULL);
        for (size_t j = 0; j < net->n_in; j++) {
            jac[i + n_out * j] = run.from[j];
        }
    }
    return COSTATE_EVAL_OK;
}

costate_eval_status costate_eval_hessian(const costate_eval_net *net, const double *p, const double *x, double *y,
                                         double *jac, double *hess, double *work, size_t n_work) {
    ce_run run;
    const costate_eval_status status = ce_open(&run, net, p, x, hess, 1, work, n_work);
    if (status != COSTATE_EVAL_OK) {
        return status;
    }
    ce_evaluate(&run, 1, x, y);
    const size_t n_in = net->n_in, n_out = costate_eval_n_out(net);
    for (size_t j = 0; j < n_in; j++) {
        ce_column(&run, j, run.tangent + j * run.n_unit, jac);
    }
    for (size_t k = 0; k < n_out; k++, hess += n_in * n_in) {
        ce_unit(hess, n_in * n_in, n_in * n_in, 0);
        ce_unit(run.from, n_out, k, ce_out_scale(net, k));
        ce_pull(&run, 0, NULL, hess);
        for (size_t i = 0; i < n_in; i++) {
            for (size_t j = i + 1; j < n_in; j++) {
                hess[i * n_in + j] = hess[j * n_in + i];
            }
        }
    }
    return COSTATE_EVAL_OK;
}
