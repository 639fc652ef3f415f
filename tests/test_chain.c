/* SPDX-License-Identifier: MIT */
/* Chains: what they refuse, shapes, blocks of parameters, initial values, memory. */
#include "support/allocators.h"
#include "support/asserts.h"

#include <costate/chain_eval.h>
#include <costate/chain_kind.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static costate_status create(costate_shape in, const costate_chain_layer *layers, size_t n, costate_message *message) {
    costate_chain *chain;
    const costate_status status = costate_chain_create(in, n, layers, NULL, &chain, message);
    assert_int_equal(status == COSTATE_OK, chain != NULL);
    costate_chain_destroy(chain);
    return status;
}

static void create_names_what_it_refuses(void **state) {
    (void)state;
    const costate_shape five = costate_shape_vector(5);
    costate_chain_layer layers[2] = {costate_chain_dense(3, COSTATE_ACT_TANH),
                                     costate_chain_dense(0, COSTATE_ACT_TANH)};
    costate_message message;
    costate_chain *chain = (costate_chain *)(void *)&message;
    assert_status(create(five, layers, 2, &message), COSTATE_ERR_ARGUMENT);
    assert_non_null(strstr(message.text, "layer 1 (dense) on 3 x 1 x 1"));
    assert_status(create(five, layers, 2, NULL), COSTATE_ERR_ARGUMENT);
    assert_status(create(five, layers, 0, &message), COSTATE_ERR_ARGUMENT);
    assert_status(create(costate_shape_vector(0), layers, 1, &message), COSTATE_ERR_ARGUMENT);
    assert_status(create((costate_shape){SIZE_MAX, 2, 2}, layers, 1, &message), COSTATE_ERR_OVERFLOW);
    assert_status(create(five, NULL, 1, &message), COSTATE_ERR_NULL);
    layers[1] = costate_chain_dense(SIZE_MAX / 2, COSTATE_ACT_TANH);
    assert_status(create(five, layers, 2, &message), COSTATE_ERR_OVERFLOW);
    layers[1] = costate_chain_dense(2, (costate_act)99);
    assert_status(create(five, layers, 2, &message), COSTATE_ERR_ARGUMENT);
    layers[1] = costate_chain_dense(2, COSTATE_ACT_TANH);
    layers[1].accuracy = (costate_accuracy)9;
    assert_status(create(five, layers, 2, &message), COSTATE_ERR_ARGUMENT);
    layers[1].kind = NULL;
    assert_status(create(five, layers, 2, &message), COSTATE_ERR_NULL);
    assert_non_null(strstr(message.text, "layer 1"));
    assert_status(costate_chain_create(five, 1, layers, NULL, NULL, NULL), COSTATE_ERR_NULL);
    layers[0].n_out = 0;
    assert_status(costate_chain_create(five, 1, layers, NULL, &chain, NULL), COSTATE_ERR_ARGUMENT);
    assert_null(chain);
    costate_chain_destroy(NULL);
}

