"""The strategies for users' tests: what they draw, what they shrink to, and `assert_gradients`."""

import subprocess
import sys
from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

import nn
from autograd_mini import Tensor, defvjp, primitive, relu
from autograd_mini.testing import GradientError, check_grads, check_module, examine
from autograd_mini.testing.layouts import LAYOUTS, NATIVE, laid_out, layout_of, layouts_for, like
from autograd_mini.testing.strategies import (
    arrays,
    assert_gradients,
    broadcastable_shapes,
    numbers,
    shapes,
    tensors,
)
from autograd_mini.testing.strategies.assertion import shown
from autograd_mini.testing.subjects import Network
from nn.testing import networks
from tests.test_architecture import ROOT

xp: Any = np
PLAINLY = [phase for phase in Phase if phase is not Phase.explain]
SEARCH = settings(max_examples=2000, phases=PLAINLY, database=None)
FIRST: dict[str, Any] = {"order": 1, "modes": ("rev",)}


# Shapes.


@given(st.integers(1, 4), st.data())
def test_broadcastable_shapes_broadcast_and_keep_to_their_bounds(count: int, data: Any) -> None:
    drawn = data.draw(broadcastable_shapes(count, min_dims=1, max_dims=2, min_side=1, max_side=3))
    assert len(drawn) == count
    assert len(np.broadcast_shapes(*drawn)) <= 2
    assert all(1 <= len(shape) <= 2 and set(shape) <= {1, 2, 3} for shape in drawn)


@pytest.mark.parametrize(
    ("wanted", "simplest"),
    [
        (lambda a, b: True, ((), ())),
        (lambda a, b: a != b, ((), (1,))),
        (lambda a, b: np.prod(b) > 1 and not a, ((), (2,))),
    ],
)
def test_broadcastable_shapes_shrink_to_short_ones(wanted: Any, simplest: Any) -> None:
    found = find(broadcastable_shapes(2, min_side=1), lambda pair: wanted(*pair), settings=SEARCH)
    assert found == simplest


def test_empty_and_0d_shapes_and_every_way_to_broadcast_are_drawn() -> None:
    seen: Counter[str] = Counter()

    @settings(max_examples=200, derandomize=True, database=None)
    @given(shapes(), broadcastable_shapes(2))
    def collect(shape: Any, pair: Any) -> None:
        one, other = pair
        common = np.broadcast_shapes(one, other)
        seen["0-d"] += shape == ()
        seen["empty"] += 0 in shape
        seen["fewer axes"] += len(one) != len(other)
        seen["stretched"] += len(one) == len(other) and one != other
        seen["both stretched"] += common not in pair

    collect()
    assert min(seen[kind] for kind in ("0-d", "empty", "fewer axes", "stretched")) > 10
    assert seen["both stretched"] > 2


# Layouts.


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("kind", [np.float64, np.float32, np.complex128])
def test_a_layout_is_kept_and_changes_no_value(layout: str, kind: Any) -> None:
    values = np.arange(12.0).reshape(2, 3, 2)
    x = laid_out(values, layout)
    assert layout_of(x) == layout
    wanted = values[[0, 0]] if layout == "broadcast" else values
    assert np.array_equal(x, wanted)
    again = like((x * 2).astype(kind), x)
    assert again.dtype.newbyteorder("=") == kind
    assert layout_of(again) == layout
    assert np.array_equal(again, 2 * wanted)


def test_values_that_do_not_repeat_keep_out_of_memory_that_does() -> None:
    values = np.arange(6.0).reshape(2, 3)
    assert np.array_equal(like(values, laid_out(values, "broadcast")), values)


@pytest.mark.parametrize("shape", [(), (0,), (1,), (3,), (0, 3), (2, 1), (2, 3), (2, 3, 2)])
def test_a_layout_for_a_shape_is_one_that_it_can_have(shape: Any) -> None:
    names = layouts_for(shape)
    assert names[0] == "C"
    assert [layout_of(laid_out(np.ones(shape), name)) for name in names] == names
    assert (set(names) == set(LAYOUTS)) == (shape == (2, 3, 2))


