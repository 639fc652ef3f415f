/* SPDX-License-Identifier: MIT */
/* A network on the vector tape: against fused kernels, against the scalar graph, and replayed with other numbers. */
#include "ad/scalar_graph.h"
#include "ad/vector_tape.h"
#include "support/asserts.h"
#include "support/seeded_random.h"

#include <costate/batch_loss.h>
#include <costate/net.h>
#include <stdlib.h>
#include <string.h>

/* A network 5-4-3 on three samples, with its loss. */
enum { N_SAMPLE = 3, N_IN = 5, N_HIDDEN = 4, N_CLASS = 3, N_PARAM = N_HIDDEN * (N_IN + 1) + N_CLASS * (N_HIDDEN + 1) };

typedef struct small_net {
    double p[N_PARAM]; /* W₁, b₁, W₂, b₂, row-major */
    double x[N_SAMPLE * N_IN];
    ad_tape_ref blocks[4];
} small_net;

static const uint32_t labels[N_SAMPLE] = {2, 0, 1};

static void draw_net(uint64_t stream, small_net *net) {
    costate_random random = test_random(stream);
    fill_normal(&random, net->p, N_PARAM, 0.7);
    fill_normal(&random, net->x, N_SAMPLE * N_IN, 1.0);
}

static ad_tape_ref record_net(ad_tape *t, small_net *net) {
    const double *p = net->p;
    net->blocks[0] = ad_tape_input(t, N_HIDDEN, N_IN, p);
    net->blocks[1] = ad_tape_input(t, 1, N_HIDDEN, p + N_HIDDEN * N_IN);
    net->blocks[2] = ad_tape_input(t, N_CLASS, N_HIDDEN, p + N_HIDDEN * (N_IN + 1));
    net->blocks[3] = ad_tape_input(t, 1, N_CLASS, p + N_HIDDEN * (N_IN + 1) + N_CLASS * N_HIDDEN);
    const ad_tape_ref x = ad_tape_constant(t, N_SAMPLE, N_IN, net->x);
    const ad_tape_ref hidden = ad_tape_bias(t, ad_tape_matmul_t(t, x, net->blocks[0]), net->blocks[1]);
    const ad_tape_ref logits =
        ad_tape_bias(t, ad_tape_matmul_t(t, ad_tape_tanh(t, hidden), net->blocks[2]), net->blocks[3]);
    return ad_tape_softmax_loss(t, logits, labels);
}

static void read_gradient(const ad_tape *t, const small_net *net, double *gradient) {
    for (size_t k = 0; k < 4; k++) {
        const ad_tape_node *node = &t->nodes[net->blocks[k]];
        const size_t n = node->n_row * node->n_col;
        memcpy(gradient, ad_tape_grad(t, net->blocks[k]), n * sizeof *gradient);
        gradient += n;
    }
}

static double tape_gradient(small_net *net, double seed, double *gradient) {
    ad_tape t;
    assert_true(ad_tape_create(&t));
    const ad_tape_ref root = record_net(&t, net);
    assert_false(t.failed);
    ad_tape_forward(&t);
    ad_tape_reverse(&t, root, &seed);
    read_gradient(&t, net, gradient);
    const double value = ad_tape_value(&t, root)[0];
    ad_tape_destroy(&t);
    return value;
}

static void gradient_of_a_network_is_that_of_the_fused_kernels(void **state) {
    (void)state;
    small_net data;
    draw_net(3, &data);
    double gradient[N_PARAM];
    const double value = tape_gradient(&data, 1.0, gradient);

    const costate_layer_spec layers[] = {{.n_out = N_HIDDEN, .act = COSTATE_ACT_TANH},
                                         {.n_out = N_CLASS, .act = COSTATE_ACT_IDENTITY}};
    const costate_net_spec spec = {.n_in = N_IN, .n_layer = 2, .layers = layers, .accuracy = COSTATE_ACCURACY_ACCURATE};
    costate_net *net;
    assert_ok(costate_net_create(&spec, NULL, &net));
    const size_t work_bytes = costate_net_work_bytes_f64(net);
    void *work = malloc(work_bytes);
    assert_non_null(work);
    double p[N_PARAM];
    double pbar[N_PARAM] = {0.0};
    double h[N_SAMPLE * N_CLASS];
    double v[N_SAMPLE * N_CLASS];
    double expected_value;
    double expected[N_PARAM];
    assert_ok(costate_net_import_f64(net, COSTATE_ORDER_ROW_MAJOR, data.p, p));
    for (size_t s = 0; s < N_SAMPLE; s++) {
        assert_ok(costate_net_forward_f64(net, p, data.x + s * N_IN, h + s * N_CLASS, work, work_bytes));
    }
    assert_ok(
        costate_batch_softmax_loss_f64(COSTATE_BATCH_SUM, N_SAMPLE, N_CLASS, h, labels, NULL, &expected_value, v));
    for (size_t s = 0; s < N_SAMPLE; s++) {
        assert_ok(costate_net_vjp_f64(net, p, data.x + s * N_IN, v + s * N_CLASS, 1.0, NULL, pbar, work, work_bytes));
    }
    assert_ok(costate_net_export_f64(net, COSTATE_ORDER_ROW_MAJOR, pbar, expected));
    assert_close(value, expected_value, 1e-13, 0.0);
    assert_close_array(gradient, expected, N_PARAM, 1e-12, 1e-13);
    free(work);
    costate_net_destroy(net);
}