static void blocks_tell_where_parameters_lie(void **state) {
    (void)state;
    costate_chain_layer layers[3] = {costate_chain_flatten(), costate_chain_dense(7, COSTATE_ACT_RELU),
                                     costate_chain_dense(2, COSTATE_ACT_IDENTITY)};
    costate_chain *chain;
    costate_chain_block block;
    costate_shape shape;
    layers[1].frozen = true;
    layers[2].no_bias = true;
    assert_ok(costate_chain_create((costate_shape){2, 3, 4}, 3, layers, NULL, &chain, NULL));
    assert_int_equal(costate_chain_n_layer(chain), 3);
    assert_int_equal(costate_chain_n_in(chain), 24);
    assert_int_equal(costate_chain_n_out(chain), 2);
    assert_int_equal(costate_chain_n_param(chain), 24 * 7 + 7 + 14);
    assert_int_equal(costate_chain_n_block(chain), 3);
    const costate_chain_block expected[] = {
        {1, "weight", 0, 168, false, true}, {1, "bias", 168, 7, true, true}, {2, "weight", 175, 14, false, false}};
    for (size_t i = 0; i < 3; i++) {
        assert_ok(costate_chain_block_at(chain, i, &block));
        assert_int_equal(block.layer, expected[i].layer);
        assert_string_equal(block.name, expected[i].name);
        assert_int_equal(block.offset, expected[i].offset);
        assert_int_equal(block.length, expected[i].length);
        assert_int_equal(block.is_bias, expected[i].is_bias);
        assert_int_equal(block.frozen, expected[i].frozen);
    }
    assert_status(costate_chain_block_at(chain, 3, &block), COSTATE_ERR_ARGUMENT);
    assert_ok(costate_chain_shape(chain, 0, &shape));
    assert_true(shape.n_channel == 2 && shape.height == 3 && shape.width == 4);
    assert_ok(costate_chain_shape(chain, 1, &shape));
    assert_true(shape.n_channel == 24 && shape.height == 1 && shape.width == 1);
    assert_status(costate_chain_shape(chain, 4, &shape), COSTATE_ERR_ARGUMENT);
    assert_status(costate_chain_shape(chain, 0, NULL), COSTATE_ERR_NULL);
    assert_int_equal(costate_chain_n_param(NULL) + costate_chain_n_in(NULL) + costate_chain_n_block(NULL), 0);
    costate_chain_destroy(chain);
}

static void init_draws_weights_in_their_range_and_zero_biases(void **state) {
    (void)state;
    enum { N_IN = 40, N_OUT = 60, N_WEIGHT = N_IN * N_OUT, N = N_WEIGHT + N_OUT };
    const costate_chain_layer layer = costate_chain_dense(N_OUT, COSTATE_ACT_TANH);
    costate_chain *chain;
    costate_random random = costate_random_seed(5, 1), again = random;
    double p[N], sum = 0.0, square = 0.0;
    float narrow[N];
    const double bound = sqrt(6.0 / (N_IN + N_OUT));
    assert_ok(costate_chain_create(costate_shape_vector(N_IN), 1, &layer, NULL, &chain, NULL));
    assert_ok(costate_chain_init_f64(chain, &random, p));
    assert_ok(costate_chain_init_f32(chain, &again, narrow));
    for (size_t i = 0; i < N; i++) {
        assert_true(narrow[i] == (float)p[i]);
        assert_true(i < N_WEIGHT ? fabs(p[i]) <= bound : p[i] == 0.0);
        sum += p[i];
        square += p[i] * p[i];
    }
    assert_close(sum / N_WEIGHT, 0.0, 0.0, 5.0 * bound / sqrt(3.0 * N_WEIGHT));
    assert_close(square / N_WEIGHT, bound * bound / 3.0, 0.1, 0.0);
    assert_status(costate_chain_init_f64(chain, NULL, p), COSTATE_ERR_NULL);
    costate_chain_destroy(chain);
}

static void every_failed_allocation_is_an_error(void **state) {
    (void)state;
    const costate_chain_layer layers[2] = {costate_chain_dense(3, COSTATE_ACT_TANH),
                                           costate_chain_dense(3, COSTATE_ACT_TANH)};
    const costate_chain_eval_options options = {.precision = COSTATE_CHAIN_F32, .n_thread = 3};
    for (size_t k = 1;; k++) {
        test_allocator counts = {.fail_at = k};
        const costate_allocator hooks = test_allocator_hooks(&counts);
        costate_chain *chain = NULL;
        costate_chain_eval *eval = NULL;
        costate_status status = costate_chain_create(costate_shape_vector(5), 2, layers, &hooks, &chain, NULL);
        if (status == COSTATE_OK) {
            status = costate_chain_eval_create(chain, &options, &hooks, &eval);
        }
        costate_chain_eval_destroy(eval);
        costate_chain_destroy(chain);
        assert_int_equal(counts.n_live, 0);
        if (counts.n_failed == 0) {
            assert_ok(status);
            assert_true(k > 5);
            break;
        }
        assert_status(status, COSTATE_ERR_MEMORY);
        assert_null(eval);
    }
}

