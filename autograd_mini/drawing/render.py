"""A graph in a file: DOT text as it is, every other format by a program that lays graphs out.

The pip package `graphviz` only writes DOT text. The program is Graphviz's own `dot`, from the
operating system, or else `graphviz-pure` with the same flags, which pip installs.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sysconfig
from pathlib import Path

import graphviz

from autograd_mini.files import check_writable, written_whole


def find_dot() -> str | None:
    """Return the path of the program that lays graphs out: dot, else graphviz-pure, else None."""
    # A virtual environment that is used without being activated is not in PATH.
    beside_python = sysconfig.get_path("scripts")
    return (
        shutil.which("dot")
        or shutil.which("graphviz-pure")
        or shutil.which("graphviz-pure", path=beside_python)
    )


def is_graphviz(program: str | None) -> bool:
    """Return whether `program` is the system's own dot, which the graphviz package runs."""
    return program is not None and Path(program).stem == "dot"


def render(graph: graphviz.Digraph, path: str | os.PathLike[str]) -> None:
    """Write a graph into a file, whole or not at all, in the format that its ending names.

    Args:
        graph: as `draw` returns it.
        path: ends in .dot or .gv for the text, in .svg, .png or another format for a picture.

    Raises:
        TypeError: `graph` is none.
        FileNotFoundError: there is no program to lay the graph out; its text is written instead,
            into a file that ends in .dot.
        ValueError: the program does not know the format.
        RuntimeError: it refused for another reason.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "graph.dot")
    ...     render(graphviz.Digraph(body=["a -> b"]), path)
    ...     "a -> b" in path.read_text()
    True
    """
    if not isinstance(graph, graphviz.Digraph):
        raise TypeError(
            f"render takes a graphviz.Digraph, such as draw returns, found {type(graph).__name__}: "
            f"write save(cost, {str(path)!r})"
        )
    path = Path(path)
    check_writable(path)
    form = format_of(path)
    text = graph.source.encode()
    if form in TEXT:
        write_whole(path, text)
        return
    if find_dot() is None:
        beside = path.with_suffix(".dot")
        write_whole(beside, text)
        raise FileNotFoundError(f"{NO_PROGRAM.format(path.name)}; its text is in {beside}")
    write_whole(path, laid_out(text, form))


def format_of(path: Path) -> str:
    """Return the format that the name of a file ends in, in small letters.

    Raises:
        ValueError: it ends in none.
    """
    if not path.suffix:
        raise ValueError(
            f"{path.name} has no ending that names a format: write .svg, .png or .pdf for a "
            f"picture, .html for a page, .dot for the text"
        )
    return path.suffix[1:].lower()


TEXT = ("dot", "gv")
NO_PROGRAM = (
    "there is no program to lay out {}: install Graphviz (graphviz.org/download), or "
    "`pip install graphviz-pure`, which writes svg and png"
)


def write_whole(path: Path, content: bytes) -> None:
    """Write a file, whole or not at all; see `written_whole`."""
    with written_whole(path) as file:
        file.write(content)


def laid_out(text: bytes, form: str) -> bytes:
    """Return DOT text as a picture in the format `form`, such as "svg".

    Raises:
        FileNotFoundError: there is no program to lay it out.
        ValueError: the program does not know the format.
        RuntimeError: it refused for another reason.
    """
    dot = find_dot()
    if dot is None:
        raise FileNotFoundError(NO_PROGRAM.format("the graph"))
    command = [dot, f"-T{form}"]
    # The program was looked up by name, the graph goes in as text, and no shell reads either.
    done = subprocess.run(command, input=text, capture_output=True, check=False)  # noqa: S603
    if done.returncode:
        problem = done.stderr.decode(errors="replace").strip()
        if "not recognized" in problem:
            raise ValueError(f"{Path(dot).name} writes no .{form}: {_advice(dot)}")
        raise RuntimeError(f"{dot} could not lay out the graph as {form}: {problem}")
    return done.stdout


def _advice(dot: str) -> str:
    if is_graphviz(dot):
        return "write .svg, .png or .pdf"
    return (
        "write .svg or .png, or install Graphviz (graphviz.org/download), which writes others too"
    )
