"""The array methods of a Tensor: NumPy's names, NumPy's arguments, one line each.

`x.sum(axis=0)` is `np.sum(x, axis=0)`, with a type that a checker understands.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numpy.typing import DTypeLike

from autograd_mini.primitive import TABLE
from autograd_mini.rules.activations import softmax
from autograd_mini.rules.shaping import cast
from autograd_mini.words import INSTEAD, Missing

T = TypeVar("T", bound="Methods")
Axis = int | tuple[int, ...] | None


class Methods:
    """What a Tensor can do because an array can."""

    __slots__ = ()

    def _call(self: T, function: Callable[..., Any], *args: Any, **kwargs: Any) -> T:
        """Record `function(self, *args, **kwargs)`."""
        raise NotImplementedError

    def sum(
        self: T,
        axis: Axis = None,
        dtype: Any = None,
        out: Any = None,
        keepdims: bool = False,
        **others: Any,
    ) -> T:
        """Return the sum over `axis`, or over everything."""
        given = _given(others, axis=axis, dtype=dtype, out=out, keepdims=keepdims or None)
        return self._call(np.sum, **given)

    def mean(
        self: T,
        axis: Axis = None,
        dtype: Any = None,
        out: Any = None,
        keepdims: bool = False,
        **others: Any,
    ) -> T:
        """Return the mean over `axis`, or over everything."""
        given = _given(others, axis=axis, dtype=dtype, out=out, keepdims=keepdims or None)
        return self._call(np.mean, **given)

    def prod(
        self: T,
        axis: Axis = None,
        dtype: Any = None,
        out: Any = None,
        keepdims: bool = False,
        **others: Any,
    ) -> T:
        """Return the product over `axis`, or over everything."""
        given = _given(others, axis=axis, dtype=dtype, out=out, keepdims=keepdims or None)
        return self._call(np.prod, **given)

    def max(
        self: T, axis: Axis = None, out: Any = None, keepdims: bool = False, **others: Any
    ) -> T:
        """Return the maximum over `axis`; tied elements share its gradient equally."""
        given = _given(others, axis=axis, out=out, keepdims=keepdims or None)
        return self._call(np.max, **given)

    def min(
        self: T, axis: Axis = None, out: Any = None, keepdims: bool = False, **others: Any
    ) -> T:
        """Return the minimum over `axis`; tied elements share its gradient equally."""
        given = _given(others, axis=axis, out=out, keepdims=keepdims or None)
        return self._call(np.min, **given)

    def all(
        self: T, axis: Axis = None, out: Any = None, keepdims: bool = False, **others: Any
    ) -> T:
        """Return whether all elements along `axis` are true."""
        given = _given(others, axis=axis, out=out, keepdims=keepdims or None)
        return self._call(np.all, **given)

    def any(
        self: T, axis: Axis = None, out: Any = None, keepdims: bool = False, **others: Any
    ) -> T:
        """Return whether any element along `axis` is true."""
        given = _given(others, axis=axis, out=out, keepdims=keepdims or None)
        return self._call(np.any, **given)

    def argmax(
        self: T, axis: int | None = None, out: Any = None, keepdims: bool = False, **others: Any
    ) -> T:
        """Return the index of the maximum along `axis`; it needs no gradient."""
        given = _given(others, axis=axis, out=out, keepdims=keepdims or None)
        return self._call(np.argmax, **given)

    def argmin(
        self: T, axis: int | None = None, out: Any = None, keepdims: bool = False, **others: Any
    ) -> T:
        """Return the index of the minimum along `axis`; it needs no gradient."""
        given = _given(others, axis=axis, out=out, keepdims=keepdims or None)
        return self._call(np.argmin, **given)

    def var(
        self: T,
        axis: Axis = None,
        dtype: Any = None,
        out: Any = None,
        ddof: float = 0,
        keepdims: bool = False,
        **others: Any,
    ) -> T:
        """Return the variance over `axis`, divided by n - `ddof`."""
        given = _given(others, axis=axis, dtype=dtype, out=out, keepdims=keepdims or None)
        return self._call(np.var, **given, **({"ddof": ddof} if ddof else {}))

    def std(
        self: T,
        axis: Axis = None,
        dtype: Any = None,
        out: Any = None,
        ddof: float = 0,
        keepdims: bool = False,
        **others: Any,
    ) -> T:
        """Return the standard deviation over `axis`, divided by n - `ddof`."""
        given = _given(others, axis=axis, dtype=dtype, out=out, keepdims=keepdims or None)
        return self._call(np.std, **given, **({"ddof": ddof} if ddof else {}))

    def cumsum(
        self: T, axis: int | None = None, dtype: Any = None, out: Any = None, **others: Any
    ) -> T:
        """Return the running sum along `axis`, or of all elements in a row."""
        return self._call(np.cumsum, **_given(others, axis=axis, dtype=dtype, out=out))

    def cumprod(
        self: T, axis: int | None = None, dtype: Any = None, out: Any = None, **others: Any
    ) -> T:
        """Return the running product along `axis`, or of all elements in a row."""
        return self._call(np.cumprod, **_given(others, axis=axis, dtype=dtype, out=out))

    def argsort(self: T, axis: int | None = -1, kind: Any = None, **others: Any) -> T:
        """Return the indices that sort along `axis`; they need no gradient."""
        return self._call(np.argsort, axis=axis, **_given(others, kind=kind))

    def argpartition(self: T, kth: Any, axis: int | None = -1, **others: Any) -> T:
        """Return the indices that partition along `axis`; they need no gradient."""
        return self._call(np.argpartition, kth, axis=axis, **others)

    def searchsorted(self: T, v: Any, side: Any = "left", sorter: Any = None) -> T:
        """Return where `v` would be inserted in order; it needs no gradient."""
        return self._call(np.searchsorted, v, side=side, sorter=sorter)

    def nonzero(self: T) -> tuple[T, ...]:
        """Return the indices of the elements that are not zero, one Tensor for each axis."""
        indices: Any = self._call(np.nonzero)
        return tuple(indices)

    def reshape(self: T, *shape: int | tuple[int, ...], **others: Any) -> T:
        """Return the same elements in another `shape`; one length may be -1."""
        if "shape" in others:
            return self._call(np.reshape, **others)
        return self._call(np.reshape, _one_or_all(shape), **others)

    def ravel(self: T, order: Any = "C") -> T:
        """Return the elements in one row."""
        return self._call(np.ravel, **({} if order == "C" else {"order": order}))

    def flatten(self: T, order: Any = "C") -> T:
        """Return the elements in one row, in memory of their own."""
        return self.ravel(order).copy()

    def transpose(self: T, *axes: int | tuple[int, ...] | None, **others: Any) -> T:
        """Return the Tensor with its axes permuted, reversed if none are given."""
        return self._call(np.transpose, _one_or_all(axes) or None, **others)

    def swapaxes(self: T, axis1: int, axis2: int) -> T:
        """Return the Tensor with two axes exchanged."""
        return self._call(np.swapaxes, axis1, axis2)

    def squeeze(self: T, axis: Axis = None, **others: Any) -> T:
        """Return the Tensor without its axes of length one, or without `axis`."""
        return self._call(np.squeeze, **_given(others, axis=axis))

    def diagonal(self: T, offset: int = 0, axis1: int = 0, axis2: int = 1, **others: Any) -> T:
        """Return the diagonal of the matrices over two axes."""
        return self._call(np.diagonal, offset, axis1, axis2, **others)

    def trace(
        self: T, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None, **others: Any
    ) -> T:
        """Return the sum of the diagonal."""
        return self._call(np.trace, offset, axis1, axis2, **_given(others, dtype=dtype))

    def repeat(self: T, repeats: Any, axis: int | None = None, **others: Any) -> T:
        """Return every element `repeats` times in a row."""
        return self._call(np.repeat, repeats, **_given(others, axis=axis))

    def take(
        self: T, indices: Any, axis: int | None = None, out: Any = None, mode: Any = "raise"
    ) -> T:
        """Return the elements at `indices` along `axis`."""
        others = {} if mode == "raise" else {"mode": mode}
        return self._call(np.take, indices, **_given(others, axis=axis, out=out))

    def compress(self: T, condition: Any, axis: int | None = None, out: Any = None) -> T:
        """Return the slices along `axis` where `condition` holds."""
        chosen: Any = np.compress(condition, self, axis=axis, **_given({}, out=out))  # type: ignore[call-overload]
        return chosen  # type: ignore[no-any-return]

    def choose(self: T, choices: Any, out: Any = None, mode: Any = "raise") -> T:
        """Return for each element, an index, the element there of that one of `choices`."""
        return self._call(np.choose, choices, **_given({"mode": mode}, out=out))

    def dot(self: T, other: Any, out: Any = None) -> T:
        """Return the product with `other`, as `np.dot` does it."""
        return self._call(np.dot, other, **_given({}, out=out))

    def clip(self: T, min: Any = None, max: Any = None, out: Any = None, **others: Any) -> T:
        """Return the elements limited to the interval from `min` to `max`."""
        return self._call(np.clip, min, max, **_given(others, out=out))

    def round(self: T, decimals: int = 0, out: Any = None, **others: Any) -> T:
        """Return the elements rounded; the result needs no gradient."""
        return self._call(np.round, decimals, **_given(others, out=out))

    @property
    def real(self: T) -> T:
        """The real part."""
        return self._call(np.real)

    @property
    def imag(self: T) -> T:
        """The imaginary part."""
        return self._call(np.imag)

    def conj(self: T) -> T:
        """Return the complex conjugate."""
        return self._call(np.conjugate)

    conjugate = conj

    @property
    def mT(self: T) -> T:  # noqa: N802 - NumPy's name
        """The Tensor with its last two axes exchanged."""
        return self._call(np.matrix_transpose)

    @property
    def itemsize(self: Any) -> int:
        """The bytes of one element."""
        return int(self.dtype.itemsize)

    @property
    def nbytes(self: Any) -> int:
        """The bytes of all elements."""
        return int(self.size * self.itemsize)

    def copy(self: T, order: Any = "C") -> T:
        """Return a copy in memory of its own, through which gradients flow."""
        return self._call(np.copy, **({} if order == "C" else {"order": order}))

    def astype(self: T, dtype: DTypeLike, *, copy: bool = True, **others: Any) -> T:
        """Return the elements as `dtype`; gradients are cast back."""
        itself: Any = self
        wanted = np.dtype(dtype)
        is_same = not (copy or others) and itself.dtype == wanted
        return self if is_same else self._call(cast, wanted, **others)

    def softmax(self: T, axis: int = -1, **others: Any) -> T:
        """Return exp(x) / sum(exp(x)) along `axis`: positive shares that add up to 1."""
        return self._call(softmax, axis=axis, **others)

    def __dir__(self) -> list[str]:
        return [name for name in object.__dir__(self) if hasattr(type(self), name)]


for _name, _way in INSTEAD.items():
    setattr(Methods, _name, Missing(_name, _way))
for _function in TABLE:
    _name = getattr(_function, "__name__", "")
    if getattr(np, _name, None) is _function and not hasattr(Methods, _name):
        setattr(Methods, _name, Missing(_name, INSTEAD.get(_name, f"np.{_name}(t, ...)")))


def _one_or_all(lengths: tuple[Any, ...]) -> Any:
    """Return what was given as f(2, 3), f(2) or f((2, 3)); a tuple is what other libraries take."""
    is_number = isinstance(lengths[0] if lengths else 0, int | np.integer)
    return lengths if is_number or len(lengths) != 1 else lengths[0]


def _given(others: dict[str, Any], **named: Any) -> dict[str, Any]:
    """Return the keywords to pass on: few, since a call without them is recorded quickly."""
    return others | {name: x for name, x in named.items() if x is not None}
