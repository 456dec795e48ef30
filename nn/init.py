"""How parameters start: random values written into a Tensor that exists.

Names, formulas and defaults are PyTorch's. The random numbers come from the Generator passed as
`rng`, or from one default Generator, which `seed` seeds; NumPy's global state is never touched.
Numbers are drawn in float64 and rounded to the Tensor's dtype: one seed, one network.
"""

from __future__ import annotations

import math
import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autograd_mini import Tensor
from autograd_mini.checks import check_number, checked_integer
from autograd_mini.kinds import like

__all__ = [
    "calculate_gain",
    "generator",
    "kaiming_normal",
    "kaiming_uniform",
    "normal",
    "seed",
    "uniform",
    "xavier_normal",
    "xavier_uniform",
]


def __dir__() -> list[str]:
    return __all__


# How much a nonlinearity shrinks the standard deviation of what it is given, inverted.
GAINS = {"linear": 1.0, "sigmoid": 1.0, "tanh": 5 / 3, "relu": math.sqrt(2), "selu": 3 / 4}


class _Default:
    generator = np.random.default_rng()
    forks = 0  # processes made of this one
    generation = 0  # how many forks led to this process


def seed(n: int) -> None:
    """Start the default Generator anew: what follows is the same on every run.

    This covers parameters, masks of `Dropout`, also of copied and unpickled layers, and processes
    forked afterwards, each of which gets a stream of its own. A process that is spawned, not
    forked, starts unseeded: call `seed` there, with a different number in each.

    Args:
        n: an integer from 0 on.

    Raises:
        TypeError: `n` is no integer.
        ValueError: it is negative.

    >>> from nn import Linear
    >>> seed(0)
    >>> first = Linear(3, 2).weight.data
    >>> seed(0)
    >>> bool((Linear(3, 2).weight.data == first).all())
    True
    """
    _Default.generator = np.random.default_rng(checked_integer("seed", "n", n, 0))
    _Default.forks = 0


def spawned() -> np.random.Generator:
    """Return a new Generator, independent of all others, spawned from the default one."""
    return _Default.generator.spawn(1)[0]


def generation() -> int:
    """Return the number of forks that led to this process."""
    return _Default.generation


def _count_fork() -> None:
    _Default.forks += 1


def _leave_parent() -> None:
    """Give this process, forked just now, a default Generator that no other process has."""
    old: Any = _Default.generator.bit_generator.seed_seq
    own = np.random.SeedSequence(old.entropy, spawn_key=(*old.spawn_key, 2**32 - 1, _Default.forks))
    _Default.generator = np.random.default_rng(own)
    _Default.forks = 0
    _Default.generation += 1


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_count_fork, after_in_child=_leave_parent)


def generator(rng: np.random.Generator | None = None) -> np.random.Generator:
    """Return `rng`, or the default Generator for None.

    Raises:
        TypeError: `rng` is something else, such as a seed.
    """
    if rng is None:
        return _Default.generator
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"rng is a numpy.random.Generator, found {rng!r}: np.random.default_rng(0)")
    return rng


def uniform(
    tensor: Tensor, a: float = 0.0, b: float = 1.0, *, rng: np.random.Generator | None = None
) -> Tensor:
    """Fill `tensor` with numbers drawn evenly from a to b; return it.

    Raises:
        TypeError: `tensor` is no floating-point Tensor, or a or b no number.
        ValueError: a is greater than b, or one of them not finite.

    >>> uniform(Tensor([0.0, 0.0]), -1, 1, rng=np.random.default_rng(0))
    Tensor([ 0.27392337, -0.46042657])
    """
    shape = _shape(tensor)
    check_number("uniform", "a", a)
    check_number("uniform", "b", b)
    if not a <= b:
        raise ValueError(f"uniform draws from a to b, found a={a} and b={b}: a must not be greater")
    return _write(tensor, generator(rng).uniform(a, b, shape))


def normal(
    tensor: Tensor, mean: float = 0.0, std: float = 1.0, *, rng: np.random.Generator | None = None
) -> Tensor:
    """Fill `tensor` with normally distributed numbers; return it.

    Raises:
        TypeError: `tensor` is no floating-point Tensor, or `mean` or `std` no number.
        ValueError: the standard deviation is negative, or a number not finite.
    """
    shape = _shape(tensor)
    check_number("normal", "mean", mean)
    check_number("normal", "std", std)
    if not std >= 0:
        raise ValueError(f"normal takes a standard deviation >= 0, found std={std}")
    return _write(tensor, generator(rng).normal(mean, std, shape))


def xavier_uniform(
    tensor: Tensor, gain: float = 1.0, *, rng: np.random.Generator | None = None
) -> Tensor:
    """Fill a weight evenly from -a to a, so that activations and gradients keep their size.

    a = gain * sqrt(6 / (fan_in + fan_out))

    Args:
        tensor: a weight, shape (out, in) or (out, in, ...).
        gain: of the nonlinearity that follows, see `calculate_gain`.
        rng: where the random numbers come from.

    Raises:
        TypeError: `tensor` is no floating-point Tensor.
        ValueError: it has fewer than two axes, or one of length 0.

    Source: Glorot & Bengio, Understanding the difficulty of training deep feedforward neural
    networks (2010), equation 16.
    """
    check_number("xavier_uniform", "gain", gain, lowest=0)
    bound = gain * math.sqrt(6 / sum(_fans(tensor)))
    return uniform(tensor, -bound, bound, rng=rng)


