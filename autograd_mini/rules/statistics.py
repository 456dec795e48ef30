"""Rules of the statistics: averages, ranges, covariances, histograms.

Quantiles stand in `quantiles.py`, variances in `reductions.py`, what skips nan in `nans.py`.
"""

# ruff: noqa: A002, A006 - NumPy's name for an argument is `range`

import math

import numpy as np

from autograd_mini.primitive import defvjp
from autograd_mini.rules.reductions import extremum_vjp, mean_vjp, stretch
from autograd_mini.rules.shaping import cast
from autograd_mini.rules.undefined import weighted


# Ties share the gradient, at both ends.
def _ptp_vjp(g, out, a, axis=None, *, keepdims=False):
    g = stretch(g, axis, keepdims)
    highest, lowest = (f(a, axis=axis, keepdims=True) for f in (np.max, np.min))
    up = extremum_vjp(g, highest, a, axis, keepdims=True)
    return up - extremum_vjp(g, lowest, a, axis, keepdims=True)


defvjp(np.ptp, _ptp_vjp)


# average = sum(weights * a) / sum(weights), the latter of which `returned` returns too.
def _average_a(g, out, a, axis=None, weights=None, returned=False, *, keepdims=False):
    g, axis = g[0] if returned else g, _axes(a, axis)
    if weights is None:
        return mean_vjp(g, out, a, axis, keepdims=keepdims)
    weights = _along(weights, a, axis)
    return stretch(g, axis, keepdims) * (weights / np.sum(weights, axis=axis, keepdims=True))


def _average_weights(g, out, a, axis=None, weights=None, returned=False, *, keepdims=False):
    g, g_total, mean = (g[0], g[1], out[0]) if returned else (g, np.zeros_like(g), out)
    axis = _axes(a, axis)
    full = _along(weights, a, axis)
    g, g_total, mean = (stretch(x, axis, keepdims) for x in (g, g_total, mean))
    slopes = g * (a - mean) / np.sum(full, axis=axis, keepdims=True) + g_total
    if np.shape(weights) == np.shape(a):
        return np.broadcast_to(slopes, np.shape(a))
    others = tuple(i for i in range(a.ndim) if i not in axis)
    return np.transpose(np.sum(slopes, axis=others), np.argsort(np.argsort(axis)).tolist())


def _axes(a, axis):
    """Return `axis`, a number or a sequence of them, as numbers from 0."""
    return None if axis is None else tuple(i % a.ndim for i in np.atleast_1d(axis).tolist())


def _along(weights, a, axes):
    """Return the weights of the elements along `axes` in a shape that goes with `a`."""
    if np.shape(weights) == np.shape(a):
        return weights
    shape = [n if i in axes else 1 for i, n in enumerate(a.shape)]
    return np.broadcast_to(np.transpose(weights, np.argsort(axes).tolist()).reshape(shape), a.shape)


defvjp(np.average, _average_a, None, _average_weights)


# cov and corrcoef: the variables of m, then those of y, each in a row of x.
def _row_each(m, rowvar):
    rows = np.reshape(m, (1, -1)) if np.ndim(m) < 2 else m
    return rows if rowvar or rows.shape[0] == 1 else rows.T


def _variables(m, y, rowvar, dtype):
    if not rowvar and np.ndim(m) == 2 and m.shape[0] == 1:
        raise NotImplementedError("versions of NumPy differ on one row: write rowvar=True, or m.T")
    rows = [_row_each(x, rowvar) for x in (m, y) if x is not None]
    return cast(np.concatenate(rows), dtype)


def _m_of(slopes, m, rowvar):
    part = slopes[: _row_each(m, rowvar).shape[0]]
    return (part if part.shape[0] == 1 or rowvar else part.T).reshape(m.shape)


def _y_of(slopes, y, rowvar):
    part = slopes[slopes.shape[0] - _row_each(y, rowvar).shape[0] :]
    return (part if part.shape[0] == 1 or rowvar else part.T).reshape(y.shape)


def _products_vjp(g, x, y):
    """Return the gradient of x in z conj(z)^T, where y is z, or z times what it is divided by."""
    g = np.reshape(g, (len(x), len(x)))
    return np.matmul(g, np.conjugate(y)) + np.conjugate(np.matmul(g.T, y))


