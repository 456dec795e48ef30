"""The calls that a run recorded, in order, and the pieces of their functions that they are on."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from autograd_mini.checkpointing import again
from autograd_mini.clock import writes
from autograd_mini.operation import ITEM, nested, public_name
from autograd_mini.primitive import TABLE
from autograd_mini.recorded import as_recorded
from autograd_mini.storage import bare
from autograd_mini.tensor import Tensor
from autograd_mini.testing.kinks import piece_of
from autograd_mini.trees import leaves

CHECKPOINT = TABLE[again]

# They run on complex numbers, but there they are made of |x|, which is another function.
_MADE_OF_SIZES = frozenset(
    public_name(f) for f in (np.absolute, np.var, np.std, np.nanvar, np.nanstd, np.cov, np.corrcoef)
) | {"np.linalg.norm", "np.linalg.vector_norm", "np.linalg.matrix_norm"}


def calls(outputs: list[Any]) -> list[Any]:
    """Return the recorded calls behind `outputs`, in the order of the program.

    Those inside a checkpoint, which remembers none, are among them: it is run again.
    """
    found: dict[int, Any] = {}
    pending = [y for y in outputs if _is_call(y)]
    while pending:
        node = pending.pop()
        if id(node) in found:
            continue
        found[id(node)] = node
        args, kwargs = arguments(node)
        if node._operation is CHECKPOINT:
            pending += filter(_is_call, inside(node))
        pending += filter(_is_call, nested((*args, *kwargs.values())))
    return sorted(found.values(), key=lambda node: node._tick)


def inside(checkpoint: Any) -> list[Any]:
    """Return the results of the part of a recorded checkpoint, with all that made them."""
    variables, part = arguments(checkpoint)[0]
    count = len(variables) - len(part.captured)
    return leaves(part.run([Tensor(bare(x), requires_grad=True) for x in variables[:count]]))


def _is_call(x: Any) -> bool:
    return isinstance(x, Tensor) and x.requires_grad and not x.is_leaf


def arguments(node: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return the arguments of a recorded call, by position and by name, as they were then."""
    args, kwargs = node._args, node._kwargs
    if node._tick < writes.last:
        args, kwargs = as_recorded(node, {})
    return args, kwargs or {}


def bare_call(node: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return the arguments of a recorded call as bare arrays."""
    args, kwargs = arguments(node)
    return tuple(map(bare, args)), {name: bare(x) for name, x in kwargs.items()}


class Mark(NamedTuple):
    """What stays the same of a call as long as no kink is crossed, no branch or domain left.

    Attributes:
        name: of the operation.
        shapes: of the results.
        finite: how many numbers each of them has.
        sides: on which side of its kinks the call is.
        is_kink: whether it stands on one.
    """

    name: str
    shapes: list[Any]
    finite: list[int]
    sides: Any
    is_kink: bool


def mark(node: Any) -> Mark:
    """Return the mark of a recorded call."""
    results = node._array if type(node._array) is tuple else (node._array,)
    piece = (None, None) if node._operation is ITEM else piece_of(node._operation, *bare_call(node))
    sides, distance = piece
    return Mark(
        node._operation.name,
        [np.shape(y) for y in results],
        [int(np.count_nonzero(np.isfinite(y))) for y in results],
        sides,
        distance is not None and not np.all(distance),
    )


def is_analytic(marks: list[Mark]) -> bool:
    """Return whether no call is known to be another function on complex numbers."""
    return _MADE_OF_SIZES.isdisjoint(found.name for found in marks)


def first_difference(base: list[Mark], found: list[Mark]) -> int | None:
    """Return the number of the first call that is not the same; None if there is none."""
    for i, (one, other) in enumerate(zip(base, found, strict=False)):
        if one[:3] != other[:3] or not np.array_equal(one.sides, other.sides):
            return i
    return None if len(base) == len(found) else min(len(base), len(found))


def describe(node: Any) -> str:
    """Return operation and line of a recorded call."""
    return f"{node._operation.name} ({node.origin})"
