"""The reverse walk: from a result back to its leaves, applying the table's rules.

Results come after their inputs on the clock, so a heap of ticks yields every node after all that
used it: one pass, no recursion, and as good as linear in the graph. Gradients under way live in
dictionaries of the walk; only at its end do leaves get `.grad`. The same rules run on bare arrays
(`backward`) or, with `create_graph`, on Tensors, and then the walk is itself recorded.
"""

from __future__ import annotations

from collections.abc import Iterable
from heapq import heappop, heappush
from itertools import chain, repeat
from typing import Any

import numpy as np

from autograd_mini.anomaly import watched_rules
from autograd_mini.clock import writes
from autograd_mini.fitting import added, copied, fit
from autograd_mini.modes import Watch, mode
from autograd_mini.operation import CONTAINERS, ITEM, Vjp
from autograd_mini.reach import Reach, guarded, passed_on
from autograd_mini.recorded import as_recorded, leads, needing, results_of, rule_failed, ways_to
from autograd_mini.storage import Storage, bare, needs_grad

Entry = list[Any]  # [Tensor, its gradient so far]


class Walk:
    """One pass over the graph behind a Tensor.

    Args:
        output: where the walk starts; its type tells Tensors from other arguments.
        seed: the gradient of `output`.
        differentiable: run the rules on Tensors, so that the gradients have a graph.
        wanted: ticks of the only Tensors whose gradients are asked for; all leaves if empty.
        is_partial: go no further back than to the wanted ones.
        is_whole: whether every call behind `output` leads to a wanted one: no search is needed.
    """

    __slots__ = (
        "differentiable",
        "heap",
        "is_partial",
        "is_watched",
        "kind",
        "oldest",
        "on_way",
        "pending",
        "reach",
        "versions",
        "wanted",
    )
    is_traced = False  # a walk that looks at every step takes the general path

    def __init__(
        self,
        output: Storage,
        seed: Any,
        *,
        differentiable: bool = False,
        wanted: frozenset[int] = frozenset(),
        is_partial: bool = False,
        is_whole: bool = False,
    ) -> None:
        self.is_partial = is_partial
        self.is_watched = type(mode()) is Watch
        self.kind: Any = type(output)
        self.differentiable = differentiable
        self.wanted = wanted
        self.oldest = min(wanted) if wanted else 0
        # A rule runs only for what leads to a wanted Tensor: others may refuse, or cost.
        self.on_way = ways_to(wanted, output) if wanted and not is_whole else None
        self.heap: list[int] = []
        self.pending: dict[int, Entry] = {}
        self.reach = Reach(self.on_way, differentiable)
        self.versions: dict[int, Any] = {}
        if self.on_way is None or output._tick in self.on_way:
            self.pending[output._tick] = [output, seed]
            if output._operation is not None:
                self.heap.append(-output._tick)

    def run(self, *, release: bool = False, keep_inner: bool = False) -> dict[int, Entry]:  # noqa: PLR0912 - what is hot is written out
        """Walk back, and return what is left pending, by tick.

        That is every leaf, since no call made it, and every inner Tensor that is wanted.

        Args:
            release: forget the arguments of every node that was passed.
            keep_inner: leave the gradients of inner Tensors in their `.grad`.
        """
        heap, pending, kind, wanted = self.heap, self.pending, self.kind, self.wanted
        on_way, reach = self.on_way, self.reach
        is_hot = is_plain = not (self.differentiable or self.is_watched or self.is_traced)
        while heap:
            node, g = entry = pending.pop(at := -heappop(heap))
            if wanted and at in wanted:
                pending[at] = entry
                if self.is_partial or at == self.oldest:
                    continue
            args, kwargs, operation = node._args, node._kwargs, node._operation
            if args is None or at < writes.last:
                args, kwargs = as_recorded(node, self.versions, on_way)
            is_steep, rest = operation.selects and reach.leaves_out(operation, args), None
            try:
                if is_hot and kwargs is None and not is_steep:  # `give` written out
                    given, rest = (g, node._array, *node._values), zip(operation.vjps, args)  # noqa: B905 - strict= is slow
                    for vjp, x in rest:
                        if type(x) is kind and x._needs and (on_way is None or x._tick in on_way):
                            part, data, made = vjp(*given), x._array, x._tick
                            is_alike = type(part) is type(data) and part.dtype is data.dtype
                            if not is_alike or part.shape != data.shape:
                                part = fit(part, data)
                            if made in pending:
                                pending[made][1] = added(pending[made][1], part, data)
                            else:
                                pending[made] = [x, part]
                                if x._operation is not None:
                                    heappush(heap, -made)
                else:  # the same for any call
                    is_hot = self.visit(node, args, kwargs or {}, g) and is_plain
            except Exception as error:
                if rest is None or "underflow" not in str(error):
                    raise rule_failed(node, error) from error
                self.resume(node, given, chain([(vjp, x)], rest))
            if release:
                node._args = node._values = None
            if keep_inner and type(g) is not list:
                node._grad = copied(g)
        return pending

    def resume(self, node: Any, given: tuple[Any, ...], rest: Iterable[tuple[Vjp, Any]]) -> None:
        """Finish the rules of `node` after a harmless underflow that NumPy was set to raise."""
        try:
            with np.errstate(under="ignore"):
                for vjp, x in rest:
                    if needs_grad(x) and leads(x, self.on_way):
                        self.give_each(x, vjp(*given))
        except Exception as error:
            raise rule_failed(node, error) from error

    def visit(self, node: Any, args: Any, kwargs: dict[str, Any], g: Any) -> bool:
        """Add the result of each rule to the gradient of its argument.

        Return whether all elements of all gradients under way were reached.
        """
        if node._operation is ITEM:
            call, position = args
            self.give_item(call, position, g, self.reach.masks.pop(node._tick, None))
            return not self.reach.masks
        out, mask = node._array, self.reach.mask_of(node, args, kwargs, g)
        rules = guarded(needing(node, args, kwargs, self.on_way), node._operation, mask)
        if type(g) is list:
            g = tuple(
                np.zeros_like(y) if part is None else part for part, y in zip(g, out, strict=True)
            )
        if self.is_watched:
            rules = watched_rules(node, args, kwargs, g, self.pending, rules)
        bare_call = [bare(x) for x in args], {key: bare(x) for key, x in kwargs.items()}
        values, named = (args, kwargs) if self.differentiable else bare_call
        if self.differentiable:
            g, out = self.recorded(g), results_of(node)
        with np.errstate(under="ignore"):
            for name, vjp, x in rules:
                part = vjp(g, out, *values, **named)
                self.give_each(x, part, passed_on(mask, name, vjp, node, bare_call))
        return not self.reach.masks

    def recorded(self, g: Any) -> Any:
        """Return `g` as a Tensor: zeros, or the result of a rule without its g, are bare."""
        if type(g) is tuple:
            return tuple(map(self.recorded, g))
        return g if isinstance(g, Storage) else self.kind(g)

    def give(self, x: Any, g: Any, mask: Any = None) -> None:
        """Add `g`, which is 0 where `mask` is, to the gradient of `x`, in its shape and dtype."""
        g, at = fit(g, x._array), x._tick
        entry = self.pending.get(at)
        self.reach.arrive(x, mask, g, is_first=entry is None)
        if entry is not None:
            entry[1] = added(entry[1], g, x._array)
        elif self.on_way is None or at in self.on_way:
            self.pending[at] = [x, g]
            if x._operation is not None:
                heappush(self.heap, -at)

    def give_each(self, x: Any, g: Any, mask: Any = None) -> None:
        """Add `g` to the gradient of `x`, or of each Tensor in the list `x`."""
        if type(x) is self.kind:
            if x._needs:
                self.give(x, g, mask)
        elif type(x) in CONTAINERS:
            masks = repeat(None) if mask is None else mask
            pairs = zip(x, g, strict=True)
            for (part, g_part), mask_part in zip(pairs, masks):  # noqa: B905 - repeat has no end
                self.give_each(part, g_part, mask_part)

    def give_item(self, call: Any, position: int, g: Any, mask: Any) -> None:
        """Add `g` to the gradient of one of the results of `call`."""
        entry = self.pending.get(call._tick)
        if entry is None:
            entry = self.pending[call._tick] = [call, [None] * len(call._array)]
            heappush(self.heap, -call._tick)
        parts = entry[1]
        self.reach.keep((call._tick, position), mask, is_first=parts[position] is None)
        parts[position] = g if parts[position] is None else parts[position] + g
