/* SPDX-License-Identifier: MIT */
/* Runs a check over families of networks, in both precisions and every placement of the arrays. */
#include "net_battery.h"

#include "support/seeded_random.h"
#include <stdio.h>
#include <stdlib.h>

/* The network under check, for the report; empty between networks. */
static char current[320];

static void check_net(const net_shape *shape, uint64_t seed, size_t turn, net_check check) {
    static const char *const placements[N_NET_PLACEMENT] = {"at end", "at start", "offset"};
    net_fixture fixture;
    net_fixture_make(&fixture, shape, seed);
    for (int real = 0; real < N_NET_REAL; real++) {
        net_placement placement = (net_placement)((turn + (size_t)real) % N_NET_PLACEMENT);
        snprintf(current, sizeof current, "%s, f%d, arrays %s", fixture.name, real == NET_F64 ? 64 : 32,
                 placements[placement]);
        check(&fixture, &(net_calls){fixture.net, (net_real)real, placement});
    }
    current[0] = '\0';
    net_fixture_release(&fixture);
}

void net_battery_table(net_check check) {
    costate_random random = test_random(101);
    for (size_t k = 0; k < n_net_shapes; k++) {
        for (size_t turn = 0; turn < N_NET_PLACEMENT; turn++) {
            check_net(&net_shapes[k], costate_random_bits(&random), turn, check);
        }
    }
}

void net_battery_layers(size_t max_in, size_t max_out, net_check check) {
    costate_random random = test_random(102);
    for (size_t n_in = 1; n_in <= max_in; n_in++) {
        for (size_t n_out = 1; n_out <= max_out; n_out++) {
            size_t turn = n_in * (max_out + 1) + n_out;
            net_shape shape = net_shape_layer(n_in, n_out, (costate_act)(turn % COSTATE_ACT_COUNT), turn % 4 == 0);
            check_net(&shape, costate_random_bits(&random), turn, check);
        }
    }
}

void net_battery_random(size_t n, size_t max_width, net_check check) {
    costate_random random = test_random(103);
    for (size_t k = 0; k < n; k++) {
        net_shape shape = net_shape_random(&random, max_width);
        check_net(&shape, costate_random_bits(&random), k, check);
    }
}

int net_battery_report(void **state) {
    (void)state;
    if (current[0] != '\0') {
        print_error("with network %s\n", current);
        current[0] = '\0';
    }
    return 0;
}

bool net_battery_isa_available(void) {
    costate_isa isa;
    if (costate_isa_select(&isa) != COSTATE_ERR_UNSUPPORTED) {
        return true;
    }
    print_message("SKIPPED: COSTATE_ISA=%s is not available here\n", getenv("COSTATE_ISA"));
    return false;
}
