"""Pictures of gradient descent: on a curve, on a surface, and moving."""

import math

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

import nn
from autograd_mini import Tensor
from nn import pictures
from nn.pictures import animation
from nn.pictures.canvas import ORANGE

mpl.use("Agg")
MINUS = "\N{MINUS SIGN}"


@pytest.fixture(autouse=True)
def _no_figure_stays_open():
    yield
    plt.close("all")


def wave(x):
    """Have two minima, near -1.3 and near 1.1."""
    return x**4 - 3 * x**2 + x


def slope_of_wave(x):
    return 4 * x**3 - 6 * x + 1


def bowl(p):
    return p[0] ** 2 + 3 * p[1] ** 2 + p[0] * p[1]


def slope_of_bowl(p):
    return np.array([2 * p[0] + p[1], 6 * p[1] + p[0]])


def by_hand(slope, start, lr, steps):
    """Return the points of gradient descent with a slope that was derived on paper."""
    points = [np.array(start, float)]
    for _ in range(steps):
        points.append(points[-1] - lr * slope(points[-1]))
    return np.array(points)


def drawn(ax, gid):
    return [artist for artist in ax.get_children() if artist.get_gid() == gid]


# The walk


def test_a_descent_is_gradient_descent_by_hand():
    walk = pictures.descend(wave, 2.0, lr=0.02, steps=15)
    expected = by_hand(slope_of_wave, 2.0, 0.02, 15)
    np.testing.assert_allclose(walk.points, expected, rtol=1e-12)
    np.testing.assert_allclose(walk.values, wave(expected), rtol=1e-12)
    np.testing.assert_allclose(walk.gradients, slope_of_wave(expected), rtol=1e-9, atol=1e-12)


def test_a_descent_over_several_numbers_follows_the_whole_gradient():
    walk = pictures.descend(bowl, [2.0, -1.0], lr=0.1, steps=9)
    np.testing.assert_allclose(walk.points, by_hand(slope_of_bowl, [2.0, -1.0], 0.1, 9))
    assert np.all(np.diff(walk.values) < 0)


def test_a_start_of_integers_or_a_tensor_stays_as_it_was():
    start = np.array([2, 1])
    pictures.descend(bowl, start, lr=0.1, steps=2)
    assert start.tolist() == [2, 1]


@pytest.mark.parametrize(
    ("f", "start", "lr", "steps", "error", "message"),
    [
        (wave, 2.0, 0.0, 5, ValueError, "lr is a finite number above 0, found 0.0"),
        (wave, 2.0, np.nan, 5, ValueError, "lr is a finite number above 0, found nan"),
        (wave, 2.0, 0.1, 0, ValueError, "steps is a whole number from 1 on, found 0"),
        (wave, np.inf, 0.1, 5, ValueError, "starts at finite numbers, found inf"),
        (wave, "here", 0.1, 5, TypeError, "starts at finite numbers, found 'here'"),
        (wave, 2.0, True, 5, ValueError, "lr is a finite number above 0, found True"),
        (wave, 2.0, "fast", 5, ValueError, "lr is a finite number above 0, found 'fast'"),
        (wave, 2.0, 0.1, 2.5, ValueError, "steps is a whole number from 1 on, found 2.5"),
        (lambda x, y: x + y, [1, 2], 0.1, 5, TypeError, r"such as f\(p\) .* <lambda>\(x, y\)"),
        (3.0, 2.0, 0.1, 5, TypeError, "takes a function of one number, .*, found 3.0"),
    ],
)
def test_what_is_no_descent_is_refused(f, start, lr, steps, error, message):
    with pytest.raises(error, match=message):
        pictures.descend(f, start, lr=lr, steps=steps)


@pytest.mark.filterwarnings("ignore:overflow")
@pytest.mark.filterwarnings("ignore:invalid value")
def test_steps_that_grow_beyond_all_numbers_are_told():
    with pytest.raises(ValueError, match="take a smaller lr than 1"):
        pictures.descent_1d(wave, 3.0, lr=1.0, steps=50)
    assert plt.get_fignums() == []


# On a curve


def test_several_starts_land_in_different_minima():
    ax = pictures.descent_1d(wave, [-2.0, 2.0], lr=0.02, steps=100)
    ends = [line.get_xdata()[-1] for line in drawn(ax, "steps")]
    np.testing.assert_allclose(slope_of_wave(np.array(ends)), 0, atol=1e-6)
    assert ends[0] < -1
    assert ends[1] > 1
    legend = [text.get_text() for text in ax.get_legend().get_texts()]
    assert legend[1] == f"from 2 to {ends[1]:.2f}, f = {wave(ends[1]):.2f}".replace("-", MINUS)


