"""The backward pass, looked at: the gradient of every node, and what each use of it contributed.

The engine's own walk runs, over the same rules, and notes what it hands on. It accumulates nothing
and releases nothing, so `.grad` and the graph stay as they were.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_mini.drawing.nodes import Node
from autograd_mini.fitting import fit
from autograd_mini.modes import no_grad
from autograd_mini.operation import CONTAINERS
from autograd_mini.tensor import Tensor
from autograd_mini.walk import Walk


class Gradients:
    """What a walk from a scalar found.

    Raises:
        ValueError: `output` is not one real number.

    Attributes:
        of: the gradient of a Tensor, by its id; of the several results of a call a list.
        contributions: what the rules of a call gave to its arguments, in their order, by its id.
    """

    def __init__(self, output: Tensor) -> None:
        _check_scalar(output)
        walk = _Traced(output)
        with no_grad(), np.errstate(all="ignore"):  # backward() will say what there is to say
            left = walk.run()
        self.of = walk.of | {id(x): g for x, g in left.values()}
        self.contributions = walk.contributions

    def along(self, node: Node) -> list[tuple[str, Node, Any]]:
        """Return argument, source and contribution for every argument that got one."""
        given = self.contributions.get(id(node.value), [])
        needing = [
            (name, source)
            for name, source in node.inputs
            if isinstance(source.value, Tensor) and source.value.requires_grad
        ]
        pairs = zip(needing, given, strict=bool(given))
        return [(name, source, g) for (name, source), g in pairs]


class _Traced(Walk):
    """A walk that notes the gradient of every node, and what each got from where."""

    __slots__ = ("contributions", "node", "of")
    is_traced = True

    def __init__(self, output: Tensor) -> None:
        super().__init__(output, np.ones_like(output.data))
        self.is_watched = False
        self.of: dict[int, Any] = {}
        self.contributions: dict[int, list[Any]] = {}
        self.node: Any = None

    def visit(self, node: Any, args: Any, kwargs: dict[str, Any], g: Any) -> bool:
        self.node = node
        self.of[id(node)] = g
        return super().visit(node, args, kwargs, g)

    def give(self, x: Any, g: Any, mask: Any = None) -> None:
        g = fit(g, x._array)
        self.contributions.setdefault(id(self.node), []).append(g)
        super().give(x, g, mask)

    def give_item(self, call: Any, position: int, g: Any, mask: Any) -> None:
        self.contributions.setdefault(id(self.node), []).append(g)
        super().give_item(call, position, g, mask)


def _check_scalar(output: Tensor) -> None:
    if output.size != 1 or type(output.data) in CONTAINERS or output.dtype.kind == "c":
        raise ValueError(
            f"a gradient starts at one real number, found shape {output.shape}, {output.dtype}: "
            f"draw a cost, or reduce this first, with .sum() or .mean()"
        )
