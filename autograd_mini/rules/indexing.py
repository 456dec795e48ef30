"""Reading and writing elements by index, every kind of index that NumPy knows.

Reading (`getitem`) and its transpose (`scatter`, which adds into zeros) are each other's rule, and
so are differentiable to any order. NumPy has neither as a function; hence primitives.
"""

import math
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Any

import numpy as np

from autograd_mini.operation import CONTAINERS
from autograd_mini.primitive import defvjp, primitive


@primitive
def getitem(x: Any, index: Any) -> Any:
    """Return x[index]."""
    return x[index]


@primitive
def scatter(values: Any, index: Any, shape: tuple[int, ...]) -> Any:
    """Return zeros of `shape` with `values` added at `index`, repeated places added up."""
    if type(values) is np.ndarray:  # quicker so
        out, places = np.zeros(shape, values.dtype), index
    else:
        out, places = np.zeros_like(values, shape=shape), _without_new_axes(index)
        if places is not index:
            values = np.reshape(values, out[places].shape)
    if _is_repeating(index):
        np.add.at(out, index, values)
    else:
        out[places] = values
    return out


defvjp(getitem, lambda g, out, x, index: scatter(g, index, x.shape))
defvjp(scatter, lambda g, out, values, index, shape: getitem(g, index))


def _is_repeating(index: Any) -> bool:
    """Return whether `index` may name an element twice: only arrays of integers can."""
    parts = index if isinstance(index, tuple) else (index,)
    return not all(
        part is None
        or part is ...
        or isinstance(part, slice | int)
        or (hasattr(part, "dtype") and (not part.ndim or part.dtype == bool))
        for part in parts
    )


def _without_new_axes(index: Any) -> Any:
    """Return `index`, of integers and slices, without its None: not every library assigns to it."""
    parts = index if isinstance(index, tuple) else (index,)
    kinds = {type(part) for part in parts}
    if type(None) in kinds and kinds <= {type(None), type(...), slice, int}:
        return tuple(part for part in parts if part is not None)
    return index


def shape_of(x: Any) -> tuple[int, ...]:
    """Return the shape of an array, or of lists that may hold Tensors, as np.shape can't."""
    return (len(x), *shape_of(x[0])) if type(x) in CONTAINERS and x else np.shape(x)


def cut(g: Any, lengths: Sequence[int], axis: int) -> list[Any]:
    """Return the parts of `g` that have `lengths` along `axis`, by slices: any library has them."""
    before = (slice(None),) * (axis % g.ndim)
    ends = accumulate(lengths)
    return [g[(*before, slice(end - n, end))] for n, end in zip(lengths, ends, strict=True)]


def moved_back(g: Any, shape: tuple[int, ...], move: Callable[[Any], Any]) -> Any:
    """Return the gradient of an `a` of `shape` whose result is `move(a)`, a copying of elements.

    Moving the numbers of the elements the same way tells where each one went.
    """
    size = math.prod(shape)
    places = move(np.arange(size).reshape(shape))
    return scatter(np.ravel(g), np.ravel(places), (size,)).reshape(shape)


@primitive
def setitem(x: Any, index: Any, value: Any) -> Any:
    """Return a copy of x with x[index] = value."""
    # The gradient of a 0-d array may have become a NumPy number, which can't be assigned to.
    out = np.array(x) if isinstance(x, np.generic) else x.copy()
    out[index] = value
    return out


def _setitem_value(g, out, x, index, value):
    part = getitem(g, index)
    if _is_repeating(index):
        part = part * _is_last_writer(index, x.shape)
    return part.reshape((1,) * (value.ndim - part.ndim) + part.shape)


def _is_last_writer(index, shape):
    """Return which elements of a value survive where an index names a place twice."""
    places = np.zeros(shape, int)
    written = places[index]
    numbers = np.arange(written.size).reshape(written.shape)
    places[index] = numbers
    return places[index] == numbers


defvjp(
    setitem,
    lambda g, out, x, index, value: setitem(g, index, 0),
    None,
    _setitem_value,
)
