"""A check of every condition, one call each; the first that fails is made simpler and raised."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Protocol

import numpy as np

from autograd_mini.modes import no_grad
from autograd_mini.tensor import Tensor
from autograd_mini.testing.layouts import like
from autograd_mini.testing.numeric import Array, size_of
from autograd_mini.testing.report import GradientError, Report
from autograd_mini.testing.strategies.conditions import Condition, Numbers, bases
from autograd_mini.testing.subjects import Function
from autograd_mini.testing.walks import pulled

Inputs = tuple[Any, ...]
SIMPLE = (1.0, -1.0, 2.0, -2.0, 0.5, -0.5)
NEAR, STEPS = 1e-5, 16  # a distance to zero, and the factor to a smaller one
FEW = 8  # elements that are made simple one by one


class Check(Protocol):
    """A check of one call."""

    f: Any

    def report(self, inputs: Inputs) -> Report:
        """Return the report of the check at `inputs`."""

    def call(self, inputs: Inputs) -> str:
        """Return the call as Python."""


def base_of(check: Check, count: int, away_from: Sequence[float]) -> tuple[Numbers, ...]:
    """Return the first ranges of the arguments in which a check can be decided."""
    first = next(bases(count))
    for base in bases(count):
        inputs = tuple(each.fill((2,), k, away_from) for k, each in enumerate(base))
        if _outcome(check, Condition(inputs)) != "cannot tell":
            return base
    return first


def cover(check: Check, conditions: Iterable[Condition]) -> None:
    """Check the function in every condition, and raise the error of the first that fails.

    Skipped are conditions that can't be judged, arrays that are never drawn if the function refuses
    them, and 0 if it has a kink there.
    """
    for condition in conditions:
        outcome = _outcome(check, condition)
        if condition.is_zero and outcome == "wrong" and not _is_smooth(check.f, condition.inputs):
            continue
        if outcome not in {"right", "cannot tell"}:
            _fail(check, _simplest(check, condition, outcome))


def _outcome(check: Check, condition: Condition) -> Any:
    """Return the verdict, or the type of the exception raised."""
    with warnings.catch_warnings():
        if condition.is_unusual:
            warnings.simplefilter("ignore")
        try:
            return check.report(condition.inputs).verdict
        except Exception as error:  # noqa: BLE001 - it is raised by the call that is made of it
            is_refused = condition.is_unusual and _refuses(check.f, condition.inputs)
            return "cannot tell" if is_refused else type(error)


def _refuses(f: Any, inputs: Inputs) -> bool:
    """Return whether `f` raises although nothing is recorded."""
    try:
        with no_grad(), np.errstate(all="ignore"):
            f(*(Tensor(x) if isinstance(x, np.ndarray) else x for x in inputs))
    except Exception:  # noqa: BLE001 - whatever it says, it does not take them
        return True
    return False


def _is_smooth(f: Any, inputs: Inputs) -> bool:
    """Return whether the gradients on both sides of the zeros in `inputs` meet there."""
    gaps = []
    for step in (NEAR, NEAR / STEPS):
        below, above = (
            _gradient(f, tuple(np.where(x == 0, side * step, x) for x in inputs))
            for side in (-1, 1)
        )
        gaps.append(size_of(above - below))
        if not np.all(np.isfinite(above - below)):
            return False
    return gaps[1] <= max(gaps[0] * 2 / STEPS, NEAR**2)


def _gradient(f: Any, inputs: Inputs) -> Array:
    """Return the gradients of the sum of the results, in one row."""
    subject = Function(f, inputs)
    with np.errstate(all="ignore"), subject.at(subject.values) as variables:
        out = subject.outputs(variables)
        ones = [np.ones(y.shape) for y in out]
        return np.concatenate(
            [np.ravel(g) for g in pulled(out, variables, ones, is_recorded=False)]
        )


def _fail(check: Check, inputs: Inputs) -> None:
    """Raise the error of the check at `inputs`."""
    call = check.call(inputs)
    try:
        report = check.report(inputs)
    except Exception as error:
        if hasattr(error, "add_note"):  # from Python 3.11 on
            error.add_note(call)
        raise
    raise GradientError(replace(report, message=f"{call}: {report.message}"))


def _simplest(check: Check, condition: Condition, outcome: Any) -> Inputs:
    """Return inputs of the same shapes and layouts, with simple numbers and the same outcome."""

    def found(trials: Iterable[Inputs], otherwise: Inputs) -> Inputs:
        for inputs in trials:
            trial = condition._replace(inputs=inputs)
            if condition.allows(inputs) and _outcome(check, trial) == outcome:
                return inputs
        return otherwise

    inputs = found(map(partial(_filled, condition.inputs), SIMPLE), ())
    if inputs:
        return inputs
    inputs = condition.inputs
    for k, x in enumerate(inputs):
        if not isinstance(x, np.ndarray) or not x.size:
            continue
        before = inputs
        inputs = found((_with(inputs, k, np.full(x.shape, value)) for value in SIMPLE), inputs)
        if inputs is before and x.size <= FEW:
            for at in np.ndindex(x.shape):
                inputs = found(_simpler_at(inputs, k, at), inputs)
    return inputs


def _filled(inputs: Inputs, value: float) -> Inputs:
    """Return the inputs with `value` in every array."""
    for k, x in enumerate(inputs):
        if isinstance(x, np.ndarray):
            inputs = _with(inputs, k, np.full(x.shape, value))
    return inputs


def _simpler_at(inputs: Inputs, k: int, at: tuple[int, ...]) -> Iterator[Inputs]:
    """Return the inputs with a simple number at one place of the k-th."""
    for value in SIMPLE:
        if inputs[k][at] == value:
            return
        values = np.array(inputs[k], float)
        values[at] = value
        yield _with(inputs, k, values)


def _with(inputs: Inputs, k: int, values: Array) -> Inputs:
    """Return the inputs with other numbers in the k-th, laid out as those it has."""
    x = inputs[k]
    native = x.dtype.newbyteorder("=")
    return (*inputs[:k], like(values.astype(native), x), *inputs[k + 1 :])
