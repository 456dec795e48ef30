"""A scene as DOT text: how every kind of mark looks, and how boxes and arrows are written.

Labels are HTML-like ones of Graphviz, in which every character that could mean something is
escaped, so no name can break out of its node.
"""

from __future__ import annotations

import html
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any

from autograd_mini.drawing.picture import Picture
from autograd_mini.drawing.scene import Arrow, Box, Mark, Scene

FONT, INK, GREY, BAR = "Helvetica", "#222222", "#666666", "#666666"
PAGE = {"bgcolor": "white", "nodesep": "0.3", "ranksep": "0.4", "fontname": FONT}
NODE = {"fontname": FONT, "fontsize": "12", "fontcolor": INK, "height": "0.3", "penwidth": "1.4"}
EDGE = {"arrowsize": "0.7", "color": GREY, "fontname": FONT, "fontsize": "10", "fontcolor": GREY}
CLUSTER = {
    "style": "rounded,filled",
    "color": "#b8b8b8",
    "fillcolor": "#fafafa",
    "fontsize": "12",
    "fontcolor": INK,
    "labeljust": "l",
    "labelloc": "t",
    "margin": "12",
}

# Kinds differ in shape, and in hues that no kind of colour vision confuses. An operation, the
# commonest, looks as every node does by default; the others change that.
OPERATION = {
    "class": "operation",
    "shape": "box",
    "style": "rounded,filled",
    "color": "#8a8a8a",
    "fillcolor": "#f5f5f5",
    "margin": "0.14,0.08",
}
LOOKS: dict[str, dict[str, str]] = {
    "operation": {},
    "parameter": {
        "class": "parameter",
        "shape": "cylinder",
        "style": "filled",
        "color": "#c4560c",
        "fillcolor": "#fde6cc",
    },
    "input": {
        "class": "input",
        "shape": "note",
        "style": "filled",
        "color": "#1f66a8",
        "fillcolor": "#d9e9f8",
    },
    "constant": {
        "class": "constant",
        "shape": "circle",
        "color": "#8c8c8c",
        "fillcolor": "white",
        "margin": "0.03",
    },
    "output": {
        "class": "output",
        "style": "filled",
        "color": INK,
        "fillcolor": INK,
        "fontcolor": "white",
        "peripheries": "2",
    },
    "module": {"class": "module", "shape": "box3d", "style": "filled", "fillcolor": "#ececec"},
    "folded": {"class": "folded", "style": "rounded,filled,dashed"},
    "gradient": {
        "class": "gradient",
        "style": "filled,diagonals",
        "color": "#5b1f6b",
        "fillcolor": "#f1e4f5",
        "margin": "0.2,0.08",
    },
}
ARROWS: dict[str, dict[str, str]] = {
    "data": {},
    # Written from argument to use, as the values ran, so that both passes stand side by side.
    "gradient": {"dir": "back", "color": "#5b1f6b", "fontcolor": "#5b1f6b", "class": "gradient"},
    "pair": {"style": "dotted", "dir": "none", "constraint": "false", "class": "pair"},
    "loop": {"style": "dashed", "constraint": "false", "class": "loop"},
}
SIGNS = {"parameter": "P", "input": "I", "constant": "1", "gradient": "d"}  # in the legend
# A state is told by a sign and a line, not by a colour alone.
STATES: dict[str, tuple[str, dict[str, str]]] = {
    "failed": ("✗ ", {"color": "#b00020", "penwidth": "3"}),
    "added": ("+ ", {"color": "#1f66a8", "penwidth": "3"}),
    "removed": (
        "- ",
        {"color": "#c4560c", "fontcolor": INK, "penwidth": "2", "style": "dashed"},
    ),
    "changed": ("≠ ", {"color": "#7a3d8f", "penwidth": "3"}),
}
LONGEST = 72  # characters of a line
HEIGHT, WIDTH = 16, 9  # of the bars of a histogram, in points