def test_the_steps_drawn_are_those_of_the_descent_and_they_shrink():
    ax = pictures.descent_1d(wave, 2.0, lr=0.02, steps=12)
    (steps,) = drawn(ax, "steps")
    np.testing.assert_allclose(steps.get_xdata(), by_hand(slope_of_wave, 2.0, 0.02, 12))
    lengths = np.abs(np.diff(steps.get_xdata()))
    assert np.all(np.diff(lengths) < 0)
    marks = ax.lines[1]
    np.testing.assert_array_equal(marks.get_xdata(), steps.get_xdata())
    np.testing.assert_allclose(marks.get_ydata(), wave(steps.get_xdata()))


def test_every_point_has_a_line_of_the_slope_that_touches_the_curve_there():
    ax = pictures.descent_1d(wave, [2.0, -2.0], lr=0.02, steps=6)
    tangents = drawn(ax, "slope")
    assert len(tangents) == 2 * 7
    points = np.ravel([by_hand(slope_of_wave, start, 0.02, 6) for start in (2.0, -2.0)])
    for tangent, x in zip(tangents, points, strict=True):
        (left, right), (low, high) = tangent.get_xdata(), tangent.get_ydata()
        np.testing.assert_allclose((high - low) / (right - left), slope_of_wave(x), atol=1e-9)
        np.testing.assert_allclose([(left + right) / 2, (low + high) / 2], [x, wave(x)])


def test_the_curve_is_the_function_over_all_that_is_visited_or_between_the_bounds():
    curve = pictures.descent_1d(wave, [-2.0, 2.0], lr=0.02, steps=3).lines[0]
    np.testing.assert_allclose(curve.get_ydata(), wave(curve.get_xdata()))
    assert curve.get_xdata()[0] < -2
    assert curve.get_xdata()[-1] > 2
    ax = pictures.descent_1d(wave, 1.0, lr=0.02, steps=3, bounds=(-3, 1.5))
    assert ax.get_xlim() == (-3, 1.5)


def test_of_25_starts_no_two_look_the_same():
    ax = pictures.descent_1d(wave, np.linspace(-3, 3, 25), steps=1)
    looks = {(str(line.get_color()), line.get_marker()) for line in drawn(ax, "steps")}
    assert len(looks) == 25


def test_each_start_has_its_own_colour_and_mark():
    ax = pictures.descent_1d(wave, [-2.0, 0.5, 2.0], lr=0.02, steps=3)
    looks = {(line.get_color(), line.get_marker()) for line in drawn(ax, "steps")}
    assert len({colour for colour, _ in looks}) == len({mark for _, mark in looks}) == 3


@pytest.mark.parametrize(
    ("starts", "options", "message"),
    [
        ([], {}, "takes one start or a list of several"),
        ([[1.0]], {}, "takes one start or a list of several"),
        ([1.0], {"bounds": (1, 1)}, r"from a low to a high number, .* found \(1, 1\)"),
    ],
)
def test_starts_and_bounds_that_are_none_are_refused(starts, options, message):
    with pytest.raises(ValueError, match=message):
        pictures.descent_1d(wave, starts, lr=0.01, **options)


@pytest.mark.parametrize("f", [lambda x: 1 / x, lambda x: x - np.log(x)])
def test_where_the_function_has_no_value_the_curve_has_a_gap(f):
    ax = pictures.descent_1d(f, 1.5, bounds=(-2, 2))
    x, y = ax.lines[0].get_data()
    assert np.isnan(y[x == 0]).all()
    assert y[-1] == f(2.0)
    assert np.isfinite(ax.get_ylim()).all()


def test_bounds_without_a_value_of_the_function_are_refused():
    with pytest.raises(ValueError, match="f has no finite value between -3 and -1"):
        pictures.descent_1d(lambda x: x - np.log(x), 1.5, bounds=(-3, -1))
    assert plt.get_fignums() == []


def test_a_surface_has_a_hole_where_the_function_has_no_value():
    surface, contours = pictures.descent_2d(
        lambda p: p[0] - np.log(p[0]) + p[1] ** 2, [1.5, 1.0], bounds=((-1, 2), (-1, 1))
    )
    assert contours.get_xlim() == (-1, 2)
    surface.figure.canvas.draw()


