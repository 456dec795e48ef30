"""Blocks that repeat in a row: the layers of a deep network, the steps of an unrolled one.

Calls and module calls that stand side by side, in the order of time, are written as numbers, the
same for what looks the same. A block repeats where the row of numbers has a period.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from autograd_mini.drawing.nodes import Node, is_recorded
from autograd_mini.drawing.places import Place

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


def runs(
    calls: Sequence[Node], children: Sequence[Place], with_modules_only: bool
) -> Iterator[Run]:
    """Yield blocks that repeat at least three times in a row.

    Args:
        calls: side by side with the module calls.
        children: the module calls.
        with_modules_only: leave out blocks in which no module is called.
    """
    side_by_side: list[Item] = [*calls, *children]
    items = sorted(side_by_side, key=_time)
    looks: dict[Any, int] = {}
    inside: dict[Place, int] = {}
    row = [looks.setdefault(_look(item, looks, inside), len(looks)) for item in items]
    at = 0
    while at < len(row):
        period, times = _best(row, at)
        block = items[at : at + period]
        if times < FEWEST:
            at += 1
            continue
        if not with_modules_only or any(isinstance(item, Place) for item in block):
            starts = range(at + period, at + period * times, period)
            yield Run(block, [items[start : start + period] for start in starts])
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


def _time(item: Item) -> int:
    time: int = item.call.end if isinstance(item, Place) else item.value._tick
    return time


def _look(item: Item, looks: dict[Any, int], inside: dict[Place, int]) -> Any:
    """Return what items must share to look the same: operation and shape, or all that is inside."""
    if isinstance(item, Node):
        x = item.value
        array = x._array
        shape = getattr(array, "shape", None)
        return x._operation, shape, str(getattr(array, "dtype", "")), len(item.inputs)
    for place in _innermost_first(item):
        nodes = tuple(_look(node, looks, inside) for node in place.nodes if is_recorded(node.value))
        leaves = tuple(
            getattr(node.value, "shape", ()) for node in place.nodes if not is_recorded(node.value)
        )
        children = tuple(inside[child] for child in place.children)
        look = (type(place.call.module), nodes, leaves, children)
        inside[place] = looks.setdefault(look, len(looks))
    return inside[item]


def _innermost_first(place: Place) -> list[Place]:
    found: list[Place] = []
    pending = [place]
    while pending:
        found.append(pending.pop())
        pending += found[-1].children
    return found[::-1]
