# SPDX-License-Identifier: MIT
"""Trains the network of the comparison textcnn by PyTorch on random texts: seconds per epoch, from some batches."""
import argparse
import os
import resource
import sys
import time

BATCH = 64
MOST_TIMED = 150
EMBEDDING = 50


def network(words, tokens, frozen, torch):
    class TextNet(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.table = torch.nn.Embedding(words, EMBEDDING)
            self.table.weight.requires_grad = not frozen
            self.conv = torch.nn.Conv1d(EMBEDDING, 8, 3)
            self.out = torch.nn.Linear(8 * ((tokens - 2) // 8), 1)

        def forward(self, x):
            h = torch.relu(self.conv(self.table(x).transpose(1, 2)))
            return self.out(torch.nn.functional.max_pool1d(h, 8).flatten(1)).squeeze(1)

    return TextNet()


def train(model, optimiser, x, label, batches, torch):
    for batch in batches:
        optimiser.zero_grad()
        loss = torch.nn.functional.binary_cross_entropy_with_logits(model(x[batch]), label[batch])
        loss.backward()
        optimiser.step()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--table", choices=("frozen", "trained"), required=True)
    parser.add_argument("--words", type=int, required=True)
    parser.add_argument("--tokens", type=int, required=True)
    parser.add_argument("--texts", type=int, required=True)
    parser.add_argument("--shape", required=True, help="second field of the rows")
    arguments = parser.parse_args()
    try:
        import torch
    except ImportError as error:
        print(f"# textcnn.py: {error}", flush=True)
        sys.exit(77)
    torch.manual_seed(0)
    words, tokens, texts = arguments.words, arguments.tokens, arguments.texts
    ranks = torch.exp(torch.rand(texts, tokens) * torch.log(torch.tensor(float(words))))
    x = ranks.long().clamp(1, words - 1)
    label = torch.randint(0, 2, (texts,)).float()
    group = f"textcnn,{arguments.shape}"
    for threads in range(1, min(2, os.cpu_count() or 1) + 1):
        torch.set_num_threads(threads)
        model = network(words, tokens, arguments.table == "frozen", torch)
        optimiser = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], 1e-3)
        batches = torch.randperm(texts).split(BATCH)
        train(model, optimiser, x, label, batches[:10], torch)
        timed = batches[10:10 + MOST_TIMED]
        start = time.perf_counter()
        train(model, optimiser, x, label, timed, torch)
        seconds = (time.perf_counter() - start) * len(batches) / len(timed)
        variant = f"PyTorch {torch.__version__} on random texts ({threads} thread{'s' if threads > 1 else ''})"
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"{group},{variant},{1e9 * seconds:.9g},ns")
        print(f"{group},{variant},{peak:.9g},MiB_peak")
        print(f"# {variant}: {len(timed)} of {len(batches)} batches of random texts timed and scaled; "
              f"largest resident set {peak:.0f} MiB", flush=True)


if __name__ == "__main__":
    main()
