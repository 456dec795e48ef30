"""A copy of what a module consists of: modules, containers, constants and arrays.

Parameters and results of recorded calls are shared, but for those that others are given for.
Arrays that share memory do so in the copy, so that a write through one is seen by the other.
"""

from __future__ import annotations

import copy
from collections import Counter, deque
from collections.abc import Iterable
from functools import partial
from types import CellType, FunctionType, MethodType
from typing import Any

import numpy as np
from numpy import ndarray

from autograd_mini import Tensor
from autograd_mini.clock import owner_of
from autograd_mini.fitting import copied
from nn.attributes import attributes, slots
from nn.module import Module


class Copy:
    """A copy of `model` that holds the Tensors in `given` in the place of those with these ids.

    Attributes:
        model: the copy.
        modules: the copy and every module inside it.
        constants: each constant that was copied, with its copy and the array that this began with.
        results: the results of recorded calls that the model holds, which the copy shares.
    """

    def __init__(self, model: Module, given: dict[int, Tensor]) -> None:
        parts = _reached(model)
        leaves = [x for x in parts if isinstance(x, Tensor) and x.is_leaf and id(x) not in given]
        kept = [x for x in leaves if x.requires_grad]
        self.results = [x for x in parts if isinstance(x, Tensor) and not x.is_leaf]
        self.constants: list[tuple[Tensor, Tensor, Any]] = []
        constants = [(x, x.data) for x in leaves if not x.requires_grad]
        arrays = [x for x in parts if isinstance(x, ndarray)]
        memory = _Memory([*arrays, *(array for _, array in constants)], [*kept, *self.results])
        made: dict[int, Any] = dict(given)
        made.update((id(x), memory.copied(x)) for x in arrays)
        for x, array in constants:
            if not memory.is_kept(array):
                twin = Tensor(memory.copied(array), name=x.name)
                made[id(x)] = twin
                self.constants.append((x, twin, twin.data))
        holders = [x for x in parts if isinstance(x, _HOLDERS)]
        made.update(
            (id(x), object.__new__(type(x)) if isinstance(x, Module) else copy.copy(x))
            for x in holders
        )
        for holder in holders:
            _fill(made[id(holder)], holder, made)
        self.model: Module = made[id(model)]
        self.modules = [made[id(x)] for x in holders if isinstance(x, Module)]


_HOLDERS = (Module, list, dict, set, deque, bytearray)


def _reached(model: Module) -> list[Any]:
    """Return everything that `model` consists of, each object once."""
    parts: dict[int, Any] = {}
    pending: list[Any] = [model]
    while pending:
        x = pending.pop()
        if id(x) not in parts:
            parts[id(x)] = x
            pending += _parts(x)
    return [*parts.values()]


class _Memory:
    """Copies of `arrays` that share memory where these do; what shares some with `kept` is kept."""

    def __init__(self, arrays: Iterable[Any], kept: Iterable[Tensor]) -> None:
        self._kept = {id(owner_of(x._array)) for x in kept}
        self._shares = Counter(id(owner_of(array)) for array in arrays)
        self._copies: dict[int, Any] = {}

    def is_kept(self, array: Any) -> bool:
        """Return whether `array` shares memory with what is not copied."""
        return id(owner_of(array)) in self._kept

    def copied(self, array: Any) -> Any:
        """Return a copy of `array`, or a read-only view of what is not copied."""
        owner = owner_of(array)
        if self.is_kept(array) or isinstance(array, np.memmap):
            view = array.view()
            view.flags.writeable = False
            return view
        is_plain = type(array) is type(owner) is ndarray and not array.dtype.hasobject
        if self._shares[id(owner)] == 1 or not is_plain:
            return copied(array) if type(array) is ndarray else copy.copy(array)
        if id(owner) not in self._copies:
            self._copies[id(owner)] = owner.copy(order="K").ravel(order="K")
        offset = array.__array_interface__["data"][0] - owner.__array_interface__["data"][0]
        return ndarray(array.shape, array.dtype, self._copies[id(owner)], offset, array.strides)


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
    elif isinstance(old, Module):
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