def _cov_slopes(g, out, m, y, rowvar, bias, ddof, fweights, aweights):
    """Return the gradient of x in sum(w (x - mean) conj(x - mean)^T) / (what ddof leaves of w)."""
    x = _variables(m, y, rowvar, out.dtype)
    a = np.broadcast_to(1.0 if aweights is None else aweights, x.shape[1:])
    w = a if fweights is None else np.multiply(a, fweights)
    total = np.sum(w)
    ddof = int(not bias) if ddof is None else ddof
    left = total - ddof * np.sum(w * a) / total
    spread = x - np.sum(x * w, axis=1, keepdims=True) / total
    return _products_vjp(g, x, spread * (w / np.where(left > 0, left, math.nan)))


def _cov_vjp(part, i):
    """Return the rule of one of the arguments (m, y) of the covariance."""

    def rule(
        g,
        out,
        m,
        y=None,
        rowvar=True,
        bias=False,
        ddof=None,
        fweights=None,
        aweights=None,
        *,
        dtype=None,
    ):
        slopes = _cov_slopes(g, out, m, y, rowvar, bias, ddof, fweights, aweights)
        return part(slopes, (m, y)[i], rowvar)

    return rule


defvjp(np.cov, _cov_vjp(_m_of, 0), _cov_vjp(_y_of, 1))


# The coefficients are products of rows with mean 0 and norm 1: what g has along a row is lost.
# A row without a spread has the coefficients nan, and so is its gradient.
def _corrcoef_slopes(g, out, x, y, rowvar):
    x = _variables(x, y, rowvar, out.dtype)
    spread = x - np.mean(x, axis=1, keepdims=True)
    norm = np.sqrt(np.real(np.sum(spread * np.conjugate(spread), axis=1, keepdims=True)))
    unit = spread / np.where(norm > 0, norm, math.nan)
    slopes = _products_vjp(g, x, unit)
    lost = np.real(np.sum(slopes * unit, axis=1, keepdims=True))
    return (slopes - lost * np.conjugate(unit)) / norm


defvjp(
    np.corrcoef,
    lambda g, out, x, y=None, rowvar=True, *, dtype=None: _m_of(
        _corrcoef_slopes(g, out, x, y, rowvar), x, rowvar
    ),
    lambda g, out, x, y=None, rowvar=True, *, dtype=None: _y_of(
        _corrcoef_slopes(g, out, x, y, rowvar), y, rowvar
    ),
)


# What falls into a bin is flat in a and in the edges, and linear in the weights. The edges are
# linear in the smallest and the largest element, unless they or their range were given; a density
# is divided by what is between them.
def _edges_vjp(g, a, bins, limits):
    if limits is not None or np.ndim(bins) or not a.size:
        return np.zeros_like(a)
    t = np.linspace(0, 1, g.size, dtype=g.dtype)
    low = extremum_vjp(np.sum(weighted(g, 1 - t)), np.min(a), a)
    return low + extremum_vjp(np.sum(weighted(g, t)), np.max(a), a)


def _through_edges(g, out, density):
    """Return the gradient of the edges by the histogram `out`: itself, and through a density."""
    if not density:
        return g[1]
    narrower = g[0] * out[0] / (out[1][1:] - out[1][:-1])
    none = np.zeros_like(narrower[:1])
    return g[1] + np.concatenate([narrower, none]) - np.concatenate([none, narrower])


def _histogram_a(g, out, a, bins=10, range=None, density=None, weights=None):
    return _edges_vjp(_through_edges(g, out, density), a, bins, range)


def _histogram_bins(g, out, a, bins=10, range=None, density=None, weights=None):
    return _through_edges(g, out, density)


def _histogram_weights(g, out, a, bins=10, range=None, density=None, weights=None):
    x, edges = np.reshape(a, weights.shape), out[1]
    is_inside = np.logical_and(x >= edges[0], x <= edges[-1])
    slopes = g[0]
    if density:  # each is divided by its width, and by the sum of all
        total = np.sum(np.where(is_inside, weights, 0))
        slopes = (slopes / (edges[1:] - edges[:-1]) - np.sum(slopes * out[0])) / total
    return np.where(is_inside, slopes[np.searchsorted(edges[:-1], x, side="right") - 1], 0)


def _bin_edges_a(g, out, a, bins=10, range=None, weights=None):
    return _edges_vjp(g, a, bins, range)


defvjp(np.histogram, _histogram_a, _histogram_bins, None, None, _histogram_weights)
defvjp(
    np.histogram_bin_edges,
    _bin_edges_a,
    lambda g, out, a, bins=10, range=None, weights=None: g,
)
