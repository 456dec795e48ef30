"""Rules of norms and condition numbers.

Three kinds: lengths of vectors, largest sums of rows or columns, and norms that are made of
singular values. Ties share equally, and the slope of a norm at 0 is 0.
"""

import math
from typing import Any

import numpy as np

from autograd_mini.primitive import defvjp, primitive
from autograd_mini.rules.undefined import if_number


@primitive
def at_kink(slope: Any, is_kink: Any) -> Any:
    """Return `slope`, and 0 where `is_kink`: the convention for a norm at 0 and its relatives.

    The convention ends there: the derivative of the slope at a kink is nan, not 0.
    """
    return np.where(is_kink, 0, slope)


# Linear in g, so that forward mode, which differentiates by g, meets the nan as well.
defvjp(
    at_kink,
    lambda g, out, slope, is_kink: g * np.where(is_kink, math.nan, np.ones_like(g)),
    None,
)


def over_length(x, length):
    """Return x / length, and 0 where the length is 0, whose derivative there is nan by both."""
    is_kink = length == 0
    return at_kink(x / (length + is_kink), is_kink)


def is_exact(out, order):
    """Return whether no power in a norm `out` of `order` has left the range of its dtype."""
    info = np.finfo(out.dtype)
    with np.errstate(all="ignore"):
        power = out ** float(order)
    return bool(np.all((power > info.tiny / info.eps) & (power < math.inf)))


def power_of_two(size):
    """Return the power of two below `size`, 1 for 0 and inf: flat, and exact to divide by."""
    is_usable = (size > 0) & (size < math.inf)
    return np.exp2(np.floor(np.log2(np.where(is_usable, size, 1))))


def without_curvature(slope, x, is_kink):
    """Return a slope that is flat in `x`, with the derivative nan where `is_kink`."""
    return slope + at_kink(np.where(is_kink, x, 0), is_kink)


def _signs(x):
    """Return the slope of |x|: x / |x|, conjugated, and 0 at 0."""
    return over_length(np.conjugate(x), np.abs(x)) if x.dtype.kind == "c" else np.sign(x)


def _shared(g, values, extremum, axis):
    """Return `g` for the extremum of `values`, shared equally among ties."""
    chosen = values == extremum
    ties = np.maximum(np.sum(chosen, axis=axis, keepdims=True), 1)
    return np.where(chosen, g * (1 / ties).astype(g.dtype), 0)


# Below, g and out have kept the axes that were reduced.
def _vector_vjp(g, out, x, order, axes):
    if order in (None, 2, "fro", "f"):
        if is_exact(out, 2):
            return g * over_length(np.conjugate(x), out)
        y, is_kink = _scaled(x, axes, np.max)
        squares = np.sum(np.real(y * np.conjugate(y)), axis=axes, keepdims=True)
        return g * at_kink(np.conjugate(y) / np.sqrt(squares + is_kink), is_kink)
    if order == 0:  # a count
        return np.zeros_like(x)
    if order == 1:
        return g * without_curvature(_signs(x), x, out == 0)
    if abs(order) == math.inf:
        return _shared(g, np.abs(x), out, axes) * without_curvature(_signs(x), x, out == 0)
    if not is_exact(out, order):
        y, is_kink = _scaled(x, axes, np.max if order > 0 else np.min)
        sizes = np.where(is_kink, 1, np.abs(y))
        x, out = y, np.sum(sizes**order, axis=axes, keepdims=True) ** (1 / order)
        out = np.where(is_kink, 0, out)
    is_zero = (x == 0) | (out == 0)
    shares = np.where(is_zero, 1, np.abs(x)) / np.where(out == 0, 1, out)
    slopes = np.where(is_zero, 0, _signs(x) * shares ** (order - 1.0))
    return g * without_curvature(slopes, x, is_zero if order < 2 else out == 0)


def _scaled(x, axes, extremum):
    """Return `x` divided by about its extremal modulus, and where that is 0."""
    size = extremum(np.abs(x), axis=axes, keepdims=True) if x.size else np.abs(x)
    return x / power_of_two(size), size == 0


