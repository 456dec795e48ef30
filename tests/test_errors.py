"""Every error of the walk says what, where and what to do, and leaves nothing half done."""

import traceback
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import nn
from autograd_mini import Tensor, defvjp, gradients, no_grad, primitive
from autograd_mini.drawing import draw, explain
from optim import SGD

xp: Any = np


def leaf(*values: float) -> Tensor:
    return Tensor(np.array(values), requires_grad=True)


@primitive
def brittle(x: Any) -> Any:
    """Return x; its derivative fails when told to."""
    return x * 1


BROKEN = [False]


def _brittle_vjp(g, out, x):
    if BROKEN[0]:
        raise ArithmeticError("told to fail")
    return g


defvjp(brittle, _brittle_vjp)


@pytest.fixture
def _broken():
    BROKEN[0] = True
    yield
    BROKEN[0] = False


# Each makes a loss whose walk is refused: (operation named, how, what to do).


def released():
    x = leaf(1.0, 2.0)
    loss = xp.sin(x).sum()
    loss.backward()
    return loss


def written():
    x = leaf(1.0, 2.0)
    loss = xp.sin(x).sum()
    x.data += 1
    return loss


def failing():
    return brittle(leaf(1.0, 2.0)).sum()


def missing_rule():
    @primitive
    def halfway(x, y):
        return x * y

    defvjp(halfway, None, lambda g, out, x, y: g * x)
    return halfway(leaf(1.0, 2.0), leaf(1.0, 2.0)).sum()


@pytest.mark.usefixtures("_broken")
@pytest.mark.parametrize(
    ("make", "kind", "operation", "remedy"),
    [
        (released, RuntimeError, "np.sum", "retain_graph=True"),
        (written, RuntimeError, "np.sin", "before writing"),
        (failing, RuntimeError, "brittle", "told to fail"),
        (missing_rule, NotImplementedError, "halfway", "add one with defvjp"),
    ],
)
def test_an_error_of_the_walk_names_operation_line_and_remedy(make, kind, operation, remedy):
    with pytest.raises(kind) as caught:
        make().backward()
    message = str(caught.value)
    lines = range(make.__code__.co_firstlineno, make.__code__.co_firstlineno + 10)
    assert operation in message
    assert remedy in message
    assert any(f'File "{__file__}", line {line}, in {make.__name__}' in message for line in lines)


@pytest.mark.usefixtures("_broken")
@pytest.mark.parametrize(
    "walk",
    [
        lambda loss, x: loss.backward(),
        lambda loss, x: loss.backward(retain_graph=True),
        lambda loss, x: gradients(loss, [x]),
        lambda loss, x: gradients(loss, [x], create_graph=True),
    ],
)
def test_a_walk_that_fails_leaves_no_gradient_behind(walk):
    x, y = leaf(1.0, 2.0), leaf(3.0, 4.0)
    y.grad = np.array([7.0, 7.0])
    loss = (brittle(x) * y).sum()
    with pytest.raises(RuntimeError, match="told to fail"):
        walk(loss, x)
    assert x.grad is None
    assert_array_equal(y.grad, [7, 7])


@pytest.mark.usefixtures("_broken")
def test_a_walk_that_failed_can_be_repeated_where_the_graph_is_kept():
    x = leaf(1.0, 2.0)
    loss = (brittle(x) * 3).sum()
    for _ in range(2):
        with pytest.raises(RuntimeError, match="told to fail"):
            loss.backward(retain_graph=True)
    BROKEN[0] = False
    loss.backward()
    assert_array_equal(x.grad, [3, 3])


@pytest.mark.usefixtures("_broken")
@pytest.mark.parametrize("create_graph", [False, True])
def test_a_walk_that_fails_puts_the_mode_back(create_graph):
    x = leaf(1.0)
    loss = brittle(x) * 3
    with pytest.raises(RuntimeError, match="told to fail"):
        gradients(loss, [x], create_graph=create_graph)
    assert (x * 2).requires_grad
    with no_grad():
        with pytest.raises(RuntimeError, match="told to fail"):
            gradients(loss, [x], create_graph=create_graph)
        assert not (x * 2).requires_grad


def test_an_operation_that_fails_records_nothing():
    x = leaf(1.0, 2.0)
    with pytest.raises(ValueError, match="broadcast"):
        x + np.ones(3)
    y = x * 2
    y.sum().backward()
    assert_array_equal(x.grad, [2, 2])


def test_an_error_in_numpy_comes_out_as_numpys_own():
    x = leaf(1.0, 2.0)
    with pytest.raises(np.exceptions.AxisError):
        x.sum(axis=3)
    with pytest.raises(ValueError, match="reshape"):
        x.reshape(3)
    with pytest.raises(TypeError, match=r"unexpected keyword|can't be recorded"):
        xp.sum(x, nonsense=1)


