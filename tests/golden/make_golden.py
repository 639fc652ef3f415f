#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Golden values of networks and optimisers from PyTorch in double precision, for tests/test_golden.c.

    python3 tests/golden/make_golden.py [folder]

writes networks.json and updates.json into the folder, by default that of this script. Needs PyTorch; its version is the
first entry of each file. Inputs and initial parameters are rounded to four decimals, results are printed so that they
read back as they were. Everything is seeded: the same version of PyTorch on the same machine writes the same files.

A network has the input shape `in` (channels, height, width), `layers` as include/costate/chain.h names them, `n`
samples `x`, parameters `p` in the order of torch's own modules, a loss with `target` or `label`, and from autograd the
output `y`, the loss `value`, its derivatives `v` = d value/d y, `pbar` = d value/d p and `xbar` = d value/d x. Where it
has `train`, N_STEP steps of torch.optim over the whole batch follow: the loss before each, the parameters after the
last.

An update has its options as include/costate/update.h names them, parameters `p`, the gradients of N_STEP steps, and the
parameters after each in `path`. What is what in torch.optim, with eps, betas and lr the same:

    descent    SGD(lr)
    momentum   SGD(lr, momentum=mu): its buffer is -v/lr at a constant rate
    nesterov   SGD(lr, momentum=mu, nesterov=True): the same buffer
    rmsprop    RMSprop(lr, alpha=rho, eps)
    adagrad    Adagrad(lr, eps)
    adam       Adam(lr, betas, eps)
    adamw      AdamW(lr, betas, eps, weight_decay=decay)
    l2         weight_decay = 2 l2 (all but AdamW): the penalty is l2 times the sum of squares
    clip_value torch.nn.utils.clip_grad_value_

