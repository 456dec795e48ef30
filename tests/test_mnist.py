"""The digits: the embedded file, the script that made it, IDX files, and what can be wrong."""

import doctest
import gzip
import hashlib
import re
import struct
import tarfile
import tracemalloc
import zlib

import numpy as np
import pytest

from examples import mnist
from examples.data import make_mnist_10k
from examples.mnist import DataError, Digits, load, load_embedded, load_idx, split

README = mnist.EMBEDDED.with_name("README.md").read_text(encoding="utf-8")
COUNTS = [1001, 1127, 991, 1032, 980, 863, 1014, 1070, 944, 978]
DASHED = {
    "train images": "train-images-idx3-ubyte",
    "train labels": "train-labels-idx1-ubyte",
    "test images": "t10k-images-idx3-ubyte",
    "test labels": "t10k-labels-idx1-ubyte",
}
DOTTED = {part: name.replace("-idx", ".idx") for part, name in DASHED.items()}


@pytest.fixture(scope="module")
def embedded():
    return load_embedded()


def idx(array, magic=None):
    """Return the content of an IDX file, its format written down a second time."""
    header = struct.pack(">I", 0x0800 + array.ndim if magic is None else magic)
    lengths = b"".join(struct.pack(">I", length) for length in array.shape)
    return header + lengths + array.astype(np.uint8).tobytes()


def tiny(count, seed):
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (count, 28, 28), dtype=np.uint8)
    return Digits(images, rng.integers(0, 10, count, dtype=np.uint8))


TRAINING, TEST = tiny(7, seed=1), tiny(3, seed=2)


def write_four(folder, names=DASHED, pack=bytes, ending=""):
    contents = {
        "train images": TRAINING.images,
        "train labels": TRAINING.labels,
        "test images": TEST.images,
        "test labels": TEST.labels,
    }
    for part, array in contents.items():
        (folder / f"{names[part]}{ending}").write_bytes(pack(idx(array)))
    return folder


# The embedded file


def test_the_embedded_file_holds_ten_thousand_digits_sorted_by_label(embedded):
    assert embedded.images.shape == (10_000, 28, 28)
    assert embedded.images.dtype == embedded.labels.dtype == np.uint8
    assert np.bincount(embedded.labels).tolist() == COUNTS
    assert (np.diff(embedded.labels.astype(int)) >= 0).all()


def test_the_embedded_pictures_are_all_different_and_use_the_whole_range(embedded):
    assert len({image.tobytes() for image in embedded.images}) == 10_000
    assert embedded.images.min() == 0
    assert embedded.images.max() == 255


@pytest.mark.parametrize("digit", range(10))
def test_the_readme_states_the_count_of_every_digit(digit):
    line = next(line for line in README.splitlines() if line.startswith("| images | 1001"))
    assert int(line.split("|")[2 + digit]) == COUNTS[digit]


def test_the_readme_states_the_checksums_of_the_file_and_of_its_arrays(embedded):
    stated = dict(
        re.findall(r"^    ([0-9a-f]{64})  (\S+)$", README, re.MULTILINE)[i][::-1] for i in range(4)
    )
    found = {
        "mnist-10k.npz": mnist.EMBEDDED.read_bytes(),
        "images": embedded.images.tobytes(),
        "labels": embedded.labels.tobytes(),
    }
    assert {name: hashlib.sha256(content).hexdigest() for name, content in found.items()} == {
        name: stated[name] for name in found
    }


def test_the_embedded_file_is_about_as_small_as_promised():
    assert mnist.EMBEDDED.stat().st_size < 1_700_000


def test_a_missing_embedded_file_is_named_with_the_way_to_make_it(tmp_path):
    with pytest.raises(DataError, match=r"gone\.npz.*make_mnist_10k\.py"):
        load_embedded(tmp_path / "gone.npz")


def test_a_truncated_embedded_file_is_named_with_the_way_to_make_it(tmp_path):
    path = tmp_path / "half.npz"
    path.write_bytes(mnist.EMBEDDED.read_bytes()[:800_000])
    with pytest.raises(DataError, match=r"half\.npz.*make_mnist_10k\.py"):
        load_embedded(path)


def test_a_file_of_python_objects_is_never_unpickled(tmp_path):
    path = tmp_path / "objects.npz"
    np.savez(path, images=np.array([{"run": "me"}]), labels=np.array([0]))
    with pytest.raises(DataError, match=r"objects\.npz"):
        load_embedded(path)


