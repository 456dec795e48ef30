"""Writing into a Tensor: `t += x`, `t[i] = v`.

In a recorded computation a value that was used must stay what it was. So `t += x` makes a new
Tensor, and `t[i] = v` gives `t` a new value and keeps the old one as a Tensor of its own, for the
calls that used it. Under `no_grad` both write into the memory and move the clock. (A Tensor that
was assigned from its own value refers to itself, until a walk releases its graph.)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from autograd_mini.clock import mark_rebound, mark_written
from autograd_mini.guards import check_used, check_writable, live
from autograd_mini.modes import is_recording, is_watching
from autograd_mini.rules.indexing import setitem
from autograd_mini.storage import Storage, bare, bare_index, kept, needs_grad

T = TypeVar("T", bound="Writable")


def _in_place(function: Any) -> Callable[[T, Any], T]:
    def method(self: T, other: Any) -> T:
        """Return a new Tensor while recording; write into this one under `no_grad`."""
        if is_recording():
            self._check_no_leaf(f"np.{function.__name__} in place")
            return _in_form_of(self, self._call(function, other))
        if is_watching():
            self._call(function, other)  # looks at the result, before anything is overwritten
        _check(self, other)
        function(self._array, _taken(other), out=self._array)
        mark_written(self._array)
        return self

    return method


def _in_form_of(t: T, result: T) -> T:
    """Return `result` in the dtype of `t`, if NumPy would write it there."""
    if result.shape != t.shape or not np.can_cast(result.dtype, t.dtype, "same_kind"):
        raise ValueError(
            f"{result.dtype} of shape {result.shape} can't be written into a Tensor of {t.dtype} "
            f"and shape {t.shape}: write t = t + x for t += x"
        )
    return result if result.dtype == t.dtype else result.astype(t.dtype)


def _taken(x: Any) -> Any:
    """Return an operand as a call that is not recorded takes it: a bare array or number."""
    return bare(kept(x, is_array=True))


def _check(target: Storage, value: Any) -> None:
    if live:
        check_used(target, value)
        check_writable(target._array)


class Writable(Storage):
    """A Tensor seen as something to write into."""

    __slots__ = ()

    __iadd__ = _in_place(np.add)
    __isub__ = _in_place(np.subtract)
    __imul__ = _in_place(np.multiply)
    __imatmul__ = _in_place(np.matmul)
    __itruediv__ = _in_place(np.divide)
    __ifloordiv__ = _in_place(np.floor_divide)
    __imod__ = _in_place(np.remainder)
    __ipow__ = _in_place(np.power)

    def __setitem__(self, index: Any, value: Any) -> None:
        index = bare_index(index)
        _check(self, value)
        if not is_recording() or not (self._needs or needs_grad(value)):
            self._array[index] = _taken(value)
            mark_written(self._array)
            return
        self._check_no_leaf("item assignment")
        if self.dtype.kind not in "fc":
            raise TypeError(
                f"item assignment to dtype {self.dtype} would lose the gradient of the value: "
                f"convert first, t = t.astype(float)"
            )
        if getattr(self._array, "base", None) is not None:
            raise RuntimeError(
                "item assignment to a view would not reach the Tensor it is a view of: assign "
                "with one index, t[i, j] = v, or to a .copy()"
            )
        before = type(self).__new__(type(self))
        before._become(self)
        before.name = None
        self._become(before._call(setitem, index, before if value is self else value))
        self._previous = before
        mark_rebound()

    def _check_no_leaf(self, what: str) -> None:
        if self._needs and self.is_leaf:
            name = f"Tensor {self.name!r}" if self.name else "a leaf"
            raise RuntimeError(
                f"{what} would overwrite {name} of shape {self.shape}, which requires grad: to "
                f"compute with it, write x = x + y for x += y, or assign to a .copy(); to change "
                f"the leaf itself, as an optimizer does, do it under no_grad()"
            )
