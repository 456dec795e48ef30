"""The recorded graph as a picture: every call, parameter, input and number is a node.

Arrows run as the data did, from the arguments to the call. Drawing reads the graph and changes
nothing. `nodes.py` walks it, `folding.py` says what of it is shown, `build.py` what is written
there, and `dot.py` how it looks.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from autograd_mini.drawing.build import Builder
from autograd_mini.drawing.dot import as_dot
from autograd_mini.drawing.names import HasParameters
from autograd_mini.drawing.paint import MEASURES
from autograd_mini.drawing.picture import Picture
from autograd_mini.tensor import Tensor

MAX_NODES = 300
DIRECTIONS = ("LR", "TB", "RL", "BT")


def draw(
    output: Tensor,
    *,
    model: HasParameters | None = None,
    grads: bool = False,
    backward: bool = False,
    color: str | None = None,
    depth: int | None = None,
    direction: str = "LR",
    max_nodes: int = MAX_NODES,
    legend: bool = False,
    values: bool = True,
) -> Picture:
    """Return a picture of the calls that `output` was computed by.

    Every node shows its name, shape, dtype unless that is float64, and what it holds now: up to
    six values, of more range, mean and a histogram. The calls of modules are boxes; modules that
    repeat three times and more, and are used alike, are shown once. Draw before `backward()`,
    which releases the graph.

    Args:
        output: the result of a recorded computation, such as a loss.
        model: a module whose paths name modules and parameters. Without it, the outermost modules
            that were called name their own.
        grads: show the gradient of a scalar `output` in every node, inner ones too.
            A `hook` is called, as by `backward()`.
        backward: draw the backward pass beside the forward one: a gradient for every node, and on
            every arrow what one use contributed to it.
        color: paint nodes by "saturation" (the share of elements of a sigmoid, tanh, relu or
            softmax whose slope is below a twentieth of the greatest), "gradient" (root mean
            square), "value" (mean), "time" (microseconds of the call, which is run three times
            more; a primitive of your own is not) or "memory" (bytes of the result; 0 for a view).
            What is folded has the worst saturation, the least gradient, the mean value, and all
            the time and memory of what is in it.
        depth: how many levels of modules are open; those inside are one node each. None: all.
        direction: "LR", left to right, "TB", top to bottom, "RL" or "BT".
        max_nodes: a graph with more nodes is folded: loops, then deep modules, then all calls of
            a line, at last what was called one after the other. A note in the picture says so.
        legend: add what shapes and colours mean.
        values: without them, the picture shows what was computed, not what came out: the same for
            every run of a program, to be kept in git and compared by `diff`.

    Raises:
        TypeError: `output` is no Tensor, `model` has no `named_parameters()`, or a switch is
            neither True nor False.
        ValueError: an option has no such value, or the gradient of what is no scalar is asked for.
        RuntimeError: no call was recorded, or the graph was released.

    >>> from autograd_mini import Tensor
    >>> x = Tensor([1.0, 2.0], requires_grad=True, name="x")
    >>> picture = draw((x * 3).sum())
    >>> [line.strip() for line in picture.body if "->" in line]
    ['"x" -> "np.multiply" [label=< (2,) >]', ...]
    """
    check_output(output, model)
    _check_choice("direction", direction, DIRECTIONS)
    if color is not None:
        _check_choice("color", color, MEASURES)
    if depth is not None:
        check_count("depth", depth, 0)
    check_count("max_nodes", max_nodes, 1)
    flags = {"grads": grads, "backward": backward, "legend": legend, "values": values}
    _check_flags(flags)
    with _without_collection():
        builder = Builder(
            [output],
            model=model,
            depth=depth,
            max_nodes=max_nodes,
            grads=grads,
            backward=backward,
            color=color,
            values=values,
        )
        return as_dot(builder.scene(direction, legend))


@contextmanager
def _without_collection() -> Iterator[None]:
    """Spare the garbage collector to look at what is all in use, which takes half of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def check_output(output: Any, model: Any) -> None:
    """Refuse what has no graph behind it, with how to get one.

    Raises:
        TypeError: `output` is no Tensor, or `model` has no `named_parameters()`.
        RuntimeError: no call was recorded.
    """
    if not isinstance(output, Tensor):
        raise TypeError(
            f"draw takes the Tensor that a computation ended in, found {_kind(output)}: "
            f"draw a result, such as draw(model(x), model=model)"
        )
    check_model(model)
    if output.is_leaf:
        raise RuntimeError(
            f"there is no graph to draw behind this Tensor of shape {output.shape}: no call was "
            f"recorded; draw a result computed, outside no_grad(), from a Tensor made with "
            f"requires_grad=True"
        )


def check_model(model: Any) -> None:
    """Refuse what names no parameters.

    Raises:
        TypeError: `model` is a class, or has no `named_parameters()`.
    """
    is_object = hasattr(model, "named_parameters") and not isinstance(model, type)
    if model is not None and not is_object:
        raise TypeError(f"model= is a module, which has named_parameters(), found {_kind(model)}")


def _kind(x: Any) -> str:
    return f"the class {x.__name__}" if isinstance(x, type) else type(x).__name__


def _check_choice(name: str, found: Any, known: Any) -> None:
    if not isinstance(found, str) or found not in known:
        raise ValueError(f"{name} is one of {', '.join(known)}, found {found!r}")


def check_count(name: str, found: Any, least: int) -> None:
    """Refuse what is no whole number of at least `least`.

    Raises:
        ValueError: it is none.
    """
    if not is_whole(found) or found < least:
        raise ValueError(f"{name} is a whole number from {least} on, found {found!r}")


def is_whole(x: Any) -> bool:
    """Return whether `x` is an integer, Python's or NumPy's, and no bool."""
    return isinstance(x, int | np.integer) and not isinstance(x, bool)


def _check_flags(flags: Mapping[str, Any]) -> None:
    for name, found in flags.items():
        if not isinstance(found, bool | np.bool_):
            raise TypeError(f"{name} is True or False, found {found!r}")
