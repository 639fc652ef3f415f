/* SPDX-License-Identifier: MIT */
/* Creation of UDEs: every refusal, what is copied, allocation failures, sizes that do not fit; and the named blocks. */
#include "ude_fixture.h"

#include "support/allocators.h"
#include "support/asserts.h"
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Something that is not NULL and not a UDE, to see it overwritten. */
static char marker;

static void assert_refused(const costate_ude_spec *spec, costate_status expected) {
    test_allocator counts = {0};
    const costate_allocator hooks = test_allocator_hooks(&counts);
    costate_ude *ude = (costate_ude *)(void *)&marker;
    assert_status(costate_ude_create(spec, &hooks, &ude), expected);
    assert_null(ude);
    assert_int_equal(counts.n_live, 0);
}

/* The spec of a form with networks that see states, a parameter and time; `spoil` makes it bad. */
static void refuse(costate_ude_form form, costate_status expected, void (*spoil)(ude_fixture *fx)) {
    ude_fixture fx;
    ude_fixture_spec(&fx, form, 1, UDE_VJP);
    const costate_ude_spec good = fx.spec;
    spoil(&fx);
    assert_refused(&fx.spec, expected);
    fx.spec.n_net = good.n_net;
    ude_fixture_release(&fx);
}

static void no_f(ude_fixture *fx) { fx->spec.mechanism.f = NULL; }
static void no_nets(ude_fixture *fx) { fx->spec.nets = NULL; }
static void no_net(ude_fixture *fx) { fx->nets[1].net = NULL; }
static void no_inputs(ude_fixture *fx) { fx->nets[1].inputs = NULL; }
static void no_matrix(ude_fixture *fx) { fx->spec.matrix = NULL; }
static void no_index(ude_fixture *fx) { fx->spec.index = NULL; }
static void no_conserved(ude_fixture *fx) { fx->spec.conserved = NULL; }
static void null_name(ude_fixture *fx) {
    static const char *const names[UDE_N_THETA] = {"k1", "k2", NULL};
    fx->spec.theta_name = names;
}

static void create_null_is_refused(void **state) {
    (void)state;
    assert_refused(NULL, COSTATE_ERR_NULL);
    ude_fixture fx;
    ude_fixture_make(&fx, COSTATE_UDE_GENERAL, 0, UDE_VJP);
    assert_status(costate_ude_create(&fx.spec, NULL, NULL), COSTATE_ERR_NULL);
    ude_fixture_release(&fx);
    refuse(COSTATE_UDE_GENERAL, COSTATE_ERR_NULL, no_f);
    refuse(COSTATE_UDE_MULTIPLICATIVE, COSTATE_ERR_NULL, no_f);
    refuse(COSTATE_UDE_REPLACE, COSTATE_ERR_NULL, no_f);
    for (size_t form = 0; form < UDE_N_FORM; form++) {
        refuse((costate_ude_form)form, COSTATE_ERR_NULL, no_nets);
        refuse((costate_ude_form)form, COSTATE_ERR_NULL, no_net);
        refuse((costate_ude_form)form, COSTATE_ERR_NULL, no_inputs);
        refuse((costate_ude_form)form, COSTATE_ERR_NULL, null_name);
    }
    refuse(COSTATE_UDE_ADDITIVE, COSTATE_ERR_NULL, no_matrix);
    refuse(COSTATE_UDE_MULTIPLICATIVE, COSTATE_ERR_NULL, no_matrix);
    refuse(COSTATE_UDE_CONSERVING, COSTATE_ERR_NULL, no_matrix);
    refuse(COSTATE_UDE_CONSERVING, COSTATE_ERR_NULL, no_conserved);
    refuse(COSTATE_UDE_REPLACE, COSTATE_ERR_NULL, no_index);
    refuse(COSTATE_UDE_POSITIVE, COSTATE_ERR_NULL, no_index);
}

static void no_state(ude_fixture *fx) { fx->spec.mechanism.n_y = 0; }
static void form_after_last(ude_fixture *fx) { fx->spec.form = (costate_ude_form)UDE_N_FORM; }
static void form_negative(ude_fixture *fx) { fx->spec.form = (costate_ude_form)-1; }
static void nothing_conserved(ude_fixture *fx) { fx->spec.n_conserved = 0; }

