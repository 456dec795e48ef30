"""Rules of the functions that join arrays, take them apart, insert and delete.

What was joined is split again, what was split is joined. Where elements of several arrays are
mixed, numbering them and calling the function on the numbers tells where each one went.
"""

import math
from typing import Any

import numpy as np

from autograd_mini.fitting import copied
from autograd_mini.kinds import as_array
from autograd_mini.operation import CONTAINERS, nested
from autograd_mini.primitive import defvjp, primitive
from autograd_mini.rules.indexing import cut, moved_back, scatter, shape_of

_MOST_ARRAYS = 64  # of functions that take any number of arrays; more refuse at the walk


# Joining: promoted to enough axes, then concatenated.
def _unjoined(g, arrays, promote, axis):
    """Return the parts of `g` for the `arrays`, each in its own shape."""
    shapes = [shape_of(a) for a in arrays]
    lengths = [promote(np.broadcast_to(0, shape)).shape[axis] for shape in shapes]
    parts = cut(g, lengths, axis)
    parts = [np.reshape(part, shape) for part, shape in zip(parts, shapes, strict=True)]
    return np.stack(parts) if hasattr(arrays, "shape") else parts


def _as_columns(a):
    return np.atleast_2d(a).T if np.ndim(a) < 2 else a


def _hstack_vjp(g, out, tup, *, dtype=None, casting="same_kind"):
    return _unjoined(g, tup, np.atleast_1d, int(len(shape_of(tup[0])) > 1))


def _vstack_vjp(g, out, tup, *, dtype=None, casting="same_kind"):
    return _unjoined(g, tup, np.atleast_2d, 0)


defvjp(np.hstack, _hstack_vjp)
defvjp(np.vstack, _vstack_vjp)
defvjp(np.dstack, lambda g, out, tup: _unjoined(g, tup, np.atleast_3d, 2))
defvjp(np.column_stack, lambda g, out, tup: _unjoined(g, tup, _as_columns, 1))


def _append_parts(g, arr, values, axis):
    """Return the gradients of both: without an axis they were flattened."""
    lengths = [math.prod(np.shape(x)) if axis is None else np.shape(x)[axis] for x in (arr, values)]
    parts = cut(g, lengths, 0 if axis is None else axis)
    return [np.reshape(part, np.shape(x)) for part, x in zip(parts, (arr, values), strict=True)]


defvjp(
    np.append,
    lambda g, out, arr, values, axis=None: _append_parts(g, arr, values, axis)[0],
    lambda g, out, arr, values, axis=None: _append_parts(g, arr, values, axis)[1],
)


def moved_back_among(g, shape, move):
    """Do as `moved_back` does where the result has other elements too: `move` puts -1 there."""
    size = math.prod(shape)
    places = move(np.arange(size).reshape(shape))
    is_mine = places >= 0
    return scatter(g[is_mine], places[is_mine], (size,)).reshape(shape)


def moved_back_each(g, arrays, move):
    """Return the gradients of a list of `arrays`, or of an array of them, the same way."""
    if hasattr(arrays, "shape"):
        return moved_back_among(g, arrays.shape, move)
    shapes = [shape_of(a) for a in arrays]
    size = sum(map(math.prod, shapes))
    flat = moved_back_among(g, (size,), lambda i: move(_cut(i, shapes)))
    return _cut(flat, shapes)


def _cut(flat, shapes):
    parts = cut(flat, [math.prod(shape) for shape in shapes], 0)
    return [np.reshape(part, shape) for part, shape in zip(parts, shapes, strict=True)]


def _block_vjp(g, out, arrays):
    leaves = [*nested((arrays,))]
    parts = moved_back_each(g, leaves, lambda numbers: np.block(_nested_as(arrays, iter(numbers))))
    return _nested_as(arrays, iter(parts))


def _nested_as(x, leaves):
    """Return lists nested as in `x`, filled with what the iterator `leaves` yields."""
    return [_nested_as(part, leaves) for part in x] if type(x) in CONTAINERS else next(leaves)


defvjp(np.block, _block_vjp)


