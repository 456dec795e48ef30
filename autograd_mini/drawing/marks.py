"""What stands in every mark of the forward pass, and what boxes say of the modules they are."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from autograd_mini.drawing import labels
from autograd_mini.drawing.backward_pass import Gradients
from autograd_mini.drawing.folding import Folding
from autograd_mini.drawing.names import Names
from autograd_mini.drawing.nodes import Node
from autograd_mini.drawing.paint import BLANK, Paint
from autograd_mini.drawing.places import Place
from autograd_mini.drawing.scene import Mark
from autograd_mini.drawing.shown import Shown
from autograd_mini.drawing.source import Source
from autograd_mini.storage import bare

MOST_TOLD = 3  # operations of those that are shown as one


class Marks:
    """The marks of the forward pass.

    Args:
        folding: what is shown.
        names: of Tensors.
        output: the node that the graph ends in, None of one that broke before.
        paint: by what marks are painted, or None.
        gradients: to be told in every mark, or None.
        values: whether marks tell their values.
    """

    def __init__(
        self,
        folding: Folding,
        names: Names,
        output: Node | None,
        paint: Paint | None,
        gradients: Gradients | None,
        values: bool,
    ) -> None:
        self.folding, self.names, self.output = folding, names, output
        self.paint, self.gradients, self.values = paint, gradients, values
        self.source = Source()

    def of(self, shown: Shown, mark_id: str) -> Mark:
        """Return the mark of `shown`."""
        if shown.folded is not None:
            mark = self._module(shown, shown.folded)
        elif shown.is_mixed:
            mark = self._mixed(shown)
        else:
            mark = self._node(shown)
        if self.output in shown.members and shown.result is not self.output:
            kind = "output" if mark.kind == "operation" else mark.kind
            mark = mark._replace(kind=kind, lines=(*mark.lines, *self._end()))
        place = shown.box
        return mark._replace(
            id=mark_id,
            box=place.id if place else "",
            tooltip="\n".join(filter(None, [mark.tooltip, self._number(shown)])),
            fill=self.paint.fills.get(shown, BLANK) if self.paint else "",
        )

    def _end(self) -> tuple[str, ...]:
        """Tell the output, in a mark that tells the first of what repeats."""
        if self.output is None or not self.values:
            return ()
        return (f"the output: {labels.spread_of(bare(self.output.value))}",)

    def spoken(self, shown: Shown, inside: str = "") -> str:
        """Return a word for a mark: its name, or its operation, of one in a box with the box."""
        x = shown.node.value
        if shown.is_mixed:
            return f"{len(shown.members)} {self._kind(shown.node)}s"
        name = labels.cut(self.names.of(x))
        if shown.node.is_call:
            return inside + labels.call_name(shown.node)
        return name or labels.kind_of(x)

    def title(self, place: Place) -> str:
        """Return what stands above the contents of a box."""
        times = self.folding.stand_ins.times.get(place, 1)
        return f"{place.title} x {times:,}" if times > 1 else place.title

    def detail(self, place: Place) -> str:
        """Return how many parameters a module has."""
        stand_ins = self.folding.stand_ins
        if not (count := place.parameters):
            return ""
        told = f"{count:,} parameter{'s' * (count != 1)}"
        if stand_ins.times.get(place, 1) > 1:
            told += ", the same in all" if place in stand_ins.same else " each"
        return told

    def _module(self, shown: Shown, place: Place) -> Mark:
        start, end = place.call.start, place.call.end  # of what repeats, the first
        calls = [node for node in shown.members if node.is_call and start < node.tick <= end]
        lines = [detail] if (detail := self.detail(place)) else []
        if len(calls) > 1:
            lines.append(f"{len(calls):,} operations")
        results = shown.results
        if len(results) == 1:
            lines += labels.contents(results[0].value, self.values)
        elif results:
            lines.append(f"{len(results)} results")
        kind = "output" if self.output in shown.members else "module"
        gradient = self._gradient(results[0]) if len(results) == 1 else ()
        return Mark("", kind, self.title(place), tuple(lines), gradient=gradient)

    def _mixed(self, shown: Shown) -> Mark:
        kind, count = self._kind(shown.node), len(shown.members)
        if not shown.node.is_call:
            return Mark("", kind, f"{count:,} {'number' if kind == 'constant' else kind}s")
        calls = [node for node in shown.members if node.is_call]
        names = Counter(labels.operation_name(node.value._operation) for node in calls)
        told = [f"{name} x {times:,}" for name, times in names.most_common(MOST_TOLD)]
        if len(names) > MOST_TOLD:
            told.append("...")
        first, last = self.source.of(calls[0].value), self.source.of(calls[-1].value)
        tooltip = first if first == last else f"{first}\nto {last}"
        return Mark("", "folded", f"{len(calls):,} operations", tuple(told), tooltip=tooltip)

    def _node(self, shown: Shown) -> Mark:
        node = shown.node
        x = node.value
        several = self._several(shown)
        kind = "folded" if shown.is_of_line and several else self._kind(node)
        return Mark(
            "",
            kind,
            self._title(shown),
            (*([several] if several else []), *labels.lines(node, self.values)),
            tooltip=self.source.of(x),
            bars=labels.bars_of(x) if self.values else (),
            gradient=self._gradient(node),
        )

    def _title(self, shown: Shown) -> str:
        title = labels.title(shown.node, self.names)
        if labels.kind_of(shown.node.value) != "constant":
            return title
        others = {labels.title(node, self.names) for node in shown.members}
        return title if others == {title} else f"{title}, ..."

    def _kind(self, node: Node) -> str:
        return "output" if node is self.output else labels.kind_of(node.value)

    def _several(self, shown: Shown) -> str:
        """Say how many nodes are shown as this one, besides those that its boxes tell of."""
        count = shown.count
        place = shown.box
        for around in place.around() if place and count > 1 else ():
            count //= self.folding.stand_ins.times.get(around, 1)
        return f"x {count:,}" if count > 1 else ""

    def _number(self, shown: Shown) -> str:
        return self.paint.numbers.get(shown, "") if self.paint else ""

    def _gradient(self, node: Node) -> tuple[str, ...]:
        g: Any = self.gradients.of.get(id(node.value)) if self.gradients else None
        if g is None or type(g) is list or 0 in np.shape(g):
            return ()
        return (f"grad {labels.spread_of(g)}",)
