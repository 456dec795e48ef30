"""Whatever way a NumPy call reaches a Tensor, it is remembered, or refused by name."""

import operator
from functools import partial
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from autograd_mini import Tensor, gradients, no_grad, relu, sigmoid, softmax

# NumPy's annotations say that an array comes out, where a Tensor does.
xp: Any = np

ARITHMETIC = [
    operator.add,
    operator.sub,
    operator.mul,
    operator.truediv,
    operator.pow,
    operator.mod,
]
COMPARISONS = [operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne]
OPERANDS = {
    "int": 2,
    "float": 2.5,
    "bool": True,
    "np.float64": np.float64(2.5),
    "np.float32": np.float32(2.5),
    "np.int64": np.int64(2),
    "np.bool": np.bool_(True),
    "list": [1.0, 2.0, 3.0],
    "tuple": (1.0, 2.0, 3.0),
    "nested list": [[1.0], [2.0]],
    "array": np.array([1.0, 2.0, 3.0]),
    "int array": np.array([[1, 2, 3], [4, 5, 6]]),
    "0-d array": np.array(2.5),
    "read-only view": np.broadcast_to(1.5, (2, 3)),
}


def leaf(*values: float) -> Tensor:
    return Tensor(np.array(values), requires_grad=True)


def numeric_gradient(f, x):
    """Return the gradient of sum(f(x)) by central differences, exact enough for 1e-6."""
    slope, h = np.empty(x.shape), 1e-5
    for i in np.ndindex(x.shape):
        step = np.zeros(x.shape)
        step[i] = h
        slope[i] = (np.sum(f(x + step)) - np.sum(f(x - step))) / (2 * h)
    return slope


# Operators.


@pytest.mark.parametrize("other", OPERANDS.values(), ids=OPERANDS)
@pytest.mark.parametrize("operate", ARITHMETIC)
def test_an_operator_takes_any_operand_on_either_side(operate, other):
    data = np.array([0.7, 1.3, 2.9])
    for f in (lambda x: operate(x, other), lambda x: operate(other, x)):
        x = Tensor(data, requires_grad=True)
        out = f(x)
        assert type(out) is Tensor
        assert out.requires_grad
        expected = f(data)
        assert out.dtype == expected.dtype
        assert_array_equal(out.data, expected)
        out.sum().backward()
        assert_allclose(x.grad, numeric_gradient(f, data), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("operate", ARITHMETIC)
def test_an_operator_takes_two_tensors(operate):
    a, b = np.array([[0.7], [1.3]]), np.array([2.9, 0.4, 1.1])
    x, y = Tensor(a, requires_grad=True), Tensor(b, requires_grad=True)
    out = operate(x, y)
    assert_array_equal(out.data, operate(a, b))
    out.sum().backward()
    assert_allclose(x.grad, numeric_gradient(lambda a: operate(a, b), a), rtol=1e-6)
    assert_allclose(y.grad, numeric_gradient(lambda b: operate(a, b), b), rtol=1e-6)


@pytest.mark.parametrize("operate", ARITHMETIC)
def test_a_tensor_may_be_both_operands(operate):
    data = np.array([0.7, 1.3, 2.9])
    x = Tensor(data, requires_grad=True)
    operate(x, x).sum().backward()
    expected = numeric_gradient(lambda a: operate(a, a), data) if operate is not operator.mod else 0
    assert_allclose(x.grad, np.zeros(3) + expected, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
@pytest.mark.parametrize("operate", ARITHMETIC)
def test_a_python_number_does_not_widen_a_narrow_float(operate, dtype):
    x = Tensor(np.array([0.5, 1.5], dtype), requires_grad=True)
    for out in (operate(x, 2), operate(x, 2.0), operate(2, x), operate(2.0, x), operate(x, x)):
        assert out.dtype == dtype


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (np.ones((2, 3)), np.ones(3)),
        (np.ones(3), np.ones((3, 2))),
        ([[1.0, 2.0, 3.0]], np.ones(3)),
        (np.ones(3), [1.0, 2.0, 3.0]),
    ],
)
def test_the_product_of_matrices_takes_a_tensor_on_either_side(left, right):
    x, y = Tensor(left, requires_grad=True), Tensor(right, requires_grad=True)
    for out in (x @ right, left @ y, x @ y):
        assert type(out) is Tensor
        assert out.requires_grad
        assert_array_equal(out.data, np.asarray(left) @ np.asarray(right))


