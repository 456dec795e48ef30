"""Files that are written whole or not at all.

The content goes into a new file beside the old one, is forced to disk, and the new file is renamed:
a crash leaves either the old file or the new one. Its permissions stay as they were.
"""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO


def check_writable(path: Path) -> None:
    """Refuse a path that no file can be written to.

    Raises:
        FileNotFoundError: there is no such folder.
        IsADirectoryError: `path` is a folder itself.
        ValueError: `path` is a device, a pipe or a socket.
    """
    if not path.parent.is_dir():
        raise FileNotFoundError(f"can't save {path}: its folder does not exist, make it first")
    if path.is_dir():
        raise IsADirectoryError(f"can't save a file, {path} is a folder: give the name of a file")
    if path.exists() and not path.is_file():
        raise ValueError(
            f"can't save {path}, which is a device, a pipe or a socket: give the name of a file"
        )


@contextmanager
def written_whole(path: Path) -> Iterator[BinaryIO]:
    """Open a new file that takes the place of `path` when the block ends without an error.

    A link is followed. An old file's mode is kept, and its owner and group where the system allows
    it; a new file has the usual mode.

    Raises:
        FileNotFoundError: there is no such folder.
        IsADirectoryError: `path` is a folder itself.
        ValueError: `path` is a device, a pipe or a socket.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "hello.txt")
    ...     with written_whole(path) as file:
    ...         _ = file.write(b"hello")
    ...     path.read_text(), [entry.name for entry in Path(folder).iterdir()]
    ('hello', ['hello.txt'])
    """
    target = path.resolve()
    check_writable(target)
    old = target.stat() if target.exists() else None
    # Short, since a name has at most 255 bytes.
    unfinished = target.with_name(f".{target.name[:32]}.{secrets.token_hex(4)}.unfinished")
    try:
        # Until it has the old file's mode, nobody else may read it.
        handle = os.open(
            unfinished,
            os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0),
            0o666 if old is None else 0o600,
        )
        with open(handle, "wb") as file:  # noqa: PTH123 - pathlib opens no handles
            yield file
            file.flush()
            if old is not None:
                _take_access(file.fileno(), unfinished, old)
            os.fsync(file.fileno())
        unfinished.replace(target)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


def _take_access(handle: int, path: Path, old: os.stat_result) -> None:
    """Give a file the owner and group, as far as the system allows, and the mode of an old one."""
    if hasattr(os, "fchown"):
        for owner, group in ((-1, old.st_gid), (old.st_uid, -1)):
            with suppress(OSError):
                os.fchown(handle, owner, group)
    path.chmod(stat.S_IMODE(old.st_mode))
