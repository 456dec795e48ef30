"""Where a picture is drawn and in which colours: new figures, axes inside axes, numbers as text."""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from numpy.typing import NDArray

BLUE, ORANGE, INK, GREY, PALE = "#1f66a8", "#d2601a", "#222222", "#6e6e6e", "#d9d9d9"
# Orange for negative, white for zero, blue for positive; an odd number of tints has a middle.
SIGNED = LinearSegmentedColormap.from_list(
    "signed", ["#8a3606", ORANGE, "#ffffff", BLUE, "#0c2f57"], N=255
)
# For the starts of a descent: hues that no kind of colour vision confuses, and marks.
HUES, MARKS = (BLUE, ORANGE, "#00805f", "#b0568f", "#5f5f5f"), "os^Dv"
DPI = 130
MINUS = "\N{MINUS SIGN}"
TITLE: dict[str, Any] = {"color": INK, "fontsize": 14}


def single(ax: Axes | None, size: tuple[float, float]) -> Axes:
    """Return `ax`, or the axes of a new figure of `size` inches."""
    return _new_figure(size).subplots() if ax is None else ax


def several(
    ax: Any,
    size: tuple[float, float],
    shape: tuple[int, int],
    title: str,
    projections: tuple[str | None, ...] = (),
) -> NDArray[Any]:
    """Return rows x columns of Axes, in a new figure of `size` inches or inside `ax`.

    Args:
        ax: an Axes, which becomes their frame and bears the title; an array of as many Axes, which
            are used as they are, without a title; or None.
        size: of a new figure.
        shape: rows and columns.
        title: over all of them.
        projections: of each, where they are not all plane.

    Raises:
        TypeError: `ax` is no Axes, nor an array of so many.
    """
    rows, columns = shape
    kinds = projections or (None,) * (rows * columns)
    if isinstance(ax, np.ndarray | list | tuple):
        return _given(ax, shape, kinds)
    grid = np.empty(rows * columns, object)
    if ax is None:
        figure = _new_figure(size)
        figure.suptitle(title, **TITLE)
        for place, kind in enumerate(kinds):
            grid[place] = figure.add_subplot(rows, columns, place + 1, projection=kind)
        return grid.reshape(shape)
    check_axes(ax)
    ax.set_axis_off()
    ax.set_title(title, **TITLE)
    for place, kind in enumerate(kinds):
        grid[place] = ax.inset_axes(_cell(place, rows, columns), projection=kind)
    return grid.reshape(shape)


def check_axes(ax: Any, *kinds: str | None) -> None:
    """Raise a TypeError unless `ax` is an Axes, or None for a new figure.

    Args:
        ax: what was given.
        kinds: projections that can be drawn in, None for a plane, which is the default.
    """
    kind = "3d" if getattr(ax, "name", None) == "3d" else None
    if ax is None or (isinstance(ax, Axes) and kind in (kinds or (None,))):
        return
    source = "plt.figure().add_subplot(projection='3d')" if kinds == ("3d",) else "plt.subplots()"
    raise TypeError(
        f"ax= is a matplotlib Axes to draw in, found {type(ax).__name__}: take one from {source}, "
        "or leave ax out for a new figure"
    )


def signed(number: float, digits: int = 2) -> str:
    r"""Return a number with its sign, a real minus.

    >>> signed(0.5), signed(-0.5) == "\N{MINUS SIGN}0.50"
    ('+0.50', True)
    """
    return minus(f"{_rounded(number, digits):+.{digits}f}")


def fixed(number: float, digits: int = 2) -> str:
    """Return a number to some digits; what rounds to zero has no sign.

    >>> fixed(2.0), fixed(-0.001)
    ('2.00', '0.00')
    """
    return minus(f"{_rounded(number, digits):.{digits}f}")


def series(number: int) -> tuple[str, str]:
    """Return colour and mark of one of several curves; the first 25 differ.

    >>> series(0), series(5)
    (('#1f66a8', 'o'), ('#1f66a8', 's'))
    """
    return HUES[number % 5], MARKS[(number + number // 5) % 5]


def minus(text: str) -> str:
    """Return `text` with real minus signs for hyphens."""
    return text.replace("-", MINUS)


def fit_texts(ax: Axes, width: float) -> None:
    """Shrink the texts of axes that are narrower than `width` inches, for which they were made."""
    inches = ax.get_window_extent().width / ax.figure.dpi
    share = max(0.4, min(1.0, inches / width))
    for text in (ax.title, *ax.texts):
        text.set_fontsize(share * float(text.get_fontsize()))


def bare_frame(ax: Axes, colour: str = PALE) -> None:
    """Leave nothing of the axes but a thin frame."""
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set(color=colour, linewidth=1.2)


def open_frame(ax: Axes) -> None:
    """Leave the axes open above and to the right, with a pale grid."""
    ax.grid(color=PALE, linewidth=0.6)
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)


def _rounded(number: float, digits: int) -> float:
    return round(float(number), digits) + 0.0  # which turns -0.0 into 0.0


def _new_figure(size: tuple[float, float]) -> Figure:
    figure = plt.figure(figsize=size, dpi=DPI)
    figure.set_layout_engine("constrained", w_pad=0.1, h_pad=0.1)
    return figure


def _given(axes: Any, shape: tuple[int, int], kinds: tuple[str | None, ...]) -> NDArray[Any]:
    flat = np.array(axes, dtype=object).ravel()
    if len(flat) != shape[0] * shape[1]:
        raise TypeError(
            f"this picture is made of {shape[0]} x {shape[1]} axes, found ax= with {len(flat)}: "
            "pass a single Axes, in which they are made, or none for a new figure"
        )
    for each, kind in zip(flat, kinds, strict=True):
        check_axes(each, kind)
    return flat.reshape(shape)


def _cell(place: int, rows: int, columns: int) -> tuple[float, float, float, float]:
    """Return left, bottom, width and height of a cell, in parts of the frame."""
    row, column = divmod(place, columns)
    width, height = 1 / columns, 1 / rows
    return (column + 0.06) * width, 1 - (row + 0.94) * height, 0.88 * width, 0.82 * height
