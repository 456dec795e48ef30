"""Pictures of weights, of a cost and of activation functions, and what all pictures promise."""

import json
import math
import subprocess
import sys
from itertools import pairwise

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

import nn
from autograd_mini import Tensor, relu, sigmoid, softmax
from nn import pictures
from nn.pictures.canvas import BLUE, ORANGE, SIGNED

mpl.use("Agg")
MINUS = "\N{MINUS SIGN}"


@pytest.fixture(autouse=True)
def _no_figure_stays_open():
    yield
    plt.close("all")


def rng(seed=0):
    return np.random.default_rng(seed)


def drawn(ax, gid):
    return [artist for artist in ax.get_children() if artist.get_gid() == gid]


# Weights


def test_each_neurons_weights_are_an_image_on_one_scale_with_a_colour_bar():
    layer = nn.Linear(784, 16, rng=rng())
    grid = pictures.weights(layer)
    limit = np.abs(layer.weight.data).max()
    assert len(grid) == 16
    assert len(grid[0].figure.axes) == 17
    for axes, row, bias in zip(grid, layer.weight.data, layer.bias.data, strict=True):
        (image,) = axes.get_images()
        assert image.get_clim() == (-limit, limit)
        np.testing.assert_array_equal(image.get_array(), row.reshape(28, 28))
        assert f"bias {bias:+.2f}".replace("-", MINUS) in axes.get_title()


def test_positive_weights_are_blue_and_negative_ones_orange():
    layer = nn.Linear(2, 1, bias=False)
    layer.weight.data = np.array([[2.0, -2.0]])
    (axes,) = pictures.weights(layer, (1, 2))
    (image,) = axes.get_images()
    (positive, negative) = image.to_rgba(image.get_array())[0]
    assert positive[2] > positive[0]
    assert negative[0] > negative[2]
    assert SIGNED(0.75) == pytest.approx(to_rgba(BLUE), abs=0.01)
    assert SIGNED(0.25) == pytest.approx(to_rgba(ORANGE), abs=0.01)
    assert axes.get_title() == "neuron 0"


@pytest.mark.parametrize(("neurons", "cells"), [(1, 1), (5, 5), (10, 10), (17, 17)])
def test_there_is_one_image_for_each_neuron_and_no_empty_axes(neurons, cells):
    grid = pictures.weights(nn.Linear(4, neurons), (2, 2))
    assert len(grid) == cells
    assert len(grid[0].figure.axes) == cells + 1


def test_in_small_axes_the_titles_of_neurons_keep_apart():
    _, ax = plt.subplots()
    grid = pictures.weights(nn.Linear(4, 6, rng=rng()), (2, 2), ax=ax)
    ax.figure.canvas.draw()
    extents = [each.title.get_window_extent() for each in grid]
    assert not any(a.overlaps(b) for a, b in pairwise(extents))


def test_weights_that_are_all_zero_are_white():
    layer = nn.Linear(4, 2)
    layer.weight.data = np.zeros((2, 4))
    (image,) = pictures.weights(layer, (2, 2))[0].get_images()
    assert image.to_rgba(image.get_array())[0, 0].tolist() == [1, 1, 1, 1]


def test_weights_are_drawn_inside_one_axes_or_in_one_for_each_neuron():
    layer = nn.Linear(4, 3)
    frame = Figure().subplots()
    inside = pictures.weights(layer, (2, 2), ax=frame)
    assert [axes.get_images()[0].get_array().shape for axes in inside] == [(2, 2)] * 3
    assert [*frame.child_axes] == [*inside]
    assert frame.get_title() == "What the 3 neurons look for"
    own = Figure().subplots(1, 3)
    assert [*pictures.weights(layer, (2, 2), ax=own)] == [*own]
    assert plt.get_fignums() == []


@pytest.mark.parametrize(
    ("layer", "shape", "error", "message"),
    [
        (nn.Linear(784, 2), (28, 27), ValueError, "784 weights, which are no image of shape"),
        (nn.Linear(784, 2), (784,), ValueError, "784 weights, which are no image of shape"),
        (nn.Linear(4, 2), (-2, -2), ValueError, r"no image of shape=\(-2, -2\): give rows"),
        (nn.Linear(784, 2), 28, ValueError, "no image of shape=28: give rows and columns"),
        (nn.Linear(784, 2), (28.0, 28.0), ValueError, "no image of shape=.28.0, 28.0.: give rows"),
        (nn.Linear(4, 2).weight, (2, 2), TypeError, r"found a Tensor of shape \(2, 4\): pass one"),
        (np.ones((2, 4)), (2, 2), TypeError, r"found an array of shape \(2, 4\): pass one"),
        (nn.Sequential(nn.Linear(4, 2)), (2, 2), TypeError, "found a Sequential: pass one layer"),
        (nn.ReLU(), (28, 28), TypeError, r"pass one layer of the model, such as model\[0\]"),
        (nn.Sequential(nn.Linear(4, 2)), (2, 2), TypeError, "pass one layer of the model"),
    ],
)
def test_what_has_no_weight_images_is_refused(layer, shape, error, message):
    with pytest.raises(error, match=message):
        pictures.weights(layer, shape)
    assert plt.get_fignums() == []


