"""What a Tensor is called: by its own name, its path in a model, or the variable it was put into.

The variable is read off the byte code: what the instruction after the call stores it as. So it
needs no source, and a name is given only where the code gave it: where one call made several
Tensors, a wrong name would be worse than none.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from types import CodeType
from typing import Any, Protocol

from autograd_mini.drawing.stores import Store, stores
from autograd_mini.operation import ITEM
from autograd_mini.origin import is_of_library
from autograd_mini.scopes import calls_that_returned
from autograd_mini.tensor import Tensor


class HasParameters(Protocol):
    """A module, or anything else whose parameters have names."""

    def named_parameters(self) -> Iterable[tuple[str, Any]]:
        """Yield name and Tensor of every parameter."""


class Names:
    """The names of Tensors in a graph.

    Args:
        tensors: those in the graph.
        modules: modules and other things that name parameters, by the path to them.
    """

    def __init__(
        self, tensors: Iterable[Tensor], modules: Iterable[tuple[str, HasParameters]] = ()
    ) -> None:
        self.paths: dict[int, str] = {}
        for prefix, module in modules:
            for path, x in module.named_parameters():
                self.paths.setdefault(id(x), f"{prefix}.{path}" if prefix else path)
        self._stores: dict[int, Mapping[int, Store]] = {}
        self._variables = self._found(sorted(tensors, key=attrgetter("_tick")))

    def of(self, x: Any) -> str:
        """Return the name of `x`, "" if it has none."""
        if not isinstance(x, Tensor):
            return ""
        return str(x.name or self.paths.get(id(x)) or self._variables.get(id(x), ""))

    def _found(self, tensors: Sequence[Tensor]) -> dict[int, str]:
        """Return the names of variables by the ids of Tensors, which come oldest first."""
        inner = _made_on_the_way(tensors)
        found: dict[int, str] = {}
        for run in _runs([x for x in tensors if id(x) not in inner]):
            store = self._store_of(run[0])
            if store is not None:
                found |= {id(x): store.name for x in _stored(run, store.is_operator)}
        return found

    def _store_of(self, x: Tensor) -> Store | None:
        code: CodeType | None = getattr(x, "_code", None)
        if code is None or is_of_library(code):
            return None
        # By its id: a code object is compared, and hashed, by all that is in it.
        if id(code) not in self._stores:
            self._stores[id(code)] = stores(code)
        return self._stores[id(code)].get(x._offset)


def _runs(tensors: Iterable[Tensor]) -> Iterable[list[Tensor]]:
    """Yield Tensors that one place in the code made without another making any in between."""
    run: list[Tensor] = []
    site: Any = None
    for x in tensors:
        code = getattr(x, "_code", None)
        here = (id(code), x._offset) if code is not None else None
        if run and here != site:
            yield run
            run = []
        site = here
        run.append(x)
        if x._returned_by is not None:  # what comes next, the next call made
            yield run
            run = []
    if run:
        yield run


def _stored(run: Sequence[Tensor], is_operator: bool) -> Iterable[Tensor]:
    """Return those of a run that a variable got.

    A call that made several Tensors returned the last, if the others went into it; if not, it
    returned a list of them, or so it may be. An operator makes one, unless it turned a list into
    another first.
    """
    last = run[-1]
    if is_operator:
        return [x for x in run if x._operation is last._operation and x._operation is not ITEM]
    if last._operation is ITEM:  # the results together got the name
        is_of_first = all(x._operation is ITEM and x._args[0] is run[0] for x in run[1:])
        return [run[0]] if is_of_first else []
    used = {id(part) for x in run[1:] for part in getattr(x, "_args", None) or ()}
    return [last] if all(id(x) in used for x in run[:-1]) else []


def _made_on_the_way(tensors: Sequence[Tensor]) -> set[int]:
    """Return the ids of those that a module call made on the way to what it returned.

    Their line is that of the module's caller, whose variable got something else. Of a call that
    returned several Tensors, no variable got one.
    """
    calls: dict[Any, dict[Any, tuple[int, int]]] = {}
    several = set()
    for x in tensors:
        site = _site(x)
        for call in calls_that_returned(x):
            key = id(call.module), call.start
            known = calls.setdefault(site, {})
            if key in known:
                several.add((site, key))
            known[key] = (call.start, max(call.end, known.get(key, (0, 0))[1]))
    for site, key in several:
        start, end = calls[site][key]
        calls[site][key] = (start, end + 1)  # the last one too
    outermost = {site: _outermost(found.values()) for site, found in calls.items()}
    inner = set()
    for x in tensors:
        starts, ends = outermost.get(_site(x), _NONE)
        at = bisect_left(ends, x._tick)
        if at < len(ends) and starts[at] < x._tick < ends[at]:
            inner.add(id(x))
    return inner


_NONE: tuple[list[int], list[int]] = ([], [])


def _site(x: Tensor) -> tuple[int, int]:
    return id(getattr(x, "_code", None)), getattr(x, "_offset", 0)


def _outermost(calls: Iterable[tuple[int, int]]) -> tuple[list[int], list[int]]:
    """Return starts and ends of those calls that are not inside others."""
    starts: list[int] = []
    ends: list[int] = []
    for start, end in sorted(calls, key=_outer_first):
        if not ends or end > ends[-1]:
            starts.append(start)
            ends.append(end)
    return starts, ends


def _outer_first(call: tuple[int, int]) -> tuple[int, int]:
    return call[0], -call[1]
