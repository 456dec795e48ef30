"""The backward pass as marks and arrows beside those of the forward one.

Every node that got a gradient has a mark for it, and every arrow says what one use of the node
contributed. What is too large to be written out is told by its sum, since sums add up as the
contributions do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import attrgetter
from typing import Any

import numpy as np

from autograd_mini.drawing import labels
from autograd_mini.drawing.backward_pass import Gradients
from autograd_mini.drawing.folding import Folding
from autograd_mini.drawing.ids import Ids
from autograd_mini.drawing.nodes import Node
from autograd_mini.drawing.scene import Arrow, Mark
from autograd_mini.drawing.shown import Shown
from autograd_mini.kinds import as_numpy

MOST_TOLD = 4  # contributions in one mark


class BackwardMarks:
    """The marks and arrows of one backward pass.

    Args:
        folding: which marks stand for the nodes of the graph.
        gradients: what the walk found.
        spoken: what every mark of the forward pass is called.
        ids: of the marks of the forward pass.
        taken: ids that are taken.
    """

    def __init__(
        self,
        folding: Folding,
        gradients: Gradients,
        spoken: Callable[[Shown], str],
        ids: Mapping[Shown, str],
        taken: Ids,
    ) -> None:
        self.folding, self.gradients = folding, gradients
        self.spoken, self.forward_ids = spoken, ids
        self.nodes = folding.nodes
        self.given: dict[Node, list[Any]] = {}
        self.drawn = [shown for shown in folding.shown if self._has_gradient(shown)]
        self.results = {shown: shown.result for shown in self.drawn}
        self.ids = {shown: taken.take(f"grad {ids[shown]}") for shown in self.drawn}
        calls = [node for node in self.nodes if node.is_call]
        for node in sorted(calls, key=attrgetter("tick"), reverse=True):  # in the order of the walk
            for _, source, g in gradients.along(node):
                self.given.setdefault(source, []).append(g)

    def marks(self) -> Iterator[Mark]:
        """Yield a mark for the gradient of every node that has one."""
        for shown in self.drawn:
            place, node = shown.box, self.results[shown]
            # Of what repeats, the first is told, as its value is.
            g = self.gradients.of.get(id(node.value)) if node and not shown.is_mixed else None
            is_told = g is not None and type(g) is not list
            yield Mark(
                self.ids[shown],
                "gradient",
                self.spoken(shown),
                _told(g, self.given.get(node, [])) if node and is_told else (),
                box=place.id if place else "",
                bars=labels.bars_of(g) if is_told else (),
            )

    def arrows(self) -> Iterator[Arrow]:
        """Yield an arrow from every value to its gradient, and one for every contribution."""
        for shown in self.drawn:
            yield Arrow(self.forward_ids[shown], self.ids[shown], kind="pair")
        found: dict[Any, list[Any]] = {}
        for node in self.nodes:
            tail = self.folding.mark_of[node]
            for number, (_, source, g) in enumerate(self.gradients.along(node)):
                head = self.folding.mark_of[source]
                if tail is not head and tail in self.ids and head in self.ids:
                    use = number if tail.is_single else 0
                    found.setdefault((tail, head, use), []).append((source, g))
        for (tail, head, _), parts in found.items():
            (source, g), *others = parts
            # Of what repeats the first is told, and no contribution to another one.
            is_told = head.count == 1 or source is self.results[head]
            text = f"x {len(parts):,}" if others else amount(g) if is_told else ""
            yield Arrow(self.ids[tail], self.ids[head], text, "gradient")

    def _has_gradient(self, shown: Shown) -> bool:
        nodes = shown.members if shown.folded else [shown.node]
        return any(id(node.value) in self.gradients.of for node in nodes)


def amount(g: Any) -> str:
    """Return what was contributed in a word: a few values in full, of many the sum."""
    g = as_numpy(g)
    if g.size == 1:
        return _signed(g)
    return f"+ {labels.values_of(g)}" if g.size <= labels.FEW else f"sum {_signed(g)}"


def _told(g: Any, parts: Sequence[Any]) -> tuple[str, ...]:
    """Return what a mark says of a gradient: its values, and of what it is the sum."""
    g = as_numpy(g)
    told = labels.contents(g)
    is_few = g.size <= labels.FEW
    if len(parts) < 2:
        return told if is_few else (*told, f"sum {_signed(g)}")
    if g.size > 1 and is_few:
        sums = [labels.values_of(as_numpy(part)) for part in parts[:MOST_TOLD]]
        return (*told, *(f"{'+' if i else '='} {x}" for i, x in enumerate(sums)), *_rest(parts))
    added = " ".join(map(_signed, parts[:MOST_TOLD]))
    total = () if is_few else (f"sum {_signed(g)}",)
    return (*told, *total, f"= {added}", *_rest(parts))


def _rest(parts: Sequence[Any]) -> tuple[str, ...]:
    return (f"+ {len(parts) - MOST_TOLD:,} more",) if len(parts) > MOST_TOLD else ()


def _signed(g: Any) -> str:
    array = as_numpy(g)
    with np.errstate(all="ignore"):
        # In float16 a sum would overflow at 65,504.
        total = np.sum(array, dtype=np.result_type(array, np.float64))
    text = labels.text_of(total)
    return f"+{text}" if np.isrealobj(total) and total >= 0 else text
