"""Modules in a row: the network that most networks are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from autograd_mini import Tensor
from autograd_mini.clock import tick
from nn.attributes import attributes
from nn.module import Module


class Sequential(Module):
    """Modules applied one after the other.

    Args:
        layers: the modules, first to last; with none it returns its input.

    Raises:
        TypeError: a layer is not a module.

    >>> import numpy as np
    >>> from nn import Linear, Sigmoid
    >>> model = Sequential(Linear(784, 16), Sigmoid(), Linear(16, 10), Sigmoid())
    >>> model(np.zeros((5, 784))).shape
    (5, 10)
    >>> model
    Sequential()
      0: Linear(784 -> 16)  weight (16, 784), bias (16,): 12,560 parameters
      1: Sigmoid()
      2: Linear(16 -> 10)  weight (10, 16), bias (10,): 170 parameters
      3: Sigmoid()
    12,730 parameters in total
    >>> len(model), model[1]
    (4, Sigmoid())
    """

    def __init__(self, *layers: Module) -> None:
        for position, layer in enumerate(layers):
            if not isinstance(layer, Module):
                raise TypeError(
                    f"Sequential takes modules, found {layer!r} at position {position}: "
                    "pass objects such as Linear(784, 16), Sigmoid()"
                )
        self.layers = list(layers)

    def forward(self, x: Any) -> Any:
        """Apply every layer to the output of the one before it."""
        start, ends = tick(), []
        for layer in self.layers:
            x = layer.forward(x)  # a layer's __call__ would add a tenth to a small layer's cost
            ends.append(x._tick if type(x) is Tensor else tick())
        if type(x) is Tensor and x._needs and x._tick > start:
            x._returned_by = (self, start, x._tick, ends, x._returned_by)
        return x

    def __len__(self) -> int:
        return len(self.layers)

    def __getitem__(self, index: int | slice) -> Any:
        """Return a layer, or for a slice a Sequential of those layers, which are shared."""
        return Sequential(*self.layers[index]) if isinstance(index, slice) else self.layers[index]

    def __iter__(self) -> Iterator[Module]:
        return iter(self.layers)

    def _named_parts(self) -> Iterable[tuple[str, object]]:
        """Name the layers by their number alone, as PyTorch does, then any other attribute."""
        yield from ((str(number), layer) for number, layer in enumerate(self.layers))
        yield from ((name, part) for name, part in attributes(self) if name != "layers")
