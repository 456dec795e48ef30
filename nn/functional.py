"""The layers and losses as functions of arrays or Tensors, parameters passed in.

`linear` is a primitive with its rules right below. So are the losses, which stand in `losses.py`
beside their modules. The rest composes or passes on what the engine has.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from autograd_mini import Tensor, defvjp, log_softmax, primitive, relu, sigmoid, softmax
from autograd_mini.checks import checked_integer
from autograd_mini.kinds import like
from autograd_mini.storage import bare
from nn.init import generator
from nn.losses import cross_entropy, mse_loss

__all__ = [
    "cross_entropy",
    "dropout",
    "flatten",
    "linear",
    "log_softmax",
    "mse_loss",
    "relu",
    "sigmoid",
    "softmax",
    "tanh",
]


def __dir__() -> list[str]:
    return __all__


_FEW_ROWS = 4096


def tanh(x: Any) -> Any:
    """Return the hyperbolic tangent of `x`, element by element, between -1 and 1.

    >>> tanh(np.array([0.0, 1.0]))
    array([0.        , 0.76159416])
    """
    return np.tanh(x)


def flatten(x: Any, start_axis: int = 1, end_axis: int = -1) -> Any:
    """Merge the axes from `start_axis` to `end_axis`, both included, into one.

    Raises:
        TypeError: `x` is no array, or an axis no integer.
        ValueError: `x` has no such axes, or they end before they start.

    >>> flatten(np.zeros((5, 28, 28))).shape
    (5, 784)
    """
    _check_array("flatten", x)
    checked_integer("flatten", "start_axis", start_axis)
    checked_integer("flatten", "end_axis", end_axis)
    start = start_axis + x.ndim if start_axis < 0 else start_axis
    end = end_axis + x.ndim if end_axis < 0 else end_axis
    if not 0 <= start <= end < x.ndim:
        raise ValueError(
            f"flatten merges axes {start_axis} to {end_axis} of its input, found shape {x.shape}: "
            "pass a batch, or other start_axis and end_axis"
        )
    merged = math.prod(x.shape[start : end + 1])
    return np.reshape(x, (*x.shape[:start], merged, *x.shape[end + 1 :]))


def dropout(
    x: Any, p: float = 0.5, training: bool = True, *, rng: np.random.Generator | None = None
) -> Any:
    """Set each element to 0 with probability `p` and divide the others by 1 - p.

    So the expected value of every element stays what it was.

    Args:
        x: activations of any shape.
        p: the probability of a zero, in 0..1.
        training: otherwise `x` is returned as it is.
        rng: where the random numbers come from; `nn.init.seed` seeds the default.

    Raises:
        TypeError: `x` is no array, `p` no number, or `rng` no Generator.
        ValueError: `p` is no probability.

    Source: Srivastava et al., Dropout (2014), section 10 (scaled at training time).

    >>> dropout(np.ones(6), 0.5, rng=np.random.default_rng(0))
    array([2., 0., 0., 0., 2., 2.])
    """
    check_probability(p)
    _check_array("dropout", x)
    if not training or p == 0:
        return x
    kept = generator(rng).random(x.shape) >= p
    scale = 1 / (1 - p) if p < 1 else 0.0
    mask = np.multiply(kept, scale, dtype=np.result_type(x.dtype, 0.0))
    mask = like(mask, bare(x))
    if isinstance(x, Tensor):
        mask = Tensor(mask, name="mask")  # pictures show it where it was made
    return x * mask


def _check_array(function: str, x: Any) -> None:
    if not hasattr(x, "shape"):
        raise TypeError(
            f"{function} takes an array or a Tensor, found {type(x).__name__}: wrap it in np.array"
        )


def check_probability(p: Any) -> None:
    """Raise a TypeError if `p` is no number, a ValueError if it is not in 0..1."""
    if isinstance(p, bool) or not isinstance(p, int | float | np.integer | np.floating):
        raise TypeError(f"dropout takes a number as the probability p of a zero, found {p!r}")
    if not 0 <= p <= 1:
        raise ValueError(f"dropout takes the probability p of a zero, in 0..1, found {p!r}")


# A primitive for cost: one call instead of a transpose, a product and a sum.
@primitive
def linear(x: Any, weight: Any, bias: Any = None) -> Any:
    """Return the weighted sums of `x`, plus `bias`.

    out = x W^T + b

    Args:
        x: inputs, shape (..., in).
        weight: one row per output, shape (out, in).
        bias: shape (out,), or None.

    Returns:
        The sums, shape (..., out).

    Raises:
        ValueError: the shapes do not fit.

    >>> linear(np.array([[1.0, 2.0]]), np.array([[3.0, 4.0], [5.0, 6.0]]), np.array([0.5, 0.0]))
    array([[11.5, 17. ]])
    """
    try:
        out = x.dot(weight.T) if x.ndim == 2 else _times(x, weight.T)
    except (AttributeError, IndexError, ValueError):
        _check_fit(x, weight)
        raise
    if weight.ndim != 2:
        _check_fit(x, weight)
    if bias is None:
        return out
    if getattr(bias, "shape", None) != weight.shape[:1]:
        _check_array("linear", bias)
        raise ValueError(
            f"linear adds a bias of shape (out,), here {out.shape[-1:]}, found {bias.shape}"
        )
    if type(x) is type(weight) is type(bias) is np.ndarray and out.dtype is bias.dtype:
        # Quicker so: in the memory of `out`, which is nobody else's; one row not broadcast.
        rows = out.reshape(-1) if out.size == bias.size else out
        rows += bias
        return out
    return out + bias


defvjp(
    linear,
    lambda g, out, x, weight, bias=None: g.dot(weight) if g.ndim == 2 else _times(g, weight),
    lambda g, out, x, weight, bias=None: g.T.dot(x) if g.ndim == 2 else _rows(g).T.dot(_rows(x)),
    lambda g, out, x, weight, bias=None: _sum_of_rows(g if g.ndim == 2 else _rows(g)),
)


def _sum_of_rows(rows: Any) -> Any:
    """Return the sum over the first axis; of few rows by a product with ones, which is quicker."""
    if type(rows) is not np.ndarray or len(rows) > _FEW_ROWS:
        return rows.sum(axis=0)
    return _ones(len(rows), rows.dtype).dot(rows)


@functools.lru_cache(maxsize=16)
def _ones(length: int, dtype: Any) -> Any:
    ones = np.ones(length, dtype)
    ones.flags.writeable = False
    return ones


def _times(x: Any, matrix: Any) -> Any:
    """Return x @ matrix as one product of two matrices, the quick case of `dot`."""
    if x.ndim == 2:
        return x.dot(matrix)
    return _rows(x).dot(matrix).reshape(x.shape[:-1] + matrix.shape[1:])


def _rows(x: Any) -> Any:
    """Merge all axes but the last."""
    return x if x.ndim == 2 else x.reshape(math.prod(x.shape[:-1]), x.shape[-1])


def _check_fit(x: Any, weight: Any) -> None:
    """Raise if `x` and `weight` are no arrays, or of shapes that can't be multiplied."""
    if not (hasattr(x, "shape") and hasattr(weight, "shape")):
        found = f"{type(x).__name__} and {type(weight).__name__}"
        raise TypeError(f"linear takes arrays or Tensors, found {found}: wrap them in np.array")
    if x.ndim == 0 or weight.ndim != 2 or x.shape[-1] != weight.shape[1]:
        raise ValueError(
            f"linear multiplies inputs of shape (..., in) by a weight of shape (out, in), found "
            f"{x.shape} and {weight.shape}: the last axis of both must have the same length"
        )
