"""An operation that raises leaves a picture of the graph up to it, and the error as it was."""

import re
import sys
import sysconfig
import traceback

import numpy as np
import pytest

import nn
from autograd_mini import Tensor, checkpoint, defvjp, primitive
from autograd_mini.drawing import draw_on_error, find_dot
from autograd_mini.drawing.failing import find_failed
from autograd_mini.drawing.on_error import broken as drawn_up_to
from autograd_mini.drawing.render import laid_out

needs_dot = pytest.mark.skipif(find_dot() is None, reason="there is no dot program")


def leaf(data, name=None):
    return Tensor(data, requires_grad=True, name=name)


def broken(tmp_path, compute, *, model=None, error=ValueError):
    """Return the DOT text that `compute`, which raises, leaves behind, and the error."""
    path = tmp_path / "graph.dot"
    with pytest.raises(error) as caught, draw_on_error(path, model=model):
        compute()
    return path.read_text(encoding="utf-8"), caught.value


def arrows_into_the_failed(text):
    return re.findall(r'"([^"]+)" -> "failed" \[label=< (.*?) >', text)


def network(rng, hidden=17):
    return nn.Sequential(
        nn.Linear(6, 16, rng=rng), nn.Sigmoid(), nn.Linear(hidden, 4, rng=rng), nn.Sigmoid()
    )


def test_a_shape_error_is_drawn_with_the_call_marked(tmp_path):
    def compute():
        x = leaf(np.ones((2, 3)), "x")
        hidden = np.tanh(x) * 2
        return hidden @ x

    text, error = broken(tmp_path, compute)
    assert "✗ np.matmul" in text
    assert arrows_into_the_failed(text) == [("np.multiply", "x (2, 3)"), ("x", "y (2, 3)")]
    assert "hidden = np.multiply" in text
    assert "test_drawing_on_error.py, line" in text
    assert "return hidden @ x" in text
    assert "ValueError: matmul: " in text
    assert 'class="output"' not in text
    assert isinstance(error, ValueError)


def test_the_error_goes_on_as_it_was_with_a_note(tmp_path, capsys):
    _, error = broken(tmp_path, lambda: leaf(np.ones(2), "x") + np.ones(3))
    assert str(error) == "operands could not be broadcast together with shapes (2,) (3,) "
    told = f"the graph up to np.add is in {tmp_path / 'graph.dot'}"
    if sys.version_info >= (3, 11):
        assert error.__notes__ == [told]
        assert told in "".join(traceback.format_exception(error))
    else:
        assert capsys.readouterr().err == f"{told}\n"


def test_a_network_of_the_wrong_width_shows_the_layer_that_failed(tmp_path):
    model = network(np.random.default_rng(0))
    text, _ = broken(tmp_path, lambda: model(np.ones((5, 6))), model=model)
    assert "<b>2: Linear</b>" in text
    assert "<b>1: Sigmoid</b>" in text
    assert "<b>3: Sigmoid</b>" not in text
    assert [name for name, _ in arrows_into_the_failed(text)] == ["1/sigmoid", "2.weight", "2.bias"]
    inside = text[text.index('subgraph "cluster 2 (failed)"') :]
    assert '"failed" [' in inside[: inside.index("}")]


class Outer(nn.Module):
    """A module whose own call breaks, after one of its parts returned."""

    def __init__(self):
        self.inner = nn.Linear(3, 3)

    def forward(self, x):
        hidden = self.inner(x)
        return np.concatenate([hidden, x[:, :2]])


def test_modules_that_had_not_returned_are_boxes_too(tmp_path):
    model = Outer()
    text, _ = broken(tmp_path, lambda: model(leaf(np.ones((2, 3)), "x")))
    assert "<b>Outer</b>" in text
    assert "<b>inner: Linear</b>" in text
    assert [text for _, text in arrows_into_the_failed(text)] == [
        "arrays[0] (2, 3)",
        "arrays[1] (2, 2)",
    ]


def test_a_box_around_the_failing_call_does_not_tell_what_it_returned(tmp_path):
    rng = np.random.default_rng(0)
    model = nn.Sequential(network(rng, hidden=16), network(rng))
    with pytest.raises(ValueError, match="linear multiplies") as caught:
        model(np.ones((2, 6)))
    scene = drawn_up_to(find_failed(caught.value.__traceback__), caught.value, model)
    folded = {box.id: box.folded for box in scene.boxes}
    unknown = {name for name, mark in folded.items() if mark is None}
    assert unknown == {"Sequential", "1 (failed)", "1.0 (failed)"}
    assert folded["0"].lines[-2] == "(2, 4)"
    assert not any(part.kind == "output" for part in (*scene.marks, folded["0"], folded["0.3"]))


class Careless(nn.Module):
    def forward(self, x):
        return x @ np.ones((9, 9))


def test_what_was_made_outside_stays_outside_the_module_that_failed(tmp_path):
    model = nn.Sequential(Careless())
    text, _ = broken(tmp_path, lambda: model(leaf(np.ones((1, 2)), "x")), model=model)
    scene_end = text.rindex("\t}\n")
    assert text.index('"x" [') > scene_end > text.index('"failed" [')
    assert "nothing of model=" not in text


