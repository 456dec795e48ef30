"""Fit a gradient to its argument: its shape and dtype, in memory shared with no other array."""

from __future__ import annotations

from sys import getrefcount
from typing import Any

import numpy as np
from numpy import ndarray

from autograd_mini.kinds import check_kind, check_like


def fit(g: Any, array: Any) -> Any:
    """Return `g` in the shape and dtype of `array`: undo broadcasting, keep float32 in float32.

    A real argument of complex calculations has a real gradient, the real part of `g`.

    Raises:
        TypeError: `g` is no array.
        ValueError: the shape of `g` can't have come from broadcasting.
    """
    if not hasattr(g, "dtype"):
        raise TypeError(f"its rule returned {g!r}, not an array of shape {array.shape}")
    check_kind(g)
    check_like(g, array)
    if g.shape != array.shape:
        g = unbroadcast(g, array.shape)
    if g.dtype.kind == "c" and array.dtype.kind != "c":
        g = np.real(g)
    return g if g.dtype == array.dtype else g.astype(array.dtype)


def added(one: Any, other: Any, array: Any) -> Any:
    """Return the sum of two gradients of `array` in its dtype, whose byte order NumPy drops."""
    total = one + other
    return total if total.dtype is array.dtype else fit(total, array)


def unbroadcast(g: Any, shape: tuple[int, ...]) -> Any:
    """Sum `g` over the axes along which an argument of `shape` was broadcast."""
    added = g.ndim - len(shape)
    if added < 0 or any(n not in (1, m) for n, m in zip(shape, g.shape[added:], strict=True)):
        raise ValueError(f"a rule returned shape {g.shape} for an argument of shape {shape}")
    if added and g.shape[added:] == shape:
        return g.sum(axis=0 if added == 1 else tuple(range(added)))
    stretched = (added + i for i, n in enumerate(shape) if n == 1 and g.shape[added + i] != 1)
    return g.sum(axis=(*range(added), *stretched)).reshape(shape)


def unshared(entry: list[Any]) -> Any:
    """Return the gradient in `entry`, [Tensor, gradient], in memory shared with no other array.

    An array that owns its memory and that only `entry` refers to can't be seen from elsewhere: it
    stays as it is. Any other is copied.
    """
    # Counted where it lies: a name of its own would be one more.
    if getrefcount(entry[1]) == _ALONE and type(entry[1]) is ndarray and entry[1].base is None:
        return entry[1]
    return copied(entry[1])


def copied(array: Any) -> Any:
    """Return a copy of `array`, of its own kind; a NumPy number becomes an array."""
    return np.array(array) if isinstance(array, ndarray | np.generic) else array.copy()


_lonely = [None, np.empty(0)]
_ALONE = getrefcount(_lonely[1])
