"""What a factor of the chain rule is, in words: "the slope of the sigmoid, a (1 - a)".

FACTORS has an entry for each operation that has words of its own. It returns the words with the
number that they stand for, and they are used only if that is the derivative: an operation of the
same name that does something else is told in general words.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from autograd_mini.checkpointing import again
from autograd_mini.drawing.labels import operation_name, text_of
from autograd_mini.drawing.names import Names
from autograd_mini.drawing.nodes import NUMBERS, is_recorded
from autograd_mini.drawing.partials import Use, parts_of
from autograd_mini.operation import Operation
from autograd_mini.primitive import TABLE
from autograd_mini.recorded import given
from autograd_mini.storage import bare

_CHECKPOINT = TABLE[again]

Place = tuple[int, ...]
Said = tuple[str, Any]  # words, and the number that they stand for


class Factor(NamedTuple):
    """A derivative of an element of a result, and all that can be said of it.

    Attributes:
        argument: the name of the argument that it is a derivative by.
        at: the index of the element of that argument.
        to: the index of the element of the result.
        out: the result.
        arguments: all arguments of the call by name, as they were given.
        names: those of Tensors.
    """

    argument: str
    at: Place
    to: Place
    out: Any
    arguments: dict[str, Any]
    names: Names

    def value(self, argument: str) -> Any:
        """Return the array given as an argument."""
        return np.asarray(bare(self.arguments[argument]))

    def here(self) -> float:
        """Return the number that the derivative is by."""
        return float(self.value(self.argument)[self.at])

    def result(self) -> float:
        """Return the number that the derivative is of."""
        return float(self.out[self.to])

    def element(self, argument: str, at: Place) -> str:
        """Return an element of an argument in words: a number, or its name or maker and index."""
        x = self.arguments[argument]
        if isinstance(x, NUMBERS):
            return text_of(x)
        made = title_of(x._operation) if is_recorded(x) else argument
        return with_index(self.names.of(x) or made, at)

    def other(self) -> tuple[str, Place]:
        """Return which is the other one of two arguments, and its element that meets this one."""
        (other,) = (name for name in self.arguments if name != self.argument)
        shape = self.value(other).shape
        to = self.to[len(self.to) - len(shape) :]
        return other, tuple(0 if n == 1 else i for n, i in zip(shape, to, strict=True))


def words(use: Use, at: Place, to: Place, derivative: float, names: Names) -> str:
    """Return what a derivative is, in words.

    Args:
        use: a Tensor given to a call.
        at: the index of the element of the Tensor that the derivative is by.
        to: the index of the element of the result.
        derivative: its value.
        names: those of Tensors.
    """
    operation = use.call._operation
    if (said := _said(use, at, to, derivative, names)) is not None:
        return said
    if derivative == 1:
        return "passed on as it is"
    if derivative == -1:
        return "passed on with the other sign"
    return f"the slope of {title_of(operation)} by {use.argument}"


def words_of_nothing(use: Use, at: Place, names: Names) -> str:
    """Return words for why no element of a result depends on an element of `use`, or ""."""
    shape = parts_of(use.call)[0].shape
    for to in np.ndindex(shape) if math.prod(shape) <= _LOOKED_AT else ():
        if (said := _said(use, at, to, 0.0, names)) is not None:
            return said
    return ""


_LOOKED_AT = 10_000


def _said(use: Use, at: Place, to: Place, derivative: float, names: Names) -> str | None:
    """Return the words of the table, if there are any and they stand for `derivative`."""
    tell = FACTORS.get(use.call._operation.name)
    if tell is None or len(parts_of(use.call)) > 1 or use.place:
        return None
    arguments = given(use.call._operation, use.args, use.kwargs)
    result = parts_of(use.call)[0]
    factor = Factor(use.argument, at, to, result, arguments, names)
    try:
        with np.errstate(all="ignore"):
            said = tell(factor)
    except (IndexError, KeyError, TypeError, ValueError):  # another operation of this name
        return None
    if said is None or not _is_close(float(said[1]), derivative, result.dtype):
        return None
    return said[0]


def _is_close(found: float, derivative: float, dtype: Any) -> bool:
    if derivative == 0 or found == 0:
        return found == derivative
    return abs(found - derivative) <= 1e-3 * abs(derivative) + 8 * float(np.finfo(dtype).eps)


def with_index(name: str, at: Place) -> str:
    """Return the name of an element, such as w[3, 5]; of a single number, the name alone."""
    return f"{name}[{', '.join(map(str, at))}]" if at else name


def title_of(operation: Operation) -> str:
    """Return what an operation is called."""
    return "checkpoint" if operation is _CHECKPOINT else operation_name(operation)


def counted(n: int) -> str:
    """Return a number of paths; of a large one only the first digits, as of 8.5e899."""
    if n < 10**15:
        return f"{n:,}"
    exponent = int(math.log10(n))
    digits = n // 10 ** (exponent - 3) / 1000
    return f"about {digits:.3g}e{exponent}"


def short(x: float) -> str:
    """Return a number with four digits."""
    return f"{x:.4g}"


def _linear(f: Factor) -> Said | None:
    *rows, o = f.to
    if f.argument == "weight" and f.at[0] == o:
        place = (*rows, f.at[1])
        return f"the activation {f.element('x', place)}", f.value("x")[place]
    if f.argument == "x" and f.at[:-1] == tuple(rows):
        place = (o, f.at[-1])
        return f"the weight {f.element('weight', place)}", f.value("weight")[place]
    return ("the bias is added as it is", 1) if f.argument == "bias" and f.at == (o,) else None


def _matmul(f: Factor) -> Said | None:
    left, right = f.arguments
    if {f.value(left).ndim, f.value(right).ndim} - {1, 2}:
        return None
    rows = f.value(left).ndim - 1
    row, column = f.to[:rows], f.to[rows:]  # () of a vector
    if f.argument == left and f.at[:-1] == row:
        other, place = right, (f.at[-1], *column)
    elif f.argument == right and f.at[1:] == column:
        other, place = left, (*row, f.at[0])
    else:
        return None
    return f"the factor {f.element(other, place)}", f.value(other)[place]


def _multiply(f: Factor) -> Said:
    name, place = f.other()
    return f"the other factor, {f.element(name, place)}", f.value(name)[place]


def _divide(f: Factor) -> Said:
    name, place = f.other()
    other = f.value(name)[place]
    if f.argument == next(iter(f.arguments)):
        return f"1 / y with y = {short(other)}", 1 / other
    return f"-x / y² with x = {short(other)}, y = {short(f.here())}", -other / f.here() ** 2


def _power(f: Factor) -> Said | None:
    name, place = f.other()
    if f.argument != next(iter(f.arguments)):
        return None
    n, x = f.value(name)[place], f.here()
    return f"{n:g} x^{n - 1:g} with x = {short(x)}", n * x ** (n - 1)


def _mse_loss(f: Factor) -> Said | None:
    a, y = f.value("prediction")[f.at], f.value("target")[f.at]
    reduction = f.arguments.get("reduction", "mean")
    shape = f.value("prediction").shape
    n = {"mean": math.prod(shape), "batchmean": shape[0] if shape else 1}.get(reduction, 1)
    if reduction == "none" and f.at != f.to:
        return None
    parts, sign = ("(a - y)", 1) if f.argument == "prediction" else ("(y - a)", -1)
    over = f" / {n}" if n != 1 else ""
    return f"2 {parts}{over} with a = {short(a)}, y = {short(y)}", sign * 2 * (a - y) / n


def _cross_entropy(f: Factor) -> Said | None:
    logits, row = f.value("logits"), f.at[0]
    reduction = f.arguments.get("reduction", "mean")
    if reduction == "none" and f.to != (row,):
        return None
    powers = np.exp(logits[row] - logits[row].max())
    p = powers[f.at[1]] / powers.sum()
    y = int(f.value("labels")[row] == f.at[1])
    n = len(logits) if reduction == "mean" else 1
    over = f" / {n}" if n != 1 else ""
    return f"(p - y){over} with p = {short(p)}, y = {y}", (p - y) / n


def _softmax(f: Factor) -> Said:
    a, p = f.result(), float(f.out[f.at])
    if f.at == f.to:
        return f"the slope of softmax, p (1 - p) with p = {short(a)}", a * (1 - a)
    return f"the slope of softmax, -p q with p = {short(a)}, q = {short(p)}", -a * p


def _sigmoid(f: Factor) -> Said:
    a = f.result()
    return f"the slope of the sigmoid, a (1 - a) with a = {short(a)}", a * (1 - a)


def _tanh(f: Factor) -> Said:
    a = f.result()
    return f"the slope of tanh, 1 - a² with a = {short(a)}", 1 - a * a


def _relu(f: Factor) -> Said:
    x = f.here()
    sign = ">" if x > 0 else "<="
    return f"the slope of relu, {int(x > 0)} as x {sign} 0 with x = {short(x)}", int(x > 0)


def _mean(f: Factor) -> Said:
    n = f.value(f.argument).size // max(f.out.size, 1)
    return f"1 / {n}, the mean is of {n}", 1 / n


# By the name of the operation: words, and the number that they stand for.
FACTORS: dict[str, Callable[[Factor], Said | None]] = {
    "linear": _linear,
    "np.matmul": _matmul,
    "np.dot": _matmul,
    "np.multiply": _multiply,
    "np.divide": _divide,
    "np.power": _power,
    "np.add": lambda f: ("added as it is", 1),
    "np.subtract": lambda f: (
        ("added as it is", 1) if f.argument == next(iter(f.arguments)) else ("subtracted", -1)
    ),
    "np.negative": lambda f: ("the sign changes", -1),
    "np.sum": lambda f: ("summed as it is", 1),
    "np.mean": _mean,
    "np.square": lambda f: (f"2 x with x = {short(f.here())}", 2 * f.here()),
    "np.sqrt": lambda f: (f"1 / (2 r) with the root r = {short(f.result())}", 0.5 / f.result()),
    "np.exp": lambda f: ("exp(x), the result itself", f.result()),
    "np.log": lambda f: (f"1 / x with x = {short(f.here())}", 1 / f.here()),
    "np.sin": lambda f: (f"cos(x) with x = {short(f.here())}", math.cos(f.here())),
    "np.cos": lambda f: (f"-sin(x) with x = {short(f.here())}", -math.sin(f.here())),
    "np.tanh": _tanh,
    "sigmoid": _sigmoid,
    "relu": _relu,
    "softmax": _softmax,
    "mse_loss": _mse_loss,
    "cross_entropy": _cross_entropy,
}
