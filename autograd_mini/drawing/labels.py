"""What stands in a node of a picture: what it is, its shape, its values if they are few.

The text is made of the values and the user's names alone: no memory address, no print option of
NumPy's, nothing that differs between two runs of one computation.
"""

from __future__ import annotations

import html
import inspect
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from autograd_mini.drawing.nodes import NUMBERS, Node, is_array, is_recorded
from autograd_mini.operation import CONTAINERS, ITEM, Operation
from autograd_mini.tensor import Tensor

FEW = 6  # an array of so many elements is written out
LONG = 48  # a name or a setting of more characters is cut
WHOLE = (bool, np.bool_, int, np.integer, np.dtype, type(None))  # str() says it all


def kind_of(x: Any) -> str:
    """Return what `x` is in a picture: an operation, a parameter, an input or a constant."""
    if isinstance(x, NUMBERS):
        return "constant"
    if is_recorded(x):
        return "operation"
    return "parameter" if isinstance(x, Tensor) and x.requires_grad else "input"


def label(node: Node, paths: Mapping[int, str]) -> str:
    """Return what stands in `node`, as an HTML-like label of Graphviz.

    Args:
        node: a node of the graph.
        paths: names for Tensors without one, by the id of the Tensor.
    """
    x = node.value
    if isinstance(x, NUMBERS):
        return html_like(_text(x))
    return html_like(*_settings(node), *_contents(x), title=_title(x, paths))


def html_like(*lines: str, title: str = "") -> str:
    """Return lines of text as an HTML-like label, below a bold title if there is one."""
    parts = [f"<b>{_escaped(title)}</b>"] if title else []
    return f"<{'<br/>'.join([*parts, *map(_escaped, lines)])}>"


def _escaped(text: str) -> str:
    """Return `text` so that nothing in it means anything to Graphviz or XML, and all is visible."""
    visible = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
    # Graphviz puts the node's name for \N, also in an HTML-like label.
    return html.escape(visible, quote=False).replace("\\", "\\\\")


def _cut(text: str) -> str:
    return text if len(text) <= LONG else text[: LONG - 1] + "…"


def _title(x: Any, paths: Mapping[int, str]) -> str:
    kind = kind_of(x)
    name = _cut(str(x.name or paths.get(id(x), ""))) if isinstance(x, Tensor) else ""
    if kind != "operation":
        return name or kind
    call = f"[{x._args[1]}]" if x._operation is ITEM else _name(x._operation)
    return f"{name} = {call}" if name else call


def _name(operation: Operation) -> str:
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
    settings = [(name, _text(x)) for name, x in node.settings]
    told = [
        _cut(f"{name}={text}" if name in named else text)
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
        name: ("None", "False") if repr(p.default) == "<no value>" else (_text(p.default),)
        for name, p in parameters.items()
    }


def _text(x: Any, digits: int = 4) -> str:
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
        parts = ", ".join(map(_text, x))
        return f"[{parts}]" if type(x) is list else f"({parts}{',' * (len(x) == 1)})"
    return _name_of(x)


def _slice_text(x: slice) -> str:
    start, stop, step = ("" if part is None else _text(part) for part in (x.start, x.stop, x.step))
    return f"{start}:{stop}" + (f":{step}" if step else "")


def _name_of(x: Any) -> str:
    """Name what has no value to show; its repr might hold a memory address or a random order."""
    if x is Ellipsis:
        return "..."
    return "array" if is_array(x) else str(getattr(x, "__name__", type(x).__name__))


def _contents(x: Any) -> Iterator[str]:
    """Yield shape and dtype, then the values or their range, as far as they are worth telling."""
    array = x.data if isinstance(x, Tensor) else x
    if type(array) in CONTAINERS:  # the several results of a call, which are nodes of their own
        return
    dtype = "" if array.dtype == np.float64 else str(array.dtype)
    values = _values(array)
    if values and not array.shape:  # a number is its own shape
        yield f"{values} {dtype}".rstrip()
        return
    yield f"{array.shape} {dtype}".rstrip()
    if values:
        yield values


def _values(array: Any) -> str:
    """Return a few values in full, of many the range; of other libraries' arrays nothing."""
    kind = array.dtype.kind
    if not isinstance(array, np.ndarray) or kind not in "biufc" or not array.size:
        return ""
    if array.size <= FEW:
        return _text(array.tolist())
    if kind not in "iuf":
        return ""
    low, high = array.min(), array.max()
    if np.isnan(low):
        return "contains nan"
    return f"all {_text(low)}" if low == high else f"{_text(low, 3)} to {_text(high, 3)}"
