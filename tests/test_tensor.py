"""What a Tensor takes, what it shows, and what Python's own protocols make of it."""

import copy
import io
import math
import pickle
from typing import Any

import numpy as np
import pytest
from tqdm import tqdm

from autograd_mini import Tensor, no_grad, sigmoid

INEXACT = [np.float16, np.float32, np.float64, np.longdouble]


# What it takes.


@pytest.mark.parametrize(
    ("data", "dtype"),
    [
        (1.5, np.float64),
        (1, np.int64),
        (True, np.bool_),
        ([1.0, 2.0], np.float64),
        ([1, 2.0], np.float64),
        ([[1, 2], [3, 4]], np.int64),
        ((True, False), np.bool_),
        (np.float32(1), np.float32),
        (np.ones(2, np.float16), np.float16),
        (np.ones(2, np.uint8), np.uint8),
        (1 + 2j, np.complex128),
        ([], np.float64),
        (range(3), np.int64),
    ],
)
def test_the_dtype_follows_numpy(data, dtype):
    x = Tensor(data)
    assert x.dtype == np.asarray(data).dtype == dtype
    assert type(x.data) is np.ndarray
    np.testing.assert_array_equal(x.data, np.asarray(data))


def test_an_array_is_kept_as_it_is():
    array = np.arange(6.0).reshape(2, 3).T
    assert Tensor(array).data is array


@pytest.mark.parametrize("dtype", INEXACT)
def test_dtype_converts_the_data(dtype):
    x = Tensor([1, 2], requires_grad=True, dtype=dtype)
    assert x.dtype == dtype
    assert x.requires_grad


@pytest.mark.parametrize("dtype", INEXACT)
@pytest.mark.parametrize("shape", [(), (3,), (2, 1)])
def test_a_gradient_has_the_dtype_and_the_shape_of_its_leaf(dtype, shape):
    x = Tensor(np.full(shape, 0.5, dtype), requires_grad=True)
    loss = ((x * 2 + 1) / 3 - x**2).exp().sum()
    assert loss.dtype == dtype
    loss.backward()
    assert type(x.grad) is np.ndarray
    assert x.grad.dtype == dtype
    assert x.grad.shape == shape


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_a_wider_operand_does_not_widen_the_gradient(dtype):
    x = Tensor(np.ones(3, dtype), requires_grad=True)
    loss = (x * np.arange(3.0)).sum()
    assert loss.dtype == np.float64
    loss.backward()
    assert x.grad.dtype == dtype
    np.testing.assert_array_equal(x.grad, [0, 1, 2])


@pytest.mark.parametrize("data", [3, [1, 2], True, np.zeros(2, np.uint8)])
def test_only_floating_point_tensors_can_require_grad(data):
    with pytest.raises(TypeError, match=r"only floating-point.*found dtype.*dtype=float"):
        Tensor(data, requires_grad=True)


@pytest.mark.parametrize(
    "data",
    [None, "text", ["a", "b"], [1.0, None], np.array([1.0], object), np.array("2020", "M8[Y]")],
)
def test_data_that_are_not_numbers_are_refused(data):
    with pytest.raises(TypeError, match=r"holds numbers, found dtype"):
        Tensor(data)


def test_ragged_lists_are_refused():
    with pytest.raises(ValueError, match="inhomogeneous"):
        Tensor([[1.0], [1.0, 2.0]])


def test_a_masked_array_is_refused_wherever_it_comes_in():
    masked = np.ma.array([1.0, 2.0], mask=[False, True])
    x = Tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(TypeError, match="masked"):
        Tensor(masked)
    with pytest.raises(TypeError, match="masked"):
        x.data = masked
    with pytest.raises(TypeError, match="masked"):
        x + masked
    np.testing.assert_array_equal(x.data, [1, 2])


def test_a_tensor_of_a_tensor_holds_its_array():
    x = Tensor([1.0, 2.0])
    y = Tensor(x)
    assert y.data is x.data
    assert y.is_leaf


def test_a_tensor_of_a_tensor_that_requires_grad_is_refused():
    x = Tensor([1.0], requires_grad=True)
    for data in (x, x * 2, [x, x], [[x]]):
        with pytest.raises(TypeError, match=r"\.detach\(\)"):
            Tensor(data)


def test_a_subclass_of_tensor_is_refused():
    with pytest.raises(TypeError, match="subclass"):
        type("Special", (Tensor,), {"__slots__": ()})


# What it shows.


