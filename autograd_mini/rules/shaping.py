"""Rules of the functions that only move elements: `g` is moved back.

Where an element was copied to several places its gradients are added up; `moved_back`
(`indexing.py`) does that for whatever copies elements.
"""

import math
from typing import Any

import numpy as np

from autograd_mini.primitive import TABLE, defvjp, primitive
from autograd_mini.rules.indexing import cut, moved_back, shape_of

# One element to one place, the layout told by the argument's shape.
defvjp(np.ravel, lambda g, out, a, order="C": np.reshape(g, a.shape, **_fixed(order)))
defvjp(np.reshape, lambda g, out, a, shape, order="C": np.reshape(g, a.shape, **_fixed(order)))
defvjp(np.squeeze, lambda g, out, a, axis=None: np.reshape(g, a.shape))
defvjp(np.expand_dims, lambda g, out, a, axis: np.reshape(g, a.shape))
defvjp(np.copy, lambda g, out, a, order="K": g)
defvjp(np.swapaxes, lambda g, out, a, axis1, axis2: np.swapaxes(g, axis1, axis2))
defvjp(
    np.moveaxis,
    lambda g, out, a, source, destination: np.moveaxis(g, destination, source),
)
defvjp(np.flip, lambda g, out, m, axis=None: np.flip(g, axis))


def _fixed(order):
    if order not in ("C", "F", None):
        raise NotImplementedError(f"order={order!r} depends on the memory layout: use 'C' or 'F'")
    return {} if order in ("C", None) else {"order": order}  # other libraries may not have it


def _transpose_vjp(g, out, a, axes=None):
    ndim = a.ndim
    if axes is None:
        return np.transpose(g)
    return np.transpose(g, np.argsort([i % ndim for i in np.atleast_1d(axes).tolist()]).tolist())


defvjp(np.transpose, _transpose_vjp)


def _roll_vjp(g, out, a, shift, axis=None):
    return np.roll(g, (-np.asarray(shift, int)).tolist(), axis)


defvjp(np.roll, _roll_vjp)
defvjp(np.tril, lambda g, out, m, k=0: np.tril(g, k))
defvjp(np.triu, lambda g, out, m, k=0: np.triu(g, k))


# A Dask array has a method only.
TABLE[np.copy].forward = lambda a, order="K": (
    np.copy(a, order) if type(a) is np.ndarray else a.copy()
)

# The walk sums over the axes that were stretched.
defvjp(np.broadcast_to, lambda g, out, array, shape: g)


@primitive
def cast(x: Any, dtype: Any) -> Any:
    """Return `x` as `dtype`; a primitive because NumPy 2.0 has it only as a method."""
    return x.astype(dtype)


# The walk casts the gradient back.
defvjp(cast, lambda g, out, x, dtype: g)


# Joining and splitting.
def _concatenate_vjp(g, out, arrays, axis=0):
    shapes = [shape_of(a) for a in arrays]
    if axis is None:
        flat = cut(g, [math.prod(shape) for shape in shapes], 0)
        parts = [np.reshape(part, shape) for part, shape in zip(flat, shapes, strict=True)]
    else:
        parts = cut(g, [shape[axis] for shape in shapes], axis)
    return np.stack(parts) if hasattr(arrays, "shape") else parts


def _stack_vjp(g, out, arrays, axis=0):
    moved = np.moveaxis(g, axis, 0)
    return moved if hasattr(arrays, "shape") else [moved[i] for i in range(len(arrays))]


defvjp(np.concatenate, _concatenate_vjp)
defvjp(np.stack, _stack_vjp)
defvjp(
    np.split,
    lambda g, out, ary, indices_or_sections, axis=0: np.concatenate(g, axis),
)
defvjp(
    np.array_split,
    lambda g, out, ary, indices_or_sections, axis=0: np.concatenate(g, axis),
)


