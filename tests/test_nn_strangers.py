"""Files from strangers: what can't be right is refused before it is unpacked."""

import io
import os
import stat
import struct
import tracemalloc
import warnings
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest

import nn
from autograd_mini import Tensor
from autograd_mini.drawing import save as save_drawing


def header(text: str, version: int = 1) -> bytes:
    """Return the start of an .npy file with the dictionary `text`."""
    length = struct.pack("<H" if version == 1 else "<I", len(text))
    return b"\x93NUMPY" + bytes([version, 0]) + length + text.encode()


def npy(array, version=(1, 0)) -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array(file, array, version=version)
    return file.getvalue()


def of(descr: str, shape: str, order: str = "False") -> bytes:
    return header(f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}}}\n")


def archive(path: Path, *members: tuple[str, bytes], method: int = zipfile.ZIP_STORED) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of two members with one name
        with zipfile.ZipFile(path, "w", method) as file:
            for name, content in members:
                file.writestr(name, content)
    return path


def refused_cheaply(path: Path) -> str:
    """Load what must be refused, within four megabytes; return the error."""
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="it is not a whole") as caught:
            nn.load(path)
        assert tracemalloc.get_traced_memory()[1] < 2**22 + 4 * path.stat().st_size
    finally:
        tracemalloc.stop()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def zeros(length: int) -> bytes:
    """Return `length` zero bytes, deflated, without ever making them."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return b"".join(packer.compress(bytes(2**20)) for _ in range(length // 2**20)) + packer.flush()


def deflated(path: Path, name: str, content: bytes, length: int, crc: int) -> Path:
    """Write a zip file by hand, with one member that is said to unpack to `length` bytes."""
    fields = struct.pack("<HHHIIIHH", 8, 0, 33, crc, len(content), length, len(name), 0)
    local = b"PK\3\4" + struct.pack("<HH", 20, 0) + fields + name.encode() + content
    entry = b"PK\1\2" + struct.pack("<HHH", 20, 20, 0) + fields
    entry += struct.pack("<HHHII", 0, 0, 0, 0, 0) + name.encode()
    end = struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, 1, 1, len(entry), len(local), 0)
    path.write_bytes(local + entry + end)
    return path


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path):
    path = deflated(tmp_path / "bomb.npz", "a.npy", zeros(2**28), 2**28, 0)
    assert "would unpack to 268,435,456" in refused_cheaply(path)


def test_a_bomb_that_lies_about_its_length_is_unpacked_no_further_than_that(tmp_path):
    path = deflated(tmp_path / "bomb.npz", "a.npy", zeros(2**28), 200, zlib.crc32(bytes(200)))
    refused_cheaply(path)


def test_many_small_bombs_are_added_up(tmp_path):
    content = npy(np.zeros(2**21))
    members = [(f"{i}.npy", content) for i in range(6)]
    path = archive(tmp_path / "bombs.npz", *members, method=zipfile.ZIP_DEFLATED)
    assert "would unpack to" in refused_cheaply(path)


def test_members_that_share_their_bytes_are_refused(tmp_path):
    path = archive(tmp_path / "x.npz", ("a.npy", npy(np.ones(3))), ("b.npy", npy(np.ones(3))))
    content = bytearray(path.read_bytes())
    second = content.rindex(b"PK\1\2")
    content[second + 42 : second + 46] = bytes(4)  # the second entry points at the first member
    path.write_bytes(content)
    refused_cheaply(path)


def test_zeros_that_pack_well_are_no_bomb(tmp_path):
    np.savez_compressed(tmp_path / "x.npz", a=np.zeros((1000, 1000)))
    assert nn.load(tmp_path / "x.npz")["a"].shape == (1000, 1000)


PROMISES = {
    "more than there is": of("'<f8'", "(2,)"),
    "far more": of("'<f8'", f"({2**40},)"),
    "more than fits into 64 bits": of("'<f8'", f"({2**40}, {2**40})"),
    "a product that wraps to zero": of("'<f8'", f"({2**32}, {2**32})"),
    "a negative length": of("'<f8'", "(-1,)"),
    "two negative lengths": of("'<f8'", "(-1, -1)") + bytes(8),
    "nothing of elements without a size": of("'<V0'", f"({2**40},)"),
    "text": of("'<U3'", "(1,)") + bytes(12),
    "bytes": of("'|S3'", "(1,)") + bytes(3),
    "a date": of("'<M8[s]'", "(1,)") + bytes(8),
    "a span of time": of("'<m8[s]'", "(1,)") + bytes(8),
    "records": of("[('x', '<f8')]", "(1,)") + bytes(8),
    "raw memory": of("'|V8'", "(1,)") + bytes(8),
    "objects": of("'|O'", "(1,)") + bytes(8),
    "a dtype that does not exist": of("'<q9'", "(1,)") + bytes(9),
    "a shape that is no tuple": of("'<f8'", "1") + bytes(8),
    "a shape of fractions": of("'<f8'", "(1.0,)") + bytes(8),
    "an order that is no flag": of("'<f8'", "(1,)", "2") + bytes(8),
    "no dictionary": header("[]\n"),
    "too many keys": header("{'descr': '<f8', 'fortran_order': False, 'shape': (), 'x': 1}\n"),
    "a call": header("{'descr': print('run'), 'fortran_order': False, 'shape': ()}\n"),
    "brackets without an end": header("(" * 9000),
    "a long header": header(" " * 60000),
    "a header of four gigabytes": b"\x93NUMPY\2\0" + struct.pack("<I", 2**32 - 1) + b"{",
    "an unknown version": b"\x93NUMPY\x09\0" + struct.pack("<H", 0),
    "no header": b"",
    "half a header": b"\x93NUM",
}


@pytest.mark.parametrize("promised", PROMISES)
def test_a_header_that_can_not_be_right_is_refused(promised, tmp_path):
    refused_cheaply(archive(tmp_path / "x.npz", ("a.npy", PROMISES[promised])))


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
@pytest.mark.parametrize("order", ["C", "F"])
def test_every_version_and_order_of_an_array_is_read(version, order, tmp_path):
    array = np.array(np.arange(6.0).reshape(2, 3), order=order)
    path = archive(tmp_path / "x.npz", ("a.npy", npy(array, version)))
    assert nn.load(path)["a"].tolist() == array.tolist()


def test_two_members_of_one_name_are_refused(tmp_path):
    path = archive(tmp_path / "x.npz", ("a.npy", npy(np.ones(1))), ("a.npy", npy(np.zeros(1))))
    assert "two members" in refused_cheaply(path)


def test_members_in_folders_are_names_and_no_places(tmp_path):
    path = archive(tmp_path / "x.npz", ("../up/a.npy", npy(np.ones(1))))
    assert list(nn.load(path)) == ["../up/a"]
    assert [each.name for each in tmp_path.iterdir()] == ["x.npz"]
    refused_cheaply(archive(tmp_path / "x.npz", ("folder/", b"")))


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_what_is_neither_stored_nor_deflated_is_refused(method, tmp_path):
    path = archive(tmp_path / "x.npz", ("a.npy", npy(np.ones(1))), method=method)
    assert "neither stored nor deflated" in refused_cheaply(path)


def changed(path: Path, at: dict[bytes, int], number: int) -> Path:
    """Set a 16-bit field of every record of a zip file, at its distance from the mark."""
    content = bytearray(path.read_bytes())
    for mark, offset in at.items():
        start = content.index(mark) + offset
        content[start : start + 2] = struct.pack("<H", number)
    path.write_bytes(content)
    return path


def test_an_unknown_method_and_an_encrypted_member_are_refused(tmp_path):
    path = archive(tmp_path / "x.npz", ("a.npy", npy(np.ones(1))))
    assert "by method 77" in refused_cheaply(changed(path, {b"PK\3\4": 8, b"PK\1\2": 10}, 77))
    path = archive(tmp_path / "x.npz", ("a.npy", npy(np.ones(1))))
    assert "encrypted" in refused_cheaply(changed(path, {b"PK\3\4": 6, b"PK\1\2": 8}, 1))


def test_a_zip_with_64_bit_fields_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 10)
    nn.save({"a": np.arange(3.0), "b": np.ones(1)}, tmp_path / "x.npz")
    monkeypatch.undo()
    assert b"PK\6\7" in (tmp_path / "x.npz").read_bytes()
    assert nn.load(tmp_path / "x.npz")["a"].tolist() == [0, 1, 2]


class Pipe(io.BytesIO):
    """A file that can't be gone back in: a zip file written into it has its sizes behind."""

    def seekable(self):
        return False

    def tell(self):
        raise OSError

    def seek(self, *_):
        raise OSError