def test_the_first_call_of_all_may_fail(tmp_path):
    text, _ = broken(tmp_path, lambda: nn.Linear(3, 2)(leaf(np.ones((2, 4)), "x")))
    assert len(arrows_into_the_failed(text)) == 3
    assert "<b>Linear</b>" in text


@pytest.mark.parametrize(
    ("compute", "failed", "error"),
    [
        (lambda x: x[5], "getitem", IndexError),
        (lambda x: np.linalg.inv(x * np.zeros(2)), "np.linalg.inv", np.linalg.LinAlgError),
        (lambda x: x.reshape(3), "np.reshape", ValueError),
        (lambda x: np.stack([x, x[0]]), "np.stack", ValueError),
        (lambda x: np.einsum("ij,k->", x, x), "np.einsum", ValueError),
        (lambda x: np.concatenate([x, [1.0]]), "np.concatenate", ValueError),
        (lambda x: np.sum(x, axis=4), "np.sum", ValueError),
        (lambda x: np.ones((2, 3)) @ x, "np.matmul", ValueError),
        (lambda x: np.polyfit(x, x, 1), "np.polyfit", NotImplementedError),
    ],
)
def test_every_way_to_call_is_found(tmp_path, compute, failed, error):
    text, _ = broken(tmp_path, lambda: compute(leaf(np.ones((2, 2)), "x")), error=error)
    assert f"✗ {failed}" in text


@primitive
def picky(x):
    """Raise, as a user's own operation may."""
    raise LookupError("no such\nthing")


def test_an_operation_of_ones_own_may_fail_too(tmp_path):
    text, _ = broken(tmp_path, lambda: picky(leaf([1.0, 2.0], "x") * 2), error=LookupError)
    assert "✗ picky" in text
    assert "LookupError: no such" in text


@primitive
def tripled(x):
    """Multiply by three, with a rule that has the wrong shape."""
    return 3 * x


defvjp(tripled, lambda g, out, x: 3 * g @ np.ones((5, 5)))


def test_a_call_whose_derivative_fails_is_marked(tmp_path):
    def compute():
        hidden = np.tanh(leaf(np.ones((1, 3)), "x"))
        tripled(hidden).sum().backward()

    text, error = broken(tmp_path, compute, error=RuntimeError)
    assert "✗ tripled" in text
    assert "hidden = np.tanh" in text
    assert "RuntimeError: the derivative of tripled" in text
    assert "tripled(hidden).sum().backward()" in text
    assert str(error).startswith("the derivative of tripled")


def test_a_call_that_was_released_has_no_picture(tmp_path):
    cost = leaf([1.0]).sum()
    cost.backward()
    with pytest.raises(RuntimeError), draw_on_error(tmp_path / "graph.dot"):
        (cost * 2).backward()
    assert not [*tmp_path.iterdir()]


def test_inside_a_checkpoint_the_call_within_is_marked(tmp_path):
    part = checkpoint(lambda x: np.exp(x) @ np.ones((3, 3)))
    text, _ = broken(tmp_path, lambda: part(leaf(np.ones((2, 2)), "x")))
    assert "✗ np.matmul" in text


def test_names_that_mean_something_elsewhere_break_nothing(tmp_path):
    name = '</script><b>"\n\\N'
    text, _ = broken(tmp_path, lambda: leaf(np.ones(2), name) + np.ones(3))
    assert "</script>" not in text


@pytest.mark.parametrize(
    ("path", "model", "error", "message"),
    [
        (3, None, TypeError, "into a file, found int as its name"),
        ("graph", None, ValueError, "graph has no ending that names a format"),
        ("graph.svg", 3, TypeError, "model= is a module, .* found int"),
        ("graph.svg", nn.Linear, TypeError, "model= is a module, .* found the class Linear"),
    ],
)
def test_what_could_not_be_drawn_is_refused_before_anything_breaks(path, model, error, message):
    with pytest.raises(error, match=message):
        draw_on_error(path, model=model)


def test_without_an_error_nothing_is_written(tmp_path):
    with draw_on_error(tmp_path / "graph.dot"):
        leaf([1.0]) * 2
    assert not [*tmp_path.iterdir()]


def test_an_error_of_no_operation_has_no_picture_and_a_note_says_so(tmp_path, capsys):
    x = leaf([1.0]) * 2
    with pytest.raises(KeyError) as caught, draw_on_error(tmp_path / "graph.dot"):
        {}[x]
    assert not [*tmp_path.iterdir()]
    told = "graph.dot was not drawn: no operation on Tensors raised this"
    assert getattr(caught.value, "__notes__", [capsys.readouterr().err.strip()]) == [told]


