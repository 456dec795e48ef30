"""A strict stand-in for the arrays of another library, such as CuPy's: what these would meet.

It has NumPy's two protocols, operators and methods. It never mixes with a bare NumPy array, also a
0-d one, and NumPy can't take it (`.get()` gives a copy); numbers of Python and NumPy may stand
beside it, and lists and NumPy arrays may index it, as in CuPy. Everything that it returns is of its
own kind, 0-d results too.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

METHODS = frozenset(
    {"all", "any", "argmax", "argmin", "argsort", "astype", "clip", "conj", "copy", "cumprod"}
    | {"cumsum", "diagonal", "dot", "flatten", "max", "mean", "min", "nonzero", "prod", "ravel"}
    | {"repeat", "reshape", "round", "sort", "squeeze", "std", "sum", "swapaxes", "take", "trace"}
    | {"transpose", "var", "view"}
)
NUMPYS = frozenset({"shape", "ndim", "size", "dtype", "nbytes", "itemsize", "item", "tolist"})


class StrictArray(NDArrayOperatorsMixin):
    """An array that mixes with no other kind."""

    __hash__ = None  # type: ignore[assignment]

    def __init__(self, numbers: Any) -> None:
        self._numbers = np.array(numbers)

    def get(self) -> Any:
        """Return a NumPy array with the same elements."""
        return self._numbers.copy()

    def __getattr__(self, name: str) -> Any:
        if name in NUMPYS:
            return getattr(self._numbers, name)
        if name in ("T", "real", "imag"):
            return _wrapped(getattr(self._numbers, name))
        if name not in METHODS:
            raise AttributeError(f"a StrictArray has no {name}")
        method = getattr(self._numbers, name)
        return lambda *args, **kwargs: _called(method, args, kwargs)

    def __array_ufunc__(self, ufunc: Any, method: str, *args: Any, **kwargs: Any) -> Any:
        if method == "at":
            args = (args[0], _bare_index(args[1]), *map(_bare, args[2:]))
            return ufunc.at(args[0]._numbers, *args[1:])
        return _called(getattr(ufunc, method), args, kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if not all(issubclass(kind, StrictArray | np.ndarray) for kind in types):
            return NotImplemented
        if function in (np.array, np.asarray):  # the ways here, which ask for it
            return StrictArray(function(*args, **kwargs))
        return _called(function, args, kwargs)

    def __getitem__(self, index: Any) -> Any:
        return _wrapped(self._numbers[_bare_index(index)])

    def __setitem__(self, index: Any, value: Any) -> None:
        self._numbers[_bare_index(index)] = _bare(value)

    def __len__(self) -> int:
        return len(self._numbers)

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    def __bool__(self) -> bool:
        return bool(self._numbers)

    def __float__(self) -> float:
        return float(self._numbers)

    def __int__(self) -> int:
        return int(self._numbers)

    def __complex__(self) -> complex:
        return complex(self._numbers)

    def __repr__(self) -> str:
        return f"StrictArray({self._numbers!r})"


def _called(function: Any, args: Any, kwargs: Any) -> Any:
    args, kwargs = _bare(args), {name: _bare(x) for name, x in kwargs.items()}
    return _wrapped(function(*args, **kwargs))


def _bare(x: Any) -> Any:
    if isinstance(x, np.ndarray):
        raise TypeError(f"Unsupported type {type(x)}")
    if type(x) in (list, tuple):
        return type(x)(map(_bare, x))
    return x._numbers if isinstance(x, StrictArray) else x


def _bare_index(x: Any) -> Any:
    if type(x) is tuple:
        return tuple(map(_bare_index, x))
    return x._numbers if isinstance(x, StrictArray) else x


def _wrapped(x: Any) -> Any:
    if isinstance(x, tuple | list):
        parts = map(_wrapped, x)
        return type(x)(*parts) if hasattr(x, "_fields") else type(x)(parts)
    if isinstance(x, np.ndarray | np.generic):
        found = object.__new__(StrictArray)
        found._numbers = np.asarray(x)  # a view stays one
        return found
    return x
