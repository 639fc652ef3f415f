/* SPDX-License-Identifier: MIT */
/* What every evaluation call promises apart from its numbers: arguments, workspace, and no allocation. */
#include "net_battery.h"

#include "support/guard_page.h"
#include "support/malloc_count.h"
#include <stdlib.h>
#include <string.h>

typedef enum slot { NET, P, X, V, U, UP, XBAR, PBAR, Y, YU, JAC, HESS, KEPT, WORK, N_SLOT } slot;

typedef enum call_id { FORWARD, VJP, VJP_KEPT, JVP, JACOBIAN, HESSIAN, FORWARD_BATCH, VJP_BATCH, N_CALL } call_id;

enum { N_SAMPLE = 3, KEPT_BYTES = 4096 };

#define BIT(slot) (1u << (slot))

static const struct {
    const char *name;
    unsigned required, optional;
} calls[N_CALL] = {
    [FORWARD] = {"forward", BIT(NET) | BIT(P) | BIT(X) | BIT(Y) | BIT(WORK), 0},
    [VJP] = {"vjp", BIT(NET) | BIT(P) | BIT(X) | BIT(V) | BIT(WORK), BIT(XBAR) | BIT(PBAR)},
    [VJP_KEPT] = {"vjp_kept", BIT(NET) | BIT(P) | BIT(X) | BIT(V) | BIT(KEPT) | BIT(WORK), BIT(XBAR) | BIT(PBAR)},
    [JVP] = {"jvp", BIT(NET) | BIT(P) | BIT(X) | BIT(U) | BIT(YU) | BIT(WORK), BIT(UP) | BIT(Y)},
    [JACOBIAN] = {"jacobian", BIT(NET) | BIT(P) | BIT(X) | BIT(JAC) | BIT(WORK), BIT(Y)},
    [HESSIAN] = {"hessian", BIT(NET) | BIT(P) | BIT(X) | BIT(HESS) | BIT(WORK), BIT(Y) | BIT(JAC)},
    [FORWARD_BATCH] = {"forward_batch", BIT(NET) | BIT(P) | BIT(X) | BIT(Y) | BIT(WORK), 0},
    [VJP_BATCH] = {"vjp_batch", BIT(NET) | BIT(P) | BIT(X) | BIT(V) | BIT(WORK), BIT(XBAR) | BIT(PBAR)},
};

static costate_status invoke_f64(call_id call, void *const *a, size_t work_bytes) {
    switch (call) {
    case FORWARD: return costate_net_forward_f64(a[NET], a[P], a[X], a[Y], a[WORK], work_bytes);
    case VJP: return costate_net_vjp_f64(a[NET], a[P], a[X], a[V], 1.0, a[XBAR], a[PBAR], a[WORK], work_bytes);
    case VJP_KEPT:
        return costate_net_vjp_kept_f64(a[NET], a[P], a[X], a[V], 1.0, a[XBAR], a[PBAR], a[KEPT], KEPT_BYTES, a[WORK],
                                        work_bytes);
    case JVP: return costate_net_jvp_f64(a[NET], a[P], a[X], a[U], a[UP], a[Y], a[YU], a[WORK], work_bytes);
    case JACOBIAN: return costate_net_jacobian_f64(a[NET], a[P], a[X], a[Y], a[JAC], a[WORK], work_bytes);
    case HESSIAN: return costate_net_hessian_f64(a[NET], a[P], a[X], a[Y], a[JAC], a[HESS], a[WORK], work_bytes);
    case FORWARD_BATCH: return costate_net_forward_batch_f64(a[NET], a[P], N_SAMPLE, a[X], a[Y], a[WORK], work_bytes);
    default:
        return costate_net_vjp_batch_f64(a[NET], a[P], N_SAMPLE, a[X], a[V], 1.0, a[XBAR], a[PBAR], a[WORK],
                                         work_bytes);
    }
}

