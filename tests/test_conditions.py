"""`assert_gradients` finds a rule that is wrong in one condition only, without drawing anything."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from autograd_mini import Tensor, defvjp, primitive
from autograd_mini.primitive import TABLE
from autograd_mini.testing import GradientError, examine
from autograd_mini.testing.layouts import LAYOUTS, NATIVE, layout_of, layouts_for
from autograd_mini.testing.strategies import arrays, assert_gradients, assertion, conditions
from autograd_mini.testing.strategies.assertion import shown
from autograd_mini.testing.strategies.covering import base_of
from autograd_mini.testing.subjects import Function

Condition = Callable[..., Any]
FIRST: dict[str, Any] = {"order": 1, "modes": ("rev",)}


@pytest.fixture
def only_where(monkeypatch: pytest.MonkeyPatch) -> Callable[[Condition], None]:
    """Leave out what Hypothesis draws, and calls in other conditions, which are right."""

    def restrict(condition: Condition) -> None:
        def chosen(base: Any, away_from: Any) -> Any:
            every = conditions.conditions(base, away_from)
            return (call for call in every if np.any(condition(*call.inputs)))

        monkeypatch.setattr(assertion, "_run", lambda check, drawn: None)
        monkeypatch.setattr(assertion, "conditions", chosen)

    return restrict


def wrong_where(condition: Condition, function: Any, *rules: Any, only: int = 0) -> Any:
    """Return a primitive, the gradient of one argument 1 % too large where `condition` holds."""

    @primitive
    def wrong(x: Any) -> Any:
        return function(x)

    @primitive
    def wrong_of_two(x: Any, y: Any) -> Any:
        return function(x, y)

    def broken(k: int, rule: Any) -> Any:
        def vjp(g: Any, out: Any, *args: Any) -> Any:
            if k != only:
                return rule(g, out, *args)
            # Not a number of float64: what is float32 stays it.
            return rule(g, out, *args) * np.where(condition(*args), 1.01, 1).astype(g.dtype)

        return vjp

    made = (wrong, wrong_of_two)[len(rules) - 1]
    defvjp(made, *(broken(k, rule) for k, rule in enumerate(rules)))
    return made


def is_laid(x: Any, layout: str) -> bool:
    return layout_of(x.data if isinstance(x, Tensor) else x) == layout


def is_stretched(x: Any, y: Any, k: int) -> bool:
    return (x, y)[k].shape != np.broadcast_shapes(x.shape, y.shape)


OF_ONE: dict[str, Condition] = {
    "size 1": lambda x: x.size == 1,
    "a number": lambda x: x.ndim == 0,
    "many": lambda x: x.size > 1,
    "more than ten": lambda x: x.size > 10,
    "a matrix": lambda x: x.ndim == 2 and x.size > 1,
    "negative": lambda x: x < 0,
    "positive": lambda x: x > 0,
    "mixed signs": lambda x: np.any(x < 0) and np.any(x > 0),
    "a negative number": lambda x: x.ndim == 0 and x < 0,
    "above 1": lambda x: x > 1,
    "within 1": lambda x: np.abs(x) < 1,
    "large": lambda x: np.abs(x) > 1e3,
    "large and negative": lambda x: x < -1e3,
    "very large": lambda x: np.abs(x) > 1e7,
    "tiny": lambda x: np.abs(x) < 1e-3,
    "tiny and negative": lambda x: (x < 0) & (x > -1e-3),
    "float32": lambda x: x.dtype.itemsize == 4,
    "float32 and many": lambda x: x.dtype.itemsize == 4 and x.size > 1,
    **{layout: lambda x, layout=layout: is_laid(x, layout) for layout in LAYOUTS},
    "0-d, read-only": lambda x: x.ndim == 0 and is_laid(x, "read-only"),
    "a vector from the back": lambda x: x.ndim == 1 and is_laid(x, "reversed"),
    "every second row of a matrix": lambda x: x.ndim == 2 and is_laid(x, "strided"),
}


@pytest.mark.parametrize("name", OF_ONE)
def test_a_rule_of_one_argument_that_is_wrong_in_one_condition_is_found(
    only_where: Any, name: str
) -> None:
    wrong = wrong_where(OF_ONE[name], np.square, lambda g, out, x: 2 * g * x)
    only_where(OF_ONE[name])
    with pytest.raises(GradientError, match=r"^wrong: wrong\("):
        assert_gradients(wrong, **FIRST)


OF_TWO: dict[str, Condition] = {
    "first stretched": lambda x, y: is_stretched(x, y, 0),
    "second stretched": lambda x, y: is_stretched(x, y, 1),
    "both stretched": lambda x, y: is_stretched(x, y, 0) and is_stretched(x, y, 1),
    "same shapes": lambda x, y: x.shape == y.shape and x.size > 1,
    "first has fewer axes": lambda x, y: 0 < x.ndim < y.ndim and x.size > 1,
    "second has fewer axes": lambda x, y: 0 < y.ndim < x.ndim and y.size > 1,
    "a number first": lambda x, y: x.ndim == 0 and y.ndim > 0,
    "a number second": lambda x, y: y.ndim == 0 and x.ndim > 0,
    "a row of one first": lambda x, y: x.shape == (1,) and y.size > 1,
    "a row of one second": lambda x, y: y.shape == (1,) and x.size > 1,
    "first stretched along its last axis": lambda x, y: x.ndim > 1 and x.shape[-1] < y.shape[-1],
    "second stretched along its last axis": lambda x, y: y.ndim > 1 and y.shape[-1] < x.shape[-1],
    "first stretched inside": lambda x, y: x.ndim == y.ndim == 3 and x.shape[1] < y.shape[1],
    "second stretched inside": lambda x, y: x.ndim == y.ndim == 3 and y.shape[1] < x.shape[1],
    "size 1 with other axes": lambda x, y: x.size == y.size == 1 and x.ndim != y.ndim,
    "first negative": lambda x, y: (x < 0) & (y > 0),
    "second negative": lambda x, y: (y < 0) & (x > 0),
    "both negative": lambda x, y: (x < 0) & (y < 0),
    "first large": lambda x, y: np.abs(x) > 1e3 * np.abs(y),
    "second large": lambda x, y: np.abs(y) > 1e3 * np.abs(x),
    "both tiny": lambda x, y: np.maximum(np.abs(x), np.abs(y)) < 1e-3,
    "first float32": lambda x, y: x.dtype.itemsize < y.dtype.itemsize,
    "second float32": lambda x, y: y.dtype.itemsize < x.dtype.itemsize,
    "both float32": lambda x, y: x.dtype.itemsize == y.dtype.itemsize == 4,
    "float32 and stretched": lambda x, y: x.dtype.itemsize == 4 and is_stretched(x, y, 0),
    "first from the back": lambda x, y: is_laid(x, "reversed") and is_laid(y, "C"),
    "second in Fortran order": lambda x, y: is_laid(y, "F") and not is_laid(x, "F"),
    "both in Fortran order": lambda x, y: is_laid(x, "F") and is_laid(y, "F"),
    "second transposed": lambda x, y: is_laid(y, "transposed"),
    "second big-endian": lambda x, y: is_laid(y, "big-endian") and not is_laid(x, "big-endian"),
}


@pytest.mark.parametrize("k", [0, 1])
@pytest.mark.parametrize("name", OF_TWO)
def test_a_rule_for_either_argument_that_is_wrong_in_one_condition_is_found(
    only_where: Any, name: str, k: int
) -> None:
    rules = [lambda g, out, x, y: g * y, lambda g, out, x, y: g * x]
    wrong = wrong_where(OF_TWO[name], np.multiply, *rules, only=k)
    only_where(OF_TWO[name])
    with pytest.raises(GradientError, match=r"^wrong: wrong_of_two\("):
        assert_gradients(wrong, **FIRST)


AT_NOTHING: dict[str, Condition] = {
    "an error": lambda g, x: g * x / np.max(np.abs(x)) * np.max(np.abs(x)),
    "another shape": lambda g, x: g * x if x.size else np.zeros((3, 3)),
    "another dtype": lambda g, x: g * x if x.size else np.zeros(x.shape, int),
}


@pytest.mark.parametrize("name", AT_NOTHING)
def test_a_rule_that_is_wrong_at_size_0_only_is_found(name: str) -> None:
    @primitive
    def square(x: Any) -> Any:
        return x * x

    defvjp(square, lambda g, out, x: AT_NOTHING[name](2 * g, x))
    with pytest.raises(GradientError, match=r"^wrong: square\(np.zeros\(\(0,\)\)\): the rule of"):
        assert_gradients(square, max_examples=1, **FIRST)


@pytest.mark.parametrize("k", [0, 1])
def test_a_gradient_of_what_meets_nothing_is_0(only_where: Any, k: int) -> None:
    @primitive
    def product(x: Any, y: Any) -> Any:
        return x * y

    def broken(i: int, rule: Any) -> Any:
        return lambda g, out, *args: rule(g, *args) if g.size or i != k else np.ones_like(args[i])

    defvjp(product, broken(0, lambda g, x, y: g * y), broken(1, lambda g, x, y: g * x))
    only_where(lambda x, y: not x.size or not y.size)
    with pytest.raises(GradientError, match=r"^wrong: product\("):
        assert_gradients(product, **FIRST)


def test_a_second_derivative_that_is_wrong_where_an_argument_is_stretched_is_found(
    only_where: Any,
) -> None:
    @primitive
    def product(x: Any, y: Any) -> Any:
        return x * y

    def detached(g: Any, out: Any, x: Any, y: Any) -> Any:
        return g * (y.data if isinstance(y, Tensor) and y.ndim < g.ndim else y)

    defvjp(product, detached, lambda g, out, x, y: g * x)
    only_where(lambda x, y: y.ndim < x.ndim)
    assert_gradients(product, **FIRST)
    with pytest.raises(GradientError, match=r"^wrong: product\(.*derivative 1 of product"):
        assert_gradients(product, modes=("rev",))


@pytest.mark.parametrize("k", [0, 1])
def test_a_rule_that_fails_at_0_is_found(only_where: Any, k: int) -> None:
    @primitive
    def product(x: Any, y: Any) -> Any:
        return x * y

    rules = [lambda g, out, x, y: g * out / x, lambda g, out, x, y: g * out / y]
    right = [lambda g, out, x, y: g * y, lambda g, out, x, y: g * x]
    defvjp(product, *(rules[i] if i == k else right[i] for i in (0, 1)))
    only_where(lambda x, y: not np.all(x) or not np.all(y))
    with pytest.raises(GradientError, match=r"^wrong: product\(.*0\.0.*nan instead of"):
        assert_gradients(product, **FIRST)


def test_a_kink_at_0_that_is_not_declared_is_not_judged(only_where: Any) -> None:
    @primitive
    def leaky(x: Any, slope: Any) -> Any:
        return np.where(x > 0, x, slope * x)

    defvjp(
        leaky,
        lambda g, out, x, slope: np.where(x > 0, g, slope * g),
        lambda g, out, x, slope: np.where(x > 0, 0.0, g * x),
    )
    only_where(lambda x, slope: not np.all(x) or not np.all(slope))
    assert_gradients(leaky)


# Strategies of the user's.


@pytest.mark.parametrize("layout", [name for name in NATIVE if name != "C"])
def test_arrays_of_one_shape_are_tried_in_each_layout_that_may_be_drawn(layout: str) -> None:
    wrong = wrong_where(lambda x: is_laid(x, layout), np.square, lambda g, out, x: 2 * g * x)
    with pytest.raises(GradientError, match=r"^wrong: wrong\("):
        assert_gradients(wrong, arrays((2, 2, 2) if layout == "transposed" else (2, 2)), **FIRST)
    if layout != "read-only":  # as all that a single call is checked with is
        assert_gradients(wrong, arrays((2, 2), layout="C"), max_examples=1, **FIRST)


@pytest.mark.parametrize(
    "condition",
    [lambda x: x > 9.8, lambda x: x < -3.8, lambda x: np.abs(x) < 0.6, lambda x: np.all(x < 0)],
)
def test_arrays_of_a_range_are_tried_at_its_ends_and_in_both_signs(condition: Condition) -> None:
    wrong = wrong_where(condition, np.square, lambda g, out, x: 2 * g * x)
    drawn = arrays((2,), low=-4.0, high=10.0, margin=0.5)
    with pytest.raises(GradientError, match=r"^wrong: wrong\("):
        assert_gradients(wrong, drawn, max_examples=1, **FIRST)


def test_nothing_is_tried_that_a_strategy_does_not_draw() -> None:
    seen: list[Any] = []

    def f(x: Any, y: Any, power: Any) -> Any:
        seen.append((x.data, y.data))
        return x * y**power

    left = arrays((2, 2), low=1.0, high=2.0, distinct=True)
    assert_gradients(f, left, arrays((2,), low=3.0, high=4.0), 2, max_examples=1, **FIRST)
    slack = 0.1  # of the numeric derivative's steps
    for x, y in seen:
        assert np.all((x > 1 - slack) & (x < 2 + slack) & np.ones((2, 2), bool))
        assert np.all((y > 3 - slack) & (y < 4 + slack))


# What a function refuses.


def test_sizes_and_kinds_that_are_not_drawn_may_be_refused() -> None:
    def f(x: Any) -> Any:
        if not x.size or x.dtype != np.float64 or np.any(np.abs(x.data) > 100):
            raise ValueError("no such arrays")
        return x * x

    assert_gradients(f, max_examples=1, **FIRST)
    assert_gradients(np.max, max_examples=1, **FIRST)


def test_a_shape_that_is_drawn_may_not_be_refused_and_is_told() -> None:
    def f(x: Any, y: Any) -> Any:
        if x.ndim != y.ndim:
            raise ValueError("of one shape")
        return x * y

    with pytest.raises(ValueError, match="of one shape") as caught:
        assert_gradients(f, **FIRST)
    if sys.version_info >= (3, 11):
        assert caught.value.__notes__ == ["f(np.array(1.0), np.array([1.0, 1.0]))"]


# Right rules.

SAMPLE = [np.exp, np.log, np.sqrt, np.arccosh, np.arctanh, np.tan, np.abs, np.cbrt, np.sum, np.std]


@pytest.mark.parametrize("f", [*SAMPLE, np.arctan2], ids=lambda f: f.__name__)
def test_a_right_rule_is_right_in_every_condition(f: Any) -> None:
    assert_gradients(f, max_examples=1, away_from=(0.0, 1.0), **FIRST)


@pytest.mark.parametrize(
    ("f", "is_in"),
    [
        (np.sin, lambda x: True),
        (np.log, lambda x: x > 0),
        (np.arctanh, lambda x: np.abs(x) < 1),
        (np.arccosh, lambda x: x > 1),
        (np.logaddexp, lambda x: True),
    ],
    ids=lambda f: getattr(f, "__name__", ""),
)
def test_the_range_of_arguments_is_one_in_which_the_function_is(f: Any, is_in: Any) -> None:
    check = assertion._Check(f, 1, ("rev",), 1)
    for each in base_of(check, f.nin, (0.0,)):
        assert np.all(is_in(each.fill((20,), 0, (0.0,))))


def test_every_layout_is_tried() -> None:
    assert {"C", *conditions.LAID_OUT} == set(LAYOUTS)
    for layout, tried in conditions.LAID_OUT.items():
        assert all(layout in layouts_for(shape) for shape in tried)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_the_same_calls_are_tried_each_time_and_no_number_twice_in_one(count: int) -> None:
    first, second = ([*conditions.conditions((conditions.BOTH,) * count, ())] for _ in range(2))
    for one, other in zip(first, second, strict=True):
        assert [*map(shown, one.inputs)] == [*map(shown, other.inputs)]
        if one.is_zero:
            continue
        distinct = [np.unique(x) for x in one.inputs if not is_laid(x, "broadcast")]
        assert len(np.unique(np.concatenate([[0.0], *distinct]))) == 1 + sum(map(len, distinct))


# The table.


def is_taken(f: Any, x: Any) -> bool:
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            out = f(x)
            return np.asarray(out).dtype.kind in "fc" and not (isinstance(out, tuple) and not out)
    except Exception:  # noqa: BLE001 - whatever it says, it does not take this array alone
        return False


def is_of_a_test(f: Any) -> bool:
    return str(getattr(f, "__module__", "")).startswith("tests.")


# Other tests, if they are imported first, have put wrong rules into the table.
ALONE = [f for f in TABLE if TABLE[f].vjps and f is not np.empty_like and not is_of_a_test(f)]


@pytest.mark.parametrize(
    "x",
    [
        np.zeros(0),
        np.float32([[0.4, 0.3], [0.2, 0.9]]),
        np.float32([0.7, 0.2, 0.4]),
        np.float32(0.5),
    ],
    ids=["no elements", "matrix", "vector", "number"],
)
def test_no_rule_for_one_array_is_wrong_in_float32_or_at_size_0(x: Any) -> None:
    x = np.asarray(x)
    tried = [f for f in ALONE if is_taken(f, x)]
    assert len(tried) > 60
    for f in tried:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            report = examine(Function(f, (x,)), order=1, modes=("rev",))
        assert report.verdict != "wrong", report
