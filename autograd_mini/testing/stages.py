"""One order of a check: what the walks say, what the numbers say, and whether they agree."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from autograd_mini.backward import gradients
from autograd_mini.tensor import Tensor
from autograd_mini.testing.agreement import Scales, agree, is_near, size_of, weighed
from autograd_mini.testing.bisection import element, worst_of_columns, worst_of_rows
from autograd_mini.testing.local import check_call, distinct
from autograd_mini.testing.numeric import OTHER_STEP, Array, Derivative, derivative
from autograd_mini.testing.report import ANOTHER, LOST, LOST_LATER, NO_NUMBER, FindingError
from autograd_mini.testing.subjects import Function, Network
from autograd_mini.testing.tape import (
    Mark,
    calls,
    describe,
    first_difference,
    is_analytic,
    largest,
    mark,
)
from autograd_mini.testing.walks import (
    Push,
    directions,
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


class Column(NamedTuple):
    """What the walks say of the change of every output along one direction.

    Attributes:
        position: the input that moves.
        direction: along which it moves.
        changes: of every output, by Jacobian-vector products; None if not asked for.
        units: for every output, the weights with which its elements are summed.
        sums: for every output, the changes of those sums, by vector-Jacobian products, or None.
    """

    position: int
    direction: Array
    changes: list[Array] | None
    units: list[list[Array]]
    sums: list[Array] | None


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
        self.largest = 0.0  # of all numbers in the calculation

    def next(self) -> Stage:
        """Return the stage of the gradients of a weighted sum of this one's outputs."""
        weights = [random_weights(y, self.rng) for y in self.base]
        stage = Stage(self.subject, self.rng, (*self.lower, weights), self.are_complex)
        with self.subject.at(self.subject.values) as variables:
            bare = pulled(self.outputs(variables)[0], variables, weights, is_recorded=False)
        for name, mine, g in zip(self.subject.names, stage.base, bare, strict=True):
            if not is_near(mine, g, self.largest):
                raise FindingError("wrong", f"the gradient of {self.what()} by {name} {ANOTHER}")
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
            self.largest = largest(nodes)
            for node in nodes if each else distinct(nodes):
                check_call(node, self.rng)

    def analytic(self, modes: tuple[str, ...]) -> list[Column]:
        """Return what the walks say, at the first order after checking every call's own rule."""
        if self.order == 1:
            self.check_calls(each=False)
        with self.subject.at(self.subject.values) as variables:
            out, every = self.outputs(variables)
            self.largest = largest(calls(every))
            units = [directions(y.data, 1.0, self.rng) for y in out]
            pulls = [[pull(out, variables, k, u) for u in us] for k, us in enumerate(units)]
            push = Push(out, variables) if "fwd" in modes else None
            columns = []
            for i, value in enumerate(self.subject.values):
                for v in directions(value, size_of(value) or 1.0, self.rng):
                    changes = push.along(i, v) if push is not None else None
                    sums = [np.array([np.sum(g[i] * v) for g in gs]) for gs in pulls]
                    columns.append(Column(i, v, changes, units, sums if "rev" in modes else None))
            return columns

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

    def obstacle(self, i: int, change: Array) -> str | None:
        """Return the call that is not on the same piece when input `i` has changed, or None."""
        values = [x + change if j == i else x for j, x in enumerate(self.subject.values)]
        try:
            out, marks = self.marked(values)
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

        scales = Scales(size_of(self.base[k]), self.largest, lambda: self.through(k, i, v))
        return agree(mine, weighed(units, numeric), again, scales, where)

    def refuse_endless(self, numeric: Derivative, v: Array, where: str) -> None:
        """Refuse to judge a slope that has no number: at the end of a domain, or too large."""
        for j, x in enumerate(self.subject.values):
            self.step(j, (size_of(x) or 1.0) * random_weights(x, self.rng))
        if not np.isfinite(size_of(numeric.value) / size_of(v)):
            raise FindingError("cannot tell", f"{where}: the derivative is too large for a float64")

    def through(self, k: int, i: int, v: Array) -> float:
        """Return the most that a call passes on to output k when input `i` moves along `v`."""
        step, runs = self.step(i, v), []
        for t in (step, 0.0):
            values = [x + t * v if j == i else x for j, x in enumerate(self.subject.values)]
            with self.subject.at(values) as variables:
                out = self.outputs(variables)[0][k]
                nodes = [node for node in calls([out]) if type(node._array) is not tuple]
                runs.append([node._array for node in nodes])
                weights = random_weights(out.data, self.rng)
                slopes = gradients(out, nodes, weights) if nodes else []
        changes = zip(slopes, *runs, strict=True)
        return max((size_of(g * (there - here)) for g, there, here in changes), default=0.0) / step

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