def test_the_attributes_are_those_of_the_array():
    x = Tensor(np.arange(6.0).reshape(2, 3), requires_grad=True, name="x")
    assert (x.shape, x.ndim, x.size, x.dtype) == ((2, 3), 2, 6, np.dtype(float))
    assert (x.name, x.grad, x.is_leaf, x.requires_grad) == ("x", None, True, True)
    np.testing.assert_array_equal(x.T.data, x.data.T)
    assert (Tensor(1.0).shape, Tensor(1.0).ndim, Tensor(1.0).size) == ((), 0, 1)
    assert Tensor(np.zeros((0, 3))).size == 0


def test_a_result_is_no_leaf_unless_nothing_in_it_requires_grad():
    x = Tensor([1.0], requires_grad=True)
    assert not (x + 1).is_leaf
    assert (x + 1).requires_grad
    assert (Tensor([1.0]) + 1).is_leaf
    assert not (Tensor([1.0]) + 1).requires_grad


def test_a_gradient_flows_through_the_transpose():
    x = Tensor(np.ones((2, 3)), requires_grad=True)
    (x.T * np.arange(6.0).reshape(3, 2)).sum().backward()
    np.testing.assert_array_equal(x.grad, np.arange(6.0).reshape(3, 2).T)


def test_an_attribute_that_does_not_exist_can_not_be_set():
    with pytest.raises(AttributeError):
        Tensor(1.0).gradient = 3


@pytest.mark.parametrize("value", [np.array([3.0, 4.0]), [3.0, 4.0], Tensor([3.0, 4.0])])
def test_data_can_be_assigned(value):
    x = Tensor([1.0, 2.0], requires_grad=True)
    x.data = value
    assert type(x.data) is np.ndarray
    np.testing.assert_array_equal(x.data, [3, 4])


def test_writing_through_the_data_of_a_constant_reaches_the_array_that_was_given():
    array = np.array([1.0, 2.0])
    x = Tensor(array)
    x.data -= 1
    np.testing.assert_array_equal(array, [0, 1])
    assert x.data is array


def test_data_of_another_shape_is_refused():
    x = Tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(ValueError, match=r"\(2,\).*\(1,\)"):
        x.data = np.zeros(1)
    assert x.shape == (2,)


def test_data_that_can_not_have_a_gradient_are_refused_where_one_is_wanted():
    x = Tensor([1.0], requires_grad=True)
    with pytest.raises(TypeError, match="floating-point"):
        x.data = np.array([1])
    y = Tensor([1.0])
    y.data = np.array([1])
    assert y.dtype == np.int64


def test_data_of_another_dtype_are_refused_while_there_is_a_gradient_of_the_old_one():
    x = Tensor([1.0], requires_grad=True)
    x.sum().backward()
    with pytest.raises(ValueError, match=r"float32.*\.grad = None"):
        x.data = np.ones(1, np.float32)
    x.grad = None
    x.data = np.ones(1, np.float32)
    x.sum().backward()
    assert x.grad.dtype == np.float32


def test_a_gradient_can_be_assigned_and_removed():
    x = Tensor([1.0, 2.0], requires_grad=True)
    x.grad = [3.0, 4.0]
    np.testing.assert_array_equal(x.grad, [3, 4])
    (2 * x).sum().backward()
    np.testing.assert_array_equal(x.grad, [5, 6])
    x.grad = None
    assert x.grad is None


@pytest.mark.parametrize("wrong", [[1.0], [[1.0, 2.0]], 1.0, np.ones(2, np.float32), [1, 2]])
def test_a_gradient_of_another_shape_or_dtype_is_refused(wrong):
    x = Tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(ValueError, match=r"shape \(2,\) and dtype float64, found"):
        x.grad = wrong


def test_the_gradient_of_a_scalar_is_an_array_however_often_it_is_accumulated():
    x = Tensor(2.0, requires_grad=True)
    for count in (1, 2, 3):
        (x * 3).backward()
        assert type(x.grad) is np.ndarray
        assert x.grad.shape == ()
        assert x.grad == 3 * count


def test_requires_grad_can_be_switched_on_a_leaf_only():
    x = Tensor([1.0])
    x.requires_grad = True
    assert (x + 1).requires_grad
    with pytest.raises(RuntimeError, match="leaf"):
        (x + 1).requires_grad = False
    x.requires_grad = False
    assert not (x + 1).requires_grad
    with pytest.raises(TypeError, match="floating-point"):
        Tensor([1]).requires_grad = True


# What Python makes of it.


def test_a_tensor_of_one_element_becomes_a_python_number():
    x = Tensor([[2.75]], requires_grad=True)
    assert x.item() == 2.75
    assert type(x.item()) is float
    assert type(Tensor(3).item()) is int
    assert float(Tensor(2.75)) == 2.75
    assert int(Tensor(2.75)) == 2
    assert complex(Tensor(2.75j)) == 2.75j
    assert math.sin(Tensor(0.5)) == math.sin(0.5)
    assert Tensor([[1, 2]]).tolist() == [[1, 2]]


