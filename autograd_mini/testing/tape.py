"""What a run recorded: its calls in order, their pieces, and the check of each call's own rule."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from autograd_mini.operation import ITEM, nested
from autograd_mini.storage import bare
from autograd_mini.tensor import Tensor
from autograd_mini.testing.kinks import piece_of


def calls(outputs: list[Tensor]) -> list[Any]:
    """Return the recorded calls behind `outputs`, in the order of the program."""
    found: dict[int, Any] = {}
    pending = [y for y in outputs if y.requires_grad and not y.is_leaf]
    while pending:
        node = pending.pop()
        if id(node) in found:
            continue
        found[id(node)] = node
        args = nested((*node._args, *(node._kwargs or {}).values()))
        pending += (x for x in args if isinstance(x, Tensor) and x.requires_grad and not x.is_leaf)
    return sorted(found.values(), key=lambda node: node._tick)


def bare_call(node: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return the arguments of a recorded call as bare arrays."""
    kwargs = {name: bare(x) for name, x in (node._kwargs or {}).items()}
    return tuple(bare(x) for x in node._args), kwargs


def pieces(nodes: list[Any]) -> list[tuple[Any, Any, Any]]:
    """Return the kinked ones among `nodes`, each with its sides and distance."""
    found = []
    for node in nodes:
        if node._operation is not ITEM:
            piece = piece_of(node._operation, *bare_call(node))
            if piece is not None:
                found.append((node, *piece))
    return found


def kinks_at(nodes: list[Any]) -> Iterator[Any]:
    """Yield the calls that stand exactly on a kink."""
    for node, _, distance in pieces(nodes):
        if distance is not None and np.any(np.asarray(distance) == 0):
            yield node


def signature(nodes: list[Any]) -> list[Any]:
    """Return what stays the same as long as no kink is crossed and no branch or domain left."""
    names = [node._operation.name for node in nodes]
    shapes = [[np.shape(y) for y in _results(node)] for node in nodes]
    finite = [all(np.all(np.isfinite(y)) for y in _results(node)) for node in nodes]
    return [[names, shapes, finite], *(np.asarray(sides) for _, sides, _ in pieces(nodes))]


def _results(node: Any) -> Any:
    return (node._array,) if hasattr(node._array, "shape") else node._array


def is_same(one: list[Any], other: list[Any]) -> bool:
    """Return whether two signatures are equal."""
    return (
        len(one) == len(other)
        and one[0] == other[0]
        and all(np.array_equal(a, b) for a, b in zip(one[1:], other[1:], strict=True))
    )


def describe(node: Any) -> str:
    """Return operation and line of a recorded call."""
    return f"{node._operation.name} ({node.origin})"


def largest(nodes: list[Any]) -> float:
    """Return the largest absolute value among the arguments of `nodes`."""
    arrays = (x for node in nodes for x in nested(bare_call(node)[0]) if hasattr(x, "dtype"))
    return max((float(np.max(np.abs(x), initial=0.0)) for x in arrays), default=0.0)
