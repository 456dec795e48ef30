"""Start a reverse walk; accumulate its gradients in `.grad`, or return them."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy import ndarray

from autograd_mini.checks import shown
from autograd_mini.clock import tick
from autograd_mini.fitting import added, fit, unshared
from autograd_mini.kinds import check_like
from autograd_mini.modes import enable_grad, no_grad
from autograd_mini.operation import FLOATING
from autograd_mini.recorded import no_graph
from autograd_mini.storage import Storage, as_array, bare
from autograd_mini.walk import Entry, Walk

_accumulating = threading.Lock()  # two threads may walk to the same leaf


def backward(output: Storage, gradient: Any, retain_graph: bool) -> None:
    """Accumulate the gradient of `output` into the leaves; see `Tensor.backward`."""
    walk = Walk(output, _seed(output, gradient))
    found = walk.run(release=not retain_graph, keep_inner=retain_graph)
    with _accumulating:
        _accumulate(found)


def _accumulate(found: dict[int, Entry]) -> None:
    now = tick()
    for entry in found.values():
        leaf = entry[0]
        if leaf._grad is not None:
            entry[1] = as_array(added(leaf._grad, entry[1], leaf._array))
        leaf._grad = unshared(entry)
        leaf._graded = now


def gradients(
    output: Storage, inputs: Iterable[Storage], gradient: Any = None, *, create_graph: bool = False
) -> list[Any]:
    """Return d output / d input for each of `inputs`; `.grad` and the graph stay as they are.

    Args:
        output: a scalar, or any shape with `gradient` given.
        inputs: Tensors that require grad, leaves or inner ones.
        gradient: the gradient of `output`, of its shape; 1 for a scalar.
        create_graph: return Tensors that can be differentiated again, not bare arrays.

    Returns:
        One gradient per input, of its shape and dtype; zeros where `output` does not depend on it.

    Raises:
        RuntimeError: `output` has no graph, or it was released.
        TypeError: an input is no Tensor that requires grad.

    >>> from autograd_mini import Tensor, gradients
    >>> x = Tensor(3.0, requires_grad=True)
    >>> (slope,) = gradients(x**3, [x], create_graph=True)
    >>> gradients(slope, [x])
    [array(18.)]
    """
    return _gradients(output, inputs, gradient, create_graph)


def partial_gradients(
    output: Storage, inputs: Iterable[Storage], gradient: Any, create_graph: bool
) -> list[Any]:
    """Return partial gradients: as `gradients`, with every input independent of the others."""
    return _gradients(output, inputs, gradient, create_graph, is_partial=True)


def whole_gradients(
    output: Storage, inputs: Iterable[Storage], gradient: Any, create_graph: bool
) -> list[Any]:
    """Return the same as `gradients`, where every call behind `output` leads to `inputs`."""
    return _gradients(output, inputs, gradient, create_graph, is_whole=True)


def _gradients(
    output: Storage,
    inputs: Any,
    gradient: Any,
    create_graph: bool,
    is_partial: bool = False,
    is_whole: bool = False,
) -> list[Any]:
    inputs = inputs if isinstance(inputs, Storage) else [*inputs]
    if isinstance(inputs, Storage) or not all(map(_requires_grad, inputs)):
        raise TypeError(
            f"gradients takes a list of Tensors that require grad, found {shown(inputs)}"
        )
    seed: Any = _seed(output, gradient)
    if create_graph:
        is_tensor = isinstance(gradient, Storage)
        seed = fit(gradient, output._array) if is_tensor else type(output)(seed)  # type: ignore[call-arg]
    wanted = frozenset(x._tick for x in inputs)
    walk = Walk(
        output,
        seed,
        differentiable=create_graph,
        wanted=wanted,
        is_partial=is_partial,
        is_whole=is_whole,
    )
    with enable_grad() if create_graph else no_grad():
        found = walk.run()
    return [_result(found.get(x._tick), x, create_graph) for x in inputs]


def _requires_grad(x: Any) -> bool:
    return isinstance(x, Storage) and x._needs


def _seed(output: Any, gradient: Any) -> Any:
    if not _requires_grad(output):
        raise RuntimeError(no_graph(output))
    if gradient is None:
        data = output._array
        if type(data) is ndarray and data.ndim == 0 and data.dtype in FLOATING:
            return np.array(1, data.dtype)
        if data.size != 1:
            raise ValueError(
                f"backward() starts at a scalar, found shape {output.shape}: reduce it first, "
                f"with .sum() or .mean(), or pass backward(gradient) of that shape"
            )
        if data.dtype.kind == "c":
            raise ValueError(
                "backward() starts at a real number, found a complex one: take its real part or "
                "its absolute value, or pass backward(gradient)"
            )
        return np.ones_like(data)
    gradient = as_array(bare(gradient))
    check_like(gradient, output._array)
    if gradient.dtype.kind not in ("biufc" if output.dtype.kind == "c" else "biuf"):
        raise TypeError(
            f"a gradient of {output.dtype} is made of real numbers, found dtype {gradient.dtype}"
        )
    if gradient.shape != output.shape:
        raise ValueError(f"gradient has shape {gradient.shape}, the Tensor has {output.shape}")
    return gradient.astype(output.dtype, copy=False)


def _result(entry: Entry | None, x: Any, create_graph: bool) -> Any:
    if entry is None:
        entry = [x, np.zeros_like(x._array)]
        return type(x)(entry[1]) if create_graph else entry[1]
    if create_graph:  # a rule that does not use its g returns a bare array
        return entry[1] if isinstance(entry[1], Storage) else type(x)(entry[1])
    return unshared(entry)
