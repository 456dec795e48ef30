"""The programs of docs/numpy-code.md, as first written and as changed."""

from __future__ import annotations

import cmath
import functools
import itertools
import json
import linecache
import math
import operator
import random
import re
import statistics
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import scipy.integrate
import scipy.linalg
import scipy.optimize
import scipy.special
import scipy.stats

import autograd_mini
from autograd_mini import Tensor, defvjp, primitive

DOCUMENT = Path(__file__).parents[1] / "docs/numpy-code.md"
NUMPY = {
    "np": np,
    "scipy": scipy,
    **{module.__name__: module for module in (cmath, functools, itertools, json, math)},
    **{module.__name__: module for module in (operator, random, statistics)},
}
ENGINE = {
    "autograd_mini": autograd_mini,
    "Tensor": Tensor,
    "primitive": primitive,
    "defvjp": defvjp,
}


class Program(NamedTuple):
    """A program of the document; `error` is what its first form gets, None if it gets none."""

    name: str
    written: str
    changed: str
    error: str | None


class Row(NamedTuple):
    """A row of the document's tables: an expression, and what to write in its place."""

    written: str
    changed: str


def blocks() -> Iterator[tuple[str, str]]:
    """Yield language and text of the document's code blocks, in order."""
    fence = re.compile(r"^```(\w+)\n(.*?)^```", flags=re.MULTILINE | re.DOTALL)
    for block in fence.finditer(DOCUMENT.read_text(encoding="utf-8")):
        yield block[1], block[2]


def without(sign: str, diff: str) -> str:
    """Return one form of a program whose changed lines begin with - and +."""
    lines = (line for line in diff.splitlines() if not line.startswith(sign))
    return "".join(f"{line[1:]}\n" for line in lines)


def programs() -> list[Program]:
    """Return the document's programs."""
    found: list[Program] = []
    for language, text in blocks():
        if language == "text":
            found[-1] = found[-1]._replace(error=text.strip())
        elif language in ("python", "diff"):
            is_diff = language == "diff"
            written, changed = (without(sign, text) if is_diff else text for sign in "+-")
            name = re.findall(r"^def (\w+)", changed, flags=re.MULTILINE)[-1]
            found.append(Program(name, written, changed, None))
    return found


def rows(heading: str) -> list[list[str]]:
    """Return the pieces of code in each row of the table under `heading`."""
    _, _, text = DOCUMENT.read_text(encoding="utf-8").partition(f"## {heading}\n")
    lines = text.partition("\n## ")[0].splitlines()
    return [re.findall(r"`([^`]+)`", line) for line in lines if line.startswith("| ")]


def kept() -> list[Row]:
    """Return the expressions that work as they are."""
    return [Row(x, x) for row in rows("What works as it is") for x in row]


def replaced() -> list[Row]:
    """Return the expressions to be replaced, with what takes their place."""
    return [Row(*row) for row in rows("What to change") if row]


def loaded(name: str, source: str, scope: dict[str, Any]) -> Callable[..., Any]:
    """Return the function `name` of `source`, whose lines errors can quote."""
    file = f"<{name} in {DOCUMENT.name}>"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    scope = dict(scope)
    exec(compile(source, file, "exec"), scope)
    function: Callable[..., Any] = scope[name]
    return function


def written(program: Program) -> Callable[..., Any]:
    """Return the first form of a program, which knows NumPy only."""
    return loaded(program.name, program.written, NUMPY)


def changed(program: Program) -> Callable[..., Any]:
    """Return the form of a program that can be differentiated."""
    return loaded(program.name, program.changed, NUMPY | ENGINE)


def function_of(row: str) -> str:
    """Return a function of the tables' x, y and a that returns what a row of code computes."""
    *before, last = row.split("; ")
    if re.search(r" [+]?= |^z[.]|^np[.](put|add[.]at)", last):
        before, last = [*before, last], "z"
    body = "".join(f"    {line}\n" for line in (*before, f"return {last}"))
    return f"def row(x, y, a):\n{body}"


def slopes(f: Callable[..., Any], args: tuple[Any, ...]) -> list[Any]:
    """Return the gradient of `f` by each argument, by central differences of order four."""
    found = []
    for i, x in enumerate(args):
        x = np.asarray(x, dtype=float)
        slope = np.zeros(x.shape)
        for place in np.ndindex(x.shape):
            step = 1e-3 * abs(x[place]) or 1e-4
            ends = {}
            for k in (-2, -1, 1, 2):
                moved = x.copy()
                moved[place] += k * step
                moved = moved if x.ndim else moved.item()
                ends[k] = float(f(*args[:i], moved, *args[i + 1 :]))
            slope[place] = (8 * (ends[1] - ends[-1]) - (ends[2] - ends[-2])) / (12 * step)
        found.append(slope)
    return found
