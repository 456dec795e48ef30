"""What of a graph is shown: which nodes stand for others, so that a picture stays readable.

A module deeper than `depth` becomes one mark, and blocks that repeat become the first of them
with the number of times. As long as a graph has more marks than `max_nodes`, more is folded: what
repeats outside modules, deep modules, all calls of a line, and at last whatever was called one
after the other. Nothing is left out silently: every mark counts those it stands for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from autograd_mini.drawing.nodes import Node
from autograd_mini.drawing.places import Place
from autograd_mini.drawing.shown import Shown, marks, stretches
from autograd_mini.drawing.stand_ins import StandIns


class Folding:
    """Which mark stands for every node of a graph.

    Args:
        nodes: of the graph.
        places: its module calls, outer ones first.
        where: the place of every node that is in one.
        depth: how many levels of modules are shown open; None for all.
        max_nodes: how many marks there may be.

    Attributes:
        shown: the marks, every one after those that it was computed from, but for loops.
        mark_of: the mark of every node.
        stand_ins: what is shown for what repeats.
        notes: sentences about what was folded.
    """

    def __init__(
        self,
        nodes: Sequence[Node],
        places: Sequence[Place],
        where: dict[Node, Place],
        depth: int | None,
        max_nodes: int,
    ) -> None:
        self.nodes, self.places, self.where, self.max_nodes = nodes, places, where, max_nodes
        self.depth = depth
        self._shorten(with_modules_only=True)
        if self._is_too_large():
            self._shorten()
        if self._is_too_large():
            self._shorten(is_strict=False)
        if self._is_too_large():
            self._close_modules()
        if self._is_too_large():
            self._show(is_by_line=True)
        if self._is_too_large():
            self._set(stretches(nodes, max_nodes, self.stand_ins))
        for shown in self.shown:
            shown.box = self._box_of(shown)
        self.notes = [*self._told(depth)]

    def _is_too_large(self) -> bool:
        return len(self.shown) > self.max_nodes

    def _shorten(self, *, with_modules_only: bool = False, is_strict: bool = True) -> None:
        self.stand_ins = StandIns(
            self.nodes,
            self.places,
            self.where,
            with_modules_only=with_modules_only,
            is_strict=is_strict,
        )
        self._show()

    def _close_modules(self) -> None:
        """Close modules, the deepest first, but no more than it takes."""
        if not self.places:
            return
        deepest = max(place.level for place in self.places)
        open_, closed = 0, deepest if self.depth is None else min(self.depth, deepest)
        while open_ < closed:  # the deepest level at which the picture is small enough
            self.depth = (open_ + closed + 1) // 2
            self._show()
            if self._is_too_large():
                closed = self.depth - 1
            else:
                open_ = self.depth
        self.depth = open_
        self._show()

    def _show(self, *, is_by_line: bool = False) -> None:
        """Find the mark of every node, with modules open down to `depth`."""
        self._set(
            marks(self.nodes, self.places, self.where, self.stand_ins, self.depth, is_by_line)
        )

    def _set(self, mark_of: dict[Node, Shown]) -> None:
        """Put marks in the order of the nodes that they stand for first."""
        self.mark_of = mark_of
        self.shown = list(dict.fromkeys(mark_of[node] for node in self.nodes))
        for order, shown in enumerate(self.shown):
            shown.order = order

    def _box_of(self, shown: Shown) -> Place | None:
        if shown.is_mixed:
            return None
        if shown.folded is not None:
            return shown.folded.parent
        place = self.stand_ins.place_of(self.where.get(shown.node))
        while place is not None and self.depth is not None and place.level >= self.depth:
            place = place.parent
        return place

    def closed(self) -> dict[Place, Shown]:
        """Return for every box what it would be, folded, the outer ones first."""
        used = {shown.box for shown in self.shown}
        drawn = {around for place in used if place for around in place.around()}
        inside: dict[Place, list[Node]] = {place: [] for place in self.places if place in drawn}
        for node in self.nodes:
            place = self.stand_ins.place_of(self.where.get(node))
            for around in place.around() if place is not None else ():
                if around in inside:
                    inside[around].append(node)
        found = {place: Shown(nodes[0], place) for place, nodes in inside.items()}
        for place, shown in found.items():
            shown.members = inside[place]
            shown.count = self.stand_ins.times.get(place, 1)
        return found

    def arrows(self) -> Iterator[tuple[Shown, Shown, str, Node, int]]:
        """Yield tail, head, argument, the first source and how many edges are one arrow."""
        found: dict[tuple[Shown, Shown, str], list[Any]] = {}
        for node in self.nodes:
            head = self.mark_of[node]
            is_open = head.folded is None and not head.is_mixed
            for name, source in node.inputs:
                tail = self.mark_of[source]
                if tail is head and not (is_open and source.is_call):
                    continue
                argument = name.partition("[")[0] if tail.count > 1 else name
                key = (tail, head, argument if is_open else "")
                found.setdefault(key, [source, 0])[1] += 1
        for (tail, head, argument), (source, count) in found.items():
            yield tail, head, argument, source, count

    def _has_repeats(self) -> bool:
        """Return whether a mark or a box stands for several that are alike."""
        boxes = {place for shown in self.shown if shown.box for place in shown.box.around()}
        is_mark = not self.stand_ins.is_empty and any(shown.count > 1 for shown in self.shown)
        return is_mark or not boxes.isdisjoint(self.stand_ins.times)

    def _told(self, asked: int | None) -> Iterator[str]:
        """Say what was folded because there was too much of it."""
        if self.depth != asked and any(shown.folded for shown in self.shown):
            yield f"modules deeper than depth={self.depth} are folded"
        if lines := sum(shown.is_of_line and len(shown.members) > 1 for shown in self.shown):
            yield f"the calls of {lines} line{'s' * (lines != 1)} are shown as one each"
        if parts := sum(shown.is_mixed and shown.node.is_call for shown in self.shown):
            groups = f"{parts} group{'s' * (parts != 1)}"
            yield f"calls that follow each other are shown as one, in {groups}"
        elif self._has_repeats():
            yield "of what repeats, the first is shown"
        if len(self.nodes) > len(self.shown):
            yield f"{len(self.nodes):,} nodes, {len(self.shown):,} shown"
