"""Where a function has no derivative: which side of its kinks a call is on, and how far away.

For every kinked function a rule of two parts: `sides`, numbers that change when a kink is crossed,
and `distance`, 0 on a kink. Both are read off the recorded arguments, so a kink inside a function
is seen as well as one in its result: relu(x) - relu(-x) at 0 has two. The whole numbers and truth
values that a call was given, as an index or a condition, are sides too, whatever the function.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from autograd_mini.operation import Operation, nested
from autograd_mini.primitive import TABLE
from autograd_mini.rules.activations import relu
from autograd_mini.testing import linalg_pieces as linalg
from autograd_mini.testing import pieces
from autograd_mini.testing.pieces import Piece

KINKS: dict[Callable[..., Any], Callable[..., Piece]] = {}

# By name, as nothing here imports scipy.special.
OF_SPECIAL: dict[str, Callable[..., Piece]] = {
    "scipy.special.cbrt": pieces.at_zero,
    "scipy.special.i0e": pieces.at_zero,
    "scipy.special.i1e": pieces.at_zero,
    "scipy.special.ive": lambda v, z: pieces.at_zero(z),
}


def declare_kink(function: Callable[..., Any], piece: Callable[..., Piece]) -> None:
    """Say where `function` has kinks, so that the checker keeps away from them.

    Args:
        function: a NumPy function or a primitive.
        piece: called with the arguments of `function`, returns `(sides, distance)`: an array that
            changes when a kink is crossed, and one that is 0 on a kink; or None for either.

    Raises:
        TypeError: `function` is neither NumPy's nor a primitive, so no graph ever holds it.

    >>> import numpy as np
    >>> from autograd_mini import defvjp, primitive
    >>> @primitive
    ... def hinge(x):
    ...     return np.maximum(1 - x, 0)
    >>> defvjp(hinge, lambda g, out, x: -g * (x < 1))
    >>> declare_kink(hinge, lambda x: (x < 1, np.abs(1 - x)))
    """
    if function not in TABLE or not callable(piece):
        raise TypeError(
            f"declare_kink takes a NumPy function or a primitive, and a function of its arguments, "
            f"found {function!r} and {piece!r}"
        )
    KINKS[function] = piece


def piece_of(operation: Operation, args: Iterable[Any], kwargs: dict[str, Any]) -> Piece:
    """Return on which piece of `operation` a call is; None for what has no sides or kinks."""
    args = tuple(args)
    rule = KINKS.get(operation.function) or OF_SPECIAL.get(operation.name)
    with np.errstate(all="ignore"):
        own = (None, None) if rule is None or _is_empty(args) else rule(*args, **kwargs)
    if len(own) != 2:
        raise TypeError(
            f"the kink declared for {operation.name} returns (sides, distance), found {own!r}"
        )
    return pieces.joined(own, *((part, None) for part in _whole((*args, *kwargs.values()))))


def _is_empty(args: tuple[Any, ...]) -> bool:
    """Return whether there are arrays among the arguments, but no elements."""
    sizes = [x.size for x in nested(args) if isinstance(x, np.ndarray)]
    return bool(sizes) and not any(sizes)


def _whole(values: Any) -> list[Any]:
    """Return the whole numbers and truth values among `values`."""
    found = (np.asarray(x) for x in nested(values) if isinstance(x, np.ndarray | np.generic | int))
    return [x.astype(float) for x in found if x.dtype.kind in "biu"]


_LOGARITHMS = (np.log, np.log2, np.log10)
_EMATH_LOGARITHMS = (np.emath.log, np.emath.log2, np.emath.log10)
_TABLE: tuple[tuple[Callable[..., Piece], tuple[Callable[..., Any], ...]], ...] = (
    # Elementwise.
    (pieces.at_zero, (np.absolute, np.fabs, relu, np.heaviside, np.cbrt)),
    (pieces.between, (np.maximum, np.minimum, np.fmax, np.fmin, np.nextafter)),
    (pieces.at_bounds, (np.clip,)),
    (pieces.at_quotient, (np.remainder, np.divmod)),
    (pieces.at_other_quotient, (np.fmod, np.modf)),
    (pieces.at_power_of_two, (np.frexp,)),
    (pieces.at_either_zero, (np.copysign,)),
    (pieces.at_both_zero, (np.hypot,)),
    (pieces.at_half_line, (np.arctan2,)),
    (pieces.at_angle, (np.angle,)),
    (pieces.at_root, (np.sqrt,)),
    (pieces.at_power, (np.power, np.float_power)),
    (pieces.at_finite, (np.nan_to_num,)),
    (pieces.at_real, (np.real_if_close,)),
    # The cuts of complex functions.
    (pieces.at_cut, _LOGARITHMS),
    (pieces.at_cuts(lambda z: 1 + z), (np.log1p,)),
    (
        pieces.at_cuts(lambda z: 1 + z, lambda z: 1 - z),
        (np.arcsin, np.arccos, np.arctanh),
    ),
    (pieces.at_cuts(lambda z: 1 + 1j * z, lambda z: 1 - 1j * z), (np.arctan, np.arcsinh)),
    (pieces.at_cuts(lambda z: z - 1), (np.arccosh,)),
    (pieces.at_real_end(0), (*_EMATH_LOGARITHMS, np.emath.sqrt)),
    (pieces.at_real_end(-1, 1), (np.emath.arcsin, np.emath.arccos, np.emath.arctanh)),
    (
        lambda n, x: pieces.joined(*map(pieces.at_real_end(0), (n, x))),
        (np.emath.logn,),
    ),
    (
        lambda x, p: pieces.joined(pieces.at_real_end(0)(x), pieces.at_power(x, p)),
        (np.emath.power,),
    ),
    # Order, extrema, spread.
    (pieces.at_sorted, (np.sort,)),
    (pieces.at_order, (np.partition,)),
    (pieces.at_unequal, (np.unique, np.unique_values)),
    (pieces.at_ends, (np.trim_zeros,)),
    (pieces.at_padding, (np.pad,)),
    (pieces.at_both_extrema, (np.ptp,)),
    (pieces.at_equal(np.isfinite), (np.std,)),
    (pieces.at_equal(lambda a: ~np.isnan(a)), (np.nanstd,)),
    # Tables and bins.
    (pieces.at_knots, (np.interp,)),
    (pieces.at_jumps, (np.unwrap,)),
    (pieces.at_edges, (np.histogram,)),
    (pieces.at_range, (np.histogram_bin_edges,)),
    # Norms, decompositions, roots.
    (linalg.of_norm, (np.linalg.norm,)),
    (linalg.of_vector_norm, (np.linalg.vector_norm,)),
    (linalg.of_matrix_norm, (np.linalg.matrix_norm,)),
    (linalg.of_cond, (np.linalg.cond,)),
    (linalg.of_symmetric, (np.linalg.eigh, np.linalg.eigvalsh)),
    (linalg.of_eigenvalues, (np.linalg.eig, np.linalg.eigvals)),
    (linalg.of_svd, (np.linalg.svd,)),
    (linalg.of_singular_values, (np.linalg.svdvals,)),
    (linalg.of_rank, (np.linalg.pinv,)),
    (linalg.of_qr, (np.linalg.qr,)),
    (linalg.of_least_squares, (np.linalg.lstsq,)),
    (linalg.of_roots, (np.roots,)),
    (linalg.of_product, (np.polymul,)),
    (linalg.of_division, (np.polydiv,)),
)
KINKS |= {function: piece for piece, functions in _TABLE for function in functions}
KINKS |= {f: pieces.at_extremum(f) for f in (np.max, np.amax, np.min, np.amin)}
KINKS |= {f: pieces.at_extremum(f) for f in (np.nanmax, np.nanmin)}
KINKS |= {
    f: pieces.at_quantile(f)
    for f in (
        np.median,
        np.quantile,
        np.percentile,
        np.nanmedian,
        np.nanquantile,
        np.nanpercentile,
    )
}
