"""Every path from one number of a graph to its result, and the product of derivatives along it.

There may be more paths than atoms: they are counted and added up from the end backwards, each
number once, and only the largest are listed. A path is told by where it leaves the best way on:
the best of all paths that start with the same arrows is known, so the paths that are not listed
yet fall into groups, each with its best, its count and its sum.

Source of the grouping: Lawler, A procedure for computing the K best solutions (1972).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import NamedTuple

from autograd_mini.drawing.partials import Use, derivatives, work_of

MOST_ARROWS = 1_000_000
MOST_WORK = 4_000_000_000  # some ten seconds


class Arrow(NamedTuple):
    """A derivative that is not 0: from an element of an argument to one of the result.

    Attributes:
        tail: the number of the element of the argument.
        head: the number of the element of the result.
        derivative: of the head by the tail.
        use: the Tensor and the call.
    """

    tail: int
    head: int
    derivative: float
    use: Use


@dataclass(frozen=True)
class Rest:
    """The paths that are not listed: how many, and the sum of their products."""

    count: int
    sum: float


class Chain:
    """All elements that can be reached from one, with the arrows between them.

    Elements are numbered as they are found, in the order of the program: an arrow leads from a
    lower number to a higher one, so that counting down meets every element after all it leads to.

    Args:
        uses: every use of a Tensor up to the output, oldest first.
        start: the tick of a Tensor, and an element of its ravel().
        end: the same of the output.

    Attributes:
        elements: tick and element by number; number 0 is the start.
        arrows: by the number of their tail, those that lead to the end.
        stops: numbers of the elements that no arrow leaves, but the end.
        counts: how many paths lead from each element to the end.
        sums: the sums of their products.
        sizes: the sums of the absolute values of their products.

    Raises:
        ValueError: there are too many arrows, or a derivative is no number.
    """

    def __init__(self, uses: list[Use], start: tuple[int, int], end: tuple[int, int]) -> None:
        self.elements = [start]
        self.arrows: list[list[Arrow]] = [[]]
        self._numbers = {start[0]: {start[1]: 0}}
        self._explore(uses)
        self.end = self._numbers.get(end[0], {}).get(end[1], -1)
        self.stops = [i for i, a in enumerate(self.arrows) if not a and i != self.end]
        self._add_up()

    def _explore(self, uses: list[Use]) -> None:
        arrows = work = 0
        for use in uses:
            tails = self._numbers.get(use.x._tick)
            if tails is None:
                continue
            work += work_of(use, len(tails))
            if work > MOST_WORK:
                raise ValueError(_too_much(f"which takes more than {MOST_WORK:,} numbers"))
            for e, r, derivative in derivatives(use, sorted(tails)):
                head = self._number_of(use.call._tick, r)
                self.arrows[tails[e]].append(Arrow(tails[e], head, derivative, use))
                arrows += 1
                if arrows > MOST_ARROWS:
                    raise ValueError(_too_much(f"which has more than {MOST_ARROWS:,} derivatives"))

    def _number_of(self, tick: int, element: int) -> int:
        known = self._numbers.setdefault(tick, {})
        if element not in known:
            known[element] = len(self.elements)
            self.elements.append((tick, element))
            self.arrows.append([])
        return known[element]

    def _add_up(self) -> None:
        n = len(self.elements)
        self.counts, self.sums, self.sizes = [0] * n, [0.0] * n, [0.0] * n
        self._best = [0.0] * n  # the largest absolute product from here on
        self._onward: list[Arrow | None] = [None] * n  # the first arrow of that path
        for i in reversed(range(n)):
            if i == self.end:
                self.counts[i], self.sums[i], self.sizes[i], self._best[i] = 1, 1.0, 1.0, 1.0
                continue
            self.arrows[i] = live = [a for a in self.arrows[i] if self.counts[a.head]]
            self.counts[i] = sum(self.counts[a.head] for a in live)
            self.sums[i] = sum(a.derivative * self.sums[a.head] for a in live)
            self.sizes[i] = sum(abs(a.derivative) * self.sizes[a.head] for a in live)
            self._onward[i] = max(live, key=self._promise, default=None)
            self._best[i] = max(map(self._promise, live), default=0.0)
        if not math.isfinite(self.sizes[0]):
            raise ValueError(_OUT_OF_RANGE)

    def _promise(self, arrow: Arrow) -> float:
        """Return the largest absolute product of a path that starts with `arrow`."""
        return abs(arrow.derivative) * self._best[arrow.head]

    def rounding(self) -> float:
        """Return the scale of rounding errors: what a derivative wrong by 1 each could change.

        sum over arrows of (all that leads to the tail) * (all that leads on from the head)
        """
        reach = [0.0] * len(self.elements)
        reach[0], total = 1.0, 0.0
        for i, arrows in enumerate(self.arrows):
            for a in arrows:
                reach[a.head] += reach[i] * abs(a.derivative)
                total += reach[i] * self.sizes[a.head]
        return total

    def largest(self, most: int) -> tuple[list[list[Arrow]], Rest]:
        """Return the `most` paths with the largest absolute products, and what the others are."""
        if not self.counts[0]:
            return [], Rest(0, 0.0)
        found: list[list[Arrow]] = []
        groups = [_Group(-self._best[0], 0, 1.0, [], 0, None)]
        ticket = 0
        while groups and len(found) < most:
            group = heappop(groups)
            path = self._completed(group)
            found.append(path)
            for product, place, other in self._departures(group, path):
                ticket += 1
                promise = -abs(product) * self._promise(other)
                heappush(groups, _Group(promise, ticket, product, path, place, other))
        products = [product_of(path) for path in found]
        found = [path for _, path in sorted(zip(products, found, strict=True), key=_largest_first)]
        left = sum(g.product * self._sum_of(g) for g in groups)
        if not abs(sum(products) + left - self.sums[0]) <= 1e-9 * self.sizes[0]:
            raise ValueError(_OUT_OF_RANGE)
        return found, Rest(self.counts[0] - len(found), left)

    def _completed(self, group: _Group) -> list[Arrow]:
        """Return the best path of a group."""
        path = group.path[: group.place]
        arrow = group.other if group.other is not None else self._onward[0]
        while arrow is not None:
            path.append(arrow)
            arrow = self._onward[arrow.head]
        return path

    def _departures(self, group: _Group, path: list[Arrow]) -> Iterator[tuple[float, int, Arrow]]:
        """Yield every way to leave the best path of a group: product so far, place and arrow."""
        first = group.place + 1 if group.other is not None else 0
        product = group.product if group.other is None else group.product * group.other.derivative
        for place in range(first, len(path)):
            for other in self.arrows[path[place].tail]:
                if other is not path[place]:
                    yield product, place, other
            product *= path[place].derivative

    def _sum_of(self, group: _Group) -> float:
        if group.other is None:
            return self.sums[0]
        return group.other.derivative * self.sums[group.other.head]


class _Group(NamedTuple):
    """All paths that start as `path` does up to `place`, and go on with the arrow `other`.

    `promise` is minus the largest absolute product among them, `product` that of the start.
    """

    promise: float
    ticket: int
    product: float
    path: list[Arrow]
    place: int
    other: Arrow | None


def _too_much(what: str) -> str:
    return (
        f"explain follows everything that depends on the element, {what}: explain the loss of "
        f"fewer examples, or by a Tensor that is nearer to the loss"
    )


def product_of(path: list[Arrow]) -> float:
    """Return the product of the derivatives along a path, from the end, as the engine's walk."""
    return float(math.prod(a.derivative for a in reversed(path)))


def _largest_first(pair: tuple[float, list[Arrow]]) -> float:
    return -abs(pair[0])


_OUT_OF_RANGE = (
    "explain multiplies derivatives, but their products along the paths are beyond what a float64 "
    "holds: explain a part of the graph, by a Tensor that is nearer to the loss"
)
