"""State dicts in files: a zip of plain arrays, as `np.savez` writes, never pickle.

The file is written under another name beside its place, forced to disk, and then renamed: a crash
leaves either the old file or the new one, whole. The zip is written here, not by `np.savez`, which
takes names as keyword arguments and so can't store an array called "file".
"""

from __future__ import annotations

import io
import os
import secrets
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.lib import format as npy
from numpy.typing import ArrayLike, NDArray

from autograd_mini import Tensor


def save(state: Mapping[str, ArrayLike | Tensor], path: str | os.PathLike[str]) -> None:
    """Write arrays by name into the file `path`, exactly there; `np.load` reads it too.

    Args:
        state: arrays by name, such as a `state_dict`.
        path: the file; an old one is replaced when the new one is complete.

    Raises:
        FileNotFoundError: there is no such folder.
        TypeError: `state` is no mapping, a name is no string, or an array holds Python objects.
        ValueError: a name can't stand in a zip file.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save({"0.weight": np.ones((2, 3))}, f"{folder}/model.npz")
    ...     load(f"{folder}/model.npz")["0.weight"].shape
    (2, 3)
    """
    arrays = _plain_arrays(state)
    target = Path(path).resolve()
    if not target.parent.is_dir():
        raise FileNotFoundError(f"can't save {target}: its folder does not exist, make it first")
    unfinished = target.with_name(f".{target.name}.{secrets.token_hex(4)}.unfinished")
    try:
        with unfinished.open("xb") as file:
            _write(arrays, file)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(target)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


def load(path: str | os.PathLike[str]) -> dict[str, NDArray[Any]]:
    """Read the arrays that `save` or `np.savez` wrote into the file `path`.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is not a whole .npz file, or holds Python objects.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"can't load {path}: there is no such file")
    with path.open("rb") as file:
        try:
            with zipfile.ZipFile(file) as archive:
                return dict(_read(archive, member) for member in archive.namelist())
        except Exception as error:  # a damaged file makes zipfile raise any of a dozen kinds
            raise ValueError(
                f"can't load {path}: it is not a whole .npz file of plain arrays "
                f"({type(error).__name__}: {error})"
            ) from error


def _plain_arrays(state: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    if not isinstance(state, Mapping):
        raise TypeError(f"save takes a dict of arrays by name, found {state!r}")
    arrays = {}
    for name, value in state.items():
        if not isinstance(name, str):
            raise TypeError(f"save takes arrays by name, found the name {name!r}: use a string")
        if "\0" in name:
            raise ValueError(f"a zip file can't hold the name {name!r}: leave out its null")
        array = np.asarray(value.data if isinstance(value, Tensor) else value)
        if array.dtype.hasobject:
            raise TypeError(
                f"save never pickles: {name!r} holds Python objects ({array.dtype}), store numbers"
            )
        arrays[name] = array
    return arrays


def _write(arrays: dict[str, NDArray[Any]], file: BinaryIO) -> None:
    with zipfile.ZipFile(file, "w") as archive:
        for name, array in arrays.items():
            # A ZipInfo made by hand has a fixed date: equal states make equal files.
            entry = zipfile.ZipInfo(f"{name}.npy")
            with archive.open(entry, "w", force_zip64=True) as member:
                npy.write_array(member, array, allow_pickle=False)


def _read(archive: zipfile.ZipFile, member: str) -> tuple[str, NDArray[Any]]:
    if not member.endswith(".npy"):
        raise ValueError(f"its member {member!r} is no array")
    file = io.BytesIO(archive.read(member))  # at once, so that its checksum comes before its header
    array = npy.read_array(file, allow_pickle=False)
    if file.read(1):
        raise ValueError(f"its member {member!r} is longer than its array")
    return member.removesuffix(".npy"), array
