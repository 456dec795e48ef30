"""Gradient descent over a plane: the surface with the path on it, and its contours from above."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nn.pictures.asked import interval, named, numbers
from nn.pictures.canvas import INK, ORANGE, check_axes, fixed, several
from nn.pictures.paths import Descent, descend, value_at

Bounds = tuple[tuple[float, float], tuple[float, float]]
SIZE, TITLE = (13, 6), "The way downhill: the negative gradient"
POINTS, LEVELS, TINT = 61, 16, "viridis"


class Ground(NamedTuple):
    """What a descent walks on: the function over a grid.

    Attributes:
        x: the first number of the points, shape (POINTS,).
        y: the second.
        z: the function there, shape (POINTS, POINTS), a row for each y.
    """

    x: NDArray[Any]
    y: NDArray[Any]
    z: NDArray[Any]


def descent_2d(
    f: Callable[[Any], Any],
    start: ArrayLike,
    *,
    lr: float = 0.1,
    steps: int = 20,
    bounds: Bounds | None = None,
    ax: Any = None,
) -> NDArray[Any]:
    """Draw gradient descent on the surface of `f`, and from above between its contours.

    The arrow is the negative gradient at the start: the direction in which f decreases the most,
    at a right angle to the contour. It is drawn to a length that can be seen.

    Args:
        f: of an array of two numbers, made of what the library can differentiate.
        start: two numbers.
        lr: the learning rate.
        steps: how many.
        bounds: the least and the largest of the first number and of the second; a square around
            the path by default.
        ax: an Axes to draw inside, or two, the first in three dimensions; a new figure by default.

    Returns:
        The axes of the surface and of the contours.

    Raises:
        TypeError: `f` is no function that returns one number, or `ax` is no Axes.
        ValueError: `start` is not two numbers, the steps grow beyond all numbers, or `bounds` are
            none.

    >>> def f(p):
    ...     return p[0] ** 2 + 3 * p[1] ** 2
    >>> surface, contours = descent_2d(f, [2.0, 1.0], lr=0.1)
    >>> surface.get_zlabel(), contours.get_title()
    ('f', '20 steps, from f = 7.00 to f = 0.00')
    """
    if not isinstance(ax, np.ndarray | list | tuple):
        check_axes(ax)
    walk, ground = prepared(f, start, lr, steps, bounds)
    axes: NDArray[Any] = several(ax, SIZE, (1, 2), TITLE, ("3d", None))[0]
    draw_ground(axes, ground)
    draw_path(axes, walk)
    draw_arrow(axes, ground, walk, 0)
    return axes


def prepared(
    f: Callable[[Any], Any], start: ArrayLike, lr: float, steps: int, bounds: Bounds | None
) -> tuple[Descent, Ground]:
    """Return the descent and the ground it walks on.

    Raises:
        ValueError: `start` is not two numbers, or `bounds` are none.
    """
    asked = "descent_2d starts at two finite numbers such as [2.0, 1.0]"
    point = numbers(start, asked)
    if point.shape != (2,):
        raise ValueError(f"{asked}, found {named(start)}")
    walk = descend(f, point, lr=lr, steps=steps)
    sides = _around(walk.points) if bounds is None else bounds
    if not isinstance(sides, tuple | list | np.ndarray) or len(sides) != 2:
        raise ValueError(
            f"bounds are two pairs, such as ((-1.0, 1.0), (-1.0, 1.0)), found {named(bounds)}"
        )
    (left, right), (low, high) = (interval(side, "descent_2d draws") for side in sides)
    x, y = np.linspace(left, right, POINTS), np.linspace(low, high, POINTS)
    z = value_at(f, np.stack(np.meshgrid(x, y), axis=-1), axis=1)
    if not np.isfinite(z).any():
        raise ValueError(f"f has no finite value between {(left, low)} and {(right, high)}")
    return walk, Ground(x, y, np.ma.masked_invalid(z))


def _around(points: NDArray[Any]) -> Any:
    """Return the sides of a square around the path, wide enough to see where it leads."""
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    reach = 0.85 * float(np.ptp(points, axis=0).max()) or 1.0
    return [(float(at - reach), float(at + reach)) for at in middle]


def draw_ground(axes: NDArray[Any], ground: Ground) -> None:
    """Draw the surface and the contours."""
    surface, contours = axes
    x, y = np.meshgrid(ground.x, ground.y)
    surface.computed_zorder = False  # else the path may vanish behind what is behind it
    look = {"cmap": TINT, "antialiased": False, "rcount": POINTS, "ccount": POINTS}
    surface.plot_surface(x, y, ground.z, zorder=1, **look)
    surface.set(xlabel="x", ylabel="y", zlabel="f")
    surface.view_init(elev=38, azim=-55)
    levels = _levels(ground.z)
    contours.contourf(ground.x, ground.y, ground.z, levels, cmap=TINT, alpha=0.75)
    contours.contour(
        ground.x, ground.y, ground.z, levels, colors="white", linestyles="solid", linewidths=0.7
    )
    contours.set_aspect("equal")
    contours.set(xlabel="x", ylabel="y")


def _levels(z: NDArray[Any]) -> NDArray[Any]:
    """Return the heights of the contours, closer together towards the lowest, where a path ends."""
    low, high = float(z.min()), float(z.max())
    if low == high:
        return np.array([low, low + 1.0])
    levels: NDArray[Any] = low + (high - low) * np.linspace(0, 1, LEVELS) ** 1.7
    return levels


def draw_path(axes: NDArray[Any], walk: Descent) -> list[Any]:
    """Draw the path on the surface and between the contours; return its two lines."""
    surface, contours = axes
    look = {"color": INK, "marker": "o", "markersize": 4.5, "linewidth": 1.6, "zorder": 5}
    look |= {"markeredgecolor": "white", "markeredgewidth": 0.7}
    x, y = walk.points.T
    (above,) = surface.plot(x, y, walk.values, **look)
    (seen,) = contours.plot(x, y, **look)
    count = len(walk.values) - 1
    contours.set_title(
        f"{count} step{'s' * (count != 1)}, {summary(walk, count)}", fontsize=11, color=INK
    )
    return [above, seen]


def summary(walk: Descent, step: int) -> str:
    """Return in words how far down the walk is after a step."""
    return f"from f = {fixed(walk.values[0])} to f = {fixed(walk.values[step])}"


def draw_arrow(axes: NDArray[Any], ground: Ground, walk: Descent, step: int) -> list[Any]:
    """Draw the negative gradient at a point of the walk, in both pictures; return the artists."""
    surface, contours = axes
    downhill, size = -walk.gradients[step], float(np.linalg.norm(walk.gradients[step]))
    if not size:
        return []
    steepest = float(np.linalg.norm(walk.gradients, axis=1).max())
    longest = 0.24 * float(np.ptp(ground.x))
    # Of the lengths the root is drawn: those near the minimum would else be points.
    dx, dy = downhill / size * longest * np.sqrt(size / steepest)
    (x, y), z = walk.points[step], walk.values[step]
    rise = -float(np.hypot(dx, dy)) * size  # along the tangent plane
    end = max(z + rise, float(ground.z.min()))
    # Its head is a mark, which has one size; drawn in the units of the axes it may fill them.
    look = {"color": ORANGE, "linewidth": 2.6, "marker": "v", "markersize": 9, "zorder": 6}
    (above,) = surface.plot([x, x + dx], [y, y + dy], [z, end], markevery=[1], **look)
    style = {"arrowstyle": "-|>", "color": ORANGE, "linewidth": 2.6, "mutation_scale": 18}
    seen = contours.annotate("", (x + dx, y + dy), (x, y), arrowprops=style, zorder=6)
    box = {"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": "none", "alpha": 0.85}
    # Beside the arrow, not on the path.
    where = (x + 0.6 * dx - 0.4 * dy, y + 0.6 * dy + 0.4 * dx)
    look = {"color": "#8a3606", "fontsize": 12, "fontweight": "bold", "bbox": box, "zorder": 7}
    name = contours.text(*where, "\u2212\u2207f", ha="center", va="center", **look)
    return [above, seen, name]
