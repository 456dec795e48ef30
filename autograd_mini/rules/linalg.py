"""Rules of the products of vectors, matrices and tensors.

Every one of them is linear in each argument: its rule is a product of `g` with the other one.
"""

import numpy as np

from autograd_mini.primitive import defvjp


# A vector is a matrix with one row on the left, with one column on the right.
def _matmul_left(g, out, x, y):
    if y.ndim == 1:
        return np.expand_dims(g, -1) * y
    if x.ndim == 1:
        return np.matmul(y, np.expand_dims(g, -1))[..., 0]
    return np.matmul(g, np.swapaxes(y, -1, -2))


def _matmul_right(g, out, x, y):
    if x.ndim == 1:
        return np.expand_dims(x, -1) * np.expand_dims(g, -2) if y.ndim > 1 else g * x
    if y.ndim == 1:
        return np.matmul(np.swapaxes(x, -1, -2), np.expand_dims(g, -1))[..., 0]
    return np.matmul(np.swapaxes(x, -1, -2), g)


defvjp(np.matmul, _matmul_left, _matmul_right)


# tensordot sums over pairs of axes; dot and inner are the same with fixed axes.
def _tensordot_left(g, a, b, axes_a, axes_b):
    free_a, free_b = _free(a, axes_a), _free(b, axes_b)
    summed = range(len(free_a), g.ndim)
    product = np.tensordot(g, b, (list(summed), free_b))
    return np.transpose(product, np.argsort(free_a + _partners(axes_b, axes_a)).tolist())


def _tensordot_right(g, a, b, axes_a, axes_b):
    free_a, free_b = _free(a, axes_a), _free(b, axes_b)
    product = np.tensordot(a, g, (free_a, list(range(len(free_a)))))
    return np.transpose(product, np.argsort(_partners(axes_a, axes_b) + free_b).tolist())


def _free(x, axes):
    return [i for i in range(np.ndim(x)) if i not in axes]


def _partners(axes, partners):
    """Return `partners` in the order in which `axes`, their counterparts, are sorted."""
    return [partner for _, partner in sorted(zip(axes, partners, strict=True))]


def _axes(a, b, axes):
    """Return the axes summed over, as two lists of numbers from 0."""
    if np.ndim(axes) == 0:
        return list(range(np.ndim(a) - axes, np.ndim(a))), list(range(axes))
    axes_a, axes_b = (np.atleast_1d(part).tolist() for part in axes)
    return [i % np.ndim(a) for i in axes_a], [i % np.ndim(b) for i in axes_b]


defvjp(
    np.tensordot,
    lambda g, out, a, b, axes=2: _tensordot_left(g, a, b, *_axes(a, b, axes)),
    lambda g, out, a, b, axes=2: _tensordot_right(g, a, b, *_axes(a, b, axes)),
)


def _dot_axes(a, b):
    return [a.ndim - 1], [max(b.ndim - 2, 0)]


def _dot_left(g, out, a, b):
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return g * b
    return _tensordot_left(g, a, b, *_dot_axes(a, b))


def _dot_right(g, out, a, b):
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return g * a
    return _tensordot_right(g, a, b, *_dot_axes(a, b))


defvjp(np.dot, _dot_left, _dot_right)


def _inner_left(g, out, a, b):
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return g * b
    return _tensordot_left(g, a, b, [a.ndim - 1], [b.ndim - 1])


def _inner_right(g, out, a, b):
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return g * a
    return _tensordot_right(g, a, b, [a.ndim - 1], [b.ndim - 1])


defvjp(np.inner, _inner_left, _inner_right)
defvjp(
    np.outer,
    lambda g, out, a, b: np.reshape(np.matmul(g, np.ravel(b)), a.shape),
    lambda g, out, a, b: np.reshape(np.matmul(np.ravel(a), g), b.shape),
)
defvjp(
    np.vdot,
    lambda g, out, a, b: np.conjugate(g * np.reshape(b, a.shape)),
    lambda g, out, a, b: g * np.conjugate(np.reshape(a, b.shape)),
)