def test_weights_that_are_not_finite_are_refused():
    layer = nn.Linear(4, 2)
    layer.weight.data[1, 2] = np.inf
    with pytest.raises(ValueError, match="weights draws finite numbers, found inf"):
        pictures.weights(layer, (2, 2))


# The cost of an example


@pytest.mark.parametrize("kind", [np.asarray, Tensor, list])
def test_the_squares_add_up_to_the_cost_that_training_computes(kind):
    output, wanted = rng().random(10), np.eye(10)[3]
    ax = pictures.cost_of_example(kind(output), kind(wanted))
    cost = nn.MSELoss("sum")(output, wanted)
    squares = [float(text.get_text()) for text in drawn(ax, "square")]
    np.testing.assert_allclose(squares, (output - wanted) ** 2, atol=5e-5)
    assert sum(squares) == pytest.approx(cost, abs=5e-4)
    (total,) = drawn(ax, "sum")
    assert total.get_text() == f"{cost:.4f}"
    assert ax.get_title() == f"The cost of this example: {cost:.4f}"


def test_large_numbers_of_a_cost_are_written_short():
    texts = {text.get_text() for text in pictures.cost_of_example([1e6, -3e-5], [0, 2e6]).texts}
    assert {f"(1e+06 {MINUS} 0.000)²", "1e+12", f"(0.000 {MINUS} 2e+06)²", "4e+12"} <= texts


def test_bars_show_outputs_in_blue_and_what_is_wanted_in_orange():
    ax = pictures.cost_of_example([0.25, 0.5], [0.0, 1.0], names=["cat", "dog"])
    outputs, wanted = ax.containers
    assert [bar.get_width() for bar in outputs] == [0.25, 0.5]
    assert [bar.get_width() for bar in wanted] == [0, 1]
    assert outputs[0].get_facecolor() == to_rgba(BLUE)
    assert wanted[0].get_facecolor() == to_rgba(ORANGE)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["cat", "dog"]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["output", "wanted"]
    differences = [text.get_text() for text in ax.texts if text.get_text().startswith("(")]
    assert differences == [f"(0.250 {MINUS} 0.000)²", f"(0.500 {MINUS} 1.000)²"]


def test_outputs_below_zero_and_above_one_have_room():
    ax = pictures.cost_of_example([-2.0, 3.0], [-1.0, 1.0])
    low, high = ax.get_xlim()
    assert low == -2
    assert high > 3
    assert f"({MINUS}2.000 {MINUS} ({MINUS}1.000))²" in [text.get_text() for text in ax.texts]


@pytest.mark.parametrize("count", [1, 2, 3, 10, 30])
def test_the_legend_of_a_cost_is_below_its_ticks(count):
    ax = pictures.cost_of_example(np.full(count, 0.5), np.zeros(count))
    ax.figure.canvas.draw()
    ticks = [label.get_window_extent() for label in ax.get_xticklabels()]
    legend = ax.get_legend().get_window_extent()
    assert not any(legend.overlaps(tick) for tick in ticks)
    assert not legend.overlaps(ax.xaxis.label.get_window_extent())
    assert legend.y0 >= 0


def test_every_number_of_the_cost_is_inside_the_axes():
    ax = pictures.cost_of_example(rng().random(10), np.eye(10)[3])
    ax.figure.canvas.draw()
    frame = ax.get_window_extent()
    for text in ax.texts:
        box = text.get_window_extent()
        assert frame.x0 <= box.x0
        assert box.x1 <= frame.x1 + 1


@pytest.mark.parametrize(
    ("output", "wanted", "options", "error", "message"),
    [
        ([0.5, 0.5], [1.0], {}, ValueError, r"found \(2,\) and \(1,\): turn a class label into"),
        ([0.5, 0.5], 1, {}, ValueError, r"found \(2,\) and \(\)"),
        (np.ones((2, 2)), np.ones((2, 2)), {}, ValueError, "take one row of a batch"),
        ([], [], {}, ValueError, "the outputs of one example"),
        ([np.nan], [1.0], {}, ValueError, "finite numbers"),
        ("ab", [1.0], {}, TypeError, "arrays of real numbers, found 'ab'"),
        ([0.5], [1.0], {"names": "ab"}, ValueError, "names for 1 output, found 2"),
    ],
)
def test_what_is_no_single_example_has_no_cost(output, wanted, options, error, message):
    with pytest.raises(error, match=message):
        pictures.cost_of_example(output, wanted, **options)
    assert plt.get_fignums() == []


