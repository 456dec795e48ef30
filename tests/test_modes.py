"""The switch of no_grad and enable_grad: per thread, per task, and always put back."""

import asyncio
import contextvars
import functools
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from autograd_mini import Tensor, detect_anomaly, enable_grad, gradients, no_grad

STEPS = 3000


def is_recording() -> bool:
    return (Tensor(1.0, requires_grad=True) * 2).requires_grad


def test_calls_are_remembered_unless_they_are_told_not_to_be():
    assert is_recording()
    with no_grad():
        assert not is_recording()
        with enable_grad():
            assert is_recording()
            with no_grad():
                assert not is_recording()
            assert is_recording()
        assert not is_recording()
    assert is_recording()
    with enable_grad():
        assert is_recording()
    assert is_recording()


def test_a_leaf_made_under_no_grad_still_requires_grad():
    with no_grad():
        x = Tensor(2.0, requires_grad=True)
    assert x.requires_grad
    (x * 3).backward()
    assert_array_equal(x.grad, 3)


def test_a_result_of_no_grad_is_a_constant_afterwards():
    x = Tensor(2.0, requires_grad=True)
    with no_grad():
        y = x * 3
    (x * y).backward()
    assert_array_equal(x.grad, 6)


def test_a_walk_may_run_under_no_grad():
    x = Tensor(2.0, requires_grad=True)
    y = x * x
    with no_grad():
        y.backward()
    assert_array_equal(x.grad, 4)


@pytest.mark.parametrize("mode", [no_grad, enable_grad])
def test_one_object_can_be_entered_again_and_again(mode):
    switch = mode()
    with no_grad(), switch:
        with enable_grad(), switch:
            assert is_recording() is (mode is enable_grad)
        assert is_recording() is (mode is enable_grad)
    assert is_recording()


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, GeneratorExit, SystemExit])
def test_an_exception_puts_the_old_state_back(error):
    with pytest.raises(error), no_grad():
        raise error
    assert is_recording()
    with no_grad():
        with pytest.raises(error), enable_grad(), no_grad(), enable_grad():
            raise error
        assert not is_recording()
    assert is_recording()


def test_a_decorated_function_runs_in_its_mode_and_keeps_its_name():
    @no_grad()
    def predict(x, *, scale=2.0):
        """Return the prediction."""
        return x * scale, is_recording()

    x = Tensor(1.0, requires_grad=True)
    assert predict.__name__ == "predict"
    assert predict.__doc__ == "Return the prediction."
    assert is_recording(), "decorating alone must not switch anything"
    out, inside = predict(x, scale=3.0)
    assert not inside
    assert not out.requires_grad
    assert is_recording()


def test_a_decorated_function_may_call_itself():
    @no_grad()
    def count(n):
        assert not is_recording()
        if n:
            count(n - 1)
        assert not is_recording()

    count(50)
    assert is_recording()


def test_a_decorated_function_that_raises_puts_the_old_state_back():
    @no_grad()
    def fail():
        raise ValueError("on purpose")

    for _ in range(3):
        with pytest.raises(ValueError, match="on purpose"):
            fail()
        assert is_recording()


def test_a_decorated_method_and_a_decorated_class_method_work():
    class Model:
        @no_grad()
        def predict(self):
            return is_recording()

        @staticmethod
        @enable_grad()
        def train():
            return is_recording()

    assert not Model().predict()
    with no_grad():
        assert Model.train()


def generator():
    yield 1


async def coroutine():
    return 1


async def asynchronous_generator():
    yield 1


@pytest.mark.parametrize("mode", [no_grad, enable_grad])
@pytest.mark.parametrize("function", [generator, coroutine, asynchronous_generator])
def test_a_function_whose_body_runs_later_is_refused(function, mode):
    with pytest.raises(
        TypeError, match=rf"can't decorate {function.__name__}.*with {mode.__name__}"
    ):
        mode()(function)


def test_a_partial_generator_which_has_no_name_is_refused_too():
    with pytest.raises(TypeError, match=r"can't decorate functools\.partial\(.*with no_grad"):
        no_grad()(functools.partial(generator))


@pytest.mark.parametrize("mode", [no_grad, enable_grad])
def test_only_functions_are_decorated(mode):
    with pytest.raises(TypeError, match=r"decorates a function, found 3"):
        mode()(3)
    with pytest.raises(TypeError):
        mode(coroutine)
    assert is_recording()


# Threads and tasks.


def train(steps: int, barrier: threading.Barrier) -> int:
    """Return how many of the gradients of `steps` losses were there and right."""
    barrier.wait()
    found = 0
    for i in range(steps):
        x = Tensor(np.array([1.0, 2.0]), requires_grad=True)
        loss = (x * x * i).sum()
        if loss.requires_grad:
            loss.backward()
            found += x.grad is not None and (x.grad == 2 * i * x.data).all()
    return int(found)


