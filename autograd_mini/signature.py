"""Read the code of a rule: the arguments it takes, and the values it uses.

A rule is called as vjp(g, out, *args, **kwargs), so its own signature says how the function may be
called; its bytecode says which arguments it would need unchanged.
"""

from __future__ import annotations

import dis
import inspect
import sys
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

# What a rule may ask of an argument whose value has been overwritten since.
_METADATA = frozenset({"shape", "ndim", "size", "dtype"})

_ANY_ARGUMENTS = inspect.CO_VARARGS | inspect.CO_VARKEYWORDS


def arguments(vjp: Callable[..., Any], name: str) -> list[inspect.Parameter]:
    """Return the parameters of a rule of the function `name`, without `g` and `out` in front.

    Raises:
        TypeError: the rule takes less than these two.
    """
    parameters = list(inspect.signature(vjp).parameters.values())
    any_number = [p for p in parameters if p.kind is p.VAR_POSITIONAL]
    in_front = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    if len(in_front) < 3 and not any_number:
        raise TypeError(
            f"a rule of {name} takes (g, out) and then the arguments of {name}, found "
            f"({', '.join(map(str, parameters))}): write lambda g, out, x: ..."
        )
    return parameters[2:] if len(in_front) >= 2 else any_number


def positional(parameters: list[inspect.Parameter]) -> tuple[str, ...] | None:
    """Return the names of the arguments that may be given by position; None: any number."""
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return None
    return tuple(p.name for p in parameters if p.kind is not p.KEYWORD_ONLY)


def keywords(parameters: list[inspect.Parameter]) -> frozenset[str] | None:
    """Return the names of the arguments that may be given by name; None: any."""
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        return None
    return frozenset(p.name for p in parameters if p.kind is not p.POSITIONAL_ONLY)


def values_read(vjp: Callable[..., Any]) -> tuple[frozenset[str], tuple[str, ...]] | None:
    """Return the names of the arguments whose values `vjp` reads, and the names of all.

    Found in its bytecode, `x.shape` and the like not counted; None means that it may read all.
    """
    code = getattr(vjp, "__code__", None)
    if code is None or inspect.ismethod(vjp) or code.co_flags & _ANY_ARGUMENTS:
        return None
    read = set(code.co_cellvars)
    for now, after in pairwise(dis.get_instructions(code)):
        if "LOAD_FAST" in now.opname:
            loaded = now.argval if isinstance(now.argval, tuple) else (now.argval,)
            is_metadata = after.opname == "LOAD_ATTR" and after.argval in _METADATA
            read.update(loaded[:-1] if is_metadata else loaded)
    return frozenset(read), code.co_varnames[: code.co_argcount]


def count_before_out(function: Callable[..., Any]) -> int:
    """Return how many arguments may come by position before `out`, an array to write into."""
    if isinstance(function, np.ufunc):
        return function.nin
    try:
        names = [*inspect.signature(function).parameters]
    except ValueError:  # written in C
        return sys.maxsize
    return names.index("out") if "out" in names else sys.maxsize
