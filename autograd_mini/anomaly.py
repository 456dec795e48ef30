"""Report the first nan or inf, and values overwritten before the walk.

Inside `detect_anomaly()` every result and every gradient is looked at as soon as it is there, and
a remembered call keeps a fingerprint of each value that its rules will read. Outside, nothing here
runs. What is found raises FloatingPointError, NumPy's own word for it under `np.errstate`.
"""

from __future__ import annotations

import functools
import operator
import zlib
from collections.abc import Iterable, Iterator
from sys import _getframe as frame_at
from typing import Any

import numpy as np
from numpy import ndarray

from autograd_mini.modes import Mode, Switch, Watch, mode, quiet, unwatched, watches
from autograd_mini.operation import CONTAINERS, ITEM, Operation, Vjp, nested
from autograd_mini.origin import leave_library, locate
from autograd_mini.recorded import given, named, values_read
from autograd_mini.storage import Storage, bare, needs_grad

_LONGEST = 8  # parts of a list that are described


class detect_anomaly(Switch):  # noqa: N801 - PyTorch's word, used like a function
    """Raise at the first operation that makes a nan or inf, and at a value that was overwritten.

    A context manager and a decorator; per thread and per task. Put the forward and the backward
    pass inside: a walk outside looks at nothing. It is slow: for debugging.

    Forward, recorded or not, an operation raises if its result holds a nan or inf that none of its
    arguments held (for NumPy's elementwise functions: at that element). A nan that an argument
    brings along is reported as that argument's. An inf that it brings along is no alarm, since
    masks of -inf are common; nor is anything inside a rule or `primitive` that ends finite.

    Backward, a rule raises if it makes a nan or inf of a finite gradient. So does a value that a
    rule reads if it was written since the call, through a NumPy alias, a view or `.data[...]`:
    of each NumPy array that a rule will read, a call made inside keeps a checksum.

    Not looked at: item assignment that is not recorded, a gradient that is handed to a walk, and
    the sum of several walks in `.grad`.

    Raises:
        FloatingPointError: a nan or inf; with the operation, its line, and the shape and range of
            every argument.
        RuntimeError: a value was overwritten; with its name, the operation and its line.

    >>> import numpy as np
    >>> from autograd_mini import Tensor, detect_anomaly
    >>> x = Tensor([1.0, 0.0], requires_grad=True, name="x")
    >>> with detect_anomaly(), np.errstate(divide="ignore"):
    ...     np.log(x).sum().backward()
    Traceback (most recent call last):
    FloatingPointError: np.log (File ..., line 2, in <module>) made 1 inf ... at index (1,), of ...
    """

    __slots__ = ()

    def _after(self, before: Mode) -> Mode:
        watch = Watch(before.recording if isinstance(before, Watch) else before)
        watches.add(watch)
        return watch


# Forward: every result, and fingerprints.


class _Fingerprinted(list[Any]):
    """The bare values of a call, and the fingerprints of those that its rules read, by name."""

    __slots__ = ("fingerprints",)
    fingerprints: dict[str, Any]


def watched(
    remember: Any, out: Any, operation: Operation, args: Any, needs: bool, values: Any, kwargs: Any
) -> Any:
    """Return what `remember` makes of a call, and `watch` it."""
    with unwatched():
        result = remember(out, operation, args, needs, values, kwargs)
    watch(result, operation, args, kwargs)
    return result


def watch(result: Any, operation: Operation, args: tuple[Any, ...], kwargs: Any) -> None:
    """Look at the `result` of a call; keep fingerprints in it if it is remembered.

    Raises:
        FloatingPointError: it holds a nan or inf that is new, or a nan.
    """
    if operation is ITEM or operation.function is np.empty_like:  # looked at; never written
        return
    now = mode()
    if isinstance(now, Watch) and not now.is_quiet:
        arguments = given(operation, args, kwargs)
        for position, y in enumerate(nested((bare(result),))):
            if not _is_finite(y):
                several = f"result {position}, " if type(result._array) in CONTAINERS else ""
                _check_result(operation, y, several, arguments)
    if result._operation is not None:
        result._values = _Fingerprinted(result._values)
        read = values_read(result, args, kwargs)
        result._values.fingerprints = {name: _fingerprint(x) for name, x in read}


