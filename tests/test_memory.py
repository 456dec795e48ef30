"""Whose memory it is: of leaves, of indices and masks, of what primitives return."""

import array as arrays
import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import nn
import optim
from autograd_mini import (
    Tensor,
    defvjp,
    grad,
    gradients,
    hessian,
    hvp,
    jacobian,
    no_grad,
    primitive,
    vjp,
)

xp: Any = np


# A Tensor that requires grad owns its memory.

START = np.array([1.0, 2.0])


def from_setter(start):
    t = Tensor(start)
    t.requires_grad = True
    return t


def from_data(start):
    t = Tensor(np.zeros(2), requires_grad=True)
    t.data = start
    return t


MADE: dict[str, Callable[[Any], Tensor]] = {
    "Tensor": lambda start: Tensor(start, requires_grad=True),
    "of a dtype": lambda start: Tensor(start, requires_grad=True, dtype=np.float64),
    "of a view": lambda start: Tensor(start[:], requires_grad=True),
    "of a constant": lambda start: Tensor(Tensor(start), requires_grad=True),
    "of a buffer": lambda start: Tensor(memoryview(start), requires_grad=True),
    "Parameter": nn.Parameter,
    "requires_grad": from_setter,
    "data": from_data,
}


@pytest.mark.parametrize("make", MADE.values(), ids=MADE)
def test_training_does_not_write_into_the_array_it_was_made_of(make):
    start = START.copy()
    t = make(start)
    assert not np.shares_memory(t.data, start)
    optimizer = optim.SGD([t], lr=0.25)
    np.sum(t * t).backward()
    optimizer.step()
    with no_grad():
        t += 1
    t.data -= 1
    assert_array_equal(start, START)
    assert_allclose(t.data, START / 2)


def test_an_array_of_the_standard_library_is_copied_too():
    numbers = arrays.array("d", [1.0, 2.0])
    t = Tensor(numbers, requires_grad=True)
    t.data -= 1
    assert numbers.tolist() == [1.0, 2.0]


def test_a_copy_keeps_its_layout():
    t = Tensor(np.asfortranarray(np.ones((2, 3))), requires_grad=True)
    assert t.data.flags.f_contiguous


def test_data_that_need_no_gradient_are_not_copied():
    assert Tensor(START).data is START
    t = Tensor([1.0, 2.0])
    t.data = START
    assert t.data is START


def test_a_transform_hands_on_the_layout_of_its_argument():
    x = np.arange(12.0).reshape(3, 4)[::-1, ::2]
    grad(lambda t: np.sum(t) * (t.data.strides == x.strides or np.nan))(x)
    columns = np.asfortranarray(x)
    value, _ = vjp(lambda t: np.ravel(t, order="A"), columns)
    assert_array_equal(value, np.ravel(columns, order="A"))


# Indices, masks and conditions may be rewritten before the walk: calls keep copies.

X = np.array([1.0, 2.0, 3.0])
INDEXED: dict[str, Callable[[Any, Any, Any], Any]] = {
    "getitem": lambda x, i, m: x[i],
    "getitem of a tuple": lambda x, i, m: x[(i,)],
    "getitem of a tuple with a slice": lambda x, i, m: np.stack([x, x])[:, i],
    "getitem of a mask": lambda x, i, m: x[m],
    "getitem of a list of arrays": lambda x, i, m: x[[i]],
    "take": lambda x, i, m: xp.take(x, i),
    "take method": lambda x, i, m: x.take(i),
    "take by name": lambda x, i, m: xp.take(x, indices=i),
    "where": lambda x, i, m: xp.where(m, x, 0.0),
    "where of two": lambda x, i, m: xp.where(m, 0.0, x * 2),
    "compress": lambda x, i, m: xp.compress(m, x),
    "extract": lambda x, i, m: xp.extract(m, x),
    "multiply": lambda x, i, m: x * m,
    "multiply from the left": lambda x, i, m: m * x,
    "power": lambda x, i, m: x ** (i[0] + 1),
    "power of an array": lambda x, i, m: xp.power(x[:2], i),
    "repeat": lambda x, i, m: xp.repeat(x[:2], i),
    "take_along_axis": lambda x, i, m: xp.take_along_axis(x, i, 0),
    "select": lambda x, i, m: xp.select([m], [x], 0.0),
    "choose": lambda x, i, m: xp.choose(i, [x[:2], x[:2] * 3, x[1:]]),
    "delete": lambda x, i, m: xp.delete(x, i),
    "insert": lambda x, i, m: xp.insert(x, i, x[:2]),
    "bincount": lambda x, i, m: xp.bincount(i, x[:2]),
    "sum where": lambda x, i, m: xp.sum(x, where=m),
    "setitem": lambda x, i, m: assigned(x, i),
    "setitem of a mask": lambda x, i, m: assigned(x, m),
    "matmul of integers": lambda x, i, m: x[:2] @ i,
    "outer": lambda x, i, m: xp.multiply.outer(x, i),
}


def assigned(x, index):
    y = x * 1
    y[index] = 5.0 * x[0]
    return y


@pytest.mark.parametrize("use", INDEXED.values(), ids=INDEXED)
def test_an_index_or_a_mask_that_is_rewritten_before_the_walk_does_no_harm(use):
    def slope(overwrite):
        index, mask = np.array([0, 2]), np.array([True, False, True])
        x = Tensor(X, requires_grad=True)
        out = np.sum(use(x, index, mask) ** 2)
        if overwrite:
            index[:], mask[:] = 1, ~mask
        (first,) = gradients(out, [x], create_graph=True)
        if overwrite:
            index[:], mask[:] = 0, ~mask
        return first.data, gradients(np.sum(first * [1.0, 2.0, 3.0]), [x])[0]

    for found, wanted in zip(slope(True), slope(False), strict=True):
        assert_array_equal(found, wanted)


