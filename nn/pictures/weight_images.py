"""What the neurons of a layer look for: the weights of each as an image."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autograd_mini import Tensor
from nn.pictures.asked import check_image, named
from nn.pictures.canvas import INK, SIGNED, bare_frame, check_axes, fit_texts, several, signed


def weights(layer: Any, shape: tuple[int, int] = (28, 28), *, ax: Any = None) -> NDArray[Any]:
    """Draw the weights of each neuron as an image, all on one scale, with a colour bar.

    Blue is positive, a bright pixel lights the neuron up; orange is negative, it dims it.

    Args:
        layer: has a `weight` of shape (neurons, inputs) and perhaps a `bias`, as nn.Linear has.
        shape: rows and columns of an image, as many pixels as the neuron has inputs.
        ax: an Axes to draw inside, or an array of one for each neuron; a new figure by default.

    Returns:
        The axes, one for each neuron.

    Raises:
        TypeError: `layer` has no such weight, or `ax` is neither an Axes nor as many as neurons.
        ValueError: a neuron has not as many inputs as `shape` has pixels, or a weight is not
            finite.

    >>> from nn import Linear
    >>> grid = weights(Linear(784, 16))
    >>> len(grid), grid[3].get_images()[0].get_array().shape
    (16, (28, 28))
    """
    weight, bias = _checked(layer, shape)
    count = len(weight)
    columns = math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    title = f"What the {count} neurons look for" if count > 1 else "What the neuron looks for"
    grid = _grid(ax, count, rows, columns, title)
    limit = float(np.abs(weight).max()) or 1.0
    between = ", " if ax is None else "\n"  # in given axes there may be little room
    for number, each in enumerate(grid):
        image = weight[number].reshape(shape)
        picture = each.imshow(image, cmap=SIGNED, vmin=-limit, vmax=limit)
        text = f"neuron {number}"
        if bias is not None:
            text += f"{between}bias {signed(bias[number])}"
        each.set_title(text, fontsize=9.5, color=INK)
        bare_frame(each)
        fit_texts(each, 1.5)
    frame = [*grid] if ax is None or isinstance(ax, np.ndarray | list | tuple) else ax
    bar = grid[0].figure.colorbar(picture, ax=frame, shrink=0.6, aspect=30)
    bar.set_label("weight: a bright pixel dims (orange) or lights up (blue) the neuron")
    bar.outline.set_visible(False)
    return grid


def _checked(layer: Any, shape: Any) -> tuple[NDArray[Any], NDArray[Any] | None]:
    """Return the weight and the bias of `layer` as bare arrays."""
    weight, bias = (_bare(getattr(layer, name, None)) for name in ("weight", "bias"))
    if weight is None or weight.ndim != 2 or not weight.size:
        raise TypeError(
            "weights draws a layer whose weight has the shape (neurons, inputs), such as "
            f"nn.Linear, found {named(layer)}: pass one layer of the model, such as model[0]"
        )
    check_image(shape, weight.shape[1], f"each neuron has {weight.shape[1]:,} weights")
    if not np.isfinite(weight).all():
        raise ValueError(f"weights draws finite numbers, found {weight[~np.isfinite(weight)][0]}")
    return weight, bias


def _bare(x: Any) -> NDArray[Any] | None:
    array = x.data if isinstance(x, Tensor) else x
    return None if array is None else np.asarray(array)


def _grid(ax: Any, count: int, rows: int, columns: int, title: str) -> NDArray[Any]:
    """Return `count` axes, the first of a grid that may have more."""
    if isinstance(ax, np.ndarray | list | tuple):
        given: NDArray[Any] = several(ax, (0, 0), (1, count), title)[0]
        return given
    check_axes(ax)
    size = (2.4 * columns + 1.4, 2.35 * rows + 0.7)
    grid = several(ax, size, (rows, columns), title).ravel()
    for unused in grid[count:]:
        unused.remove()
    return grid[:count]
