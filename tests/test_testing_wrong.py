"""The gradient checker, held against wrong rules: it finds each, and says where it is wrong."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import nn
from autograd_mini import Tensor, checkpoint, defvjp, no_grad, primitive, sigmoid
from autograd_mini.testing import Function, GradientError, check_grads, check_module, examine
from tests.verdicts import LARGE, X, refused, sigmoid_with, verdict

xp: Any = np
SCALES = [1e-300, 1e-8, 1.0, 1e8, 1e200]


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


@pytest.mark.parametrize("seed", [0, 1])
def test_the_digits_network_is_right_with_large_random_weights_too(seed: int) -> None:
    rng = np.random.default_rng(seed)
    model = Digits(sigmoid)
    for p in model.parameters():
        p.data = rng.normal(size=p.shape)
    assert check_module(model, rng.random((8, 784)), seed=seed).verdict == "right"


@pytest.mark.parametrize("seed", [0, 1, 5])
def test_the_digits_network_of_a_function_without_complex_form_is_right(seed: int) -> None:
    rng = np.random.default_rng(seed)
    model = Digits(lambda x: x / xp.hypot(1.0, x))
    for p in model.parameters():
        p.data = rng.normal(size=p.shape)
    assert check_module(model, rng.random((8, 784)), seed=seed).verdict == "right"


def test_a_rule_that_fails_is_named() -> None:
    @primitive
    def double(x: Any) -> Any:
        return x * 2

    defvjp(double, lambda g, out, x: g @ np.ones((7, 7)))
    assert "the rule of double (File" in str(refused(lambda x: double(x) + x, X))
    assert "fails with ValueError: matmul" in str(refused(double, X))


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
        (lambda g, out, x: np.sum(g * np.cos(x)), "returns () for an argument of shape (3,)"),
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
        lambda x: x * float(x.data[1]),
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
    assert all(verdict(total, LARGE[:20], order=1, seed=seed) == "wrong" for seed in range(40))


def test_one_wrong_call_among_equal_ones_is_named() -> None:
    @primitive
    def sine(x: Any) -> Any:
        return np.sin(x)

    defvjp(sine, lambda g, out, x: g * np.where(x > 1.5, 0, np.cos(x)))
    error = refused(lambda x: sine(x) + sine(x + 1.2), np.array([0.1, 0.5]))
    assert "the rule of sine" in str(error)


def normalised(x: Any) -> Any:
    distance = x - xp.mean(x)
    return distance / xp.sqrt(xp.mean(distance * distance) + 1e-5)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: 1e10 + xp.sum(xp.sin(x.data)),
        lambda x: xp.var(x + 1e9),
        lambda x: x * x.data + 1e15,
        lambda x: x.data**2 + 1e15,
        lambda x: 1e3 * x.data**2 + 1e15,
        lambda x: x * 1e14 - x * 1e14 + x * x.data,
        lambda x: x * 3.3e8 - x * 1.1e8 * 3 + x.data**2,
        lambda x: 1e6 * xp.sum(normalised(x)) + 1e-2 * xp.sum(x.data**2),
    ],
)
def test_what_is_lost_beside_large_numbers_is_not_called_right(f: Any) -> None:
    assert verdict(f, X, order=1) != "right"


@pytest.mark.parametrize("f", [xp.sin, lambda x: x * 1.0, lambda x: x**2 + x])
def test_a_gradient_that_is_lost_where_the_result_is_zero_is_found(f: Any) -> None:
    assert verdict(lambda x: f(x.data) + 0 * x, np.zeros(3), order=1) == "wrong"


@pytest.mark.parametrize("constant", [1e5, 1e6, 1e7])
def test_a_lost_part_that_the_complex_step_is_blind_to_is_not_called_right(constant: float) -> None:
    def f(x: Any) -> Any:
        return (xp.exp(x) + 1e-3 * np.abs(x.data).max() + constant) - constant

    for seed in range(30):
        x = np.random.default_rng(seed).normal(size=3)
        assert verdict(f, x, order=1, seed=seed) != "right"


def test_a_gradient_that_is_lost_beside_a_checkpoint_or_inside_one_is_found() -> None:
    assert verdict(lambda x: checkpoint(xp.sin)(x) * x.data, X) == "wrong"
    assert verdict(checkpoint(lambda x: xp.sin(x) * x.data), X) == "wrong"


@pytest.mark.parametrize("scale", [1e-100, 1e-12, 1.0, 1e12])
def test_a_gradient_that_is_lost_is_found_at_every_scale(scale: float) -> None:
    assert verdict(lambda x: xp.mean(x * x.data) * scale, LARGE, order=1) == "wrong"


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


def test_a_rule_that_is_wrong_on_bare_arrays_alone_is_found() -> None:
    @primitive
    def scaled(x: Any) -> Any:
        return x * 3

    defvjp(scaled, lambda g, out, x: g * (3 if isinstance(g, Tensor) else 3.001))
    assert verdict(scaled, X, order=1, modes=("rev",)) == "wrong"


def test_a_rule_that_is_not_differentiable_itself_is_wrong_at_the_second_order() -> None:
    @primitive
    def sine(x: Any) -> Any:
        return np.sin(x)

    defvjp(sine, lambda g, out, x: g * np.round(np.cos(x), 12))
    assert verdict(sine, X, order=1) == "right"
    assert "can't be differentiated" in str(refused(sine, X))


# Where it is wrong.


def off_at(*index: int) -> Any:
    """Return 3 x with a rule that is a thousandth too large at one element."""

    @primitive
    def triple(x: Any) -> Any:
        return 3 * x

    def rule(g: Any, out: Any, x: Any) -> Any:
        factor = np.full(x.shape, 3.0)
        factor[index] = 3.003
        return g * factor

    defvjp(triple, rule)
    return triple


@pytest.mark.parametrize(("shape", "index"), [((), ()), ((3,), (1,)), ((5, 30), (3, 17))])
def test_the_worst_element_of_a_wrong_rule_is_named(shape: Any, index: Any) -> None:
    triple, x = off_at(*index), np.random.default_rng(0).normal(size=shape)
    error = refused(lambda x: xp.sum(triple(x) ** 2), x, order=1)
    place = f" at {index}" if shape else ""
    assert error.report.element == f"x{place}"
    assert f"that of the result{place} by x{place} is 3.003 instead of 3" in str(error)


@pytest.mark.parametrize("modes", [("rev",), ("fwd",)])
@pytest.mark.parametrize(("shape", "index"), [((), ()), ((3,), (1,)), ((5, 30), (3, 17))])
def test_the_worst_element_that_is_lost_on_the_way_is_named(
    shape: Any, index: Any, modes: Any
) -> None:
    def f(a: Any, x: Any) -> Any:
        lost = np.zeros(shape)
        lost[index] = x.data[index]
        return a + x * 2 + lost

    x = np.random.default_rng(0).normal(size=shape)
    error = refused(f, np.ones(shape), x, order=1, modes=modes)
    place = f" at {index}" if shape else ""
    assert error.report.element == f"input 1{place}"
    result = f"output 0{place}" if shape else "the result"
    assert f"derivative of {result} by input 1{place} is 2 instead of 3" in str(error)


def test_the_element_of_a_parameter_is_named_by_its_name() -> None:
    class Layer(nn.Module):
        def __init__(self) -> None:
            self.weight = nn.Parameter(LARGE[:60].reshape(6, 10))

        def forward(self, x: Any) -> Any:
            w = self.weight
            return w @ x + w.data[4, 2]

    with pytest.raises(GradientError) as caught:
        check_module(Layer(), LARGE[:10], order=1)
    assert caught.value.report.element == "weight at (4, 2)"


def test_the_search_for_the_worst_element_takes_few_more_runs() -> None:
    runs = 0

    def f(x: Any) -> Any:
        nonlocal runs
        runs += 1
        return xp.sum(x * 2) + x.data[700]

    assert refused(f, LARGE, order=1).report.element == "input 0 at (700,)"
    assert runs < 600  # one look takes some 35


def test_a_slope_that_is_no_number_is_wrong_and_says_why() -> None:
    with np.errstate(all="ignore"):
        error = refused(lambda x: x * 1e-200 * 1e-200 * 1e200 * 1e200, np.array(0.5))
    assert error.report.verdict == "wrong"
    assert "is inf instead of 0" in str(error)
    assert "leave it out with np.where" in str(error)


# Memory and digits.


def test_a_rule_whose_gradients_share_memory_is_found() -> None:
    buffer = np.empty(3)

    @primitive
    def double(x: Any) -> Any:
        return x * 2

    defvjp(double, lambda g, out, x: np.multiply(g, 2, out=buffer))
    assert "returns memory that it writes into again" in str(refused(double, X))


def test_a_function_that_writes_into_its_argument_is_found() -> None:
    @primitive
    def halve(x: Any) -> Any:
        x[x > 1] = 1.0
        return x * 0.5

    defvjp(halve, lambda g, out, x: g * 0.5 * (x < 1))
    assert "halve" in str(refused(lambda x: halve(x * 1.0), X).report.operation)


@pytest.mark.parametrize(
    "rule",
    [
        lambda g, out, x: g,
        lambda g, out, x: out,
        lambda g, out, x: x,
        lambda g, out, x: x[...],
        lambda g, out, x: np.broadcast_to(g, x.shape),
    ],
)
def test_a_gradient_that_is_an_argument_of_its_rule_shares_nothing_with_it(rule: Any) -> None:
    @primitive
    def same(x: Any) -> Any:
        return x * 1.0

    defvjp(same, rule)
    x = Tensor(X.copy(), requires_grad=True)
    g = np.ones(3)
    y = same(x)
    y.backward(g)
    for other in (x.data, y.data, g):
        assert not np.shares_memory(x.grad, other)
    x.grad += 1.0
    assert np.array_equal(x.data, X)
    assert np.array_equal(g, np.ones(3))


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda g, x: (g * 3).astype(np.float64), "returns float64 for float"),
        (lambda g, x: np.ones(3, int), "returns int64 for float"),
        (lambda g, x: np.sum(g), "returns () for an argument of shape (3,)"),
    ],
)
def test_a_wrong_rule_is_found_in_the_narrow_floats_too(
    dtype: Any, wrong: Any, message: str
) -> None:
    @primitive
    def triple(x: Any) -> Any:
        return x * 3

    defvjp(triple, lambda g, out, x: wrong(g, x))
    error = refused(triple, X.astype(dtype))
    assert error.report.verdict == "wrong"
    assert message in str(error)


class Stale:
    """A rule of `x * x * y` that goes on using the first values it saw of each kind."""

    def __init__(self) -> None:
        self.first: dict[Any, Any] = {}

    def __call__(self, g: Any, x: Any, y: Any) -> Any:
        x, y = self.first.setdefault((x.shape, x.dtype, y.dtype), (x.copy(), y.copy()))
        return 2 * g * x * y


MADE_RULES: dict[str, Any] = {
    "right": lambda: lambda g, x, y: 2 * g * x * y,
    "off by a millionth": lambda: lambda g, x, y: 2 * g * x * y * (1 + 1e-6),
    "stale": Stale,
}


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
@pytest.mark.parametrize("is_variable", [False, True])
@pytest.mark.parametrize("name", MADE_RULES)
def test_an_argument_of_fewer_digits_hides_nothing_in_the_rule_of_another(
    name: str, is_variable: bool, dtype: Any
) -> None:
    @primitive
    def product(x: Any, y: Any) -> Any:
        return x * x * y

    rules = [MADE_RULES[name](), lambda g, x, y: (g * x * x).astype(y.dtype)]
    defvjp(product, *(lambda g, out, x, y, rule=rule: rule(g, x, y) for rule in rules))
    y = np.array([0.7, -1.3, 2.1], dtype)
    inputs = (X, y) if is_variable else (X,)
    report = examine(Function(lambda x, y=y: xp.sum(product(x, y)), inputs), order=1)
    if name == "right":
        assert report.verdict == ("cannot tell" if is_variable else "right")
    else:
        assert report.verdict == "wrong"
        assert str(report.operation).startswith("product")


def test_a_gradient_may_have_the_digits_of_what_it_is_multiplied_with() -> None:
    error = refused(lambda x: x * np.ones(3), X.astype(np.float32))
    assert error.report.verdict == "cannot tell"


def test_a_wrong_rule_inside_a_checkpoint_is_named() -> None:
    wrong = sigmoid_with(1e-6)
    error = refused(checkpoint(lambda x: wrong(x) * 2), X, order=1)
    assert "the rule of wrong_sigmoid" in str(error)


def test_a_rule_that_is_another_one_with_create_graph_is_found_by_walks_back_alone() -> None:
    @primitive
    def sine(x: Any) -> Any:
        return np.sin(x)

    defvjp(sine, lambda g, out, x: g * np.cos(x) * (1 if isinstance(g, np.ndarray) else 2))
    assert "create_graph=True" in str(refused(sine, X, modes=("rev",)))


def test_a_check_under_no_grad_is_the_same_check() -> None:
    with no_grad():
        assert verdict(xp.sin, X) == "right"


def test_words_among_the_results_are_passed_over() -> None:
    assert verdict(lambda x: {"loss": xp.sum(x * x), "kind": "squares", "steps": 3}, X) == "right"


@pytest.mark.parametrize("weight", [1e-12, 1e-11, 1e-10, 1e-9, 1e-8])
@pytest.mark.parametrize("n", [3, 40])
def test_a_small_part_that_is_not_analytic_is_no_error(weight: float, n: int) -> None:
    x = np.random.default_rng(n).normal(size=n)

    def f(x: Any) -> Any:
        return xp.mean(xp.tanh(3 * x) ** 2) + weight * xp.sum(xp.abs(x))

    assert verdict(f, x, order=1, seed=0) == "right"


@pytest.mark.parametrize("x", [20.8, 21.0, 22.0, 23.0])
def test_a_stable_softplus_is_right_where_it_is_nearly_straight(x: float) -> None:
    def softplus(x: Any) -> Any:
        return xp.maximum(x, 0) + xp.log1p(xp.exp(-xp.abs(x)))

    assert verdict(softplus, np.array([x, 1.0]), order=1) == "right"


@pytest.mark.parametrize("x", [20.8, 21.0, 22.0, 23.0])
def test_a_primitive_that_is_nearly_analytic_is_right(x: float) -> None:
    @primitive
    def softplus(x: Any) -> Any:
        return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))

    defvjp(softplus, lambda g, out, x: g / (1 + np.exp(-x)))
    assert verdict(softplus, np.array([x, 1.0]), order=1) == "right"
