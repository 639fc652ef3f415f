# SPDX-License-Identifier: MIT
"""Trains the networks of the comparison lenet5 by PyTorch: seconds per 60 000 images, from passes over 10 000."""
import argparse
import gzip
import os
import pathlib
import statistics
import sys
import time

IMAGES = 60000
TIMED = 10000
BATCH = 128
ROUNDS = 3


def content(folder, name):
    """Bytes of a file that may be packed; None without it."""
    for path, opener in ((folder / name, open), (folder / f"{name}.gz", gzip.open)):
        if path.exists():
            with opener(path, "rb") as file:
                return file.read()
    return None


def real_digits(folder):
    """Images and labels of the IDX files that are there, as bytes; None without them."""
    for stem in ("train", "t10k"):
        images, labels = (content(folder / "mnist", f"{stem}-{what}-ubyte") for what in ("images-idx3", "labels-idx1"))
        if images and labels:
            return images[16:], labels[8:]
    return None


def data(folder, torch):
    digits = real_digits(folder)
    if digits is None:
        return "SYNTHETIC", torch.rand(10000, 1, 28, 28), torch.randint(0, 10, (10000,))
    images, labels = (torch.frombuffer(bytearray(content), dtype=torch.uint8) for content in digits)
    return "REAL", images.reshape(-1, 1, 28, 28).float() / 255.0, labels.long()


def network(name, nn):
    if name == "lenet5":
        return nn.Sequential(
            nn.Conv2d(1, 6, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(), nn.Linear(256, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10))
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(),
        nn.MaxPool2d(2), nn.Conv2d(32, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(288, 10))


def one_pass(model, optimiser, x, label, torch):
    order = torch.randperm(len(x))
    for batch in order.split(BATCH):
        optimiser.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(x[batch]), label[batch])
        loss.backward()
        optimiser.step()


def seconds_per_epoch(name, x, label, torch):
    model = network(name, torch.nn)
    optimiser = torch.optim.Adam(model.parameters(), 3e-4)
    one_pass(model, optimiser, x[: 8 * BATCH], label[: 8 * BATCH], torch)
    n = min(TIMED, len(x))
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        one_pass(model, optimiser, x[:n], label[:n], torch)
        times.append(time.perf_counter() - start)
    return statistics.median(times) * IMAGES / n


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=pathlib.Path, required=True, help="folder with mnist/*-ubyte")
    parser.add_argument("--shape", required=True, help="second field of the rows")
    parser.add_argument("--net", choices=("lenet5", "padded-16-32-32"), required=True)
    arguments = parser.parse_args()
    try:
        import torch
    except ImportError as error:
        print(f"# lenet5.py: {error}", flush=True)
        sys.exit(77)
    torch.manual_seed(0)
    print(f"# lenet5.py: median of {ROUNDS} passes over at most {TIMED} images, scaled to {IMAGES}", flush=True)
    kind, x, label = data(arguments.data, torch)
    if not arguments.shape.startswith(kind):
        sys.exit(f"lenet5.py: the data are {kind}")
    for threads in range(1, min(2, os.cpu_count() or 1) + 1):
        torch.set_num_threads(threads)
        seconds = seconds_per_epoch(arguments.net, x, label, torch)
        variant = f"PyTorch {torch.__version__} ({threads} thread{'s' if threads > 1 else ''})"
        print(f"lenet5,{arguments.shape},{variant},{1e9 * seconds:.9g},ns", flush=True)


if __name__ == "__main__":
    main()
