"""Every primitive of nn.functional against numeric derivatives, first and second order.

First order by complex step; second order by extrapolated differences of the first. The walk is the
public one; `test_rules.py` holds the bare rules against the same oracle over many more shapes.
"""

import tracemalloc
from functools import partial
from typing import Any

import numpy as np
import pytest

import nn
from autograd_mini import Tensor, gradients
from nn.functional import cross_entropy, linear, mse_loss
from tests.numeric import numeric_gradient

RNG = np.random.default_rng(7)
LABELS = np.array([2, 0, 1, 2])


def entropy(reduction, logits):
    return cross_entropy(logits, LABELS, reduction)


CASES: dict[str, tuple[Any, ...]] = {
    "linear of one example": (linear, (5,), (3, 5), (3,)),
    "linear of a batch": (linear, (4, 5), (3, 5), (3,)),
    "linear of a batch of one": (linear, (1, 5), (1, 5), (1,)),
    "linear of three axes": (linear, (2, 4, 5), (3, 5), (3,)),
    "linear of an empty batch": (linear, (0, 5), (3, 5), (3,)),
    "linear of no examples on three axes": (linear, (2, 0, 5), (3, 5), (3,)),
    "linear of no inputs": (linear, (2, 4, 0), (3, 0), (3,)),
    "linear without bias": (linear, (4, 5), (3, 5)),
    **{
        f"mse_loss {reduction}": (partial(mse_loss, reduction=reduction), (4, 3), (4, 3))
        for reduction in ("mean", "sum", "none", "batchmean")
    },
    "mse_loss of numbers": (mse_loss, (), ()),
    "mse_loss of three axes": (mse_loss, (2, 3, 4), (2, 3, 4)),
    **{
        f"cross_entropy {reduction}": (partial(entropy, reduction), (4, 3))
        for reduction in ("mean", "sum", "none")
    },
}


def drawn(shapes):
    return [RNG.normal(size=shape) for shape in shapes]


def weighted(f, xs, weights):
    """Return one number that depends on every element of f(*xs)."""
    return (f(*xs) * weights).sum()


def tensors(xs):
    return [Tensor(x, requires_grad=True) for x in xs]


def along(f, xs, weights, directions):
    """Return the derivative of that number along `directions`, a Tensor."""
    found = gradients(weighted(f, xs, weights), xs, create_graph=True)
    return sum((g * direction).sum() for g, direction in zip(found, directions, strict=True))


def assert_near(found, expected, tolerance):
    scale = max((abs(e).max() for e in expected if e.size), default=0.0)
    for f, e in zip(found, expected, strict=True):
        assert f.shape == e.shape
        np.testing.assert_allclose(f, e, rtol=0, atol=tolerance * max(scale, 1e-300))


@pytest.mark.parametrize("case", CASES)
def test_the_gradient_is_the_complex_step(case):
    f, *shapes = CASES[case]
    xs = drawn(shapes)
    (weights,) = drawn([np.shape(f(*xs))])
    inputs = tensors(xs)
    found = gradients(weighted(f, inputs, weights), inputs)
    wanted = numeric_gradient(lambda values: weighted(f, values, weights), xs, analytic=True)
    assert_near(found, wanted, 1e-12)


@pytest.mark.parametrize("case", CASES)
def test_the_second_derivative_is_the_difference_of_gradients(case):
    f, *shapes = CASES[case]
    xs, directions = drawn(shapes), drawn(shapes)
    (weights,) = drawn([np.shape(f(*xs))])

    def slope(values):
        return along(f, tensors(values), weights, directions).item()

    inputs = tensors(xs)
    first = along(f, inputs, weights, directions)
    found = gradients(first, inputs)
    wanted = numeric_gradient(slope, xs, analytic=False)
    assert_near(found, wanted, 1e-8)


@pytest.mark.parametrize("case", CASES)
def test_float32_stays_float32(case):
    f, *shapes = CASES[case]
    inputs = tensors([x.astype(np.float32) for x in drawn(shapes)])
    out = f(*inputs)
    assert out.dtype == np.float32
    out.backward(np.ones(out.shape, np.float32))
    assert {x.grad.dtype for x in inputs} == {np.dtype(np.float32)}


