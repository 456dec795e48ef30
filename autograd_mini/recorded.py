"""Read a recorded call as it was, or raise if that is impossible.

An argument may have changed since. Item assignment keeps the earlier version of a Tensor, which is
read instead. Memory that was overwritten is lost, so a rule that reads it raises.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from heapq import heapify, heappop, heappush
from itertools import chain, zip_longest
from typing import Any

from autograd_mini.clock import writes, written_at
from autograd_mini.operation import CONTAINERS, ITEM, Operation, Vjp, nested
from autograd_mini.origin import locate
from autograd_mini.storage import Storage, bare, needs_grad

Ticks = set[int] | None


def as_recorded(node: Any, versions: dict[int, Any], on_way: Ticks = None) -> tuple[Any, Any]:
    """Return the arguments of `node`, by position and by name, as they were when it was recorded.

    Args:
        node: a node of a walk.
        versions: the earlier versions of Tensors that this walk has read, by tick. It goes back in
            time, so each search starts where the last one ended: a thousand cost one pass.
        on_way: the ticks that the walk goes to, all if None: only their rules read values.

    Raises:
        RuntimeError: the graph was released, or a value that a rule of `node` reads was written
            since.
    """
    if node._args is None:
        raise RuntimeError(_released(node))
    operation, args, kwargs, at = node._operation, node._args, node._kwargs, node._tick
    if operation is ITEM:
        return args, kwargs
    args = tuple(_version(x, at, versions) for x in args)
    if kwargs is not None:
        kwargs = {name: _version(x, at, versions) for name, x in kwargs.items()}
    if at < writes.turned_on:
        for name, x in given(operation, args, kwargs).items():
            _check_constant(node, x, name)
    if at < writes.into_memory:
        for name, x in values_read(node, args, kwargs, on_way):
            _check_unwritten(node, x, name)
    return args, kwargs


def given(operation: Operation, args: tuple[Any, ...], kwargs: Any) -> dict[str, Any]:
    """Return all arguments of a call by name."""
    by_position = {operation.name_of(position): x for position, x in enumerate(args)}
    return by_position | (kwargs or {})


def values_read(
    node: Any, args: tuple[Any, ...], kwargs: Any, on_way: Ticks = None
) -> Iterator[tuple[str, Any]]:
    """Yield the arguments whose values a rule of `node` reads, and its result as "out"."""
    operation = node._operation
    vjps = [vjp for _, vjp, _ in needing(node, args, kwargs or {}, on_way)]
    for name, x in (("out", node), *given(operation, args, kwargs).items()):
        if operation.reads_value(vjps, name):
            yield name, x


def _version(x: Any, at: int, versions: dict[int, Any]) -> Any:
    """Return `x` as it was at tick `at`, before item assignments that came later."""
    if type(x) in CONTAINERS:
        return type(x)(_version(part, at, versions) for part in x)
    if not isinstance(x, Storage) or x._tick <= at:
        return x
    version = versions.get(x._tick, x)
    while version._tick > at:
        version = version._previous
    versions[x._tick] = version
    return version


def _check_constant(node: Any, x: Any, name: str) -> None:
    """Refuse a leaf whose requires_grad was turned on later: part of its gradient is missing."""
    for part in nested((x,)):
        if isinstance(part, Storage) and getattr(part, "_constant_until", 0) > node._tick:
            raise RuntimeError(
                f"{named(part, name)} was used by {call_of(node)} before its requires_grad was "
                f"set, so a part of its gradient is not known: compute the result again"
            )


def _check_unwritten(node: Any, x: Any, name: str) -> None:
    if type(x) in CONTAINERS:
        for part in x:
            _check_unwritten(node, part, name)
    elif isinstance(x, Storage) and type(x._array) in CONTAINERS:
        _check_unwritten(node, x._array, name)
    elif written_at(bare(x)) > node._tick:
        raise RuntimeError(_written(node, x, name))


def results_of(node: Any) -> Any:
    """Return the results of `node` as Tensors: itself, or one for each of several."""
    if type(node._array) not in CONTAINERS:
        return node
    return tuple(node._item(i) for i in range(len(node._array)))


def needing(
    node: Any, args: tuple[Any, ...], kwargs: dict[str, Any], on_way: Ticks = None
) -> Iterator[tuple[str, Vjp, Any]]:
    """Yield name, rule and value of each argument that needs a gradient.

    An argument may be a list of Tensors. One beyond the last rule gets a rule that refuses.

    Args:
        node: a recorded call.
        args: its arguments by position.
        kwargs: those by name.
        on_way: leave out the arguments that hold none of these ticks, if they are given.
    """
    operation = node._operation
    for i, (vjp, x) in enumerate(zip_longest(operation.vjps, args)):
        if needs_grad(x) and leads(x, on_way):
            name = operation.name_of(i)
            yield name, vjp or operation.rule_for(name), x
    for name, x in kwargs.items():
        if needs_grad(x) and leads(x, on_way):
            yield name, operation.rule_for(name), x


def leads(x: Any, on_way: Ticks) -> bool:
    """Return whether a Tensor, or one in the list `x`, is among the ticks on the way."""
    if on_way is None:
        return True
    return any(isinstance(y, Storage) and y._tick in on_way for y in nested((x,)))


def calls_behind(
    outputs: Iterable[Any], since: int = 0, through: Callable[[Any], bool] | None = None
) -> list[tuple[Any, list[Any]]]:
    """Return every recorded call behind `outputs`, the latest first.

    With each come the Tensors that require grad among its arguments, as they were then.

    Args:
        outputs: Tensors.
        since: stop at calls made at this tick or before.
        through: stop at calls for which it returns False, too.

    Raises:
        RuntimeError: a part of the graph was released.
    """
    calls: list[tuple[Any, list[Any]]] = []
    versions: dict[int, Any] = {}
    met: dict[int, Any] = {x._tick: x for x in outputs}
    kind: Any = type(next(iter(met.values()), None))
    heap = [-tick for tick in met]
    heapify(heap)
    while heap:
        node = met[at := -heappop(heap)]
        if node._operation is None or at <= since or (through and not through(node)):
            continue
        args, inputs = node._args, []
        if args is None:
            raise RuntimeError(_released(node))
        for x in args if node._kwargs is None else nested((*args, *node._kwargs.values())):
            if type(x) is kind and x._needs:
                if (made := x._tick) > at:
                    x = _version(x, at, versions)
                    made = x._tick
                inputs.append(x)
                if made not in met:
                    met[made] = x
                    heappush(heap, -made)
        calls.append((node, inputs))
    return calls


def ways_to(wanted: frozenset[int], output: Any) -> set[int]:
    """Return the ticks of all Tensors on a way from `output` back to one that is `wanted`."""
    behind = calls_behind([output], since=min(wanted))
    on_way = set(wanted)
    for node, inputs in reversed(behind):
        for x in inputs:
            if x._tick in on_way:
                on_way.add(node._tick)
                break
    return on_way


def met_before(tick: int, outputs: Iterable[Any]) -> list[Any]:
    """Return the Tensors older than `tick` that `outputs` are, or were computed from."""
    outputs = list(outputs)
    met = chain(outputs, *(inputs for _, inputs in calls_behind(outputs, since=tick)))
    return [*{x._tick: x for x in met if x._tick < tick}.values()]


def no_graph(output: Any) -> str:
    """Say why there is nothing to walk."""
    return (
        f"there is no graph behind {output!r}: nothing in it requires grad, or it was computed "
        f"under no_grad(), or by gradients() without create_graph=True; make the inputs with "
        f"requires_grad=True"
    )


def _released(node: Any) -> str:
    """Say that an earlier walk released the graph, and how to avoid that."""
    return (
        f"the graph of {call_of(node)} was released by an earlier backward(): compute the result "
        f"again, in a loop inside it and not once before it, or call the first backward with "
        f"retain_graph=True, or .detach() what should not be walked twice"
    )


# Failures of a rule that remain what they are; all others become RuntimeErrors.
_KINDS_KEPT = (NotImplementedError, FloatingPointError)


def rule_failed(node: Any, error: Exception) -> Exception:
    """Return `error` with the operation and the line at which its derivative was needed."""
    kinds = (kind for kind in _KINDS_KEPT if isinstance(error, kind))
    return next(kinds, RuntimeError)(f"the derivative of {call_of(node)} failed: {error}")


def _written(node: Any, x: Any, name: str) -> str:
    used = "the result of" if name == "out" else f"{named(x, name)} was used by"
    return (
        f"{used} {call_of(node)} and written since, but the derivative needs the old value: call "
        f"backward() before writing, or compute the result again"
    )


def named(x: Any, name: str) -> str:
    """Return how to speak of `x`, given as the argument `name`."""
    if not isinstance(x, Storage):
        return f"the {'list' if type(x) in CONTAINERS else 'array'} given as {name!r}"
    return f"Tensor {x.name!r}" if x.name else f"the Tensor given as {name!r}"


def call_of(node: Any) -> str:
    """Return operation and line of a call."""
    return f"{node._operation.name} ({locate(node._code, node._offset)})"
