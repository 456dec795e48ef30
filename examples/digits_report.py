"""The digits program's dealings with the outside: its command line, its table, its files."""

from __future__ import annotations

import argparse
import math
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from autograd_mini.drawing import render, save
from autograd_mini.drawing.picture import Picture
from autograd_mini.drawing.render import write_whole
from examples.digits_pictures import picture_bytes


def command_line(epochs: int, batch_size: int, lr: float) -> argparse.ArgumentParser:
    """Return the program's command line with these defaults."""
    parser = argparse.ArgumentParser(
        prog="digits.py",
        description="Teach a network of 784-16-16-10 neurons to read handwritten digits.",
    )
    data = "folder of MNIST's four IDX files; without it, 10,000 of its digits that are here"
    options = (
        ("--data", Path, None, "DIR", data),
        ("--out", Path, Path("out", "digits"), "DIR", "folder for the weights and the pictures"),
        ("--epochs", _count, epochs, "N", "how often every training digit is looked at"),
        ("--batch-size", _count, batch_size, "N", "how many digits make a step"),
        ("--lr", _rate, lr, "X", "learning rate at the start; it falls evenly towards zero"),
        ("--seed", _seed, 0, "N", "seed of all random numbers"),
    )
    for name, kind, default, metavar, text in options:
        shown = text if default is None else f"{text} (default: %(default)s)"
        parser.add_argument(name, type=kind, default=default, metavar=metavar, help=shown)
    return parser


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number above 0, found {text!r}")
    return int(text)


def _seed(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"expected a whole number, 0 or above, found {text!r}")
    return int(text)


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = math.nan
    if not 0 < rate < math.inf:
        raise argparse.ArgumentTypeError(f"expected a number above 0, found {text!r}")
    return rate


def make_folder(folder: Path) -> None:
    """Make the folder for the results: that it can't be is better known before the training.

    Raises:
        OSError: it can't be made or written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as problem:
        raise OSError(
            f"can't write into {folder} ({problem.strerror}): name another folder with --out"
        ) from problem


class Moment(NamedTuple):
    """How good the network is at some time: its cost in training, its accuracy on unseen digits."""

    epoch: float
    cost: float
    accuracy: float

    def __str__(self) -> str:
        return f"cost {self.cost:.3f}, held out {self.accuracy:.1%}"


@dataclass
class Learning:
    """What happened while the network learned.

    Attributes:
        moments: how good it was, at the start, after every epoch and at the end.
        states: the weights and biases it had then.
        steps: how many were taken.
        seconds: how long it took.
        interrupted: whether by Ctrl-C.
    """

    moments: list[Moment] = field(default_factory=list)
    states: list[dict[str, NDArray[Any]]] = field(default_factory=list)
    steps: int = 0
    seconds: float = 0.0
    interrupted: bool = False


def count_confusions(labels: NDArray[np.uint8], choices: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return how often each digit (row) was taken for each digit (column), shape (10, 10).

    >>> count_confusions(np.array([3, 3, 5], np.uint8), np.array([3, 8, 5]))[3]
    array([0, 0, 0, 1, 0, 0, 0, 0, 1, 0])
    """
    return np.bincount(labels * np.intp(10) + choices, minlength=100).reshape(10, 10)


def print_table(confusions: NDArray[np.intp]) -> None:
    """Print how well every digit was read, and all of them together."""
    print("\ndigit  held out   right  accuracy  most often taken for")
    for digit, row in enumerate(confusions):
        _print_row(str(digit), row.sum(), row[digit], _mistakes(digit, row))
    _print_row("all", confusions.sum(), np.trace(confusions), "")


def _print_row(name: str, count: int, right: int, remark: str) -> None:
    accuracy = f"{right / count:.1%}" if count else "-"
    print(f"{name:>5}  {count:>8,}  {right:>6,}  {accuracy:>8}  {remark}".rstrip())


def _mistakes(digit: int, row: NDArray[np.intp]) -> str:
    wrong = [(-n, other) for other, n in enumerate(row) if n and other != digit]
    return ", ".join(f"{other} ({-n})" for n, other in sorted(wrong)[:3])


def print_summary(
    moments: Sequence[tuple[float, float, float]], seconds: float, interrupted: bool
) -> None:
    """Print where training started, where and when it ended, and whether by Ctrl-C."""
    (_, first_cost, first_accuracy), (epochs, cost, accuracy) = moments[0], moments[-1]
    stopped = "stopped by Ctrl-C after " if interrupted else ""
    print(f"\n{stopped}{round(epochs, 2):g} epochs in {seconds:.1f} s")
    print(f"average cost in training  {first_cost:6.3f} -> {cost:.3f}")
    print(f"held-out accuracy         {first_accuracy:6.1%} -> {accuracy:.1%}")


def write_pictures(
    folder: Path, pictures: Mapping[str, Figure], graph: Picture, page: Picture | None = None
) -> list[str]:
    """Write the pictures, and the graph as DOT text and as svg; return the files' names.

    Each file is written whole or not at all. The svg needs a program that may not be there.

    Args:
        folder: for the files.
        pictures: by the names of their files.
        graph: of the cost.
        page: the same with its backward pass perhaps, to be written as a web page.
    """
    for name, figure in pictures.items():
        write_whole(folder / name, picture_bytes(figure))
    names = [*pictures]
    if page is not None:
        save(page, folder / "cost-graph.html")
        names.append("cost-graph.html")
    names += ["cost-graph.dot", "cost-graph.svg"]
    render(graph, folder / "cost-graph.dot")
    try:
        render(graph, folder / "cost-graph.svg")
    except (FileNotFoundError, RuntimeError) as problem:
        print(f"No {names.pop()}: {problem}")
    return names
