# SPDX-License-Identifier: MIT
"""The spiral gradient by torchdiffeq: dopri5 with the adjoint method and with back-propagation through the solver."""

import os

import spiral

os.environ["OMP_NUM_THREADS"] = "1"
torch, torchdiffeq = spiral.require("torch", "torchdiffeq")
torch.set_num_threads(1)
torch.set_default_dtype(torch.float64)


MAX_ADJOINT_N_T = 100


class Field(torch.nn.Module):
    """The network on y^3 as a right-hand side."""

    def __init__(self):
        super().__init__()
        h = spiral.HIDDEN
        self.first = torch.nn.Linear(2, h)
        self.second = torch.nn.Linear(h, 2)
        blocks = torch.tensor(spiral.parameters()).split((2 * h, h, 2 * h, 2))
        with torch.no_grad():
            for target, block in zip(self.parameters(), blocks):
                target.copy_(block.reshape(target.shape))

    def forward(self, _t, y):
        return self.second(torch.tanh(self.first(y**3)))


def make_gradient(n_t, integrate, solver, rtol):
    """A function of nothing that returns the loss and the gradients left in the tensors."""
    times, rows = spiral.times(n_t), spiral.data(n_t)
    # The first time given to odeint is that of the initial state.
    has_start = times[0] == 0.0
    grid = torch.tensor(times if has_start else [0.0, *times])
    rows = torch.tensor(rows)
    field = Field()
    y0 = torch.tensor(spiral.Y0, requires_grad=True)
    tensors = [*field.parameters(), y0]

    def gradient():
        for tensor in tensors:
            tensor.grad = None
        y = integrate(field, y0, grid, rtol=rtol, atol=1e-3 * rtol, method=solver)
        loss = ((y if has_start else y[1:]) - rows).square().sum()
        loss.backward()
        return loss.detach(), [tensor.grad for tensor in tensors]

    gradient()
    return gradient


def as_lists(result):
    loss, grads = result
    return float(loss), torch.cat([grad.flatten() for grad in grads]).tolist()


def main():
    arguments = spiral.parse_arguments(__doc__)
    loss, reference = as_lists(make_gradient(arguments.observations, torchdiffeq.odeint, "dopri8", 1e-12)())
    spiral.check_known("torchdiffeq dopri8 rtol=1e-12", arguments.observations, loss, reference)
    for method, integrate in (("backprop", torchdiffeq.odeint), ("adjoint", torchdiffeq.odeint_adjoint)):
        if method == "adjoint" and arguments.observations > MAX_ADJOINT_N_T:
            print("# torchdiffeq adjoint: not run, it solves backwards once per observation", flush=True)
            continue

        def gradient(rtol, integrate=integrate):
            return make_gradient(arguments.observations, integrate, "dopri5", rtol)

        spiral.benchmark(f"torchdiffeq dopri5 {method}", arguments, gradient, as_lists, reference)


if __name__ == "__main__":
    main()