# Activation functions


@pytest.mark.parametrize(
    ("function", "name", "values", "slopes"),
    [
        (sigmoid, "sigmoid", lambda z: 1 / (1 + np.exp(-z)), lambda y: y * (1 - y)),
        (np.tanh, "tanh", np.tanh, lambda y: 1 - y**2),
        (relu, "relu", lambda z: np.maximum(z, 0), lambda y: (y > 0) * 1.0),
        (nn.ReLU(), "ReLU", lambda z: np.maximum(z, 0), lambda y: (y > 0) * 1.0),
        (nn.Sigmoid(), "Sigmoid", lambda z: 1 / (1 + np.exp(-z)), lambda y: y * (1 - y)),
    ],
)
def test_the_curves_are_the_function_the_function_with_its_bias_and_the_slope(
    function, name, values, slopes
):
    plain, shifted, slope = pictures.activation(function, bias=-10).lines[:3]
    z = plain.get_xdata()
    assert (z[0], z[-1]) == (-6, 16)
    np.testing.assert_allclose(plain.get_ydata(), values(z), rtol=1e-12)
    np.testing.assert_allclose(shifted.get_ydata(), values(z - 10), rtol=1e-12)
    np.testing.assert_allclose(slope.get_ydata(), slopes(values(z)), rtol=1e-9, atol=1e-12)
    assert plain.get_label() == f"{name}(z)"
    assert shifted.get_label() == f"{name}(z {MINUS} 10)"
    assert slope.get_label() == f"slope of {name}(z)"


def test_the_way_between_the_curves_is_marked_with_the_bias():
    ax = pictures.activation(sigmoid, bias=3)
    assert "bias +3" in [text.get_text() for text in ax.texts]
    assert ax.lines[1].get_label() == "sigmoid(z + 3)"
    assert ax.get_title() == "The activation sigmoid and a bias of 3"


def test_without_bias_and_slope_there_is_one_curve_between_its_bounds():
    ax = pictures.activation(np.tanh, bias=0, slope=False, bounds=(-1, 2))
    (curve,) = ax.lines
    assert ax.get_xlim() == (curve.get_xdata()[0], curve.get_xdata()[-1]) == (-1, 2)
    assert ax.get_title() == "The activation tanh"


@pytest.mark.parametrize(
    ("function", "options", "message"),
    [
        (softmax, {}, "softmax mixes the numbers"),
        (lambda z: z - z.mean(), {}, "<lambda> mixes the numbers"),
        (lambda z: z / z.max(), {}, "<lambda> mixes the numbers"),
        (np.sum, {}, r"returned shape \(\) for \(601,\)"),
        (sigmoid, {"bounds": (2, 1)}, r"from a low to a high number, .* found \(2, 1\)"),
        (sigmoid, {"bias": np.nan}, "finite number as the bias, found nan"),
        (sigmoid, {"bounds": ((1, 2), 3)}, r"low to a high number, .* found \(\(1, 2\), 3\)"),
    ],
)
def test_what_is_no_function_of_one_number_has_no_curve(function, options, message):
    with pytest.raises(ValueError, match=message):
        pictures.activation(function, **options)
    assert plt.get_fignums() == []


def test_a_function_without_values_somewhere_has_a_curve_elsewhere():
    ax = pictures.activation(np.sqrt, bias=0, slope=False, bounds=(-6, 6))
    (curve,) = ax.lines
    z = curve.get_xdata()
    np.testing.assert_array_equal(curve.get_ydata(), [np.sqrt(x) if x >= 0 else np.nan for x in z])


# All pictures


def square(x):
    return np.sum(x**2)


def single_pictures(ax):
    layer = nn.Linear(4, 2)
    return {
        "network": lambda: pictures.network(layer, np.ones(4), ax=ax),
        "cost": lambda: pictures.cost_of_example([0.5], [1.0], ax=ax),
        "activation": lambda: pictures.activation(sigmoid, ax=ax),
        "descent_1d": lambda: pictures.descent_1d(square, 1.0, steps=3, ax=ax),
        "landscape": lambda: pictures.landscape(layer, lambda _: 1.0, points=3, ax=ax),
    }


def array_pictures(ax):
    return {
        "weights": lambda: pictures.weights(nn.Linear(4, 2), (2, 2), ax=ax),
        "descent_2d": lambda: pictures.descent_2d(square, [1.0, 2.0], steps=3, ax=ax),
    }


@pytest.mark.parametrize("name", [*single_pictures(None), *array_pictures(None)])
def test_a_picture_without_axes_is_one_new_figure(name):
    before = plt.figure()
    axes = (single_pictures(None) | array_pictures(None))[name]()
    figures = {each.figure for each in np.ravel(axes)}
    assert len(plt.get_fignums()) == 2
    assert before not in figures
    assert figures == {plt.gcf()}


