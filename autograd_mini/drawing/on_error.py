"""The picture of a computation that broke: the graph up to the call that raised, and that call.

Nothing is kept while the computation runs. The traceback still has the frame in which the engine
called the function, with its arguments, and the frames of the modules that had not returned.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from types import CodeType, FrameType, TracebackType
from typing import Any, NamedTuple

from autograd_mini import tensor
from autograd_mini.backward import Walk
from autograd_mini.drawing.build import Builder
from autograd_mini.drawing.dot import as_dot
from autograd_mini.drawing.draw import MAX_NODES, check_model
from autograd_mini.drawing.ids import Ids
from autograd_mini.drawing.labels import contents, cut, operation_name, text_of
from autograd_mini.drawing.names import HasParameters
from autograd_mini.drawing.nodes import NUMBERS, arrays_in, is_array
from autograd_mini.drawing.save import checked, write
from autograd_mini.drawing.scene import Arrow, Box, Mark, Scene
from autograd_mini.drawing.source import place_of
from autograd_mini.operation import CONTAINERS, Operation
from autograd_mini.origin import leave_library
from autograd_mini.primitive import TABLE
from autograd_mini.recorded import given
from autograd_mini.rules.indexing import getitem
from autograd_mini.scopes import Call

UNKNOWN = sys.maxsize  # the end of a module call that has not returned


class draw_on_error:  # noqa: N801 - a context manager, used like a function
    """Write the graph up to an operation that raises, or its rule, with the failing call marked.

    The exception goes on, with a note that names the file (on Python 3.10, which has no notes, a
    line on stderr). An error raised `from` that of an operation counts as it; of others, which no
    operation raised, there is no picture, and the note says so.

    Args:
        path: ends in .svg, .png or another format, .html for a page or .dot for the text.
        model: a module whose paths name modules and parameters.

    Raises:
        TypeError: `path` is no name of a file, or `model` has no `named_parameters()`.
        ValueError: the name of the file ends in no format.

    >>> import tempfile
    >>> from autograd_mini import Tensor
    >>> x = Tensor([[1.0, 2.0]], requires_grad=True, name="x")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "graph.dot")
    ...     try:
    ...         with draw_on_error(path):
    ...             y = (x * 2) @ x
    ...     except ValueError:
    ...         "✗ np.matmul" in path.read_text(encoding="utf-8")
    True
    """

    def __init__(self, path: str | os.PathLike[str], *, model: HasParameters | None = None) -> None:
        self.path = checked(path)
        check_model(model)
        self.model = model

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: Any
    ) -> None:
        if not isinstance(error, Exception):
            return
        found = ((find_failed(cause.__traceback__), cause) for cause in _causes(error))
        failed, cause = next(((call, cause) for call, cause in found if call), (None, error))
        if failed is None:
            _add_note(error, f"{self.path.name} was not drawn: no operation on Tensors raised this")
            return
        try:
            write(as_dot(broken(failed, cause, self.model)), self.path)
            told = f"the graph up to {failed.operation.name} is in {self.path}"
        except Exception as problem:  # noqa: BLE001 - it must not hide the error it came for
            told = f"the graph up to {failed.operation.name} could not be drawn: {problem}"
        _add_note(error, told)


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


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and those that it was raised from."""
    seen: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and cause not in seen:
        yield cause
        seen.append(cause)
        cause = cause.__cause__


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
    """Return a recorded call, whose derivative failed; its module calls have returned."""
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


