"""Every rule in the table, broken in every generic way, must be found wrong by the checker.

Of a breakage that changes anything, none may pass. And each must have been seen to be caught, but
for those that change nothing in this rule, which are listed with the reason.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from autograd_mini.primitive import TABLE
from autograd_mini.testing import Function, examine
from autograd_mini.testing.audit import called_rules, outcome, rule_name
from autograd_mini.testing.breakages import BREAKAGES, STALE, keys_of
from tests.rule_checks import arrays_in, filled
from tests.samples import Call
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
        self.function = function
        self.audits = 0
        operation = TABLE[function]
        rules = keys_of(operation) if operation.names is not None else ()
        names = {rule_name(operation, key) for key in rules} - BY_NAME - FLAT
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

        if verdict() != "right":
            return
        for operation, key in called_rules([TABLE[self.function]], test):
            name = rule_name(operation, key)
            missing = self.missing.get(name, set() if name in FLAT else ALWAYS)
            for breakage in BREAKAGES if self.audits < ENOUGH else missing:
                result = outcome(operation, key, breakage, test).outcome
                assert result != "missed", (name, breakage, call)
                if result == "caught":
                    missing = missing - {breakage}
            self.missing[name] = missing
        self.audits += 1

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
