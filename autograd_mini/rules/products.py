"""Rules of the products that are not in `linalg.py`: crossed, Kronecker's, in rows, in chains.

Where NumPy has a second name for a function, in `np.linalg`, it gets the same rules.
"""

import numpy as np

from autograd_mini.primitive import TABLE, defvjp
from autograd_mini.rules.indexing import moved_back


def _in_linalg(vjp):
    """Return `vjp` with the names that `np.linalg` has for the arguments."""

    def renamed(g, out, x1, x2):
        return vjp(g, out, x1, x2)

    return renamed


defvjp(np.linalg.matmul, *map(_in_linalg, TABLE[np.matmul].vjps))
defvjp(np.linalg.outer, *map(_in_linalg, TABLE[np.outer].vjps))
_tensordot_left, _tensordot_right, *_ = TABLE[np.tensordot].vjps
defvjp(
    np.linalg.tensordot,
    lambda g, out, x1, x2, *, axes=2: _tensordot_left(g, out, x1, x2, axes),
    lambda g, out, x1, x2, *, axes=2: _tensordot_right(g, out, x1, x2, axes),
)

# Moving elements of stacked matrices.
for _transpose in (np.matrix_transpose, np.linalg.matrix_transpose):
    defvjp(_transpose, lambda g, out, x: np.swapaxes(g, -1, -2))


def _diagonal_vjp(g, out, x, *, offset=0):
    return moved_back(g, x.shape, lambda i: np.diagonal(i, offset, -2, -1))


def _trace_vjp(g, out, x, *, offset=0, dtype=None):
    places = np.diagonal(np.arange(x.size).reshape(x.shape), offset, -2, -1)
    return moved_back(np.broadcast_to(g[..., None], places.shape), x.shape, lambda i: places)


defvjp(np.linalg.diagonal, _diagonal_vjp)
defvjp(np.linalg.trace, _trace_vjp)


def _put_last(rows, axis, ndim):
    """Return `rows` with its last axis where an argument of `ndim` axes has `axis`.

    Counted from the end, since broadcasting may have added axes in front.
    """
    return np.moveaxis(rows, -1, axis - ndim if axis >= 0 else axis)


# a . (b x c) = b . (c x a) = c . (a x b); crossed along the last axis, then moved.
def _cross_left(g, out, a, b, axisa=-1, axisb=-1, axisc=-1, axis=None):
    axisa, axisb, axisc = (axisa, axisb, axisc) if axis is None else (axis,) * 3
    _check_three(a.shape[axisa], b.shape[axisb])
    return _put_last(np.cross(b, g, axisa=axisb, axisb=axisc), axisa, a.ndim)


def _cross_right(g, out, a, b, axisa=-1, axisb=-1, axisc=-1, axis=None):
    axisa, axisb, axisc = (axisa, axisb, axisc) if axis is None else (axis,) * 3
    _check_three(a.shape[axisa], b.shape[axisb])
    return _put_last(np.cross(g, a, axisa=axisc, axisb=axisa), axisb, b.ndim)


def _check_three(*lengths):
    if lengths != (3, 3):
        raise NotImplementedError(
            f"np.cross has a rule for vectors of 3 elements, found {lengths}: for two-vectors "
            f"write a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]"
        )


defvjp(np.cross, _cross_left, _cross_right)
defvjp(
    np.linalg.cross,
    lambda g, out, x1, x2, *, axis=-1: _cross_left(g, out, x1, x2, axis=axis),
    lambda g, out, x1, x2, *, axis=-1: _cross_right(g, out, x1, x2, axis=axis),
)


# kron multiplies every element of a with all of b: an outer product, its axes in pairs a0, b0, a1,
# b1, ... then joined.
def _kron_left(g, out, a, b):
    _, wide_b, pairs = _kron_shapes(a, b)
    terms = np.reshape(g, pairs) * np.reshape(b, wide_b)
    return np.reshape(np.sum(terms, axis=tuple(range(1, len(pairs), 2))), np.shape(a))


