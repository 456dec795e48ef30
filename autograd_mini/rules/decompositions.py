"""Rules of the decompositions of `numpy.linalg`, and of what is made of them.

Vectors of a decomposition turn into each other, the faster the closer their eigenvalues are. Those
of one and the same eigenvalue have no derivative: a gradient of them is refused, and one of
the eigenvalues alone goes through. NumPy reads one triangle of a matrix that it takes for
symmetric: there the gradient is, for both of them; in the other triangle it is zero.
Source: Giles (2008); Walter & Lehmann, Algorithmic differentiation of linear algebra functions
(2010); Townsend, Differentiating the singular value decomposition (2016).
"""

import numpy as np

from autograd_mini.primitive import defvjp

_turned = np.matrix_transpose


def _adjoint(x):
    return np.conjugate(_turned(x))


def _product(first, *others):
    for x in others:
        first = np.matmul(first, x)
    return first


def _halved(x):
    """Return `x` with half of its diagonal."""
    return x - x * (np.eye(x.shape[-1], dtype=x.dtype) / 2)


def _in_triangle(g, uplo="L"):
    """Return the gradient of the triangle that NumPy reads, `g` being that of the whole matrix."""
    both = _halved(g + _adjoint(g))
    return np.tril(both) if uplo in "Ll" else np.triu(both)


# Source: Murray, Differentiation of the Cholesky decomposition (2016).
def _cholesky_vjp(g, out, a, *, upper=False):
    if upper:  # upper^H upper, and upper is the adjoint of lower
        return _adjoint(_cholesky_vjp(_adjoint(g), _adjoint(out), None))
    inner = _halved(np.tril(_product(_turned(out), g)))
    left = np.linalg.solve(_turned(out), inner)
    return _in_triangle(_turned(np.linalg.solve(_adjoint(out), _turned(left))))


defvjp(np.linalg.cholesky, _cholesky_vjp)


def _from_triangle(a):
    """Return the whole of a matrix of which NumPy reads the lower triangle."""
    half = _halved(np.tril(a))
    return half + _adjoint(half)


# How fast the vectors turn: by the inverse gaps between their values.
def _rounding(values):
    """Return a bound of the error of each row of `values`."""
    return np.finfo(values.dtype).eps * np.sum(np.abs(values), axis=-1)[..., None]


def _gaps(values):
    """Return values[j] - values[i] for each pair, and which pairs are equal to rounding."""
    gaps = values[..., None, :] - values[..., :, None]
    is_other = ~np.eye(values.shape[-1], dtype=bool)
    return gaps, (np.abs(gaps) <= _rounding(values)[..., None]) & is_other


def _inverse(x, is_zero):
    return np.where(is_zero, 0, 1 / np.where(is_zero, 1, x))


def _inverse_gaps(gaps, equal):
    return _inverse(gaps, equal | np.eye(gaps.shape[-1], dtype=bool))


def _spread(values):
    """Return diagonal matrices."""
    return values[..., None] * np.eye(values.shape[-1], dtype=values.dtype)


def _refuse_vectors(equal, *turns):
    """Refuse gradients that turn vectors within the space of one value."""
    if any(np.any(equal & (turn != 0)) for turn in turns):
        raise NotImplementedError(
            "the vectors of equal eigenvalues or singular values, or of singular values 0, have "
            "no derivative; functions of the values alone have one"
        )


# Complex vectors are known but for a phase: what depends on it is LAPACK's choice.
def _refuse_phase(turn, g):
    phase = np.abs(np.imag(np.linalg.diagonal(turn)))
    limit = np.sqrt(np.finfo(turn.dtype).eps) * np.sum(np.abs(g), axis=-2)
    if turn.dtype.kind == "c" and np.any(phase > limit):
        raise NotImplementedError(
            "complex eigenvectors and singular vectors have no derivative by themselves, being "
            "known but for a phase; functions that do not depend on it have one"
        )


# A = V diag(w) V^H has V^H dA V = diag(dw) + gaps * V^H dV.
def _eigh_vjp(g, out, a, UPLO="L"):
    (w, v), (g_w, g_v) = out, g
    turn = np.matmul(_turned(v), g_v)
    gaps, equal = _gaps(w)
    _refuse_vectors(equal, turn)
    _refuse_phase(turn, g_v)
    inner = turn * _inverse_gaps(gaps, equal) + _spread(g_w)
    return _in_triangle(_product(np.conjugate(v), inner, _turned(v)), UPLO)


