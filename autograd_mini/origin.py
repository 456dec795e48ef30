"""The line that made a Tensor: where in the user's code an operation was called.

While recording, only a code object and an instruction offset are kept, which costs a tenth of a
microsecond; they become file, line and function when someone asks. Frames inside this library are
skipped, so that a layer called from a user's model points at the user's line.
"""

from __future__ import annotations

import dis
import linecache
import os
import sysconfig
import warnings
from pathlib import Path
from sys import _getframe as frame_at
from types import CodeType, FrameType
from typing import NamedTuple

import numpy as np


class Origin(NamedTuple):
    """A place in a program."""

    file: str
    line: int
    function: str

    def __str__(self) -> str:
        return f'File "{self.file}", line {self.line}, in {self.function}'


# The files seen so far: the library's own, and all others.
inside: set[str] = set()
outside: set[str] = set()
# The user's code that recorded last. It mostly records next, too: then its file is not looked up.
lately: list[CodeType | None] = [None]
_folders: list[str] = []
_PYTHON = sysconfig.get_path("stdlib") + os.sep
# SciPy stands beside NumPy.
_BELOW = tuple(f"{Path(np.__file__).parents[1] / name}{os.sep}" for name in ("numpy", "scipy"))
_INSTALLED = tuple(_PYTHON + name + os.sep for name in ("site-packages", "dist-packages"))


def skip_frames_in(file: str) -> None:
    """Treat the folder of `file` as part of the library: its frames are not the user's."""
    # Not by pathlib, which drops the "./" of a relative path that frames keep.
    _folders.append(file.rpartition(os.sep)[0] + os.sep)
    inside.clear()
    outside.clear()
    lately[0] = None


skip_frames_in(__file__)


def leave_library(frame: FrameType) -> FrameType:
    """Return the first frame, from `frame` outwards, that is not the library's own."""
    last = lately[0]
    while (code := frame.f_code) is not last:
        file = code.co_filename
        if file not in inside and (file in outside or not _is_inside(file)):
            lately[0] = code
            break
        caller = frame.f_back
        if caller is None:
            break
        frame = caller
    return frame


def caller() -> tuple[CodeType, int]:
    """Return code and offset of the call that the function calling this one is in."""
    try:
        frame = frame_at(2)
    except ValueError:  # no Python code called
        frame = frame_at()
    return frame.f_code, frame.f_lasti


def _is_inside(file: str) -> bool:
    """Return whether `file` is the library's own, and remember it."""
    is_inside = file.startswith(tuple(_folders))
    (inside if is_inside else outside).add(file)
    return is_inside


def is_of_library(code: CodeType) -> bool:
    """Return whether `code` is the library's own."""
    return code.co_filename in inside or _is_inside(code.co_filename)


def locate(code: CodeType, offset: int) -> Origin:
    """Return file, line and function of the instruction at `offset` in `code`."""
    line = code.co_firstlineno
    for start, end, number in code.co_lines():
        if start <= offset < end and number is not None:
            line = number
    return Origin(code.co_filename, line, code.co_name)


def frame_outside() -> FrameType:
    """Return the first frame that is not the library's own, Python's, NumPy's or SciPy's."""
    frame = leave_library(frame_at(1))
    while frame.f_back is not None and _is_below(frame.f_code.co_filename):
        frame = leave_library(frame.f_back)
    return frame


def call_around() -> str:
    """Return the user's call inside which NumPy or Python called the library, "" if none did."""
    frame = frame_outside()
    if frame is leave_library(frame_at(1)):
        return ""
    return expression_at(frame.f_code, frame.f_lasti)


def _is_below(file: str) -> bool:
    is_pythons = file.startswith(_PYTHON) and not file.startswith(_INSTALLED)
    return is_pythons or file.startswith(_BELOW)


def expression_at(code: CodeType, offset: int) -> str:
    """Return what the instruction at `offset` calls, reads or writes, such as "np.array(...)".

    Put together from the names that the instructions of the same expression load, so that it needs
    no source, or read from the source where one instruction loads two names (Python 3.13). Python
    3.10 does not tell which instructions these are, and there it is the whole line.
    """
    if not hasattr(code, "co_positions"):
        return linecache.getline(code.co_filename, locate(code, offset).line).strip()
    places = [place[::2] for place in code.co_positions()]  # line and column where each starts
    before = [i for i in dis.get_instructions(code) if i.offset <= offset]
    loads = [i for i in before if i.opname.startswith("LOAD_") and i.opname != "LOAD_CONST"]
    loads = [i for i in loads if places[i.offset // 2] == places[offset // 2]]
    # The condition of a loop is compiled twice: the last name that is no attribute begins it.
    first = max((n for n, i in enumerate(loads) if not _is_attribute(i.opname)), default=0)
    names = [i.argval for i in loads[first:]]
    shapes = (("CALL", "(...)"), ("STORE_SUBSCR", "[...] = ..."), ("SUBSCR", "[...]"))
    shape = next((shape for part, shape in shapes if part in before[-1].opname), "")
    if names and all(isinstance(name, str) for name in names):
        name = ".".join(names)
    else:
        name = _quoted(code, offset).partition(shape[:1] or "(")[0]
    return name + shape if name and shape else ""


def _quoted(code: CodeType, offset: int) -> str:
    """Return the source of the expression at `offset`, "" if it is unknown or of several lines."""
    line, last_line, start, end = [*code.co_positions()][offset // 2]
    if line is None or line != last_line:
        return ""
    return linecache.getline(code.co_filename, line).encode()[start:end].decode()


def _is_attribute(operation: str) -> bool:
    return "ATTR" in operation or "METHOD" in operation


def warn(message: str) -> None:
    """Warn at the user's line that led here; of each line once, by Python's default."""
    frame = leave_library(frame_at(1))
    place, scope = locate(frame.f_code, frame.f_lasti), frame.f_globals
    registry = scope.setdefault("__warningregistry__", {})
    name = scope.get("__name__", "")
    warnings.warn_explicit(message, UserWarning, place.file, place.line, name, registry)
