"""One order of a check: what the walks say, what the numbers say, and whether they agree."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from autograd_mini.backward import gradients
from autograd_mini.tensor import Tensor
from autograd_mini.testing.local import check_call, distinct
from autograd_mini.testing.numeric import EPSILON, Array, Derivative, derivative
from autograd_mini.testing.report import FindingError
from autograd_mini.testing.subjects import Function, Network
from autograd_mini.testing.tape import calls, describe, is_same, kinks_at, largest, signature

FULL = 12  # blocks with at most so many elements on a side are compared element by element
DIRECTIONS = 3
STEP = 2e-2
SMALLEST_STEP = 1e-9
TOLERANCE = 1e-9  # relative to the block's scale, beside what the numeric derivative may be off
WANTED = 1e-6  # a numeric derivative that is less sure of itself tells nothing
NOTHING = 1e-10  # a change so small beside the result is as good as none
LOST = (
    "every call's own rule is right, so a part of the gradient is lost or counted twice on the "
    "way: by .data, .item(), .detach() or a bare array inside"
)
LOST_LATER = (
    "a rule that is right can't be differentiated: it takes .data, or its own slope is wrong"
)
Subject = Function | Network


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
        noise: list[float] | None = None,
    ) -> None:
        self.subject = subject
        self.lower = weights
        self.rng = rng
        self.order = len(weights) + 1
        with subject.at(subject.values) as variables:
            kinds = [y.dtype.kind for y in subject.outputs(variables)]
        self.are_complex = [kind == "c" for kind in kinds]
        self.base, self.signature = self.evaluate(subject.values)
        self.noise = noise or [0.0] * len(self.base)
        self.largest = 0.0  # of all numbers in the calculation

    def next(self) -> Stage:
        """Return the stage of the gradients of a weighted sum of this one's outputs.

        A gradient that is as small as the rounding of what it is the gradient of is no number.
        """
        weights = [_weights(y, self.rng) for y in self.base]
        size = max((_size(y) for y in self.base), default=0.0)
        noise = [64 * EPSILON * size / (_size(x) or 1.0) for x in self.subject.values]
        return Stage(self.subject, self.rng, (*self.lower, weights), noise)

    def outputs(self, variables: list[Tensor]) -> tuple[list[Tensor], list[Any]]:
        """Return what is differentiated at this order, and the calls of all orders up to it."""
        pairs = zip(self.subject.outputs(variables), self.are_complex, strict=True)
        out = [part for y, is_complex in pairs for part in _real_parts(y, is_complex)]
        nodes = calls(out)
        for weights in self.lower:
            out = pulled(out, variables, weights, is_recorded=True)
            nodes = [*nodes, *calls(out)]
        return out, nodes

    def evaluate(self, values: list[Any]) -> tuple[list[Array], list[Any]]:
        """Return the outputs at `values`, and the signature of what was recorded."""
        with self.subject.at(values) as variables:
            out, nodes = self.outputs(variables)
            return [y.data for y in out], signature(nodes)

    def check(self, modes: tuple[str, ...]) -> int:
        """Raise a FindingError unless everything agrees; return how many numbers were compared."""
        if not all(np.all(np.isfinite(y)) for y in self.base):
            raise FindingError("cannot tell", f"{self.what()} is not finite at these inputs")
        again, _ = self.evaluate(self.subject.values)
        if not all(np.array_equal(a, b) for a, b in zip(again, self.base, strict=True)):
            raise FindingError("wrong", f"{self.what()} returns something else when called again")
        columns = self.analytic(modes)
        try:
            return sum(self.check_column(column) for column in columns)
        except FindingError as finding:
            if finding.verdict == "wrong" and self.order == 1:
                self.check_every_call()
            raise

    def check_every_call(self) -> None:
        """Look for a call whose own rule is wrong, also among calls of one kind."""
        with self.subject.at(self.subject.values) as variables:
            for node in self.outputs(variables)[1]:
                check_call(node, self.rng)

    def analytic(self, modes: tuple[str, ...]) -> list[Column]:
        """Return what the walks say, after checking every call's own rule."""
        with self.subject.at(self.subject.values) as variables:
            out, nodes = self.outputs(variables)
            self.check_calls(nodes)
            self.largest = largest(nodes)
            units = [self.directions(y.data, 1.0) for y in out]
            pulls = [[self.pull(out, variables, k, u) for u in us] for k, us in enumerate(units)]
            push = Push(out, variables) if "fwd" in modes else None
            columns = []
            for i, value in enumerate(self.subject.values):
                for v in self.directions(value, _size(value) or 1.0):
                    changes = push.along(i, v) if push is not None else None
                    sums = [np.array([np.sum(g[i] * v) for g in gs]) for gs in pulls]
                    columns.append(Column(i, v, changes, units, sums if "rev" in modes else None))
            return columns

    def check_calls(self, nodes: list[Any]) -> None:
        """Raise a FindingError for a call on a kink, and for one whose own rule is wrong."""
        for node in kinks_at(nodes):
            raise FindingError(
                "cannot tell",
                f"{describe(node)} stands on a kink, where there is no derivative",
                describe(node),
            )
        if self.order == 1:
            for node in distinct(nodes):
                check_call(node, self.rng)

    def check_column(self, column: Column) -> int:
        """Compare one column of the Jacobian, in both modes."""
        i, compared = column.position, 0
        for k, numeric in enumerate(self.numeric(i, column.direction)):
            if column.changes is not None:
                compared += self.compare(k, i, np.ravel(column.changes[k]), numeric)
            if column.sums is not None:
                weights = np.array([np.ravel(u) for u in column.units[k]])
                wanted = Derivative(weights @ numeric.value, np.abs(weights) @ numeric.error)
                compared += self.compare(k, i, column.sums[k], wanted)
        return compared

    def directions(self, x: Array, size: float) -> list[Array]:
        """Return the unit vectors of a small block, random directions for a large one."""
        if x.size <= FULL:
            return [size * unit.reshape(x.shape) for unit in np.eye(x.size)]
        return [size * _weights(x, self.rng) for _ in range(DIRECTIONS)]

    def pull(self, out: list[Tensor], variables: list[Tensor], k: int, u: Array) -> list[Array]:
        """Return the gradients of sum(u * output k)."""
        weights = [u if j == k else np.zeros(y.shape) for j, y in enumerate(out)]
        return pulled(out, variables, weights, is_recorded=False)

    def numeric(self, i: int, v: Array) -> list[Derivative]:
        """Return the numeric change of every output when input `i` moves along `v`."""

        def f(t: complex) -> Array:
            # Gradients by real inputs are real: for a complex step, all of them are complex.
            values = [x.astype(type(t)) for x in self.subject.values]
            values[i] += t * v
            return np.concatenate([np.ravel(y) for y in self.evaluate(values)[0]])

        found = derivative(f, self.step(i, v), is_analytic=not any(self.are_complex))
        ends = np.cumsum([y.size for y in self.base])[:-1]
        values, errors = np.split(found.value, ends), np.split(found.error, ends)
        return [Derivative(*pair) for pair in zip(values, errors, strict=True)]

    def step(self, i: int, v: Array) -> float:
        """Return a step that crosses no kink and leaves no domain."""
        step = STEP
        while step > SMALLEST_STEP:
            if self.is_smooth(i, step * v) and self.is_smooth(i, -step * v):
                return step
            step /= 4
        raise FindingError(
            "cannot tell",
            f"{self.what()} has a kink, a branch or the end of its domain as close as "
            f"{SMALLEST_STEP} to {self.subject.names[i]}",
        )

    def is_smooth(self, i: int, change: Array) -> bool:
        """Return whether the way to a changed input `i` stays on the same piece."""
        values = [x + change if j == i else x for j, x in enumerate(self.subject.values)]
        with np.errstate(all="ignore"):
            out, found = self.evaluate(values)
        return is_same(found, self.signature) and all(np.all(np.isfinite(y)) for y in out)

    def compare(self, k: int, i: int, mine: Array, wanted: Derivative) -> int:
        """Raise a FindingError unless `mine` is the wanted derivative of output k by input i."""
        scale, size = max(_size(wanted.value), _size(mine)), _size(self.base[k])
        if scale <= 1e3 * EPSILON * size or max(size, _size(mine)) <= self.noise[k]:
            return mine.size
        where = f"{self.what()}, by {self.subject.names[i]}"
        gaps = np.abs(mine - wanted.value) - TOLERANCE * scale - 4 * wanted.error
        is_noise = max(size, scale) <= 1e3 * EPSILON * self.largest
        if np.any(gaps > 0) and (scale <= NOTHING * size or is_noise):
            raise FindingError(
                "cannot tell",
                f"{where}: {scale:.2g} is too little to be seen beside numbers of "
                f"{max(size, self.largest):.2g}",
            )
        if np.any(gaps > 0) or not np.all(np.isfinite(mine)):
            worst = int(np.argmax(gaps))
            raise FindingError(
                "wrong",
                f"{where}: {mine[worst]:.10g} instead of {wanted.value[worst]:.10g}; "
                + (LOST if self.order == 1 else LOST_LATER),
            )
        is_zero = not np.any(mine) and np.all(wanted.error <= NOTHING * size)
        if np.any(4 * wanted.error > WANTED * scale) and not is_zero:
            raise FindingError(
                "cannot tell",
                f"{where}: the numeric derivative is known to {np.max(wanted.error):.2g} only, "
                f"beside {scale:.2g}: choose inputs where the function is smoother",
            )
        return mine.size

    def what(self) -> str:
        """Return what is differentiated, in words."""
        if self.order == 1:
            return self.subject.name
        return f"derivative {self.order - 1} of {self.subject.name}"


