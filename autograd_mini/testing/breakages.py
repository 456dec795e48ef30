"""Rules that are wrong on purpose: the generic ways in which a derivative goes wrong.

A breakage takes the right gradient `gx` of an argument `x` and returns a wrong one; two more break
what a result does not show: the incoming gradient is written into, or old values are used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from autograd_mini.fitting import unbroadcast
from autograd_mini.operation import CONTAINERS, Operation, Refusal
from autograd_mini.storage import bare

ERROR = 1e-6
UNCHANGED = 1e-9  # a difference so small beside the gradient is its rounding
Key = int | str  # a rule's position, or its name if it is keyword-only


def _sign(gx: Any, x: Any) -> Any:
    return -gx


def _factor(gx: Any, x: Any) -> Any:
    return gx * (1 + ERROR)


def _zero(gx: Any, x: Any) -> Any:
    return gx * 0


def _counted_twice(gx: Any, x: Any) -> Any:
    return gx + gx


def _one_element(gx: Any, x: Any) -> Any:
    """Turn the sign of the largest element."""
    signs = np.ones(gx.shape, np.int8)
    if signs.size:
        signs.flat[np.argmax(np.abs(bare(gx)))] = -1
    return gx * signs


def _no_transpose(gx: Any, x: Any) -> Any:
    """Lay the elements out as if a transposition had been forgotten."""
    return gx.T.reshape(gx.shape)


def _no_sum(gx: Any, x: Any) -> Any:
    """Take the first of the elements over which an argument was broadcast, not their sum."""
    added = gx.ndim - x.ndim
    if added < 0 or gx.shape == x.shape:
        return gx
    firsts = (slice(0, 1) if n == 1 else slice(None) for n in x.shape)
    return gx[(0,) * added + tuple(firsts)]


def _other_dtype(gx: Any, x: Any) -> Any:
    single = np.dtype(np.complex64 if gx.dtype.kind == "c" else np.float32)
    double = np.dtype(np.complex128 if gx.dtype.kind == "c" else np.float64)
    return gx.astype(single if gx.dtype == double else double)


RESULTS: dict[str, Callable[[Any, Any], Any]] = {
    "the sign": _sign,
    f"a factor of 1 + {ERROR:g}": _factor,
    "a dropped broadcast sum": _no_sum,
    "a missing transpose": _no_transpose,
    "one wrong element": _one_element,
    "zero": _zero,
    "a wrong dtype": _other_dtype,
    "a double count": _counted_twice,
}
WRITTEN, STALE = "the incoming gradient written", "a stale value"
BREAKAGES = (*RESULTS, WRITTEN, STALE)


class BrokenRule:
    """A rule broken in one way, which counts how often it was called, and changed anything.

    Args:
        vjp: the right rule.
        key: the position, or the name, of the argument that it is for.
        breakage: one of `BREAKAGES`; None for a rule that is only watched.
    """

    def __init__(self, vjp: Callable[..., Any], key: Key, breakage: str | None) -> None:
        self.vjp, self.key, self.breakage = vjp, key, breakage
        self.calls = self.changes = 0
        self.first: dict[Any, tuple[Any, ...]] = {}  # the values of the first call of its shapes

    def __call__(self, g: Any, out: Any, *args: Any, **kwargs: Any) -> Any:
        """Return what the broken rule makes of `g`."""
        self.calls += 1
        right = self.vjp(g, out, *args, **kwargs)
        if self.breakage is None:
            return right
        x = args[self.key] if isinstance(self.key, int) else kwargs[self.key]
        if self.breakage == WRITTEN:
            self.changes += _write(g)
            return right
        if self.breakage == STALE:
            found = self.vjp(g, *self.stale((out, *args)), **kwargs)
        else:
            found = _each(RESULTS[self.breakage], right, x)
        self.changes += _differs(right, found, x)
        return found

    def stale(self, values: tuple[Any, ...]) -> tuple[Any, ...]:
        """Return the values of the first call whose arguments had these shapes."""
        kinds = repr([_kind(x) for x in values])
        copied = tuple(_copied(bare(x)) for x in values)
        return values if self.first.setdefault(kinds, copied) is copied else self.first[kinds]


def keys_of(operation: Operation) -> Iterator[Key]:
    """Yield the keys of the rules of `operation`."""
    yield from (i for i, vjp in enumerate(operation.vjps) if not isinstance(vjp, Refusal))
    yield from (name for name in operation.vjps_by_name if name not in (operation.names or ()))


@contextmanager
def broken(operation: Operation, key: Key, breakage: str | None) -> Iterator[BrokenRule]:
    """Break one rule of `operation` for as long as the `with` block lasts, in every thread."""
    before = operation.vjps, operation.vjps_by_name, operation.reads
    vjps, by_name = [*operation.vjps], dict(operation.vjps_by_name)
    name = operation.name_of(key) if isinstance(key, int) else key
    vjp = vjps[key] if isinstance(key, int) else by_name[key]
    rule = BrokenRule(vjp, key, breakage)
    if isinstance(key, int):
        vjps[key] = rule
    if name in by_name:
        by_name[name] = rule
    reads = operation.reads | {rule: operation.reads.get(vjp)}
    try:
        operation.vjps, operation.vjps_by_name, operation.reads = tuple(vjps), by_name, reads
        yield rule
    finally:
        operation.vjps, operation.vjps_by_name, operation.reads = before


def _each(change: Callable[[Any, Any], Any], gx: Any, x: Any) -> Any:
    if type(x) in CONTAINERS:
        return type(gx)(_each(change, *pair) for pair in zip(gx, x, strict=True))
    return change(gx, x)


def _write(g: Any) -> bool:
    """Write into the incoming gradient, the first of several; return whether it could be."""
    if isinstance(g, tuple):
        g = g[0]
    if not isinstance(g, np.ndarray):
        return False
    g *= 2
    return bool(np.any(g))


def _differs(right: Any, found: Any, x: Any) -> bool:
    if type(x) in CONTAINERS:
        return any(_differs(*each) for each in zip(right, found, x, strict=True))
    right, found, shape = bare(right), bare(found), np.shape(x)
    if right.dtype != found.dtype:
        return True
    right, found = unbroadcast(right, shape), unbroadcast(found, shape)
    if np.isrealobj(bare(x)):
        right, found = np.real(right), np.real(found)
    gap = np.max(np.abs(right - found), initial=0)
    return not gap <= UNCHANGED * np.max(np.abs(right), initial=0)


def _kind(x: Any) -> Any:
    return (x.shape, x.dtype) if hasattr(x, "dtype") else x


def _copied(x: Any) -> Any:
    return x.copy() if hasattr(x, "dtype") else x