def predict(steps: int, barrier: threading.Barrier) -> int:
    """Return how many of `steps` results needed no gradient."""
    barrier.wait()
    found = 0
    x = Tensor(np.array([1.0, 2.0]), requires_grad=True)
    for _ in range(steps):
        with no_grad():
            found += not (x * x).requires_grad
    return found


def test_another_thread_in_no_grad_takes_no_gradient_away():
    barrier = threading.Barrier(4)
    with ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(f, STEPS, barrier) for f in (train, predict, train, predict)]
        assert [job.result() for job in jobs] == [STEPS] * 4
    assert is_recording()


def test_a_decorated_function_runs_in_several_threads_at_once():
    barrier = threading.Barrier(3)

    @no_grad()
    def meet() -> bool:
        barrier.wait()
        inside = is_recording()
        barrier.wait()
        return inside

    def go() -> tuple[bool, bool]:
        return meet(), is_recording()

    with ThreadPoolExecutor(3) as pool:
        jobs = [pool.submit(go) for _ in range(3)]
        assert [job.result() for job in jobs] == [(False, True)] * 3


def test_a_thread_starts_out_recording():
    with no_grad(), ThreadPoolExecutor(1) as pool:
        assert pool.submit(is_recording).result()
        assert not is_recording()


def test_threads_that_write_and_walk_at_the_same_time_raise_no_false_alarm():
    barrier = threading.Barrier(2)

    def step(steps: int) -> int:
        weight = Tensor(np.ones(4), requires_grad=True)
        barrier.wait()
        for _ in range(steps):
            (weight * weight).sum().backward()
            weight.data -= 0.01 * weight.grad
            weight.grad = None
        return int(np.isfinite(weight.data).all())

    with ThreadPoolExecutor(2) as pool:
        jobs = [pool.submit(step, 1000) for _ in range(2)]
        assert [job.result() for job in jobs] == [1, 1]


def test_another_task_in_no_grad_takes_no_gradient_away():
    async def forecast() -> int:
        found = 0
        for _ in range(200):
            with no_grad():
                await asyncio.sleep(0)
                found += not is_recording()
        return found

    async def learn() -> int:
        found = 0
        for _ in range(200):
            x = Tensor(3.0, requires_grad=True)
            y = x * x
            await asyncio.sleep(0)
            found += gradients(y * x, [x])[0] == 27
        return int(found)

    async def both() -> list[int]:
        return list(await asyncio.gather(forecast(), learn(), forecast(), learn()))

    assert asyncio.run(both()) == [200] * 4
    assert is_recording()


def test_a_task_that_is_cancelled_leaves_the_mode_of_others_alone():
    async def wait() -> None:
        with no_grad():
            await asyncio.sleep(60)

    async def main() -> bool:
        task = asyncio.create_task(wait())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return is_recording()

    assert asyncio.run(main())


def test_a_copied_context_carries_the_mode():
    seen: list[Any] = []
    with no_grad():
        context = contextvars.copy_context()
    context.run(lambda: seen.append(is_recording()))
    assert seen == [False]
    assert is_recording()


@pytest.mark.parametrize("switch", [no_grad, enable_grad])
def test_a_decorator_without_brackets_is_explained(switch):
    with pytest.raises(TypeError, match=rf"write @{switch.__name__}\(\)"):

        @switch
        def predict():
            pass


@pytest.mark.parametrize("switch", [no_grad, enable_grad, detect_anomaly])
def test_one_object_serves_several_threads_at_once(switch):
    shared, both_inside = switch(), threading.Barrier(2)

    def enter(leaves_first: bool) -> bool:
        with shared:
            both_inside.wait(10)
            if not leaves_first:
                both_outside.wait(10)
        if leaves_first:
            both_outside.wait(10)
        return is_recording()

    both_outside = threading.Barrier(2)
    with ThreadPoolExecutor(2) as pool:
        assert [*pool.map(enter, (True, False))] == [True, True]
    assert is_recording()


def test_one_object_serves_several_tasks_at_once():
    shared = no_grad()

    async def enter(naps: int) -> bool:
        with shared:
            for _ in range(naps):
                await asyncio.sleep(0)
                assert not is_recording()
        return is_recording()

    async def gather() -> list[bool]:
        return await asyncio.gather(*map(enter, (3, 1, 2)))

    assert asyncio.run(gather()) == [True, True, True]


def test_one_object_inside_others_of_its_kind_puts_each_state_back():
    off, on = no_grad(), enable_grad()
    with off, on, off:
        with on:
            assert is_recording()
        assert not is_recording()
    assert is_recording()
