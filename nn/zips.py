"""Check a zip file before it is unpacked: no hidden bytes, no zip bomb.

Python's zipfile trusts the directory at the end of a file. One wrong bit there can hide a member
or list it twice. Here the members, the directory and the end must follow one another without a
gap, so that every byte belongs to something that was read.
"""

from __future__ import annotations

import os
import struct
import zipfile
from typing import BinaryIO

METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
# Lengths of records and fields: PKWARE, APPNOTE.TXT (2022), section 4.3.
_MEMBER, _DIRECTORY_ENTRY, _END = 30, 46, 22
_ZIP64_END, _ZIP64_LOCATOR, _ZIP64_MARK = 56, 20, b"PK\x06\x07"
_DESCRIPTORS = (12, 16, 20, 24)  # behind a member that was written as a stream
_ENCRYPTED, _HAS_DESCRIPTOR = 1, 8
# How far a file may expand: random numbers hardly shrink in a zip, zeros a thousandfold.
SMALL = 64 * 2**20
MOST_TIMES = 100


def check_layout(archive: zipfile.ZipFile, file: BinaryIO) -> None:
    """Raise a ValueError unless members, directory and end fill the file, one after the other."""
    members = sorted(archive.infolist(), key=lambda member: member.header_offset)
    starts = [member.header_offset for member in members] + [archive.start_dir]
    directory = 0
    if starts[0] != 0:
        raise ValueError(f"it starts with {starts[0]} bytes that belong to no member")
    for member, following in zip(members, starts[1:], strict=True):
        file.seek(member.header_offset + 26)
        name, extra = struct.unpack("<HH", file.read(4))
        end = member.header_offset + _MEMBER + name + extra + member.compress_size
        gaps = _DESCRIPTORS if member.flag_bits & _HAS_DESCRIPTOR else (0,)
        if following - end not in gaps:
            raise ValueError(f"its member {member.filename!r} and what follows do not meet")
        directory += _DIRECTORY_ENTRY + name + len(member.extra) + len(member.comment)
    length = file.seek(0, os.SEEK_END)
    end = length - _END - len(archive.comment)
    file.seek(end)
    if file.read(_END)[-2:] != struct.pack("<H", len(archive.comment)):
        raise ValueError("it ends with bytes that belong to nothing")
    file.seek(max(0, end - _ZIP64_LOCATOR))
    if file.read(4) == _ZIP64_MARK:
        end -= _ZIP64_LOCATOR + _ZIP64_END
    if archive.start_dir + directory != end:
        raise ValueError("its directory has another length than its entries")


def check_sizes(members: list[zipfile.ZipInfo], file: BinaryIO) -> None:
    """Raise a ValueError if the members can't be unpacked, or would become far too large."""
    for member in members:
        if member.flag_bits & _ENCRYPTED:
            raise ValueError(f"its member {member.filename!r} is encrypted")
        if member.compress_type not in METHODS:
            raise ValueError(
                f"its member {member.filename!r} is packed by method {member.compress_type}, "
                f"neither stored nor deflated"
            )
        is_stored = member.compress_type == zipfile.ZIP_STORED
        if is_stored and member.file_size != member.compress_size:
            raise ValueError(f"its member {member.filename!r} is stored in another length")
    packed = file.seek(0, os.SEEK_END)
    check_growth(packed, sum(member.file_size for member in members))


def check_growth(packed: int, unpacked: int) -> None:
    """Raise a ValueError if a file of `packed` bytes would become one that is far larger."""
    if unpacked > SMALL + MOST_TIMES * packed:
        raise ValueError(
            f"its {packed:,} bytes would unpack to {unpacked:,}, more than {MOST_TIMES} times as "
            f"many"
        )