class Push:
    """Jacobian-vector products: the walk back is linear in g, so it is itself walked back."""

    def __init__(self, out: list[Tensor], variables: list[Tensor]) -> None:
        self.gs = [Tensor(np.ones(y.shape), requires_grad=True) for y in out]
        self.products = pulled(out, variables, self.gs, is_recorded=True)

    def along(self, i: int, v: Array) -> list[Array]:
        """Return the change of every output when input `i` moves along `v`."""
        product = self.products[i]
        if not product.requires_grad:
            return [np.zeros(g.shape) for g in self.gs]
        return gradients(product, self.gs, v)


def pulled(
    out: list[Tensor], variables: list[Tensor], weights: Any, *, is_recorded: bool
) -> list[Any]:
    """Return the gradients of the weighted sum of outputs by every variable."""
    zeros = [np.zeros_like(x.data) for x in variables]
    total: list[Any] = [*map(Tensor, zeros)] if is_recorded else zeros
    for y, u in zip(out, weights, strict=True):
        if y.requires_grad:
            found = gradients(y, variables, u, create_graph=is_recorded)
            total = [a + b for a, b in zip(total, found, strict=True)]
    return total


def _real_parts(y: Tensor, is_complex: bool) -> list[Any]:
    """Return a result as real numbers: a complex one is two of them."""
    return [np.real(y), np.imag(y)] if is_complex else [y]


def _weights(y: Array, rng: np.random.Generator) -> Array:
    """Return random signs and sizes: two equal errors do not cancel, nor weighted shares."""
    weights: Array = rng.uniform(0.5, 1.5, y.shape) * rng.choice([-1.0, 1.0], y.shape)
    return weights


def _size(x: Array) -> float:
    return float(np.max(np.abs(x), initial=0.0))
