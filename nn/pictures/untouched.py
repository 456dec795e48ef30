"""A model lent to a picture: whatever happens to it inside, afterwards it is as it was before.

Not only values come back but the very arrays, with gradients, attributes, modes and clock: a graph
recorded before the picture can still be walked after it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from autograd_mini import Tensor
from autograd_mini.storage import Storage
from nn.module import Module, _once, _tensors
from nn.summary import left_as_found

_SLOTS = [slot for slot in Storage.__slots__ if slot != "__weakref__"]


@contextmanager
def untouched(model: Module) -> Iterator[None]:
    """Lend `model` out in evaluation mode, with copies of its arrays and without gradients.

    >>> import numpy as np
    >>> from nn import Linear
    >>> layer = Linear(3, 2)
    >>> before = layer.weight.data
    >>> with untouched(layer):
    ...     layer.weight.data *= 0
    >>> layer.weight.data is before, bool(np.any(before))
    (True, True)
    """
    tensors = held_tensors(model)
    states = [{slot: getattr(x, slot) for slot in _SLOTS if hasattr(x, slot)} for x in tensors]
    try:
        with left_as_found(model):
            for x in tensors:
                x._array, x._grad = x._array.copy(), None
            model.eval()
            yield
    finally:
        for x, state in zip(tensors, states, strict=True):
            _put_back(x, state)


def held_tensors(model: Module) -> list[Tensor]:
    """Return every parameter and constant in `model`, each once."""
    return [x for _, x in _once(_tensors(model))]


def _put_back(x: Tensor, state: dict[str, Any]) -> None:
    for slot in _SLOTS:
        if slot in state:
            setattr(x, slot, state[slot])
        elif hasattr(x, slot):
            delattr(x, slot)
