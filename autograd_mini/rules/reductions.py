"""Rules of the reductions: `g` goes back to every element that was summed.

`stretch` puts a reduced axis back with length one, so that `g` broadcasts against the argument.
What `where` leaves out gets 0, and its value, which may be nan, is never multiplied with.
"""

import math

import numpy as np

from autograd_mini.primitive import defvjp
from autograd_mini.rules.norms import at_kink, is_exact, power_of_two
from autograd_mini.rules.undefined import if_number


def stretch(y, axis, keepdims):
    """Return `y` with the axes that a reduction took away, unless it kept them."""
    return y if axis is None or keepdims else np.expand_dims(y, axis)


def _count(shape, axis):
    """Return how many elements of an array of `shape` are reduced into one."""
    if axis is None:
        return math.prod(shape)
    axes = axis if isinstance(axis, tuple) else (axis,)
    return math.prod(shape[i] for i in axes)


def _share(dtype, shape, axis, where=True, ddof=0):
    """Return 1 / (elements reduced into one - ddof), nan if that is not positive.

    A count may be beyond float16, its inverse is not.
    """
    if where is True:
        n = _count(shape, axis) - ddof
        return 1 / n if n > 0 else math.nan
    n = np.sum(np.broadcast_to(where, shape), axis=axis, keepdims=True) - ddof
    return (1 / np.where(n > 0, n, math.nan)).astype(dtype)


def _only(where, x, other=0):
    return x if where is True else np.where(where, x, other)


def sum_vjp(g, out, a, axis=None, dtype=None, *, keepdims=False, initial=0, where=True):
    """Return `g` for every element."""
    axis = axis if a.ndim else None  # NumPy takes a number with axis=0 for a row of one
    return np.broadcast_to(_only(where, stretch(g, axis, keepdims)), a.shape)


def mean_vjp(g, out, a, axis=None, dtype=None, *, keepdims=False, where=True):
    """Return an equal share of `g` for every element."""
    share = stretch(g, axis, keepdims) * _share(g.dtype, a.shape, axis, where)
    return np.broadcast_to(_only(where, share), a.shape)


defvjp(np.sum, sum_vjp)
defvjp(np.mean, mean_vjp)


def _spread(a, axis, where):
    """Return the deviations from the mean, conjugate: |z|^2 has the slope 2 conj(z)."""
    mean = np.mean(_only(where, a), axis=axis, keepdims=True)
    if where is not True:  # so far it is the mean of the others being 0
        mean = mean * (_count(a.shape, axis) * _share(a.dtype, a.shape, axis, where))
    return np.conjugate(_only(where, a - mean))


def var_vjp(g, out, a, axis=None, dtype=None, *, ddof=0, keepdims=False, where=True):
    """Return 2 g (a - mean) / (n - ddof)."""
    share = _share(g.dtype, a.shape, axis, where, ddof)
    return stretch(2 * g, axis, keepdims) * _spread(a, axis, where) * share


def std_vjp(g, out, a, axis=None, dtype=None, *, ddof=0, keepdims=False, where=True):
    """Return g (a - mean) / (n - ddof) / out.

    Equal elements make a kink, where the derivative is taken as 0. Their mean is rounded, so their
    deviation need not be 0: it is the elements that tell.
    """
    if a.size == 0:
        return np.zeros_like(a)
    lowest = np.min(_only(where, a, math.inf), axis=axis, keepdims=True)
    highest = np.max(_only(where, a, -math.inf), axis=axis, keepdims=True)
    g, out = stretch(g, axis, keepdims), stretch(out, axis, keepdims)
    is_kink = lowest == highest
    is_flat = _share(g.dtype, a.shape, axis, where) == 1  # a single element
    share, spread = _share(g.dtype, a.shape, axis, where, ddof), _spread(a, axis, where)
    if not is_exact(np.where(is_kink, 1, out), 2):  # squares have left the range
        spread = spread / power_of_two(np.max(np.abs(spread), axis=axis, keepdims=True))
        squares = np.real(spread * np.conjugate(spread))
        out = np.where(np.isnan(out), out, _root_of_mean(squares, axis, share, is_kink))
    share = share / np.where(is_kink, 1, out)
    slopes = at_kink(spread * share, is_kink & np.logical_not(is_flat))
    return _only(where, if_number(g * slopes, g, out))


