"""The table: for every function its derivative, one vector-Jacobian product per argument.

    vjp(g, out, *args, **kwargs) -> the gradient for one argument

`g` is the gradient of the result, `out` the result, the rest is the function's own signature with
the function's own parameter names. A rule is plain NumPy and writes into nothing, so that the same
rule runs on bare arrays (fast) and on Tensors (which makes second derivatives). Broadcasting is
undone by the walk (`walk.py`), never in a rule. `rules/` fills the table for NumPy.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from importlib import import_module
from itertools import chain
from sys import getrefcount
from types import ModuleType
from typing import Any, TypeVar, cast

import numpy as np
from numpy import ndarray

from autograd_mini import signature
from autograd_mini.clock import owner_of
from autograd_mini.kinds import check_kind
from autograd_mini.operation import PLAIN, Operation, Vjp, nested, public_name, ufunc_behind
from autograd_mini.origin import call_around

F = TypeVar("F", bound=Callable[..., Any])


# Functions that will never have a rule, and why.
REFUSALS: dict[Callable[..., Any], str] = {}

# Ufuncs without a public name, which methods of arrays call: a.clip(tensor, 3.0).
HIDDEN: dict[Any, Callable[..., Any]] = {np._core.umath.clip: np.clip}  # type: ignore[attr-defined]

# What gives the functions of a module their rules, once somebody has imported it.
_WAITING: dict[str, Callable[[ModuleType], None]] = {}


class _Table(dict[Callable[..., Any], Operation]):
    """The operations by function; asking for one that is not there says how to add it."""

    def __missing__(self, function: Callable[..., Any]) -> Operation:
        if function in HIDDEN:
            return self[HIDDEN[function]]
        _fill_imported()
        if function in self:
            return self[function]
        if function in REFUSALS:
            around = call_around()
            name = (
                f"{around} calls {public_name(function)}, which"
                if around
                else public_name(function)
            )
            raise NotImplementedError(f"{name} does not take Tensors: {REFUSALS[function]}")
        raise NotImplementedError(Operation(function, function).no_rule())


TABLE = _Table()


def when_imported(module: str, fill: Callable[[ModuleType], None]) -> None:
    """Have `fill(module)` called before the table refuses a function, once `module` is imported.

    Nothing here imports it: a Tensor only meets a function of a module that the user has.
    """
    _WAITING[module] = fill


def _fill_imported() -> None:
    for name, fill in [*_WAITING.items()]:
        if sys.modules.get(name) is not None:
            fill(import_module(name))  # waits for another thread that is still importing it
            _WAITING.pop(name, None)  # only now: another thread may be asking, too


def primitive(function: F) -> F:
    """Make `function` an operation of its own: Tensors reach it as bare arrays.

    Its rules follow right below it, with `defvjp`; until then it refuses Tensors that require
    grad. `function` is written in NumPy on arrays.

    >>> import numpy as np
    >>> from autograd_mini import Tensor, defvjp, primitive
    >>> @primitive
    ... def softplus(x):
    ...     return np.logaddexp(x, 0)
    >>> defvjp(softplus, lambda g, out, x: g / (1 + np.exp(-x)))
    >>> x = Tensor(0.0, requires_grad=True)
    >>> softplus(x).backward()
    >>> x.grad
    array(0.5)
    """
    module = str(getattr(function, "__module__", ""))
    # The library's own do not keep what they return.
    forward = function if module.partition(".")[0] in _OWN else _owning(function)

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        for x in args:
            if type(x) not in PLAIN and (record := getattr(type(x), "_record", None)) is not None:
                return record(operation, args, kwargs)
        if not kwargs and PLAIN.issuperset(map(type, args)):
            return forward(*args)
        for x in nested((*args, *kwargs.values())):
            if type(x) in PLAIN:
                continue
            if (record := getattr(type(x), "_record", None)) is not None:
                return record(operation, args, kwargs)
            check_kind(x)
        return forward(*args, **kwargs)

    operation = TABLE[call] = Operation(call, forward)
    return cast(F, call)


def _owning(function: F) -> F:
    """Return `function` with results that it neither keeps nor took from a Tensor's graph."""

    @functools.wraps(function)
    def forward(*args: Any, **kwargs: Any) -> Any:
        out = function(*args, **kwargs)
        if type(out) is ndarray and out.base is None and getrefcount(out) == _ALONE:
            return out
        return _owned(out, function, [*nested((*args, *kwargs.values()))])

    return cast(F, forward)