def _kron_right(g, out, a, b):
    wide_a, _, pairs = _kron_shapes(a, b)
    terms = np.reshape(g, pairs) * np.reshape(a, wide_a)
    return np.reshape(np.sum(terms, axis=tuple(range(0, len(pairs), 2))), np.shape(b))


def _kron_shapes(a, b):
    """Return the shapes in which a and b multiply to pairs of axes, and that of the product."""
    ndim = max(np.ndim(a), np.ndim(b))
    shape_a, shape_b = ((1,) * (ndim - np.ndim(x)) + np.shape(x) for x in (a, b))
    wide_a = [n for side in shape_a for n in (side, 1)]
    wide_b = [n for side in shape_b for n in (1, side)]
    return wide_a, wide_b, [n * m for n, m in zip(wide_a, wide_b, strict=True)]


defvjp(np.kron, _kron_left, _kron_right)


# vecdot sums conj(x1) * x2 along one axis; matvec and vecmat are matmul with a vector on one side.
def _vecdot_left(g, out, x1, x2, *, axis=-1):
    rows = np.expand_dims(g, -1) * np.moveaxis(x2, axis, -1)
    return _put_last(np.conjugate(rows), axis, x1.ndim)


def _vecdot_right(g, out, x1, x2, *, axis=-1):
    rows = np.expand_dims(g, -1) * np.conjugate(np.moveaxis(x1, axis, -1))
    return _put_last(rows, axis, x2.ndim)


defvjp(np.vecdot, _vecdot_left, _vecdot_right)
defvjp(np.linalg.vecdot, _vecdot_left, _vecdot_right)

if hasattr(np, "matvec"):  # since NumPy 2.2
    defvjp(
        np.matvec,
        lambda g, out, x1, x2: np.expand_dims(g, -1) * np.expand_dims(x2, -2),
        lambda g, out, x1, x2: np.matvec(np.swapaxes(x1, -1, -2), g),
    )
    defvjp(  # vecmat conjugates its vector
        np.vecmat,
        lambda g, out, x1, x2: np.conjugate(np.matvec(x2, g)),
        lambda g, out, x1, x2: np.expand_dims(np.conjugate(x1), -1) * np.expand_dims(g, -2),
    )


# Powers of a matrix, halving the exponent: a**n is b @ b, with b = a**(n // 2), and for odd n @ a.
def _power_vjp(g, a, n):
    if n < 2:
        return g if n == 1 else g * 0
    half = np.linalg.matrix_power(a, n // 2)
    half_t, inner, from_last = np.swapaxes(half, -1, -2), g, 0
    if n % 2:
        inner = np.matmul(g, np.swapaxes(a, -1, -2))
        from_last = np.matmul(np.matmul(half_t, half_t), g)
    g_half = np.matmul(inner, half_t) + np.matmul(half_t, inner)
    return _power_vjp(g_half, a, n // 2) + from_last


def _matrix_power_vjp(g, out, a, n):
    if n >= 0:
        return _power_vjp(g, a, n)
    inverse = np.linalg.inv(a)
    inverse_t = np.swapaxes(inverse, -1, -2)
    return -np.matmul(inverse_t, np.matmul(_power_vjp(g, inverse, -n), inverse_t))


defvjp(np.linalg.matrix_power, _matrix_power_vjp)


# A factor's gradient is the chain with g in the place of the rest: (before)^T g (after)^T.
def _multi_dot_vjp(g, out, arrays):
    factors = [*arrays]
    factors[0] = np.reshape(factors[0], (1, *np.shape(factors[0]))[-2:])
    factors[-1] = np.reshape(factors[-1], (*np.shape(factors[-1]), 1)[:2])
    g = np.reshape(g, (factors[0].shape[0], factors[-1].shape[1]))
    turned = [np.transpose(x) for x in factors]
    parts = [
        np.reshape(np.linalg.multi_dot([*turned[:i][::-1], g, *turned[:i:-1]]), np.shape(x))
        for i, x in enumerate(arrays)
    ]
    return np.stack(parts) if hasattr(arrays, "shape") else parts


defvjp(np.linalg.multi_dot, _multi_dot_vjp)
