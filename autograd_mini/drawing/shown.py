"""Which mark stands for every node of a graph, once it is decided what is folded."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Any

from autograd_mini.drawing.nodes import Node
from autograd_mini.drawing.places import Place
from autograd_mini.drawing.stand_ins import StandIns
from autograd_mini.scopes import Call, calls_that_returned
from autograd_mini.tensor import Tensor


class Shown:
    """A mark to be: a node, a folded module call, or several calls as one.

    Attributes:
        node: the node, or the first of those it stands for.
        folded: the module call it stands for, or None.
        count: how many times what it shows is there.
        members: the nodes it stands for.
        is_of_line: whether it stands for all calls of a line.
        is_mixed: whether it stands for whatever was called in a stretch of time.
        order: its place among the marks.
        box: the innermost box to be drawn around it.
    """

    __slots__ = ("box", "count", "folded", "is_mixed", "is_of_line", "members", "node", "order")

    def __init__(self, node: Node, folded: Place | None = None) -> None:
        self.node = node
        self.folded = folded
        self.count = 1
        self.members: list[Node] = []
        self.is_of_line = self.is_mixed = False
        self.order = 0
        self.box: Place | None = None

    @property
    def is_single(self) -> bool:
        """Whether it is one node."""
        return self.folded is None and len(self.members) == 1

    @property
    def results(self) -> list[Node]:
        """The nodes whose values it tells: of a folded module call those that it returned."""
        if self.folded is None:
            return [self.node]
        call = self.folded.call
        return [node for node in self.members if node.is_call and _is_returned(node.value, call)]

    @property
    def result(self) -> Node | None:
        """The node whose value it tells, None if there are several."""
        results = self.results
        return results[0] if len(results) == 1 else None


def _is_returned(x: Tensor, call: Call) -> bool:
    if x._tick == call.end:
        return True
    found = calls_that_returned(x)
    return any(each.module is call.module and each.start == call.start for each in found)


Use = tuple[Shown, str]  # by which mark, as which argument


def marks(
    nodes: Sequence[Node],
    places: Sequence[Place],
    where: dict[Node, Place],
    stand_ins: StandIns,
    depth: int | None,
    is_by_line: bool,
) -> dict[Node, Shown]:
    """Return the mark of every node.

    Args:
        nodes: of a graph.
        places: its module calls, outer ones first.
        where: the place of every node that is in one.
        stand_ins: what is shown for what.
        depth: how many levels of modules are open; None for all.
        is_by_line: whether all calls of a line are one mark.
    """
    folded_at = _folded(places, depth)
    mark_of: dict[Node, Shown] = {}
    known: dict[Any, Shown] = {}
    for node in nodes:
        if not node.is_call:
            continue
        first = stand_ins.of(node)
        place = where.get(first)
        folded = folded_at[place] if place is not None else None
        key: Any = folded or (_line(first, place) if is_by_line else first)
        shown = known.get(key)
        if shown is None:
            shown = known[key] = Shown(first, folded)
            shown.is_of_line = is_by_line and folded is None
        shown.members.append(node)
        mark_of[node] = shown
    for shown in known.values():
        place = shown.folded
        shown.count = len(shown.members) if place is None else stand_ins.times.get(place, 1)
    _add_leaves(nodes, where, stand_ins, is_by_line, mark_of)
    return mark_of


def _line(node: Node, place: Place | None) -> Any:
    x = node.value
    return place, x._operation, id(x._code), x._offset


def _folded(places: Sequence[Place], depth: int | None) -> dict[Place, Place | None]:
    """Return for every place the outermost around it that is not to be shown open."""
    found: dict[Place, Place | None] = {}
    for place in places:
        around = found[place.parent] if place.parent is not None else None
        found[place] = place if place.level == depth else around
    return found


def _add_leaves(
    nodes: Sequence[Node],
    where: dict[Node, Place],
    stand_ins: StandIns,
    is_by_line: bool,
    mark_of: dict[Node, Shown],
) -> None:
    """Show leaves that repeat with what uses them as one; those in a folded place as it."""
    users: dict[Node, list[Use]] = {node: [] for node in nodes if not node.is_call}
    of_first: set[Node] = set()  # used by the call that is shown, of those that are one mark
    for node in nodes:
        for name, source in node.inputs:
            if not source.is_call:
                users[source].append((mark_of[node], name))
                if mark_of[node].node is node:
                    of_first.add(source)
    same: dict[Any, Shown] = {}
    for leaf, uses in users.items():
        owner = uses[0][0] if uses else None
        if owner is not None and _is_inside(where.get(leaf), owner, uses, stand_ins):
            mark_of[leaf] = owner
            owner.members.append(leaf)
            continue
        look = stand_ins.looks.leaf(leaf)
        key = _by_line(uses, look) if is_by_line else _repeating(uses, look)
        shown = same.get(key) if key else None
        if shown is None:
            shown = same[key or leaf] = Shown(leaf)
        if leaf in of_first and shown.node not in of_first:
            shown.node = leaf
        shown.members.append(leaf)
        shown.count = len(shown.members)
        mark_of[leaf] = shown


def _is_inside(place: Place | None, owner: Shown, uses: Sequence[Use], stand_ins: StandIns) -> bool:
    """Return whether a leaf is used in one folded module call alone, and belongs there."""
    if owner.folded is None or place is None or any(mark is not owner for mark, _ in uses):
        return False
    return any(stand_ins.place_of(around) is owner.folded for around in place.around())


def _by_line(uses: Sequence[Use], look: str) -> Any:
    """Return what leaves of many calls must share to be shown as one, None if they are not."""
    kind, _, _ = look.partition(" ")
    return (
        (kind, frozenset((mark, name.partition("[")[0]) for mark, name in uses)) if uses else None
    )


def _repeating(uses: Sequence[Use], look: str) -> Any:
    """Return what leaves must share to be shown as one if what uses them repeats, else None."""
    repeats = uses and all(mark.count > 1 and mark.folded is None for mark, _ in uses)
    return (look, frozenset(uses)) if repeats else None


# The kinds of leaves in a stretch are told apart, so there are up to four marks to each.
_KINDS = 4


def stretches(nodes: Sequence[Node], most: int, stand_ins: StandIns) -> dict[Node, Shown]:
    """Return the mark of every node if what was called one after the other is one.

    Args:
        nodes: of a graph.
        most: how many marks there may be.
        stand_ins: what tells the kinds of leaves.
    """
    calls = sorted((node for node in nodes if node.is_call), key=attrgetter("tick"))
    output = [calls.pop()] if most > _KINDS and len(calls) > 1 else []
    length = max(1, -(-len(calls) // max(1, (most - 1) // _KINDS)))
    mark_of: dict[Node, Shown] = {}
    for at in range(0, len(calls), length):
        mark_of |= _as_one(calls[at : at + length])
    mark_of |= _as_one(output)
    leaves: dict[Any, list[Node]] = {}
    found: set[Node] = set()
    for node in nodes:
        for _, leaf in node.inputs:
            if not leaf.is_call and leaf not in found:
                found.add(leaf)
                kind, _, _ = stand_ins.looks.leaf(leaf).partition(" ")
                leaves.setdefault((mark_of[node], kind), []).append(leaf)
    for (user, _), part in leaves.items():
        if most > _KINDS:
            mark_of |= _as_one(part)
        else:
            user.members += part
            mark_of |= dict.fromkeys(part, user)
    for node in nodes:
        if node not in mark_of:  # a leaf that a graph ends in
            mark_of |= _as_one([node])
    return mark_of


def _as_one(nodes: Sequence[Node]) -> dict[Node, Shown]:
    if not nodes:
        return {}
    shown = Shown(nodes[0])
    shown.members += nodes
    shown.count = len(nodes)
    shown.is_mixed = len(nodes) > 1
    return dict.fromkeys(nodes, shown)