def test_a_tensor_of_several_elements_is_no_python_number():
    x = Tensor([1.0, 2.0])
    with pytest.raises(TypeError):
        float(x)
    with pytest.raises(TypeError):
        int(x)
    with pytest.raises(ValueError, match="size 1"):
        x.item()


def test_an_integer_tensor_counts_and_indexes():
    n = Tensor(2)
    assert list(range(n)) == [0, 1]
    assert ["a", "b", "c"][n] == "c"
    with pytest.raises(TypeError):
        ["a", "b", "c"][Tensor(2.0)]


@pytest.mark.parametrize("value", [0.0, 1.0, -2.5])
def test_the_truth_of_a_scalar_is_that_of_its_number(value):
    assert bool(Tensor(value, requires_grad=True)) is bool(value)


def test_the_truth_of_several_elements_is_ambiguous():
    x = Tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(ValueError, match="ambiguous"):
        bool(x > 1)
    with pytest.raises(ValueError, match="ambiguous"):
        bool(x == x.detach())


def test_format_writes_the_number_or_the_tensor():
    x = Tensor(3.14159, requires_grad=True)
    assert f"{x:.2f}" == "3.14"
    assert f"{Tensor(7):03d}" == "007"
    assert f"{x}" == str(x) == "3.14159"
    assert f"{x * [1, 2]}" == str(x * [1, 2]) == repr(x * [1, 2])


@pytest.mark.parametrize("value", [0.1, np.float32(0.1), 3, True, 1 + 2j, np.nan, 1e-300])
@pytest.mark.parametrize("is_result", [False, True])
def test_a_single_number_prints_as_numpy_prints_it_and_its_repr_says_what_it_is(value, is_result):
    x = Tensor([value])[0] if is_result else Tensor(value)
    assert str(x) == str(x.data)
    assert str(x) in {str(value), str(np.array(value))}
    assert repr(x).startswith("Tensor(")


def test_a_progress_bar_shows_the_number_of_a_cost():
    with tqdm(total=1, file=io.StringIO()) as bar:
        bar.set_postfix(loss=(Tensor([0.5, 0.25], requires_grad=True) ** 2).sum())
        assert bar.postfix == "loss=0.3125"


def test_repr_says_what_a_tensor_is():
    x = Tensor([1.0, 2.0], requires_grad=True, name="w")
    assert repr(Tensor([1, 2])) == "Tensor([1, 2])"
    assert repr(Tensor(1.0, dtype=np.float32)) == "Tensor(1., dtype=float32)"
    assert repr(x) == "Tensor([1., 2.], requires_grad=True, name='w')"
    assert repr(x + 1) == "Tensor([2., 3.], made by np.add)"


def test_a_tensor_has_the_length_of_its_first_axis():
    assert len(Tensor(np.zeros((3, 2)))) == 3
    with pytest.raises(TypeError, match="has no length and no parts"):
        len(Tensor(1.0))


def test_iterating_yields_tensors_through_which_gradients_flow():
    x = Tensor(np.arange(6.0).reshape(2, 3), requires_grad=True)
    first, second = x
    assert type(first) is Tensor
    (first * 2 + second * second).sum().backward()
    np.testing.assert_array_equal(x.grad, [[2, 2, 2], [6, 8, 10]])
    with pytest.raises(TypeError, match="has no length and no parts"):
        list(Tensor(1.0))


def test_in_asks_for_an_element_as_an_array_does():
    x = Tensor(np.arange(6.0).reshape(2, 3), requires_grad=True)
    assert 4.0 in x
    assert 7.0 not in x
    assert Tensor(4.0) in x
    assert 1.0 in Tensor([1.0, 2.0])


def test_tensors_are_told_apart_by_identity_in_sets_and_dicts():
    x, y = Tensor([1.0, 2.0]), Tensor([1.0, 2.0])
    assert len({x, y, x}) == 2
    names = {x: "x", y: "y"}
    assert (names[x], names[y]) == ("x", "y")
    assert hash(x) != hash(y)


