"""Random programs, with much sharing, against an engine so naive that it can't be wrong.

The naive engine knows no rule and no order: it walks every path from the output to a leaf on its
own, multiplies the Jacobians along it, which it gets by complex step, and adds the paths up.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from autograd_mini import Tensor, gradients

MOST_PATHS = 300
STEP = 1e-30
OWNERS = (np.sin, np.tanh, np.arctan, np.exp, np.add, np.subtract, np.multiply, np.copy)
SHAPES = [(), (1,), (3,), (2, 3), (2, 1), (3, 2), (1, 2, 3)]
WEIGHTS = np.cos(np.arange(1.0, 1000.0))

Draw = Callable[[st.SearchStrategy[Any]], Any]


# The naive engine.


@dataclass
class Node:
    """A value, and how it was computed from others."""

    value: np.ndarray
    function: Callable[..., Any] = np.positive
    inputs: tuple["Node", ...] = ()
    number_of_paths: int = 1

    def jacobian(self, position: int) -> np.ndarray:
        """Return d self / d input, of shape (self.size, input.size), by complex step."""
        values = [x.value.astype(complex) for x in self.inputs]
        x = values[position]
        columns = np.empty((self.value.size, x.size))
        for column in range(x.size):
            stepped = x.copy()
            stepped.flat[column] += 1j * STEP
            out = self.function(*values[:position], stepped, *values[position + 1 :])
            columns[:, column] = np.imag(out).ravel() / STEP
        return columns


@dataclass
class PathSum:
    """The sum over all paths to each leaf, and the sum of their absolute values: its scale."""

    total: dict[int, np.ndarray] = field(default_factory=dict)
    scale: dict[int, float] = field(default_factory=dict)

    def walk(self, node: Node, g: np.ndarray) -> None:
        if not node.inputs:
            self.total[id(node)] = self.total.get(id(node), 0) + g
            self.scale[id(node)] = self.scale.get(id(node), 0) + np.max(np.abs(g))
        for position, x in enumerate(node.inputs):
            self.walk(x, g @ node.jacobian(position))


def computed(function: Callable[..., Any], inputs: list[Node]) -> Node:
    value = np.asarray(function(*(x.value for x in inputs)))
    return Node(value, function, tuple(inputs), sum(x.number_of_paths for x in inputs))


# The programs.


@dataclass
class Statement:
    """A call on values by number; its results get the next numbers, or replace the first operand.

    `functions` give one result each for the naive engine; `run` gives all of them at once.
    """

    name: str
    operands: tuple[int, ...]
    functions: list[Callable[..., Any]]
    run: Callable[..., list[Any]]
    assigns: bool = False

    def __repr__(self) -> str:
        return f"{self.name}{self.operands}"


@dataclass
class Program:
    """The data of the leaves, the statements, and the values that the output adds up."""

    leaves: list[np.ndarray]
    statements: list[Statement]
    outputs: list[int]

    def naive(self) -> tuple[list[Node], Node]:
        leaves = [Node(data) for data in self.leaves]
        values = list(leaves)
        for statement in self.statements:
            advance(values, statement)
        parts = [values[i] for i in self.outputs]
        return leaves, computed(weighted_sum, parts)

    def recorded(self) -> tuple[list[Tensor], Tensor]:
        leaves = [Tensor(data.copy(), requires_grad=True) for data in self.leaves]
        values: list[Any] = list(leaves)
        for statement in self.statements:
            results = statement.run(*(values[i] for i in statement.operands))
            if not statement.assigns:
                values += results
        return leaves, weighted_sum(*(values[i] for i in self.outputs))


def advance(values: list[Node], statement: Statement) -> None:
    operands = [values[i] for i in statement.operands]
    results = [computed(function, operands) for function in statement.functions]
    if statement.assigns:
        values[statement.operands[0]] = results[0]
    else:
        values += results


def weighted_sum(*parts: Any) -> Any:
    total: Any = 0.0
    for part in parts:
        total = total + np.sum(part * WEIGHTS[: part.size].reshape(part.shape))
    return total


def plain(name: str, function: Callable[..., Any], *operands: int) -> Statement:
    return Statement(name, operands, [function], lambda *xs: [function(*xs)])


def unary(draw: Draw, values: list[Node], of: int) -> Statement:
    x = values[of].value
    is_small = np.max(np.abs(x)) < 2  # where tanh is flat, its slope loses digits
    options: dict[str, Callable[..., Any]] = {
        "sin": np.sin,
        "tanh": np.tanh if is_small else np.arctan,
        "square": lambda x: x**2,
        "negative": lambda x: -x,
        "halve": lambda x: x / 2,
        "inverse": lambda x: 1 / (x * x + 1),
        "exp": np.exp if is_small else np.arctan,
        "copy": np.copy,
        "None index": lambda x: x[None],
        "ravel": np.ravel,
        "transpose": np.transpose,
        "sum": np.sum,
        "broadcast_to": lambda x: np.broadcast_to(x, (2, *x.shape)),
    }
    if x.ndim:
        axis = draw(st.integers(-x.ndim, x.ndim - 1))
        options |= {
            "sum axis": lambda x: np.sum(x, axis=axis),
            "sum keepdims": lambda x: np.sum(x, axis=axis, keepdims=True),
            "cumsum": lambda x: np.cumsum(x, axis=axis),
            "index": lambda x: x[-1],
            "slice": lambda x: x[..., ::-1],
            "repeated index": lambda x: x[[0, -1, 0]],
            "reshape": lambda x: np.reshape(x, x.shape[::-1]),
        }
    name = draw(st.sampled_from(sorted(options)))
    return plain(name, options[name], of)


def binary(draw: Draw, values: list[Node], of: int) -> Statement | None:
    def fits(j: int) -> bool:
        try:
            np.broadcast_shapes(values[of].value.shape, values[j].value.shape)
        except ValueError:
            return False
        return True

    other = draw(st.sampled_from([j for j in range(len(values)) if fits(j)]))
    name = draw(st.sampled_from(["add", "subtract", "multiply"]))
    return plain(name, getattr(np, name), *draw(st.permutations([of, other])))


def product(draw: Draw, values: list[Node], of: int) -> Statement | None:
    x = values[of].value

    def fits(j: int) -> bool:
        y = values[j].value
        return y.ndim in (1, 2) and x.shape[-1] == y.shape[0]

    options = [j for j in range(len(values)) if x.ndim and fits(j)]
    return plain("matmul", np.matmul, of, draw(st.sampled_from(options))) if options else None


def joined(draw: Draw, values: list[Node], of: int) -> Statement:
    same = [j for j in range(len(values)) if values[j].value.shape == values[of].value.shape]
    parts = [of, *draw(st.lists(st.sampled_from(same), min_size=1, max_size=2))]
    stacks = values[of].value.ndim == 0 or draw(st.booleans())
    join = np.stack if stacks else np.concatenate
    return plain(join.__name__, lambda *xs: join(xs), *parts)


def parted(_: Draw, values: list[Node], of: int) -> Statement | None:
    if values[of].value.ndim == 0 or len(values[of].value) < 2:
        return None
    functions = [lambda x: np.array_split(x, 2)[0], lambda x: np.array_split(x, 2)[1]]
    return Statement("array_split", (of,), functions, lambda x: np.array_split(x, 2))


def assigned(draw: Draw, values: list[Node], of: int) -> Statement | None:
    """Assign a scalar to the last item, in place: later statements see another value."""
    x = values[of]
    is_owner = x.function in OWNERS
    scalars = [j for j in range(len(values)) if values[j].value.ndim == 0]
    if not is_owner or x.value.ndim == 0 or not scalars:
        return None

    def new_value(x: Any, scalar: Any) -> Any:
        out = x.copy()
        out[-1] = scalar
        return out

    def assign(x: Any, scalar: Any) -> list[Any]:
        x[-1] = scalar
        return []

    return Statement(
        "assign", (of, draw(st.sampled_from(scalars))), [new_value], assign, assigns=True
    )


@st.composite
def programs(draw: Draw) -> Program:
    shapes = draw(st.lists(st.sampled_from(SHAPES), min_size=1, max_size=3))
    numbers = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    leaves = [np.asarray(numbers.uniform(-1.5, 1.5, shape)) for shape in shapes]
    values = [Node(data) for data in leaves]
    statements: list[Statement] = []
    kinds = [binary, binary, binary, unary, unary, product, joined, parted, assigned]
    for _ in range(draw(st.integers(1, 20))):
        of = len(values) - 1 - draw(st.integers(0, min(3, len(values) - 1)))
        statement: Statement | None = draw(st.sampled_from(kinds))(draw, values, of)
        if statement is None or not is_manageable([values[i] for i in statement.operands]):
            continue
        statements.append(statement)
        advance(values, statement)
    choices = [i for i, x in enumerate(values) if is_manageable([x])]
    outputs = draw(st.lists(st.sampled_from(choices), min_size=1, max_size=2))
    return Program(leaves, statements, outputs)


def is_manageable(values: list[Node]) -> bool:
    return (
        sum(x.number_of_paths for x in values) <= MOST_PATHS
        and sum(x.value.size for x in values) <= 40
        and all(np.max(np.abs(x.value)) < 100 for x in values)
    )


# The tests.


@settings(max_examples=300)
@given(programs())
def test_a_gradient_is_the_sum_over_all_paths(program):
    nodes, expected = program.naive()
    leaves, loss = program.recorded()
    assert_allclose(loss.data, expected.value, rtol=1e-12, atol=1e-12)
    paths = PathSum()
    paths.walk(expected, np.ones(1))
    listed = gradients(loss, leaves)
    loss.backward()
    for node, leaf, found in zip(nodes, leaves, listed, strict=True):
        total = paths.total.get(id(node), np.zeros(node.value.size)).reshape(node.value.shape)
        assert_allclose(found, total, rtol=0, atol=1e-12 * paths.scale.get(id(node), 0))
        if leaf.grad is not None:
            assert_array_equal(leaf.grad, found)
        else:
            assert id(node) not in paths.total


@settings(max_examples=100)
@given(programs())
def test_a_recorded_walk_finds_the_same_gradients_and_a_symmetric_second_derivative(program):
    leaves, loss = program.recorded()
    plainly = gradients(loss, leaves)
    slopes = gradients(loss, leaves, create_graph=True)
    for found, slope in zip(plainly, slopes, strict=True):
        assert_allclose(slope.data, found, rtol=1e-12, atol=1e-12 * np.max(np.abs(found)))
    left = [np.sin(1.0 + np.arange(x.size)).reshape(x.shape) for x in leaves]
    right = [np.cos(2.0 + np.arange(x.size)).reshape(x.shape) for x in leaves]
    one, scale = curvature(slopes, leaves, left, right)
    two, _ = curvature(slopes, leaves, right, left)
    assert_allclose(one, two, rtol=0, atol=1e-11 * scale)


def curvature(slopes: Any, leaves: Any, u: Any, v: Any) -> tuple[float, float]:
    """Return u H v, H the matrix of second derivatives, and a scale of its terms."""
    along: Any = 0.0
    for slope, part in zip(slopes, u, strict=True):
        along = along + (slope * part).sum()
    if not along.requires_grad:
        return 0.0, 0.0
    rows = gradients(along, leaves)
    terms = [np.sum(row * part) for row, part in zip(rows, v, strict=True)]
    scale = max(float(np.max(np.abs(row))) for row in rows)
    return float(sum(terms)), 1e-3 + 40 * scale


@settings(max_examples=50)
@given(programs())
def test_walking_a_retained_graph_twice_doubles_every_gradient(program):
    leaves, loss = program.recorded()
    if loss.is_leaf:
        return
    once = gradients(loss, leaves)
    loss.backward(retain_graph=True)
    loss.backward()
    for leaf, found in zip(leaves, once, strict=True):
        assert_allclose(leaf.grad if leaf.grad is not None else 0 * found, 2 * found, rtol=1e-13)


def test_the_programs_reach_what_they_are_meant_to_reach():
    """Sharing, item assignment, broadcasting and several results do occur."""
    names: set[str] = set()
    most = 0

    @settings(max_examples=300, derandomize=True, database=None)
    @given(programs())
    def collect(program: Program) -> None:
        nonlocal most
        names.update(statement.name for statement in program.statements)
        most = max(most, program.naive()[1].number_of_paths)

    collect()
    assert {"assign", "array_split", "stack", "concatenate", "matmul", "repeated index"} <= names
    assert most > 30
