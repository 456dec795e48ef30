"""A picture in a file, in the format that the file's name ends in, a web page among them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from autograd_mini.drawing.draw import draw
from autograd_mini.drawing.explanation import Explanation
from autograd_mini.drawing.page import page
from autograd_mini.drawing.picture import Picture
from autograd_mini.drawing.render import format_of, render, write_whole
from autograd_mini.tensor import Tensor


def save(
    drawn: Tensor | Picture | Explanation, path: str | os.PathLike[str], **options: Any
) -> None:
    """Draw a Tensor into a file, whole or not at all, in the format that its ending names.

    An .html file is a page of its own, which needs no network and no program: pan, zoom, search,
    hover for values and the source line, fold and unfold modules, switch between forward and
    backward. Its nodes are folded by the page, so it holds up to 2,000 of them.

    Args:
        drawn: the Tensor that a computation ended in, or what `draw`, `diff` or `explain` returned.
        path: ends in .html, in .svg, .png or another format, or in .dot or .gv for the text.
        options: as `draw` takes them, for a Tensor.

    Raises:
        FileNotFoundError: there is no program to lay the graph out; its text is written instead,
            into a file that ends in .dot. A page needs none.
        ValueError: the name of the file ends in no format.
        TypeError: `drawn` is nothing that can be drawn, `path` no name of a file, or there are
            options for a picture that is drawn already.

    >>> import tempfile
    >>> x = Tensor([1.0, 2.0], requires_grad=True, name="x")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "graph.html")
    ...     save((x * 3).sum(), path)
    ...     path.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    True
    """
    path = checked(path)
    if isinstance(drawn, Explanation):
        drawn = drawn.picture()
    if isinstance(drawn, Tensor):
        drawn = draw(drawn, **((PAGE_OPTIONS | options) if format_of(path) == "html" else options))
    elif not isinstance(drawn, Picture):
        raise TypeError(
            f"save takes a Tensor, or what draw, diff or explain returned, found "
            f"{type(drawn).__name__}: write save(model(x), {path.name!r}, model=model)"
        )
    elif options:
        raise TypeError(
            f"save was given what is drawn already, and {', '.join(options)}: leave these out, or "
            f"give them to draw"
        )
    write(drawn, path)


PAGE_OPTIONS = {"max_nodes": 2000, "legend": True}


def checked(path: Any) -> Path:
    """Return the path of a file to draw into.

    Raises:
        TypeError: it is no name of a file.
        ValueError: it ends in no format.
    """
    if not isinstance(path, str | os.PathLike):
        raise TypeError(
            f"a picture is written into a file, found {type(path).__name__} as its name: write "
            f'save(cost, "graph.svg")'
        )
    format_of(Path(path))
    return Path(path)


def write(drawn: Picture, path: Path) -> None:
    """Write a picture into a file, in the format that its ending names."""
    if format_of(path) == "html":
        write_whole(path, page(drawn.scene, title=path.stem).encode())
    else:
        render(drawn, path)