# One element to several places, or to none: move the numbers of the elements the same way.
def _repeat_vjp(g, out, a, repeats, axis=None):
    return moved_back(g, a.shape, lambda i: np.repeat(i, repeats, axis))


def _tile_vjp(g, out, A, reps):
    return moved_back(g, A.shape, lambda i: np.tile(i, reps))


def _diagonal_vjp(g, out, a, offset=0, axis1=0, axis2=1):
    return moved_back(g, a.shape, lambda i: np.diagonal(i, offset, axis1, axis2))


def _trace_vjp(g, out, a, offset=0, axis1=0, axis2=1, dtype=None):
    places = np.diagonal(np.arange(a.size).reshape(a.shape), offset, axis1, axis2)
    return moved_back(np.broadcast_to(g[..., None], places.shape), a.shape, lambda i: places)


defvjp(np.repeat, _repeat_vjp)
defvjp(np.tile, _tile_vjp)
defvjp(np.diagonal, _diagonal_vjp)
defvjp(np.trace, _trace_vjp)


def _pad_vjp(
    g,
    out,
    array,
    pad_width,
    mode="constant",
    *,
    constant_values=0,
    end_values=0,
    stat_length=None,
    reflect_type="even",
):
    if mode in ("constant", "empty"):
        inside = np.pad(np.ones(array.shape, bool), pad_width)
        return np.reshape(g[inside], array.shape)
    if mode in ("linear_ramp", "maximum", "mean", "minimum"):
        return _pad_by_axis(g, out, array.shape, pad_width, mode, stat_length)
    if mode not in ("edge", "reflect", "symmetric", "wrap") or reflect_type != "even":
        raise NotImplementedError(
            f"np.pad with mode={mode!r} and reflect_type={reflect_type!r} has no rule: only "
            f"functions as modes, 'median', and reflect_type='odd' have none"
        )
    return moved_back(g, array.shape, lambda i: np.pad(i, pad_width, mode))


# Axis after axis, each time with what was padded before: back from the last one.
def _pad_by_axis(g, out, shape, pad_width, mode, stat_length):
    inside = np.pad(np.ones(shape, bool), pad_width)
    if not inside.any():  # nothing to pad from
        return np.reshape(np.ravel(g)[:0], shape)
    box = [slice(at, at + n) for at, n in zip(np.argwhere(inside)[0], shape, strict=True)]
    lengths = np.broadcast_to(out.size if stat_length is None else stat_length, (len(shape), 2))
    for axis in reversed(range(len(shape))):
        x = out[(slice(None),) * axis + tuple(box[axis:])]
        low, high = lengths[axis]
        before, g, after = np.split(g, [box[axis].start, box[axis].stop], axis)
        after = _pad_before(np.flip(after, axis), np.flip(x, axis), axis, mode, high)
        g = g + _pad_before(before, x, axis, mode, low) + np.flip(after, axis)
    return g


def _pad_before(g, x, axis, mode, length):
    """Return the gradient of `x` from what was put in front of it along `axis`."""
    n, width, along = x.shape[axis], g.shape[axis], [-1] + [1] * (x.ndim - axis - 1)
    if mode == "linear_ramp":  # it ends below the first element, whose share grows towards it
        g, length = g * np.reshape(np.arange(width) / max(width, 1), along), 1
    total = np.sum(g, axis=axis, keepdims=True)
    is_used = np.reshape(np.arange(n) < length, along)
    if mode == "mean":
        total = total * (1 / int(min(length, n)))
    if mode in ("maximum", "minimum") and width:
        first = x[(slice(None),) * axis + (slice(length),)]
        extremum = (np.max if mode == "maximum" else np.min)(first, axis=axis, keepdims=True)
        is_used = is_used & (x == extremum)
        return total * is_used / np.sum(is_used, axis=axis, keepdims=True)
    return np.where(is_used, total, 0)


defvjp(np.pad, _pad_vjp)
