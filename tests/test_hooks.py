"""Hooks: an identity that shows its gradient to a function, or lets it choose another one."""

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import nn
import optim
from autograd_mini import (
    Tensor,
    checkpoint,
    detect_anomaly,
    enable_grad,
    gradients,
    hessian,
    hook,
    jvp,
    no_grad,
    value_and_grad,
)
from autograd_mini.drawing import draw
from autograd_mini.testing import GradientError, check_grads, check_module


def doubled(g: Any) -> Any:
    return g * 2


def leaf(*values: float, **options: Any) -> Tensor:
    return Tensor([*values], requires_grad=True, **options)


# What a hook sees, and what it changes.


def test_a_hook_changes_no_value_and_sees_the_gradient():
    x, seen = leaf(1.0, 2.0), []
    y = hook(x * x, seen.append)
    assert_array_equal(y.data, [1, 4])
    (y * [5.0, 50.0]).sum().backward()
    assert len(seen) == 1
    assert_array_equal(seen[0], [5, 50])
    assert_array_equal(x.grad, [10, 200])


def test_what_a_hook_returns_goes_on_in_the_place_of_the_gradient():
    x = leaf(1.0, 2.0)
    y = hook(x * x, lambda g: np.clip(g, -10, 10))
    (y * [5.0, 50.0]).sum().backward()
    assert_array_equal(x.grad, [10, 40])


def test_a_hook_is_called_once_with_the_sum_over_all_uses_of_its_result():
    x, seen = leaf(1.0, 2.0), []
    y = hook(x, seen.append)
    (y * 3 + y * y).sum().backward()
    assert len(seen) == 1
    assert_array_equal(seen[0], [5, 7])


def test_other_uses_of_what_was_hooked_pass_by_the_hook():
    x, seen = leaf(1.0), []
    y = hook(x, seen.append)
    (y * 3 + x * 4).sum().backward()
    assert_array_equal(seen[0], [3])
    assert_array_equal(x.grad, [7])


def test_the_hook_nearer_to_the_result_comes_first():
    x, order = leaf(1.0), []
    y = hook(
        hook(x, lambda g: order.append("first of the program")), lambda g: order.append("last")
    )
    y.sum().backward()
    assert order == ["last", "first of the program"]


def test_gradients_calls_hooks_as_backward_does():
    x = leaf(3.0)
    (slope,) = gradients(hook(x, doubled).sum(), [x])
    assert_array_equal(slope, [2])
    assert x.grad is None


def test_the_gradient_of_a_hooked_result_itself_is_what_the_hook_sees():
    x = leaf(3.0)
    y = hook(x, doubled)
    g_y, g_x = gradients((y * y).sum(), [y, x])
    assert_array_equal(g_y, [6])
    assert_array_equal(g_x, [12])


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.complex128])
def test_a_gradient_keeps_its_dtype_on_its_way_through_a_hook(dtype):
    seen: list[Any] = []
    x = Tensor(np.ones(3, dtype), requires_grad=True)
    np.abs(hook(x, seen.append)).sum().backward()
    assert seen[0].dtype == x.grad.dtype == dtype
    assert_array_equal(x.grad, np.ones(3))


@pytest.mark.parametrize("shape", [(), (0,), (2, 0), (1,), (2, 3)])
def test_a_hook_works_in_every_shape(shape):
    seen: list[Any] = []
    x = Tensor(np.ones(shape), requires_grad=True)
    (hook(x, seen.append) * 3).sum().backward()
    assert seen[0].shape == x.grad.shape == shape
    assert_array_equal(x.grad, np.full(shape, 3.0))


def test_a_hook_is_called_again_in_a_second_walk():
    x, seen = leaf(1.0), []
    loss = hook(x, seen.append).sum()
    loss.backward(retain_graph=True)
    loss.backward()
    assert len(seen) == 2
    assert_array_equal(x.grad, [2])


def test_a_hook_is_not_called_where_no_gradient_is_needed():
    def fail(g: Any) -> None:
        raise AssertionError("called")

    constant = hook(Tensor([1.0]), fail)
    assert not constant.requires_grad
    (constant * leaf(2.0)).sum().backward()
    with no_grad():
        assert not hook(leaf(1.0), fail).requires_grad
        with enable_grad():
            assert hook(leaf(1.0), fail).requires_grad
    assert_array_equal(hook(np.array([1.0]), fail), [1])


# What a hook may do with its gradient, and what it may not.


