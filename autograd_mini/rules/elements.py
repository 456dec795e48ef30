"""Operations whose rules only move and add the elements of a gradient, or leave some out.

The walk asks such a rule for the way of a mask, too (see `reach.py`), so the numbers that it
multiplies with must not be negative, nor read from values. Where they are, or where a function of
the user's is called, an argument has another rule for masks, or None.
"""

import numpy as np

from autograd_mini.primitive import TABLE, moves_elements, works_elementwise
from autograd_mini.rules.activations import relu, sigmoid, sigmoid_slope
from autograd_mini.rules.calculus import bessel_i, sinc_slope
from autograd_mini.rules.einsum import as_string
from autograd_mini.rules.hooks import hook
from autograd_mini.rules.indexing import getitem, scatter, setitem
from autograd_mini.rules.joining import array
from autograd_mini.rules.norms import at_kink
from autograd_mini.rules.polynomials import linspace_end
from autograd_mini.rules.reductions import extremum_vjp, stretch, sum_vjp
from autograd_mini.rules.shaping import cast

_SELECTIONS = (
    getitem,
    np.amax,
    np.amin,
    np.choose,
    np.clip,
    np.compress,
    np.delete,
    np.diag,
    np.diagonal,
    np.extract,
    np.fmax,
    np.fmin,
    np.full_like,
    np.histogram_bin_edges,
    np.linalg.diagonal,
    np.linalg.trace,
    np.max,
    np.maximum,
    np.median,
    np.min,
    np.minimum,
    np.nan_to_num,
    np.nancumsum,
    np.nanmax,
    np.nanmean,
    np.nanmedian,
    np.nanmin,
    np.nanpercentile,
    np.nanquantile,
    np.nansum,
    np.percentile,
    np.polyder,
    np.quantile,
    np.resize,
    np.select,
    np.take,
    np.take_along_axis,
    np.trace,
    np.tril,
    np.triu,
    np.unique,
    np.unique_values,
    np.where,
    setitem,
)
_MOVES = (
    array,
    cast,
    np.append,
    np.array_split,
    np.atleast_1d,
    np.atleast_2d,
    np.atleast_3d,
    np.bincount,
    np.block,
    np.broadcast_arrays,
    np.broadcast_to,
    np.column_stack,
    np.concatenate,
    np.copy,
    np.cumsum,
    np.diagflat,
    np.dsplit,
    np.dstack,
    np.expand_dims,
    np.fft.fftshift,
    np.fft.ifftshift,
    np.flip,
    np.fliplr,
    np.flipud,
    np.hsplit,
    np.hstack,
    np.insert,
    np.ix_,
    np.lib.stride_tricks.sliding_window_view,
    np.linalg.matrix_transpose,
    np.matrix_transpose,
    np.mean,
    np.meshgrid,
    np.moveaxis,
    np.pad,
    np.partition,
    np.polyadd,
    np.polyint,
    np.polysub,
    np.ravel,
    np.repeat,
    np.reshape,
    np.roll,
    np.rollaxis,
    np.rot90,
    np.sort,
    np.split,
    np.squeeze,
    np.stack,
    np.sum,
    np.swapaxes,
    np.tile,
    np.transpose,
    np.unwrap,
    np.vsplit,
    np.vstack,
    scatter,
)
# Functions that are no ufuncs: each element of the result depends on those in its own place.
_ELEMENTWISE = (
    at_kink,
    bessel_i,
    np.angle,
    np.i0,
    np.imag,
    np.lib.scimath.arccos,
    np.lib.scimath.arcsin,
    np.lib.scimath.arctanh,
    np.lib.scimath.log,
    np.lib.scimath.log10,
    np.lib.scimath.log2,
    np.lib.scimath.logn,
    np.lib.scimath.power,
    np.lib.scimath.sqrt,
    np.real,
    np.real_if_close,
    np.sinc,
    relu,
    sigmoid,
    sigmoid_slope,
    sinc_slope,
)
moves_elements(*_SELECTIONS, leaves_out=True)
moves_elements(*_MOVES)
for _name in ("astype", "cumulative_sum", "unstack"):  # not in every NumPy
    if hasattr(np, _name):
        moves_elements(getattr(np, _name))
works_elementwise(*_ELEMENTWISE)


# Where the own rules may cancel, or read values.
def _linspace_flow(sign):
    vjp = linspace_end(sign)

    def rule(g, out, start, stop, num=50, endpoint=True, retstep=False, dtype=None, axis=0):
        return None if retstep else vjp(g, out, start, stop, num, endpoint, axis=axis)

    return rule


def _average_flow(g, out, a, axis=None, weights=None, returned=False, *, keepdims=False):
    axis = axis if axis is None else tuple(i % a.ndim for i in np.atleast_1d(axis).tolist())
    return np.broadcast_to(stretch(g[0] if returned else g, axis, keepdims), a.shape)


def _reduced_flow(g, out, a, axis=None, dtype=None, *, keepdims=False, where=True, **_):
    return sum_vjp(g, out, a, axis, keepdims=keepdims, where=where)


def _of_numbers(g, out, a, axis=None, dtype=None, *, keepdims=False, where=True, **_):
    is_number = np.logical_and(~np.isnan(a), where)
    return sum_vjp(g, out, a, axis, keepdims=keepdims, where=is_number)


def _ptp_flow(g, out, a, axis=None, *, keepdims=False):
    g = stretch(g, axis, keepdims)
    ends = (f(a, axis=axis, keepdims=True) for f in (np.max, np.min))
    return sum(extremum_vjp(g, end, a, axis, keepdims=True) for end in ends)


def _einsum_flow(vjp):
    def rule(g, out, *args, optimize=False):
        return vjp(g, out, *args, optimize=optimize) if _is_single(*args) else None

    return rule


def _is_single(*args):
    return len(as_string(args)[1]) == 1


_einsum = TABLE[np.einsum]
moves_elements(np.linspace, start=_linspace_flow(-1), stop=_linspace_flow(1))
moves_elements(np.average, a=_average_flow, weights=None)
moves_elements(np.prod, np.std, np.var, a=_reduced_flow)
moves_elements(np.nanprod, np.nanstd, np.nanvar, leaves_out=True, a=_of_numbers)
moves_elements(np.ptp, leaves_out=True, a=_ptp_flow)
moves_elements(np.interp, leaves_out=True, x=lambda g, out, *args, **kwargs: g, xp=None)
# At 0 it is not flat: its slope there is 0 by choice.
moves_elements(relu, leaves_out=True, x=lambda g, out, x: np.where(x < 0, 0, g))
moves_elements(hook, x=lambda g, out, x, f: g)
moves_elements(
    np.einsum,
    leaves_out=_is_single,
    **{_einsum.name_of(i): _einsum_flow(vjp) for i, vjp in enumerate(_einsum.vjps)},
)
