"""Drawn gradients: what backward() computes, bit for bit; contributions add up; nobody notices."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

import nn
from autograd_mini import Tensor, checkpoint, defvjp, primitive
from autograd_mini.drawing import draw
from autograd_mini.drawing.backward_pass import Gradients
from autograd_mini.drawing.nodes import in_order
from tests.test_drawing import leaf
from tests.test_random_graphs import Program, programs

RNG = np.random.default_rng(0)
MATRIX = RNG.normal(size=(3, 2))


def every_tensor(cost):
    return [node.value for node in in_order(cost) if isinstance(node.value, Tensor)]


def check(compute):
    """Compare the drawn gradients with those that backward(retain_graph=True) leaves.

    `compute` returns a cost, the same at every call.
    """
    cost = compute()
    nodes = in_order(cost)
    drawn = Gradients(cost)
    assert all(x._grad is None for x in every_tensor(cost))
    added = contributions(nodes, drawn)
    cost.backward(retain_graph=True)
    for node in nodes:
        x = node.value
        if isinstance(x, Tensor) and x._grad is not None:
            assert_array_equal(drawn.of[id(x)], x.grad, strict=True)
            if x is not cost:
                assert_allclose(added[node], x.grad, rtol=1e-12, atol=1e-14)
    assert [x.tobytes() for x in gradients_of(cost)] == [x.tobytes() for x in fresh(compute)]


def contributions(nodes, drawn):
    added: dict[Any, Any] = {}
    for node in nodes:
        for _, source, g in drawn.along(node):
            added[source] = added.get(source, 0) + g
    return added


def gradients_of(cost):
    return [x.grad for x in every_tensor(cost) if x.is_leaf and x.grad is not None]


def fresh(compute):
    cost = compute()
    cost.backward(retain_graph=True)
    return gradients_of(cost)


def assigned():
    x = leaf([1.0, 2.0, 3.0])
    t = x * x
    before = t.sum()
    t[0] = x[1] * before
    return (t * t).sum() * before


def several_results():
    x = leaf(np.arange(6.0).reshape(3, 2))
    first, _, last = np.split(x, 3)
    return (first * last * last).sum() + first.sum()


@primitive
def scaled(arrays, *, by):
    """Return the sum of a list of arrays, times `by`."""
    return sum(arrays) * by


defvjp(
    scaled,
    lambda g, out, arrays, *, by: [g * by for _ in arrays],
    by=lambda g, out, arrays, *, by: np.sum(g * sum(arrays)),
)


def lists_and_keywords():
    x = leaf([1.0, 2.0])
    return scaled([x, x * x, np.ones(2), x], by=leaf(3.0)).sum()


def twice():
    x = leaf([1.0, 2.0])
    return (x * x).sum()


def broadcast():
    return (leaf(MATRIX) * leaf([1.0, -1.0]) + leaf(2.0)).sum()


def joined():
    x = leaf([1.0, 2.0])
    return np.concatenate([x, x * 2, np.ones(2)]).prod()


def repeated_indices():
    return leaf([1.0, 2.0, 3.0])[np.array([0, 0, 2])].prod()


COSTS = {
    "the same Tensor twice": twice,
    "broadcasting": broadcast,
    "item assignment": assigned,
    "several results": several_results,
    "lists and keywords": lists_and_keywords,
    "concatenate": joined,
    "clip with Tensors": lambda: np.clip(leaf([0.0, 3.0]), leaf(1.0), a_max=leaf(2.0)).sum(),
    "checkpoint": lambda: checkpoint(lambda x: np.exp(np.sin(x)))(leaf([0.5, 1.0])).sum(),
    "float32": lambda: np.tanh(leaf(MATRIX.astype(np.float32)) @ leaf(MATRIX.T.astype("f4"))).sum(),
    "complex": lambda: np.abs(leaf(np.array([1 + 2j, 3j])) ** 2).sum(),
    "empty": lambda: leaf(np.zeros((0, 3))).sum() + leaf(2.0),
    "one element": lambda: leaf([[3.0]]) ** 2,
    "indices": repeated_indices,
    "a module": lambda: nn.MSELoss()(
        nn.Linear(2, 3, rng=np.random.default_rng(1))(MATRIX), np.ones((3, 3))
    ),
}


@pytest.mark.parametrize("name", COSTS)
def test_every_drawn_gradient_is_that_of_backward_and_contributions_add_up(name):
    check(COSTS[name])


@given(programs())
def test_the_drawn_gradients_of_random_programs_are_those_of_backward(program: Program):
    check(lambda: program.recorded()[1])


@given(programs(), st.sampled_from(["grads", "backward", "gradient"]))
def test_drawing_gradients_leaves_a_random_program_as_it_was(program: Program, what):
    leaves, cost = program.recorded()
    options: dict[str, Any] = {"color": what} if what == "gradient" else {what: True}
    draw(cost, max_nodes=10_000, **options)
    assert all(x._grad is None for x in every_tensor(cost))
    cost.backward()
    again, other = program.recorded()
    other.backward()
    for one, two in zip(leaves, again, strict=True):
        assert (one.grad is None) == (two.grad is None)
        assert one.grad is None or one.grad.tobytes() == two.grad.tobytes()


def by_title(picture):
    return {mark.title: mark for mark in picture.scene.marks}


def gradient_arrows(picture):
    found = [arrow for arrow in picture.scene.arrows if arrow.kind == "gradient"]
    return [(arrow.tail, arrow.head, arrow.text) for arrow in found]


def test_grads_stand_beside_values_of_inner_nodes_too():
    x = leaf([1.0, -2.0], "x")
    y = np.exp(x)
    y.name = "y"
    marks = by_title(draw((y * 3).sum(), grads=True))
    assert marks["x"].gradient == ("grad [8.155, 0.406]",)
    assert marks["y = np.exp"].gradient == ("grad [3, 3]",)
    assert marks["np.sum"].gradient == ("grad 1",)
    assert marks["3"].gradient == ()


def test_a_gradient_of_many_elements_is_told_by_its_range():
    x = leaf(np.arange(8.0), "x")
    assert by_title(draw((x * x).sum(), grads=True))["x"].gradient == ("grad 0 to 14",)


def test_without_grads_no_mark_tells_a_gradient():
    x = leaf([1.0, -2.0], "x")
    for options in ({}, {"backward": True}, {"color": "gradient"}):
        assert not any(mark.gradient for mark in draw((x * x).sum(), **options).scene.marks)


def test_two_uses_of_one_value_have_an_arrow_each_and_add_up_in_its_gradient():
    x = leaf(3.0, "x")
    y = x * x
    y.name = "y"
    picture = draw(y + x, backward=True)
    assert gradient_arrows(picture) == [
        ("grad np.multiply", "grad x", "+3"),
        ("grad np.multiply", "grad x", "+3"),
        ("grad np.add", "grad np.multiply", "+1"),
        ("grad np.add", "grad x", "+1"),
    ]
    told = by_title(picture)["d output / d x"].lines
    assert told == ("7", "= +1 +3 +3")


def test_contributions_in_the_text_add_up_to_the_gradient():
    w = leaf(np.linspace(-1, 1, 12).reshape(4, 3), "w")
    out = np.tanh(w).sum() + (w * w).sum() * 2 - w.sum()
    picture = draw(out, backward=True)
    _, _, total, parts = by_title(picture)["d out / d w"].lines
    parts = [float(part) for part in parts.removeprefix("= ").split()]
    assert len(parts) == 4
    assert float(total.removeprefix("sum ")) == pytest.approx(sum(parts), abs=1e-3)
    on_arrows = [text for _, head, text in gradient_arrows(picture) if head == "grad w"]
    assert sorted(float(text.removeprefix("sum ")) for text in on_arrows) == sorted(parts)


def test_small_contributions_are_written_out_element_by_element():
    x = leaf([1.0, 2.0], "x")
    mark = by_title(draw((x * 3 + x * x).sum(), backward=True))["d output / d x"]
    assert mark.lines == ("(2,)", "[5, 7]", "= [1, 2]", "+ [1, 2]", "+ [3, 3]")


def test_of_many_contributions_a_few_are_told_and_the_others_counted():
    x = leaf(1.0, "x")
    total = x * 1
    for factor in range(2, 11):
        total = total + x * factor
    mark = by_title(draw(total, backward=True))["d total / d x"]
    assert mark.lines == ("55", "= +10 +9 +8 +7", "+ 6 more")


def test_a_sum_that_half_precision_could_not_hold_is_told():
    x = leaf(np.ones(2000, np.float16), "x")
    picture = draw((x * np.float16(100) * leaf(np.ones(2000, np.float32))).sum(), backward=True)
    (told,) = (m.lines for m in picture.scene.marks if m.title.endswith("/ d x"))
    assert told == ("(2000,) float16", "all 100", "sum +2e+05")


def test_gradients_of_both_infinities_are_told_without_a_warning():
    x = leaf(np.ones(8), "x")
    with np.errstate(invalid="ignore"):
        cost = (x * np.array([np.inf, -np.inf, *range(6)])).sum()
    picture = draw(cost, backward=True)
    (told,) = (m.lines for m in picture.scene.marks if m.title.endswith("/ d x"))
    assert told[-1] == "sum nan"


def test_every_value_with_a_gradient_is_paired_with_it():
    x, data = leaf([1.0, 2.0], "x"), np.array([3.0, 4.0])
    scene = draw(((x * data) ** 2).sum(), backward=True).scene
    pairs = {arrow.tail: arrow.head for arrow in scene.arrows if arrow.kind == "pair"}
    assert pairs == {name: f"grad {name}" for name in ("x", "np.multiply", "np.square", "np.sum")}
    kinds = {mark.id: mark.kind for mark in scene.marks}
    assert all(kinds[head] == "gradient" for head in pairs.values())
    assert "input" in kinds


def test_the_gradient_of_one_of_several_results_says_which():
    x = leaf([[1.0], [2.0], [3.0]], "x")
    first, _, last = np.split(x, 3)
    titles = by_title(draw((first * last).sum(), backward=True))
    assert {"d output / d np.split[0]", "d output / d np.split[2]"} <= set(titles)
    assert titles["d output / d x"].lines == ("(3, 1)", "[[3], [0], [1]]")


def test_a_folded_module_has_one_gradient_and_arrows_for_what_goes_in():
    model = nn.Sequential(
        nn.Linear(3, 4, rng=np.random.default_rng(0)),
        nn.Tanh(),
        nn.Linear(4, 1, rng=np.random.default_rng(0)),
    )
    scene = draw(model(leaf(np.ones((2, 3)), "x")).sum(), backward=True, depth=0).scene
    assert [mark.title for mark in scene.marks if mark.kind == "gradient"] == [
        "d output / d x",
        "d output / d Sequential",
        "d output / d np.sum",
    ]
    heads = [arrow.head for arrow in scene.arrows if arrow.kind == "gradient"]
    assert heads == ["grad x", "grad Sequential"]


def test_gradients_stand_in_the_boxes_of_their_values():
    model = nn.Sequential(nn.Linear(3, 4, rng=np.random.default_rng(0)), nn.Tanh())
    scene = draw(model(np.ones((2, 3))).sum(), backward=True).scene
    boxes = {mark.id: mark.box for mark in scene.marks}
    for arrow in scene.arrows:
        if arrow.kind == "pair":
            assert boxes[arrow.head] == boxes[arrow.tail]


def test_a_tensor_called_like_a_gradient_does_not_take_its_place():
    x, other = leaf(2.0, "x"), leaf(3.0, "grad x")
    scene = draw(x * other, backward=True).scene
    ids = [mark.id for mark in scene.marks]
    assert len(set(ids)) == len(ids) == 6


def test_no_gradient_is_drawn_of_what_is_no_number():
    x = leaf([1.0, 2.0])
    for options in ({"grads": True}, {"backward": True}, {"color": "gradient"}):
        with pytest.raises(ValueError, match=r"one real number, found shape \(2,\).*\.sum\(\)"):
            draw(x * 2, **options)
    with pytest.raises(ValueError, match="complex128"):
        draw(leaf(1j) * 2, backward=True)


def test_a_value_that_was_overwritten_is_refused_as_backward_refuses_it():
    x = leaf([1.0, 2.0], "x")
    cost = (x * x).sum()
    x.data = np.array([5.0, 6.0])
    assert "np.sum" in draw(cost).source
    with pytest.raises(RuntimeError, match="written since"):
        draw(cost, backward=True)
    with pytest.raises(RuntimeError, match="written since"):
        cost.backward()


def test_a_contribution_of_few_elements_stands_on_its_arrow():
    x = leaf(np.ones((2, 2)), "x")
    texts = [text for *_, text in gradient_arrows(draw((x * 3).sum(), backward=True))]
    assert texts == ["+ [[3, 3], [3, 3]]", "+ [[1, 1], [1, 1]]"]


def test_of_blocks_that_repeat_the_gradient_of_the_first_is_told_as_its_value_is():
    layers = [nn.Linear(1, 1, rng=np.random.default_rng(seed)) for seed in range(5)]
    cost = nn.Sequential(*layers)(np.ones((1, 1))).sum()
    picture = draw(cost, backward=True)
    assert [box.title for box in picture.scene.boxes][1:] == ["0: Linear x 5"]
    (lines,) = [m.lines for m in picture.scene.marks if m.title == "d cost / d 0.weight"]
    cost.backward()
    assert lines == ("(1, 1)", f"[[{layers[0].weight.grad.item():.4g}]]")


def test_of_folded_blocks_that_repeat_the_gradient_of_the_first_is_told_as_its_value_is():
    layers = [nn.Linear(1, 1, rng=np.random.default_rng(seed)) for seed in range(5)]
    cost = nn.Sequential(*layers)(np.ones((1, 1))).sum()
    picture = draw(cost, backward=True, grads=True, depth=1)
    marks = {mark.id: mark for mark in picture.scene.marks}
    slope = np.prod([layer.weight.data.item() for layer in layers[1:]])
    assert marks["0"].title == "0: Linear x 5"
    assert marks["0"].lines[-1] == f"[[{layers[0](np.ones(1)).item():.4g}]]"
    assert marks["0"].gradient == (f"grad [[{slope:.4g}]]",)
    assert marks["grad 0"].lines == ("(1, 1)", f"[[{slope:.4g}]]")


def test_a_variable_that_was_put_to_use_again_is_not_taken_for_the_output():
    x = leaf(2.0, "x")
    h = x * 3
    h = h * 2
    titles = [m.title for m in draw(h, backward=True).scene.marks if m.kind == "gradient"]
    assert titles == ["d h / d x", "d h / d np.multiply", "d h / d h"]


def test_the_gradient_of_a_folded_module_is_that_of_what_it_returned():
    model = nn.Sequential(nn.Linear(2, 2), nn.Sigmoid())
    out = model(np.ones((1, 2)))
    scene = draw((out * out + out).sum(), model=model, backward=True, depth=0).scene
    (told,) = [mark.lines for mark in scene.marks if mark.id == "grad Sequential"]
    once, both = (f"[[{a:.4g}, {b:.4g}]]" for a, b in (out.data[0], 2 * out.data[0] + 1))
    assert told == ("(1, 2)", both, "= [[1, 1]]", f"+ {once}", f"+ {once}")


def test_a_folded_module_tells_the_gradient_of_what_it_returned():
    model = nn.Sequential(nn.Linear(2, 2), nn.Sigmoid())
    cost = model(np.ones((1, 2))).sum()
    marks = {mark.id: mark for mark in draw(cost, model=model, grads=True, depth=1).scene.marks}
    sigmoid = cost._args[0]
    slope = (sigmoid.data * (1 - sigmoid.data)).ravel()
    assert marks["1"].gradient == ("grad [[1, 1]]",)
    assert marks["0"].gradient == (f"grad [[{slope[0]:.4g}, {slope[1]:.4g}]]",)
