"""The gradient checker, held against rules that are right, wrong, and undecidable."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nn
from autograd_mini import Tensor, checkpoint, defvjp, primitive, relu, sigmoid
from autograd_mini.primitive import TABLE
from autograd_mini.testing import (
    Function,
    GradientError,
    check_grads,
    check_module,
    declare_kink,
    examine,
)
from tests.rule_checks import arrays_in, filled
from tests.samples import Sample
from tests.test_rules import SAMPLES

xp: Any = np
X = np.array([0.5, 2.0, -1.2])
LARGE = np.random.default_rng(0).normal(size=1000)
SCALES = [1e-300, 1e-8, 1.0, 1e8, 1e200]


def sigmoid_with(error: float) -> Any:
    """Return a sigmoid whose rule is too large by this part of itself."""

    @primitive
    def wrong_sigmoid(x: Any) -> Any:
        return 1 / (1 + np.exp(-x))

    defvjp(wrong_sigmoid, lambda g, out, x: g * (out - out * out) * (1 + error))
    return wrong_sigmoid


def verdict(f: Any, *inputs: Any, **options: Any) -> str:
    return examine(Function(f, inputs), **options).verdict


def refused(f: Any, *inputs: Any, **options: Any) -> GradientError:
    with pytest.raises(GradientError) as caught:
        check_grads(f, *inputs, **options)
    return caught.value


# Right.


@pytest.mark.parametrize(
    "f",
    [
        lambda x: xp.sin(x) * x,
        lambda x: relu(x).sum(),
        lambda x: xp.max(x**2),
        lambda x: xp.sort(x) * np.arange(3.0),
        lambda x: xp.where(x > 0, xp.sqrt(xp.abs(x)), x),
        lambda x: xp.abs(xp.fft.fft(x)),
        lambda x: xp.exp(1j * x),
        lambda x: x[x > 0] ** 2,
        lambda x: {"a": x * 2, "b": [x[0], 3.0]},
        checkpoint(lambda x: xp.tanh(x) * x),
        lambda x: xp.sum(x) * 0 + 1,
        lambda x: nn.functional.softmax(x).sum(),
    ],
)
def test_a_right_gradient_is_right(f: Any) -> None:
    report = check_grads(f, X)
    assert report.verdict == "right"
    assert report.compared > 0


def test_a_slope_that_is_small_beside_its_value_is_not_called_wrong() -> None:
    for x in np.random.default_rng(0).uniform(-1e-3, 1e-3, 200):
        assert verdict(xp.sinc, np.array(x), seed=0) != "wrong"


def test_several_inputs_and_containers_and_constants() -> None:
    def f(params: Any, batch: Any, power: int) -> Any:
        return (params["w"] @ batch + params["b"][0]) ** power

    params = {"w": LARGE[:6].reshape(2, 3), "b": [2.0]}
    assert check_grads(f, params, X, 2).verdict == "right"


@pytest.mark.parametrize("order", [1, 2, 3])
def test_every_order(order: int) -> None:
    assert verdict(lambda x: xp.exp(xp.sin(x)), X, order=order) == "right"


@pytest.mark.parametrize("sample", SAMPLES, ids=[TABLE[s.function].name for s in SAMPLES])
@settings(max_examples=settings.default.max_examples // 12)
@given(data=st.data())
def test_no_right_rule_is_called_wrong(sample: Sample, data: Any) -> None:
    call = data.draw(sample.calls)

    def f(*values: Any) -> Any:
        return sample.function(*filled(call.args, iter(values)), **call.kwargs)

    report = examine(Function(f, tuple(arrays_in(call.args))), seed=0, order=1)
    assert report.verdict != "wrong", report


# Wrong.


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("x", [X, LARGE], ids=["small", "large"])
def test_an_error_of_one_part_in_a_million_is_found_at_every_scale(x: Any, scale: float) -> None:
    wrong = sigmoid_with(1e-6)
    error = refused(lambda x: xp.mean(wrong(x) ** 2) * scale, x, order=1)
    assert error.report.verdict == "wrong"
    assert "wrong_sigmoid" in str(error.report.operation)
    assert f"{__file__}" in str(error.report.operation)
    assert verdict(lambda x: xp.mean(sigmoid(x) ** 2) * scale, x, order=1) == "right"


class Digits(nn.Module):
    """The digits network with its cost, of eight examples."""

    def __init__(self, activation: Any) -> None:
        rng = np.random.default_rng(0)
        self.layers = [nn.Linear(*sizes, rng=rng) for sizes in ((784, 16), (16, 16), (16, 10))]
        self.activation = activation
        self.wanted = np.eye(10)[:8]

    def forward(self, x: Any) -> Any:
        for layer in self.layers:
            x = self.activation(layer(x))
        return nn.functional.mse_loss(x, self.wanted)


def test_the_digits_network_is_right_and_a_millionth_in_its_sigmoid_is_named() -> None:
    x = np.random.default_rng(1).random((8, 784))
    model = Digits(sigmoid)
    before = [p.data.copy() for p in model.parameters()]
    assert check_module(model, x).verdict == "right"
    for p, value in zip(model.parameters(), before, strict=True):
        assert np.array_equal(p.data, value)
        assert p.grad is None
    with pytest.raises(GradientError, match="the rule of wrong_sigmoid") as caught:
        check_module(Digits(sigmoid_with(1e-6)), x)
    assert "in forward" in str(caught.value)


def test_a_rule_that_writes_into_its_gradient_is_found() -> None:
    @primitive
    def double(x: Any) -> Any:
        return x * 2

    def vjp(g: Any, out: Any, x: Any) -> Any:
        g *= 2
        return g

    defvjp(double, vjp)
    assert "writes into its gradient" in str(refused(lambda x: double(x) + x, X))


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (lambda g, out, x: -g * np.cos(x), "disagrees"),
        (lambda g, out, x: g * 0, "disagrees"),
        (lambda g, out, x: g * np.cos(x) * (np.arange(x.size) != 1), "disagrees"),
        (lambda g, out, x: np.sum(g * np.cos(x)), "returns () for shape (3,)"),
        (lambda g, out, x: (g * np.cos(x)).astype(np.float32), "float32 for float64"),
        (lambda g, out, x: (g * np.cos(x)).tolist(), "returns list"),
    ],
)
def test_a_wrong_rule_is_named_with_its_fault(rule: Any, message: str) -> None:
    @primitive
    def sine(x: Any) -> Any:
        return np.sin(x)

    defvjp(sine, rule)
    error = refused(lambda x: sine(x) * 3, X)
    assert message in str(error)
    assert "sine (File" in str(error)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x * xp.sum(x.data),
        lambda x: x * x.detach(),
        lambda x: x * x[0].item(),
        lambda x: x * float(x[1]),
    ],
)
def test_a_gradient_that_is_lost_on_the_way_is_found(f: Any) -> None:
    assert "lost" in str(refused(f, X))


@pytest.mark.parametrize(
    "f",
    [
        lambda a: xp.sum(a * a),
        lambda a: a @ a,
        lambda a: xp.concatenate([a, a]) * np.arange(6.0),
        lambda a: xp.where(np.arange(3) > 1, a, a),
        lambda a: xp.einsum("i,i->", a, a),
    ],
)
def test_a_tensor_that_stands_twice_in_a_call_is_right(f: Any) -> None:
    assert check_grads(f, X).verdict == "right"


def test_two_errors_of_one_size_do_not_cancel() -> None:
    @primitive
    def total(x: Any) -> Any:
        return np.sum(x)

    defvjp(total, lambda g, out, x: g * (np.arange(x.size) % 10 != 3))
    assert all(verdict(total, LARGE[:20], order=1, seed=seed) == "wrong" for seed in range(100))


def test_one_wrong_call_among_equal_ones_is_named() -> None:
    @primitive
    def sine(x: Any) -> Any:
        return np.sin(x)

    defvjp(sine, lambda g, out, x: g * np.where(x > 1.5, 0, np.cos(x)))
    error = refused(lambda x: sine(x) + sine(x + 1.2), np.array([0.1, 0.5]))
    assert "the rule of sine" in str(error)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: 1e10 + xp.sum(xp.sin(x.data)),
        lambda x: xp.var(x + 1e9),
    ],
)
def test_what_is_lost_beside_large_numbers_is_not_called_right(f: Any) -> None:
    assert verdict(f, X, order=1) != "right"


def test_a_second_derivative_that_is_lost_is_found() -> None:
    @primitive
    def cube(x: Any) -> Any:
        return x**3

    defvjp(cube, lambda g, out, x: g * 3 * (x.data if isinstance(x, Tensor) else x) ** 2)
    assert verdict(cube, X, order=1) == "right"
    assert "derivative 1 of cube" in str(refused(cube, X))


def test_a_function_that_is_not_the_same_twice_is_found() -> None:
    rng = np.random.default_rng(0)
    assert "something else" in str(refused(lambda x: x * rng.random(), X))


# Cannot tell.


@pytest.mark.parametrize(
    ("f", "x"),
    [
        (lambda x: relu(x) - relu(-x), [0.0, 1.0]),
        (xp.abs, [0.0]),
        (lambda x: xp.maximum(x, 1.0), [1.0, 2.0]),
        (xp.max, [1.0, 1.0]),
        (xp.sort, [1.0, 1.0]),
        (lambda x: xp.clip(x, 0, 1), [0.0, 0.5]),
        (xp.std, [2.0, 2.0]),
        (lambda x: xp.hypot(x, x), [0.0]),
    ],
)
def test_a_kink_is_named_not_judged(f: Any, x: list[float]) -> None:
    error = refused(f, np.array(x))
    assert error.report.verdict == "cannot tell"
    assert "stands on a kink" in str(error)
    assert "test_testing.py" in str(error.report.operation)


@pytest.mark.parametrize("distance", [1e-3, 1e-6])
def test_a_kink_nearby_is_not_stepped_over(distance: float) -> None:
    assert verdict(lambda x: relu(x) + xp.abs(x - 1), np.array([distance, 1 - distance])) == "right"


def test_a_kink_of_ones_own_is_declared() -> None:
    @primitive
    def hinge(x: Any) -> Any:
        return np.maximum(1 - x, 0)

    defvjp(hinge, lambda g, out, x: -g * (x < 1))
    declare_kink(hinge, lambda x: (x < 1, np.abs(1 - x)))
    assert verdict(hinge, np.array([1.0])) == "cannot tell"
    assert verdict(hinge, np.array([0.5, 1.5])) == "right"


@pytest.mark.parametrize(
    ("f", "x", "message"),
    [
        (lambda x: x * 1.0, np.array([1, 2]), "no floating-point input"),
        (lambda x: x * 2, X.astype(np.float32), "float32"),
        (lambda x: x * 2, X.astype(np.float16), "float16"),
        (lambda x: x * 2, np.zeros((0, 3)), "no elements"),
        (lambda x: x * 2, np.array([np.nan]), "not finite"),
        (lambda x: 1 / x, np.array([0.0]), "not finite"),
        (lambda x: xp.floor(x) * x + xp.sin(1e9 * x), X, "is known to"),
    ],
)
def test_what_cannot_be_checked_is_said(f: Any, x: Any, message: str) -> None:
    with np.errstate(divide="ignore"):
        error = refused(f, x)
    assert error.report.verdict == "cannot tell"
    assert message in str(error)


# The call.


def test_a_seed_repeats_a_check_and_nothing_global_is_touched() -> None:
    before = np.random.get_state(legacy=False)  # noqa: NPY002 - the state that must not change
    reports = [examine(Function(xp.sin, (LARGE,)), seed=5) for _ in range(2)]
    assert reports[0] == reports[1]
    after = np.random.get_state(legacy=False)  # noqa: NPY002 - the same
    np.testing.assert_equal(after, before)
    assert "seed=5" in str(reports[0])


@pytest.mark.parametrize("options", [{"order": 0}, {"modes": ()}, {"modes": ("back",)}])
def test_a_check_of_nothing_is_refused(options: Any) -> None:
    with pytest.raises(ValueError, match="a check has modes out of"):
        check_grads(xp.sin, X, **options)


def test_a_result_without_a_derivative_is_refused() -> None:
    with pytest.raises(TypeError, match="nothing with a derivative"):
        check_grads(xp.argmax, X)


def test_a_rule_that_is_wrong_on_bare_arrays_alone_is_found() -> None:
    @primitive
    def scaled(x: Any) -> Any:
        return x * 3

    defvjp(scaled, lambda g, out, x: g * (3 if isinstance(g, Tensor) else 3.001))
    assert verdict(scaled, X, order=1, modes=("rev",)) == "wrong"
