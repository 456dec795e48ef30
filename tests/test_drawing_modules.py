"""Modules in a picture: boxes within boxes, their paths and parameters, and blocks that repeat."""

import threading
from typing import Any

import numpy as np
import pytest

import nn
from autograd_mini import Tensor
from autograd_mini.drawing import draw
from autograd_mini.drawing.paint import SCALE
from tests.test_drawing import leaf

RNG = np.random.default_rng(0)


def linear(n, m):
    return nn.Linear(n, m, rng=RNG)


def boxes(picture):
    return [tuple(box[:4]) for box in picture.scene.boxes]


def where(picture):
    return {mark.title: mark.box for mark in picture.scene.marks}


class Block(nn.Module):
    def __init__(self, n):
        self.a, self.b = linear(n, n), linear(n, n)

    def forward(self, x):
        return x + self.b(self.a(x).relu())


class Deep(nn.Module):
    def __init__(self, blocks, n=4):
        self.first = linear(3, n)
        self.blocks = [Block(n) for _ in range(blocks)]

    def forward(self, x):
        x = self.first(x)
        for block in self.blocks:
            x = block(x)
        return x


def deep(count):
    model = Deep(count)
    return model, model(np.ones((2, 3))).sum()


# Boxes.


@pytest.mark.parametrize("color", [None, "value", "memory", "saturation", "gradient"])
@pytest.mark.parametrize("depth", [0, 1])
def test_a_box_knows_what_it_would_be_if_it_were_folded(color, depth):
    model, cost = deep(4)
    options = {"model": model, "grads": True, "color": color}
    folded = {box.id: box.folded for box in draw(cost, **options).scene.boxes}
    marks = [m for m in draw(cost, depth=depth, **options).scene.marks if m.kind == "module"]
    assert len(marks) == 1 + depth
    for mark in marks:
        # The colour of a closed box is one of the open picture's scale.
        assert folded[mark.id]._replace(fill="") == mark._replace(fill="")
        assert bool(folded[mark.id].fill) == (color is not None)
        if color == "memory" and mark.id == "Deep":  # of all in it: no less than the most
            assert folded[mark.id].fill == SCALE[-1]


def test_the_mask_of_a_dropout_is_in_its_box_by_name():
    model = nn.Sequential(linear(3, 3), nn.Dropout(0.5, rng=RNG), linear(3, 1))
    found = where(draw(model(Tensor(np.ones((1, 3)), name="x")).sum(), model=model))
    assert (found["mask"], found["x"]) == ("1", "")


def test_modules_are_boxes_within_boxes_with_paths_and_parameter_counts():
    model, cost = deep(1)
    picture = draw(cost, model=model)
    assert boxes(picture) == [
        ("Deep", "Deep", "56 parameters", ""),
        ("first", "first: Linear", "16 parameters", "Deep"),
        ("blocks.0", "blocks.0: Block", "40 parameters", "Deep"),
        ("blocks.0.a", "blocks.0.a: Linear", "20 parameters", "blocks.0"),
        ("blocks.0.b", "blocks.0.b: Linear", "20 parameters", "blocks.0"),
    ]
    found = where(picture)
    assert found["first.weight"] == "first"
    assert found["blocks.0.b.bias"] == "blocks.0.b"
    assert found["relu"] == "blocks.0"
    assert found["np.sum"] == found["input"] == ""


def test_without_a_model_the_outermost_modules_that_were_called_give_the_paths():
    model, cost = deep(2)
    assert draw(cost).source == draw(cost, model=model).source


def test_a_model_given_may_hold_the_one_that_was_called():
    model, cost = deep(1)
    whole = nn.Module()
    whole.inner = model
    picture = draw(cost, model=whole)
    assert boxes(picture)[1][:2] == ("inner.first", "inner.first: Linear")
    assert "inner.first.weight" in where(picture)


def test_a_model_that_was_not_called_names_nothing_wrongly():
    _, cost = deep(1)
    other, _ = deep(1)
    picture = draw(cost, model=other)
    assert boxes(picture)[0][:3] == ("Deep", "Deep", "56 parameters")
    assert "first.weight" not in where(picture)


