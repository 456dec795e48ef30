"""What of a graph is shown: which nodes stand for others, so that a picture stays readable.

Three things fold: a module deeper than `depth` becomes one mark, blocks that repeat become the
first of them with the number of times, and, as long as a graph has more marks than `max_nodes`,
loops outside modules, then deeper modules, then all calls of one line. Nothing is left out
silently: every mark counts those it stands for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from autograd_mini.drawing.nodes import Node, is_recorded
from autograd_mini.drawing.places import Place
from autograd_mini.drawing.repeats import Item, runs
from autograd_mini.tensor import Tensor


class Shown:
    """A mark to be: a node, a folded module call, or several calls as one.

    Attributes:
        node: the node, or the first of those it stands for.
        folded: the module call it stands for, or None.
        count: how many times what it shows is there.
        members: how many nodes it stands for.
        of_line: whether it stands for all calls of a line.
    """

    __slots__ = ("count", "folded", "members", "node", "of_line", "order")

    def __init__(self, node: Node, folded: Place | None = None) -> None:
        self.node = node
        self.folded = folded
        self.count = 1
        self.members = 0
        self.of_line = False
        self.order = 0


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
        times: of a place that stands for several, how many.
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
        self.times: dict[Place, int] = {}
        self.first: dict[Node, Node] = {}
        self.first_place: dict[Place, Place] = {}
        self.notes: list[str] = []
        self._repeat(with_modules_only=True)
        self._show(depth)
        deepest = max((place.level for place in places), default=-1)
        if len(self.shown) > max_nodes:
            self._repeat(with_modules_only=False)
            self._show(depth)
        level = deepest if depth is None else min(depth, deepest + 1)
        while len(self.shown) > max_nodes and level > 0:
            level -= 1
            self._show(level)
        if len(self.shown) > max_nodes:
            self._show(level if places else None, by_line=True)
        self.notes = [*self._told(depth, level if places else None)]

    def _repeat(self, with_modules_only: bool) -> None:
        """Let the first of blocks that repeat stand for all of them, from the outside inwards."""
        self.times, self.first, self.first_place = {}, {}, {}
        top = [node for node in self.nodes if node not in self.where]
        pending: list[tuple[list[Node], list[Place]]] = [
            (top, [place for place in self.places if place.parent is None])
        ]
        while pending:
            nodes, children = pending.pop()
            calls = [node for node in nodes if is_recorded(node.value)]
            repeated: set[Place] = set()
            for block in runs(calls, children, with_modules_only):
                for items in block.others:
                    for one, other in zip(block.first, items, strict=True):
                        self._stand_for(one, other, repeated)
                for item in block.first:
                    if isinstance(item, Place):
                        self.times[item] = block.times
            pending += [(p.nodes, p.children) for p in children if p not in repeated]

    def _stand_for(self, one: Item, other: Item, repeated: set[Place]) -> None:
        """Let `one` be shown for `other`, and each of its parts for the other's."""
        pairs: list[tuple[Item, Item]] = [(one, other)]
        while pairs:
            one, other = pairs.pop()
            if isinstance(one, Place) and isinstance(other, Place):
                repeated.add(other)
                self.first_place[other] = one
                pairs += zip(_calls(one), _calls(other), strict=True)
                pairs += zip(one.children, other.children, strict=True)
            elif isinstance(one, Node) and isinstance(other, Node):
                self.first[other] = one

    def _show(self, depth: int | None, by_line: bool = False) -> None:
        """Find the mark of every node."""
        self.depth = depth
        self.mark_of: dict[Node, Shown] = {}
        known: dict[Any, Shown] = {}
        leaves = []
        for node in self.nodes:
            if not is_recorded(node.value):
                leaves.append(node)
                continue
            first = node
            while first in self.first:
                first = self.first[first]
            folded = self._folded(first, depth)
            key: Any = folded if folded is not None else first
            if by_line and folded is None:
                key = self._line(first)
            shown = known.get(key)
            if shown is None:
                shown = known[key] = Shown(first, folded)
                shown.of_line = by_line and folded is None
            shown.members += 1
            self.mark_of[node] = shown
        for shown in known.values():
            if shown.folded is None:
                shown.count = shown.members
            else:
                shown.count = self.times.get(shown.folded, 1)
        self._show_leaves(leaves)
        self._order()

    def _line(self, node: Node) -> Any:
        x = node.value
        return self.where.get(node), x._operation, x._code, x._offset

    def _folded(self, node: Node, depth: int | None) -> Place | None:
        """Return the outermost place around `node` that is not to be shown open."""
        place = self.where.get(node)
        if depth is None or place is None:
            return None
        return next((p for p in place.around() if p.level == depth), None)

    def _show_leaves(self, leaves: Iterable[Node]) -> None:
        """Show leaves that repeat with what uses them as one; those in a folded place as it."""
        users: dict[Node, set[tuple[Shown, str]]] = {}
        for node in self.nodes:
            for name, source in node.inputs:
                if not is_recorded(source.value):
                    users.setdefault(source, set()).add((self.mark_of[node], name))
        same: dict[Any, Shown] = {}
        for leaf in leaves:
            uses = users.get(leaf, set())  # none, if the graph ends in it
            owners = {mark.folded for mark, _ in uses}
            place = self.where.get(leaf)
            inside = next((p for p in (place.around() if place else ()) if p in owners), None)
            if inside is not None and len(owners) == 1:
                self.mark_of[leaf] = next(iter(uses))[0]
                continue
            repeats = uses and all(mark.count > 1 and mark.folded is None for mark, _ in uses)
            key = (frozenset(uses), _looks(leaf)) if repeats else leaf
            shown = same.get(key)
            if shown is None:
                shown = same[key] = Shown(leaf)
            shown.count += shown.members > 0
            shown.members += 1
            self.mark_of[leaf] = shown

    def _order(self) -> None:
        """Put marks in the order of the nodes that they stand for first."""
        self.shown = list(dict.fromkeys(self.mark_of[node] for node in self.nodes))
        for order, shown in enumerate(self.shown):
            shown.order = order

    def box_of(self, shown: Shown) -> Place | None:
        """Return the innermost box to be drawn around a mark."""
        if shown.folded is not None:
            return shown.folded.parent
        place = self.where.get(shown.node)
        while place is not None and place in self.first_place:
            place = self.first_place[place]
        while place is not None and self.depth is not None and place.level >= self.depth:
            place = place.parent
        return place

    def arrows(self) -> Iterator[tuple[Shown, Shown, str, Node, int]]:
        """Yield tail, head, argument, the first source and how many edges are one arrow."""
        found: dict[tuple[Shown, Shown, str], list[Any]] = {}
        for node in self.nodes:
            head = self.mark_of[node]
            for name, source in node.inputs:
                tail = self.mark_of[source]
                if tail is head and head.folded is not None:
                    continue
                if tail is head and not is_recorded(source.value):
                    continue
                key = (tail, head, "" if head.folded is not None else name)
                found.setdefault(key, [source, 0])[1] += 1
        for (tail, head, name), (source, count) in found.items():
            yield tail, head, name, source, count

    def _told(self, depth: int | None, level: int | None) -> Iterator[str]:
        """Say what was folded because there was too much of it."""
        if level is not None and (depth is None or level < depth) and self._is_folded():
            yield f"modules deeper than depth={level} are folded"
        if lines := sum(shown.of_line and shown.members > 1 for shown in self.shown):
            yield f"the calls of {lines} line{'s' * (lines != 1)} are shown as one each"
        hidden = len(self.nodes) - len(self.shown)
        if hidden and (self.times or self.first or len(self.nodes) > self.max_nodes):
            yield f"{len(self.nodes):,} nodes, {len(self.shown):,} shown"

    def _is_folded(self) -> bool:
        return any(shown.folded is not None for shown in self.shown)


def _calls(place: Place) -> list[Node]:
    return [node for node in place.nodes if is_recorded(node.value)]


def _looks(leaf: Node) -> Any:
    """Return what leaves must share to be shown as one."""
    x = leaf.value
    needs = isinstance(x, Tensor) and x.requires_grad
    return needs, getattr(x, "shape", ()), str(getattr(x, "dtype", type(x).__name__))
