"""The recorded graph as a list of nodes, every one after those it was computed from.

A node is a Tensor, or a bare array or a number that was given to a recorded call. A Tensor or an
array used twice is one node; a number is a node of its own wherever it is used.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterator
from operator import attrgetter
from typing import Any

import numpy as np

from autograd_mini.operation import CONTAINERS, Refusal
from autograd_mini.tensor import Tensor

NUMBERS = (int, float, complex, np.number, np.bool_)
Named = tuple[str, Any]  # the name of an argument, and what was given for it


class Node:
    """A Tensor, an array or a number, and where it came from.

    Args:
        value: the Tensor, array or number.
        settings: what the call that made it was given besides arrays, an axis for example.

    `inputs` are the nodes that the call was given, each with the name of its argument;
    `is_call` says whether there was one.
    """

    __slots__ = ("inputs", "is_call", "settings", "value")

    def __init__(self, value: Any, settings: list[Named]) -> None:
        self.value = value
        self.settings = settings
        self.inputs: list[tuple[str, Node]] = []
        self.is_call = is_recorded(value)

    @property
    def tick(self) -> int:
        """When a Tensor was made."""
        tick: int = self.value._tick
        return tick


def in_order(*outputs: Any) -> list[Node]:
    """Return the nodes of the graph behind `outputs`, those of the first one first.

    Depth first and arguments in their order, so that the place of a node depends on the graph
    alone. It keeps its own stack: no graph is too deep.

    Raises:
        RuntimeError: a part of the graph was released.
    """
    order: list[Node] = []
    histories: dict[int, list[Tensor]] = {}
    known: dict[int, Node] = {}
    for output in outputs:
        if id(output) not in known:
            _walk(output, order, histories, known)
    return order


def _walk(
    output: Any,
    order: list[Node],
    histories: dict[int, list[Tensor]],
    known: dict[int, Node],
) -> None:
    """Append the nodes behind `output` that are not `known` to `order`."""
    stack = [_enter(output, histories)]
    known[id(output)] = stack[0][0]
    while stack:
        node, waiting = stack[-1]
        if (argument := next(waiting, None)) is None:
            order.append(node)
            stack.pop()
            continue
        name, x = argument
        source = None if isinstance(x, NUMBERS) else known.get(id(x))
        if source is None:
            stack.append(_enter(x, histories))
            source = known[id(x)] = stack[-1][0]
        node.inputs.append((name, source))


def _enter(x: Any, histories: dict[int, list[Tensor]]) -> tuple[Node, Iterator[Named]]:
    """Return the node of `x`, and the arrays that it was computed from, to be visited."""
    sources: list[Named] = []
    settings: list[Named] = []
    for name, value, has_rule in _arguments(x):
        if type(value) is Tensor:
            sources.append((name, _as_used(value, x._tick, histories)))
            continue
        found = list(arrays_in(name, value, has_rule))
        sources += [(place, _as_used(array, x._tick, histories)) for place, array in found]
        is_index = type(value) in CONTAINERS and not has_rule
        if is_index or not found:
            settings.append((name, value))
    return Node(x, settings), iter(sources)


def _as_used(x: Any, at: int, histories: dict[int, list[Tensor]]) -> Any:
    """Return `x` as it was at tick `at`, before item assignments that came later.

    `histories` keeps, by the id of a Tensor, all that it has been, oldest first.
    """
    if not isinstance(x, Tensor) or x._tick <= at:
        return x
    if id(x) not in histories:
        versions: list[Any] = [x]
        while hasattr(versions[-1], "_previous"):
            versions.append(versions[-1]._previous)
        histories[id(x)] = versions[::-1]
    history = histories[id(x)]
    return history[bisect(history, at, key=attrgetter("_tick")) - 1]


def _arguments(x: Any) -> Iterator[tuple[str, Any, bool]]:
    """Yield name and value of every argument of the call that made `x`.

    Third comes whether the call can be differentiated by it: then a number counts as an array.
    """
    if not is_recorded(x):
        return
    if x._args is None:
        raise RuntimeError(released(x))
    operation = x._operation
    for position, value in enumerate(x._args):
        rule = operation.vjps[position] if position < len(operation.vjps) else None
        has_rule = rule is not None and not isinstance(rule, Refusal)
        yield operation.name_of(position), value, has_rule
    for name, value in (x._kwargs or {}).items():
        yield name, value, operation.has_rule_for(name)


def arrays_in(name: str, x: Any, has_rule: bool = False) -> Iterator[Named]:
    """Yield `x` if it is to be a node, or what is to be one in the list `x`."""
    if type(x) in CONTAINERS:
        for i, part in enumerate(x):
            yield from arrays_in(f"{name}[{i}]", part, has_rule)
    elif is_array(x) or (has_rule and isinstance(x, NUMBERS)):
        yield name, x


def is_recorded(x: Any) -> bool:
    """Return whether `x` is a Tensor that remembers the call that made it."""
    return isinstance(x, Tensor) and not x.is_leaf


def is_array(x: Any) -> bool:
    """Return whether `x` is a Tensor or an array of any library."""
    return hasattr(type(x), "__array_function__")


def released(node: Any) -> str:
    """Say that what was before a call can't be looked at any more."""
    return (
        f"the graph beyond {node._operation.name}, called in {node.origin}, can't be looked at: "
        f"backward() has released it; draw or explain before backward(), or call "
        f"backward(retain_graph=True)"
    )