def test_arrays_come_in_every_layout_and_0d_and_empty() -> None:
    seen: Counter[str] = Counter()

    @settings(max_examples=150, derandomize=True, database=None)
    @given(arrays(shapes(max_dims=2)), arrays((2, 2, 2)))
    def collect(x: Any, stack: Any) -> None:
        seen[layout_of(stack)] += 1
        seen["0-d"] += x.ndim == 0
        seen["empty"] += x.size == 0

    collect()
    assert all(seen[kind] for kind in (*NATIVE, "0-d", "empty")), seen
    assert not seen["big-endian"]


@given(arrays((2, 3), layout=("F", "reversed")))
def test_arrays_come_in_the_layouts_asked_for(x: Any) -> None:
    assert layout_of(x) in {"F", "reversed"}


# Elements.


@given(arrays(low=-1.0, high=3.0, away_from=(0.0, 1.0), margin=0.25))
def test_elements_keep_away_from_kinks(x: Any) -> None:
    assert np.all((x >= -1) & (x <= 3) & (np.abs(x) >= 0.25) & (np.abs(x - 1) >= 0.25))


@given(arrays(shapes(min_side=1), on=(0.0, 1.0)))
def test_elements_are_on_kinks(x: Any) -> None:
    is_on = np.isin(x, (0.0, 1.0))
    assert np.any(is_on)
    assert np.all(is_on | (np.abs(x) > 0.099) & (np.abs(x - 1) > 0.099))


@given(arrays(distinct=True), arrays((3, 3), low=0.3, high=0.35, distinct=True))
def test_distinct_elements_have_gaps(wide: Any, narrow: Any) -> None:
    for x, gap in ((wide, 0.01), (narrow, 0.0001)):
        assert np.all(np.diff(np.sort(x, axis=None)) > 0.99 * gap)


@pytest.mark.parametrize(
    ("wanted", "simplest"),
    [
        (lambda x: True, 1.0),
        (lambda x: x < 0, -1.0),
        (lambda x: x > 1, 2.0),
        (lambda x: 0.3 < x < 0.9, 0.5),
        (lambda x: -1.9 < x < -1, -1.5),
        (lambda x: 1.05 < x < 1.35, 1.1),
    ],
)
def test_elements_shrink_to_whole_numbers_then_halves_then_tenths(
    wanted: Any, simplest: float
) -> None:
    assert find(numbers(), wanted, settings=SEARCH) == simplest
    found = find(arrays((2,), layout="C"), lambda x: wanted(x[1]), settings=SEARCH)
    assert shown(found) == f"np.array([1.0, {simplest}])"


@given(tensors((3,), dtype=np.float32))
def test_tensors_require_grad(x: Tensor) -> None:
    assert x.requires_grad
    assert x.is_leaf
    assert x.dtype == np.float32
    x.sum().backward()
    assert np.array_equal(x.grad, np.ones(3))


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({"dtype": int}, TypeError, "floating-point numbers, asked for int64"),
        ({"layout": "diagonal"}, ValueError, "asked for 'diagonal'"),
        ({"low": 1.0, "high": 0.0}, ValueError, "found 1.0 and 0.0"),
        ({"high": np.inf}, ValueError, "two finite ones"),
        ({"low": -0.05, "high": 0.05}, ValueError, "is 0.1 away from"),
    ],
)
def test_arrays_that_cannot_be_drawn_are_refused(options: Any, kind: Any, message: str) -> None:
    with pytest.raises(kind, match=message):
        arrays(**options)


@given(arrays(dtype=np.float32) | arrays())
def test_an_array_is_shown_as_python_that_makes_it(x: Any) -> None:
    again = eval(shown(x), {"np": np, "laid_out": laid_out})
    assert again.dtype == x.dtype
    assert layout_of(again) == layout_of(x)
    assert again.shape == x.shape
    assert np.array_equal(again, x)