@pytest.mark.parametrize("name", single_pictures(None))
def test_a_picture_in_given_axes_returns_them_and_leaves_pyplot_alone(name):
    ax = Figure().subplots()
    assert single_pictures(ax)[name]() is ax
    assert ax.has_data()
    assert ax.get_title()
    assert plt.get_fignums() == []


@pytest.mark.parametrize("name", array_pictures(None))
def test_a_picture_of_several_axes_makes_them_inside_the_one_given(name):
    ax = Figure().subplots()
    found = array_pictures(ax)[name]()
    assert [*found] == [*ax.child_axes]
    assert ax.get_title()
    assert plt.get_fignums() == []


@pytest.mark.parametrize("name", [*single_pictures(1), *array_pictures(1)])
def test_what_is_no_axes_is_refused(name):
    for wrong in (1, Figure()):
        with pytest.raises(TypeError, match=r"take one from plt\.subplots\(\)"):
            (single_pictures(wrong) | array_pictures(wrong))[name]()
    assert plt.get_fignums() == []


@pytest.mark.parametrize("name", sorted(single_pictures(1).keys() - {"landscape"}))
def test_a_picture_in_the_plane_refuses_axes_in_three_dimensions(name):
    ax = Figure().add_subplot(projection="3d")
    with pytest.raises(TypeError, match=r"found Axes3D: take one from plt\.subplots\(\)"):
        single_pictures(ax)[name]()


def test_a_surface_refuses_axes_in_the_plane():
    with pytest.raises(TypeError, match=r"found Axes: take one from .*projection='3d'"):
        pictures.descent_2d(lambda p: p[0] ** 2 + p[1] ** 2, [1.0, 2.0], ax=Figure().subplots(1, 2))


@pytest.mark.parametrize("name", array_pictures(None))
def test_a_wrong_number_of_axes_is_refused(name):
    with pytest.raises(TypeError, match="found ax= with 3: pass a single Axes"):
        array_pictures(Figure().subplots(1, 3))[name]()


BLOCKER = """
import sys
sys.modules["matplotlib"] = None  # as if it were not installed
import nn
try:
    {}
except ImportError as error:
    print(error)
"""


@pytest.mark.parametrize("line", ["import nn.pictures", "from nn import pictures"])
def test_without_matplotlib_one_sentence_names_the_extra_and_nn_works(line):
    program = [sys.executable, "-c", BLOCKER.format(line)]
    done = subprocess.run(program, capture_output=True, text=True, check=True)
    assert done.stdout == (
        "nn.pictures draws with matplotlib, which is not installed: pip install matplotlib\n"
    )


def test_pictures_can_be_reached_from_nn_itself():
    code = "import nn; print(nn.pictures.weights.__name__); nn.nothing"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "weights\n"
    assert "AttributeError: module 'nn' has no attribute 'nothing'" in done.stderr


def test_nn_alone_does_not_load_matplotlib():
    program = "import sys, nn; print('matplotlib' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"


def test_all_is_what_is_exported():
    public = {
        name
        for name, value in vars(pictures).items()
        if not name.startswith("_") and not hasattr(value, "__path__") and callable(value)
    }
    assert public == set(pictures.__all__)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (nn.ReLU, "found the class ReLU, not an object of it"),
        (nn.MSELoss(), "found a MSELoss"),
        (lambda z, bias: z + bias, r"found the function <lambda>\(z, bias\)"),
        (math.tanh, r"made of NumPy's functions; tanh can't take an array of shape \(601,\): "),
        (nn.Linear(3, 3), r"Linear can't take an array of shape \(601,\): linear multiplies"),
    ],
)
def test_what_takes_no_array_of_numbers_is_no_activation(function, message):
    with pytest.raises((TypeError, ValueError), match=message):
        pictures.activation(function)


def test_a_list_is_no_bias():
    with pytest.raises(TypeError, match=r"a finite number as the bias, found \[1, 2\]"):
        pictures.activation(sigmoid, bias=[1, 2])


def test_an_error_that_needs_more_than_a_message_is_told_all_the_same():
    def broken(z):
        raise json.JSONDecodeError("no text", "", 0)

    with pytest.raises(ValueError, match=r"broken can't take an array of shape \(601,\): no text"):
        pictures.activation(broken)


def test_whole_numbers_of_numpy_are_a_shape_too():
    side = np.int64(2)
    assert len(pictures.weights(nn.Linear(4, 3), (side, side))) == 3


def test_a_name_in_the_place_of_an_activation_is_refused():
    with pytest.raises(TypeError, match=r"function of one number.*found 'sigmoid'"):
        pictures.activation("sigmoid")
