"""Large graphs: they fold by themselves, say what they folded, and keep to `max_nodes`."""

import re
import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import nn
from autograd_mini import Tensor
from autograd_mini.drawing import draw
from autograd_mini.drawing.folding import Folding
from autograd_mini.drawing.nodes import in_order
from autograd_mini.drawing.places import find_places
from tests.test_drawing import leaf
from tests.test_random_graphs import Program, programs

RNG = np.random.default_rng(0)


def recurrent(steps, hidden=3):
    """Return the cost of a recurrent network of plain operations, 4 to a step."""
    u, w = leaf(RNG.normal(size=(2, hidden)), "U"), leaf(RNG.normal(size=(hidden, hidden)), "W")
    h: Any = np.zeros((1, hidden))
    for _ in range(steps):
        h = np.tanh(np.ones((1, 2)) @ u + h @ w)
    return h.sum()


class Cell(nn.Module):
    def __init__(self, n):
        self.inner, self.outer = nn.Linear(2, n, rng=RNG), nn.Linear(n, n, rng=RNG)

    def forward(self, x, h):
        return np.tanh(self.inner(x) + self.outer(h))


def recurrent_of_modules(steps):
    cell, h = Cell(3), np.zeros((1, 3))
    for _ in range(steps):
        h = cell(np.ones((1, 2)), h)
    return h.sum()


def lines_of_code(count):
    """Return the result of as many different lines."""
    functions = ("np.sin", "np.cos", "np.tanh", "np.arctan", "2.0 *", "x.reshape(1, 2) @")
    choices = np.random.default_rng(0).integers(0, len(functions) - 1, count)
    code = "\n".join(f"y = {functions[i]}(y)" for i in choices)
    space = {"np": np, "y": leaf([0.5, 1.0])}
    exec(compile(code, "many_lines.py", "exec"), space)  # the lines above
    return space["y"].sum()


def wide(count):
    """Return the sum of the results of as many different calls, side by side."""
    parts = [np.sin(leaf(float(i))) if i % 2 else np.cos(leaf(float(i))) for i in range(count)]
    return np.stack(parts).sum()


def shown(output, **options):
    scene = draw(output, **options).scene
    return len(scene.marks), scene.notes


def check_whole(output, max_nodes, depth=None):
    """Check that every node of a graph has a mark, and every mark its nodes."""
    nodes = in_order(output)
    places, where = find_places(nodes)
    folding = Folding(nodes, places, where, depth, max_nodes)
    members = [node for mark in folding.shown for node in mark.members]
    assert sorted(map(id, members)) == sorted(map(id, nodes))
    for mark in folding.shown:
        assert mark.node in mark.members or folding.stand_ins.of(mark.node) is mark.node
        assert all(folding.mark_of[node] is mark for node in mark.members)
    assert len(folding.shown) <= max(max_nodes, 1)
    drawn = {(tail, head) for tail, head, *_ in folding.arrows()}
    for node in nodes:
        for _, source in node.inputs:
            ends = folding.mark_of[source], folding.mark_of[node]
            assert ends in drawn or ends[0] is ends[1]


GRAPHS = {
    "operations": lambda: recurrent(30),
    "modules": lambda: recurrent_of_modules(30),
    "lines": lambda: lines_of_code(100),
    "wide": lambda: wide(50),
    "small": lambda: leaf(2.0) * 3,
}


@pytest.mark.parametrize("max_nodes", [1, 2, 3, 4, 5, 6, 7, 9, 12, 20, 50, 1_000])
@pytest.mark.parametrize("name", GRAPHS)
def test_there_are_no_more_marks_than_asked_for_and_nothing_is_lost(name, max_nodes):
    output = GRAPHS[name]()
    check_whole(output, max_nodes)
    assert shown(output, max_nodes=max_nodes)[0] <= max_nodes