def test_a_model_may_be_anything_that_names_parameters():
    weight = leaf([1.0, 2.0])

    class Plain:
        def named_parameters(self):
            return [("part.weight", weight)]

        def __call__(self, x):
            return (x * weight).sum()

    model = Plain()
    picture = draw(model(np.ones(2)), model=model)
    assert "part.weight" in where(picture)
    assert boxes(picture) == []


def test_without_modules_nothing_is_grouped():
    x = leaf([1.0, 2.0], "x")
    assert boxes(draw((x * x).sum())) == []
    assert boxes(draw((x * x).sum(), depth=0)) == []


def test_a_module_without_parameters_says_nothing_of_them():
    picture = draw(nn.Tanh()(leaf([1.0])).sum())
    assert boxes(picture) == [("Tanh", "Tanh", "", "")]


def test_a_module_with_one_parameter_says_so_in_the_singular():
    model = nn.Module()
    model.scale = leaf(2.0)
    model.forward = lambda x: x * model.scale
    assert boxes(draw(model(leaf(1.0)))) == [("Module", "Module", "1 parameter", "")]


def test_the_output_stands_in_the_box_of_the_module_that_returned_it():
    model = nn.Sequential(linear(3, 4), nn.Tanh())
    (last,) = [mark for mark in draw(model(np.ones(3))).scene.marks if mark.kind == "output"]
    assert last.box == "1"


class Halves(nn.Module):
    def forward(self, x):
        return np.tanh(x), np.exp(x)


class Product(nn.Module):
    def forward(self, parts):
        return parts[0] * parts[1]


def test_a_layer_that_returns_a_tuple_has_a_box_of_its_own():
    model = nn.Sequential(linear(3, 3), Halves(), Product())
    found = where(draw(model(np.ones((1, 3))).sum()))
    calls = ("linear", "np.tanh", "np.exp", "np.multiply")
    assert [found[call] for call in calls] == ["0", "1", "1", "2"]


class Nested(nn.Module):
    def __init__(self, is_endless):
        self.is_endless = is_endless

    def forward(self, x):
        out = [x * 2]
        if self.is_endless:
            out.append(out)
        for _ in range(5000):
            out = [out]
        return out


@pytest.mark.parametrize("is_endless", [False, True])
def test_a_module_may_return_lists_nested_at_any_depth(is_endless):
    out = Nested(is_endless)(leaf([1.0]))
    while isinstance(out, list):
        out = out[0]
    assert where(draw(out))["np.multiply"] == "Nested"


def test_a_tensor_made_outside_stays_outside_the_module_it_goes_into():
    x = leaf(np.ones((2, 3)), "x")
    model = nn.Sequential(linear(3, 4))
    assert where(draw(model(x).sum()))["x"] == ""
    assert where(draw(model(x).sum(), depth=0))["x"] == ""


class Pair(nn.Module):
    def __init__(self):
        self.a, self.b = linear(2, 2), linear(2, 2)

    def forward(self, x):
        return self.a(x), {"other": [self.b(x)]}


def test_a_module_may_return_containers_of_tensors():
    model = Pair()
    first, rest = model(np.ones((1, 2)))
    picture = draw((first * rest["other"][0]).sum(), model=model)
    assert [box[0] for box in boxes(picture)] == ["Pair", "a", "b"]
    assert {title: box for title, box in where(picture).items() if "weight" in title} == {
        "a.weight": "a",
        "b.weight": "b",
    }


def test_weights_shared_by_two_modules_stand_where_both_are():
    model = nn.Sequential(linear(2, 2), nn.Tanh(), linear(2, 2))
    model[2].weight = model[0].weight
    picture = draw(model(np.ones((1, 2))).sum())
    found = where(picture)
    assert found["0.weight"] == "Sequential"
    assert found["0.bias"] == "0"
    assert found["2.bias"] == "2"


def test_a_module_called_twice_has_two_boxes_and_its_parameters_stand_around_them():
    model = nn.Sequential(linear(2, 2), nn.Tanh())
    picture = draw(model(model(np.ones((1, 2)))).sum())
    assert [box[0] for box in boxes(picture)] == [
        *("Sequential", "0", "1"),
        *("Sequential#2", "0#2", "1#2"),
    ]
    assert where(picture)["0.weight"] == ""


