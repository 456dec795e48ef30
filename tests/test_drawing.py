"""The recorded graph as DOT text: golden texts, one text on every run, and nothing disturbed."""

import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import graphviz
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import nn
from autograd_mini import Tensor, gradients, no_grad
from autograd_mini.clock import tick
from autograd_mini.drawing import draw
from autograd_mini.drawing.build import Builder
from autograd_mini.drawing.paint import MEASURES
from tests.golden.pictures_cases import PICTURES

ROOT = Path(__file__).resolve().parent.parent


class Model:
    """What `model=` takes at least."""

    def __init__(self, **parameters):
        self.parameters = parameters

    def named_parameters(self):
        return self.parameters.items()


def leaf(data, name=None):
    return Tensor(data, requires_grad=True, name=name)


def texts(picture):
    """Return what stands in each mark, a list of the lines in it."""
    return [[mark.title, *mark.lines] for mark in picture.scene.marks]


def arrows(picture):
    return [(arrow.tail, arrow.head, arrow.text) for arrow in picture.scene.arrows]


def of_kind(picture, kind):
    return [mark for mark in picture.scene.marks if mark.kind == kind]


def digits_network(rng):
    layers = []
    for n, m in pairwise((784, 16, 16, 10)):
        layers += [nn.Linear(n, m, rng=rng), nn.Sigmoid()]
    return nn.Sequential(*layers).astype(np.float32)


def digits_cost(network, rng, batch=32):
    images = Tensor(rng.random((batch, 784), np.float32), name="images")
    wanted = Tensor(np.eye(10, dtype=np.float32)[rng.integers(0, 10, batch)], name="wanted")
    return nn.MSELoss(reduction="batchmean")(network(images), wanted)


# The pictures in tests/golden/pictures.


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_drawn_as_its_golden_text_says(name):
    text = (ROOT / "tests" / "golden" / "pictures" / f"{name}.dot").read_text()
    assert PICTURES[name]().source == text


def test_every_golden_text_is_of_a_picture():
    found = {path.stem for path in (ROOT / "tests" / "golden" / "pictures").glob("*.dot")}
    assert found == set(PICTURES)


# What was assigned to.


def test_what_was_used_before_an_item_assignment_is_drawn_as_it_was():
    x = leaf([1.0, 2.0], "x")
    t = x * x
    before = t.sum()
    t[0] = x[1]
    marks = draw(before * t.sum()).scene.marks
    assert [(mark.title, mark.lines[-1]) for mark in marks] == [
        ("x", "[1, 2]"),
        ("t = np.multiply", "[1, 4]"),
        ("before = np.sum", "5"),
        ("getitem", "2"),
        ("setitem", "[2, 4]"),
        ("np.sum", "6"),
        ("np.multiply", "30"),
    ]


def test_every_one_of_a_thousand_versions_is_drawn_where_it_was_used():
    t = leaf([1.0, 1.0], "t").copy()
    total = t.sum()
    for i in range(1_000):
        t[0] = t[1] * i
        total = total + t.sum()
    marks = draw(total, max_nodes=10_000).scene.marks
    sums = [float(mark.lines[0]) for mark in marks if mark.title.endswith("np.sum")]
    assert sums == [2.0, *(i + 1.0 for i in range(1_000))]
    assert sum(mark.title == "setitem" for mark in marks) == 1_000


def test_arrays_given_by_keyword_are_drawn_too():
    low = leaf(1.0, "low")
    picture = draw(np.clip(leaf([0.0, 3.0], "x"), a_min=low, a_max=2))
    assert [text[0] for text in texts(picture)] == ["x", "low", "2", "np.clip"]
    assert arrows(picture) == [
        ("x", "np.clip", "a (2,)"),
        ("low", "np.clip", "a_min"),
        ("constant", "np.clip", "a_max"),
    ]


# One text for one computation.

PROGRAM = """
import numpy as np
from autograd_mini.drawing import draw
from autograd_mini.drawing.build import Builder
from autograd_mini.drawing.paint import MEASURES
from tests.golden.pictures_cases import PICTURES
from tests.test_drawing import digits_cost, digits_network

rng = np.random.default_rng(0)
network = digits_network(rng)
cost = digits_cost(network, rng)
picture = draw(cost, model=network, grads=True, backward=True, color="gradient", legend=True)
print(picture.source)
print(draw(cost, max_nodes=5).source)
"""


def run_program(hash_seed, folder):
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-W", "error", "-c", PROGRAM]
    # The command is this interpreter with the program above.
    return subprocess.run(
        command, env=environment, cwd=folder, capture_output=True, check=True
    ).stdout


