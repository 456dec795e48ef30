"""A training step of the digits network beside the same step by hand in NumPy.

The network is 784-16-16-10 with sigmoids, in float32; the step is forward, cost, zero_grad,
backward, and SGD. A second table times a chain of 20 elementwise operations on 8 numbers, where
an operation is all overhead. All contenders first have to end at the same parameters.

The BLAS runs on one thread; OPENBLAS_NUM_THREADS=2 in the environment says otherwise.
"""

import argparse
import os
from collections.abc import Callable, Sequence
from itertools import pairwise
from statistics import median
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # is read once, when NumPy is imported

import numpy as np

import nn
import optim
from autograd_mini import Tensor
from benchmarks.by_hand import Array, Contender, plain, tuned
from benchmarks.interleaved import Times, interleave, ratio

SIZES = (784, 16, 16, 10)
BATCHES = (1, 32, 256)
LR = 0.1

# The most that a step may cost, as a ratio to the tuned one, by batch size.
STEP_GOALS = {1: 2.8, 32: 1.9, 256: 1.4}
# The most that an operation of the chain may cost, as a ratio to the bare NumPy call.
CHAIN_GOALS = {"forward": 3.0, "forward and backward": 9.0}
CHAIN_LENGTH = 20


def engine(initial: Sequence[Array], lr: float) -> Contender:
    """Return the step as a user of this library writes it."""
    layers = [nn.Linear(*sizes) for sizes in pairwise(SIZES)]
    model = nn.Sequential(*(part for layer in layers for part in (layer, nn.Sigmoid())))
    params = list(model.parameters())
    for p, value in zip(params, initial, strict=True):
        p.data = value.copy()
    criterion = nn.MSELoss(reduction="batchmean")
    optimizer = optim.SGD(params, lr=lr)

    def step(x: Tensor, y: Tensor) -> Any:
        cost = criterion(model(x), y)
        optimizer.zero_grad()
        cost.backward()
        optimizer.step()
        return cost

    return Contender(step, lambda: [p.data for p in params], own=Tensor)


def contenders(batch: int, dtype: Any) -> dict[str, Contender]:
    """Return the three ways to train, from the same start."""
    rng = np.random.default_rng(0)
    initial: list[Array] = []
    for inputs, outputs in pairwise(SIZES):
        initial.append((rng.standard_normal((outputs, inputs)) / np.sqrt(inputs)).astype(dtype))
        initial.append(rng.standard_normal(outputs).astype(dtype))
    return {
        "plain": plain(initial, LR),
        "tuned": tuned(initial, LR, batch),
        "autograd_mini": engine(initial, LR),
    }


def batches(batch: int, dtype: Any) -> list[tuple[Array, Array]]:
    """Return four batches like the digits: grey values, a fifth of them not black, and labels."""
    rng = np.random.default_rng(1)
    grey = rng.random((4, batch, SIZES[0])) * (rng.random((4, batch, SIZES[0])) < 1 / 5)
    wanted = np.eye(SIZES[-1])[rng.integers(0, SIZES[-1], (4, batch))]
    return list(zip(grey.astype(dtype), wanted.astype(dtype), strict=True))


def training(contender: Contender, data: list[tuple[Array, Array]]) -> Callable[[], None]:
    """Return a task that takes one step on each batch."""
    step, own = contender.step, contender.own
    pairs = [(own(x), own(y)) for x, y in data]

    def task() -> None:
        for x, y in pairs:
            step(x, y)

    return task


def check_agreement(batch: int, dtype: Any, tolerance: float) -> None:
    """Raise unless all contenders have the same costs and parameters over eight steps."""
    ways = contenders(batch, dtype)
    for x, y in 2 * batches(batch, dtype):
        costs = {name: way.step(way.own(x), way.own(y)).item() for name, way in ways.items()}
        for name, cost in costs.items():
            np.testing.assert_allclose(cost, costs["plain"], rtol=tolerance, err_msg=name)
    for name, way in ways.items():
        for found, wanted in zip(way.params(), ways["plain"].params(), strict=True):
            assert found.dtype == dtype
            np.testing.assert_allclose(found, wanted, rtol=0, atol=tolerance, err_msg=name)


def chain(x: Any, factor: Array, shift: Array, tanh: Callable[[Any], Any]) -> Any:
    """Return the end of a chain of CHAIN_LENGTH elementwise operations from `x`."""
    for _ in range(CHAIN_LENGTH // 4):
        x = tanh(x * factor + shift) - factor
    return x


def time_chain(rounds: int) -> Times:
    """Return seconds per chain: bare, recorded, and recorded with its gradient.

    `x.tanh()` reaches the engine directly, `np.tanh(x)` through NumPy's dispatch.
    """
    values, factor, shift, g = np.random.default_rng(2).uniform(0.5, 1.5, (4, 8))
    x = Tensor(values, requires_grad=True)

    def backward() -> None:
        x.grad = None
        chain(x, factor, shift, Tensor.tanh).backward(g)

    tasks: dict[str, Callable[[], object]] = {
        "bare": lambda: chain(values, factor, shift, np.tanh),
        "forward": lambda: chain(x, factor, shift, Tensor.tanh),
        "forward, by np.tanh": lambda: chain(x, factor, shift, np.tanh),
        "forward and backward": backward,
    }
    return interleave(tasks, rounds)


def print_steps(rounds: int) -> None:
    """Print the table of training steps."""
    print("A training step, us; ratios are medians over rounds.\n")
    print("batch     plain     tuned  autograd_mini   to plain   to tuned   goal")
    for batch in BATCHES:
        data = batches(batch, np.float32)
        ways = contenders(batch, np.float32)
        times = interleave({name: training(way, data) for name, way in ways.items()}, rounds)
        plain_us, tuned_us, own_us = (1e6 * median(t) / len(data) for t in times.values())
        to_plain, to_tuned = (ratio(times, "autograd_mini", base) for base in ("plain", "tuned"))
        print(
            f"{batch:5d}  {plain_us:8.1f}  {tuned_us:8.1f}  {own_us:13.1f}"
            f"  {to_plain:8.2f}x  {to_tuned:8.2f}x  {STEP_GOALS[batch]:4.1f}x"
        )


def print_chain(rounds: int) -> None:
    """Print the table of the elementwise chain."""
    times = time_chain(rounds)
    print(f"\nOne of {CHAIN_LENGTH} elementwise operations on 8 float64 numbers, us.\n")
    print("                          time    to bare   goal")
    for name, seconds in times.items():
        microseconds = 1e6 * median(seconds) / CHAIN_LENGTH
        goal = f"{CHAIN_GOALS[name]:4.1f}x" if name in CHAIN_GOALS else ""
        print(
            f"{name:20s}  {microseconds:8.2f}  {ratio(times, name, 'bare'):8.2f}x  {goal}".rstrip()
        )


def main() -> None:
    """Check that the contenders agree, then time them."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=40, help="blocks of 20 ms each task gets")
    rounds = parser.parse_args().rounds
    for batch in BATCHES:
        check_agreement(batch, np.float64, 1e-12)
        check_agreement(batch, np.float32, 1e-5)
    threads = os.environ["OPENBLAS_NUM_THREADS"]
    print(f"NumPy {np.__version__}, OPENBLAS_NUM_THREADS={threads}, {rounds} rounds\n")
    print_steps(rounds)
    print_chain(rounds)


if __name__ == "__main__":
    main()
