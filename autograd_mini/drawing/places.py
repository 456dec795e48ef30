"""Which module call every node of a graph lies in: the boxes, before anything is folded.

A call is an interval of ticks, so one pass over the nodes in the order of their ticks, with a
stack of the calls that are open, finds the innermost one of each.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from operator import attrgetter
from typing import Any

from autograd_mini.drawing.ids import Ids
from autograd_mini.drawing.nodes import Node
from autograd_mini.scopes import Call, calls_that_returned
from autograd_mini.tensor import Tensor


class Place:
    """A module call that made a part of the graph.

    `parent` is the call around it, None for an outermost one; `level` counts those around it.
    `nodes` are the calls and leaves right inside, `children` the module calls; `id` names it in
    the picture, and `name` is its module's: the path, else the class, told apart from others.
    """

    __slots__ = ("call", "children", "id", "level", "name", "nodes", "parent", "path")

    def __init__(self, call: Call, parent: Place | None) -> None:
        self.call = call
        self.parent = parent
        self.level: int = 0 if parent is None else parent.level + 1
        self.children: list[Place] = []
        self.nodes: list[Node] = []
        self.path = self.id = self.name = ""
        if parent is not None:
            parent.children.append(self)

    @property
    def kind(self) -> str:
        """The class of the module."""
        return type(self.call.module).__name__

    @property
    def title(self) -> str:
        """Path and class of the module."""
        return f"{self.path}: {self.kind}" if self.path else self.name

    @property
    def parameters(self) -> int:
        """How many numbers the module can learn."""
        named = getattr(self.call.module, "named_parameters", None)
        return sum(x.size for _, x in named()) if named is not None else 0

    def around(self) -> Iterator[Place]:
        """Yield this place and those around it, innermost first."""
        place: Place | None = self
        while place is not None:
            yield place
            place = place.parent


def find_places(
    nodes: Sequence[Node], model: Any = None, under_way: Sequence[Call] = ()
) -> tuple[list[Place], dict[Node, Place]]:
    """Return the module calls in a graph, outer ones first, and the place of every node in one.

    Args:
        nodes: of the graph, every one after those it was computed from.
        model: whose paths name the modules; without it, each outermost module names its own.
        under_way: calls that no Tensor remembers, since they have not returned.
    """
    tensors = [node for node in nodes if isinstance(node.value, Tensor)]
    calls = sorted(_calls(tensors, under_way), key=_outer_first)
    places, where = _assigned(calls, sorted(tensors, key=attrgetter("tick")))
    _place_leaves(nodes, where)
    for node in nodes:
        if node in where:
            where[node].nodes.append(node)
    places = [place for place in places if place.nodes or place.children]
    _name(places, model)
    return places, where


def namers(places: Sequence[Place], model: Any) -> list[tuple[str, Any]]:
    """Return what names parameters: the model, else the outermost modules called.

    Each comes with what its paths begin with: of several, where it was called.
    """
    if model is not None:
        return [("", model)]
    outermost = {id(p.call.module): p for p in reversed(places) if p.parent is None}
    holders = [place for place in reversed(outermost.values()) if place.parameters]
    return [(place.name if len(holders) > 1 else "", place.call.module) for place in holders]


def is_met(model: Any, places: Sequence[Place]) -> bool:
    """Return whether `model`, or a module in it, was called in one of `places`."""
    parts = {id(model), *_paths(model)}
    return any(id(place.call.module) in parts for place in places)


def _outer_first(call: Call) -> tuple[int, int]:
    return call.start, -call.end


def _calls(nodes: Iterable[Node], under_way: Sequence[Call]) -> list[Call]:
    """Return every module call behind `nodes` once; one inside another comes after it."""
    found = {(id(call.module), call.start): call for call in under_way}
    for node in nodes:
        for call in calls_that_returned(node.value):
            # Each of several results knows the call; the last one ends it.
            same = found.get((id(call.module), call.start))
            if same is None or same.end < call.end:
                found[id(call.module), call.start] = call
    ended = {(id(call.module), call.end) for call in found.values()}
    parts = [part for call in found.values() for part in _parts(call)]
    return [
        *found.values(),
        # A part that noted its own call is there already.
        *(part for part in parts if (id(part.module), part.end) not in ended),
    ]


def _parts(call: Call) -> Iterator[Call]:
    """Yield the calls in a row that `call` is made of."""
    start = call.start
    layers = call.module.layers if call.ends else ()
    for layer, end in zip(layers, call.ends, strict=False):
        if end > start:
            yield Call(layer, start, end)
            start = end


def _assigned(
    calls: Sequence[Call], nodes: Iterable[Node]
) -> tuple[list[Place], dict[Node, Place]]:
    """Return a place for each of `calls`, and for each of `nodes` the innermost that made it."""
    places: list[Place] = []
    where: dict[Node, Place] = {}
    waiting = iter(calls)
    coming = next(waiting, None)
    opened: list[Place] = []
    for node in nodes:
        at = node.tick
        while coming is not None and coming.start < at:
            while opened and opened[-1].call.end <= coming.start:
                opened.pop()
            opened.append(Place(coming, opened[-1] if opened else None))
            places.append(opened[-1])
            coming = next(waiting, None)
        while opened and opened[-1].call.end < at:
            opened.pop()
        if opened:
            where[node] = opened[-1]
    return places, where


def _place_leaves(nodes: Sequence[Node], where: dict[Node, Place]) -> None:
    """Put numbers where they are used, and parameters too, in a box of a module that holds them.

    Other leaves stay where they were made: a bare array, which does not tell, outside.
    """
    users: dict[Node, list[Node]] = {}
    for node in nodes:
        for _, source in node.inputs:
            if not source.is_call:
                users.setdefault(source, []).append(node)
    held: dict[int, set[int]] = {}
    for leaf, uses in users.items():
        x = leaf.value
        place = _common([where.get(node) for node in uses])
        if isinstance(x, Tensor):
            if not x.requires_grad:
                continue
            while place is not None and id(x) not in _held(place.call.module, held):
                place = place.parent
            place = place or where.get(leaf)
        if place is None or _is_array(x):
            where.pop(leaf, None)
        else:
            where[leaf] = place


def _held(module: Any, known: dict[int, set[int]]) -> set[int]:
    """Return the ids of the parameters that a module holds."""
    if id(module) not in known:
        named = getattr(module, "named_parameters", None)
        known[id(module)] = {id(x) for _, x in named()} if named is not None else set()
    return known[id(module)]


def _is_array(x: Any) -> bool:
    return not isinstance(x, Tensor) and hasattr(x, "shape") and x.shape != ()


def _common(places: list[Place | None]) -> Place | None:
    """Return the innermost place around all of `places`."""
    first, *others = dict.fromkeys(places)
    for other in others:
        around = set(other.around()) if other is not None else set()
        while first is not None and first not in around:
            first = first.parent
    return first


def _name(places: list[Place], model: Any) -> None:
    """Give every place its path, and an id that is the same in every run."""
    paths = _paths(model) if model is not None else {}
    ids = Ids()
    named: dict[int, str] = {}
    for place in places:
        module = place.call.module
        if id(module) not in paths and place.parent is None:
            paths |= _paths(module)
        place.path = paths.get(id(module), "")
        place.id = ids.take(place.path or place.kind)
        place.name = place.path or named.setdefault(id(module), place.id)


def _paths(module: Any) -> dict[int, str]:
    named = getattr(module, "named_modules", None)
    return {id(part): path for path, part in named()} if named is not None else {}
