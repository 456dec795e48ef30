"""A graphviz.Digraph that lays itself out with whatever program is there.

Graphviz's own `dot` is used where the system has it, else `graphviz-pure`, which pip installs: in
a notebook, by `.render()` and by `.pipe()` alike.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import graphviz

from autograd_mini.drawing.render import find_dot, is_graphviz, laid_out, render
from autograd_mini.drawing.scene import Scene


class Picture(graphviz.Digraph):  # type: ignore[misc] # graphviz ships no types
    """DOT text that shows itself in notebooks and writes itself into files.

    `scene` is what it draws, for `diff` and web pages.
    """

    scene = Scene((), ())

    def copy(self) -> Picture:
        """Return a copy, which can be added to."""
        found: Picture = super().copy()
        found.scene = self.scene
        return found

    def pipe(self, format: str | None = None, **options: Any) -> Any:  # noqa: A002 - graphviz's name
        """Return the picture as bytes, or with `encoding=` as text; see `graphviz.Digraph.pipe`.

        Raises:
            FileNotFoundError: there is no program to lay it out.
            ValueError: the program does not know the format.
            RuntimeError: it refused for another reason.
        """
        if is_graphviz(find_dot()):
            return super().pipe(format, **options)
        content = laid_out(self.source.encode(), format or self.format)
        encoding = options.get("encoding")
        return content.decode(encoding) if encoding else content

    def render(self, filename: Any = None, directory: Any = None, **options: Any) -> str:
        """Write the picture into a file and return its path; see `graphviz.Digraph.render`.

        Raises:
            FileNotFoundError: there is no program to lay it out; the DOT text is written.
            ValueError: the program does not know the format.
            RuntimeError: it refused for another reason.
        """
        if is_graphviz(find_dot()):
            return str(super().render(filename, directory=directory, **options))
        outfile = options.get("outfile")
        if filename is None and outfile:
            filename = Path(outfile).with_suffix(".gv")
        text = Path(self.save(filename, directory=directory))
        name = options.get("format") or (Path(outfile).suffix[1:] if outfile else self.format)
        path = Path(outfile) if outfile else text.with_name(f"{text.name}.{name}")
        render(self, path)
        if options.get("cleanup"):
            text.unlink()
        return str(path)