static costate_status plan_nothing(const costate_chain_layer *layer, costate_shape in, costate_chain_plan *plan) {
    (void)layer;
    (void)in;
    (void)plan;
    return COSTATE_OK;
}

static costate_status plan_same(const costate_chain_layer *layer, costate_shape in, costate_chain_plan *plan) {
    (void)layer;
    plan->out = in;
    return COSTATE_OK;
}

static costate_status plan_huge(const costate_chain_layer *layer, costate_shape in, costate_chain_plan *plan) {
    (void)layer;
    plan->out = (costate_shape){in.n_channel, SIZE_MAX / 2, 3};
    return COSTATE_OK;
}

static costate_status plan_parameters(const costate_chain_layer *layer, costate_shape in, costate_chain_plan *plan) {
    plan->out = in;
    plan->n_block = 1;
    plan->block[0] = (costate_chain_plan_block){.name = "all", .length = *(const size_t *)layer->ctx};
    return COSTATE_OK;
}

static costate_status do_nothing(const costate_chain_tile_f64 *tile) {
    (void)tile;
    return COSTATE_OK;
}

static void sizes_that_do_not_fit_are_refused(void **state) {
    (void)state;
    const costate_chain_kind many = {
        .name = "many", .plan = plan_parameters, .forward_f64 = do_nothing, .vjp_f64 = do_nothing};
    const size_t n_param[] = {SIZE_MAX, SIZE_MAX / 8, SIZE_MAX / 64};
    costate_chain_eval_options options = costate_chain_eval_options_default();
    options.n_piece = 1024;
    for (size_t k = 0; k < 3; k++) {
        const costate_chain_layer layer = {.kind = &many, .ctx = &n_param[k]};
        costate_chain *chain;
        costate_chain_eval *eval;
        assert_ok(costate_chain_create(costate_shape_vector(1), 1, &layer, NULL, &chain, NULL));
        assert_int_equal(costate_chain_n_param(chain), n_param[k]);
        assert_status(costate_chain_eval_create(chain, k == 0 ? NULL : &options, NULL, &eval), COSTATE_ERR_OVERFLOW);
        assert_null(eval);
        costate_chain_destroy(chain);
    }
}

static void careless_kinds_are_refused(void **state) {
    (void)state;
    const costate_chain_kind nothing = {.name = "nothing", .plan = plan_nothing};
    const costate_chain_kind huge = {.name = "huge", .plan = plan_huge};
    const costate_chain_kind callless = {.name = "callless", .plan = plan_same};
    costate_chain_layer layer = {.kind = &nothing};
    costate_message message;
    costate_chain *chain;
    costate_chain_eval *eval;
    assert_status(create(costate_shape_vector(2), &layer, 1, &message), COSTATE_ERR_SIZE);
    assert_non_null(strstr(message.text, "nothing"));
    layer.kind = &huge;
    assert_status(create(costate_shape_vector(2), &layer, 1, &message), COSTATE_ERR_OVERFLOW);
    layer.kind = &callless;
    assert_ok(costate_chain_create(costate_shape_vector(2), 1, &layer, NULL, &chain, NULL));
    assert_status(costate_chain_eval_create(chain, NULL, NULL, &eval), COSTATE_ERR_UNSUPPORTED);
    costate_chain_destroy(chain);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(create_names_what_it_refuses),
        cmocka_unit_test(blocks_tell_where_parameters_lie),
        cmocka_unit_test(init_draws_weights_in_their_range_and_zero_biases),
        cmocka_unit_test(every_failed_allocation_is_an_error),
        cmocka_unit_test(careless_kinds_are_refused),
        cmocka_unit_test(sizes_that_do_not_fit_are_refused),
    };
    return cmocka_run_group_tests_name("chain", tests, NULL, NULL);
}
