"""The kinds of arrays: those that stay as they are, are converted, or are refused.

An array of another library that speaks NumPy's protocols (`__array_function__`) stays what it is.
Everything else becomes a NumPy array, except that a subclass that redefines `*`, `+` or another
operator is refused: as a plain NumPy array it would silently mean something else.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import chain
from typing import Any

import numpy as np
from numpy import generic, ndarray

from autograd_mini.operation import CONTAINERS

# The methods that define an array's arithmetic.
_MEANINGS = (
    *("__array_ufunc__", "__array_function__", "__neg__", "__pos__", "__abs__", "__invert__"),
    *("__lt__", "__le__", "__eq__", "__ne__", "__gt__", "__ge__", "__divmod__", "__rdivmod__"),
    *("__add__", "__radd__", "__sub__", "__rsub__", "__mul__", "__rmul__", "__pow__", "__rpow__"),
    *("__matmul__", "__rmatmul__", "__truediv__", "__rtruediv__", "__mod__", "__rmod__"),
    *("__floordiv__", "__rfloordiv__", "__lshift__", "__rlshift__", "__rshift__", "__rrshift__"),
    *("__and__", "__rand__", "__or__", "__ror__", "__xor__", "__rxor__"),
)
_NUMBERS = frozenset({int, float, complex, bool, str, type(None), *np.sctypeDict.values()})
_PLAIN = _NUMBERS | {ndarray}

# How an array of one element becomes a Python number, by the kind of its dtype.
_READERS = {"b": bool, "i": int, "u": int, "f": float, "c": complex}

MASKED = (
    "masked arrays and np.ma can't be used with Tensors, since a mask would be lost: fill the "
    "array, x.filled(0), or choose with np.where(mask, 0, t)"
)


def is_foreign(x: Any) -> bool:
    """Return whether `x` is an array of another library that speaks NumPy's protocols."""
    kind = type(x)
    return (
        kind not in _PLAIN
        and hasattr(kind, "__array_function__")
        and not issubclass(kind, ndarray | generic)
        and not hasattr(kind, "_record")  # a Tensor
    )


def as_array(data: Any) -> Any:
    """Return `data`, which is no Tensor, as an array; one of another library stays what it is.

    Raises:
        TypeError: `data` is, or holds, a masked array, a matrix or another subclass with
            arithmetic of its own.
        ValueError: its shape is not known.
    """
    if type(data) is ndarray:
        return data
    if isinstance(data, generic):
        return np.asarray(data)
    if is_foreign(data):
        return _of_known_shape(data)
    if _is_list(data):
        odd = [*unusual_parts(data)]
        check_kinds(odd)
        if (other := next(filter(is_foreign, odd), None)) is not None:
            return np.stack([_beside(other, part) for part in data])
    array = np.asanyarray(data)
    check_kind(array)
    return np.asarray(array)


def as_numpy(array: Any) -> Any:
    """Return `array` as a NumPy array, by whatever conversion its library offers.

    Raises:
        TypeError: it offers none.
    """
    if not is_foreign(array):
        return as_array(array)
    for way in (_got, _converted, _listed, _read):
        with suppress(TypeError, AttributeError):
            return np.array(way(array), array.dtype).reshape(array.shape)
    raise TypeError(f"a {name_of(array)} has no way to NumPy: convert it first")


def _got(array: Any) -> Any:
    return array.get()  # CuPy's only way


def _converted(array: Any) -> Any:
    return array.__array__()


def _listed(array: Any) -> Any:
    return array.tolist()


def _read(array: Any) -> Any:
    number = _READERS[array.dtype.kind]
    return [number(array[place]) for place in np.ndindex(array.shape)]


def like(array: Any, other: Any) -> Any:
    """Return a NumPy `array` as an array of the kind of `other`; any other one as it is."""
    if is_foreign(array) or not is_foreign(other):
        return array
    try:
        return np.asarray(array, like=other)
    except TypeError:  # it takes numbers and lists alone
        return np.asarray(array.tolist(), array.dtype, like=other)


def is_same(x: Any, y: Any) -> bool:
    """Return whether two arrays are equal, nan to nan; np.array_equal is not every library's."""
    if type(x) is ndarray and type(y) is ndarray:
        return np.array_equal(x, y, equal_nan=True)
    if x.shape != y.shape:
        return False
    return bool(np.all((x == y) | ((x != x) & (y != y))))  # noqa: PLR0124 - nan


