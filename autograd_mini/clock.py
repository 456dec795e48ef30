"""The logical clock: every Tensor and every sanctioned write gets a tick.

Ticks only grow. A Tensor's tick is its place in the order of the program, so walking by falling
ticks visits every result before its inputs. A write is kept per memory owner, so that a write
through one view is seen by all the others; a value whose memory was written after the tick of
the call that used it is no longer the value of that call.
"""

from __future__ import annotations

import itertools
from typing import Any

ticks = itertools.count(1)
tick = ticks.__next__


class _Writes:
    """When each piece of memory was last written, by the id of the array that owns it.

    An id may be reused after its array has died. That can't raise a false alarm: whatever lives
    there now was recorded after the old write, and a write only counts when it came later.

    Attributes:
        last: the tick of the latest event that a walk must check: one of the other two, or a
            Tensor that was given a new value in new memory.
        into_memory: the tick of the latest write into memory.
        turned_on: the tick at which the requires_grad of a leaf was last turned on.
    """

    __slots__ = ("by_owner", "into_memory", "last", "turned_on")

    def __init__(self) -> None:
        self.last = self.into_memory = self.turned_on = 0
        self.by_owner: dict[int, int] = {}


writes = _Writes()
_by_owner = writes.by_owner


def mark_written(array: Any) -> None:
    """Note that the memory of `array` has just been written."""
    try:
        owner = array if array.base is None else owner_of(array)
    except AttributeError:  # another library's array
        owner = array
    _by_owner[id(owner)] = writes.last = writes.into_memory = tick()


def mark_rebound() -> None:
    """Note that a Tensor has just been given a new value, in memory of its own."""
    writes.last = tick()


def written_at(array: Any) -> int:
    """Return the tick of the last write into the memory of `array`, 0 if there was none."""
    return writes.by_owner.get(id(owner_of(array)), 0)


def owner_of(memory: Any) -> Any:
    """Follow views to the array, and foreign memory to the object, that they all end in."""
    while (inner := getattr(memory, "base", None)) is not None:
        memory = inner
    return memory.obj if type(memory) is memoryview else memory
