"""Colours by what is asked: the numbers behind them by hand, their order, and what they cost."""

import re
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

import nn
from autograd_mini import defvjp, primitive
from autograd_mini.drawing import draw
from autograd_mini.drawing.dot import LOOKS
from autograd_mini.drawing.paint import BELOW, BLANK, MEASURES, SCALE
from tests.test_drawing import leaf

SIGMOID, RELU = nn.functional.sigmoid, nn.functional.relu


def painted(output, color, **options):
    """Return what every mark was painted by, and its colour, by its title."""
    marks = draw(output, color=color, **options).scene.marks
    return {mark.title: (mark.tooltip.splitlines()[-1:], mark.fill) for mark in marks}


def number(output, color, title, **options):
    (told,), _ = painted(output, color, **options)[title]
    return told


# The numbers.


@pytest.mark.parametrize(
    ("function", "values", "share"),
    [
        (SIGMOID, [0.0, 5.0, -5.0, 2.0], 50),  # slopes 1/4, .0066, .0066, .105
        (SIGMOID, [0.0, 1.0], 0),
        (np.tanh, [0.0, 3.0, -3.0, 9.0, 1.0], 60),  # slopes 1, .0099, .0099, 0, .42
        (RELU, [-1.0, 0.0, 2.0, 3.0], 50),
        (nn.functional.softmax, [100.0, 0.0, 0.0], 100),
        (nn.functional.softmax, [0.0, 0.0], 0),
    ],
)
def test_saturation_is_the_share_of_elements_without_a_slope(function, values, share):
    y = function(leaf(values))
    found = draw(y.sum(), color="saturation").scene.marks
    told = [mark.tooltip.splitlines()[-1] for mark in found if mark.fill != BLANK]
    assert told == [f"{share}% saturated"]


def test_the_gradient_of_a_node_is_told_by_its_root_mean_square():
    x = leaf([1.0, 7.0], "x")
    out = (x * x).sum()
    assert number(out, "gradient", "x") == "gradient 10, root mean square"  # of 2 and 14
    assert number(out, "gradient", "np.multiply") == "gradient 1, root mean square"


def test_the_value_of_a_node_is_told_by_its_mean():
    x = leaf([1.0, -4.0], "x")
    found = painted((x * 2 + 5.5).sum(), "value")
    assert found["x"] == (["mean -1.5"], BELOW[1])
    assert found["np.multiply"] == (["mean -3"], BELOW[2])
    assert found["np.sum"] == (["mean 5"], SCALE[-1])
    assert found["2"][0] == ["mean 2"]


def test_memory_is_told_in_bytes_and_a_view_has_none_of_its_own():
    x = leaf(np.ones((4, 8), np.float32), "x")
    found = painted(np.exp(x.T).sum(), "memory")
    assert found["x"][0] == ["128 bytes"]
    assert found["np.transpose"] == (["0 bytes"], BLANK)
    assert found["np.exp"][0] == ["128 bytes"]
    assert found["np.sum"][0] == ["4 bytes"]


def test_time_is_told_in_microseconds_and_a_large_product_takes_longest():
    x = leaf(np.ones((200, 200)), "x")
    found = painted(((x @ x)[0, 0] + 1) * 2, "time")
    told = {
        title: float(re.fullmatch(r"([\d,.e+]+) µs", n[0])[1].replace(",", ""))
        for title, (n, fill) in found.items()
        if fill != BLANK
    }
    assert set(told) == {"np.matmul", "getitem", "np.add", "np.multiply"}
    assert all(value > 0 for value in told.values())
    assert max(told, key=told.get) == "np.matmul"
    assert found["np.matmul"][1] == SCALE[-1]


# The colours.


def rank(fill):
    return ([*BELOW[::-1], *SCALE]).index(fill)


@pytest.mark.parametrize("color", ["gradient", "value", "memory"])
def test_more_is_never_lighter(color):
    x = leaf(np.ones(2), "x")
    scales = [leaf(np.full(n, 10.0**k)) for n, k in ((2, -3), (4, 0), (40, 1), (400, 3))]
    out: Any = x.sum()
    for scale in scales:
        out = out + (x[0] * scale).sum()
    scene = draw(out, color=color).scene
    numbers = []
    for mark in scene.marks:
        told = mark.tooltip.splitlines()[-1] if mark.fill != BLANK else "0"
        found = re.search(r"-?\d[\d,.]*(e[+-]\d+)?", told)[0].replace(",", "")
        numbers.append((float(found), mark.fill))
    shown = sorted((n, rank(fill)) for n, fill in numbers if fill != BLANK)
    assert len(shown) > 5
    assert all(one[1] <= other[1] for one, other in pairwise(shown))


