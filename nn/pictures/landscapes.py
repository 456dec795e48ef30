"""The landscape of a network: its own cost over two directions through its weights.

The model is lent out, and is afterwards bit by bit what it was. `terrain.py` draws what is found.

Source: Li, Xu, Taylor, Studer & Goldstein, Visualizing the Loss Landscape of Neural Nets (2018).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from autograd_mini import Tensor, no_grad
from nn.init import generator
from nn.module import Module
from nn.pictures.asked import check_above_zero, check_count, check_function, named
from nn.pictures.directions import Plane, path_plane, random_plane
from nn.pictures.untouched import untouched


class Landscape(NamedTuple):
    """The cost of a model, with its weights moved by x times one direction and y times another.

    Attributes:
        x: the multiples of the first direction, one of them 0.
        y: those of the second.
        costs: shape (len(y), len(x)).
        plane: the directions, the path of the training on them, and the shares of its variance.
    """

    x: NDArray[Any]
    y: NDArray[Any]
    costs: NDArray[Any]
    plane: Plane


def landscape_costs(
    model: Module,
    loss: Callable[[Any], Any],
    *,
    path: Sequence[Any] | None = None,
    points: int = 25,
    radius: float = 1.0,
    rng: np.random.Generator | None = None,
) -> Landscape:
    """Return the cost of `model` over two directions through its weights.

    Args:
        model: in the middle; afterwards weights, gradients and modes are what they were.
        loss: of the model, a number; run without recording, the model in evaluation mode.
        path: what the training came through: state dicts, or arrays of all parameters.
        points: how many along each direction.
        radius: of random directions; at 1 the weights are moved by as much as they measure.
        rng: where random directions come from; the same ones each time by default.

    Raises:
        TypeError: `model` is no module, a point of `path` is neither a state dict nor an array, or
            `loss` returns no number.
        ValueError: `points` or `radius` are too small, the model has no weights to move, or the
            `path` does not fit it or does not span a plane.

    >>> from nn import Linear, MSELoss
    >>> layer, x, y = Linear(4, 2), np.eye(4), np.ones((4, 2))
    >>> found = landscape_costs(layer, lambda layer: MSELoss()(layer(x), y), points=9)
    >>> found.costs.shape, bool(found.costs[4, 4] == MSELoss()(layer(x), y).item())
    ((9, 9), True)
    """
    if not isinstance(model, Module):
        raise TypeError(f"landscape moves the weights of a module, found {named(model)}")
    check_function(
        loss,
        "landscape takes a function of the model that returns its cost, such as "
        "lambda model: nn.MSELoss()(model(x), y)",
    )
    check_count("points", points, 3)
    check_above_zero("radius", radius)
    if path is None:
        plane = random_plane(model, np.random.default_rng(0) if rng is None else generator(rng))
        x = y = _steps(-radius, radius, points)
    else:
        plane = path_plane(model, path)
        x, y = (_steps(*_around(places), points) for places in plane.path.T)
    rows = [[_cost_at(model, loss, plane, a, b) for a in x] for b in y]
    return Landscape(x, y, np.array(rows), plane)


def _steps(low: float, high: float, points: int) -> NDArray[Any]:
    """Return evenly spaced numbers from about `low` to about `high`, one of them exactly 0."""
    step = (high - low) / (points - 1)
    return (np.arange(points) - round(-low / step)) * step


def _around(places: NDArray[Any]) -> tuple[float, float]:
    """Return the range of the numbers and of 0, with a margin."""
    low, high = min(0.0, float(places.min())), max(0.0, float(places.max()))
    margin = 0.2 * (high - low)
    return low - margin, high + margin


def _cost_at(model: Module, loss: Callable[[Any], Any], plane: Plane, a: float, b: float) -> float:
    """Return the cost with the weights w + a first + b second."""
    with untouched(model), no_grad():
        moved = zip(model.parameters(), plane.first, plane.second, strict=True)
        for p, first, second in moved:
            p.data = p.data + p.dtype.type(a) * first + p.dtype.type(b) * second
        return _number(loss(model))


def _number(cost: Any) -> float:
    found = np.asarray(cost.data if isinstance(cost, Tensor) else cost)
    if found.size != 1 or found.dtype.kind not in "biuf":
        raise TypeError(
            f"landscape takes a function that returns one real number for a model, found "
            f"{named(cost)}"
        )
    return float(found.item())
