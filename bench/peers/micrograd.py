# SPDX-License-Identifier: MIT
"""Trains a classifier of two moons by a scalar reverse-mode graph in pure Python: seconds of one trial, last loss."""
import argparse
import json
import pathlib
import time

STEPS = 100
PENALTY = 1e-4


class Node:
    """One operation: its value, its operands, and the derivatives with respect to them."""

    __slots__ = ("value", "grad", "operands", "partials")

    def __init__(self, value, operands=(), partials=()):
        self.value = value
        self.grad = 0.0
        self.operands = operands
        self.partials = partials

    def __add__(self, other):
        return Node(self.value + other.value, (self, other), (1.0, 1.0))

    def __mul__(self, other):
        return Node(self.value * other.value, (self, other), (other.value, self.value))

    def scaled(self, factor, shift=0.0):
        return Node(factor * self.value + shift, (self,), (factor,))

    def relu(self):
        on = self.value > 0.0
        return Node(self.value if on else 0.0, (self,), (1.0 if on else 0.0,))

    def backward(self):
        """Adds the derivative of this node to the grad of everything it depends on; post-order without recursion."""
        order = []
        seen = {self}
        stack = [(self, iter(self.operands))]
        while stack:
            node, rest = stack[-1]
            for operand in rest:
                if operand not in seen:
                    seen.add(operand)
                    stack.append((operand, iter(operand.operands)))
                    break
            else:
                order.append(node)
                stack.pop()
        self.grad = 1.0
        for node in reversed(order):
            for operand, partial in zip(node.operands, node.partials):
                operand.grad += partial * node.grad


def score(layers, point):
    units = [Node(x) for x in point]
    for k, (weights, biases) in enumerate(layers):
        outputs = []
        for row, total in zip(weights, biases):
            for weight, unit in zip(row, units):
                total = total + weight * unit
            outputs.append(total.relu() if k + 1 < len(layers) else total)
        units = outputs
    return units[0]


def loss_of(layers, parameters, points, labels):
    hinge = Node(0.0)
    for point, label in zip(points, labels):
        hinge = hinge + score(layers, point).scaled(-label, 1.0).relu()
    squares = Node(0.0)
    for parameter in parameters:
        squares = squares + parameter * parameter
    return hinge.scaled(1.0 / len(points)) + squares.scaled(PENALTY)


def train(layers, points, labels):
    parameters = [p for weights, biases in layers for row in [*weights, biases] for p in row]
    for step in range(STEPS):
        loss = loss_of(layers, parameters, points, labels)
        for parameter in parameters:
            parameter.grad = 0.0
        loss.backward()
        rate = 1.0 - 0.9 * step / STEPS
        for parameter in parameters:
            parameter.value -= rate * parameter.grad
    return loss.value


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=pathlib.Path, required=True, help="folder with moons/*.json")
    parser.add_argument("--widths", required=True, help="for example 2-8-1")
    parser.add_argument("--points", type=int, required=True)
    arguments = parser.parse_args()
    folder = arguments.data / "moons"
    moons = json.loads((folder / f"moons_{arguments.points}.json").read_text())
    stored = json.loads((folder / f"weights_{arguments.widths.replace('-', '_')}.json").read_text())
    layers = [
        ([[Node(w) for w in row] for row in layer["weights"]], [Node(b) for b in layer["biases"]])
        for layer in stored["layers"]
    ]
    start = time.perf_counter()
    loss = train(layers, moons["X"], moons["y"])
    seconds = time.perf_counter() - start
    group = f"micrograd,REAL {arguments.widths} n={arguments.points},scalar graph in Python (one trial)"
    print(f"{group},{seconds:.9g},s")
    print(f"{group},{loss!r},last_loss", flush=True)


if __name__ == "__main__":
    main()
