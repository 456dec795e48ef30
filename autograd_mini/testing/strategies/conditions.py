"""The calls that are tried before any is drawn: at least one in every condition.

Sizes 0, 1 and many, signs and magnitudes, each argument stretched against the others, each memory
layout, float32: the same calls each time, from simple ones to others, so that a rule that is wrong
in one of these conditions is found every time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice, product
from math import prod
from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from autograd_mini.testing.layouts import NATIVE, laid_out
from autograd_mini.testing.strategies.drawn import DRAWN
from autograd_mini.testing.strategies.shapes import Shape

Array = NDArray[Any]
Inputs = tuple[Any, ...]
MARGIN = 0.1  # to a kink
MOST_COMBINED = 64
GOLDEN = (5**0.5 - 1) / 2  # its multiples, modulo 1, are evenly spread and never repeat


class Numbers(NamedTuple):
    """A range of numbers, as magnitudes, with their signs in turn."""

    low: float
    high: float
    signs: tuple[int, ...] = (1,)

    def fill(self, shape: Shape, k: int, away_from: Sequence[float]) -> Array:
        """Return an array for the k-th argument: no number is in it twice, or in another's."""
        found: list[float] = []
        turn = 0
        while len(found) < prod(shape) and turn < 10 * prod(shape) + 100:
            part = (0.1 + turn * GOLDEN + 0.377 * k) % 1
            x = self.signs[turn % len(self.signs)] * (self.low + part * (self.high - self.low))
            x = float(f"{x:.3g}")
            turn += 1
            if all(abs(x - point) >= MARGIN for point in away_from if point):
                found.append(x)
        return np.resize(np.array(found or [1.0]), shape)


BOTH = Numbers(0.2, 2.0, (1, -1))
POSITIVE, NEGATIVE = Numbers(0.2, 2.0), Numbers(0.2, 2.0, (-1,))
WITHIN, BEYOND = Numbers(0.2, 0.8, (1, -1)), Numbers(1.2, 2.8)
PART = Numbers(0.2, 0.8)
# Ranges of arguments that a condition does not set; the first in the function's domain is used.
BASES = (BOTH, POSITIVE, WITHIN, BEYOND, NEGATIVE, PART)
SIGNS = (POSITIVE, NEGATIVE, BOTH)
MAGNITUDES = tuple(
    Numbers(size, 1.5 * size, (sign,))
    for size in (0.5, 1e-2, 1e-5, 2e1, 2e2, 2e3, 1e8)
    for sign in (1, -1)
)
SIZES: tuple[Shape, ...] = ((1,), (2,), (2, 3), (13,), (1, 1))
EMPTY: tuple[Shape, ...] = ((0,), (2, 0), (0, 3))
# How one argument is stretched against the others.
STRETCHED: tuple[tuple[Shape, Shape], ...] = (
    ((), (2,)),
    ((1,), (2,)),
    ((2,), (2, 2)),
    ((2, 1), (2, 2)),
    ((1, 2), (2, 2)),
    ((2, 1, 2), (2, 2, 2)),
    ((2, 1), (3,)),
    ((2, 1), (1, 3)),
    ((1,), ()),
)
EMPTY_STRETCHED: tuple[tuple[Shape, Shape], ...] = (
    ((), (0,)),
    ((1,), (0,)),
    ((2, 1), (2, 0)),
    ((0,), (2, 0)),
    ((0, 1), (3,)),
)
LAID_OUT: dict[str, tuple[Shape, ...]] = {
    "F": ((2, 2),),
    "transposed": ((2, 2, 2),),
    "strided": ((3,), (2, 2)),
    "reversed": ((3,), (2, 2)),
    "broadcast": ((3,), (2, 2)),
    "read-only": ((), (2, 2)),
    "unaligned": ((), (2, 2)),
    "big-endian": ((), (2, 2)),
}


class Condition(NamedTuple):
    """A call in one condition.

    Attributes:
        inputs: its arguments.
        is_unusual: whether the function may refuse them: no array like these is drawn.
        is_zero: whether there is a 0 in it, where the function may have a kink.
        allows: says whether other inputs are as good, when they are made simpler.
    """

    inputs: Inputs
    is_unusual: bool = False
    is_zero: bool = False
    allows: Callable[[Inputs], bool] = lambda inputs: True


def bases(count: int) -> Iterator[tuple[Numbers, ...]]:
    """Yield ranges of the arguments: first one range for all, then any."""
    yield from ((each,) * count for each in BASES)
    if count > 1:
        yield from islice(product(BASES, repeat=count), MOST_COMBINED)


def conditions(base: tuple[Numbers, ...], away_from: Sequence[float]) -> Iterator[Condition]:
    """Yield a call in each condition; what it does not set lies in `base`."""

    def is_away(inputs: Inputs) -> bool:
        return all(_is_away(x, away_from) for x in inputs)

    for inputs, is_unusual in _calls(base, away_from):
        yield Condition(inputs, is_unusual, allows=is_away)
    for inputs in _zeros(base, away_from):
        yield Condition(inputs, is_unusual=True, is_zero=True, allows=lambda inputs: False)