@pytest.mark.parametrize("where", ["leaf", "inner"])
def test_a_hook_may_keep_its_gradient(where):
    x, seen = leaf(1.0, 2.0), []
    y = hook(x if where == "leaf" else x * 1, seen.append)
    (y * 3).sum().backward()
    assert not np.shares_memory(x.grad, seen[0])
    x.grad *= 100
    assert_array_equal(seen[0], [3, 3])


def test_a_hook_that_writes_into_its_gradient_is_refused():
    def double(g: Any) -> None:
        g *= 2

    x = leaf(1.0)
    y = x * 3
    with pytest.raises(RuntimeError, match=r"derivative of hook .*test_hooks.*read-only"):
        hook(y, double).sum().backward()
    assert x.grad is None


def test_a_hook_that_returns_its_gradient_as_it_is_leaves_nothing_read_only():
    x = leaf(1.0, 2.0)
    hook(x, lambda g: g).sum().backward()
    x.grad += 1
    assert_array_equal(x.grad, [2, 2])


def test_hooks_that_write_into_what_they_returned_before_change_no_gradient():
    buffer = np.empty(2)

    def into_buffer(g: Any) -> Any:
        np.multiply(g, 2, out=buffer)
        return buffer

    x, y = leaf(1.0, 2.0), leaf(1.0, 2.0)
    a, b = hook(x * 1, into_buffer), hook(y * 1, into_buffer)
    (a * 3 + b * 5).sum().backward()
    assert_array_equal(x.grad, [6, 6])
    assert_array_equal(y.grad, [10, 10])
    buffer[:] = 0
    assert_array_equal(x.grad, [6, 6])


def only(g: Any) -> Any:
    return only.returned  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("returned", "found"),
    [
        (np.ones(3), r"only returned shape \(3,\), float64, for a gradient of shape \(2,\)"),
        (np.ones(()), r"only returned shape \(\), float64"),
        (np.ones(2, np.float32), r"shape \(2,\), float32, .* \(2,\), float64: return None"),
        (np.ones(2, int), r"shape \(2,\), int64"),
        (1.0, r"returned shape None, float"),
        ([1.0, 1.0], r"returned shape None, list"),
    ],
)
def test_what_is_no_gradient_like_the_one_that_came_is_refused(returned, found):
    only.returned = returned  # type: ignore[attr-defined]
    with pytest.raises(RuntimeError, match=rf"derivative of hook \(.*test_hooks.*{found}"):
        hook(leaf(1.0, 2.0), only).sum().backward()


def test_a_hook_that_raises_is_named_with_its_line():
    def fail(g: Any) -> None:
        raise ValueError("on purpose")

    with pytest.raises(
        RuntimeError, match=r"derivative of hook \(.*test_hooks.*on purpose"
    ) as error:
        hook(leaf(1.0), fail).sum().backward()
    assert isinstance(error.value.__cause__, ValueError)


@pytest.mark.parametrize("args", [(np.add, leaf(1.0)), (leaf(1.0), None), (leaf(1.0), 3)])
def test_a_hook_that_can_not_be_called_is_refused(args):
    with pytest.raises(TypeError, match=r"hook\(x, f\) takes a function of the gradient second"):
        hook(*args)


# Memory, item assignment and the clock.


def test_the_result_of_a_hook_shares_the_memory_of_its_argument():
    x = leaf(1.0, 2.0)
    assert np.shares_memory(hook(x, doubled).data, x.data)


@pytest.mark.parametrize("written", ["argument", "result"])
def test_a_write_into_what_was_hooked_is_seen_through_the_hook(written):
    x = leaf(1.0, 2.0)
    y = hook(x, doubled)
    loss = (y * y).sum()
    with no_grad():
        (x if written == "argument" else y)[0] = 7.0
    assert_array_equal(y.data, x.data)
    with pytest.raises(RuntimeError, match=r"np\.square|np\.multiply .* written since"):
        loss.backward()


def test_a_write_does_not_matter_to_the_hook_itself():
    x = leaf(1.0, 2.0)
    loss = (hook(x, doubled) * 3).sum()
    x.data -= 1
    loss.backward()
    assert_array_equal(x.grad, [6, 6])


def test_the_result_of_a_hook_is_a_view_that_is_not_assigned_to_while_recording():
    y = hook(leaf(1.0, 2.0) * 1, doubled)
    with pytest.raises(RuntimeError, match="assignment to a view"):
        y[0] = 5.0


def test_item_assignment_after_a_hook_gives_it_the_gradient_of_before():
    x, seen = leaf(1.0, 2.0), []
    t = x * 1
    y = hook(t, seen.append)
    t[0] = 10.0
    (t * y).sum().backward()
    assert_array_equal(seen[0], [10, 2])
    assert_array_equal(x.grad, [10, 4])


