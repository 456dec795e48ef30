"""Rules of the ufuncs of scipy.special, which nothing here imports.

They wait by name until somebody else has imported it (`when_imported`), so `special` below is
empty before, and no rule runs before. Most are written in functions of the same families, as
digamma' = zeta(2, x) and zeta(n, x)' = -n zeta(n+1, x), so that derivatives of every order exist
and none cancels. Without a derivative here: orders and parameters (v of jv, a of gammainc).

Source: NIST Digital Library of Mathematical Functions (DLMF), by the numbers given below.
"""

import math
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np

from autograd_mini.operation import Vjp, ufunc_behind
from autograd_mini.primitive import TABLE, defvjp, when_imported

special: Any = SimpleNamespace()
_RULES: dict[str, tuple[Vjp | None, ...]] = {}

_ROOT_PI = math.sqrt(math.pi)
_ROOT_2 = math.sqrt(2)


def rule(name: str, *vjps: Vjp | None) -> None:
    """Have the function `name` of scipy.special get these rules, as `defvjp` gives them."""
    _RULES[name] = vjps


def _fill(module: ModuleType) -> None:
    """Give the functions of scipy.special their rules; one that the user gave stays."""
    # zeta and lambertw are Python functions around private ufuncs, which have a room of theirs.
    for owner in (module, module._ufuncs):
        vars(special).update({name: ufunc_behind(x) for name, x in vars(owner).items()})
    for name, vjps in _RULES.items():
        function = getattr(special, name, None)  # None: a SciPy older than the function
        if function is not None and function not in TABLE:
            defvjp(function, *vjps)


when_imported("scipy.special", _fill)


# Error functions and the normal distribution: DLMF 7.
rule("erf", lambda g, out, x: g * np.exp(-x * x) * (2 / _ROOT_PI))
rule("erfc", lambda g, out, x: g * np.exp(-x * x) * (-2 / _ROOT_PI))
rule("erfi", lambda g, out, x: g * np.exp(x * x) * (2 / _ROOT_PI))
rule("erfinv", lambda g, out, y: g * np.exp(out * out) * (_ROOT_PI / 2))
rule("erfcinv", lambda g, out, y: g * np.exp(out * out) * (-_ROOT_PI / 2))
rule("ndtr", lambda g, out, x: g * np.exp(-x * x / 2) * (1 / (_ROOT_2 * _ROOT_PI)))
rule("ndtri", lambda g, out, y: g * np.exp(out * out / 2) * (_ROOT_2 * _ROOT_PI))
rule("ndtri_exp", lambda g, out, y: g * special.erfcx(-out / _ROOT_2) * (_ROOT_PI / _ROOT_2))


def _log_ndtr(g, out, x):
    """Return g times the density over the probability; both vanish far down, erfcx does not."""
    is_low = np.real(x) < np.abs(np.imag(x))  # of real numbers, below 0
    low, high = np.where(is_low, x, 0), np.where(is_low, 0, x)
    ratio = _ROOT_2 / special.erfcx(-low / _ROOT_2)
    density = np.exp(-high * high / 2) / _ROOT_2
    return g * np.where(is_low, ratio, density / special.ndtr(high)) / _ROOT_PI


rule("log_ndtr", _log_ndtr)


def _series(x, sign):
    """Return sum_n sign^n (2n+1)!! / 2^n / x^(2n+2): the tails of 1 - 2x D(x) and of erfcx.

    From 8 on it is exact. Short of that the plain formulas lose x^2 in accuracy, at every order.
    """
    power = 1 / (x * x)
    term = out = power
    for n in range(1, 21):
        term = term * power * (sign * (n + 0.5))
        out = out + term
    return out


def _erfcx(g, out, x):
    is_far = (np.abs(x) > 8) & (np.real(x) >= 0)  # where 2 x out comes near 2 / sqrt(pi)
    far = -_series(np.where(is_far, x, 1), -1) / _ROOT_PI
    return g * np.where(is_far, far, 2 * x * out - 2 / _ROOT_PI)


def _dawsn(g, out, x):
    is_far = np.real(x * x) > 64  # where 2 x out comes near 1
    return g * np.where(is_far, -_series(np.where(is_far, x, 1), 1) / 2, 1 - 2 * x * out)


rule("erfcx", _erfcx)
rule("dawsn", _dawsn)


# The Fresnel integrals S and C; their phase is brought to double precision.
def _fresnel(g, out, z):
    phase = math.pi / 2 * np.square(z * np.float64(1))
    sine, cosine = (part.astype(out[0].dtype) for part in (np.sin(phase), np.cos(phase)))
    return g[0] * sine + g[1] * cosine


