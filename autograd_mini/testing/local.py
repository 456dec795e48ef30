"""The check of a single recorded call: its own rule against its own numeric derivative.

A wrong gradient of a whole function says little; the call whose rule disagrees with the numbers it
was recorded with is the culprit. The rule gets arrays that can't be written, so that one that
writes into its gradient or its arguments is found as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

import numpy as np

from autograd_mini.checkpointing import again
from autograd_mini.fitting import unbroadcast
from autograd_mini.operation import CONTAINERS, ITEM, nested
from autograd_mini.primitive import TABLE
from autograd_mini.recorded import needing
from autograd_mini.storage import needs_grad
from autograd_mini.tensor import Tensor
from autograd_mini.testing.kinks import piece_of
from autograd_mini.testing.numeric import derivative
from autograd_mini.testing.report import FindingError
from autograd_mini.testing.tape import bare_call, describe

TOLERANCE = 1e-9
STEP = 1e-2
SMALLEST_STEP = 1e-9


# One of several results, and a checkpoint, which computes nothing from its arguments at first.
_UNCHECKED = (ITEM, TABLE[again])


def check_call(node: Any, rng: np.random.Generator) -> None:
    """Raise a FindingError if the rules of the recorded call `node` are wrong at its values."""
    if node._operation in _UNCHECKED:
        return
    args, kwargs = bare_call(node)
    frozen_args = tuple(_frozen(x) for x in args)
    frozen_kwargs = {name: _frozen(x) for name, x in kwargs.items()}
    out = node._array
    g = _like(out, rng)
    place = 0  # among the Tensors of the call; one may stand in several
    for i, (vjp, x) in enumerate(needing(node, node._args, node._kwargs or {})):
        found = _rule(node, vjp, (_frozen(g), _frozen(out), *frozen_args), frozen_kwargs, i)
        for part, gx in _pairs(node, x, found, i):
            signs = rng.choice([-1.0, 1.0], part.shape)
            direction = rng.uniform(0.5, 1.5, part.shape) * signs * _size(part._array)
            mine = np.sum(np.real(gx * direction))
            numeric, error = _numeric(node, place, direction, g)
            place += 1
            scale = max(abs(numeric), _size(gx * direction) * np.sqrt(gx.size))
            if abs(mine - numeric) > TOLERANCE * scale + 4 * error:
                raise FindingError(
                    "wrong",
                    f"the rule of {describe(node)} for argument {i} disagrees with the numeric "
                    f"derivative of its own call: {mine:.10g} instead of {numeric:.10g}",
                    describe(node),
                )


def _rule(node: Any, vjp: Any, args: tuple[Any, ...], kwargs: dict[str, Any], i: int) -> Any:
    try:
        return vjp(*args, **kwargs)
    except ValueError as error:
        if "read-only" not in str(error):
            raise
        raise FindingError(
            "wrong",
            f"the rule of {describe(node)} for argument {i} writes into its gradient or an "
            f"argument, which other calls share: work on a copy",
            describe(node),
        ) from error


def _pairs(node: Any, x: Any, found: Any, i: int) -> list[tuple[Tensor, Any]]:
    """Return each Tensor of an argument with its gradient, in its shape."""
    if type(x) in CONTAINERS:
        pairs = zip(x, found, strict=True)
        return [pair for part, g in pairs if needs_grad(part) for pair in _pairs(node, part, g, i)]
    try:
        g = unbroadcast(found, x.shape) if found.shape != x.shape else found
    except (AttributeError, ValueError) as error:
        raise FindingError(
            "wrong",
            f"the rule of {describe(node)} for argument {i} returns "
            f"{getattr(found, 'shape', type(found).__name__)} for shape {x.shape}",
            describe(node),
        ) from error
    if np.finfo(g.dtype).eps > np.finfo(x.dtype).eps if g.dtype.kind in "fc" else True:
        raise FindingError(
            "wrong",
            f"the rule of {describe(node)} for argument {i} returns {g.dtype} for {x.dtype}",
            describe(node),
        )
    return [(x, g)]


def _numeric(node: Any, place: int, direction: Any, g: Any) -> tuple[Any, float]:
    """Return the change of sum(g * result) when the Tensor at `place` moves along `direction`."""
    operation = node._operation

    def moved(x: Any, t: complex, places: Iterator[int]) -> Any:
        if type(x) in CONTAINERS:
            return type(x)([moved(y, t, places) for y in x])
        if not isinstance(x, Tensor):
            return x
        is_moved = x.requires_grad and next(places) == place
        return np.asarray(x._array + t * direction) if is_moved else x._array

    def call(t: complex) -> tuple[list[Any], dict[str, Any]]:
        places = count()
        args = [moved(x, t, places) for x in node._args]
        return args, {name: moved(x, t, places) for name, x in (node._kwargs or {}).items()}

    def f(t: complex) -> Any:
        args, kwargs = call(t)
        out = operation.forward(*args, **kwargs)
        outs, weights = (out, g) if isinstance(out, tuple | list) else ([out], [g])
        total = sum(np.sum(w * y) for w, y in zip(weights, outs, strict=True))
        return np.array([np.real(total) if is_complex else total])

    def is_smooth(t: float) -> bool:
        here, there = (piece_of(operation, *call(at)) for at in (0.0, t))
        same = here is None or there is None or np.array_equal(here[0], there[0])
        return same and bool(np.all(np.isfinite(f(t))))

    is_complex = any(np.iscomplexobj(y) for y in nested((node._array,)))
    step = STEP
    with np.errstate(all="ignore"):
        while step > SMALLEST_STEP and not (is_smooth(step) and is_smooth(-step)):
            step /= 4
        value, error = derivative(f, step, is_analytic=not is_complex)
    return value[0], float(np.max(error))


def _like(out: Any, rng: np.random.Generator) -> Any:
    if isinstance(out, tuple | list):
        return tuple(_like(y, rng) for y in out)
    g = rng.uniform(0.5, 1.5, np.shape(out)) * rng.choice([-1.0, 1.0], np.shape(out))
    return g + 1j * rng.uniform(0.5, 1.5, np.shape(out)) if np.iscomplexobj(out) else g


def _size(x: Any) -> float:
    return float(np.max(np.abs(x), initial=0.0)) or 1.0


def _frozen(x: Any) -> Any:
    if isinstance(x, np.ndarray):
        view = x.view()
        view.flags.writeable = False
        return view
    return type(x)(map(_frozen, x)) if type(x) in CONTAINERS else x


def distinct(nodes: list[Any]) -> list[Any]:
    """Return one of each kind among `nodes`: operation, shapes and other arguments."""
    kinds: dict[Any, Any] = {}
    for node in nodes:
        shapes = tuple(
            np.shape(x) if isinstance(x, np.ndarray) else repr(x)[:80]
            for x in nested((*bare_call(node)[0],))
        )
        kinds.setdefault((node._operation.name, shapes, repr(node._kwargs)[:80]), node)
    return [*kinds.values()]
