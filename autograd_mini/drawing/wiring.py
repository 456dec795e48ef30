"""Whether blocks that look the same are used the same: only then one of them may stand for all.

The query, key and value of an attention look alike and stand in a row, but lead elsewhere; the
layers of a deep network lead each into the next.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from autograd_mini.drawing.nodes import Node
from autograd_mini.drawing.repeats import FEWEST, Item, Looks, Run, everything


class Wiring:
    """What every call of a graph is used by.

    Args:
        nodes: of the graph.
        looks: what leaves must share.
    """

    def __init__(self, nodes: Sequence[Node], looks: Looks) -> None:
        self._looks = looks
        self._users: dict[Node, list[Node]] = {}
        for node in nodes:
            for _, source in node.inputs:
                if source.is_call:
                    self._users.setdefault(source, []).append(node)

    def runs(self, blocks: Sequence[Sequence[Item]]) -> Iterator[Run]:
        """Yield the longest parts of a row of blocks in which all are used the same."""
        calls = [[node for item in block for node in everything(item)] for block in blocks]
        at = {node: (i, k) for i, block in enumerate(calls) for k, node in enumerate(block)}
        taken = [[*self._taken(block, i, at)] for i, block in enumerate(calls)]
        given = [frozenset(self._given(block, i, at)) for i, block in enumerate(calls)]
        start = 0
        for i in range(1, len(blocks) + 1):
            if i < len(blocks) and _continues(i, start, taken, given):
                continue
            end = i
            if (
                end - start > 1
                and not _is_chain(taken[start + 1])
                and given[end - 1] != given[start]
            ):
                end -= 1  # side by side, the last one too must lead to where the others do
            if end - start >= FEWEST:
                yield Run(blocks[start], blocks[start + 1 : end])
            start = i

    def _taken(self, block: Sequence[Node], number: int, at: Any) -> Iterator[Any]:
        """Yield for every argument in a block where it is from, seen from the block."""
        for node in block:
            for name, source in node.inputs:
                if not source.is_call:
                    yield name, "leaf", self._looks.leaf(source)
                elif source in at:
                    there, position = at[source]
                    yield name, number - there, position
                else:
                    yield name, "outside", id(source)

    def _given(self, block: Sequence[Node], number: int, at: Any) -> Iterator[Any]:
        """Yield what uses the results of a block, besides itself and the next one."""
        for position, node in enumerate(block):
            for user in self._users.get(node, ()):
                there, _ = at.get(user, (None, 0))
                if there is None:
                    yield position, id(user)
                elif there - number > 1:
                    yield position, there - number


def _continues(i: int, start: int, taken: Sequence[Any], given: Sequence[Any]) -> bool:
    """Return whether block `i` is used as those from `start` on."""
    if i - 1 > start and (given[i - 1] != given[start] or taken[i] != taken[i - 1]):
        return False
    if i - 1 > start:
        return True
    # The first block takes from elsewhere what the others take from the one before.
    return len(taken[i]) == len(taken[start]) and all(
        one == other or _is_earlier(other)
        for one, other in zip(taken[start], taken[i], strict=True)
    )


def _is_chain(taken: Sequence[Any]) -> bool:
    return any(map(_is_earlier, taken))


def _is_earlier(source: tuple[str, Any, Any]) -> bool:
    return isinstance(source[1], int) and source[1] > 0
