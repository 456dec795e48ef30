"""Pictures of what the digits network did, saw and learned, drawn by matplotlib.

Every function returns a figure; `picture_bytes` turns it into a PNG file's content. Blue says right
or positive and orange wrong or negative, told apart by sign, mark or place too, never by colour
alone.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.ticker import PercentFormatter
from numpy.typing import NDArray

import nn.pictures
from examples.mnist import Digits
from nn.pictures.canvas import BLUE, DPI, GREY, INK, ORANGE, PALE, SIGNED

Floats = NDArray[np.floating[Any]]
Counts = NDArray[np.integer[Any]]


def picture_bytes(figure: Figure) -> bytes:
    """Return the figure as the content of a PNG file."""
    content = io.BytesIO()
    figure.savefig(content, format="png")
    return content.getvalue()


def _figure(title: str, width: float, height: float) -> Figure:
    figure = Figure(figsize=(width, height), dpi=DPI)
    figure.set_layout_engine("constrained", w_pad=0.08, h_pad=0.1)
    figure.suptitle(title, fontsize=15, color=INK)
    return figure


def draw_all(
    moments: Sequence[tuple[float, float, float]],
    first_layer: nn.Linear,
    digits: Digits,
    outputs: Floats,
    costs: Floats,
    confusion: Counts,
) -> dict[str, Figure]:
    """Return all pictures by the names of their files, the arguments as below."""
    return {
        "learning.png": draw_learning(moments),
        "first-layer.png": draw_weights(first_layer),
        "twelve-digits.png": draw_twelve(digits, outputs, costs),
        "confusion.png": draw_confusion(confusion),
    }


def draw_learning(moments: Sequence[tuple[float, float, float]]) -> Figure:
    """Draw how the network got better.

    Args:
        moments: epoch, average cost in training, held-out accuracy.
    """
    epochs, costs, accuracies = zip(*moments, strict=True)
    figure = _figure("The network learns", 8, 6.5)
    above, below = figure.subplots(2, 1, sharex=True)
    _curve(above, epochs, costs, ORANGE, "average cost of the training digits", "{:.3f}")
    above.set_ylim(0, 1.08 * max(costs))
    _curve(below, epochs, accuracies, BLUE, "held-out digits read correctly", "{:.1%}")
    below.set_ylim(0, 1)
    below.yaxis.set_major_formatter(PercentFormatter(1))
    below.set_xlabel("epochs (times that every training digit was looked at)")
    return figure


def _curve(
    axes: Axes, x: Sequence[float], y: Sequence[float], colour: str, name: str, form: str
) -> None:
    axes.plot(x, y, color=colour, linewidth=2, marker="o", markersize=3.5)
    axes.set_title(name, loc="left", fontsize=11, color=INK)
    for place, offset in ((0, (10, 0)), (-1, (8, 0))):
        axes.annotate(
            form.format(y[place]),
            (x[place], y[place]),
            xytext=offset,
            textcoords="offset points",
            va="center",
            color=colour,
            fontweight="bold",
        )
    axes.margins(x=0.02)
    axes.grid(color=PALE, linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)


def draw_weights(layer: nn.Linear) -> Figure:
    """Draw what each of the 16 neurons of the first layer looks for, as a 28 x 28 picture."""
    figure = _figure("What the 16 neurons of the first layer look for", 10, 9.2)
    nn.pictures.weights(layer, ax=figure.subplots(4, 4))
    return figure


def draw_lit(network: nn.Sequential, pixels: Floats) -> Figure:
    """Draw the neurons of the network, lit by one digit.

    Args:
        network: of 784 inputs and ten outputs.
        pixels: the activations of the first layer, shape (784,).
    """
    figure = Figure(figsize=(13, 7.5), dpi=DPI, layout="constrained")
    nn.pictures.network(network, pixels, shape=(28, 28), ax=figure.subplots())
    return figure


def draw_landscape(
    network: nn.Sequential, cost: Callable[[Any], Any], states: Sequence[dict[str, Floats]]
) -> Figure:
    """Draw the cost around the network's weights, with the way the training took through it.

    Args:
        network: after training.
        cost: of the network, with whatever weights.
        states: the weights during the training; fewer than five that differ are no way worth
            drawing, and the directions are then random ones.
    """
    figure = Figure(figsize=(10, 7.7), dpi=DPI, layout="constrained")
    different = {b"".join(array.tobytes() for array in state.values()) for state in states}
    path = states if len(different) >= 5 else None
    rng = np.random.default_rng(0)
    nn.pictures.landscape(network, cost, path=path, rng=rng, ax=figure.subplots())
    return figure


def pick(
    right: NDArray[np.bool_], labels: NDArray[np.uint8], count: int = 12, wrong: int = 4
) -> list[int]:
    """Return which examples to show: right ones of many digits, then the first wrong ones.

    Where there are too few of one kind, the other fills up.

    >>> pick(np.array([True, True, False, True]), np.array([5, 5, 3, 8], np.uint8), 3, 1)
    [0, 3, 2]
    """
    _, firsts = np.unique(np.where(right, labels, 10), return_index=True)
    rights = sorted(np.flatnonzero(right), key=lambda i: i not in firsts)
    wrongs = np.flatnonzero(~right)
    shown_wrong = min(len(wrongs), max(wrong, count - len(rights)))
    return [int(i) for i in [*sorted(rights[: count - shown_wrong]), *wrongs[:shown_wrong]]]


def draw_twelve(digits: Digits, outputs: Floats, costs: Floats) -> Figure:
    """Draw twelve digits, each with the activations of the ten output neurons.

    Args:
        digits: n of them.
        outputs: the activations for each, shape (n, 10).
        costs: the cost of each, shape (n,).
    """
    title = "Twelve held-out digits and the activations of the ten output neurons"
    figure = _figure(title, 15, 8.6)
    panels: Any = figure.subfigures(3, 4)
    chosen = pick(outputs.argmax(axis=1) == digits.labels, digits.labels)
    for panel, i in zip(panels.flat, chosen, strict=False):
        _draw_example(panel, digits.images[i], int(digits.labels[i]), outputs[i], costs[i])
    return figure


def _draw_example(
    panel: SubFigure, image: NDArray[np.uint8], label: int, outputs: Floats, cost: float
) -> None:
    left, right = panel.subplots(1, 2, width_ratios=(1.25, 1))
    brightest = int(outputs.argmax())
    colour, verdict = BLUE, f"✓ reads {label}"
    if brightest != label:
        colour, verdict = ORANGE, f"✗ reads {brightest}, is {label}"
    left.imshow(image, cmap="gray", vmin=0, vmax=255)
    left.set_title(verdict, color=colour, fontweight="bold", fontsize=12, loc="left")
    _frame(left, colour)
    bars = right.barh(range(10), outputs, color=PALE, height=0.78)
    bars[brightest].set_color(colour)
    for digit, value in enumerate(outputs):
        shade = INK if digit == brightest else GREY
        right.text(1.05, digit, f"{value:.2f}", va="center", fontsize=8.5, color=shade)
    right.set(xlim=(0, 1), ylim=(9.6, -0.6), xticks=[0, 1], yticks=range(10))
    right.set_title(f"cost {cost:.2f}", color=GREY, fontsize=10, loc="right")
    right.tick_params(labelsize=8.5, length=0)
    right.get_yticklabels()[label].set(fontweight="bold", color=BLUE)
    right.spines[["top", "right", "bottom"]].set_visible(False)


def draw_confusion(counts: Counts) -> Figure:
    """Draw how often each digit (row) was taken for each digit (column).

    Args:
        counts: shape (10, 10).
    """
    right = int(np.trace(counts))
    figure = _figure(f"{right:,} of {counts.sum():,} held-out digits read correctly", 9, 8.8)
    axes = figure.subplots()
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    mistakes = np.where(np.eye(10, dtype=bool), 0, share)
    # A mistake is rare: on its own scale it can be seen beside the nine in ten that are right.
    scale = np.where(np.eye(10, dtype=bool), share, -mistakes / max(mistakes.max(), 1e-9))
    axes.imshow(0.75 * scale, cmap=SIGNED, vmin=-1, vmax=1)
    for (row, column), count in np.ndenumerate(counts):
        colour = "white" if abs(scale[row, column]) > 0.6 else INK if count else PALE
        axes.text(column, row, str(count), ha="center", va="center", color=colour, fontsize=11)
    for row in range(10):
        axes.text(9.7, row, f"{share[row, row]:.0%}", va="center", color=BLUE, fontsize=11)
    axes.set(xticks=range(10), yticks=range(10))
    axes.set_xlabel("the network reads", fontsize=12)
    axes.set_ylabel("the digit is", fontsize=12)
    axes.tick_params(length=0, labelsize=11)
    axes.spines[:].set_visible(False)
    axes.hlines(np.arange(9) + 0.5, -0.5, 9.5, color="white", linewidth=1.5)
    axes.vlines(np.arange(9) + 0.5, -0.5, 9.5, color="white", linewidth=1.5)
    return figure


def _frame(axes: Axes, colour: str) -> None:
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set(color=colour, linewidth=1.5)
