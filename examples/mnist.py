"""Handwritten digits: the 10,000 that come with the examples, or the four files of MNIST.

A digit is a picture of 28 x 28 grey values, 0 for black to 255 for white, and what it shows, 0 to
9. All that a file can get wrong is found here: what leaves this module is whole and consistent.

Source of the IDX format: Y. LeCun, C. Cortes, C. J. C. Burges, "The MNIST database of handwritten
digits", section "File formats for the MNIST database".
"""

from __future__ import annotations

import gzip
import math
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import nn
from nn.zips import check_growth

EMBEDDED = Path(__file__).parent / "data" / "mnist-10k.npz"
SIDE = 28


class DataError(ValueError):
    """A file of digits is missing, damaged or something else; the message names it."""


@dataclass(frozen=True)
class Digits:
    """Pictures of digits and what they show.

    Args:
        images: grey values, 0 for black to 255 for white, shape (n, 28, 28).
        labels: the digits 0 to 9, shape (n,).
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.labels)

    def __getitem__(self, chosen: NDArray[np.intp] | slice) -> Digits:
        """Return the chosen ones."""
        return Digits(self.images[chosen], self.labels[chosen])


def load(folder: Path | None, held_out: int, rng: np.random.Generator) -> tuple[Digits, Digits]:
    """Return the digits to learn from, and the ones that are held out.

    Args:
        folder: of MNIST's files; None for the digits that come with the examples.
        held_out: how many of the latter are held out; MNIST has its own test digits.
        rng: chooses them.

    Raises:
        DataError: a file is missing, damaged or something else; the message names it.
    """
    return split(load_embedded(), held_out, rng) if folder is None else load_idx(folder)


def load_embedded(path: Path = EMBEDDED) -> Digits:
    """Return the 10,000 digits that come with the examples: all zeros, then all ones, and so on.

    Raises:
        DataError: the file is missing, damaged or something else.

    >>> len(load_embedded())
    10000
    """
    advice = "restore it, or make it again with examples/data/make_mnist_10k.py"
    try:
        arrays = nn.load(path)
    except (OSError, ValueError) as problem:
        raise DataError(f"{problem}; {advice}") from problem
    if set(arrays) != {"images", "labels"}:
        raise DataError(f"{path} holds {sorted(arrays)}, not images and labels; {advice}")
    return _checked(arrays["images"], path, arrays["labels"], path)


def split(digits: Digits, held_out: int, rng: np.random.Generator) -> tuple[Digits, Digits]:
    """Return the digits in random order, all but `held_out` of them, and those.

    >>> training, unseen = split(load_embedded(), 1000, np.random.default_rng(0))
    >>> len(training), len(unseen)
    (9000, 1000)
    """
    if not 0 < held_out < len(digits):
        raise ValueError(f"can't hold out {held_out} of {len(digits)} digits: take fewer, above 0")
    shuffled = digits[rng.permutation(len(digits))]
    return shuffled[:-held_out], shuffled[-held_out:]


def load_idx(folder: Path) -> tuple[Digits, Digits]:
    """Return MNIST's training and test digits from the four IDX files in a folder.

    The files are train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and
    t10k-labels-idx1-ubyte, spelled with a dot before idx or not, gzipped or not.

    Raises:
        DataError: a file is missing, truncated or wrong; the message names it.
    """
    if not folder.is_dir():
        raise DataError(f"{folder} is not a folder: name the one that holds the four MNIST files")
    return _load_pair(folder, "train"), _load_pair(folder, "t10k")


def _load_pair(folder: Path, part: str) -> Digits:
    images_path = _find(folder, f"{part}-images", axes=3)
    labels_path = _find(folder, f"{part}-labels", axes=1)
    images = read_idx(images_path, axes=3)
    return _checked(images, images_path, read_idx(labels_path, axes=1), labels_path)


def _find(folder: Path, stem: str, axes: int) -> Path:
    names = [f"{stem}{mark}idx{axes}-ubyte{end}" for mark in "-." for end in ("", ".gz")]
    for name in names:
        if (folder / name).is_file():
            return folder / name
    found = ", ".join(sorted(path.name for path in folder.iterdir())[:8]) or "nothing"
    raise DataError(
        f"no {names[0]} in {folder} (nor {', '.join(names[1:])}), found {found}: "
        "put the four files of MNIST there"
    )


def read_idx(path: Path, axes: int) -> NDArray[np.uint8]:
    """Return the bytes of one IDX file, gzipped or not, as an array of `axes` axes.

    The file holds two zeros, 8 (the type: unsigned byte), the number of axes; then the length of
    each axis as four bytes, the highest first; then the values, the last axis fastest.

    Raises:
        DataError: the file can't be read, is no such file, or is not as long as it says.
    """
    content = _content(path, axes)
    magic, start = bytes([0, 0, 8, axes]), 4 + 4 * axes
    if content[:4] != magic or len(content) < start:
        raise DataError(
            f"{path} has {len(content)} bytes and starts with {content[:4].hex(' ') or 'nothing'}; "
            f"an IDX file of bytes along {axes} axes has a header of {start} bytes that starts "
            f"with {magic.hex(' ')}: get the right file again"
        )
    shape = _shape(content, axes)
    expected = start + math.prod(shape)
    if len(content) != expected:
        raise DataError(
            f"{path} has {len(content)} bytes, its header says shape {shape} and so {expected} "
            "bytes: it is damaged, get it again"
        )
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def _content(path: Path, axes: int) -> bytes:
    """Return what a file holds, unpacked; of one that goes on behind its end a single byte more."""
    try:
        with path.open("rb") as file:
            # The first two bytes tell gzip, not the name: browsers unpack a file, keep its .gz.
            if file.read(2) != b"\x1f\x8b":
                return path.read_bytes()
        with gzip.open(path) as unpacked:
            start = unpacked.read(4 + 4 * axes)
            announced = math.prod(_shape(start, axes))
            check_growth(path.stat().st_size, announced)
            return start + unpacked.read(announced + 1)  # reads the end, where the checksum is
    except (OSError, EOFError, ValueError, zlib.error) as problem:
        raise DataError(f"can't read {path} ({problem}): it is damaged, get it again") from problem


def _shape(content: bytes, axes: int) -> tuple[int, ...]:
    lengths = content[4 : 4 + 4 * axes]
    return tuple(int(x) for x in np.frombuffer(lengths, ">u4", len(lengths) // 4))


def _checked(
    images: NDArray[np.uint8], images_path: Path, labels: NDArray[np.uint8], labels_path: Path
) -> Digits:
    if images.shape[1:] != (SIDE, SIDE) or images.dtype != np.uint8 or not len(images):
        raise DataError(
            f"{images_path} holds {images.dtype} values of shape {images.shape}, "
            "not bytes of shape (n, 28, 28): these are not the digits of MNIST"
        )
    if labels.shape != (len(images),) or labels.dtype != np.uint8:
        raise DataError(
            f"{labels_path} holds {labels.dtype} labels of shape {labels.shape} for the "
            f"{len(images)} images of {images_path}: the two do not belong together"
        )
    if labels.max() > 9:
        raise DataError(
            f"{labels_path} holds the label {labels.max()} at {labels.argmax()}, not a digit 0 to "
            "9: these are not the digits of MNIST"
        )
    return Digits(images, labels)
