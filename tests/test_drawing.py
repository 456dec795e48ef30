"""The recorded graph as DOT text: golden texts, one text on every run, and nothing disturbed."""

import html
import os
import re
import subprocess
import sys
import time
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

ROOT = Path(__file__).resolve().parent.parent

HEAD = """\
digraph {
	graph [bgcolor=white nodesep=0.3 ranksep=0.4]
	node [class=operation color="#8a8a8a" fillcolor="#f5f5f5" fontcolor="#222222" \
fontname=Helvetica fontsize=12 height=0.3 margin="0.14,0.08" penwidth=1.4 shape=box \
style="rounded,filled"]
	edge [arrowsize=0.7 color="#666666" fontcolor="#666666" fontname=Helvetica fontsize=10]
"""
# The looks of the kinds, to keep the golden texts short.
PARAMETER = 'class=parameter color="#c4560c" fillcolor="#fde6cc" shape=cylinder style=filled'
INPUT = 'class=input color="#1f66a8" fillcolor="#d9e9f8" shape=note style=filled'
CONSTANT = 'class=constant color="#8c8c8c" fillcolor=white margin=0.03 shape=circle'
OUTPUT = (
    'class=output color="#222222" fillcolor="#222222" fontcolor=white peripheries=2 style=filled'
)


class Model:
    """What `model=` takes at least."""

    def __init__(self, **parameters):
        self.parameters = parameters

    def named_parameters(self):
        return self.parameters.items()


def leaf(data, name=None):
    return Tensor(data, requires_grad=True, name=name)


def lines(picture):
    return [line.strip() for line in picture.body]


def nodes(picture):
    return [line for line in lines(picture) if "->" not in re.sub("<.*>", "", line)]


def edges(picture):
    return [line for line in lines(picture) if "->" in re.sub("<.*>", "", line)]


def texts(picture):
    """Return what stands in each node, one string per line of it."""
    found = []
    for line in nodes(picture):
        (label,) = re.findall("label=<(.*)>(?: [a-z]+=.*)?]$", line)
        parts = re.sub("</?b>", "", label).split("<br/>")
        found.append([html.unescape(part) for part in parts])
    return found


def of_kind(picture, kind):
    return [line for line in nodes(picture) if f"class={kind}" in line]


def digits_network(rng):
    layers = []
    for n, m in pairwise((784, 16, 16, 10)):
        layers += [nn.Linear(n, m, rng=rng), nn.Sigmoid()]
    return nn.Sequential(*layers).astype(np.float32)


def digits_cost(network, rng, batch=32):
    images = Tensor(rng.random((batch, 784), np.float32), name="images")
    wanted = Tensor(np.eye(10, dtype=np.float32)[rng.integers(0, 10, batch)], name="wanted")
    return nn.MSELoss(reduction="batchmean")(network(images), wanted)


# Golden texts.


def test_an_expression_of_numbers_is_drawn_as_written_here():
    a, b = leaf(2.0, "a"), leaf(-3.0, "b")
    c = a * b + 10
    c.name = "c"
    assert draw(c / a).source == (
        HEAD
        + f"""\
	n0 [label=<<b>a</b><br/>2> {PARAMETER}]
	n1 [label=<<b>b</b><br/>-3> {PARAMETER}]
	n2 [label=<<b>np.multiply</b><br/>-6>]
	n0 -> n2
	n1 -> n2
	n3 [label=<10> {CONSTANT}]
	n4 [label=<<b>c = np.add</b><br/>4>]
	n2 -> n4 [weight=8]
	n3 -> n4
	n5 [label=<<b>np.divide</b><br/>2> {OUTPUT}]
	n4 -> n5 [label=< x> weight=8]
	n0 -> n5 [label=< y>]
}}
"""
    )


