"""The line that made a Tensor: where in the user's code an operation was called.

While recording, only a code object and an instruction offset are kept, which costs a tenth of a
microsecond; they become file, line and function when someone asks. Frames inside this library are
skipped, so that a layer called from a user's model points at the user's line.
"""

from __future__ import annotations

import os
from pathlib import Path
from types import CodeType, FrameType
from typing import NamedTuple


class Origin(NamedTuple):
    """A place in a program."""

    file: str
    line: int
    function: str

    def __str__(self) -> str:
        return f'File "{self.file}", line {self.line}, in {self.function}'


class _Inside(dict[str, bool]):
    """Whether a source file belongs to the library, remembered per file name."""

    def __init__(self) -> None:
        super().__init__()
        self.folders: tuple[str, ...] = ()

    def __missing__(self, filename: str) -> bool:
        found = self[filename] = filename.startswith(self.folders)
        return found


inside = _Inside()


def skip_frames_in(file: str) -> None:
    """Treat the folder of `file` as part of the library: its frames are nobody's line."""
    inside.folders += (f"{Path(file).parent}{os.sep}",)
    inside.clear()


skip_frames_in(__file__)


def leave_library(frame: FrameType) -> FrameType:
    """Return the first frame, from `frame` outwards, that is not the library's own."""
    while inside[frame.f_code.co_filename] and frame.f_back is not None:
        frame = frame.f_back
    return frame


def locate(code: CodeType, offset: int) -> Origin:
    """Return file, line and function of the instruction at `offset` in `code`."""
    line = code.co_firstlineno
    for start, end, number in code.co_lines():
        if start <= offset < end and number is not None:
            line = number
    return Origin(code.co_filename, line, code.co_name)
