"""The backward pass as marks and arrows beside those of the forward one.

Every node that got a gradient has a mark for it, and every arrow says what one use of the node
contributed. What is too large to be written out is told by its sum, since sums add up as the
contributions do.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from autograd_mini.drawing import labels
from autograd_mini.drawing.backward_pass import Gradients
from autograd_mini.drawing.folding import Folding, Shown
from autograd_mini.drawing.names import Names
from autograd_mini.drawing.nodes import Node, is_recorded
from autograd_mini.drawing.scene import Arrow, Mark


class BackwardMarks:
    """The marks and arrows of one backward pass.

    Args:
        nodes: of the graph, the output last.
        folding: which marks stand for them.
        gradients: what the walk found.
        names: of Tensors.
        ids: of the marks of the forward pass.
    """

    def __init__(
        self,
        nodes: Sequence[Node],
        folding: Folding,
        gradients: Gradients,
        names: Names,
        ids: dict[Shown, str],
    ) -> None:
        self.nodes, self.folding, self.gradients = nodes, folding, gradients
        self.names, self.ids = names, ids
        self.given: dict[Node, list[Any]] = {}
        self.drawn = [shown for shown in folding.shown if self._gradient(shown) is not None]
        calls = [node for node in nodes if is_recorded(node.value)]
        for node in sorted(calls, key=_tick, reverse=True):  # in the order of the walk
            for _, source, g in gradients.along(node):
                self.given.setdefault(source, []).append(g)

    def marks(self) -> Iterator[Mark]:
        """Yield a mark for the gradient of every node that has one."""
        cost = self._spoken(self.nodes[-1])
        for shown in self.drawn:
            place = self.folding.box_of(shown)
            g = self._gradient(shown)
            is_told = _is_single(shown) and type(g) is not list
            what = shown.folded.title if shown.folded else self._spoken(shown.node)
            yield Mark(
                f"grad {self.ids[shown]}",
                "gradient",
                f"d {cost} / d {what}",
                _told(g, self.given.get(shown.node, [])) if is_told else (),
                box=place.id if place else "",
                bars=labels.bars_of(g) if is_told else (),
            )

    def arrows(self) -> Iterator[Arrow]:
        """Yield an arrow from every value to its gradient, and one for every contribution."""
        for shown in self.drawn:
            yield Arrow(self.ids[shown], f"grad {self.ids[shown]}", kind="pair")
        with_mark = set(self.drawn)
        found: dict[Any, list[Any]] = {}
        for node in self.nodes:
            tail = self.folding.mark_of[node]
            for number, (_, source, g) in enumerate(self.gradients.along(node)):
                head = self.folding.mark_of[source]
                if tail is not head and tail in with_mark and head in with_mark:
                    use = number if _is_single(tail) else 0
                    found.setdefault((tail, head, use), []).append(g)
        for (tail, head, _), parts in found.items():
            text = amount(parts[0]) if len(parts) == 1 else f"x {len(parts):,}"
            yield Arrow(f"grad {self.ids[tail]}", f"grad {self.ids[head]}", text, "gradient")

    def _gradient(self, shown: Shown) -> Any:
        return self.gradients.of.get(id(shown.node.value))

    def _spoken(self, node: Node) -> str:
        x = node.value
        name = labels.cut(self.names.of(x))
        kind = labels.operation_name(x._operation) if is_recorded(x) else labels.kind_of(x)
        return name or kind


def amount(g: Any) -> str:
    """Return what was contributed in a word: a few values in full, of many the sum."""
    g = np.asarray(g)
    if g.size == 1:
        return _signed(g)
    return f"+ {labels.values_of(g)}" if g.size <= labels.FEW else f"sum {_signed(g)}"


def _told(g: Any, parts: list[Any]) -> tuple[str, ...]:
    """Return what a mark says of a gradient: its values, and of what it is the sum."""
    told = labels.contents(np.asarray(g))
    is_few = np.size(g) <= labels.FEW
    if is_few and len(parts) < 2:
        return told
    if is_few and np.size(g) > 1:
        return (*told, f"= {' + '.join(labels.values_of(np.asarray(part)) for part in parts)}")
    added = f"= {' '.join(map(_signed, parts))}" if len(parts) > 1 else ""
    return (*told, added if is_few else f"sum {_signed(g)} {added}".rstrip())


def _signed(g: Any) -> str:
    total = np.sum(g)
    text = labels.text_of(total)
    return f"+{text}" if np.isrealobj(total) and total >= 0 else text


def _is_single(shown: Shown) -> bool:
    return shown.folded is None and shown.members == 1


def _tick(node: Node) -> int:
    tick: int = node.value._tick
    return tick
