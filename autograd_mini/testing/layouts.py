"""Memory layouts: equal values, laid out differently in memory.

A derivative does not depend on where its numbers lie, but a rule that goes through memory in the
wrong order does; so the checker keeps the layout of what it was given.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
# How an array in C order is laid out, each in memory of its own.
_MAKERS: dict[str, Callable[[Array], Array]] = {
    "C": lambda x: x,
    "F": lambda x: x.copy("F"),
    "transposed": lambda x: np.swapaxes(np.swapaxes(x, 0, 1).copy(), 0, 1) if x.ndim > 2 else x,
    "strided": lambda x: np.repeat(x, 2, axis=-1)[..., ::2] if x.ndim else x,
    "reversed": lambda x: np.flip(np.flip(x).copy()),
    "broadcast": lambda x: np.broadcast_to(x[:1], x.shape) if x.ndim else x,
    "read-only": lambda x: np.broadcast_to(x, x.shape),
    "unaligned": lambda x: _placed(x, x.strides, 1),
    "big-endian": lambda x: x.astype(x.dtype.newbyteorder(">")),
}
LAYOUTS = tuple(_MAKERS)
# In any other layout the dtype changes, too.
NATIVE = tuple(name for name in LAYOUTS if name != "big-endian")
# The test for each layout, if those above it have failed.
_SIGNS: dict[str, Callable[[Array], bool]] = {
    "big-endian": lambda x: not x.dtype.isnative,
    "unaligned": lambda x: not x.flags.aligned,
    "broadcast": lambda x: 0 in _strides(x),
    "reversed": lambda x: min(_strides(x), default=0) < 0,
    "read-only": lambda x: not x.flags.writeable,
    "C": lambda x: x.flags.c_contiguous,
    "F": lambda x: x.flags.f_contiguous,
    "transposed": lambda x: np.transpose(x, np.argsort(x.strides)[::-1]).flags.c_contiguous,
    "strided": lambda x: True,
}


def laid_out(values: Any, layout: str) -> Array:
    """Return an array of `values` in the memory layout of this name.

    Args:
        values: anything `np.array` takes. "broadcast" repeats their first row.
        layout: "C" and "F" (Fortran) order, "transposed" (the first two of three axes or more),
            "strided" (every second number), "reversed" (from the back), "broadcast" (rows share
            their memory), "read-only", "unaligned" (off by a byte), or "big-endian". Without axes,
            the first six are the same.

    Raises:
        ValueError: no such layout.

    >>> laid_out([[1.0, 2.0], [3.0, 4.0]], "F").strides
    (8, 16)
    """
    if layout not in LAYOUTS:
        raise ValueError(f"a memory layout is one of {', '.join(LAYOUTS)}; asked for {layout!r}")
    return _MAKERS[layout](np.array(values, order="C"))


def layouts_for(shape: tuple[int, ...], layouts: tuple[str, ...] = LAYOUTS) -> list[str]:
    """Return those of `layouts` that an array of this shape can have; "C" if it is none.

    >>> layouts_for((2, 1))
    ['C', 'strided', 'reversed', 'broadcast', 'read-only', 'unaligned', 'big-endian']
    """
    found = [name for name in layouts if layout_of(laid_out(np.zeros(shape), name)) == name]
    return found or ["C"]


def layout_of(x: Array) -> str:
    """Return the name of the layout of `x`.

    >>> layout_of(np.ones((2, 3)).T)
    'F'
    """
    return next(name for name, is_found in _SIGNS.items() if is_found(x))


def _strides(x: Array) -> list[int]:
    """Return the strides along which there is more than one number."""
    return [stride for stride, n in zip(x.strides, x.shape, strict=True) if n > 1 and x.size]


def like(values: Array, source: Array) -> Array:
    """Return `values` in the memory layout of `source`, an array of the same shape.

    Where `source` repeats memory and `values` do not, they are returned as they are.
    """
    if not source.dtype.isnative:
        values = values.astype(values.dtype.newbyteorder(">"))
    if source.flags.carray or layout_of(source) == "C" or not values.size:
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
