"""Gradient descent along a curve: the slope at each step, and where each start ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike, NDArray

from nn.pictures.asked import interval, named, numbers
from nn.pictures.canvas import (
    GREY,
    INK,
    TITLE,
    check_axes,
    fixed,
    minus,
    open_frame,
    series,
    single,
)
from nn.pictures.paths import Descent, descend, value_at


def descent_1d(
    f: Callable[[Any], Any],
    starts: ArrayLike,
    *,
    lr: float = 0.1,
    steps: int = 12,
    bounds: tuple[float, float] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw gradient descent on the curve of `f`, from each of several starts.

    x becomes x - lr * f'(x): left where the slope is positive, right where it is negative. A short
    line shows the slope at each point; the strip below shows the steps alone, which shrink where
    the curve flattens out.

    Args:
        f: of one number, made of what the library can differentiate.
        starts: a number or several.
        lr: the learning rate.
        steps: how many.
        bounds: the least and the largest x; all that the paths visit and a margin by default.
        ax: where to draw; a new figure by default.

    Returns:
        The axes.

    Raises:
        TypeError: `f` is no function of one number, or `ax` is no Axes.
        ValueError: there is no start, the steps grow beyond all numbers, `bounds` are none, or f
            has no finite value between them.

    >>> def f(x):
    ...     return (x**2 - 1) ** 2
    >>> ax = descent_1d(f, [0.1, 2.0], lr=0.05, steps=30)
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['from 0.1 to 1.00, f = 0.00', 'from 2 to 1.00, f = 0.00']
    """
    check_axes(ax)
    places = np.atleast_1d(numbers(starts, "descent_1d starts at finite numbers"))
    if places.ndim != 1 or not places.size:
        raise ValueError(f"descent_1d takes one start or a list of several, found {named(starts)}")
    walks = [descend(f, start, lr=lr, steps=steps) for start in places]
    x = _grid(walks, bounds)
    curve = value_at(f, x, axis=0)
    if not np.isfinite(curve).any():
        raise ValueError(f"f has no finite value between {x[0]:g} and {x[-1]:g}: check the bounds")
    curve[~np.isfinite(curve)] = np.nan
    ax = single(ax, (10, 6.2))
    ax.plot(x, curve, color=INK, linewidth=2, zorder=1)
    ax.set_xlim(x[0], x[-1])
    low, high = float(np.nanmin(curve)), float(np.nanmax(curve))
    height = (high - low) or 1.0
    for number, walk in enumerate(walks):
        strip = low - height * (0.13 + 0.07 * number)
        _draw_walk(ax, walk, number, strip, (height, float(x[-1] - x[0])))
    ax.set_ylim(low - height * (0.13 + 0.07 * len(walks)), high + 0.06 * height)
    ax.axhline(low - 0.07 * height, color=GREY, linewidth=0.8)
    ax.annotate(
        "the steps",
        (0.006, low - 0.085 * height),
        color=GREY,
        fontsize=9,
        va="top",
        xycoords=("axes fraction", "data"),
    )
    ax.set_yticks([tick for tick in ax.get_yticks() if low - 0.06 * height <= tick <= high])
    _finish(ax, lr)
    return ax


def _grid(walks: list[Descent], bounds: tuple[float, float] | None) -> NDArray[Any]:
    """Return where the curve is drawn."""
    visited = np.concatenate([walk.points for walk in walks])
    margin = 0.15 * float(np.ptp(visited)) or 1.0
    around = (float(visited.min()) - margin, float(visited.max()) + margin)
    low, high = interval(around if bounds is None else bounds, "descent_1d draws")
    return np.linspace(low, high, 401)


def _draw_walk(
    ax: Axes, walk: Descent, number: int, strip: float, size: tuple[float, float]
) -> None:
    """Draw one descent on the curve, and its steps at the height `strip`."""
    colour, mark = series(number)
    x, y = walk.points, walk.values
    label = f"from {x[0]:.4g} to {fixed(x[-1])}, f = {fixed(y[-1])}"
    style: dict[str, Any] = {
        "color": colour,
        "marker": mark,
        "markeredgecolor": "white",
        "markeredgewidth": 0.7,
    }
    ax.plot(x, y, linestyle="none", markersize=8, label=minus(label), zorder=4, **style)
    for step, (at, value, slope) in enumerate(zip(*walk, strict=True)):
        reach = _reach(float(slope), size)
        tangent = [value - slope * reach, value + slope * reach]
        shade = 0.95 - 0.6 * step / len(x)
        ends = [at - reach, at + reach]
        (line,) = ax.plot(ends, tangent, color=colour, linewidth=2, alpha=shade, zorder=3)
        line.set_gid("slope")
    (steps,) = ax.plot(x, np.full(len(x), strip), linewidth=1.2, markersize=5.5, zorder=4, **style)
    steps.set_gid("steps")


def _reach(slope: float, size: tuple[float, float]) -> float:
    """Return half the width of a tangent that is equally long on paper whatever its slope."""
    height, width = size
    # The axes are about 1.7 times as wide as high.
    steepness = slope * width / height / 1.7
    return 0.045 * width / float(np.hypot(1, steepness))


def _finish(ax: Axes, lr: float) -> None:
    open_frame(ax)
    ax.set_xlabel("x")
    ax.set_ylabel("f(x)")
    ax.legend(frameon=False, loc="best")
    ax.set_title(minus(f"Downhill: each step is -{lr:g} times the slope"), **TITLE)