def test_the_text_is_the_same_in_every_process_folder_and_for_every_hash_seed(tmp_path):
    runs = [("0", ROOT), ("1", ROOT), ("4711", tmp_path), ("random", tmp_path)]
    first, *others = (run_program(seed, folder) for seed, folder in runs)
    assert len(first) > 10_000
    assert all(other == first for other in others)


def test_the_text_of_the_same_computation_is_the_same_later_in_the_process():
    def picture():
        x = leaf(np.arange(4.0), "x")
        return draw((np.exp(x) * 3 - x[np.array([0, 0, 1, 1])]).mean())

    first = picture()
    with np.printoptions(precision=1, formatter={"float": repr}):
        assert picture().source == first.source


def test_a_mark_comes_after_what_it_was_computed_from():
    rng = np.random.default_rng(0)
    scene = draw(digits_cost(digits_network(rng), rng)).scene
    order = {mark.id: place for place, mark in enumerate(scene.marks)}
    assert len(order) == 15
    assert all(order[arrow.tail] < order[arrow.head] for arrow in scene.arrows)


# What is drawn.


def test_the_digits_cost_shows_every_parameter_once_by_its_path():
    rng = np.random.default_rng(0)
    network = digits_network(rng)
    picture = draw(digits_cost(network, rng), model=network)
    found = texts(picture)
    assert isinstance(picture, graphviz.Digraph)
    assert len(found) == 15
    assert len(arrows(picture)) == 3 * 3 + 3 + 2
    for path, parameter in network.named_parameters():
        matching = [text for text in found if text[0] == path]
        assert [text[1] for text in matching] == [f"{parameter.shape} float32"]
    assert len(of_kind(picture, "parameter")) == 6
    assert [text[0] for text in found if text[1].startswith("(32, 784)")] == ["images"]
    assert found[-1][:2] == ["mse_loss", "reduction='batchmean'"]
    assert of_kind(picture, "output") == [picture.scene.marks[-1]]


def test_a_name_comes_before_the_path_and_a_parameter_without_either_says_what_it_is():
    a, b, c = leaf(1.0, "mine"), leaf(2.0), leaf(3.0)
    picture = draw(a * b * c, model=Model(a=a, b=b))
    assert [text[0] for text in texts(picture)] == [
        "mine",
        "b",
        "np.multiply",
        "parameter",
        "np.multiply",
    ]


def test_a_parameter_or_array_used_twice_is_one_node_and_a_number_is_two():
    x, data = leaf([1.0, 2.0], "x"), np.array([3.0, 4.0])
    picture = draw(((x + data) * 2 - (x * data) * 2).sum())
    assert len(of_kind(picture, "parameter")) == len(of_kind(picture, "input")) == 1
    assert len(of_kind(picture, "constant")) == 2
    assert len(arrows(picture)) == 11


@given(st.lists(st.tuples(st.integers(0, 99), st.integers(0, 99)), min_size=1, max_size=30))
def test_nodes_and_edges_are_as_many_as_calls_and_arguments(pairs):
    made: list[tuple[Tensor, tuple[Any, ...]]] = [(leaf(1.0), ())]
    for left, right in pairs:
        chosen = made[left % len(made)], made[right % len(made)]
        made.append((np.maximum(chosen[0][0], chosen[1][0]), chosen))
    pending, reached = [made[-1]], {}
    while pending:
        output, inputs = pending.pop()
        if id(output) not in reached:
            reached[id(output)] = len(inputs)
            pending += inputs
    picture = draw(made[-1][0])
    assert len(picture.scene.marks) == len(reached)
    pairs = {(arrow.tail, arrow.head) for arrow in picture.scene.arrows}
    assert len(picture.scene.arrows) == sum(reached.values()) >= len(pairs)


def test_a_second_derivative_can_be_drawn():
    x = leaf(3.0, "x")
    (slope,) = gradients(x**2, [x], create_graph=True)
    assert texts(draw(slope))[-1] == ["np.multiply", "6"]


# Nothing is disturbed.


def state(tensors):
    return [(t.data.tobytes(), t.grad, t.requires_grad, t.name, t._tick) for t in tensors]


def step(look):
    """Return the gradients of two walks, between which `look` is called."""
    rng = np.random.default_rng(0)
    network = digits_network(rng)
    cost = digits_cost(network, rng)
    cost.backward(retain_graph=True)
    parameters = list(network.parameters())
    before, gradients_before = state([*parameters, cost]), [p.grad for p in parameters]
    calls, ticks = cost._args, tick()
    look(cost, model=network)
    assert tick() == ticks + 1, "a Tensor was made, or a write noted"
    assert cost._args is calls
    for now, then in zip(state([*parameters, cost]), before, strict=True):
        assert now[0] == then[0]
        assert now[1] is then[1]
        assert now[2:] == then[2:]
    cost.backward()
    return [x.tobytes() for x in (*gradients_before, *(p.grad for p in parameters))]


