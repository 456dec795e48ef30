"""What stands in a node of a picture: what it is, its shape, its values or how they are spread.

The text is made of the values and the user's names alone: no memory address, no print option of
NumPy's, nothing that differs between two runs of one computation.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from autograd_mini.drawing.names import Names
from autograd_mini.drawing.nodes import NUMBERS, Node, is_array, is_recorded
from autograd_mini.operation import CONTAINERS, ITEM, Operation
from autograd_mini.tensor import Tensor

FEW = 6  # an array of so many elements is written out
BARS = 10  # of a histogram
LONG = 48  # a name or a setting of more characters is cut
WHOLE = (bool, np.bool_, int, np.integer, np.dtype, type(None))  # str() says it all


def kind_of(x: Any) -> str:
    """Return what `x` is in a picture: an operation, a parameter, an input or a constant."""
    if isinstance(x, NUMBERS):
        return "constant"
    if is_recorded(x):
        return "operation"
    return "parameter" if isinstance(x, Tensor) and x.requires_grad else "input"


def title(node: Node, names: Names) -> str:
    """Return the first line of `node`: its name, its operation, or both."""
    x = node.value
    kind = kind_of(x)
    if kind == "constant":
        return text_of(x)
    name = cut(str(names.of(x)))
    if kind != "operation":
        return name or kind
    call = f"[{x._args[1]}]" if x._operation is ITEM else operation_name(x._operation)
    return f"{name} = {call}" if name else call


def lines(node: Node, with_values: bool = True) -> tuple[str, ...]:
    """Return what stands below the title: settings, shape and dtype, values or their range."""
    return (*_settings(node), *contents(node.value, with_values))


def contents(x: Any, with_values: bool = True) -> tuple[str, ...]:
    """Return shape, dtype unless it is float64, and values or their range, of an array."""
    array = x.data if isinstance(x, Tensor) else x
    # A number says what it is in its title; several results are nodes of their own.
    if isinstance(x, NUMBERS) or type(array) in CONTAINERS:
        return ()
    dtype = "" if array.dtype == np.float64 else str(array.dtype)
    if not with_values:
        return tuple(filter(None, (f"{array.shape or ''} {dtype}".strip(),)))
    values = values_of(array)
    if values and not array.shape:  # a number is its own shape
        return (f"{values} {dtype}".rstrip(),)
    shape = f"{array.shape} {dtype}".rstrip()
    return (shape, values) if values else (shape,)


def values_of(array: Any) -> str:
    """Return a few values in full, of many range and mean; of other libraries' arrays nothing."""
    kind = array.dtype.kind
    if not isinstance(array, np.ndarray) or kind not in "biufc" or not array.size:
        return ""
    if array.size <= FEW:
        return text_of(array.tolist())
    if kind not in "iuf":
        return ""
    finite, strange = _finite(array)
    if not finite.size:
        return strange
    low, high = finite.min(), finite.max()
    if low == high:
        told = f"all {text_of(low)}"
    else:
        mean = text_of(float(np.mean(finite, dtype=np.float64)), 3)
        told = f"{text_of(low, 3)} to {text_of(high, 3)}, mean {mean}"
    return f"{told}, {strange}" if strange else told


def spread_of(array: Any) -> str:
    """Return a few values in full, of many the range alone."""
    return values_of(np.asarray(array)).partition(", mean")[0]


def bars_of(x: Any) -> tuple[float, ...]:
    """Return a histogram of the finite values of a larger array, the highest bar 1; else none."""
    array = x.data if isinstance(x, Tensor) else x
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "iuf" or array.size <= FEW:
        return ()
    finite, _ = _finite(array)
    if not finite.size or finite.min() == finite.max():
        return ()
    # Scaled first: the distance between the largest numbers overflows.
    scaled = finite / np.abs(finite).max()
    counts, _ = np.histogram(scaled.astype(np.float64), bins=BARS)
    return tuple(float(count) for count in np.round(counts / counts.max(), 2))


def _finite(array: Any) -> tuple[Any, str]:
    """Return the finite elements of `array`, and how many others there are."""
    if array.dtype.kind != "f":
        return array, ""
    nan, inf = np.isnan(array).sum(), np.isinf(array).sum()
    strange = [f"{count} {name}" for name, count in (("nan", nan), ("inf", inf)) if count]
    return array[np.isfinite(array)] if strange else array, ", ".join(strange)


def cut(text: str) -> str:
    """Return `text`, shortened if it is long."""
    return text if len(text) <= LONG else text[: LONG - 1] + "…"


def operation_name(operation: Operation) -> str:
    """Return the name of an operation; of a function that has none, that of its class."""
    # The name of a function that has none would hold its memory address.
    function = operation.function
    return operation.name if hasattr(function, "__name__") else type(function).__name__


def _settings(node: Node) -> Iterator[str]:
    """Yield what the call was given besides arrays and is no default, in one line if it fits."""
    if not node.settings or node.value._operation is ITEM:
        return
    operation = node.value._operation
    defaults = _defaults(operation.function)
    named = {*(operation.names or ()), *(node.value._kwargs or ())}
    settings = [(name, text_of(x)) for name, x in node.settings]
    told = [
        cut(f"{name}={text}" if name in named else text)
        for name, text in settings
        if text not in defaults.get(name, ())
    ]
    line = ", ".join(told)
    yield from [line] if 0 < len(line) <= LONG else told


@lru_cache(maxsize=1024)
def _defaults(function: Any) -> Mapping[str, tuple[str, ...]]:
    """Return for every parameter of `function` the texts that say no more than its default."""
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):  # some functions written in C have no signature
        return {}
    return {
        name: ("None", "False") if repr(p.default) == "<no value>" else (text_of(p.default),)
        for name, p in parameters.items()
    }


def text_of(x: Any, digits: int = 4) -> str:
    """Return an argument as text, which depends on nothing but its value."""
    if isinstance(x, WHOLE):
        return str(x)
    if isinstance(x, NUMBERS):
        return f"{x:.{digits}g}"
    if isinstance(x, str):
        return repr(x)
    if isinstance(x, slice):
        return _slice_text(x)
    if type(x) in CONTAINERS:
        parts = ", ".join(map(text_of, x))
        return f"[{parts}]" if type(x) is list else f"({parts}{',' * (len(x) == 1)})"
    return _name_of(x)


def _slice_text(x: slice) -> str:
    start, stop, step = (
        "" if part is None else text_of(part) for part in (x.start, x.stop, x.step)
    )
    return f"{start}:{stop}" + (f":{step}" if step else "")


def _name_of(x: Any) -> str:
    """Name what has no value to show; its repr might hold a memory address or a random order."""
    if x is Ellipsis:
        return "..."
    return "array" if is_array(x) else str(getattr(x, "__name__", type(x).__name__))