@pytest.mark.parametrize("order", ["C", "F", "strided", "broadcast"])
def test_linear_takes_arrays_of_any_layout(order):
    def laid_out(x):
        if order == "strided":
            return np.repeat(x, 2, axis=-1)[..., ::2]
        if order == "broadcast":
            return np.broadcast_to(x[:1], x.shape)
        return np.array(x, order=order)

    xs = [laid_out(x) for x in drawn([(4, 5), (3, 5), (3,)])]
    inputs = tensors(xs)
    out = linear(*inputs)
    np.testing.assert_allclose(out.data, xs[0] @ xs[1].T + xs[2], rtol=1e-12)
    (weights,) = drawn([(4, 3)])
    found = gradients((out * weights).sum(), inputs)
    assert_near(found, [weights @ xs[1], weights.T @ xs[0], weights.sum(axis=0)], 1e-12)


def test_the_functions_write_into_nothing_they_are_given():
    x, weight, bias, target = drawn([(4, 5), (3, 5), (3,), (4, 3)])
    inputs = tensors([x, weight, bias])
    before = [y.copy() for y in (x, weight, bias, target)]
    mse_loss(linear(*inputs), target).backward()
    assert all(np.array_equal(a, b) for a, b in zip(before, (x, weight, bias, target), strict=True))


def test_gradients_share_no_memory_with_anything():
    x, weight, bias, target = drawn([(1, 5), (3, 5), (3,), (1, 3)])
    inputs = tensors([x, weight, bias])
    mse_loss(linear(*inputs), target, "none").backward(np.ones((1, 3)))
    for i, p in enumerate(inputs):
        others = [x, weight, bias, target, *(q.grad for q in inputs[:i])]
        assert not any(np.shares_memory(p.grad, other) for other in others)


def test_the_functions_work_on_bare_arrays():
    x, weight, bias = drawn([(4, 5), (3, 5), (3,)])
    out = nn.functional.relu(linear(x, weight, bias))
    assert type(out) is np.ndarray
    assert out.min() == 0


def test_all_is_what_the_module_promises():
    promised = "linear sigmoid tanh relu softmax log_softmax flatten dropout mse_loss cross_entropy"
    assert set(nn.functional.__all__) == set(promised.split())
    assert all(callable(getattr(nn.functional, name)) for name in nn.functional.__all__)


@pytest.mark.parametrize("bias", [np.zeros((5, 4)), np.zeros((1, 4)), np.zeros(1), np.zeros(())])
def test_linear_refuses_a_bias_of_another_shape(bias):
    with pytest.raises(ValueError, match=r"bias of shape \(out,\), here \(4,\), found"):
        linear(np.ones((1, 3)), np.ones((4, 3)), bias)


@pytest.mark.parametrize("rows", [1, 4096, 4097])
def test_the_gradient_of_a_bias_sums_few_rows_and_many(rows):
    x, bias = np.ones((rows, 2)), Tensor(np.zeros(3), requires_grad=True)
    weights = np.arange(3.0 * rows).reshape(rows, 3)
    (linear(x, np.ones((3, 2)), bias) * weights).sum().backward()
    np.testing.assert_allclose(bias.grad, weights.sum(axis=0), rtol=1e-14)


class Identity:
    """A matrix that is never made, of another library: its products are what it is given."""

    ndim = 2
    shape = (3, 3)

    def dot(self, other):
        return other


def test_linear_never_writes_into_the_weight_that_a_foreign_product_returns():
    weight = np.arange(9.0).reshape(3, 3)
    assert np.array_equal(linear(Identity(), weight, np.ones(3)), weight.T + 1)
    assert np.array_equal(weight, np.arange(9.0).reshape(3, 3))


def test_the_gradients_of_linear_keep_no_memory_of_past_batches():
    weight, bias = Tensor(np.ones((3, 2)), True), Tensor(np.ones(3), True)
    tracemalloc.start()
    for rows in range(200_000, 200_020):
        linear(np.ones((rows, 2)), weight, bias).sum().backward()
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 1_000_000