@given(programs(), st.integers(1, 12))
def test_random_programs_keep_to_any_number_of_marks(program: Program, max_nodes):
    _, output = program.recorded()
    check_whole(output, max_nodes)


@pytest.mark.parametrize("max_nodes", [1, 3, 8, 30])
@pytest.mark.parametrize("name", GRAPHS)
def test_the_backward_pass_and_colours_of_a_folded_graph_are_drawn(name, max_nodes):
    output = GRAPHS[name]()
    scene = draw(
        output, max_nodes=max_nodes, grads=True, backward=True, color="gradient", legend=True
    ).scene
    ids = {mark.id for mark in scene.marks}
    assert len(ids) == len(scene.marks) <= 2 * max_nodes
    assert all(arrow.tail in ids and arrow.head in ids for arrow in scene.arrows)


def test_a_small_graph_is_shown_whole_and_nothing_is_said():
    assert shown(recurrent(10)) == (54, ())


def test_the_steps_of_a_long_loop_are_shown_once_and_it_says_so():
    marks, notes = shown(recurrent(2_500))
    assert marks == 9
    assert notes == (
        "dashed arrows run from one repetition to the next",
        "of what repeats, the first is shown",
        "12,504 nodes, 9 shown",
    )
    times = [mark.lines[0] for mark in draw(recurrent(2_500)).scene.marks if mark.lines]
    assert times.count("x 2,500") == 5


def test_a_cell_called_many_times_is_one_box():
    scene = draw(recurrent_of_modules(2_500)).scene
    assert [box.title for box in scene.boxes] == [
        "Cell x 2,500",
        "inner: Linear",
        "outer: Linear",
    ]
    assert len(scene.marks) == 11


def test_deep_modules_are_closed_before_lines_are_folded():
    model = nn.Sequential(*(nn.Linear(n, n + 1, rng=RNG) for n in range(1, 9)))
    count, notes = shown(model(np.ones((1, 1))).sum(), max_nodes=20)
    assert count == 10
    assert notes == ("modules deeper than depth=1 are folded", "26 nodes, 10 shown")


def test_modules_are_closed_no_deeper_than_it_takes():
    inner = [nn.Sequential(nn.Linear(n, n + 1, rng=RNG), nn.Tanh()) for n in range(1, 6)]
    out = nn.Sequential(*inner)(np.ones((1, 1))).sum()
    found = {most: shown(out, max_nodes=most) for most in (30, 14, 8, 3)}
    assert {most: notes[0] for most, (_, notes) in found.items() if notes} == {
        14: "modules deeper than depth=2 are folded",
        8: "modules deeper than depth=1 are folded",
        3: "modules deeper than depth=0 are folded",
    }


def test_all_calls_of_a_line_are_one_mark_where_nothing_repeats_in_a_row():
    x, y = leaf(np.ones(3), "x"), leaf(np.ones(3))
    for i in range(60):
        y = y * x[: 1 + i % 3].sum() if i * i % 7 else np.sin(y)
    count, notes = shown(y.sum(), max_nodes=20)
    assert count <= 20
    assert "lines are shown as one each" in notes[1]


def test_of_three_thousand_lines_those_that_follow_each_other_are_one():
    count, notes = shown(lines_of_code(3_000))
    assert 100 < count <= 300
    assert any("calls that follow each other are shown as one" in note for note in notes)
    marks = draw(lines_of_code(3_000), max_nodes=9).scene.marks
    folded = [mark for mark in marks if mark.kind == "folded"]
    assert sum(int(mark.title.split()[0].replace(",", "")) for mark in folded) == 3_000
    assert marks[-1].kind == "output"
    assert "many_lines.py, line 1" in folded[0].tooltip
    *told, rest = folded[0].lines
    assert all(re.fullmatch(r"np\.(sin|cos|tanh|arctan|multiply) x [\d,]+", line) for line in told)
    assert (len(told), rest) == (3, "...")


def test_three_thousand_values_side_by_side_are_drawn():
    assert shown(wide(3_000))[0] <= 300


