"""Every rule in the table, broken in every generic way, must be found wrong by the checker.

Of a breakage that changes anything, none may pass. And each must have been seen to be caught, but
for those that change nothing in this rule, which are listed with the reason.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from autograd_mini import gradients
from autograd_mini.primitive import TABLE
from autograd_mini.testing import Function, examine
from autograd_mini.testing.audit import outcome, rule_name
from autograd_mini.testing.breakages import (
    BREAKAGES,
    STALE,
    WRITTEN,
    BrokenRule,
    Key,
    broken,
    keys_of,
)
from tests.rule_checks import Case, arrays_in, filled, tensors
from tests.samples import Call, Sample
from tests.test_rules import SAMPLES

# Breakages that change nothing in many a rule: it broadcasts nothing, its gradient is a vector or
# symmetric, or it reads no value.
ALWAYS = set(BREAKAGES) - {"a dropped broadcast sum", "a missing transpose", STALE}
# Examples to audit of every function, even if the first showed everything.
ENOUGH = max(1, settings.default.max_examples // 50)
# Rules whose gradient is zero wherever the functions are smooth: only its dtype can be wrong.
FLAT = {
    "np.angle by z",
    "np.copysign by y",
    "np.full_like by a",
    "np.heaviside by x",
    "np.heaviside by y",
    "np.imag by val",
    "np.nextafter by x2",
}
# The samples call by position; these are the very rules of a_min and a_max.
BY_NAME = {"np.clip by min", "np.clip by max"}

FUNCTIONS = list(dict.fromkeys(sample.function for sample in SAMPLES))


class Run:
    """What became of the mutants of one function, over all examples."""

    def __init__(self, function: Any) -> None:
        self.function, self.operation = function, TABLE[function]
        self.audits = 0
        rules = keys_of(self.operation) if self.operation.names is not None else ()
        names = {rule_name(self.operation, key) for key in rules} - BY_NAME - FLAT
        self.missing = dict.fromkeys(names, ALWAYS)  # what is still to be seen caught, by rule

    def audit(self, call: Call) -> None:
        """Break every rule at a call, and demand that the checker says wrong each time.

        Once there were enough audits, only what is missing is tried.
        """

        def f(*values: Any) -> Any:
            return self.function(*filled(call.args, iter(values)), **call.kwargs)

        def verdict() -> str:
            subject = Function(f, tuple(arrays_in(call.args)))
            return examine(subject, order=1, modes=("rev",), seed=0).verdict

        def test() -> None:
            if verdict() == "wrong":
                raise AssertionError

        mutants = [*self.mutants(call)]
        unbroken = verdict() if mutants else "cannot tell"
        assert unbroken != "wrong", call
        if unbroken != "right":
            return
        for name, key, breakage in mutants:
            result = outcome(self.operation, key, breakage, test).outcome
            assert result != "missed", (name, breakage, call)
            if result == "caught":
                self.missing[name] = self.missing[name] - {breakage}
        self.audits += 1

    def mutants(self, call: Call) -> Iterator[tuple[str, Key, str]]:
        """Yield what is to be tried: rules, and breakages that change their gradients here."""
        for key in keys_of(self.operation):
            name = rule_name(self.operation, key)
            if not self.changed(call, key, None).calls:
                continue
            missing = self.missing.setdefault(name, set() if name in FLAT else ALWAYS)
            for breakage in BREAKAGES if self.audits < ENOUGH else missing:
                # A stale value shows at a second input only, as the checker takes one.
                if breakage == STALE or self.changed(call, key, breakage).changes:
                    yield name, key, breakage

    def changed(self, call: Call, key: Key, breakage: str | None) -> BrokenRule:
        """Return the broken rule after a walk through the call."""
        case = Case(Sample(self.function, st.nothing()), call)
        xs = tensors(case.variables)
        with broken(self.operation, key, breakage) as rule:
            loss = case.objective(xs, case.cotangents())
            # The gradient that arrives may be a view that can't be written: then the rule raises.
            with suppress(RuntimeError):
                gradients(loss, xs)
        rule.changes += breakage == WRITTEN
        return rule

    @property
    def is_done(self) -> bool:
        """Whether nothing new is to be expected of another example."""
        return self.audits >= ENOUGH and not any(self.missing.values())


@pytest.mark.parametrize("function", FUNCTIONS, ids=[TABLE[f].name for f in FUNCTIONS])
def test_every_way_of_breaking_a_rule_is_caught(function: Any) -> None:
    run = Run(function)

    @settings(phases=[Phase.generate])
    @given(st.one_of([sample.calls for sample in SAMPLES if sample.function is function]))
    def examples(call: Call) -> None:
        if not run.is_done:
            run.audit(call)

    examples()
    assert run.audits
    assert not any(run.missing.values()), run.missing