def test_an_error_raised_from_that_of_an_operation_shows_that(tmp_path):
    def compute():
        try:
            leaf(np.ones(2), "x") + np.ones(3)
        except ValueError as error:
            raise RuntimeError("my layer broke") from error

    text, error = broken(tmp_path, compute, error=RuntimeError)
    assert "✗ np.add" in text
    assert "ValueError: operands could not be broadcast" in text
    assert str(error) == "my layer broke"


def test_an_error_that_is_its_own_cause_ends(tmp_path):
    error = KeyError("x")
    error.__cause__ = ValueError("y")
    error.__cause__.__cause__ = error
    with pytest.raises(KeyError), draw_on_error(tmp_path / "graph.dot"):
        raise error
    assert not [*tmp_path.iterdir()]


def test_an_interrupt_passes_by(tmp_path):
    with pytest.raises(KeyboardInterrupt), draw_on_error(tmp_path / "graph.dot"):
        raise KeyboardInterrupt
    assert not [*tmp_path.iterdir()]


@pytest.mark.skipif(sys.version_info < (3, 11), reason="Python 3.10 has no notes")
def test_a_picture_that_fails_does_not_hide_the_error(tmp_path):
    path = tmp_path / "no such folder" / "graph.dot"
    with pytest.raises(ValueError, match="could not be broadcast") as caught, draw_on_error(path):
        leaf(np.ones(2)) + np.ones(3)
    (note,) = caught.value.__notes__
    assert note.startswith("the graph up to np.add could not be drawn: ")


@pytest.mark.skipif(sys.version_info < (3, 11), reason="Python 3.10 has no notes")
def test_without_dot_the_note_says_where_the_text_is(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sysconfig, "get_path", lambda _: str(tmp_path))
    path = tmp_path / "graph.svg"
    with pytest.raises(ValueError, match="broadcast") as caught, draw_on_error(path):
        leaf(np.ones(2)) + np.ones(3)
    assert "✗ np.add" in path.with_suffix(".dot").read_text(encoding="utf-8")
    assert "install Graphviz" in caught.value.__notes__[0]
    assert "pip install graphviz-pure" in caught.value.__notes__[0]


@needs_dot
@pytest.mark.parametrize(("suffix", "start"), [(".svg", b"<?xml"), (".png", b"\x89PNG")])
def test_pictures_are_written_in_every_format(tmp_path, suffix, start):
    path = tmp_path / f"graph{suffix}"
    with pytest.raises(ValueError, match="broadcast"), draw_on_error(path):
        leaf(np.ones(2)) + np.ones(3)
    assert path.read_bytes().startswith(start)


def test_a_page_is_written_without_any_program(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    path = tmp_path / "graph.html"
    with pytest.raises(ValueError, match="broadcast"), draw_on_error(path):
        leaf(np.ones(2)) + np.ones(3)
    assert path.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_nothing_that_was_computed_is_changed(tmp_path):
    x = leaf(np.ones((2, 3)), "x")
    y = np.tanh(x)
    before = y.data.copy()
    broken(tmp_path, lambda: y @ x)
    np.testing.assert_array_equal(y.data, before)
    y.sum().backward()
    np.testing.assert_array_equal(x.grad, 1 - np.tanh(1.0) ** 2 * np.ones((2, 3)))


def test_a_tensor_called_failed_is_not_the_failed_call(tmp_path):
    def compute():
        x = leaf(np.ones((2, 3)), "failed")
        return (x * 2) @ x

    text, _ = broken(tmp_path, compute)
    found = re.findall(r'^\t"(failed.*?)" \[label=<<b>(.*?)<', text, re.MULTILINE)
    assert found == [("failed", "failed"), ("failed#2", "✗ np.matmul")]
    assert '"failed" -> "failed#2"' in text


class Strange(nn.Module):
    def __init__(self, name):
        self.layers = {name: nn.Linear(5, 2)}

    def forward(self, x):
        return next(iter(self.layers.values()))(x)


@needs_dot
@pytest.mark.parametrize("name", ['a\\"]; evil [label="x', "a\\", '"', "</b>]]>", "ä\n"])
def test_a_strange_path_of_the_module_that_failed_breaks_nothing(tmp_path, name):
    text, _ = broken(tmp_path, lambda: Strange(name)(np.ones((1, 3))))
    assert laid_out(text.encode(), "svg").count(b'class="node') == 4
    assert re.findall('subgraph "(.*)" {', text)[1].isascii()


def test_arrays_in_lists_of_lists_are_drawn_too(tmp_path):
    parts = [[leaf(np.ones((2, 3)), "a"), leaf(np.ones((3, 2)), "b")]]
    text, _ = broken(tmp_path, lambda: np.block(parts))
    assert arrows_into_the_failed(text) == [
        ("a", "arrays[0][0] (2, 3)"),
        ("b", "arrays[0][1] (3, 2)"),
    ]


def test_a_call_without_arrays_is_drawn_alone(tmp_path):
    x = leaf([1.0, 2.0])
    text, _ = broken(tmp_path, lambda: np.concatenate(y for y in [x, x]), error=Exception)
    assert "✗ np.concatenate" in text
    assert "->" not in text
