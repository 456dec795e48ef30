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


def adjoint(x):
    """Return the conjugate transpose of each matrix."""
    return np.conjugate(_turned(x))


def product(first, *others):
    """Return the product of matrices, multiplied from the left."""
    for x in others:
        first = np.matmul(first, x)
    return first


def _halved(x):
    """Return `x` with half of its diagonal."""
    return x - np.tril(np.triu(x)) / 2


def in_triangle(g, uplo="L"):
    """Return the gradient of the triangle that NumPy reads, `g` being that of the whole matrix."""
    both = _halved(g + adjoint(g))
    return np.tril(both) if uplo in "Ll" else np.triu(both)


# Source: Murray, Differentiation of the Cholesky decomposition (2016).
def _cholesky_vjp(g, out, a, *, upper=False):
    if upper:  # upper^H upper, and upper is the adjoint of lower
        return adjoint(_cholesky_vjp(adjoint(g), adjoint(out), None))
    inner = _halved(np.tril(product(_turned(out), g)))
    left = np.linalg.solve(_turned(out), inner)
    return in_triangle(_turned(np.linalg.solve(adjoint(out), _turned(left))))


defvjp(np.linalg.cholesky, _cholesky_vjp)


def from_triangle(a):
    """Return the whole of a matrix of which NumPy reads the lower triangle."""
    half = _halved(np.tril(a))
    return half + adjoint(half)


# How fast the vectors turn: by the inverse gaps between their values.
def _rounding(values):
    """Return a bound of the error of each row of `values`."""
    return np.finfo(values.dtype).eps * np.sum(np.abs(values), axis=-1)[..., None]


def _gaps(values):
    """Return values[j] - values[i] for each pair, and which pairs are equal to rounding."""
    gaps = values[..., None, :] - values[..., :, None]
    is_other = ~np.eye(values.shape[-1], dtype=bool)
    return gaps, (np.abs(gaps) <= _rounding(values)[..., None]) & is_other


def _over(x, values, is_zero):
    """Return x / values, and 0 where a value is zero."""
    return np.where(is_zero, 0, x) / np.where(is_zero, 1, values)


def _over_gaps(turn, gaps, equal):
    return _over(turn, gaps, equal | np.eye(gaps.shape[-1], dtype=bool))


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
def _phases(turn):
    """Return how a function changes with the phase of each vector."""
    return np.imag(np.linalg.diagonal(turn))


def _refuse_phases(phases, *gs):
    """Refuse `phases` above the rounding error of `gs`, the gradients of all vectors."""
    size = sum(np.sum(np.abs(g), axis=(-2, -1)) for g in gs)
    limit = np.sqrt(np.finfo(phases.dtype).eps) * size[..., None]
    if np.any(np.abs(phases) > limit):
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
    _refuse_phases(_phases(turn), g_v)
    inner = _over_gaps(turn, gaps, equal) + _spread(g_w)
    return in_triangle(product(np.conjugate(v), inner, _turned(v)), UPLO)


def _eigvalsh_vjp(g, out, a, UPLO="L"):
    _, v = np.linalg.eigh(a, UPLO)
    whole = np.matmul(np.conjugate(v) * g[..., None, :], _turned(v))
    return in_triangle(whole, UPLO)


defvjp(np.linalg.eigh, _eigh_vjp)
defvjp(np.linalg.eigvalsh, _eigvalsh_vjp)


# A = V diag(w) V^-1 has V^-1 dA V = diag(dw) + gaps * V^-1 dV; columns of V keep length one.
def _eig_vjp(g, out, a):
    (w, v), (g_w, g_v) = out, g
    turn = np.matmul(_turned(v), g_v)
    gaps, equal = _gaps(w)
    _refuse_vectors(equal, turn)
    _refuse_phases(_phases(turn), g_v)
    lengths = np.real(np.linalg.diagonal(turn))[..., None, :]
    turn = turn - np.matmul(_turned(v), np.conjugate(v)) * lengths
    inner = _over_gaps(turn, gaps, equal) + _spread(g_w)
    return np.linalg.solve(_turned(v), np.matmul(inner, _turned(v)))


