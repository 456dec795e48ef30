"""The module calls that returned a Tensor: pictures draw boxes around them.

A module call is an interval of ticks, from where it started to the Tensor that it returned, and
that Tensor keeps it. So calls live and die with the graph, and nothing is kept per operation.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from autograd_mini.kinds import check_kind
from autograd_mini.tensor import Tensor


class Call(NamedTuple):
    """One call of a module: it made the Tensors after tick `start`, up to tick `end`.

    Attributes:
        module: what was called.
        start: a tick taken when the call began.
        end: the tick of a Tensor that it returned.
        ends: of a module that calls its `layers` in a row, the ticks of what they returned; of
            what was no Tensor a later one.
    """

    module: Any
    start: int
    end: int
    ends: Sequence[int] = ()


def note_call(out: Any, module: Any, start: int) -> None:
    """Let every Tensor in the containers `out` remember that a call of `module` returned it.

    A Tensor keeps (module, start, end, ends, what it kept before), as modules that are in a hurry
    write it themselves. One made before the call was only handed through, and keeps nothing; nor
    does one without a graph, since it would keep the module alive for nothing.

    Args:
        out: what the call returned: a tuple, list or dict, or anything else, which is left alone.
        module: what was called.
        start: a tick taken when the call began.

    Raises:
        TypeError: the call returned a masked array, or another array that Tensors refuse.
    """
    pending, seen = [out], set()  # no nesting is too deep for a loop, nor a list in itself
    while pending:
        part = pending.pop()
        if isinstance(part, Tensor):
            if part._needs and part._tick > start:
                part._returned_by = (module, start, part._tick, (), part._returned_by)
        elif isinstance(part, tuple | list | dict) and id(part) not in seen:
            seen.add(id(part))
            pending += part.values() if isinstance(part, dict) else part
        else:
            check_kind(part)


def calls_that_returned(x: Tensor) -> Iterator[Call]:
    """Yield the module calls that returned `x`, outermost first, each once."""
    kept = x._returned_by
    while kept is not None:
        module, start, end, ends, inner = kept
        is_noted_twice = inner is not None and inner[0] is module and inner[2] == end
        if end == x._tick and not is_noted_twice:  # else `x` was given a new value since
            yield Call(module, start, end, ends)
        kept = inner