def xavier_normal(
    tensor: Tensor, gain: float = 1.0, *, rng: np.random.Generator | None = None
) -> Tensor:
    """Fill a weight from a normal distribution, so that activations and gradients keep their size.

    std = gain * sqrt(2 / (fan_in + fan_out))

    Arguments and errors as for `xavier_uniform`.
    """
    check_number("xavier_normal", "gain", gain, lowest=0)
    return normal(tensor, 0.0, gain * math.sqrt(2 / sum(_fans(tensor))), rng=rng)


def kaiming_uniform(
    tensor: Tensor,
    a: float = 0.0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    *,
    rng: np.random.Generator | None = None,
) -> Tensor:
    """Fill a weight evenly from -bound to bound, so that rectified activations keep their size.

    bound = gain * sqrt(3 / fan)

    Args:
        tensor: a weight, shape (out, in) or (out, in, ...).
        a: the slope of a leaky ReLU for negative inputs; 0 is the plain one.
        mode: "fan_in" keeps the size of activations, "fan_out" that of gradients.
        nonlinearity: what follows, a name that `calculate_gain` knows.
        rng: where the random numbers come from.

    Raises:
        TypeError: `tensor` is no floating-point Tensor.
        ValueError: it has fewer than two axes, or one of length 0; no such mode or nonlinearity.

    Source: He et al., Delving deep into rectifiers (2015), section 2.2.
    """
    bound = math.sqrt(3) * _kaiming_std(tensor, a, mode, nonlinearity)
    return uniform(tensor, -bound, bound, rng=rng)


def kaiming_normal(
    tensor: Tensor,
    a: float = 0.0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    *,
    rng: np.random.Generator | None = None,
) -> Tensor:
    """Fill a weight from a normal distribution, so that rectified activations keep their size.

    std = gain / sqrt(fan)

    Arguments and errors as for `kaiming_uniform`.
    """
    return normal(tensor, 0.0, _kaiming_std(tensor, a, mode, nonlinearity), rng=rng)


def calculate_gain(nonlinearity: str, param: float = 0.01) -> float:
    """Return the factor that makes up for what `nonlinearity` does to the standard deviation.

    Args:
        nonlinearity: "linear", "sigmoid", "tanh", "relu", "leaky_relu" or "selu".
        param: the slope of the leaky ReLU for negative inputs.

    Raises:
        ValueError: no such nonlinearity.

    >>> calculate_gain("tanh")
    1.6666666666666667
    """
    check_number("calculate_gain", "param", param)
    is_name = type(nonlinearity) is str
    if is_name and nonlinearity == "leaky_relu":
        return math.sqrt(2 / (1 + param**2))
    if not is_name or nonlinearity not in GAINS:
        known = ", ".join([*GAINS, "leaky_relu"])
        raise ValueError(f"calculate_gain knows {known}; asked for {nonlinearity!r}")
    return GAINS[nonlinearity]


def _kaiming_std(tensor: Tensor, a: float, mode: Any, nonlinearity: str) -> float:
    fans = dict(zip(("fan_in", "fan_out"), _fans(tensor), strict=True))
    if not isinstance(mode, str) or mode not in fans:
        raise ValueError(f'mode is "fan_in" or "fan_out", found {mode!r}')
    return calculate_gain(nonlinearity, a) / math.sqrt(fans[mode])


def _fans(tensor: Tensor) -> tuple[int, int]:
    """Return how many inputs an output has, and how many outputs an input has."""
    shape = _shape(tensor)
    if len(shape) < 2 or 0 in shape:
        raise ValueError(
            f"Xavier and Kaiming count the inputs and outputs of a weight of shape (out, in, ...), "
            f"found shape {shape}: use uniform or normal"
        )
    field = math.prod(shape[2:])
    return shape[1] * field, shape[0] * field


def _shape(tensor: Any) -> tuple[int, ...]:
    if not isinstance(tensor, Tensor) or tensor.dtype.kind != "f":
        found = f"a Tensor of {tensor.dtype}" if isinstance(tensor, Tensor) else repr(tensor)
        raise TypeError(f"an initialiser fills a floating-point Tensor, found {found}")
    if not tensor.is_leaf:
        raise ValueError(
            f"an initialiser fills a leaf, found a result of shape {tensor.shape}: what it was "
            f"computed from would get the gradient of other numbers; fill that, or .detach() it"
        )
    return tensor.shape


def _write(tensor: Tensor, values: NDArray[Any]) -> Tensor:
    tensor.data = like(np.asarray(values, tensor.dtype), tensor.data)
    return tensor
