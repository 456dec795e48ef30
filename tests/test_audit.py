"""The audit: rules broken on purpose, and what a test notices of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nn
from autograd_mini import Tensor, defvjp, gradients, primitive
from autograd_mini.primitive import TABLE
from autograd_mini.testing import audit, check_grads, check_module
from autograd_mini.testing.breakages import BREAKAGES, RESULTS, STALE, WRITTEN, broken, keys_of

xp: Any = np
X = np.array([0.5, 2.0, -1.2])
MATRIX = np.arange(1.0, 7.0).reshape(2, 3)


@primitive
def stretched(x: Any, weights: Any) -> Any:
    return np.tanh(x.T) * weights


defvjp(
    stretched,
    lambda g, out, x, weights: (g * weights * (1 - np.tanh(x.T) ** 2)).T,
    lambda g, out, x, weights: g * np.tanh(x.T),
)


def test_every_breakage_changes_something_and_a_good_test_catches_all() -> None:
    def good_test() -> None:
        for x in (MATRIX, -MATRIX / 3):
            check_grads(stretched, x, X[:2])

    found = audit(stretched, test=good_test)
    assert found.survivors == ()
    for argument, without in (("x", "a dropped broadcast sum"), ("weights", "no such breakage")):
        caught = {m.breakage for m in found.of("caught") if m.rule == f"stretched by {argument}"}
        assert caught == set(BREAKAGES) - {without}


def test_a_weak_test_lets_pass_what_it_does_not_look_at() -> None:
    def weak_test() -> None:
        x = Tensor(MATRIX, requires_grad=True)
        stretched(x, 2.0).backward(np.ones((3, 2)))
        assert x.grad.shape == MATRIX.shape
        assert np.all(x.grad > 0)

    found = audit(stretched, test=weak_test)
    assert {m.breakage for m in found.of("caught")} == {"the sign", "one wrong element", "zero"}
    assert {m.breakage for m in found.of("missed")} == {
        "a factor of 1 + 1e-06",
        "a missing transpose",
        "a wrong dtype",
        "a double count",
        WRITTEN,
    }
    assert [m.rule for m in found.of("not called")] == ["stretched by weights"]
    assert {m.breakage for m in found.of("unchanged")} == {"a dropped broadcast sum", STALE}


def test_a_stale_value_is_noticed_by_a_second_input() -> None:
    def two_inputs() -> None:
        for x in (X, 2 * X):
            (slope,) = gradients(xp.sum(xp.exp(t := Tensor(x, requires_grad=True))), [t])
            np.testing.assert_allclose(slope, np.exp(x))

    (stale,) = [m for m in audit(np.exp, test=two_inputs).mutants if m.breakage == STALE]
    assert stale.outcome == "caught"


def test_a_module_is_audited_through_all_the_operations_that_it_records() -> None:
    model = nn.Sequential(nn.Linear(3, 2, rng=np.random.default_rng(0)), nn.Sigmoid())
    found = audit(model, MATRIX)
    assert found.survivors == ()
    operations = {m.rule.partition(" by ")[0] for m in found.mutants}
    assert "sigmoid" in operations
    assert len(operations) >= 2
    assert check_module(model, MATRIX).verdict == "right"


def test_a_function_is_audited_through_all_the_operations_that_it_records() -> None:
    found = audit(lambda x: xp.concatenate([xp.sin(x), x]) ** 2, X)
    rules = {m.rule for m in found.of("caught")}
    assert {"np.sin by x", "np.concatenate by arrays", "np.square by x"} <= rules
    assert found.of("missed") == ()


def test_a_test_with_hypothesis_can_be_audited() -> None:
    @settings(max_examples=5, database=None, derandomize=True)
    @given(st.floats(0.5, 2.0))
    def its_slope_is_its_value(x: float) -> None:
        t = Tensor(x, requires_grad=True)
        xp.exp(t).backward()
        np.testing.assert_allclose(t.grad, np.exp(x), rtol=1e-12)

    found = audit(np.exp, test=its_slope_is_its_value)
    assert {m.breakage for m in found.of("caught")} >= {"the sign", "a factor of 1 + 1e-06", "zero"}


def test_a_call_to_pytest_fail_counts_as_noticed() -> None:
    def fails() -> None:
        if check_grads(xp.sin, X, order=1).verdict != "right":
            pytest.fail("never reached: check_grads raises")

    def declared() -> None:
        t = Tensor(1.0, requires_grad=True)
        xp.exp(t).backward()
        if t.grad < 0:
            pytest.fail("a negative slope")

    assert audit(np.sin, test=fails).of("caught")
    (sign,) = [m for m in audit(np.exp, test=declared).mutants if m.breakage == "the sign"]
    assert (sign.outcome, sign.message) == ("caught", "a negative slope")


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_the_table_is_restored_whatever_ends_the_test(error: type[BaseException]) -> None:
    before = TABLE[np.exp].vjps, dict(TABLE[np.exp].reads)
    runs = []

    def interrupted() -> None:
        t = Tensor(1.0, requires_grad=True)
        xp.exp(t).backward()
        runs.append(t.grad)
        if len(runs) == 3:
            raise error

    with pytest.raises(error):
        audit(np.exp, test=interrupted)
    assert (TABLE[np.exp].vjps, TABLE[np.exp].reads) == before
    assert runs[1] == -np.e  # it was broken


def test_a_test_that_fails_anyway_is_refused() -> None:
    def fails() -> None:
        raise AssertionError("1 is not 2")

    with pytest.raises(ValueError, match="fails before anything is broken: 1 is not 2"):
        audit(np.exp, test=fails)


@pytest.mark.parametrize(
    ("subject", "message"),
    [(lambda x: x, "needs inputs to see"), (np.exp, "needs a test=, or inputs")],
)
def test_an_audit_of_nothing_is_refused(subject: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        audit(subject)


def test_the_report_is_a_table_of_every_breakage() -> None:
    text = str(audit(np.sin, X))
    assert text.startswith(f"{len(BREAKAGES) - 2} caught, 0 missed, 2 unchanged, 0 not called\n")
    assert "np.sin by x  caught      the sign\n" in text
    assert text.count("\n") == len(BREAKAGES)


@pytest.mark.parametrize("breakage", RESULTS)
def test_a_broken_rule_still_records_and_says_how_often_it_was_wrong(breakage: str) -> None:
    x, w = Tensor(MATRIX, requires_grad=True), Tensor(X[:2], requires_grad=True)
    right = gradients(stretched(x, w).sum(), [x, w])
    operation = TABLE[stretched]
    for key in keys_of(operation):
        with broken(operation, key, breakage) as rule:
            found = gradients(stretched(x, w).sum(), [x, w], create_graph=True)
        assert rule.calls == 1
        same = all(np.array_equal(a, b.data) for a, b in zip(right, found, strict=True))
        assert rule.changes == (not same or breakage == "a wrong dtype")
