"""Random straight-line programs: one NumPy call a line, values used several times.

A program is its source. It runs on whatever its calls run on: arrays, Tensors, complex arrays,
numbers of your own; and what is printed when a test fails is Python that can be pasted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from autograd_mini.rules.activations import sigmoid
from autograd_mini.testing.strategies.shapes import Draw, Shape, shapes
from autograd_mini.testing.strategies.values import arrays

Array = NDArray[Any]
MOST_ELEMENTS = 60
LARGEST = 100.0

# Each is a call of x, of one of its axes, or of x and y; all have derivatives on the whole line.
UNARY = (
    "np.sin({x})",
    "np.tanh({x})",
    "np.arctan({x})",
    "np.exp({x})",
    "sigmoid({x})",
    "-{x}",
    "{x} / 2",
    "{x} ** 2",
    "1 / (1 + {x} ** 2)",
    "np.sum({x})",
    "np.transpose({x})",
    "np.ravel({x})",
    "{x}[None]",
)
ALONG = (
    "np.sum({x}, axis={axis})",
    "np.mean({x}, axis={axis}, keepdims=True)",
    "np.cumsum({x}, axis={axis})",
    "np.flip({x}, axis={axis})",
    "np.concatenate([{x}, {x}], axis={axis})",
    "np.expand_dims({x}, axis={axis})",
    "{x}[-1]",
    "{x}[[0, -1, 0]]",
    "{x}[..., ::-1]",
    "np.reshape({x}, {reversed})",
)
BINARY = ("{x} + {y}", "{x} - {y}", "{x} * {y}", "{x} / (1 + {y} ** 2)")
KINKED = ("np.maximum({x}, {y})", "np.minimum({x}, {y})", "np.where({x} > 0, {x}, {y})")
PRODUCT = "{x} @ {y}"
NAMES = {"np": np, "sigmoid": sigmoid}


class Program:
    """A function of arrays that is known line by line, with inputs to run it on.

    Args:
        inputs: the arrays v0, v1, ...
        lines: the right sides of the assignments that follow; the last one is the result.

    Attributes:
        inputs: the arrays it was drawn with; others of the same shapes do as well.
        source: the assignments after the inputs, one a line.

    >>> program = Program([np.array([0.0, 1.0])], ["np.sin(v0)", "v0 * v1"])
    >>> program
    v0 = np.array([0.0, 1.0])
    v1 = np.sin(v0)
    v2 = v0 * v1
    >>> program(*program.inputs)
    array([0.        , 0.84147098])
    """

    def __init__(self, inputs: list[Array], lines: list[str]) -> None:
        first = len(inputs)
        self.inputs = tuple(inputs)
        self.names = [f"v{i}" for i in range(first + len(lines))]
        pairs = zip(self.names[first:], lines, strict=True)
        self.source = "\n".join(f"{name} = {line}" for name, line in pairs)
        # A line of an error is that line of the repr.
        self._code = compile("\n" * first + self.source, "<program>", "exec")

    def __call__(self, *inputs: Any) -> Any:
        """Return the value of the last line.

        Raises:
            TypeError: there are not as many arrays as inputs.
        """
        if len(inputs) != len(self.inputs):
            raise TypeError(f"this program takes {len(self.inputs)} arrays, found {len(inputs)}")
        values = dict(zip(self.names, inputs, strict=False))
        values.update(NAMES)
        exec(self._code, values)  # noqa: S102 - the source is made of the templates above
        return values[self.names[-1]]

    def __repr__(self) -> str:
        inputs = [f"v{i} = np.array({x.tolist()})" for i, x in enumerate(self.inputs)]
        return "\n".join([*inputs, *filter(None, [self.source])])


def programs(
    shape: st.SearchStrategy[Shape] | None = None,
    *,
    max_inputs: int = 3,
    max_lines: int = 12,
    kinks: bool = True,
) -> st.SearchStrategy[Program]:
    """Draw a program with its inputs; every value in it is finite, no larger than 100, and small.

    Args:
        shape: a strategy of shapes of the inputs; empty ones are left out.
        max_inputs: how many inputs there may be.
        max_lines: how many lines may follow.
        kinks: whether maximum, minimum and where may occur. Without them every program is
            analytic: it may be run on complex numbers.

    >>> from autograd_mini import Tensor
    >>> from hypothesis import given
    >>> @given(programs())
    ... def test_a_program_may_be_run_on_tensors(program):
    ...     tensors = [Tensor(x, requires_grad=True) for x in program.inputs]
    ...     assert np.array_equal(program(*tensors).data, program(*program.inputs))
    >>> test_a_program_may_be_run_on_tensors()
    """
    shape = shapes(max_dims=2, min_side=1, max_side=3) if shape is None else shape.filter(all)
    inputs = st.lists(arrays(shape, layout="C"), min_size=1, max_size=max_inputs)
    return _programs(inputs, max_lines, kinks)


@st.composite
def _programs(
    draw: Draw[Any], drawn: st.SearchStrategy[list[Array]], max_lines: int, kinks: bool
) -> Program:
    inputs = draw(drawn)
    values, lines, unread = list(inputs), [], set(range(len(inputs)))
    for _ in range(draw(st.integers(1, max_lines))):
        line = draw(_line(values, unread, kinks))
        value = _value(line, values)
        if value is not None:
            unread = unread.difference(_read(line)) | {len(values)}
            values.append(value)
            lines.append(line)
    return Program(inputs, _longest(len(inputs), lines))


@st.composite
def _line(draw: Draw[Any], values: list[Array], unread: set[int], kinks: bool) -> str:
    """Draw a call on the values so far, rather on those that no line has read yet."""

    def one_of(numbers: Iterable[int]) -> int:
        found = [*numbers]
        drawn: int = draw(st.sampled_from(found + 3 * [i for i in found if i in unread]))
        return drawn

    i = one_of(range(len(values)))
    x = values[i]
    products = [j for j, y in enumerate(values) if _can_multiply(x, y)]
    templates = [*UNARY, *3 * BINARY, *(KINKED if kinks else ())]
    templates += [*(ALONG if x.ndim else ()), *3 * [PRODUCT] * bool(products)]
    template: str = draw(st.sampled_from(templates))
    words: dict[str, Any] = {"x": f"v{i}", "reversed": x.shape[::-1]}
    if "{axis}" in template:
        words["axis"] = draw(st.integers(-x.ndim, x.ndim - 1))
    if "{y}" in template:
        partners = (j for j, y in enumerate(values) if _can_broadcast(x, y))
        words["y"] = f"v{one_of(products if template == PRODUCT else partners)}"
    return template.format(**words)


def _can_multiply(x: Array, y: Array) -> bool:
    return x.ndim > 0 and y.ndim in (1, 2) and x.shape[-1] == y.shape[0]


def _can_broadcast(x: Array, y: Array) -> bool:
    try:
        np.broadcast_shapes(x.shape, y.shape)
    except ValueError:
        return False
    return True


def _value(line: str, values: list[Array]) -> Array | None:
    """Return what a further line computes, or None if that is too much or too large."""
    with np.errstate(all="ignore"):
        value = np.asarray(Program(values, [line])(*values))
    is_fine = value.size <= MOST_ELEMENTS and np.all(np.isfinite(value))
    return value if is_fine and np.max(np.abs(value)) <= LARGEST else None


def _longest(inputs: int, lines: list[str]) -> list[str]:
    """Return the lines behind the one that depends on the most others, numbered anew."""
    behind: list[set[int]] = [set() for _ in range(inputs)]
    for number, line in enumerate(lines, inputs):
        behind.append({number}.union(*(behind[read] for read in _read(line))))
    most = max(map(len, behind))
    longest = next(found for found in behind if len(found) == most)
    kept = [*range(inputs), *sorted(longest)]
    names = {f"v{number}": f"v{i}" for i, number in enumerate(kept)}
    return [
        re.sub(r"\bv\d+\b", lambda found: names[found[0]], lines[number - inputs])
        for number in kept[inputs:]
    ]


def _read(line: str) -> Iterator[int]:
    return (int(number) for number in re.findall(r"\bv(\d+)\b", line))
