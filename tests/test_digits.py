"""The program that learns to read: the network as the page tells it, one full run, its files."""

import contextlib
import doctest
import io
import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
import xml.etree.ElementTree as ET
from pathlib import Path
from types import SimpleNamespace

import matplotlib.image
import numpy as np
import pytest

import nn
import optim
from autograd_mini.drawing.render import find_dot, write_whole
from examples import digits, digits_pictures, digits_report, mnist
from examples.digits import Recipe, build_network, choice, look, train, wanted
from examples.mnist import Digits

PICTURES = (
    "learning.png",
    "first-layer.png",
    "twelve-digits.png",
    "confusion.png",
    "lit-network.png",
    "landscape.png",
)
EVERY_FILE = {"cost-graph.dot", "cost-graph.html", "cost-graph.svg", "digits.npz", *PICTURES}


def rng(seed=0):
    return np.random.default_rng(seed)


def run_program(*argv):
    """Run the program and return its result and what it printed."""
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        result = digits.main([str(word) for word in argv])
    return result, printed.getvalue()


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Run the program once with its defaults, into a folder that is not there yet."""
    out = tmp_path_factory.mktemp("digits") / "in" / "the program's folder"
    start = time.process_time()  # a busy machine's clock runs on while the program waits
    result, text = run_program("--out", out)
    spent = time.process_time() - start
    _, held_out = mnist.load(None, 1_000, rng(0))
    return SimpleNamespace(
        result=result, text=text, out=out, held_out=held_out, processor_seconds=spent
    )


@pytest.fixture(scope="module")
def few():
    """Return 300 digits to learn from and 100 held out."""
    chosen = mnist.load_embedded()[rng(5).permutation(10_000)[:400]]
    return chosen[:300], chosen[300:]


def trained(few, *, epochs=2, seed=0, held_out=None, **recipe):
    network = build_network(rng(seed))
    training = few[0]
    learning = train(network, training, held_out or few[1], Recipe(epochs, **recipe), rng(seed))
    return network, learning


def same(network, other):
    mine, yours = network.state_dict(), other.state_dict()
    return all((mine[name] == yours[name]).all() for name in mine)


# The full run


@pytest.mark.slow
def test_the_network_reads_at_least_92_percent_of_the_digits_it_never_saw(run):
    assert run.result.learning.moments[-1].accuracy >= 0.92
    right = choice(look(run.result.network, run.held_out.images)) == run.held_out.labels
    assert right.mean() == run.result.learning.moments[-1].accuracy


@pytest.mark.slow
def test_the_training_takes_seconds(run):
    assert run.result.learning.seconds > 0
    assert run.processor_seconds < 25  # with the pictures, on each of the BLAS's threads
    assert f"40 epochs in {run.result.learning.seconds:.1f} s" in run.text


@pytest.mark.slow
def test_the_network_starts_as_a_mess_and_its_cost_falls(run):
    moments = run.result.learning.moments
    assert [moment.epoch for moment in moments] == list(range(41))
    assert moments[0].accuracy < 0.25
    assert moments[0].cost > 1
    assert moments[-1].cost < 0.1
    assert not run.result.learning.interrupted


@pytest.mark.slow
def test_every_promised_file_is_written_and_nothing_else(run):
    assert {path.name for path in run.out.iterdir()} == EVERY_FILE


@pytest.mark.slow
def test_the_saved_weights_make_a_fresh_network_read_as_well(run):
    network = build_network(rng(99))
    network.load_state_dict(nn.load(run.out / "digits.npz"))
    outputs = look(network, run.held_out.images)
    np.testing.assert_array_equal(outputs, look(run.result.network, run.held_out.images))
    accuracy = (choice(outputs) == run.held_out.labels).mean()
    assert accuracy == run.result.learning.moments[-1].accuracy


@pytest.mark.slow
@pytest.mark.parametrize("name", PICTURES)
def test_every_picture_is_large_enough_to_read_and_not_blank(run, name):
    assert (run.out / name).read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    pixels = matplotlib.image.imread(run.out / name)[..., :3]
    height, width, _ = pixels.shape
    assert 800 <= height <= 1500
    assert 1000 <= width <= 2000
    assert pixels.max() == 1
    _, counts = np.unique((255 * pixels).astype(int) @ [1, 256, 65536], return_counts=True)
    assert 0.1 < counts.max() / counts.sum() < 0.99  # of the commonest colour, the background


@pytest.mark.slow
def test_the_graph_of_the_cost_names_every_parameter(run):
    text = (run.out / "cost-graph.dot").read_text(encoding="utf-8")
    assert text.startswith("digraph")
    for name, parameter in run.result.network.named_parameters():
        assert f"<b>{name}</b>" in text
        assert f"{parameter.shape} float32" in text
    for word in ("pixels", "wanted", "(4, 784)", "mse_loss"):
        assert word in text
    assert len(re.findall(r'^\t*"\d/sigmoid" \[', text, flags=re.MULTILINE)) == 3
    assert "13,002 parameters" in text


@pytest.mark.slow
def test_the_page_holds_the_graph_of_the_cost_and_its_backward_pass(run):
    page = (run.out / "cost-graph.html").read_text(encoding="utf-8")
    assert page.startswith("<!DOCTYPE html>")
    for name, _ in run.result.network.named_parameters():
        assert f'"{name}"' in page
        assert f'"grad {name}"' in page


@pytest.mark.slow
def test_the_lit_network_tells_what_it_reads(run):
    pixels = digits.activations(run.held_out.images[:1])[0]
    figure = digits_pictures.draw_lit(run.result.network, pixels)
    texts = [text.get_text() for text in figure.findobj(matplotlib.text.Text)]
    outputs = look(run.result.network, run.held_out.images[:1])[0]
    assert f"The brightest output: {outputs.argmax()}" in texts
    for activation in outputs:
        assert f"{activation:.2f}" in texts


@pytest.mark.slow
def test_the_landscape_has_the_way_of_the_training_in_it(run):
    def cost(network):
        outputs = network(digits.activations(run.held_out.images[:50]))
        return digits.average_cost(outputs, digits.wanted(run.held_out.labels[:50]))

    states = run.result.learning.states
    assert len(states) == len(run.result.learning.moments) == 41
    for name, array in run.result.network.state_dict().items():
        np.testing.assert_array_equal(states[-1][name], array)
    figure = digits_pictures.draw_landscape(run.result.network, cost, states)
    assert 41 in {len(line.get_xdata()) for line in figure.axes[0].lines}
    texts = " ".join(text.get_text() for text in figure.findobj(matplotlib.text.Text))
    assert f"here {cost(run.result.network).item():.3f}" in texts
    assert "of the path's variance" in texts
    for stood_still in (states[-2:], 9 * states[-1:]):
        few = digits_pictures.draw_landscape(run.result.network, cost, stood_still)
        texts = " ".join(text.get_text() for text in few.findobj(matplotlib.text.Text))
        assert "variance" not in texts


@pytest.mark.slow
def test_the_laid_out_graph_is_an_svg_picture_with_the_same_names(run):
    root = ET.parse(run.out / "cost-graph.svg").getroot()
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    words = {element.text for element in root.iter("{http://www.w3.org/2000/svg}text")}
    assert {name for name, _ in run.result.network.named_parameters()} <= words


@pytest.mark.slow
def test_the_table_at_the_end_adds_up(run):
    lines = run.text.splitlines()
    start = next(n for n, line in enumerate(lines) if line.split()[:2] == ["digit", "held"])
    rows = [line.replace(",", "").split() for line in lines[start + 1 : start + 12]]
    counts, right = (np.array([int(row[column]) for row in rows]) for column in (1, 2))
    assert [row[0] for row in rows] == [*"0123456789", "all"]
    assert counts[:10].tolist() == np.bincount(run.held_out.labels).tolist()
    assert counts[:10].sum() == counts[10] == 1_000
    assert right[:10].sum() == right[10]
    for row, count, correct in zip(rows, counts, right, strict=True):
        assert row[3] == f"{correct / count:.1%}"
    assert right[10] / 1_000 == run.result.learning.moments[-1].accuracy


@pytest.mark.slow
def test_what_is_printed_tells_the_network_the_figures_and_the_files(run):
    first, last = run.result.learning.moments[0], run.result.learning.moments[-1]
    assert "13,002 parameters in total" in run.text
    assert "9,000 digits to learn from, 1,000 held out" in run.text
    assert f"{first.cost:.3f} -> {last.cost:.3f}" in run.text
    assert f"{first.accuracy:.1%} -> {last.accuracy:.1%}" in run.text
    last_line = run.text.splitlines()[-1]
    assert str(run.out) in last_line
    assert all(name in last_line for name in EVERY_FILE)


@pytest.mark.slow
def test_right_and_wrong_digits_are_shown(run):
    right = choice(look(run.result.network, run.held_out.images)) == run.held_out.labels
    chosen = digits_pictures.pick(right, run.held_out.labels)
    assert len(set(chosen)) == 12
    assert right[chosen].tolist() == 8 * [True] + 4 * [False]
    assert len(set(run.held_out.labels[chosen[:8]].tolist())) == 8


# The network of the page


def test_the_layers_have_784_16_16_and_10_neurons_and_13002_parameters():
    shapes = {name: p.shape for name, p in build_network(rng()).named_parameters()}
    assert shapes == {
        "0.weight": (16, 784),
        "0.bias": (16,),
        "2.weight": (16, 16),
        "2.bias": (16,),
        "4.weight": (10, 16),
        "4.bias": (10,),
    }
    assert sum(p.size for p in build_network(rng()).parameters()) == 13_002


def test_the_network_is_made_of_the_neurons_and_layers_that_the_program_describes(few):
    network = build_network(rng())
    state = network.state_dict()
    before = digits.activations(few[0].images[:1])[0]
    for place in ("0", "2", "4"):
        W, b = state[f"{place}.weight"], state[f"{place}.bias"]
        after = digits.layer(before, W, b)
        neurons = [digits.neuron(before, w, bias) for w, bias in zip(W, b, strict=True)]
        np.testing.assert_allclose(after, neurons, rtol=1e-5)
        np.testing.assert_allclose(after, 1 / (1 + np.exp(-(W @ before + b))), rtol=1e-5)
        before = after
    np.testing.assert_allclose(look(network, few[0].images[:1])[0], before, rtol=1e-5)


def test_all_weights_and_biases_start_at_random_and_one_seed_repeats_them():
    state = build_network(rng(1)).state_dict()
    assert all(len(np.unique(array)) > 0.9 * array.size for array in state.values())
    assert same(build_network(rng(1)), build_network(rng(1)))
    assert not same(build_network(rng(1)), build_network(rng(2)))


def test_everything_is_computed_in_float32(few):
    network, _ = trained(few, epochs=1)
    assert look(network, few[1].images).dtype == np.float32
    assert {array.dtype for array in network.state_dict().values()} == {np.dtype(np.float32)}
    assert {p.grad.dtype for p in network.parameters()} == {np.dtype(np.float32)}


def test_activations_run_from_0_for_black_to_1_for_white():
    images = np.zeros((2, 28, 28), np.uint8)
    images[1, 0, 1], images[1, 1, 0] = 255, 51
    found = digits.activations(images)
    assert found.shape == (2, 784)
    assert found.dtype == np.float32
    assert not found[0].any()
    assert {n: found[1, n] for n in np.flatnonzero(found[1])} == {1: 1, 28: np.float32(0.2)}


def test_outputs_lie_between_0_and_1_and_the_brightest_is_the_choice(few):
    outputs = look(build_network(rng()), few[0].images)
    assert outputs.shape == (300, 10)
    assert ((outputs > 0) & (outputs < 1)).all()
    assert choice(np.array([[0.1, 0.3, 0.2], [0.9, 0.3, 0.2]])).tolist() == [1, 0]


def test_the_cost_of_an_example_adds_the_squares_of_the_differences():
    target = wanted(np.array([1, 1], np.uint8))
    outputs = target.copy()
    outputs[1, :3] = 0.5, 0.25, 1.0
    costs = digits.cost_of_each(outputs, target)
    np.testing.assert_allclose(costs, [0, 0.5**2 + 0.75**2 + 1])
    np.testing.assert_allclose(digits.average_cost(outputs, target), costs.mean())


# The way downhill


def test_a_step_goes_along_the_negative_numeric_gradient(few):
    network = build_network(rng()).astype(np.float64)
    images, target = few[0].images[:5] / 255.0, wanted(few[0].labels[:5]).astype(np.float64)
    images = images.reshape(5, 784)
    start = {name: array.copy() for name, array in network.state_dict().items()}

    def cost(name, index, change):
        state = {key: array.copy() for key, array in start.items()}
        state[name][index] += change
        network.load_state_dict(state)
        return float(digits.average_cost(network(images), target).item())

    places = [("0.weight", (3, 406)), ("2.weight", (1, 2)), ("4.weight", (9, 0)), ("4.bias", (4,))]
    slopes = [(cost(*place, 1e-5) - cost(*place, -1e-5)) / 2e-5 for place in places]
    network.load_state_dict(start)
    digits.step_downhill(network, optim.SGD(network.parameters(), lr=0.1), images, target)
    moved = [network.state_dict()[name][i] - start[name][i] for name, i in places]
    assert min(map(abs, slopes)) > 1e-6
    np.testing.assert_allclose(moved, -0.1 * np.array(slopes), rtol=1e-6)


def test_a_step_returns_the_cost_before_it_and_the_next_one_costs_less(few):
    network = build_network(rng())
    images, target = digits.activations(few[0].images), wanted(few[0].labels)
    before = float(digits.average_cost(look(network, few[0].images), target))
    optimizer = optim.SGD(network.parameters(), lr=0.1)
    costs = [digits.step_downhill(network, optimizer, images, target) for _ in range(3)]
    assert costs[0] == pytest.approx(before, rel=1e-6)
    assert costs[0] > costs[1] > costs[2]


def test_mini_batches_show_every_example_once_in_an_order_of_their_own():
    random = rng()
    batches, again = (list(digits.mini_batches(10, 4, random)) for _ in range(2))
    assert [len(batch) for batch in batches] == [4, 4, 2]
    assert sorted(np.concatenate(batches)) == list(range(10))
    assert np.concatenate(batches).tolist() != np.concatenate(again).tolist()


def test_the_learning_rate_falls_evenly_from_epoch_to_epoch(few, monkeypatch):
    rates = []

    def step(network, optimizer, images, targets):
        rates.append(optimizer.lr)
        assert images.shape == (100, 784)
        assert targets.shape == (100, 10)
        return 0.0

    monkeypatch.setattr(digits, "step_downhill", step)
    trained(few, epochs=4, batch_size=100, lr=2.0)
    np.testing.assert_allclose(rates, np.repeat([2.0, 1.5, 1.0, 0.5], 3))


def test_one_seed_trains_the_same_network_again_and_another_seed_another(few):
    assert same(trained(few)[0], trained(few)[0])
    assert not same(trained(few)[0], trained(few, seed=1)[0])


def test_held_out_digits_teach_nothing(few):
    other = Digits(255 - few[1].images, 9 - few[1].labels)
    network, learning = trained(few)
    unaware, measured = trained(few, held_out=other)
    assert same(network, unaware)
    assert learning.moments[-1].accuracy != measured.moments[-1].accuracy


def test_every_moment_is_measured_on_all_training_digits_and_on_held_out_ones(few):
    network, learning = trained(few, epochs=3)
    assert [moment.epoch for moment in learning.moments] == [0, 1, 2, 3]
    assert learning.steps == 3 * 10
    costs = digits.cost_of_each(look(network, few[0].images), wanted(few[0].labels))
    assert learning.moments[-1].cost == pytest.approx(costs.mean(), rel=1e-5)
    right = choice(look(network, few[1].images)) == few[1].labels
    assert learning.moments[-1].accuracy == right.mean()
    assert learning.moments[-1].cost < learning.moments[0].cost


def test_a_batch_larger_than_the_data_is_one_step_an_epoch(few):
    _, learning = trained(few, epochs=2, batch_size=1_000)
    assert learning.steps == 2


# Ctrl-C


@pytest.fixture
def _ctrl_c_interrupts():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job ignores it
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_ctrl_c_interrupts")
def test_ctrl_c_keeps_what_was_learned_so_far(tmp_path, monkeypatch):
    step = digits.step_downhill
    taken: list[float] = []

    def step_until_ctrl_c(*arguments):
        if len(taken) == 400:
            signal.raise_signal(signal.SIGINT)
        taken.append(step(*arguments))
        return taken[-1]

    monkeypatch.setattr(digits, "step_downhill", step_until_ctrl_c)
    (network, learning), text = run_program("--out", tmp_path)
    assert learning.interrupted
    assert learning.steps == len(taken) == 400
    assert learning.moments[-1].epoch == pytest.approx(400 / 282)
    assert learning.moments[-1].accuracy > 0.4
    assert "stopped by Ctrl-C after 1.42 epochs" in text
    assert {path.name for path in tmp_path.iterdir()} == EVERY_FILE
    kept = build_network(rng(99))
    kept.load_state_dict(nn.load(tmp_path / "digits.npz"))
    assert same(kept, network)


def test_ctrl_c_at_the_first_step_keeps_the_random_start(tmp_path, few, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(digits, "step_downhill", interrupt)
    monkeypatch.setattr(digits, "load", lambda *_: few)
    (network, learning), _ = run_program("--out", tmp_path)
    assert [moment.epoch for moment in learning.moments] == [0, 0]
    assert same(network, build_network(rng(0)))
    assert {path.name for path in tmp_path.iterdir()} == EVERY_FILE


# The command line


@pytest.mark.parametrize(
    ("option", "word", "message"),
    [
        ("--epochs", "0", "--epochs: expected a whole number above 0, found '0'"),
        ("--epochs", "2.5", "--epochs: expected a whole number above 0, found '2.5'"),
        ("--batch-size", "-3", "--batch-size: expected a whole number above 0, found '-3'"),
        ("--lr", "0", "--lr: expected a number above 0, found '0'"),
        ("--lr", "nan", "--lr: expected a number above 0, found 'nan'"),
        ("--lr", "inf", "--lr: expected a number above 0, found 'inf'"),
        ("--lr", "fast", "--lr: expected a number above 0, found 'fast'"),
        ("--seed", "-1", "--seed: expected a whole number, 0 or above, found '-1'"),
        ("--data", "nowhere", "nowhere is not a folder: name the one that holds the four MNIST"),
    ],
)
def test_a_bad_argument_is_told_in_one_sentence(tmp_path, capsys, option, word, message):
    with pytest.raises(SystemExit) as stop:
        digits.main(["--out", str(tmp_path), option, word])
    assert stop.value.code == 2
    assert message in capsys.readouterr().err.splitlines()[-1]
    assert not list(tmp_path.iterdir())


def test_results_that_can_not_be_written_are_refused_before_the_training(
    tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(digits, "train", None)
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(SystemExit) as stop:
        digits.main(["--out", str(tmp_path / "file")])
    assert stop.value.code == 2
    assert "file (File exists): name another folder with --out" in capsys.readouterr().err


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_learning_rate_that_blows_the_weights_up_is_told_and_nothing_saved(
    tmp_path, few, capsys, monkeypatch
):
    monkeypatch.setattr(digits, "load", lambda *_: few)
    with pytest.raises(SystemExit):
        digits.main(["--out", str(tmp_path), "--lr", "1e30", "--epochs", "2"])
    assert "learn with a smaller learning rate" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_folder_of_idx_files_is_learned_from(tmp_path, few, monkeypatch):
    monkeypatch.setattr(digits, "draw_all", lambda *_: {})
    for part, some in (("train", few[0]), ("t10k", few[1])):
        header = np.array([0x803, len(some), 28, 28], ">u4").tobytes()
        (tmp_path / f"{part}-images-idx3-ubyte").write_bytes(header + some.images.tobytes())
        header = np.array([0x801, len(some)], ">u4").tobytes()
        (tmp_path / f"{part}-labels-idx1-ubyte").write_bytes(header + some.labels.tobytes())
    words = f"--data {tmp_path} --epochs 2 --batch-size 10 --lr 1 --seed 7".split()
    (network, learning), text = run_program("--out", tmp_path / "out", *words)
    assert "300 digits to learn from, 100 held out" in text
    expected = build_network(random := rng(7))
    train(expected, few[0], few[1], Recipe(2, 10, 1.0), random)
    assert learning.steps == 60
    assert same(network, expected)


# The report and the pictures


def test_confusions_count_every_pair_of_digit_and_reading():
    labels, choices = rng(1).integers(0, 10, 500, np.uint8), rng(2).integers(0, 10, 500)
    counts = digits_report.count_confusions(labels, choices)
    assert counts.sum() == 500
    for digit in range(10):
        for reading in range(10):
            pairs = (labels == digit) & (choices == reading)
            assert counts[digit, reading] == pairs.sum()


def test_the_table_lists_the_commonest_mistakes_first_and_survives_an_absent_digit(capsys):
    counts = np.zeros((10, 10), np.intp)
    counts[4] = [0, 1, 0, 0, 10, 0, 2, 0, 1, 6]
    digits_report.print_table(counts)
    rows = [line.split(maxsplit=4) for line in capsys.readouterr().out.splitlines()[2:]]
    assert rows[4] == ["4", "20", "10", "50.0%", "9 (6), 6 (2), 1 (1)"]
    assert rows[5] == ["5", "0", "0", "-"]
    assert rows[10] == ["all", "20", "10", "50.0%"]


@pytest.mark.parametrize(
    ("right", "wrong", "shown"),
    [(100, 50, (8, 4)), (100, 2, (10, 2)), (100, 0, (12, 0)), (3, 50, (3, 9)), (4, 3, (4, 3))],
)
def test_where_one_kind_is_rare_the_other_fills_the_twelve(right, wrong, shown):
    is_right = rng().permutation(np.arange(right + wrong) < right)
    labels = rng(1).integers(0, 10, right + wrong, np.uint8)
    chosen = digits_pictures.pick(is_right, labels)
    assert len(set(chosen)) == sum(shown)
    assert (is_right[chosen].sum(), (~is_right[chosen]).sum()) == shown


def test_the_twelve_are_marked_right_or_wrong_by_a_sign_and_words(few):
    outputs = wanted(few[0].labels) * 0.9
    outputs[:4] = np.roll(outputs[:4], 1, axis=1)
    figure = digits_pictures.draw_twelve(few[0], outputs, np.full(300, 0.25))
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    signs = [title[0] for title in titles if title]
    assert signs == 8 * ["✓"] + 4 * ["✗"]
    label = int(few[0].labels[0])
    assert titles[16] == f"✗ reads {(label + 1) % 10}, is {label}"


def test_the_first_layer_is_drawn_on_one_symmetric_scale_with_a_colour_bar():
    layer = nn.Linear(784, 16, rng=rng())
    weights = layer.weight.data
    figure = digits_pictures.draw_weights(layer)
    pictures = [axes.get_images()[0] for axes in figure.axes if axes.get_images()]
    limit = np.abs(weights).max()
    assert len(pictures) == 16
    assert len(figure.axes) == 17
    assert {picture.get_clim() for picture in pictures} == {(-limit, limit)}
    for picture, row in zip(pictures, weights, strict=True):
        np.testing.assert_array_equal(picture.get_array(), row.reshape(28, 28))


def test_the_confusion_picture_writes_every_count():
    counts = np.arange(100).reshape(10, 10)
    axes = digits_pictures.draw_confusion(counts).axes[0]
    texts = {text.get_position(): text.get_text() for text in axes.texts}
    for (row, column), count in np.ndenumerate(counts):
        assert texts[column, row] == str(count)


def test_the_curves_go_through_every_moment():
    moments = [(0, 2.5, 0.1), (1, 0.5, 0.6), (1.5, 0.25, 0.8)]
    above, below = digits_pictures.draw_learning(moments).axes
    for axes, column in ((above, 1), (below, 2)):
        expected = [(moment[0], moment[column]) for moment in moments]
        np.testing.assert_array_equal(axes.lines[0].get_xydata(), expected)


def test_without_a_dot_program_the_text_is_written_and_one_line_says_so(
    tmp_path, few, capsys, monkeypatch
):
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    graph = digits.draw_cost(build_network(rng()), few[0][:2])
    names = digits_report.write_pictures(tmp_path, {}, graph)
    assert [path.name for path in tmp_path.iterdir()] == names == ["cost-graph.dot"]
    assert capsys.readouterr().out == (
        "No cost-graph.svg: there is no program to lay out cost-graph.svg: install Graphviz "
        "(graphviz.org/download), or `pip install graphviz-pure`, which writes svg and png; its "
        f"text is in {tmp_path / 'cost-graph.dot'}\n"
    )


def test_a_dot_program_that_refuses_costs_the_svg_alone(tmp_path, few, capsys, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda *_, **__: sys.executable)
    graph = digits.draw_cost(build_network(rng()), few[0][:2])
    assert digits_report.write_pictures(tmp_path, {}, graph) == ["cost-graph.dot"]
    assert f"{sys.executable} could not lay out the graph as svg" in capsys.readouterr().out


def test_the_systems_dot_is_preferred_to_the_one_beside_python(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    beside_python = find_dot()
    assert beside_python is not None
    assert Path(beside_python).stem == "graphviz-pure"
    assert Path(beside_python).parent == Path(sysconfig.get_path("scripts"))
    system = tmp_path / Path(beside_python).with_stem("dot").name
    system.write_text("")
    system.chmod(0o755)
    assert find_dot() == str(system)


def test_a_file_that_can_not_be_written_leaves_the_old_one_whole(tmp_path, monkeypatch):
    path = tmp_path / "picture.png"
    write_whole(path, b"old")

    def fill_the_disk(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fill_the_disk)
    with pytest.raises(OSError, match="No space left"):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("module", [digits, digits_pictures, digits_report, mnist])
def test_the_examples_in_the_docstrings_run(module):
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0


def test_without_what_it_needs_the_program_says_how_to_install_it():
    program = Path(digits.__file__)
    done = subprocess.run(
        [sys.executable, "-I", "-S", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "pip install -e '.[examples,draw]'" in done.stderr
    assert "Traceback" not in done.stderr
