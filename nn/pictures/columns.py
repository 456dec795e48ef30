"""The columns of neurons in a network: what each layer read and gave for one example.

The model is run, and the record of its calls is read: a column holds what the next linear layer
was given, whatever stands in between (an activation, a mask, a scale), the last one what the model
returned. Where the layers do not follow one another the picture would lie, so it is refused.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from autograd_mini import Tensor, enable_grad
from autograd_mini.operation import nested
from autograd_mini.primitive import TABLE
from autograd_mini.recorded import as_recorded, given
from nn import functional
from nn.module import Module
from nn.pictures.asked import named, real_array
from nn.pictures.untouched import untouched

_LINEAR = TABLE[functional.linear]


class Columns(NamedTuple):
    """What a network of n layers did with one example.

    Attributes:
        activations: of the neurons in each of the n + 1 columns, the inputs first.
        weights: of the n layers between them, shape (out, in).
    """

    activations: list[NDArray[Any]]
    weights: list[NDArray[Any]]


def columns(model: Module, x: ArrayLike | Tensor, shape: Any = None) -> Columns:
    """Run `model` on the example `x`, in evaluation mode, and return what its layers read and gave.

    An example of the shape `shape` is a picture, and goes into the model row by row.

    Raises:
        TypeError: `model` is no module or returns no Tensor, or `x` holds no numbers.
        ValueError: `x` is several examples, or the linear layers do not follow one another.

    >>> from nn import Linear, ReLU, Sequential
    >>> found = columns(Sequential(Linear(3, 4), ReLU(), Linear(4, 2)), np.ones(3))
    >>> [len(a) for a in found.activations], [W.shape for W in found.weights]
    ([3, 4, 2], [(4, 3), (2, 4)])
    """
    if not isinstance(model, Module):
        raise TypeError(f"network draws a module such as nn.Sequential, found {named(model)}")
    example = Tensor(_one_example(model, x, shape), requires_grad=True)
    with untouched(model), enable_grad():
        out = model(example)
        layers = _linear_calls(model, out)
        reads = [_argument(layer, "x") for layer in layers]
        for before, layer, read in zip(
            [example, *layers], [*layers, None], [*reads, out], strict=True
        ):
            _check_follows(model, before, layer, read, example)
        found = [_argument(layer, "weight") for layer in layers]
        return Columns([_values(a) for a in (*reads, out)], [_bare(W).copy() for W in found])


def _one_example(model: Module, x: Any, shape: Any) -> NDArray[Any]:
    """Return `x` as a batch of one, in floating-point numbers."""
    asked = "network draws what becomes of an array of real numbers"
    numbers = real_array(x, asked)
    if not numbers.ndim:
        raise TypeError(f"{asked}, found {named(x)}")
    if isinstance(shape, tuple | list) and numbers.shape in (tuple(shape), (1, *shape)):
        numbers = numbers.reshape(1, -1)
    kinds = [p.dtype for p in model.parameters()] or [np.dtype(float)]
    numbers = numbers.astype(np.result_type(numbers.dtype, *kinds))
    is_batch = numbers.ndim > 1 and len(numbers) == 1
    return numbers if is_batch else numbers[np.newaxis]


def _linear_calls(model: Module, out: Any) -> list[Any]:
    """Return the calls of linear layers behind `out`, first to last."""
    name = type(model).__name__
    if not isinstance(out, Tensor):
        raise TypeError(
            f"network draws a model that returns one Tensor, {name} returned {named(out)}"
        )
    found = [x for x in _behind(out, None) if x._operation is _LINEAR]
    if not found:
        raise ValueError(
            f"network draws linear layers, found none that were recorded in {name}: build it of "
            "nn.Linear or nn.functional.linear, not inside no_grad() or checkpoint"
        )
    return sorted(found, key=_tick)


def _tick(x: Any) -> int:
    tick: int = x._tick
    return tick


def _behind(x: Any, wall: Any) -> list[Any]:
    """Return the Tensors that `x` was computed from, itself too; of `wall` nothing behind it."""
    found: dict[int, Any] = {}
    pending = [x]
    while pending:
        node = pending.pop()
        if not isinstance(node, Tensor) or id(node) in found:
            continue
        found[id(node)] = node
        if node is not wall and not node.is_leaf:
            args, kwargs = as_recorded(node, {})
            pending += nested((*args, *(kwargs or {}).values()))
    return [*found.values()]


def _check_follows(model: Module, before: Any, layer: Any, read: Any, example: Any) -> None:
    """Raise unless `read` is made of `before` alone, neuron by neuron, and weights of no input."""
    others = {id(x) for x in _behind(read, before) if x._operation is _LINEAR or x is example}
    parts = [] if layer is None else [_argument(layer, "weight"), _argument(layer, "bias")]
    own = {id(x) for part in parts for x in _behind(part, None)}
    if others != {id(before)} or id(example) in own:
        raise ValueError(
            f"network draws layers that follow one another; in {type(model).__name__} something "
            "goes around a layer or is used twice: draw its parts, or the graph with "
            "autograd_mini.drawing.draw"
        )
    inputs = _bare(parts[0]).shape[1] if parts else before.size
    if not read.size == before.size == inputs:
        what = "the model returned" if layer is None else f"a layer of {inputs} inputs was given"
        raise ValueError(
            f"network draws one example, neuron by neuron, but {what} the shape {read.shape}: pass "
            f"one example, such as x[0], and a model that changes no sizes between linear layers"
        )


def _argument(call: Any, name: str) -> Any:
    args, kwargs = as_recorded(call, {})
    return given(call._operation, args, kwargs).get(name)


def _bare(x: Any) -> NDArray[Any]:
    array: NDArray[Any] = np.asarray(x.data if isinstance(x, Tensor) else x)
    return array


def _values(x: Any) -> NDArray[Any]:
    return _bare(x).ravel().copy()