def test_a_flat_function_is_drawn_where_it_stands():
    ax = pictures.descent_1d(lambda x: x * 0 + 2, 1.0, steps=2)
    assert set(ax.lines[0].get_ydata()) == {2}


# On a surface


def test_the_path_on_the_surface_and_between_the_contours_is_the_descent():
    surface, contours = pictures.descent_2d(bowl, [2.0, -1.0], lr=0.1, steps=9)
    points = by_hand(slope_of_bowl, [2.0, -1.0], 0.1, 9)
    (seen,) = contours.lines
    np.testing.assert_allclose(seen.get_xydata(), points)
    x, y, z = surface.lines[0].get_data_3d()
    np.testing.assert_allclose(np.transpose([x, y]), points)
    np.testing.assert_allclose(z, bowl(points.T))
    assert contours.get_title().startswith("9 steps, from f = 5.00 to f = ")


def test_the_arrow_is_the_negative_gradient_at_the_start():
    _, contours = pictures.descent_2d(bowl, [2.0, -1.0], lr=0.1, steps=9)
    (arrow,) = [text for text in contours.texts if text.get_text() == ""]
    np.testing.assert_allclose(arrow.xyann, [2.0, -1.0])
    direction = np.array(arrow.xy) - arrow.xyann
    downhill = -slope_of_bowl(np.array([2.0, -1.0]))
    np.testing.assert_allclose(
        direction / np.linalg.norm(direction), downhill / np.linalg.norm(downhill)
    )
    assert f"{MINUS}∇f" in [text.get_text() for text in contours.texts]


def test_the_path_is_inside_and_the_contours_are_not_distorted():
    _, contours = pictures.descent_2d(bowl, [2.0, -1.0], lr=0.1, steps=9)
    assert contours.get_aspect() == 1
    for (low, high), along in zip(
        (contours.get_xlim(), contours.get_ylim()), contours.lines[0].get_data(), strict=True
    ):
        assert low < along.min()
        assert along.max() < high


def test_bounds_say_what_of_the_surface_is_seen():
    _, contours = pictures.descent_2d(bowl, [2.0, -1.0], bounds=((-3, 4), (-2, 2)))
    assert (contours.get_xlim(), contours.get_ylim()) == ((-3, 4), (-2, 2))


def test_on_a_steep_narrow_surface_the_arrow_stays_at_the_start():
    def banana(p):
        return (1 - p[0]) ** 2 + 100 * (p[1] - p[0] ** 2) ** 2

    surface, _ = pictures.descent_2d(banana, [-1.2, 1.0], lr=0.001, steps=50)
    (arrow,) = [line for line in surface.lines if line.get_color() == ORANGE]
    x, y, z = arrow.get_data_3d()
    assert len(x) == 2
    assert np.ptp(x) < 1
    assert np.ptp(y) < 1
    assert z[0] == banana(np.array([-1.2, 1.0])) > z[1] >= surface.get_zlim()[0]


def test_a_module_is_a_function_to_go_down():
    walk = pictures.descend(nn.Sigmoid(), 3.0, lr=1.0, steps=2)
    assert walk.values[0] > walk.values[-1]


def test_where_there_is_no_slope_there_is_no_arrow():
    _, contours = pictures.descent_2d(bowl, [0.0, 0.0], steps=2)
    assert not contours.texts


def test_two_given_axes_are_drawn_into():
    figure = Figure()
    axes = [figure.add_subplot(121, projection="3d"), figure.add_subplot(122)]
    assert [*pictures.descent_2d(bowl, [2.0, 1.0], ax=axes)] == axes
    assert plt.get_fignums() == []


@pytest.mark.parametrize(
    ("start", "options", "message"),
    [
        (1.0, {}, r"starts at two finite numbers such as \[2.0, 1.0\], found 1.0"),
        ([1.0, 2.0, 3.0], {}, r"starts at two finite numbers .*, found \[1.0, 2.0, 3.0\]"),
        ([1.0, 2.0], {"bounds": ((0, 0), (0, 1))}, "from a low to a high number"),
    ],
)
def test_what_is_no_plane_is_refused(start, options, message):
    with pytest.raises(ValueError, match=message):
        pictures.descent_2d(bowl, start, **options)
    assert plt.get_fignums() == []


# Moving


