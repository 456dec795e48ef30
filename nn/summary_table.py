"""The table of a network as data, as text and as HTML.

A row has the numbers of its own module alone, so that each column adds up to its total.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from typing import Any, NamedTuple

HEAD = ("layer", "output shape", "parameters", "multiply-adds", "bytes kept")
MOST_SHAPES = 3


class Row(NamedTuple):
    """A module of the network.

    Attributes:
        path: where it is held, such as "layers.0"; "" for the network itself.
        name: the last part of the path, from the module around it on.
        depth: how many modules are around it.
        class_name: of what class it is.
        same_as: the path under which it was found before, which has its numbers; else None.
        calls: how often it was called.
        input_shapes: what the calls were given, each shape once; that of a container is one too.
        output_shapes: what they returned, likewise.
        parameters: how many floating-point numbers it holds itself, frozen ones too.
        trainable: how many of them require grad.
        parameter_bytes: their size.
        multiply_adds: of its own operations.
        kept_bytes: the size of their results, which the graph keeps for `backward()`.
        uncounted: the operations whose multiply-adds are not known, and how often they were called.
    """

    path: str
    name: str
    depth: int
    class_name: str
    same_as: str | None
    calls: int = 0
    input_shapes: tuple[Any, ...] = ()
    output_shapes: tuple[Any, ...] = ()
    parameters: int = 0
    trainable: int = 0
    parameter_bytes: int = 0
    multiply_adds: int = 0
    kept_bytes: int = 0
    uncounted: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, repr=False)
class Summary:
    """What a network is made of, in numbers; printed, or in a notebook, it is a table.

    Attributes:
        rows: the modules, each after the one around it.
        input_shapes: of what the network was given.
        input_bytes: its size.
    """

    rows: tuple[Row, ...]
    input_shapes: tuple[Any, ...]
    input_bytes: int

    @property
    def parameters(self) -> int:
        """How many floating-point numbers the network holds, shared ones once."""
        return sum(row.parameters for row in self.rows)

    @property
    def trainable(self) -> int:
        """How many of them require grad."""
        return sum(row.trainable for row in self.rows)

    @property
    def parameter_bytes(self) -> int:
        """The size of the parameters."""
        return sum(row.parameter_bytes for row in self.rows)

    @property
    def multiply_adds(self) -> int:
        """The multiply-adds that are known; `uncounted` tells what they leave out."""
        return sum(row.multiply_adds for row in self.rows)

    @property
    def kept_bytes(self) -> int:
        """The size of the results that the graph keeps for `backward()`."""
        return sum(row.kept_bytes for row in self.rows)

    @property
    def uncounted(self) -> dict[str, int]:
        """The operations whose multiply-adds are not known, and how often they were called."""
        total: Counter[str] = Counter()
        for row in self.rows:
            total.update(dict(row.uncounted))
        return dict(total)

    def __repr__(self) -> str:
        lines = [["  " * depth + text for text, depth in cells] for cells in self._cells()]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        texts = [_aligned(line, widths) for line in lines]
        texts[-1:] = ["-" * max(map(len, texts)), texts[-1]]
        return "\n".join([*texts, "", *self._notes()])

    def _repr_html_(self) -> str:
        head, *body = self._cells()
        rows = [_html_row("th", head), *(_html_row("td", cells) for cells in body)]
        notes = "".join(f"<p>{escape(note)}</p>" for note in self._notes())
        return f"<table>{''.join(rows)}</table>{notes}"

    def _cells(self) -> Iterator[list[tuple[str, int]]]:
        """Yield text and depth of every cell, of the head, the rows and the total."""
        yield [(text, 0) for text in HEAD]
        for row in self.rows:
            yield [(_label(row), row.depth), *((text, 0) for text in _numbers(row))]
        counts = (
            f"{self.parameters:,}",
            _multiply_adds(self.multiply_adds, bool(self.uncounted)),
            f"{self.kept_bytes:,}",
        )
        yield [(text, 0) for text in ("total", "", *counts)]

    def _notes(self) -> Iterator[str]:
        """Yield the sentences below the table."""
        shapes = ", ".join(map(str, self.input_shapes)) or "none"
        yield f"input {shapes}: {self.input_bytes:,} bytes"
        frozen = self.parameters - self.trainable
        kinds = f" ({self.trainable:,} trainable, {frozen:,} frozen)" if frozen else ""
        yield f"{self.parameters:,} parameters{kinds}: {self.parameter_bytes:,} bytes"
        if self.uncounted:
            calls = ", ".join(f"{name} ({n:,})" for name, n in self.uncounted.items())
            yield f"? multiply-adds not known (calls): {calls}"


def _label(row: Row) -> str:
    """Return name and class of a module, and how often it was called if not once."""
    kind = row.class_name if row.same_as is None else f"the same as {row.same_as or 'the network'}"
    label = f"{row.name}: {kind}" if row.name else kind
    label += f", {row.calls:,} calls" if row.calls > 1 else ""
    return " ".join(label.split())  # a key with a line break would break the table


def _numbers(row: Row) -> tuple[str, ...]:
    if row.same_as is not None:
        return ("",) * 4
    return (
        _shapes(row),
        _parameters(row.parameters, row.trainable),
        _multiply_adds(row.multiply_adds, bool(row.uncounted)),
        _count(row.kept_bytes),
    )


def _shapes(row: Row) -> str:
    if not row.calls:
        return "not called"
    more = [f"{len(row.output_shapes) - MOST_SHAPES:,} more"]
    shown = [*map(str, row.output_shapes[:MOST_SHAPES])]
    return " or ".join(shown + more * (len(row.output_shapes) > MOST_SHAPES))


def _parameters(count: int, trainable: int) -> str:
    frozen = count - trainable
    return f"{count:,} ({frozen:,} frozen)" if frozen else _count(count)


def _multiply_adds(count: int, is_partial: bool) -> str:
    if is_partial:
        return f"{count:,} + ?" if count else "?"
    return _count(count)


def _count(number: int) -> str:
    return f"{number:,}" if number else "-"


def _aligned(texts: list[str], widths: list[int]) -> str:
    """Return the cells of a line in columns, names and shapes to the left, numbers to the right."""
    pairs = [*zip(texts, widths, strict=True)]
    cells = [text.ljust(n) for text, n in pairs[:2]] + [text.rjust(n) for text, n in pairs[2:]]
    return "  ".join(cells).rstrip()


def _html_row(tag: str, cells: list[tuple[str, int]]) -> str:
    return f"<tr>{''.join(_html_cell(tag, i, *cell) for i, cell in enumerate(cells))}</tr>"


def _html_cell(tag: str, column: int, text: str, depth: int) -> str:
    side = "left" if column < 2 else "right"
    style = f"text-align:{side};padding-left:{0.5 + 1.5 * depth}em"
    return f'<{tag} style="{style}">{escape(text)}</{tag}>'
