"""What a network is made of, in numbers: the table of its layers.

The network runs once, in evaluation mode; `hearing.py` hears the calls of its modules and reads
the recorded graph, `multiply_adds.py` counts, `summary_table.py` is what comes out.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from autograd_mini import Tensor
from autograd_mini.trees import leaves
from nn import init
from nn.hearing import Ear, Tally, shape_of
from nn.module import Module, _tensors, _walk
from nn.summary_table import Row, Summary

# Errors of the network that keep their kind; all others become RuntimeErrors.
KINDS_KEPT = (NotImplementedError, IndexError, TypeError, ValueError)


def summary(model: Module, input_shape: Any) -> Summary:
    """Return the table of a network's layers: shapes, parameters, multiply-adds and bytes.

    The network runs once, in evaluation mode. Its mode, attributes and gradients and the state of
    its random numbers are as before afterwards, also if it fails; what a `forward` itself writes
    into arrays and lists stays written.

    Numbers stand in the row of the module that they belong to, not again in the rows around it.
    Multiply-adds are the products that matrix products, contractions and convolutions add up, for
    the whole batch; operations that these can't be told of are named below the table. The bytes
    kept are those of the results that the graph keeps for `backward()`, memory shared counted once.

    Args:
        model: the network.
        input_shape: of its input, the batch axis included, such as (1, 784): it runs on zeros of
            the parameters' dtype. Or an array or a Tensor, such as a batch of class indices. For
            several inputs a list of shapes and arrays.

    Returns:
        A `Summary`: its `rows` and totals are numbers, printed it is the table.

    Raises:
        TypeError: `model` is no module, or `input_shape` neither shapes nor arrays.
        Exception: the network can't take the input: the error says which layer, and what it got.

    >>> from nn import Linear, Sequential, Sigmoid
    >>> model = Sequential(Linear(784, 16), Sigmoid(), Linear(16, 10), Sigmoid())
    >>> summary(model, (1, 784))
    layer         output shape  parameters  multiply-adds  bytes kept
    Sequential    (1, 10)                -              -           -
      0: Linear   (1, 16)           12,560         12,544         128
      1: Sigmoid  (1, 16)                -              -         128
      2: Linear   (1, 10)              170            160          80
      3: Sigmoid  (1, 10)                -              -          80
    -----------------------------------------------------------------
    total                           12,730         12,704         416
    <BLANKLINE>
    input (1, 784): 6,272 bytes
    12,730 parameters: 101,840 bytes
    """
    _check_module(model)
    inputs = _inputs(model, input_shape)
    ear = Ear(model)
    with left_as_found(model):
        ear.listen()
        _run(model, inputs, ear)
    ear.count()
    shapes = tuple(map(shape_of, inputs))
    return Summary(tuple(_rows(model, ear)), shapes, sum(x.nbytes for x in map(_bare, inputs)))


def _check_module(model: Any) -> None:
    if isinstance(model, type):
        found = f"the class {model.__name__}, not an object of it"
    elif isinstance(model, Module):
        return
    else:
        found = type(model).__name__
    raise TypeError(f"summary takes a module, such as nn.Sequential(...), found {found}")


def _run(model: Module, inputs: list[Any], ear: Ear) -> None:
    try:
        with np.errstate(all="ignore"):  # zeros are no data: log(0) is nobody's mistake
            model(*inputs)
    except Exception as error:
        kind = next((kind for kind in KINDS_KEPT if isinstance(error, kind)), RuntimeError)
        raise kind(_explained(error, inputs, ear)) from error


def _explained(error: Exception, inputs: list[Any], ear: Ear) -> str:
    """Say in which layer the network failed, and what that was given."""
    shapes = ", ".join(str(shape_of(x)) for x in inputs) or "nothing"
    if ear.failure is None:
        return f"summary can't run this {type(ear.model).__name__} on {shapes}: {error}"
    tally, given = ear.failure.tally, ear.failure.given
    where = f"layer {tally.path}" if tally.path else "the network itself"
    name = f"{type(tally.module).__name__}({tally.module.extra_repr()})"
    return (
        f"summary ran the network on {shapes} and failed in {where}, {name}, which was given "
        f"{given}: {error}; input_shape is the shape of a whole batch, such as (1, 784), or a list "
        f"of shapes, one for each input"
    )


def _rows(model: Module, ear: Ear) -> Iterator[Row]:
    """Yield a row for every place where a module is held; its numbers stand in the first."""
    depths = {"": -1}
    paths: dict[int, str] = {}
    counted: set[int] = set()
    for path, module in _walk(model):
        if not isinstance(module, Module):
            continue
        around = "" if path == "" else _around(path, depths)
        name = path[len(around) :].lstrip(".")
        place = (path, name, depths[around] + 1, type(module).__name__)
        if id(module) in paths:
            yield Row(*place, same_as=paths[id(module)])
            continue
        paths[id(module)] = path
        depths[path] = place[2]
        yield _row(place, ear.tallies[id(module)], _own(module, counted))


def _around(path: str, depths: dict[str, int]) -> str:
    """Return the path of the module that holds the one at `path`, also in a list or a dict."""
    while path := path.rpartition(".")[0]:
        if path in depths:
            return path
    return ""


def _own(module: Module, counted: set[int]) -> list[Tensor]:
    """Return the floating-point Tensors that the module holds itself and none before it did."""
    held = [x for _, x in _tensors(module, into_modules=False) if x.dtype.kind in "fc"]
    found = {id(x): x for x in held if id(x) not in counted}
    counted.update(found)
    return [*found.values()]


def _row(place: tuple[str, str, int, str], tally: Tally, own: list[Tensor]) -> Row:
    return Row(
        *place,
        same_as=None,
        calls=tally.calls,
        input_shapes=tuple(tally.input_shapes.values()),
        output_shapes=tuple(tally.output_shapes.values()),
        parameters=sum(x.size for x in own),
        trainable=sum(x.size for x in own if x.requires_grad),
        parameter_bytes=sum(_bare(x).nbytes for x in own),
        multiply_adds=tally.multiply_adds,
        kept_bytes=tally.kept_bytes,
        uncounted=tuple(sorted(tally.uncounted.items())),
    )


def _inputs(model: Module, given: Any) -> list[Any]:
    """Return the network's inputs: arrays and Tensors that nobody else writes into."""
    parts = given if isinstance(given, tuple | list) and not _is_shape(given) else [given]
    dtypes = [x.dtype for _, x in _tensors(model) if x.dtype.kind in "fc"]
    dtype = dtypes[0] if dtypes else np.dtype(np.float64)
    return [_input(part, dtype, given) for part in parts]


