"""Blocks that repeat in a row: the layers of a deep network, the steps of an unrolled one.

Calls and module calls that stand side by side, in the order of time, are written as numbers, the
same for what looks the same. A block repeats where the row of numbers has a period, and where
`wiring.py` finds that each repetition was used as the one before.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from autograd_mini.drawing.labels import text_of
from autograd_mini.drawing.nodes import NUMBERS, Node
from autograd_mini.drawing.places import Place
from autograd_mini.operation import ITEM
from autograd_mini.tensor import Tensor

FEWEST = 3  # two of a kind are better shown
LONGEST = 32  # items in a block that repeats

Item = Node | Place


class Run(NamedTuple):
    """A block and its repetitions.

    Attributes:
        first: the items of the block.
        others: the items of every later repetition.
    """

    first: Sequence[Item]
    others: Sequence[Sequence[Item]]

    @property
    def times(self) -> int:
        """How many times the block is there."""
        return 1 + len(self.others)


def side_by_side(calls: Sequence[Node], children: Sequence[Place]) -> list[Item]:
    """Return calls and module calls in the order of time."""
    return sorted([*calls, *children], key=_time)


def blocks(items: Sequence[Item], looks: Looks) -> Iterator[list[Sequence[Item]]]:
    """Yield blocks of `items` that look the same, at least three times in a row."""
    row = [looks.of(item) for item in items]
    at = 0
    while at < len(row):
        period, times = _best(row, at)
        if times < FEWEST:
            at += 1
            continue
        yield [items[at + period * i : at + period * (i + 1)] for i in range(times)]
        at += period * times


def _best(row: Sequence[int], at: int) -> tuple[int, int]:
    """Return the period that covers most from `at` on, the shortest of them, and how often."""
    best = (1, 1)
    for period in range(1, min(LONGEST, (len(row) - at) // FEWEST) + 1):
        # Most periods fail at the first look.
        if row[at] != row[at + period] or row[at] != row[at + 2 * period]:
            continue
        end = at + period
        while end < len(row) and row[end] == row[end - period]:
            end += 1
        times = (end - at) // period
        if times >= FEWEST and period * times > best[0] * best[1]:
            best = (period, times)
    return best


class Looks:
    """Numbers for calls and module calls, the same for those that look the same.

    Args:
        is_strict: whether settings and numbers must be the same too.
    """

    def __init__(self, is_strict: bool) -> None:
        self.is_strict = is_strict
        self._numbers: dict[Any, int] = {}
        self._inside: dict[Place, int] = {}

    def of(self, item: Item) -> int:
        """Return the number of `item`; of a module call all that is inside it counts."""
        if isinstance(item, Node):
            return self._number(self._call(item))
        for place in _innermost_first(item, self._inside):
            calls = tuple(self._call(node) for node in in_time(place))
            leaves = tuple(sorted(self.leaf(node) for node in place.nodes if not node.is_call))
            children = tuple(self._inside[child] for child in place.children)
            look = (type(place.call.module), calls, leaves, children)
            self._inside[place] = self._number(look)
        return self._inside[item]

    def leaf(self, node: Node) -> str:
        """Return in words what leaves must share to look the same."""
        x = node.value
        if isinstance(x, NUMBERS):
            return text_of(x) if self.is_strict else "number"
        needs = "parameter" if isinstance(x, Tensor) and x.requires_grad else "input"
        return f"{needs} {getattr(x, 'shape', ())} {getattr(x, 'dtype', '')}"

    def _call(self, node: Node) -> Any:
        x = node.value
        array = x._array
        dtype = getattr(array, "dtype", None)
        told = dtype if isinstance(dtype, np.dtype) else str(dtype)
        settings: Any = ()
        # Steps take one item after the other of a sequence.
        if self.is_strict and node.settings and not _is_index(x):
            settings = tuple((name, text_of(value)) for name, value in node.settings)
        return x._operation, getattr(array, "shape", None), told, len(node.inputs), settings

    def _number(self, look: Any) -> int:
        return self._numbers.setdefault(look, len(self._numbers))


def in_time(place: Place) -> list[Node]:
    """Return the calls right inside a module call, in the order of time."""
    return sorted((node for node in place.nodes if node.is_call), key=_time)


def everything(item: Item) -> Iterator[Node]:
    """Yield the calls of `item`, in an order that is the same for items that look the same."""
    pending = [item]
    while pending:
        part = pending.pop()
        if isinstance(part, Node):
            yield part
        else:
            yield from in_time(part)
            pending += part.children


def _is_index(x: Any) -> bool:
    return x._operation is ITEM or x._operation.name in ("getitem", "setitem")


def _time(item: Item) -> int:
    time: int = item.call.end if isinstance(item, Place) else item.tick
    return time


def _innermost_first(place: Place, known: dict[Place, int]) -> list[Place]:
    found: list[Place] = []
    pending = [place]
    while pending:
        if (part := pending.pop()) not in known:
            found.append(part)
            pending += part.children
    return found[::-1]
