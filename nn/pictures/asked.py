"""What a picture was asked to draw, checked: functions of one argument, numbers, shapes of images.

An error says what was found by its kind and shape, never by all of its numbers.
"""

from __future__ import annotations

import inspect
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autograd_mini import Tensor
from nn.module import Module

_LONG = 60


def named(x: Any) -> str:
    """Return what `x` is, in a few words.

    >>> named(np.ones((2, 3))), named(Module()), named(Module), named("red")
    ('an array of shape (2, 3)', 'a Module', 'the class Module', "'red'")
    """
    if isinstance(x, type):
        return f"the class {x.__name__}"
    if isinstance(x, Tensor | np.ndarray):
        return f"{'a Tensor' if isinstance(x, Tensor) else 'an array'} of shape {x.shape}"
    if isinstance(x, Module):
        return f"a {type(x).__name__}"
    if callable(x) and hasattr(x, "__name__"):
        return f"the function {x.__name__}{_signature(x)}"
    text = repr(x)
    return text if len(text) <= _LONG else f"a {type(x).__name__}"


def check_function(function: Any, asked: str) -> None:
    """Raise a TypeError unless `function` is one that can be called with one argument.

    Args:
        function: what was given.
        asked: who takes what, with an example.
    """
    if not callable(function) or isinstance(function, type) or not _takes_one(function):
        advice = ": make an object of it first" if isinstance(function, type) else ""
        raise TypeError(f"{asked}, found {named(function)}{advice}")


def check_count(name: str, count: Any, least: int) -> None:
    """Raise a ValueError unless `count` is a whole number of at least `least`."""
    is_whole = isinstance(count, int | np.integer) and not isinstance(count, bool)
    if not is_whole or count < least:
        raise ValueError(f"{name} is a whole number from {least} on, found {named(count)}")


def check_above_zero(name: str, number: Any) -> None:
    """Raise a ValueError unless `number` is above zero and finite."""
    if not (isinstance(number, int | float | np.number) and 0 < number < math.inf):
        raise ValueError(f"{name} is a finite number above 0, found {named(number)}")


def check_image(shape: Any, count: int, asked: str) -> None:
    """Raise a ValueError unless `shape` is that of an image of `count` pixels.

    Args:
        shape: rows and columns.
        count: how many pixels there are.
        asked: what they are, for the error.
    """
    is_pair = isinstance(shape, tuple | list) and len(shape) == 2
    if not is_pair or [*map(type, shape)] != [int, int] or math.prod(shape) != count:
        raise ValueError(
            f"{asked}, which are no image of shape={named(shape)}: give rows and columns, two "
            f"whole numbers whose product is {count:,}"
        )


def numbers(x: Any, asked: str) -> NDArray[Any]:
    """Return `x` as an array of finite floating-point numbers.

    Args:
        x: what was given.
        asked: who takes what, for the error.

    Raises:
        TypeError: it holds something else.
        ValueError: a number is not finite.
    """
    try:
        found = np.array(x.data if isinstance(x, Tensor) else x)
    except ValueError:  # lists of unequal lengths
        found = np.array(None)
    if found.dtype.kind not in "biuf":
        raise TypeError(f"{asked}, found {named(x)}")
    if not np.isfinite(found).all():
        raise ValueError(f"{asked}, found {found[~np.isfinite(found)].flat[0]} among them")
    return found.astype(float)


def interval(bounds: Any, asked: str) -> tuple[float, float]:
    """Return `bounds`, two finite numbers of which the first is the smaller, as floats.

    Raises:
        ValueError: they are none.
    """
    is_pair = isinstance(bounds, tuple | list | np.ndarray) and np.shape(bounds) == (2,)
    if is_pair and np.asarray(bounds).dtype.kind in "iuf":
        low, high = map(float, bounds)
        if -math.inf < low < high < math.inf:
            return low, high
    raise ValueError(
        f"{asked} from a low to a high number, such as (-1.0, 1.0), found {named(bounds)}"
    )


def _takes_one(function: Any) -> bool:
    try:
        inspect.signature(_called(function)).bind(None)
    except TypeError:
        return False
    except ValueError:  # one written in C does not tell
        return True
    return True


def _called(function: Any) -> Any:
    return function.forward if isinstance(function, Module) else function


def _signature(function: Any) -> str:
    try:
        return str(inspect.signature(function))
    except (TypeError, ValueError):
        return ""
