/* SPDX-License-Identifier: MIT */
/* Training on two moons by the scalar graph. */
#include "ad/scalar_graph.h"
#include "compare/moons_training.h"
#include "seconds.h"

enum { N_BLOCK = 16, N_NODE = 1 << 16 };

double moons_rate(size_t step) { return 1.0 - 0.9 * (double)step / (double)MOONS_N_STEP; }

/* Parameter i is node 1 + i. The values of a layer are consecutive nodes only at the input: they are listed. */
static ad_ref score(ad_graph *g, const moons_shape *shape, const double *x, ad_ref *units) {
    ad_ref *in = units;
    ad_ref p = 1;
    in[0] = ad_constant(g, x[0]);
    in[1] = ad_constant(g, x[1]);
    for (size_t l = 0; l < shape->n_layer; l++) {
        const ad_ref n_in = (ad_ref)shape->width[l];
        const ad_ref n_out = (ad_ref)shape->width[l + 1];
        ad_ref *out = in + n_in;
        for (ad_ref i = 0; i < n_out; i++) {
            ad_ref sum = p + n_out * n_in + i;
            for (ad_ref j = 0; j < n_in; j++) {
                sum = ad_add(g, sum, ad_mul(g, p + i * n_in + j, in[j]));
            }
            out[i] = l + 1 < shape->n_layer ? ad_relu(g, sum) : sum;
        }
        p += n_out * (n_in + 1);
        in = out;
    }
    return in[0];
}

/* Sum of the hinge losses of samples first … end − 1. */
static ad_ref block_loss(ad_graph *g, const moons_task *task, size_t first, size_t end, ad_ref *units) {
    const ad_ref one = ad_constant(g, 1.0);
    ad_ref sum = ad_constant(g, 0.0);
    for (size_t i = first; i < end; i++) {
        const ad_ref s = score(g, &task->shape, task->x + 2 * i, units);
        const ad_ref margin = ad_mul(g, ad_constant(g, task->label[i]), s);
        sum = ad_add(g, sum, ad_relu(g, ad_sub(g, one, margin)));
    }
    return sum;
}

static ad_ref penalty(ad_graph *g, size_t n_param) {
    ad_ref sum = ad_constant(g, 0.0);
    for (ad_ref i = 1; i <= n_param; i++) {
        sum = ad_add(g, sum, ad_mul(g, i, i));
    }
    return ad_mul(g, ad_constant(g, MOONS_PENALTY), sum);
}

static void reverse(ad_graph *g, ad_ref root, double seed, size_t n_kept, moons_phases *phases) {
    const double start = seconds_now();
    ad_graph_backward(g, root, seed);
    ad_graph_rewind(g, n_kept);
    phases->backward += seconds_now() - start;
}

static double gradient(ad_graph *g, const moons_task *task, ad_ref *units, moons_phases *phases) {
    const size_t n_kept = 1 + task->n_param;
    const double weight = 1.0 / (double)task->n;
    double loss = 0.0;
    for (size_t first = 0; first < task->n; first += N_BLOCK) {
        const size_t end = first + N_BLOCK < task->n ? first + N_BLOCK : task->n;
        const double start = seconds_now();
        const ad_ref root = block_loss(g, task, first, end, units);
        loss += weight * ad_value(g, root);
        phases->forward += seconds_now() - start;
        reverse(g, root, weight, n_kept, phases);
    }
    const double start = seconds_now();
    const ad_ref root = penalty(g, task->n_param);
    loss += ad_value(g, root);
    phases->forward += seconds_now() - start;
    reverse(g, root, 1.0, n_kept, phases);
    return loss;
}

bool moons_train_graph(const moons_task *task, double *loss, moons_phases *phases) {
    ad_ref units[256];
    size_t n_unit = 0;
    for (size_t l = 0; l <= task->shape.n_layer; l++) {
        n_unit += task->shape.width[l];
    }
    ad_graph g;
    if (n_unit > sizeof units / sizeof *units || !ad_graph_create(N_NODE, &g)) {
        return false;
    }
    *phases = (moons_phases){0};
    for (size_t i = 0; i < task->n_param; i++) {
        ad_variable(&g, task->p[i]);
    }
    for (size_t step = 0; step < MOONS_N_STEP; step++) {
        loss[step] = gradient(&g, task, units, phases);
        const double start = seconds_now();
        for (size_t i = 1; i <= task->n_param; i++) {
            g.nodes[i].value -= moons_rate(step) * g.nodes[i].grad;
            g.nodes[i].grad = 0.0;
        }
        phases->update += seconds_now() - start;
    }
    phases->total = phases->forward + phases->backward + phases->update;
    const bool ok = !g.failed;
    ad_graph_destroy(&g);
    return ok;
}