def test_a_gradient_of_zero_and_what_has_none_stay_white_and_an_overflow_is_dark():
    x, unused = leaf([1.0, 2.0], "x"), np.ones(2)
    found = painted((RELU(x - 5) * unused).sum(), "gradient")
    assert found["x"][1] == BLANK
    assert found["input"][1] == BLANK
    with np.errstate(over="ignore"):
        huge = leaf(1e200, "x") ** 2 * 1e300
        assert painted(huge, "gradient")["x"][1] == SCALE[-1]


def test_the_legend_tells_every_colour_of_the_scale():
    x = leaf([1.0, 7.0], "x")
    legend = dict(draw(SIGMOID(x).sum(), color="saturation").scene.legend)
    assert legend == {
        SCALE[0]: "0% saturated",
        SCALE[1]: "25% saturated",
        SCALE[2]: "50% saturated",
        SCALE[3]: "75% saturated",
        SCALE[4]: "100% saturated",
    }
    kinds = [what for what, _ in draw(x * 2, color="value", legend=True).scene.legend]
    assert kinds == ["parameter", "constant", "output", BELOW[-1], SCALE[0], SCALE[-1]]


def test_every_colour_is_in_the_picture():
    x = leaf([-9.0, 0.0], "x")
    picture = draw(SIGMOID(x).sum(), color="saturation", legend=True)
    (fill,) = [mark.fill for mark in picture.scene.marks if mark.title == "sigmoid"]
    assert fill == SCALE[2]
    assert f'fillcolor="{fill}"' in picture.source
    assert f'bgcolor="{fill}"' in picture.source


def test_of_zeros_alone_the_scale_has_one_step():
    legend = draw((leaf([0.0, 0.0]) ** 2).sum(), color="value").scene.legend
    assert legend == ((SCALE[0], "mean 0"),)


def test_the_scale_is_that_of_what_is_shown_whatever_closed_boxes_would_be():
    model = nn.Sequential(*[nn.Linear(8, 8) for _ in range(2)])
    scene = draw(model(np.ones((1, 8))).sum(), model=model, color="memory").scene
    assert scene.legend[-1] == (SCALE[-1], f"{8 * 64:,} bytes")
    assert {box.folded.fill for box in scene.boxes} == {SCALE[-1]}


def test_under_a_scale_kinds_have_no_colour_in_the_legend_but_their_outline():
    legend = draw(leaf(1.0) * 2, color="value", legend=True).source.partition("legend [")[2]
    cells = re.findall(r'bgcolor="([^"]*)" border="1" color="([^"]*)"', legend)
    kinds = ("parameter", "constant", "output")
    assert cells[:3] == [("white", LOOKS[kind]["color"]) for kind in kinds]
    assert BLANK not in dict(cells[3:])


@pytest.mark.parametrize(
    ("color", "word"),
    [
        ("saturation", "the most in it"),
        ("gradient", "the least in it"),
        ("value", "the mean of all in it"),
        ("memory", "the sum of all in it"),
    ],
)
def test_a_note_says_what_the_colour_of_a_folded_node_is(color, word):
    model = nn.Sequential(nn.Linear(2, 2), nn.Sigmoid(), nn.Linear(2, 2), nn.Sigmoid())
    cost = model(np.ones((1, 2))).sum()
    told = f"what is folded has the colour of {word}"
    assert told in draw(cost, model=model, color=color, depth=0).scene.notes
    assert told not in draw(cost, model=model, color=color).scene.notes


def test_without_a_colour_no_mark_is_painted():
    assert not any(mark.fill for mark in draw(leaf(1.0) * 2).scene.marks)
    with pytest.raises(ValueError, match=r"color is one of saturation, gradient, .* found 'red'"):
        draw(leaf(1.0) * 2, color="red")


# Marks that stand for several nodes.


class Saturated(nn.Module):
    def forward(self, x):
        return SIGMOID(SIGMOID(x) * 100)


def test_a_folded_module_is_as_saturated_as_the_worst_in_it():
    out = Saturated()(leaf([0.0, 1.0])).sum()
    assert number(out, "saturation", "Saturated", depth=0) == "100% saturated, the most in it"


def test_the_bytes_of_a_folded_module_are_those_of_all_in_it():
    model = nn.Linear(3, 2, rng=np.random.default_rng(0))
    out = model(np.ones((5, 3))).sum()
    assert (
        number(out, "memory", "Linear", depth=0)
        == f"{8 * (6 + 2 + 10)} bytes, the sum of all in it"
    )