static costate_status invoke_f32(call_id call, void *const *a, size_t work_bytes) {
    switch (call) {
    case FORWARD: return costate_net_forward_f32(a[NET], a[P], a[X], a[Y], a[WORK], work_bytes);
    case VJP: return costate_net_vjp_f32(a[NET], a[P], a[X], a[V], 1.0f, a[XBAR], a[PBAR], a[WORK], work_bytes);
    case VJP_KEPT:
        return costate_net_vjp_kept_f32(a[NET], a[P], a[X], a[V], 1.0f, a[XBAR], a[PBAR], a[KEPT], KEPT_BYTES, a[WORK],
                                        work_bytes);
    case JVP: return costate_net_jvp_f32(a[NET], a[P], a[X], a[U], a[UP], a[Y], a[YU], a[WORK], work_bytes);
    case JACOBIAN: return costate_net_jacobian_f32(a[NET], a[P], a[X], a[Y], a[JAC], a[WORK], work_bytes);
    case HESSIAN: return costate_net_hessian_f32(a[NET], a[P], a[X], a[Y], a[JAC], a[HESS], a[WORK], work_bytes);
    case FORWARD_BATCH: return costate_net_forward_batch_f32(a[NET], a[P], N_SAMPLE, a[X], a[Y], a[WORK], work_bytes);
    default:
        return costate_net_vjp_batch_f32(a[NET], a[P], N_SAMPLE, a[X], a[V], 1.0f, a[XBAR], a[PBAR], a[WORK],
                                         work_bytes);
    }
}

/* One network with arrays for every call in one precision. */
typedef struct call_arrays {
    net_real real;
    void *slots[N_SLOT];
    size_t bytes[N_SLOT];
    size_t work_bytes[N_CALL];
} call_arrays;

static costate_status invoke(const call_arrays *arrays, call_id call, void *const *slots, size_t work_bytes) {
    return arrays->real == NET_F64 ? invoke_f64(call, slots, work_bytes) : invoke_f32(call, slots, work_bytes);
}

/* Every array is full of 0x3f: a valid number in both precisions, and a pattern no call writes. */
static void refill(call_arrays *arrays) {
    for (slot s = P; s < N_SLOT; s++) {
        memset(arrays->slots[s], 0x3f, arrays->bytes[s]);
    }
}

static void arrays_open(call_arrays *arrays, const net_fixture *fixture, net_real real) {
    const costate_net *net = fixture->net;
    size_t size = real == NET_F64 ? sizeof(double) : sizeof(float), n_jac = fixture->n_in * fixture->n_out;
    size_t evaluate = real == NET_F64 ? costate_net_work_bytes_f64(net) : costate_net_work_bytes_f32(net);
    size_t hessian =
        real == NET_F64 ? costate_net_hessian_work_bytes_f64(net) : costate_net_hessian_work_bytes_f32(net);
    *arrays = (call_arrays){.real = real};
    for (call_id c = FORWARD; c < N_CALL; c++) {
        arrays->work_bytes[c] = c == HESSIAN ? hessian : evaluate;
    }
    arrays->slots[NET] = fixture->net;
    arrays->bytes[P] = arrays->bytes[UP] = arrays->bytes[PBAR] = fixture->n_param * size;
    arrays->bytes[X] = arrays->bytes[U] = arrays->bytes[XBAR] = N_SAMPLE * fixture->n_in * size;
    arrays->bytes[Y] = arrays->bytes[V] = arrays->bytes[YU] = N_SAMPLE * fixture->n_out * size;
    arrays->bytes[JAC] = n_jac * size;
    arrays->bytes[HESS] = n_jac * fixture->n_in * size;
    arrays->bytes[KEPT] = KEPT_BYTES;
    arrays->bytes[WORK] = evaluate > hessian ? evaluate : hessian;
    for (slot s = P; s < N_SLOT; s++) {
        arrays->slots[s] = malloc(arrays->bytes[s] + 1);
        assert_non_null(arrays->slots[s]);
    }
    refill(arrays);
}

static void arrays_close(call_arrays *arrays) {
    for (slot s = P; s < N_SLOT; s++) {
        free(arrays->slots[s]);
    }
}

static void assert_untouched(const call_arrays *arrays, call_id call) {
    for (slot s = P; s < N_SLOT; s++) {
        const unsigned char *bytes = arrays->slots[s];
        for (size_t i = 0; i < arrays->bytes[s]; i++) {
            if (bytes[i] != 0x3f) {
                fail_msg("%s wrote to array %d", calls[call].name, (int)s);
            }
        }
    }
}

/* Runs check for every call in both precisions on a small network with both orientations. */
static void for_each_call(void (*check)(call_arrays *arrays, call_id call)) {
    net_shape shape = {.n_in = 3, .n_layer = 2, .affine = NET_AFFINE};
    shape.layers[0] = (costate_layer_spec){.n_out = 19, .act = COSTATE_ACT_GELU};
    shape.layers[1] = (costate_layer_spec){.n_out = 2, .act = COSTATE_ACT_TANH};
    net_fixture fixture;
    net_fixture_make(&fixture, &shape, 1);
    for (int real = 0; real < N_NET_REAL; real++) {
        call_arrays arrays;
        arrays_open(&arrays, &fixture, (net_real)real);
        for (call_id c = FORWARD; c < N_CALL; c++) {
            refill(&arrays);
            check(&arrays, c);
        }
        arrays_close(&arrays);
    }
    net_fixture_release(&fixture);
}