@pytest.mark.parametrize("write", [np.savez, np.savez_compressed])
def test_a_file_that_numpy_wrote_into_a_pipe_is_read(write, tmp_path):
    pipe = Pipe()
    write(pipe, a=np.arange(3.0), b=np.ones(1))
    (tmp_path / "x.npz").write_bytes(pipe.getvalue())
    assert nn.load(tmp_path / "x.npz")["a"].tolist() == [0, 1, 2]


def test_a_zip_with_a_comment_is_read_and_one_behind_a_program_is_not(tmp_path):
    path = archive(tmp_path / "x.npz", ("a.npy", npy(np.ones(1))))
    with zipfile.ZipFile(path, "a") as file:
        file.comment = b"made by hand"
    assert list(nn.load(path)) == ["a"]
    path.write_bytes(b"#!/bin/sh\n" + path.read_bytes())
    assert "belong to no member" in refused_cheaply(path)


@pytest.mark.skipif(os.name != "posix", reason="pipes in the file system are POSIX's")
def test_a_pipe_and_a_folder_are_no_files(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path):
        with pytest.raises(FileNotFoundError, match="no such file, but a folder, a device or a p"):
            nn.load(path)
    with pytest.raises(ValueError, match="a device, a pipe or a socket"):
        nn.save({}, tmp_path / "pipe")
    with pytest.raises(IsADirectoryError, match="is a folder"):
        nn.save({}, tmp_path)


