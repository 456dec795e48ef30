"""The reverse walk: from a result back to its leaves, applying the table's rules.

Results come after their inputs on the clock, so a heap of ticks yields every node after all that
used it: one pass, no recursion, and as good as linear in the graph. Gradients under way live in
dictionaries of the walk; only at its end do leaves get `.grad`. The same rules run on bare arrays
(`backward`) or, with `create_graph`, on Tensors, and then the walk is itself recorded.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from heapq import heappop, heappush
from typing import Any

import numpy as np
from numpy import ndarray

from autograd_mini.anomaly import watched_rules
from autograd_mini.clock import tick, writes
from autograd_mini.fitting import copied, fit, unshared
from autograd_mini.kinds import check_like
from autograd_mini.modes import Watch, enable_grad, mode, no_grad
from autograd_mini.operation import CONTAINERS, FLOATING, ITEM
from autograd_mini.recorded import as_recorded, needing, no_graph, results_of, rule_failed
from autograd_mini.storage import Storage, as_array, bare

Entry = list[Any]  # [Tensor, its gradient so far]
_accumulating = threading.Lock()  # two threads may walk to the same leaf


def backward(output: Storage, gradient: Any, retain_graph: bool) -> None:
    """Accumulate the gradient of `output` into the leaves; see `Tensor.backward`."""
    seed = _seed(output, gradient)
    found = Walk(output).run(output, seed, release=not retain_graph, keep_inner=retain_graph)
    with _accumulating:
        _accumulate(found)


def _accumulate(found: dict[int, Entry]) -> None:
    now = tick()
    for entry in found.values():
        leaf = entry[0]
        leaf._grad = unshared(entry) if leaf._grad is None else as_array(leaf._grad + entry[1])
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
    return _gradients(output, inputs, gradient, create_graph, is_partial=False)


def partial_gradients(
    output: Storage, inputs: Iterable[Storage], gradient: Any, create_graph: bool
) -> list[Any]:
    """Return the same as `gradients`, as if no input depended on another one."""
    return _gradients(output, inputs, gradient, create_graph, is_partial=True)


def _gradients(
    output: Storage, inputs: Any, gradient: Any, create_graph: bool, is_partial: bool
) -> list[Any]:
    inputs = inputs if isinstance(inputs, Storage) else [*inputs]
    if isinstance(inputs, Storage) or not all(map(_requires_grad, inputs)):
        raise TypeError(f"gradients takes a list of Tensors that require grad, found {inputs!r}")
    seed: Any = _seed(output, gradient)
    wanted = frozenset(x._tick for x in inputs)
    walk = Walk(output, differentiable=create_graph, wanted=wanted, is_partial=is_partial)
    if create_graph:
        seed = gradient if isinstance(gradient, Storage) else walk.kind(seed)
    with enable_grad() if create_graph else no_grad():
        found = walk.run(output, seed)
    return [_result(found.get(x._tick), x, create_graph) for x in inputs]


class Walk:
    """One pass over the graph behind a Tensor.

    Args:
        output: where the walk starts; its type tells Tensors from other arguments.
        differentiable: run the rules on Tensors, so that the gradients have a graph.
        wanted: ticks of the only Tensors whose gradients are asked for; all leaves if empty.
        is_partial: go no further back than to the wanted ones.
    """

    __slots__ = (
        "differentiable",
        "heap",
        "is_partial",
        "is_watched",
        "kind",
        "oldest",
        "pending",
        "versions",
        "wanted",
    )
    is_traced = False  # a walk that looks at every step takes the general way

    def __init__(
        self,
        output: Storage,
        *,
        differentiable: bool = False,
        wanted: frozenset[int] = frozenset(),
        is_partial: bool = False,
    ) -> None:
        self.is_partial = is_partial
        self.is_watched = type(mode()) is Watch
        self.kind: Any = type(output)
        self.differentiable = differentiable
        self.wanted = wanted
        self.oldest = min(wanted) if wanted else 0
        self.heap: list[int] = []
        self.pending: dict[int, Entry] = {}
        self.versions: dict[int, Any] = {}

    def run(  # noqa: PLR0912 - what is hot is written out
        self, output: Storage, seed: Any, *, release: bool = False, keep_inner: bool = False
    ) -> dict[int, Entry]:
        """Walk from `output`, whose gradient is `seed`; return what is left pending, by tick.

        That is every leaf, for want of a call to walk to, and every inner Tensor that is wanted.

        Args:
            output: where the walk starts.
            seed: its gradient.
            release: forget the arguments of every node that was passed.
            keep_inner: leave the gradients of inner Tensors in their `.grad`.
        """
        self.give(output, seed)
        heap, pending, kind, wanted = self.heap, self.pending, self.kind, self.wanted
        oldest = self.oldest
        is_plain = not (self.differentiable or self.is_watched or self.is_traced)
        while heap:
            node, g = entry = pending.pop(at := -heappop(heap))
            if wanted and at in wanted:
                pending[at] = entry
                if self.is_partial or at == oldest:
                    continue
            args, kwargs = node._args, node._kwargs
            if args is None or at < writes.last:
                args, kwargs = as_recorded(node, self.versions)
            try:
                if is_plain and kwargs is None:  # most of the time goes here: `give` written out
                    given = (g, node._array, *node._values)
                    for vjp, x in zip(node._operation.vjps, args):  # noqa: B905 - strict= is slow
                        if type(x) is kind and x._needs:
                            part, data, made = vjp(*given), x._array, x._tick
                            is_alike = type(part) is type(data) and part.dtype is data.dtype
                            if not is_alike or part.shape != data.shape:
                                part = fit(part, data)
                            if made in pending:
                                pending[made][1] = pending[made][1] + part
                            elif made >= oldest:
                                pending[made] = [x, part]
                                if x._operation is not None:
                                    heappush(heap, -made)
                else:  # the same for any call
                    self.visit(node, args, kwargs or {}, g)
            except Exception as error:
                raise rule_failed(node, error) from error
            if release:
                node._args = node._values = None
            if keep_inner and type(g) is not list:
                node._grad = copied(g)
        return pending

    def visit(self, node: Any, args: Any, kwargs: dict[str, Any], g: Any) -> None:
        """Give every argument that needs it what its rule makes of `g`."""
        if node._operation is ITEM:
            call, position = args
            self.give_item(call, position, g)
            return
        pairs, out = needing(node, args, kwargs), node._array
        if type(g) is list:
            g = tuple(
                np.zeros_like(y) if part is None else part for part, y in zip(g, out, strict=True)
            )
        if self.is_watched:
            pairs = watched_rules(node, args, kwargs, g, pairs, self.pending)
        if self.differentiable:
            g, values, out = self.recorded(g), args, results_of(node)
        else:
            values = [bare(x) for x in args]
            kwargs = {key: bare(x) for key, x in kwargs.items()}
        for vjp, x in pairs:
            self.give_each(x, vjp(g, out, *values, **kwargs))

    def recorded(self, g: Any) -> Any:
        """Return `g` as a Tensor: zeros, or the result of a rule without its g, are bare."""
        if type(g) is tuple:
            return tuple(map(self.recorded, g))
        return g if isinstance(g, Storage) else self.kind(g)

    def give(self, x: Any, g: Any) -> None:
        """Add `g` to the gradient of `x`, in its shape and dtype."""
        g, at = fit(g, x._array), x._tick
        entry = self.pending.get(at)
        if entry is not None:
            entry[1] = entry[1] + g
        elif at >= self.oldest:
            self.pending[at] = [x, g]
            if x._operation is not None:
                heappush(self.heap, -at)

    def give_each(self, x: Any, g: Any) -> None:
        """Add `g` to the gradient of `x`, or of each Tensor in the list `x`."""
        if type(x) is self.kind:
            if x._needs:
                self.give(x, g)
        elif type(x) in CONTAINERS:
            for part, g_part in zip(x, g, strict=True):
                self.give_each(part, g_part)

    def give_item(self, call: Any, position: int, g: Any) -> None:
        """Add `g` to the gradient of one of the results of `call`."""
        entry = self.pending.get(call._tick)
        if entry is None:
            entry = self.pending[call._tick] = [call, [None] * len(call._array)]
            heappush(self.heap, -call._tick)
        parts = entry[1]
        parts[position] = g if parts[position] is None else parts[position] + g


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
