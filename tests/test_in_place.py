"""`t += x` and `t[i] = v`: a new value while recording, a write into memory under no_grad."""

import operator
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from autograd_mini import Tensor, gradients, no_grad

xp: Any = np

OPERATORS = [
    operator.iadd,
    operator.isub,
    operator.imul,
    operator.itruediv,
    operator.ipow,
    operator.imatmul,
    operator.imod,
    operator.ifloordiv,
]
DIFFERENTIABLE = OPERATORS[:-1]


def leaf(*values: float) -> Tensor:
    return Tensor(np.array(values), requires_grad=True)


def square() -> np.ndarray:
    return np.array([[1.5, 2.0], [3.0, 4.5]])


# t += x.


@pytest.mark.parametrize("operate", DIFFERENTIABLE)
def test_while_recording_an_operator_in_place_makes_a_new_tensor(operate):
    x = Tensor(square(), requires_grad=True)
    old = y = x * 1
    y = operate(y, square().T)
    assert y is not old
    assert_array_equal(old.data, square())
    assert_array_equal(y.data, operate(square(), square().T))
    y.sum().backward()
    assert x.grad is not None


def test_the_gradient_flows_into_both_sides_of_an_operator_in_place():
    x, y = leaf(1.0, 2.0), leaf(3.0, 4.0)
    z = x * 1
    z *= y
    z += x
    z.sum().backward()
    assert_array_equal(x.grad, [4, 5])
    assert_array_equal(y.grad, [1, 2])


@pytest.mark.parametrize("operate", OPERATORS)
def test_while_recording_a_leaf_that_requires_grad_is_not_overwritten(operate):
    x = Tensor(square(), requires_grad=True, name="weight")
    with pytest.raises(RuntimeError, match=r"'weight' of shape \(2, 2\).*no_grad\(\)"):
        operate(x, square())
    assert_array_equal(x.data, square())


@pytest.mark.parametrize("operate", OPERATORS)
def test_under_no_grad_an_operator_in_place_writes_into_the_memory(operate):
    x = Tensor(square(), requires_grad=True)
    data, other = x.data, x
    with no_grad():
        x = operate(x, Tensor(square().T))
    assert x is other
    assert x.data is data
    assert_array_equal(data, operate(square(), square().T))
    assert x.requires_grad
    assert x.is_leaf


def test_under_no_grad_a_scalar_is_written_in_place():
    x = Tensor(3.0, requires_grad=True)
    data = x.data
    with no_grad():
        x -= 1
    assert x.data is data
    assert data == 2


def test_an_operator_in_place_does_not_change_shape_or_dtype():
    x, n = leaf(1.0, 2.0), Tensor([1, 2])
    with no_grad():
        with pytest.raises(ValueError, match="broadcast"):
            x += np.ones((3, 2))
        with pytest.raises(TypeError, match="cast"):
            n += 0.5


def test_a_constant_is_not_written_while_recording():
    constant = Tensor([1.0, 2.0])
    other = constant
    constant += 1
    assert_array_equal(other.data, [1, 2])
    assert_array_equal(constant.data, [2, 3])


# t[i] = v.

INDICES = [
    1,
    slice(1, None),
    [0, 2],
    np.array([True, False, True]),
    Tensor([True, False, True]),
    Tensor([2, 0]),
    ...,
]


@pytest.mark.parametrize("index", INDICES)
def test_item_assignment_sends_the_gradient_to_the_old_value_and_to_the_new(index):
    x, w = leaf(1.0, 2.0, 3.0), Tensor(5.0, requires_grad=True)
    y = x * 10
    y[index] = w * 2
    expected = x.data * 10
    bare = index.data if isinstance(index, Tensor) else index
    expected[bare] = 10
    assert_array_equal(y.data, expected)
    weights = np.array([1.0, 10.0, 100.0])
    (y * weights).sum().backward()
    assert_array_equal(w.grad, 2 * weights[bare].sum())
    weights[bare] = 0
    assert_array_equal(x.grad, 10 * weights)


def test_gradients_are_those_of_the_value_that_a_tensor_has_now():
    x = leaf(1.0, 2.0)
    y = x * 3
    before = (y * y).sum()
    y[0] = 5.0
    after = (y * y).sum()
    assert_array_equal(gradients(after, [y]), [[10, 12]])
    assert_array_equal(gradients(before, [y]), [[0, 0]])
    assert_array_equal(gradients(before, [x]), [[18, 36]])


def test_an_assigned_tensor_stays_the_same_object_with_its_name():
    y = leaf(1.0, 2.0) * 2
    y.name = "state"
    same = y
    y[0] = 7.0
    assert same is y
    assert y.name == "state"
    assert not y.is_leaf
    assert_array_equal(y.data, [7, 4])


