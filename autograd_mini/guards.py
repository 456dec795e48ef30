"""Tensors that must not be written, or not be used, while a piece of a program runs.

Nothing is kept in the Tensors: a guard holds in its `with` block, for this thread or task alone,
and is asked where a call is not remembered, where a value leaves a Tensor, and before a write.
(What a remembered call used stands in the graph.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextvars import ContextVar
from typing import Any

from numpy import ndarray

from autograd_mini.clock import owner_of

# Those of all threads: while there is none, the context variable need not be read.
live: set[Guard] = set()
_present: ContextVar[tuple[Guard, ...]] = ContextVar("guards", default=())


class Guard:
    """A context manager that forbids writes to some arrays and checks every use of a Tensor.

    Args:
        arrays: those whose memory must not be written, each with its name for errors.
        check_used: called with values that were used; raises if one must not be.
    """

    def __init__(
        self, arrays: Iterable[tuple[Any, str]], check_used: Callable[[Any], None]
    ) -> None:
        owners = [(owner_of(array), name) for array, name in arrays]
        self.memory = {id(owner): name for owner, name in owners}
        self._owners = owners  # as long as they live, no other array has their ids
        self.check_used = check_used

    def __enter__(self) -> None:
        live.add(self)
        _present.set((*_present.get(), self))

    def __exit__(self, *_: object) -> None:
        _present.set(tuple(guard for guard in _present.get() if guard is not self))
        live.discard(self)


def check_used(*values: Any) -> None:
    """Ask the guards around about `values`, Tensors among them, which are about to be used."""
    for guard in _present.get():
        guard.check_used(values)


def check_writable(array: Any) -> None:
    """Raise RuntimeError if a guard around forbids to write the memory of `array`."""
    if live and (name := _guarded(array)):
        raise RuntimeError(
            f"functional_call: forward would write into {name}, which is not the call's own: "
            f"compute with a .copy() of it, or make it a constant, which each call copies"
        )


def looked_at(array: Any, tensor: Any) -> Any:
    """Return `array`, which `tensor` holds: a read-only view where a guard forbids to write it."""
    check_used(tensor)
    if not isinstance(array, ndarray) or not _guarded(array):
        return array
    view = array.view()
    view.flags.writeable = False
    return view


def _guarded(array: Any) -> str:
    owner = id(owner_of(array))
    return next((guard.memory[owner] for guard in _present.get() if owner in guard.memory), "")
