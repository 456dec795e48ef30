"""The walk: what accumulates, what is left, what is released, and whose memory a gradient is."""

from itertools import combinations
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from autograd_mini import Tensor, defvjp, gradients, no_grad, primitive

xp: Any = np


def leaf(*values: float) -> Tensor:
    return Tensor(np.array(values), requires_grad=True)


# What backward() adds, and where.


def test_the_gradient_of_a_leaf_that_is_the_output_is_one():
    x = Tensor(3.0, requires_grad=True)
    x.backward()
    assert_array_equal(x.grad, 1)
    x.backward()
    assert_array_equal(x.grad, 2)


def test_a_given_gradient_weighs_the_elements():
    x = leaf(1.0, 2.0)
    for gradient in (np.array([10.0, 1.0]), [10, 1], Tensor([10.0, 1.0])):
        x.grad = None
        (x * x).backward(gradient)
        assert_array_equal(x.grad, [20, 4])


@pytest.mark.parametrize("shape", [(), (1,), (1, 1)])
def test_one_element_is_a_scalar_whatever_its_shape(shape):
    x = Tensor(np.full(shape, 3.0), requires_grad=True)
    (x * 2).backward()
    assert_array_equal(x.grad, np.full(shape, 2.0))


def test_several_elements_need_a_gradient_to_start_from():
    x = leaf(1.0, 2.0)
    with pytest.raises(ValueError, match=r"shape \(2,\).*\.sum\(\).*backward\(gradient\)"):
        (x * 2).backward()
    with pytest.raises(ValueError, match=r"shape \(0,\)"):
        x[2:].backward()


@pytest.mark.parametrize("gradient", [1.0, [1.0], [[1.0, 1.0]], np.ones((2, 2))])
def test_a_given_gradient_must_have_the_shape_of_the_output(gradient):
    x = leaf(1.0, 2.0)
    with pytest.raises(ValueError, match=r"gradient has shape .*, the Tensor has \(2,\)"):
        (x * 2).backward(gradient)
    assert x.grad is None


def test_a_given_gradient_takes_the_dtype_of_the_output():
    x = Tensor(np.ones(2, np.float32), requires_grad=True)
    (x * 2).backward(np.array([1.0, 2.0]))
    assert x.grad.dtype == np.float32


def test_leaves_accumulate():
    x, y = leaf(1.0, 2.0), leaf(3.0, 4.0)
    (x * y).sum().backward()
    (x * x).sum().backward()
    assert_array_equal(x.grad, [3 + 2, 4 + 4])
    assert_array_equal(y.grad, [1, 2])


def test_a_tensor_that_is_used_often_gets_the_sum_over_its_uses():
    x = leaf(2.0)
    y = x * x
    (y + y * y + x + y * x).sum().backward()
    assert_array_equal(x.grad, [2 * 2 + 4 * 8 + 1 + 3 * 4])


def test_an_operand_that_requires_no_grad_gets_none():
    x, constant = leaf(1.0, 2.0), Tensor([3.0, 4.0])
    ((x + constant) * constant).sum().backward()
    assert constant.grad is None
    assert_array_equal(x.grad, [3, 4])


def test_no_rule_runs_for_an_operand_that_requires_no_grad():
    calls = []

    @primitive
    def product(x, y):
        return x * y

    def for_x(g, out, x, y):
        calls.append("x")
        return g * y

    def for_y(g, out, x, y):
        calls.append("y")
        return g * x

    defvjp(product, for_x, for_y)
    x, constant = leaf(1.0), Tensor([2.0])
    product(x, constant).backward()
    assert calls == ["x"]
    product(product(constant, constant), x).backward()
    assert calls == ["x", "y"]
    product(x, x).backward()
    assert calls == ["x", "y", "x", "y"]


def test_what_does_not_lead_to_the_output_gets_nothing():
    x, y = leaf(1.0), leaf(2.0)
    unused = y * x
    (x * 2).backward()
    assert y.grad is None
    assert unused._grad is None


def test_a_leaf_whose_gradient_was_switched_off_later_gets_none():
    x, y = leaf(1.0), leaf(2.0)
    out = x * y
    y.requires_grad = False
    out.backward()
    assert y.grad is None
    assert_array_equal(x.grad, [2])