def _zeros(base: tuple[Numbers, ...], away_from: Sequence[float]) -> Iterator[Inputs]:
    """Yield inputs of which one is 0, or all; by themselves, and among other numbers."""
    count = len(base)
    shapes: tuple[Shape, ...] = ((), (2,))
    for shape in shapes:
        for zeros in dict.fromkeys((range(count), *(range(k, k + 1) for k in range(count)))):
            inputs = [each.fill(shape, k, away_from) for k, each in enumerate(base)]
            for k in zeros:
                inputs[k].flat[0] = 0.0
            yield tuple(inputs)


def _calls(base: tuple[Numbers, ...], away_from: Sequence[float]) -> Iterator[tuple[Inputs, bool]]:
    """Yield the inputs of each condition, small ones first, and whether they are unusual."""

    def call(shapes: Sequence[Shape], numbers: Sequence[Numbers] = base) -> Inputs:
        parts = enumerate(zip(shapes, numbers, strict=True))
        return tuple(each.fill(shape, k, away_from) for k, (shape, each) in parts)

    count = len(base)
    number: list[Shape] = [()] * count
    pair: list[Shape] = [(2,)] * count
    sizes = [[shape] * count for shape in SIZES]
    stretched = [*_stretched(count, STRETCHED)]
    empty = [*([shape] * count for shape in EMPTY), *_stretched(count, EMPTY_STRETCHED)]
    yield from ((call(number, numbers), False) for numbers in (base, *_replaced(base, SIGNS)))
    yield from ((call(number, numbers), True) for numbers in _replaced(base, MAGNITUDES))
    yield from ((call(shapes), False) for shapes in (*sizes, *stretched))
    yield from ((call(pair, numbers), False) for numbers in _replaced(base, SIGNS))
    for layout, shapes in LAID_OUT.items():
        for inputs in (call([shape] * count) for shape in shapes):
            for changed in _each(inputs, partial(laid_out, layout=layout)):
                yield changed, layout not in NATIVE
    for inputs in [call(shapes) for shapes in [number, *sizes, *stretched]]:
        yield from ((changed, True) for changed in _each(inputs, _single))
    yield from ((call(shapes), True) for shapes in empty)


def _is_away(x: Any, away_from: Sequence[float]) -> bool:
    return all(np.all(np.abs(x - point) >= MARGIN) for point in away_from if point)


def conditions_of(inputs: Inputs) -> Iterator[Condition]:
    """Yield a call in each condition that `arrays`, among the user's strategies, can draw.

    Yield nothing if there is another strategy among them, whose draws are not known.
    """
    choices = [_choices(x, k) for k, x in enumerate(inputs)]
    if not all(choices) or not any(x in DRAWN for x in inputs if _is_strategy(x)):
        return
    first = tuple(each[0] for each in choices)

    def is_drawn(changed: Inputs) -> bool:
        pairs = zip(inputs, changed, strict=True)
        return all(DRAWN[x].allows(y) if _is_strategy(x) else x is y for x, y in pairs)

    yield Condition(first, allows=is_drawn)
    for k, each in enumerate(choices):
        for x in each[1:]:
            yield Condition((*first[:k], x, *first[k + 1 :]), allows=is_drawn)


def _choices(x: Any, k: int) -> list[Any]:
    """Return the values that the k-th argument may have, none if they are not known."""
    if not _is_strategy(x):
        return [x]
    return [*DRAWN[x].choices(k)] if x in DRAWN else []


def _is_strategy(x: Any) -> bool:
    return isinstance(x, st.SearchStrategy)


def _single(x: Array) -> Array:
    return x.astype(np.float32)


def _stretched(count: int, pairs: Sequence[tuple[Shape, Shape]]) -> Iterator[list[Shape]]:
    """Yield shapes of which one is stretched against all others, or all others against it."""
    for one, other in pairs if count > 1 else ():
        for k in range(count):
            yield [one if i == k else other for i in range(count)]
            if count > 2:
                yield [other if i == k else one for i in range(count)]


def _replaced(base: tuple[Numbers, ...], ranges: Any) -> Iterator[tuple[Numbers, ...]]:
    """Yield `base` with one of its ranges replaced, or all."""
    for each in ranges:
        yield (each,) * len(base)
        if len(base) > 1:
            yield from ((*base[:k], each, *base[k + 1 :]) for k in range(len(base)))


def _each(inputs: Inputs, change: Callable[[Array], Array]) -> Iterator[Inputs]:
    """Yield the inputs with each of them changed by itself, and with all."""
    for k, x in enumerate(inputs):
        yield (*inputs[:k], change(x), *inputs[k + 1 :])
    if len(inputs) > 1:
        yield tuple(map(change, inputs))
