"""Where a function has no derivative: which side of its kinks a call is on, and how far away.

For every kinked NumPy function a rule of two parts: `sides`, numbers that change when a kink is
crossed, and `distance`, 0 on a kink. Both are read off the recorded arguments, so a kink inside a
function is seen as well as one in its result: relu(x) - relu(-x) at 0 has two.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_mini.operation import Operation
from autograd_mini.rules.activations import relu
from autograd_mini.rules.indexing import getitem

Piece = tuple[Any, Any]  # sides, distance
KINKS: dict[Callable[..., Any], Callable[..., Piece]] = {}


def declare_kink(function: Callable[..., Any], piece: Callable[..., Piece]) -> None:
    """Say where `function` has kinks, so that the checker keeps away from them.

    Args:
        function: a NumPy function or a primitive.
        piece: called with the arguments of `function`, returns `sides` and `distance`: an array
            that changes when a kink is crossed, and one that is 0 on a kink, or None.

    >>> import numpy as np
    >>> from autograd_mini import defvjp, primitive
    >>> @primitive
    ... def hinge(x):
    ...     return np.maximum(1 - x, 0)
    >>> defvjp(hinge, lambda g, out, x: -g * (x < 1))
    >>> declare_kink(hinge, lambda x: (x < 1, np.abs(1 - x)))
    """
    KINKS[function] = piece


def piece_of(operation: Operation, args: Any, kwargs: dict[str, Any]) -> Piece | None:
    """Return on which piece of `operation` a call is, or None if it has no kinks."""
    rule = KINKS.get(operation.function)
    return None if rule is None else rule(*args, **kwargs)


def _zero(x: Any) -> Piece:
    return np.real(x) > 0, np.abs(x)


def _pair(x: Any, y: Any) -> Piece:
    return np.real(x) > np.real(y), np.abs(np.subtract(x, y))


def _jump(x: Any, y: Any) -> Piece:
    quotient = np.divide(x, y)
    return np.floor(quotient), np.abs(quotient - np.round(quotient))


def _order(a: Any, axis: Any) -> Piece:
    """Return the order of the elements along `axis`, and how close neighbours in it are."""
    a = np.real(np.asarray(a))
    if axis is None or a.ndim == 0:
        a, axis = np.ravel(a), -1
    if isinstance(axis, tuple):
        rest = [i for i in range(a.ndim) if i not in [k % a.ndim for k in axis]]
        a = np.transpose(a, [*rest, *(k % a.ndim for k in axis)])
        a, axis = a.reshape(*a.shape[: len(rest)], -1), -1
    return np.argsort(a, axis=axis, kind="stable"), np.diff(np.sort(a, axis=axis), axis=axis)


def _extreme(a: Any, axis: Any = None, *_: Any, **__: Any) -> Piece:
    """Return which elements are the largest along `axis`, and how far the others stay behind."""
    a = np.real(np.asarray(a))
    best = np.max(a, axis=axis, keepdims=True)
    behind = np.where(a == best, np.inf, best - a)
    ties = np.sum(a == best, axis=axis, keepdims=True) > 1
    return a == best, np.where(ties, 0.0, behind)


def _lowest(a: Any, axis: Any = None, *_: Any, **__: Any) -> Piece:
    return _extreme(np.negative(a), axis)


def _clip(a: Any, low: Any = None, high: Any = None, **kwargs: Any) -> Piece:
    low = kwargs.get("min") if low is None else low
    high = kwargs.get("max") if high is None else high
    bounds = [np.real(bound) for bound in (low, high) if bound is not None]
    a = np.real(a)
    sides = sum((np.asarray(a > bound, int) for bound in bounds), np.zeros(1, int))
    gaps = [np.min(np.abs(a - bound), initial=np.inf) for bound in bounds]
    return sides, np.array(gaps)


def _std(a: Any, axis: Any = None, *_: Any, **__: Any) -> Piece:
    return np.zeros(1), np.ptp(np.real(a), axis=axis)


_GROUPS: list[tuple[tuple[Callable[..., Any], ...], Callable[..., Piece]]] = [
    ((np.absolute, np.fabs, relu), _zero),
    ((np.maximum, np.minimum, np.fmax, np.fmin), _pair),
    ((np.remainder, np.fmod, np.divmod), _jump),
    ((np.max, np.amax), _extreme),
    ((np.min, np.amin), _lowest),
    ((np.sort,), lambda a, axis=-1, *_, **__: _order(a, axis)),
    ((np.partition,), lambda a, kth, axis=-1, *_, **__: _order(a, axis)),
    ((np.median, np.ptp), lambda a, axis=None, *_, **__: _order(a, axis)),
    ((np.percentile, np.quantile), lambda a, q, axis=None, *_, **__: _order(a, axis)),
    ((np.clip,), _clip),
    ((np.std,), _std),
    ((np.hypot,), lambda x, y: (np.zeros(1), np.hypot(np.real(x), np.real(y)))),
    ((np.heaviside,), lambda x, y: _zero(x)),
    ((np.copysign,), lambda x, y: (np.signbit(x) ^ np.signbit(y), np.abs(x))),
    ((np.where,), lambda condition, x, y: (np.asarray(condition), None)),
    ((getitem,), lambda x, index: (_as_sides(index), None)),
]
KINKS |= {function: piece for functions, piece in _GROUPS for function in functions}


def _as_sides(index: Any) -> Any:
    parts = index if isinstance(index, tuple) else (index,)
    arrays = [np.ravel(part).astype(int) for part in parts if isinstance(part, np.ndarray | list)]
    return np.concatenate(arrays) if arrays else np.zeros(0, int)
