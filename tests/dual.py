"""A forward engine of dual numbers: an oracle that shares no line and no formula with the library.

A dual number is a + b e with e * e = 0, so f(a + b e) = f(a) + f'(a) b e: carrying b beside a
through a program gives the derivative along b, with no graph and no walk. The slopes below were
written down from the formulas of calculus. Duals of duals give second derivatives: each call of
`jvp` has a level of its own, and numbers of a lower level are constants to it.

Source: Clifford, Preliminary sketch of biquaternions (1871); Siskind & Pearlmutter, Perturbation
confusion and referential transparency (2005).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

_next_level = itertools.count(1).__next__

# d f / d x of the elementwise functions.
SLOPES: dict[Any, tuple[Callable[..., Any], ...]] = {
    np.positive: (lambda x: 1.0,),
    np.negative: (lambda x: -1.0,),
    np.add: (lambda x, y: 1.0, lambda x, y: 1.0),
    np.subtract: (lambda x, y: 1.0, lambda x, y: -1.0),
    np.multiply: (lambda x, y: y, lambda x, y: x),
    np.divide: (lambda x, y: 1.0 / y, lambda x, y: -x / (y * y)),
    np.power: (lambda x, n: n * x ** (n - 1), lambda x, n: x**n * np.log(x)),
    np.square: (lambda x: x + x,),
    np.sqrt: (lambda x: 0.5 / np.sqrt(x),),
    np.exp: (np.exp,),
    np.log: (lambda x: 1.0 / x,),
    np.sin: (np.cos,),
    np.cos: (lambda x: -np.sin(x),),
    np.tanh: (lambda x: 1.0 / np.cosh(x) ** 2,),
    np.cosh: (np.sinh,),
    np.sinh: (np.cosh,),
    np.arctan: (lambda x: 1.0 / (1.0 + x * x),),
    np.absolute: (np.sign,),
    np.maximum: (lambda x, y: 1.0 * (x > y), lambda x, y: 1.0 * (x < y)),
    np.minimum: (lambda x, y: 1.0 * (x < y), lambda x, y: 1.0 * (x > y)),
}
STRAIGHT = frozenset({np.positive, np.negative, np.add, np.subtract})
LINEAR = frozenset(
    {
        *(np.sum, np.mean, np.cumsum, np.reshape, np.ravel, np.transpose, np.copy, np.flip),
        *(np.broadcast_to, np.concatenate, np.stack, np.expand_dims, np.swapaxes, np.array_split),
    }
)


class Dual(np.lib.mixins.NDArrayOperatorsMixin):
    """An array `value`, and how fast it changes, `tangent`, at a `level` of nesting."""

    is_scale = False

    def __init__(self, value: Any, tangent: Any, level: int) -> None:
        self.value, self.tangent, self.level = value, tangent, level

    @property
    def shape(self) -> tuple[int, ...]:
        """The length of each axis."""
        shape: tuple[int, ...] = self.value.shape
        return shape

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if method != "__call__" or kwargs:
            return NotImplemented
        level = level_of(inputs)
        values = at(inputs, level, "value")
        if ufunc in (np.sign, np.greater, np.less):
            return ufunc(*values)
        changes = [x.tangent if is_at(x, level) else None for x in inputs]
        out = ufunc(*values)
        tangent: Any = 0.0
        for i, change in enumerate(changes):
            if change is not None and ufunc is np.matmul:
                factors = [self.slope(ufunc, x) for x in values]
                factors[i] = change
                tangent = tangent + np.matmul(*factors)
            elif change is not None:
                tangent = tangent + self.slope(ufunc, SLOPES[ufunc][i](*values)) * change
        return type(self)(out, tangent + 0.0 * out, level)  # in the shape of `out`

    def slope(self, ufunc: Any, x: Any) -> Any:
        """Return what a change is multiplied with, given the slope `x` of `ufunc`."""
        return np.abs(x) + (ufunc not in STRAIGHT) if self.is_scale else x

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if function not in LINEAR:
            raise NotImplementedError(f"{function.__name__} is unknown to the dual numbers")
        level = level_of(args)
        outs = function(*at(args, level, "value"), **kwargs)
        changes = function(*at(args, level, "tangent"), **kwargs)
        if isinstance(outs, list):
            pairs = zip(outs, changes, strict=True)
            return [type(self)(out, change, level) for out, change in pairs]
        return type(self)(outs, changes, level)

    def __getitem__(self, index: Any) -> Dual:
        return type(self)(self.value[index], self.tangent[index], self.level)


class Scale(Dual):
    """A number whose tangent is the scale of its rounding errors, not its derivative.

    Every path counts with its absolute value, so nothing cancels; and a slope counts as 1 more than
    it is, since it may be a difference of larger numbers.
    """

    is_scale = True


def level_of(args: Any) -> int:
    """Return the highest level in `args`, also in lists."""
    levels = [0]
    for x in args:
        if isinstance(x, list | tuple):
            levels.append(level_of(x))
        elif isinstance(x, Dual):
            levels.append(x.level)
    return max(levels)


def is_at(x: Any, level: int) -> bool:
    """Return whether `x` is a dual number of this level; those below are constants to it."""
    return isinstance(x, Dual) and x.level == level


def at(args: Sequence[Any], level: int, part: str) -> tuple[Any, ...]:
    """Return `args` with one part, "value" or "tangent", of every dual number of `level`.

    In a list of arrays, one that is constant has the tangent 0.
    """

    def one(x: Any, is_array: bool) -> Any:
        if isinstance(x, list | tuple):
            is_list_of_arrays = level_of(x) == level
            return type(x)(one(y, is_list_of_arrays) for y in x)
        if is_at(x, level):
            return getattr(x, part)
        return 0.0 * x if is_array and part == "tangent" else x

    return tuple(one(x, is_array=False) for x in args)


def with_item(x: Any, index: Any, value: Any) -> Any:
    """Return a copy of `x` with x[index] = value, for arrays and dual numbers."""
    level = level_of((x, value))
    if not level:
        out = np.array(x, np.result_type(x, value) if np.iscomplexobj(value) else x.dtype)
        out[index] = value
        return out
    value_of, change_of = at((x, value), level, "value"), at([[x, value]], level, "tangent")[0]
    return Dual(
        with_item(value_of[0], index, value_of[1]),
        with_item(change_of[0], index, change_of[1]),
        level,
    )


def jvp(f: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    """Return f(*primals) and its derivative along `tangents`; nests."""
    level = _next_level()
    out = f(*(Dual(x, t, level) for x, t in zip(primals, tangents, strict=True)))
    return (out.value, out.tangent) if is_at(out, level) else (out, 0.0 * out)


def scales(f: Callable[..., Any], primals: Sequence[Any], g: Any) -> list[Any]:
    """Return, for every element of the gradient of sum(g * f), the scale of its rounding errors."""
    found = [np.zeros(x.shape) for x in primals]
    for k, x in enumerate(primals):
        for place in np.ndindex(x.shape):
            tangents = [np.zeros(y.shape) for y in primals]
            tangents[k][place] = 1.0
            out = f(*(Scale(y, t, 1) for y, t in zip(primals, tangents, strict=True)))
            found[k][place] = np.sum(np.abs(g) * out.tangent) if isinstance(out, Scale) else 0.0
    return found


def gradient(f: Callable[..., Any], primals: Sequence[Any]) -> list[Any]:
    """Return the gradient of the scalar `f`, by one run for each element of each primal."""
    zeros = [np.zeros(x.shape) for x in primals]
    found = [np.zeros(x.shape) for x in primals]
    for k, x in enumerate(primals):
        for place in np.ndindex(x.shape):
            tangents = [z.copy() for z in zeros]
            tangents[k][place] = 1.0
            found[k][place] = jvp(f, primals, tangents)[1]
    return found


def curvature(f: Callable[..., Any], primals: Sequence[Any], us: Any, vs: Any) -> Any:
    """Return u H v of the scalar `f`, by dual numbers of dual numbers."""

    def along_u(*xs: Any) -> Any:
        return jvp(f, xs, us)[1]

    return jvp(along_u, primals, vs)[1]


def complex_step(f: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any]) -> Any:
    """Return the derivative of `f` along `tangents`: the imaginary part of a step i h, over h."""
    step = 1e-30
    moved = [x + 1j * step * t for x, t in zip(primals, tangents, strict=True)]
    return np.imag(f(*moved)) / step
