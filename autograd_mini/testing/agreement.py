"""Whether what the walks say and what the numbers say are the same, or whether it can't be told.

Everything is relative to the largest derivative of the block, never to a bare number: a function
is as right multiplied by 1e-8 as it was before.
"""

from __future__ import annotations

import numpy as np

from autograd_mini.testing.numeric import EPSILON, TOLERANCE, UNKNOWN, Array, Derivative
from autograd_mini.testing.report import FindingError

WANTED = 1e-6  # a numeric derivative that is less sure of itself tells nothing
NOTHING = 1e-10  # a change so small beside the result is as good as none
ROUNDED = 1e3 * EPSILON  # a number so small beside those it was computed from is their rounding


def agree(
    mine: Array, wanted: Derivative, where: str, size: float, largest: float, noise: float
) -> bool:
    """Return whether `mine` is the `wanted` derivative.

    Args:
        mine: one column or row of a block of the Jacobian.
        wanted: the same in numbers.
        where: its name, for messages.
        size: of what is differentiated.
        largest: of all numbers in the calculation.
        noise: how large something can be that is only the rounding of something else.

    Raises:
        FindingError: it can't be told.
    """
    scale, is_finite = max(size_of(wanted.value), size_of(mine)), np.all(np.isfinite(mine))
    if is_finite and (scale <= ROUNDED * size or max(size, size_of(mine)) <= noise):
        return True
    if _is_off(mine, wanted, scale):
        if is_finite and (scale <= NOTHING * size or max(size, scale) <= ROUNDED * largest):
            raise FindingError(
                "cannot tell",
                f"{where}: {scale:.2g} is too little to be seen beside numbers of "
                f"{max(size, largest):.2g}",
            )
        return False
    is_zero = not np.any(mine) and np.all(wanted.error <= NOTHING * size)
    if np.any(4 * wanted.error > WANTED * scale) and not is_zero:
        raise FindingError(
            "cannot tell",
            f"{where}: the numeric derivative is known to {np.max(wanted.error):.2g} only, "
            f"beside {scale:.2g}: choose inputs where the function is smoother",
        )
    return True


def _is_off(mine: Array, wanted: Derivative, scale: float) -> bool:
    allowed = TOLERANCE * scale + 4 * wanted.error
    is_near = np.isfinite(mine) & (np.abs(mine - wanted.value) <= allowed)
    return bool(np.any(~is_near & (wanted.error < UNKNOWN)))


def is_near(mine: Array, wanted: Array, largest: float) -> bool:
    """Return whether two walks found the same, but for rounding."""
    allowed = WANTED * size_of(wanted) + ROUNDED * largest
    return np.allclose(mine, wanted, rtol=0, atol=allowed, equal_nan=True)


def weighed(units: list[Array], numeric: Derivative) -> Derivative:
    """Return the derivatives of the sums of elements with these weights."""
    weights = np.array([np.ravel(u) for u in units])
    return Derivative(weights @ numeric.value, np.abs(weights) @ numeric.error)


def size_of(x: Array) -> float:
    """Return the largest absolute value among the numbers of `x`."""
    return float(np.max(np.abs(x), initial=0.0, where=np.isfinite(x)))
