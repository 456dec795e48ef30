"""A recorded call, made again with other values, and its numeric derivatives.

The function gets arrays that can't be written, so that one that writes into them is found.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

import numpy as np

from autograd_mini.operation import CONTAINERS, nested
from autograd_mini.storage import bare, needs_grad
from autograd_mini.tensor import Tensor
from autograd_mini.testing.kinks import piece_of
from autograd_mini.testing.numeric import UNKNOWN, Array, derivative
from autograd_mini.testing.report import FindingError
from autograd_mini.testing.tape import arguments, describe

STEP = 1e-2
SMALLEST_STEP = 1e-9
BESIDE = 1 / 8  # of a step


class Replay:
    """A recorded call at the point where it was made, or at one beside it.

    Its Tensors that need a gradient are numbered in their order: the places.

    Args:
        node: the recorded call.
        is_doubled: whether to call it with the same numbers in float64.

    Attributes:
        values: the arguments, by position and by name, as arrays that can't be written.
        out: the result.
    """

    def __init__(self, node: Any, *, is_doubled: bool = False) -> None:
        self.node = node
        self.args, self.kwargs = arguments(node)
        if is_doubled:
            self.args, self.kwargs = doubled(self.args), doubled(self.kwargs)
        self.changes: dict[int, Array] = {}  # by place
        self.values = self.moved({})
        self.out = self.forward(*self.values) if is_doubled else node._array
        self.is_complex = any(map(np.iscomplexobj, nested((self.out, *self.values[0]))))

    def move(self, directions: dict[int, Array]) -> bool:
        """Go to a point beside this one, if there is one; return whether there is."""
        changes = {}
        for place, direction in directions.items():
            if (step := self.step(place, direction)) is None:
                return False
            changes[place] = BESIDE * step * direction
        shapes = [*map(np.shape, nested((self.out,)))]
        self.changes = changes
        self.values = self.moved({})
        try:
            self.out = self.forward(*self.values)
        except (ArithmeticError, ValueError):
            return False
        return [*map(np.shape, nested((self.out,)))] == shapes

    def slope(self, place: int, direction: Array, g: Any, part: float = 1.0) -> tuple[Any, float]:
        """Return the change of sum(g * result) when the Tensor at `place` moves; its error.

        With steps that are only this part of the longest.
        Terms that cancel in the sum are rounded all the same, so their size is looked at, too.
        """

        def terms(t: complex) -> list[Any]:
            out = self.forward(*self.moved({place: t * direction}))
            outs, weights = (out, g) if isinstance(out, tuple | list) else ([out], [g])
            return [w * y for w, y in zip(weights, outs, strict=True)]

        def f(t: complex) -> Any:
            total, size = 0.0, 0.0
            for x in terms(t):
                total += np.sum(np.real(x) if self.is_complex else x)
                part = x / largest
                size += np.sum(np.abs(part) ** 2 if self.is_complex else part * part) * largest
            return np.array([total, size])

        largest = max((np.max(np.abs(x), initial=0.0) for x in terms(0.0)), default=0.0) or 1.0
        step = self.step(place, direction)
        if step is None:
            return 0.0, UNKNOWN
        with np.errstate(all="ignore"):
            value, error = derivative(f, part * step, is_analytic=not self.is_complex)
        return value[0], float(np.max(error))

    def step(self, place: int, direction: Array) -> float | None:
        """Return a step that crosses no kink and leaves no domain, None if all do."""
        here, _ = piece_of(self.node._operation, *self.values)

        def is_smooth(t: float) -> bool:
            args, kwargs = self.moved({place: t * direction})
            sides, _ = piece_of(self.node._operation, args, kwargs)
            try:
                out = nested((self.forward(args, kwargs),))
            except (ArithmeticError, ValueError):  # beyond the end of its domain
                return False
            return np.array_equal(here, sides) and all(np.all(np.isfinite(y)) for y in out)

        step = STEP
        with np.errstate(all="ignore"):
            while step > SMALLEST_STEP:
                if is_smooth(step) and is_smooth(-step):
                    return step
                step /= 4
        return None

    def doubled_beside(self, by: float) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return the arguments in float64, the numbers of Tensors changed by the fraction `by`.

        They are made larger and smaller in turn.
        """
        changes = {}
        variables = filter(needs_grad, nested((*self.args, *self.kwargs.values())))
        for place, x in enumerate(variables):
            signs = 1 - 2 * (np.arange(x.size).reshape(x.shape) % 2)
            changes[place] = np.asarray(doubled(x._array) * (by * signs))
        args, kwargs = self.moved(changes)
        return doubled(args), doubled(kwargs)

    def forward(self, args: Any, kwargs: dict[str, Any]) -> Any:
        """Call the function itself; several results are a plain tuple, as in the call."""
        try:
            out = self.node._operation.forward(*args, **kwargs)
            return tuple(out) if isinstance(out, tuple | list) else out
        except ValueError as error:
            if "read-only" not in str(error):
                raise
            call = describe(self.node)
            message = f"{call} writes into an argument, which other calls share: work on a copy"
            raise FindingError("wrong", message, call) from error

    def moved(self, changes: dict[int, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return the arguments with the Tensors at some places changed."""
        places = count()
        args = tuple(self._moved(x, changes, places) for x in self.args)
        return args, {name: self._moved(x, changes, places) for name, x in self.kwargs.items()}

    def _moved(self, x: Any, changes: dict[int, Any], places: Iterator[int]) -> Any:
        if type(x) in CONTAINERS:
            return type(x)([self._moved(y, changes, places) for y in x])
        if not isinstance(x, Tensor):
            return frozen(x)
        value = x._array
        if x.requires_grad:
            place = next(places)
            for each in (self.changes, changes):
                value = np.asarray(value + each[place]) if place in each else value
        return frozen(value)


def frozen(x: Any) -> Any:
    """Return `x` as arrays that can't be written."""
    if isinstance(x, np.ndarray):
        view = x.view()
        view.flags.writeable = False
        return view
    return type(x)(map(frozen, x)) if type(x) in CONTAINERS else x


def doubled(x: Any) -> Any:
    """Return `x` with the floating-point arrays and Tensors in it in double precision."""
    if type(x) in CONTAINERS:
        return type(x)(map(doubled, x))
    if isinstance(x, dict):
        return {name: doubled(each) for name, each in x.items()}
    if getattr(x, "dtype", None) is None or x.dtype.kind not in "fc":
        return x
    dtype = np.result_type(x.dtype, np.float64)
    if isinstance(x, Tensor):
        return Tensor(bare(x), x.requires_grad, dtype=dtype)
    return np.asarray(x, dtype)
