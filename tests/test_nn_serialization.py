"""Files of arrays come back as they were, and a crash or a damaged file does no harm."""

import io
import itertools
import os
import pickle
import stat
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

import nn
from autograd_mini import Tensor

STATE: dict[str, Any] = {
    "0.weight": np.arange(6.0).reshape(2, 3),
    "0.bias": np.array([1.0, 2.0], np.float32),
}


def same(first, second):
    return list(first) == list(second) and all(
        first[name].dtype == second[name].dtype
        and first[name].shape == second[name].shape
        and first[name].tobytes() == second[name].tobytes()
        for name in first
    )


def names_in(folder):
    return [path.name for path in folder.iterdir()]


def test_a_saved_state_comes_back(tmp_path):
    nn.save(STATE, tmp_path / "model.npz")
    assert same(nn.load(tmp_path / "model.npz"), STATE)


def test_a_model_goes_through_a_file(tmp_path):
    first = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    second = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    nn.save(first.state_dict(), str(tmp_path / "model.npz"))
    second.load_state_dict(nn.load(str(tmp_path / "model.npz")))
    x = np.ones((1, 3))
    assert np.array_equal(first(x).data, second(x).data)


NAMES = [
    *("file", "arr_0", "allow_pickle", "self", "kwds", "a", "a.npy", "a.npy.npy"),
    *("layers.1.weight", "a/b/c", "../up", "/root", "gewicht_äöü", "重み", "with space", ""),
]


def test_any_name_comes_back(tmp_path):
    state = {name: np.array([float(i)]) for i, name in enumerate(NAMES)}
    nn.save(state, tmp_path / "names.npz")
    assert same(nn.load(tmp_path / "names.npz"), state)


ARRAYS = npst.arrays(
    dtype=st.one_of(
        npst.floating_dtypes(),
        npst.integer_dtypes(),
        npst.boolean_dtypes(),
        npst.complex_number_dtypes(),
    ),
    shape=npst.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3),
)
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8)


@given(state=st.dictionaries(TEXT, ARRAYS, max_size=4))
def test_any_arrays_under_any_names_come_back(state, tmp_path_factory):
    path = tmp_path_factory.mktemp("any") / "state.npz"
    nn.save(state, path)
    assert same(nn.load(path), state)


@pytest.mark.parametrize(
    "array",
    [
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.arange(10.0)[::3],
        np.broadcast_to(1.0, (2, 3)),
    ],
)
def test_any_memory_layout_comes_back(array, tmp_path):
    nn.save({"x": array}, tmp_path / "x.npz")
    assert np.array_equal(nn.load(tmp_path / "x.npz")["x"], array)


def test_numbers_lists_and_tensors_are_stored_as_arrays(tmp_path):
    nn.save({"lr": 0.1, "list": [1, 2], "p": nn.Parameter([3.0])}, tmp_path / "x.npz")
    loaded = nn.load(tmp_path / "x.npz")
    assert loaded["lr"].item() == 0.1
    assert loaded["list"].tolist() == [1, 2]
    assert loaded["p"].tolist() == [3.0]


def test_the_file_is_exactly_where_it_was_asked_for(tmp_path):
    nn.save(STATE, tmp_path / "weights.v1")
    assert names_in(tmp_path) == ["weights.v1"]


def test_numpy_reads_the_file_and_nn_reads_numpys(tmp_path):
    nn.save(STATE, tmp_path / "ours.npz")
    with np.load(tmp_path / "ours.npz") as file:
        assert same(dict(file), STATE)
    np.savez_compressed(tmp_path / "theirs.npz", **STATE)
    assert same(nn.load(tmp_path / "theirs.npz"), STATE)


