"""Rules of the order statistics: `g` goes to the one or two elements between which the result lies.

Which ones, and in what parts, NumPy itself tells, whatever the method: the quantile of 0, 1, 2, ...
is the place of the quantile in sorted order. Elements equal to the one at that place share equally,
as they do in max and min, so that nothing depends on the order in which they stand.

The quantile has no rule for `q`, and none with `weights`: these are refused.
"""

import math

import numpy as np

from autograd_mini.primitive import defvjp
from autograd_mini.rules.indexing import scatter
from autograd_mini.rules.undefined import weighted


def _order_vjp(g, out, a, axis, places):
    """Return the gradient of the order statistics of `a` at `places(rows)`, shape (rows, q).

    A slice with the result nan has a gradient of nan, unless nobody uses it (g = 0).
    """
    if a.size == 0:
        return np.broadcast_to(np.sum(g), a.shape)
    axes = [*range(a.ndim)] if axis is None else np.atleast_1d(axis).tolist()
    last = tuple(range(-len(axes), 0))
    moved = np.moveaxis(a, axes, last)
    rows = moved.reshape(-1, math.prod(moved.shape[a.ndim - len(axes) :]))
    g, out = (np.transpose(x.reshape(-1, len(rows))) for x in (g, out))
    is_lost = np.any(np.isnan(out) & (g != 0), axis=1, keepdims=True)
    known = np.where(is_lost, math.nan, np.ones_like(rows))
    slopes = known * _at_places(g, rows, places(rows))
    return np.moveaxis(slopes.reshape(moved.shape), last, axes)


def _at_places(g, rows, places):
    """Return `g` at `places` of the sorted rows; a place between two elements divides it."""
    lower = np.floor(places)
    part = (places - lower).astype(g.dtype)
    upper = np.minimum(lower + 1, rows.shape[1] - 1)
    found = np.concatenate([lower, upper], axis=1).astype(int)
    values = np.concatenate([g * (1 - part), weighted(g, part)], axis=1)
    ordered_runs, runs, sizes = _runs(rows)
    shared = scatter(values, np.take_along_axis(ordered_runs, found, axis=1), sizes.shape)
    return (shared * (1 / sizes).astype(g.dtype))[runs]


def _runs(rows):
    """Number the runs of equal elements in the sorted rows.

    Returns:
        The number of the run at each sorted place, that of each element, and the lengths.
    """
    order = np.argsort(rows, axis=1, kind="stable")
    ordered = np.take_along_axis(rows, order, axis=1)
    starts = [np.ones((len(rows), 1), bool), ordered[:, 1:] != ordered[:, :-1]]
    runs = np.cumsum(np.concatenate(starts, axis=1)).reshape(rows.shape) - 1
    of_elements = np.take_along_axis(runs, np.argsort(order, axis=1), axis=1)
    return runs, of_elements, np.bincount(runs.ravel())


def _place(function, n, args, method):
    """Return where in n sorted numbers `function` finds its results, in one row."""
    return np.reshape(function(np.arange(n, dtype=float), *args, **method), -1)


def _vjp(function, g, out, a, axis, *args, **method):
    return _order_vjp(
        g, out, a, axis, lambda rows: _place(function, rows.shape[1], args, method)[None]
    )


def _nan_vjp(function, g, out, a, axis, *args, **method):
    """Do the same where every row has its own count of numbers; sorting puts nan behind them."""

    def places(rows):
        counts = np.sum(~np.isnan(rows), axis=1).tolist()
        found = {n: _place(function, max(n, 1), args, method) for n in set(counts)}
        return np.stack([found[n] for n in counts])

    return _order_vjp(g, out, a, axis, places)


def _register(rule, median, quantile, percentile):
    """Give the three functions the derivative `rule`; nan forms find places as the plain ones."""

    def median_vjp(g, out, a, axis=None, *, keepdims=False):
        return rule(np.median, g, out, a, axis)

    def quantile_vjp(g, out, a, q, axis=None, *, method="linear", keepdims=False):
        return rule(np.quantile, g, out, a, axis, q, method=method)

    def percentile_vjp(g, out, a, q, axis=None, *, method="linear", keepdims=False):
        return rule(np.percentile, g, out, a, axis, q, method=method)

    defvjp(median, median_vjp)
    defvjp(quantile, quantile_vjp)
    defvjp(percentile, percentile_vjp)


_register(_vjp, np.median, np.quantile, np.percentile)
_register(_nan_vjp, np.nanmedian, np.nanquantile, np.nanpercentile)
