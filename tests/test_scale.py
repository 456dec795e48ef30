"""Deep, wide and long: time linear in the graph, no recursion, and nothing left behind."""

import gc
import sys
import time
import weakref
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from autograd_mini import Tensor, defvjp, gradients, no_grad, primitive

xp: Any = np

DEPTH = 1_000_000
# A quadratic walk is be ten times slower per node. A machine may be slow once, not thrice.
SLOWER = 5
TRIES = 3


@pytest.fixture
def without_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def chain(length: int, x: Tensor) -> Tensor:
    y = x
    for _ in range(length):
        y = y * 1.0000001
    return y


def seconds_per_node(length: int) -> dict[str, float]:
    """Return what a node of a chain of this length costs, and check the gradient."""
    x = Tensor(1.0, requires_grad=True)
    times = [time.process_time()]
    y: Any = chain(length, x)
    times.append(time.process_time())
    first = weakref.ref(y._args[0])
    y.backward()
    times.append(time.process_time())
    assert first() is None
    assert_allclose(x.grad, 1.0000001**length, rtol=1e-7)
    y = chain(length, x)
    first = weakref.ref(y._args[0])
    start = time.process_time()
    del y
    times.append(times[-1] + time.process_time() - start)
    assert first() is None
    spent = np.diff(times) / length
    return dict(zip(("forward", "backward", "destruction"), spent.tolist(), strict=True))