def test_the_checker_keeps_the_layout_of_what_it_is_given() -> None:
    found = set()

    def f(x: Any) -> Any:
        found.add(layout_of(x.data))
        return x * 2

    for layout in LAYOUTS:
        found.clear()
        check_grads(f, laid_out(np.arange(12.0).reshape(2, 3, 2), layout))
        assert layout in found


# The one line.


@primitive
def cube(x: Any) -> Any:
    return x**3


@primitive
def scaled(x: Any, y: Any) -> Any:
    return x * y


@primitive
def fortran_sine(x: Any) -> Any:
    return np.sin(x)


@primitive
def sine_of_many(x: Any) -> Any:
    return np.sin(x)


def has_fortran_order(x: Any) -> bool:
    return isinstance(x, np.ndarray) and layout_of(x.view()) == "F"


defvjp(cube, lambda g, out, x: g * 3 * x**2 * (1 + 1e-6 * (np.abs(x) > 1.2)))
defvjp(
    scaled,
    lambda g, out, x, y: g * y,
    lambda g, out, x, y: g * x if g.ndim == np.ndim(y) else (g * x)[-1],
)
defvjp(sine_of_many, lambda g, out, x: g * np.cos(x) * (1 if x.size < 2 else 1.01))


def refused(f: Any, *inputs: Any, **options: Any) -> str:
    with pytest.raises(GradientError) as caught:
        assert_gradients(f, *inputs, **options)
    return str(caught.value)


@pytest.mark.parametrize(
    ("f", "call"),
    [
        (cube, "cube(np.array(2.0))"),
        (scaled, "scaled(np.array([1.0, 1.0]), np.array(1.0))"),
        (sine_of_many, "sine_of_many(np.array([1.0, 1.0]))"),
    ],
)
def test_a_wrong_rule_is_found_in_one_line_and_shrunk_to_readable_inputs(f: Any, call: str) -> None:
    message = refused(f, **FIRST)
    assert message.startswith(f"wrong: {call}: the rule of {f.__name__} (File")
    assert f"{__file__}" in message
    assert len(message) < 400


defvjp(
    fortran_sine,
    lambda g, out, x: g * np.cos(x) * (1.01 if has_fortran_order(x) else 1),
)


def test_a_rule_that_is_wrong_for_one_memory_layout_is_found() -> None:
    message = refused(fortran_sine, arrays((2, 2), layout=("C", "F")), **FIRST)
    assert message.startswith("wrong: fortran_sine(laid_out([[1.0, 1.0], [1.0, 1.0]], 'F')): ")


class Squares(nn.Module):
    """A module with a rule that is wrong for its weight."""

    def __init__(self) -> None:
        self.weight = nn.Parameter([2.0])

    def forward(self, x: Any) -> Any:
        return cube(self.weight) * x


def test_a_module_and_a_product_and_constants_take_strategies() -> None:
    assert_gradients(nn.Linear(3, 2), arrays((2, 3)), max_examples=2, **FIRST)
    assert_gradients(lambda x, y: x @ y, arrays((2, 3)), arrays((3, 2)), max_examples=2, **FIRST)
    assert_gradients(np.sum, arrays((2, 3)), 0, max_examples=2)
    message = refused(Squares(), arrays((2,)), max_examples=2, **FIRST)
    assert message.startswith("wrong: Squares(np.array([1.0, 1.0])): the rule of cube")
    assert "in forward" in message


@pytest.mark.parametrize("f", [np.tanh, np.multiply, np.maximum, relu, np.sum])
def test_a_right_function_passes(f: Any) -> None:
    assert_gradients(f, max_examples=5, order=1 if f in {np.maximum, np.multiply} else 2)


def test_a_wrong_second_derivative_is_found_where_it_is_asked_for() -> None:
    def detached_slope(x: Any) -> Any:
        return x.data * x if isinstance(x, Tensor) else x * x

    @primitive
    def square(x: Any) -> Any:
        return x * x

    defvjp(square, lambda g, out, x: 2 * g * detached_slope(x) / x)
    assert_gradients(square, arrays((1,)), max_examples=3, order=1)
    assert "derivative 1 of square" in refused(square, arrays((1,)), max_examples=3)