def test_a_small_network_is_drawn_as_written_here():
    weight = leaf(np.array([[1, -2, 0.5], [0, 4, 0.25]], np.float32))
    data = np.arange(12, dtype=np.float32).reshape(4, 3)
    labels = np.array([0, 1, 1, 0], dtype=np.int32)
    hidden = nn.functional.linear(data, weight).tanh()
    cost = nn.functional.cross_entropy(hidden, labels, reduction="sum")
    assert draw(cost, model=Model(**{"layers.0.weight": weight})).source == (
        HEAD
        + f"""\
	n0 [label=<<b>input</b><br/>(4, 3) float32<br/>0 to 11> {INPUT}]
	n1 [label=<<b>layers.0.weight</b><br/>(2, 3) float32<br/>[[1, -2, 0.5], [0, 4, 0.25]]> \
{PARAMETER}]
	n2 [label=<<b>linear</b><br/>(4, 2) float32<br/>-5.5 to 42.8>]
	n0 -> n2 [label=< x>]
	n1 -> n2 [label=< weight>]
	n3 [label=<<b>np.tanh</b><br/>(4, 2) float32<br/>-1 to 1>]
	n2 -> n3 [weight=8]
	n4 [label=<<b>input</b><br/>(4,) int32<br/>[0, 1, 1, 0]> {INPUT}]
	n5 [label=<<b>cross_entropy</b><br/>reduction='sum'<br/>4.302 float32> {OUTPUT}]
	n3 -> n5 [label=< logits> weight=8]
	n4 -> n5 [label=< labels>]
}}
"""
    )


def test_several_results_and_lists_are_drawn_as_written_here():
    x = leaf([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], "x")
    first, _, last = np.split(x, 3)
    joined = np.concatenate([last, first, np.zeros((1, 2))], axis=1)
    assert draw(joined.sum(axis=1, keepdims=True)[0, ::-1]).source == (
        HEAD
        + f"""\
	n0 [label=<<b>x</b><br/>(3, 2)<br/>[[1, 2], [3, 4], [5, 6]]> {PARAMETER}]
	n1 [label=<<b>np.split</b><br/>indices_or_sections=3>]
	n0 -> n1
	n2 [label=<<b>[2]</b><br/>(1, 2)<br/>[[5, 6]]>]
	n1 -> n2 [weight=8]
	n3 [label=<<b>[0]</b><br/>(1, 2)<br/>[[1, 2]]>]
	n1 -> n3 [weight=8]
	n4 [label=<<b>input</b><br/>(1, 2)<br/>[[0, 0]]> {INPUT}]
	n5 [label=<<b>np.concatenate</b><br/>axis=1<br/>(1, 6)<br/>[[5, 6, 1, 2, 0, 0]]>]
	n2 -> n5 [label=< arrays[0]> weight=8]
	n3 -> n5 [label=< arrays[1]> weight=8]
	n4 -> n5 [label=< arrays[2]>]
	n6 [label=<<b>np.sum</b><br/>axis=1, keepdims=True<br/>(1, 1)<br/>[[14]]>]
	n5 -> n6 [weight=8]
	n7 [label=<<b>getitem</b><br/>index=(0, ::-1)<br/>(1,)<br/>[14]> {OUTPUT}]
	n6 -> n7 [weight=8]
}}
"""
    )


def test_what_was_used_before_an_item_assignment_is_drawn_as_it_was():
    x = leaf([1.0, 2.0], "x")
    t = x * x
    before = t.sum()
    t[0] = x[1]
    assert draw(before * t.sum()).source == (
        HEAD
        + f"""\
	n0 [label=<<b>x</b><br/>(2,)<br/>[1, 2]> {PARAMETER}]
	n1 [label=<<b>np.multiply</b><br/>(2,)<br/>[1, 4]>]
	n0 -> n1
	n0 -> n1
	n2 [label=<<b>np.sum</b><br/>5>]
	n1 -> n2 [weight=8]
	n3 [label=<<b>getitem</b><br/>index=1<br/>2>]
	n0 -> n3
	n4 [label=<<b>setitem</b><br/>index=0<br/>(2,)<br/>[2, 4]>]
	n1 -> n4 [label=< x> weight=8]
	n3 -> n4 [label=< value> weight=8]
	n5 [label=<<b>np.sum</b><br/>6>]
	n4 -> n5 [weight=8]
	n6 [label=<<b>np.multiply</b><br/>30> {OUTPUT}]
	n2 -> n6 [weight=8]
	n5 -> n6 [weight=8]
}}
"""
    )


def test_every_one_of_a_thousand_versions_is_drawn_where_it_was_used():
    t = leaf([1.0, 1.0], "t").copy()
    total = t.sum()
    for i in range(1_000):
        t[0] = t[1] * i
        total = total + t.sum()
    found = texts(draw(total))
    sums = [float(text[1]) for text in found if text[0] == "np.sum"]
    assert sums == [2.0, *(i + 1.0 for i in range(1_000))]
    assert sum(text[0] == "setitem" for text in found) == 1_000