class OwnCall(nn.Module):
    """Calls its layer in a way of its own."""

    def __init__(self):
        self.layer = linear(2, 2)

    def __call__(self, x):
        return self.layer(x) * 2


def test_a_module_that_defines_call_itself_is_drawn_without_a_box_of_its_own():
    picture = draw(OwnCall()(np.ones((1, 2))).sum())
    assert [box[1] for box in boxes(picture)] == ["Linear"]


def test_a_tensor_that_a_module_returned_and_was_written_into_keeps_its_box():
    model = linear(2, 2)
    out = model(np.ones((1, 2)))
    before = out.sum()
    out[0, 0] = 5.0
    picture = draw(before + out.sum())
    assert where(picture)["out = linear"] == "Linear"
    assert where(picture)["setitem"] == ""


@pytest.mark.parametrize("name", ['a"b', "back\\slash", "end\\", "new\nline", "</script>", "ü 你"])
def test_a_strange_path_is_a_harmless_id(name):
    model = nn.Module()
    model.parts = {name: linear(2, 2)}
    model.forward = model.parts[name]
    picture = draw(model(np.ones(2)).sum(), backward=True)
    box = picture.scene.boxes[1]
    assert box.title == f"parts.{name}: Linear"
    assert all(c.isalnum() or c in "_./# ()-" for c in box.id)


def test_ids_that_would_be_the_same_are_told_apart():
    model = nn.Module()
    model.parts = {"a?": linear(2, 2), "a!": linear(2, 2), "a#2": linear(2, 2)}
    model.forward = lambda x: sum(part(x) for part in model.parts.values())
    x, y, z = (leaf(1.0, name) for name in ("parts.a_", "x", "x"))
    w = leaf(1.0, "x#2")
    out = model(np.ones(2)).sum() * x * y * z * w
    scene = draw(out, backward=True, legend=True).scene
    ids = [part.id for part in (*scene.marks, *scene.boxes)]
    assert len(set(ids)) == len(ids)
    assert "legend" not in ids


def test_a_tensor_called_legend_is_not_the_legend():
    scene = draw(leaf(1.0, "legend") * 2, legend=True).scene
    assert scene.marks[0].title == "legend"
    assert scene.marks[0].id == "legend#2"


def test_modules_called_in_threads_are_drawn():
    model, outs = Deep(2), {}

    def work(number):
        outs[number] = model(np.full((2, 3), float(number))).sum()

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    picture = draw(outs[0] + outs[1] + outs[2] + outs[3], model=model, max_nodes=1_000)
    assert sum(mark.title == "relu" for mark in picture.scene.marks) == 8


# Depth.


def test_depth_folds_what_is_deeper_into_one_mark_each():
    _, cost = deep(2)
    titles = {depth: [m.title for m in draw(cost, depth=depth).scene.marks] for depth in (0, 1, 2)}
    assert titles[0] == ["input", "Deep", "np.sum"]
    assert titles[1] == ["input", "first: Linear", "blocks.0: Block", "blocks.1: Block", "np.sum"]
    assert [title for title in titles[2] if title.startswith("blocks.0")] == [
        "blocks.0.a: Linear",
        "blocks.0.b: Linear",
    ]
    assert draw(cost, depth=3).scene.marks == draw(cost).scene.marks


def test_a_folded_module_says_what_it_holds_and_returned():
    _, cost = deep(1)
    (mark,) = [mark for mark in draw(cost, depth=0).scene.marks if mark.kind == "module"]
    assert mark.id == mark.title == "Deep"
    assert mark.lines[:3] == ("56 parameters", "5 operations", "(2, 4)")
    assert "to" in mark.lines[3]


def test_arrows_run_into_and_out_of_a_folded_module_once():
    _, cost = deep(1)
    arrows = [(arrow.tail, arrow.head, arrow.text) for arrow in draw(cost, depth=0).scene.arrows]
    assert arrows == [("input", "Deep", "(2, 3)"), ("Deep", "np.sum", "(2, 4)")]