# What a primitive returns is nobody else's.

BUFFER = np.zeros(2)


def into_buffer(x: Any) -> Any:
    return np.multiply(x, 3, out=BUFFER)


def view_of_buffer(x: Any) -> Any:
    return np.multiply(x, 3, out=BUFFER)[:]


def reversed_twice(x: Any) -> Any:
    np.multiply(x[::-1], 3, out=BUFFER)
    return BUFFER[::-1]


@functools.cache
def _three(count: int) -> Any:
    return np.empty(count)


def from_a_cache(x: Any) -> Any:
    kept = _three(x.size)
    kept[...] = 3 * x
    return kept


class Keeper:
    def __init__(self) -> None:
        self.last = BUFFER

    def __call__(self, x: Any) -> Any:
        self.last[...] = 0
        self.last = 3 * x
        return self.last


def through_memory(x: Any) -> Any:
    np.multiply(x, 3, out=BUFFER)
    return np.frombuffer(memoryview(BUFFER))


KEEPING = [into_buffer, view_of_buffer, reversed_twice, from_a_cache, Keeper(), through_memory]


@pytest.mark.parametrize("body", KEEPING)
def test_a_result_that_a_primitive_keeps_is_copied(body):
    triple = primitive(body)
    defvjp(triple, lambda g, out, x: 3 * g)
    x = Tensor([1.0, 2.0], requires_grad=True)
    y = triple(x)
    z = triple(y)
    assert_array_equal(y.data, [3, 6])
    assert_array_equal(z.data, [9, 18])
    np.sum(y * z).backward()
    assert_array_equal(x.grad, [54, 108])
    bare = triple(np.array([1.0, 2.0]))
    triple(np.zeros(2))
    assert_array_equal(bare, [3, 6])


def test_several_results_that_a_primitive_keeps_are_copied():
    @primitive
    def both(x):
        return np.multiply(x, 3, out=BUFFER), BUFFER[:1], x[::-1]

    defvjp(both, lambda g, out, x: 3 * g[0])
    x = Tensor([1.0, 2.0], requires_grad=True)
    first, second = both(x), both(x + 1)
    assert_array_equal(first[0].data, [3, 6])
    assert_array_equal(first[1].data, [3])
    assert_array_equal(second[0].data, [6, 9])


def test_a_view_of_an_argument_stays_one_and_its_writes_are_noticed():
    @primitive
    def reverse(x):
        return x[::-1]

    defvjp(reverse, lambda g, out, x: g[::-1])
    x = Tensor([1.0, 2.0], requires_grad=True)
    y = reverse(x)
    assert np.shares_memory(y.data, x.data)
    z = y * y
    with no_grad():
        x += 1
    with pytest.raises(RuntimeError, match="written since"):
        np.sum(z).backward()


def test_a_primitive_that_returns_a_tensor_it_closes_over_is_refused():
    weight = Tensor(2.0, requires_grad=True)

    @primitive
    def scaled(x):
        return x * weight

    defvjp(scaled, lambda g, out, x: g * weight.data)
    with pytest.raises(TypeError, match="scaled returned a Tensor that requires grad"):
        scaled(Tensor([1.0, 2.0], requires_grad=True))
    with pytest.raises(TypeError, match="make the Tensor that it uses an argument"):
        scaled(np.ones(2))
    with no_grad():
        assert type(scaled(np.ones(2))) is np.ndarray


# The byte order of a Tensor is that of its gradients.


@pytest.mark.parametrize("dtype", [">f8", ">f4", ">f2", ">c16", ">c8", "<f8", "=f4"])
def test_gradients_have_the_byte_order_of_their_tensor(dtype):
    x = np.array([1.0, 2.0], dtype)

    def f(x):
        return np.real(np.sum(x * x + 3 * x))

    t = Tensor(x, requires_grad=True)
    for _ in range(2):  # the second is added to the first
        f(t).backward()
        assert t.grad.dtype == dtype
    assert_allclose(t.grad, 2 * (2 * x + 3))
    assert gradients(f(t), [t])[0].dtype == dtype
    assert gradients(f(t), [t], create_graph=True)[0].dtype == dtype
    for slope in (grad(f)(x), grad(lambda x: f(grad(f)(x)))(x), vjp(f, x)[1](1.0)[0]):
        assert slope.dtype == dtype
    assert jacobian(lambda x: x * x + x)(x).dtype == dtype
    if np.dtype(dtype).kind == "f":
        assert hvp(f, (x,), (x,)).dtype == dtype
        assert hessian(f)(x).dtype == dtype


# What has no rule is named.


@pytest.mark.parametrize("call", [lambda f, x, y: f(x, y), lambda f, x, y: f(x, y=y)])
def test_an_argument_without_a_rule_is_named(call):
    @primitive
    def product(x, y):
        return x * y

    defvjp(product, lambda g, out, x, y: g * y)
    x, y = (Tensor(2.0, requires_grad=True) for _ in "xy")
    with pytest.raises(NotImplementedError, match="product has no rule for its argument 'y'"):
        call(product, x, y).backward()
    (slope,) = gradients(call(product, x, y), [x])  # that of x is all that this walk needs
    assert slope == 2
