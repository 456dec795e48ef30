"""What changed between two pictures: marks, arrows and boxes that came, went or say something else.

The ids of a scene come from paths and operations, so what has the same id in both is the same
thing. Two programs are compared by drawing them with `values=False`, two steps of one with them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from autograd_mini.drawing.dot import as_dot
from autograd_mini.drawing.picture import Picture
from autograd_mini.drawing.scene import Arrow, Box, Mark, Scene

Part = Any  # a Mark, an Arrow or a Box


def diff(before: Picture, after: Picture) -> Picture:
    """Return a picture of `after` in which is marked what differs from `before`.

    What was added has a plus and a thick border, what was removed is there again with a minus
    and a dashed one, and what changed tells what it said before. A note counts them.

    Args:
        before: as `draw` returns it.
        after: another one, drawn with the same options.

    Raises:
        TypeError: one of them is no picture that `draw` returned.

    >>> import numpy as np
    >>> from autograd_mini import Tensor
    >>> from autograd_mini.drawing import draw
    >>> x = Tensor([1.0, 2.0], requires_grad=True, name="x")
    >>> before, after = np.exp(x).sum(), np.tanh(x).sum()
    >>> changes = diff(draw(before, values=False), draw(after, values=False))
    >>> changes.scene.notes
    ('nodes: 1 added, 1 removed; arrows: 2 added, 2 removed',)
    """
    for picture in (before, after):
        if not isinstance(picture, Picture):
            raise TypeError(
                f"diff takes two pictures that draw returned, found {type(picture).__name__}: "
                f"write diff(draw(a), draw(b))"
            )
    return as_dot(difference(before.scene, after.scene))


def difference(before: Scene, after: Scene) -> Scene:
    """Return `after` with the states of what differs, and what was removed from `before`."""
    marks = _merged(before.marks, after.marks, _changed_mark)
    arrows = _merged(before.arrows, after.arrows, _same_arrow)
    boxes = _merged(before.boxes, after.boxes, _changed_box)
    told = [_told("node", marks), _told("arrow", arrows), _told("box", boxes)]
    note = "; ".join(filter(None, told)) or "nothing changed"
    return after._replace(marks=marks, arrows=arrows, boxes=boxes, notes=(*after.notes, note))


def _merged(
    before: Sequence[Part], after: Sequence[Part], compared: Callable[[Part, Part], Part]
) -> tuple[Part, ...]:
    """Return all parts with their states; those that are gone come last."""
    old, new = dict(_keyed(before)), dict(_keyed(after))
    found = [
        compared(old[key], part) if key in old else part._replace(state="added")
        for key, part in new.items()
    ]
    gone = [part._replace(state="removed") for key, part in old.items() if key not in new]
    return (*found, *gone)


def _keyed(parts: Sequence[Part]) -> Iterator[tuple[object, Part]]:
    """Yield every part with what makes it the same in another picture."""
    seen: dict[object, int] = {}
    for part in parts:
        key = part[:4] if isinstance(part, Arrow) else part[0]
        seen[key] = number = seen.get(key, 0) + 1  # one call may use a Tensor twice
        yield (key, number), part


def _changed_mark(old: Mark, new: Mark) -> Mark:
    kinds = (_kind(old), _kind(new))
    said = ((*old[2:4], *old.gradient), (*new[2:4], *new.gradient))
    if said[0] == said[1] and kinds[0] == kinds[1]:
        return new
    kind = (kinds[0],) if kinds[0] != kinds[1] else ()
    was = " ".join((*kind, old.title, *old.lines, *old.gradient))
    return new._replace(state="changed", lines=(*new.lines, f"was: {was}"))


def _kind(mark: Mark) -> str:
    return "operation" if mark.kind == "output" else mark.kind  # the end is no other thing


def _same_arrow(_: Arrow, new: Arrow) -> Arrow:
    return new


def _changed_box(old: Box, new: Box) -> Box:
    if (old.title, old.detail) == (new.title, new.detail):
        return new
    was = ", ".join(filter(None, (old.title, old.detail)))
    return new._replace(
        state="changed", detail=", ".join(filter(None, (new.detail, f"was: {was}")))
    )


def _told(what: str, parts: Sequence[Part]) -> str:
    """Count the changes in words."""
    counts = {
        state: sum(part.state == state for part in parts)
        for state in ("added", "removed", "changed")
    }
    told = [f"{count} {state}" for state, count in counts.items() if count]
    plural = "boxes" if what == "box" else f"{what}s"
    return f"{plural}: {', '.join(told)}" if told else ""