def test_functions_that_cannot_be_checked_fail_with_the_commonest_reason() -> None:
    message = refused(relu, arrays((2,), on=(0.0,), layout="C"), max_examples=2)
    assert message.startswith("cannot tell: relu could be checked at 0 of ")
    assert "relu (File" in message
    assert "stands on a kink" in message
    assert "for example in relu(np.array([" in message
    message = refused(relu, np.ones(2, np.float32))
    assert "could be checked at 0 of 1 inputs" in message
    assert "float32" in message


def test_a_few_inputs_that_cannot_be_told_do_not_matter_and_are_made_up_for() -> None:
    drawn: list[Any] = []

    def f(x: Any) -> Any:
        return relu(x)

    around = st.sampled_from([0.0, *np.linspace(0.1, 2, 100)])
    each = arrays((1,), elements=around, layout="C").map(lambda x: drawn.append(x) or x)
    assert_gradients(f, each, max_examples=20, **FIRST)
    zeros = [x for x in drawn if x[0] == 0]
    assert len(drawn) - len(zeros) == 20
    assert zeros


def test_warnings_outside_a_domain_are_no_errors() -> None:
    assert_gradients(np.log, arrays((1,)), max_examples=5, **FIRST)
    assert "log is not finite" in refused(np.log, np.array([-1.0]))


def test_an_error_of_the_function_comes_through_with_its_inputs() -> None:
    def f(x: Any) -> Any:
        if x.size > 1:
            raise KeyError("many")
        return x * 2

    with pytest.raises(KeyError, match="many") as caught:
        assert_gradients(f, arrays(shapes(max_dims=1)), **FIRST)
    if sys.version_info >= (3, 11):
        assert "f(np.array([1.0, 1.0]))" in caught.value.__notes__


@pytest.mark.parametrize(
    "f", [np.matmul, nn.Linear(3, 2), lambda: 1.0, lambda x=1.0: x, lambda *xs: xs[0], max]
)
def test_unknown_arguments_must_be_given(f: Any) -> None:
    with pytest.raises(TypeError, match="pass a strategy for each"):
        assert_gradients(f)


def test_every_required_argument_is_drawn() -> None:
    counts: list[int] = []

    def f(x: Any, /, y: Any, power: int = 2, *, scale: float = 1.0) -> Any:
        counts.append(np.ndim(x) + np.ndim(y))
        return scale * x * y**power

    assert_gradients(f, max_examples=5, **FIRST)
    assert max(counts) > 0


@settings(max_examples=1)
@given(arrays())
def test_inside_a_test_that_draws_it_refuses(x: Any) -> None:
    with pytest.raises(RuntimeError, match="call check_grads"):
        assert_gradients(np.sin)


@settings(max_examples=5)
@given(tensors((2, 2)))
def test_inside_a_test_that_draws_check_grads_serves(x: Tensor) -> None:
    assert check_grads(xp.sin, x, order=1).verdict == "right"


@pytest.mark.parametrize("count", [3, 7])
def test_the_number_of_examples_is_the_one_asked_for(count: int) -> None:
    drawn: list[Any] = []
    each = arrays((2,), layout="C").map(lambda x: drawn.append(x) or x)
    assert_gradients(np.sin, each, max_examples=count, **FIRST)
    assert len(drawn) == count


def test_the_number_of_examples_is_the_profiles() -> None:
    drawn: list[Any] = []
    each = arrays((1,), layout="C").map(lambda x: drawn.append(x) or x)
    before = settings.get_current_profile_name()
    settings.register_profile("four", max_examples=4, derandomize=True, database=None)
    try:
        settings.load_profile("four")
        assert_gradients(np.sin, each, **FIRST)
    finally:
        settings.load_profile(before)
    assert len(drawn) == 4


