/* SPDX-License-Identifier: MIT */
/* Right-hand sides in long double with their derivatives along several directions at once. */
#include "frozen_field.h"

#include "reference_act.h"
#include "support/asserts.h"

#include <string.h>

static const double *up_of(const frozen_directions *dirs, size_t k) { return dirs->up ? dirs->up[k] : NULL; }

static void rhs_eval(long double t, const long double *y, const double *p, const frozen_directions *dirs,
                     long double *dydt, long double (*ju)[FROZEN_MAX_Y], const void *ctx) {
    const costate_rhs *rhs = ctx;
    double state[FROZEN_MAX_Y], tangent[FROZEN_MAX_Y], result[FROZEN_MAX_Y];
    for (size_t i = 0; i < rhs->n_y; i++)
        state[i] = (double)y[i];
    assert_int_equal(rhs->f((double)t, state, p, result, NULL, rhs->ctx), COSTATE_ANSWER_OK);
    for (size_t i = 0; i < rhs->n_y; i++)
        dydt[i] = (long double)result[i];
    for (size_t k = 0; k < dirs->n; k++) {
        for (size_t i = 0; i < rhs->n_y; i++)
            tangent[i] = (double)dirs->u[k][i];
        assert_int_equal(rhs->jvp((double)t, state, p, tangent, up_of(dirs, k), result, NULL, rhs->ctx), 0);
        for (size_t i = 0; i < rhs->n_y; i++)
            ju[k][i] = (long double)result[i];
    }
}

frozen_field frozen_field_of_rhs(const costate_rhs *rhs) {
    assert_true(rhs->work_bytes == 0 && rhs->n_y <= FROZEN_MAX_Y);
    return (frozen_field){.n_y = rhs->n_y, .n_p = rhs->n_p, .eval = rhs_eval, .ctx = rhs};
}

/* A value and its tangents. */
typedef struct dual {
    long double x, d[FROZEN_MAX_DIR];
} dual;

static void activate(costate_act act, size_t n_dir, dual *z) {
    long double slope = n_dir > 0 ? reference_act(act, 1, z->x) : 0.0L;
    z->x = reference_act(act, 0, z->x);
    for (size_t k = 0; k < n_dir; k++)
        z->d[k] *= slope;
}

/* out = W in (+ b); the views are the layer's weight and bias. */
static void dense(const costate_param_view *weight, const costate_param_view *bias, const double *p,
                  const frozen_directions *dirs, const dual *in, dual *out) {
    for (size_t i = 0; i < weight->n_row; i++) {
        size_t row = weight->offset + i * weight->row_stride, b = bias ? bias->offset + i * bias->row_stride : 0;
        out[i].x = bias ? (long double)p[b] : 0.0L;
        for (size_t j = 0; j < weight->n_col; j++)
            out[i].x += (long double)p[row + j * weight->col_stride] * in[j].x;
        for (size_t k = 0; k < dirs->n; k++) {
            const double *up = up_of(dirs, k);
            long double sum = bias && up ? (long double)up[b] : 0.0L;
            for (size_t j = 0; j < weight->n_col; j++) {
                size_t at = row + j * weight->col_stride;
                sum += (long double)p[at] * in[j].d[k] + (up ? (long double)up[at] * in[j].x : 0.0L);
            }
            out[i].d[k] = sum;
        }
    }
}

static void net_eval(long double t, const long double *y, const double *p, const frozen_directions *dirs,
                     long double *dydt, long double (*ju)[FROZEN_MAX_Y], const void *ctx) {
    static dual x[FROZEN_MAX_WIDTH], z[FROZEN_MAX_WIDTH];
    const frozen_net *n = ctx;
    const costate_net_spec *spec = n->spec;
    size_t n_out = spec->layers[spec->n_layer - 1].n_out, view = 0;
    for (size_t i = 0; i < spec->n_in; i++) {
        long double scale = spec->in_scale ? (long double)spec->in_scale[i] : 1.0L;
        x[i].x = scale * (i < n_out ? y[i] : t) + (spec->in_shift ? (long double)spec->in_shift[i] : 0.0L);
        for (size_t k = 0; k < dirs->n; k++)
            x[i].d[k] = i < n_out ? scale * dirs->u[k][i] : 0.0L;
        activate(spec->input_act, dirs->n, &x[i]);
    }
    for (size_t layer = 0; layer < spec->n_layer; layer++) {
        costate_param_view weight, bias;
        bool biased = !spec->layers[layer].no_bias;
        assert_ok(costate_net_view(n->net, view++, &weight));
        if (biased) assert_ok(costate_net_view(n->net, view++, &bias));
        assert_true(weight.n_row <= FROZEN_MAX_WIDTH);
        dense(&weight, biased ? &bias : NULL, p, dirs, x, z);
        for (size_t i = 0; i < weight.n_row; i++)
            activate(spec->layers[layer].act, dirs->n, &z[i]);
        memcpy(x, z, weight.n_row * sizeof *x);
    }
    for (size_t i = 0; i < n_out; i++) {
        long double scale = spec->out_scale ? (long double)spec->out_scale[i] : 1.0L;
        dydt[i] = scale * x[i].x + (spec->out_shift ? (long double)spec->out_shift[i] : 0.0L);
        for (size_t k = 0; k < dirs->n; k++)
            ju[k][i] = scale * x[i].d[k];
    }
}

frozen_field frozen_field_of_net(const frozen_net *net) {
    size_t n_out = costate_net_n_out(net->net);
    assert_true(n_out <= FROZEN_MAX_Y && net->spec->n_in <= FROZEN_MAX_WIDTH);
    return (frozen_field){.n_y = n_out, .n_p = costate_net_n_param(net->net), .eval = net_eval, .ctx = net};
}
