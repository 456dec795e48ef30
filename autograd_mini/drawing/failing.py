"""Which call raised: what the frames of a traceback still know of it.

Nothing is kept while the computation runs. The traceback has the frame in which the engine called
the function, or walked back to it, with its arguments, and those of modules that had not returned.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import CodeType, FrameType, TracebackType
from typing import Any, NamedTuple

from autograd_mini import tensor
from autograd_mini.operation import Operation
from autograd_mini.origin import leave_library
from autograd_mini.primitive import TABLE
from autograd_mini.recorded import given
from autograd_mini.rules.indexing import getitem
from autograd_mini.scopes import Call
from autograd_mini.walk import Walk

UNKNOWN = sys.maxsize  # the end of a module call that has not returned


class Failed(NamedTuple):
    """The call that raised.

    Attributes:
        operation: what was called.
        arguments: what it was given, by name.
        code: the user's code that called it.
        offset: of the instruction in it.
        under_way: the module calls around it.
    """

    operation: Operation
    arguments: dict[str, Any]
    code: CodeType
    offset: int
    under_way: list[Call]


def find_failed(trace: TracebackType | None) -> Failed | None:
    """Return the innermost recorded call in a traceback, or one whose rule raised, if any."""
    frames = [*_frames(trace)]
    calls = [frame for frame in frames if _is_call(frame)]
    if not calls:
        walks = (frame.f_locals["node"] for frame in frames if _is_of_walk(frame))
        return next((_differentiated(node) for node in walks if node._args is not None), None)
    frame = calls[-1]
    operation, arguments = _called(frame)
    user = leave_library(frame)
    calls_by_module = {id(call.module): call for frame in frames for call in _module_call(frame)}
    return Failed(operation, arguments, user.f_code, user.f_lasti, [*calls_by_module.values()])


def _frames(trace: TracebackType | None) -> Iterator[FrameType]:
    while trace is not None:
        yield trace.tb_frame
        trace = trace.tb_next


def _is_call(frame: FrameType) -> bool:
    """Return whether the engine calls an operation in `frame`, or looks it up in vain."""
    found = frame.f_locals
    is_engine = frame.f_code.co_filename == tensor.__file__
    return is_engine and not {"operation", "function", "index"}.isdisjoint(found)


def _is_of_walk(frame: FrameType) -> bool:
    """Return whether the walk of the backward pass is at a call in `frame`."""
    return frame.f_code is Walk.run.__code__ and "node" in frame.f_locals


def _differentiated(node: Any) -> Failed:
    """Return a recorded call whose derivative failed, without the modules around it."""
    operation = node._operation
    arguments = given(operation, node._args, node._kwargs)
    return Failed(operation, arguments, node._code, node._offset, [])


def _called(frame: FrameType) -> tuple[Operation, dict[str, Any]]:
    """Return the operation and its arguments by name."""
    found = frame.f_locals
    operation = found.get("operation")
    if operation is None:
        function = found.get("function")
        operation = TABLE[getitem] if function is None else Operation(function, function)
    if "args" in found:
        args = found["args"]
    else:  # an operator, or an index
        args = [found[name] for name in ("self", "other", "index") if name in found]
    return operation, given(operation, tuple(args), found.get("kwargs"))


def _module_call(frame: FrameType) -> Iterator[Call]:
    """Yield the module call that `frame` is: such frames hold the module, and the first tick."""
    found = frame.f_locals
    module, start = found.get("self"), found.get("start")
    if hasattr(module, "named_parameters") and isinstance(start, int):
        ends = [*found.get("ends", ())]
        yield Call(module, start, UNKNOWN, [*ends, UNKNOWN] if "ends" in found else ())