@pytest.mark.parametrize("operate", [operator.neg, operator.pos, abs])
def test_a_sign_operator_is_recorded(operate):
    x = leaf(-1.5, 2.0)
    out = operate(x)
    assert_array_equal(out.data, operate(x.data))
    (out * [3.0, 5.0]).sum().backward()
    assert_array_equal(
        x.grad, operate(np.array([1, 1])) * [3, 5] if operate is not abs else [-3, 5]
    )


@pytest.mark.parametrize("other", OPERANDS.values(), ids=OPERANDS)
@pytest.mark.parametrize("compare", COMPARISONS)
def test_a_comparison_gives_a_tensor_without_gradient(compare, other):
    x = leaf(1.0, 2.5, 3.0)
    for out, expected in (
        (compare(x, other), compare(x.data, np.asarray(other))),
        (compare(other, x), compare(np.asarray(other), x.data)),
    ):
        assert type(out) is Tensor
        assert not out.requires_grad
        assert out.dtype == bool
        assert_array_equal(out.data, expected)


def test_a_tensor_is_compared_with_none_without_an_object_array():
    out = leaf(1.0, 2.0) == None  # noqa: E711 - what is tested
    assert out.dtype == bool
    assert out.tolist() == [False, False]


@pytest.mark.parametrize("operate", [operator.and_, operator.or_, operator.xor])
def test_masks_are_combined(operate):
    x = leaf(1.0, 2.0, 3.0)
    low, high = x > 1.5, np.array([True, False, True])
    for out in (operate(low, high), operate(high, low), operate(low, x < 2.5)):
        assert type(out) is Tensor
        assert out.dtype == bool
    assert_array_equal(operate(low, high).data, operate(low.data, high))
    assert_array_equal((~low).data, [True, False, False])


