"""Colours by what is asked: where sigmoids are saturated, gradients vanish, time and memory go.

Every measure gives a node a number, and a mark that stands for several nodes what they come to
together: the sum of seconds and bytes, the worst of saturation and gradients, the mean of values.
The numbers are scaled to a row of colours, light to dark, that any colour vision tells apart. What
has no such number stays white.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from statistics import fmean
from typing import Any, NamedTuple

import numpy as np

from autograd_mini.drawing.backward_pass import Gradients
from autograd_mini.drawing.labels import mean_of, text_of
from autograd_mini.drawing.nodes import NUMBERS, Node
from autograd_mini.drawing.shown import Shown
from autograd_mini.operation import Operation
from autograd_mini.storage import bare

# Light to dark, and for numbers below zero.
SCALE = ("#fff8ee", "#fde2bd", "#fbc685", "#f2a04f", "#de7a22")
BELOW = ("#f1f6fc", "#cfe2f4", "#a5c9ea", "#77addd", "#4a8ecb")
BLANK = "#ffffff"

# What of the greatest slope is left where a neuron counts as saturated.
_SLOPE_LEFT = 0.05
_RUNS = 3  # a call is timed so often, and the shortest time counts

Measure = Callable[[Node, Any], float | None]


class Paint(NamedTuple):
    """The colour of marks, and what it means.

    Attributes:
        fills: the colour of every mark that has one.
        numbers: what the mark was painted by, in words.
        legend: pairs of a colour and what it stands for.
        notes: what a colour tells of several nodes that are shown as one.
    """

    fills: Mapping[Shown, str]
    numbers: Mapping[Shown, str]
    legend: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]


def paint(
    shown: Sequence[Shown], by: str, gradients: Gradients | None, closed: Sequence[Shown] = ()
) -> Paint:
    """Return the colours of marks.

    Args:
        shown: the marks.
        by: "saturation", "gradient", "value", "time" or "memory".
        gradients: of the graph, for "gradient".
        closed: boxes as the marks that they would be, folded; the scale is that of `shown`.
    """
    how = MEASURES[by]
    known = {
        node: how.measure(node, gradients)
        for node in dict.fromkeys(node for mark in (*shown, *closed) for node in mark.members)
    }
    numbers: dict[Shown, float] = {}
    told: dict[Shown, str] = {}
    together: set[Shown] = set()
    for mark in (*shown, *closed):
        measured = [number for node in mark.members if (number := known[node]) is not None]
        if measured:
            numbers[mark] = number = how.together(measured)
            told[mark] = how.told(number)
        if len(measured) > 1:
            told[mark] += f", {how.word}"
            together.add(mark)
    scale = how.scale([numbers[mark] for mark in shown if mark in numbers])
    return Paint(
        {mark: scale.colour(number) for mark, number in numbers.items()},
        told,
        tuple((colour, how.told(number)) for colour, number in scale.steps()),
        () if together.isdisjoint(shown) else (f"what is folded has the colour of {how.word}",),
    )


def _of(row: Sequence[str], share: float) -> str:
    """Return a colour of a row, by a share from 0 to 1; what lies beyond has the last one."""
    return row[round(min(max(share, 0.0), 1.0) * (len(row) - 1))]


class _Shares:
    """Shares from 0 to 1, whatever numbers there are."""

    def __init__(self, _: Any) -> None:
        pass

    def colour(self, share: float) -> str:
        return _of(SCALE, share)

    def steps(self) -> list[tuple[str, float]]:
        return [(colour, i / (len(SCALE) - 1)) for i, colour in enumerate(SCALE)]


class _Decades:
    """Sizes, by their logarithm, from the smallest to the largest there is; 0 is blank."""

    def __init__(self, numbers: Any) -> None:
        logs = [math.log10(x) for x in numbers if 0 < x < math.inf]
        self.low, self.high = (min(logs), max(logs)) if logs else (0.0, 0.0)

    def colour(self, size: float) -> str:
        if not 0 < size < math.inf:
            return BLANK if size == 0 else SCALE[-1]
        spread = self.high - self.low
        if spread <= 0:
            return SCALE[-1]
        share = (math.log10(size) - self.low) / spread
        return _of(SCALE, share)

    def steps(self) -> list[tuple[str, float]]:
        top = len(SCALE) - 1
        spread = self.high - self.low
        return [(colour, 10 ** (self.low + spread * i / top)) for i, colour in enumerate(SCALE)]


class _Signed:
    """Numbers on both sides of 0, on one scale."""

    def __init__(self, numbers: Any) -> None:
        self.limit = max((abs(x) for x in numbers if math.isfinite(x)), default=0.0)

    def colour(self, number: float) -> str:
        if not math.isfinite(number):
            return SCALE[-1]
        share = abs(number) / self.limit if self.limit else 0.0
        return _of(SCALE if number >= 0 else BELOW, share)

    def steps(self) -> list[tuple[str, float]]:
        if not self.limit:
            return [(SCALE[0], 0.0)]
        return [(BELOW[-1], -self.limit), (SCALE[0], 0.0), (SCALE[-1], self.limit)]


def _saturation(node: Node, _: Any) -> float | None:
    """Return the share of the elements at which the slope has all but vanished."""
    x = node.value
    slope = SLOPES.get(x._operation.name) if node.is_call else None
    array = bare(x)
    if slope is None or not isinstance(array, np.ndarray) or array.dtype.kind != "f":
        return None
    return float(np.mean(slope(array) <= _SLOPE_LEFT)) if array.size else None


# The slope, as a share of the greatest, at a result of the operation.
SLOPES: Mapping[str, Callable[[Any], Any]] = {
    "sigmoid": lambda a: 4 * a * (1 - a),
    "scipy.special.expit": lambda a: 4 * a * (1 - a),
    "np.tanh": lambda a: 1 - a * a,
    "relu": lambda a: a > 0,
    "softmax": lambda a: 4 * a * (1 - a),
}


def _gradient(node: Node, gradients: Any) -> float | None:
    g = gradients.of.get(id(node.value))
    return None if g is None or type(g) is list else _root_mean_square(g)


def _value(node: Node, _: Any) -> float | None:
    array = bare(node.value)
    if not isinstance(array, (np.ndarray, *NUMBERS)) or not np.size(array):
        return None
    real = np.asarray(array)
    if real.dtype.kind == "c":  # which has no sign
        return None
    return mean_of(real) if np.isfinite(real).all() else float(np.mean(real, dtype=np.float64))


def _root_mean_square(array: Any) -> float | None:
    if not isinstance(array, np.ndarray | np.generic) or not array.size:
        return None
    array = np.asarray(array)
    sizes = np.abs(array)
    size = float(np.max(sizes))
    if size == 0 or not math.isfinite(size):
        return size
    return size * float(np.sqrt(np.mean((sizes / size) ** 2)))  # it can't overflow


def _seconds(node: Node, _: Any) -> float | None:
    """Return how long the call takes, run again on the arrays that it was given.

    A primitive of the user's own is not run: it may draw random numbers, or write somewhere.
    """
    x = node.value
    if not node.is_call or not _is_known(x._operation):
        return None
    values = [bare(arg) for arg in x._args]
    named = {key: bare(arg) for key, arg in (x._kwargs or {}).items()}
    times = []
    with np.errstate(all="ignore"):  # what there was to warn of, the call itself has
        for _ in range(_RUNS):
            start = time.perf_counter()
            try:
                x._operation.forward(*values, **named)
            except (ValueError, IndexError):  # what it was given holds other numbers by now
                return None
            times.append(time.perf_counter() - start)
    return min(times)


def _is_known(operation: Operation) -> bool:
    """Return whether a function is NumPy's, SciPy's or this library's: it only computes."""
    function = operation.function
    if isinstance(function, np.ufunc):
        return operation.name.startswith("scipy.") or getattr(np, function.__name__, 0) is function
    return str(getattr(function, "__module__", "")).partition(".")[0] in _OWN


