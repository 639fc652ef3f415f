/* SPDX-License-Identifier: MIT */
/* Runs a check over families of networks, in both precisions and every placement of the arrays. */
#ifndef NET_BATTERY_H
#define NET_BATTERY_H

#include "net_calls.h"
#include "support/asserts.h"

typedef void (*net_check)(const net_fixture *fixture, const net_calls *calls);

/* Every row of net_shapes. */
void net_battery_table(net_check check);

/* One layer for every pair of widths up to the given ones; activations and biases take turns. */
void net_battery_layers(size_t max_in, size_t max_out, net_check check);

/* n random networks of at most max_width units. */
void net_battery_random(size_t n, size_t max_width, net_check check);

/* Widest width worth a test: twice the lanes of the widest vector, plus one. */
#define NET_BATTERY_WIDTH 33

/* A test whose failure names the network it happened on. */
#define net_battery_test(function) cmocka_unit_test_teardown(function, net_battery_report)
int net_battery_report(void **state);

/* Exit status that CTest shows as "skipped". */
#define TEST_SKIPPED 77

/* False, with a message, when COSTATE_ISA names a variant that this CPU or build lacks. */
bool net_battery_isa_available(void);

#endif
