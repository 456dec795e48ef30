"""How much flows through each call on the way to a result: what is rounded, and what may cancel.

The numbers 1e15 in `x * x + 1e15` hide the slope of x * x from any difference; a softmax sums to
1, so that of its slope nothing is left but rounding. Neither shows in the result alone, but in
what its calls carry, each number as large as the result makes of it: value times slope.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from autograd_mini.backward import gradients
from autograd_mini.tensor import Tensor
from autograd_mini.testing.numeric import Array, size_of
from autograd_mini.testing.tape import CHECKPOINT, calls, inside


class Flow(NamedTuple):
    """What variables and calls carry: their values, and the slope of the result by each."""

    values: list[Array]
    slopes: list[Array]

    def carried(self) -> float:
        """Return the largest number that is carried, as it counts in the result."""
        return _most(self.values, self.slopes)

    def passed(self, there: Flow) -> float:
        """Return the largest change that is passed on when the calls carry what they do `there`."""
        changes = [b - a for a, b in zip(self.values, there.values, strict=True)]
        return _most(changes, self.slopes)


def flow(out: Tensor, variables: list[Tensor], weights: Array) -> Flow:
    """Return what flows from `variables` to sum(weights * out)."""
    passing = calls([out])
    nodes: list[Any] = [node for node in passing if type(node._array) is not tuple]
    nodes = [*variables, *nodes] if passing else []
    found = Flow(
        [y.data for y in (*nodes, out)],
        [*(gradients(out, nodes, weights) if nodes else []), weights],
    )
    for node in passing:
        if node._operation is CHECKPOINT:  # at most as much, as nothing connects it with the rest
            steepest = max(map(size_of, found.slopes))
            for y in inside(node):
                within = flow(y, [], steepest * np.cos(np.arange(1.0, y.size + 1)).reshape(y.shape))
                found = Flow([*found.values, *within.values], [*found.slopes, *within.slopes])
    return found


def most_carried(outs: list[Tensor], variables: list[Tensor], weights: list[Array]) -> float:
    """Return the largest number that is carried to any of several results."""
    return max(flow(y, variables, u).carried() for y, u in zip(outs, weights, strict=True))


def _most(parts: list[Array], slopes: list[Array]) -> float:
    return max((size_of(x * g) for x, g in zip(parts, slopes, strict=True)), default=0.0)