def _matrix_vjp(g, out, x, order, axes):
    if order in (None, "fro", "f"):
        return _vector_vjp(g, out, x, order, axes)
    if order in (2, -2, "nuc"):
        return _singular_norm_vjp(g, x, order, axes)
    if not x.size:
        return g * x
    summed, compared = axes if abs(order) == 1 else axes[::-1]
    sums = np.sum(np.abs(x), axis=summed, keepdims=True)
    extremum = np.max if order > 0 else np.min
    shared = _shared(g, sums, extremum(sums, axis=compared, keepdims=True), compared)
    return shared * without_curvature(_signs(x), x, out == 0)


def _singular_norm_vjp(g, x, order, axes):
    moved = np.moveaxis(x, axes, (-2, -1))
    u, s, vh = np.linalg.svd(moved, full_matrices=False)
    if order == "nuc":
        shares, is_kink = np.ones_like(s), s[..., -1:] == 0
    else:
        extremum = s[..., :1] if order == 2 else s[..., -1:]
        shares, is_kink = _shared(np.ones_like(s), s, extremum, -1), extremum == 0
    slopes = _from_values(u, np.where(s == 0, 0, shares), vh)
    return g * np.moveaxis(at_kink(slopes, is_kink[..., None]), (-2, -1), axes)


def _from_values(u, g_s, vh):
    return np.matmul(np.conjugate(u) * g_s[..., None, :], np.conjugate(vh))


def _norm_vjp(g, out, x, ord=None, axis=None, keepdims=False):  # noqa: A002 - NumPy's name
    axes = tuple(range(x.ndim)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    rule = _matrix_vjp if len(axes) == 2 else _vector_vjp
    kept = _kept_shape(x, axes)
    return _applied(rule, np.reshape(g, kept), np.reshape(out, kept), x, ord, axes)


def _applied(rule, g, out, x, order, axes):
    return if_number(rule(g, out, x, order, axes), g, out)


def _kept_shape(x, axes):
    reduced = {i % max(x.ndim, 1) for i in axes}
    return [1 if i in reduced else n for i, n in enumerate(x.shape)]


def _vector_norm_vjp(g, out, x, *, axis=None, keepdims=False, ord=2):  # noqa: A002 - the same
    axes = tuple(range(x.ndim)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    kept = _kept_shape(x, axes)
    return _applied(_vector_vjp, np.reshape(g, kept), np.reshape(out, kept), x, ord, axes)


def _matrix_norm_vjp(g, out, x, *, keepdims=False, ord="fro"):  # noqa: A002 - the same
    return _norm_vjp(g, out, x, ord, (-2, -1), keepdims)


defvjp(np.linalg.norm, _norm_vjp)
defvjp(np.linalg.vector_norm, _vector_norm_vjp)
defvjp(np.linalg.matrix_norm, _matrix_norm_vjp)


# The condition number: the largest singular value over the smallest, or norm(x) * norm(inv(x)).
def _cond_vjp(g, out, x, p=None):
    if not np.all(np.isfinite(out)):
        raise NotImplementedError(
            f"the condition number of a singular matrix is infinite and has no derivative: {out!r}"
        )
    if g.dtype.kind == "c":  # NumPy 2.0 gives a real number in a complex dtype
        g = np.real(g)
    if p in (None, 2, -2):
        return _cond_of_values_vjp(g, out, x, p)
    inverse, axes, g = np.linalg.inv(x), (-2, -1), g[..., None, None]
    size, inverse_size = (np.linalg.norm(y, p, axes, keepdims=True) for y in (x, inverse))
    by_inverse = _matrix_vjp(g * size, inverse_size, inverse, p, axes)
    turned = np.matrix_transpose(inverse)
    by_size = _matrix_vjp(g * inverse_size, size, x, p, axes)
    return by_size - np.matmul(turned, np.matmul(by_inverse, turned))


def _cond_of_values_vjp(g, out, x, p):
    u, s, vh = np.linalg.svd(x, full_matrices=False)
    g = (g * out)[..., None]
    largest, smallest = (_shared(g, s, s[..., i : i + 1 or None], -1) / s for i in (0, -1))
    g_s = smallest - largest if p == -2 else largest - smallest
    return _from_values(u, g_s, vh)


defvjp(np.linalg.cond, _cond_vjp)