static void input_is(ude_fixture *fx, costate_ude_source source, size_t index) {
    static costate_ude_input inputs[2];
    inputs[0] = (costate_ude_input){COSTATE_UDE_STATE, 0};
    inputs[1] = (costate_ude_input){source, index};
    fx->nets[0].inputs = inputs;
}
static void state_out_of_range(ude_fixture *fx) { input_is(fx, COSTATE_UDE_STATE, UDE_N_Y); }
static void theta_out_of_range(ude_fixture *fx) { input_is(fx, COSTATE_UDE_THETA, UDE_N_THETA); }
static void source_after_last(ude_fixture *fx) { input_is(fx, (costate_ude_source)(COSTATE_UDE_TIME + 1), 0); }
static void source_negative(ude_fixture *fx) { input_is(fx, (costate_ude_source)-1, 0); }

static void index_repeated(ude_fixture *fx) {
    static const size_t index[] = {1, 1};
    fx->spec.index = index;
}
static void index_out_of_range(ude_fixture *fx) {
    static const size_t index[] = {0, 3};
    fx->spec.index = index;
}

static void create_senseless_argument_is_refused(void **state) {
    (void)state;
    void (*const spoil[])(ude_fixture *) = {no_state,           form_after_last,   form_negative,  state_out_of_range,
                                            theta_out_of_range, source_after_last, source_negative};
    for (size_t form = 0; form < UDE_N_FORM; form++) {
        for (size_t k = 0; k < sizeof spoil / sizeof *spoil; k++) {
            refuse((costate_ude_form)form, COSTATE_ERR_ARGUMENT, spoil[k]);
        }
    }
    refuse(COSTATE_UDE_CONSERVING, COSTATE_ERR_ARGUMENT, nothing_conserved);
    refuse(COSTATE_UDE_REPLACE, COSTATE_ERR_ARGUMENT, index_repeated);
    refuse(COSTATE_UDE_REPLACE, COSTATE_ERR_ARGUMENT, index_out_of_range);
    refuse(COSTATE_UDE_POSITIVE, COSTATE_ERR_ARGUMENT, index_repeated);
    refuse(COSTATE_UDE_POSITIVE, COSTATE_ERR_ARGUMENT, index_out_of_range);
}

static void create_bad_name_is_refused(void **state) {
    (void)state;
    static const char *const bad[] = {
        "", "k1", "theta", "net0", "net1.layer0.weight", "a name of just forty-eight bytes, one too many.."};
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        const char *const names[UDE_N_THETA] = {"k1", bad[k], "k3"};
        ude_fixture fx;
        ude_fixture_spec(&fx, COSTATE_UDE_GENERAL, 0, UDE_VJP);
        fx.spec.theta_name = names;
        assert_refused(&fx.spec, COSTATE_ERR_ARGUMENT);
        ude_fixture_release(&fx);
    }
}

static void one_output_more(ude_fixture *fx) { fx->spec.mechanism.n_u++; }
static void one_input_less(ude_fixture *fx) { fx->nets[0].n_input--; }
static void nothing_selected(ude_fixture *fx) {
    static const double matrix[] = {1, 2};
    fx->nets[0].n_input = 0;
    fx->nets[0].matrix = matrix;
}

static void create_wrong_size_is_refused(void **state) {
    (void)state;
    for (size_t form = 0; form < UDE_N_FORM; form++) {
        refuse((costate_ude_form)form, COSTATE_ERR_SIZE, one_output_more);
        refuse((costate_ude_form)form, COSTATE_ERR_SIZE, one_input_less);
        refuse((costate_ude_form)form, COSTATE_ERR_SIZE, nothing_selected);
    }
}

static double spoiled[16];

static const double *with(const double *from, size_t n, size_t k, double value) {
    memcpy(spoiled, from, n * sizeof *from);
    spoiled[k] = value;
    return spoiled;
}

