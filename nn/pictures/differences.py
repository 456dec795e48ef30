"""The cost of a single example: the squares of its differences, added up before your eyes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike, NDArray

from autograd_mini import Tensor
from nn.losses import mse_loss
from nn.pictures.asked import labels, real_array
from nn.pictures.canvas import (
    BLUE,
    GREY,
    INK,
    MINUS,
    ORANGE,
    TITLE,
    check_axes,
    fixed,
    minus,
    single,
)


def cost_of_example(
    output: ArrayLike | Tensor,
    wanted: ArrayLike | Tensor,
    *,
    names: Sequence[object] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw what the outputs are and should be, the squares of the differences, and their sum.

    cost = sum (output - wanted)^2, which is `nn.MSELoss("sum")` of the two.

    Args:
        output: the activations of the last layer for one example, shape (n,).
        wanted: what they should be, shape (n,).
        names: of the outputs; their numbers by default.
        ax: where to draw; a new figure by default.

    Returns:
        The axes.

    Raises:
        TypeError: `output` and `wanted` are no real numbers, or `ax` is no Axes.
        ValueError: they are not of one shape (n,), not finite, or there are not as many `names`.

    >>> ax = cost_of_example([0.5, 0.75, 0.0], [0.0, 1.0, 0.0])
    >>> ax.get_title()
    'The cost of this example: 0.3125'
    """
    check_axes(ax)
    a, y = (_numbers(x) for x in (output, wanted))
    told = _checked(a, y, names)
    squares = np.asarray(mse_loss(a, y, "none"))
    cost = mse_loss(a, y, "sum").item()
    ax = single(ax, (10, 0.9 + 0.48 * max(len(a), 4)))
    places = np.arange(len(a))
    ax.barh(places - 0.2, a, height=0.4, color=BLUE, label="output")
    ax.barh(places + 0.2, y, height=0.4, color=ORANGE, label="wanted", hatch="///", ec="white")
    low, high = min(0.0, a.min(), y.min()), max(1.0, a.max(), y.max())
    # The numbers stand right of the bars, in the same axes: so they fit wherever these are put.
    edges = [float(high + part * (high - low)) for part in (0.04, 0.46, 0.52, 0.72)]
    for place, square in enumerate(squares):
        _write_row(ax, place, (float(a[place]), float(y[place]), float(square)), edges)
    _write_sum(ax, len(a), cost, edges)
    ax.set(xlim=(low, edges[-1]), ylim=(len(a) + 0.3, -0.6), yticks=places, yticklabels=told)
    ax.set_xticks([tick for tick in ax.get_xticks() if low <= tick <= high])
    ax.tick_params(axis="y", length=0, labelsize=12)
    ax.set_xlabel("activation", loc="left")
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines["bottom"].set_bounds(low, high)
    # Below the ticks by points, not by a share of a height that the number of rows decides.
    ax.legend(loc="upper left", bbox_to_anchor=(0.22, 0), borderaxespad=2, ncols=2, frameon=False)
    ax.set_title(f"The cost of this example: {_short(cost, 4)}", **TITLE)
    return ax


def _numbers(x: Any) -> NDArray[Any]:
    found = real_array(x, "cost_of_example takes arrays of real numbers")
    return found if found.dtype.kind == "f" else found.astype(float)


def _checked(a: NDArray[Any], y: NDArray[Any], names: Sequence[object] | None) -> list[str]:
    if a.ndim != 1 or a.shape != y.shape or not a.size:
        raise ValueError(
            "cost_of_example takes the outputs of one example and what they should be, two arrays "
            f"of one shape (n,), found {a.shape} and {y.shape}: turn a class label into "
            "np.eye(n)[label], and take one row of a batch"
        )
    if not (np.isfinite(a).all() and np.isfinite(y).all()):
        wrong = next(x for x in (*a, *y) if not np.isfinite(x))
        raise ValueError(f"cost_of_example draws finite numbers, found {wrong}")
    return labels(names, len(a))


def _write_row(
    ax: Axes, place: int, numbers: tuple[float, float, float], edges: list[float]
) -> None:
    """Write one difference and its square right of the bars."""
    a, y, square = numbers
    wanted = f"({_short(y)})" if y < 0 else _short(y)
    look: dict[str, Any] = {"va": "center", "family": "monospace", "color": INK, "fontsize": 11}
    ax.text(edges[1], place, f"({_short(a)} {MINUS} {wanted})²", ha="right", **look)
    ax.text(edges[2], place, "=", ha="center", **look)
    ax.text(edges[3], place, _short(square, 4), ha="right", **look).set_gid("square")


def _short(number: float, digits: int = 3) -> str:
    return fixed(number, digits) if abs(number) < 1000 else minus(f"{number:.3g}")


def _write_sum(ax: Axes, count: int, cost: float, edges: list[float]) -> None:
    """Write the sum below the squares, under a line."""
    ax.plot([edges[0], edges[-1]], [count - 0.5] * 2, color=GREY, linewidth=1)
    look: dict[str, Any] = {"va": "center", "fontweight": "bold", "color": INK, "fontsize": 12}
    ax.text(edges[1], count, "sum", ha="right", **look)
    text = ax.text(edges[3], count, _short(cost, 4), ha="right", family="monospace", **look)
    text.set_gid("sum")
