/* SPDX-License-Identifier: MIT */
/* The network that takes the place of the reaction's rates. */
#ifndef ROBER_NETWORK_H
#define ROBER_NETWORK_H

#include "rober_data.h"

/*
 * u' = N(u / yscale; p) * yscale / t_end with a 3-5-5-5-5-5-5-3 gelu network N; yscale is data->scale. The state enters
 * in units of yscale because the intermediate, of the order of 1e-5, would otherwise need weights of the order of 1e5.
 */
costate_status rober_network_create(const rober_data *data, costate_net **net, costate_rhs *rhs);

/* The unit of output k of the network above: what N = 1 means as a rate. */
double rober_network_rate(const rober_data *data, size_t k);

#endif
