"""Which elements of a gradient are 0 because nothing flows there, whatever the slopes are.

The result of np.where(x > 0, np.sqrt(x), 0) does not depend on the root at x = 0. Its gradient is
0 there, the slope of the root is infinite, and 0 * inf is nan. So the walk follows what selections
leave out: a mask, true where something flows, goes with a gradient through elementwise operations
and through those that move elements, and where it is false the gradient stays 0. A gradient that
merely happens to be 0 is no reason: that of np.sqrt(x) ** 2 at 0 stays nan.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy import ndarray

from autograd_mini.fitting import unbroadcast
from autograd_mini.operation import CONTAINERS, Operation, Vjp
from autograd_mini.recorded import Ticks, calls_behind, leads
from autograd_mini.storage import bare, needs_grad


class Reach:
    """What one walk knows of the ways of its gradients.

    Attributes:
        on_way: the ticks that the walk goes to, all if None.
        masks: which elements were reached, by the tick of a Tensor; none where all were.
        steep: whether an infinite slope lies behind a Tensor, by its tick, as far as was asked.
    """

    __slots__ = ("masks", "on_way", "steep")

    def __init__(self, on_way: Ticks) -> None:
        self.on_way = on_way
        self.masks: dict[int, Any] = {}
        self.steep: dict[int, bool] = {}

    def leaves_out(self, args: Any) -> bool:
        """Return whether a selection from `args` may leave out elements whose slope is infinite."""
        for x in args:
            if type(x) in CONTAINERS:
                if self.leaves_out(x):
                    return True
            elif _carries(x) and self._is_steep(x):
                return True
        return False

    def _is_steep(self, x: Any) -> bool:
        if x._tick not in self.steep:
            calls = calls_behind([x], through=self._is_unknown)
            with np.errstate(all="ignore"):
                for node, inputs in reversed(calls):
                    is_steep = any(self.steep.get(y._tick, False) for y in inputs)
                    self.steep[node._tick] = is_steep or self._has_infinite_slope(node)
        return self.steep.get(x._tick, False)

    def _is_unknown(self, x: Any) -> bool:
        """Return whether it is to be found out if an infinite slope lies behind `x`."""
        is_on_way = self.on_way is None or x._tick in self.on_way
        return _carries(x) and is_on_way and x._args is not None and x._tick not in self.steep

    def _has_infinite_slope(self, node: Any) -> bool:
        operation, out = node._operation, node._array
        if not (operation.is_elementwise and operation.reads_values):
            return False
        values = node._values if node._kwargs is None else map(bare, node._args)
        call = (np.ones_like(out), out, *values)
        rules = zip(operation.vjps, node._args, strict=False)
        slopes = (vjp(*call) for vjp, x in rules if needs_grad(x) and leads(x, self.on_way))
        return not all(np.isfinite(slope).all() for slope in slopes)

    def mask_of(self, node: Any, args: Any) -> Any:
        """Return, and forget, which elements of the gradient of `node` were reached.

        None stands for all, where nothing was left out before or is by `node`.
        """
        mask = self.masks.pop(node._tick, None)
        is_new = mask is None and node._operation.selects and type(node._array) is ndarray
        if is_new and self.leaves_out(args):
            return np.ones(node._array.shape, bool)
        return mask

    def arrive(self, x: Any, mask: Any, is_first: bool) -> None:
        """Keep which elements of the gradient of `x` were reached, now or before."""
        before = self.masks.pop(x._tick, None)
        if mask is None or not _carries(x) or (before is None and not is_first):
            return
        if mask.shape != x._array.shape:
            mask = unbroadcast((mask != 0).astype(float), x._array.shape)
        mask = (mask != 0) if before is None else before | (mask != 0)
        if not mask.all():
            self.masks[x._tick] = mask


def _carries(x: Any) -> bool:
    """Return whether a mask goes on from the gradient of `x` to those of what made it."""
    operation = getattr(x, "_operation", None)
    return operation is not None and (operation.is_elementwise or operation.moves)


def guarded(rules: Iterator[Any], operation: Operation, mask: Any) -> Iterator[Any]:
    """Return the rules of an elementwise operation with 0 where `mask` is false."""
    if mask is None or not operation.is_elementwise:
        return rules
    return ((name, functools.partial(_masked, vjp, mask), x) for name, vjp, x in rules)


def _masked(vjp: Vjp, mask: Any, /, *call: Any, **kwargs: Any) -> Any:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(mask, vjp(*call, **kwargs), 0)


def passed_on(mask: Any, vjp: Vjp, node: Any, call: tuple[list[Any], dict[str, Any]]) -> Any:
    """Return the mask of the argument that a rule of `node` is for; None if it is not known."""
    operation = node._operation
    if mask is None or not operation.moves:
        return mask if operation.is_elementwise else None
    values, named = call
    rule = operation.flow or vjp
    return rule(mask.astype(node._array.dtype), node._array, *values, **named)
