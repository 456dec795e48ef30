"""What stands for what: the first of blocks that repeat for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from autograd_mini.drawing.nodes import Node
from autograd_mini.drawing.places import Place
from autograd_mini.drawing.repeats import Item, Looks, Run, blocks, in_time, side_by_side
from autograd_mini.drawing.wiring import Wiring


class StandIns:
    """Blocks that repeat, found from the outside inwards.

    Args:
        nodes: of a graph.
        places: its module calls, outer ones first.
        where: the place of every node that is in one.
        with_modules_only: leave out blocks in which no module is called.
        is_strict: leave out blocks whose settings and numbers differ, or that are used otherwise.

    Attributes:
        times: of a place that stands for several, how many.
        same: of those, the ones whose repetitions are calls of one module.
        place_for: the place that stands for another.
        looks: what looks the same.
    """

    def __init__(
        self,
        nodes: Sequence[Node],
        places: Sequence[Place],
        where: dict[Node, Place],
        *,
        with_modules_only: bool,
        is_strict: bool,
    ) -> None:
        self.times: dict[Place, int] = {}
        self.same: set[Place] = set()
        self.place_for: dict[Place, Place] = {}
        self.looks = Looks(is_strict)
        self._node_for: dict[Node, Node] = {}
        wiring = Wiring(nodes, self.looks) if is_strict else None
        top = [node for node in nodes if node.is_call and node not in where]
        pending = [(top, [place for place in places if place.parent is None])]
        while pending:
            calls, children = pending.pop()
            for row in blocks(side_by_side(calls, children), self.looks):
                if not with_modules_only or any(isinstance(item, Place) for item in row[0]):
                    for run in wiring.runs(row) if wiring else [Run(row[0], row[1:])]:
                        self._shorten(run)
            pending += [(in_time(p), p.children) for p in children if p not in self.place_for]

    @property
    def is_empty(self) -> bool:
        """Whether every node stands for itself."""
        return not self._node_for

    def of(self, node: Node) -> Node:
        """Return the node that is shown for `node`."""
        while node in self._node_for:
            node = self._node_for[node]
        return node

    def place_of(self, place: Place | None) -> Place | None:
        """Return the place that is shown for `place`."""
        while place is not None and place in self.place_for:
            place = self.place_for[place]
        return place

    def _shorten(self, run: Run) -> None:
        for items in run.others:
            for one, other in zip(run.first, items, strict=True):
                self._stand_for(one, other)
        for i, item in enumerate(run.first):
            if isinstance(item, Place):
                self.times[item] = run.times
                if len({id(_module(items[i])) for items in (run.first, *run.others)}) == 1:
                    self.same.add(item)

    def _stand_for(self, one: Item, other: Item) -> None:
        """Let `one` be shown for `other`, and each of its parts for the other's."""
        pairs: list[tuple[Item, Item]] = [(one, other)]
        while pairs:
            one, other = pairs.pop()
            if isinstance(one, Place) and isinstance(other, Place):
                self.place_for[other] = one
                pairs += zip(in_time(one), in_time(other), strict=True)
                pairs += zip(one.children, other.children, strict=True)
            elif isinstance(one, Node) and isinstance(other, Node):
                self._node_for[other] = one


def _module(item: Item) -> Any:
    return item.call.module if isinstance(item, Place) else None