def _root_of_mean(squares, axis, share, is_kink):
    total = np.sum(squares, axis=axis, keepdims=True) * share
    return np.sqrt(np.where(is_kink, 1, total))


defvjp(np.var, var_vjp)
defvjp(np.std, std_vjp)


def extremum_vjp(g, out, a, axis=None, *, keepdims=False, initial=None, where=True):
    """Return `g` for the element that was chosen; tied ones, `initial` too, share equally.

    Where nan was chosen, which equals nothing, all get nan.
    """
    g, out = stretch(g, axis, keepdims), stretch(out, axis, keepdims)
    chosen = _only(where, a == out, False)
    ties = np.sum(chosen, axis=axis, keepdims=True)
    if initial is not None:
        ties = ties + (out == initial)
    share = (1 / np.where(ties > 0, ties, 1)).astype(g.dtype)
    return if_number(np.where(chosen, g * share, 0), g, out)


for _extremum in (np.max, np.amax, np.min, np.amin):
    defvjp(_extremum, extremum_vjp)


def prod_vjp(g, out, a, axis=None, dtype=None, *, keepdims=False, initial=1, where=True):
    """Return `g` times the product of the others, also where some of them are 0."""
    axis = axis if a.ndim else None
    axes = tuple(range(a.ndim)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    last = tuple(range(-len(axes), 0))
    rows = np.moveaxis(_only(where, a, 1), axes, last)
    kept = rows.shape[: a.ndim - len(axes)]
    others = _others(rows.reshape(*kept, _count(a.shape, axes))).reshape(rows.shape)
    return _only(where, stretch(g * initial, axis, keepdims) * np.moveaxis(others, last, axes))


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


defvjp(np.prod, prod_vjp)


# Running sums and products along an axis; None means all elements in a row.
def cumsum_vjp(g, out, a, axis=None, dtype=None):
    """Return for every element the sum of `g` from its place on."""
    along = 0 if axis is None else axis
    return np.flip(np.cumsum(np.flip(g, along), along), along).reshape(a.shape)


def cumprod_vjp(g, out, a, axis=None, dtype=None):
    """Return for every element the sum of `g` times the product of the others, without division.

    Up to place i that is before[i] * s[i], with s[i] = g[i] + a[i + 1] * s[i + 1].
    """
    if a.size == 0:
        return g.reshape(a.shape)
    axis = axis if a.ndim else None
    x, g, out = (np.ravel(y) if axis is None else np.moveaxis(y, axis, -1) for y in (a, g, out))
    one = np.ones_like(x[..., :1])
    before = np.concatenate([one, out[..., :-1]], axis=-1)
    slope = before * _sums_from_the_end(np.concatenate([x[..., 1:], one], axis=-1), g)
    return slope.reshape(a.shape) if axis is None else np.moveaxis(slope, -1, axis)


def _sums_from_the_end(c, g):
    """Solve s[i] = g[i] + c[i] * s[i + 1] along the last axis, 0 after the end.

    Every other equation is put into the one before, which leaves the same problem of half the size.
    """
    if g.shape[-1] == 1:
        return g
    odd = g.shape[-1] % 2
    if odd:
        c, g = (np.concatenate([x, np.zeros_like(x[..., :1])], axis=-1) for x in (c, g))
    c0, c1, g0, g1 = c[..., ::2], c[..., 1::2], g[..., ::2], g[..., 1::2]
    even = _sums_from_the_end(c0 * c1, g0 + c0 * g1)
    later = np.concatenate([even[..., 1:], np.zeros_like(even[..., :1])], axis=-1)
    s = np.stack([even, g1 + c1 * later], axis=-1).reshape(g.shape)
    return s[..., :-1] if odd else s


defvjp(np.cumsum, cumsum_vjp)
defvjp(np.cumprod, cumprod_vjp)


def _running(vjp):
    """Return the rule of a running sum or product that may start with what there is before."""

    def rule(g, out, x, /, *, axis=None, dtype=None, include_initial=False):
        if include_initial:
            at = (slice(None),) * (0 if axis is None else axis % x.ndim) + (slice(1, None),)
            g, out = g[at], out[at]
        return vjp(g, out, x, axis)

    return rule


if hasattr(np, "cumulative_sum"):  # since NumPy 2.1
    defvjp(np.cumulative_sum, _running(cumsum_vjp))
    defvjp(np.cumulative_prod, _running(cumprod_vjp))
