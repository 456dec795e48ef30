"""Memory layouts: equal values, laid out differently in memory.

A derivative does not depend on where its numbers lie, but a rule that goes through memory in the
wrong order does; so the checker keeps the layout of what it was given.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
LAYOUTS = ("C", "F", "strided", "reversed", "broadcast", "read-only", "unaligned")


def laid_out(values: Any, layout: str) -> Array:
    """Return an array of `values` in the memory layout of this name.

    Args:
        values: anything `np.array` takes. "broadcast" repeats their first row.
        layout: "C" and "F" (Fortran) order, "strided" (every second number), "reversed" (from the
            back), "broadcast" (rows share their memory), "read-only", or "unaligned" (off by a
            byte). Without axes, the first five are the same.

    Raises:
        ValueError: no such layout.

    >>> laid_out([[1.0, 2.0], [3.0, 4.0]], "F").strides
    (8, 16)
    """
    if layout not in LAYOUTS:
        raise ValueError(f"a memory layout is one of {', '.join(LAYOUTS)}; asked for {layout!r}")
    array = np.array(values, order="F" if layout == "F" else "C")
    if layout == "unaligned":
        return _placed(array, array.strides, 1)
    if layout == "read-only":
        array.flags.writeable = False
    if not array.ndim:
        return array
    if layout == "strided":
        return np.repeat(array, 2, axis=-1)[..., ::2]
    if layout == "reversed":
        return np.flip(np.flip(array).copy())
    return np.broadcast_to(array[:1], array.shape) if layout == "broadcast" else array


def layouts_for(shape: tuple[int, ...], layouts: tuple[str, ...] = LAYOUTS) -> list[str]:
    """Return those of `layouts` that an array of this shape can have; "C" if it is none.

    >>> layouts_for((2, 1))
    ['C', 'strided', 'reversed', 'broadcast', 'read-only', 'unaligned']
    """
    found = [name for name in layouts if layout_of(laid_out(np.zeros(shape), name)) == name]
    return found or ["C"]


def layout_of(x: Array) -> str:
    """Return the name of the layout of `x`.

    >>> layout_of(np.ones((2, 3)).T)
    'F'
    """
    strides = [stride for stride, n in zip(x.strides, x.shape, strict=True) if n > 1 and x.size]
    if not x.flags.aligned:
        return "unaligned"
    if 0 in strides:
        return "broadcast"
    if any(stride < 0 for stride in strides):
        return "reversed"
    if not x.flags.writeable:
        return "read-only"
    if x.flags.c_contiguous:
        return "C"
    return "F" if x.flags.f_contiguous else "strided"


def like(values: Array, source: Array) -> Array:
    """Return `values` in the memory layout of `source`, an array of the same shape.

    Where `source` repeats memory and `values` do not, they are returned as they are.
    """
    if layout_of(source) == "C" or not values.size:
        return values
    strides = tuple(stride * values.itemsize // source.itemsize for stride in source.strides)
    array = _placed(values, strides, 0 if source.flags.aligned else 1)
    if not np.array_equal(array, values):
        return values
    array.flags.writeable = source.flags.writeable
    return array


def _placed(values: Array, strides: tuple[int, ...], shift: int) -> Array:
    """Return a copy of `values` with these strides, `shift` bytes off from where it belongs."""
    ends = [stride * (n - 1) for stride, n in zip(strides, values.shape, strict=True)]
    first = -sum(end for end in ends if end < 0)
    memory = np.zeros(sum(map(abs, ends)) + values.itemsize + shift, np.uint8)
    array: Array = np.ndarray(values.shape, values.dtype, memory.data, first + shift, strides)
    array[...] = values
    return array