def _owned(out: Any, function: Callable[..., Any], given: list[Any]) -> Any:
    """Return `out`, with arrays copied that may be seen from elsewhere than through `given`."""
    if isinstance(out, tuple | list):
        return getattr(type(out), "_make", type(out))([_owned(x, function, given) for x in out])
    if hasattr(type(out), "_record"):  # a Tensor
        if out.requires_grad:
            raise TypeError(
                f"{public_name(function)} returned a Tensor that requires grad: the body of a "
                f"primitive is given bare arrays and returns such; make the Tensor that it uses an "
                f"argument, with a rule"
            )
        out = out.data
    if not isinstance(out, ndarray) or any(owner_of(out) is owner_of(x) for x in given):
        return out
    return out.copy()


def _alone() -> int:
    array = np.empty(0)
    return getrefcount(array)


_ALONE = _alone()
_OWN = ("autograd_mini", "nn")


def defvjp(function: Callable[..., Any], *vjps: Vjp | None, **vjps_by_name: Vjp) -> None:
    """Give `function` its derivative: one rule per positional argument, in order.

    vjp(g, out, *args, **kwargs) = g . d out / d argument

    Args:
        function: a NumPy function or ufunc, or a `primitive`.
        vjps: the rules; None for an argument that needs none (an index, a shape). An argument
            that is a list of arrays is called `arrays`, as in NumPy, and has one rule, which
            returns a list. A rule is NumPy and only
            NumPy: it writes into nothing and takes no `.data`, or second derivatives are wrong.
        vjps_by_name: the rules of keyword-only arguments.

    Raises:
        TypeError: `function` is neither NumPy's nor a primitive, or there is no rule, or one that
            does not take g and out in front.

    >>> from autograd_mini import Tensor, defvjp, primitive
    >>> @primitive
    ... def cube(x):
    ...     return x**3
    >>> defvjp(cube, lambda g, out, x: 3 * g * x**2)
    >>> x = Tensor(2.0, requires_grad=True)
    >>> cube(x).backward()
    >>> x.grad
    array(12.)
    """
    if not callable(function):
        raise TypeError(f"defvjp takes a function first, found {function!r}")
    function = ufunc_behind(function)
    rules = [vjp for vjp in chain(vjps, vjps_by_name.values()) if vjp is not None]
    if not rules or not all(map(callable, rules)):
        raise TypeError(
            f"defvjp({public_name(function)}, ...) takes a rule per argument, "
            f"`lambda g, out, x: ...`, found {vjps!r}"
        )
    operation = _known(function)
    operation.set_rules(vjps, vjps_by_name)
    TABLE[function] = operation


def nondifferentiable(function: F) -> F:
    """Say that the derivative of `function` is zero or none: its results need no gradient.

    For a NumPy function, or as a decorator above `@primitive`.

    >>> import numpy as np
    >>> from autograd_mini import Tensor, nondifferentiable, primitive
    >>> @nondifferentiable
    ... @primitive
    ... def largest_digit(x):
    ...     return np.argmax(x)
    >>> largest_digit(Tensor([0.1, 0.9], requires_grad=True))
    Tensor(1)
    """
    if not callable(function):
        raise TypeError(f"nondifferentiable takes a function, found {function!r}")
    ufunc = ufunc_behind(function)
    operation = TABLE[ufunc] = _known(ufunc)
    operation.is_constant, operation.vjps = True, ()
    operation.most_args = signature.count_before_out(ufunc)
    return function


def moves_elements(
    *functions: Callable[..., Any],
    leaves_out: bool | Callable[..., bool] = False,
    **mask_rules: Vjp | None,
) -> None:
    """Say that the rules of `functions` only move the elements of `g`, or add some of them.

    Args:
        functions: functions of the table.
        leaves_out: whether they may leave elements out, or for what positional arguments.
        mask_rules: by the name of an argument, the rule for masks where its own does not fit;
            None where it is not known what flows. A rule may return None as well.
    """
    for function in functions:
        operation = TABLE[function] = _known(function)
        operation.moves, operation.selects = True, leaves_out
        operation.mask_rules = mask_rules


def works_elementwise(*functions: Callable[..., Any]) -> None:
    """Say that each element of a result depends on the arguments in its own place alone.

    Of ufuncs this is known.
    """
    for function in functions:
        operation = TABLE[function] = _known(function)
        operation.is_elementwise = True


def _known(function: Callable[..., Any]) -> Operation:
    """Return the operation of `function`, a new one if it is NumPy's or SciPy's."""
    operation = TABLE.get(function) or Operation(function, function)
    if function not in TABLE and not operation.name.startswith(("np.", "scipy.special.")):
        raise TypeError(
            f"{operation.name} is neither a NumPy function nor a primitive, so it would never "
            f"be asked what it knows of its derivative: write @primitive above its def"
        )
    return operation