def _input(part: Any, dtype: np.dtype[Any], given: Any) -> Any:
    if _is_shape(part):
        if any(length < 0 for length in part):
            raise ValueError(
                f"summary takes shapes without negative lengths, found {part}: say how many "
                f"examples make the batch, such as (1, 784)"
            )
        return Tensor(np.zeros(tuple(part), dtype))
    if not hasattr(part, "dtype") or not hasattr(part, "shape"):
        raise TypeError(
            f"summary takes as input_shape a shape such as (1, 784), an array, or a list of these, "
            f"found {type(part).__name__}{' in it' if part is not given else ''}"
        )
    data = _bare(part).copy()
    return Tensor(data) if isinstance(part, Tensor) or data.dtype.kind in "fc" else data


def _bare(x: Any) -> Any:
    return x.data if isinstance(x, Tensor) else x


def _is_shape(part: Any) -> bool:
    """Return whether `part` is a shape; an empty tuple is that of a number, an empty list none."""
    if not isinstance(part, tuple | list) or part == []:
        return False
    return all(isinstance(n, int | np.integer) and not isinstance(n, bool) for n in part)


@contextmanager
def left_as_found(model: Module) -> Iterator[None]:
    """Give every module its attributes back, and every Generator of random numbers its state.

    >>> from nn import Dropout
    >>> layer = Dropout(0.5)
    >>> with left_as_found(layer):
    ...     layer.p, layer.training = 0.9, False
    >>> layer.p, layer.training
    (0.5, True)
    """
    attributes = [(vars(module), dict(vars(module))) for module in model.modules()]
    held = (x for _, before in attributes for x in leaves(before))
    generators = [x for x in held if isinstance(x, np.random.Generator)]
    generators.append(init.generator())
    states = [(each.bit_generator, each.bit_generator.state) for each in generators]
    try:
        yield
    finally:
        for now, before in attributes:
            now.clear()
            now.update(before)
        for bits, state in states:
            bits.state = state
