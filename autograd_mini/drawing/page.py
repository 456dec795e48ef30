"""A scene as one web page that lays itself out: pan, zoom, search, fold, forward and backward.

The page holds all it needs, the scene as JSON and the style and scripts of `web/`, and its
Content-Security-Policy lets it run its own script, known by hash, and load nothing. It is plain
ASCII, and the same scene gives the same bytes. `web/main.js` tells how the scripts work together.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Iterable
from importlib.resources import files
from typing import Literal

from autograd_mini.drawing.dot import visible
from autograd_mini.drawing.scene import Arrow, Box, Mark, Scene

View = Literal["forward", "backward", "both"]
VIEWS = ("forward", "backward", "both")
DIRECTIONS = ("LR", "TB", "RL", "BT")

# In the order in which a reader meets them: what is shown, where it stands, how it looks.
SCRIPTS = (
    "model.js",
    "ranks.js",
    "order.js",
    "coordinates.js",
    "levels.js",
    "layout.js",
    "routes.js",
    "measure.js",
    "shapes.js",
    "draw.js",
    "view.js",
    "panel.js",
    "search.js",
    "chrome.js",
    "main.js",
)

# Inside <script>, "<" may end it or open a comment; the two separators once ended lines.
ESCAPES = {ord("<"): "\\u003c", ord(">"): "\\u003e", ord("&"): "\\u0026"}


def page(scene: Scene, title: str = "Computation graph", view: View = "both") -> str:
    """Return a scene as one self-contained HTML page.

    Args:
        scene: what the picture shows.
        title: what stands above the picture and in the browser's tab.
        view: what is shown at first of a scene with gradients: the "forward" pass, the
            "backward" pass or "both".

    Raises:
        ValueError: an arrow or a box names what is not in the scene, an id stands twice, or
            `view` or the direction is none of those above.

    >>> from autograd_mini.drawing.scene import Mark
    >>> text = page(Scene((Mark("n0", "input", "x"),), ()), title="x < y")
    >>> "<title>x &lt; y</title>" in text
    True
    """
    _check(scene, view)
    script = "(() => {\n" + "\n".join(map(_asset, SCRIPTS)) + "})();\n"
    style = _asset("page.css")
    parts = {
        "POLICY": _policy(script, style),
        "TITLE": html.escape(visible(title)).encode("ascii", "xmlcharrefreplace").decode("ascii"),
        "STYLE": style,
        "SCENE": _data(scene, visible(title), view),
        "SCRIPT": script,
    }
    return re.sub(r"\[\[([A-Z]+)\]\]", lambda found: parts[found[1]], _asset("page.html"))


def _asset(name: str) -> str:
    return (files("autograd_mini.drawing") / "web" / name).read_text(encoding="ascii")


def _policy(script: str, style: str) -> str:
    """Return a policy that forbids everything but this style and this script."""
    return (
        f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(style)}; "
        f"base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode("ascii")).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"


def _data(scene: Scene, title: str, view: View) -> str:
    """Return the scene as JSON that means nothing to an HTML parser."""
    data = {
        "title": title,
        "view": view,
        "direction": scene.direction,
        "marks": list(map(_told, scene.marks)),
        "arrows": list(map(_told, scene.arrows)),
        "boxes": list(map(_told, scene.boxes)),
        "legend": scene.legend,
        "notes": scene.notes,
    }
    # Everything beyond ASCII is written as \uXXXX: separators and lone surrogates too.
    text = json.dumps(data, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.translate(ESCAPES)


def _told(part: Mark | Arrow | Box) -> dict[str, object]:
    """Return the fields of a mark, an arrow or a box that are not empty."""
    fields = ((name, value) for name, value in part._asdict().items() if value)
    return {name: _told(x) if isinstance(x, Mark) else x for name, x in fields}


def _check(scene: Scene, view: str) -> None:
    if view not in VIEWS:
        raise ValueError(f"page shows as view= one of {', '.join(VIEWS)}, found {view!r}")
    if scene.direction not in DIRECTIONS:
        raise ValueError(
            f"a scene runs in one of the directions {', '.join(DIRECTIONS)}, found "
            f"{scene.direction!r}"
        )
    marks = _unique("mark", [mark.id for mark in scene.marks])
    boxes = _unique("box", [box.id for box in scene.boxes])
    _known("box", boxes | {""}, (mark.box for mark in scene.marks))
    _known("box", boxes | {""}, (box.parent for box in scene.boxes))
    _known("mark", marks, (end for arrow in scene.arrows for end in (arrow.tail, arrow.head)))


def _unique(kind: str, ids: list[str]) -> set[str]:
    known = set(ids)
    if len(known) < len(ids):
        twice = next(name for place, name in enumerate(ids) if name in ids[:place])
        raise ValueError(f"every {kind} of a scene has an id of its own, found {twice!r} twice")
    return known


def _known(kind: str, known: set[str], named: Iterable[str]) -> None:
    for name in named:
        if name not in known:
            raise ValueError(f"the scene names the {kind} {name!r}, which it does not have")
