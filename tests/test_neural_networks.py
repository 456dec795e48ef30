"""The chapters' program makes its ten pictures, and they show what the document says."""

import doctest
import re
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import AxesImage
from PIL import Image

import nn
from examples import digits, neural_networks
from nn.pictures.canvas import BLUE, ORANGE

ROOT = Path(__file__).resolve().parent.parent
NAMES = [f"neural-network-{n:02d}.png" for n in range(1, 10)] + ["neural-network-10.gif"]


@pytest.fixture(scope="module")
def story():
    return neural_networks.prepare(epochs=2)


def texts(figure):
    return " ".join(text.get_text() for text in figure.findobj(lambda x: hasattr(x, "get_text")))


def test_the_program_writes_ten_pictures_and_the_cost_falls(tmp_path, capsys):
    before, after = neural_networks.main(["--out", str(tmp_path), "--epochs", "2"])
    assert sorted(path.name for path in tmp_path.iterdir()) == NAMES
    assert before > 1
    assert after < before / 10
    printed = capsys.readouterr().out
    for name in NAMES:
        assert f"{name}: " in printed
    assert f"{before:.3f} before training, {after:.3f} after it" in printed
    for name in NAMES:
        with Image.open(tmp_path / name) as made, Image.open(ROOT / "docs/images" / name) as shown:
            assert made.size == shown.size, f"run neural_networks.py --out docs/images: {name}"
            if name.endswith(".gif"):
                assert made.n_frames == shown.n_frames == 17


def test_the_document_shows_every_picture_in_order():
    document = (ROOT / "docs/neural-networks.md").read_text(encoding="utf-8")
    assert re.findall(r"!\[.+?\]\(images/(.*?)\)", document) == NAMES


def test_the_pictures_of_the_document_are_small():
    sizes = [(ROOT / "docs/images" / name).stat().st_size for name in NAMES]
    assert sum(sizes) < 1_500_000


def test_the_lit_networks_tell_the_activations_of_their_outputs(story):
    for draw, network in (
        (neural_networks.draw_network, story.trained),
        (neural_networks.draw_mess, story.fresh),
    ):
        written = texts(draw(story))
        outputs = network(story.image).data
        assert f"The brightest output: {outputs.argmax()}" in written
        for activation in outputs:
            assert f"{activation:.2f}" in written


def test_the_single_neuron_is_the_networks_own(story):
    alone = neural_networks.one_neuron(story.trained)
    first = story.trained[:2](story.image).data[0]
    np.testing.assert_allclose(alone(story.image).data, [first], rtol=1e-6)
    assert f"{first:.2f}" in texts(neural_networks.draw_connections(story))


def test_the_edge_detector_is_drawn_blue_between_orange(story):
    figure = neural_networks.draw_edge(story)
    images = figure.findobj(AxesImage)
    image = next(image for image in images if np.shape(image.get_array()) == (28, 28))
    colours = image.to_rgba(image.get_array())
    assert colours[8, 12, 2] > colours[8, 12, 0]  # more blue than red
    assert colours[5, 12, 0] > colours[5, 12, 2]
    np.testing.assert_array_equal(
        image.get_array(), neural_networks.edge_detector().weight.data.reshape(28, 28)
    )


def test_the_curves_are_those_of_the_sigmoid_and_of_its_shift(story):
    for draw, bias in ((neural_networks.draw_sigmoid, 0.0), (neural_networks.draw_bias, -10.0)):
        curve = next(
            line
            for line in draw(story).axes[0].lines
            if line.get_color() == (ORANGE if bias else BLUE) and len(line.get_xdata()) > 10
        )
        z, a = np.asarray(curve.get_xdata()), np.asarray(curve.get_ydata())
        np.testing.assert_allclose(a, nn.functional.sigmoid(z + bias), atol=1e-12)


def test_the_layer_shows_its_own_numbers(story):
    lit, W, before, b = (
        axes.get_images()[0].get_array() for axes in neural_networks.draw_layer(story).axes
    )
    np.testing.assert_allclose(lit[:, 0], story.trained[:2](story.image).data, rtol=1e-5)
    np.testing.assert_array_equal(W, story.trained[0].weight.data[:, 392:424])
    np.testing.assert_array_equal(before[:, 0], story.image[392:424])
    np.testing.assert_array_equal(b[:, 0], story.trained[0].bias.data)


def test_the_cost_is_the_sum_of_ten_squares(story):
    written = texts(neural_networks.draw_cost(story))
    squares = (story.fresh(story.image).data.astype(float) - story.wanted) ** 2
    assert f"{squares.sum():.4f}" in written
    for square in squares:
        assert f"{square:.4f}" in written


def test_the_descents_end_in_different_minima(story):
    written = texts(neural_networks.draw_descent(story))
    ends = set(re.findall(r"from \S+ to (\S+), f = (\S+)", written))
    assert len(ends) == 3
    assert len({round(float(x.replace("\N{MINUS SIGN}", "-"))) for x, _ in ends}) == 2


def test_the_untrained_network_is_the_one_before_training(story):
    fresh = neural_networks.prepare(epochs=1).fresh
    for name, array in fresh.state_dict().items():
        np.testing.assert_array_equal(array, story.fresh.state_dict()[name])
    assert story.trained[0].weight.data is not story.fresh[0].weight.data
    assert digits.choice(story.trained(story.image).data) == 7


def test_a_folder_that_can_not_be_made_is_one_sentence(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    with pytest.raises(SystemExit):
        neural_networks.main(["--out", str(tmp_path / "file")])
    assert "neural_networks.py: error: " in capsys.readouterr().err


def test_the_examples_in_the_docstrings_run():
    result = doctest.testmod(neural_networks)
    assert result.attempted > 0
    assert result.failed == 0
