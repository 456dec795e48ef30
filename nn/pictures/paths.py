"""Gradient descent, step by step: where it comes through, and the gradient at every point."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from autograd_mini import Tensor, value_and_grad
from autograd_mini.testing import GradientError, check_grads
from nn.module import Module
from nn.pictures.asked import check_above_zero, check_count, check_function, numbers


class Descent(NamedTuple):
    """A walk downhill of n steps.

    Attributes:
        points: where it was, the start first, shape (n + 1, ...).
        values: of the function there, shape (n + 1,).
        gradients: there, shape (n + 1, ...).
    """

    points: NDArray[Any]
    values: NDArray[Any]
    gradients: NDArray[Any]


def descend(f: Callable[[Any], Any], start: ArrayLike, *, lr: float, steps: int) -> Descent:
    """Go downhill from `start`: x becomes x - lr * gradient, `steps` times.

    Args:
        f: of a number or an array; returns one number.
        start: where to begin.
        lr: the learning rate, above 0.
        steps: how many, at least 1.

    Raises:
        TypeError: `f` is no function of one argument, or returns no single number.
        ValueError: `lr`, `steps` or `start` are no such numbers, the steps grow beyond all numbers,
            or the gradient at the start is wrong, as where `f` leaves the graph by math.sin(x).

    >>> def f(x):
    ...     return x**2
    >>> descend(f, 8.0, lr=0.25, steps=3).points
    array([8., 4., 2., 1.])
    """
    check_function(
        f,
        "gradient descent takes a function of one number, or of one array of them such as f(p) "
        "with p[0] and p[1]",
    )
    check_above_zero("lr", lr)
    check_count("steps", steps, 1)
    x = numbers(start, "gradient descent starts at finite numbers")
    walk = value_and_grad(f)
    walk(x)  # says by itself what is no function of one number
    _check_gradient(f, x)
    found = []
    for _ in range(steps + 1):
        value, slope = walk(x)
        found.append((x, float(_bare(value)), np.asarray(_bare(slope), dtype=float)))
        if not (np.isfinite(found[-1][1]) and np.isfinite(found[-1][2]).all()):
            done = f"{len(found) - 1} step{'s' * (len(found) != 2)}"
            raise ValueError(
                f"after {done} f({x}) is {found[-1][1]} and its gradient {found[-1][2]}: start "
                f"elsewhere, or take a smaller lr than {lr}"
            )
        x = x - lr * found[-1][2]
    points, values, gradients = (np.array(column) for column in zip(*found, strict=True))
    return Descent(points, values, gradients)


def value_at(f: Callable[[Any], Any], points: NDArray[Any], axis: int) -> NDArray[Any]:
    """Return f at every point, nan or infinite where it has no value; points have `axis` axes."""
    rows = points.reshape(-1, *points.shape[points.ndim - axis :])
    with np.errstate(all="ignore"):
        values = np.array([float(_bare(f(point))) for point in rows])
    return values.reshape(points.shape[: points.ndim - axis])


def _bare(x: Any) -> Any:
    return x.data if isinstance(x, Tensor) else x


def _check_gradient(f: Callable[[Any], Any], x: NDArray[Any]) -> None:
    """Refuse an `f` whose gradient at `x` is wrong, for steps along that would lie."""
    try:
        check_grads(f.__call__ if isinstance(f, Module) else f, x, order=1, seed=0)
    except GradientError as error:
        if error.report.verdict == "wrong":
            raise ValueError(
                f"gradient descent can't go along this f: {error.report.message}; write it with "
                f"NumPy's functions, np.sin(x) instead of math.sin(x)"
            ) from None