def test_what_is_no_name_of_a_file_is_refused():
    for call in (lambda: nn.load(3), lambda: nn.save({}, None)):  # type: ignore[arg-type]
        with pytest.raises(TypeError, match="takes the name of a file, found"):
            call()


# What could not be loaded is not saved.


@pytest.mark.parametrize(
    "value",
    [
        np.array(["text"]),
        np.array([b"bytes"]),
        np.array(["2020-01-01"], "M8[D]"),
        np.zeros(1, [("x", float)]),
        np.ma.masked_array([1.0, 2.0], [False, True]),
    ],
)
def test_what_is_no_plain_number_is_not_saved(value, tmp_path):
    with pytest.raises(TypeError, match="'x'"):
        nn.save({"x": value}, tmp_path / "x.npz")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["n" * 70_000, "ä" * 35_000, "\ud800"])
def test_a_name_that_is_too_long_or_no_text_is_refused(name, tmp_path):
    with pytest.raises(ValueError, match=r"a zip file (holds|can't hold)") as caught:
        nn.save({name: np.ones(1)}, tmp_path / "x.npz")
    assert len(str(caught.value)) < 200


def test_the_longest_name_comes_back(tmp_path):
    nn.save({"n" * 65531: np.ones(1)}, tmp_path / "x.npz")
    assert list(nn.load(tmp_path / "x.npz")) == ["n" * 65531]


# Who may read a file stays as it was.


def draw_into(path: Path) -> None:
    save_drawing(Tensor(2.0, requires_grad=True) * 2, path)


def save_into(path: Path) -> None:
    nn.save({"a": np.ones(1)}, path)


@pytest.mark.skipif(os.name != "posix", reason="file modes and links are POSIX's")
@pytest.mark.parametrize("write", [save_into, draw_into])
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664, 0o444])
def test_a_file_that_is_replaced_keeps_its_mode_owner_and_group(write, mode, tmp_path):
    path = tmp_path / "file.dot"
    path.touch()
    path.chmod(mode)
    before = path.stat()
    write(path)
    after = path.stat()
    assert stat.S_IMODE(after.st_mode) == mode
    assert (after.st_uid, after.st_gid) == (before.st_uid, before.st_gid)
    assert after.st_size > 0


@pytest.mark.skipif(os.name != "posix", reason="file modes and links are POSIX's")
@pytest.mark.parametrize("write", [save_into, draw_into])
def test_a_new_file_has_the_mode_that_the_umask_leaves_and_links_are_followed(write, tmp_path):
    before = os.umask(0o027)
    try:
        (tmp_path / "link.dot").symlink_to("real.dot")
        write(tmp_path / "link.dot")
    finally:
        os.umask(before)
    assert (tmp_path / "link.dot").is_symlink()
    assert stat.S_IMODE((tmp_path / "real.dot").stat().st_mode) == 0o640


@pytest.mark.skipif(os.name != "posix", reason="file modes and links are POSIX's")
def test_nobody_can_read_a_secret_while_it_is_written(tmp_path, monkeypatch):
    path, seen = tmp_path / "secret.npz", []
    path.touch(0o600)
    fsync = os.fsync

    def spy(handle):
        seen.append(stat.S_IMODE(os.fstat(handle).st_mode))
        fsync(handle)

    monkeypatch.setattr(os, "fsync", spy)
    nn.save({"a": np.ones(1)}, path)
    assert seen == [0o600]


def test_a_file_whose_name_is_as_long_as_names_may_be_is_written(tmp_path):
    path = tmp_path / ("n" * 251 + ".npz")
    save_into(path)
    assert list(nn.load(path)) == ["a"]