/* act(W x + b) with the weights and biases at `first` among the nodes of p. */
static void graph_layer(ad_graph *g, ad_ref first, size_t n_in, size_t n_out, bool with_tanh, const ad_ref *x,
                        ad_ref *y) {
    for (size_t j = 0; j < n_out; j++) {
        ad_ref sum = first + (ad_ref)(n_out * n_in + j);
        for (size_t i = 0; i < n_in; i++) {
            sum = ad_add(g, sum, ad_mul(g, first + (ad_ref)(j * n_in + i), x[i]));
        }
        y[j] = with_tanh ? ad_tanh(g, sum) : sum;
    }
}

static void gradient_of_a_network_is_that_of_the_scalar_graph(void **state) {
    (void)state;
    small_net data;
    draw_net(4, &data);
    double gradient[N_PARAM];
    const double seed = -0.375;
    const double value = tape_gradient(&data, seed, gradient);

    ad_graph g;
    assert_true(ad_graph_create(1, &g));
    for (size_t k = 0; k < N_PARAM; k++) {
        assert_int_equal(ad_variable(&g, data.p[k]), 1 + k);
    }
    ad_ref loss = ad_constant(&g, 0.0);
    for (size_t s = 0; s < N_SAMPLE; s++) {
        ad_ref x[N_IN];
        ad_ref hidden[N_HIDDEN];
        ad_ref logit[N_CLASS];
        for (size_t i = 0; i < N_IN; i++) {
            x[i] = ad_constant(&g, data.x[s * N_IN + i]);
        }
        graph_layer(&g, 1, N_IN, N_HIDDEN, true, x, hidden);
        graph_layer(&g, 1 + N_HIDDEN * (N_IN + 1), N_HIDDEN, N_CLASS, false, hidden, logit);
        ad_ref sum = ad_exp(&g, logit[0]);
        for (size_t j = 1; j < N_CLASS; j++) {
            sum = ad_add(&g, sum, ad_exp(&g, logit[j]));
        }
        loss = ad_add(&g, loss, ad_sub(&g, ad_log(&g, sum), logit[labels[s]]));
    }
    ad_graph_backward(&g, loss, seed);
    assert_false(g.failed);
    assert_close(value, ad_value(&g, loss), 1e-13, 0.0);
    for (size_t k = 0; k < N_PARAM; k++) {
        assert_close(gradient[k], g.nodes[1 + k].grad, 1e-12, 1e-14);
    }
    ad_graph_destroy(&g);
}

static void replay_with_other_inputs_has_the_bits_of_a_new_tape(void **state) {
    (void)state;
    small_net first;
    small_net second;
    draw_net(5, &first);
    draw_net(6, &second);
    double expected[N_PARAM];
    double gradient[N_PARAM];
    const double value = tape_gradient(&second, 2.0, expected);

    ad_tape t;
    assert_true(ad_tape_create(&t));
    const ad_tape_ref root = record_net(&t, &first);
    const size_t n_value = t.values.n;
    for (size_t pass = 0; pass < 3; pass++) {
        ad_tape_forward(&t);
        ad_tape_reverse(&t, root, &(double){1.0});
    }
    const double *p = second.p;
    for (size_t k = 0; k < 4; k++) {
        const ad_tape_node *node = &t.nodes[first.blocks[k]];
        memcpy(ad_tape_value(&t, first.blocks[k]), p, node->n_row * node->n_col * sizeof *p);
        p += node->n_row * node->n_col;
    }
    memcpy(ad_tape_value(&t, first.blocks[3] + 1), second.x, sizeof second.x);
    ad_tape_forward(&t);
    ad_tape_reverse(&t, root, &(double){2.0});
    read_gradient(&t, &first, gradient);
    assert_same_bits_f64(ad_tape_value(&t, root), &value, 1);
    assert_same_bits_f64(gradient, expected, N_PARAM);
    assert_int_equal(t.values.n, n_value);
    ad_tape_destroy(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradient_of_a_network_is_that_of_the_fused_kernels),
        cmocka_unit_test(gradient_of_a_network_is_that_of_the_scalar_graph),
        cmocka_unit_test(replay_with_other_inputs_has_the_bits_of_a_new_tape),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
