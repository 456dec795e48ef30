"""Rules of the functions that choose among elements: `g` goes to what was chosen.

Ties share equally: where two candidates are equal, each gets half.
"""

import numpy as np

from autograd_mini.primitive import defvjp
from autograd_mini.rules.indexing import moved_back, scatter
from autograd_mini.rules.undefined import if_number

defvjp(
    np.where,
    None,
    lambda g, out, condition, x, y: np.where(condition, g, 0),
    lambda g, out, condition, x, y: np.where(condition, 0, g),
)


def _share(g, out, mine, other):
    chosen = np.where(mine == out, g, 0)
    return if_number(np.where(mine == other, g / 2, chosen), g, out)


for _extremum in (np.maximum, np.minimum, np.fmax, np.fmin):
    defvjp(
        _extremum,
        _share,
        lambda g, out, x, y: _share(g, out, y, x),
    )


# clip(a, low, high) is minimum(maximum(a, low), high), and ties share as they do there.
def _raised(a, low):
    return a if low is None else np.maximum(a, low)


def _below(g, a, low, high):
    """Return what passes the upper bound."""
    raised = _raised(a, low)
    return g if high is None else _share(g, np.minimum(raised, high), raised, high)


def _clip_a(g, out, a, a_min=None, a_max=None, *, min=None, max=None):
    low, high = _bounds(a_min, a_max, min, max)
    g = _below(g, a, low, high)
    return g if low is None else _share(g, np.maximum(a, low), a, low)


def _clip_low(g, out, a, a_min=None, a_max=None, *, min=None, max=None):
    low, high = _bounds(a_min, a_max, min, max)
    return _share(_below(g, a, low, high), np.maximum(a, low), low, a)


def _clip_high(g, out, a, a_min=None, a_max=None, *, min=None, max=None):
    low, high = _bounds(a_min, a_max, min, max)
    raised = _raised(a, low)
    return _share(g, np.minimum(raised, high), high, raised)


def _bounds(a_min, a_max, low, high):
    return a_min if low is None else low, a_max if high is None else high


defvjp(np.clip, _clip_a, _clip_low, _clip_high, min=_clip_low, max=_clip_high)


# Sorting and taking by index.
def _sort_vjp(g, out, a, axis=-1, kind=None):
    order = np.argsort(a, axis=axis, kind="stable")
    if axis is None:
        return g[np.argsort(order)].reshape(a.shape)
    return np.take_along_axis(g, np.argsort(order, axis=axis), axis)


def _take_vjp(g, out, a, indices, axis=None, *, mode="raise"):
    if mode != "raise" or a.size == 0:  # of nothing, NumPy takes any index
        return moved_back(g, a.shape, lambda i: np.take(i, indices, axis, mode=mode))
    if axis is None or a.ndim == 0:
        return scatter(g, np.asarray(indices, int), (a.size,)).reshape(a.shape)
    return scatter(g, (slice(None),) * (axis % a.ndim) + (np.asarray(indices, int),), a.shape)


defvjp(np.sort, _sort_vjp)
defvjp(np.take, _take_vjp)
defvjp(
    np.take_along_axis,
    lambda g, out, arr, indices, axis=-1: moved_back(
        g, arr.shape, lambda i: np.take_along_axis(i, indices, axis)
    ),
)


# bincount(x, weights) is weights added at x.
defvjp(np.bincount, None, lambda g, out, x, weights=None, minlength=0: np.take(g, x))