@pytest.mark.parametrize(
    ("shape", "other"),
    [
        ((), (2, 3)),
        ((1,), (2, 3)),
        ((3,), (2, 3)),
        ((2, 1), (2, 3)),
        ((1, 1, 3), (4, 2, 1)),
        ((4, 1), (1, 1, 5)),
        ((1, 3), (0, 3)),
        ((0, 1), (1, 2)),
        ((), (0,)),
    ],
)
def test_broadcasting_is_undone(shape, other):
    x = Tensor(np.ones(shape), requires_grad=True)
    y = Tensor(np.arange(float(np.prod(other))).reshape(other), requires_grad=True)
    (x * y).sum().backward()
    assert x.grad.shape == shape
    assert y.grad.shape == other
    full = np.broadcast_shapes(shape, other)
    assert_allclose(x.grad.sum(), np.broadcast_to(y.data, full).sum(), rtol=1e-14)
    assert_array_equal(y.grad, np.full(other, np.prod(full) / max(y.size, 1)))


# retain_graph, release.


def test_a_second_walk_over_a_released_graph_is_refused():
    x = leaf(1.0, 2.0)
    loss = (x * 2).sum()
    loss.backward()
    with pytest.raises(RuntimeError, match="retain_graph=True") as caught:
        loss.backward()
    assert "np.sum" in str(caught.value)
    assert f'File "{__file__}", line' in str(caught.value)
    assert_array_equal(x.grad, [2, 2])


def test_a_graph_that_shares_a_released_part_is_refused_and_leaves_no_half_gradient():
    x, y = leaf(1.0), leaf(1.0)
    shared = x * 2
    first, second = shared * 3, shared * y
    first.backward()
    with pytest.raises(RuntimeError, match=r"np\.multiply.*retain_graph=True"):
        second.backward()
    with pytest.raises(RuntimeError, match="retain_graph=True"):
        (shared + 1).backward()
    with pytest.raises(RuntimeError, match="retain_graph=True"):
        gradients(shared * 5, [x])
    assert_array_equal(x.grad, [6])
    assert y.grad is None


def test_a_released_tensor_can_be_detached_and_used():
    x = leaf(3.0)
    y = x * 2
    y.backward()
    (y.detach() * x).backward()
    assert_array_equal(x.grad, [2 + 6])


def test_a_graph_is_released_behind_the_output_only():
    x = leaf(1.0)
    first, second = x * 2, x * 3
    first.backward()
    second.backward()
    assert_array_equal(x.grad, [5])


def test_a_retained_graph_is_walked_again_and_adds_to_the_leaves_only():
    x = leaf(1.0, 2.0)
    y = x * x
    loss = y.sum()
    loss.backward(retain_graph=True)
    assert_array_equal(x.grad, [2, 4])
    assert_array_equal(y.grad, [1, 1])
    assert_array_equal(loss.grad, 1)
    loss.backward(3.0, retain_graph=True)
    assert_array_equal(x.grad, [8, 16])
    assert_array_equal(y.grad, [3, 3])
    assert_array_equal(loss.grad, 3)
    assert y.grad.dtype == loss.grad.dtype == np.float64
    assert type(loss.grad) is np.ndarray
    loss.backward()
    assert_array_equal(x.grad, [10, 20])
    with pytest.raises(RuntimeError, match="retain_graph"):
        loss.backward()


def test_without_retain_graph_inner_tensors_keep_no_gradient():
    x = leaf(1.0, 2.0)
    y = x * x
    y.sum().backward()
    with pytest.warns(UserWarning, match=r"the \.grad of a result is None, here of np\.multiply"):
        assert y.grad is None


def test_the_gradients_of_several_results_are_retained():
    x = leaf(1.0, 2.0, 3.0, 4.0)
    first, second = xp.split(x, 2)
    (first * second * second).sum().backward(retain_graph=True)
    assert_array_equal(first.grad, [9, 16])
    assert_array_equal(second.grad, [6, 16])
    assert_array_equal(x.grad, [9, 16, 6, 16])


def test_a_result_of_several_that_is_not_used_counts_as_zero():
    x = leaf(1.5, -2.5)
    fraction, _ = xp.modf(x)
    (fraction * [1.0, 10.0]).sum().backward()
    assert_array_equal(x.grad, [1, 10])
    y = leaf(1.0, 2.0, 3.0)
    xp.split(y, 3)[1].backward()
    assert_array_equal(y.grad, [0, 1, 0])


