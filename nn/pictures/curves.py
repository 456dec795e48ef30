"""An activation function as a curve, and what a bias does to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from autograd_mini import Tensor, vjp
from nn.pictures.asked import check_function, interval, number
from nn.pictures.canvas import BLUE, GREY, INK, ORANGE, TITLE, check_axes, minus, open_frame, single


def activation(
    function: Callable[[Any], Any],
    *,
    bias: float = -10.0,
    bounds: tuple[float, float] | None = None,
    slope: bool = True,
    ax: Axes | None = None,
) -> Axes:
    """Draw function(z) over the weighted sum z, and function(z + bias) beside it.

    A bias of -10 moves the curve by 10 to the right: the neuron lights up only where the weighted
    sum is above 10.

    Args:
        function: of one number, element by element, such as sigmoid, np.tanh or nn.ReLU().
        bias: of the second curve; with 0 there is none.
        bounds: the least and the largest weighted sum; 6 on both sides of each curve by default.
        slope: draw the slope of the first curve too.
        ax: where to draw; a new figure by default.

    Returns:
        The axes.

    Raises:
        TypeError: `function` is no function of one argument, or can take no array, or `ax` is no
            Axes.
        ValueError: the function mixes numbers, as softmax does, or `bounds` are none.

    >>> from autograd_mini import sigmoid
    >>> [line.get_label() for line in activation(sigmoid, bias=2).lines][:3]
    ['sigmoid(z)', 'sigmoid(z + 2)', 'slope of sigmoid(z)']
    """
    check_axes(ax)
    check_function(
        function, "activation draws a function of one number, such as nn.ReLU() or np.tanh"
    )
    bias = number(bias, "activation takes a finite number as the bias")
    around = (min(-6.0, -6.0 - bias), max(6.0, 6.0 - bias))
    low, high = interval(around if bounds is None else bounds, "activation draws")
    z = np.linspace(low, high, 601)
    name = getattr(function, "__name__", type(function).__name__)
    with np.errstate(all="ignore"):  # where the function has no value the curve has a gap
        plain, slopes = _curve(function, name, z)
        shifted, _ = _curve(function, name, z + bias)
    ax = single(ax, (9, 5.2))
    ax.plot(z, plain, color=BLUE, linewidth=2.6, label=f"{name}(z)")
    if bias:
        label = minus(f"{name}(z {'-' if bias < 0 else '+'} {abs(bias):g})")
        ax.plot(z, shifted, color=ORANGE, linewidth=2.6, linestyle=(0, (5, 1.5)), label=label)
    if slope:
        label = f"slope of {name}(z)"
        ax.plot(z, slopes, color=GREY, linewidth=1.6, linestyle=":", label=label)
    _mark_shift(ax, bias, (low, high))
    open_frame(ax)
    ax.set_xlim(low, high)
    ax.set_xlabel("weighted sum of the activations before, z")
    ax.set_ylabel("activation")
    ax.legend(frameon=False, loc="best")
    ax.set_title(f"The activation {name}" + minus(f" and a bias of {bias:g}") * bool(bias), **TITLE)
    return ax


def _curve(
    function: Callable[[Any], Any], name: str, z: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the function's values and slopes at `z`."""
    try:
        out, pull = vjp(function, z)
    except (TypeError, ValueError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(
            f"activation draws a function of one number, element by element, made of NumPy's "
            f"functions; {name} can't take an array of shape {z.shape}: {error}"
        ) from error
    values = np.asarray(_bare(out))
    some = slice(100, None, 3)  # of another mean, sum and maximum than all
    again = np.asarray(_bare(function(z[some])))
    asked = "activation draws a function of one number, element by element"
    if values.shape != z.shape:
        raise ValueError(f"{asked}; {name} returned shape {values.shape} for {z.shape}")
    if not np.allclose(again, values[some], rtol=1e-9, atol=1e-12, equal_nan=True):
        raise ValueError(f"{asked}; {name} mixes the numbers that it is given")
    (slopes,) = pull(np.ones_like(values))
    return values, np.asarray(_bare(slopes))


def _bare(x: Any) -> Any:
    return x.data if isinstance(x, Tensor) else x


def _mark_shift(ax: Axes, bias: float, bounds: tuple[float, float]) -> None:
    """Mark where each curve has its weighted sum plus bias at zero, and the way between them."""
    if not bias or not bounds[0] <= -bias <= bounds[1]:
        return
    for place, colour in ((0.0, BLUE), (-bias, ORANGE)):
        ax.axvline(place, color=colour, linewidth=1, linestyle=(0, (1, 2)), zorder=0)
    height = 0.5 * sum(ax.get_ylim())
    arrow = {"arrowstyle": "->", "color": INK, "linewidth": 1.4}
    ax.annotate("", (-bias, height), (0, height), arrowprops=arrow)
    text = minus(f"bias {bias:+g}")
    ax.annotate(
        text, (-bias / 2, height), (0, 5), textcoords="offset points", ha="center", color=INK
    )