Losses are torch's own but for the hinge, which torch has not in this form. Those of single outputs are summed over all
outputs, or averaged with the weights of the samples.
"""
import json
import math
import pathlib
import sys
import textwrap

import torch
from torch import nn
from torch.nn import functional

SEED = 20
N_STEP = 10
DECIMALS = 4

ACTIVATIONS = {
    "identity": lambda z: z,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "relu": torch.relu,
    "leaky_relu": lambda z: functional.leaky_relu(z, 0.01),
    "elu": functional.elu,
    "softplus": functional.softplus,
    "gelu": functional.gelu,
    "gelu_tanh": lambda z: functional.gelu(z, approximate="tanh"),
    "silu": functional.silu,
    "sin": torch.sin,
    "cube": lambda z: z**3,
    "gaussian": lambda z: torch.exp(-z * z),
}


class Layer(nn.Module):
    """A torch module between values of shape (sample, channel, height, width)."""

    def __init__(self, spec, shape):
        super().__init__()
        self.spec = spec
        self.inner = getattr(self, "make_" + spec["kind"], lambda *_: nn.Identity())(spec, shape)
        self.act = ACTIVATIONS[spec.get("act", "identity")]

    def forward(self, x):
        return self.act(getattr(self, "run_" + self.spec["kind"])(x))

    @staticmethod
    def make_dense(spec, shape):
        return nn.Linear(math.prod(shape), spec["n_out"], bias=not spec.get("no_bias", False))

    def run_dense(self, x):
        return self.inner(x.flatten(1))[:, :, None, None]

    @staticmethod
    def make_conv2d(spec, shape):
        return nn.Conv2d(shape[0], spec["n_out"], spec["kernel"], spec.get("stride", 1), spec.get("padding", 0),
                         bias=not spec.get("no_bias", False))

    def run_conv2d(self, x):
        return self.inner(x)

    @staticmethod
    def make_conv1d(spec, shape):
        return nn.Conv1d(shape[0], spec["n_out"], spec["kernel"][1], spec.get("stride", [1, 1])[1],
                         spec.get("padding", [0, 0])[1], bias=not spec.get("no_bias", False))

    def run_conv1d(self, x):
        return self.inner(x[:, :, 0])[:, :, None]

    @staticmethod
    def make_max_pool(spec, _):
        return nn.MaxPool2d(spec["kernel"], spec.get("stride"), spec.get("padding", 0))

    def run_max_pool(self, x):
        return self.inner(x)

    def run_flatten(self, x):
        return x.flatten(1)[:, :, None, None]

    def run_permute(self, x):
        return x.permute(0, *(1 + axis for axis in self.spec["order"]))

    def run_dropout(self, x):
        return functional.dropout(x, self.spec["rate"], training=False)

    @staticmethod
    def make_embedding(spec, _):
        return nn.Embedding(spec["n_in"], spec["n_out"])

    def run_embedding(self, x):
        return self.inner(x[:, 0].long()).movedim(-1, 1)

    @staticmethod
    def make_rbf(spec, shape):
        n_in = math.prod(shape)
        return nn.ParameterList([torch.randn(spec["n_out"], n_in), 0.5 + torch.rand(spec["n_out"])])

    def run_rbf(self, x):
        centres, inverse_widths = self.inner
        distances = x.flatten(1)[:, None] - centres[None]
        return torch.exp(-(inverse_widths**2) * distances.square().sum(2))[:, :, None, None]

    def run_recurrent(self, x):
        out = self.inner(x[:, :, 0].transpose(1, 2))[0]
        return out.transpose(1, 2)[:, :, None] if self.spec.get("whole_sequence") else out[:, -1, :, None, None]

    @staticmethod
    def make_rnn(spec, shape, kind=nn.RNN):
        return kind(shape[0], spec["n_out"], batch_first=True, bias=not spec.get("no_bias", False))

    def make_gru(self, spec, shape):
        return self.make_rnn(spec, shape, nn.GRU)

    def make_lstm(self, spec, shape):
        return self.make_rnn(spec, shape, nn.LSTM)

    run_rnn = run_gru = run_lstm = run_recurrent


def build(shape, specs):
    """The layers one after the other; every parameter rounded."""
    layers = []
    x = torch.zeros(1, *shape)
    for spec in specs:
        layers.append(Layer(spec, tuple(x.shape[1:])))
        x = layers[-1](x).detach()
    model = nn.Sequential(*layers)
    with torch.no_grad():
        for p in model.parameters():
            p.copy_(p.round(decimals=DECIMALS))
    return model


def loss_value(spec, y, answer, weight):
    """The loss over a batch, y being (sample, output)."""
    kind = spec["kind"]
    if kind == "softmax":
        terms = functional.cross_entropy(y, answer, reduction="none")[:, None]
    elif kind == "squared":
        terms = functional.mse_loss(y, answer, reduction="none")
    elif kind == "absolute":
        terms = functional.l1_loss(y, answer, reduction="none")
    elif kind == "huber":
        terms = functional.huber_loss(y, answer, reduction="none", delta=spec["delta"])
    elif kind == "hinge":
        terms = torch.clamp(1 - answer * y, min=0)
    elif kind == "logistic":
        terms = functional.binary_cross_entropy_with_logits(y, answer, reduction="none")
    else:
        raise ValueError(kind)
    total = (weight[:, None] * terms).sum()
    return total if spec["reduction"] == "sum" else total / (weight.sum() * terms.shape[1])


def draw_answers(kind, n, n_out):
    if kind == "softmax":
        return torch.randint(n_out, (n,))
    if kind == "hinge":
        return 2.0 * torch.randint(2, (n, n_out)) - 1.0
    if kind == "logistic":
        return torch.rand(n, n_out).round(decimals=DECIMALS)
    return torch.randn(n, n_out).round(decimals=DECIMALS)


def flat(tensors):
    return [number for tensor in tensors for number in tensor.detach().flatten().tolist()]


def optimiser(kind, options, parameters):
    """torch.optim's object for options named as in update.h."""
    rate = options["rate"]
    penalty = 2 * options.get("l2", 0.0)
    if kind in ("descent", "momentum", "nesterov"):
        return torch.optim.SGD(parameters, rate, momentum=options.get("momentum", 0.0), nesterov=kind == "nesterov",
                               weight_decay=penalty)
    if kind == "rmsprop":
        return torch.optim.RMSprop(parameters, rate, alpha=options["rho"], eps=options["epsilon"], weight_decay=penalty)
    if kind == "adagrad":
        return torch.optim.Adagrad(parameters, rate, eps=options["epsilon"], weight_decay=penalty)
    betas = (options["beta1"], options["beta2"])
    if kind == "adam":
        return torch.optim.Adam(parameters, rate, betas, options["epsilon"], weight_decay=penalty)
    return torch.optim.AdamW(parameters, rate, betas, options["epsilon"], weight_decay=options["decay"])


