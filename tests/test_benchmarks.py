"""The contenders of the benchmarks do the same work, and the times are compared round by round."""

import numpy as np
import pytest

from benchmarks import digits_step
from benchmarks.by_hand import plain
from benchmarks.interleaved import interleave, ratio


@pytest.mark.parametrize("batch", digits_step.BATCHES)
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-12), (np.float32, 1e-5)])
def test_all_contenders_end_at_the_same_parameters(batch, dtype, tolerance):
    assert len(digits_step.contenders(batch, dtype)) == 3
    digits_step.check_agreement(batch, dtype, tolerance)


def test_a_contender_that_does_other_work_is_refused(monkeypatch):
    def faster(initial, lr, batch):
        assert batch == 32
        return plain(initial, 1.001 * lr)

    monkeypatch.setattr(digits_step, "tuned", faster)
    with pytest.raises(AssertionError, match="tuned"):
        digits_step.check_agreement(32, np.float64, 1e-12)


def test_the_contenders_learn():
    ((x, y), *_) = digits_step.batches(32, np.float64)
    for way in digits_step.contenders(32, np.float64).values():
        costs = [way.step(way.own(x), way.own(y)).item() for _ in range(50)]
        assert costs[-1] < costs[0] / 2


def test_the_chain_is_as_long_as_it_says():
    class Counting(np.ndarray):
        calls = 0

        def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
            Counting.calls += 1
            bare = [np.asarray(x) for x in inputs]
            return getattr(ufunc, method)(*bare, **kwargs).view(Counting)

    digits_step.chain(np.ones(8).view(Counting), np.ones(8), np.ones(8), np.tanh)
    assert Counting.calls == digits_step.CHAIN_LENGTH


def test_every_task_is_timed_once_a_round():
    calls = []
    times = interleave({"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, rounds=3)
    assert {name: len(seconds) for name, seconds in times.items()} == {"a": 3, "b": 3}
    assert set(calls) == {"a", "b"}


def test_a_ratio_is_the_median_of_the_ratios_of_each_round():
    assert ratio({"a": [2.0, 9.0, 4.0], "b": [1.0, 3.0, 4.0]}, "a", "b") == 2.0


def test_the_tables_show_every_batch_size_beside_its_goal(capsys):
    digits_step.print_steps(rounds=1)
    digits_step.print_chain(rounds=1)
    printed = capsys.readouterr().out
    for batch, goal in digits_step.STEP_GOALS.items():
        assert any(
            line.split()[:1] == [str(batch)] and line.endswith(f"{goal:.1f}x")
            for line in printed.splitlines()
        )
    for name, goal in digits_step.CHAIN_GOALS.items():
        assert any(
            line.startswith(name) and line.endswith(f"{goal:.1f}x") for line in printed.splitlines()
        )
