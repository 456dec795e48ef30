"""Rules of the reductions: `g` goes back to every element that was summed.

`_stretch` puts a reduced axis back with length one, so that `g` broadcasts against the argument.
"""

import math

import numpy as np

from autograd_mini.primitive import defvjp


def _stretch(y, axis, keepdims):
    return y if axis is None or keepdims else np.expand_dims(y, axis)


def _count(shape, axis):
    """Return how many elements of an array of `shape` are reduced into one."""
    if axis is None:
        return math.prod(shape)
    axes = axis if isinstance(axis, tuple) else (axis,)
    return math.prod(shape[i] for i in axes)


def _sum_vjp(g, out, a, axis=None, dtype=None, *, keepdims=False):
    return np.broadcast_to(_stretch(g, axis, keepdims), a.shape)


def _mean_vjp(g, out, a, axis=None, dtype=None, *, keepdims=False):
    share = 1 / max(_count(a.shape, axis), 1)  # a count may be beyond float16, its inverse is not
    return np.broadcast_to(_stretch(g * share, axis, keepdims), a.shape)


defvjp(np.sum, _sum_vjp)
defvjp(np.mean, _mean_vjp)


def _var_vjp(g, out, a, axis=None, dtype=None, *, ddof=0, keepdims=False):
    spread = a - np.mean(a, axis=axis, keepdims=True)
    return _stretch(2 * g, axis, keepdims) * spread / (_count(a.shape, axis) - ddof)


# Equal elements make a kink of the standard deviation, where its derivative is taken as 0. Their
# mean is rounded, so their deviation need not be 0: it is the elements that tell.
def _std_vjp(g, out, a, axis=None, dtype=None, *, ddof=0, keepdims=False):
    lowest, highest = (f(a, axis=axis, keepdims=True) for f in (np.min, np.max))
    g, out = _stretch(g, axis, keepdims), _stretch(out, axis, keepdims)
    is_kink = (lowest == highest) | (out == 0)
    slope = g / np.where(is_kink, 1, out) / (_count(a.shape, axis) - ddof)
    return np.where(is_kink, 0, slope * (a - np.mean(a, axis=axis, keepdims=True)))


defvjp(np.var, _var_vjp)
defvjp(np.std, _std_vjp)


# Tied elements share equally.
def _extremum_vjp(g, out, a, axis=None, *, keepdims=False):
    chosen = a == _stretch(out, axis, keepdims)
    ties = np.sum(chosen, axis=axis, keepdims=True)
    return _stretch(g, axis, keepdims) * chosen / ties


for _extremum in (np.max, np.amax, np.min, np.amin):
    defvjp(_extremum, _extremum_vjp)


# The slope of a product is the product of the others, also where some of them are 0.
def _prod_vjp(g, out, a, axis=None, dtype=None, *, keepdims=False):
    axes = tuple(range(a.ndim)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    last = tuple(range(-len(axes), 0))
    rows = np.moveaxis(a, axes, last)
    kept = rows.shape[: a.ndim - len(axes)]
    others = _others(rows.reshape(*kept, _count(a.shape, axes))).reshape(rows.shape)
    return _stretch(g, axis, keepdims) * np.moveaxis(others, last, axes)


def _others(x):
    """Return the product of all other elements along the last axis, for each element.

    Pairs are multiplied up to one product, and back down each takes its partner's: no division.
    """
    n = x.shape[-1]
    if n < 2:
        return np.ones_like(x)
    if n % 2:
        x = np.concatenate([x, np.ones_like(x[..., :1])], axis=-1)
    pairs = x.reshape(*x.shape[:-1], x.shape[-1] // 2, 2)
    above = _others(pairs[..., 0] * pairs[..., 1])
    return (above[..., None] * pairs[..., ::-1]).reshape(x.shape)[..., :n]


defvjp(np.prod, _prod_vjp)


def _cumsum_vjp(g, out, a, axis=None, dtype=None):
    along = 0 if axis is None else axis
    return np.flip(np.cumsum(np.flip(g, along), along), along).reshape(a.shape)


defvjp(np.cumsum, _cumsum_vjp)