_OWN = {"numpy", "scipy", "autograd_mini", "nn"}


def _bytes(node: Node, _: Any) -> float | None:
    """Return the bytes of an array; of a view of another, none of its own, 0."""
    array = bare(node.value)
    if not isinstance(array, np.ndarray):
        return None
    return float(array.nbytes if array.base is None or not node.is_call else 0)


class How(NamedTuple):
    """A measure of nodes, its scale, and how its numbers are told.

    Attributes:
        measure: of one node.
        scale: of all numbers.
        told: a number in words.
        together: what several numbers come to.
        word: how that is called.
    """

    measure: Measure
    scale: Any
    told: Callable[[float], str]
    together: Callable[[Sequence[float]], float]
    word: str


def _told_share(share: float) -> str:
    return f"{share:.0%} saturated"


def _told_gradient(size: float) -> str:
    return f"gradient {text_of(size, 2)}, root mean square"


def _told_value(number: float) -> str:
    return f"mean {text_of(number, 3)}"


def _told_seconds(seconds: float) -> str:
    return f"{seconds * 1e6:,.3g} µs"


def _told_bytes(count: float) -> str:
    return f"{count:,.0f} bytes"


MEASURES: Mapping[str, How] = {
    "saturation": How(_saturation, _Shares, _told_share, max, "the most in it"),
    "gradient": How(_gradient, _Decades, _told_gradient, min, "the least in it"),
    "value": How(_value, _Signed, _told_value, fmean, "the mean of all in it"),
    "time": How(_seconds, _Decades, _told_seconds, math.fsum, "the sum of all in it"),
    "memory": How(_bytes, _Decades, _told_bytes, math.fsum, "the sum of all in it"),
}