def network(name, shape, layers, n, loss, n_word=None, weighted=False, train=None):
    torch.manual_seed(SEED)
    model = build(shape, layers)
    x = torch.randint(n_word, (n, *shape)).double() if n_word else torch.randn(n, *shape).round(decimals=DECIMALS)
    x.requires_grad_(not n_word)
    case = {"name": name, "in": list(shape), "layers": layers, "n": n, "loss": loss, "p": flat(model.parameters()),
            "x": flat([x])}
    y = model(x).flatten(1)
    y.retain_grad()
    answer = draw_answers(loss["kind"], n, y.shape[1])
    weight = (0.5 + torch.rand(n)).round(decimals=DECIMALS) if weighted else torch.ones(n)
    case["label" if loss["kind"] == "softmax" else "target"] = flat([answer])
    if weighted:
        case["weight"] = flat([weight])
    value = loss_value(loss, y, answer, weight)
    value.backward()
    case |= {"y": flat([y]), "value": value.item(), "v": flat([y.grad]),
             "pbar": flat([p.grad for p in model.parameters()])}
    if not n_word:
        case["xbar"] = flat([x.grad])
    if loss["kind"] == "softmax":
        case["n_right"] = int((y.argmax(1) == answer).sum())
    if train:
        steps = optimiser(train["kind"], train["options"], model.parameters())
        values = []
        for _ in range(N_STEP):
            steps.zero_grad()
            value = loss_value(loss, model(x.detach()).flatten(1), answer, weight)
            value.backward()
            steps.step()
            values.append(value.item())
        case["train"] = train | {"value": values, "p": flat(model.parameters())}
    return case


ADAM = {"rate": 0.02, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8}


def loss_of(kind, reduction="mean", **more):
    return {"kind": kind, "reduction": reduction, **more}


def conv(kind, n_out, kernel, act="identity", **more):
    return {"kind": kind, "n_out": n_out, "kernel": kernel, "act": act, **more}


def dense(n_out, act="identity", **more):
    return {"kind": "dense", "n_out": n_out, "act": act, **more}


def pool(kernel, **more):
    return {"kind": "max_pool", "kernel": kernel, **more}


def dense_networks():
    for act in ACTIVATIONS:
        yield network(f"mlp {act}", (3, 1, 1), [dense(5, act), dense(4, act), dense(2)], 9, loss_of("squared"))
    yield network("mlp without biases", (4, 1, 1), [dense(5, "tanh", no_bias=True), dense(2, no_bias=True)], 5,
                  loss_of("squared"))
    yield network("mlp trained", (4, 1, 1), [dense(6, "tanh"), dense(3)], 37, loss_of("softmax"),
                  train={"kind": "adam", "options": ADAM})
    yield network("rbf", (3, 1, 1), [{"kind": "rbf", "n_out": 5}, dense(2)], 7, loss_of("squared"))
    yield network("dropout at rest", (3, 1, 1), [dense(5, "tanh"), {"kind": "dropout", "rate": 0.4}, dense(2)], 4,
                  loss_of("squared"))


def loss_networks():
    for kind, more in (("squared", {}), ("absolute", {}), ("huber", {"delta": 0.7}), ("hinge", {}), ("logistic", {}),
                       ("softmax", {})):
        for reduction, weighted in (("sum", False), ("mean", False), ("mean", True)):
            name = f"loss {kind} {reduction}" + (" weighted" if weighted else "")
            yield network(name, (2, 1, 1), [dense(3)], 7, loss_of(kind, reduction, **more), weighted=weighted)


def image_networks():
    lenet = [conv("conv2d", 2, [3, 3], "relu"), pool([2, 2]), conv("conv2d", 3, [3, 3], "relu"), pool([2, 2]),
             {"kind": "flatten"}, dense(6, "relu"), dense(5, "relu"), dense(4)]
    yield network("lenet", (1, 10, 10), lenet, 5, loss_of("softmax"),
                  train={"kind": "adam", "options": ADAM})
    padded = [conv("conv2d", 3, [3, 3], "tanh", padding=[1, 1]),
              conv("conv2d", 2, [3, 2], "silu", stride=[2, 1], padding=[0, 1]),
              conv("conv2d", 2, [2, 3], "gelu", stride=[1, 2], padding=[1, 2], no_bias=True),
              pool([3, 2], stride=[1, 2], padding=[1, 0]), dense(3)]
    yield network("padded and strided", (2, 7, 6), padded, 5, loss_of("softmax"))


