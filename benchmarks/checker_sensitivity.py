"""How small an error of a rule the gradient checkers find: ours and its peers, at their defaults.

The slope of a sigmoid is made too large by a relative error, from 10 % down in steps of ten. A cell
has the smallest error that was caught with every seed; a checker that refuses the right slope too
gets "false alarm". Peers run if they are installed: `pip install torch autograd jax`.

    python -m benchmarks.checker_sensitivity [--write]
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from functools import partial
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from autograd_mini import defvjp, primitive
from autograd_mini.testing import Function, examine
from benchmarks.by_hand import Array
from benchmarks.digits_step import SIZES, batches

PAGE = Path(__file__).with_suffix(".md")
COMMAND = "python -m benchmarks.checker_sensitivity --write"
ERRORS = [10.0**-k for k in range(1, 13)]
SEEDS = range(5)
BATCH = 8


# What is checked


class Problem(NamedTuple):
    """A function of an array that calls a sigmoid, and the point at which it is checked.

    Attributes:
        f: called as f(sigmoid, own, x); `own` makes an array one of the library that checks.
        x: the point.
    """

    f: Callable[[Any, Any, Any], Any]
    x: Array


def scaled(scale: float, n: int, seed: int) -> Problem:
    """Return scale * sigmoid(x) at `n` normal numbers."""

    def f(sigmoid: Any, own: Any, x: Any) -> Any:
        return scale * sigmoid(x)

    return Problem(f, np.random.default_rng(seed).normal(size=n))


def network(seed: int) -> Problem:
    """Return the cost of the digits network, 784-16-16-10, by the weights of its first layer.

    All weights and biases are standard normal, the cost is the mean of all squares.
    """
    rng = np.random.default_rng(seed)
    first, *weights = [rng.normal(size=(n, m)) for m, n in pairwise(SIZES)]
    biases = [rng.normal(size=n) for n in SIZES[1:]]
    images, wanted = batches(BATCH, np.float64)[0]

    def f(sigmoid: Any, own: Any, x: Any) -> Any:
        a = own(images)
        for w, b in zip([x, *map(own, weights)], map(own, biases), strict=True):
            a = sigmoid(a @ w.T + b)
        return ((a - own(wanted)) ** 2).mean()

    return Problem(f, first)


SETTINGS: dict[str, Callable[[int], Problem]] = {
    f"scale {scale:g}, n = {n}": partial(scaled, scale, n)
    for scale, n in ((1, 4), (1, 1000), (1e-4, 4), (1e-7, 4), (1e-7, 1000))
}
SETTINGS["digits network, first layer"] = network


# Who checks: each returns "right", "wrong" or "cannot tell" for a slope too large by `error`.


def by_own(problem: Problem, error: float, seed: int) -> str:
    """Ask autograd_mini.testing, order 1."""

    @primitive
    def sigmoid(x: Any) -> Any:
        return 1 / (1 + np.exp(-x))

    defvjp(sigmoid, lambda g, out, x: g * (out - out * out) * (1 + error))

    def f(x: Any) -> Any:
        return problem.f(sigmoid, np.asarray, x)

    return examine(Function(f, (problem.x,)), order=1, seed=seed).verdict


def by_torch(problem: Problem, error: float, seed: int, *, fast_mode: bool) -> str:
    """Ask PyTorch's gradcheck."""
    torch: Any = import_module("torch")
    torch.manual_seed(seed)

    def sigmoid(x: Any) -> Any:
        right = torch.sigmoid(x)
        return right + error * (right - right.detach())

    def f(x: Any) -> Any:
        return problem.f(sigmoid, torch.tensor, x)

    x = torch.tensor(problem.x, requires_grad=True)
    check = torch.autograd.gradcheck
    return "right" if check(f, x, fast_mode=fast_mode, raise_exception=False) else "wrong"


