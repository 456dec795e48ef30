"""Run a module with other parameters, to differentiate a network by them.

The module is never changed: its modules, lists, dicts and tuples are copied, and the copy holds the
other Tensors. So calls may nest, raise, and run in several threads.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from autograd_mini import Tensor, enable_grad
from autograd_mini.checks import shown
from autograd_mini.clock import tick, written_at
from autograd_mini.guards import Guard
from autograd_mini.origin import skip_frames_in
from autograd_mini.trees import leaves
from nn.copying import Copy
from nn.module import Module, _state

skip_frames_in(__file__)


def functional_call(model: Module, params: Mapping[str, Any], /, *args: Any, **kwargs: Any) -> Any:
    """Return `model(*args, **kwargs)` computed with other parameters; the model stays as it is.

    What is computed depends on `params`, so `grad`, `jacobian`, `hessian` and the others
    differentiate a network by its parameters. What `forward` assigns to attributes, puts into
    lists, dicts and sets, or writes into arrays and constants, such as a running mean, goes into
    copies that are gone after the call: the model and `params` stay as they are. Parameters are
    not copied: a write into one raises, and gradients of those left out are the model's. Generators
    are not copied: masks of `Dropout` go on as in a call of the model.

    Objects of other classes are shared, and so are globals. A replaced Tensor that is used through
    one raises, and so does a write into a Tensor of the model. Not noticed are their other
    changes, values that left as bare numbers before the call, and what another thread or a
    generator that `forward` returns does.

    Args:
        model: a module.
        params: Tensors or arrays by path, as in `state_dict`; those left out are the model's own. A
            Tensor with several paths is given once, under any of them.
        args: what the module is called with.
        kwargs: likewise.

    Raises:
        RuntimeError: the module used a Tensor that was to be replaced, by a way that can't be
            followed, or wrote into a parameter; writing through its `.data` is a ValueError.
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
    twin = Copy(model, given)
    _mark(twin, given, own)
    paths = {id(x): path for path, x in reversed(own.items())}
    inputs = {id(x) for x in leaves((args, kwargs))}
    originals = _Originals(
        {at: path for at, path in paths.items() if at in given and at not in inputs},
        {id(x): (paths[id(x)], *made) for x, *made in twin.constants if id(x) not in inputs},
        twin.results,
        tick(),
    )
    with Guard(_not_written(own, given, twin), originals.check):
        out = twin.model(*args, **kwargs)
        originals.check(out)
    return out


def _mark(twin: Copy, given: dict[int, Tensor], own: dict[str, Tensor]) -> None:
    """Note in the modules of the copy which of the Tensors put into it stand for parameters."""
    put = {**given, **{id(x): new for x, new, _ in twin.constants}}
    stands_for = {id(put[id(x)]): x.requires_grad for x in own.values() if id(x) in put}
    for module in twin.modules:
        vars(module)["_stands_for"] = stands_for


def _not_written(
    own: dict[str, Tensor], given: dict[int, Tensor], twin: Copy
) -> Iterator[tuple[Any, str]]:
    """Yield the arrays of the model, and those given for parameters, with their names."""
    yield from ((x._array, "a result that the model holds") for x in twin.results)
    for path, x in own.items():
        yield x._array, repr(path)
        if x.requires_grad and id(x) in given:
            yield given[id(x)]._array, repr(path)


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
    taken = {id(x) for x in own.values()}
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
        # Two parameters stay two, also with one Tensor in the place of both. A constant may be
        # written, so what is given for it is copied, and still connected.
        is_itself = x.requires_grad and id(new) not in taken
        with enable_grad():
            given[id(x)] = new if is_itself else new.copy()
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


class _Originals:
    """The Tensors of a model that a call on its copy must not use.

    Args:
        replaced: the path of each that was replaced, by its id.
        constants: the path, copy, and first array of the copy, of each that was copied, by its id.
        results: what the model computed before the call.
        start: the tick at which the call began.
    """

    def __init__(
        self,
        replaced: dict[int, str],
        constants: dict[int, tuple[str, Tensor, Any]],
        results: list[Tensor],
        start: int,
    ) -> None:
        self._replaced, self._constants, self._start = replaced, constants, start
        self._results = {id(x): x for x in results}
        self._seen: set[tuple[int, int]] = set()

    def check(self, values: Any) -> None:
        """Raise if `values` hold an original, or were computed from one.

        Only what was recorded since the start is looked at, and what lies behind the results.
        """
        pending = [(x, self._start) for x in leaves(values)]
        while pending:
            x, oldest = pending.pop()
            if not isinstance(x, Tensor):
                continue
            if id(x) in self._replaced:
                raise RuntimeError(
                    f"functional_call replaced {self._replaced[id(x)]!r}, but the module used the "
                    f"original, through a value computed before the call or through {_UNFOLLOWED}"
                )
            if oldest and id(x) in self._constants:
                self._check_constant(*self._constants[id(x)])
            oldest = 0 if id(x) in self._results else oldest
            if x.is_leaf or x._tick < oldest or (x._tick, oldest) in self._seen:
                continue
            self._seen.add((x._tick, oldest))
            if x._args is not None:
                pending += [(part, oldest) for part in leaves((x._args, x._kwargs))]

    def _check_constant(self, path: str, twin: Tensor, array: Any) -> None:
        if twin._array is not array or written_at(array) > self._start:
            raise RuntimeError(
                f"functional_call: forward wrote into its copy of {path!r}, but the module used "
                f"the original, through {_UNFOLLOWED}"
            )


_UNFOLLOWED = (
    "something that holds it and is no module, list, tuple or dict: compute it in forward, "
    "from self"
)
