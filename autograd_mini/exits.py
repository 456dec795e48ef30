"""The ways out of the graph: a Tensor as a Python number, a bare array or text.

`.item()`, `.tolist()`, `.data`, `.detach()` and formatting are the explicit exits. Every other
conversion (`float`, `math.sqrt`, `z[0] = t`, `np.array([t])`) would silently lose the gradient, so
it raises while calls are recorded and the Tensor requires grad.
"""

from __future__ import annotations

import re
import sys
from sys import _getframe as frame_at
from typing import Any

import numpy as np

from autograd_mini.kinds import MASKED, as_numpy, is_foreign, name_of
from autograd_mini.modes import is_recording
from autograd_mini.origin import expression_at, frame_outside, is_of_library, locate

# What keeps the gradient, by the name of what was called; functions of math have NumPy's twins.
_INSTEAD = {
    "np.full": "x * np.ones(3) for np.full(3, x)",
    "np.r_": "np.concatenate for np.r_",
    "np.c_": "np.column_stack for np.c_",
    "np.vectorize": "arithmetic on arrays for np.vectorize",
    "int": "int(np.trunc(x)), which is flat, for int(x)",
    "math.fsum": "np.sum for math.fsum",
    "statistics.fmean": "np.mean for statistics.fmean",
}


class GradientLostError(TypeError):
    """A conversion that would lose a gradient."""


class Exits:
    """The ways out of a Tensor."""

    __slots__ = ()
    _array: Any
    data: Any
    _needs: bool
    _operation: Any
    name: str | None

    def item(self) -> Any:
        """Return the only element as a Python number, which no gradient flows through."""
        return as_numpy(self.data).item()

    def tolist(self) -> Any:
        """Return the elements as nested lists of Python numbers, without their gradients."""
        return as_numpy(self.data).tolist()

    def _leave(self, kind: str) -> Any:
        """Return the bare array for a conversion to `kind`, or refuse to lose a gradient."""
        if self._needs and is_recording():
            raise GradientLostError(_lost(self, kind))
        return self.data

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        is_masked = frame_at(1).f_globals.get("__name__", "").startswith("numpy.ma.")
        if is_masked and self._needs and is_recording():
            raise TypeError(f"{MASKED}; where the numbers are only looked at, pass t.data")
        array = self._leave("a bare array")
        if is_foreign(array) and not hasattr(type(array), "__array__"):
            raise TypeError(f"NumPy can't take a {name_of(array)}: it is in .data")
        return np.array(array, dtype=dtype, copy=copy)

    def __array_namespace__(self, *, api_version: str | None = None) -> Any:
        """Return NumPy, whose functions take Tensors, as the asking library knows it.

        SciPy and others ask through a copy of array-api-compat of their own, and take a Tensor
        beside arrays only if both are of that copy's NumPy.
        """
        package = str(frame_at(1).f_globals.get("__name__")).rpartition(".common.")[0]
        return sys.modules.get(f"{package}.numpy", np)

    def __float__(self) -> float:
        return float(self._leave("a float"))

    def __int__(self) -> int:
        return int(self._leave("an int"))

    def __complex__(self) -> complex:
        return complex(self._leave("a complex number"))

    def __index__(self) -> int:
        return int(self._leave("an index").__index__())

    def __round__(self, digits: int | None = None) -> Any:
        """Return an int for a single number without `digits`, as of a float; else np.round."""
        if digits is None and not self._array.ndim:
            return round(self.item())
        return np.round(self, digits or 0)

    def __bool__(self) -> bool:
        return bool(self.data)

    def __contains__(self, value: Any) -> bool:
        return bool(np.any(self == value))

    def __len__(self) -> int:
        if not self._array.ndim:
            raise TypeError(
                "a Tensor of shape () has no length and no parts: use .item() for its number, and "
                "hand its array, t.data, to a library that would take it apart"
            )
        return len(self._array)

    def __repr__(self) -> str:
        text = [repr(self._array) if is_foreign(self._array) else _shown(self._array)]
        if self._array.dtype not in (np.float64, np.int64, np.bool_):
            text.append(f"dtype={self._array.dtype}")
        if self._operation is not None:
            text.append(f"made by {self._operation.name}")
        elif self._needs:
            text.append("requires_grad=True")
        if self.name is not None:
            text.append(f"name={self.name!r}")
        return f"Tensor({', '.join(text)})"

    def __str__(self) -> str:
        """Return a single number as NumPy writes it, anything else as the repr."""
        return repr(self) if self._array.ndim else str(self._array)

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if spec else str(self)


def _lost(x: Any, kind: str) -> str:
    """Say which expression asked for a number, of which Tensor, and what to write instead."""
    frame = frame_outside()
    asked = expression_at(frame.f_code, frame.f_lasti) or f"a conversion to {kind}"
    return (
        f"{asked} ({locate(frame.f_code, frame.f_lasti)}) takes {kind} out of {_described(x)}, "
        f"which requires grad, so its gradient would be lost: write .item(), .data or .detach() "
        f"where the number is only looked at; to keep the gradient, write {_instead(asked)}, join "
        f"Tensors with autograd_mini.array, np.stack, np.concatenate or np.where, assign into a "
        f"Tensor, z = Tensor(np.zeros(3)), or make the call a primitive (see docs/numpy-code.md)"
    )


def check_assigned(value: Any, attribute: str) -> None:
    """Refuse a Tensor whose gradient would be lost in the `attribute` of another one."""
    if isinstance(value, Exits) and value._needs and is_recording():
        raise GradientLostError(
            f"p.{attribute} = t takes the numbers of {_described(value)}, which requires grad, so "
            f"its gradient would be lost: write t.data or t.detach() for the numbers alone; to "
            f"compute with t in the place of a parameter, nn.functional_call(model, {{name: t}}, x)"
        )


def _instead(asked: str) -> str:
    """Return what to write for a call that takes numbers, with an example if it has no twin."""
    for name in re.findall(r"[\w.]+(?=[(\[])", asked):
        module, _, function = name.rpartition(".")
        if module in ("math", "cmath") and hasattr(np, function):
            return f"np.{function} for {name}"
        if name in _INSTEAD:
            return _INSTEAD[name]
    return "np.sqrt for math.sqrt"


def _described(x: Any) -> str:
    """Return name, or shape, of a Tensor, and the line that made it."""
    what = f"Tensor {x.name!r}" if x.name else f"the Tensor of shape {x.shape}"
    maker = f"{x._operation.name}, " if x._operation is not None else ""
    if is_of_library(x._code):
        return what
    return f"{what} made by {maker}{locate(x._code, x._offset)}"


def _shown(array: Any) -> str:
    return np.array2string(np.asarray(array), separator=", ", prefix="Tensor(")


def no_gradient(result: Any) -> str:
    """Say why the `.grad` of a result is None, and what to write instead."""
    return (
        f"the .grad of a result is None, here of {result._operation.name} ({result.origin}): "
        f"backward() leaves gradients in leaves, Tensors made with requires_grad=True; update a "
        f"leaf in place, w.data -= 0.1 * w.grad, and to look at a result's gradient call "
        f"backward(retain_graph=True), gradients(cost, [result]) or hook"
    )
