"""Rules of the nan-functions: the reductions over what is a number, so a nan gets 0.

A slice without numbers has the result nan where NumPy has nothing better to say, and then so is
its gradient, unless nobody uses it (g = 0): a mask behind the function stops the nan.
"""

import numpy as np

from autograd_mini.primitive import defvjp, nondifferentiable
from autograd_mini.rules.reductions import (
    cumprod_vjp,
    cumsum_vjp,
    extremum_vjp,
    mean_vjp,
    prod_vjp,
    std_vjp,
    stretch,
    sum_vjp,
    var_vjp,
)
from autograd_mini.rules.undefined import if_number


def _numbers(a, where):
    return np.logical_and(~np.isnan(a), where)


def _nansum_vjp(g, out, a, axis=None, dtype=None, *, keepdims=False, initial=0, where=True):
    return sum_vjp(g, out, a, axis, keepdims=keepdims, where=_numbers(a, where))


def _nanprod_vjp(g, out, a, axis=None, dtype=None, *, keepdims=False, initial=1, where=True):
    where = _numbers(a, where)
    return prod_vjp(g, out, a, axis, keepdims=keepdims, initial=initial, where=where)


defvjp(np.nansum, _nansum_vjp)
defvjp(np.nanprod, _nanprod_vjp)


def _if_any(slopes, g, out, axis, keepdims):
    """Return `slopes` where the result is a number."""
    return if_number(slopes, stretch(g, axis, keepdims), stretch(out, axis, keepdims))


def _nanmean_vjp(g, out, a, axis=None, dtype=None, *, keepdims=False, where=True):
    axis = axis if a.ndim else None  # NumPy takes a number with axis=0 for a row of one
    slopes = mean_vjp(g, out, a, axis, keepdims=keepdims, where=_numbers(a, where))
    return _if_any(slopes, g, out, axis, keepdims)


def _nanvar_vjp(g, out, a, axis=None, dtype=None, *, ddof=0, keepdims=False, where=True):
    axis, where = axis if a.ndim else None, _numbers(a, where)
    slopes = var_vjp(g, out, a, axis, ddof=ddof, keepdims=keepdims, where=where)
    return _if_any(slopes, g, out, axis, keepdims)


def _nanstd_vjp(g, out, a, axis=None, dtype=None, *, ddof=0, keepdims=False, where=True):
    axis, where = axis if a.ndim else None, _numbers(a, where)
    slopes = std_vjp(g, out, a, axis, ddof=ddof, keepdims=keepdims, where=where)
    return _if_any(slopes, g, out, axis, keepdims)


defvjp(np.nanmean, _nanmean_vjp)
defvjp(np.nanvar, _nanvar_vjp)
defvjp(np.nanstd, _nanstd_vjp)


def _nanextremum_vjp(g, out, a, axis=None, *, keepdims=False, initial=None, where=True):
    slopes = extremum_vjp(g, out, a, axis, keepdims=keepdims, initial=initial, where=where)
    return _if_any(slopes, g, out, axis, keepdims)


defvjp(np.nanmax, _nanextremum_vjp)
defvjp(np.nanmin, _nanextremum_vjp)


# A running sum or product passes a nan by as 0 or 1.
def _nancumsum_vjp(g, out, a, axis=None, dtype=None):
    return np.where(np.isnan(a), 0, cumsum_vjp(g, out, a, axis))


def _nancumprod_vjp(g, out, a, axis=None, dtype=None):
    is_nan = np.isnan(a)
    return np.where(is_nan, 0, cumprod_vjp(g, out, np.where(is_nan, 1, a), axis))


defvjp(np.nancumsum, _nancumsum_vjp)
defvjp(np.nancumprod, _nancumprod_vjp)
nondifferentiable(np.nanargmax)
nondifferentiable(np.nanargmin)
