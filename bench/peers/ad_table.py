# SPDX-License-Identifier: MIT
"""Value and gradient of the differentiation table's functions by PyTorch, in double precision on one thread."""
import argparse
import os
import statistics
import sys
import time

os.environ["OMP_NUM_THREADS"] = "1"
try:
    import torch
except ImportError as error:
    print(f"# {error}", flush=True)
    sys.exit(77)

torch.set_num_threads(1)
torch.set_default_dtype(torch.float64)

ROUNDS = 11
STEPS = 500
LABEL = 3


def wave(n, scale):
    return scale * torch.sin(1.0 + 0.7 * torch.arange(n, dtype=torch.float64))


def sin_cos(x):
    return torch.sin(torch.cos(x))


def loop(x):
    r = torch.ones(())
    for _ in range(STEPS):
        r = r * torch.sin(x)
    return r


def log_sum_exp(x):
    return torch.logsumexp(x, 0)


def network(*widths):
    """The loss of one sample as a function of weights and biases, and these."""
    sample = 0.5 + 0.5 * torch.cos(0.3 * torch.arange(widths[0], dtype=torch.float64))
    label = torch.tensor(LABEL)
    sizes = [s for n_in, n_out in zip(widths, widths[1:]) for s in ((n_out, n_in), (n_out,))]
    flat = wave(sum(n_in * n_out + n_out for n_in, n_out in zip(widths, widths[1:])), 0.1)
    blocks = flat.split([torch.Size(size).numel() for size in sizes])

    def loss(*parameters):
        y = sample
        for k in range(0, len(parameters), 2):
            y = torch.relu(y) if k else y
            y = torch.nn.functional.linear(y, parameters[k], parameters[k + 1])
        return torch.nn.functional.cross_entropy(y, label)

    return loss, [block.reshape(size).clone() for block, size in zip(blocks, sizes)]


TASKS = {
    "SYNTHETIC sin(cos x)": lambda: (sin_cos, [torch.tensor(0.7)]),
    "SYNTHETIC r *= sin x 500 times": lambda: (loop, [torch.tensor(1.5)]),
    "SYNTHETIC log-sum-exp of 100": lambda: (log_sum_exp, [wave(100, 2.0)]),
    "SYNTHETIC logistic regression 10x784 one sample": lambda: network(784, 10),
    "SYNTHETIC softmax network 784-32-10 relu one sample": lambda: network(784, 32, 10),
    "SYNTHETIC softmax network 784-128-10 relu one sample": lambda: network(784, 128, 10),
}


def nanoseconds(run, seconds):
    """Median time of a call, over rounds of as many calls as take `seconds`."""

    def measure(n):
        start = time.perf_counter()
        for _ in range(n):
            run()
        return time.perf_counter() - start

    n = 1
    while measure(n) < seconds:
        n *= 2
    return 1e9 * statistics.median(measure(n) / n for _ in range(ROUNDS))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, required=True, help="least length of a timed round")
    parser.add_argument("shapes", nargs="+", choices=TASKS)
    arguments = parser.parse_args()
    for shape in arguments.shapes:
        function, inputs = TASKS[shape]()
        leaves = [x.clone().requires_grad_() for x in inputs]

        def primal(function=function, inputs=inputs):
            with torch.no_grad():
                return function(*inputs)

        def gradient(function=function, leaves=leaves):
            return torch.autograd.grad(function(*leaves), leaves)

        flat = torch.cat([g.flatten() for g in gradient()])
        square = torch.arange(len(flat), dtype=torch.float64) ** 2
        results = {
            "ns": nanoseconds(gradient, arguments.seconds),
            "ns_primal": nanoseconds(primal, arguments.seconds),
            "value": primal().item(),
            "projection": torch.dot(flat, torch.cos(square)).item(),
        }
        for unit, number in results.items():
            print(f"ad-table,{shape},PyTorch {torch.__version__},{number!r},{unit}", flush=True)


if __name__ == "__main__":
    main()