def test_an_npz_file_of_something_else_is_told_what_it_holds(tmp_path):
    path = tmp_path / "other.npz"
    np.savez(path, x=np.zeros(3))
    with pytest.raises(DataError, match=r"other\.npz holds \['x'\], not images and labels"):
        load_embedded(path)


def test_float_images_are_refused(tmp_path):
    path = tmp_path / "floats.npz"
    np.savez(path, images=TEST.images / 255, labels=TEST.labels)
    with pytest.raises(DataError, match=r"floats\.npz holds float64 values of shape \(3, 28, 28\)"):
        load_embedded(path)


# The split


def labels_by_image(digits):
    pairs = zip(digits.images, digits.labels, strict=True)
    return {image.tobytes(): label for image, label in pairs}


def test_the_split_has_the_sizes_asked_for_and_loses_no_digit(embedded):
    training, held_out = split(embedded, 1_000, np.random.default_rng(0))
    assert (len(training), len(held_out)) == (9_000, 1_000)
    seen, unseen, every = map(labels_by_image, (training, held_out, embedded))
    assert len(seen) == 9_000
    assert not seen.keys() & unseen.keys()
    assert seen | unseen == every


def test_the_split_mixes_the_sorted_digits(embedded):
    for part in split(embedded, 1_000, np.random.default_rng(0)):
        share = np.bincount(part.labels, minlength=10) / len(part)
        assert np.abs(share - np.array(COUNTS) / 10_000).max() < 0.03


def test_one_seed_gives_one_split_and_another_seed_another(embedded):
    splits = [split(embedded, 1_000, np.random.default_rng(seed))[1] for seed in (3, 3, 4)]
    np.testing.assert_array_equal(splits[0].images, splits[1].images)
    assert (splits[0].images != splits[2].images).any()


@pytest.mark.parametrize("held_out", [0, -1, 3, 4])
def test_a_split_that_leaves_one_side_empty_is_refused(held_out):
    with pytest.raises(ValueError, match=rf"can't hold out {held_out} of 3 digits"):
        split(TEST, held_out, np.random.default_rng(0))


# IDX files


@pytest.mark.parametrize("names", [DASHED, DOTTED], ids=["dashed", "dotted"])
@pytest.mark.parametrize(
    ("pack", "ending"),
    [(bytes, ""), (gzip.compress, ".gz"), (gzip.compress, ""), (bytes, ".gz")],
    ids=["plain", "gzipped", "gzipped without .gz", "plain in spite of .gz"],
)
def test_the_four_files_are_read(tmp_path, names, pack, ending):
    training, test = load_idx(write_four(tmp_path, names, pack, ending))
    for found, written in ((training, TRAINING), (test, TEST)):
        np.testing.assert_array_equal(found.images, written.images)
        np.testing.assert_array_equal(found.labels, written.labels)
        assert found.images.dtype == found.labels.dtype == np.uint8


def test_with_a_folder_the_test_files_are_what_is_held_out(tmp_path):
    training, held_out = load(write_four(tmp_path), 1, np.random.default_rng(0))
    assert (len(training), len(held_out)) == (7, 3)


def test_without_a_folder_the_embedded_digits_are_split(embedded):
    training, held_out = load(None, 10, np.random.default_rng(0))
    assert (len(training), len(held_out)) == (9_990, 10)
    expected = split(embedded, 10, np.random.default_rng(0))[1]
    np.testing.assert_array_equal(held_out.images, expected.images)


@pytest.mark.parametrize("part", DASHED)
def test_a_missing_file_is_named_with_what_the_folder_holds(tmp_path, part):
    write_four(tmp_path)
    (tmp_path / DASHED[part]).unlink()
    other = DASHED["train images" if part != "train images" else "test images"]
    with pytest.raises(DataError, match=rf"no {DASHED[part]} in .*found .*{other}.*: put the four"):
        load_idx(tmp_path)


def test_a_folder_that_does_not_exist_is_named(tmp_path):
    with pytest.raises(DataError, match=r"nowhere is not a folder: name the one"):
        load_idx(tmp_path / "nowhere")


def test_an_empty_folder_is_told_that_nothing_was_found(tmp_path):
    with pytest.raises(DataError, match=r"no train-images-idx3-ubyte in .*found nothing: put"):
        load_idx(tmp_path)


@pytest.mark.parametrize("part", DASHED)
@pytest.mark.parametrize("kept", [0, 3, 4, 7, -1])
def test_a_truncated_file_is_named_with_its_length(tmp_path, part, kept):
    path = write_four(tmp_path) / DASHED[part]
    content = path.read_bytes()[:kept]
    path.write_bytes(content)
    with pytest.raises(DataError, match=rf"{path.name} has {len(content)} bytes.*get"):
        load_idx(tmp_path)


