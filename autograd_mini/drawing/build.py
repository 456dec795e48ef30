"""From a graph to a scene: which marks, arrows and boxes a picture has, and what they say.

The graph is read, folded, named and painted, in this order. What is written down depends on the
graph alone, so one program gives one scene, whenever and wherever it runs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from autograd_mini.drawing import labels
from autograd_mini.drawing.backward_marks import BackwardMarks
from autograd_mini.drawing.backward_pass import Gradients
from autograd_mini.drawing.folding import Folding, Shown
from autograd_mini.drawing.names import Names, place_in_source
from autograd_mini.drawing.nodes import Node, in_order, is_recorded
from autograd_mini.drawing.paint import Paint, paint
from autograd_mini.drawing.places import Place, find_places
from autograd_mini.drawing.scene import Arrow, Box, Mark, Scene
from autograd_mini.scopes import Call
from autograd_mini.tensor import Tensor

# Operations whose arguments may change places: to name them would tell nothing.
COMMUTATIVE = {"np.add", "np.multiply", "np.maximum", "np.minimum"}

MEANINGS = {
    "input": "input, which needs no gradient",
    "parameter": "parameter: a leaf that requires grad",
    "constant": "number",
    "operation": "operation and its result",
    "output": "output",
    "module": "module, folded",
    "folded": "several calls, folded",
    "gradient": "gradient of the output",
}


class Builder:
    """Builds the scene of one graph.

    Args:
        outputs: what the graph ends in; the last is the output.
        model: whose paths name modules and parameters, or None.
        depth: how many levels of modules are shown open, None for all.
        max_nodes: how many marks there may be.
        gradients: of the output, or None.
        is_told: whether every mark tells its gradient.
        backward: whether the backward pass is drawn.
        color: by what marks are painted, or None.
        values: whether marks tell their values.
        under_way: module calls that had not returned yet.
    """

    def __init__(
        self,
        outputs: Sequence[Any],
        *,
        model: Any = None,
        depth: int | None = None,
        max_nodes: int,
        gradients: Gradients | None = None,
        is_told: bool = False,
        backward: bool = False,
        color: str | None = None,
        values: bool = True,
        under_way: Sequence[Call] = (),
    ) -> None:
        self.nodes = in_order(*outputs)
        self.output = self.nodes[-1]
        places, where = find_places(self.nodes, model, under_way)
        tensors = [node.value for node in self.nodes if isinstance(node.value, Tensor)]
        self.by_tick = {node.value._tick: node for node in where if is_recorded(node.value)}
        self.names = Names(tensors, _naming(places, model))
        self.folding = Folding(self.nodes, places, where, depth, max_nodes)
        self.gradients = gradients
        self.is_told = is_told
        self.values = values
        self.backward = backward
        self.paint: Paint | None = paint(self.nodes, color, gradients) if color else None
        self.ids: dict[Shown, str] = {}
        self.taken: dict[str, int] = {}

    def scene(self, direction: str, legend: bool) -> Scene:
        """Return the scene."""
        marks = [self._mark(shown) for shown in self.folding.shown]
        arrows = [*self._arrows()]
        if self.backward and self.gradients is not None:
            drawn = BackwardMarks(self.nodes, self.folding, self.gradients, self.names, self.ids)
            marks += drawn.marks()
            arrows += drawn.arrows()
        boxes = tuple(self._boxes())
        told = self._legend(marks) if legend else ()
        scale = self.paint.legend if self.paint else ()
        notes = tuple(self.folding.notes)
        return Scene(tuple(marks), tuple(arrows), boxes, direction, (*told, *scale), notes)

    # Marks.

    def _mark(self, shown: Shown) -> Mark:
        place = self.folding.box_of(shown)
        mark = self._module(shown, shown.folded) if shown.folded else self._node(shown)
        return mark._replace(box=place.id if place else "", fill=self._fill(shown))

    def _module(self, shown: Shown, place: Place) -> Mark:
        lines = [detail] if (detail := self._detail(place)) else []
        if shown.members > 1:
            lines.append(f"{shown.members:,} operations")
        lines += labels.contents(self._returned(place).value, self.values)
        return Mark(self._id(shown, place.id), "module", place.title, tuple(lines))

    def _returned(self, place: Place) -> Node:
        """Return the last node that a module call made."""
        if place.call.end in self.by_tick:
            return self.by_tick[place.call.end]
        inside = [node for node in self.by_tick.values() if self.folding.where[node] is place]
        return max(inside, key=_tick)

    def _node(self, shown: Shown) -> Mark:
        node = shown.node
        x = node.value
        kind = "output" if node is self.output else labels.kind_of(x)
        several = self._several(shown)
        of_line = shown.of_line
        title = labels.operation_name(x._operation) if of_line else labels.title(node, self.names)
        if shown.of_line and several:
            kind = "folded"
        lines = (*([several] if several else []), *labels.lines(node, self.values))
        return Mark(
            self._id(shown, self._base(node, kind)),
            kind,
            title,
            lines,
            tooltip=self._tooltip(node),
            bars=labels.bars_of(x) if self.values else (),
            gradient=self._gradient_lines(node) if not several else (),
        )

    def _several(self, shown: Shown) -> str:
        """Say how many nodes are shown as this one, besides those that its boxes tell of."""
        count = shown.count
        place = self.folding.box_of(shown)
        for around in place.around() if place else ():
            count //= self.folding.times.get(around, 1)
        return f"x {count:,}" if count > 1 else ""

    def _tooltip(self, node: Node) -> str:
        told = [place_in_source(node.value)]
        if self.paint and node in self.paint.numbers:
            told.append(self.paint.numbers[node])
        return "\n".join(filter(None, told))

    def _gradient_lines(self, node: Node) -> tuple[str, ...]:
        if self.gradients is None or not self.is_told:
            return ()
        g = self.gradients.of.get(id(node.value))
        return () if g is None or type(g) is list else (f"grad {labels.spread_of(g)}",)

    def _fill(self, shown: Shown) -> str:
        if self.paint is None:
            return ""
        return self.paint.fills.get(shown.node, "#ffffff")

    # Ids.

    def _id(self, shown: Shown, base: str) -> str:
        self.ids[shown] = self._unique(base)
        return self.ids[shown]

    def _unique(self, base: str) -> str:
        """Return `base` in letters that need no care anywhere, with a number if it is taken."""
        base = re.sub(r"[^\w./# -]+", "_", base, flags=re.ASCII)
        self.taken[base] = count = self.taken.get(base, 0) + 1
        return base if count == 1 else f"{base}#{count}"

    def _base(self, node: Node, kind: str) -> str:
        if not is_recorded(node.value):
            return labels.cut(self.names.of(node.value)) or kind
        place = self.folding.where.get(node)
        name = labels.operation_name(node.value._operation)
        return f"{place.id}/{name}" if place else name

    # Arrows.

    def _arrows(self) -> Iterator[Arrow]:
        for tail, head, name, source, count in self.folding.arrows():
            is_loop = tail.order >= head.order
            parts = [name if self._is_named(head) else "", _shape(source)]
            if count > 1 and not is_loop and head.count == 1:
                parts.append(f"x {count:,}")
            text = " ".join(filter(None, parts))
            kind = "loop" if is_loop else "data"
            yield Arrow(self.ids[tail], self.ids[head], text, kind)

    def _is_named(self, head: Shown) -> bool:
        """Return whether the picture must tell which argument is which."""
        node = head.node
        if head.folded is not None or len(node.inputs) < 2:
            return False
        return node.value._operation.name not in COMMUTATIVE

    # Boxes.

    def _boxes(self) -> Iterator[Box]:
        folding = self.folding
        used = {folding.box_of(shown) for shown in folding.shown}
        drawn = {around for place in used if place for around in place.around()}
        for place in folding.places:
            if place in drawn:
                parent = place.parent.id if place.parent else ""
                yield Box(place.id, place.title, self._detail(place), parent)

    def _detail(self, place: Place) -> str:
        told = []
        if count := place.parameters:
            told.append(f"{count:,} parameter{'s' * (count != 1)}")
        if (times := self.folding.times.get(place, 1)) > 1:
            told.append(f"x {times:,}, the first one shown")
        return ", ".join(told)

    def _legend(self, marks: Sequence[Mark]) -> tuple[tuple[str, str], ...]:
        kinds = {mark.kind for mark in marks}
        return tuple((kind, meaning) for kind, meaning in MEANINGS.items() if kind in kinds)


def _naming(places: Sequence[Place], model: Any) -> list[tuple[str, Any]]:
    """Return what names parameters: the model, else the outermost modules called."""
    if model is not None:
        return [("", model)]
    outermost = [place.call.module for place in places if place.parent is None]
    return [("", module) for module in {id(m): m for m in outermost}.values()]


def _shape(source: Node) -> str:
    shape = getattr(source.value, "shape", ())
    return str(tuple(shape)) if shape else ""


def _tick(node: Node) -> int:
    tick: int = node.value._tick
    return tick
