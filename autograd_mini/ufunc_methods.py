"""The methods of ufuncs, such as `np.add.reduce`, as the NumPy functions that do the same.

A ufunc's method works along axis 0 unless told otherwise, where the function takes all axes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_mini.operation import public_name
from autograd_mini.storage import bare

_REDUCTIONS: dict[Any, Callable[..., Any]] = {
    np.add: np.sum,
    np.multiply: np.prod,
    np.maximum: np.max,
    np.minimum: np.min,
    np.logical_and: np.all,
    np.logical_or: np.any,
}
_ACCUMULATIONS: dict[Any, Callable[..., Any]] = {np.add: np.cumsum, np.multiply: np.cumprod}


def as_function(ufunc: np.ufunc, method: str) -> Callable[..., Any]:
    """Return the function that does what `method` of `ufunc` does.

    Raises:
        TypeError: there is none.
    """
    if method == "reduce" and ufunc in _REDUCTIONS:
        return _along_first(_REDUCTIONS[ufunc], is_running=False)
    if method == "accumulate" and ufunc in _ACCUMULATIONS:
        return _along_first(_ACCUMULATIONS[ufunc], is_running=True)
    if method == "outer":
        return _outer(ufunc)
    if method == "at":
        raise TypeError(
            f"{public_name(ufunc)}.at can't be recorded, since a gradient would be lost in an "
            f"array that is written into: write z + np.bincount(indices, x, len(z)) for "
            f"np.add.at(z, indices, x), or assign into a Tensor, z = Tensor(np.zeros(3))"
        )
    raise TypeError(
        f"{public_name(ufunc)}.{method} can't be recorded: reduce can for add, multiply, maximum, "
        f"minimum and the logical ones, accumulate for add and multiply, and outer for every "
        f"ufunc; use a function that does the same, or bare arrays (`tensor.data`)"
    )


def _along_first(function: Callable[..., Any], is_running: bool) -> Callable[..., Any]:
    def method(array: Any, axis: Any = 0, dtype: Any = None, out: Any = None, **kwargs: Any) -> Any:
        given = {"dtype": dtype, "out": out}
        named = {name: x for name, x in given.items() if x is not None}
        if "where" in kwargs:  # NumPy's function would hand it to this method again
            kwargs["where"] = bare(kwargs["where"])
        if is_running and (axis is None or np.ndim(array) == 0):
            raise TypeError("an accumulation can't be recorded without an axis to run along")
        return function(array, axis=axis, **named, **kwargs)

    return method


def _outer(ufunc: np.ufunc) -> Callable[..., Any]:
    def method(a: Any, b: Any, **kwargs: Any) -> Any:
        return ufunc(np.reshape(a, np.shape(a) + (1,) * np.ndim(b)), b, **kwargs)

    return method
