"""A picture in a file, in the format that the file's name ends in, a web page among them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from autograd_mini.drawing.dot import as_dot
from autograd_mini.drawing.draw import scene
from autograd_mini.drawing.page import page
from autograd_mini.drawing.picture import Picture
from autograd_mini.drawing.render import format_of, render, write_whole
from autograd_mini.drawing.scene import Scene
from autograd_mini.tensor import Tensor


def save(drawn: Tensor | Picture, path: str | os.PathLike[str], **options: Any) -> None:
    """Draw a Tensor into a file, whole or not at all, in the format that its ending names.

    An .html file is a page of its own, which needs no network and no program: pan, zoom, search,
    hover for values and the source line, fold and unfold modules, switch between forward and
    backward. Its nodes are folded by the page, so it holds up to 2,000 of them.

    Args:
        drawn: the Tensor that a computation ended in, or what `draw` returned.
        path: ends in .html, in .svg, .png or another format, or in .dot or .gv for the text.
        options: as `draw` takes them, for a Tensor.

    Raises:
        FileNotFoundError: there is no program to lay the graph out; its text is written instead,
            into a file that ends in .dot. A page needs none.
        TypeError: options for a picture that is drawn already.

    >>> import tempfile
    >>> x = Tensor([1.0, 2.0], requires_grad=True, name="x")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "graph.html")
    ...     save((x * 3).sum(), path)
    ...     path.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    True
    """
    if isinstance(drawn, Picture):
        if options:
            raise TypeError(
                f"save was given a picture, which is drawn already, and {', '.join(options)}: give "
                f"these to draw"
            )
        write(drawn.scene, Path(path))
        return
    if format_of(Path(path)) == "html":
        options = PAGE_OPTIONS | options
    write(scene(drawn, **options), Path(path))


PAGE_OPTIONS = {"max_nodes": 2000, "legend": True}


def write(drawn: Scene, path: Path) -> None:
    """Write a scene into a file, in the format that its ending names."""
    if format_of(path) == "html":
        write_whole(path, page(drawn, title=path.stem).encode())
    else:
        render(as_dot(drawn), path)
