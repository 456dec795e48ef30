"""A module run with other parameters, so that a network can be differentiated by its parameters.

Nothing of the module is changed, not even for a moment: its structure is copied, modules and lists
and dicts and tuples, and the copy holds the other Tensors. So calls may nest, raise, and run in
several threads.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from types import CellType, FunctionType, MethodType
from typing import Any

from autograd_mini import Tensor
from autograd_mini.checks import shown
from autograd_mini.clock import tick
from autograd_mini.operation import nested
from autograd_mini.origin import skip_frames_in
from autograd_mini.trees import leaves
from nn.attributes import attributes, slots
from nn.module import Module, _state

skip_frames_in(__file__)


def functional_call(model: Module, params: Mapping[str, Any], /, *args: Any, **kwargs: Any) -> Any:
    """Return `model(*args, **kwargs)` computed with other parameters; the model stays as it is.

    What is computed depends on `params`, so `grad`, `jacobian`, `hessian` and the others
    differentiate a network by its parameters. What `forward` assigns to attributes, or puts into
    lists and dicts, is gone after the call. Arrays are not copied, nor Generators: masks of
    `Dropout` go on as in a call of the model.

    Args:
        model: a module.
        params: Tensors or arrays by path, as in `state_dict`; those left out are the model's own. A
            Tensor with several paths is given once, under any of them.
        args: what the module is called with.
        kwargs: likewise.

    Raises:
        RuntimeError: the module used a parameter that was to be replaced, by a way that can't be
            followed.
        TypeError: `model` is no module, `params` no mapping, or a value is no array of numbers.
        ValueError: the model has no such path, another shape there, or was given two values for
            one Tensor.

    >>> import numpy as np
    >>> from autograd_mini import grad
    >>> from nn import Linear
    >>> model, x = Linear(2, 1), np.array([[1.0, 2.0], [3.0, 4.0]])
    >>> def cost(params):
    ...     return (functional_call(model, params, x) ** 2).sum()
    >>> slopes = grad(cost)({"weight": np.array([[1.0, -1.0]]), "bias": np.array([0.5])})
    >>> slopes["weight"], slopes["bias"]
    (array([[-4., -6.]]), array([-2.]))
    """
    if not isinstance(model, Module):
        raise TypeError(f"functional_call takes a module, found {model!r}: write nn.Linear(3, 2)")
    own = _state(model)
    given = _given(type(model).__name__, own, params)
    start = tick()
    twin, results = _copy(model, given, {id(x): x.requires_grad for x in own.values()})
    out = twin(*args, **kwargs)
    allowed = {id(x) for x in (*params.values(), *leaves((args, kwargs)))}
    originals = {id(x): path for path, x in own.items() if id(x) in given and id(x) not in allowed}
    _check_replaced(out, originals, results, start)
    return out


def _given(name: str, own: dict[str, Tensor], params: Any) -> dict[int, Tensor]:
    """Return what takes the place of each Tensor, by its id."""
    if not isinstance(params, Mapping):
        raise TypeError(
            f"functional_call takes a dict of parameters by path, found {shown(params)}"
        )
    if unknown := [path for path in params if path not in own]:
        raise ValueError(
            f"functional_call: this {name} has no {', '.join(map(repr, unknown))}, it has "
            f"{', '.join(own) or 'no Tensors'}: use paths as in its state_dict()"
        )
    given: dict[int, Tensor] = {}
    paths: dict[int, str] = {}
    taken = {id(x) for path, x in own.items() if path not in params}
    for path, value in params.items():
        x = own[path]
        first = paths.setdefault(id(x), path)
        if first != path:
            if value is not params[first]:
                raise ValueError(
                    f"functional_call: {first!r} and {path!r} are one Tensor of this {name}, found "
                    f"two values: give one of them"
                )
            continue
        new = _tensor(name, path, x, value)
        # Two parameters stay two, also with one Tensor in the place of both.
        given[id(x)] = +new if id(new) in taken else new
        taken.add(id(new))
    return given


def _tensor(name: str, path: str, own: Tensor, value: Any) -> Tensor:
    """Return `value` as the Tensor that takes the place of `own`."""
    try:
        new = value if isinstance(value, Tensor) else Tensor(value)
    except (TypeError, ValueError) as error:
        raise TypeError(f"functional_call: {path!r} is no array of numbers: {error}") from error
    if new.shape != own.shape:
        raise ValueError(
            f"functional_call: {path!r} of this {name} has shape {own.shape}, found {new.shape}"
        )
    if new.dtype.kind == "b" and own.dtype.kind != "b":
        raise TypeError(
            f"functional_call: {path!r} of this {name} is {own.dtype}, found bool: convert it first"
        )
    return new


def _copy(
    model: Module, given: dict[int, Tensor], are_parameters: dict[int, bool]
) -> tuple[Module, list[Tensor]]:
    """Return a copy of the structure of `model` that holds `given`, and the results it holds."""
    made: dict[int, Any] = dict(given)
    stands_for = {id(new): are_parameters[at] for at, new in given.items()}
    originals, results = [], []
    seen: set[int] = set()
    pending: list[Any] = [model]
    while pending:
        x = pending.pop()
        if id(x) in seen:
            continue
        seen.add(id(x))
        if isinstance(x, Tensor):
            results += [] if x.is_leaf else [x]
        elif isinstance(x, Module | list | dict):
            made[id(x)] = object.__new__(type(x)) if isinstance(x, Module) else copy.copy(x)
            originals.append(x)
        pending += _parts(x)
    for x in originals:
        _fill(made[id(x)], x, made)
        if isinstance(x, Module):
            vars(made[id(x)])["_stands_for"] = stands_for
    twin: Module = made[id(model)]
    return twin, results


def _parts(x: Any) -> Iterable[Any]:
    if isinstance(x, Module):
        return (value for _, value in attributes(x))
    if isinstance(x, dict):
        return x.values()
    return x if isinstance(x, list | tuple) else ()


def _fill(new: Any, old: Any, made: dict[int, Any]) -> None:
    """Put into `new`, a copy of `old`, copies of what that holds."""
    if isinstance(old, list):
        list.__setitem__(new, slice(None), [_part(x, made) for x in old])
    elif isinstance(old, dict):
        for key, x in old.items():
            dict.__setitem__(new, key, _part(x, made))
    else:
        held = {name: _part(x, made) for name, x in attributes(old)}
        kind: Any = type(old)
        for name, slot in slots(kind):
            if name in held:
                slot.__set__(new, held[name])
        vars(new).update((name, held[name]) for name in vars(old))


def _part(x: Any, made: dict[int, Any]) -> Any:
    """Return what the copy holds in the place of `x`, which is shared if nothing in it was copied.

    A function that remembers a part of the model, such as a method, gets its copy.
    """
    if id(x) in made:
        return made[id(x)]
    if isinstance(x, tuple):
        parts = [_part(part, made) for part in x]
        return x if all(map(_is, parts, x)) else tuple.__new__(type(x), parts)
    return _function(x, made) if callable(x) else x


def _function(x: Any, made: dict[int, Any]) -> Any:
    """Return a function like `x` that remembers the copies."""
    if isinstance(x, MethodType) and id(x.__self__) in made:
        return MethodType(x.__func__, made[id(x.__self__)])
    if isinstance(x, partial):
        function, *args = (_part(part, made) for part in (x.func, *x.args))
        return partial(function, *args, **{k: _part(v, made) for k, v in x.keywords.items()})
    if isinstance(x, FunctionType) and x.__closure__:
        cells = tuple(_cell(cell, made) for cell in x.__closure__)
        if not all(map(_is, cells, x.__closure__)):
            twin = FunctionType(x.__code__, x.__globals__, x.__name__, x.__defaults__, cells)
            twin.__kwdefaults__ = x.__kwdefaults__
            return twin
    return x


def _cell(cell: CellType, made: dict[int, Any]) -> CellType:
    try:
        held = cell.cell_contents
    except ValueError:  # empty
        return cell
    return CellType(made[id(held)]) if id(held) in made else cell


def _is(one: object, other: object) -> bool:
    return one is other


def _check_replaced(out: Any, originals: dict[int, str], results: list[Tensor], start: int) -> None:
    """Raise if `out` was computed from an original, or from a result that was.

    Only what was recorded since `start` is looked at, and what lies behind `results`.
    """
    found = list(_behind([x for x in leaves(out) if isinstance(x, Tensor)], start))
    held = {id(x) for x in results}
    for x in (*found, *_behind([x for x in found if id(x) in held], 0)):
        if id(x) in originals:
            raise RuntimeError(
                f"functional_call replaced {originals[id(x)]!r}, but the module used the original, "
                f"through a value computed before the call or through something that holds it and "
                f"is no module, list, tuple or dict: compute it in forward, from self"
            )


def _behind(tensors: list[Tensor], start: int) -> Iterator[Tensor]:
    """Yield `tensors` and those that they were computed from, to the ones older than `start`."""
    seen: set[int] = set()
    while tensors:
        x = tensors.pop()
        if id(x) in seen:
            continue
        seen.add(id(x))
        yield x
        if not x.is_leaf and x._tick >= start and x._args is not None:
            values = nested((*x._args, *(x._kwargs or {}).values()))
            tensors += [value for value in values if isinstance(value, Tensor)]
