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
from autograd_mini.drawing.nodes import NUMBERS, Node, is_array
from autograd_mini.kinds import as_numpy
from autograd_mini.operation import CONTAINERS, ITEM, Operation
from autograd_mini.tensor import Tensor

FEW = 6  # an array of so many elements is written out
BARS = 10  # of a histogram
_TIGHT = 1e-9  # of numbers from -1 to 1
FLOAT64 = np.dtype(np.float64)
LONG = 48  # a name or a setting of more characters is cut
WHOLE = (bool, np.bool_, int, np.integer, np.dtype, type(None))  # str() says it all


def kind_of(x: Any) -> str:
    """Return what `x` is in a picture: an operation, a parameter, an input or a constant."""
    if isinstance(x, Tensor):
        if x._operation is not None:
            return "operation"
        return "parameter" if x._needs else "input"
    return "constant" if isinstance(x, NUMBERS) else "input"


def title(node: Node, names: Names) -> str:
    """Return the first line of `node`: its name, its operation, or both."""
    x = node.value
    if isinstance(x, NUMBERS):
        return cut(text_of(x))
    name = cut(names.of(x))
    if not node.is_call:
        return name or kind_of(x)
    call = call_name(node)
    return f"{name} = {call}" if name else call


def call_name(node: Node) -> str:
    """Return the name of the operation that made `node`; of one of several results, which."""
    x = node.value
    if x._operation is ITEM:
        call, position = x._args
        return f"{operation_name(call._operation)}[{position}]"
    return operation_name(x._operation)


def lines(node: Node, with_values: bool = True) -> tuple[str, ...]:
    """Return what stands below the title: settings, shape and dtype, values or their range."""
    return (*_settings(node), *contents(node.value, with_values))


def contents(x: Any, with_values: bool = True) -> tuple[str, ...]:
    """Return shape, dtype unless it is float64, and values or their range, of an array."""
    array = x._array if isinstance(x, Tensor) else x
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


def dtype_name(dtype: Any) -> str:
    """Return the name of a dtype, "" of float64."""
    return "" if dtype is FLOAT64 or dtype == FLOAT64 else str(dtype)


def values_of(array: Any) -> str:
    """Return a few values in full, of many range and mean; of other libraries' arrays nothing."""
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "biufc" or not array.size:
        return ""
    if array.size <= FEW:
        return text_of(array.tolist())
    if array.dtype.kind == "b":
        return f"{np.count_nonzero(array):,} of {array.size:,} true"
    if array.dtype.kind == "c":
        return f"sizes {_range(_sizes(array))}"
    return _range(array)


def _range(array: Any) -> str:
    """Return least, greatest and mean of real numbers, and how many are none."""
    finite, strange = _finite(array)
    if not finite.size:
        return strange
    low, high = finite.min(), finite.max()
    if low == high:
        told = f"all {text_of(low)}"
    else:
        told = f"{text_of(low, 3)} to {text_of(high, 3)}, mean {text_of(mean_of(finite), 3)}"
    return f"{told}, {strange}" if strange else told


def mean_of(array: Any) -> float:
    """Return the mean of real numbers, which are so large, perhaps, that their sum overflows."""
    scaled, size = _scaled(array)
    return float(np.mean(scaled) * size)


def _scaled(array: Any) -> tuple[Any, Any]:
    """Return `array` as float64 numbers from -1 to 1, and what they are to be multiplied by."""
    array = array.astype(np.float64) if array.dtype.kind != "f" else array
    size = np.abs(array).max() or array.dtype.type(1)
    return (array / size).astype(np.float64), size


def _sizes(array: Any) -> Any:
    with np.errstate(over="ignore", invalid="ignore"):
        return np.abs(array)


def spread_of(array: Any) -> str:
    """Return a few values in full, of many the range alone."""
    return values_of(as_numpy(array)).partition(", mean")[0]


def bars_of(x: Any) -> tuple[float, ...]:
    """Return a histogram of the finite values of a larger array, the highest bar 1; else none."""
    array = x._array if isinstance(x, Tensor) else x
    if not isinstance(array, np.ndarray) or array.size <= FEW or array.dtype.kind not in "iuf":
        return ()
    finite, _ = _finite(array)
    if not finite.size or finite.min() == finite.max():
        return ()
    # Scaled first: the distance between the largest numbers overflows.
    scaled, _ = _scaled(finite)
    if scaled.min() == scaled.max():  # integers that are one number as floats
        return ()
    spread = np.ptp(scaled)
    if spread < _TIGHT:  # numbers a rounding error apart leave no room for the edges of bins
        scaled = (scaled - scaled.min()) / spread
    counts, _ = np.histogram(scaled, bins=BARS)
    return tuple(float(count) for count in np.round(counts / counts.max(), 2))


def _finite(array: Any) -> tuple[Any, str]:
    """Return the finite elements of `array`, and how many others there are."""
    if array.dtype.kind != "f":
        return array, ""
    is_finite = np.isfinite(array)
    if is_finite.all():
        return array, ""
    nan, inf = np.isnan(array).sum(), np.isinf(array).sum()
    strange = [f"{count:,} {name}" for name, count in (("nan", nan), ("inf", inf)) if count]
    return array[is_finite], ", ".join(strange)


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
