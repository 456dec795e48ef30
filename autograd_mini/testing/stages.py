"""One order of a check: derivatives by the walks, numeric ones, and whether they agree."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_mini.tensor import Tensor
from autograd_mini.testing.agreement import agree, is_near, weighed
from autograd_mini.testing.bisection import element, worst_of_columns, worst_of_rows
from autograd_mini.testing.flow import flow, most_carried
from autograd_mini.testing.local import check_call, distinct
from autograd_mini.testing.numeric import (
    OTHER_STEP,
    UNKNOWN,
    Array,
    Derivative,
    derivative,
    size_of,
)
from autograd_mini.testing.report import ANOTHER, LOST, LOST_LATER, NO_NUMBER, FindingError
from autograd_mini.testing.subjects import Function, Network
from autograd_mini.testing.tape import (
    Mark,
    calls,
    describe,
    first_difference,
    is_analytic,
    mark,
)
from autograd_mini.testing.walks import (
    Column,
    Push,
    columns,
    pull,
    pulled,
    random_weights,
    real_parts,
)

STEP = 2e-2
SMALLEST_STEP = 1e-9
Subject = Function | Network


def check_rules(subject: Subject, rng: np.random.Generator) -> None:
    """Raise a FindingError for a call whose own rule is wrong, one call of each kind."""
    with subject.at(subject.values) as variables:
        for node in distinct(calls(subject.outputs(variables))):
            check_call(node, rng)


class Stage:
    """One order of a check: the function, or the gradients of weighted sums of the stage before."""

    def __init__(
        self,
        subject: Subject,
        rng: np.random.Generator,
        weights: tuple[list[Array], ...] = (),
        are_complex: list[bool] | None = None,
    ) -> None:
        self.subject = subject
        self.lower = weights
        self.rng = rng
        self.order = len(weights) + 1
        self.are_complex = are_complex  # which outputs; the first run tells
        self.base, self.marks = self.marked(subject.values)

    def next(self) -> Stage:
        """Return the stage of the gradients of a weighted sum of this one's outputs."""
        weights = [random_weights(y, self.rng) for y in self.base]
        stage = Stage(self.subject, self.rng, (*self.lower, weights), self.are_complex)
        with self.subject.at(self.subject.values) as variables:
            out = self.outputs(variables)[0]
            bare = pulled(out, variables, weights, is_recorded=False)
            found = zip(self.subject.names, self.subject.values, stage.base, bare, strict=True)
            for name, x, mine, g in found:
                if is_near(mine, g, 0.0):
                    continue
                if not is_near(
                    mine, g, most_carried(out, variables, weights) / (size_of(x) or 1.0)
                ):
                    message = f"the gradient of {self.what()} by {name} {ANOTHER}"
                    raise FindingError("wrong", message)
        return stage

    def outputs(self, variables: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """Return what is differentiated at this order, and the outputs of all orders up to it."""
        found = self.subject.outputs(variables)
        if self.are_complex is None:
            self.are_complex = [y.dtype.kind == "c" for y in found]
        pairs = zip(found, self.are_complex, strict=True)
        out = [part for y, is_complex in pairs for part in real_parts(y, is_complex)]
        every = list(out)
        for weights in self.lower:
            out = pulled(out, variables, weights, is_recorded=True)
            every += out
        return out, every

    def evaluate(self, values: list[Any]) -> list[Array]:
        """Return the outputs at `values`."""
        with self.subject.at(values) as variables:
            return [y.data for y in self.outputs(variables)[0]]

    def marked(self, values: list[Any]) -> tuple[list[Array], list[Mark]]:
        """Return the outputs at `values`, and the marks of all calls behind them."""
        with self.subject.at(values) as variables:
            out, every = self.outputs(variables)
            return [y.data for y in out], [*map(mark, calls(every))]

    def check(self, modes: tuple[str, ...]) -> int:
        """Raise a FindingError unless everything agrees; return how many numbers were compared."""
        if not all(np.all(np.isfinite(y)) for y in self.base):
            raise FindingError("cannot tell", f"{self.what()} is not finite at these inputs")
        again = self.evaluate(self.subject.values)
        if not all(np.array_equal(a, b) for a, b in zip(again, self.base, strict=True)):
            raise FindingError("wrong", f"{self.what()} returns something else when called again")
        for i, found in enumerate(self.marks):
            if found.is_kink:
                call = self.call(i)
                message = f"{call} stands on a kink, where there is no derivative"
                raise FindingError("cannot tell", message, call)
        with np.errstate(all="ignore"):
            return sum(self.check_column(column) for column in self.analytic(modes))

    def call(self, i: int) -> str:
        """Return operation and line of the i-th call."""
        with self.subject.at(self.subject.values) as variables:
            return describe(calls(self.outputs(variables)[1])[i])

    def check_calls(self, *, each: bool) -> None:
        """Look for a call whose own rule is wrong, among those of one kind at one or at each."""
        with self.subject.at(self.subject.values) as variables:
            nodes = calls(self.outputs(variables)[1])
            for node in nodes if each else distinct(nodes):
                check_call(node, self.rng)

    def analytic(self, modes: tuple[str, ...]) -> list[Column]:
        """Return what the walks say, at the first order after checking every call's own rule."""
        if self.order == 1:
            self.check_calls(each=False)
        with self.subject.at(self.subject.values) as variables:
            return columns(self.outputs(variables)[0], variables, modes, self.rng)

    def check_column(self, column: Column) -> int:
        """Compare one column of the Jacobian, in both modes."""
        i, v, compared = column.position, column.direction, 0
        for k, numeric in enumerate(self.numeric(i, v)):
            if column.changes is not None:
                mine = np.ravel(column.changes[k])
                if not self.agree(column, k, mine, numeric, None):
                    raise self.wrong(k, i, v, None)
                compared += mine.size
            if column.sums is not None:
                units = column.units[k]
                if not self.agree(column, k, column.sums[k], numeric, units):
                    raise self.wrong(k, i, v, units)
                compared += len(units)
        return compared

    def numeric(self, i: int, v: Array, part: float = 1.0) -> list[Derivative]:
        """Return the numeric change of every output when input `i` moves along `v`.

        With steps that are only this part of the longest.
        """

        def f(t: complex) -> Array:
            # Gradients by real inputs are real: for a complex step, all of them are complex.
            values = [x.astype(type(t)) for x in self.subject.values]
            values[i] += t * v
            return np.concatenate([np.ravel(y) for y in self.evaluate(values)])

        is_real = self.subject.is_real and not any(self.are_complex or ())
        found = derivative(f, part * self.step(i, v), is_real and is_analytic(self.marks))
        ends = np.cumsum([y.size for y in self.base])[:-1]
        values, errors = np.split(found.value, ends), np.split(found.error, ends)
        return [Derivative(*pair) for pair in zip(values, errors, strict=True)]

    def step(self, i: int, v: Array) -> float:
        """Return a step that crosses no kink and leaves no domain."""
        step, obstacle = STEP, None
        while step > SMALLEST_STEP:
            found = [self.obstacle(i, sign * step * v) for sign in (1, -1)]
            if found == [None, None]:
                return step
            obstacle = found[0] or found[1]
            step /= 4
        raise FindingError(
            "cannot tell",
            f"{self.what()} has a kink, a branch or the end of its domain as close as "
            f"{SMALLEST_STEP} to {self.subject.names[i]}: {obstacle}",
            obstacle,
        )

    def moved(self, i: int, change: Array) -> list[Array]:
        """Return the inputs with input `i` changed."""
        return [x + change if j == i else x for j, x in enumerate(self.subject.values)]

    def obstacle(self, i: int, change: Array) -> str | None:
        """Return the call that is not on the same piece when input `i` has changed, or None."""
        try:
            out, marks = self.marked(self.moved(i, change))
        except Exception as error:  # noqa: BLE001 - whatever it says, it is not defined there
            return f"{type(error).__name__}: {error}"
        different = first_difference(self.marks, marks)
        if different is None:
            is_finite = all(np.all(np.isfinite(y)) for y in out)
            return None if is_finite else "its result is not finite"
        return self.call(different) if different < len(self.marks) else "it has calls of its own"

    def agree(
        self, column: Column, k: int, mine: Array, numeric: Derivative, units: list[Array] | None
    ) -> bool:
        """Return whether `mine` is the numeric change of output k, or of sums of its elements.

        Raises:
            FindingError: it can't be told.
        """
        i, v = column.position, column.direction
        where = f"{self.what()}, by {self.subject.names[i]}"
        if not np.all(np.isfinite(mine)):
            self.refuse_endless(numeric, v, where)

        def again() -> Derivative:
            return weighed(units, self.numeric(i, v, OTHER_STEP)[k])

        def flows() -> tuple[float, float]:
            return self.flows(k, i, v)

        return agree(mine, weighed(units, numeric), again, flows, size_of(self.base[k]), where)

    def refuse_endless(self, numeric: Derivative, v: Array, where: str) -> None:
        """Refuse to judge a slope that has no number: at the end of a domain, or too large."""
        for j, x in enumerate(self.subject.values):
            self.step(j, (size_of(x) or 1.0) * random_weights(x, self.rng))
        if size_of(numeric.value) / size_of(v) > UNKNOWN:
            raise FindingError("cannot tell", f"{where}: the derivative is too large for a float64")

    def flows(self, k: int, i: int, v: Array) -> tuple[float, float]:
        """Return how much of a change along `v` a call passes on to output k, and carries."""
        step, weights = self.step(i, v), random_weights(self.base[k], self.rng)
        found = []
        for t in (0.0, step):
            with self.subject.at(self.moved(i, t * v)) as variables:
                out = self.outputs(variables)[0][k]
                found.append(flow(out, variables, weights))
        here, there = found
        return here.passed(there) / step, here.carried()

    def wrong(self, k: int, i: int, v: Array, units: list[Array] | None) -> FindingError:
        """Return the finding that output k is wrong by input i along `v`, with the worst element.

        Raises:
            FindingError: a call of the first order whose own rule is wrong is found as well.
        """
        if self.order == 1:
            self.check_calls(each=True)
        shape = self.base[k].shape

        def numeric(part: Array) -> Array:
            return self.numeric(i, part)[k].value.reshape(shape)

        if units is None:
            entry = worst_of_columns(
                lambda part: self.pushed(k, i, part).reshape(shape), numeric, v
            )
        else:
            entry = worst_of_rows(lambda u: self.pulled(k, i, u), numeric, v, units)
        out, place, mine, wanted = entry
        at = element(self.subject.names[i], place)
        result = element(f"output {k}", out) if out or len(self.base) > 1 else "the result"
        reason = LOST if self.order == 1 else LOST_LATER
        return FindingError(
            "wrong",
            f"{self.what()}: the derivative of {result} by {at} is {mine:.10g} instead of "
            f"{wanted:.10g}; {reason if np.isfinite(mine) else NO_NUMBER}",
            element=at,
        )

    def pushed(self, k: int, i: int, v: Array) -> Array:
        """Return the change of output k when input `i` moves along `v`."""
        with self.subject.at(self.subject.values) as variables:
            out, _ = self.outputs(variables)
            return np.ravel(Push(out, variables).along(i, v)[k])

    def pulled(self, k: int, i: int, u: Array) -> Array:
        """Return the gradient of sum(u * output k) by input `i`."""
        with self.subject.at(self.subject.values) as variables:
            return pull(self.outputs(variables)[0], variables, k, u)[i]

    def what(self) -> str:
        """Return what is differentiated, in words."""
        if self.order == 1:
            return self.subject.name
        return f"derivative {self.order - 1} of {self.subject.name}"
