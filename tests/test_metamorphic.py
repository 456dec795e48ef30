"""Relations between gradients that hold whatever the program: no number is known beforehand.

Random programs run in two ways whose gradients must be related exactly, or as far as rounding goes;
`dual.scales` tells how far that is, per element. The same programs are held against dual numbers
and the complex step, of the whole program and of its gradient.
"""

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from autograd_mini import Tensor, checkpoint, enable_grad, gradients, jvp, no_grad, vjp
from autograd_mini.primitive import TABLE
from autograd_mini.testing.strategies import LAYOUTS, Program, broadcastable_shapes, laid_out
from autograd_mini.testing.strategies import programs as any_programs
from tests import dual

programs = any_programs(kinks=False)
rows = any_programs(st.just((3,)), kinks=False)
seeds = st.integers(0, 100)
EXACT = 1e-14  # of the scale: fifty times what was found in long searches
some = settings(max_examples=max(10, settings().max_examples // 2))


def numbers(shape: tuple[int, ...], seed: int) -> np.ndarray:
    """Return numbers between -1 and 1."""
    return np.asarray(np.cos(1.0 + seed + 2.0 * np.arange(int(np.prod(shape))))).reshape(shape)


def pulled(f: Any, inputs: Any, g: Any) -> tuple[Any, ...]:
    """Return the gradients of sum(g * f)."""
    found: tuple[Any, ...] = vjp(f, *inputs)[1](g)
    return found


def assert_near(found: Any, expected: Any, scales: Any, part: float = EXACT) -> None:
    """Assert that gradients are equal up to a small `part` of the scale of each element."""
    for x, y, scale in zip(found, expected, scales, strict=True):
        assert x.shape == y.shape
        assert np.all(np.abs(x - y) <= part * scale), (x, y, scale)


def of(program: Any, seed: int, inputs: Any = None) -> tuple[Any, Any, Any, Any]:
    """Return inputs, a cotangent, the gradients and the scales of a program."""
    inputs = program.inputs if inputs is None else inputs
    g = numbers(np.shape(program(*inputs)), seed)
    return inputs, g, pulled(program, inputs, g), dual.scales(program, inputs, g)


# Oracles of the whole program.


@given(programs, seeds)
def test_a_gradient_is_that_of_dual_numbers_and_of_the_complex_step(program, seed):
    inputs, g, found, scales = of(program, seed)

    def weighed(*xs):
        return np.sum(program(*xs) * g)

    by_duals = dual.gradient(weighed, inputs)
    assert_near(found, by_duals, scales)
    tangents = [numbers(x.shape, seed + 1) for x in inputs]
    along = dual.complex_step(weighed, inputs, tangents)
    total = sum(np.sum(x * t) for x, t in zip(found, tangents, strict=True))
    assert abs(total - along) <= EXACT * sum(map(np.sum, scales))


@some
@given(programs, seeds)
def test_a_jacobian_forwards_is_the_one_backwards(program, seed):
    inputs, g, found, scales = of(program, seed)
    tangents = tuple(numbers(x.shape, seed + 1) for x in inputs)
    out, change = jvp(program, tuple(inputs), tangents)
    value, expected = dual.jvp(program, inputs, tangents)
    slack = EXACT * sum(map(np.sum, scales))
    assert_array_equal(out, value)
    total = sum(np.sum(x * t) for x, t in zip(found, tangents, strict=True))
    assert abs(np.sum(change * g) - total) <= slack
    assert abs(np.sum(change * g) - np.sum(expected * g)) <= slack


@some
@given(programs, seeds)
def test_a_hessian_is_symmetric_and_that_of_dual_numbers(program, seed):
    inputs, g, _, scales = of(program, seed)
    us, vs = ([numbers(x.shape, seed + k) for x in inputs] for k in (1, 2))

    def product(left, right):
        xs = [Tensor(x, requires_grad=True) for x in inputs]
        slopes = gradients(np.sum(program(*xs) * g), xs, create_graph=True)
        parts = [np.sum(s * u) for s, u in zip(slopes, left, strict=True) if s.requires_grad]
        if not parts:
            return 0.0
        return sum(np.sum(r * v) for r, v in zip(gradients(sum(parts), xs), right, strict=True))

    one, two = product(us, vs), product(vs, us)
    wanted = dual.curvature(lambda *xs: np.sum(program(*xs) * g), inputs, us, vs)
    slack = EXACT * (1 + sum(map(np.sum, scales))) ** 2
    assert abs(one - two) <= slack
    assert abs(one - wanted) <= slack


@some
@given(programs, seeds)
def test_a_complex_step_through_the_rules_gives_the_columns_of_the_hessian(program, seed):
    inputs, g, _, scales = of(program, seed)
    vs = [numbers(x.shape, seed + 1) for x in inputs]
    us = [numbers(x.shape, seed + 2) for x in inputs]
    moved = [x + 1e-30j * v for x, v in zip(inputs, vs, strict=True)]
    slopes = pulled(program, moved, g.astype(complex))
    column = sum(np.sum(u * np.imag(s) / 1e-30) for u, s in zip(us, slopes, strict=True))
    wanted = dual.curvature(lambda *xs: np.sum(program(*xs) * g), inputs, us, vs)
    assert abs(column - wanted) <= EXACT * (1 + sum(map(np.sum, scales))) ** 2


# How the numbers lie, and of what kind they are.


@given(programs, seeds, st.lists(st.sampled_from(LAYOUTS), min_size=3, max_size=3))
def test_a_gradient_does_not_depend_on_the_memory_layout(program, seed, layouts):
    laid = [laid_out(x, layout) for x, layout in zip(program.inputs, layouts, strict=False)]
    copies = [np.ascontiguousarray(x) if x.ndim else x.copy() for x in laid]
    _, g, expected, scales = of(program, seed, copies)
    g.flags.writeable = False  # a rule that writes into what it is given fails here
    for layout in LAYOUTS:
        if layout != "broadcast":
            assert_near(pulled(program, laid, laid_out(g, layout)), expected, scales)
    for x, y in zip(laid, copies, strict=True):
        assert_array_equal(x, y)


@some
@given(programs, seeds)
def test_single_precision_is_near_double_precision(program, seed):
    single = [x.astype(np.float32) for x in program.inputs]
    inputs = [x.astype(np.float64) for x in single]
    _, g, expected, scales = of(program, seed, inputs)
    found = pulled(program, single, g.astype(np.float32))
    assert all(x.dtype == np.float32 for x in found)
    assert_near(found, expected, scales, part=2e-6)


# Linearity in the cotangent.


@given(programs, seeds, st.integers(-40, 40))
def test_a_power_of_two_passes_through_a_gradient_exactly(program, seed, exponent):
    inputs, g, found, _ = of(program, seed)
    factor = 2.0**exponent
    for scaled in (
        pulled(program, inputs, g * factor),
        pulled(lambda *xs: program(*xs) * factor, inputs, g),
    ):
        for x, y in zip(scaled, found, strict=True):
            assert_array_equal(x, y * factor)
    for x, y in zip(pulled(program, inputs, -g), found, strict=True):
        assert_array_equal(x, -y)
    for x in pulled(program, inputs, 0 * g):
        assert not np.any(x)


@some
@given(programs, seeds)
def test_a_gradient_is_linear_in_the_cotangent(program, seed):
    inputs, g, first, scales = of(program, seed)
    _, h, second, more = of(program, seed + 1)
    pull = vjp(program, *inputs)[1]
    expected = [x - 3 * y for x, y in zip(first, second, strict=True)]
    assert_near(pull(g - 3 * h), expected, [x + 3 * y for x, y in zip(scales, more, strict=True)])


# Sharing.


@given(programs, seeds)
def test_two_uses_add_up_in_either_order(program, seed):
    inputs, g, first, scales = of(program, seed)

    def other(*xs):
        return sum(np.sum(np.sin(x) * x) for x in xs)

    second = [np.cos(x) * x + np.sin(x) for x in inputs]
    expected = [x + y for x, y in zip(first, second, strict=True)]
    scales = [x + 10 for x in scales]

    def before(*xs):
        return np.sum(program(*xs) * g) + other(*xs)

    def after(*xs):
        return other(*xs) + np.sum(program(*xs) * g)

    def twice(*xs):
        return np.sum(program(*xs) * g) + np.sum(program(*xs) * g)

    assert_near(pulled(before, inputs, np.ones(())), expected, scales)
    assert_near(pulled(after, inputs, np.ones(())), expected, scales)
    assert_near(pulled(twice, inputs, np.ones(())), [2 * x for x in first], scales)


@given(rows, seeds)
def test_an_input_that_is_used_twice_gets_the_sum(program, seed):
    x = program.inputs[0]
    _, g, parts, scales = of(program, seed, [x] * len(program.inputs))
    (found,) = pulled(lambda x: program(*[x] * len(program.inputs)), [x], g)
    assert_near([found], [sum(parts)], [sum(scales)])


@given(programs, seeds, st.data())
def test_independent_lines_may_change_places(program, seed, data):
    inputs, g, expected, scales = of(program, seed)
    other = data.draw(st.just(program) if not program.source else reordered(program))
    assert_near(pulled(other, inputs, g), expected, scales)


@st.composite
def reordered(draw, program) -> Program:
    """Draw another order of the lines of `program`, in which each still follows what it uses."""
    first = len(program.inputs)
    lines = [line.split(" = ", 1)[1] for line in program.source.splitlines()]
    uses = [{int(i) for i in re.findall(r"\bv(\d+)\b", line)} for line in lines]
    number = {i: i for i in range(first)}
    waiting, result = list(range(len(lines) - 1)), []
    while waiting:
        ready = [k for k in waiting if uses[k] <= number.keys()]
        chosen = draw(st.sampled_from(ready))
        waiting.remove(chosen)
        number[first + chosen] = first + len(result)
        result.append(lines[chosen])
    result.append(lines[-1])
    renamed = [re.sub(r"\bv(\d+)\b", lambda found: f"v{number[int(found[1])]}", x) for x in result]
    return Program(list(program.inputs), renamed)


@given(broadcastable_shapes(2, min_side=1), seeds)
def test_an_array_that_was_stretched_beforehand_gets_what_is_summed_up(pair, seed):
    """Broadcasting by hand, then summing by hand, is what broadcasting does."""
    x, y = (numbers(shape, seed + k) for k, shape in enumerate(pair))
    shape = np.broadcast_shapes(*pair)
    g = numbers(shape, seed + 2)
    for f in (np.multiply, np.add, np.hypot, np.logaddexp):
        found = pulled(f, (x, y), g)
        wide = pulled(f, (np.broadcast_to(x, shape), np.broadcast_to(y, shape)), g)
        for narrow, part in zip(found, wide, strict=True):
            added = tuple(range(part.ndim - narrow.ndim))
            summed = part.sum(axis=added)
            stretched = tuple(i for i, n in enumerate(narrow.shape) if n == 1)
            summed = summed.sum(axis=stretched, keepdims=True)
            assert np.all(np.abs(narrow - summed) <= 1e-14 * part.size)


# Batches.


@some
@given(
    st.integers(1, 7),
    st.integers(0, 7),
    st.sampled_from([np.tanh, np.sin, lambda x: 1 / (1 + x**2)]),
    st.booleans(),
    seeds,
)
def test_the_gradient_of_a_batch_is_the_sum_over_its_parts(n, at, f, is_single, seed):
    dtype = np.float32 if is_single else np.float64
    shapes = [(n, 3), (3, 4), (4,), (4, 2)]
    batch, *weights = [numbers(s, seed + k).astype(dtype) for k, s in enumerate(shapes)]

    def cost(x, w, b, v):
        return np.sum((f(x @ w + b) @ v) ** 2)

    whole, parts = ([Tensor(x, requires_grad=True) for x in weights] for _ in range(2))
    cost(batch, *whole).backward()
    for part in (batch[: min(at, n)], batch[min(at, n) :]):  # one of them may be empty
        cost(part, *parts).backward()
    for x, y in zip(whole, parts, strict=True):
        assert x.grad.dtype == y.grad.dtype == dtype
        slack = 100 * n * np.finfo(dtype).eps
        assert np.all(np.abs(x.grad - y.grad) <= slack)


# What is recorded, and what is not.


@some
@given(programs, seeds)
def test_without_recording_the_values_are_the_same_and_nothing_is_recorded(program, seed):
    xs = [Tensor(x, requires_grad=True) for x in program.inputs]
    recorded = program(*xs)
    with no_grad():
        plain = program(*xs)
        with enable_grad():
            again = program(*xs)
    assert recorded.data.tobytes() == plain.data.tobytes() == again.data.tobytes()
    if program.source:
        assert plain.is_leaf
        assert not plain.requires_grad
        assert again.requires_grad == recorded.requires_grad
    if recorded.requires_grad:
        g = numbers(recorded.shape, seed)
        for x, y in zip(gradients(recorded, xs, g), gradients(again, xs, g), strict=True):
            assert x.tobytes() == y.tobytes()


@some
@given(programs, seeds)
def test_a_detached_input_is_a_constant(program, seed):
    """The others get the same bits as if it were a bare array."""
    inputs, g, found, _ = of(program, seed)
    xs = [Tensor(x, requires_grad=True) for x in inputs]
    detached, bare = (program(first, *xs[1:]) for first in (xs[0].detach(), inputs[0]))
    if len(xs) > 1 and detached.requires_grad:
        for x, y, z in zip(
            gradients(detached, xs[1:], g), gradients(bare, xs[1:], g), found[1:], strict=True
        ):
            assert x.tobytes() == y.tobytes()
            assert_array_equal(x, z)
        assert not gradients(detached, xs[:1], g)[0].any()


@some
@given(programs, seeds)
def test_what_is_computed_again_in_the_walk_has_the_same_gradient(program, seed):
    inputs, g, found, _ = of(program, seed)
    for x, y in zip(pulled(checkpoint(program), inputs, g), found, strict=True):
        assert_array_equal(x, y)


# The test of these tests: rules that were broken on purpose.


def is_off(g, out, x, y):
    return g * y * (1 + 1e-10)


def is_wrong_in_second_order_only(g, out, x, y):
    return g * (y.detach() if isinstance(y, Tensor) else y)


def goes_through_memory(g, out, x, y):
    if not isinstance(y, np.ndarray) or not y.ndim:
        return g * y
    return g * y.ravel(order="K").reshape(y.shape)


def writes_into_its_gradient(g, out, x, y):
    return np.multiply(g, y, out=g) if isinstance(g, np.ndarray) and g.ndim else g * y


def is_not_linear(g, out, x, y):
    return g * y + 1e-9 * g * g


def is_not_complex(g, out, x, y):
    return g * (np.abs(y) * np.sign(np.real(y)) if np.iscomplexobj(y) else y)


def loses_single_precision(g, out, x, y):
    return g * (y.astype(np.float16) if y.dtype == np.float32 else y)


@pytest.mark.parametrize(
    ("rule", "relation"),
    [
        (is_off, test_a_gradient_is_that_of_dual_numbers_and_of_the_complex_step),
        (is_off, test_two_uses_add_up_in_either_order),
        (is_wrong_in_second_order_only, test_a_hessian_is_symmetric_and_that_of_dual_numbers),
        (is_not_complex, test_a_complex_step_through_the_rules_gives_the_columns_of_the_hessian),
        (goes_through_memory, test_a_gradient_does_not_depend_on_the_memory_layout),
        (writes_into_its_gradient, test_a_gradient_does_not_depend_on_the_memory_layout),
        (is_not_linear, test_a_gradient_is_linear_in_the_cotangent),
        (is_not_linear, test_a_power_of_two_passes_through_a_gradient_exactly),
        (is_not_linear, test_a_jacobian_forwards_is_the_one_backwards),
        (loses_single_precision, test_single_precision_is_near_double_precision),
    ],
)
def test_a_broken_rule_breaks_the_relation(rule, relation, monkeypatch):
    operation = TABLE[np.multiply]
    monkeypatch.setitem(operation.reads, rule, operation.reads[operation.vjps[0]])
    monkeypatch.setattr(operation, "vjps", (rule, operation.vjps[1]))
    # Most programs do not multiply: this one does, in every way that matters here.
    x, y = np.array([[0.5, -1.5, 1.0]]).T, np.array([[-0.7, 1.2, 2.0], [0.3, 0.9, -1.1]]).T
    program = Program([x, y], ["v0 * v1", "v2 * v1", "v3 + v2"])
    more = {"layouts": ["F", "F", "F"]} if "layout" in relation.__name__ else {}
    more |= {"exponent": 3} if "power" in relation.__name__ else {}
    with pytest.raises((AssertionError, RuntimeError)):
        relation.hypothesis.inner_test(program=program, seed=0, **more)


def test_the_scale_of_rounding_counts_every_path_and_never_cancels():
    x = np.array([1.0, 2.0])
    (scale,) = dual.scales(lambda x: x * 3.0 - x * 3.0, [x], np.ones(2))
    assert_array_equal(scale, [8, 8])
    (slope,) = dual.gradient(lambda x: np.sum(x * 3.0 - x * 3.0), [x])
    assert_array_equal(slope, [0, 0])


@pytest.mark.parametrize("n", [2, 3, 5])
def test_dual_numbers_know_powers(n):
    x = np.array([0.5, -2.0])
    (found,) = dual.gradient(lambda x: np.sum(x**n), [x])
    assert_array_equal(found, n * x ** (n - 1))


def test_dual_numbers_of_dual_numbers_do_not_confuse_their_levels():
    """d/dx (x * d/dy (x + y)) = 1: the inner derivative is 1, not 2."""

    def outer(x):
        return x * dual.jvp(lambda y: x + y, [np.array(1.0)], [np.array(1.0)])[1]

    assert dual.jvp(outer, [np.array(5.0)], [np.array(1.0)])[1] == 1
