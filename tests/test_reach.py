"""Where a branch is flat or not chosen, nothing flows: 0, not 0 times infinity."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from autograd_mini import (
    Tensor,
    array,
    defvjp,
    detect_anomaly,
    grad,
    gradients,
    hook,
    jvp,
    primitive,
    relu,
    sigmoid,
)
from autograd_mini.primitive import TABLE
from tests.rule_checks import Case
from tests.test_rules import SAMPLES

xp: Any = np
X = np.array([0.0, 4.0, 9.0])
IS_STEEP = X == 0

# Functions whose slope is infinite, or nan, at 0.
STEEP: dict[str, Callable[[Any], Any]] = {
    "sqrt": xp.sqrt,
    "cbrt": xp.cbrt,
    "power": lambda x: x**0.25,
    "float_power": lambda x: xp.float_power(x, 0.5),
    "log": xp.log,
    "log1p": lambda x: xp.log1p(x - 1),
    "reciprocal": xp.reciprocal,
    "divide": lambda x: 3.0 / x,
    "0 / 0": lambda x: x / x,
    "arctanh": lambda x: xp.arctanh(1 - x / 10),
    "arcsin": lambda x: xp.arcsin(1 - x / 10),
    "arccosh": lambda x: xp.arccosh(1 + x),
    "x log x": lambda x: x * xp.log(x),
    "two roots": lambda x: xp.sqrt(xp.sqrt(x)),
    "root in the middle": lambda x: xp.exp(-3 * sigmoid(xp.sqrt(2 * x)) + 1),
    "norm": lambda x: x / xp.sqrt(x * x),
}


def overwritten(y: Any) -> Any:
    y = y * 1
    y[0] = 7.0
    return y


# What leaves out the elements at which x is 0, each with its own shape of result.
SELECTIONS: dict[str, Callable[[Any], Any]] = {
    "where": lambda y: xp.where(IS_STEEP, 1.5, y),
    "where of both": lambda y: xp.where(~IS_STEEP, y, 2.0),
    "a slice": lambda y: y[1:],
    "an index": lambda y: y[2],
    "a list": lambda y: y[[2, 1, 2]],
    "a mask": lambda y: y[~IS_STEEP],
    "take": lambda y: xp.take(y, [1, 2]),
    "take_along_axis": lambda y: xp.take_along_axis(y, np.array([1, 2]), 0),
    "compress": lambda y: xp.compress(~IS_STEEP, y),
    "extract": lambda y: xp.extract(~IS_STEEP, y),
    "select": lambda y: xp.select([~IS_STEEP], [y], 0.5),
    "choose": lambda y: xp.choose(IS_STEEP.astype(int), [y, 0.5]),
    "delete": lambda y: xp.delete(y, 0),
    "setitem": overwritten,
    "reshaped": lambda y: xp.where(IS_STEEP, 0.0, y.reshape(3, 1).T[0]),
    "stacked": lambda y: xp.stack([y, y])[:, 1:],
    "concatenated": lambda y: xp.concatenate([y, y])[[1, 2, 4]],
    "array": lambda y: array([y, y, y])[0, 1:],
    "triu": lambda y: xp.triu(xp.stack([y, y, y]) * [[0, 1, 1]] * 0 + xp.stack([y] * 3), 1)[:, 1:],
    "flipped": lambda y: xp.flip(y)[:2],
    "cast": lambda y: y.astype(np.float64)[1:],
    "two in a row": lambda y: xp.where(IS_STEEP, 0.0, y)[1:],
}


@pytest.mark.parametrize("select", SELECTIONS.values(), ids=SELECTIONS)
@pytest.mark.parametrize("steep", STEEP.values(), ids=STEEP)
def test_what_a_selection_leaves_out_has_slope_0(steep, select):
    def f(x):
        return np.sum(np.sin(select(steep(x))))

    with np.errstate(all="ignore"):
        slope = grad(f)(X)
        curvature = grad(lambda x: np.sum(grad(f)(x)))(X)
        change = jvp(grad(f), (X,), (np.ones(3),))[1]
        steps = np.array([f(X + d)[()] - f(X - d)[()] for d in 1e-5 * np.eye(3)[1:]]) / 2e-5
    assert slope[0] == curvature[0] == change[0] == 0
    assert_allclose(slope[1:], steps, rtol=1e-6, atol=1e-9)
    assert np.all(np.isfinite(curvature))
    assert_allclose(change, curvature, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(
    ("f", "wanted"),
    [
        (lambda x: xp.max(xp.sqrt(x)), [0, 0, 1 / 6]),
        (lambda x: xp.sum(xp.maximum(xp.sqrt(x), 1.0)), [0, 0.25, 1 / 6]),
        (lambda x: xp.sum(xp.minimum(-xp.sqrt(x), -1.0)), [0, -0.25, -1 / 6]),
        (lambda x: xp.sum(xp.fmax(xp.sqrt(x), 1.0)), [0, 0.25, 1 / 6]),
        (lambda x: xp.sum(xp.clip(xp.sqrt(x), 1.0, 2.5)), [0, 0.25, 0]),
        (lambda x: xp.sum(relu(xp.sqrt(x) - 1)), [0, 0.25, 1 / 6]),
        (lambda x: xp.min(-xp.sqrt(x)), [0, 0, -1 / 6]),
        (lambda x: xp.nansum(xp.sqrt(x - 1)), [0, 0.5 / 3**0.5, 0.5 / 8**0.5]),
        (lambda x: xp.sum(xp.where(x > 0, xp.sqrt(x), 0)) + 2 * xp.sqrt(x)[1], [0, 0.75, 1 / 6]),
        (lambda x: xp.sum(xp.sqrt(relu(x - 1))), [0, 0.5 / 3**0.5, 0.5 / 8**0.5]),
        (lambda x: xp.sum(xp.sqrt(xp.maximum(x - 1, 0))), [0, 0.5 / 3**0.5, 0.5 / 8**0.5]),
    ],
)
def test_a_branch_that_is_flat_or_not_chosen_has_slope_0(f, wanted):
    with np.errstate(all="ignore"):
        assert_allclose(grad(f)(X), wanted)
        x = Tensor(X, requires_grad=True)
        f(x).backward()
    assert_allclose(x.grad, wanted)


def test_what_only_happens_to_be_0_is_no_reason():
    """The slope of sqrt(x) ** 2 is 1: a 0 would be wrong, nan says that it is not known."""
    with np.errstate(all="ignore"):
        assert np.isnan(grad(lambda x: np.sqrt(x) ** 2)(0.0))
        assert np.isnan(grad(lambda x: np.where(x >= 0, np.sqrt(x), 0) ** 2)(0.0))
        assert np.isnan(grad(lambda x: np.sum(np.sqrt(x)[:1] ** 2))(X)[0])
        assert np.isnan(grad(lambda x: np.sqrt(x) * 0)(0.0))
        assert np.isnan(grad(lambda x: relu(np.sqrt(x)) ** 2)(0.0))
        assert np.isnan(grad(lambda x: np.maximum(np.sqrt(x), 0) ** 2)(0.0))


def test_what_is_left_out_here_and_used_there_flows():
    def f(x):
        y = np.sqrt(x)
        return np.sum(np.where(x > 0, y, 0)) + np.sum(y)

    def g(x):
        y = np.sqrt(x)
        return np.sum(y) + np.sum(np.where(x > 0, y, 0))

    with np.errstate(all="ignore"):
        assert_array_equal(grad(f)(X)[:2], [np.inf, 0.5])
        assert_array_equal(grad(g)(X)[:2], [np.inf, 0.5])
    parts = grad(lambda x: np.sum(np.sqrt(x)[1:]) + np.sum(np.sqrt(x)[2:]))(X)
    assert_allclose(parts, [0, 0.25, 1 / 3])


def test_rows_without_a_direction_do_not_spoil_the_others():
    a = np.array([[0.0, 0.0], [3.0, 4.0]])

    def f(a):
        size = np.linalg.norm(a, axis=1, keepdims=True)
        return np.sum(np.where(size > 0, a / size, 0) * [1.0, 2.0])

    with np.errstate(all="ignore"):
        assert_allclose(grad(f)(a), [[0, 0], [-0.064, 0.048]])


def test_the_backward_pass_of_what_is_left_out_does_not_warn():
    """Warnings are errors here: 0 / 0 and 0 * inf were computed and thrown away."""
    assert_allclose(grad(lambda x: np.sum(np.where(x > 0, np.sqrt(x), 0)))(X), [0, 0.25, 1 / 6])


def test_float32_and_broadcasting_are_kept():
    x = np.float32([[0.0], [4.0]])
    slope = grad(lambda x: np.sum(np.where(np.array([x.data[:, 0] > 0] * 3).T, np.sqrt(x), 0)))(x)
    assert slope.dtype == np.float32
    assert_allclose(slope, [[0.0], [0.75]])


def test_anomaly_detection_does_not_report_what_is_left_out():
    x = Tensor(X, requires_grad=True)
    with detect_anomaly():
        np.sum(np.where(x > 0, np.sqrt(x), 0)).backward()
    assert_allclose(x.grad, [0, 0.25, 1 / 6])


def test_a_hook_is_called_once_and_sees_the_gradient():
    seen: list[Any] = []
    grad(lambda x: np.sum(np.where(x > 0, hook(np.sqrt(x), seen.append), 0)))(X + 1)
    assert_array_equal(seen, [[1.0, 1.0, 1.0]])


MOVING = [sample for sample in SAMPLES if TABLE[sample.function].moves]


@pytest.mark.parametrize("sample", MOVING, ids=[TABLE[s.function].name for s in MOVING])
@settings(max_examples=10)
@given(data=st.data())
def test_a_rule_that_moves_elements_tells_where_something_flows(sample: Any, data: Any) -> None:
    """Given a gradient of ones it returns 0 exactly where the result does not depend on x."""
    case = Case(sample, data.draw(sample.calls))
    xs = case.variables
    before = case.run(xs)
    for i, flow in enumerate(case.rules(xs, [np.ones(y.shape) for y in case.outs])):
        for at in np.ndindex(flow.shape):
            moved = [x.copy() for x in xs]
            moved[i][at] += 1e-9
            assert (flow[at] != 0) == (not np.array_equal(case.run(moved), before, equal_nan=True))


def test_every_operation_that_selects_moves():
    selecting = {operation.name for operation in TABLE.values() if operation.selects}
    assert selecting <= {TABLE[sample.function].name for sample in MOVING}
    assert {"np.where", "np.maximum", "getitem", "relu", "np.max", "np.select"} <= selecting


def test_a_selection_looks_no_further_back_than_the_walk_goes():
    x = Tensor([1.0, 2.0], requires_grad=True)
    h = np.tanh(x * 2)
    h.sum().backward()  # releases what lies behind h
    assert_array_equal(gradients((h * 3)[0], [h]), [[3, 0]])


def test_a_selection_asks_for_no_rule_that_the_walk_does_not_need():
    @primitive
    def product(x, y):
        return x * y

    defvjp(product, lambda g, out, x, y: g * y)
    x, y = Tensor([1.0, 2.0], requires_grad=True), Tensor([3.0, 4.0], requires_grad=True)
    TABLE[product].is_elementwise = True
    assert_array_equal(gradients(product(x, y)[0], [x]), [[3, 0]])
