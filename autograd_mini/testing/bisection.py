"""Find the element that causes a linear error, by bisection.

The error of a derivative along a direction is linear in the direction, so that the two halves of a
direction share it: one more look for each halving, O(log n) of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Place = tuple[int, ...]
Products = Callable[[Array], Array]


def worst(error: Callable[[Array], Any], direction: Array) -> Place:
    """Return the index of the element of `direction` that brings the most of its error.

    Args:
        error: a linear function of a direction, with numbers as its result.
        direction: of any shape, not 0 anywhere.

    >>> worst(lambda v: v @ np.array([0.0, 0.0, 1e-6, 0.0]), np.ones(4))
    (2,)
    """
    places = np.flatnonzero(direction)
    total = np.asarray(error(direction)) if len(places) > 1 else np.zeros(1)
    while len(places) > 1:
        first, second = np.array_split(places, 2)
        half = np.zeros_like(direction)
        half.flat[first] = direction.flat[first]
        part = np.asarray(error(half))
        is_first = _size(part) >= _size(total - part)
        places, total = (first, part) if is_first else (second, total - part)
    return tuple(int(i) for i in np.unravel_index(places[0], direction.shape))


def only(direction: Array, place: Place) -> Array:
    """Return one element of `direction`, 0 elsewhere."""
    part = np.zeros_like(direction)
    part[place] = direction[place]
    return part


class Entry(NamedTuple):
    """An element of the Jacobian: its row and column, as the walk has it, and as it is."""

    row: Place
    column: Place
    mine: float
    numeric: float


def worst_of_columns(push: Products, numeric: Products, v: Array) -> Entry:
    """Return the worst entry of a Jacobian that `push` multiplies from the right, as `v` tells."""
    column = worst(lambda part: push(part) - numeric(part), v)
    mine, wanted = (f(only(v, column)) / v[column] for f in (push, numeric))
    row = np.unravel_index(np.argmax(_distance(mine - wanted)), mine.shape)
    return Entry(tuple(map(int, row)), column, mine[row], wanted[row])


def worst_of_rows(pull: Products, numeric: Products, v: Array, units: list[Array]) -> Entry:
    """Return the worst entry of a Jacobian that `pull` multiplies from the left.

    Args:
        pull: u @ J.
        numeric: J @ v.
        v: a direction in which one of the sums with the weights `units` is wrong.
        units: weights of the rows.
    """
    rows = [pull(u) for u in units]

    def error(part: Array) -> Array:
        wanted = numeric(part)
        sums = [np.sum(row * part) - np.sum(u * wanted) for u, row in zip(units, rows, strict=True)]
        return np.array(sums)

    column = worst(error, v)
    wanted = numeric(only(v, column)) / v[column]
    u = units[int(np.argmax(_distance(error(only(v, column)))))]
    row = worst(lambda part: pull(part)[column] - np.sum(part * wanted), u)
    return Entry(row, column, pull(only(np.ones(u.shape), row))[column], wanted[row])


def element(name: str, place: Place) -> str:
    """Return an element in words: "input 0 at (3, 17)", or the name alone of a number.

    >>> element("input 0", (3,)), element("input 0", ())
    ('input 0 at (3,)', 'input 0')
    """
    return f"{name} at {place}" if place else name


def _size(x: Any) -> float:
    """Return the largest absolute value, infinity if there is a nan: that is where to look."""
    return float(np.max(_distance(x), initial=0.0))


def _distance(x: Any) -> Any:
    return np.nan_to_num(np.abs(x), nan=np.inf)
