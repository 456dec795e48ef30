"""Rules of solving, inverting and determinants.

An inverse X of A has dX = -X dA X; most of what stands here follows from that one line. Every
function takes stacks of matrices where NumPy does.
Source: Giles, Collected matrix derivative results for forward and reverse mode AD (2008).
"""

import math

import numpy as np

from autograd_mini.primitive import defvjp

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
# inverse, or the determinant underflows, the determinants of the minors.
def _det_vjp(g, out, a):
    g = g[..., None, None]
    if np.all(out != 0):
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
    square = np.reshape(np.transpose(a, _order(a, axes)), (b.size, b.size))
    return np.reshape(np.linalg.solve(np.transpose(square), np.ravel(g)), b.shape)


def _tensorsolve_left(g, out, a, b, axes=None):
    g_b = _tensorsolve_right(g, out, a, b, axes)
    order = _order(a, axes)
    product = np.reshape(-np.outer(g_b, out), [a.shape[i] for i in order])
    return np.transpose(product, np.argsort(order))


defvjp(np.linalg.tensorsolve, _tensorsolve_left, _tensorsolve_right)