def test_floor_division_needs_no_gradient_and_the_remainder_does():
    x = leaf(7.0, -7.0)
    assert not (x // 2).requires_grad
    quotient, remainder = divmod(x, 3)
    assert_array_equal(quotient.data, x.data // 3)
    assert_array_equal(remainder.data, x.data % 3)
    remainder.sum().backward()
    assert_array_equal(x.grad, [1, 1])
    assert [type(part) for part in divmod(20, x)] == [Tensor, Tensor]


def test_a_power_is_recorded_for_every_kind_of_exponent():
    data = np.array([0.5, 2.0])
    for exponent in (2, 2.0, 3, -1, 0.5, 0, 1, np.float64(2), np.array([2.0, 3.0]), [2.0, 3.0]):
        x = Tensor(data, requires_grad=True)
        (x**exponent).sum().backward()
        p = np.asarray(exponent, float)
        assert_allclose(x.grad, p * data ** (p - 1), rtol=1e-14)


# Functions and methods.


@pytest.mark.parametrize(
    ("method", "args", "kwargs"),
    [
        ("sum", (), {}),
        ("sum", (0,), {"keepdims": True}),
        ("mean", (), {"axis": (0, 1)}),
        ("prod", (1,), {}),
        ("max", (0,), {}),
        ("min", (), {"axis": 1, "keepdims": True}),
        ("var", (), {"ddof": 1}),
        ("std", (), {"axis": 0}),
        ("cumsum", (1,), {}),
        ("reshape", (3, 2), {}),
        ("reshape", ((3, 2),), {}),
        ("reshape", (-1,), {}),
        ("ravel", (), {}),
        ("flatten", (), {}),
        ("transpose", (), {}),
        ("transpose", (1, 0), {}),
        ("transpose", ((1, 0),), {}),
        ("swapaxes", (0, 1), {}),
        ("squeeze", (), {}),
        ("diagonal", (), {"offset": 1}),
        ("trace", (), {}),
        ("repeat", (2,), {"axis": 0}),
        ("take", ([0, 0, 1],), {"axis": 1}),
        ("dot", (np.ones((3, 2)),), {}),
        ("clip", (-0.5, 0.5), {}),
        ("copy", (), {}),
        ("argmax", (), {"axis": 1}),
        ("argmin", (), {}),
        ("all", (), {"axis": 0}),
        ("any", (), {}),
        ("round", (1,), {}),
        ("astype", (np.float32,), {}),
    ],
)
def test_a_method_is_that_of_the_array_and_records(method, args, kwargs):
    data = np.random.default_rng(3).normal(size=(2, 3))
    x = Tensor(data, requires_grad=True)
    out = getattr(x, method)(*args, **kwargs)
    assert type(out) is Tensor
    expected = getattr(data, method)(*args, **kwargs)
    assert out.dtype == expected.dtype
    assert_array_equal(out.data, expected)
    assert out.requires_grad == (method not in ("argmax", "argmin", "all", "any", "round"))


@pytest.mark.parametrize(
    ("method", "function"),
    [
        ("exp", np.exp),
        ("log", np.log),
        ("sqrt", np.sqrt),
        ("tanh", np.tanh),
        ("abs", np.abs),
        ("sigmoid", sigmoid),
        ("relu", relu),
        ("softmax", softmax),
    ],
)
def test_a_function_is_also_a_method(method, function):
    x = leaf(0.5, 1.5)
    by_method, by_function = getattr(x, method)(), function(x)
    assert_array_equal(by_method.data, by_function.data)
    assert_array_equal(by_method.data, function(x.data))
    weights = np.array([1.0, 10.0])
    assert_array_equal(
        gradients((by_method * weights).sum(), [x]), gradients((by_function * weights).sum(), [x])
    )


def test_a_function_finds_tensors_in_a_list():
    x, y = leaf(1.0, 2.0), leaf(3.0, 4.0)
    weights = np.arange(8.0)
    out = xp.concatenate([xp.stack([x, y]), [x, np.ones(2)]])
    assert type(out) is Tensor
    assert_array_equal(out.data, [[1, 2], [3, 4], [1, 2], [1, 1]])
    (out.ravel() * weights).sum().backward()
    assert_array_equal(x.grad, [0 + 4, 1 + 5])
    assert_array_equal(y.grad, [2, 3])


def test_a_list_of_tensors_is_an_array_where_an_array_is_expected():
    x, y = leaf(1.0, 2.0), leaf(3.0, 4.0)
    out = x * [y[0], y[1] * 2]
    assert_array_equal(out.data, [3, 16])
    out.sum().backward()
    assert_array_equal(x.grad, [3, 8])
    assert_array_equal(y.grad, [1, 4])


def test_a_function_finds_a_tensor_in_a_keyword():
    x, low = leaf(1.0, 5.0), leaf(2.0, 2.0)
    out = xp.clip(x, a_min=low, a_max=10.0)
    assert_array_equal(out.data, [2, 5])
    out.sum().backward()
    assert_array_equal(x.grad, [0, 1])
    assert_array_equal(low.grad, [1, 0])
    first = leaf(1.0, 2.0)
    xp.stack(arrays=(first, first)).sum().backward()
    assert_array_equal(first.grad, [2, 2])


@pytest.mark.skipif(
    np.lib.NumpyVersion(np.__version__) < "2.1.0", reason="np.clip has min= from NumPy 2.1 on"
)
def test_clip_takes_tensors_as_min_and_max():
    x, low, high = leaf(1.0, 5.0, 9.0), leaf(2.0, 2.0, 2.0), leaf(6.0, 6.0, 6.0)
    (xp.clip(x, min=low, max=high) * [1.0, 10.0, 100.0]).sum().backward()
    assert_array_equal(x.grad, [0, 10, 0])
    assert_array_equal(low.grad, [1, 0, 0])
    assert_array_equal(high.grad, [0, 0, 100])


def test_a_bare_array_first_and_a_tensor_later_is_recorded():
    x = leaf(1.0, 2.0)
    mask, ones = np.array([True, False]), np.ones(2)
    for out in (
        xp.where(mask, ones, x),
        xp.dot(ones, x),
        xp.matmul(ones, x),
        xp.maximum(ones, x),
        xp.einsum("i,i->i", ones, x),
        xp.tensordot(ones, x, 1),
    ):
        assert type(out) is Tensor
        assert out.requires_grad


def test_several_results_are_a_tuple_of_tensors():
    x = leaf(1.0, 2.0, 3.0, 4.0)
    first, second = xp.split(x, 2)
    whole = xp.modf(x)
    assert type(whole) is tuple
    assert [type(part) for part in (first, second, *whole)] == [Tensor] * 4
    (first * 10).sum().backward(retain_graph=True)
    assert_array_equal(x.grad, [10, 10, 0, 0])
    (first * second).sum().backward()
    assert_array_equal(x.grad, [13, 14, 1, 2])


def test_a_result_without_arrays_stays_what_it_is():
    x = leaf(1.0, 2.0)
    assert xp.shape(x) == (2,)
    assert xp.shape(x[0]) == ()
    assert xp.ndim(x) == 1
    assert xp.array_equal(x, [1, 2]) is True
    assert xp.result_type(x) == np.float64


def test_a_search_gives_tensors_that_index():
    x = leaf(3.0, 0.0, 2.0)
    out = x[xp.nonzero(x)]
    assert_array_equal(out.data, [3, 2])
    (out + x[xp.argsort(x)][:2]).sum().backward()
    assert_array_equal(x.grad, [1, 1, 2])


@pytest.mark.parametrize(
    "index",
    [
        0,
        -1,
        slice(1, None),
        (slice(None), 1),
        (..., None, 0),
        None,
        [0, 0, 1],
        np.array([[0, 1], [1, 1]]),
        np.array([True, False]),
        ([0, 1, 1], [2, 0, 0]),
        (np.array([0, 1]), slice(None, None, -2)),
        (),
        ...,
        np.int64(1),
        slice(2, 2),
    ],
)
def test_an_index_may_be_of_any_kind_and_may_be_a_tensor(index):
    data = np.arange(6.0).reshape(2, 3)
    weights = np.cos(np.arange(data[index].size)).reshape(data[index].shape)
    expected = np.zeros((2, 3))
    np.add.at(expected, index, weights)
    indices = [index, Tensor(index)] if isinstance(index, np.ndarray) else [index]
    for each in indices:
        x = Tensor(data, requires_grad=True)
        out = x[each]
        assert type(out) is Tensor
        assert_array_equal(out.data, data[index])
        (out * weights).sum().backward()
        assert_array_equal(x.grad, expected)


def test_a_scalar_stays_an_array_without_axes():
    x = leaf(1.0, 2.0)
    for out in (x.sum(), x[0], x @ x, xp.max(x), x[0] * 2, xp.dot(x, x), x.mean()):
        assert type(out) is Tensor
        assert type(out.data) is np.ndarray
        assert out.shape == ()


def test_an_integer_tensor_follows_numpy():
    n = Tensor([1, 2, 3])
    assert (n + 1).dtype == np.int64
    assert (n / 2).dtype == np.float64
    assert (n * 2.0).dtype == np.float64
    assert n.sum().dtype == np.int64
    assert not (n * 2.0).requires_grad
    x = leaf(1.0, 2.0, 3.0)
    (x * n).sum().backward()
    assert_array_equal(x.grad, [1, 2, 3])


def test_a_conversion_to_integers_ends_the_gradient_and_one_to_floats_does_not():
    x = leaf(1.5, 2.5)
    assert not x.astype(int).requires_grad
    narrow = x.astype(np.float32)
    (narrow * np.float32(3)).sum().backward()
    assert x.grad.dtype == np.float64
    assert_array_equal(x.grad, [3, 3])


def test_nothing_is_remembered_when_no_gradient_is_needed():
    x, constant = leaf(1.0, 2.0), Tensor([1.0, 2.0])
    with no_grad():
        inside = x * 2
    for out in (constant * 2, xp.stack([constant, constant]), inside, x > 1, xp.sign(x)):
        assert out.is_leaf
        assert not out.requires_grad
        with pytest.raises(RuntimeError, match="no graph"):
            out.sum().backward()


def test_the_data_of_the_arguments_are_never_changed():
    x, y = leaf(1.0, 2.0), leaf(3.0, 4.0)
    before = x.data.copy(), y.data.copy()
    ((x * y + x / y - x**y).exp() @ y).backward()
    assert_array_equal((x.data, y.data), before)


def test_rules_never_write_into_a_gradient_that_they_were_given():
    x = leaf(1.0, 2.0, 3.0)
    gradient = np.array([1.0, 2.0, 3.0])
    gradient.flags.writeable = False
    (xp.sort(x) + xp.flip(x) * 2 - x[::-1] / x).backward(gradient)
    assert_array_equal(gradient, [1, 2, 3])


# What is refused.


@pytest.mark.parametrize("requires_grad", [True, False])
@pytest.mark.parametrize(
    ("function", "name"),
    [
        (partial(np.union1d, [3.0]), "np.union1d"),
        (np.packbits, "np.packbits"),
    ],
)
def test_a_function_without_a_rule_is_refused_by_name(function, name, requires_grad):
    x = Tensor([1.0, 2.0], requires_grad=requires_grad)
    with pytest.raises(NotImplementedError) as caught:
        function(x)
    assert f"{name} has no derivative rule" in str(caught.value)
    assert f"defvjp({name}, lambda g, out, ...: ...)" in str(caught.value)
    assert f"nondifferentiable({name})" in str(caught.value)


def test_a_ufunc_made_from_python_is_refused():
    double = np.frompyfunc(lambda x: 2 * x, 1, 1)
    with pytest.raises(NotImplementedError, match="has no derivative rule"):
        double(leaf(1.0))


@pytest.mark.parametrize("requires_grad", [True, False])
def test_the_methods_of_a_ufunc_that_no_function_does_are_refused(requires_grad):
    x = Tensor([1.0, 2.0], requires_grad=requires_grad)
    bare = np.ones(2)
    calls: list[tuple[str, Any]] = [
        ("np.divide.reduce", lambda: np.divide.reduce(x)),
        ("np.maximum.accumulate", lambda: np.maximum.accumulate(x)),
        ("np.add.reduceat", lambda: np.add.reduceat(x, [0])),
        ("np.add.at", lambda: np.add.at(bare, [0], x[0])),
        ("np.add.at", lambda: np.add.at(x, [0], 1.0)),
    ]
    for name, call in calls:
        with pytest.raises(TypeError, match=f"{name} can't be recorded"):
            call()
    assert_array_equal(bare, [1, 1])
    assert_array_equal(x.data, [1, 2])


@pytest.mark.parametrize("requires_grad", [True, False])
def test_out_and_where_are_refused(requires_grad):
    x = Tensor([1.0, 2.0], requires_grad=requires_grad)
    bare, mask = np.zeros(2), np.array([True, False])
    calls: list[tuple[str, Any]] = [
        ("out", lambda: np.exp(x, out=bare)),
        ("out", lambda: np.exp(bare, out=x)),
        ("out", lambda: np.add(x, 1.0, out=(bare,))),
        ("out", lambda: np.floor(x, out=bare)),
        ("out", lambda: np.sum(x, out=np.zeros(()))),
        ("out", lambda: np.concatenate([x, x], out=np.zeros(4))),
        ("out", lambda: np.argmax(x, out=np.zeros((), int))),
        ("where", lambda: np.exp(x, where=mask)),
        ("where", lambda: np.floor(x, where=mask)),
        ("where", lambda: np.greater(x, 1.0, where=mask)),
        ("mean", lambda: np.var(x, mean=1.0)),
        ("dtype", lambda: np.exp(x, dtype=np.float32)),
        ("casting", lambda: np.add(x, x, casting="no")),
    ]
    for keyword, call in calls:
        with pytest.raises(TypeError, match=rf"{keyword}=\) can't be recorded.*tensor\.data"):
            call()
    assert_array_equal(bare, [0, 0])
    assert_array_equal(x.data, [1, 2])


def test_an_output_given_by_position_is_refused():
    x, bare = leaf(1.0, 2.0), np.zeros(2)
    calls: list[Any] = [
        lambda: np.exp(x, bare),
        lambda: np.add(x, x, bare),
        lambda: np.floor(x, bare),
        lambda: np.greater(x, 1.0, bare),
        lambda: np.sum(x, 0, None, np.zeros(())),
        lambda: np.sum(x, 0, None, None, True),
    ]
    for call in calls:
        with pytest.raises(TypeError, match="can't be recorded"):
            call()
    assert_array_equal(bare, [0, 0])


@pytest.mark.parametrize("requires_grad", [True, False])
@pytest.mark.parametrize(
    "write",
    [operator.iadd, operator.isub, operator.imul, operator.itruediv, operator.ipow],
)
def test_a_tensor_is_not_added_into_a_bare_array(write, requires_grad):
    array = np.ones(2)
    with pytest.raises(
        TypeError, match=r"out=\) can't be recorded.*z = z \+ x.*bare arrays \(`tensor\.data`"
    ):
        write(array, Tensor([1.0, 2.0], requires_grad=requires_grad))
    assert_array_equal(array, [1, 1])


@pytest.mark.parametrize("requires_grad", [True, False])
def test_no_operation_makes_an_array_of_objects(requires_grad):
    x = Tensor([1.0, 2.0], requires_grad=requires_grad)
    objects = np.array([1, 2.5], object)
    calls: list[Any] = [
        lambda: x + objects,
        lambda: objects * x,
        lambda: x / [1.0, None],
        lambda: np.maximum(objects, x),
        lambda: np.stack([objects, x]),
        lambda: np.where([True, False], objects, x),
    ]
    for call in calls:
        with pytest.raises(TypeError):
            call()


def test_a_string_is_no_operand():
    x = leaf(1.0, 2.0)
    for other in ("a", ["a", "b"], np.array(["a", "b"])):
        for operate in (operator.add, operator.mul, operator.eq):
            with pytest.raises(TypeError):
                operate(x, other)


def test_shapes_that_do_not_broadcast_are_numpys_error():
    x = leaf(1.0, 2.0)
    with pytest.raises(ValueError, match="broadcast"):
        x + np.ones(3)
    with pytest.raises(ValueError, match="mismatch"):
        x @ np.ones(3)
    with pytest.raises(IndexError):
        x[2]


def test_a_masked_array_on_the_left_is_refused() -> None:
    x = Tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(TypeError, match=r"masked|\.detach\(\)"):
        np.ma.masked_array([1.0, 2.0], mask=[True, False]) + x