def sequence_networks():
    words = {"kind": "embedding", "n_in": 11, "n_out": 4}
    logistic = loss_of("logistic")
    yield network("text by conv1d", (1, 1, 9), [words, conv("conv1d", 3, [1, 3], "relu"), pool([1, 3]),
                                                {"kind": "permute", "order": [2, 0, 1]}, {"kind": "flatten"}, dense(1)],
                  8, logistic, n_word=11)
    yield network("text by conv2d", (1, 1, 8), [words, {"kind": "permute", "order": [1, 0, 2]},
                                                conv("conv2d", 3, [4, 3], "relu"), pool([1, 6]), dense(1)],
                  8, logistic, n_word=11)
    yield network("conv1d", (3, 1, 10), [conv("conv1d", 4, [1, 4], "tanh", stride=[1, 2], padding=[0, 3]),
                                         conv("conv1d", 2, [1, 2], "elu", no_bias=True), dense(2)], 5, logistic)
    yield network("permute", (2, 3, 4), [{"kind": "permute", "order": [1, 2, 0]}, conv("conv2d", 2, [2, 2], "tanh"),
                                         {"kind": "permute", "order": [2, 1, 0]}, dense(2)], 3, loss_of("squared"))
    for kind in ("rnn", "gru", "lstm"):
        cell = {"kind": kind, "n_out": 4}
        whole = cell | {"whole_sequence": True}
        yield network(f"{kind} last", (3, 1, 6), [cell, dense(2)], 5, loss_of("squared"))
        yield network(f"{kind} whole", (3, 1, 5), [whole], 5, loss_of("squared"))
        yield network(f"{kind} twice", (2, 1, 4), [whole, cell | {"n_out": 3, "no_bias": True}, dense(1)], 19, logistic)
    yield network("lstm trained", (2, 1, 7), [{"kind": "lstm", "n_out": 3}, dense(1)], 6, logistic,
                  train={"kind": "momentum", "options": {"rate": 0.1, "momentum": 0.9}})


def update(name, kind, n=5, **options):
    torch.manual_seed(SEED)
    p = torch.randn(n).round(decimals=DECIMALS).requires_grad_()
    gradients = torch.randn(N_STEP, n).round(decimals=DECIMALS)
    case = {"name": name, "kind": kind, "options": options, "p": flat([p]), "gradient": flat([gradients])}
    steps = optimiser(kind, options, [p])
    path = []
    for gradient in gradients:
        p.grad = gradient.clone()
        if "clip_value" in options:
            nn.utils.clip_grad_value_([p], options["clip_value"])
        steps.step()
        path.append(p.detach().clone())
    return case | {"path": flat(path)}


def updates():
    yield update("descent", "descent", rate=0.05)
    yield update("descent, clipped", "descent", rate=0.05, clip_value=0.5)
    yield update("descent with a penalty", "descent", rate=0.05, l2=0.15)
    yield update("momentum", "momentum", rate=0.03, momentum=0.8)
    yield update("nesterov", "nesterov", rate=0.03, momentum=0.8)
    yield update("rmsprop", "rmsprop", rate=0.01, rho=0.95, epsilon=1e-6)
    yield update("adagrad", "adagrad", rate=0.1, epsilon=1e-7)
    yield update("adam", "adam", rate=0.02, beta1=0.85, beta2=0.99, epsilon=1e-7)
    yield update("adam with a penalty", "adam", rate=0.02, beta1=0.9, beta2=0.999, epsilon=1e-8, l2=0.05)
    yield update("adamw", "adamw", rate=0.02, beta1=0.9, beta2=0.995, epsilon=1e-8, decay=0.1)


def text_of(value):
    """JSON of one entry, long lists over several lines."""
    text = json.dumps(value)
    if not isinstance(value, list) or len(text) < 100:
        return text
    return "\n" + textwrap.fill(text, 120, initial_indent="  ", subsequent_indent="  ", break_long_words=False,
                                break_on_hyphens=False)


def write(path, cases):
    blocks = []
    for case in cases:
        lines = [f'{json.dumps(key)}: {text_of(value)}' for key, value in case.items() if key != "train"]
        if "train" in case:
            train = ",\n".join(f'{json.dumps(key)}: {text_of(value)}' for key, value in case["train"].items())
            lines.append(f'"train": {{\n{train}}}')
        blocks.append("{" + ",\n".join(lines) + "}")
    text = f'{{"torch": {json.dumps(torch.__version__)},\n"cases": [\n' + ",\n\n".join(blocks) + "\n]}\n"
    json.loads(text)
    path.write_text(text)
    print(f"{path.name}: {len(blocks)} cases, {len(text)} bytes")


def main():
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(1)
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else __file__).resolve()
    folder = folder if folder.is_dir() else folder.parent
    write(folder / "networks.json", [*dense_networks(), *loss_networks(), *image_networks(), *sequence_networks()])
    write(folder / "updates.json", list(updates()))


if __name__ == "__main__":
    main()