def test_a_graph_with_one_mark_counts_its_operations():
    cost = recurrent(100)
    (mark,) = draw(cost, max_nodes=1).scene.marks
    assert mark.title == "401 operations"
    assert mark.lines == (
        *("np.matmul x 200", "np.add x 100", "np.tanh x 100", "..."),
        f"the output: {cost.item():.4g}",
    )


def test_a_loop_that_ends_in_the_output_tells_what_came_out():
    w = leaf(0.9, "w")
    h = w * 1.0
    for _ in range(30):
        h = np.tanh(w * h) + 0.1
    scene = draw(h, max_nodes=10, grads=True, backward=True).scene
    (mark,) = [mark for mark in scene.marks if mark.kind == "output"]
    assert mark.lines[0] == "x 30"
    assert mark.lines[-1] == f"the output: {h.item():.4g}"
    assert mark.gradient != ()
    assert "the output" not in draw(h, max_nodes=10, values=False).source


def test_what_goes_into_another_repetition_is_not_said_to_go_into_the_first():
    x = leaf(1.0, "x")
    h = x
    for _ in range(6):
        h = h + np.tanh(h * 0.5)
    cost = np.exp(-h)
    scene = draw(cost, max_nodes=8, backward=True).scene
    into = {arrow.head: arrow.text for arrow in scene.arrows if arrow.tail == "grad np.negative"}
    assert [*into.values()] == [""]


@pytest.mark.parametrize("max_nodes", [None, 0, -1, 2.5, "many"])
def test_max_nodes_is_a_whole_number(max_nodes):
    with pytest.raises(ValueError, match="max_nodes is a whole number from 1 on, found "):
        draw(leaf(1.0) * 2, max_nodes=max_nodes)


@pytest.mark.parametrize(
    "make",
    [lambda: recurrent(2_500), lambda: recurrent_of_modules(2_000), lambda: lines_of_code(3_000)],
)
def test_ten_thousand_operations_are_drawn_in_seconds(make):
    output = make()
    start = time.process_time()
    draw(output, backward=True, color="gradient")
    assert time.process_time() - start < 20  # one, on a quiet machine


def is_linear(make, small, large, **options):
    """Return whether a graph of `large` steps takes no longer than linear time, or how long."""
    seconds = []
    for steps in (small, large):
        output = make(steps)
        start = time.process_time()
        draw(output, **options)
        seconds.append(time.process_time() - start)
    return seconds[1] / seconds[0] < 2.5 * large / small


@pytest.mark.parametrize("make", [recurrent, recurrent_of_modules, lines_of_code, wide])
@pytest.mark.parametrize("options", [{}, {"max_nodes": 10**6}], ids=["folded", "whole"])
def test_time_grows_with_the_graph_and_no_faster(make, options):
    # Of 6 times as much quadratic time makes 36; a shared machine deserves another chance.
    assert any(is_linear(make, 200, 1_200, **options) for _ in range(5))


@pytest.mark.slow
def test_the_text_of_100_000_operations_takes_linear_time():
    def seconds(operations):
        y = leaf(np.ones(2))
        for _ in range(operations):
            y = -y
        start = time.process_time()
        picture = draw(y, max_nodes=10**6)
        assert len(picture.scene.marks) == operations + 1
        assert len(picture.body) == 2 * operations + 1
        return time.process_time() - start

    # Linear is 5, quadratic 25.
    assert any(seconds(100_000) / seconds(20_000) < 12 for _ in range(3))


def test_inputs_of_a_folded_module_that_repeats_are_no_loop():
    layer = nn.Linear(2, 2)
    out = np.concatenate([layer(Tensor([1.0, i])) for i in range(4)])
    scene = draw(out, depth=0).scene
    assert [arrow.kind for arrow in scene.arrows] == ["data"] * len(scene.arrows)
    assert not any("dashed" in note for note in scene.notes)