def as_dot(scene: Scene) -> Picture:
    """Return a scene as a picture that can be laid out."""
    page = PAGE | ({} if scene.direction == "TB" else {"rankdir": scene.direction})
    if scene.notes:
        page |= {"label": html_like(*scene.notes), "labelloc": "b", "fontsize": "11"}
    picture = Picture(graph_attr=page, node_attr=NODE | OPERATION, edge_attr=EDGE)
    picture.scene = scene
    inside: dict[str, list[Mark | Box]] = {}
    for box in scene.boxes:
        inside.setdefault(box.parent, []).append(box)
    for mark in scene.marks:
        inside.setdefault(mark.box, []).append(mark)
    pairs = {arrow.head: arrow.tail for arrow in scene.arrows if arrow.kind == "pair"}
    picture.body += _written(inside, pairs)
    kinds = {mark.id: mark.kind for mark in scene.marks}
    for arrow in scene.arrows:
        _add_arrow(picture, arrow, kinds)
    if scene.legend:
        picture.node(
            "legend", _legend(scene.legend), shape="plain", style="", **{"class": "legend"}
        )
    return picture


def _written(inside: dict[str, list[Any]], pairs: dict[str, str]) -> Iterator[str]:
    """Yield the lines of all boxes and marks; it keeps its own stack, no box is too deep."""
    stack = [("\t", iter(inside.get("", ())))]
    while stack:
        indent, parts = stack[-1]
        part = next(parts, None)
        if part is None:
            stack.pop()
            if stack:
                yield f"{indent[1:]}}}\n"
        elif isinstance(part, Box):
            yield f"{indent}subgraph {quoted(f'cluster {part.id}')} {{\n"
            yield f"{indent}\tgraph [{attributes(_box_looks(part))}]\n"
            stack.append((indent + "\t", iter(inside.get(part.id, ()))))
        else:
            yield f"{indent}{quoted(part.id)} [{attributes(_looks(part))}]\n"
            if part.id in pairs:  # a gradient stands beside its value
                yield f"{indent}{{ rank=same {quoted(pairs[part.id])} {quoted(part.id)} }}\n"


def _box_looks(box: Box) -> dict[str, str]:
    sign, looks = STATES.get(box.state, ("", {}))
    left = '<br align="left"/>'
    detail = f"{escaped(box.detail)}{left}" if box.detail else ""
    label = f"<<b>{escaped(sign + box.title)}</b>{left}{detail}>"
    return CLUSTER | {"class": "box", "label": label} | looks


def _looks(mark: Mark) -> dict[str, str]:
    sign, state = STATES.get(mark.state, ("", {}))
    looks = {"label": _label(mark, sign)} | LOOKS[mark.kind]
    if mark.fill:
        looks |= {"fillcolor": mark.fill, "fontcolor": INK}
    if mark.tooltip:
        looks["tooltip"] = plain(mark.tooltip)
    return looks | state


def _label(mark: Mark, sign: str) -> str:
    lines, gradient = ([*_wrapped(part)] for part in (mark.lines, mark.gradient))
    if not mark.bars:
        return html_like(*lines, *gradient, title=sign + mark.title)
    before = [f"<b>{escaped(sign + mark.title)}</b>", *map(escaped, lines)]
    rows = [*before, _histogram(mark.bars), *map(escaped, gradient)]
    cells = "".join(f"<tr><td>{row}</td></tr>" for row in rows)
    return f'<<table border="0" cellborder="0" cellspacing="0" cellpadding="1">{cells}</table>>'


def _wrapped(lines: Iterable[str]) -> Iterator[str]:
    """Yield lines, long ones as several, broken at spaces."""
    for line in lines:
        if len(line) <= LONGEST:
            yield line
        else:
            yield from textwrap.wrap(
                visible(line), LONGEST, break_long_words=False, break_on_hyphens=False
            )


def _histogram(bars: Sequence[float]) -> str:
    """Return bars as a table: fonts do not have them, and every program draws a table alike."""
    cells = "".join(f"<td>{_bar(round(bar * (HEIGHT - 2)) + 1)}</td>" for bar in bars)
    # In its size, or its columns would be drawn apart to the width of the text above.
    size = f'fixedsize="true" width="{WIDTH * len(bars)}" height="{HEIGHT}"'
    return f"{_TABLE} {size}><tr>{cells}</tr></table>"