def test_equal_states_make_equal_files(tmp_path):
    nn.save(STATE, tmp_path / "a.npz")
    nn.save({name: array.copy() for name, array in STATE.items()}, tmp_path / "b.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    with zipfile.ZipFile(tmp_path / "a.npz") as archive:
        dates = {member.date_time for member in archive.infolist()}
    assert dates == {(1980, 1, 1, 0, 0, 0)}  # and not the time of the day


# A crash leaves the old file whole.


class Crash(BaseException):
    """What no `except Exception` stops, like a KeyboardInterrupt."""


@pytest.mark.parametrize("where", ["write_array", "fsync", "replace"])
def test_a_crash_while_saving_leaves_the_old_file_and_nothing_else(where, tmp_path, monkeypatch):
    path = tmp_path / "model.npz"
    nn.save(STATE, path)

    def crash(*_, **__):
        raise Crash

    owner = {"write_array": np.lib.format, "fsync": os, "replace": Path}[where]
    monkeypatch.setattr(owner, where, crash)
    with pytest.raises(Crash):
        nn.save({"other": np.zeros(1000)}, path)
    assert names_in(tmp_path) == ["model.npz"]
    assert same(nn.load(path), STATE)


def test_the_old_file_is_whole_until_the_new_one_is(tmp_path, monkeypatch):
    path = tmp_path / "model.npz"
    nn.save(STATE, path)
    seen = []
    replace = Path.replace

    def spy(self, target):
        seen.append((same(nn.load(path), STATE), list(nn.load(self)), self.parent == tmp_path))
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", spy)
    nn.save({"new": np.zeros(2)}, path)
    assert seen == [(True, ["new"], True)]
    assert list(nn.load(path)) == ["new"]


@pytest.mark.skipif(os.name != "posix", reason="file modes and links are POSIX's")
def test_a_saved_file_has_the_usual_mode_and_links_are_followed(tmp_path):
    (tmp_path / "link.npz").symlink_to("real.npz")
    nn.save(STATE, tmp_path / "link.npz")
    (tmp_path / "plain").touch()
    assert (tmp_path / "link.npz").is_symlink()
    real = (tmp_path / "real.npz").stat()
    assert stat.S_IMODE(real.st_mode) == stat.S_IMODE((tmp_path / "plain").stat().st_mode)


# What is refused.


def test_objects_are_never_pickled(tmp_path):
    with pytest.raises(TypeError, match="never pickles: 'b' holds Python objects"):
        nn.save({"a": np.zeros(1), "b": np.array([None, {}])}, tmp_path / "x.npz")
    assert names_in(tmp_path) == []


class Trap:
    """What a malicious file would run on being unpickled."""

    def __reduce__(self):
        return pytest.fail, ("unpickled",)


def test_a_file_with_pickled_objects_is_refused_and_nothing_is_run(tmp_path):
    np.savez(tmp_path / "evil.npz", a=np.array([Trap()], dtype=object))
    with pytest.raises(ValueError, match=r"can't load .*evil\.npz: it is not a whole \.npz file"):
        nn.load(tmp_path / "evil.npz")


@pytest.mark.parametrize("state", [[1, 2], "model.npz", None])
def test_a_state_that_is_no_mapping_is_refused(state, tmp_path):
    with pytest.raises(TypeError, match="save takes a dict of arrays by name"):
        nn.save(state, tmp_path / "x.npz")


@pytest.mark.parametrize(("name", "error"), [(1, TypeError), ("a\0b", ValueError)])
def test_a_name_that_no_zip_can_hold_is_refused(name, error, tmp_path):
    with pytest.raises(error, match="name"):
        nn.save({name: np.zeros(1)}, tmp_path / "x.npz")
    assert names_in(tmp_path) == []


def test_saving_into_a_missing_folder_says_so(tmp_path):
    with pytest.raises(FileNotFoundError, match="its folder does not exist"):
        nn.save(STATE, tmp_path / "missing" / "x.npz")


@pytest.mark.parametrize("name", ["missing.npz", "."])
def test_loading_a_missing_file_says_so(name, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"can't load .*: there is no such file"):
        nn.load(tmp_path / name)


def whole():
    file = io.BytesIO()
    np.savez(file, **STATE)
    return file.getvalue()


def zipped(**members):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in members.items():
            archive.writestr(name.replace("__", "/"), data)
    return file.getvalue()


def one_bit_wrong(data):
    middle = data.index(np.arange(6.0).tobytes()) + 10
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]


