"""Checks of arguments that are numbers or switches, with one sentence for each error."""

from __future__ import annotations

import math
import operator
import textwrap
from numbers import Real
from typing import Any

import numpy as np


def shown(value: Any) -> str:
    """Return the repr of `value` for a message, on one line and cut where it gets long.

    >>> shown(np.zeros((10, 10)))
    'array([[0., 0., 0., 0., 0., 0., 0., 0., 0., 0.], [0., 0., 0., 0., 0., 0., ...'
    """
    return textwrap.shorten(repr(value), 80, placeholder=" ...")


def check_number(owner: str, name: str, value: Any, lowest: float = -math.inf) -> None:
    """Raise if `value` is no finite real number from `lowest` on.

    >>> check_number("SGD", "lr", "fast")
    Traceback (most recent call last):
    TypeError: SGD: lr is a number, found 'fast'
    """
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{owner}: {name} is a number, found {shown(value)}")
    if not (math.isfinite(value) and float(value) >= lowest):
        bound = "" if lowest == -math.inf else f", at least {lowest}"
        raise ValueError(f"{owner}: {name} is a finite number{bound}, found {shown(value)}")


def checked_integer(owner: str, name: str, value: Any, lowest: float = -math.inf) -> int:
    """Return `value` as an int if it is a whole number from `lowest` on, else raise."""
    try:
        count = None if isinstance(value, bool | np.bool_) else operator.index(value)
    except TypeError:
        count = None
    if count is None:
        raise TypeError(f"{owner}: {name} is an integer, found {shown(value)}") from None
    if count < lowest:
        raise ValueError(f"{owner}: {name} is at least {lowest}, found {count}")
    return count


def check_switch(owner: str, name: str, value: Any) -> None:
    """Raise if `value` is neither True nor False."""
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{owner}: {name} is True or False, found {shown(value)}")
