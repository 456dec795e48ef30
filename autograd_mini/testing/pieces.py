"""The kinks of elementwise functions and of those that order, choose, round or search.

Each function here takes the arguments of a kinked NumPy function and returns its piece, `sides`
and `distance`, as `kinks.py` says, where the table is that uses them. Points without a derivative
are of three kinds: two branches meet (|x| at 0), the result jumps (a remainder, the cut of a
complex logarithm), or the slope is infinite (the root at 0).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Piece = tuple[Any, Any]  # sides, distance; None where there are none
# A complex plane with a cut is still one piece, so a second line, which is not crossed for good,
# has to tell its sides: one with an odd slope, on which nothing is likely to stand.
_SLOPE = 0.7310585786300049


def joined(*pieces: Piece) -> Piece:
    """Return several pieces as one."""
    sides = [np.ravel(x) for x, _ in pieces if x is not None]
    distances = [np.ravel(x) for _, x in pieces if x is not None]
    return (
        np.concatenate(sides) if sides else None,
        np.concatenate(distances) if distances else None,
    )


# Elementwise.
def at_zero(x: Any, *_: Any, **__: Any) -> Piece:
    """Part the numbers at 0; for complex ones it is a point, around which one can go."""
    return None if np.iscomplexobj(x) else np.greater(x, 0), np.abs(x)


def between(x: Any, y: Any) -> Piece:
    """Part where x and y are equal."""
    return np.real(x) > np.real(y), np.abs(np.subtract(x, y))


def at_quotient(x: Any, y: Any) -> Piece:
    """Part where x is a whole multiple of y."""
    quotient = np.divide(x, y)
    return np.floor(quotient), np.abs(quotient - np.round(quotient))


def at_other_quotient(x: Any, y: Any = 1.0) -> Piece:
    """Part where x is a whole multiple of y, but 0."""
    quotient = np.divide(x, y)
    whole = np.round(quotient)
    return np.trunc(quotient), np.where(whole == 0, 1, np.abs(quotient - whole))


def at_power_of_two(x: Any) -> Piece:
    """Part where the exponent of x changes, and at 0."""
    mantissa, exponent = np.frexp(x)
    return exponent, np.where(mantissa == 0, 0, np.abs(mantissa) - 0.5)


def at_both_zero(x: Any, y: Any) -> Piece:
    """Leave out the origin."""
    return None, np.hypot(x, y)


def at_either_zero(x: Any, y: Any) -> Piece:
    """Part each of x and y at 0."""
    return np.signbit(x) ^ np.signbit(y), np.minimum(np.abs(x), np.abs(y))


def at_half_line(y: Any, x: Any) -> Piece:
    """Part the plane along the negative half of the x axis, with its end."""
    sides = np.where(np.abs(y) < -_SLOPE * np.asarray(x), np.signbit(y), 2)
    return sides, np.where(np.less(x, 0), np.abs(y), np.hypot(x, y))


def at_cut(z: Any, *_: Any, **__: Any) -> Piece:
    """Part the complex plane along the negative real numbers; real numbers end at 0."""
    return at_half_line(np.imag(z), np.real(z)) if np.iscomplexobj(z) else (None, np.abs(z))


def at_cuts(*parts: Callable[[Any], Any]) -> Callable[..., Piece]:
    """Part the complex plane where one of `parts` is a negative real number."""
    return lambda z: joined(*(at_cut(part(z)) for part in parts))


def at_root(x: Any) -> Piece:
    """Part at 0, where the slope is infinite, and for complex numbers along the cut."""
    return at_cut(x) if np.iscomplexobj(x) else at_zero(x)


def at_power(x: Any, y: Any) -> Piece:
    """Part at the base 0 for exponents below 1, but 0, where the slope is infinite."""
    is_steep = (np.equal(x, 0)) & np.less(np.real(y), 1) & np.not_equal(y, 0)
    return joined(at_cut(x) if np.iscomplexobj(x) else (None, None), (None, ~is_steep))


def at_real_end(*ends: float) -> Callable[..., Piece]:
    """Part real numbers at `ends`, beyond which the results of `np.emath` are complex."""

    def piece(x: Any) -> Piece:
        if np.iscomplexobj(x):
            return joined(*(at_cut(1 - np.sign(end) * x if end else x) for end in ends))
        return joined(*(between(x, end) for end in ends))

    return piece


def at_angle(z: Any, deg: bool = False) -> Piece:
    """Part where the angle jumps, and at 0."""
    return at_cut(z) if np.iscomplexobj(z) else at_zero(z)


def at_finite(x: Any, **_: Any) -> Piece:
    """Part where numbers end."""
    return np.isfinite(x), None


def at_real(a: Any, tol: float = 100) -> Piece:
    """Part where complex numbers are taken for real ones."""
    is_taken = np.iscomplexobj(a) and not np.iscomplexobj(np.real_if_close(a, tol))
    return np.array(is_taken), np.array(not is_taken)


def at_bounds(
    a: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None
) -> Piece:
    """Part where a bound is met."""
    low, high = a_min if min is None else min, a_max if max is None else max
    raised = a if low is None else np.maximum(a, low)
    lower = (None, None) if low is None else between(a, low)
    return joined(lower, (None, None) if high is None else between(raised, high))


# Along an axis.
def at_extremum(extremum: Any) -> Callable[..., Piece]:
    """Part where two candidates for the extremum are equal."""

    def piece(
        a: Any, axis: Any = None, *, keepdims: bool = False, initial: Any = None, where: Any = True
    ) -> Piece:
        rest = {} if initial is None else {"initial": initial}
        best = extremum(a, axis, keepdims=True, where=where, **rest)
        chosen = np.equal(a, best) & where
        ties = np.sum(chosen, axis=axis, keepdims=True) + (best == initial)
        return chosen, ties < 2

    return piece


def at_both_extrema(a: Any, axis: Any = None, *, keepdims: bool = False) -> Piece:
    """Part where the largest or the smallest is not the only one, unless there is one alone."""
    if np.size(a) == np.size(np.max(a, axis)):
        return None, None
    return joined(at_extremum(np.max)(a, axis), at_extremum(np.min)(a, axis))


def at_equal(numbers: Callable[[Any], Any]) -> Callable[..., Piece]:
    """Leave out equal elements, of those that are `numbers`, where there are two at least."""

    def piece(a: Any, axis: Any = None, *_: Any, where: Any = True, **__: Any) -> Piece:
        where = np.broadcast_to(numbers(a) & where, np.shape(a))
        spread = sum(
            np.max(part, axis, where=where, initial=-np.inf)
            - np.min(part, axis, where=where, initial=np.inf)
            for part in (np.real(a), np.imag(a))
        )
        return None, (spread != 0) | (np.sum(where, axis) < 2)

    return piece


def at_order(a: Any, kth: Any = None, axis: Any = -1, *_: Any, **__: Any) -> Piece:
    """Part where two elements along `axis` are equal."""
    a = np.real(np.asarray(a))
    if axis is None or a.ndim == 0:
        a, axis = np.ravel(a), -1
    return np.argsort(a, axis=axis, kind="stable"), np.diff(np.sort(a, axis=axis), axis=axis)


def at_sorted(a: Any, axis: Any = -1, *_: Any, **__: Any) -> Piece:
    """Do the same with the arguments of `np.sort`."""
    return at_order(a, None, axis)


def at_quantile(quantile: Any) -> Callable[..., Piece]:
    """Part where one of the two elements that the result lies between is not the only one."""
    count = 0 if quantile in (np.median, np.nanmedian) else 1  # of arguments before the axis

    def piece(a: Any, *rest: Any, axis: Any = None, keepdims: bool = False, **kwargs: Any) -> Piece:
        if not np.size(a):
            return None, None
        axis = rest[count] if len(rest) > count else axis
        out = quantile(a, *rest[:count], axis=axis, keepdims=True, **kwargs)
        each = np.reshape(out, (-1, *np.shape(out)[np.ndim(out) - np.ndim(a) :]))
        return joined((None, None), *(_around(a, one, axis) for one in each))

    return piece


def _around(a: Any, out: Any, axis: Any) -> Piece:
    below = np.max(a, axis, keepdims=True, where=a <= out, initial=-np.inf)
    above = np.min(a, axis, keepdims=True, where=a >= out, initial=np.inf)
    chosen = np.stack([a == below, a == above])
    axes = axis if isinstance(axis, tuple) else range(np.ndim(a)) if axis is None else (axis,)
    counts = np.sum(chosen, axis=tuple(i % np.ndim(a) + 1 for i in axes))
    return chosen, counts < 2


def at_padding(array: Any, pad_width: Any, mode: Any = "constant", **_: Any) -> Piece:
    """Part where two elements are equal, if it is an extremum or a median that is put around."""
    if mode not in ("maximum", "minimum", "median"):
        return None, None
    return at_order(array, None, None)


def at_unequal(
    ar: Any,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: Any = None,
    *,
    equal_nan: bool = True,
) -> Piece:
    """Part where two elements, or two slices along `axis`, are equal."""
    first = np.unique(ar, return_index=True, axis=axis)[1]
    return first, np.array(first.size == (np.size(ar) if axis is None else np.shape(ar)[axis]))


def at_ends(filt: Any, trim: Any = "fb") -> Piece:
    """Leave out zeros at the ends, which would stay if they were the least bit else."""
    return None, np.array(np.shape(np.trim_zeros(filt, trim)) == np.shape(filt))


# Tables.
def at_knots(
    x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None
) -> Piece:
    """Part at the points of the table; with a period it has neither beginning nor end."""
    x, xp = np.asarray(x, float), np.asarray(xp, float)
    if period is not None:
        x, xp = np.mod(x, np.abs(period)), np.mod(xp, np.abs(period))
    order = np.argsort(xp)
    xp = xp[order]
    before = order[np.searchsorted(xp, x) - 1]
    gaps = np.abs(x[..., None] - xp)
    return joined((before, gaps), (np.roll(order, -np.argmin(order)), np.diff(xp)))


def at_jumps(p: Any, discont: Any = None, axis: int = -1, *, period: Any = 2 * np.pi) -> Piece:
    """Part where a difference is half a period off whole ones, or as large as `discont`."""
    steps = np.diff(p, axis=axis)
    limit = period / 2 if discont is None else max(discont, period / 2)
    turns = steps / period + 0.5
    to_jump = np.where(np.abs(steps) < limit, 1, np.abs(turns - np.round(turns)))
    to_limit = np.where(limit > period / 2, np.abs(np.abs(steps) - limit), 1)
    return np.round((np.unwrap(p, discont, axis, period=period) - p) / period), np.minimum(
        to_jump, to_limit
    )


def at_edges(
    a: Any,
    bins: Any = 10,
    range: Any = None,  # noqa: A002 - NumPy's name
    density: Any = None,
    weights: Any = None,
) -> Piece:
    """Part where an element changes its bin; the outer edges may go with the extrema."""
    edges = np.histogram_bin_edges(a, bins, range, weights)
    piece = at_range(a, bins, range)
    if not np.ndim(bins) and range is None:
        edges = edges[1:-1]
    a = np.ravel(a)
    return joined(piece, (np.searchsorted(edges, a), np.abs(a[:, None] - edges)))


def at_range(a: Any, bins: Any = 10, range: Any = None, weights: Any = None) -> Piece:  # noqa: A002 - the same
    """Part where the largest or the smallest, which edges come from, is not the only one."""
    if np.ndim(bins):
        return None, np.diff(bins)
    return (None, None) if range is not None else at_both_extrema(a)