@pytest.mark.usefixtures("_broken")
def test_the_cause_of_a_failing_rule_is_in_the_traceback():
    with pytest.raises(RuntimeError) as caught:
        brittle(leaf(1.0)).backward()
    assert isinstance(caught.value.__cause__, ArithmeticError)
    frames = traceback.extract_tb(caught.value.__cause__.__traceback__)
    assert frames[-1].name == "_brittle_vjp"


def test_interrupting_a_walk_is_not_an_error_of_a_rule():
    @primitive
    def slow(x):
        return x * 1

    def rule(g, out, x):
        raise KeyboardInterrupt

    defvjp(slow, rule)
    x = leaf(1.0)
    with pytest.raises(KeyboardInterrupt):
        slow(x).backward()
    assert x.grad is None


@pytest.mark.parametrize(
    "make",
    [
        lambda: Tensor([1.0]),
        lambda: Tensor([1.0]) * 2,
        lambda: leaf(1.0) > 0,
        lambda: xp.sign(leaf(1.0)),
        lambda: leaf(1.0).detach() * 2,
        lambda: leaf(1.0).astype(int),
    ],
)
def test_a_walk_without_a_graph_says_why_there_is_none(make):
    with pytest.raises(RuntimeError, match=r"no graph behind Tensor\(.*no_grad\(\).*requires_grad"):
        make().backward()
    x = leaf(1.0)
    with pytest.raises(RuntimeError, match="no graph behind"):
        gradients(make(), [x])


@pytest.mark.parametrize("output", [3.0, np.ones(1), None, [leaf(1.0)]])
def test_only_a_tensor_has_a_graph(output):
    with pytest.raises(RuntimeError, match="no graph behind"):
        gradients(output, [leaf(1.0)])


def test_a_leaf_is_named_in_the_errors_about_it():
    x = Tensor([1.0, 2.0], requires_grad=True, name="layers.0.weight")
    for act in (lambda: x.__iadd__(1.0), lambda: x.__setitem__(0, 1.0)):
        with pytest.raises(RuntimeError, match=r"'layers\.0\.weight' of shape \(2,\)"):
            act()


def test_errors_come_before_the_walk_takes_anything():
    """A wrong gradient= is found out while the graph is still whole."""
    x = leaf(1.0, 2.0)
    y = x * 2
    with pytest.raises(ValueError, match="gradient has shape"):
        y.backward([1.0])
    with pytest.raises(ValueError, match="starts at a scalar"):
        y.backward()
    y.backward([1.0, 1.0])
    assert_array_equal(x.grad, [2, 2])


# What is None, or gone, and why.


def test_a_parameter_updated_into_a_result_says_why_its_gradient_is_none():
    w = Tensor([1.0, 2.0], requires_grad=True)
    (w * w).sum().backward()
    w = w - 0.1 * w.grad
    (w * w).sum().backward()
    with pytest.warns(UserWarning, match=r"in place, w\.data -= 0\.1 \* w\.grad") as caught:
        assert w.grad is None
    assert caught[0].filename == __file__
    assert "of np.subtract (File" in str(caught[0].message)


def test_the_gradient_that_a_walk_left_in_a_result_is_read_without_a_warning():
    w = Tensor([1.0, 2.0], requires_grad=True)
    y = w * w
    y.sum().backward(retain_graph=True)
    assert y.grad.tolist() == [1, 1]
    y.grad = None
    with no_grad():
        assert (w * w).grad is None  # no result of a recorded call


def test_the_library_reads_the_gradients_of_results_without_a_warning():
    w = Tensor([1.0, 2.0], requires_grad=True)
    model: Any = nn.Sequential(nn.Linear(2, 2), nn.Tanh())
    model.last = model(w)
    cost = (model.last * w).sum()
    draw(cost, model=model, grads=True)
    explain(cost, w, 0)
    model.astype(np.float64).zero_grad()
    nn.functional_call(model, {"0.bias": w * 2}, w)
    assert "Linear" in repr(nn.summary(model, (1, 2)))


def test_what_a_loop_uses_and_was_computed_once_before_it_is_said_to_belong_inside():
    data = Tensor([1.0, 2.0], requires_grad=True)
    w = data * 0.1
    optimizer = SGD([data], lr=0.1)
    (w * w).sum().backward()
    optimizer.step()
    with pytest.raises(RuntimeError, match="in a loop inside it and not once before it") as caught:
        (w * w).sum().backward()
    assert "the graph of np.multiply (File" in str(caught.value)