def _eigvalsh_vjp(g, out, a, UPLO="L"):
    _, v = np.linalg.eigh(a, UPLO)
    whole = np.matmul(np.conjugate(v) * g[..., None, :], _turned(v))
    return _in_triangle(whole, UPLO)


defvjp(np.linalg.eigh, _eigh_vjp)
defvjp(np.linalg.eigvalsh, _eigvalsh_vjp)


# A = V diag(w) V^-1 has V^-1 dA V = diag(dw) + gaps * V^-1 dV; columns of V keep length one.
def _eig_vjp(g, out, a):
    (w, v), (g_w, g_v) = out, g
    turn = np.matmul(_turned(v), g_v)
    gaps, equal = _gaps(w)
    _refuse_vectors(equal, turn)
    _refuse_phase(turn, g_v)
    lengths = np.real(np.linalg.diagonal(turn))[..., None, :]
    turn = turn - np.matmul(_turned(v), np.conjugate(v)) * lengths
    inner = turn * _inverse_gaps(gaps, equal) + _spread(g_w)
    return np.linalg.solve(_turned(v), np.matmul(inner, _turned(v)))


def _eigvals_vjp(g, out, a):
    w, v = np.linalg.eig(a)
    if np.any(np.abs(w - out) > np.sqrt(np.finfo(w.dtype).eps) * np.sum(np.abs(w))):
        raise NotImplementedError(
            "np.linalg.eigvals found the eigenvalues in another order than np.linalg.eig: "
            "write np.linalg.eig(a).eigenvalues"
        )
    return np.linalg.solve(_turned(v), g[..., :, None] * _turned(v))


defvjp(np.linalg.eig, _eig_vjp)
defvjp(np.linalg.eigvals, _eigvals_vjp)


# A = U diag(s) V^H. The sum of the turns of U and V goes with the gaps s[j] - s[i], the
# difference with s[j] + s[i], which spares a division where a function needs only the latter.
def _svd_vjp(g, out, a, full_matrices=True, compute_uv=True, hermitian=False):
    if not compute_uv:
        return _singular_values_vjp(g, out, a, hermitian)
    (u, s, vh), (g_u, g_s, g_vh) = _thin(out, g)
    turn_u, turn_v = np.matmul(_turned(u), g_u), -np.matmul(g_vh, _turned(vh))
    gaps, equal = _gaps(s)
    is_zero = s <= _rounding(s)
    sums = s[..., None, :] + s[..., :, None]
    _refuse_vectors(equal, turn_u, turn_v)
    _refuse_phase(turn_u + turn_v, g_u)
    by_gap = (turn_u + turn_v) * _inverse_gaps(gaps, equal) + _spread(np.where(s == 0, 0, g_s))
    by_sum = (turn_u - turn_v) * _inverse(sums, sums == 0)
    inner = (by_gap + _adjoint(by_gap) + by_sum - _adjoint(by_sum)) / 2
    u, vh, scale = np.conjugate(u), np.conjugate(vh), _inverse(s, is_zero)
    whole = _product(u, inner, vh)
    if a.shape[-2] > a.shape[-1]:
        beyond = g_u - np.matmul(u, turn_u)
        _refuse_vectors(is_zero[..., None, :], g_u)
        whole = whole + np.matmul(beyond * scale[..., None, :], vh)
    if a.shape[-2] < a.shape[-1]:
        beyond = g_vh + np.matmul(turn_v, vh)
        _refuse_vectors(is_zero[..., :, None], g_vh)
        whole = whole + np.matmul(u, scale[..., :, None] * beyond)
    return _in_triangle(whole) if hermitian else whole


def _thin(out, g):
    """Return the results and gradients without the vectors that full_matrices adds."""
    (u, s, vh), (g_u, g_s, g_vh) = out, g
    k = s.shape[-1]
    if np.any(g_u[..., k:] != 0) or np.any(g_vh[..., k:, :] != 0):
        raise NotImplementedError(
            "the vectors that full_matrices=True adds have no derivative: use full_matrices=False"
        )
    return (u[..., :k], s, vh[..., :k, :]), (g_u[..., :k], g_s, g_vh[..., :k, :])


# A singular value 0 is a kink, as that of the absolute value, with slope 0.
def _singular_values_vjp(g, out, a, hermitian=False):
    u, _, vh = np.linalg.svd(a, full_matrices=False, hermitian=hermitian)
    g = np.where(out == 0, 0, g)
    whole = np.matmul(np.conjugate(u) * g[..., None, :], np.conjugate(vh))
    return _in_triangle(whole) if hermitian else whole