def test_a_folded_module_that_ends_the_graph_is_the_output():
    _, cost = deep(1)
    model = nn.Sequential(nn.Tanh())
    (mark,) = [m for m in draw(model(cost), depth=0).scene.marks if m.title == "Sequential"]
    assert mark.kind == "output"


# What repeats.


def test_twelve_equal_blocks_are_one_box_times_12():
    _, cost = deep(12)
    picture = draw(cost)
    assert boxes(picture)[2:] == [
        ("blocks.0", "blocks.0: Block x 12", "40 parameters each", "Deep"),
        ("blocks.0.a", "blocks.0.a: Linear", "20 parameters", "blocks.0"),
        ("blocks.0.b", "blocks.0.b: Linear", "20 parameters", "blocks.0"),
    ]
    assert len(picture.scene.marks) == 13
    assert picture.scene.notes == (
        "dashed arrows run from one repetition to the next",
        "of what repeats, the first is shown",
        "101 nodes, 13 shown",
    )
    loops = [arrow for arrow in picture.scene.arrows if arrow.kind == "loop"]
    assert {(arrow.tail, arrow.head) for arrow in loops} == {
        ("blocks.0/np.add", "blocks.0.a/linear"),
        ("blocks.0/np.add", "blocks.0/np.add"),
    }


def test_two_equal_blocks_are_two_boxes_and_three_are_one():
    for count, shown in ((2, 2), (3, 1)):
        _, cost = deep(count)
        titles = [box[1] for box in boxes(draw(cost)) if "Block" in box[1]]
        assert len(titles) == shown


def test_a_folded_block_that_repeats_swallows_the_parameters_of_all():
    _, cost = deep(12)
    marks = draw(cost, depth=1).scene.marks
    assert [mark.title for mark in marks] == [
        *("input", "first: Linear", "blocks.0: Block x 12", "np.sum"),
    ]
    assert marks[2].lines[:2] == ("40 parameters each", "4 operations")


def test_one_module_called_again_and_again_says_that_it_is_one():
    cell, h = Block(4), leaf(np.ones((1, 4)), "h")
    for _ in range(10):
        h = cell(h)
    (box, *_) = boxes(draw(h.sum()))
    assert box[:3] == ("Block", "Block x 10", "40 parameters, the same in all")


class Attention(nn.Module):
    def __init__(self, n):
        self.q, self.k, self.v = (linear(n, n) for _ in range(3))

    def forward(self, x):
        return nn.functional.softmax(self.q(x) @ self.k(x).T) @ self.v(x)


class Cell(nn.Module):
    def __init__(self):
        self.w = nn.Parameter(np.eye(2))

    def forward(self, x, h):
        return np.tanh(x @ self.w + h)


def test_the_input_of_the_call_that_is_shown_is_shown_and_not_that_of_another():
    cell, h = Cell(), np.zeros((1, 2))
    for step in range(5):
        h = cell(Tensor([[step, 1.0]], name=f"x{step}"), h)
    told = {mark.title: mark.lines for mark in draw(h).scene.marks}
    assert told["x0"] == ("x 5", "(1, 2)", "[[0, 1]]")
    assert told["np.matmul"] == ("(1, 2)", "[[0, 1]]")
    assert not {"x1", "x2", "x3", "x4"} & {*told}


def test_query_key_and_value_look_alike_but_lead_elsewhere_so_all_are_shown():
    picture = draw(Attention(3)(np.ones((2, 3))).sum())
    assert [box[1] for box in boxes(picture)][1:] == ["q: Linear", "k: Linear", "v: Linear"]


class Heads(nn.Module):
    def __init__(self, count):
        self.heads = [linear(3, 2) for _ in range(count)]

    def forward(self, x):
        return np.concatenate([head(x) for head in self.heads], axis=-1)


def test_equal_modules_side_by_side_that_lead_to_one_call_are_one():
    picture = draw(Heads(8)(np.ones((2, 3))).sum())
    assert boxes(picture)[1][1:3] == ("heads.0: Linear x 8", "8 parameters each")
    into = [arrow.text for arrow in picture.scene.arrows if arrow.head == "Heads/np.concatenate"]
    assert into == ["arrays (2, 2) x 8"]


