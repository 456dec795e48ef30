"""How a landscape looks: contours in tints of its cost, or a surface, with the training's path."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm, Normalize
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from nn.module import Module
from nn.pictures.canvas import INK, TITLE, check_axes, minus, single
from nn.pictures.landscapes import Landscape, landscape_costs

LEVELS, TINT = 15, "viridis"
GOLD = "#ffd24d"
NAME: dict[str, Any] = {
    "textcoords": "offset points",
    "ha": "center",
    "va": "center",
    "fontweight": "bold",
    "color": "white",
    "path_effects": [withStroke(linewidth=2.5, foreground=INK)],
}


def landscape(
    model: Module,
    loss: Callable[[Any], Any],
    *,
    path: Sequence[Any] | None = None,
    points: int = 25,
    radius: float = 1.0,
    rng: np.random.Generator | None = None,
    ax: Any = None,
) -> Any:
    """Draw the cost of `model` over two directions through its weights.

    The directions are random and scaled to the weights, neuron by neuron. With a `path`, they are
    the two in which the training moved the most, and the path is drawn, projected on them: the
    cost below a point of it is that in the plane, not that of the training at that time.

    Args:
        model: in the middle; afterwards weights, gradients and modes are what they were.
        loss: of the model, a number; run without recording, the model in evaluation mode.
        path: what the training came through: state dicts, or arrays of all parameters.
        points: how many along each direction.
        radius: of random directions; at 1 the weights are moved by as much as they measure.
        rng: where random directions come from; the same ones each time by default.
        ax: where to draw, in three dimensions a surface; a new figure by default.

    Returns:
        The axes.

    Raises:
        TypeError: `model` is no module, `ax` is no Axes, a point of `path` is neither a state
            dict nor an array, or `loss` returns no number.
        ValueError: `points` or `radius` are too small, the model has no weights to move, the
            `path` does not fit it or does not span a plane, or the model's cost is not finite.

    >>> from nn import Linear, MSELoss
    >>> model, x, y = Linear(4, 2), np.eye(4), np.ones((4, 2))
    >>> ax = landscape(model, lambda model: MSELoss()(model(x), y), points=9)
    >>> ax.get_xlabel()
    'first random direction'
    """
    check_axes(ax, None, "3d")
    found = landscape_costs(model, loss, path=path, points=points, radius=radius, rng=rng)
    if not np.isfinite(_here(found)):
        raise ValueError(f"the cost of the model itself is {_here(found)}: check the loss")
    ax = single(ax, (9, 7))
    if ax.name == "3d":
        _draw_surface(ax, found)
    else:
        _draw_contours(ax, found)
    ax.set_title(minus(f"The cost around the network's weights, here {_here(found):.3g}"), **TITLE)
    names = [_name(found, axis) for axis in (0, 1)]
    if ax.name == "3d":
        names = ["\n" + name.replace(", ", ",\n") for name in names]
    ax.set(xlabel=names[0], ylabel=names[1])
    return ax


def _here(found: Landscape) -> float:
    """Return the cost of the model itself."""
    cost: float = found.costs[found.y == 0, found.x == 0].item()
    return cost


def _name(found: Landscape, axis: int) -> str:
    """Return what an axis of the picture is called."""
    if found.plane.shares is None:
        return f"{('first', 'second')[axis]} random direction"
    share = found.plane.shares[axis]
    return f"{('first', 'second')[axis]} principal direction, {share:.1%} of the path's variance"


def _levels(costs: NDArray[Any]) -> NDArray[Any]:
    """Return the costs of the contours: even factors where costs differ much, else even steps."""
    finite = costs[np.isfinite(costs)]
    low, high = float(finite.min()), float(finite.max())
    if low == high:
        return np.array([low, low + 1.0])
    if low > 0 and high > 8 * low:
        return np.geomspace(low, high, LEVELS)
    return np.linspace(low, high, LEVELS)


def _draw_contours(ax: Axes, found: Landscape) -> None:
    levels, costs = _levels(found.costs), np.ma.masked_invalid(found.costs)
    norm = BoundaryNorm(levels, 256)
    tints = ax.contourf(found.x, found.y, costs, levels, cmap=TINT, norm=norm)
    lines = ax.contour(found.x, found.y, costs, levels, colors="white", linewidths=0.6)
    ax.clabel(lines, levels[1:-1:3], fmt="%.3g", fontsize=8.5)
    bar = ax.figure.colorbar(tints, ax=ax, format="%.3g", shrink=0.85)
    bar.set_label("cost")
    bar.outline.set_visible(False)
    if len(found.plane.path):
        _draw_path(ax, found.plane.path)
    ax.plot(0, 0, marker="*", color=GOLD, markersize=17, markeredgecolor=INK, linestyle="none")
    # On the side that the path does not come from.
    side = 1 if found.plane.path[:, 1].sum() < 0 else -1
    ax.annotate("the network", (0, 0), (0, 17 * side), **NAME)


def _draw_path(ax: Axes, path: NDArray[Any]) -> None:
    x, y = path.T
    look: dict[str, Any] = {
        "marker": "o",
        "markersize": 4.5,
        "markeredgecolor": INK,
        "markeredgewidth": 0.7,
    }
    ax.plot(x, y, color="white", linewidth=1.8, label="path of the training", **look)
    ax.annotate("start", (x[0], y[0]), (0, 14 if y[0] > y[1] else -14), **NAME)


def _draw_surface(ax: Any, found: Landscape) -> None:
    x, y = np.meshgrid(found.x, found.y)
    costs = np.ma.masked_invalid(found.costs)
    rows, columns = costs.shape
    norm = Normalize(costs.min(), costs.max())
    look: dict[str, Any] = {
        "cmap": TINT,
        "norm": norm,
        "linewidth": 0.2,
        "edgecolor": "white",
        "alpha": 0.9,
    }
    ax.computed_zorder = False
    ax.plot_surface(x, y, costs, rcount=rows, ccount=columns, zorder=1, **look)
    floor = float(costs.min() - 0.25 * (np.ptp(costs) or 1.0))
    ax.contour(x, y, costs, _levels(found.costs), zdir="z", offset=floor, cmap=TINT, zorder=0)
    if len(found.plane.path):
        over = [floor] * len(found.plane.path)
        ax.plot(*found.plane.path.T, over, color=INK, marker="o", markersize=3, zorder=0)
    ax.plot([0], [0], [_here(found)], "*", color=GOLD, ms=14, mec=INK, zorder=3)
    ax.set_zlabel("cost")
    for axis in (ax.xaxis, ax.yaxis, ax.zaxis):
        axis.labelpad = 10  # or labels lie on the numbers
    ax.set_zlim(floor, float(costs.max()))
    ax.set_zticks([tick for tick in ax.get_zticks() if costs.min() <= tick <= costs.max()])
    ax.view_init(elev=32, azim=-60)
