"""Names of marks and boxes in the text of a picture: from the graph's order and its paths alone."""

from __future__ import annotations

import re
from collections.abc import Iterable

_STRANGE = re.compile(r"[^\w./# ()-]+", re.ASCII)  # also what would need care in DOT text


class Ids:
    """Gives every id once.

    Args:
        reserved: ids that are not to be given.
    """

    def __init__(self, reserved: Iterable[str] = ()) -> None:
        self._taken = set(reserved)
        self._counts: dict[str, int] = {}

    def take(self, wanted: str) -> str:
        """Return `wanted` in letters that need no care anywhere, with a number if it is taken.

        >>> ids = Ids()
        >>> ids.take("x"), ids.take("x"), ids.take('a "b"'), ids.take("x#2")
        ('x', 'x#2', 'a _b_', 'x#2#2')
        """
        base = found = _STRANGE.sub("_", wanted) or "_"
        while found in self._taken:
            self._counts[base] = count = self._counts.get(base, 1) + 1
            found = f"{base}#{count}"
        self._taken.add(found)
        return found
