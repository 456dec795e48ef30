"""Compare derivatives by the walks with numeric ones: the same, different, or cannot tell.

Everything is relative to the largest derivative of the block, never to a bare number: a function
is as right multiplied by 1e-8 as it was before.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from autograd_mini.testing.numeric import EPSILON, TOLERANCE, UNKNOWN, Array, Derivative, size_of
from autograd_mini.testing.report import FindingError

WANTED = 1e-6  # a numeric derivative that is less sure of itself tells nothing
NOTHING = 1e-10  # a change so small beside the result is as good as none
ROUNDED = 1e3 * EPSILON  # a number so small beside those it was computed from is their rounding
DIGITS = 1e-8  # what a right rule may lose to rounding; a wrong one is found in its own call
LEAST = 1e-12  # a slope so small beside those that cancelled is rounding, divided by a step


def agree(
    mine: Array,
    wanted: Derivative,
    again: Callable[[], Derivative],
    flows: Callable[[], tuple[float, float]],
    size: float,
    where: str,
) -> bool:
    """Return whether `mine` is the `wanted` derivative, or both are nothing but rounding.

    Args:
        mine: one column or row of a block of the Jacobian.
        wanted: the same in numbers.
        again: gives it by other steps, as an estimate may be wrong by chance, but once.
        flows: gives how much the calls behind it pass on of a change, and how much they carry.
        size: of what is differentiated.
        where: its name, for messages.

    Raises:
        FindingError: it can't be told.
    """
    scale = max(size_of(wanted.value), size_of(mine))
    off = _off(mine, wanted, scale)
    if np.any(off):
        wanted = Derivative(*(np.where(off, *pair) for pair in zip(again(), wanted, strict=True)))
        if np.any(_off(mine, wanted, scale)):
            check_visible(mine, wanted, scale, flows()[1], where)
            return False
    if not _is_vague(wanted, scale):
        return True
    if _is_the_same(mine, wanted, scale, TOLERANCE) and np.all(wanted.error <= NOTHING * size):
        return True  # ten digits do not agree by chance, though the result has fewer
    passed, _ = flows()
    if size_of(mine) <= ROUNDED * passed and size_of(wanted.value) <= LEAST * passed:
        return True  # nothing but rounding is left of what was passed on
    other = again()
    if _is_vague(other, scale) or np.any(_off(mine, other, scale)):
        raise FindingError(
            "cannot tell",
            f"{where}: the numeric derivative is known to {np.max(wanted.error):.2g} only, "
            f"beside {scale:.2g}: choose inputs where the function is smoother, or less flat",
        )
    return True


def _is_the_same(mine: Array, wanted: Derivative, scale: float, tolerance: float) -> bool:
    return bool(np.all(np.abs(mine - wanted.value) <= tolerance * scale))


def check_visible(
    mine: Array, wanted: Derivative, scale: float, carried: float, where: str
) -> None:
    """Raise a FindingError if two that differ may still be the same, but for rounding."""
    if not np.all(np.isfinite(mine)):
        return
    rounded = Derivative(wanted.value, wanted.error + 64 * EPSILON * carried)  # as `mine` is, too
    if scale <= NOTHING * carried or not np.any(_off(mine, rounded, scale)):
        raise FindingError(
            "cannot tell",
            f"{where}: {scale:.2g} is too little to be seen beside numbers of {carried:.2g}",
        )
    if _is_the_same(mine, wanted, scale, DIGITS):
        raise FindingError(
            "cannot tell",
            f"{where}: walk and numbers agree to eight digits and no more, as where a rule takes "
            f"1 from what is nearly 1: choose inputs where the function is less flat",
        )


def _is_vague(wanted: Derivative, scale: float) -> bool:
    return bool(np.any(4 * wanted.error > WANTED * scale))


def _off(mine: Array, wanted: Derivative, scale: float) -> Array:
    allowed = TOLERANCE * scale + 4 * wanted.error
    is_near = np.isfinite(mine) & (np.abs(mine - wanted.value) <= allowed)
    off: Array = ~is_near & (wanted.error < UNKNOWN)
    return off


def is_near(mine: Array, wanted: Array, carried: float) -> bool:
    """Return whether two walks found the same, but for the rounding of what they carried."""
    allowed = WANTED * size_of(wanted) + ROUNDED * carried
    return np.allclose(mine, wanted, rtol=0, atol=allowed, equal_nan=True)


def weighed(units: list[Array] | None, numeric: Derivative) -> Derivative:
    """Return the derivatives of the sums of elements with these weights, if there are any."""
    if units is None:
        return numeric
    weights = np.array([np.ravel(u) for u in units])
    return Derivative(weights @ numeric.value, np.abs(weights) @ numeric.error)
