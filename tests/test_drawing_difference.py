"""What changed between two pictures is marked, and nothing else."""

import numpy as np
import pytest

import nn
from autograd_mini import Tensor
from autograd_mini.drawing import diff, draw


def cost(model):
    return nn.MSELoss()(model(np.ones((2, 3))), np.zeros((2, 2)))


def states(picture, parts="marks"):
    found = {}
    for part in getattr(picture.scene, parts):
        if part.state:
            found.setdefault(part.state, []).append(part[0])
    return found


def plain_mlp():
    nn.init.seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.Sigmoid(), nn.Linear(4, 2))


def test_the_same_program_shows_no_difference():
    pictures = [draw(cost(plain_mlp())) for _ in range(2)]
    changes = diff(*pictures)
    assert changes.scene.notes == ("nothing changed",)
    assert not states(changes)
    assert changes.scene._replace(notes=()) == pictures[1].scene


def test_another_activation_is_a_removed_and_an_added_call_in_a_changed_box():
    other = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    options = {"values": False}
    changes = diff(draw(cost(plain_mlp()), **options), draw(cost(other), **options))
    assert states(changes) == {"added": ["1/np.tanh"], "removed": ["1/sigmoid"]}
    assert states(changes, "boxes") == {"changed": ["1"]}
    (box,) = [box for box in changes.scene.boxes if box.id == "1"]
    assert (box.title, box.detail) == ("1: Tanh", "was: 1: Sigmoid")
    assert changes.scene.notes == (
        "nodes: 1 added, 1 removed; arrows: 2 added, 2 removed; boxes: 1 changed",
    )


def test_a_removed_layer_is_there_again_with_its_box():
    shorter = nn.Sequential(nn.Linear(3, 2))
    before = nn.Sequential(nn.Linear(3, 2), nn.Sigmoid())
    changes = diff(draw(cost(before), values=False), draw(cost(shorter), values=False))
    (gone,) = [mark for mark in changes.scene.marks if mark.state == "removed"]
    assert (gone.id, gone.box) == ("1/sigmoid", "1")
    assert [box.id for box in changes.scene.boxes if box.state == "removed"] == ["1"]
    assert '"1/sigmoid"' in changes.source


def test_a_wider_layer_says_what_its_shapes_were():
    wider = nn.Sequential(nn.Linear(3, 5), nn.Sigmoid(), nn.Linear(5, 2))
    changes = diff(draw(cost(plain_mlp()), values=False), draw(cost(wider), values=False))
    lines = {mark.id: mark.lines for mark in changes.scene.marks if mark.state == "changed"}
    assert lines["0.weight"] == ("(5, 3)", "was: 0.weight (4, 3)")
    assert lines["2.weight"] == ("(2, 5)", "was: 2.weight (2, 4)")
    assert "MSELoss/mse_loss" not in lines


def test_a_step_downhill_changes_values_and_no_structure():
    model = plain_mlp()
    before, outline = draw(cost(model)), draw(cost(model), values=False)
    for parameter in model.parameters():
        parameter.data -= 0.1
    after = draw(cost(model))
    assert set(states(diff(before, after))["changed"]) >= {"0.weight", "2.bias"}
    assert not {"added", "removed"} & set(states(diff(before, after)))
    assert not states(diff(outline, draw(cost(model), values=False)))


def test_a_changed_gradient_is_a_change():
    x = Tensor(2.0, requires_grad=True, name="x")
    one, two = draw(x * 1.0, grads=True), draw(x * 1.0 * 1.0, grads=True)
    assert "np.multiply#2" in states(diff(one, two))["added"]
    three = draw(x * 2.0, grads=True)
    changed = {m.id: m.lines for m in diff(one, three).scene.marks if m.state == "changed"}
    assert changed["x"] == ("2", "was: x 2 grad 1")


def test_an_input_that_became_a_parameter_is_a_change():
    def pictured(requires_grad):
        x = Tensor([1.0, 2.0], requires_grad, name="x")
        return draw((x * Tensor([3.0, 4.0], requires_grad=True, name="w")).sum())

    changes = diff(pictured(requires_grad=False), pictured(requires_grad=True))
    assert states(changes) == {"changed": ["x"]}
    (mark,) = (mark for mark in changes.scene.marks if mark.state)
    assert mark.lines[-1] == "was: input x (2,) [1, 2]"


def test_an_output_that_is_used_further_is_no_change():
    w = Tensor([3.0, 4.0], requires_grad=True, name="w")
    end = np.tanh(w)
    assert states(diff(draw(end), draw(np.square(end)))) == {"added": ["np.square"]}


def test_states_are_told_by_signs_in_the_text():
    x = Tensor([1.0, 2.0], requires_grad=True, name="x")
    text = diff(draw(np.exp(x)), draw(np.tanh(x))).source
    assert "+ np.tanh" in text
    assert "- np.exp" in text
    assert 'style="dashed"' in text


def test_an_output_that_was_removed_can_still_be_read():
    before = nn.Sequential(nn.Linear(3, 2), nn.Sigmoid())
    after = nn.Sequential(nn.Linear(3, 2))
    changes = diff(draw(before(np.ones(3)), values=False), draw(after(np.ones(3)), values=False))
    (line,) = [line for line in changes.source.splitlines() if "- sigmoid" in line]
    assert 'style="dashed"' in line  # which fills nothing
    assert 'fontcolor="#222222"' in line


def test_two_uses_of_one_tensor_by_one_call_are_two_arrows():
    x = Tensor(2.0, requires_grad=True, name="x")
    once, twice = draw(x * 3.0), draw(x * x)
    added = [a for a in diff(once, twice).scene.arrows if a.state == "added"]
    assert len(added) == 1


def test_what_is_no_picture_of_draw_is_refused():
    x = Tensor(1.0, requires_grad=True)
    with pytest.raises(TypeError, match=r"diff takes two pictures .*found Tensor: write diff"):
        diff(draw(x * 2), x * 2)