static void nan_in_matrix(ude_fixture *fx) { fx->spec.matrix = with(fx->spec.matrix, 6, 5, (double)NAN); }
static void infinite_conserved(ude_fixture *fx) { fx->spec.conserved = with(fx->spec.conserved, 3, 2, HUGE_VAL); }
static void inexact(ude_fixture *fx) {
    fx->spec.matrix = with(fx->spec.matrix, 6, 4, fx->spec.matrix[4] * (1 + 1e-11));
}
static void other_weights(ude_fixture *fx) { fx->spec.conserved = with(fx->spec.conserved, 3, 1, 2.0); }

static void create_bad_matrix_is_refused(void **state) {
    (void)state;
    refuse(COSTATE_UDE_ADDITIVE, COSTATE_ERR_NONFINITE, nan_in_matrix);
    refuse(COSTATE_UDE_MULTIPLICATIVE, COSTATE_ERR_NONFINITE, nan_in_matrix);
    refuse(COSTATE_UDE_CONSERVING, COSTATE_ERR_NONFINITE, nan_in_matrix);
    refuse(COSTATE_UDE_CONSERVING, COSTATE_ERR_NONFINITE, infinite_conserved);
    refuse(COSTATE_UDE_CONSERVING, COSTATE_ERR_MISMATCH, inexact);
    refuse(COSTATE_UDE_CONSERVING, COSTATE_ERR_MISMATCH, other_weights);
    ude_fixture fx;
    ude_fixture_spec(&fx, COSTATE_UDE_GENERAL, 2, UDE_VJP);
    fx.nets[0].matrix = with(fx.nets[0].matrix, 12, 11, -HUGE_VAL);
    assert_refused(&fx.spec, COSTATE_ERR_NONFINITE);
    ude_fixture_release(&fx);
}

static void create_bad_magnitude_is_refused(void **state) {
    (void)state;
    static const double values[] = {0, -1, (double)NAN, HUGE_VAL};
    for (size_t k = 0; k < 4; k++) {
        double typical[UDE_N_Y + UDE_N_THETA + UDE_N_U] = {1, 1, 1, 1, 1, 1, 1, values[k]};
        ude_fixture fx;
        ude_fixture_spec(&fx, COSTATE_UDE_GENERAL, 0, 0);
        fx.spec.typical = typical;
        assert_refused(&fx.spec, k < 2 ? COSTATE_ERR_ARGUMENT : COSTATE_ERR_NONFINITE);
        ude_fixture_release(&fx);
    }
}

/* Four networks of 2^58 parameters are more than can be addressed. */
static void create_of_too_many_parameters_is_refused(void **state) {
    (void)state;
    static const costate_layer_spec layers[] = {{.n_out = (size_t)1 << 29}, {.n_out = (size_t)1 << 29}, {.n_out = 1}};
    static const costate_ude_input input = {COSTATE_UDE_STATE, 0};
    costate_net *huge = NULL;
    assert_ok(costate_net_create(&(costate_net_spec){.n_in = 1, .n_layer = 3, .layers = layers}, NULL, &huge));
    costate_ude_net nets[5];
    for (size_t k = 0; k < 5; k++) {
        nets[k] = (costate_ude_net){.net = huge, .n_input = 1, .inputs = &input};
    }
    costate_ude_spec spec = {.mechanism = ude_mechanism(5), .n_net = 5, .nets = nets};
    assert_refused(&spec, COSTATE_ERR_OVERFLOW);
    costate_ude *ude = NULL;
    spec.n_net = spec.mechanism.n_u = 2;
    assert_ok(costate_ude_create(&spec, NULL, &ude));
    costate_rhs rhs;
    assert_ok(costate_ude_rhs(ude, &rhs));
    assert_int_equal(rhs.n_p, 3 + 2 * costate_net_n_param(huge));
    costate_ude_destroy(ude);
    spec = (costate_ude_spec){.mechanism = ude_mechanism(0)};
    spec.mechanism.n_theta = SIZE_MAX / 4;
    assert_refused(&spec, COSTATE_ERR_OVERFLOW);
    spec.mechanism.n_theta = 0;
    spec.mechanism.n_y = SIZE_MAX / 8;
    assert_refused(&spec, COSTATE_ERR_OVERFLOW);
    costate_net_destroy(huge);
}