def test_the_gif_has_a_picture_for_each_point_and_no_two_are_the_same(tmp_path):
    path = tmp_path / "descent.gif"
    pictures.animate_descent_2d(bowl, [2.0, -1.0], path, lr=0.1, steps=4, dpi=30, seconds=0.25)
    with Image.open(path) as gif:
        assert gif.format == "GIF"
        assert gif.n_frames == 5
        assert gif.size == (13 * 30, 6 * 30)
        durations = []
        for number in range(5):
            gif.seek(number)
            durations.append(gif.info["duration"])
        assert durations == [250] * 4 + [animation.HOLD]
    assert [*tmp_path.iterdir()] == [path]
    assert plt.get_fignums() == []


def test_pictures_of_a_descent_that_stands_still_are_all_there(tmp_path):
    path = tmp_path / "descent.gif"
    pictures.animate_descent_2d(bowl, [0.0, 0.0], path, steps=3, dpi=30)
    with Image.open(path) as gif:
        assert gif.n_frames == 4


def test_a_gif_that_fails_leaves_the_old_one_whole(tmp_path, monkeypatch):
    path = tmp_path / "descent.gif"
    path.write_bytes(b"old")
    draw, calls = animation.draw_arrow, []

    def fail(*arguments):
        calls.append(arguments)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return draw(*arguments)

    monkeypatch.setattr(animation, "draw_arrow", fail)
    with pytest.raises(KeyboardInterrupt):
        pictures.animate_descent_2d(bowl, [2.0, 1.0], path, steps=5, dpi=20)
    assert path.read_bytes() == b"old"
    assert [*tmp_path.iterdir()] == [path]


@pytest.mark.parametrize(
    ("name", "options", "error", "message"),
    [
        ("descent.png", {}, ValueError, "writes a GIF, found 'descent.png': end it in .gif"),
        ("nowhere/descent.gif", {}, FileNotFoundError, "its folder does not exist, make it first"),
        ("descent.gif", {"seconds": 0}, ValueError, "seconds and dpi are above 0, found 0 and"),
        ("descent.gif", {"lr": -1}, ValueError, "lr is a finite number above 0, found -1"),
    ],
)
def test_a_gif_that_can_not_be_is_refused_before_anything_is_written(
    tmp_path, name, options, error, message
):
    with pytest.raises(error, match=message):
        pictures.animate_descent_2d(bowl, [2.0, 1.0], tmp_path / name, **options)
    assert not [*tmp_path.iterdir()]


def test_a_function_may_return_a_tensor_of_its_own():
    offset = Tensor(1.0, requires_grad=True)
    pictures.descent_1d(lambda x: x**2 + offset, 1.0, steps=2)
    pictures.descent_2d(lambda p: np.sum(p**2) + offset, [1.0, 2.0], steps=2)
    assert offset.grad is None


@pytest.mark.parametrize("f", [math.sin, lambda x: x * float(x)])
def test_a_function_that_would_lose_its_slope_is_refused(f):
    with pytest.raises(TypeError, match=r"gradient would be lost: .*np\.sqrt for math\.sqrt"):
        pictures.descent_1d(f, [2.0])
    assert plt.get_fignums() == []


@pytest.mark.parametrize("f", [lambda x: math.sin(x.data), lambda x: x.item() ** 2])
def test_a_function_that_leaves_the_graph_is_refused_for_its_slope_is_wrong(f):
    with pytest.raises(ValueError, match=r"can't go along this f: .*np\.sin\(x\) instead of"):
        pictures.descent_1d(f, [2.0])
    with pytest.raises(ValueError, match="can't go along this f: "):
        pictures.descent_2d(lambda p: f(p[0]) + p[1] ** 2, [2.0, 1.0])
    assert plt.get_fignums() == []


def test_a_flat_function_may_return_a_bare_number_and_a_start_may_be_a_kink():
    walk = pictures.descend(lambda x: 3.0, 2.0, lr=0.1, steps=2)
    np.testing.assert_array_equal(walk.points, [2.0, 2.0, 2.0])
    walk = pictures.descend(np.abs, 0.0, lr=0.1, steps=2)
    np.testing.assert_array_equal(walk.points, [0.0, 0.0, 0.0])


def test_a_path_that_is_none_is_refused():
    with pytest.raises(TypeError, match=r"\(f, start, path\) writes a file, found \[2.0, 1.0\]"):
        pictures.animate_descent_2d(bowl, "descent.gif", [2.0, 1.0])