def by_hips(problem: Problem, error: float, seed: int) -> str:
    """Ask HIPS autograd's check_grads, both modes and order 2."""
    extend: Any = import_module("autograd.extend")
    checking: Any = import_module("autograd.test_util")

    @extend.primitive  # type: ignore[untyped-decorator]  # it has no types
    def sigmoid(x: Any) -> Any:
        return 1 / (1 + np.exp(-x))

    extend.defvjp(sigmoid, lambda out, x: lambda g: g * (out - out * out) * (1 + error))
    extend.defjvp(sigmoid, lambda g, out, x: g * (out - out * out) * (1 + error))

    def f(x: Any) -> Any:
        return problem.f(sigmoid, np.asarray, x)

    np.random.seed(seed)  # noqa: NPY002 - that is where its directions come from
    return _verdict(partial(checking.check_grads(f), problem.x))


def by_jax(problem: Problem, error: float, seed: int, *, mode: str) -> str:
    """Ask JAX's check_grads, order 1, in float64; its direction is always the same."""
    jax: Any = import_module("jax")
    checking: Any = import_module("jax.test_util")
    jax.config.update("jax_enable_x64", True)

    def sigmoid(x: Any) -> Any:
        right = jax.nn.sigmoid(x)
        return right + error * (right - jax.lax.stop_gradient(right))

    def f(x: Any) -> Any:
        return problem.f(sigmoid, jax.numpy.asarray, x)

    x = jax.numpy.asarray(problem.x)
    return _verdict(partial(checking.check_grads, f, (x,), order=1, modes=[mode]))


def _verdict(check: Callable[[], object]) -> str:
    try:
        check()
    except AssertionError:
        return "wrong"
    return "right"


class Checker(NamedTuple):
    """A column: what has to be installed, and how to ask."""

    package: str
    verdict: Callable[[Problem, float, int], str]


CHECKERS = {
    "PyTorch gradcheck": Checker("torch", partial(by_torch, fast_mode=False)),
    "PyTorch, fast mode": Checker("torch", partial(by_torch, fast_mode=True)),
    "HIPS autograd": Checker("autograd", by_hips),
    "JAX rev": Checker("jax", partial(by_jax, mode="rev")),
    "JAX fwd": Checker("jax", partial(by_jax, mode="fwd")),
    "autograd_mini": Checker("autograd_mini", by_own),
}


# The table


def cell(checker: Checker, setting: Callable[[int], Problem]) -> str:
    """Return the smallest error that `checker` caught with every seed, in words."""
    if find_spec(checker.package) is None:
        return "not installed"
    problems = {seed: setting(seed) for seed in SEEDS}

    def verdicts(error: float) -> set[str]:
        return {checker.verdict(problem, error, seed) for seed, problem in problems.items()}

    at_right = verdicts(0.0)
    if at_right != {"right"}:
        return "false alarm" if "wrong" in at_right else "cannot tell"
    caught = "misses 10 %"
    for error in ERRORS:
        if verdicts(error) != {"wrong"}:
            break
        caught = f"{error:.0e}"
    return caught


def rows(names: Iterable[str] = SETTINGS) -> Iterable[str]:
    """Yield the lines of the Markdown table, one setting after the other."""
    yield f"| | {' | '.join(CHECKERS)} |"
    yield f"| --- |{' --- |' * len(CHECKERS)}"
    for name in names:
        cells = [cell(checker, SETTINGS[name]) for checker in CHECKERS.values()]
        yield f"| {name} | {' | '.join(cells)} |"


def versions() -> str:
    """Return what ran, with versions."""
    packages = ["numpy", *dict.fromkeys(checker.package for checker in CHECKERS.values())]
    found = (p for p in packages if p != "autograd_mini" and find_spec(p) is not None)
    return ", ".join(f"{package} {version(package)}" for package in found)


def page(table: str) -> str:
    """Return the page that is committed beside this script."""
    return (
        "# The smallest relative error of a sigmoid's slope that each checker catches\n\n"
        f"{table}\n\n"
        f"Made by `{COMMAND}` with {versions()}; {len(SEEDS)} seeds a cell, each checker at its "
        "defaults, JAX and autograd_mini at order 1.\n"
    )


def main() -> None:
    """Print the table, and with --write put it on the page."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.name} too")
    is_written = parser.parse_args().write
    lines = []
    for line in rows():
        print(line, flush=True)
        lines.append(line)
    if is_written:
        PAGE.write_text(page("\n".join(lines)), encoding="utf-8")


if __name__ == "__main__":
    main()