def _check_result(operation: Operation, y: Any, several: str, arguments: dict[str, Any]) -> None:
    new = _is_new(operation, y, arguments)
    frame = leave_library(frame_at())
    call = f"{operation.name} ({locate(frame.f_code, frame.f_lasti)})"
    if np.any(new):
        raise FloatingPointError(
            f"{call} made {several}{_counted(y, new)}, of {_described_all(arguments)}: keep its "
            f"arguments where its result is finite, with np.maximum, np.clip or np.where"
        )
    if np.any(np.isnan(y)):
        culprit = next(name for name, x in arguments.items() if any(map(_has_nan, _floats(x))))
        raise FloatingPointError(
            f"{call} passes on {several}{_counted(y, np.isnan(y))}, which did not arise here but "
            f"came in with {culprit!r}, of {_described_all(arguments)}: look where that was made"
        )


def _is_new(operation: Operation, y: Any, arguments: dict[str, Any]) -> Any:
    """Return where `y` is nan, or inf, and no argument brought that along."""
    parts = [part for x in arguments.values() for part in _floats(x)]

    def brought(masks: Iterable[Any]) -> Any:
        if operation.is_elementwise:
            return functools.reduce(operator.or_, masks, np.False_)
        return np.bool_(any(bool(np.any(mask)) for mask in masks))

    nan = np.isnan(y) & ~brought(map(np.isnan, parts))
    return nan | (np.isinf(y) & ~brought(~np.isfinite(part) for part in parts))


def _fingerprint(x: Any) -> list[tuple[Any, ...]]:
    """Return shape, dtype and checksum of every NumPy array in `x`.

    A CRC of 32 bits misses no change within 32 neighbouring bits, and of others one in 4 billion.
    """
    arrays = (y for y in nested((bare(x),)) if isinstance(y, ndarray) and not y.dtype.hasobject)
    return [(y.shape, y.dtype, _checksum(y)) for y in arrays]


def _checksum(array: Any) -> int:
    bytes_of: Any = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
    return zlib.crc32(bytes_of)


# Backward: every gradient, and whether the fingerprints still fit.


def watched_rules(
    node: Any, args: Any, kwargs: Any, g: Any, pending: dict[int, Any], rules: Iterable[Any]
) -> Iterator[tuple[str, Vjp, Any]]:
    """Yield `rules`, from `needing`, as rules that look at what they return.

    After each, look at what it was added to in `pending`.

    Raises:
        FloatingPointError: `g`, the gradient of a rule, or a sum of gradients holds a nan or inf.
        RuntimeError: a value that a rule reads was written since the call.
    """
    _check_gradient(g, "the gradient that the walk starts with, or a sum of some, holds")
    kept = node._values.fingerprints if type(node._values) is _Fingerprinted else {}
    for name, x in values_read(node, args, kwargs):
        if name in kept and kept[name] != _fingerprint(x):
            what = "its result" if name == "out" else named(x, name)
            raise RuntimeError(
                f"it needs the value of {what}, whose memory was written since the call, through "
                f"a NumPy alias, a view or .data[...]: write after backward(), or give the "
                f"Tensor a copy"
            )
    arguments = given(node._operation, args, kwargs)
    for name, vjp, x in rules:
        yield name, functools.partial(_run, vjp, node, name, arguments), x
        for part in nested((x,)):
            if needs_grad(part) and part._tick in pending:
                what = f"for {name!r} the sum of gradients, in {part.dtype}, overflows: it holds"
                _check_gradient(pending[part._tick][1], what)