def broken(failed: Failed, error: BaseException, model: Any = None) -> Scene:
    """Return the scene of the graph up to a call that raised."""
    sources = [*_arrays(failed.arguments)]
    if not sources:  # a generator of arrays, for example
        return Scene((_marked(failed, error, "failed", ""),), ())
    builder = Builder(
        [x for _, x in sources], model=model, max_nodes=MAX_NODES, under_way=failed.under_way
    )
    scene = builder.scene("LR", legend=False)
    shown = {id(node.value): builder.folding.mark_of[node] for node in builder.nodes}
    ids = [builder.ids[shown[id(x)]] for _, x in sources]
    failed_id = Ids(mark.id for mark in scene.marks).take("failed")
    arrows = [
        Arrow(tail, failed_id, " ".join([name, *contents(x, with_values=False)]))
        for tail, (name, x) in zip(ids, sources, strict=True)
    ]
    new_boxes, inside = _around(failed, builder, model)
    open_ = {place.id for place in builder.folding.places if place.call.end == UNKNOWN}
    marks = []
    for mark in scene.marks:
        is_own = mark.id in ids and mark.kind in ("parameter", "constant") and not mark.box
        marks.append(mark._replace(box=inside) if is_own else mark)
    marks.append(_marked(failed, error, failed_id, inside))
    # A box around the failing call returned nothing that it could tell, folded.
    boxes = (box if box.id not in open_ else box._replace(folded=None) for box in scene.boxes)
    return scene._replace(
        marks=(*marks,), arrows=(*scene.arrows, *arrows), boxes=(*boxes, *new_boxes)
    )


def _marked(failed: Failed, error: BaseException, mark_id: str, box: str) -> Mark:
    return Mark(
        mark_id,
        "operation",
        operation_name(failed.operation),
        (*_settings(failed.arguments), _problem(error)),
        box=box,
        tooltip=place_of(failed.code, failed.offset),
        state="failed",
    )


def _around(failed: Failed, builder: Builder, model: Any) -> tuple[list[Box], str]:
    """Return boxes for the modules under way that made nothing yet, and the id of the innermost.

    The others have boxes already.
    """
    places = [place for place in builder.folding.places if place.call.end == UNKNOWN]
    drawn = {id(place.call.module): place.id for place in places}
    paths = _paths(model or (failed.under_way[0].module if failed.under_way else None))
    ids = Ids(place.id for place in builder.folding.places)
    new: list[Box] = []
    inside = ""
    for module in _modules(failed.under_way):
        if id(module) in drawn:
            inside = drawn[id(module)]
            continue
        path, kind = paths.get(id(module), ""), type(module).__name__
        count = sum(x.size for _, x in module.named_parameters())
        detail = f"{count:,} parameter{'s' * (count != 1)}" if count else ""
        title = f"{path}: {kind}" if path else kind
        new.append(Box(ids.take(f"{path or kind} (failed)"), title, detail, parent=inside))
        inside = new[-1].id
    return new, inside


def _paths(root: Any) -> dict[int, str]:
    named = getattr(root, "named_modules", None)
    return {id(module): path for path, module in named()} if named is not None else {}


def _modules(under_way: list[Call]) -> Iterator[Any]:
    """Yield the modules under way, outer ones first; of layers in a row the running one."""
    for call in under_way:
        yield call.module
        layers = call.module.layers if call.ends else ()
        running = layers[len(call.ends) - 1 : len(call.ends)]
        yield from (layer for layer in running if all(c.module is not layer for c in under_way))


def _arrays(arguments: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield name and value of every array and number that the call was given."""
    for name, x in arguments.items():
        if type(x) in CONTAINERS:
            yield from arrays_in(name, x)
        elif is_array(x) or isinstance(x, NUMBERS):
            yield name, x


def _settings(arguments: dict[str, Any]) -> list[str]:
    """Return what the call was given besides arrays."""
    others = {k: x for k, x in arguments.items() if not is_array(x) and x is not None}
    return [
        cut(f"{name}={text_of(x)}")
        for name, x in others.items()
        if not isinstance(x, NUMBERS) and not any(arrays_in(name, x))
    ]


def _problem(error: BaseException) -> str:
    first = (str(error).splitlines() or [""])[0]
    return f"{type(error).__name__}: {first}"


def _add_note(error: BaseException, told: str) -> None:
    if hasattr(error, "add_note"):
        error.add_note(told)
    else:
        sys.stderr.write(f"{told}\n")