# Copying, and leaving the graph.


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_a_leaf_is_copied_with_its_gradient_and_its_name(duplicate):
    x = Tensor(np.ones(2, np.float32), requires_grad=True, name="w")
    (x * 3).sum().backward()
    y = duplicate(x)
    assert type(y) is Tensor
    assert (y.name, y.requires_grad, y.dtype, y.is_leaf) == ("w", True, np.float32, True)
    np.testing.assert_array_equal(y.data, x.data)
    np.testing.assert_array_equal(y.grad, x.grad)
    assert not np.shares_memory(y.data, x.data)
    assert not np.shares_memory(y.grad, x.grad)
    (y * 5).sum().backward()
    np.testing.assert_array_equal(y.grad, [8, 8])
    np.testing.assert_array_equal(x.grad, [3, 3])


def test_a_leaf_held_twice_is_copied_once():
    x = Tensor([1.0], requires_grad=True)
    first, second = copy.deepcopy([x, x])
    assert first is second
    assert first is not x


def test_detach_shares_the_memory_and_stops_the_gradient():
    x = Tensor([1.0, 2.0], requires_grad=True, name="x")
    y = (x * 2).detach()
    assert not y.requires_grad
    assert y.is_leaf
    assert x.detach().name == "x"
    assert x.detach().data is x.data
    (x * y).sum().backward()
    np.testing.assert_array_equal(x.grad, [2, 4])


@pytest.mark.parametrize("convert", [np.asarray, np.array, np.asanyarray, np.ascontiguousarray])
def test_a_tensor_that_requires_grad_does_not_become_a_bare_array(convert):
    x = Tensor([1.0, 2.0], requires_grad=True)
    for data in (x, x * 2, [x, x], [x[0], 3.0]):
        with pytest.raises((TypeError, NotImplementedError), match=r"detach|bare arrays"):
            convert(data)
    with pytest.raises(TypeError, match=r"\.detach\(\)"):
        np.zeros(2)[:] = x


def test_a_detached_tensor_becomes_the_bare_array():
    x = Tensor([1.0, 2.0], requires_grad=True)
    assert np.asarray(x.detach()) is x.data
    assert np.asarray(x.detach(), np.float32).dtype == np.float32
    copied = np.array(x.detach())
    assert type(copied) is np.ndarray
    assert not np.shares_memory(copied, x.data)
    np.testing.assert_array_equal(np.asarray([x.detach(), x.detach()]), [[1, 2], [1, 2]])


def test_a_result_computed_under_no_grad_becomes_the_bare_array():
    x = Tensor([1.0, 2.0], requires_grad=True)
    with no_grad():
        y = x * 2
    np.testing.assert_array_equal(np.asarray(y), [2, 4])


# Arrays of another library.


class Duck:
    """An array of another library: it speaks NumPy's protocols, and is no ndarray."""

    def __init__(self, array: Any) -> None:
        self.array = array

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        return _wrapped(getattr(ufunc, method)(*_unwrapped(inputs), **kwargs))

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return _wrapped(function(*_unwrapped(args), **kwargs))

    def __getattr__(self, name: str) -> Any:
        value = getattr(self.__dict__["array"], name)
        return (lambda *args, **k: _wrapped(value(*args, **k))) if callable(value) else value

    def __mul__(self, other: Any) -> Any:
        return np.multiply(self, other)

    __rmul__ = __mul__

    def __add__(self, other: Any) -> Any:
        return np.add(self, other)


class Strict(Duck):
    """An array that refuses NumPy's beside it, as one on another device does."""

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if any(type(x) is np.ndarray for x in inputs):
            raise TypeError("an array of this library and one of NumPy do not mix")
        return Strict(getattr(ufunc, method)(*_unwrapped(inputs), **kwargs))

    def __truediv__(self, other: Any) -> Any:
        return np.divide(self, other)


def _wrapped(x: Any) -> Any:
    return Duck(np.asarray(x)) if isinstance(x, np.ndarray | np.generic) else x


def _unwrapped(x: Any) -> Any:
    if isinstance(x, tuple | list):
        return type(x)(_unwrapped(part) for part in x)
    return x.array if isinstance(x, Duck) else x


def test_an_array_of_another_library_is_kept_and_stays_what_it_is():
    duck = Duck(np.array([1.0, 2.0, 3.0]))
    assert Tensor(duck).data is duck
    x = Tensor(duck, requires_grad=True)
    loss = (x * x + x.exp() * 2).sum()
    assert type(loss.data) is Duck
    loss.backward()
    assert type(x.grad) is Duck
    np.testing.assert_allclose(
        x.grad.array, 2 * duck.array + 2 * np.exp(duck.array), rtol=1e-14, atol=0
    )


def test_the_sigmoid_brings_no_numpy_arrays_to_those_of_another_library():
    out = sigmoid(Tensor(Strict(np.array([-1000.0, 0.0, 1000.0]))))
    assert type(out.data) is Strict
    np.testing.assert_array_equal(out.data.array, [0, 0.5, 1])
