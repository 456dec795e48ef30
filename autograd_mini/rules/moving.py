"""Rules of the functions that choose elements and move them, and of those that fill.

`joining.py` has those that join and split; `shaping.py` and `selection.py` the commonest of all.
"""

import numpy as np

from autograd_mini.primitive import defvjp
from autograd_mini.rules.indexing import moved_back
from autograd_mini.rules.joining import moved_back_each

# One element to one place.
defvjp(np.fliplr, lambda g, out, m: np.flip(g, 1))
defvjp(np.flipud, lambda g, out, m: np.flip(g, 0))
defvjp(np.rot90, lambda g, out, m, k=1, axes=(0, 1): np.rot90(g, -k, axes))
if hasattr(np, "astype"):
    # The walk casts the gradient back.
    defvjp(np.astype, lambda g, out, x, dtype, /, *, copy=True: g)


def _rollaxis_vjp(g, out, a, axis, start=0):
    axis, start = axis % a.ndim, start + a.ndim if start < 0 else start
    return np.moveaxis(g, start - (axis < start), axis)


defvjp(np.rollaxis, _rollaxis_vjp)


# Diagonals: a vector becomes a matrix, a matrix gives its diagonal.
def _diag_vjp(g, out, v, k=0):
    return np.diagonal(g, k) if v.ndim == 1 else moved_back(g, v.shape, lambda i: np.diag(i, k))


defvjp(np.diag, _diag_vjp)
defvjp(np.diagflat, lambda g, out, v, k=0: np.reshape(np.diagonal(g, k), v.shape))


# One element to several places.
def _resize_vjp(g, out, a, new_shape):
    if not a.size:  # NumPy fills with zeros
        return np.reshape(np.ravel(g)[:0], a.shape)
    return moved_back(g, a.shape, lambda i: np.resize(i, new_shape))


def _windows_vjp(g, out, x, window_shape, axis=None):
    return moved_back(g, x.shape, lambda i: _windows(i, window_shape, axis))


_windows = np.lib.stride_tricks.sliding_window_view
defvjp(np.resize, _resize_vjp)
defvjp(_windows, _windows_vjp)

# Choosing elements of one array.
defvjp(
    np.extract,
    None,
    lambda g, out, condition, arr: moved_back(g, arr.shape, lambda i: np.extract(condition, i)),
)
defvjp(
    np.compress,
    None,
    lambda g, out, condition, a, axis=None: moved_back(
        g, a.shape, lambda i: np.compress(condition, i, axis)
    ),
)


# Choosing among several arrays, in a list or along the first axis of an array.
def _choose_vjp(g, out, a, choices, *, mode="raise"):
    return moved_back_each(g, choices, lambda numbers: np.choose(a, numbers, mode=mode))


def _select_vjp(g, out, condlist, choicelist, default=0):
    others = np.full(np.shape(default), -1)
    return moved_back_each(g, choicelist, lambda numbers: np.select(condlist, numbers, others))


def _select_default(g, out, condlist, choicelist, default=0):
    return np.where(np.select(condlist, [0] * len(condlist), 1), g, 0)


defvjp(np.choose, None, _choose_vjp)
defvjp(np.select, None, _select_vjp, _select_default)


# The result is the argument in another order, not always that of np.argpartition: elements of the
# same rank in both belong together.
def _partition_vjp(g, out, a, kth, axis=-1, kind="introselect"):
    flat, along = (np.ravel(a), 0) if axis is None else (a, axis)
    by_rank = np.take_along_axis(g, np.argsort(out, axis=along), along)
    ranks = np.argsort(np.argsort(flat, axis=along), axis=along)
    return np.reshape(np.take_along_axis(by_rank, ranks, along), a.shape)


defvjp(np.partition, _partition_vjp)


# Of equal elements the first is taken; NumPy's other results are integers.
def _unique_vjp(
    g,
    out,
    ar,
    return_index=False,
    return_inverse=False,
    return_counts=False,
    axis=None,
    *,
    equal_nan=True,
):
    first = np.unique(ar, return_index=True, axis=axis, equal_nan=equal_nan)[1]
    values = g[0] if return_index or return_inverse or return_counts else g
    return moved_back(values, ar.shape, lambda i: np.take(i, first, axis))


# The order of the result is NumPy's own affair.
def _unique_values_vjp(g, out, x, /):
    first = np.unique(x, return_index=True, equal_nan=False)[1]
    ranks = np.argsort(np.argsort(out))
    return moved_back(g, x.shape, lambda i: np.take(i, first[ranks]))


defvjp(np.unique, _unique_vjp)
defvjp(np.unique_values, _unique_values_vjp)

# Filling. `copy=False` would write into x, so it is not known here.
defvjp(
    np.nan_to_num,
    lambda g, out, x, *, nan=0.0, posinf=None, neginf=None: np.where(np.isfinite(x), g, 0),
)
defvjp(
    np.full_like,
    lambda g, out, a, fill_value, dtype=None, order="K", subok=True, shape=None: np.zeros_like(a),
    lambda g, out, a, fill_value, dtype=None, order="K", subok=True, shape=None: g,
)