@pytest.mark.parametrize("part", DASHED)
def test_a_file_that_is_too_long_is_named_with_both_lengths(tmp_path, part):
    path = write_four(tmp_path) / DASHED[part]
    length = path.stat().st_size
    path.write_bytes(path.read_bytes() + b"\0")
    message = rf"{path.name} has {length + 1} bytes, its header says .* so {length} bytes"
    with pytest.raises(DataError, match=message):
        load_idx(tmp_path)


@pytest.mark.parametrize("kept", [2, 9, 40, -1])
def test_a_truncated_gzip_file_is_named(tmp_path, kept):
    path = write_four(tmp_path, DASHED, gzip.compress, ".gz") / f"{DASHED['train images']}.gz"
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(DataError, match=rf"can't read .*{path.name} .*it is damaged"):
        load_idx(tmp_path)


def test_a_gzip_file_with_a_wrong_byte_is_named(tmp_path):
    path = write_four(tmp_path, DASHED, gzip.compress, ".gz") / f"{DASHED['test labels']}.gz"
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match=rf"can't read .*{path.name} .*it is damaged"):
        load_idx(tmp_path)


def test_labels_in_the_place_of_images_are_recognised(tmp_path):
    path = write_four(tmp_path) / DASHED["train images"]
    path.write_bytes(idx(TRAINING.labels))
    message = rf"{path.name} has 15 bytes and starts with 00 00 08 01; .* starts with 00 00 08 03"
    with pytest.raises(DataError, match=message):
        load_idx(tmp_path)


@pytest.mark.parametrize("magic", [0x0D03, 0x0804, 0x03080000, 0xFFFFFFFF])
def test_a_wrong_magic_number_is_shown_beside_the_right_one(tmp_path, magic):
    path = write_four(tmp_path) / DASHED["test images"]
    path.write_bytes(idx(TEST.images, magic))
    shown = struct.pack(">I", magic).hex(" ")
    with pytest.raises(DataError, match=rf"starts with {shown}; .* starts with 00 00 08 03"):
        load_idx(tmp_path)


def test_a_web_page_in_the_place_of_a_file_is_recognised(tmp_path):
    path = write_four(tmp_path) / DASHED["train labels"]
    path.write_bytes(b"<!DOCTYPE html><title>404</title>")
    with pytest.raises(DataError, match=rf"{path.name} has 33 bytes and starts with 3c 21 44 4f"):
        load_idx(tmp_path)


def test_images_and_labels_of_different_counts_are_refused(tmp_path):
    path = write_four(tmp_path) / DASHED["train labels"]
    path.write_bytes(idx(TRAINING.labels[:6]))
    message = rf"{path.name} holds .* \(6,\) for the 7 images of .*{DASHED['train images']}"
    with pytest.raises(DataError, match=message):
        load_idx(tmp_path)


def test_a_label_above_nine_is_refused_with_its_place(tmp_path):
    path = write_four(tmp_path) / DASHED["test labels"]
    path.write_bytes(idx(np.array([9, 0, 10])))
    with pytest.raises(DataError, match=rf"{path.name} holds the label 10 at 2"):
        load_idx(tmp_path)


@pytest.mark.parametrize("shape", [(3, 28, 27), (3, 32, 32), (0, 28, 28), (3, 0, 28)])
def test_images_of_another_size_or_none_at_all_are_refused(tmp_path, shape):
    path = write_four(tmp_path) / DASHED["test images"]
    path.write_bytes(idx(np.zeros(shape)))
    found = re.escape(str(shape))
    with pytest.raises(DataError, match=rf"{path.name} holds .* {found}, not bytes of shape"):
        load_idx(tmp_path)


# The script that made the embedded file


@pytest.fixture(scope="module")
def package(tmp_path_factory, embedded):
    """The npm package's ten files, written from the embedded digits."""
    folder = tmp_path_factory.mktemp("mnist")
    (folder / "src" / "digits").mkdir(parents=True)
    words = np.array([f"{round(grey / 255, 3):g}" for grey in range(256)])
    for digit in range(10):
        numbers = words[embedded.images[embedded.labels == digit].ravel()]
        text = '{ "data": [' + ",".join(numbers.tolist()) + "] }"
        (folder / "src" / "digits" / f"{digit}.json").write_text(text)
    return folder


