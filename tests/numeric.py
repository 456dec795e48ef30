"""Numeric derivatives: the oracle that the rules are held against.

Complex step: f'(x) = Im f(x + ih) / h, exact to rounding for an analytic f written in NumPy.
Richardson: central differences at h and h/2, combined so that the error of order h^2 cancels, and
again, so that h^4 does.

Source: Squire & Trapp, Using complex variables to estimate derivatives (1998); Richardson (1911).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

COMPLEX_STEP = 1e-30
STEP = 2e-2  # the error left is of order h^6


def numeric_gradient(
    f: Callable[[list[np.ndarray]], Any], values: list[np.ndarray], analytic: bool
) -> list[np.ndarray]:
    """Return the gradient of the scalar `f` with respect to every element of `values`."""
    slope = _complex_step if analytic else _richardson
    return [
        np.array([slope(f, values, k, at) for at in np.ndindex(x.shape)]).reshape(x.shape)
        for k, x in enumerate(values)
    ]


def _moved(values: list[np.ndarray], k: int, at: tuple[int, ...], by: complex) -> list[np.ndarray]:
    moved = values[k].astype(np.result_type(values[k], type(by)))
    moved[at] += by
    return [moved if i == k else x for i, x in enumerate(values)]


def _complex_step(
    f: Callable[..., Any], values: list[np.ndarray], k: int, at: tuple[int, ...]
) -> float:
    return float(np.imag(f(_moved(values, k, at, 1j * COMPLEX_STEP))) / COMPLEX_STEP)


def _richardson(
    f: Callable[..., Any], values: list[np.ndarray], k: int, at: tuple[int, ...]
) -> float:
    def central(h: float) -> float:
        up, down = f(_moved(values, k, at, h)), f(_moved(values, k, at, -h))
        return float(up - down) / (2 * h)

    rough, middle, fine = central(STEP), central(STEP / 2), central(STEP / 4)
    first, second = (4 * middle - rough) / 3, (4 * fine - middle) / 3
    return (16 * second - first) / 15
