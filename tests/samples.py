"""One way to call every function in the table, with everything that its derivative depends on.

A sample draws calls: a function, its arguments, and whether complex numbers may be put in for real
ones (the function is analytic, so that the complex step differentiates it to the last digit).
`test_rules.py` checks every call against numeric derivatives; a function without a sample fails.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from hypothesis import strategies as st

Draw = Callable[[Any], Any]
LAYOUTS = ("C", "F", "strided", "reversed", "broadcast")


@dataclass(frozen=True)
class Call:
    """A call to differentiate with respect to its floating-point arrays."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any] = field(default_factory=dict)
    analytic: bool = True


@dataclass(frozen=True)
class Sample:
    """A function of the table and a strategy for calls of it."""

    function: Callable[..., Any]
    calls: st.SearchStrategy[Call]


@dataclass(frozen=True)
class Numbers:
    """Where the elements of an array may lie.

    Distinct ones have no ties. Those with an offset lie less than 0.4 above it, counted from an
    integer: no element of one offset comes near an integer, or near one of another offset.
    """

    low: float = -2.0
    high: float = 2.0
    distinct: bool = False
    offset: float | None = None

    def fill(self, shape: tuple[int, ...], layout: str, rng: np.random.Generator) -> np.ndarray:
        """Return an array of `shape` in the given memory layout."""
        if layout == "broadcast" and shape and not self.distinct:
            row = rng.uniform(self.low, self.high, (1, *shape[1:]))
            return np.broadcast_to(self.moved(row), shape)
        if self.distinct:
            n = int(np.prod(shape))
            steps = rng.permutation(n) + rng.uniform(0.2, 0.8, n)
            values = (self.low + (self.high - self.low) * steps / max(n, 1)).reshape(shape)
        else:
            values = self.moved(rng.uniform(self.low, self.high, shape))
        return laid_out(values, layout)

    def moved(self, values: np.ndarray) -> np.ndarray:
        """Return `values`, each moved to its place above an integer if there is an offset."""
        if self.offset is None:
            return values
        return np.asarray(np.floor(values) + self.offset + 0.4 * (values - np.floor(values)))


REAL = Numbers()
POSITIVE = Numbers(0.3, 2.5)
DISTINCT = Numbers(-2.0, 2.0, distinct=True)
# On both sides of a kink at 0, and of one between two arguments.
EARLY, LATE = Numbers(offset=0.05), Numbers(offset=0.55)


def laid_out(values: np.ndarray, layout: str) -> np.ndarray:
    """Return equal values in another memory layout."""
    if layout == "F":
        return np.array(values, order="F")
    if layout == "strided" and values.ndim:
        wide = np.repeat(values, 2, axis=-1)
        return wide[..., ::2]
    if layout == "reversed" and values.ndim:
        return values[::-1].copy()[::-1]
    return values


@st.composite
def arrays(
    draw: Draw, shape: st.SearchStrategy[tuple[int, ...]], numbers: Numbers = REAL
) -> np.ndarray:
    """Draw a float64 array; its elements come from a drawn seed."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return numbers.fill(draw(shape), draw(st.sampled_from(LAYOUTS)), rng)


def shapes(
    min_dims: int = 0, max_dims: int = 3, min_side: int = 0, max_side: int = 4
) -> st.SearchStrategy[tuple[int, ...]]:
    """Draw a shape, 0-d and size 0 among them."""
    sides = st.integers(min_side, max_side)
    return st.lists(sides, min_size=min_dims, max_size=max_dims).map(tuple)


@st.composite
def broadcastable(draw: Draw, count: int) -> list[tuple[int, ...]]:
    """Draw shapes that broadcast against each other."""
    full = draw(shapes())
    drawn = []
    for _ in range(count):
        cut = draw(st.integers(0, len(full)))
        drawn.append(tuple(draw(st.sampled_from([n, 1])) for n in full[cut:]))
    return drawn


@st.composite
def elementwise(draw: Draw, *numbers: Numbers, analytic: bool = True) -> Call:
    """Draw a call of a ufunc, one range of numbers for each argument; one may be a constant."""
    drawn = draw(broadcastable(len(numbers)))
    args = [draw(arrays(st.just(shape), each)) for shape, each in zip(drawn, numbers, strict=True)]
    if len(args) == 2 and draw(st.booleans()):
        i = draw(st.integers(0, 1))
        part = draw(st.sampled_from([0.25, 0.5, 0.75]))
        args[i] = numbers[i].low + part * (numbers[i].high - numbers[i].low)
    return Call(tuple(args), analytic=analytic)


def axes_of(a: np.ndarray, draw: Draw, several: bool = True) -> Any:
    """Draw an axis of `a`, counted from either end, None, or several of them."""
    one = st.integers(-a.ndim, a.ndim - 1) if a.ndim else st.none()
    choices = [st.none(), one]
    if several and a.ndim > 1:
        choices.append(st.sampled_from([(0, 1), (-1, 0), (1,)]))
    return draw(st.one_of(choices))


@st.composite
def reductions(
    draw: Draw, numbers: Numbers = REAL, *, min_side: int = 0, analytic: bool = True, ddof: int = 0
) -> Call:
    """Draw a call with axis and keepdims."""
    a = draw(arrays(shapes(min_side=min_side), numbers))
    kwargs: dict[str, Any] = {}
    if draw(st.booleans()):
        kwargs["axis"] = axes_of(a, draw)
    if draw(st.booleans()):
        kwargs["keepdims"] = draw(st.booleans())
    if ddof and a.ndim and draw(st.booleans()):
        kwargs["ddof"] = ddof
    return Call((a,), kwargs, analytic)


@st.composite
def along(draw: Draw, numbers: Numbers = REAL, *, min_dims: int = 0, analytic: bool = True) -> Call:
    """Draw a call with one axis, or None."""
    a = draw(arrays(shapes(min_dims=min_dims), numbers))
    return Call((a,), {"axis": axes_of(a, draw, several=False)}, analytic)


@st.composite
def products(
    draw: Draw, *pairs: tuple[tuple[int, ...], tuple[int, ...]], analytic: bool = True
) -> Call:
    """Draw a call with two arrays of one of the given pairs of shapes."""
    left, right = draw(st.sampled_from(pairs))
    return Call((draw(arrays(st.just(left))), draw(arrays(st.just(right)))), analytic=analytic)


@st.composite
def chosen(
    draw: Draw,
    options: list[tuple[tuple[int, ...], tuple[Any, ...], dict[str, Any]]],
    numbers: Numbers = REAL,
    analytic: bool = True,
) -> Call:
    """Draw a call f(array, *rest, **kwargs) from a list of (shape, rest, kwargs)."""
    shape, rest, kwargs = draw(st.sampled_from(options))
    return Call((draw(arrays(st.just(shape), numbers)), *rest), kwargs, analytic)
