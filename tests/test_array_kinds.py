"""Which arrays may come in, at every door.

NumPy's own stay, what only looks like one becomes one, and a subclass that gives operators another
meaning is refused before that meaning is lost.
"""

from __future__ import annotations

import array as standard
import operator
from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import nn
from autograd_mini import (
    Tensor,
    array,
    checkpoint,
    defvjp,
    grad,
    gradients,
    hessian,
    hook,
    hvp,
    jacobian,
    jvp,
    no_grad,
    primitive,
    sigmoid,
    softmax,
    value_and_grad,
    vjp,
)
from autograd_mini.testing import check_grads, check_module

pytestmark = pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")


class Length(np.ndarray):
    """An array with a unit: its operators and functions are its own."""

    def __array_ufunc__(self, *args: Any, **kwargs: Any) -> Any:
        return NotImplemented


class Reversed(np.ndarray):
    """An array whose product is not NumPy's."""

    def __mul__(self, other: Any) -> Any:
        raise AssertionError("a call met the arithmetic of a subclass")


VALUES = np.array([[1.0, 2.0], [3.0, 4.0]])
MASK = np.array([[False, True], [False, False]])
KINDS = {
    "masked": (np.ma.masked_array(VALUES, MASK), "masked arrays and np.ma .* mask would be lost"),
    "matrix": (VALUES.view(np.matrix), r"an np\.matrix .* the matrix product"),
    "subclass": (VALUES.view(Length), "a Length .* changes what __array_ufunc__ means"),
    "product": (VALUES.view(Reversed), "a Reversed .* changes what __mul__ means"),
}


@pytest.fixture(params=KINDS)
def kind(request: Any) -> str:
    return request.param


def leaf(**options: Any) -> Tensor:
    return Tensor(VALUES, requires_grad=True, **options)


def integers(m: Any) -> Any:
    """Return zeros as indices, as an array like `m`."""
    if isinstance(m, np.ma.MaskedArray):
        return np.ma.masked_array(np.zeros((2, 2), int), MASK)
    return np.zeros((2, 2), int).view(type(m))


def truths(m: Any) -> Any:
    if isinstance(m, np.ma.MaskedArray):
        return np.ma.masked_array(np.ones((2, 2), bool), MASK)
    return np.ones((2, 2), bool).view(type(m))


def written(write: Callable[[Tensor], Any], *, recorded: bool) -> None:
    t = leaf() * 1
    if recorded:
        write(t)
        return
    with no_grad():
        write(t)


@primitive
def offset(x: Any, by: Any) -> Any:
    return np.asarray(by) + x if type(by) is np.ndarray else by


defvjp(offset, lambda g, out, x, by: by if type(by) is not np.ndarray else g, None)


@primitive
def passing(x: Any, g: Any) -> Any:
    return x * 1


defvjp(passing, lambda g, out, x, f: f(), None)

