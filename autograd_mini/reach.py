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

Masks = dict[int, Any]  # those of one walk, by the tick of a Tensor; none where all is reached


def leaves_out(args: Any) -> bool:
    """Return whether a selection from `args` may leave out elements whose slope is infinite."""
    return any(map(_may_be_steep, args))


def _may_be_steep(x: Any) -> bool:
    if type(x) in CONTAINERS:
        return leaves_out(x)
    operation = getattr(x, "_operation", None)
    return operation is not None and (operation.is_elementwise or operation.moves)


def mask_of(node: Any, args: Any, masks: Masks) -> Any:
    """Return, and forget, which elements of the gradient of `node` were reached; None for all."""
    mask = masks.pop(node._tick, None)
    is_new = mask is None and node._operation.selects and type(node._array) is ndarray
    if is_new and leaves_out(args):
        return np.ones(node._array.shape, bool)
    return mask


def note_reached(x: Any, mask: Any, masks: Masks, is_first: bool) -> None:
    """Keep which elements of the gradient of `x` were reached, now or before."""
    before = masks.pop(x._tick, None)
    if mask is None or not _may_be_steep(x) or (before is None and not is_first):
        return
    if mask.shape != x._array.shape:
        mask = unbroadcast((mask != 0).astype(float), x._array.shape)
    mask = (mask != 0) if before is None else before | (mask != 0)
    if not mask.all():
        masks[x._tick] = mask


def guarded(rules: Iterator[Any], operation: Operation, mask: Any) -> Iterator[Any]:
    """Return the rules of an elementwise operation with 0 where `mask` is false."""
    if mask is None or operation.moves or not operation.is_elementwise:
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
    return vjp(mask.astype(node._array.dtype), node._array, *values, **named)