def test_the_gradient_of_a_folded_module_is_the_least_in_it():
    class Module(nn.Module):
        def forward(self, x):
            return (x * 10) * 0.001

    out = Module()(leaf(1.0, "x")) * 2
    told = number(out, "gradient", "Module", depth=0)
    assert told == "gradient 0.002, root mean square, the least in it"


def test_the_time_of_calls_that_repeat_is_that_of_all():
    out: Any = leaf(np.ones((100, 100)))
    for _ in range(50):
        out = out @ np.eye(100)
    told = number(out.sum(), "time", "out = np.matmul", max_nodes=10)
    assert told.endswith("µs, the sum of all in it")


# Nothing is disturbed.


def drawing_random_numbers(calls):
    @primitive
    def noisy(x):
        calls.append("called")
        return x * 1.0

    defvjp(noisy, lambda g, out, x: g)
    return noisy


def test_painting_by_time_runs_no_primitive_of_the_users_own():
    calls: list[str] = []
    out = drawing_random_numbers(calls)(leaf([1.0, 2.0], "x") * 3).sum()
    found = painted(out, "time")
    assert calls == ["called"]
    assert found["noisy"][1] == BLANK
    assert found["np.multiply"][1] != BLANK


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("color", MEASURES)
def test_painting_warns_of_nothing_and_changes_nothing(color):
    rng = np.random.default_rng(0)
    x = leaf([0.0, -1.0, 3.0], "x")
    model = nn.Sequential(nn.Dropout(0.5, rng=rng), nn.Linear(3, 3, rng=rng), nn.Tanh())
    with np.errstate(all="ignore"):
        out = (np.log(x) * 1e308 * 1e5).sum() + model(x).sum()
    state = rng.bit_generator.state
    before = [x.data.tobytes(), out.data.tobytes()]
    draw(out, color=color)
    assert rng.bit_generator.state == state
    assert [x.data.tobytes(), out.data.tobytes()] == before
    assert x.grad is None


@pytest.mark.parametrize("color", ["saturation", "value", "time", "memory"])
def test_a_value_that_was_written_since_is_painted_as_it_is(color):
    x = leaf([1.0, 2.0], "x")
    out = SIGMOID(x * x).sum()
    x.data = np.array([5.0, 6.0])
    assert painted(out, color)


def booleans():
    return np.where(np.array([True] * 8), leaf(np.ones(8)), 0.0)


def integers():
    return leaf([1.0, 2.0]) * np.array([2**62, -(2**63)])


STRANGE: dict[str, Any] = {
    "empty": lambda: leaf(np.zeros((0, 2))).sum() + 1.0,
    "complex": lambda: np.sum(np.abs(np.tanh(leaf(np.array([1 + 2j]))))),
    "several results": lambda: np.sum(np.split(leaf(np.arange(4.0)), 2)[0]),
    "nan and infinity": lambda: np.sum(leaf([np.nan, np.inf, 1.0]) * 2),
    "huge": lambda: np.max(leaf([1.7e308] * 8) * 1.0),
    "integers": lambda: np.sum(integers()),
    "booleans": lambda: np.sum(booleans()),
    "half": lambda: np.max(leaf(np.full(8, 60_000, np.float16))),
    "a number": lambda: leaf(np.float64(2.0)) * np.float32(3.0),
    "one element": lambda: leaf([[2.0]]) * 2,
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("color", MEASURES)
@pytest.mark.parametrize("name", STRANGE)
def test_strange_values_are_painted_without_a_warning(name, color):
    marks = draw(STRANGE[name](), color=color, legend=True).scene.marks
    assert all(mark.fill in {BLANK, *SCALE, *BELOW} for mark in marks)


def test_a_call_that_would_refuse_what_its_argument_holds_now_has_no_time():
    x = leaf(np.eye(2))
    y = np.linalg.inv(x).sum()
    x.data = np.zeros((2, 2))
    found = painted(y, "time")
    assert found["np.linalg.inv"][1] == BLANK
    assert found["y = np.sum"][1] != BLANK


def test_the_smallest_complex_gradient_is_painted():
    x = leaf(np.full(3, 1 + 0j))
    cost = np.real(x * 5e-324).sum()
    assert number(cost, "gradient", "parameter") == "gradient 4.9e-324, root mean square"


def test_complex_numbers_have_no_value_to_be_painted_by():
    x = leaf(np.array([1.0 + 4.0j]))
    marks = draw(np.abs(x * 2).sum(), color="value").scene.marks
    assert {mark.fill for mark in marks if "complex" in " ".join(mark.lines)} == {"#ffffff"}


def test_the_gradient_of_nothing_says_nothing():
    marks = draw(leaf(np.empty((0, 2))).sum(), grads=True).scene.marks
    assert [mark.gradient for mark in marks] == [(), ("grad 1",)]