rule("fresnel", _fresnel)


# The gamma function and its relatives: DLMF 5, 8 and 25.11.
def _rgamma(g, out, z):
    """Return the slope of 1 / gamma(z) = sin(pi z) gamma(1 - z) / pi: finite where gamma is not."""
    is_low = np.real(z) < 0.5
    low, high = np.where(is_low, z, 0), np.where(is_low, 1, z)
    sine = np.sin(math.pi * low) / math.pi * special.psi(1 - low)
    slope = special.gamma(1 - low) * (np.cos(math.pi * low) - sine)
    return g * np.where(is_low, slope, -out * special.psi(high))


rule("gamma", lambda g, out, z: g * out * special.psi(z))
rule("rgamma", _rgamma)
rule("gammaln", lambda g, out, x: g * special.psi(x))
rule("loggamma", lambda g, out, z: g * special.psi(z))


# The slope of psi far out sums these over z^(2k+1), exact from 16 on: DLMF 5.15.8.
_BERNOULLI = (
    *(1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6),
    *(-3617 / 510, 43867 / 798, -174611 / 330),
)


def _trigamma(z):
    """Return the slope of psi of complex numbers, of which SciPy's zeta knows the real ones."""
    is_low = np.real(z) < 0.5
    start, total = np.where(is_low, 1 - z, z), 0
    for k in range(16):
        total = total + 1 / ((start + k) * (start + k))
    power = 1 / (start + 16)
    total, square = total + power + power * power / 2, power * power
    for number in _BERNOULLI:
        power = power * square
        total = total + number * power
    # The reflection of the left half plane, pi^2 / sin(pi z)^2 - total: DLMF 5.15.6.
    low = np.where(is_low, z - np.round(np.real(z)), 0.5)
    turn = np.exp(low * (2j * math.pi * np.where(np.imag(low) < 0, -1, 1)))
    return np.where(is_low, -4 * math.pi**2 * turn / ((1 - turn) * (1 - turn)) - total, total)


def _psi(g, out, z):
    return g * (_trigamma(z) if np.iscomplexobj(z) else special._zeta(2.0, z))


rule("psi", _psi)  # also known as digamma
rule("_zeta", None, lambda g, out, x, q: -g * x * special._zeta(x + 1.0, q))
rule(
    "beta",
    lambda g, out, a, b: g * out * (special.psi(a) - special.psi(a + b)),
    lambda g, out, a, b: g * out * (special.psi(b) - special.psi(a + b)),
)
rule(
    "betaln",
    lambda g, out, a, b: g * (special.psi(a) - special.psi(a + b)),
    lambda g, out, a, b: g * (special.psi(b) - special.psi(a + b)),
)


# Large terms cancel in the exponents, so the parameters are brought to double precision.
def _gamma_density(a, x):
    a = a * np.float64(1)
    return np.exp(special.xlogy(a - 1.0, x) - x - special.gammaln(a))


def _beta_density(a, b, x):
    a, b = a * np.float64(1), b * np.float64(1)
    powers = special.xlogy(a - 1.0, x) + special.xlog1py(b - 1.0, -x)
    return np.exp(powers - special.betaln(a, b))


rule("gammainc", None, lambda g, out, a, x: g * _gamma_density(a, x))
rule("gammaincc", None, lambda g, out, a, x: -g * _gamma_density(a, x))
rule("gammaincinv", None, lambda g, out, a, y: g / _gamma_density(a, out))
rule("gammainccinv", None, lambda g, out, a, y: -g / _gamma_density(a, out))
rule("betainc", None, None, lambda g, out, a, b, x: g * _beta_density(a, b, x))
rule("betaincc", None, None, lambda g, out, a, b, x: -g * _beta_density(a, b, x))
rule("betaincinv", None, None, lambda g, out, a, b, y: g / _beta_density(a, b, out))

# The logistic function; 1 - out would be 0 long before the slope is.
rule("expit", lambda g, out, x: g * out * special.expit(-x))
rule("logit", lambda g, out, x: g / (x * (1 - x)))
rule("log_expit", lambda g, out, x: g * special.expit(-x))


# x log y: 0 at x = 0, whatever y is, so flat in y there, also where the formula says 0 / 0. In x
# the slope at x = y = 0 is infinite, as that of sqrt is.
def _ratio(x, y):
    return x / np.where((x == 0) & (y == 0), 1, y)