def test_arrays_given_by_keyword_are_drawn_too():
    low = leaf(1.0, "low")
    picture = draw(np.clip(leaf([0.0, 3.0], "x"), a_min=low, a_max=2))
    assert [text[0] for text in texts(picture)] == ["x", "low", "2", "np.clip"]
    assert edges(picture) == [
        "n0 -> n3 [label=< a>]",
        "n1 -> n3 [label=< a_min>]",
        "n2 -> n3 [label=< a_max>]",
    ]


# One text for one computation.

PROGRAM = """
import numpy as np
from autograd_mini.drawing import draw
from tests.test_drawing import digits_cost, digits_network

rng = np.random.default_rng(0)
network = digits_network(rng)
print(draw(digits_cost(network, rng), model=network).source)
"""


def run_program(hash_seed):
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-W", "error", "-c", PROGRAM]
    # The command is this interpreter with the program above.
    return subprocess.run(
        command, env=environment, cwd=ROOT, capture_output=True, check=True
    ).stdout


def test_the_text_is_the_same_in_every_process_and_for_every_hash_seed():
    first, *others = (run_program(seed) for seed in ("0", "1", "4711", "random"))
    assert len(first) > 2_000
    assert all(other == first for other in others)


def test_the_text_of_the_same_computation_is_the_same_later_in_the_process():
    def picture():
        x = leaf(np.arange(4.0), "x")
        return draw((np.exp(x) * 3 - x[np.array([0, 0, 1, 1])]).mean())

    first = picture()
    with np.printoptions(precision=1, formatter={"float": repr}):
        assert picture().source == first.source


def test_a_node_is_named_by_its_place_and_comes_after_what_it_was_computed_from():
    rng = np.random.default_rng(0)
    picture = draw(digits_cost(digits_network(rng), rng))
    assert [line.split()[0] for line in nodes(picture)] == [f"n{i}" for i in range(15)]
    for line in edges(picture):
        ((tail, head),) = re.findall(r"^n(\d+) -> n(\d+)", line)
        assert int(tail) < int(head)


# What is drawn.


def test_the_digits_cost_shows_every_parameter_once_by_its_path():
    rng = np.random.default_rng(0)
    network = digits_network(rng)
    picture = draw(digits_cost(network, rng), model=network)
    found = texts(picture)
    assert isinstance(picture, graphviz.Digraph)
    assert len(found) == 15
    assert len(edges(picture)) == 3 * 3 + 3 + 2
    for path, parameter in network.named_parameters():
        matching = [text for text in found if text[0] == path]
        assert [text[1] for text in matching] == [f"{parameter.shape} float32"]
    assert len(of_kind(picture, "parameter")) == 6
    assert [text[0] for text in found if text[1].startswith("(32, 784)")] == ["images"]
    assert found[-1][:2] == ["mse_loss", "reduction='batchmean'"]
    assert of_kind(picture, "output") == [nodes(picture)[-1]]


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
    assert len(edges(picture)) == 11


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
    assert len(nodes(picture)) == len(reached)
    assert len(edges(picture)) == sum(reached.values())


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


def test_drawing_changes_neither_values_nor_gradients_nor_the_graph():
    assert step(draw) == step(lambda *_, **__: None)


# Large graphs.


@pytest.mark.slow
def test_a_chain_of_100_000_operations_is_drawn_in_linear_time():
    seconds = {}
    for n in (20_000, 100_000):
        y = leaf(np.ones(2))
        for _ in range(n):
            y = -y
        start = time.process_time()
        picture = draw(y)
        seconds[n] = time.process_time() - start
        assert len(picture.body) == 2 * n + 1
        assert f"n{n - 1} -> n{n} " in picture.body[-1]
    # Linear is 5, quadratic 25.
    assert seconds[100_000] / seconds[20_000] < 12


def test_a_diamond_60_deep_has_60_nodes_not_two_to_the_60():
    y = leaf(1.0)
    for _ in range(60):
        y = y + y
    assert len(nodes(draw(y))) == 61


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
        with pytest.raises(RuntimeError, match=r"draw before backward\(\), .*retain_graph=True"):
            draw(x)


def test_a_graph_that_was_retained_can_be_drawn_after_backward():
    cost = leaf(2.0) ** 3
    before = draw(cost).source
    cost.backward(retain_graph=True)
    assert draw(cost).source == before