def _eigvals_vjp(g, out, a):
    w, v = np.linalg.eig(a)
    away = np.abs(w[..., None, :] - out[..., :, None])  # of each one from each of eig's
    if np.any(np.linalg.diagonal(away) > np.min(away, axis=-1) + _rounding(w)):
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
        return singular_values_vjp(g, out, a, hermitian)
    (u, s, vh), (g_u, g_s, g_vh) = _thin(out, g)
    turn_u, turn_v = np.matmul(_turned(u), g_u), -np.matmul(g_vh, _turned(vh))
    gaps, equal = _gaps(s)
    is_zero = s <= _rounding(s)
    sums = s[..., None, :] + s[..., :, None]
    _refuse_vectors(equal, turn_u, turn_v)
    # Where s is 0, each of the two vectors has a phase of its own.
    phase_u, phase_v = _phases(turn_u), _phases(turn_v)
    _refuse_phases(phase_u + phase_v, g_u, g_vh)
    _refuse_phases(np.where(is_zero, phase_u, 0), g_u, g_vh)
    by_gap = _over_gaps(turn_u + turn_v, gaps, equal) + _spread(np.where(s == 0, 0, g_s))
    are_zero = is_zero[..., None, :] & is_zero[..., :, None]
    by_sum = _over(turn_u - turn_v, sums, are_zero)
    inner = (by_gap + adjoint(by_gap) + by_sum - adjoint(by_sum)) / 2
    u, vh = np.conjugate(u), np.conjugate(vh)
    whole = product(u, inner, vh)
    if a.shape[-2] > a.shape[-1]:
        beyond = g_u - np.matmul(u, turn_u)
        _refuse_vectors(is_zero[..., None, :], g_u)
        whole = whole + np.matmul(_over(beyond, s[..., None, :], is_zero[..., None, :]), vh)
    if a.shape[-2] < a.shape[-1]:
        beyond = g_vh + np.matmul(turn_v, vh)
        _refuse_vectors(is_zero[..., :, None], g_vh)
        whole = whole + np.matmul(u, _over(beyond, s[..., None], is_zero[..., None]))
    return in_triangle(whole) if hermitian else whole


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
def singular_values_vjp(g, out, a, hermitian=False):
    """Return the gradient of `a` for `g`, that of its singular values `out`."""
    u, _, vh = np.linalg.svd(a, full_matrices=False, hermitian=hermitian)
    g = np.where(out == 0, 0, g)
    whole = np.matmul(np.conjugate(u) * g[..., None, :], np.conjugate(vh))
    return in_triangle(whole) if hermitian else whole


def _svdvals_vjp(g, out, x):
    return singular_values_vjp(g, out, x)


defvjp(np.linalg.svd, _svd_vjp)
defvjp(np.linalg.svdvals, _svdvals_vjp)


# With W = Q^T gQ - gR R^T, gA = (gQ + Q (tril(W - W^T) - W)) R^-T; beyond square, A = [X Y] has
# the Q of X, and R = [R of X, Q^H Y].
def _qr_vjp(g, out, a, mode="reduced"):
    m, n = a.shape[-2:]
    if mode not in ("reduced", "complete", "r"):
        raise NotImplementedError(f"np.linalg.qr has no rule for {mode=}")
    q, r = np.linalg.qr(a) if mode == "r" else out
    g_q, g_r = (q * 0, g) if mode == "r" else g
    if np.any(g_q[..., n:] != 0):
        raise NotImplementedError(
            "the columns that mode='complete' adds to Q have no derivative: use mode='reduced'"
        )
    q, r, g_q, g_r = q[..., :n], r[..., :n, :], g_q[..., :n], g_r[..., :n, :]
    if m >= n:
        return _square_qr_vjp(g_q, g_r, q, r)
    g_rest = g_r[..., m:]
    g_q = g_q + np.conjugate(np.matmul(a[..., m:], _turned(g_rest)))
    square = _square_qr_vjp(g_q, g_r[..., :m], q, r[..., :m])
    return np.concatenate([square, np.matmul(np.conjugate(q), g_rest)], axis=-1)


def _square_qr_vjp(g_q, g_r, q, r):
    steps, columns = np.linalg.diagonal(r), np.sum(np.abs(r), axis=-2)
    if np.any(np.abs(steps) <= np.finfo(r.dtype).eps * columns):
        raise NotImplementedError("np.linalg.qr has a derivative where the columns are independent")
    w = np.matmul(_turned(q), g_q) - np.matmul(g_r, _turned(r))
    inner = _halved(np.tril(w - adjoint(w))) - w
    whole = g_q + np.matmul(np.conjugate(q), inner)
    return _turned(np.linalg.solve(r, _turned(whole)))


defvjp(np.linalg.qr, _qr_vjp)