def _svdvals_vjp(g, out, x):
    return _singular_values_vjp(g, out, x)


defvjp(np.linalg.svd, _svd_vjp)
defvjp(np.linalg.svdvals, _svdvals_vjp)


# With W = Q^T gQ - gR R^T, gA = (gQ + Q (tril(W - W^T) - W)) R^-T; beyond square, A = [X Y] has
# the Q of X, and R = [R of X, Q^H Y].
def _qr_vjp(g, out, a, mode="reduced"):
    m, n = a.shape[-2:]
    if mode not in ("reduced", "complete", "r") or (mode == "complete" and m > n):
        raise NotImplementedError(f"np.linalg.qr has no rule for {mode=} and shape {a.shape}")
    q, r = np.linalg.qr(a) if mode == "r" else out
    g_q, g_r = (q * 0, g) if mode == "r" else g
    if m >= n:
        return _square_qr_vjp(g_q, g_r, q, r)
    g_rest = g_r[..., m:]
    g_q = g_q + np.conjugate(np.matmul(a[..., m:], _turned(g_rest)))
    square = _square_qr_vjp(g_q, g_r[..., :m], q, r[..., :m])
    return np.concatenate([square, np.matmul(np.conjugate(q), g_rest)], axis=-1)


def _square_qr_vjp(g_q, g_r, q, r):
    steps = np.linalg.diagonal(r)
    if np.any(np.abs(steps) <= _rounding(steps)):
        raise NotImplementedError("np.linalg.qr has a derivative where the columns are independent")
    w = np.matmul(_turned(q), g_q) - np.matmul(g_r, _turned(r))
    inner = _halved(np.tril(w - _adjoint(w))) - w
    whole = g_q + np.matmul(np.conjugate(q), inner)
    return _turned(np.linalg.solve(r, _turned(whole)))


defvjp(np.linalg.qr, _qr_vjp)


# The pseudoinverse X of A has, where the rank stays,
# dX = -X dA X + X X^H dA^H (1 - A X) + (1 - X A) dA^H X^H X.
# Below full rank X jumps, as every neighbour has more: refused.
# Source: Golub & Pereyra, The differentiation of pseudo-inverses (1973).
def _pinv_vjp(g, out, a, rcond=None, hermitian=False, *, rtol=None):
    a = _from_triangle(a) if hermitian else a
    _check_rank(np.real(np.sum(out * _turned(a), axis=(-2, -1))), a)
    back, adjoint = _turned(g), _adjoint(out)
    left = _product(back - _product(a, out, back), out, adjoint)
    right = _product(adjoint, out, back - _product(back, out, a))
    whole = np.conjugate(left + right) - _product(_turned(out), g, _turned(out))
    return _in_triangle(whole) if hermitian else whole


def _check_rank(rank, a):
    if np.any(rank < min(a.shape[-2:]) - 0.5):
        raise NotImplementedError(
            f"the pseudoinverse and the least-squares solution of a matrix of less than full "
            f"rank have no derivative, found shape {a.shape} and rank {rank}"
        )


defvjp(np.linalg.pinv, _pinv_vjp)


# lstsq gives x = pinv(a) @ b, the squared lengths of b - a @ x, the rank and the singular values.
def _lstsq_parts(g, out, a, b):
    """Return pinv(a), b, x, the gradient of x, and that of b - a @ x, all as matrices."""
    _check_rank(out[2], a)
    columns = b.shape[1:] or (1,)
    b, x, g_x = (np.reshape(y, (-1, *columns)) for y in (b, out[0], g[0]))
    g_residual = 2 * np.conjugate(b - np.matmul(a, x)) * g[1] if out[1].size else b * 0
    return np.linalg.pinv(a), b, x, g_x, g_residual


def _lstsq_right(g, out, a, b, rcond=None):
    inverse, _, _, g_x, g_residual = _lstsq_parts(g, out, a, b)
    return np.reshape(np.matmul(_turned(inverse), g_x) + g_residual, b.shape)


def _lstsq_left(g, out, a, b, rcond=None):
    inverse, b, x, g_x, g_residual = _lstsq_parts(g, out, a, b)
    by_inverse = _pinv_vjp(np.matmul(g_x, _turned(b)), inverse, a)
    by_residual = np.matmul(g_residual, _turned(x))
    return by_inverse - by_residual + _singular_values_vjp(g[3], out[3], a)


defvjp(np.linalg.lstsq, _lstsq_left, _lstsq_right)
