# SPDX-License-Identifier: MIT
"""The spiral gradient problem for the Python peers: parameters, data, known values, command line and timing."""

import argparse
import importlib
import math
import os
import statistics
import sys
import time

STATUS_SKIPPED = 77
HIDDEN = 50
N_PARAM = 5 * HIDDEN + 2
T_END = 1.5
KNOWN_N_T = 30
Y0 = (2.0, 0.0)

# Largest difference from the known values, relative, that a gradient at rtol 1e-10 may have.
AGREEMENT = 1e-6

# With 30 observations: the loss, elements of the parameter gradient, and the gradient of the initial state.
KNOWN_LOSS = 179.4993723660
KNOWN_GRADIENT = {0: -14.40600222, 100: -2.04799302, 150: 34.16885973, 251: 28.33705057}
KNOWN_Y0BAR = (95.575668426, 12.785918153)


# A call that takes longer is repeated less often.
SLOW_SECONDS = 0.05


def require(*names):
    """Imports the named packages on one CPU, or leaves with the status that means "skipped"."""
    # Not every package can be told to use one thread; all of them respect this.
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    try:
        return [importlib.import_module(name) for name in names]
    except ImportError as missing:
        print(f"# {missing}", flush=True)
        sys.exit(STATUS_SKIPPED)


def parse_arguments(description):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--observations", type=int, default=30, help="at equal intervals; 1 is the end alone")
    parser.add_argument("--rtol", default="1e-3,1e-6", help="tolerances, separated by commas; atol = rtol / 1000")
    parser.add_argument("--quick", action="store_true", help="few repetitions")
    arguments = parser.parse_args()
    arguments.rtol = [float(text) for text in arguments.rtol.split(",")]
    return arguments


def parameters():
    """p_k = 0.1 sin(1 + 0.7 k) in the order W1 (HIDDEN x 2), b1, W2 (2 x HIDDEN), b2, matrices row by row."""
    return [0.1 * math.sin(1.0 + 0.7 * k) for k in range(N_PARAM)]


def times(n):
    return [T_END * i / (n - 1) for i in range(n)] if n > 1 else [T_END]


def data(n):
    """The true spiral at times(n), by small fixed Runge-Kutta steps."""

    def field(y):
        a, b = y[0] ** 3, y[1] ** 3
        return (-0.1 * a - 2.0 * b, 2.0 * a - 0.1 * b)

    def moved(y, h, k):
        return (y[0] + h * k[0], y[1] + h * k[1])

    y, t, rows = Y0, 0.0, []
    for end in times(n):
        n_substep = math.ceil(15_000 * (end - t) / T_END)
        for _ in range(n_substep):
            h = (end - t) / n_substep
            k1 = field(y)
            k2 = field(moved(y, h / 2, k1))
            k3 = field(moved(y, h / 2, k2))
            k4 = field(moved(y, h, k3))
            y = tuple(y[i] + h / 6 * (k1[i] + 2 * k2[i] + 2 * k3[i] + k4[i]) for i in range(2))
        rows.append(y)
        t = end
    return rows


def check_known(method, n_t, loss, gradient):
    """Ends the program unless this gradient, (p, y0) as a flat list at a tight tolerance, is the known one."""
    if n_t != KNOWN_N_T:
        return
    pairs = [(loss, KNOWN_LOSS), *zip(gradient[N_PARAM:], KNOWN_Y0BAR)]
    pairs += [(gradient[k], value) for k, value in KNOWN_GRADIENT.items()]
    worst = max(abs(got / known - 1.0) for got, known in pairs)
    if not worst <= AGREEMENT:
        sys.exit(f"{method}: differs by {worst:.2e} from the known values (allowed: {AGREEMENT:.0e})")
    print(f"# {method}: known values reproduced to {worst:.1e}", flush=True)


def relative_error(gradient, reference):
    difference = math.sqrt(sum((a - b) ** 2 for a, b in zip(gradient, reference)))
    return difference / math.sqrt(sum(b * b for b in reference))


def time_calls(call, quick):
    """Seconds per call: (median, min, max) of repetitions that each last at least 10 ms, fewer when a call is slow."""
    n_round, min_seconds = (3, 1e-3) if quick else (7, 1e-2)
    n_call, sample = 1, []
    while True:
        start = time.perf_counter()
        for _ in range(n_call):
            call()
        elapsed = time.perf_counter() - start
        if elapsed >= min_seconds:
            break
        n_call *= 2
    if elapsed / n_call > SLOW_SECONDS:
        n_round = 3
    for _ in range(n_round):
        start = time.perf_counter()
        for _ in range(n_call):
            call()
        sample.append((time.perf_counter() - start) / n_call)
    return statistics.median(sample), min(sample), max(sample)


def write_row(n_t, method, rtol, value, unit):
    print(f"gradient,spiral-{N_PARAM}-obs{n_t},{method} rtol={rtol:.0e},{value:.9g},{unit}", flush=True)


def benchmark(method, arguments, make_gradient, as_lists, reference):
    """Verifies and times one method: as_lists(make_gradient(rtol)()) is (loss, gradient as a flat list)."""
    check_known(method, arguments.observations, *as_lists(make_gradient(1e-10)()))
    for rtol in arguments.rtol:
        gradient = make_gradient(rtol)
        error = relative_error(as_lists(gradient())[1], reference)
        median, low, high = time_calls(gradient, arguments.quick)
        write_row(arguments.observations, method, rtol, 1e9 * median, "ns")
        write_row(arguments.observations, method, rtol, 1e9 * low, "ns_min")
        write_row(arguments.observations, method, rtol, 1e9 * high, "ns_max")
        write_row(arguments.observations, method, rtol, error, "relative_error")