def test_a_chain_of_a_million_operations_costs_the_same_per_operation_as_a_short_one():
    limit = sys.getrecursionlimit()
    pairs = ((seconds_per_node(DEPTH // 20), seconds_per_node(DEPTH)) for _ in range(TRIES))
    assert any(
        all(long[part] < SLOWER * short[part] + 1e-6 for part in short) for short, long in pairs
    )
    assert sys.getrecursionlimit() == limit


def test_a_chain_of_second_derivatives_needs_no_recursion():
    x = Tensor(1.0, requires_grad=True)
    (slope,) = gradients(chain(20_000, x) ** 2, [x], create_graph=True)
    (curvature,) = gradients(slope, [x])
    assert_allclose(curvature, 2 * 1.0000001**40_000, rtol=1e-9)
    inner = weakref.ref(slope._args[0])
    del slope
    assert inner() is None


def test_a_diamond_sixty_deep_is_walked_once_per_node():
    x = Tensor(1.0, requires_grad=True)
    y = x
    for _ in range(60):
        y = y + y
    y.backward()
    assert x.grad == 2**60

    calls = []

    @primitive
    def total(x, y):
        return x + y

    def rule(g, out, x, y):
        calls.append(1)
        return g

    defvjp(total, rule, rule)
    x.grad = None
    y = x
    for _ in range(60):
        y = total(y, y)
    y.backward()
    assert x.grad == 2**60
    assert len(calls) == 2 * 60
    (slope,) = gradients(total(x, x), [x], create_graph=True)
    assert_array_equal(slope.data, 2)


def test_a_lattice_with_more_paths_than_atoms_is_walked_once_per_node():
    x, y = Tensor(0.5, requires_grad=True), Tensor(0.5, requires_grad=True)
    a, b = x, y
    for _ in range(500):
        a, b = (a + b) * 0.5, (a - b) * 0.5 + b
    (a + b).backward()
    assert x.grad + y.grad == 2


def test_a_tensor_that_is_used_a_hundred_thousand_times_gets_every_gradient():
    x = Tensor(np.ones(2), requires_grad=True)
    total: Any = 0.0
    for _ in range(50_000):
        total = total + x
    total.sum().backward()
    assert_array_equal(x.grad, [50_000, 50_000])
    x.grad = None
    xp.stack([x] * 50_000).sum().backward()
    assert_array_equal(x.grad, [50_000, 50_000])


def test_many_results_of_one_call_are_walked_once():
    x = Tensor(np.arange(2000.0), requires_grad=True)
    total: Any = 0.0
    for part in xp.split(x, 2000):
        total = total + part * part
    total.sum().backward()
    assert_array_equal(x.grad, 2 * x.data)


def seconds_per_assignment(times: int) -> float:
    w = Tensor(0.5, requires_grad=True)
    state = Tensor(np.zeros(2)) * 1
    start = time.process_time()
    for _ in range(times):
        state[0] = state[1] + state[0] * w + 1
    state[0].backward()
    spent = time.process_time() - start
    assert_allclose(state[0].item(), 2, rtol=1e-12)
    assert_allclose(w.grad, 4, rtol=1e-12)  # of 1 / (1 - w)
    return spent / times


def test_assigning_items_in_a_long_loop_costs_the_same_per_step_as_in_a_short_one():
    pairs = ((seconds_per_assignment(1_000), seconds_per_assignment(10_000)) for _ in range(TRIES))
    assert any(long < SLOWER * short for short, long in pairs)


# Nothing is left behind.


def test_inner_tensors_die_without_the_collector(without_collector):
    x = Tensor(np.ones(3), requires_grad=True)

    def parts() -> list[Any]:
        y = x * 2
        first, second = xp.split(y[:2], 2)
        z = y * 1
        z[0] = first.sum()
        z[1] = second[0] * y[2]
        return [y, first, second, z, xp.stack([y, z]), xp.clip(y, a_min=z, a_max=9.0)]

    def after_nothing() -> list[Any]:
        return parts()

    def after_backward() -> list[Any]:
        made = parts()
        made[-1].sum().backward()
        return made

    def after_a_retained_graph() -> list[Any]:
        made = parts()
        (made[-1].sum() + made[-2].sum()).backward(retain_graph=True)
        return made

    def after_second_derivatives() -> list[Any]:
        made = parts()
        slopes = gradients((made[-1] ** 2).sum(), [x, made[0]], create_graph=True)
        return [*made, *slopes, *gradients(slopes[0].sum(), [x], create_graph=True)]

    def after_an_error() -> list[Any]:
        made = parts()
        loss = (made[3] * made[3]).sum()
        with no_grad():
            made[3] *= 2
        try:
            loss.backward()
        except RuntimeError:
            return made
        raise AssertionError("the walk must refuse")

    for f in (
        after_nothing,
        after_backward,
        after_a_retained_graph,
        after_second_derivatives,
        after_an_error,
    ):
        alive = [weakref.ref(part) for part in f()]
        assert len(alive) >= 6
        assert all(part() is None for part in alive), f.__name__


def test_a_tensor_assigned_from_its_own_value_dies_when_the_walk_has_passed(without_collector):
    x = Tensor(np.ones(3), requires_grad=True)
    y = x * 2
    y[0] = y[1] * y[2]
    inner = weakref.ref(y)
    loss = y.sum()
    del y
    assert inner() is not None
    loss.backward()
    assert inner() is None


def test_the_walk_frees_the_graph_while_the_loss_is_kept(without_collector):
    x = Tensor(np.ones(3), requires_grad=True)
    y = x * 2
    inner = weakref.ref(y)
    loss = y.exp().sum()
    del y
    assert inner() is not None
    loss.backward()
    assert inner() is None
    assert loss.item() > 0


def test_gradients_do_not_keep_the_graph_alive(without_collector):
    x = Tensor(np.ones(3), requires_grad=True)
    y = x * 2
    inner = weakref.ref(y)
    found = gradients(y.sum(), [x])
    del y
    assert inner() is None
    assert_array_equal(found[0], [2, 2, 2])


def test_ten_thousand_training_steps_leave_nothing_behind(without_collector):
    rng = np.random.default_rng(0)
    inputs, targets = rng.normal(size=(2, 16, 4))
    weight = Tensor(rng.normal(size=(4, 4)), requires_grad=True)
    bias = Tensor(np.zeros(4), requires_grad=True)
    other = Tensor(np.zeros(4), requires_grad=True)

    def step(number: int) -> None:
        nonlocal other
        hidden = (inputs @ weight + bias).tanh()
        left, right = xp.split(hidden, 2, axis=1)
        joined = xp.concatenate([left, right * 2], axis=1)
        state = joined * 1
        state[0] = state[1]
        loss = ((state - targets) ** 2).mean() + (other**2).sum()
        if number % 10 == 0:
            (slope,) = gradients(loss, [weight], create_graph=True)
            loss = loss + (slope**2).sum() * 1e-3
        if number % 7 == 0:
            loss.backward(retain_graph=True)
        loss.backward()
        for p in (weight, bias):
            p.data -= 0.01 * p.grad
            p.grad = None
        other.data = other.data - 0.01 * other.grad
        other.grad = None
        with no_grad():
            mask = Tensor(np.ones(4))
            mask *= 0.5
            mask[0] = 1.0
            other *= 0.999

    def blocks_after(steps: int) -> int:
        for number in range(steps):
            step(number)
        return sys.getallocatedblocks()

    before = blocks_after(3_000)
    after = blocks_after(7_000)
    # Less than one object in seven steps: the clock meets addresses that it has not seen yet.
    assert after - before < 1_000, (before, after)
    assert np.isfinite(weight.data).all()