static void create_survives_every_failed_allocation(void **state) {
    (void)state;
    static const char *const names[UDE_N_THETA] = {"k1", "k2", "k3"};
    static const double typical[UDE_N_Y + UDE_N_THETA + UDE_N_U] = {1, 1, 1, 1, 1, 1, 1, 1};
    for (size_t form = 0; form < UDE_N_FORM; form++) {
        ude_fixture fx;
        ude_fixture_spec(&fx, (costate_ude_form)form, 3, UDE_VJP);
        fx.spec.theta_name = names;
        fx.spec.typical = typical;
        for (size_t k = 1;; k++) {
            test_allocator counts = {.fail_at = k};
            const costate_allocator hooks = test_allocator_hooks(&counts);
            costate_ude *ude = (costate_ude *)(void *)&marker;
            const costate_status status = costate_ude_create(&fx.spec, &hooks, &ude);
            if (counts.n_failed == 0) {
                assert_ok(status);
                costate_ude_destroy(ude);
                assert_int_equal(counts.n_live, 0);
                assert_true(k > 5);
                break;
            }
            assert_status(status, COSTATE_ERR_MEMORY);
            assert_null(ude);
            assert_int_equal(counts.n_live, 0);
        }
        ude_fixture_release(&fx);
    }
}

/* Everything the spec points to is overwritten after creation: f keeps its bits. */
static void create_copies_its_specification(void **state) {
    (void)state;
    for (size_t form = 0; form < UDE_N_FORM; form++) {
        ude_fixture fx;
        ude_fixture_spec(&fx, (costate_ude_form)form, 2, UDE_VJP);
        double matrix[6], nets_matrix[12], c[3] = {1, 1, 1}, typical[8] = {1, 1, 1, 1, 1, 1, 1, 1};
        size_t index[2] = {2, 0};
        costate_ude_input inputs[4];
        char first[8] = "k1", second[8] = "k2", third[8] = "k3";
        const char *names[] = {first, second, third};
        memcpy(matrix, fx.spec.matrix, sizeof matrix);
        memcpy(nets_matrix, fx.nets[0].matrix, sizeof nets_matrix);
        memcpy(inputs, fx.nets[0].inputs, sizeof inputs);
        fx.spec.matrix = matrix, fx.spec.index = index, fx.spec.conserved = c, fx.spec.typical = typical;
        fx.spec.theta_name = names, fx.nets[0].matrix = nets_matrix, fx.nets[0].inputs = inputs;
        ude_fixture_create(&fx);
        double before[UDE_N_Y], after[UDE_N_Y];
        void *work = ude_work(&fx);
        assert_int_equal(fx.rhs.f(0.25, fx.y, fx.p, before, work, fx.rhs.ctx), COSTATE_ANSWER_OK);
        memset(matrix, 0xff, sizeof matrix);
        memset(nets_matrix, 0xff, sizeof nets_matrix);
        memset(c, 0xff, sizeof c);
        memset(typical, 0xff, sizeof typical);
        memset(index, 0xff, sizeof index);
        memset(inputs, 0xff, sizeof inputs);
        memset(second, 'x', sizeof second - 1);
        memset(fx.nets, 0, sizeof fx.nets);
        assert_int_equal(fx.rhs.f(0.25, fx.y, fx.p, after, work, fx.rhs.ctx), COSTATE_ANSWER_OK);
        assert_same_bits_f64(after, before, UDE_N_Y);
        costate_ude_block block;
        assert_ok(costate_ude_find_block(fx.ude, "k2", &block));
        assert_int_equal(block.offset, 1);
        free(work);
        ude_fixture_release(&fx);
    }
}

/* The blocks tile p in order, and are found by their names. */
static void check_tiling(const ude_fixture *fx) {
    size_t next = 0;
    costate_ude_block block, found;
    for (size_t k = 0; k < costate_ude_n_block(fx->ude); k++) {
        assert_ok(costate_ude_block_at(fx->ude, k, &block));
        assert_int_equal(block.offset, next);
        assert_true(block.n > 0);
        assert_ok(costate_ude_find_block(fx->ude, block.name, &found));
        assert_int_equal(found.offset, block.offset);
        assert_int_equal(found.n, block.n);
        next += block.n;
    }
    assert_int_equal(next, fx->rhs.n_p);
    assert_status(costate_ude_block_at(fx->ude, costate_ude_n_block(fx->ude), &block), COSTATE_ERR_ARGUMENT);
}