# With everything else.


def test_under_create_graph_a_hook_gets_a_tensor_and_its_work_is_differentiated():
    seen: list[Any] = []

    def squared(g: Any) -> Any:
        seen.append(type(g))
        return g * g

    x = leaf(3.0)
    (slope,) = gradients((hook(x, squared) ** 2).sum(), [x], create_graph=True)
    assert_array_equal(slope.data, [36])  # (2 x)^2
    (curvature,) = gradients(slope.sum(), [x])
    # d (2 x)^2 / dx = 8 x, and this gradient passes through the hook as well: 4 x becomes
    # (2 * 2 x * 2)^2 on its way to x.
    assert_array_equal(curvature, [(2 * 6 * 2) ** 2])
    assert seen == [Tensor, np.ndarray]


def test_a_hook_that_only_looks_changes_no_derivative_of_any_order():
    def f(x: Any) -> Any:
        return np.sum(np.exp(hook(np.sin(x), lambda g: None)))

    def plain(x: Any) -> Any:
        return np.sum(np.exp(np.sin(x)))

    x = np.array([0.3, 0.7])
    assert_allclose(hessian(f)(x), hessian(plain)(x), rtol=1e-14)
    for with_hook, without in zip(jvp(f, (x,), (x,)), jvp(plain, (x,), (x,)), strict=True):
        assert_allclose(with_hook.data, without.data, rtol=1e-14)


def test_under_create_graph_a_hook_may_return_a_constant():
    x = leaf(3.0)
    (slope,) = gradients((hook(x, lambda g: np.array([7.0])) ** 2).sum(), [x], create_graph=True)
    assert_array_equal(slope.data, [7])


def test_a_hook_in_a_checkpoint_is_called_once_a_walk():
    seen: list[Any] = []

    def part(x: Any) -> Any:
        return np.exp(hook(x * 2, seen.append))

    x = leaf(0.5)
    checkpoint(part)(x).sum().backward()
    assert len(seen) == 1
    assert_allclose(seen[0], np.exp(1), rtol=1e-15)
    assert_allclose(x.grad, 2 * np.exp(1), rtol=1e-15)


def test_a_hook_around_a_checkpoint_sees_its_gradient():
    seen: list[Any] = []
    x = leaf(0.5)
    hook(checkpoint(np.exp)(hook(x, seen.append)), seen.append).sum().backward()
    assert_allclose(np.array(seen)[:, 0], [1, np.exp(0.5)], rtol=1e-15)


def test_a_hook_is_drawn_by_its_name():
    assert "hook" in draw(hook(leaf(1.0), doubled).sum()).source


def test_the_checker_finds_a_hook_that_only_looks_right():
    seen: list[Any] = []
    report = check_grads(lambda x: np.sum(hook(np.sin(x), seen.append) ** 2), np.array([0.3, 0.7]))
    assert report.verdict == "right"
    assert seen


def test_the_checker_finds_a_hook_that_changes_the_gradient_wrong():
    with pytest.raises(GradientError, match="hook"):
        check_grads(lambda x: np.sum(hook(np.sin(x), doubled) ** 2), np.array([0.3, 0.7]))


def test_a_hook_in_a_network_clips_what_reaches_the_layer_before_it():
    layer = nn.Linear(3, 2)
    x = Tensor(np.ones((4, 3)))
    (hook(layer(x), lambda g: np.clip(g, -0.5, 0.5)) * [1.0, 100.0]).sum().backward()
    assert_array_equal(layer.bias.grad, [2, 2])
    optim.SGD(layer.parameters(), lr=0.1).step()


def test_a_hook_works_inside_value_and_grad():
    value, slope = value_and_grad(lambda x: np.sum(hook(x, doubled) ** 2))(np.array([3.0]))
    assert float(value) == 9
    assert_array_equal(slope, [12])


def test_a_hook_that_makes_a_nan_is_named_by_detect_anomaly():
    with (
        pytest.raises(
            FloatingPointError, match=r"derivative of hook .* for 'x' its rule made 1 nan"
        ),
        detect_anomaly(),
    ):
        hook(leaf(1.0), lambda g: g * np.nan).sum().backward()


def test_check_module_accepts_a_network_with_a_hook():
    class Network(nn.Module):
        def __init__(self) -> None:
            self.layer = nn.Linear(3, 2)

        def __call__(self, x: Any) -> Any:
            return hook(self.layer(x), lambda g: None)

    check_module(Network(), np.arange(6.0).reshape(2, 3) / 7)
