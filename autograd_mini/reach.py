"""Masks of the elements that a gradient reaches, so that 0 * inf gives no nan where nothing flows.

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
from autograd_mini.operation import CONTAINERS, ITEM, Operation, Vjp
from autograd_mini.recorded import Ticks, calls_behind, leads
from autograd_mini.storage import bare, needs_grad


class Reach:
    """The masks of the gradients in one walk.

    Attributes:
        on_way: the ticks that the walk goes to, all if None.
        masks: which elements were reached, by the tick of a Tensor, or by tick and position of one
            of several results; none where all were.
        steep: by tick, whether an infinite slope lies behind a Tensor, for those checked so far.
        is_differentiable: whether the gradients will be differentiated, so that a slope whose own
            slope may be infinite, as that of x**1.5 at 0, counts as steep.
    """

    __slots__ = ("is_differentiable", "masks", "on_way", "steep")

    def __init__(self, on_way: Ticks, is_differentiable: bool = False) -> None:
        self.on_way = on_way
        self.is_differentiable = is_differentiable
        self.masks: dict[Any, Any] = {}
        self.steep: dict[int, bool] = {}

    def leaves_out(self, operation: Operation, args: Any) -> bool:
        """Return whether a selection from `args` may leave out elements whose slope is infinite."""
        selects = operation.selects
        return (selects is True or selects(*args)) and self._is_any_steep(args)

    def _is_any_steep(self, args: Any) -> bool:
        for x in args:
            if type(x) in CONTAINERS:
                if self._is_any_steep(x):
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
        """Return whether `x` still has to be checked for an infinite slope behind it."""
        is_on_way = self.on_way is None or x._tick in self.on_way
        return _carries(x) and is_on_way and x._args is not None and x._tick not in self.steep

    def _has_infinite_slope(self, node: Any) -> bool:
        operation, out = node._operation, node._array
        if not (operation.is_elementwise and operation.reads_values):
            return False
        if self.is_differentiable:
            return True
        values = node._values if node._kwargs is None else map(bare, node._args)
        is_one = type(out) not in CONTAINERS
        g = np.ones_like(out) if is_one else tuple(np.ones_like(y) for y in out)
        call = (g, out, *values)
        rules = zip(operation.vjps, node._args, strict=False)
        slopes = (vjp(*call) for vjp, x in rules if needs_grad(x) and leads(x, self.on_way))
        return not all(np.isfinite(slope).all() for slope in slopes)

    def mask_of(self, node: Any, args: Any, kwargs: dict[str, Any], g: Any) -> Any:
        """Return, and forget, which elements of the gradient `g` of `node` were reached.

        None stands for all, where nothing was left out before or is by `node`. Of several results
        each has a mask, and one that nobody used is left out.
        """
        operation, out = node._operation, node._array
        if type(out) in CONTAINERS:
            return self._masks_of_each(node, args, g)
        mask = self.masks.pop(node._tick, None)
        if mask is not None or type(out) is not ndarray:
            return mask
        leaves_out = self._is_any_steep(args) if "where" in kwargs else False
        if leaves_out or (operation.selects and self.leaves_out(operation, args)):
            return np.ones(out.shape, bool)
        return None

    def _masks_of_each(self, node: Any, args: Any, g: Any) -> Any:
        places = range(len(g))
        before = {i: m for i in places if (m := self.masks.pop((node._tick, i), None)) is not None}
        is_carried = _carries(node) and all(type(y) in _NUMPYS for y in node._array)
        is_new = any(part is None for part in g) and is_carried and self._is_any_steep(args)
        if not (is_carried and (before or is_new)):
            return None
        masks = [
            before.get(i, np.full(y.shape, g[i] is not None)) for i, y in enumerate(node._array)
        ]
        is_elementwise = node._operation.is_elementwise
        return functools.reduce(np.logical_or, masks) if is_elementwise else tuple(masks)

    def arrive(self, x: Any, mask: Any, g: Any, is_first: bool) -> None:
        """Keep which elements of the gradient of `x` were reached, now by `g` or before."""
        if mask is not None and _carries(x):
            if mask.shape != x._array.shape:
                mask = unbroadcast((mask != 0).astype(float), x._array.shape)
            self.keep(x._tick, (mask != 0) | (bare(g) != 0), is_first)  # a hook may have changed g
        else:
            self.masks.pop(x._tick, None)

    def keep(self, key: Any, mask: Any, is_first: bool) -> None:
        """Keep which elements of the gradient under `key` were reached, now or before."""
        before = self.masks.pop(key, None)
        if mask is None or (before is None and not is_first):
            return
        mask = mask if before is None else before | mask
        if not mask.all():
            self.masks[key] = mask


_NUMPYS = frozenset({ndarray, *np.sctypeDict.values()})  # a result may be a NumPy number


def _carries(x: Any) -> bool:
    """Return whether a mask goes on from the gradient of `x` to those of what made it."""
    operation = getattr(x, "_operation", None)
    if operation is ITEM:
        return x._args is not None and _carries(x._args[0])
    return operation is not None and (operation.is_elementwise or operation.moves)


def guarded(rules: Iterator[Any], operation: Operation, mask: Any) -> Iterator[Any]:
    """Return the rules of an elementwise operation with 0 where `mask` is false."""
    if mask is None or not operation.is_elementwise:
        return rules
    return ((name, functools.partial(_masked, vjp, mask), x) for name, vjp, x in rules)


def _masked(vjp: Vjp, mask: Any, /, *call: Any, **kwargs: Any) -> Any:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(mask, vjp(*call, **kwargs), 0)


def passed_on(mask: Any, name: str, vjp: Vjp, node: Any, call: tuple[Any, Any]) -> Any:
    """Return the mask of the argument `name`, which `vjp` is for; None if it is not known."""
    operation, out = node._operation, node._array
    if mask is None or not operation.moves:
        return mask if operation.is_elementwise else None
    rule = operation.mask_rules.get(name, vjp)
    if rule is None:
        return None
    values, named = call
    if type(mask) is tuple:
        flow: Any = tuple(part.astype(y.dtype) for part, y in zip(mask, out, strict=True))
    else:
        flow = mask.astype(out.dtype)
    return rule(flow, out, *values, **named)
