"""Rules of the Bessel and Airy functions of scipy.special by their argument, not their order.

A slope is a combination of the neighbours in order.

Source: DLMF 10.6.1, 10.6.3, 10.29.1, 10.29.3, 10.40.1, 10.40.2 and 9.2.1.
"""

import numpy as np

from autograd_mini.rules.special import rule, special

# J, Y and the Hankel functions; yn has rules of yv's form, whose order need not be an integer.
rule("j0", lambda g, out, x: -g * special.j1(x))
rule("j1", lambda g, out, x: g * (special.j0(x) - special.jv(2.0, x)) / 2)
rule("y0", lambda g, out, x: -g * special.y1(x))
rule("y1", lambda g, out, x: g * (special.y0(x) - special.yv(2.0, x)) / 2)
rule("jv", None, lambda g, out, v, z: g * (special.jv(v - 1.0, z) - special.jv(v + 1.0, z)) / 2)
rule("yv", None, lambda g, out, v, z: g * (special.yv(v - 1.0, z) - special.yv(v + 1.0, z)) / 2)
rule("yn", None, lambda g, out, n, x: g * (special.yv(n - 1.0, x) - special.yv(n + 1.0, x)) / 2)
rule(
    "hankel1",
    None,
    lambda g, out, v, z: g * (special.hankel1(v - 1.0, z) - special.hankel1(v + 1.0, z)) / 2,
)
rule(
    "hankel2",
    None,
    lambda g, out, v, z: g * (special.hankel2(v - 1.0, z) - special.hankel2(v + 1.0, z)) / 2,
)

# The modified functions I and K.
rule("i0", lambda g, out, x: g * special.i1(x))
rule("i1", lambda g, out, x: g * (special.i0(x) + special.iv(2.0, x)) / 2)
rule("k0", lambda g, out, x: -g * special.k1(x))
rule("k1", lambda g, out, x: -g * (special.k0(x) + special.kv(2.0, x)) / 2)
rule("iv", None, lambda g, out, v, z: g * (special.iv(v - 1.0, z) + special.iv(v + 1.0, z)) / 2)
rule("kv", None, lambda g, out, v, z: -g * (special.kv(v - 1.0, z) + special.kv(v + 1.0, z)) / 2)
rule("kn", None, lambda g, out, n, x: -g * (special.kv(n - 1.0, x) + special.kv(n + 1.0, x)) / 2)


# Scaled by exp(-|x|) and exp(z). The neighbours' slopes and that of the exponential all but cancel
# where z is large; there the expansion in 1 / z is exact. At its kink at 0, ive has a mean slope.
def _expansion_slope(v, z, sign):
    """Return f' / f of f = z^(-1/2) sum_k sign^k a_k(v) / z^k, which is ive or kve.

    a_k(v) = (4v^2 - 1^2) (4v^2 - 3^2) ... (4v^2 - (2k-1)^2) / (k! 8^k)
    """
    square = np.float64(4) * v * v  # an order in half precision is exact, these numbers are not
    term, total, moment = 1.0, 1.0, 0.5
    for k in range(1, 31):
        term = term * ((square - (2 * k - 1) ** 2) * (sign / (8 * k))) / z
        total = total + term
        moment = moment + (k + 0.5) * term
    return -moment / (total * z)


def _scaled_i(g, out, v, x, near):
    size, enough = np.abs(x), 30.0 + v * v / 4
    is_far = size > enough
    far = (
        np.sign(x) * out * _expansion_slope(v, np.where(is_far, size, enough), -1).astype(out.dtype)
    )
    return g * np.where(is_far, far, near - np.sign(x) * out)


def _scaled_k(g, out, v, z, near):
    enough = 30.0 + v * v / 4
    is_far = (np.abs(z) > enough) & (np.real(z) >= 0)
    far = out * _expansion_slope(v, np.where(is_far, z, enough), 1).astype(out.dtype)
    return g * np.where(is_far, far, out - near)


def _ive(g, out, v, z):
    if np.iscomplexobj(z):
        raise NotImplementedError(
            "ive has no complex derivative, for it is scaled by exp(-|Re z|): write "
            "special.iv(v, z) * np.exp(-z)"
        )
    return _scaled_i(g, out, v, z, (special.ive(v - 1.0, z) + special.ive(v + 1.0, z)) / 2)


def _kve(g, out, v, z):
    return _scaled_k(g, out, v, z, (special.kve(v - 1.0, z) + special.kve(v + 1.0, z)) / 2)


def _i1e(g, out, x):
    return _scaled_i(g, out, 1, x, (special.i0e(x) + special.ive(2.0, x)) / 2)


def _k1e(g, out, x):
    return _scaled_k(g, out, 1, x, (special.k0e(x) + special.kve(2.0, x)) / 2)


rule("i0e", lambda g, out, x: _scaled_i(g, out, 0, x, special.i1e(x)))
rule("i1e", _i1e)
rule("ive", None, _ive)
rule("k0e", lambda g, out, x: _scaled_k(g, out, 0, x, special.k1e(x)))
rule("k1e", _k1e)
rule("kve", None, _kve)


# The Airy functions and their slopes: Ai'' = z Ai, and Bi the same.
def _airy(g, out, z):
    g_ai, g_ai_slope, g_bi, g_bi_slope = g
    ai, ai_slope, bi, bi_slope = out
    return g_ai * ai_slope + g_ai_slope * z * ai + g_bi * bi_slope + g_bi_slope * z * bi


rule("airy", _airy)
