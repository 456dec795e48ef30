"""The state of a Tensor: its array, its gradient, and the call that made it.

Assigning to `.data` moves the logical clock: no walk uses a value overwritten since its call.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from types import CodeType
from typing import Any

import numpy as np
from numpy import ndarray

from autograd_mini import guards, kinds
from autograd_mini.clock import mark_rebound, mark_written, tick, writes
from autograd_mini.exits import Exits, check_assigned, no_gradient
from autograd_mini.fitting import copied
from autograd_mini.methods import Methods
from autograd_mini.operation import CONTAINERS, PLAIN, Operation
from autograd_mini.origin import Origin, locate, warn


class Storage(Methods, Exits):
    """The state of a Tensor, and what can be read off it without recording anything."""

    __slots__ = (
        "__weakref__",
        "_args",  # None once the graph was released
        "_array",
        "_code",
        "_constant_until",  # set when requires_grad was turned on: earlier calls used a constant
        "_grad",
        "_graded",
        "_kwargs",
        "_needs",
        "_offset",
        "_operation",  # None in a leaf
        "_previous",  # set by item assignment: the Tensor as it was before
        "_returned_by",  # the module calls that did, see scopes.py
        "_tick",
        "_values",  # the bare arguments, of use if the call is a plain one
        "name",
    )
    _args: Any
    _code: CodeType
    _constant_until: int
    _array: Any
    _grad: Any
    _graded: int
    _kwargs: dict[str, Any] | None
    _needs: bool
    _offset: int
    _operation: Operation | None
    _previous: Any
    _returned_by: Any
    _tick: int
    _values: Any
    name: str | None

    @property
    def data(self) -> Any:
        """The bare array. Assigning to it is the sanctioned way to write, also `t.data -= x`.

        Writes through the array itself, `t.data[0] = x`, only `detect_anomaly` can see.
        """
        return guards.looked_at(self._array, self) if guards.live else self._array

    @data.setter
    def data(self, value: Any) -> None:
        if value is not self._array:
            check_assigned(value, "data")
            value = as_array(value)
            check_dtype(value.dtype, self._needs)
            self._check_replaceable(value)
            self._array = copied(value) if self._needs else value
        mark_written(self._array)

    def _check_replaceable(self, value: Any) -> None:
        guards.check_writable(self._array)
        if value.shape != self.shape:
            raise ValueError(
                f"the data of a Tensor keep their shape {self.shape}, found {value.shape}: "
                f"make a new Tensor"
            )
        if self._grad is not None and value.dtype != self.dtype:
            raise ValueError(
                f"can't replace data of dtype {self.dtype} by {value.dtype} while there is a "
                f"gradient of {self.dtype}: set .grad = None first"
            )

    @property
    def grad(self) -> Any:
        """The accumulated gradient: a bare array of the shape and dtype of `.data`, or None.

        A walk leaves it in leaves, and in results only with `retain_graph=True`.
        """
        if self._grad is None and self._operation is not None:
            warn(no_gradient(self))
        return self._grad

    @grad.setter
    def grad(self, value: Any) -> None:
        if guards.live:
            guards.check_writable(self._array)
        if value is None:
            self._grad = None
            return
        check_assigned(value, "grad")
        value = as_array(value)
        kinds.check_like(value, self._array)
        if value.shape != self.shape or value.dtype != self.dtype:
            raise ValueError(
                f"the gradient of a Tensor has its shape {self.shape} and dtype "
                f"{self.dtype}, found {value.shape} and {value.dtype}"
            )
        self._grad = value if value is self._grad else value.copy()
        self._graded = tick()

    @property
    def requires_grad(self) -> bool:
        """Whether a gradient is wanted, or flows through."""
        return self._needs

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        if not self.is_leaf:
            raise RuntimeError("only a leaf's requires_grad can be set; use .detach() on a result")
        check_dtype(self._array.dtype, value)
        if bool(value) != self._needs:
            guards.check_writable(self._array)
        if value and not self._needs:
            mark_rebound()
            self._constant_until = writes.turned_on = writes.last
            self._array = copied(self._array)
        self._needs = bool(value)

    @property
    def is_leaf(self) -> bool:
        """Whether this Tensor was made by hand, not by a recorded operation."""
        return self._operation is None

    @property
    def origin(self) -> Origin | None:
        """The line of the call that made this Tensor; None in a leaf."""
        return None if self._operation is None else locate(self._code, self._offset)

    @property
    def shape(self) -> tuple[int, ...]:
        """The length of each axis."""
        shape: tuple[int, ...] = self._array.shape
        return shape

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """The number of elements."""
        return math.prod(self.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the elements."""
        dtype: np.dtype[Any] = self._array.dtype
        return dtype

    @property
    def T(self: Any) -> Any:  # noqa: N802 - NumPy's name
        """The Tensor with its axes reversed."""
        return self._call(np.transpose)

    def _become(self, other: Storage) -> None:
        """Take over everything that `other` holds, but its name."""
        for slot in _CONTENT:
            if hasattr(other, slot):
                setattr(self, slot, getattr(other, slot))

    def __copy__(self) -> Any:
        """Return a new leaf for a leaf; a copy of a result is recorded."""
        if not self.is_leaf:
            return self.copy()
        rebuild, parts = self.__reduce__()
        return rebuild(*parts)

    def __reduce__(self) -> Any:
        if not self.is_leaf:
            raise RuntimeError(
                f"{self!r} is a result, which can't be pickled or deep-copied without what it was "
                f"computed from: use its .detach() or .data, or copy.copy(t), which is recorded"
            )
        return _rebuild, (type(self), self.data, self._needs, self._grad, self.name)


