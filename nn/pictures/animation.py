"""Gradient descent as a moving picture: a GIF, written whole or not at all."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import ArrayLike
from PIL import Image

from autograd_mini.drawing.render import write_whole
from nn.pictures.asked import named
from nn.pictures.paths import Descent
from nn.pictures.two_dimensions import (
    SIZE,
    TITLE,
    Bounds,
    Ground,
    draw_arrow,
    draw_ground,
    draw_path,
    prepared,
    summary,
)

HOLD = 2000  # milliseconds that the last picture stays


def animate_descent_2d(
    f: Callable[[Any], Any],
    start: ArrayLike,
    path: str | os.PathLike[str],
    *,
    lr: float = 0.1,
    steps: int = 20,
    bounds: Bounds | None = None,
    seconds: float = 0.4,
    dpi: int = 75,
) -> None:
    """Write gradient descent on the surface of `f` into an animated GIF, a picture for each point.

    Each shows the path so far, and the negative gradient from which the next step comes.

    Args:
        f: of an array of two numbers, made of what the library can differentiate.
        start: two numbers.
        path: the file, which ends in .gif; an old one is replaced when the new one is complete.
        lr: the learning rate.
        steps: how many; there is one picture more.
        bounds: as for `descent_2d`.
        seconds: how long each picture stays; the last one stays two seconds.
        dpi: the pictures are 13 x 6 inches.

    Raises:
        FileNotFoundError: there is no such folder.
        TypeError: `f` is no function that returns one number, or `path` no name of a file.
        ValueError: `path` does not end in .gif, `start` is not two numbers, `seconds` or `dpi` are
            not above 0, or the steps grow beyond all numbers.
    """
    if not isinstance(path, str | os.PathLike):
        raise TypeError(f"animate_descent_2d(f, start, path) writes a file, found {named(path)}")
    target = Path(path)
    if target.suffix.lower() != ".gif":
        raise ValueError(f"animate_descent_2d writes a GIF, found {target.name!r}: end it in .gif")
    if not target.parent.is_dir():
        raise FileNotFoundError(f"can't write {target}: its folder does not exist, make it first")
    if not (seconds > 0 and dpi > 0):
        raise ValueError(f"seconds and dpi are above 0, found {seconds} and {dpi}")
    walk, ground = prepared(f, start, lr, steps, bounds)
    first, *rest = _frames(walk, ground, dpi)
    durations = [round(1000 * seconds)] * len(rest) + [HOLD]
    content = io.BytesIO()
    first.save(content, "GIF", save_all=True, append_images=rest, duration=durations, loop=0)
    write_whole(target, content.getvalue())


def _frames(walk: Descent, ground: Ground, dpi: int) -> Iterator[Image.Image]:
    """Yield the picture after 0, 1, 2, ... steps."""
    figure = Figure(figsize=SIZE, dpi=dpi, layout="constrained")
    canvas: Any = FigureCanvasAgg(figure)  # some of its methods have no types
    figure.suptitle(TITLE, fontsize=14)
    axes = np.array([figure.add_subplot(1, 2, 1, projection="3d"), figure.add_subplot(1, 2, 2)])
    draw_ground(axes, ground)
    above, seen = draw_path(axes, walk)
    canvas.draw()
    figure.set_layout_engine("none")  # the axes stay where they are
    x, y = walk.points.T
    for step in range(len(walk.values)):
        above.set_data_3d(x[: step + 1], y[: step + 1], walk.values[: step + 1])
        seen.set_data(x[: step + 1], y[: step + 1])
        axes[1].set_title(f"step {step}, {summary(walk, step)}", fontsize=11)
        arrow = draw_arrow(axes, ground, walk, step)
        canvas.draw()
        picture = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
        yield picture.quantize(colors=256, dither=Image.Dither.NONE)
        for artist in arrow:
            artist.remove()
