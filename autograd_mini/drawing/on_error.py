"""The picture of a computation that broke: the graph up to the call that raised, and that call.

`failing.py` says which call that was, and what it was given.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import Any

from autograd_mini.drawing.build import Builder
from autograd_mini.drawing.dot import as_dot
from autograd_mini.drawing.draw import MAX_NODES, check_model
from autograd_mini.drawing.failing import UNKNOWN, Failed, find_failed
from autograd_mini.drawing.ids import Ids
from autograd_mini.drawing.labels import contents, cut, operation_name, text_of
from autograd_mini.drawing.names import HasParameters
from autograd_mini.drawing.nodes import NUMBERS, arrays_in, is_array
from autograd_mini.drawing.save import checked, write
from autograd_mini.drawing.scene import Arrow, Box, Mark, Scene
from autograd_mini.drawing.source import place_of
from autograd_mini.operation import CONTAINERS
from autograd_mini.scopes import Call


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
    >>> from pathlib import Path
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


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and those that it was raised from."""
    seen: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and cause not in seen:
        yield cause
        seen.append(cause)
        cause = cause.__cause__


def broken(failed: Failed, error: BaseException, model: Any = None) -> Scene:
    """Return the scene of the graph up to a call that raised."""
    sources = [*_arrays(failed.arguments)]
    if not sources:  # a generator of arrays, for example
        return Scene((_marked(failed, error, "failed", ""),), ())
    builder = Builder(
        [x for _, x in sources],
        model=model,
        max_nodes=MAX_NODES,
        under_way=failed.under_way,
        is_broken=True,
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
    held = _held(failed)
    own = {
        name
        for name, (_, x) in zip(ids, sources, strict=True)
        if id(x) in held or isinstance(x, NUMBERS)
    }
    marks = [
        mark._replace(box=inside) if mark.id in own and not mark.box else mark
        for mark in scene.marks
    ]
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


def _held(failed: Failed) -> set[int]:
    """Return the ids of the parameters of the innermost module under way."""
    *_, innermost = [None, *_modules(failed.under_way)]
    return set() if innermost is None else {id(x) for _, x in innermost.named_parameters()}


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
