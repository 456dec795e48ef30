"""Numeric derivatives that know how wrong they are.

Central differences at halved steps, extrapolated to step 0 (Richardson); the disagreement of
neighbours in the table is the error estimate, and the best entry is taken, element by element.
Where the function runs on complex numbers too, the complex step refines that to the last digit:
f'(x) = Im f(x + ih) / h has no difference in it. It is believed only if it lies within the
estimate, since a function may run on complex numbers without being analytic.

Source: Ridders, Accurate computation of F'(x) and F'(x)F''(x) (1982); Squire & Trapp (1998).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from math import comb
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
EPSILON = float(np.finfo(float).eps)
TOLERANCE = 1e-10  # relative to a scale, beside what a numeric derivative may be off
LEVELS = 12
CANCELLED = 1e-10  # the most that rounding may be beside a value
NEXT_TO = 1 / 64  # of the smallest step: so near, a function is straight but for its rounding
FEWEST = 6  # settled levels that an extrapolation needs
COMPLEX_STEP = 1e-30
ASIDE = 1e-12  # of a step: so near, slopes are the same but for rounding
NEARLY = 1e-2
NO_WAVE = 1e-9
ROUNDED_INPUT = 8 * EPSILON  # the slope is that at a point so near, relatively
OTHER_STEP = 0.3  # where the estimates of one table agree by chance, those of another don't
UNKNOWN = 1e300  # how far a derivative may be off of which nothing is known


class Derivative(NamedTuple):
    """A derivative along a direction, and how far it may be off, element by element."""

    value: Array
    error: Array


def derivative(f: Callable[[complex], Array], step: float, is_analytic: bool) -> Derivative:
    """Return d f(t) / dt at t = 0.

    Args:
        f: a function of a number with a vector as result.
        step: the largest step to take.
        is_analytic: whether to try the complex step.
    """
    found, uncertain = _table(f, step)
    if not is_analytic or np.any(found.error >= UNKNOWN):
        return found
    along = _complex_step(f, step, found.value.shape)
    if along is None:
        return found
    slope, rounding = along
    scale = np.max(np.abs(found.value), initial=0.0)
    is_near = _is_near(slope, found, scale)
    if not np.all(is_near):
        other = _table(f, OTHER_STEP * step)[0]
        is_near |= _is_near(slope, other, scale) & (other.error < UNKNOWN)
    gap = np.abs(slope - found.value)
    if np.all(is_near):
        # Beyond the estimate there may be a small part that is not analytic, such as |x|.
        doubt = np.where(gap <= 4 * found.error, rounding, np.minimum(gap, 1e-9 * scale))
        error = np.maximum(rounding, doubt) + uncertain
        is_better = error <= found.error
        return Derivative(*np.where(is_better, (slope, error), found))
    # Nearly the same: one of the two is a little off, and nobody knows which.
    return Derivative(slope, gap) if np.all(gap <= NEARLY * scale) else found


def _complex_step(
    f: Callable[[complex], Array], step: float, shape: tuple[int, ...]
) -> tuple[Array, Array] | None:
    """Return Im f(ih) / h and how far rounding puts it off; None if f does not do it.

    There is no difference in it, but terms as large as the result may cancel, and larger ones
    inside, which shows in slopes so near that they are the same but for rounding.
    """
    aside = 64 * EPSILON + ASIDE * step
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", np.exceptions.ComplexWarning)
            results = [f(complex(t, COMPLEX_STEP)) for t in (0, aside, -aside)]
    except Exception:  # noqa: BLE001 - whatever it says to complex numbers, it is not analytic
        return None
    if any(result.shape != shape for result in results):
        return None
    slope, *others = (np.imag(result) / COMPLEX_STEP for result in results)
    noise = np.maximum(*(np.abs(other - slope) for other in others))
    return slope, 64 * EPSILON * (np.abs(slope) + np.abs(results[0])) + noise


def _is_near(slope: Array, found: Derivative, scale: float) -> Array:
    near: Array = np.abs(slope - found.value) <= 4 * found.error + 1e-9 * scale
    return near


def _table(f: Callable[[complex], Array], step: float) -> tuple[Derivative, Array]:
    """Return the extrapolated derivative, and how far rounding the input changes it."""
    here, steps = f(0.0), [step / 2**level for level in range(LEVELS)]
    ends = [(_tried(f, h, here.shape), _tried(f, -h, here.shape)) for h in steps]
    up, down = ends[0]
    bend, twist = np.abs(up + down - 2 * here) / step**2, np.abs(up - down) / step**3
    uncertain = ROUNDED_INPUT * (bend + ROUNDED_INPUT * twist)
    beside = [NEXT_TO * steps[-1] * k for k in (1, 2, 3)]
    before = [_tried(f, -t, here.shape) for t in reversed(beside)]
    noise = _noise([*before, here, *(_tried(f, t, here.shape) for t in beside)])
    size = max(_largest(*end) for end in ends)
    off = min(max(EPSILON * size, noise), CANCELLED * size)
    return _extrapolated(steps, ends, off, uncertain), uncertain


def _tried(f: Callable[[complex], Array], t: float, shape: tuple[int, ...]) -> Array:
    """Return f(t), nan if it raises or has another shape."""
    try:
        result = f(t)
    except (ArithmeticError, RuntimeError, ValueError):  # np.linalg.LinAlgError is a ValueError
        return np.full(shape, np.nan)
    return result if result.shape == shape else np.full(shape, np.nan)


def _noise(values: list[Array]) -> float:
    """Return how far the function's values are off by rounding: what no smooth function has.

    Sums that cancel round more than their result tells. In the third and higher differences of
    neighbours, the function itself is gone and its rounding has grown by a known factor.

    Source: Moré & Wild, Estimating computational noise (2011).
    """
    differences, noise = np.array(values), 0.0
    for order in range(1, len(values)):
        differences = np.diff(differences, axis=0)
        if order > 2:
            noise = max(noise, _largest(differences) / comb(2 * order, order) ** 0.5)
    return noise


def _extrapolated(
    steps: list[float], ends: list[tuple[Array, Array]], off: float, uncertain: Array
) -> Derivative:
    """Return the best entry of the table of extrapolations, and how far it may be off.

    A slope is as uncertain as rounding the input changes it, which near an extremum is a lot. The
    table starts at the first step from which the differences settle down: larger ones may
    span several waves of the function, and their entries agree by chance.
    """
    slopes = [(up - down) / (2 * h) for (up, down), h in zip(ends, steps, strict=True)]
    noise = [off / h for h in steps]
    start = _settled(slopes, noise)
    unknown = Derivative(slopes[0], np.full(slopes[0].shape, UNKNOWN))  # the least rounded
    if start > LEVELS - FEWEST:
        return unknown
    best, error = _best(np.array(slopes[start:]), np.array(noise[start:]))
    is_lost = _drift(slopes, best, 64 * EPSILON * max(_largest(*end) for end in ends) / steps[-1])
    return Derivative(*np.where(is_lost, unknown, (best, error + uncertain)))


def _best(column: Array, noise: Array) -> tuple[Array, Array]:
    """Return the entry of Richardson's table over `column` nearest to its neighbours, and the gap.

    If all are nan, that is the last slope and UNKNOWN.
    """
    levels, shape = len(column), column.shape[1:]
    noise = noise.reshape(levels, *(1 for _ in shape))
    entries = np.broadcast_to(column[-1], (levels, levels, *shape)).copy()
    gaps = np.full(entries.shape, UNKNOWN)
    for k in range(levels - 1):
        coarse, fine = column[:-1], column[1:]
        factor = 4.0 ** (k + 1)
        column = (factor * fine - coarse) / (factor - 1)
        gap = np.maximum(np.abs(column - fine), np.abs(column - coarse)) + noise[k + 1 :]
        entries[k + 1 :, k], gaps[k + 1 :, k] = column, np.fmin(gap, UNKNOWN)
    entries, gaps = (x.reshape(levels * levels, *shape) for x in (entries, gaps))
    least = np.argmin(gaps, axis=0)[None]
    best, error = (np.take_along_axis(x, least, axis=0)[0] for x in (entries, gaps))
    return np.where(error < UNKNOWN, best, entries[0]), error


def _drift(slopes: list[Array], best: Array, rounding: float) -> Array:
    """Return which slopes grow or fall the faster the smaller the step: by a kink nearer than it.

    It would pass for rounding, which grows with 1 / h as well, but to and fro.
    """
    gaps = np.diff(slopes[-FEWEST:], axis=0)
    is_steady = np.all(gaps > 0, axis=0) | np.all(gaps < 0, axis=0)
    is_faster = np.all(np.abs(gaps[1:]) > np.abs(gaps[:-1]), axis=0)
    drift: Array = is_steady & is_faster & (np.abs(slopes[-1] - best) > rounding)
    return drift


def _largest(*arrays: Array) -> float:
    return float(max(np.abs(x).max(initial=0.0) for x in arrays))


def _settled(slopes: list[Array], noise: list[float]) -> int:
    """Return the first level from which each difference is half of the one before, or nothing.

    That is noise, or too little beside the slope to be a wave of the function.
    """
    gaps = [_largest(a - b) for a, b in zip(slopes[1:], slopes, strict=False)]
    little = NO_WAVE * _largest(slopes[-1])
    start = len(gaps)
    for level in range(len(gaps) - 2, -1, -1):
        if not gaps[level + 1] <= max(gaps[level] / 2 + 4 * noise[level + 2], little):
            break  # also if it is nan
        start = level
    return start


def size_of(x: Array) -> float:
    """Return the largest absolute value among the numbers of `x`."""
    return float(np.max(np.abs(x), initial=0.0, where=np.isfinite(x)))