def check_like(g: Any, array: Any) -> None:
    """Refuse NumPy's array `g` as the gradient of an `array` of another library.

    Raises:
        TypeError: it is one.
    """
    if type(array) is not ndarray and is_foreign(array) and isinstance(g, ndarray | generic):
        kind = name_of(array)
        raise TypeError(
            f"the gradient of a {kind} is a {kind}, found a NumPy array: convert it first, such "
            f"as np.asarray(g, like=array)"
        )


def name_of(x: Any) -> str:
    """Return the name of an array's class, with the library that it is from."""
    kind = type(x)
    return f"{kind.__module__.partition('.')[0]}.{kind.__name__}"


def _beside(other: Any, part: Any) -> Any:
    """Return `part` of a list that holds `other`: a number in its kind, an array as it is."""
    return part if isinstance(part, ndarray) else like(as_array(part), other)


def _of_known_shape(array: Any) -> Any:
    if any(n != n for n in array.shape):  # noqa: PLR0124 - nan
        raise ValueError(
            f"a Tensor has a known shape, found {array.shape} in a {name_of(array)}: call "
            f"its compute_chunk_sizes() first"
        )
    return array


def check_kind(x: Any) -> None:
    """Refuse a subclass of NumPy's array that has arithmetic of its own.

    Raises:
        TypeError: it is one.
    """
    kind = type(x)
    if kind is ndarray or not isinstance(x, ndarray):
        return
    if isinstance(x, np.ma.MaskedArray):
        raise TypeError(MASKED)
    if isinstance(x, np.matrix):
        raise TypeError(
            "an np.matrix can't be used with Tensors, since its * means the matrix product: pass "
            "np.asarray(x), and write @ for products"
        )
    if changed := _changed(kind):
        raise TypeError(
            f"a {kind.__name__} can't be used with Tensors, since its class changes what "
            f"{changed} means: pass np.asarray(x)"
        )


def check_kept(out: Any, operation: Any, args: Any) -> None:
    """Refuse a NumPy array as the result of a call with Tensors of another library's arrays.

    Where the other library lacks a function, it may compute everything and call NumPy's.

    Raises:
        TypeError: the kind was not kept.
    """
    given = _foreign_in(args)
    results = out if isinstance(out, tuple | list) else (out,)
    if given is not None and any(isinstance(y, ndarray | generic) for y in results):
        raise TypeError(
            f"{operation.name} turned a {name_of(given)} into a NumPy array, since its library "
            f"does not have that function: compute it with others, or convert first"
        )


def _foreign_in(args: Any) -> Any:
    """Return the first array of another library in the Tensors among `args`, None without one."""
    for x in args:
        if type(x) not in _PLAIN:
            array = _foreign_in(x) if type(x) in CONTAINERS else getattr(x, "_array", None)
            if type(array) is not ndarray and is_foreign(array):
                return array
    return None


def check_kinds(x: Any) -> None:
    """Refuse such a subclass, as `x` itself or at any depth of a list `x`."""
    for part in unusual_parts(x) if _is_list(x) else (x,):
        check_kind(part)


def _changed(kind: type) -> str | None:
    """Return the first operator or protocol that a subclass of NumPy's array defines anew."""
    changed = (name for name in _MEANINGS if getattr(kind, name) is not getattr(ndarray, name))
    return next(changed, None)


def _is_list(x: Any) -> bool:
    return isinstance(x, Sequence) and not isinstance(x, str | bytes | range)


def unusual_parts(x: Any) -> Iterator[Any]:
    """Yield the parts of the list `x`, at any depth, but numbers and NumPy's own arrays."""
    if _is_usual(x):
        return
    for part in x:
        if _is_list(part):
            yield from unusual_parts(part)
        elif type(part) not in _PLAIN:
            yield part


def _is_usual(x: Any) -> bool:
    """Return whether evenly nested lists hold only numbers and NumPy's own arrays; a fast test."""
    while not _PLAIN.issuperset(map(type, x)):
        if not CONTAINERS.issuperset(map(type, x)):
            return False
        x = [*chain.from_iterable(x)]
    return True
