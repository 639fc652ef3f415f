# SPDX-License-Identifier: MIT
"""The spiral gradient by diffrax: Tsit5, compiled, with its default discrete adjoint and with the backsolve adjoint."""

import os

import spiral

os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
os.environ["JAX_PLATFORMS"] = "cpu"
os.environ["OMP_NUM_THREADS"] = "1"
jax, diffrax = spiral.require("jax", "diffrax")
jax.config.update("jax_enable_x64", True)
jnp = jax.numpy


def field(_, y, p):
    h = spiral.HIDDEN
    w1, b1 = p[: 2 * h].reshape(h, 2), p[2 * h : 3 * h]
    w2, b2 = p[3 * h : 5 * h].reshape(2, h), p[5 * h :]
    return w2 @ jnp.tanh(w1 @ y**3 + b1) + b2


def compile_gradient(n_t, solver, make_adjoint):
    """A function of rtol: a function of nothing that returns the loss and its gradient as device arrays."""
    times, rows = jnp.array(spiral.times(n_t)), jnp.array(spiral.data(n_t))

    def loss(p, y0, rtol):
        solution = diffrax.diffeqsolve(
            diffrax.ODETerm(field),
            solver,
            0.0,
            1.5,
            None,
            y0,
            args=p,
            saveat=diffrax.SaveAt(ts=times),
            stepsize_controller=diffrax.PIDController(rtol=rtol, atol=1e-3 * rtol),
            adjoint=make_adjoint(solver, rtol),
            max_steps=100_000,
        )
        return jnp.sum((solution.ys - rows) ** 2)

    compiled = jax.jit(jax.value_and_grad(loss, argnums=(0, 1)))
    p, y0 = jnp.array(spiral.parameters()), jnp.array(spiral.Y0)
    return lambda rtol: lambda: jax.block_until_ready(compiled(p, y0, rtol))


def as_lists(result):
    loss, (pbar, y0bar) = result
    return float(loss), [*pbar.tolist(), *y0bar.tolist()]


def discrete(_solver, _rtol):
    return diffrax.RecursiveCheckpointAdjoint()


def backsolve(solver, rtol):
    controller = diffrax.PIDController(rtol=rtol, atol=1e-3 * rtol)
    return diffrax.BacksolveAdjoint(solver=solver, stepsize_controller=controller)


def main():
    arguments = spiral.parse_arguments(__doc__)
    tight = compile_gradient(arguments.observations, diffrax.Dopri8(), discrete)(1e-12)
    loss, reference = as_lists(tight())
    spiral.check_known("diffrax Dopri8 rtol=1e-12", arguments.observations, loss, reference)
    for method, make_adjoint in (("diffrax tsit5 discrete", discrete), ("diffrax tsit5 backsolve", backsolve)):
        gradient = compile_gradient(arguments.observations, diffrax.Tsit5(), make_adjoint)
        spiral.benchmark(method, arguments, gradient, as_lists, reference)


if __name__ == "__main__":
    main()
