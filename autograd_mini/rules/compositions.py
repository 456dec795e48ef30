"""Functions of NumPy that call functions of the user: written again, as NumPy calls on Tensors.

NumPy would hand bare arrays to the user's functions, and a Tensor that they hold would be lost.
Here they get Tensors, and what they do is recorded. No rules are needed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np

from autograd_mini.kinds import check_kinds
from autograd_mini.rules.indexing import setitem


def apply_along_axis(
    func1d: Callable[..., Any], axis: int, arr: Any, *args: Any, **kwargs: Any
) -> Any:
    """Return the results of `func1d` for every 1-d slice of `arr`, along `axis` in its place."""
    if not -arr.ndim <= axis < arr.ndim:
        raise np.exceptions.AxisError(axis, arr.ndim)
    rows = np.moveaxis(arr, axis, -1)
    outer = rows.shape[:-1]
    count = prod(outer)
    if not count:
        raise ValueError(f"apply_along_axis needs a slice, found none in shape {arr.shape}")
    rows = rows.reshape((count, rows.shape[-1]))
    results = [func1d(rows[i], *args, **kwargs) for i in range(count)]
    shape, dtype = np.shape(results[0]), np.result_type(results[0])
    out = np.stack(results).reshape((*outer, *shape))
    own = range(len(outer), len(outer) + len(shape))
    out = np.moveaxis(out, tuple(own), tuple(axis % arr.ndim + i for i in range(len(shape))))
    return out if out.dtype == dtype else out.astype(dtype)  # that of the first, as in NumPy


def apply_over_axes(func: Callable[..., Any], a: Any, axes: int | Sequence[int]) -> Any:
    """Return what `func(a, axis)` makes of one axis after the other; each stays, of length 1."""
    for axis in np.atleast_1d(axes).tolist():
        out = func(a, axis % a.ndim)
        if out.ndim < a.ndim:
            out = np.expand_dims(out, axis % a.ndim)
        if out.ndim != a.ndim:
            raise ValueError(
                f"apply_over_axes needs a function that keeps an axis or removes it, found shape "
                f"{out.shape} for shape {a.shape}"
            )
        a = out
    return a


def piecewise(x: Any, condlist: Any, funclist: Sequence[Any], *args: Any, **kw: Any) -> Any:
    """Return the values of each function, or number, where its condition holds; 0 elsewhere."""
    check_kinds((x, condlist))
    x = x if hasattr(x, "shape") else np.asarray(x)
    conditions = _conditions(x, condlist)
    if len(conditions) == len(funclist) - 1:
        conditions.append(~np.any(np.array(conditions), axis=0))
    if len(conditions) != len(funclist):
        raise ValueError(
            f"piecewise takes a function for each condition, and one more for the rest: found "
            f"{len(funclist)} for {len(conditions)}"
        )
    out = np.zeros_like(x)
    for condition, piece in zip(conditions, funclist, strict=True):
        if callable(piece) and condition.any():
            out = setitem(out, condition, piece(x[condition], *args, **kw))
        elif not callable(piece):
            out = setitem(out, condition, piece)
    return out


def _conditions(x: Any, condlist: Any) -> list[Any]:
    """Return a list of conditions, of `x` or of single numbers; one may stand for a list."""
    if isinstance(condlist, list | tuple) and np.ndim(condlist[0]) == np.ndim(x):
        return [np.asarray(condition, bool) for condition in condlist]
    whole = np.asarray(condlist, bool)
    return [*whole] if whole.ndim > np.ndim(x) else [whole]


# NumPy's function, and what is called in its place.
COMPOSITIONS: dict[Any, Callable[..., Any]] = {
    np.apply_along_axis: apply_along_axis,
    np.apply_over_axes: apply_over_axes,
    np.piecewise: piecewise,
}