static void blocks_tile_the_parameters(void **state) {
    (void)state;
    for (size_t set = 0; set < UDE_N_SET; set++) {
        ude_fixture fx;
        ude_fixture_make(&fx, COSTATE_UDE_GENERAL, set, UDE_VJP);
        check_tiling(&fx);
        ude_fixture_release(&fx);
    }
}

static void blocks_have_names(void **state) {
    (void)state;
    ude_fixture fx;
    ude_fixture_make(&fx, COSTATE_UDE_GENERAL, 1, UDE_VJP);
    const size_t n_first = fx.net[0].n_param, n_second = fx.net[1].n_param;
    costate_ude_block block = {.name = "untouched"};
    assert_int_equal(costate_ude_n_block(fx.ude), 3 + 4 + 6);
    assert_ok(costate_ude_block_at(fx.ude, 2, &block));
    assert_string_equal(block.name, "theta[2]");
    assert_ok(costate_ude_block_at(fx.ude, 7, &block));
    assert_string_equal(block.name, "net1.layer0.weight");
    assert_int_equal(block.offset, 3 + n_first);
    assert_int_equal(block.n, 15);
    assert_ok(costate_ude_find_block(fx.ude, "theta", &block));
    assert_int_equal(block.offset, 0);
    assert_int_equal(block.n, 3);
    assert_ok(costate_ude_find_block(fx.ude, "net1", &block));
    assert_string_equal(block.name, "net1");
    assert_int_equal(block.offset, 3 + n_first);
    assert_int_equal(block.n, n_second);
    assert_status(costate_ude_find_block(fx.ude, "net2", &block), COSTATE_ERR_ARGUMENT);
    assert_status(costate_ude_find_block(fx.ude, "theta[3]", &block), COSTATE_ERR_ARGUMENT);
    assert_string_equal(block.name, "net1");
    ude_fixture_release(&fx);
}

static void null_arguments_of_queries_are_refused(void **state) {
    (void)state;
    ude_fixture fx;
    ude_fixture_make(&fx, COSTATE_UDE_ADDITIVE, 0, UDE_VJP);
    costate_ude_block block;
    costate_rhs rhs;
    assert_int_equal(costate_ude_n_block(NULL), 0);
    assert_int_equal(costate_ude_work_bytes(NULL), 0);
    assert_false(costate_ude_uses_differences(NULL));
    assert_status(costate_ude_rhs(NULL, &rhs), COSTATE_ERR_NULL);
    assert_status(costate_ude_rhs(fx.ude, NULL), COSTATE_ERR_NULL);
    assert_status(costate_ude_block_at(NULL, 0, &block), COSTATE_ERR_NULL);
    assert_status(costate_ude_block_at(fx.ude, 0, NULL), COSTATE_ERR_NULL);
    assert_status(costate_ude_find_block(NULL, "theta", &block), COSTATE_ERR_NULL);
    assert_status(costate_ude_find_block(fx.ude, NULL, &block), COSTATE_ERR_NULL);
    assert_status(costate_ude_find_block(fx.ude, "theta", NULL), COSTATE_ERR_NULL);
    costate_ude_destroy(NULL);
    ude_fixture_release(&fx);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(create_null_is_refused),
        cmocka_unit_test(create_senseless_argument_is_refused),
        cmocka_unit_test(create_bad_name_is_refused),
        cmocka_unit_test(create_wrong_size_is_refused),
        cmocka_unit_test(create_bad_matrix_is_refused),
        cmocka_unit_test(create_bad_magnitude_is_refused),
        cmocka_unit_test(create_of_too_many_parameters_is_refused),
        cmocka_unit_test(create_survives_every_failed_allocation),
        cmocka_unit_test(create_copies_its_specification),
        cmocka_unit_test(blocks_tile_the_parameters),
        cmocka_unit_test(blocks_have_names),
        cmocka_unit_test(null_arguments_of_queries_are_refused),
    };
    return cmocka_run_group_tests_name("ude_create", tests, NULL, NULL);
}