def test_results_recorded_before_keep_the_value_that_they_used():
    x = leaf(1.0, 2.0)
    y = x * 1
    before = y * y
    y[0] = 10.0
    after = y * y
    assert_array_equal(before.data, [1, 4])
    assert_array_equal(after.data, [100, 4])
    (before * [1.0, 2.0] + after * [10.0, 100.0]).sum().backward()
    assert_array_equal(x.grad, [2 * 1, 2 * 2 * 2 + 2 * 2 * 100])


def test_lists_keywords_and_results_recorded_before_keep_their_values_too():
    x, a = leaf(1.0, 2.0), leaf(0.0, 5.0)
    y = x * 1
    listed = xp.stack([y, y * 0])
    clipped = xp.clip(a, a_min=y, a_max=4.0)
    y[0] = 3.0
    (listed.sum() + clipped.sum() * 10).backward()
    assert_array_equal(x.grad, [1 + 10, 1])
    assert_array_equal(a.grad, [0, 0])


def test_a_second_derivative_goes_through_item_assignment():
    x = leaf(2.0, 3.0)
    y = x * x
    z = y * x
    y[0] = z[0] * y[1]
    (slope,) = gradients((y * z).sum(), [x], create_graph=True)
    a, b = x.data
    # y = [a^3 b^2, b^2], z = [a^3, b^3]: y.z = a^6 b^2 + b^5.
    assert_array_equal(slope.data, [6 * a**5 * b**2, 2 * a**6 * b + 5 * b**4])
    (curvature,) = gradients(slope.sum(), [x])
    assert_array_equal(
        curvature,
        [30 * a**4 * b**2 + 12 * a**5 * b, 12 * a**5 * b + 2 * a**6 + 20 * b**3],
    )


def test_assigning_again_and_again_keeps_every_value_apart():
    x, w = leaf(1.0, 1.0), Tensor(2.0, requires_grad=True)
    state = x * 1
    outputs = []
    for step in range(6):
        state[step % 2] = state[(step + 1) % 2] * w
        outputs.append(state[step % 2])
    assert [out.item() for out in outputs] == [2, 4, 8, 16, 32, 64]
    xp.stack(outputs).sum().backward()
    assert_array_equal(w.grad, sum(n * 2 ** (n - 1) for n in range(1, 7)))
    assert_array_equal(x.grad, [0, 2 + 4 + 8 + 16 + 32 + 64])


def test_an_array_is_filled_row_by_row():
    x = leaf(1.0, 2.0, 3.0)
    rows = Tensor(np.zeros((3, 3)))
    for i in range(3):
        rows[i] = x * (i + 1)
    assert rows.requires_grad
    (rows * np.arange(9.0).reshape(3, 3)).sum().backward()
    assert_array_equal(x.grad, [0 + 6 + 18, 1 + 8 + 21, 2 + 10 + 24])


def test_a_constant_that_receives_a_gradient_becomes_a_result_and_its_array_stays():
    array = np.zeros(2)
    constant, w = Tensor(array), Tensor(3.0, requires_grad=True)
    constant[0] = w
    assert not constant.is_leaf
    assert_array_equal(array, [0, 0])
    (constant * [5.0, 7.0]).sum().backward()
    assert_array_equal(w.grad, 5)


def test_of_values_assigned_to_one_place_the_last_one_counts():
    values = leaf(1.0, 2.0, 3.0, 4.0)
    y = Tensor(np.zeros(3))
    y[[0, 2, 0, 0]] = values
    assert_array_equal(y.data, [4, 0, 2])
    (y * [1.0, 10.0, 100.0]).sum().backward()
    assert_array_equal(values.grad, [0, 100, 0, 1])


def test_a_value_that_is_broadcast_gets_the_sum():
    x = Tensor(np.zeros((2, 3)))
    row, column, single = leaf(1.0, 2.0, 3.0), Tensor([[1.0], [2.0]], requires_grad=True), leaf(5.0)
    weights = np.arange(6.0).reshape(2, 3)
    for value, expected in ((row, [3, 5, 7]), (column, [[3], [12]]), (single, [15])):
        y = x.copy()
        y[:, :] = value
        (y * weights).sum().backward()
        assert_array_equal(value.grad, expected)


@pytest.mark.parametrize("shape", [(1, 3), (1, 1, 3), (1, 1)])
def test_a_value_may_have_leading_axes_of_length_one(shape):
    y, value = Tensor(np.zeros((2, 3))), Tensor(np.ones(shape), requires_grad=True)
    y[0] = value
    (y * [1.0, 10.0, 100.0]).sum().backward()
    assert_array_equal(
        value.grad, np.array([1.0, 10, 100] if shape[-1] == 3 else 111).reshape(shape)
    )


