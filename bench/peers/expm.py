# SPDX-License-Identifier: MIT
"""Times a step of training in PyTorch: 4 -> 32 tanh -> 16 tanh -> 4 in single precision, full batch, Adam."""
import argparse
import os
import statistics
import sys
import time

os.environ["OMP_NUM_THREADS"] = "2"
os.environ["OPENBLAS_NUM_THREADS"] = "1"
try:
    import torch
except ImportError:
    sys.exit(77)

ROUNDS = 11
ROUND_SECONDS = 0.1


def make_step(pairs):
    torch.manual_seed(1)
    x = torch.randn(pairs, 2, 2, dtype=torch.float64)
    y = torch.linalg.matrix_exp(x)
    x, y = (a.reshape(pairs, 4).float() for a in (x, y))
    model = torch.nn.Sequential(
        torch.nn.Linear(4, 32), torch.nn.Tanh(), torch.nn.Linear(32, 16), torch.nn.Tanh(), torch.nn.Linear(16, 4)
    )
    try:
        adam = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
    except (RuntimeError, TypeError):
        adam = torch.optim.Adam(model.parameters(), lr=1e-3)

    def step():
        adam.zero_grad(set_to_none=True)
        loss = torch.nn.functional.mse_loss(model(x), y)
        loss.backward()
        adam.step()
        return loss

    return step


def time_round(step, steps):
    start = time.perf_counter()
    for _ in range(steps):
        step()
    return time.perf_counter() - start


def median_seconds(step):
    steps = 1
    while time_round(step, steps) < ROUND_SECONDS:
        steps *= 2
    return statistics.median(time_round(step, steps) / steps for _ in range(ROUNDS))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shape", required=True, help="second field of the rows")
    parser.add_argument("--pairs", type=int, required=True)
    arguments = parser.parse_args()
    step = make_step(arguments.pairs)
    first = step().item()
    version = torch.__version__.split("+")[0]
    for threads in (1, 2):
        torch.set_num_threads(threads)
        seconds = median_seconds(step)
        name = f"PyTorch {version} {threads} thread{'s' if threads > 1 else ''}"
        print(f"expm,{arguments.shape},{name},{1e9 * seconds:.9g},ns", flush=True)
    if not step().item() < first:
        sys.exit("the loss did not fall")


if __name__ == "__main__":
    main()