def packed(package, target):
    with tarfile.open(target, "w:gz", compresslevel=1) as archive:
        archive.add(package, "package")
    return target


@pytest.mark.parametrize("form", ["folder", "tgz"])
def test_the_script_makes_the_embedded_digits_from_the_package(
    tmp_path, package, embedded, capsys, form
):
    source = package if form == "folder" else packed(package, tmp_path / "mnist-1.1.0.tgz")
    target = tmp_path / "made.npz"
    make_mnist_10k.main([str(source), "--target", str(target)])
    made = load_embedded(target)
    np.testing.assert_array_equal(made.images, embedded.images)
    np.testing.assert_array_equal(made.labels, embedded.labels)
    assert hashlib.sha256(embedded.images.tobytes()).hexdigest() in capsys.readouterr().out
    assert not list(tmp_path.glob("*partial*"))


def test_the_script_writes_the_same_bytes_again(tmp_path, embedded):
    paths = [tmp_path / "first.npz", tmp_path / "second.npz"]
    for path in paths:
        make_mnist_10k.write(path, embedded.images[:50], embedded.labels[:50])
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_the_script_finds_every_grey_value_again():
    grey = np.arange(784) % 256
    numbers = ",".join(str(round(value / 255, 3)) for value in grey.tolist())
    found = make_mnist_10k.bytes_from_json(f'{{"data": [{numbers}]}}'.encode(), "0.json", 1)
    np.testing.assert_array_equal(found.ravel(), grey)


@pytest.mark.parametrize("number", ["0.5", "0.5021", "1.004", "-0.004", "255"])
def test_the_script_refuses_a_number_that_is_no_grey_value(number):
    text = f'{{"data": [{number}{", 0" * 783}]}}'.encode()
    with pytest.raises(ValueError, match=rf"0.json: expected k / 255 .*found 1 other .* {number}"):
        make_mnist_10k.bytes_from_json(text, "0.json", 1)


def test_the_script_refuses_another_number_of_images():
    text = f'{{"data": [0{", 0" * 783}]}}'.encode()
    with pytest.raises(ValueError, match=r"0.json: expected 2 x 784 numbers, found shape \(784,\)"):
        make_mnist_10k.bytes_from_json(text, "0.json", 2)


@pytest.mark.parametrize("name", ["missing.tgz", "empty", "text.tgz"])
def test_the_script_says_which_package_it_can_not_read(tmp_path, name):
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.tgz").write_text("no archive")
    target = tmp_path / "made.npz"
    with pytest.raises(SystemExit, match=rf"can't read .*{name}"):
        make_mnist_10k.main([str(tmp_path / name), "--target", str(target)])
    assert not target.exists()


def test_the_examples_in_the_docstrings_run():
    result = doctest.testmod(mnist)
    assert result.attempted > 0
    assert result.failed == 0


def test_a_gzip_bomb_is_refused_before_it_is_unpacked(tmp_path):
    path = write_four(tmp_path, DASHED, gzip.compress, ".gz") / f"{DASHED['train images']}.gz"
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    start = packer.compress(struct.pack(">IIII", 0x0803, 2**28 // 784, 28, 28))
    path.write_bytes(start + b"".join(packer.compress(bytes(2**20)) for _ in range(256)))
    tracemalloc.start()
    with pytest.raises(DataError, match=rf"can't read .*{path.name} .*would unpack to 268,4"):
        load_idx(tmp_path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**22


@pytest.mark.parametrize("compress", [gzip.compress, bytes])
@pytest.mark.parametrize("lengths", [(2**32 - 1,) * 3, (2**32 - 1, 28, 28), (2**20, 28, 28)])
def test_a_header_that_promises_far_more_than_the_file_holds_is_refused(
    lengths, compress, tmp_path
):
    ending = "" if compress is bytes else ".gz"
    path = write_four(tmp_path, DASHED, compress, ending) / f"{DASHED['train images']}{ending}"
    path.write_bytes(compress(struct.pack(">IIII", 0x0803, *lengths) + bytes(784)))
    with pytest.raises(DataError, match=rf"{path.name} .*it is damaged"):
        load_idx(tmp_path)


def test_a_gzip_file_that_goes_on_is_read_no_further(tmp_path):
    path = write_four(tmp_path, DASHED, gzip.compress, ".gz") / f"{DASHED['train images']}.gz"
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()) + bytes(2**24)))
    tracemalloc.start()
    with pytest.raises(DataError, match="it is damaged"):
        load_idx(tmp_path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**22