_TABLE = '<table border="0" cellborder="0" cellspacing="0" cellpadding="0"'


def _bar(height: int) -> str:
    size = f'fixedsize="true" width="{WIDTH}"'
    above = f'<tr><td {size} height="{HEIGHT - height}"></td></tr>'
    return f'{_TABLE}>{above}<tr><td {size} height="{height}" bgcolor="{BAR}"></td></tr></table>'


def _add_arrow(picture: Picture, arrow: Arrow, kinds: dict[str, str]) -> None:
    sign, state = STATES.get(arrow.state, ("", {}))
    looks = ARROWS[arrow.kind] | state
    tail, head = arrow.tail, arrow.head
    if arrow.kind == "gradient":
        tail, head = head, tail
    elif kinds.get(tail) in ("operation", "module") and arrow.kind == "data":
        looks = {"weight": "8"} | looks  # the spine of the computation, short and straight
    if arrow.text:
        looks["label"] = html_like(f" {sign}{arrow.text} ")
    if arrow.tooltip:
        looks["tooltip"] = plain(arrow.tooltip)
    text = f" [{attributes(looks)}]" if looks else ""
    picture.body.append(f"\t{quoted(tail)} -> {quoted(head)}{text}\n")


def _legend(legend: Sequence[tuple[str, str]]) -> str:
    rows = []
    is_painted = any(what not in LOOKS for what, _ in legend)  # then kinds have no colour inside
    for what, meaning in legend:
        looks = OPERATION | LOOKS.get(what, {"fillcolor": what})
        if is_painted and what in LOOKS and what != "gradient":
            looks["fillcolor"] = "white"
        cell = f'<td width="24" bgcolor="{looks["fillcolor"]}" border="1" color="{looks["color"]}">'
        sign = SIGNS.get(what, "")
        rows.append(f'<tr>{cell}{sign}</td><td align="left"> {escaped(meaning)}</td></tr>')
    return f'<<table border="0" cellborder="0" cellspacing="3">{"".join(rows)}</table>>'


def html_like(*lines: str, title: str = "") -> str:
    """Return lines of text as an HTML-like label of Graphviz, below a bold title if there is."""
    parts = [f"<b>{escaped(title)}</b>"] if title else []
    return f"<{'<br/>'.join([*parts, *map(escaped, lines)])}>"


def escaped(text: str) -> str:
    """Return `text` so that nothing in it means anything to Graphviz or XML, and all is visible."""
    # Graphviz puts the node's name for \N, also in an HTML-like label.
    return html.escape(visible(text), quote=False).replace("\\", "\\\\")


def visible(text: str) -> str:
    """Return `text` with what can't be seen written as an escape."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def plain(text: str) -> str:
    """Return `text`, of several lines perhaps, for an attribute that is no label."""
    lines = (visible(line).replace("\\", "\\\\") for line in text.splitlines())
    # A tooltip is decoded twice: as DOT text, and its entities as XML.
    return "\\n".join(line.replace("&", "&amp;") for line in lines)


def attributes(looks: dict[str, str]) -> str:
    """Return attributes as DOT text: the label first, the others in the order of their names."""
    rest = tuple((name, text) for name, text in looks.items() if name not in _OWN)
    # A label is written as it is, for it is HTML-like and escaped; no other text may be taken so.
    label = [f"label={looks['label']}"] if "label" in looks else []
    tooltip = [f"tooltip={quoted(looks['tooltip'])}"] if "tooltip" in looks else []
    return " ".join(filter(None, [*label, *tooltip, _constant(rest)]))


_OWN = ("label", "tooltip")  # what few have in common


@lru_cache(maxsize=1024)
def _constant(looks: tuple[tuple[str, str], ...]) -> str:
    return " ".join(f"{name}={quoted(text)}" for name, text in sorted(looks))


def quoted(text: str) -> str:
    """Return `text` as a name in DOT text."""
    return '"' + text.replace('"', '\\"') + '"'
