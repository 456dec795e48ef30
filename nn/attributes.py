"""The attributes of an object: those in its dictionary, and those in slots of its classes."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from types import MemberDescriptorType
from typing import Any


def attributes(x: object) -> Iterator[tuple[str, Any]]:
    """Yield name and value of every attribute of `x` itself, those in slots after the others.

    >>> class Pair:
    ...     __slots__ = ("first", "second", "__dict__")
    >>> pair = Pair()
    >>> pair.second, pair.other = 2, 3
    >>> [*attributes(pair)]
    [('other', 3), ('second', 2)]
    """
    yield from vars(x).items()
    kind: Any = type(x)
    for name, slot in slots(kind):
        try:
            value = slot.__get__(x, kind)
        except AttributeError:  # nothing was assigned
            continue
        yield name, value


@functools.cache
def slots(kind: type) -> tuple[tuple[str, MemberDescriptorType], ...]:
    """Return name and descriptor of every slot that `kind` and its bases declare."""
    return tuple(
        (name, member)
        for base in reversed(kind.__mro__)
        for name, member in vars(base).items()
        if isinstance(member, MemberDescriptorType)
    )