@pytest.mark.parametrize("what", ["settings", "numbers", "shapes", "another use"])
def test_blocks_that_differ_are_all_shown(what):
    class Step(nn.Module):
        def __init__(self, number):
            self.number = number

        def forward(self, x):
            if what == "settings":
                return np.cumsum(x, axis=self.number % 2)
            if what == "shapes":
                return x[: 7 - self.number] * 2.0
            return x * (self.number if what == "numbers" else 2)

    x: Any = leaf(np.ones((8, 8)))
    outs = []
    for number in range(1, 6):
        x = Step(number)(x)
        outs.append(x)
    total = x.sum()
    if what == "another use":
        total = total + np.exp(outs[1]).sum() + np.exp(outs[3]).sum()
    assert len(boxes(draw(total))) == 5


def test_a_row_of_blocks_with_another_one_in_its_middle_is_two_rows():
    layers = [Block(3) for _ in range(8)]
    layers[4] = nn.Sigmoid()
    model = nn.Sequential(*layers)
    titles = [box[1] for box in boxes(draw(model(np.ones((1, 3))).sum())) if "x" in box[1]]
    assert titles == ["0: Block x 4", "5: Block x 3"]


def test_blocks_that_repeat_within_blocks_that_repeat_are_shown_once():
    model = nn.Sequential(*(nn.Sequential(*(Block(2) for _ in range(3))) for _ in range(4)))
    found = boxes(draw(model(np.ones((1, 2))).sum()))
    assert [box[1] for box in found] == [
        "Sequential",
        "0: Sequential x 4",
        "0.0: Block x 3",
        "0.0.a: Linear",
        "0.0.b: Linear",
    ]


def test_a_module_called_a_thousand_times_is_drawn_at_once():
    layer, h = linear(2, 2), leaf(np.ones((1, 2)))
    for _ in range(1_000):
        h = layer(h)
    assert [box[1] for box in boxes(draw(h.sum()))] == ["Linear x 1,000"]


def test_modules_nested_hundreds_deep_are_drawn():
    model: Any = nn.Tanh()
    for _ in range(300):
        model = nn.Sequential(model)
    picture = draw(model(leaf(1.0)))
    assert len(picture.scene.boxes) == picture.source.count("subgraph") == 301
    assert [mark.title for mark in draw(model(leaf(1.0)), depth=0).scene.marks][1:] == [
        "Sequential"
    ]


class Several(nn.Module):
    def __init__(self):
        self.layer = linear(2, 2)

    def forward(self, x):
        hidden = self.layer(x)
        return hidden, hidden.sum()


def test_a_folded_module_of_several_results_tells_how_many():
    model = Several()
    hidden, total = model(np.ones((1, 2)))
    options = {"model": model, "depth": 0, "grads": True, "backward": True}
    scene = draw((hidden * total).sum(), **options).scene
    marks = {mark.kind: mark for mark in scene.marks if mark.title.endswith("Several")}
    assert marks["module"].lines == ("6 parameters", "2 operations", "2 results")
    assert marks["module"].gradient == ()
    assert marks["gradient"].lines == ()
    only = draw(hidden.sum(), **options).scene.marks
    assert [m.lines[-2:] for m in only if m.title == "Several"] == [
        ("(1, 2)", f"[[{hidden.data[0, 0]:.4g}, {hidden.data[0, 1]:.4g}]]")
    ]


def test_a_folded_module_in_a_block_that_repeats_counts_its_own_operations():
    model, cost = deep(4)
    for depth, name, count in ((1, "blocks.0", 4), (2, "blocks.0.a", 1)):
        marks = {mark.id: mark for mark in draw(cost, model=model, depth=depth).scene.marks}
        told = [line for line in marks[name].lines if "operation" in line]
        assert told == ([f"{count} operations"] if count > 1 else [])


def test_models_of_one_class_are_told_apart():
    first, second = (nn.Sequential(linear(2, 2)) for _ in range(2))
    out = first(second(first(np.ones((1, 2))))).sum()
    assert [box.title for box in draw(out).scene.boxes if ":" not in box.title] == [
        "Sequential",
        "Sequential#2",
        "Sequential",
    ]