# What is given a forbidden array m: every door by name.
DOORS: dict[str, Callable[[Any], Any]] = {
    "Tensor": Tensor,
    "Tensor with a dtype": lambda m: Tensor(m, dtype=np.float32),
    "Tensor of a list": lambda m: Tensor([VALUES, m]),
    "Tensor of nested tuples": lambda m: Tensor(((m,), (VALUES,))),
    "Tensor of a deque": lambda m: Tensor(deque([m])),
    "array": lambda m: array([leaf(), m]),
    "nn.Parameter": nn.Parameter,
    ".data": lambda m: setattr(leaf(), "data", m),
    ".grad": lambda m: setattr(leaf(), "grad", m),
    "backward": (leaf() * 2).backward,
    "gradients": lambda m: gradients((t := leaf()) * 2, [t], m),
    "np.add": lambda m: np.add(leaf(), m),
    "np.add, first": lambda m: np.add(m, leaf()),
    "np.add of a list": lambda m: np.add(leaf(), [m, m]),
    "np.add.outer": lambda m: np.add.outer(leaf(), m),
    "np.where, condition": lambda m: np.where(truths(m), leaf(), 0),
    "np.where, choice": lambda m: np.where(True, leaf(), m),
    "np.sum, where=": lambda m: np.sum(leaf(), where=truths(m)),
    "np.clip": lambda m: np.clip(leaf(), m, 9),
    "np.concatenate": lambda m: np.concatenate([leaf(), m]),
    "np.stack, first": lambda m: np.stack((m, leaf())),
    "np.block": lambda m: np.block([[leaf(), m]]),
    "np.dot": lambda m: np.dot(m, leaf()),
    "np.einsum": lambda m: np.einsum("ij,jk", leaf(), m),
    "np.piecewise": lambda m: np.piecewise(leaf(), [truths(m)], [np.sin]),
    "np.piecewise of one": lambda m: np.piecewise(m, [leaf() > 2], [np.sin]),
    "check_grads": lambda m: check_grads(np.sin, m),
    "check_module": lambda m: check_module(nn.Linear(2, 1), m),
    "np.take": lambda m: np.take(leaf(), integers(m)),
    "np.linalg.solve": lambda m: np.linalg.solve(leaf(), m),
    "np.bincount": lambda m: np.bincount(integers(m).ravel(), leaf().ravel()),
    "an index": lambda m: leaf()[integers(m)],
    "an index in a tuple": lambda m: leaf()[0, integers(m)],
    "an index in a list": lambda m: leaf()[[integers(m)]],
    "a mask": lambda m: leaf()[truths(m)],
    "assignment": lambda m: written(lambda t: t.__setitem__(..., m), recorded=True),
    "assignment under no_grad": lambda m: written(lambda t: t.__setitem__(..., m), recorded=False),
    "assignment at an index": lambda m: written(
        lambda t: t.__setitem__(truths(m), 0), recorded=True
    ),
    "assignment at an index under no_grad": lambda m: written(
        lambda t: t.__setitem__(truths(m), 0), recorded=False
    ),
    "+=": lambda m: written(lambda t: t.__iadd__(m), recorded=True),
    "+= under no_grad": lambda m: written(lambda t: t.__iadd__(m), recorded=False),
    "in": lambda m: m in leaf(),
    "grad": grad(np.sum),
    "grad of a dict": lambda m: grad(lambda p: np.sum(p["x"]))({"x": m}),
    "value_and_grad": value_and_grad(np.sum),
    "grad of what is closed over": lambda m: grad(lambda x: np.sum(x * m))(VALUES),
    "grad of what is returned": lambda m: vjp(lambda x: m, VALUES),
    "vjp": lambda m: vjp(np.sin, m),
    "pull": vjp(np.sin, VALUES)[1],
    "jvp": lambda m: jvp(np.sin, (m,), (VALUES,)),
    "jvp's tangents": lambda m: jvp(np.sin, (VALUES,), (m,)),
    "hvp's tangents": lambda m: hvp(lambda x: np.sum(x**3), (VALUES,), (m,)),
    "jacobian": jacobian(np.sin),
    "jacobian of what is returned": lambda m: jacobian(lambda x: m)(VALUES),
    "hessian": hessian(np.sum),
    "checkpoint": lambda m: checkpoint(np.add)(leaf(), m),
    "what checkpoint returns": lambda m: checkpoint(lambda x: m)(leaf()),
    "what a hook returns": lambda m: hook(leaf(), lambda g: m).sum().backward(),
    "what a primitive returns": lambda m: primitive(lambda x: m)(Tensor(VALUES)),
    "a primitive's setting": lambda m: offset(leaf(), m),
    "what a rule returns": lambda m: passing(leaf(), lambda: m).sum().backward(),
    "sigmoid of bare arrays": sigmoid,
    "softmax of bare arrays": softmax,
    "mse_loss of bare arrays": lambda m: nn.functional.mse_loss(m, VALUES),
    "mse_loss": lambda m: nn.functional.mse_loss(leaf(), m),
    "cross_entropy": lambda m: nn.functional.cross_entropy(leaf(), integers(m)[0]),
    "linear": lambda m: nn.functional.linear(m, leaf()),
    "Linear": nn.Linear(2, 3),
    "Sequential": nn.Sequential(nn.Linear(2, 3), nn.Tanh()),
    "Sigmoid": nn.Sigmoid(),
}
OPERATORS = [
    *(operator.add, operator.sub, operator.mul, operator.truediv, operator.matmul, operator.pow),
    *(operator.floordiv, operator.mod, operator.eq, operator.ne, operator.lt, operator.ge),
]


@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)
def test_it_is_refused_at_every_door(kind, door):
    forbidden, sentence = KINDS[kind]
    with pytest.raises((TypeError, RuntimeError), match=sentence):
        door(forbidden)


@pytest.mark.parametrize("function", OPERATORS)
@pytest.mark.parametrize("needs", [True, False])
def test_it_is_refused_at_the_right_of_an_operator(kind, function, needs):
    forbidden, sentence = KINDS[kind]
    with pytest.raises(TypeError, match=sentence):
        function(Tensor(VALUES, requires_grad=needs), forbidden)


@pytest.mark.parametrize("function", OPERATORS)
@pytest.mark.parametrize(("kind", "needs"), [("masked", True), ("matrix", True), ("matrix", False)])
def test_it_is_refused_at_the_left_of_an_operator(kind, function, needs):
    forbidden, sentence = KINDS[kind]
    if kind == "matrix" and function is operator.pow:
        sentence = "exponent must be an integer"  # NumPy's own
    with pytest.raises(TypeError, match=sentence):
        function(forbidden, Tensor(VALUES, requires_grad=needs))


