"""A network with the light on: columns of neurons, lit by their activations for one example.

A column of 784 can't be shown whole. Of a long one those neurons are shown to which the next layer
listens the most, by the sizes of its weights, in their order from top to bottom. So they are the
same for every example, and some are lit and some dark. Of many outputs the brightest are shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.patches import Circle, Rectangle
from numpy.typing import ArrayLike, NDArray

from autograd_mini import Tensor
from nn.module import Module
from nn.pictures.asked import check_count, check_image, labels
from nn.pictures.canvas import TITLE, check_axes, fit_texts, fixed, single
from nn.pictures.columns import Columns, columns

NIGHT, LIT_BLUE, LIT_ORANGE, GOLD = "#15181d", "#5fb0ee", "#f58b3c", "#ffd24d"
PAPER, DIM = "#f2f2f2", "#a8adb5"
# In neurons: between columns, around and between halves of a short column, and of the image.
APART, RADIUS, GAP, SIDE = 5.4, 0.36, 1.0, 8.0


class Row(NamedTuple):
    """The neurons shown of one column: which, where, and how bright.

    Attributes:
        chosen: their numbers in the layer.
        x: the column's place.
        y: the place of each.
        light: of each, from 0 for dark to 1 for bright.
        activations: of each.
    """

    chosen: NDArray[np.intp]
    x: float
    y: NDArray[Any]
    light: NDArray[Any]
    activations: NDArray[Any]


def network(
    model: Module,
    x: ArrayLike | Tensor,
    *,
    shape: tuple[int, int] | None = None,
    names: Sequence[object] | None = None,
    neurons: int = 16,
    edges: int = 120,
    ax: Axes | None = None,
) -> Axes:
    """Draw the neurons of `model` lit by the activations that the example `x` causes.

    A neuron is as bright as its activation: 0 is dark, 1 is bright; a column with activations
    outside 0..1 is drawn in parts of its largest size, negative ones orange. An edge is blue for a
    positive weight and orange for a negative one, the thicker the larger the weight is beside the
    others between the same columns. The largest output is ringed and named.

    Args:
        model: its linear layers follow one another, with anything neuron by neuron in between.
        x: one example, with or without a batch axis of 1, or a picture of `shape`, which goes into
            the model row by row. The model runs in evaluation mode.
        shape: rows and columns of the picture that `x` is; it is drawn too, with the pixels that
            are shown as neurons framed.
        names: of the outputs; their numbers by default.
        neurons: how many of a longer column are shown, those with the largest weights; of the
            outputs the brightest.
        edges: how many are drawn between two columns, those of the largest weights.
        ax: where to draw; a new figure by default.

    Returns:
        The axes.

    Raises:
        TypeError: `model` is no module, `x` holds no numbers, or `ax` is no Axes.
        ValueError: `x` is several examples or has another size than `shape`, the layers do not
            follow one another, an activation is not finite, or there are not as many `names`
            as outputs.

    >>> from nn import Linear, Sequential, Sigmoid
    >>> model = Sequential(Linear(784, 16), Sigmoid(), Linear(16, 10), Sigmoid())
    >>> ax = network(model, np.zeros(784))
    >>> print(ax.texts[0].get_text())
    16 of 784
    inputs
    """
    check_axes(ax)
    found = columns(model, x, shape)
    told = _checked(found, shape, names, neurons, edges)
    rows = _rows(found, neurons)
    ax = single(ax, (13, 7.5))
    _prepare(ax)
    for left, right, weights in zip(rows, rows[1:], found.weights, strict=False):
        _draw_edges(ax, left, right, weights, edges)
    for position, row in enumerate(rows):
        _draw_neurons(ax, row)
        _draw_caption(ax, row, found.activations[position], position, len(rows))
    end = _draw_outputs(ax, rows[-1], [told[number] for number in rows[-1].chosen])
    _draw_key(ax)
    if shape is not None:
        _draw_input(ax, found.activations[0].reshape(shape), rows[0])
    top = max(row.y[0] for row in rows)
    start = -1.2 if shape is None else -SIDE - 3.0
    ax.update_datalim([(start, -top - 2.9), (end, top + 0.9)])
    ax.autoscale_view()
    fit_texts(ax, 9.0)
    return ax


def _checked(
    found: Columns,
    shape: tuple[int, int] | None,
    names: Sequence[object] | None,
    neurons: int,
    edges: int,
) -> list[str]:
    """Return the names of the outputs; raise where the arguments do not fit the model."""
    check_count("neurons", neurons, 2)
    check_count("edges", edges, 1)
    for place, activations in enumerate(found.activations):
        if len(wrong := activations[~np.isfinite(activations)]):
            raise ValueError(
                f"network draws finite activations, found {wrong[0]} in column {place}: "
                "look for its cause with autograd_mini.detect_anomaly"
            )
    inputs, outputs = len(found.activations[0]), len(found.activations[-1])
    if shape is not None:
        check_image(shape, inputs, f"the model has {inputs:,} input{'s' * (inputs != 1)}")
    return labels(names, outputs)


def _rows(found: Columns, neurons: int) -> list[Row]:
    rows = []
    for place, activations in enumerate(found.activations):
        is_last = place == len(found.weights)
        all_shown = len(activations) <= neurons
        chosen = np.arange(len(activations))
        if not all_shown:
            sizes = activations if is_last else np.abs(found.weights[place]).sum(axis=0)
            chosen = _largest(sizes, neurons)
        light = _light(activations)[chosen]
        rows.append(
            Row(
                chosen,
                place * APART,
                _heights(len(chosen), not all_shown),
                light,
                activations[chosen],
            )
        )
    return rows


def _largest(sizes: NDArray[Any], count: int) -> NDArray[np.intp]:
    """Return the places of the largest numbers, in order; of equal ones the first."""
    return np.sort(np.argsort(-sizes, kind="stable")[:count])


def _heights(count: int, has_gap: bool) -> NDArray[Any]:
    """Return the heights of neurons, the first on top, the dots of a long column in the middle."""
    heights: NDArray[Any] = -np.arange(count, dtype=float)
    if has_gap:
        heights[count // 2 :] -= GAP
    heights -= heights.mean()
    return heights


def _light(activations: NDArray[Any]) -> NDArray[Any]:
    """Return the light of each neuron, from -1 for bright orange over 0 for dark to 1 for white."""
    if activations.min() >= 0 and activations.max() <= 1:
        return activations
    light: NDArray[Any] = activations / np.abs(activations).max()
    return light


def _prepare(ax: Axes) -> None:
    ax.set_facecolor(NIGHT)
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set_visible(False)
    ax.set_aspect("equal", adjustable="datalim")
    ax.margins(0)


def _draw_edges(ax: Axes, left: Row, right: Row, weights: NDArray[Any], count: int) -> None:
    """Draw the largest weights between the neurons shown, the largest of them last, on top."""
    shown = weights[np.ix_(right.chosen, left.chosen)]
    order = np.argsort(-np.abs(shown), axis=None, kind="stable")[:count][::-1]
    targets, sources = np.unravel_index(order, shown.shape)
    sizes = np.abs(shown[targets, sources]) / (np.abs(shown).max() or 1.0)
    starts = np.stack([np.full(len(order), left.x), left.y[sources]], axis=-1)
    ends = np.stack([np.full(len(order), right.x), right.y[targets]], axis=-1)
    colours = np.where(shown[targets, sources] < 0, LIT_ORANGE, LIT_BLUE)
    lines = LineCollection(
        [*np.stack([starts, ends], axis=1)],
        colors=[*map(str, colours)],
        linewidths=0.4 + 2.2 * sizes,
        alpha=0.12 + 0.83 * sizes,
        zorder=1,
    )
    lines.set_gid("edges")
    ax.add_collection(lines)


def _draw_neurons(ax: Axes, row: Row) -> None:
    for y, light in zip(row.y, row.light, strict=True):
        neuron = Circle((row.x, y), RADIUS, facecolor=_lit(light), edgecolor=DIM, lw=1.0, zorder=3)
        neuron.set_gid("neuron")
        ax.add_patch(neuron)


def _lit(light: float) -> tuple[float, float, float]:
    """Return the colour of a neuron: black to white, or black to orange for a negative one."""
    full = (1.0, 1.0, 1.0) if light >= 0 else (0.96, 0.55, 0.24)
    red, green, blue = (part * abs(float(light)) for part in full)
    return red, green, blue


def _draw_caption(ax: Axes, row: Row, activations: NDArray[Any], position: int, count: int) -> None:
    """Write below a column how many neurons it has, and what full light is if that is not 1."""
    size = len(activations)
    kind = {0: "input", count - 1: "output"}.get(position, "neuron") + "s" * (size != 1)
    is_short = len(row.chosen) < size
    if is_short:
        middle = len(row.y) // 2
        y = (row.y[middle - 1] + row.y[middle]) / 2
        ax.plot([row.x] * 3, [y - 0.3, y, y + 0.3], "o", color=DIM, markersize=2.4, zorder=3)
    shown = f"{len(row.chosen)} of {size:,}\n{kind}" if is_short else f"{size}\n{kind}"
    if largest := _scale(activations):
        shown += f"\nfull light: {largest}"
    y = row.y[-1] - 0.7
    ax.text(row.x, y, shown, color=PAPER, ha="center", va="top", fontsize=10, linespacing=1.4)


def _scale(activations: NDArray[Any]) -> str:
    """Return what full light stands for in a column that is not in 0..1."""
    if activations.min() >= 0 and activations.max() <= 1:
        return ""
    return f"{np.abs(activations).max():.3g}"


def _draw_outputs(ax: Axes, row: Row, names: list[str]) -> float:
    """Write name and activation beside each output, ring the brightest; return where this ends."""
    brightest = int(row.activations.argmax())
    numbers = row.x + 1.15 + 0.34 * max(map(len, names))
    for place, (y, a) in enumerate(zip(row.y, row.activations, strict=True)):
        look: dict[str, Any] = {"color": PAPER, "va": "center"}
        if place == brightest:
            look |= {"color": GOLD, "fontweight": "bold"}
        ax.text(row.x + 0.75, y, names[place], fontsize=12, **look)
        ax.text(numbers, y, fixed(a), fontsize=10, **look)
    ring = Circle((row.x, row.y[brightest]), RADIUS * 1.45, fill=False, ec=GOLD, lw=2.4, zorder=4)
    ring.set_gid("ring")
    ax.add_patch(ring)
    is_only = len(row.activations) == 1
    lights = np.abs(row.light)  # a negative activation may be the brighter one, in orange
    most = "brightest" if lights[brightest] == lights.max() else "largest"
    title = f"The output: {fixed(a)}" if is_only else f"The {most} output: {names[brightest]}"
    ax.set_title(title, **TITLE)
    return numbers + 1.6


def _draw_key(ax: Axes) -> None:
    """Write in the corner what the colours of the edges say."""
    look: dict[str, Any] = {"transform": ax.transAxes, "ha": "right", "fontsize": 10}
    ax.text(0.985, 0.055, "positive weight", color=LIT_BLUE, **look)
    ax.text(0.985, 0.02, "negative weight", color=LIT_ORANGE, **look)


def _draw_input(ax: Axes, image: NDArray[Any], row: Row) -> None:
    """Draw the example as a picture, left of its neurons, with the pixels shown framed."""
    rows, columns = image.shape
    side = SIDE / max(rows, columns)
    left, top = row.x - 1.8 - side * columns, side * rows / 2
    extent = (left, left + side * columns, -top, top)
    ax.imshow(image, cmap="gray", extent=extent, zorder=2, interpolation="nearest")
    ax.set_aspect("equal", adjustable="datalim")
    for pixel in row.chosen if row.chosen.size < image.size else ():
        y, x = divmod(int(pixel), columns)
        corner = (left + x * side, top - (y + 1) * side)
        frame = Rectangle(corner, side, side, fill=False, ec=LIT_BLUE, lw=1.3, zorder=3)
        frame.set_gid("pixel")
        ax.add_patch(frame)
    caption = f"{rows} x {columns} pixels"
    if row.chosen.size < image.size:
        caption += f"\nframed: the {row.chosen.size} of the largest weights"
    middle = left + side * columns / 2
    ax.text(middle, -top - 0.45, caption, color=PAPER, ha="center", va="top", linespacing=1.4)