def _run(
    vjp: Vjp, node: Any, name: str, arguments: dict[str, Any], /, *call: Any, **kwargs: Any
) -> Any:
    """Run a rule, and look at what it returns."""
    with quiet():
        found = vjp(*call, **kwargs)
    wanted = zip(nested((arguments[name],)), nested((bare(found),)), strict=False)
    for x, part in wanted:
        if needs_grad(x) and not _is_finite(part):
            strange = ~np.isfinite(part)
            raise FloatingPointError(
                f"for {name!r} its rule made {_counted(part, strange)}, of g = "
                f"{_described(call[0])}, out = {_described(node)}, {_described_all(arguments)}: "
                f"{_remedy(bare(call[0]), part, strange)}"
            )
    return found


def _remedy(g: Any, found: Any, strange: Any) -> str:
    if isinstance(g, ndarray) and g.shape == np.shape(found) and np.any((g == 0) & strange):
        return (
            "g is 0 there, but 0 * inf is nan; leave such elements out with np.where(ok, f(x), 0), "
            "which lets nothing flow where it takes its other branch"
        )
    return "keep the arguments where the derivative is finite"


def _check_gradient(g: Any, what: str) -> None:
    for part in nested((bare(g),)):
        if not _is_finite(part):
            raise FloatingPointError(f"{what} {_counted(part, ~np.isfinite(part))}")


# What is nan or inf, in words.


def _is_float(x: Any) -> bool:
    if isinstance(x, float | complex):
        return True
    return getattr(getattr(x, "dtype", None), "kind", "") in ("f", "c")


def _is_finite(x: Any) -> bool:
    return not _is_float(x) or bool(np.all(np.isfinite(x)))


def _has_nan(x: Any) -> bool:
    return bool(np.any(np.isnan(x)))


def _floats(x: Any) -> list[Any]:
    return [part for part in nested((bare(x),)) if _is_float(part)]


def _counted(x: Any, chosen: Any) -> str:
    """Say how many of the chosen elements of `x` are nan and inf, and where the first one is."""
    x = x if hasattr(x, "dtype") else np.asarray(x)
    if not isinstance(x, ndarray | np.generic):  # an array of another library
        return f"nan or inf in shape {x.shape}, {x.dtype}"
    counts = {"nan": np.sum(np.isnan(x) & chosen), "inf": np.sum(~np.isnan(x) & chosen)}
    numbers = " and ".join(f"{count} {name}" for name, count in counts.items() if count)
    first = np.unravel_index(np.argmax(chosen), x.shape)
    where = f", the first at index {tuple(map(int, first))}" if x.ndim else ""
    return f"{numbers} among {x.size} element{'s' * (x.size != 1)}{where}"


def _described_all(arguments: dict[str, Any]) -> str:
    return ", ".join(f"{name} = {_described(x)}" for name, x in arguments.items())


def _described(x: Any) -> str:
    """Return name, shape, dtype and range of an argument."""
    if type(x) in CONTAINERS:
        more = ["..."] if len(x) > _LONGEST else []
        return f"[{'; '.join([*map(_described, x[:_LONGEST]), *more])}]"
    if isinstance(x, Storage) and type(x._array) in CONTAINERS:
        return _described(x._array)
    kind = "an array"
    if isinstance(x, Storage):
        kind, x = f"Tensor {x.name!r}" if x.name else "a Tensor", x._array
    if not hasattr(x, "dtype"):
        text = repr(x)
        return text if len(text) < 80 else f"{text[:80]}..."
    return f"{kind} of shape {x.shape}, {x.dtype}{_range(x)}"


def _range(x: Any) -> str:
    """Say from where to where the finite elements of `x` go, and how many others there are."""
    if not isinstance(x, ndarray | np.generic) or x.dtype.kind not in "iufc":
        return ""
    finite = np.isfinite(x)
    text = "" if x.dtype.kind != "c" else " in absolute value"
    sizes: Any = np.abs(np.asarray(x)[finite]) if text else np.asarray(x)[finite]
    text = f", {sizes.min():.6g} to {sizes.max():.6g}{text}" if sizes.size else ""
    return text if finite.all() else f"{text}, with {_counted(x, ~finite)}"