def test_a_list_with_tensors_is_assigned():
    x = leaf(1.0, 2.0)
    y = Tensor(np.zeros(3))
    y[1:] = [x[1] * 2, x[0]]
    assert_array_equal(y.data, [0, 4, 1])
    (y * y).sum().backward()
    assert_array_equal(x.grad, [2, 16])


def test_a_tensor_may_be_assigned_to_itself():
    x = leaf(1.0, 2.0)
    y = x * 3
    y[...] = y
    y[:] = y * 2
    y[::-1] = y
    assert_array_equal(y.data, [12, 6])
    (y * [1.0, 10.0]).sum().backward()
    assert_array_equal(x.grad, [60, 6])


def test_an_element_is_changed_in_place():
    x = leaf(1.0, 2.0)
    y = x * 1
    y[0] += 5.0
    y[1] *= y[0]
    assert_array_equal(y.data, [6, 12])
    y[1].backward()
    assert_array_equal(x.grad, [2, 6])


def test_a_leaf_that_requires_grad_is_not_assigned_to_while_recording():
    x = Tensor([1.0, 2.0], requires_grad=True, name="weight")
    for value in (5.0, leaf(5.0)[0]):
        with pytest.raises(RuntimeError, match=r"item assignment.*'weight'.*no_grad\(\)"):
            x[0] = value
    assert_array_equal(x.data, [1, 2])


def test_under_no_grad_a_leaf_is_assigned_to_in_its_memory():
    x = Tensor([1.0, 2.0], requires_grad=True)
    data = x.data
    with no_grad():
        x[0] = Tensor(5.0, requires_grad=True)
        x[1:] += 1.0
    assert_array_equal(data, [5, 3])
    assert x.is_leaf


def test_a_constant_is_assigned_to_in_its_memory():
    data = np.array([1, 2])
    x = Tensor(data)
    x[0] = 7
    x[x > 5] = 9
    assert_array_equal(data, [9, 2])


@pytest.mark.parametrize(
    "view",
    [lambda x: x.T, lambda x: x[0], lambda x: x.reshape(4), lambda x: next(iter(x)), xp.ravel],
)
def test_a_view_is_not_assigned_to_while_recording(view):
    y = view(Tensor(square(), requires_grad=True) * 1)
    with pytest.raises(RuntimeError, match=r"view.*t\[i, j\] = v.*\.copy\(\)"):
        y[0] = 5.0
    copied = y.copy()
    copied[0] = 5.0
    assert_array_equal(copied[0].data, np.full(copied.shape[1:], 5.0))


def test_a_value_with_a_gradient_does_not_vanish_in_integers():
    n, w = Tensor([1, 2, 3]), Tensor(2.5, requires_grad=True)
    with pytest.raises(TypeError, match=r"dtype int64.*astype\(float\)"):
        n[0] = w
    assert_array_equal(n.data, [1, 2, 3])


def test_an_assignment_that_does_not_fit_changes_nothing():
    y = leaf(1.0, 2.0) * 1
    with pytest.raises(ValueError, match="broadcast"):
        y[:] = np.ones(3)
    with pytest.raises(IndexError):
        y[5] = 1.0
    assert_array_equal(y.data, [1, 2])
    y.sum().backward()


def test_an_assigned_tensor_keeps_its_dtype():
    x = Tensor(np.ones(2, np.float32), requires_grad=True)
    y, w = x * 1, Tensor(3.0, requires_grad=True)
    y[0] = w
    assert y.dtype == np.float32
    y.sum().backward()
    assert x.grad.dtype == np.float32
    assert w.grad.dtype == np.float64
    assert_array_equal(x.grad, [0, 1])
    assert_array_equal(w.grad, 1)


@pytest.mark.parametrize(
    ("t", "x"),
    [(np.ones(2), np.ones((3, 2))), (np.ones(2, int), 0.5), (np.ones(2), np.ones(2) * 1j)],
)
def test_what_numpy_can_not_write_in_place_is_refused(t, x):
    with pytest.raises(TypeError if np.ndim(x) < 2 else ValueError):
        t += x
    made = Tensor(t)
    with pytest.raises(ValueError, match="can't be written into a Tensor of"):
        made += Tensor(x, requires_grad=np.ndim(x) > 0)


def test_in_place_arithmetic_keeps_the_dtype():
    t = Tensor(np.float32([1.0, 2.0]), requires_grad=True) * 1
    t *= Tensor(np.array([3.0, 4.0]), requires_grad=True)
    assert t.dtype == np.float32
