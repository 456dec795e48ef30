"""The subject of a check: a function of arrays, or a module with its parameters."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from autograd_mini.kinds import as_numpy
from autograd_mini.modes import enable_grad
from autograd_mini.tensor import Tensor
from autograd_mini.testing.layouts import like
from autograd_mini.trees import leaves, rebuilt
from autograd_mini.variables import uncopied


class Function:
    """A function of arrays, and the point at which it is checked.

    A complex array is two real ones, `values` that the function gets put together again.
    """

    def __init__(self, f: Callable[..., Any], inputs: tuple[Any, ...]) -> None:
        self.f = f
        self.name = getattr(f, "__name__", repr(f))
        self.inputs = inputs
        self.given = ", ".join(map(_kind, leaves(inputs))) or "nothing"
        self.found = [x.data if isinstance(x, Tensor) else x for x in leaves(inputs)]
        arrays = {i: as_numpy(x) for i, x in enumerate(self.found) if _is_number(x)}
        self.are_complex = {i: x.dtype.kind == "c" for i, x in arrays.items()}
        self.is_real = not any(self.are_complex.values())
        self.sources: list[Any] = []
        self.values: list[Any] = []
        self.names: list[str] = []
        for i, x in arrays.items():
            parts = (
                {"": x}
                if x.dtype.kind == "f"
                else {"real part of ": x.real, "imaginary part of ": x.imag}
            )
            self.sources += parts.values()
            self.values += (np.array(x, x.dtype.newbyteorder("=")) for x in parts.values())
            self.names += [f"{part}input {i}" for part in parts]

    @contextmanager
    def at(self, values: list[Any]) -> Iterator[list[Tensor]]:
        """Give the variables at which `outputs` is to be computed."""
        laid_out = map(like, values, self.sources)
        yield [uncopied(x) for x in laid_out]

    def outputs(self, variables: list[Tensor]) -> list[Tensor]:
        """Return what the function makes of `variables`."""
        filled, rest = list(self.found), iter(variables)
        with enable_grad():
            for i, is_complex in self.are_complex.items():
                filled[i] = next(rest) + 1j * next(rest) if is_complex else next(rest)
            out = self.f(*rebuilt(self.inputs, filled))
        return as_tensors(out, self.name)


class Network:
    """A module: its parameters and its floating-point inputs are what it depends on."""

    def __init__(self, module: Any, inputs: tuple[Any, ...]) -> None:
        parameters = dict(module.named_parameters())
        self.parameters = list(parameters.values())
        self.function = Function(module, inputs)
        self.given = self.function.given
        self.name = type(module).__name__
        self.is_real = self.function.is_real
        self.names = [*parameters, *self.function.names]
        self.values = [*(as_numpy(p.data).copy() for p in self.parameters), *self.function.values]

    @contextmanager
    def at(self, values: list[Any]) -> Iterator[list[Tensor]]:
        """Give the parameters these values for as long as the `with` block lasts."""
        count = len(self.parameters)
        before = [(p.data, p.grad) for p in self.parameters]
        for p, value in zip(self.parameters, values[:count], strict=True):
            p.grad = None
            p.data = value
        try:
            with self.function.at(values[count:]) as inputs:
                yield [*self.parameters, *inputs]
        finally:
            for p, (data, gradient) in zip(self.parameters, before, strict=True):
                p.grad = None
                p.data = data
                p.grad = gradient

    def outputs(self, variables: list[Tensor]) -> list[Tensor]:
        """Return what the module makes of its inputs, the last of `variables`."""
        return self.function.outputs(variables[len(self.parameters) :])


def as_tensors(out: Any, name: str) -> list[Tensor]:
    """Return the floating-point leaves of a result."""
    floating = [x if isinstance(x, Tensor) else Tensor(x) for x in leaves(out) if _is_number(x)]
    if not floating:
        raise TypeError(f"{name} returned nothing with a derivative: {out!r}")
    return floating


def _is_number(x: Any) -> bool:
    return isinstance(x, float | complex) or (hasattr(x, "dtype") and x.dtype.kind in "fc")


def _kind(x: Any) -> str:
    return f"{x.dtype} of shape {x.shape}" if hasattr(x, "dtype") else type(x).__name__
