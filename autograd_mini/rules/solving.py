"""Rules of solving, inverting, least squares and determinants.

An inverse X of A has dX = -X dA X; most of what stands here follows from that one line. Every
function takes stacks of matrices where NumPy does.
Source: Giles, Collected matrix derivative results for forward and reverse mode AD (2008).
"""

import math

import numpy as np

from autograd_mini.primitive import defvjp
from autograd_mini.rules.decompositions import (
    adjoint,
    from_triangle,
    in_triangle,
    product,
    singular_values_vjp,
)

_turned = np.matrix_transpose


def _inv_vjp(g, out, a):
    return -np.matmul(_turned(out), np.matmul(g, _turned(out)))


defvjp(np.linalg.inv, _inv_vjp)


# NumPy takes `b` for a vector if it has one axis, else for matrices.
def _solve_right(g, out, a, b):
    if b.ndim == 1:
        return np.linalg.solve(_turned(a), np.expand_dims(g, -1))[..., 0]
    return np.linalg.solve(_turned(a), g)


def _solve_left(g, out, a, b):
    g_b = _solve_right(g, out, a, b)
    if b.ndim == 1:
        return -np.expand_dims(g_b, -1) * np.expand_dims(out, -2)
    return -np.matmul(g_b, _turned(out))


defvjp(np.linalg.solve, _solve_left, _solve_right)


# The gradient of a determinant is the matrix of cofactors: det(a) inv(a)^T, but where there is no
# inverse, or the determinant is too small or large a number, the determinants of the minors.
def _det_vjp(g, out, a):
    g = g[..., None, None]
    size = np.abs(out)
    if np.all((size >= np.finfo(size.dtype).tiny) & np.isfinite(size)):
        return g * out[..., None, None] * _turned(np.linalg.inv(a))
    return g * _cofactors(a)


def _cofactors(a):
    n = a.shape[-1]
    if a.size * n * n > 10**8:
        raise NotImplementedError(
            f"the derivative of the determinant of a singular matrix takes all minors, too many "
            f"of them for shape {a.shape}"
        )
    others = np.array([[k for k in range(n) if k != i] for i in range(n)], int).reshape(n, -1)
    minors = a[..., others[:, None, :, None], others[None, :, None, :]]
    signs = (-1) ** np.add.outer(np.arange(n), np.arange(n))
    return np.linalg.det(minors) * signs.astype(a.dtype)


defvjp(np.linalg.det, _det_vjp)


# The sign is flat for real numbers. A singular matrix has logarithm -inf: inv refuses.
def _slogdet_vjp(g, out, a):
    sign, _ = out
    g_sign, g_log = g
    if a.dtype.kind == "c":  # d log(det) = d log|det| + d sign / sign
        g_log = g_log + 1j * np.imag(g_sign * sign)
    return g_log[..., None, None] * _turned(np.linalg.inv(a))


defvjp(np.linalg.slogdet, _slogdet_vjp)


# Tensors as matrices.
def _tensorinv_vjp(g, out, a, ind=2):
    n = math.prod(a.shape[:ind])
    square = _inv_vjp(np.reshape(g, (n, n)), np.reshape(out, (n, n)), None)
    return np.reshape(square, a.shape)


defvjp(np.linalg.tensorinv, _tensorinv_vjp)


def _order(a, axes):
    """Return the order of the axes of `a` in which tensorsolve takes it for a matrix."""
    last = [] if axes is None else [i % a.ndim for i in np.atleast_1d(axes).tolist()]
    return [i for i in range(a.ndim) if i not in last] + last


def _tensorsolve_right(g, out, a, b, axes=None):
    square = np.reshape(np.transpose(a, _order(a, axes)), (np.size(b), np.size(b)))
    return np.reshape(np.linalg.solve(np.transpose(square), np.ravel(g)), np.shape(b))


def _tensorsolve_left(g, out, a, b, axes=None):
    g_b = _tensorsolve_right(g, out, a, b, axes)
    order = _order(a, axes)
    moved = np.reshape(-np.outer(g_b, out), [a.shape[i] for i in order])
    return np.transpose(moved, np.argsort(order).tolist())


defvjp(np.linalg.tensorsolve, _tensorsolve_left, _tensorsolve_right)


# The pseudoinverse X of A has, where the rank stays,
# dX = -X dA X + X X^H dA^H (1 - A X) + (1 - X A) dA^H X^H X.
# The rank is taken as constant: right along every path on which it is, whatever the rank.
# Source: Golub & Pereyra, The differentiation of pseudo-inverses (1973).
def _pinv_vjp(g, out, a, rcond=None, hermitian=False, *, rtol=None):
    a = from_triangle(a) if hermitian else a
    _check_dropped(a, out)
    back = _turned(g)
    left = product(back - product(a, out, back), out, adjoint(out))
    right = np.matmul(adjoint(out), np.matmul(out, back - product(back, out, a)))
    whole = np.conjugate(left + right) - product(_turned(out), g, _turned(out))
    return in_triangle(whole) if hermitian else whole


def _check_dropped(a, inverse):
    """Refuse where singular values that are not 0 were taken for 0."""
    rank = np.real(np.sum(inverse * _turned(a), axis=(-2, -1)))[..., None]
    k = min(a.shape[-2:])
    if np.all(rank > k - 0.5):
        return
    values, is_kept = np.linalg.svdvals(a), np.arange(k) < rank - 0.5
    dropped = np.max(np.where(is_kept, 0, values), axis=-1)
    kept = np.min(np.where(is_kept, values, np.inf), axis=-1)
    if np.any(dropped > np.sqrt(np.finfo(values.dtype).eps) * kept):
        raise NotImplementedError(
            "rcond or rtol cut off singular values that are not 0: the derivative of the "
            "pseudoinverse and of the least-squares solution is known where they are"
        )


defvjp(np.linalg.pinv, _pinv_vjp)


# lstsq gives x = pinv(a) @ b, the squared lengths of b - a @ x, the rank and the singular values.
def _lstsq_parts(g, out, a, b, rcond):
    """Return pinv(a), b, x, the gradient of x, and that of b - a @ x, all as matrices."""
    columns = b.shape[1:] or (1,)
    b, x, g_x = (np.reshape(y, (-1, *columns)) for y in (b, out[0], g[0]))
    g_residual = 2 * np.conjugate(b - np.matmul(a, x)) * g[1] if out[1].size else b * 0
    return _lstsq_inverse(a, rcond), b, x, g_x, g_residual


def _lstsq_inverse(a, rcond):
    eps = np.finfo(a.dtype).eps
    default = eps * max(a.shape) if rcond is None else eps
    return np.linalg.pinv(a, default if rcond is None or rcond < 0 else rcond)


def _lstsq_right(g, out, a, b, rcond=None):
    inverse, _, _, g_x, g_residual = _lstsq_parts(g, out, a, b, rcond)
    return np.reshape(np.matmul(_turned(inverse), g_x) + g_residual, b.shape)


def _lstsq_left(g, out, a, b, rcond=None):
    inverse, b, x, g_x, g_residual = _lstsq_parts(g, out, a, b, rcond)
    by_inverse = _pinv_vjp(np.matmul(g_x, _turned(b)), inverse, a)
    by_residual = np.matmul(g_residual, _turned(x))
    return by_inverse - by_residual + singular_values_vjp(g[3], out[3], a)


defvjp(np.linalg.lstsq, _lstsq_left, _lstsq_right)
