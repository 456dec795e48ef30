"""State dicts in files: a zip of plain arrays, as `np.savez` writes, never pickle.

The zip is written here, not by `np.savez`, which takes names as keyword arguments and so can't
store an array called "file". What is read may come from a stranger or a broken disk: `load`
returns exactly what was saved or raises, and checks the unpacked size before it unpacks.
"""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.lib import format as npy
from numpy.typing import ArrayLike, NDArray

from autograd_mini import Tensor
from autograd_mini.checks import shown
from autograd_mini.files import written_whole
from autograd_mini.kinds import as_numpy
from nn.zips import check_layout, check_sizes

LONGEST_NAME = 65535  # bytes, by the format of zip files


def save(state: Mapping[str, ArrayLike | Tensor], path: str | os.PathLike[str]) -> None:
    """Write arrays by name into the file `path`, exactly there; `np.load` reads it too.

    A Tensor is stored as its values. A crash leaves the old file or the new one, whole; a file
    that is replaced keeps its mode.

    Args:
        state: arrays of numbers by name, such as a `state_dict`.
        path: the file; an old one is replaced when the new one is complete.

    Raises:
        FileNotFoundError: there is no such folder.
        TypeError: `state` is no mapping, a name is no string, or an array holds no plain numbers.
        ValueError: a name can't stand in a zip file.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save({"0.weight": np.ones((2, 3))}, f"{folder}/model.npz")
    ...     load(f"{folder}/model.npz")["0.weight"].shape
    (2, 3)
    """
    path = _path("save", path)
    if not isinstance(state, Mapping):
        raise TypeError(
            f"save takes a dict of arrays by name, found {shown(state)}: save(state, path)"
        )
    arrays = {_name(name): _array(name, value) for name, value in state.items()}
    with written_whole(path) as file:
        _write(arrays, file)


def load(path: str | os.PathLike[str]) -> dict[str, NDArray[Any]]:
    """Read the arrays that `save` or `np.savez` wrote into the file `path`.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is not a whole .npz file of arrays of numbers, or would unpack to far
            more than its size.
    """
    path = _path("load", path)
    if not path.is_file():
        found = ", but a folder, a device or a pipe" if path.exists() else ""
        raise FileNotFoundError(f"can't load {path}: there is no such file{found}")
    with path.open("rb") as file:
        try:
            with zipfile.ZipFile(file) as archive:
                check_layout(archive, file)
                check_sizes(archive.infolist(), file)
                return _read_all(archive)
        except Exception as error:  # a damaged file makes zipfile raise any of a dozen kinds
            raise ValueError(
                f"can't load {path}: it is not a whole .npz file of plain arrays "
                f"({type(error).__name__}: {' '.join(str(error).split())})"
            ) from error


def _path(function: str, path: Any) -> Path:
    if not isinstance(path, str | os.PathLike):
        raise TypeError(f"{function} takes the name of a file, found {shown(path)}")
    return Path(path)


def _name(name: Any) -> str:
    """Return `name` if a zip file can hold it."""
    if not isinstance(name, str):
        raise TypeError(f"save takes arrays by name, found the name {name!r}: use a string")
    if "\0" in name:
        raise ValueError(f"a zip file can't hold the name {name!r}: leave out its null")
    try:
        length = len(f"{name}.npy".encode())
    except UnicodeEncodeError:
        raise ValueError(
            f"a zip file can't hold the name {name!r}: leave out its lone surrogates"
        ) from None
    if length > LONGEST_NAME:
        raise ValueError(
            f"a zip file holds names of up to {LONGEST_NAME:,} bytes, ending included, found one "
            f"of {length:,} that starts with {name[:20]!r}: shorten it"
        )
    return name


def _array(name: str, value: Any) -> NDArray[Any]:
    """Return `value` as an array of plain numbers."""
    try:
        array: NDArray[Any] = as_numpy(value.data if isinstance(value, Tensor) else value)
    except (TypeError, ValueError) as error:  # a mask, rows of several lengths
        raise TypeError(f"save can't store {name!r} as an array: {error}") from error
    if array.dtype.hasobject:
        raise TypeError(
            f"save never pickles: {name!r} holds Python objects ({array.dtype}), store numbers"
        )
    _check_numbers(name, array.dtype)
    return array


def _check_numbers(name: str, dtype: np.dtype[Any]) -> None:
    if dtype.kind not in "biufc":
        raise TypeError(f"{name!r} holds values of dtype {dtype}: these files hold numbers")


def _write(arrays: dict[str, NDArray[Any]], file: BinaryIO) -> None:
    with zipfile.ZipFile(file, "w") as archive:
        for name, array in arrays.items():
            # A ZipInfo made by hand has a fixed date: equal states make equal files.
            entry = zipfile.ZipInfo(f"{name}.npy")
            with archive.open(entry, "w", force_zip64=True) as member:
                npy.write_array(member, array, allow_pickle=False)


def _read_all(archive: zipfile.ZipFile) -> dict[str, NDArray[Any]]:
    arrays: dict[str, NDArray[Any]] = {}
    for member in archive.infolist():
        name = member.filename.removesuffix(".npy")
        if name == member.filename:
            raise ValueError(f"its member {name!r} is no array")
        if name in arrays:
            raise ValueError(f"it has two members {member.filename!r}")
        with archive.open(member) as file:
            # At once, so that the checksum comes before the header; no more than was promised.
            arrays[name] = _read(name, file.read(member.file_size))
    return arrays


def _read(name: str, content: bytes) -> NDArray[Any]:
    """Return the array that the bytes of an .npy file hold, if they hold nothing else."""
    file = io.BytesIO(content)
    version = npy.read_magic(file)
    # Versions 2 and 3 differ in what names of fields may be made of.
    read_header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, _, dtype = read_header(file)
    _check_numbers(name, dtype)
    length, promised = len(content) - file.tell(), dtype.itemsize
    for side in shape:  # of Python's numbers, which do not overflow
        promised *= side
    if min(shape, default=0) < 0 or length != promised:
        raise ValueError(
            f"its member {name!r} has {length} bytes for an array of {dtype} and shape {shape}"
        )
    file.seek(0)
    array: NDArray[Any] = npy.read_array(file, allow_pickle=False)
    return array