def drawing(**options):
    def look(cost, model):
        draw(cost, model=model, **options)

    return look


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"grads": True},
        {"backward": True, "legend": True},
        *({"color": color} for color in MEASURES),
        {"depth": 0},
        {"max_nodes": 1},
        {"values": False},
    ],
    ids=str,
)
def test_drawing_changes_neither_values_nor_gradients_nor_the_graph(options):
    assert step(drawing(**options)) == step(drawing()) == step(lambda *_, **__: None)


# Large graphs.


def test_a_diamond_60_deep_has_60_nodes_not_two_to_the_60():
    y = leaf(1.0)
    for _ in range(60):
        y = y + y
    assert len(draw(y).scene.marks) == 61


# Where a graph ends.


def test_one_of_several_results_can_be_drawn():
    first, _ = np.split(leaf([1.0, 2.0], "x"), 2)
    marks = draw(first).scene.marks
    assert [(mark.title, mark.kind) for mark in marks] == [
        ("x", "parameter"),
        ("np.split", "operation"),
        ("np.split[0]", "output"),
    ]


def test_the_last_of_several_outputs_is_the_output_also_if_others_come_of_it():
    hidden = leaf(2.0, "x") * 3
    cost = hidden + 1
    builder = Builder([cost, hidden], max_nodes=10)
    assert builder.output.value is hidden
    kinds = {mark.title: mark.kind for mark in builder.scene("LR", legend=False).marks}
    assert kinds["hidden = np.multiply"] == "output"
    assert kinds["cost = np.add"] == "operation"


# What can't be drawn.


@pytest.mark.parametrize("thing", [np.ones(2), 3.0, None, [leaf(1.0) * 2], nn.Linear(2, 1)])
def test_what_is_no_tensor_is_refused(thing):
    with pytest.raises(TypeError, match=f"draw takes the Tensor .* found {type(thing).__name__}"):
        draw(thing)


def test_a_model_without_named_parameters_is_refused():
    wrong: Any = {}
    with pytest.raises(TypeError, match=r"model= .* named_parameters\(\), found dict"):
        draw(leaf(1.0) * 2, model=wrong)


def test_a_tensor_without_a_graph_is_refused_with_the_way_to_a_picture():
    weight = leaf([1.0, 2.0])
    with no_grad():
        unrecorded = weight * 2
    for x in (weight, unrecorded, Tensor([1.0, 2.0]) * 2, (weight * 2).detach()):
        with pytest.raises(RuntimeError, match=r"shape \(2,\).* requires_grad=True"):
            draw(x)


def test_a_released_graph_is_refused_with_the_way_to_a_picture():
    hidden = leaf(2.0) ** 3
    cost = hidden * 2
    cost.backward()
    for x in (cost, hidden, hidden + 1):
        with pytest.raises(
            RuntimeError, match=r"draw or explain before backward\(\), .*retain_graph=True"
        ):
            draw(x)
        with pytest.raises(RuntimeError, match=r"draw or explain before backward\(\)"):
            draw(x.sum(), grads=True)


def test_a_colour_or_a_direction_is_a_word():
    for option in ("color", "direction"):
        with pytest.raises(ValueError, match=rf"{option} is one of .*, found \['x'\]"):
            draw(leaf(2.0) ** 2, **{option: ["x"]})


def test_numbers_and_switches_of_numpy_are_as_good():
    cost = leaf(2.0) ** 2
    found = draw(cost, grads=np.bool_(True), depth=np.int64(1), max_nodes=np.int64(9)).source
    assert found == draw(cost, grads=True, depth=1, max_nodes=9).source


@pytest.mark.parametrize("option", ["grads", "backward", "legend", "values"])
def test_a_switch_is_true_or_false(option):
    with pytest.raises(TypeError, match=f"{option} is True or False, found 'no'"):
        draw(leaf(2.0) ** 2, **{option: "no"})


def test_a_graph_that_was_retained_can_be_drawn_after_backward():
    cost = leaf(2.0) ** 3
    before = draw(cost).source
    cost.backward(retain_graph=True)
    assert draw(cost).source == before


def test_values_written_since_they_were_used_are_told():
    w, x = leaf([1.0, 2.0], "w"), leaf([3.0, 4.0], "x")
    cost = (w * x).sum()
    assert draw(cost).scene.notes == ()
    cost.backward(retain_graph=True)
    w.data -= 0.5
    told = "written since they were used: w; results are those of the old values"
    assert draw(cost).scene.notes == (told,)
    assert told in draw(cost).source
    assert draw((w * x).sum()).scene.notes == ()