@pytest.mark.parametrize("function", OPERATORS)
def test_a_masked_array_at_the_left_of_a_constant_keeps_its_mask_or_is_refused(function):
    masked, sentence = KINDS["masked"]
    if function in (operator.matmul, operator.mod):  # these ask the Tensor first
        with pytest.raises(TypeError, match=sentence):
            function(masked, Tensor(VALUES))
        return
    found, wanted = function(masked, Tensor(VALUES)), function(masked, VALUES)
    assert isinstance(found, np.ma.MaskedArray)
    assert_array_equal(found.mask, wanted.mask)
    assert_array_equal(found.filled(0), wanted.filled(0))


@pytest.mark.parametrize(
    "f",
    [
        *(np.ma.array, np.ma.sum, np.ma.exp, np.ma.mean, np.ma.median, np.ma.average, np.ma.sort),
        *(np.ma.masked_invalid, np.ma.masked_array, np.ma.asarray, np.ma.ravel, np.ma.cumsum),
        lambda t: np.ma.add(t, 1),
        lambda t: np.ma.dot(t, t),
        lambda t: np.ma.where(MASK, t, 0),
        lambda t: np.ma.masked_where(MASK, t),
        lambda t: np.ma.masked_greater(t, 2),
        lambda t: np.ma.concatenate([t, t]),
        lambda t: np.ma.stack([t, t]),
        lambda t: KINDS["masked"][0].copy().__iadd__(t),
    ],
)
def test_a_function_of_masked_arrays_takes_constants_only(f):
    with pytest.raises(TypeError, match=KINDS["masked"][1]):
        f(Tensor(VALUES, requires_grad=True))
    assert_array_equal(np.ma.filled(f(Tensor(VALUES)), 0), np.ma.filled(f(VALUES), 0))


def test_the_error_names_two_ways_on():
    t, (masked, _) = leaf(), KINDS["masked"]
    filled = np.sum(t * masked.filled(0))
    chosen = np.sum(np.where(MASK, 0, t * VALUES))
    assert filled.item() == chosen.item() == 26
    assert_array_equal(*(gradients(out, [t])[0] for out in (filled, chosen)))


class Plain(np.ndarray):
    """A subclass with nothing but a name of its own."""

    unit = "m"


class LooksLike:
    """What has __array__ alone, as a data frame's column, with arithmetic of its own."""

    def __init__(self, values: Any) -> None:
        self.values = values

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return self.values

    def __mul__(self, other: Any) -> Any:
        return NotImplemented

    __rmul__ = __mul__


@pytest.fixture(params=["memmap", "subclass", "recarray", "array-like", "memoryview", "standard"])
def taken(request: Any, tmp_path: Any) -> Any:
    """Make what is taken for the numbers 1, 2, 3."""
    numbers = np.array([1.0, 2.0, 3.0])
    if request.param == "memmap":
        numbers.tofile(tmp_path / "numbers")
        return np.memmap(tmp_path / "numbers", float, "r")
    return {
        "subclass": numbers.view(Plain),
        "recarray": numbers.view(np.recarray),
        "array-like": LooksLike(numbers),
        "memoryview": memoryview(numbers),
        "standard": standard.array("d", [1, 2, 3]),
    }[request.param]


def test_what_only_looks_like_an_array_becomes_one(taken):
    t = Tensor([1.0, 1.0, 1.0], requires_grad=True)
    assert type(Tensor(taken).data) is np.ndarray
    assert_array_equal(gradients(np.multiply(t, taken).sum(), [t])[0], [1, 2, 3])
    assert_array_equal(grad(lambda x: np.sum(x**2))(taken), [2, 4, 6])
    assert_array_equal(vjp(np.negative, t.data)[1](taken)[0], [-1, -2, -3])
    (t * 2).backward(taken)
    assert type(t.grad) is np.ndarray
    assert_array_equal(t.grad, [2, 4, 6])


def test_an_array_like_that_gives_a_masked_array_is_refused():
    with pytest.raises(TypeError, match="mask would be lost"):
        Tensor(LooksLike(KINDS["masked"][0]))
    with pytest.raises(TypeError, match="mask would be lost"):
        np.add(leaf(), LooksLike(KINDS["masked"][0]))


def test_a_memory_map_is_not_copied(tmp_path):
    np.ones(3).tofile(tmp_path / "numbers")
    mapped = np.memmap(tmp_path / "numbers", float, "r")
    assert np.shares_memory(Tensor(mapped).data, mapped)


def test_a_long_list_of_numbers_is_looked_at_by_type_alone():
    rows = [[float(i), 1] for i in range(1000)]
    assert_array_equal(Tensor(rows).data, np.array(rows))
