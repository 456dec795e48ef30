"""From a graph to a scene: which marks, arrows and boxes a picture has, and what they say.

The graph is read, folded, named and painted, in this order. What is written down depends on the
graph alone, so one program gives one scene, whenever and wherever it runs. What stands in a mark
is in `marks.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from autograd_mini.clock import writes, written_at
from autograd_mini.drawing import labels
from autograd_mini.drawing.backward_marks import BackwardMarks
from autograd_mini.drawing.backward_pass import Gradients
from autograd_mini.drawing.folding import Folding
from autograd_mini.drawing.ids import Ids
from autograd_mini.drawing.marks import Marks
from autograd_mini.drawing.names import Names
from autograd_mini.drawing.nodes import Node, in_order
from autograd_mini.drawing.paint import Paint, paint
from autograd_mini.drawing.places import find_places, is_met, namers
from autograd_mini.drawing.scene import Arrow, Box, Mark, Scene
from autograd_mini.drawing.shown import Shown
from autograd_mini.scopes import Call
from autograd_mini.storage import bare
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
        grads: whether every mark tells its gradient.
        backward: whether the backward pass is drawn.
        color: by what marks are painted, or None.
        values: whether marks tell their values.
        under_way: module calls that had not returned yet.
        is_broken: whether the computation broke: the last of `outputs` is no output then.
    """

    def __init__(
        self,
        outputs: Sequence[Any],
        *,
        model: Any = None,
        depth: int | None = None,
        max_nodes: int,
        grads: bool = False,
        backward: bool = False,
        color: str | None = None,
        values: bool = True,
        under_way: Sequence[Call] = (),
        is_broken: bool = False,
    ) -> None:
        self.nodes = in_order(*outputs)
        # An output may have been computed from an earlier one.
        ends = {id(node.value): node for node in self.nodes[::-1]}
        self.output = ends[id(outputs[-1])]
        places, where = find_places(self.nodes, model, under_way)
        tensors = [node.value for node in self.nodes if isinstance(node.value, Tensor)]
        self.names = Names(tensors, namers(places, model))
        self.folding = Folding(self.nodes, places, where, depth, max_nodes)
        self.closed = self.folding.closed()
        needs_gradients = grads or backward or color == "gradient"
        self.gradients = Gradients(outputs[-1]) if needs_gradients else None
        self.backward, self.model = backward, None if is_broken else model
        self.paint: Paint | None = None
        if color is not None:
            closed = [*self.closed.values()]
            self.paint = paint(self.folding.shown, color, self.gradients, closed)
        self._taken = Ids({"legend", *(place.id for place in places)})
        told = self.gradients if grads else None
        end = None if is_broken else self.output
        self._marks = Marks(self.folding, self.names, end, self.paint, told, values)
        self.ids = {shown: self._id(shown) for shown in self.folding.shown}

    def scene(self, direction: str, legend: bool) -> Scene:
        """Return the scene."""
        marks = [self._marks.of(shown, self.ids[shown]) for shown in self.folding.shown]
        arrows = [*self._arrows()]
        if self.backward and self.gradients is not None:
            drawn = BackwardMarks(
                self.folding, self.gradients, self._derivative, self.ids, self._taken
            )
            marks += drawn.marks()
            arrows += drawn.arrows()
        boxes = tuple(self._boxes())
        notes = [*self._unmet(), *self._written(), *self.folding.notes]
        if any(arrow.kind == "loop" for arrow in arrows):
            notes.insert(0, "dashed arrows run from one repetition to the next")
        told = _legend(marks) if legend else ()
        scale: tuple[tuple[str, str], ...] = ()
        if self.paint is not None:
            scale = self.paint.legend
            notes += self.paint.notes
        return Scene(tuple(marks), tuple(arrows), boxes, direction, (*told, *scale), (*notes,))

    def _unmet(self) -> Iterator[str]:
        """Say that nothing of the model is in the graph, whose names would be missed."""
        if self.model is None:
            return
        is_named = any(id(node.value) in self.names.paths for node in self.nodes)
        if not is_named and not is_met(self.model, self.folding.places):
            yield f"nothing of model=, a {type(self.model).__name__}, is in this graph"

    def _written(self) -> Iterator[str]:
        """Say which values are not those that the calls were given: they were written since."""
        calls = [node for node in self.nodes if node.is_call and node.tick < writes.last]
        names = dict.fromkeys(
            self.names.of(source.value) or labels.kind_of(source.value)
            for node in calls
            for _, source in node.inputs
            if written_at(bare(source.value)) > node.tick
        )
        if names:
            found = ", ".join(map(labels.cut, names))
            yield f"written since they were used: {found}; results are those of the old values"

    def _id(self, shown: Shown) -> str:
        """Return the id of a mark: that of its box, its name, or its operation in its box."""
        if shown.folded is not None:
            return shown.folded.id
        node = shown.node
        place = shown.box
        inside = f"{place.id}/" if place is not None else ""
        return self._taken.take(self._marks.spoken(shown, inside if node.is_call else ""))

    def _derivative(self, shown: Shown) -> str:
        """Return how to speak of the gradient of a mark."""
        cost = self.names.of(self.output.value)
        what = shown.folded.title if shown.folded else self._marks.spoken(shown)
        named = "" if shown.is_mixed or shown.folded else self.names.of(shown.node.value)
        if named == cost and shown.node is not self.output:  # the variable was put to use again
            named = ""
        return f"d {labels.cut(cost) or 'output'} / d {labels.cut(named) or what}"

    def _arrows(self) -> Iterator[Arrow]:
        for tail, head, name, source, count in self.folding.arrows():
            is_loop = source.is_call and tail.order >= head.order
            parts = [name if _is_named(head) else "", _shape(source)]
            if count > 1 and not is_loop and head.count == 1:
                parts.append(f"x {count:,}")
            text = " ".join(filter(None, parts))
            kind = "loop" if is_loop else "data"
            yield Arrow(self.ids[tail], self.ids[head], text, kind)

    def _boxes(self) -> Iterator[Box]:
        for place, shown in self.closed.items():
            parent = place.parent.id if place.parent else ""
            title, detail = self._marks.title(place), self._marks.detail(place)
            folded = self._marks.of(shown, place.id)._replace(box=parent)
            yield Box(place.id, title, detail, parent, folded=folded)


def _is_named(head: Shown) -> bool:
    """Return whether the picture must tell which argument is which."""
    node = head.node
    if head.folded is not None or head.is_mixed or len(node.inputs) < 2:
        return False
    return node.value._operation.name not in COMMUTATIVE


def _legend(marks: Sequence[Mark]) -> tuple[tuple[str, str], ...]:
    kinds = {mark.kind for mark in marks}
    return tuple((kind, meaning) for kind, meaning in MEANINGS.items() if kind in kinds)


def _shape(source: Node) -> str:
    shape = getattr(source.value, "shape", ())
    return str(tuple(shape)) if shape else ""
