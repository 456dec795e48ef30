"""Rules of convolutions, of polynomials, whose product is one, and of linear interpolation.

full convolution: out_k = sum_i a_i v_{k-i}, so the gradient of a is the part of the convolution of
`g` with the reversed v in which both overlap fully. Coefficients stand from the highest power down.
"""

import numpy as np

from autograd_mini.primitive import defvjp
from autograd_mini.rules.indexing import scatter
from autograd_mini.rules.undefined import if_number, weighted


# Convolutions. The modes are parts of the full one: `g` is put back where it was cut out.
def _full(g, a, v, mode, cut):
    shorter, longer = sorted((np.size(a), np.size(v)))
    if mode not in ("full", "same", "valid"):
        raise NotImplementedError(f"mode={mode!r} has no rule: full, same, and valid have")
    before = {"full": 0, "same": cut, "valid": shorter - 1}[mode]
    return np.pad(g, (before, longer + shorter - 1 - before - g.size))


def _convolve_other(g, out, a, v, mode="full"):
    """Return the gradient of `a`, or with the two exchanged of `v`."""
    full = _full(g, a, v, mode, (min(np.size(a), np.size(v)) - 1) // 2)
    return np.convolve(full, np.ravel(v)[::-1], "valid")


defvjp(
    np.convolve,
    _convolve_other,
    lambda g, out, a, v, mode="full": _convolve_other(g, out, v, a, mode),
)


# correlate(a, v) is convolve(a, conj(v)[::-1]), but cuts "same" elsewhere for a longer v.
def _correlate_full(g, a, v, mode):
    a_size, v_size = np.size(a), np.size(v)
    return _full(g, a, v, mode, (v_size - 1) // 2 if v_size <= a_size else a_size // 2)


def _correlate_a(g, out, a, v, mode="valid"):
    return np.correlate(_correlate_full(g, a, v, mode), np.ravel(v)[::-1], "valid")


def _correlate_v(g, out, a, v, mode="valid"):
    reversed_gv = np.convolve(_correlate_full(g, a, v, mode), np.ravel(a)[::-1], "valid")
    return np.conjugate(reversed_gv[::-1])


defvjp(np.correlate, _correlate_a, _correlate_v)


# Powers and values.
def _vander_vjp(g, out, x, N=None, increasing=False):
    n = max(g.shape[1] - 1, 0)
    if increasing:
        return np.sum(g[:, 1:] * np.arange(1, n + 1) * np.vander(x, n, True), axis=1)
    return np.sum(g[:, :-1] * np.arange(n, 0, -1) * np.vander(x, n), axis=1)


def _polyval_p(g, out, p, x):
    if p.ndim > 1:
        raise NotImplementedError("coefficients of several axes have no rule: evaluate row by row")
    return np.matmul(np.ravel(g), np.vander(np.ravel(x) * 1.0, p.size))


defvjp(np.vander, _vander_vjp)
defvjp(np.polyval, _polyval_p, lambda g, out, p, x: g * np.polyval(np.polyder(p), x))


# A root z_i brings the factor (x - z_i): its slope is minus the product of the other factors.
def _poly_vjp(g, out, seq_of_zeros):
    n = seq_of_zeros.size
    if seq_of_zeros.ndim > 1:
        raise NotImplementedError("of a matrix it has no rule: it has one of a list of zeros")
    if n < 2:
        return -g[1:]
    others = [np.poly(seq_of_zeros[[j for j in range(n) if j != i]]) for i in range(n)]
    return -np.matmul(np.stack(others), g[1:])


defvjp(np.poly, _poly_vjp)


# p(z) = 0, so dz / dp_k = -z^(n-k) / p'(z): infinite at a multiple root.
def _roots_vjp(g, out, p):
    # NumPy widens the coefficients and the powers of float32.
    slopes = np.polyval(np.polyder(p), out).astype(out.dtype)
    return -np.matmul(g / slopes, np.vander(out, p.size).astype(out.dtype))


defvjp(np.roots, _roots_vjp)


# Arithmetic: aligned at the lowest power, and of one axis.
def _last(g, size):
    if g.ndim > 1:
        raise NotImplementedError("coefficients of several axes have no rule: a polynomial has one")
    return g[g.size - size :]


defvjp(
    np.polyadd,
    lambda g, out, a1, a2: _last(g, a1.size),
    lambda g, out, a1, a2: _last(g, a2.size),
)
defvjp(
    np.polysub,
    lambda g, out, a1, a2: _last(g, a1.size),
    lambda g, out, a1, a2: -_last(g, a2.size),
)


# NumPy leaves out leading zeros of a1 and a2, which the powers below them depend on all the same.
def _polymul_other(g, out, a1, a2):
    full = np.pad(g, (np.size(a1) + np.size(a2) - 1 - g.size, 0))
    return np.convolve(full, np.ravel(a2)[::-1], "valid")


defvjp(
    np.polymul,
    _polymul_other,
    lambda g, out, a1, a2: _polymul_other(g, out, a2, a1),
)


# u = q * v + r fixes q by the highest powers, a triangular Toeplitz system: its transpose is solved
# by dividing backwards. The remainder's powers from v's degree on are rounding errors of 0.
def _polydiv_u(g, out, u, v):
    n, m = np.size(v) - 1, np.size(u) - 1
    if m < n:
        return np.pad(g[1], (m + 1 - g[1].size, 0))
    gr = g[1][max(g[1].size - n, 0) :]
    gr = np.pad(gr, (n - gr.size, 0))
    v = np.ravel(v)
    gq = g[0] - np.convolve(np.pad(gr, (m - n + 1, 0)), v[::-1], "valid")
    backwards = np.polydiv(np.pad(gq[::-1], (0, n)), v)[0]
    return np.concatenate([backwards[::-1], gr])


def _polydiv_v(g, out, u, v):
    if np.size(u) < v.size:
        return np.zeros_like(np.ravel(v))
    return -np.convolve(_polydiv_u(g, out, u, v), out[0][::-1], "valid")


defvjp(np.polydiv, _polydiv_u, _polydiv_v)


# Derivative and integral: the factors of the powers are those of ones.
def _polyder_vjp(g, out, p, m=1):
    return np.pad(g * np.polyder(np.ones(p.size), m), (0, p.size - g.size))


def _polyint_p(g, out, p, m=1, k=None):
    return g[: p.size] * np.polyint(np.ones(p.size), m)[: p.size]


def _polyint_k(g, out, p, m=1, k=None):
    n = np.size(p)
    gk = g[n:] * np.polyint(np.zeros(n), m, np.ones(max(m, 1)))[n:]
    return gk if k.size == 1 else np.pad(gk, (0, k.size - m))


defvjp(np.polyder, _polyder_vjp)
defvjp(np.polyint, _polyint_p, None, _polyint_k)


# Interpolation. At a point of the table, a kink, the slope is the mean of its two sides; the line
# is flat beyond both ends.
def _table(x, xp, fp, period):
    """Return x and the table as NumPy looks it up, and the place of each entry in the arguments."""
    back = np.arange(np.size(xp))
    if period is None:
        return x, xp, fp, back
    period = np.abs(period)
    x, xp = x % period, xp % period
    order = np.argsort(xp)
    back = np.concatenate([order[-1:], order, order[:1]])
    turns = np.concatenate([[-period], np.zeros(np.size(order)), [period]])
    return x, xp[back] + turns, fp[back], back


def _through_slope(g, x, xp, fp):
    """Return `g` times the slope of the table at `x`."""
    steps = np.diff(xp)
    slopes = np.pad(np.diff(fp) / np.where(steps == 0, 1, steps), 1)
    sides = [slopes[np.searchsorted(xp, x, side)] for side in ("left", "right")]
    return if_number(weighted(g, (sides[0] + sides[1]) / 2), g, x)


def _spread(g, x, xp, back, size):
    """Return `g` given to the two neighbours of `x` in the table, by their shares."""
    last = xp.size - 1
    i = np.clip(np.searchsorted(xp, x, "right") - 1, 0, max(last - 1, 0))
    j = np.minimum(i + 1, last)
    step = xp[j] - xp[i]
    share = (x - xp[i]) / np.where(step == 0, 1, step)
    share = np.where(x <= xp[0], 0, np.where(x >= xp[-1], 1, share))
    g, share = if_number(g, g, x), np.where(np.isnan(x), 0, share)  # a nan is of no interval
    upper = scatter(weighted(g, share), back[j], (size,))
    return scatter(weighted(g, 1 - share), back[i], (size,)) + upper


def _interp_x(g, out, x, xp, fp, left=None, right=None, period=None):
    x, xp, fp, _ = _table(x, xp, fp, period)
    return _through_slope(g, x, xp, fp)


def _interp_xp(g, out, x, xp, fp, left=None, right=None, period=None):
    size = xp.size
    x, xp, fp, back = _table(x, xp, fp, period)
    return -_spread(_through_slope(g, x, xp, fp), x, xp, back, size)


def _interp_fp(g, out, x, xp, fp, left=None, right=None, period=None):
    if period is None:
        g = g if left is None else np.where(x < xp[0], 0, g)
        g = g if right is None else np.where(x > xp[-1], 0, g)
    x, xp, _, back = _table(x, xp, fp, period)
    return _spread(g, x, xp, back, fp.size)


def _interp_left(g, out, x, xp, fp, left=None, right=None, period=None):
    return np.where(x < xp[0], g, 0) if period is None else np.zeros_like(left)


def _interp_right(g, out, x, xp, fp, left=None, right=None, period=None):
    return np.where(x > xp[-1], g, 0) if period is None else np.zeros_like(right)


defvjp(np.interp, _interp_x, _interp_xp, _interp_fp, _interp_left, _interp_right)


# Sequences are mixtures of their ends: (1 - t) start + t stop, of the logarithms in geomspace.
def _mixed(g, weights, axis):
    return np.sum(weighted(np.moveaxis(g, axis, -1), weights), axis=-1)


def _times(g, num, endpoint):
    return np.linspace(0, 1, num, endpoint, dtype=g.dtype)


def linspace_end(sign):
    """Return the rule of start, for -1, or of stop, for 1."""

    def vjp(g, out, start, stop, num=50, endpoint=True, retstep=False, dtype=None, axis=0):
        g, g_step = g if retstep else (g, 0)
        t = _times(g, num, endpoint)
        mixed = _mixed(g, t if sign > 0 else 1 - t, axis)
        return mixed + sign * g_step / (num - 1 if endpoint else num) if retstep else mixed

    return vjp


def _logspace_end(sign):
    def vjp(g, out, start, stop, num=50, endpoint=True, base=10.0, dtype=None, axis=0):
        _check_base(base)
        t = _times(g, num, endpoint)
        return _mixed(g * out, t if sign > 0 else 1 - t, axis) * np.log(base)

    return vjp


def _logspace_base(g, out, start, stop, num=50, endpoint=True, base=10.0, dtype=None, axis=0):
    _check_base(base)
    return np.sum(g * out * np.linspace(start, stop, num, endpoint, axis=axis)) / base


def _check_base(base):
    if np.ndim(base):
        raise NotImplementedError("an array of bases has no rule: np.power(base, np.linspace(...))")


def _geomspace_end(sign):
    def vjp(g, out, start, stop, num=50, endpoint=True, dtype=None, axis=0):
        t = _times(g, num, endpoint)
        return _mixed(g * out, t if sign > 0 else 1 - t, axis) / (stop if sign > 0 else start)

    return vjp


defvjp(np.linspace, linspace_end(-1), linspace_end(1))
defvjp(np.logspace, _logspace_end(-1), _logspace_end(1), None, None, _logspace_base)
defvjp(np.geomspace, _geomspace_end(-1), _geomspace_end(1))