static void check_required(call_arrays *arrays, call_id call) {
    for (slot s = NET; s < N_SLOT; s++) {
        if (calls[call].required & BIT(s)) {
            void *slots[N_SLOT];
            memcpy(slots, arrays->slots, sizeof slots);
            slots[s] = NULL;
            costate_status status = invoke(arrays, call, slots, arrays->work_bytes[call]);
            if (status != COSTATE_ERR_NULL) {
                fail_msg("%s with array %d NULL: %s", calls[call].name, (int)s, costate_status_name(status));
            }
            assert_untouched(arrays, call);
        }
    }
}

static void call_without_required_pointer_is_refused(void **state) {
    (void)state;
    for_each_call(check_required);
}

static void check_optional(call_arrays *arrays, call_id call) {
    for (slot s = NET; s < N_SLOT; s++) {
        if (calls[call].optional & BIT(s)) {
            void *slots[N_SLOT];
            memcpy(slots, arrays->slots, sizeof slots);
            slots[s] = NULL;
            assert_ok(invoke(arrays, call, slots, arrays->work_bytes[call]));
        }
    }
}

static void call_without_optional_pointer_succeeds(void **state) {
    (void)state;
    for_each_call(check_optional);
}

static void check_workspace(call_arrays *arrays, call_id call) {
    size_t exact = arrays->work_bytes[call];
    assert_true(exact > 0);
    const size_t refused[] = {0, 1, exact / 2, exact - 1};
    for (size_t k = 0; k < sizeof refused / sizeof *refused; k++) {
        guard_buffer work = guard_create(refused[k], GUARD_AFTER);
        void *slots[N_SLOT];
        memcpy(slots, arrays->slots, sizeof slots);
        memset(work.data, 0x5a, refused[k]);
        slots[WORK] = work.data;
        assert_status(invoke(arrays, call, slots, refused[k]), COSTATE_ERR_WORKSPACE);
        assert_untouched(arrays, call);
        for (size_t i = 0; i < refused[k]; i++) {
            assert_int_equal(((unsigned char *)work.data)[i], 0x5a);
        }
        guard_destroy(&work);
    }
    for (size_t offset = 0; offset < 65; offset++) {
        guard_buffer work = guard_create(exact + offset, GUARD_BEFORE);
        void *slots[N_SLOT];
        memcpy(slots, arrays->slots, sizeof slots);
        slots[WORK] = (unsigned char *)work.data + offset;
        assert_ok(invoke(arrays, call, slots, exact));
        for (size_t i = 0; i < offset; i++) {
            assert_int_equal(((unsigned char *)work.data)[i], 0);
        }
        guard_destroy(&work);
    }
}

static void call_takes_exactly_the_queried_workspace(void **state) {
    (void)state;
    for_each_call(check_workspace);
}

static void check_no_allocation(call_arrays *arrays, call_id call) {
    malloc_count_start();
    costate_status status = invoke(arrays, call, arrays->slots, arrays->work_bytes[call]);
    malloc_counts counts = malloc_count_stop();
    assert_ok(status);
    assert_int_equal(counts.here, 0);
    assert_int_equal(counts.other, 0);
}

static void call_allocates_nothing(void **state) {
    (void)state;
    if (!malloc_count_available()) {
        skip();
    }
    for_each_call(check_no_allocation);
}

static void workspace_query_of_null_is_zero(void **state) {
    (void)state;
    assert_int_equal(costate_net_work_bytes_f64(NULL), 0);
    assert_int_equal(costate_net_work_bytes_f32(NULL), 0);
    assert_int_equal(costate_net_hessian_work_bytes_f64(NULL), 0);
    assert_int_equal(costate_net_hessian_work_bytes_f32(NULL), 0);
}

int main(void) {
    if (!net_battery_isa_available()) {
        return TEST_SKIPPED;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(call_without_required_pointer_is_refused),
        cmocka_unit_test(call_without_optional_pointer_succeeds),
        cmocka_unit_test(call_takes_exactly_the_queried_workspace),
        cmocka_unit_test(call_allocates_nothing),
        cmocka_unit_test(workspace_query_of_null_is_zero),
    };
    return cmocka_run_group_tests_name("net_contract", tests, NULL, NULL);
}
