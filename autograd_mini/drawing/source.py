"""The line that made a Tensor, with its text, for many Tensors at a time."""

from __future__ import annotations

import linecache
from bisect import bisect_right
from pathlib import PurePath
from types import CodeType
from typing import Any

from autograd_mini.origin import is_of_library


class Source:
    """Finds lines; what it found it keeps, since many Tensors come from one line."""

    def __init__(self) -> None:
        self._lines: dict[int, tuple[list[int], list[int]]] = {}
        self._told: dict[tuple[int, int], str] = {}

    def of(self, x: Any) -> str:
        """Return file, line and function of the call that made `x`, and the text of the line."""
        code: CodeType | None = getattr(x, "_code", None)
        if code is None or is_of_library(code):
            return ""
        # By its id: a code object is compared, and hashed, by all that is in it.
        line = self._line(code, x._offset)
        if (id(code), line) not in self._told:
            self._told[id(code), line] = told(code, line)
        return self._told[id(code), line]

    def _line(self, code: CodeType, offset: int) -> int:
        if id(code) not in self._lines:
            found = [(start, line) for start, _, line in code.co_lines() if line is not None]
            self._lines[id(code)] = [start for start, _ in found], [line for _, line in found]
        starts, lines = self._lines[id(code)]
        at = bisect_right(starts, offset) - 1
        return lines[at] if at >= 0 else code.co_firstlineno


def told(code: CodeType, line: int) -> str:
    """Return file, line and function, and the text of the line.

    The file goes without its folders, so that a picture is the same wherever its program lies.
    """
    text = linecache.getline(code.co_filename, line).strip()
    place = f"{PurePath(code.co_filename).name}, line {line}, in {code.co_name}"
    return f"{place}\n{text}" if text else place


def place_of(code: CodeType, offset: int) -> str:
    """Return file, line and function of an instruction, and the text of the line."""
    found = Source()
    return told(code, found._line(code, offset))
