"""The derivatives of a recorded call element by element: the factors of the chain rule.

The call's own rule, given a g that is 1 in one element of the result, returns a row of the
Jacobian. The rule is linear in g, so walking it back from one element of the argument returns a
column. Rows or columns are asked for, whichever are fewer; the other kind is asked where 0 * inf
made a nan of a zero.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from heapq import heappop, heappush
from typing import Any, NamedTuple

import numpy as np

from autograd_mini.backward import gradients
from autograd_mini.drawing.nodes import released
from autograd_mini.fitting import fit
from autograd_mini.operation import CONTAINERS, ITEM, Vjp
from autograd_mini.primitive import TABLE
from autograd_mini.recorded import as_recorded, call_of, needing, rule_failed
from autograd_mini.rules.hooks import hook
from autograd_mini.storage import bare, needs_grad
from autograd_mini.tensor import Tensor

_HOOK = TABLE[hook]


class Use(NamedTuple):
    """A Tensor given to a recorded call.

    Attributes:
        call: the Tensor that remembers the call.
        args: the arguments of the call by position, as they were then.
        kwargs: those by name.
        argument: the name of the argument, such as "x", or "arrays[1]" for a part of a list.
        place: where in that argument the Tensor is, if it is a list.
        vjp: the rule for that argument.
        x: the Tensor.
    """

    call: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    argument: str
    place: tuple[int, ...]
    vjp: Vjp
    x: Any


def uses_between(tensor: Any, output: Any) -> tuple[list[Use], bool]:
    """Return every use made on the way to `output` since `tensor` was made, oldest first.

    Second comes whether `tensor` was met.

    Raises:
        RuntimeError: the graph was released, or a value in it was written since.
    """
    uses: list[list[Use]] = []
    versions: dict[int, Any] = {}
    met = {output._tick: output}
    heap = [-output._tick]
    while heap:
        call = met[-heappop(heap)]
        if call.is_leaf or call._tick == tensor._tick:
            continue
        if call._args is None:
            raise RuntimeError(released(call))
        args, kwargs = as_recorded(call, versions)
        uses.append([*_uses(call, args, kwargs or {})])
        for use in uses[-1]:
            at = use.x._tick
            if at >= tensor._tick and at not in met:
                met[at] = use.x
                heappush(heap, -at)
    return [use for found in reversed(uses) for use in found], tensor._tick in met


def _uses(call: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Iterator[Use]:
    if call._operation is ITEM:
        yield Use(call, args, kwargs, "results", (), np.positive, args[0])
        return
    for name, vjp, x in needing(call, args, kwargs):
        for place, part in _tensors_in(x, ()):
            argument = "".join((name, *(f"[{i}]" for i in place)))
            yield Use(call, args, kwargs, argument, place, vjp, part)


def _tensors_in(x: Any, place: tuple[int, ...]) -> Iterator[tuple[tuple[int, ...], Any]]:
    if type(x) in CONTAINERS:
        for i, part in enumerate(x):
            yield from _tensors_in(part, (*place, i))
    elif needs_grad(x):
        yield place, x


def parts_of(x: Any) -> tuple[Any, ...]:
    """Return the arrays that a Tensor holds: one, or the several results of a call."""
    return x._array if type(x._array) in CONTAINERS else (x._array,)


def size_of(x: Any) -> int:
    """Return how many elements a Tensor has, those of all results of a call together."""
    return sum(math.prod(part.shape) for part in parts_of(x))


def derivatives(use: Use, elements: list[int]) -> Iterator[tuple[int, int, float]]:
    """Yield element of the argument, element of the result and derivative, where it is not 0.

    Args:
        use: a Tensor given to a call.
        elements: the elements of the Tensor to look at, counted as in its ravel().

    Raises:
        NotImplementedError: there is no derivative, or it is not a matter of real numbers.
        ValueError: a derivative is nan or infinite.
    """
    if use.call._operation is ITEM:
        yield from _of_item(use, elements)
        return
    _check_real(use)
    jacobian = _Jacobian(use)
    for e, r, derivative in jacobian.entries(np.array(elements)):
        number = jacobian.checked(derivative, e, r)
        if number != 0:
            yield e, r, number


def work_of(use: Use, elements: int) -> int:
    """Return how many numbers `derivatives` computes for so many elements."""
    results = size_of(use.call)
    return min(results, elements) * (results + size_of(use.x))


def _of_item(use: Use, elements: list[int]) -> Iterator[tuple[int, int, float]]:
    """Pick one of several results: its elements follow those of the results before it."""
    position = use.args[1]
    sizes = [math.prod(part.shape) for part in parts_of(use.x)]
    start = sum(sizes[:position])
    for e in elements:
        if start <= e < start + sizes[position]:
            yield e, e - start, 1.0


class _Jacobian:
    """Rows and columns of the derivatives of a call by one of its Tensors."""

    def __init__(self, use: Use) -> None:
        self.use = use
        self.results = parts_of(use.call)
        self.push: tuple[list[Tensor], Any] | None = None

    def entries(self, elements: Any) -> Iterator[tuple[int, int, float]]:
        """Yield element of the argument, of the result, and derivative, by rows or columns."""
        results = size_of(self.use.call)
        if results <= len(elements):
            for r in range(results):
                row = self.row(r)[elements]
                for k in np.flatnonzero(row).tolist():
                    yield int(elements[k]), r, float(row[k])
            return
        for e in elements.tolist():
            column = self.column(e)
            for r in np.flatnonzero(column).tolist():
                yield e, r, float(column[r])

    def checked(self, derivative: float, e: int, r: int) -> float:
        """Return a derivative that is a number, found the other way round if it was none."""
        if not math.isfinite(derivative):
            both = float(self.row(r)[e]), float(self.column(e)[r])
            derivative = next(filter(math.isfinite, both), derivative)
        if not math.isfinite(derivative):
            raise ValueError(
                f"explain multiplies numbers, but the derivative of {call_of(self.use.call)} by "
                f"element {e} of {self.use.argument!r} is {derivative}: look for its cause with "
                f"detect_anomaly()"
            )
        return derivative

    def row(self, r: int) -> Any:
        """Return the derivatives of element `r` of the result by every element of the Tensor."""
        use = self.use
        unit = np.zeros(size_of(use.call))
        unit[r] = 1
        gs, start = [], 0
        for y in self.results:
            size = math.prod(y.shape)
            gs.append(unit[start : start + size].reshape(y.shape).astype(y.dtype))
            start += size
        return self.pulled(gs, bare).ravel()

    def column(self, e: int) -> Any:
        """Return the derivatives of every element of the result by element `e` of the Tensor."""
        if self.push is None:
            gs = [Tensor(np.ones(y.shape, y.dtype), y.dtype.kind == "f") for y in self.results]
            self.push = gs, self.pulled(gs, _constant)
        gs, product = self.push
        found = iter(self.pushed([g for g in gs if g.requires_grad], product, e))
        parts = [next(found) if g.requires_grad else np.zeros(g.shape) for g in gs]
        return np.concatenate([part.ravel() for part in parts])

    def pulled(self, gs: list[Any], form: Any) -> Any:
        """Return what the rule makes of `gs`, given the values of the call in some form."""
        use = self.use
        several = type(use.call._array) in CONTAINERS
        out = tuple(map(form, map(_as_tensor, self.results))) if several else form(use.call)
        args = [form(x) for x in use.args]
        kwargs = {name: form(x) for name, x in use.kwargs.items()}
        try:
            found = use.vjp(tuple(gs) if several else gs[0], out, *args, **kwargs)
            for i in use.place:
                found = found[i]
            return fit(found, use.x._array)
        except Exception as error:
            raise rule_failed(use.call, error) from error

    def pushed(self, gs: list[Tensor], product: Any, e: int) -> list[Any]:
        """Return the gradients of element `e` of `product` by each of `gs`."""
        if not needs_grad(product):  # the rule does not use its g: the derivative is 0
            return [np.zeros(g.shape) for g in gs]
        unit = np.zeros(product.size, product.dtype)
        unit[e] = 1
        try:
            return gradients(product, gs, unit.reshape(product.shape))
        except Exception as error:
            raise rule_failed(self.use.call, error) from error


def _as_tensor(y: Any) -> Tensor:
    return Tensor(y)


def _constant(x: Any) -> Any:
    """Return `x` with Tensors that need no gradient in the place of those that do."""
    if type(x) in CONTAINERS:
        return type(x)(map(_constant, x))
    return Tensor(x._array) if isinstance(x, Tensor) else x


def _check_real(use: Use) -> None:
    if use.call._operation is _HOOK:
        raise NotImplementedError(
            f"explain can't see through {call_of(use.call)}, whose derivative is a function of "
            f"the user's: compute the loss without the hook"
        )
    for part in (*parts_of(use.call), use.x._array):
        if not isinstance(part, np.ndarray | np.generic):
            raise NotImplementedError(
                f"explain reads NumPy arrays, found {type(part).__name__} in {call_of(use.call)}: "
                f"compute the loss from NumPy arrays"
            )
        if part.dtype.kind == "c":
            raise NotImplementedError(
                f"explain multiplies real derivatives, found complex numbers in "
                f"{call_of(use.call)}: write the part with real numbers, or use jacobian"
            )
