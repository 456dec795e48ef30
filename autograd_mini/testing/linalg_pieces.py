"""The kinks of norms and decompositions: zeros, ties of sums or of singular values, lost rank.

A tie of eigenvalues is one to rounding: two that are equal are never computed as equal.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autograd_mini.testing.pieces import Piece, at_extremum, at_zero, joined

_ROUNDING = 1e-9  # nearer than that, no step can part them
_OF_ROOTS = 1e-6  # multiple roots are that badly known


def _axes(x: Any, axis: Any) -> tuple[int, ...]:
    axes = range(np.ndim(x)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    return tuple(i % np.ndim(x) for i in axes)


def _apart(values: Any, limit: float = _ROUNDING) -> Any:
    """Return which neighbours in the sorted rows of `values` differ by more than rounding."""
    scale = np.max(np.abs(values), axis=-1, keepdims=True, initial=0)
    return np.abs(np.diff(values, axis=-1)) > limit * scale


def _away(values: Any) -> Any:
    """Return which of the rows of `values` are more than rounding beside the largest."""
    return np.abs(values) > _ROUNDING * np.max(np.abs(values), axis=-1, keepdims=True, initial=0)


def _singular_values(a: Any, axes: tuple[int, ...] = (-2, -1)) -> Any:
    return np.linalg.svd(np.moveaxis(a, axes, (-2, -1)), compute_uv=False)


# Norms.
def of_norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Piece:  # noqa: A002 - NumPy's name
    """Return the piece of a norm of vectors or matrices."""
    axes = _axes(x, axis)
    if ord is None:
        return _of_vector(x, 2, axes)
    return _of_matrix(x, ord, axes) if len(axes) == 2 else _of_vector(x, ord, axes)


def of_vector_norm(
    x: Any,
    *,
    axis: Any = None,
    keepdims: bool = False,
    ord: Any = 2,  # noqa: A002 - the same
) -> Piece:
    """Return the piece of a norm of vectors."""
    return _of_vector(x, ord, _axes(x, axis))


def of_matrix_norm(x: Any, *, keepdims: bool = False, ord: Any = "fro") -> Piece:  # noqa: A002 - the same
    """Return the piece of a norm of matrices."""
    return _of_matrix(x, ord, _axes(x, (-2, -1)))


def _of_vector(x: Any, order: Any, axes: tuple[int, ...]) -> Piece:
    if not np.size(x):
        return None, None
    if abs(order) == math.inf:
        return joined(at_zero(x), _of_extremum(np.abs(x), order, axes))
    if order > 0 and order % 2 == 0:
        return None, np.max(np.abs(x), axis=axes)
    return at_zero(x)


def _of_extremum(sums: Any, order: float, axis: Any) -> Piece:
    return at_extremum(np.max if order > 0 else np.min)(sums, axis)


def _of_matrix(x: Any, order: Any, axes: tuple[int, ...]) -> Piece:
    if order in ("fro", "f") or not np.size(x):
        return _of_vector(x, 2, axes)
    if order in (2, -2, "nuc"):
        return None, _is_smooth_norm(_singular_values(x, axes), order)
    summed, compared = axes if abs(order) == 1 else axes[::-1]
    sums = np.sum(np.abs(x), axis=summed, keepdims=True)
    return joined(at_zero(x), _of_extremum(sums, order, compared))


def _is_smooth_norm(s: Any, order: Any) -> Any:
    """Return where the extremum of the singular values is not tied, and none that counts is 0."""
    if order == "nuc":
        return _away(s)
    first, extremum = (s[..., :2], s[..., :1]) if order == 2 else (s[..., -2:], s[..., -1:])
    limit = _ROUNDING * s[..., :1]
    return np.concatenate([np.abs(np.diff(first)) > limit, extremum > limit], axis=-1)


def of_cond(x: Any, p: Any = None) -> Piece:
    """Return the piece of a condition number, made of two norms."""
    if not np.all(np.isfinite(np.linalg.cond(x, p))):
        return None, None
    if p in (None, 2, -2):
        s = _singular_values(x)
        return None, np.concatenate([_is_smooth_norm(s, 2), _is_smooth_norm(s, -2)], axis=-1)
    axes = _axes(x, (-2, -1))
    return joined(_of_matrix(x, p, axes), _of_matrix(np.linalg.inv(x), p, axes))


# Decompositions.
# Their vectors keep their signs, and all keep their order, as long as LAPACK likes.
def of_symmetric(a: Any, UPLO: Any = "L") -> Piece:
    """Return the piece of eigenvalues and vectors of a symmetric matrix: none are equal."""
    values, vectors = np.linalg.eigh(a, UPLO)
    return _signs(vectors), _apart(values)


def of_eigenvalues(a: Any) -> Piece:
    """Return the piece of eigenvalues and vectors: none are equal, none more are complex."""
    values, vectors = np.linalg.eig(a)
    sides = (np.argsort(np.real(values)), np.sign(np.imag(values)), _signs(vectors))
    return np.concatenate([*map(np.ravel, sides)]), _unequal(values, _ROUNDING)


def _signs(vectors: Any) -> Any:
    """Return on which side of a plane that nothing is likely to lie in each column points."""
    weights = np.cos(np.arange(1.0, vectors.shape[-2] + 1))
    return np.real(np.matmul(weights, vectors)) > 0


def _unequal(values: Any, limit: float) -> Any:
    """Return which pairs of each row of `values` differ by more than `limit`, relatively."""
    scale = np.max(np.abs(values), axis=-1, initial=0)[..., None, None]
    gaps = np.abs(values[..., None, :] - values[..., :, None])
    return (gaps > limit * scale) | np.eye(values.shape[-1], dtype=bool)


def of_svd(
    a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False
) -> Piece:
    """Return the piece of singular values: none are equal, and none is 0."""
    u, s, _ = np.linalg.svd(a, full_matrices=False, hermitian=hermitian)
    return _signs(u), np.concatenate([_apart(s), _away(s)], axis=-1)


def of_singular_values(x: Any) -> Piece:
    """Return the same."""
    return of_svd(x)


def of_rank(a: Any, *_: Any, **__: Any) -> Piece:
    """Return the piece of a function whose derivative needs a constant rank."""
    return np.linalg.matrix_rank(a), np.array(True)


def of_qr(a: Any, mode: str = "reduced") -> Piece:
    """Return the piece of a triangular factor: its diagonal keeps its signs, and none is 0."""
    steps = np.linalg.diagonal(np.linalg.qr(a, "r"))
    return np.real(steps) > 0, _away(steps)


def of_least_squares(a: Any, b: Any, rcond: Any = None) -> Piece:
    """Return the piece of a solution, of full rank, with its singular values."""
    return of_svd(a)


def of_roots(p: Any) -> Piece:
    """Return the piece of the roots of a polynomial: none are equal, and its degree stays."""
    ends = np.ravel(p)[[0, -1]] if np.size(p) else np.ones(1)
    found = _unequal(np.roots(p), _OF_ROOTS)
    return None, np.concatenate([ends != 0, np.ravel(found)])


def of_product(a1: Any, a2: Any) -> Piece:
    """Return the piece of a product of polynomials, of which zeros in front are left out."""
    return None, np.array([np.ravel(a)[0] != 0 for a in (a1, a2)])


def of_division(u: Any, v: Any) -> Piece:
    """Return the piece of a division of polynomials, whose remainder loses zeros in front."""
    remainder = np.polydiv(u, v)[1]
    whole = np.size(u) if np.size(u) < np.size(v) else max(np.size(v) - 1, 1)
    return None, np.array(remainder.size == whole)
