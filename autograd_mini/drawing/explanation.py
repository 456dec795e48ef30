"""What `explain` returns: the paths from a number to the loss, as text and as a picture.

It holds numbers and words alone, so it keeps no graph alive, and two of one program are equal.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePath
from typing import NamedTuple

from autograd_mini.drawing.chain import Rest
from autograd_mini.drawing.dot import as_dot
from autograd_mini.drawing.factors import counted, short, with_index
from autograd_mini.drawing.picture import Picture
from autograd_mini.drawing.scene import Arrow, Mark, Scene
from autograd_mini.origin import Origin

TIMES = "\N{MULTIPLICATION SIGN}"
_SHORT = re.compile(r", (?!\d)| with ")  # where the formula follows the words
_WHOLE = 40  # a path of more steps is cut in the middle
_ENDS = 15  # and so many are left on either side


class Step(NamedTuple):
    """A factor of a path: the derivative of an element of a result by one of an argument.

    Attributes:
        operation: the name of what was called.
        argument: the name of its argument.
        argument_index: the index of the element in that argument.
        result: the name of what came out: that of the Tensor, else the operation.
        result_index: the index of the element in it.
        derivative: the factor.
        words: what it is.
        value: the value of the element of the result.
        element: a number for that element, the same in every path.
        origin: the line of the call.
    """

    operation: str
    argument: str
    argument_index: tuple[int, ...]
    result: str
    result_index: tuple[int, ...]
    derivative: float
    words: str
    value: float
    element: int
    origin: Origin

    @property
    def made(self) -> str:
        """What the step leads to, such as sigmoid[0, 3]."""
        return with_index(self.result, self.result_index)

    @property
    def used(self) -> str:
        """What the step comes from, such as x[0, 3]."""
        return with_index(self.argument, self.argument_index)

    @property
    def line(self) -> str:
        """File and line of the call."""
        return place_of(self.origin)


def place_of(origin: Origin) -> str:
    """Return file and line, without the folders, which differ from machine to machine."""
    return f"{PurePath(origin.file).name}:{origin.line}"


class Path(NamedTuple):
    """One way from the number to the loss: its factors, and their product."""

    product: float
    steps: tuple[Step, ...]


@dataclass(frozen=True, repr=False)
class Explanation:
    """The gradient of a loss by one number as the sum of all paths; print it.

    Attributes:
        loss: the name of the loss.
        element: the name of the number, with its index.
        loss_value: the value of the loss.
        value: the value of the number.
        gradient: what the engine says.
        total: what all paths add up to; the same but for rounding.
        paths: those with the largest absolute products, largest first.
        rest: how many others there are, and what they add up to.
        reason: if there is no path whose product is not 0, why; else "".
    """

    loss: str
    element: str
    loss_value: float
    value: float
    gradient: float
    total: float
    paths: tuple[Path, ...]
    rest: Rest
    reason: str = ""

    def __str__(self) -> str:
        return "\n".join(line.rstrip() for line in self._lines())

    __repr__ = __str__

    @property
    def count(self) -> int:
        """The number of all paths whose product is not 0."""
        return len(self.paths) + self.rest.count

    def scene(self) -> Scene:
        """Return the listed paths as a picture before it is laid out.

        Marks are numbers of the computation, arrows say what a change is multiplied by; those of
        the largest path also in words.
        """
        marks = {0: self._start()}
        arrows: dict[tuple[int, int, str], Arrow] = {}
        for path in self.paths:
            tail = 0
            for step in path.steps:
                marks.setdefault(step.element, _mark(step, is_last=step is path.steps[-1]))
                is_told = path is self.paths[0]
                arrow = _arrow(tail, step, is_told=is_told)
                arrows.setdefault((tail, step.element, step.used), arrow)
                tail = step.element
        ordered = tuple(marks[i] for i in sorted(marks))
        drawn = tuple(arrows[key] for key in sorted(arrows, key=_by_head))
        return Scene(ordered, drawn, notes=tuple(self._notes()))

    def picture(self) -> Picture:
        """Return the listed paths as a picture that shows itself in a notebook; see `scene`.

        >>> import numpy as np
        >>> from autograd_mini import Tensor
        >>> from autograd_mini.drawing import explain
        >>> x = Tensor(0.0, requires_grad=True, name="x")
        >>> explain(np.exp(3 * x), x).picture().source.count("->")
        2
        """
        return as_dot(self.scene())

    def _start(self) -> Mark:
        gradient = f"d {self.loss} / d this = {short(self.gradient)}"
        return Mark("e0", "parameter", self.element, (short(self.value),), gradient=(gradient,))

    def _notes(self) -> Iterator[str]:
        yield f"d {self.loss} / d {self.element} = {short(self.gradient)}"
        if self.reason:
            yield self.reason
        for i, path in enumerate(self.paths, 1):
            factors = f" {TIMES} ".join(_factors(path))
            yield f"path {i}: {factors} = {short(path.product)}"
        if self.rest.count:
            yield self._unlisted()

    def _unlisted(self) -> str:
        """Say what the paths that are not listed come to."""
        more = "and {} more path{}" if self.paths else "{} path{}, not listed"
        count = self.rest.count
        return f"{more.format(counted(count), 's' * (count != 1))}, together {short(self.rest.sum)}"

    def _lines(self) -> Iterator[str]:
        yield f"d {self.loss} / d {self.element} = {self.gradient:.6g}{self._summary()}"
        number = max((len(_number(s)) for p in self.paths for s in _shown(p.steps)), default=0)
        said = max((len(s.words) for p in self.paths for s in _shown(p.steps)), default=0)
        call = max((len(_call(s)) for p in self.paths for s in _shown(p.steps)), default=0)
        for i, path in enumerate(self.paths, 1):
            yield ""
            yield f"path {i} of {counted(self.count)}"
            before = len(path.steps) - _ENDS if len(path.steps) > _WHOLE else None
            for place, step in enumerate(path.steps):
                if before is None or place < _ENDS or place >= before:
                    sign = "*" if place else " "
                    yield (
                        f"  {sign} {_number(step):<{number}}  {step.words:<{said}}  "
                        f"{_call(step):<{call}}  {step.line}"
                    )
                elif place == _ENDS:
                    middle = path.steps[_ENDS:before]
                    product = short(math.prod(s.derivative for s in middle))
                    yield f"  * {product:<{number}}  the product of {len(middle):,} more factors"
            yield f"  = {short(path.product)}{_underflow(path)}"
        yield ""
        yield from self._totals()

    def _summary(self) -> str:
        if not self.count:
            return f": {self.reason}"
        if self.count == 1:
            return ", the product of the local derivatives along the only path"
        return f", the sum over {counted(self.count)} paths, each a product of local derivatives"

    def _totals(self) -> Iterator[str]:
        if self.rest.count:
            yield self._unlisted()
        sums = {"the sum of all paths": self.total, "the engine's gradient": self.gradient}
        for what, number in sums.items():
            yield f"{what:<22} {number: .6g}"


def _underflow(path: Path) -> str:
    return "" if path.product else ", closer to 0 than any float64"


def _shown(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    return steps if len(steps) <= _WHOLE else (*steps[:_ENDS], *steps[-_ENDS:])


def _factors(path: Path) -> list[str]:
    numbers = [short(step.derivative) for step in path.steps]
    return numbers if len(numbers) <= _WHOLE else [*numbers[:_ENDS], "…", *numbers[-_ENDS:]]


def _number(step: Step) -> str:
    return f"{step.derivative: .4g}"


def _call(step: Step) -> str:
    made = (
        step.made if step.result.startswith(step.operation) else f"{step.made} = {step.operation}"
    )
    return f"{made} by {step.used}"


def _mark(step: Step, *, is_last: bool) -> Mark:
    kind = "output" if is_last else "operation"
    tooltip = f"{step.operation}, {step.line}"
    operation = () if step.result.startswith(step.operation) else (step.operation,)
    lines = (*operation, short(step.value))
    return Mark(f"e{step.element}", kind, step.made, lines, tooltip=tooltip)


def _arrow(tail: int, step: Step, *, is_told: bool) -> Arrow:
    text = f"{TIMES} {short(step.derivative)}"
    if is_told:
        text += f", {_SHORT.split(step.words)[0].removeprefix('the ')}"
    return Arrow(f"e{tail}", f"e{step.element}", text, tooltip=f"{step.words}, {step.line}")


def _by_head(key: tuple[int, int, str]) -> tuple[int, int, str]:
    tail, head, used = key
    return head, tail, used