def npy():
    file = io.BytesIO()
    np.save(file, np.zeros(2))
    return file.getvalue()


DAMAGED = {
    "empty": b"",
    "text": b"these are no weights",
    "a single array": npy(),
    "a pickle": pickle.dumps(STATE),
    "cut off at the end": whole()[:-10],
    "cut in half": whole()[: len(whole()) // 2],
    "one bit wrong": one_bit_wrong(whole()),
    "a PyTorch file": zipped(archive__data_pkl=b"..."),
    "a member without the ending": zipped(a=npy()),
    "a member that is no array": zipped(**{"a.npy": b"no array"}),
    "a member that is cut off": zipped(**{"a.npy": npy()[:-1]}),
    "a member that goes on": zipped(**{"a.npy": npy() + b"more"}),
}


@pytest.mark.parametrize("kind", DAMAGED)
def test_a_damaged_or_foreign_file_is_refused_in_one_sentence(kind, tmp_path):
    path = tmp_path / "damaged.npz"
    path.write_bytes(DAMAGED[kind])
    with pytest.raises(
        ValueError, match=r"can't load .*damaged\.npz: it is not a whole \.npz"
    ) as caught:
        nn.load(path)
    assert "\n" not in str(caught.value)


def is_refused(path):
    """Return whether a file is refused; raise if it loads as anything but STATE."""
    try:
        loaded = nn.load(path)
    except ValueError:
        return True
    assert same(loaded, STATE)
    return False


@pytest.mark.parametrize(
    ("write", "changes"),
    [
        (lambda f, **state: nn.save(state, f), [1 << bit for bit in range(8)]),
        (np.savez, [1, 0xFF]),
        (np.savez_compressed, [1, 0xFF]),
    ],
)
def test_a_file_with_anything_changed_loads_the_same_or_is_refused(write, changes, tmp_path):
    path = tmp_path / "x.npz"
    write(path, **STATE)
    data, refused = path.read_bytes(), 0
    with path.open("r+b", buffering=0) as file:
        for i, change in itertools.product(range(len(data)), changes):
            os.pwrite(file.fileno(), bytes([data[i] ^ change]), i)
            refused += is_refused(path)
            os.pwrite(file.fileno(), data[i : i + 1], i)
    assert not is_refused(path)
    assert refused > len(data) * len(changes) / 2


@pytest.mark.parametrize("change", ["removed", "inserted", "repeated"])
def test_bytes_removed_inserted_or_repeated_are_refused(change, tmp_path):
    path = tmp_path / "x.npz"
    nn.save(STATE, path)
    data = path.read_bytes()
    for i, length in itertools.product(range(0, len(data), 7), [1, 4, 64]):
        rest = data[i + length :] if change == "removed" else data[i:]
        middle = {"removed": b"", "inserted": bytes(length), "repeated": data[i : i + length]}
        path.write_bytes(data[:i] + middle[change] + rest)
        assert is_refused(path)


def test_a_file_cut_off_anywhere_is_refused(tmp_path):
    for end in range(len(whole())):
        (tmp_path / "x.npz").write_bytes(whole()[:end])
        with pytest.raises(ValueError, match="not a whole"):
            nn.load(tmp_path / "x.npz")


def test_a_whole_file_is_not_refused(tmp_path):
    (tmp_path / "x.npz").write_bytes(whole())
    assert same(nn.load(tmp_path / "x.npz"), STATE)


def test_a_tensor_is_stored_without_its_graph(tmp_path):
    x = nn.Parameter([1.0, 2.0])
    nn.save({"y": x * 2, "constant": Tensor([1])}, tmp_path / "x.npz")
    assert nn.load(tmp_path / "x.npz")["y"].tolist() == [2.0, 4.0]
