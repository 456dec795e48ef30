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
    ('an array of shape (2, 3)', 'a Module', 'the class Module, not an object of it', "'red'")
    """
    if isinstance(x, type):
        return f"the class {x.__name__}, not an object of it"
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
        raise TypeError(f"{asked}, found {named(function)}")


def check_count(name: str, count: Any, least: int) -> None:
    """Raise a ValueError unless `count` is a whole number of at least `least`."""
    if not _is_whole(count) or count < least:
        raise ValueError(f"{name} is a whole number from {least} on, found {named(count)}")


def check_above_zero(name: str, number: Any) -> None:
    """Raise a ValueError unless `number` is above zero and finite."""
    is_real = _is_whole(number) or isinstance(number, float | np.floating)
    if not is_real or not 0 < number < math.inf:
        raise ValueError(f"{name} is a finite number above 0, found {named(number)}")


def check_image(shape: Any, count: int, asked: str) -> None:
    """Raise a ValueError unless `shape` is that of an image of `count` pixels.

    Args:
        shape: rows and columns.
        count: how many pixels there are.
        asked: what they are, for the error.
    """
    is_pair = isinstance(shape, tuple | list) and len(shape) == 2
    if not is_pair or not all(_is_whole(n) and n > 0 for n in shape) or math.prod(shape) != count:
        raise ValueError(
            f"{asked}, which are no image of shape={named(shape)}: give rows and columns, two "
            f"whole numbers whose product is {count:,}"
        )


def real_array(x: Any, asked: str) -> NDArray[Any]:
    """Return `x`, an array, a Tensor or a list, as an array of real numbers.

    Args:
        x: what was given.
        asked: who takes what, for the error.

    Raises:
        TypeError: it holds something else.
    """
    try:
        found = np.array(x.data if isinstance(x, Tensor) else x)
    except ValueError:  # lists of unequal lengths
        found = np.array(None)
    if found.dtype.kind not in "biuf":
        raise TypeError(f"{asked}, found {named(x)}")
    return found


def numbers(x: Any, asked: str) -> NDArray[Any]:
    """Return `x` as an array of finite floating-point numbers.

    Args:
        x: what was given.
        asked: who takes what, for the error.

    Raises:
        TypeError: it holds something else.
        ValueError: a number is not finite.
    """
    found = real_array(x, asked)
    if not np.isfinite(found).all():
        raise ValueError(f"{asked}, found {found[~np.isfinite(found)].flat[0]} among them")
    return found.astype(float)


def number(x: Any, asked: str) -> float:
    """Return `x`, a finite number, as a float; raises as `numbers` does."""
    found = numbers(x, asked)
    if found.ndim:
        raise TypeError(f"{asked}, found {named(x)}")
    return float(found)


def interval(bounds: Any, asked: str) -> tuple[float, float]:
    """Return `bounds`, two finite numbers of which the first is the smaller, as floats.

    Raises:
        ValueError: they are none.
    """
    is_pair = isinstance(bounds, tuple | list | np.ndarray) and len(bounds) == 2
    if is_pair and all(_is_whole(x) or isinstance(x, float | np.floating) for x in bounds):
        low, high = map(float, bounds)
        if -math.inf < low < high < math.inf:
            return low, high
    raise ValueError(
        f"{asked} from a low to a high number, such as (-1.0, 1.0), found {named(bounds)}"
    )


def labels(names: Any, count: int) -> list[str]:
    """Return the names of as many outputs as text; without names, their numbers.

    Raises:
        TypeError: `names` are no list.
        ValueError: there are more or fewer.
    """
    if names is None:
        return [*map(str, range(count))]
    if not isinstance(names, list | tuple | range | np.ndarray | str):
        raise TypeError(f"names= is a list, found {named(names)}")
    if len(names) != count:
        outputs = f"{count} output{'s' * (count != 1)}"
        raise ValueError(f"names= is a list of names for {outputs}, found {len(names)}")
    return [*map(str, names)]


def _is_whole(x: Any) -> bool:
    return isinstance(x, int | np.integer) and not isinstance(x, bool)


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
