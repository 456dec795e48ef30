"""The chain rule in numbers: why the gradient of a loss by one number is what it is.

`partials.py` has the derivative of one call, `chain.py` the paths that they make, `factors.py` the
words, `explanation.py` the text and the picture. Here they are put together, and what all paths
add up to is held against the engine's own gradient.
"""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from autograd_mini.backward import gradients
from autograd_mini.drawing.chain import Arrow, Chain, product_of
from autograd_mini.drawing.draw import check_count, check_model, is_whole
from autograd_mini.drawing.explanation import Explanation, Path, Step, place_of
from autograd_mini.drawing.factors import counted, title_of, with_index, words, words_of_nothing
from autograd_mini.drawing.labels import cut
from autograd_mini.drawing.names import HasParameters, Names
from autograd_mini.drawing.nodes import Node
from autograd_mini.drawing.partials import Use, parts_of, uses_between
from autograd_mini.drawing.places import find_places, namers
from autograd_mini.modes import enable_grad, unwatched
from autograd_mini.operation import CONTAINERS, ITEM
from autograd_mini.recorded import no_graph
from autograd_mini.tensor import Tensor


def explain(
    loss: Tensor,
    tensor: Tensor,
    index: int | tuple[int, ...] = (),
    *,
    paths: int = 10,
    model: HasParameters | None = None,
) -> Explanation:
    """Return why d loss / d tensor[index] is what it is: every path of the chain rule in numbers.

    d loss / d tensor[index] = sum over paths of the product of the derivatives along it

    A path leads from the number through one number of each result to the loss. One with a factor
    of 0 adds nothing and is left out. Print what is returned, or look at its `.picture()`. Values,
    `.grad` and the graph stay as they are; explain before `backward()`, which releases the graph.

    Args:
        loss: a scalar, computed from `tensor`.
        tensor: a Tensor that requires grad, a leaf or an inner one.
        index: which number of it; negative ones count from the end.
        paths: how many are listed, those with the largest absolute products. All are counted.
        model: a module whose paths name parameters, unless they have a `name`. Without it, the
            outermost modules that were called name their own.

    Raises:
        TypeError: `loss` or `tensor` is no Tensor, `tensor` needs no gradient, or `index` is none.
        IndexError: there is no such number.
        ValueError: `loss` is no scalar or was not computed from `tensor`, a derivative is nan or
            infinite, or too many numbers depend on the one.
        RuntimeError: the graph was released, or a value in it was written since.
        NotImplementedError: a call has complex numbers, or its gradient goes through a `hook`.

    >>> from autograd_mini import Tensor
    >>> w, x = Tensor(0.5, requires_grad=True, name="w"), Tensor(3.0, name="x")
    >>> found = explain((w * x - 1) ** 2, w)
    >>> [step.derivative for step in found.paths[0].steps]
    [3.0, 1.0, 1.0]
    >>> found.gradient
    3.0
    """
    _check(loss, tensor, model, paths)
    place = _place(tensor, index)
    with unwatched(), enable_grad(), np.errstate(all="ignore"):
        uses, is_met = uses_between(tensor, loss)
        if not is_met:
            raise ValueError(_not_met(tensor))
        start = int(np.ravel_multi_index(place, tensor.shape)) if place else 0
        chain = Chain(uses, (tensor._tick, start), (loss._tick, 0))
        gradient = float(gradients(loss, [tensor])[0][place])
    _check_agreement(chain, gradient, uses)
    own = next((use.argument for use in uses if use.x is tensor), "tensor")
    listed, rest = chain.largest(paths)
    tensors = [tensor, *(use.call for use in uses)]
    places, _ = find_places([Node(x, []) for x in tensors], model)
    told = _Telling(Names(tensors, namers(places, model)))
    return Explanation(
        loss=str(told.names.of(loss) or "loss"),
        element=with_index(str(told.names.of(tensor) or own), place),
        loss_value=loss.item(),
        value=float(tensor.data[place]),
        gradient=gradient,
        total=chain.sums[0],
        paths=tuple(told.path(chain, arrows) for arrows in listed),
        rest=rest,
        reason="" if chain.counts[0] else told.reason(chain, uses),
    )