rule(
    "xlogy",
    lambda g, out, x, y: g * np.log(y),
    lambda g, out, x, y: g * _ratio(x, y),
)
rule(
    "xlog1py",
    lambda g, out, x, y: g * np.log1p(y),
    lambda g, out, x, y: g * _ratio(x, 1 + y),
)
rule("entr", lambda g, out, x: -g * (np.log(x) + 1))
# A difference of logarithms: the quotient x / y may overflow.
rule(
    "rel_entr",
    lambda g, out, x, y: g * (np.log(x) - np.log(y) + 1),
    lambda g, out, x, y: -g * _ratio(x, y),
)
rule(
    "kl_div",
    lambda g, out, x, y: g * (np.log(x) - np.log(y)),
    lambda g, out, x, y: g * (1 - _ratio(x, y)),
)

# SciPy's own versions of NumPy's functions, and one without cancellation near 0.
rule("cbrt", lambda g, out, x: g / (3 * out) / out)
rule("exp2", lambda g, out, x: g * out * math.log(2))
rule("exp10", lambda g, out, x: g * out * math.log(10))
rule("expm1", lambda g, out, x: g * np.exp(x))
rule("log1p", lambda g, out, x: g / (1 + x))
rule("cosm1", lambda g, out, x: -g * np.sin(x))

# Hypergeometric functions in their argument, the relatives of many below: DLMF 13.3, 15.5, 16.3.
rule("hyp0f1", None, lambda g, out, v, z: g * special.hyp0f1(v + 1.0, z) / v)
rule(
    "hyp1f1",
    None,
    None,
    lambda g, out, a, b, x: g * special.hyp1f1(a + 1.0, b + 1.0, x) * a / b,
)
rule(
    "hyp2f1",
    None,
    None,
    None,
    lambda g, out, a, b, c, z: g * special.hyp2f1(a + 1.0, b + 1.0, c + 1.0, z) * a * b / c,
)
# (exp(x) - 1) / x = 1F1(1; 2; x)
rule("exprel", lambda g, out, x: g * special.hyp1f1(2.0, 3.0, x) / 2)


def _log_over_one_less(z):
    """Return log(z) / (1 - z), near 1 as -2F1(1, 1; 2; 1 - z)."""
    is_near = np.abs(z - 1) < 0.5
    near, far = np.where(is_near, 1 - z, 0), np.where(is_near, 2, z)
    near_1 = special.hyp2f1(1.0, 1.0, 2.0, near).astype(z.dtype)  # SciPy's has float64 alone
    return np.where(is_near, -near_1, np.log(far) / (1 - far))


rule("spence", lambda g, out, z: g * _log_over_one_less(z))

# Exponential, sine and cosine integrals: DLMF 6 and 8.19.
rule("expi", lambda g, out, x: g * np.exp(x) / x)
rule("exp1", lambda g, out, z: -g * np.exp(-z) / z)


def _expn(g, out, n, x):
    """Return -g E_(n-1)(x); SciPy has none below E_0 = exp(-x) / x."""
    last = np.where(n < 1, x, 1)
    below = np.exp(-last) * (1 + 1 / last) / last
    return -g * np.where(n < 1, below, special.expn(np.maximum(n - 1, 0), x))


rule("expn", None, _expn)


def _over(g, function, sign, x):
    """Return g function(x) / x for sin (sign = -1) or sinh (1), near 0 as 0F1(3/2; sign x^2/4)."""
    is_near = np.abs(x) < 1
    near, far = np.where(is_near, x, 0), np.where(is_near, 1, x)
    return g * np.where(is_near, special.hyp0f1(1.5, sign / 4 * near * near), function(far) / far)


rule("sici", lambda g, out, x: _over(g[0], np.sin, -1, x) + _ratio(g[1], x) * np.cos(x))
rule("shichi", lambda g, out, x: _over(g[0], np.sinh, 1, x) + _ratio(g[1], x) * np.cosh(x))


# Complete elliptic integrals by the parameter m: DLMF 19.5.1, far below 0 19.4.1.
def _ellipk(g, out, m):
    is_far = m < -1
    near, far = np.where(is_far, 0, m), np.where(is_far, m, -1)
    slope = (special.ellipe(far) / (1 - far) - out) / (2 * far)
    near_0 = special.hyp2f1(1.5, 1.5, 2.0, near).astype(m.dtype)
    return g * np.where(is_far, slope, near_0 * (math.pi / 8))


rule("ellipk", _ellipk)
rule(
    "ellipe",
    lambda g, out, m: g * special.hyp2f1(0.5, 1.5, 2.0, m).astype(m.dtype) * (-math.pi / 8),
)

# The inverses of w exp(w) = z and of w + log(w) = z: DLMF 4.13.4.
rule("_lambertw", lambda g, out, z, k, tol: g * np.exp(-out) / (1 + out))
rule("wrightomega", lambda g, out, z: g * out / (1 + out))