def test_a_failure_repeats_itself() -> None:
    before = settings.get_current_profile_name()
    settings.register_profile("again", derandomize=True, database=None)
    try:
        settings.load_profile("again")
        assert refused(cube, arrays((1,)), **FIRST) == refused(cube, arrays((1,)), **FIRST)
    finally:
        settings.load_profile(before)


def test_inputs_are_drawn_whatever_the_profile_leaves_out() -> None:
    before = settings.get_current_profile_name()
    settings.register_profile("idle", phases=[Phase.explicit], database=None)
    try:
        settings.load_profile("idle")
        assert "the rule of cube" in refused(cube, **FIRST)
    finally:
        settings.load_profile(before)


# Networks.


@settings(max_examples=8)
@given(networks(max_layers=2, max_features=2))
def test_networks_have_right_gradients(pair: Any) -> None:
    module, x = pair
    report = examine(Network(module, (x,)), order=1, modes=("rev",), seed=0)
    assert report.verdict != "wrong", report


def test_networks_are_of_every_kind_and_mostly_decidable() -> None:
    seen: Counter[str] = Counter()

    @settings(max_examples=150, derandomize=True, database=None)
    @given(networks(in_features=2))
    def collect(pair: Any) -> None:
        module, x = pair
        assert not module.training
        out = module(x)
        assert out.shape[0] == x.shape[0]
        seen.update({type(layer).__name__ for layer in module})
        seen["deep"] += len([p for p in module.parameters() if p.ndim == 2]) > 1

    collect()
    kinds = ("Linear", "Sigmoid", "Tanh", "ReLU", "Softmax", "Dropout", "Flatten", "deep")
    assert all(seen[kind] > 2 for kind in kinds), seen


def test_networks_shrink_to_one_layer_and_weights_of_1() -> None:
    module, x = find(networks(), lambda pair: True, settings=SEARCH)
    assert "Linear(1 -> 1, bias=False)" in repr(module)
    assert [p.data.tolist() for p in module.parameters()] == [[[1.0]]]
    assert x.tolist() == [[1.0]]


def test_a_wrong_layer_is_found_in_a_network() -> None:
    class Cube(nn.Module):
        """The wrong rule as a layer."""

        def forward(self, x: Any) -> Any:
            return cube(40 * x)

    @settings(max_examples=30, derandomize=True, database=None, phases=[Phase.generate])
    @given(networks(max_layers=1, activations=(Cube,)))
    def check(pair: Any) -> None:
        check_module(*pair, order=1, modes=("rev",))

    with pytest.raises(GradientError, match="the rule of cube"):
        check()


@pytest.mark.parametrize("options", [{"max_layers": 0}, {"max_features": 0}])
def test_networks_without_room_for_a_layer_are_refused(options: Any) -> None:
    with pytest.raises(ValueError, match="at least one layer of one feature"):
        networks(**options)


# Without Hypothesis.


def run(program: str) -> subprocess.CompletedProcess[str]:
    blocked = f"import sys\nsys.modules['hypothesis'] = None\n{program}"
    return subprocess.run(
        [sys.executable, "-c", blocked], cwd=ROOT, capture_output=True, text=True, timeout=60
    )


def test_the_checker_and_the_layers_need_no_hypothesis() -> None:
    done = run("import autograd_mini.testing, nn, optim; print(autograd_mini.testing.check_grads)")
    assert done.returncode == 0, done.stderr
    assert "check_grads" in done.stdout


@pytest.mark.parametrize("module", ["autograd_mini.testing.strategies", "nn.testing"])
def test_the_strategies_name_the_extra_that_they_need(module: str) -> None:
    done = run(f"import {module}")
    assert done.returncode == 1
    assert "pip install hypothesis" in done.stderr.strip().splitlines()[-1]


@pytest.mark.parametrize(
    ("f", "found"), [(arrays(), "found a strategy"), (3, "found 3")], ids=["strategy", "number"]
)
def test_the_function_comes_first(f: Any, found: str) -> None:
    with pytest.raises(TypeError, match=f"takes a function first, then strategies; {found}"):
        assert_gradients(f, np.sin)