_CONTENT = tuple(slot for slot in Storage.__slots__ if slot not in ("__weakref__", "name"))


def bare(x: Any) -> Any:
    """Return `x` with bare arrays in the place of Tensors, also inside lists and tuples."""
    if isinstance(x, Storage):
        return x._array
    if type(x) in CONTAINERS:
        return type(x)(bare(part) for part in x)
    return x


def as_array(data: Any) -> Any:
    """Return `data` as an array; one of another library that speaks NumPy's protocols stays.

    Raises:
        TypeError: `data` is a Tensor that requires grad, or an array that `kinds` refuses.
    """
    if isinstance(data, Storage):
        return data._leave("a bare array")
    return kinds.as_array(data)


def needs_grad(x: Any) -> bool:
    """Return whether `x`, or something in the list `x`, is a Tensor that requires grad."""
    if type(x) in CONTAINERS:
        return any(map(needs_grad, x))
    return isinstance(x, Storage) and x._needs


def holds_tensor(x: Any) -> bool:
    """Return whether there is a Tensor in the list `x`."""
    return any(
        holds_tensor(part) if type(part) in CONTAINERS else isinstance(part, Storage) for part in x
    )


def kept(x: Any, is_array: bool) -> Any:
    """Return an argument in the form in which a call remembers it.

    A list that means an array is joined. Other lists, indices and masks are copied, since the
    caller may change them. What only looks like an array becomes one, since its own arithmetic
    would reach the rules.
    """
    if isinstance(x, Storage) or type(x) in PLAIN:
        return _own_index(x)
    if isinstance(x, Sequence) and not isinstance(x, str | bytes):
        parts = x if type(x) in CONTAINERS else [*x]
        if is_array:
            return _join(parts)
        kinds.check_kinds(parts)
        return _copied(parts)
    if isinstance(x, np.poly1d):
        raise TypeError("an np.poly1d would be taken for its coefficients: pass .coeffs")
    is_array_like = hasattr(type(x), "__array__") and not isinstance(x, np.generic)
    return _own_index(kinds.as_array(x)) if is_array_like else x


def _own_index(x: Any) -> Any:
    """Return an array that may be an index, a mask or a condition as a copy, others as they are."""
    return x.copy() if type(x) is ndarray and x.dtype.kind in "biu" else x


_INDICES = frozenset({int, slice, type(None), type(...), np.intp, bool})


def bare_index(index: Any) -> Any:
    """Return `index` with bare arrays in the place of Tensors, and arrays copied."""
    kind = type(index)
    if kind in _INDICES:
        return index
    if kind is tuple:
        return tuple(map(bare_index, index))
    kinds.check_kinds(index)
    guards.check_used(index)
    return _copied([bare(index)])[0]


def _copied(x: Any) -> Any:
    return type(x)(_copied(y) if type(y) in CONTAINERS else _own_index(y) for y in x)


def _join(x: Any) -> Any:
    """Return the array that a list of numbers means; one with Tensors in it is stacked."""
    parts = [_join(part) if type(part) in CONTAINERS else part for part in x]
    return np.stack(parts) if holds_tensor(parts) else kinds.as_array(parts)


def _rebuild(kind: Any, data: Any, requires_grad: bool, grad: Any, name: str | None) -> Any:
    result = kind(data, requires_grad, name=name)
    result.grad = grad
    return result


def check_dtype(dtype: Any, requires_grad: bool) -> None:
    """Refuse what is not a number, and gradients of what is not floating-point."""
    if dtype.kind not in "biufc":
        raise TypeError(f"a Tensor holds numbers, found dtype {dtype}: convert the data first")
    if requires_grad and dtype.kind not in "fc":
        raise TypeError(
            f"only floating-point and complex Tensors can require grad, found dtype {dtype}: "
            f"write Tensor(data, requires_grad=True, dtype=float)"
        )
