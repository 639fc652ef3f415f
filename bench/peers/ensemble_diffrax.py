# SPDX-License-Identifier: MIT
"""The gradient over many short trajectories by diffrax: Tsit5, vmap over the trajectories, compiled."""

import argparse
import math
import os

import spiral

os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
os.environ["JAX_PLATFORMS"] = "cpu"
os.environ["OMP_NUM_THREADS"] = "1"
jax, diffrax = spiral.require("jax", "diffrax")
jax.config.update("jax_enable_x64", True)
jnp = jax.numpy

N_T = 5
HIDDEN = 5


def field(_, y, p):
    w1, b1, w2, b2 = p[:HIDDEN], p[HIDDEN : 2 * HIDDEN], p[2 * HIDDEN : 3 * HIDDEN], p[3 * HIDDEN]
    return (w2 @ jnp.tanh(w1 * y[0] + b1) + b2)[None]


def problem(n):
    """Parameters, initial states, times and data as in short_trajectories.c."""
    index = jnp.arange(n, dtype=jnp.float64)
    length = 0.5 + 1.5 * jnp.fmod(0.6180339887498949 * index, 1.0)
    y0 = -2.0 + 4.0 * jnp.fmod(0.7548776662466927 * index, 1.0)
    times = length[:, None] * (jnp.arange(N_T, dtype=jnp.float64) + 1.0) / N_T
    p = jnp.array([0.8 * math.sin(1.0 + 0.7 * k) for k in range(3 * HIDDEN + 1)])
    return p, y0, times, y0[:, None] * jnp.exp(-times)


def compile_gradient(times, data, rtol):
    def trajectory_loss(p, y0, times, data):
        solution = diffrax.diffeqsolve(
            diffrax.ODETerm(field),
            diffrax.Tsit5(),
            0.0,
            times[-1],
            None,
            y0[None],
            args=p,
            saveat=diffrax.SaveAt(ts=times),
            stepsize_controller=diffrax.PIDController(rtol=rtol, atol=1e-3 * rtol),
            adjoint=diffrax.RecursiveCheckpointAdjoint(),
            max_steps=256,
        )
        return jnp.sum((solution.ys[:, 0] - data) ** 2)

    def loss(p, y0):
        return jnp.sum(jax.vmap(trajectory_loss, in_axes=(None, 0, 0, 0))(p, y0, times, data))

    return jax.jit(jax.value_and_grad(loss, argnums=(0, 1)))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trajectories", type=int, default=10000)
    parser.add_argument("--rtol", type=float, default=1e-6)
    parser.add_argument("--shape", default="net-1-5-1")
    arguments = parser.parse_args()
    p, y0, times, data = problem(arguments.trajectories)
    gradient = compile_gradient(times, data, arguments.rtol)
    loss, (pbar, _) = jax.block_until_ready(gradient(p, y0))

    def row(value, unit):
        print(f"ensemble,{arguments.shape},diffrax tsit5 vmap,{float(value):.12g},{unit}", flush=True)

    row(loss, "loss")
    row(jnp.linalg.norm(pbar), "gradient_norm")
    median, low, high = spiral.time_calls(lambda: jax.block_until_ready(gradient(p, y0)), False)
    row(1e9 * median, "ns")
    row(1e9 * low, "ns_min")
    row(1e9 * high, "ns_max")


if __name__ == "__main__":
    main()
