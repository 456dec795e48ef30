"""Pictures of networks: the lit network, and how its activations are found."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

import nn
from autograd_mini import Tensor, checkpoint, no_grad
from nn import pictures
from nn.pictures.columns import columns
from nn.pictures.lit_network import GOLD, LIT_BLUE, LIT_ORANGE

mpl.use("Agg")


@pytest.fixture(autouse=True)
def _no_figure_stays_open():
    yield
    plt.close("all")


def rng(seed=0):
    return np.random.default_rng(seed)


def digits_network(*, dtype=np.float64):
    layers = (
        nn.Linear(784, 16, rng=rng()),
        nn.Linear(16, 16, rng=rng(1)),
        nn.Linear(16, 10, rng=rng(2)),
    )
    first, second, third = layers
    network = nn.Sequential(first, nn.Sigmoid(), second, nn.Sigmoid(), third, nn.Sigmoid())
    return network.astype(dtype)


def drawn(ax, gid):
    """Return the artists of one kind, in the order in which they were drawn."""
    return [artist for artist in ax.get_children() if artist.get_gid() == gid]


def texts(ax):
    return [text.get_text() for text in ax.texts]


# Activations


def test_a_column_holds_what_a_run_by_hand_gives():
    network, x = digits_network(), rng(3).random(784)
    found = columns(network, x)
    a = x
    for position in (0, 2, 4):
        np.testing.assert_array_equal(found.activations[position // 2], a)
        a = network[position + 1](network[position](a[np.newaxis])).data[0]
        np.testing.assert_array_equal(found.weights[position // 2], network[position].weight.data)
    np.testing.assert_array_equal(found.activations[3], a)


class HandMade(nn.Module):
    """Layers in a dict, run in another order than they are held, with a scale in between."""

    def __init__(self):
        self.parts = {"last": nn.Linear(4, 2), "first": nn.Linear(3, 4)}
        self.scale = nn.Parameter([1.0, -2.0, 3.0, 0.5])

    def forward(self, x):
        inner = np.tanh(self.parts["first"](x)) * self.scale
        return self.parts["last"](inner)


def test_layers_are_found_in_the_order_in_which_they_run_with_anything_elementwise_between():
    model, x = HandMade(), np.array([1.0, -1.0, 0.5])
    found = columns(model, x)
    inner = np.tanh(model.parts["first"](x).data) * model.scale.data
    np.testing.assert_allclose(found.activations[1], inner, rtol=1e-14)
    assert [W.shape for W in found.weights] == [(4, 3), (2, 4)]


@pytest.mark.parametrize("shape", [(4,), (1, 4), (2, 2), (1, 2, 2)])
def test_an_example_is_taken_with_or_without_a_batch_axis(shape):
    flat = nn.Flatten() if len(shape) > 1 and shape != (1, 4) else nn.Sequential()
    model = nn.Sequential(flat, nn.Linear(4, 3, rng=rng()), nn.Softmax(axis=1))
    x = np.arange(4.0)
    expected = model(x.reshape(1, 2, 2) if isinstance(flat, nn.Flatten) else x[np.newaxis]).data[0]
    np.testing.assert_array_equal(columns(model, x.reshape(shape)).activations[1], expected)


def test_frozen_weights_a_tensor_and_bytes_are_drawn_too():
    model = nn.Sequential(nn.Linear(4, 3), nn.Sigmoid())
    x = np.array([0, 1, 2, 3], np.uint8)
    expected = model(x.astype(float)).data
    for p in model.parameters():
        p.requires_grad = False
    for given in (x, Tensor(x.astype(float)), [0, 1, 2, 3]):
        np.testing.assert_array_equal(columns(model, given).activations[1], expected)


def test_a_network_in_training_is_drawn_as_it_answers_and_its_masks_are_not_used_up():
    model = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.5, rng=rng()), nn.Linear(8, 2))
    x = np.ones(4)
    state = model[1].rng.bit_generator.state
    found = columns(model, x)
    assert model.training
    assert model[1].rng.bit_generator.state == state
    np.testing.assert_array_equal(found.activations[1], model[0](x).data)


class Residual(nn.Module):
    def __init__(self):
        self.inner = nn.Linear(3, 3)

    def forward(self, x):
        return x + self.inner(x)


class Twice(nn.Module):
    def __init__(self):
        self.left, self.right = nn.Linear(3, 3), nn.Linear(3, 3)

    def forward(self, x):
        return self.left(x) * self.right(x)


class Silent(nn.Module):
    def __init__(self):
        self.layer = nn.Linear(3, 3)

    def forward(self, x):
        with no_grad():
            return self.layer(x)


class Hidden(nn.Module):
    def __init__(self):
        self.layer = nn.Linear(3, 3)

    def forward(self, x):
        return checkpoint(self.layer)(x)


class Chooses(nn.Module):
    def __init__(self):
        self.layer = nn.Linear(3, 3)

    def forward(self, x):
        return self.layer(x).data


class Shrinks(nn.Module):
    def __init__(self):
        self.layer = nn.Linear(3, 4)

    def forward(self, x):
        return self.layer(x)[:, :2]


@pytest.mark.parametrize(
    ("model", "x", "error", "message"),
    [
        (Residual(), np.ones(3), ValueError, "in Residual something goes around a layer"),
        (Twice(), np.ones(3), ValueError, "in Twice something goes around a layer"),
        (Silent(), np.ones(3), ValueError, "none that were recorded in Silent: build it of"),
        (Hidden(), np.ones(3), ValueError, "none that were recorded in Hidden"),
        (Chooses(), np.ones(3), TypeError, "Chooses returned an array of shape"),
        (
            Shrinks(),
            np.ones(3),
            ValueError,
            r"the model returned the shape \(1, 2\): pass",
        ),
        (nn.Sequential(nn.ReLU()), np.ones(3), ValueError, "none that were recorded in Sequential"),
        (nn.Linear(3, 2), np.ones((5, 3)), ValueError, r"pass one example, such as x\[0\]"),
        (np.tanh, np.ones(3), TypeError, "network draws a module such as nn.Sequential"),
        (np.ones((3, 3)), nn.Linear(3, 3), TypeError, r"found an array of shape \(3, 3\)$"),
        (nn.Linear(3, 2), nn.Linear(3, 2), TypeError, "array of real numbers, found a Linear"),
        (nn.Linear(3, 2), [[1.0], [2.0, 3.0]], TypeError, "array of real numbers, found"),
        (nn.Linear(3, 2), "abc", TypeError, "an array of real numbers, found 'abc'"),
    ],
)
def test_what_has_no_columns_is_refused(model, x, error, message):
    with pytest.raises(error, match=message):
        pictures.network(model, x)
    assert plt.get_fignums() == []


# What is drawn


def test_a_small_network_is_drawn_whole():
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    ax = pictures.network(model, np.ones(3))
    assert len(drawn(ax, "neuron")) == 3 + 4 + 2
    assert [len(lines.get_segments()) for lines in drawn(ax, "edges")] == [12, 8]


def test_of_784_inputs_sixteen_are_drawn_and_of_the_edges_the_strongest():
    network = digits_network()
    ax = pictures.network(network, rng().random(784), neurons=16, edges=50)
    assert len(drawn(ax, "neuron")) == 16 + 16 + 16 + 10
    assert [len(lines.get_segments()) for lines in drawn(ax, "edges")] == [50, 50, 50]
    assert "16 of 784\ninputs" in texts(ax)
    assert texts(ax).count("16\nneurons") == 2
    weights = network[4].weight.data
    strongest = np.sort(np.abs(weights).ravel())[-50:]
    widths = drawn(ax, "edges")[2].get_linewidths()
    np.testing.assert_allclose(widths, 0.4 + 2.2 * strongest / strongest[-1])


def test_the_inputs_shown_are_those_with_the_largest_weights_whatever_the_example():
    network = digits_network()
    chosen = [3, 100, 101, 783]
    network[0].weight.data[:, chosen] *= 50
    x = np.zeros(784)
    x[100] = 1.0
    ax = pictures.network(network, x, shape=(28, 28), neurons=4)
    lights = [neuron.get_facecolor()[0] for neuron in drawn(ax, "neuron")[:4]]
    assert lights == [0, 1, 0, 0]
    corners = [frame.get_xy() for frame in drawn(ax, "pixel")]
    (image,) = ax.get_images()
    left, right, bottom, top = image.get_extent()
    found = [
        round((top - y) / (top - bottom) * 28 - 1) * 28 + round((x - left) / (right - left) * 28)
        for x, y in corners
    ]
    assert found == chosen
    np.testing.assert_array_equal(image.get_array(), x.reshape(28, 28))


def test_an_edge_is_blue_for_a_positive_weight_and_orange_for_a_negative_one():
    layer = nn.Linear(2, 2)
    layer.weight.data = np.array([[1.0, -2.0], [-0.5, 4.0]])
    ax = pictures.network(layer, np.ones(2))
    (lines,) = drawn(ax, "edges")
    blue, orange = to_rgb(LIT_BLUE), to_rgb(LIT_ORANGE)
    colours = [tuple(colour[:3]) for colour in lines.get_colors()]
    assert colours == [orange, blue, orange, blue]  # 0.5, 1, 2, 4: the largest on top
    assert np.all(np.diff(lines.get_linewidths()) > 0)
    assert np.all(np.diff(lines.get_alpha()) > 0)
    inputs, outputs = drawn(ax, "neuron")[:2], drawn(ax, "neuron")[2:]
    start, end = lines.get_segments()[3]
    np.testing.assert_array_equal(start, inputs[1].center)
    np.testing.assert_array_equal(end, outputs[1].center)


def test_a_neuron_is_as_bright_as_its_activation():
    layer = nn.Linear(3, 2)
    ax = pictures.network(layer, np.array([0.0, 0.25, 1.0]))
    colours = [neuron.get_facecolor()[:3] for neuron in drawn(ax, "neuron")[:3]]
    assert colours == [(0, 0, 0), (0.25, 0.25, 0.25), (1, 1, 1)]


def test_activations_outside_0_to_1_are_drawn_in_parts_of_the_largest_negative_ones_orange():
    ax = pictures.network(nn.Linear(3, 2), np.array([-4.0, 2.0, 0.0]))
    negative, half, dark = (neuron.get_facecolor()[:3] for neuron in drawn(ax, "neuron")[:3])
    assert negative[0] > negative[1] > negative[2]
    assert half == (0.5, 0.5, 0.5)
    assert dark == (0, 0, 0)
    assert "3\ninputs\nfull light: 4" in texts(ax)


def test_the_brightest_output_is_ringed_and_named():
    layer = nn.Linear(2, 3)
    layer.weight.data, layer.bias.data = np.zeros((3, 2)), np.array([0.25, 0.75, -2.0])
    ax = pictures.network(layer, np.ones(2), names=["cat", "dog", "bird"])
    (ring,) = drawn(ax, "ring")
    assert ring.center == drawn(ax, "neuron")[3].center
    assert ax.get_title() == "The largest output: dog"
    golden = [text.get_text() for text in ax.texts if text.get_color() == GOLD]
    assert golden == ["dog", "0.75"]
    assert {"cat", "bird", "0.25", "\N{MINUS SIGN}2.00"} <= set(texts(ax))


def test_a_network_of_one_neuron_is_told_in_the_singular():
    model = nn.Sequential(nn.Linear(1, 1), nn.Sigmoid())
    model[0].weight.data[:], model[0].bias.data[:] = 0.0, 0.0
    ax = pictures.network(model, [2.0])
    assert ax.get_title() == "The output: 0.50"
    assert {"1\ninput\nfull light: 2", "1\noutput"} <= {*texts(ax)}


def test_an_activation_that_rounds_to_zero_has_no_sign():
    model = nn.Linear(1, 2)
    model.weight.data[:], model.bias.data[:] = 0.0, [-0.001, 1.0]
    assert "0.00" in texts(pictures.network(model, [2.0]))


def test_a_picture_given_whole_goes_into_the_network_row_by_row():
    model, image = nn.Linear(6, 3), np.arange(6.0).reshape(2, 3) / 6
    flat = pictures.network(model, image.ravel(), shape=(2, 3))
    for x in (image, image[np.newaxis], image.tolist()):
        assert texts(pictures.network(model, x, shape=[2, 3])) == texts(flat)
    as_tensor = pictures.network(model, Tensor(image), shape=(2, 3))
    assert texts(as_tensor) == texts(flat)


def test_of_negative_outputs_the_largest_is_not_called_the_brightest():
    model = nn.Linear(1, 3)
    model.weight.data[:], model.bias.data[:] = 0.0, [-3.0, -0.05, -1.0]
    assert pictures.network(model, [1.0]).get_title() == "The largest output: 1"
    model.bias.data[:] = [-3.0, 4.0, -1.0]
    assert pictures.network(model, [1.0]).get_title() == "The brightest output: 1"


def test_in_small_axes_names_and_numbers_keep_apart():
    _, (ax, _) = plt.subplots(1, 2)
    pictures.network(digits_network(), np.zeros(784), shape=(28, 28), ax=ax)
    ax.figure.canvas.draw()
    extents = [text.get_window_extent() for text in ax.texts]
    assert not any(a.overlaps(b) for i, a in enumerate(extents) for b in extents[:i])


def test_without_names_outputs_have_their_numbers():
    ax = pictures.network(digits_network(), np.zeros(784))
    assert set("0123456789") <= set(texts(ax))


def test_of_many_outputs_the_brightest_are_drawn_under_their_own_names():
    model, x = nn.Linear(6, 200, rng=rng()), rng(1).random(6)
    ax = pictures.network(model, x, names=[f"class {i}" for i in range(200)], neurons=4)
    outputs = model(x).data
    brightest = np.sort(np.argsort(outputs)[-4:])
    assert [text for text in texts(ax) if "class" in text] == [f"class {i}" for i in brightest]
    assert len(drawn(ax, "neuron")) == 4 + 4
    assert ax.get_title() == f"The brightest output: class {outputs.argmax()}"
    assert any(text.startswith("4 of 200\noutputs") for text in texts(ax))


def test_everything_drawn_is_inside_the_frame():
    ax = pictures.network(digits_network(), rng().random(784), shape=(28, 28))
    figure = ax.figure
    figure.canvas.draw()
    frame = ax.get_window_extent()
    for artist in [*ax.texts, *ax.patches, *ax.get_images()]:
        if artist is not ax.patch:
            box = artist.get_window_extent()
            assert frame.x0 <= box.x0
            assert box.x1 <= frame.x1
            assert frame.y0 <= box.y0
            assert box.y1 <= frame.y1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"shape": (28, 27)}, r"the model has 784 inputs, which are no image of shape=\(28, 27\)"),
        ({"names": "abc"}, "names for 10 outputs, found 3"),
        ({"neurons": 1}, "neurons is a whole number from 2 on, found 1"),
        ({"neurons": 2.5}, "neurons is a whole number from 2 on, found 2.5"),
        ({"edges": 0}, "edges is a whole number from 1 on, found 0"),
    ],
)
def test_options_that_do_not_fit_are_told_in_a_sentence(options, message):
    with pytest.raises(ValueError, match=message):
        pictures.network(digits_network(), np.zeros(784), **options)
    assert plt.get_fignums() == []


def test_activations_that_are_not_finite_are_refused():
    with pytest.raises(ValueError, match="finite activations, found nan in column 0"):
        pictures.network(nn.Linear(2, 2), np.array([np.nan, 1.0]))


def test_drawing_changes_nothing_and_a_graph_recorded_before_can_still_be_walked():
    network, x = digits_network(dtype=np.float32), rng().random(784).astype(np.float32)
    network(x).sum().backward()
    network[1].training = False
    loss = network(x[np.newaxis]).sum()
    arrays = [(p.data, p.data.copy(), p.grad, p.grad.copy()) for p in network.parameters()]
    parts = [dict(vars(module)) for module in network.modules()]
    pictures.network(network, x, ax=Figure().subplots())
    for p, (data, values, grad, slopes) in zip(network.parameters(), arrays, strict=True):
        assert p.data is data
        assert p.grad is grad
        np.testing.assert_array_equal(data, values)
        np.testing.assert_array_equal(grad, slopes)
    assert [dict(vars(module)) for module in network.modules()] == parts
    loss.backward()
    np.testing.assert_allclose(network[0].bias.grad, 2 * arrays[1][3], rtol=1e-5)


def test_a_picture_in_given_axes_leaves_pyplot_alone():
    ax = Figure().subplots()
    assert pictures.network(nn.Linear(2, 2), np.ones(2), ax=ax) is ax
    assert plt.get_fignums() == []
