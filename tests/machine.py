"""What the state machine believes: a record of the program, kept beside the library's own graph.

Every Tensor has a Node here. Its array is computed by the same NumPy calls on other memory, with
the same views into it, so that a write is seen where it must be seen. Its derivatives are those of
dual numbers, held against the complex step, taken at the values of the moment it was recorded and
multiplied forwards, from the leaves to the output. What a rule reads is written down per operation,
which says when a walk must refuse.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.testing import assert_allclose

from autograd_mini import sigmoid
from tests import dual
from tests.dual import Dual

MOST = 12  # elements in a Tensor
LARGEST = 30.0  # a value
# How far rounding takes a gradient, as a part of its scale: ten and more times what was found.
DOUBLE, SINGLE = 1e-14, 1e-6
NOTHING: tuple[Any, ...] = ((),)


@dataclass(frozen=True)
class Kind:
    """An operation: how to run it, and what the derivative by each operand reads.

    `reads` names operands by number, and the result "out". `formula` is for dual numbers, where
    `run` is not plain NumPy; `is_curved` says that a slope may be a difference of large numbers.
    """

    name: str
    run: Callable[..., Any]
    reads: tuple[tuple[Any, ...], ...]
    formula: Callable[..., Any] | None = None
    is_curved: bool = False


CURVED = {
    "sin": Kind("np.sin", np.sin, ((0,),), is_curved=True),
    "tanh": Kind("np.tanh", np.tanh, (("out",),), is_curved=True),
    "exp": Kind("np.exp", np.exp, (("out",),)),
    "sigmoid": Kind(
        "sigmoid", sigmoid, (("out",),), lambda x: 1 / (1 + np.exp(-x)), is_curved=True
    ),
    "arctan": Kind("np.arctan", np.arctan, ((0,),), is_curved=True),
    "square": Kind("np.square", lambda x: x**2, ((0,),), np.square),
    "cube": Kind("np.power", lambda x: x**3, ((0,),)),
}
MOVING = {
    "negative": Kind("np.negative", lambda x: -x, NOTHING),
    "halve": Kind("np.divide", lambda x: x / 2, NOTHING),
    "shift": Kind("np.subtract", lambda x: 1 - x, NOTHING),
    "copy": Kind("np.copy", np.copy, NOTHING),
    "sum": Kind("np.sum", np.sum, NOTHING),
    "mean": Kind("np.mean", np.mean, NOTHING),
    "sum of axis 0": Kind("np.sum", lambda x: np.sum(x, axis=0), NOTHING),
    "sum of the last axis": Kind("np.sum", lambda x: np.sum(x, axis=-1, keepdims=True), NOTHING),
    "cumsum": Kind("np.cumsum", lambda x: np.cumsum(x, axis=0), NOTHING),
    "repeated rows": Kind("getitem", lambda x: x[[0, -1, 0]], NOTHING),
}
BINARY = {
    "add": Kind("np.add", np.add, ((), ())),
    "subtract": Kind("np.subtract", np.subtract, ((), ())),
    "multiply": Kind("np.multiply", np.multiply, ((1,), (0,))),
    "divide": Kind("np.divide", np.divide, ((1,), ("out", 1))),
    "matmul": Kind("np.matmul", np.matmul, ((1,), (0,))),
    # Its rule asks what kind of list it was given, which counts as reading all of it.
    "stack": Kind("np.stack", lambda x, y: np.stack([x, y]), ((0, 1), (0, 1))),
}
VIEWS = {
    "first": Kind("getitem", lambda x: x[0], NOTHING),
    "last kept": Kind("getitem", lambda x: x[-1:], NOTHING),
    "reversed": Kind("getitem", lambda x: x[..., ::-1], NOTHING),
    "new axis": Kind("getitem", lambda x: x[None], NOTHING),
    "transpose": Kind("np.transpose", np.transpose, NOTHING),
    "reshape": Kind("np.reshape", lambda x: np.reshape(x, x.shape[::-1]), NOTHING),
    "ravel": Kind("np.ravel", np.ravel, NOTHING),
    "broadcast_to": Kind("np.broadcast_to", lambda x: np.broadcast_to(x, (2, *x.shape)), NOTHING),
}
# A call with two results is three nodes: the call, and each of its results.
WHOLE = Kind("np.array_split", lambda x: x[...], NOTHING)
HALVES = (
    Kind("one of several results", lambda x: np.array_split(x, 2)[0], NOTHING),
    Kind("one of several results", lambda x: np.array_split(x, 2)[1], NOTHING),
)
INDICES: dict[str, Any] = {
    "0": 0,
    "-1:": slice(-1, None),
    "...": ...,
    "[0, -1]": [0, -1],
}


def assignment(index: Any) -> Kind:
    """Return the operation x[index] = value, as a function."""
    return Kind("setitem", lambda x, value: dual.with_item(x, index, value), ((), ()))


class Hook:
    """A function for `hook`, which keeps every gradient that it sees.

    Args:
        factor: what gradients are multiplied with; 1 leaves them as they are.
    """

    def __init__(self, factor: float) -> None:
        self.factor = factor
        self.seen: list[Any] = []
        self.kind = Kind(
            "hook", lambda x: np.reshape(x, np.shape(x)), NOTHING, lambda x: x * factor
        )

    def __call__(self, g: Any) -> Any:
        self.seen.append(g)
        return None if self.factor == 1 else g * self.factor


@dataclass(eq=False, repr=False)
class Node:
    """A value of the program, in memory of its own, and the call that made it."""

    time: int
    array: np.ndarray
    needs: bool
    kind: Kind | None = None
    operands: tuple[Node, ...] = ()
    inputs: tuple[np.ndarray, ...] = ()  # the operands' values, as they were
    is_released: bool = False
    grad: np.ndarray | None = None
    slack: np.ndarray | float = 0.0  # how much the gradient may be off
    is_single: bool = field(init=False)

    def __post_init__(self) -> None:
        """Note whether float32 took part."""
        self.is_single = self.array.dtype == np.float32 or any(x.is_single for x in self.operands)

    @property
    def behind(self) -> Iterator[tuple[int, Node]]:
        """The operands through which a gradient flows."""
        return ((i, x) for i, x in enumerate(self.operands) if x.needs)

    @cached_property
    def jacobians(self) -> list[np.ndarray]:
        """Return d self / d operand for each operand, of shape (self.size, operand.size)."""
        assert self.kind is not None
        f = self.kind.formula or self.kind.run
        primals = [x.astype(np.float64) for x in self.inputs]
        found = []
        for i, x in enumerate(primals):
            matrix = np.empty((self.array.size, x.size))
            for column, place in enumerate(np.ndindex(x.shape)):
                tangents = [np.zeros(y.shape) for y in primals]
                tangents[i][place] = 1.0
                matrix[:, column] = dual.jvp(f, primals, tangents)[1].ravel()
                by_step = dual.complex_step(f, primals, tangents).ravel()
                assert_allclose(matrix[:, column], by_step, rtol=1e-11, atol=1e-11)
            found.append(matrix)
        return found


def owner_of(array: Any) -> Any:
    """Return what owns the memory of `array`: an array, or what a memoryview looks into."""
    while getattr(array, "base", None) is not None:
        array = array.base
    return array.obj if isinstance(array, memoryview) else array


class Record:
    """All nodes of a program, and when which memory was written."""

    def __init__(self) -> None:
        self.time = 0
        self.written: dict[int, tuple[int, Any]] = {}  # by id, with the array that keeps the id

    def tick(self) -> int:
        self.time += 1
        return self.time

    def leaf(self, array: Any, needs: bool) -> Node:
        """Return the node of a Tensor made by hand."""
        return Node(self.tick(), array, needs)

    def call(self, kind: Kind, *operands: Node, is_recording: bool = True) -> Node | None:
        """Run `kind`; None if the call is impossible, or its values would grow too large."""
        arrays = [x.array for x in operands]
        inputs = tuple(x.copy() for x in arrays)
        if kind.name == "np.divide" and len(arrays) == 2 and np.min(np.abs(arrays[1])) < 0.2:
            return None
        try:
            with np.errstate(over="ignore"):
                out = np.asarray(kind.run(*arrays))
        except (ValueError, IndexError):  # shapes that do not go together
            return None
        if out.size > MOST or out.ndim > 3 or np.max(np.abs(out)) > LARGEST:
            return None
        needs = is_recording and any(x.needs for x in operands)
        if not needs:
            return Node(self.tick(), out, needs)
        return Node(self.tick(), out, needs, kind, operands, inputs)

    def split(self, x: Node) -> tuple[Node, Node] | None:
        """Return the nodes of both halves of `x`, with one behind them for the call."""
        if x.array.ndim == 0 or len(x.array) < 2:
            return None
        call = self.call(WHOLE, x)
        parts = np.array_split(x.array, 2)
        if call is None or not call.needs:
            return self.leaf(parts[0], needs=False), self.leaf(parts[1], needs=False)
        first, second = (
            Node(self.tick(), part, True, half, (call,), (x.array.copy(),))
            for half, part in zip(HALVES, parts, strict=True)
        )
        return first, second

    def write(self, node: Node) -> None:
        """Note that the memory of `node` was written."""
        owner = owner_of(node.array)
        self.written[id(owner)] = (self.tick(), owner)

    def is_stale(self, node: Node, wanted: list[Node] | None = None) -> bool:
        """Return whether a derivative of `node` that is `wanted` reads what was written since."""
        assert node.kind is not None
        behind = [i for i, x in node.behind if wanted is None or leads(x, wanted)]
        read = {name for i in behind for name in node.kind.reads[i]}
        values = [node if name == "out" else node.operands[name] for name in read]
        whens = (self.written.get(id(owner_of(x.array)), (0, None))[0] for x in values)
        return any(when > node.time for when in whens)

    def walk(
        self, output: Node, wanted: list[Node] | None = None, release: bool = False
    ) -> tuple[list[Node], Any]:
        """Return the nodes that a walk passes, and the words of its refusal, if it must refuse.

        Args:
            output: where it starts.
            wanted: nodes; those that do not lead to one of them are not passed.
            release: note that the graph is taken.
        """
        if not output.needs:
            return [], ("no graph",)
        oldest = min(x.time for x in wanted) if wanted else 0
        calls = [x for x in reversed(ancestors(output)) if x.kind is not None and x.time > oldest]
        if wanted is not None and (released := [x for x in calls if x.is_released]):
            return [], (released[0].kind.name, "released")
        passed: list[Node] = []
        for node in calls:
            if wanted is not None and not any(leads(x, wanted) for _, x in node.behind):
                continue
            if node.is_released:
                return passed, (node.kind.name, "released")
            if self.is_stale(node, wanted):
                return passed, (node.kind.name, "written since")
            passed.append(node)
            node.is_released = node.is_released or release
        return passed, None


def leads(node: Node, wanted: list[Node]) -> bool:
    """Return whether `node` is one of the `wanted`, or was computed from one."""
    return any(x is y for x in ancestors(node) for y in wanted)


def ancestors(output: Node) -> list[Node]:
    """Return `output` and all that its gradient flows to, in the order of the program."""
    found = {output.time: output}
    waiting = [output]
    while waiting:
        for _, x in waiting.pop().behind:
            if x.time not in found:
                found[x.time] = x
                waiting.append(x)
    return [found[time] for time in sorted(found)]


def derivative(output: Node, source: Node, g: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the gradient of sum(g * output) by `source`, and how far rounding may take it.

    The Jacobians are multiplied forwards; beside them their absolute values, whose product is
    the scale of the terms that may have cancelled.
    """
    one = np.eye(source.array.size)
    total, scale = {source.time: one}, {source.time: one}
    nodes = ancestors(output)
    for node in nodes:
        parts = [(i, x) for i, x in node.behind if x.time in total]
        if node.time == source.time or not parts:
            continue
        jacobians = [(node.jacobians[i], x.time) for i, x in parts]
        total[node.time] = sum(J @ total[at] for J, at in jacobians)
        scale[node.time] = sum(size_of(J, node.kind) @ scale[at] for J, at in jacobians)
    if output.time not in total:
        return np.zeros(source.array.shape), np.zeros(source.array.shape)
    is_single = output.is_single or source.is_single
    g, shape = g.astype(np.float64).ravel(), source.array.shape
    slack = (SINGLE if is_single else DOUBLE) * (np.abs(g) @ scale[output.time])
    return (g @ total[output.time]).reshape(shape), slack.reshape(shape)


def size_of(jacobian: np.ndarray, kind: Any) -> np.ndarray:
    """Return the absolute values; a small slope may be a difference of numbers near 1."""
    size = np.abs(jacobian)
    return size + (size > 0) if kind.is_curved else size


def replay(output: Node, sources: list[Node], xs: tuple[Any, ...]) -> Any:
    """Run the program again with `xs`, dual numbers, in the place of `sources`.

    Every operand keeps the value that was recorded; only the changes are new.
    """
    values: dict[int, Any] = {source.time: x for source, x in zip(sources, xs, strict=True)}
    for node in ancestors(output):
        if node.time in values or not any(x.time in values for _, x in node.behind):
            continue
        operands = []
        for x, recorded in zip(node.operands, node.inputs, strict=True):
            value = values.get(x.time, recorded.astype(np.float64))
            operands.append(value + (recorded - plain(value)))
        assert node.kind is not None
        values[node.time] = (node.kind.formula or node.kind.run)(*operands)
    return values.get(output.time, output.array)


def plain(x: Any) -> Any:
    """Return the number behind all levels of dual numbers."""
    while isinstance(x, Dual):
        x = x.value
    return x
