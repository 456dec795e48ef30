"""Record the calls of a network's modules, and count what was computed in each.

While it listens, every module's `forward` is one that notes shapes and when it began and ended, in
ticks. The graph says what was computed in between; a result belongs to the innermost module that
was running, so nothing is counted twice. The graph is read from the inputs and outputs of all
calls: what a network detaches from its output is counted, too.
"""

from __future__ import annotations

from bisect import bisect
from collections import Counter
from collections.abc import Callable
from operator import attrgetter
from typing import Any, NamedTuple

from autograd_mini import Tensor, enable_grad
from autograd_mini.clock import tick
from autograd_mini.operation import nested
from autograd_mini.trees import leaves, mapped
from nn.module import Module, _tensors
from nn.multiply_adds import multiply_adds

# What stands for a result that no call is remembered of.
UNRECORDED = "values computed without recording"


class Tally:
    """What was heard of one module: `str` of every shape and the shape, and counts."""

    def __init__(self, path: str, module: Module) -> None:
        self.path = path
        self.module = module
        self.calls = 0
        self.input_shapes: dict[str, Any] = {}
        self.output_shapes: dict[str, Any] = {}
        self.multiply_adds = 0
        self.kept_bytes = 0
        self.uncounted: Counter[str] = Counter()


class Failure(NamedTuple):
    """An error, the innermost module call that it left, and the shapes that this was given."""

    error: Exception
    tally: Tally
    given: Any


class Ear:
    """Listens to a network.

    Args:
        model: the network; inputs are made before the Ear, and whatever is younger is a result.
    """

    def __init__(self, model: Module) -> None:
        self.model = model
        self.tallies = {id(x): Tally(path, x) for path, x in model.named_modules()}
        self.failure: Failure | None = None
        self._start = tick()
        self._stack: list[Tally] = []
        # From ticks[i] on, running[i] was the innermost module that ran.
        self._ticks: list[int] = []
        self._running: list[Tally] = []
        self._handed: list[Tensor] = []
        self._found: list[Any] = []

    def listen(self) -> None:
        """Give every module a `forward` that is heard, and set its evaluation mode."""
        for tally in self.tallies.values():
            heard = self._heard(tally, tally.module.forward)
            vars(tally.module).update(training=False, forward=heard)

    def count(self) -> None:
        """Add up what was computed in the calls of each module."""
        constants = [x for _, x in _tensors(self.model)]
        owners = {id(_owner(x.data)) for x in (*constants, *self._handed)}
        for result in sorted(self._results(), key=attrgetter("_tick")):
            tally = self._running[bisect(self._ticks, result._tick) - 1]
            if result.is_leaf:
                tally.uncounted[UNRECORDED] += 1
                continue
            for array in nested((result._array,)):
                owner = _owner(array)
                tally.kept_bytes += 0 if id(owner) in owners else owner.nbytes
                owners.add(id(owner))
            count = multiply_adds(result)
            tally.multiply_adds += count or 0
            if count is None:
                tally.uncounted[_name(result)] += 1

    def _heard(self, tally: Tally, forward: Callable[..., Any]) -> Callable[..., Any]:
        """Return `forward` as one whose calls are heard and recorded."""

        def heard(*args: Any, **kwargs: Any) -> Any:
            with enable_grad():
                args = tuple(map(self._recordable, args))
                kwargs = {name: self._recordable(x) for name, x in kwargs.items()}
                given = _one((*args, *kwargs.values()))
                shape = shape_of(given)
                self._begin(tally)
                try:
                    out = forward(*args, **kwargs)
                except Exception as error:
                    if self.failure is None or self.failure.error is not error:
                        self.failure = Failure(error, tally, shape)
                    raise
                finally:
                    self._end()
            tally.calls += 1
            tally.input_shapes.setdefault(str(shape), shape)
            tally.output_shapes.setdefault(str(shape_of(out)), shape_of(out))
            self._found += [*leaves(given), *leaves(out)]
            return out

        return heard

    def _recordable(self, x: Any) -> Any:
        """Return `x` as a Tensor whose use is recorded, though neither it nor a weight needs grad.

        It is no leaf, for in a leaf that requires grad nothing can be written.
        """
        if not isinstance(x, Tensor) or x.requires_grad or x.dtype.kind not in "fc":
            return x
        self._found.append(x)
        self._handed.append(+Tensor(x.data, requires_grad=True, name=x.name))
        return self._handed[-1]

    def _begin(self, tally: Tally) -> None:
        self._stack.append(tally)
        self._ticks.append(tick())
        self._running.append(tally)

    def _end(self) -> None:
        self._stack.pop()
        if self._stack:
            self._ticks.append(tick())
            self._running.append(self._stack[-1])

    def _results(self) -> list[Tensor]:
        """Return what was computed during the calls, and what was made and is no parameter."""
        seen = set(map(id, self._handed))
        results: list[Tensor] = []
        pending = list(self._found)
        while pending:
            x = pending.pop()
            if not isinstance(x, Tensor) or id(x) in seen or x._tick < self._start:
                continue
            seen.add(id(x))
            if not x.is_leaf or (x.dtype.kind in "fc" and not x.requires_grad):
                results.append(x)
            if not x.is_leaf and x._args is not None:
                pending += nested((*x._args, *(x._kwargs or {}).values()))
        return results


def shape_of(values: Any) -> Any:
    """Return the shape of an array, those of the arrays in a container, else the name of a type.

    >>> import numpy as np
    >>> shape_of((np.zeros((2, 3)), "text", None))
    ((2, 3), 'str', None)
    """
    return mapped(lambda x: tuple(x.shape) if hasattr(x, "shape") else type(x).__name__, values)


def _one(values: tuple[Any, ...]) -> Any:
    return values[0] if len(values) == 1 else values


def _name(result: Tensor) -> str:
    assert result._operation is not None
    name = result._operation.name
    return name if result._args is not None else f"{name}, whose graph was released"


def _owner(array: Any) -> Any:
    """Return the array that owns the memory of `array`."""
    while hasattr(base := getattr(array, "base", None), "nbytes"):
        array = base
    return array
