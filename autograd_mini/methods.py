"""The array methods of a Tensor: NumPy's names, NumPy's arguments, one line each.

`x.sum(axis=0)` is `np.sum(x, axis=0)`, with a type that a checker understands.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from sys import _getframe as frame_at
from typing import Any, TypeVar

import numpy as np
from numpy.typing import DTypeLike

from autograd_mini.rules.activations import softmax
from autograd_mini.rules.shaping import cast

T = TypeVar("T", bound="Methods")
Axis = int | tuple[int, ...] | None


class Methods:
    """What a Tensor can do because an array can."""

    __slots__ = ()

    def _call(self: T, function: Callable[..., Any], *args: Any, **kwargs: Any) -> T:
        """Record `function(self, *args, **kwargs)`."""
        raise NotImplementedError

    def __array_namespace__(self, *, api_version: str | None = None) -> Any:
        """Return NumPy, whose functions take Tensors, as the asking library knows it.

        SciPy and others ask through a copy of array-api-compat of their own, and take a Tensor
        beside arrays only if both are of that copy's NumPy.
        """
        package = str(frame_at(1).f_globals.get("__name__")).rpartition(".common.")[0]
        return sys.modules.get(f"{package}.numpy", np)

    def sum(self: T, axis: Axis = None, keepdims: bool = False) -> T:
        """Return the sum over `axis`, or over everything."""
        return self._call(np.sum, axis=axis, keepdims=keepdims)

    def mean(self: T, axis: Axis = None, keepdims: bool = False) -> T:
        """Return the mean over `axis`, or over everything."""
        return self._call(np.mean, axis=axis, keepdims=keepdims)

    def prod(self: T, axis: Axis = None, keepdims: bool = False) -> T:
        """Return the product over `axis`, or over everything."""
        return self._call(np.prod, axis=axis, keepdims=keepdims)

    def max(self: T, axis: Axis = None, keepdims: bool = False) -> T:
        """Return the maximum over `axis`; tied elements share its gradient equally."""
        return self._call(np.max, axis=axis, keepdims=keepdims)

    def min(self: T, axis: Axis = None, keepdims: bool = False) -> T:
        """Return the minimum over `axis`; tied elements share its gradient equally."""
        return self._call(np.min, axis=axis, keepdims=keepdims)

    def var(self: T, axis: Axis = None, ddof: float = 0, keepdims: bool = False) -> T:
        """Return the variance over `axis`, divided by n - `ddof`."""
        return self._call(np.var, axis=axis, ddof=ddof, keepdims=keepdims)

    def std(self: T, axis: Axis = None, ddof: float = 0, keepdims: bool = False) -> T:
        """Return the standard deviation over `axis`, divided by n - `ddof`."""
        return self._call(np.std, axis=axis, ddof=ddof, keepdims=keepdims)

    def cumsum(self: T, axis: int | None = None) -> T:
        """Return the running sum along `axis`, or of all elements in a row."""
        return self._call(np.cumsum, axis=axis)

    def argmax(self: T, axis: int | None = None, keepdims: bool = False) -> T:
        """Return the index of the maximum along `axis`; it needs no gradient."""
        return self._call(np.argmax, axis=axis, keepdims=keepdims)

    def argmin(self: T, axis: int | None = None, keepdims: bool = False) -> T:
        """Return the index of the minimum along `axis`; it needs no gradient."""
        return self._call(np.argmin, axis=axis, keepdims=keepdims)

    def all(self: T, axis: Axis = None, keepdims: bool = False) -> T:
        """Return whether all elements along `axis` are true."""
        return self._call(np.all, axis=axis, keepdims=keepdims)

    def any(self: T, axis: Axis = None, keepdims: bool = False) -> T:
        """Return whether any element along `axis` is true."""
        return self._call(np.any, axis=axis, keepdims=keepdims)

    def reshape(self: T, *shape: int | tuple[int, ...]) -> T:
        """Return the same elements in another `shape`; one length may be -1."""
        return self._call(np.reshape, _one_or_all(shape))

    def ravel(self: T) -> T:
        """Return the elements in one row."""
        return self._call(np.ravel)

    def flatten(self: T) -> T:
        """Return the elements in one row, in memory of their own."""
        return self.ravel().copy()

    def transpose(self: T, *axes: int | tuple[int, ...]) -> T:
        """Return the Tensor with its axes permuted, reversed if none are given."""
        return self._call(np.transpose, _one_or_all(axes) or None)

    def swapaxes(self: T, axis1: int, axis2: int) -> T:
        """Return the Tensor with two axes exchanged."""
        return self._call(np.swapaxes, axis1, axis2)

    def squeeze(self: T, axis: Axis = None) -> T:
        """Return the Tensor without its axes of length one, or without `axis`."""
        return self._call(np.squeeze, axis=axis)

    def diagonal(self: T, offset: int = 0, axis1: int = 0, axis2: int = 1) -> T:
        """Return the diagonal of the matrices over two axes."""
        return self._call(np.diagonal, offset, axis1, axis2)

    def trace(self: T, offset: int = 0, axis1: int = 0, axis2: int = 1) -> T:
        """Return the sum of the diagonal."""
        return self._call(np.trace, offset, axis1, axis2)

    def repeat(self: T, repeats: Any, axis: int | None = None) -> T:
        """Return every element `repeats` times in a row."""
        return self._call(np.repeat, repeats, axis=axis)

    def take(self: T, indices: Any, axis: int | None = None) -> T:
        """Return the elements at `indices` along `axis`."""
        return self._call(np.take, indices, axis=axis)

    def dot(self: T, other: Any) -> T:
        """Return the product with `other`, as `np.dot` does it."""
        return self._call(np.dot, other)

    def clip(self: T, min: Any = None, max: Any = None) -> T:
        """Return the elements limited to the interval from `min` to `max`."""
        return self._call(np.clip, min, max)

    def round(self: T, decimals: int = 0) -> T:
        """Return the elements rounded; the result needs no gradient."""
        return self._call(np.round, decimals)

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

    def copy(self: T) -> T:
        """Return a copy in memory of its own, through which gradients flow."""
        return self._call(np.copy)

    def astype(self: T, dtype: DTypeLike) -> T:
        """Return the elements as `dtype`; gradients are cast back."""
        return self._call(cast, np.dtype(dtype))

    def softmax(self: T, axis: int = -1) -> T:
        """Return exp(x) / sum(exp(x)) along `axis`: positive shares that add up to 1."""
        return self._call(softmax, axis=axis)


def _one_or_all(lengths: tuple[Any, ...]) -> Any:
    """Return what was given as f(2, 3), f(2) or f((2, 3)); a tuple is what other libraries take."""
    is_number = isinstance(lengths[0] if lengths else 0, int | np.integer)
    return lengths if is_number or len(lengths) != 1 else lengths[0]
