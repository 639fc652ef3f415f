/* SPDX-License-Identifier: MIT */
/* Any bytes as two-moons points and as a network: what is accepted has the counts it claims and finite numbers, the rest
 * is refused with a reason. */
#include "fuzz_target.h"

#include <costate/moons.h>
#include <math.h>
#include <string.h>

static void check_points(const char *text, size_t size) {
    costate_moons *moons;
    costate_message message;
    const costate_status status = costate_moons_parse(text, size, NULL, NULL, &moons, &message);
    FUZZ_CHECK(status == COSTATE_OK || status == COSTATE_ERR_FORMAT);
    FUZZ_CHECK((moons != NULL) == (status == COSTATE_OK));
    FUZZ_CHECK((strlen(message.text) > 0) == (status != COSTATE_OK));
    for (size_t i = 0; i < costate_moons_n_point(moons); i++) {
        const double *x = costate_moons_x(moons);
        FUZZ_CHECK(isfinite(x[2 * i]) && isfinite(x[2 * i + 1]));
        FUZZ_CHECK(fabs(costate_moons_label(moons)[i]) == 1.0);
    }
    costate_moons_destroy(moons);
}

static void check_net(const char *text, size_t size) {
    costate_moons_net *net;
    costate_message message;
    const costate_status status = costate_moons_net_parse(text, size, NULL, NULL, &net, &message);
    FUZZ_CHECK(status == COSTATE_OK || status == COSTATE_ERR_FORMAT);
    FUZZ_CHECK((net != NULL) == (status == COSTATE_OK));
    FUZZ_CHECK((strlen(message.text) > 0) == (status != COSTATE_OK));
    size_t n = 0;
    for (size_t l = 0; l < costate_moons_net_n_layer(net); l++) {
        n += (costate_moons_net_width(net, l) + 1) * costate_moons_net_width(net, l + 1);
    }
    FUZZ_CHECK(n == costate_moons_net_n_param(net));
    for (size_t i = 0; i < n; i++) {
        FUZZ_CHECK(isfinite(costate_moons_net_param(net)[i]));
    }
    costate_moons_net_destroy(net);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    check_points((const char *)data, size);
    check_net((const char *)data, size);
    return 0;
}
