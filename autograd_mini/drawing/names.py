"""What a Tensor is called: by its own name, its path in a model, or the variable it was put into.

The variable is read off the byte code: what the instruction after the call stores it as. So it
needs no source, and a name is given only where the code gave it.
"""

from __future__ import annotations

import dis
import linecache
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import pairwise
from operator import attrgetter
from pathlib import PurePath
from types import CodeType
from typing import Any, Protocol

from autograd_mini.origin import Origin, is_of_library, locate
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
        self._inner = _made_on_the_way(tensors)

    def of(self, x: Any) -> str:
        """Return the name of `x`, "" if it has none."""
        if not isinstance(x, Tensor):
            return ""
        return x.name or self.paths.get(id(x), "") or self._variable(x)

    def _variable(self, x: Tensor) -> str:
        code: CodeType | None = getattr(x, "_code", None)
        if code is None or id(x) in self._inner or is_of_library(code):
            return ""
        return _stores(code).get(x._offset, "")


def _made_on_the_way(tensors: Iterable[Tensor]) -> set[int]:
    """Return the ids of those that a module call made on the way to what it returned.

    Their line is that of the module's caller, whose variable got something else.
    """
    known = sorted(tensors, key=attrgetter("_tick"))
    calls: dict[Any, list[tuple[int, int]]] = {}
    for x in known:
        for call in calls_that_returned(x):
            calls.setdefault((x._code, x._offset), []).append((call.start, call.end))
    outermost = {site: _outermost(found) for site, found in calls.items()}
    inner = set()
    for x in known:
        starts, ends = outermost.get((getattr(x, "_code", None), getattr(x, "_offset", 0)), _NONE)
        at = bisect_left(ends, x._tick)
        if at < len(ends) and starts[at] < x._tick < ends[at]:
            inner.add(id(x))
    return inner


_NONE: tuple[list[int], list[int]] = ([], [])


def _outermost(calls: list[tuple[int, int]]) -> tuple[list[int], list[int]]:
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


@lru_cache(maxsize=1024)
def _stores(code: CodeType) -> Mapping[int, str]:
    """Return, by the offset of an instruction, the name that the next one stores its result as."""
    steps = [step for step in dis.get_instructions(code) if step.opname not in ("CACHE", "PRECALL")]
    return {
        step.offset: _stored_name(after)
        for step, after in pairwise(steps)
        if after.opname.startswith(("STORE_FAST", "STORE_NAME", "STORE_GLOBAL", "STORE_DEREF"))
        or after.opname == "STORE_ATTR"
    }


def _stored_name(step: dis.Instruction) -> str:
    # One instruction may store and load: the first name is the one stored.
    name = step.argval[0] if isinstance(step.argval, tuple) else step.argval
    return str(name)


def place_in_source(x: Any) -> str:
    """Return file, line and function of the call that made `x`, and the text of the line."""
    code = getattr(x, "_code", None)
    return "" if code is None else place_of(code, x._offset)


@lru_cache(maxsize=4096)
def place_of(code: CodeType, offset: int) -> str:
    """Return file, line and function of an instruction, and the text of the line.

    The file goes without its folders, so that a picture is the same wherever its program lies.
    """
    origin: Origin = locate(code, offset)
    text = linecache.getline(origin.file, origin.line).strip()
    place = f"{PurePath(origin.file).name}, line {origin.line}, in {origin.function}"
    return f"{place}\n{text}" if text else place
