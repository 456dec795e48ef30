"""Arrays of readable numbers in every memory layout, away from kinks or on them; and Tensors.

Elements are short decimals of a range. They shrink to whole numbers, else to halves, else to
tenths; until then two equal ones are rare, so that a maximum seldom has ties.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache
from math import ceil, floor, isfinite, log10
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import DTypeLike, NDArray

from autograd_mini.tensor import Tensor
from autograd_mini.testing.layouts import NATIVE, laid_out, layouts_for
from autograd_mini.testing.strategies.drawn import DRAWN, SIZES, Drawn
from autograd_mini.testing.strategies.shapes import Draw, Shape, shapes

Decimals = tuple[float, ...]
FEWEST = 200  # numbers in a range
SIMPLE = (1, 2, 10)  # whole numbers, halves and tenths are simpler than the rest
RARITY = 15  # in how many draws each of them is asked for once


def numbers(
    low: float = -2.0,
    high: float = 2.0,
    *,
    away_from: Sequence[float] = (0.0,),
    margin: float = 0.1,
) -> st.SearchStrategy[float]:
    """Draw a short decimal from `low` to `high`, both included.

    Args:
        low: the smallest number.
        high: the largest.
        away_from: points to which no number is closer than `margin`.
        margin: that distance.

    Raises:
        ValueError: nothing is left of the range.

    >>> from hypothesis import given
    >>> @given(numbers(0.5, 1.5, away_from=(1.0,)))
    ... def test_the_logarithm_is_never_0(x):
    ...     assert np.log(x) != 0
    >>> test_the_logarithm_is_never_0()
    """
    return _numbers(low, high, tuple(away_from), margin)


@lru_cache(maxsize=64)
def _numbers(low: float, high: float, points: Decimals, margin: float) -> st.SearchStrategy[float]:
    found = _decimals(low, high, points, margin)
    simpler = (tuple(x for x in found if (factor * x).is_integer()) for factor in SIMPLE)
    levels = [*filter(None, simpler), found]
    return _number(st.sampled_from(found), st.integers(0, RARITY), levels)


@st.composite
def _number(
    draw: Draw[Any],
    found: st.SearchStrategy[float],
    kinds: st.SearchStrategy[int],
    levels: list[Decimals],
) -> float:
    """Draw a number; now and then take the next one of a simpler kind, further away from 0.

    While it shrinks a number comes near to 0; where it gets stuck, the next simpler one will do.
    """
    kind: int = draw(kinds)
    x: float = draw(found)
    simpler = levels[kind] if kind < len(levels) - 1 else ()
    return next((y for y in simpler if abs(y) >= abs(x) and (y < 0) == (x < 0)), x)


@lru_cache(maxsize=64)
def _decimals(low: float, high: float, points: Decimals, margin: float) -> Decimals:
    """Return the short decimals of a range, the smallest first."""
    if not (isfinite(low) and isfinite(high) and low < high):
        raise ValueError(f"numbers lie from low to high, two finite ones, found {low} and {high}")
    step = Fraction(10) ** floor(log10((high - low) / FEWEST))
    found = [step * k for k in range(ceil(_exact(low) / step), floor(_exact(high) / step) + 1)]
    kept = [x for x in found if all(abs(x - _exact(p)) >= _exact(margin) for p in points)]
    if not kept:
        raise ValueError(f"no number from {low} to {high} is {margin} away from {points}")
    return tuple(sorted(map(float, kept), key=_size))


def _size(x: float) -> tuple[float, bool]:
    return abs(x), x < 0


def _exact(x: float) -> Fraction:
    """Return the decimal that `x` is written as."""
    return Fraction(repr(float(x)))


def arrays(
    shape: Shape | int | st.SearchStrategy[Shape] | None = None,
    *,
    dtype: DTypeLike = np.float64,
    low: float = -2.0,
    high: float = 2.0,
    elements: st.SearchStrategy[float] | None = None,
    away_from: Sequence[float] = (0.0,),
    margin: float = 0.1,
    on: Sequence[float] = (),
    distinct: bool = False,
    layout: str | Sequence[str] = NATIVE,
) -> st.SearchStrategy[NDArray[Any]]:
    """Draw a floating-point array in any memory layout.

    Args:
        shape: a shape, or a strategy of shapes; `shapes()` by default.
        dtype: of the array, a real floating-point one.
        low: the smallest element.
        high: the largest.
        elements: a strategy of elements, instead of all that says where they lie.
        away_from: kinks to which no element is closer than `margin`.
        margin: that distance.
        on: kinks that at least one element is exactly on, and others may be.
        distinct: no two elements are equal; for maxima and sorting.
        layout: a memory layout, or several of them, where the shape allows; see `laid_out`. All
            but "big-endian" by default.

    Raises:
        TypeError: `dtype` is not floating-point.
        ValueError: no such layout, or nothing is left of the range.

    >>> from hypothesis import given
    >>> @given(arrays((2, 3), distinct=True))
    ... def test_one_element_is_the_largest(x):
    ...     assert np.sum(x == np.max(x)) == 1
    >>> test_one_element_is_the_largest()
    """
    names = (layout,) if isinstance(layout, str) else tuple(layout)
    for name in names:
        laid_out(0.0, name)
    if distinct:
        names = tuple(name for name in names if name != "broadcast")
    if np.dtype(dtype).kind != "f":
        raise TypeError(f"arrays draws floating-point numbers, asked for {np.dtype(dtype)}")
    is_known = elements is None and not on
    if elements is None:
        elements = numbers(low, high, away_from=(*away_from, *on), margin=margin)
    if on:
        elements = st.one_of(st.sampled_from(tuple(on)), elements)
    drawn = _arrays(_as_shapes(shape), names, elements, tuple(on), distinct, np.dtype(dtype))
    if is_known and not isinstance(shape, st.SearchStrategy):
        shapes_drawn = SIZES if shape is None else (_as_shape(shape),)
        found = _decimals(low, high, tuple(away_from), margin)
        DRAWN[drawn] = Drawn(shapes_drawn, names, found, distinct, np.dtype(dtype))
    return drawn


@st.composite
def _arrays(
    draw: Draw[Any],
    shape: st.SearchStrategy[Shape],
    layouts: tuple[str, ...],
    elements: st.SearchStrategy[float],
    on: tuple[float, ...],
    distinct: bool,
    dtype: np.dtype[Any],
) -> NDArray[Any]:
    full = draw(shape)
    layout = draw(st.sampled_from(layouts_for(full, layouts)))
    # Without a fill, Hypothesis draws every element: with one, most of them are the same.
    values = draw(hnp.arrays(float, full, elements=elements, unique=distinct, fill=st.nothing()))
    if on and values.size and not np.any(np.isin(laid_out(values, layout), on)):
        values.flat[0] = draw(st.sampled_from(on))
    return laid_out(values.astype(dtype), layout)


def _as_shapes(shape: Any) -> st.SearchStrategy[Shape]:
    if shape is None:
        return shapes()
    return shape if isinstance(shape, st.SearchStrategy) else st.just(_as_shape(shape))


def _as_shape(shape: Shape | int) -> Shape:
    return (shape,) if isinstance(shape, int) else tuple(shape)


def tensors(
    shape: Shape | int | st.SearchStrategy[Shape] | None = None, **options: Any
) -> st.SearchStrategy[Tensor]:
    """Draw a Tensor that requires grad; the arguments are those of `arrays`.

    >>> from hypothesis import given
    >>> @given(tensors((3,)))
    ... def test_the_gradient_of_a_sum_is_1(x):
    ...     x.sum().backward()
    ...     assert x.grad.tolist() == [1.0, 1.0, 1.0]
    >>> test_the_gradient_of_a_sum_is_1()
    """
    return arrays(shape, **options).map(_variable)


def _variable(x: NDArray[Any]) -> Tensor:
    return Tensor(x, requires_grad=True)
