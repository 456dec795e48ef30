"""What a picture shows: marks, arrows between them and boxes around them, as plain text.

A scene is what is left of a graph once everything is folded, named and painted: no Tensor, no
array, nothing that depends on memory. `dot.py` writes it as DOT text, `page.py` as a web page,
and `difference.py` compares two.
"""

from __future__ import annotations

from typing import NamedTuple


class Mark(NamedTuple):
    """A node of the picture.

    Attributes:
        id: unique in the scene, and the same in every run of the same program.
        kind: "input", "parameter", "constant", "operation", "output", "module" for a folded box,
            "folded" for other calls shown as one, or "gradient".
        title: its name or operation.
        lines: what stands below the title: settings, shape, values.
        box: the id of the innermost box around it, "" if there is none.
        tooltip: the source line, and what else is told on hovering.
        bars: heights of a histogram, 0 to 1; none for few values.
        gradient: lines about the gradient.
        fill: a colour that overrides that of its kind, "" for none.
        state: "failed", "added", "removed", "changed" or "".
    """

    id: str
    kind: str
    title: str
    lines: tuple[str, ...] = ()
    box: str = ""
    tooltip: str = ""
    bars: tuple[float, ...] = ()
    gradient: tuple[str, ...] = ()
    fill: str = ""
    state: str = ""


class Arrow(NamedTuple):
    """An edge of the picture, from where a value was made to where it was used.

    Attributes:
        tail: the id of the mark where it starts.
        head: the id of the mark where it ends.
        text: the argument's name and the shape, or what a gradient contributes.
        kind: "data", "gradient" for one of the backward pass, or "pair" from a value to its
            gradient.
        tooltip: what is told on hovering.
        state: as in a Mark.
    """

    tail: str
    head: str
    text: str = ""
    kind: str = "data"
    tooltip: str = ""
    state: str = ""


class Box(NamedTuple):
    """A box around the marks of a module call.

    Attributes:
        id: unique in the scene, and the same in every run of the same program.
        title: path and class of the module.
        detail: how many parameters it has, and what of it was folded.
        parent: the id of the box around it, "" if there is none.
        state: as in a Mark.
        folded: the mark that it would be, folded, where that is known.
    """

    id: str
    title: str
    detail: str = ""
    parent: str = ""
    state: str = ""
    folded: Mark | None = None


class Scene(NamedTuple):
    """A picture before it is laid out.

    Attributes:
        marks: every mark after those that it was computed from.
        arrows: in the order of their heads.
        boxes: every box after the one around it.
        direction: "LR", "TB", "RL" or "BT".
        legend: pairs of a kind, or a colour, and what it means.
        notes: sentences about the picture: what was folded.
    """

    marks: tuple[Mark, ...]
    arrows: tuple[Arrow, ...]
    boxes: tuple[Box, ...] = ()
    direction: str = "LR"
    legend: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
