"""The layers: modules that hold what a function of `nn.functional` needs between calls."""

from __future__ import annotations

import math
from typing import Any, SupportsIndex

import numpy as np
from numpy.typing import DTypeLike

from autograd_mini import Tensor
from autograd_mini.checks import check_switch, checked_integer
from autograd_mini.primitive import TABLE
from autograd_mini.tensor import record
from nn import functional, init
from nn.attributes import attributes
from nn.module import Module, Parameter

_LINEAR = TABLE[functional.linear]


class Linear(Module):
    """Weighted sums of the inputs plus a bias: x W^T + b.

    Weight and bias start evenly between -1/sqrt(in_features) and 1/sqrt(in_features).

    Args:
        in_features: the number of inputs.
        out_features: the number of outputs.
        bias: whether a bias is added.
        dtype: of weight and bias.
        rng: where the random numbers come from; `nn.init.seed` seeds the default.

    Raises:
        TypeError: a number of features is not an integer, `bias` no switch, or `dtype` not
            floating-point.
        ValueError: a number of features is less than 1.

    >>> layer = Linear(784, 16)
    >>> layer.weight.shape, layer.bias.shape
    ((16, 784), (16,))
    >>> layer(np.zeros((32, 784))).shape
    (32, 16)
    """

    def __init__(
        self,
        in_features: SupportsIndex,
        out_features: SupportsIndex,
        bias: bool = True,
        *,
        dtype: DTypeLike = np.float64,
        rng: np.random.Generator | None = None,
    ) -> None:
        self.in_features = checked_integer("Linear", "in_features", in_features, 1)
        self.out_features = checked_integer("Linear", "out_features", out_features, 1)
        check_switch("Linear", "bias", bias)
        bound = 1 / math.sqrt(self.in_features)
        shape = (self.out_features, self.in_features)
        self.weight = init.uniform(Parameter(np.empty(shape, dtype)), -bound, bound, rng=rng)
        self.bias: Tensor | None = None
        if bias:
            self.bias = init.uniform(Parameter(np.empty(shape[0], dtype)), -bound, bound, rng=rng)

    def forward(self, x: Any) -> Any:
        """Return the sums, shape (..., out_features), for `x` of shape (..., in_features)."""
        if type(x) is Tensor:  # the same, without the steps in between
            return record(_LINEAR, (x, self.weight, self.bias))
        return functional.linear(x, self.weight, self.bias)

    def extra_repr(self) -> str:
        """Describe the sizes."""
        text = f"{self.in_features} -> {self.out_features}"
        return text if self.bias is not None else f"{text}, bias=False"


class Sigmoid(Module):
    """1 / (1 + exp(-x)), element by element: any number becomes one between 0 and 1."""

    def forward(self, x: Any) -> Any:
        """Return the sigmoid of `x`."""
        return x.sigmoid() if type(x) is Tensor else functional.sigmoid(x)


class Tanh(Module):
    """The hyperbolic tangent, element by element: any number becomes one between -1 and 1."""

    def forward(self, x: Any) -> Any:
        """Return the hyperbolic tangent of `x`."""
        return x.tanh() if type(x) is Tensor else functional.tanh(x)


class ReLU(Module):
    """max(x, 0), element by element."""

    def forward(self, x: Any) -> Any:
        """Return `x` with zeros for negative numbers."""
        return x.relu() if type(x) is Tensor else functional.relu(x)


class Softmax(Module):
    """exp(x) / sum exp(x): positive numbers along one axis that add up to 1.

    Args:
        axis: the axis of the classes.

    Raises:
        TypeError: `axis` is no integer.
    """

    def __init__(self, axis: int = -1) -> None:
        self.axis = checked_integer("Softmax", "axis", axis)

    def forward(self, x: Any) -> Any:
        """Return the softmax of `x`."""
        return functional.softmax(x, self.axis)

    def extra_repr(self) -> str:
        """Describe the axis."""
        return f"axis={self.axis}"


class Flatten(Module):
    """Merge axes into one: by default all but the first, the examples.

    Args:
        start_axis: the first axis to merge.
        end_axis: the last one, included.

    Raises:
        TypeError: an axis is no integer.

    >>> Flatten()(np.zeros((5, 28, 28))).shape
    (5, 784)
    """

    def __init__(self, start_axis: int = 1, end_axis: int = -1) -> None:
        self.start_axis = checked_integer("Flatten", "start_axis", start_axis)
        self.end_axis = checked_integer("Flatten", "end_axis", end_axis)

    def forward(self, x: Any) -> Any:
        """Return `x` with its axes merged."""
        return functional.flatten(x, self.start_axis, self.end_axis)

    def extra_repr(self) -> str:
        """Describe the axes."""
        return f"axes {self.start_axis} to {self.end_axis}"


class Dropout(Module):
    """In training, zeros at random places; see `nn.functional.dropout`. Else the identity.

    A layer that was copied, unpickled or came into a forked process draws masks of its own, from a
    Generator spawned from that process's default one when it is first needed.

    Args:
        p: the probability of a zero, in 0..1.
        rng: where the masks come from. The default is a Generator of this layer's own, spawned
            from the default one, so that masks do not change how later layers start.

    Raises:
        TypeError: `p` is no number, or `rng` no Generator.
        ValueError: `p` is no probability.

    >>> layer = Dropout(0.5, rng=np.random.default_rng(0))
    >>> layer(np.ones(6))
    array([2., 0., 0., 0., 2., 2.])
    >>> layer.eval()(np.ones(6))
    array([1., 1., 1., 1., 1., 1.])
    """

    def __init__(self, p: float = 0.5, *, rng: np.random.Generator | None = None) -> None:
        functional.check_probability(p)
        self.p = p
        self.rng = init.spawned() if rng is None else init.generator(rng)

    @property
    def rng(self) -> np.random.Generator:
        """Where the masks come from."""
        if self._rng is None or self._generation != init.generation():
            self.rng = init.spawned()
        rng: np.random.Generator = self._rng
        return rng

    @rng.setter
    def rng(self, rng: np.random.Generator) -> None:
        self._rng: Any = rng
        self._generation = init.generation()

    def __getstate__(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return what is copied and pickled: everything but the Generator, here and in slots."""
        held = vars(self)
        return held | {"_rng": None}, {k: x for k, x in attributes(self) if k not in held}

    def forward(self, x: Any) -> Any:
        """Return `x`, in training with zeros at random places and the rest made up for."""
        if not self.training:
            return x
        return functional.dropout(x, self.p, rng=self.rng)

    def extra_repr(self) -> str:
        """Describe the probability."""
        return f"p={self.p}"