# gradients().


def test_gradients_leaves_everything_as_it_was():
    x, y = leaf(1.0, 2.0), leaf(3.0, 4.0)
    x.grad = np.array([7.0, 7.0])
    inner = x * y
    loss = (inner * x).sum()
    for _ in range(2):
        found = gradients(loss, [x, y, inner, loss])
        assert_array_equal(found[0], 2 * x.data * y.data)
        assert_array_equal(found[1], x.data**2)
        assert_array_equal(found[2], x.data)
        assert_array_equal(found[3], 1)
        assert [type(g) for g in found] == [np.ndarray] * 4
    assert_array_equal(x.grad, [7, 7])
    assert y.grad is None
    assert inner._grad is None
    loss.backward()
    assert_array_equal(x.grad, 7 + 2 * x.data * y.data)


def test_gradients_are_zero_where_the_output_does_not_depend_on_the_input():
    x, y = leaf(1.0, 2.0), Tensor(np.ones((2, 1), np.float32), requires_grad=True)
    later = x * 2
    found = gradients((x * 3).sum(), [y, later])
    assert_array_equal(found[0], np.zeros((2, 1)))
    assert found[0].dtype == np.float32
    assert_array_equal(found[1], [0, 0])
    (zero,) = gradients((x * 3).sum(), [y], create_graph=True)
    assert type(zero) is Tensor
    assert_array_equal(zero.data, np.zeros((2, 1)))


def test_gradients_of_an_inner_tensor_are_partial():
    x = leaf(2.0)
    y = x * x
    z = y * y
    loss = (z + y).sum()
    (by_y,) = gradients(loss, [y])
    (by_z,) = gradients(loss, [z])
    assert_array_equal(by_y, [9])
    assert_array_equal(by_z, [1])


def test_gradients_weighs_by_a_given_gradient():
    x = leaf(1.0, 2.0)
    assert_array_equal(gradients(x * x, [x], [1.0, 10.0]), [[2, 40]])
    (g,) = gradients(x * x, [x], Tensor([1.0, 10.0]), create_graph=True)
    assert_array_equal(gradients(g.sum(), [x]), [[2, 20]])


def test_gradients_flow_into_the_given_gradient():
    x, weight = leaf(1.0, 2.0), leaf(3.0, 4.0)
    (g,) = gradients(x**3, [x], weight, create_graph=True)
    assert_array_equal(gradients(g.sum(), [weight]), [3 * x.data**2])


@pytest.mark.parametrize("wrong", [[1.0], [np.ones(2)], [Tensor([1.0])]])
def test_gradients_takes_tensors_that_require_grad(wrong):
    x = leaf(1.0, 2.0)
    with pytest.raises(TypeError, match="list of Tensors that require grad, found"):
        gradients((x * 2).sum(), wrong)
    with pytest.raises(TypeError, match="list of Tensors that require grad, found"):
        gradients((x * 2).sum(), x)


def test_the_same_input_twice_gets_a_gradient_twice():
    x = leaf(1.0, 2.0)
    first, second = gradients((x * 2).sum(), [x, x])
    first += 100
    assert_array_equal(second, [2, 2])


def test_gradients_of_no_inputs_are_none():
    assert gradients(leaf(1.0) * 2, []) == []


def test_gradients_under_no_grad_are_found_all_the_same():
    x = leaf(2.0)
    y = x**3
    with no_grad():
        (g,) = gradients(y, [x], create_graph=True)
        assert not (x * 2).requires_grad
    assert_array_equal(gradients(g, [x]), [[12]])


def test_backward_records_nothing_even_while_recording():
    x = leaf(2.0)
    seen = []

    @primitive
    def triple(x):
        return 3 * x

    def rule(g, out, x):
        seen.extend((type(g), type(out), type(x)))
        return 3 * g

    defvjp(triple, rule)
    triple(x * x).backward()
    assert seen == [np.ndarray] * 3


# Higher orders.


def test_derivatives_of_every_order_come_from_the_same_rules():
    x = Tensor([0.5, 2.0], requires_grad=True)
    y = (x**5).sum()
    for order, factor in ((1, 5), (2, 20), (3, 60), (4, 120)):
        (y,) = gradients(y.sum(), [x], create_graph=True)
        assert type(y) is Tensor
        assert_allclose(y.data, factor * x.data ** (5 - order), rtol=1e-13)