class _Telling:
    """The arrows of a chain, told as steps.

    Args:
        names: those of Tensors.
    """

    def __init__(self, names: Names) -> None:
        self.names = names
        self.steps: dict[int, Step] = {}  # by the id of the arrow, which the chain holds

    def path(self, chain: Chain, arrows: list[Arrow]) -> Path:
        # To pick one of several results of a call is no factor of its own.
        told = [arrow for arrow in arrows if arrow.use.call._operation is not ITEM]
        return Path(product_of(arrows), tuple(self.step(chain, arrow) for arrow in told))

    def step(self, chain: Chain, arrow: Arrow) -> Step:
        known = self.steps.get(id(arrow))
        if known is None:
            known = self.steps[id(arrow)] = self._step(chain, arrow)
        return known

    def _step(self, chain: Chain, arrow: Arrow) -> Step:
        use = arrow.use
        _, at, _ = self.located(use.x, chain.elements[arrow.tail][1])
        name, to, value = self.located(use.call, chain.elements[arrow.head][1])
        return Step(
            operation=title_of(use.call._operation),
            argument=use.argument,
            argument_index=at,
            result=name,
            result_index=to,
            derivative=arrow.derivative,
            words=words(use, at, to, arrow.derivative, self.names),
            value=value,
            element=arrow.head,
            origin=use.call.origin,
        )

    def reason(self, chain: Chain, uses: list[Use]) -> str:
        """Say at which call the paths stop, that with the most to say."""
        stops = dict.fromkeys(chain.elements[i] for i in chain.stops)
        ticks: dict[int, list[int]] = {}
        for tick, element in stops:
            ticks.setdefault(tick, []).append(element)
        ends = [(use, ticks[use.x._tick]) for use in uses if use.x._tick in ticks]
        told = [
            (use, at, words_of_nothing(use, at, self.names)) for use, at in map(self.first, ends)
        ]
        if not told:
            return "every path's product is 0, since nothing that leads to the loss uses it"
        use, at, why = next((each for each in told if each[2]), told[0])
        others = len(chain.stops) - 1
        more = f", and so at {others:,} other place{'s' * (others != 1)}" if others else ""
        return (
            f"every path's product is 0, since {title_of(use.call._operation)}, called in "
            f"{place_of(use.call.origin)}, has the derivative 0 by "
            f"{with_index(use.argument, at)} ({why or 'its result does not depend on it'}){more}"
        )

    def first(self, end: tuple[Use, list[int]]) -> tuple[Use, tuple[int, ...]]:
        use, elements = end
        return use, self.located(use.x, elements[0])[1]

    def located(self, x: Any, element: int) -> tuple[str, tuple[int, ...], float]:
        """Return the name of what `x` is, the index of an element of its ravel(), its value."""
        name = self.names.of(x) or ("" if x.is_leaf else title_of(x._operation))
        for position, part in enumerate(parts_of(x)):
            if element < part.size:
                index = tuple(map(int, np.unravel_index(element, part.shape)))
                several = f" result {position}" if type(x._array) in CONTAINERS else ""
                return f"{name}{several}", index, float(part[index])
            element -= part.size
        raise AssertionError(f"there is no element {element} more")


def _check_agreement(chain: Chain, gradient: float, uses: list[Use]) -> None:
    """Raise if what the paths add up to is not the engine's gradient, but for rounding."""
    dtypes = {part.dtype for use in uses for part in parts_of(use.call) if part.dtype.kind == "f"}
    epsilon = max((float(np.finfo(dtype).eps) for dtype in dtypes), default=0.0)
    epsilon = max(epsilon, float(np.finfo(float).eps))
    allowed = math.sqrt(epsilon) * chain.sizes[0] + 64 * epsilon * chain.rounding()
    if not abs(chain.sums[0] - gradient) <= allowed:
        raise RuntimeError(
            f"the paths, {counted(chain.counts[0])} of them, add up to {chain.sums[0]!r}, but the "
            f"engine's gradient is {gradient!r}, and rounding explains no more than {allowed:.2g}: "
            f"a rule of an operation in this graph may be wrong or no linear function of its g; "
            f"try check_grads()"
        )


def _check(loss: Any, tensor: Any, model: Any, paths: Any) -> None:
    for what, x in (("loss", loss), ("tensor", tensor)):
        if not isinstance(x, Tensor):
            raise TypeError(
                f"explain(loss, tensor, index) takes Tensors, found {type(x).__name__} as {what}"
            )
    check_model(model)
    check_count("paths", paths, 0)
    if not tensor.requires_grad:
        raise TypeError(
            f"explain tells about a Tensor that requires grad, {_described(tensor)} does not: make "
            f"it with requires_grad=True and compute the loss again"
        )
    if not loss.requires_grad:
        raise RuntimeError(no_graph(loss))
    if loss.size != 1:
        raise ValueError(
            f"explain starts at a scalar loss, found shape {loss.shape}: choose one number, "
            f"loss[i], or reduce it, with .sum() or .mean()"
        )
    for x in (loss, tensor):
        if x.dtype.kind == "c":
            raise NotImplementedError(
                f"explain multiplies real derivatives, {_described(x)} is {x.dtype}: write the "
                f"computation with real numbers, or use jacobian"
            )


def _place(tensor: Tensor, index: Any) -> tuple[int, ...]:
    """Return `index` as a tuple of integers from 0, one for each axis."""
    parts = index if isinstance(index, tuple) else (index,)
    if not all(map(is_whole, parts)):
        raise TypeError(
            f"explain takes an index of integers, such as 3 or (3, 5), found {cut(repr(index))}"
        )
    place = tuple(map(operator.index, parts))
    if len(place) != tensor.ndim or not all(
        -n <= i < n for i, n in zip(place, tensor.shape, strict=True)
    ):
        raise IndexError(
            f"explain takes the index of one number of shape {tensor.shape}, found {index!r}: "
            f"give {tensor.ndim} integer{'s' * (tensor.ndim != 1)} within it"
        )
    return tuple(i % n for i, n in zip(place, tensor.shape, strict=True))


def _not_met(tensor: Tensor) -> str:
    return (
        f"the loss was not computed from {_described(tensor)}: give a Tensor that stands "
        f"in its graph, as it was when it was used (draw(loss) shows them)"
    )


def _described(x: Tensor) -> str:
    return f"Tensor {x.name!r}" if x.name else f"the Tensor of shape {x.shape}"
