"""Audit a test: break the rules of an operation, one way after another, and see if it fails.

A test that passes says little before it has been seen to fail. The audit breaks every rule in
every generic way, runs the test each time, and lists which breakages it let pass.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, get_args

from autograd_mini.operation import Operation
from autograd_mini.primitive import TABLE
from autograd_mini.testing.breakages import BREAKAGES, Key, broken, keys_of
from autograd_mini.testing.checking import check_grads, check_module
from autograd_mini.testing.subjects import Function, Network
from autograd_mini.testing.tape import calls

Outcome = Literal["caught", "missed", "unchanged", "not called"]
_OUR_OWN = (KeyboardInterrupt, SystemExit, GeneratorExit)  # no verdict of a test


class Mutant(NamedTuple):
    """One rule broken in one way, and what became of it.

    Attributes:
        rule: the operation and the argument whose rule was broken.
        breakage: how it was broken.
        outcome: "caught" if the test failed; "missed" if it passed though the gradient was wrong;
            "unchanged" if the breakage made no difference at the test's inputs (a transposed
            vector; a stale value, if there is one input only); "not called" if the test never
            asked for this derivative.
        message: what the test said.
    """

    rule: str
    breakage: str
    outcome: Outcome
    message: str = ""


@dataclass(frozen=True)
class Audit:
    """What an audit found: every rule, broken in every way."""

    mutants: tuple[Mutant, ...]

    def of(self, outcome: Outcome) -> tuple[Mutant, ...]:
        """Return the mutants with this outcome."""
        return tuple(mutant for mutant in self.mutants if mutant.outcome == outcome)

    @property
    def survivors(self) -> tuple[Mutant, ...]:
        """The mutants that the test did not notice: missed, or never called."""
        return self.of("missed") + self.of("not called")

    def __str__(self) -> str:
        counts = {outcome: len(self.of(outcome)) for outcome in get_args(Outcome)}
        lines = [", ".join(f"{count} {outcome}" for outcome, count in counts.items())]
        width = max((len(mutant.rule) for mutant in self.mutants), default=0)
        for rule, breakage, outcome, _ in self.mutants:
            lines.append(f"{rule:{width}}  {outcome:10}  {breakage}".rstrip())
        return "\n".join(lines)


def audit(subject: Any, *inputs: Any, test: Callable[[], Any] | None = None) -> Audit:
    """Break the rules of `subject` in every generic way, and report what `test` notices.

    Ways: the sign, a factor of 1 + 1e-6, a dropped broadcast sum, a missing transpose, one wrong
    element, zero, a wrong dtype, a double count, the incoming gradient written, a stale value
    (that of the first call with the same shapes). The table of rules is changed for all threads
    while `test` runs, and restored.

    Args:
        subject: an operation, whose rules are broken; or a function or module, called with
            `inputs`: the rules of every operation that it records are broken.
        inputs: arrays, as for `check_grads`; not needed for an operation with a `test`.
        test: called without arguments, raises if it notices; `check_grads` (`check_module`) of
            `subject` at `inputs` by default.

    Raises:
        TypeError: neither inputs nor a test, or a subject that needs inputs.
        ValueError: `test` fails before anything is broken.

    >>> import numpy as np
    >>> from autograd_mini import Tensor, defvjp, primitive
    >>> @primitive
    ... def cube(x):
    ...     return x**3
    >>> defvjp(cube, lambda g, out, x: g * 3 * x**2)
    >>> def test_cube():
    ...     x = Tensor([1.0, 2.0], requires_grad=True)
    ...     cube(x).sum().backward()
    ...     np.testing.assert_allclose(x.grad, [3.0, 12.0], rtol=1e-3)
    >>> for rule, breakage, *_ in audit(cube, test=test_cube).survivors:
    ...     print(f"{rule}: {breakage}")
    cube by x: a factor of 1 + 1e-06
    cube by x: a wrong dtype
    >>> audit(cube, np.array([1.0, 2.0])).survivors
    ()
    """
    operations = _operations(subject, inputs)
    if test is None:
        test = _default_test(subject, inputs)
    called = called_rules(operations, test)
    mutants: list[Mutant] = []
    for operation in operations:
        for key in keys_of(operation):
            if (operation, key) in called:
                mutants += (outcome(operation, key, breakage, test) for breakage in BREAKAGES)
            elif subject in TABLE and operation.names is not None:
                mutants.append(Mutant(rule_name(operation, key), "", "not called"))
    return Audit(tuple(mutants))


def outcome(operation: Operation, key: Key, breakage: str, test: Callable[[], Any]) -> Mutant:
    """Return what becomes of one rule broken in one way."""
    name = rule_name(operation, key)
    with broken(operation, key, breakage) as rule:
        error = _failure(test)
    if error is not None:
        return Mutant(name, breakage, "caught", str(error).partition("\n")[0])
    return Mutant(name, breakage, "missed" if rule.changes else "unchanged")


def _operations(subject: Any, inputs: tuple[Any, ...]) -> list[Operation]:
    if subject in TABLE:
        return [TABLE[subject]]
    if not inputs:
        raise TypeError(
            f"audit({subject!r}) needs inputs to see which operations it records: "
            f"audit(f, *inputs, test=...)"
        )
    found = _as_subject(subject, inputs)
    with found.at(found.values) as variables:
        nodes = calls(found.outputs(variables))
    return [*dict.fromkeys(node._operation for node in nodes if [*keys_of(node._operation)])]


def _as_subject(subject: Any, inputs: tuple[Any, ...]) -> Function | Network:
    return (Network if _is_module(subject) else Function)(subject, inputs)


def _is_module(subject: Any) -> bool:
    return hasattr(subject, "named_parameters")


def _default_test(subject: Any, inputs: tuple[Any, ...]) -> Callable[[], Any]:
    if not inputs:
        raise TypeError(f"audit({subject!r}) needs a test=, or inputs at which to check it")
    check = check_module if _is_module(subject) else check_grads
    return lambda: check(subject, *inputs)


def called_rules(
    operations: list[Operation], test: Callable[[], Any]
) -> list[tuple[Operation, Key]]:
    """Return the rules that `test` asks for, after seeing that it passes."""
    with ExitStack() as stack:
        watched = {
            (operation, key): stack.enter_context(broken(operation, key, None))
            for operation in operations
            for key in keys_of(operation)
        }
        error = _failure(test)
    if error is not None:
        raise ValueError(f"the test fails before anything is broken: {error}") from error
    return [rule for rule, spy in watched.items() if spy.calls]


def _failure(test: Callable[[], Any]) -> BaseException | None:
    try:
        test()
    except _OUR_OWN:
        raise
    except BaseException as error:  # noqa: BLE001 - pytest.fail raises no Exception
        return error
    return None


def rule_name(operation: Operation, key: Key) -> str:
    """Return the name of a rule: its operation and its argument."""
    return f"{operation.name} by {operation.name_of(key) if isinstance(key, int) else key}"