def test_a_mixed_third_derivative():
    x, y = leaf(0.7), leaf(1.3)
    (by_x,) = gradients(xp.sin(x * y) * xp.exp(y), [x], create_graph=True)
    (by_xy,) = gradients(by_x, [y], create_graph=True)
    (by_xyx,) = gradients(by_xy, [x])
    a, b = 0.7, 1.3
    s, c = np.sin(a * b), np.cos(a * b)
    # d/dx of d/dy [y cos(xy) e^y] = d/dx e^y [(1 + y) cos(xy) - x y sin(xy)]
    expected = np.exp(b) * (-(1 + b) * b * s - b * s - a * b * b * c)
    assert_allclose(by_xyx, [expected], rtol=1e-13)


def test_a_hessian_vector_product_goes_through_backward():
    x = leaf(1.0, 2.0)
    (slope,) = gradients((x**3).sum() + x[0] * x[1], [x], create_graph=True)
    (slope * [1.0, 10.0]).sum().backward()
    assert_array_equal(x.grad, [6 * 1 + 10, 12 * 10 + 1])


def test_second_order_goes_through_several_results_lists_and_keywords():
    x = leaf(2.0, 2.0, 3.0, 4.0)
    first, second = xp.split(x, 2)
    joined = xp.concatenate([first * second, xp.clip(second, a_min=first * 3, a_max=100.0)])
    (slope,) = gradients((joined**2).sum(), [x], create_graph=True)
    # The squares of x0 x2, x1 x3, 3 x0 and 3 x1.
    assert_array_equal(slope.data, [36 + 36, 64 + 36, 24, 32])
    (curvature,) = gradients(slope.sum(), [x])
    assert_array_equal(curvature, [18 + 24 + 18, 32 + 32 + 18, 24 + 8, 32 + 8])


def test_a_rule_that_does_not_use_g_still_gives_a_tensor():
    @primitive
    def shifted(x):
        return x + 1

    defvjp(shifted, lambda g, out, x: np.ones(x.shape))
    x = leaf(1.0)
    (slope,) = gradients(shifted(x), [x], create_graph=True)
    assert type(slope) is Tensor
    assert_array_equal(slope.data, [1])


def test_a_gradient_from_such_a_rule_is_a_tensor_for_the_next():
    @primitive
    def shifted(x):
        return x + 1

    @primitive
    def product(x, y):
        return x.dot(y)

    defvjp(shifted, lambda g, out, x: np.ones(x.shape))
    defvjp(product, lambda g, out, x, y: g.dot(y.T), lambda g, out, x, y: x.T.dot(g))
    x = Tensor([[1.0, 2.0]], requires_grad=True)
    y = Tensor([[3.0], [4.0]], requires_grad=True)
    (slope,) = gradients(shifted(product(x, y)), [x], create_graph=True)
    assert_array_equal(slope.data, [[3, 4]])
    (cross,) = gradients(slope[0, 1], [y])
    assert_array_equal(cross, [[0], [1]])


def test_penalising_a_gradient_trains_through_it():
    w, x = leaf(2.0), Tensor([3.0], requires_grad=True)
    out = (w * x**2).sum()
    (slope,) = gradients(out, [x], create_graph=True)
    (slope**2).sum().backward()
    assert_array_equal(w.grad, [2 * (2 * 2 * 3) * (2 * 3)])


# Whose memory a gradient is.


def keep(x: Any) -> Any:
    return x


def assigned(x: Any) -> Any:
    y = x * 1
    y[:, :] = x
    return y


