"""The activations of neural networks, as functions of their own beside NumPy's.

Primitives for numerics (no overflow, no 0/0) and cost: a sigmoid is one node, not four.
"""

from typing import Any

import numpy as np

from autograd_mini.primitive import defvjp, primitive

# By dtype: where the sigmoid is 1 though its exponential does not overflow yet, and 1. As arrays,
# since NumPy takes longer to look at a number; other libraries' arrays may not mix with NumPy's.
_CONSTANTS: dict[Any, tuple[Any, Any]] = {
    np.dtype(kind): (np.array(end, kind), np.array(1, kind))
    for kind, end in (("float16", 11), ("float32", 80), ("float64", 80))
}
_NUMBERS = (80.0, 1.0)


@primitive
def sigmoid(x: Any) -> Any:
    """Return 1 / (1 + exp(-x)), between 0 and 1, elementwise.

    >>> from autograd_mini import Tensor, sigmoid
    >>> sigmoid(Tensor([-1000.0, 0.0, 1000.0]))
    Tensor([0. , 0.5, 1. ])
    """
    end, one = _CONSTANTS.get(x.dtype, _NUMBERS) if type(x) is np.ndarray else _NUMBERS
    power = np.minimum(x, end)
    try:
        if type(power) is not np.ndarray:  # a number, or another library's array
            power = np.exp(power)
            return power / (power + one)
        np.exp(power, power)  # in its own memory, which is quicker
        return np.divide(power, power + one, power)
    except FloatingPointError as error:
        if "underflow" not in str(error):
            raise
    with np.errstate(under="ignore"):  # only now, for it takes its time
        return sigmoid(x)


@primitive
@np.errstate(under="ignore")
def sigmoid_slope(x: Any) -> Any:
    """Return sigmoid(x) * sigmoid(-x), which 1 - sigmoid(x) cancels in, elementwise."""
    power = np.exp(-x * np.copysign(1, np.real(x)))
    return power / (1 + power) / (1 + power)


# An error of one part in 2^53 of the largest slope is let pass, for a third of the time.
defvjp(sigmoid, lambda g, out, x: g * (out - out * out))
defvjp(sigmoid_slope, lambda g, out, x: -g * out * np.tanh(x / 2))


@primitive
def relu(x: Any) -> Any:
    """Return x where it is positive, else 0, elementwise; the slope at 0 is 0.

    >>> from autograd_mini import Tensor, relu
    >>> relu(Tensor([-2.0, 0.0, 3.0]))
    Tensor([0., 0., 3.])
    """
    return np.maximum(x, 0)


# Where it is flat `out` is 0, and nan where x is; nothing is multiplied, so inf stays out.
defvjp(relu, lambda g, out, x: np.where(out > 0, g, out))


@primitive
@np.errstate(under="ignore")  # a share too small for its dtype is 0
def softmax(x: Any, axis: int = -1) -> Any:
    """Return exp(x) / sum(exp(x)) along `axis`: positive shares that add up to 1.

    >>> from autograd_mini import Tensor, softmax
    >>> softmax(Tensor([1000.0, 1000.0]))
    Tensor([0.5, 0.5])
    """
    powers = np.exp(x - np.max(x, axis=axis, keepdims=True))
    return powers / powers.sum(axis=axis, keepdims=True)


defvjp(
    softmax,
    lambda g, out, x, axis=-1: out * (g - np.sum(g * out, axis=axis, keepdims=True)),
)


@primitive
@np.errstate(under="ignore")
def log_softmax(x: Any, axis: int = -1) -> Any:
    """Return log(softmax(x)) along `axis`, also where the share underflows.

    >>> from autograd_mini import Tensor, log_softmax
    >>> log_softmax(Tensor([0.0, 1000.0]))
    Tensor([-1000.,     0.])
    """
    shifted = x - np.max(x, axis=axis, keepdims=True)
    return shifted - np.log(np.sum(np.exp(shifted), axis=axis, keepdims=True))


defvjp(
    log_softmax,
    lambda g, out, x, axis=-1: g - np.exp(out) * np.sum(g, axis=axis, keepdims=True),
)