# np.array itself asks every element for its number: NumPy offers no way to record it.
@primitive
def array(arrays: Any, dtype: Any = None) -> Any:
    """Return the array that nested lists of numbers, arrays and Tensors mean, as np.array does.

    Args:
        arrays: numbers, arrays, Tensors or lists and tuples of them, nested evenly.
        dtype: of the result; by default the one that holds all elements.

    Returns:
        A Tensor if there is one among them, else a bare array.

    Raises:
        ValueError: the lists are of different lengths, or the arrays in them of different shapes.

    >>> from autograd_mini import Tensor, array
    >>> angle = Tensor(0.0, requires_grad=True)
    >>> c, s = np.cos(angle), np.sin(angle)
    >>> array([[c, -s], [s, c]])
    Tensor([[ 1., -0.],
            [ 0.,  1.]], made by array)
    """
    joined = as_array(arrays)
    if type(joined) is np.ndarray:
        return np.array(joined, dtype)
    return copied(joined) if dtype is None else joined.astype(dtype)


def _elements(g, arrays):
    """Return the parts of `g`, nested as `arrays`."""
    if type(arrays) not in CONTAINERS:
        return g
    return [_elements(g[i], part) for i, part in enumerate(arrays)]


defvjp(array, lambda g, out, arrays, dtype=None: _elements(g, arrays))


# Taking apart.
defvjp(np.vsplit, lambda g, out, ary, indices_or_sections: np.concatenate(g, 0))
defvjp(np.hsplit, lambda g, out, ary, indices_or_sections: np.concatenate(g, min(ary.ndim, 2) - 1))
defvjp(np.dsplit, lambda g, out, ary, indices_or_sections: np.concatenate(g, 2))
if hasattr(np, "unstack"):
    defvjp(np.unstack, lambda g, out, x, /, *, axis=0: np.stack(g, axis))


# Any number of arrays, one rule for each position.
def _atleast_vjp(i):
    def vjp(g, out, *arys):
        return np.reshape(g if len(arys) == 1 else g[i], np.shape(arys[i]))

    return vjp


# The walk sums over the axes that were stretched.
def _broadcast_arrays_vjp(i):
    return lambda g, out, *args: g[i]


def _ix_vjp(i):
    return lambda g, out, *args: np.reshape(g[i], np.shape(args[i]))


def _meshgrid_vjp(i):
    def vjp(g, out, *xi, copy=True, sparse=False, indexing="xy"):
        axis = 1 - i if indexing == "xy" and i < 2 <= len(xi) else i
        others = tuple(k for k in range(len(xi)) if k != axis)
        return np.reshape(np.sum(g[i], others), np.shape(xi[i]))

    return vjp


for _function, _vjp in (
    (np.atleast_1d, _atleast_vjp),
    (np.atleast_2d, _atleast_vjp),
    (np.atleast_3d, _atleast_vjp),
    (np.broadcast_arrays, _broadcast_arrays_vjp),
    (np.ix_, _ix_vjp),
    (np.meshgrid, _meshgrid_vjp),
):
    defvjp(_function, *map(_vjp, range(_MOST_ARRAYS)))


# Inserting and deleting.
def _insert_arr(g, out, arr, obj, values, axis=None):
    others = np.full(np.shape(values), -1)
    return moved_back_among(g, arr.shape, lambda i: np.insert(i, obj, others, axis))


def _insert_values(g, out, arr, obj, values, axis=None):
    others = np.full(np.shape(arr), -1)
    return moved_back_among(g, values.shape, lambda i: np.insert(others, obj, i, axis))


defvjp(np.insert, _insert_arr, None, _insert_values)
defvjp(
    np.delete,
    lambda g, out, arr, obj, axis=None: moved_back(g, arr.shape, lambda i: np.delete(i, obj, axis)),
)


# What is left of an array without the zeros at its ends is a box in it; axis= is refused, as
# NumPy has it since 2.2 only.
def _trim_zeros_vjp(g, out, filt, trim="fb"):
    corner = np.zeros(filt.ndim, int)
    if out.size and "f" in trim.lower():
        corner = np.min(np.argwhere(filt), axis=0)
    box = tuple(slice(int(at), int(at) + n) for at, n in zip(corner, out.shape, strict=True))
    return scatter(g, box, filt.shape)


defvjp(np.trim_zeros, _trim_zeros_vjp)