IDENTITIES: dict[str, Any] = {
    "the leaf": keep,
    "positive": lambda x: +x,
    "add": lambda x: x + np.zeros((2, 3)),
    "add itself": lambda x: x + x,
    "subtract": lambda x: x - 1.0,
    "reshape": lambda x: x.reshape(3, 2).reshape(2, 3),
    "ravel": lambda x: x.ravel().reshape(2, 3),
    "transpose": lambda x: x.T.T,
    "swapaxes": lambda x: x.swapaxes(0, 1).T,
    "expand_dims": lambda x: xp.expand_dims(x, 1).squeeze(1),
    "broadcast_to": lambda x: xp.broadcast_to(x, (2, 3)),
    "index": lambda x: x[...],
    "None index": lambda x: x[None][0],
    "split": lambda x: xp.concatenate(xp.split(x, 2)),
    "stack": lambda x: xp.stack([x])[0],
    "copy": lambda x: x.copy(),
    "flip": lambda x: xp.flip(xp.flip(x)),
    "tril": lambda x: xp.tril(x) + xp.triu(x, 1),
    "astype": lambda x: x.astype(float),
    "remainder": lambda x: x % 100,
    "moveaxis": lambda x: xp.moveaxis(xp.moveaxis(x, 0, 1), 1, 0),
    "item assignment": assigned,
}


def assert_separate(arrays: list[Any]) -> None:
    for a, b in combinations(arrays, 2):
        assert not np.shares_memory(a, b)


@pytest.mark.parametrize("f", IDENTITIES.values(), ids=IDENTITIES)
def test_a_gradient_shares_memory_with_nothing(f):
    x = Tensor(np.arange(6.0).reshape(2, 3), requires_grad=True)
    y = Tensor(np.ones((2, 3)), requires_grad=True)
    gradient = np.full((2, 3), 2.0)
    out = f(x) + f(y)
    first = gradients(out, [x, y, y], gradient)
    out.backward(gradient, retain_graph=True)
    assert_array_equal(y.grad, first[1])
    assert_separate([x.data, y.data, gradient, x.grad, y.grad, out.grad, *first])
    out.backward(gradient)
    assert_separate([x.data, y.data, gradient, x.grad, y.grad, *first])
    expected = x.grad.copy()
    y.grad[...] = -7
    gradient[...] = -7
    assert_array_equal(x.grad, expected)
    assert_array_equal(x.data, np.arange(6.0).reshape(2, 3))


@pytest.mark.parametrize("f", IDENTITIES.values(), ids=IDENTITIES)
def test_the_gradient_of_a_leaf_alone_is_not_the_given_one(f):
    x = Tensor(np.zeros((2, 3)), requires_grad=True)
    gradient = np.ones((2, 3))
    f(x).backward(gradient)
    assert_separate([x.data, x.grad, gradient])
    assert x.grad.flags.writeable
    x.grad += 1
    assert_array_equal(gradient, np.ones((2, 3)))


@pytest.mark.parametrize("shape", [(), (1,), (3,), (2, 3)])
def test_the_gradient_of_a_sum_is_written_without_touching_another(shape):
    x, y = (Tensor(np.ones(shape), requires_grad=True) for _ in range(2))
    (x + y).sum().backward()
    x.grad[...] = 5
    assert_array_equal(y.grad, np.ones(shape))


def test_a_rule_that_returns_the_same_array_every_time_keeps_it():
    cached = np.ones(2)
    view = cached[:]

    @primitive
    def strange(x, y):
        return x + y

    defvjp(strange, lambda g, out, x, y: cached, lambda g, out, x, y: view)
    x, y = leaf(1.0, 2.0), leaf(3.0, 4.0)
    for _ in range(2):
        strange(x, y).sum().backward()
        assert_separate([x.grad, y.grad, cached])
        x.grad += 10
        y.grad -= 10
    assert_array_equal(cached, [1, 1])


def test_a_rule_that_returns_its_argument_or_its_result_keeps_them():
    @primitive
    def strange(x):
        return x * 1.0

    for rule in (lambda g, out, x: x, lambda g, out, x: out, lambda g, out, x: x[:]):
        defvjp(strange, rule)
        x = leaf(1.0, 2.0)
        out = strange(x)
        out.backward([1.0, 1.0])
        assert_separate([x.data, out.data, x.grad])


def test_a_gradient_that_was_assigned_is_never_written_by_backward():
    x = leaf(1.0, 2.0)
    mine = np.array([5.0, 5.0])
    x.grad = mine
    (x * 2).sum().backward()
    assert_array_equal(x.grad, [7, 7])
    assert_array_equal(mine, [5, 5])


def test_a_gradient_that_was_kept_is_never_written_by_backward():
    x = leaf(1.0, 2.0)
    (x * 2).sum().backward()
    kept = x.grad
    (x * 2).sum().backward()
    assert_array_equal(kept, [2, 2])
    assert_array_equal(x.grad, [4, 4])
