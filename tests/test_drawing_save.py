"""Pictures in files and notebooks, with the system's dot, with pip's, and with none."""

import os
import re
import stat
import subprocess
import sys
import sysconfig
from pathlib import Path

import numpy as np
import pytest

import nn
from autograd_mini import Tensor
from autograd_mini.drawing import draw, explain, find_dot, render, save

ROOT = Path(__file__).resolve().parent.parent
SUFFIX = ".exe" if os.name == "nt" else ""
PURE = Path(sysconfig.get_path("scripts"), f"graphviz-pure{SUFFIX}")

needs_dot = pytest.mark.skipif(find_dot() is None, reason="there is no dot program")
needs_pure = pytest.mark.skipif(not PURE.exists(), reason="graphviz-pure is not installed")


def small_cost():
    x = Tensor([1.0, 2.0], requires_grad=True, name="x")
    return (x * 3).sum()


@pytest.fixture
def no_program(tmp_path, monkeypatch):
    """Let no program be found."""
    empty = tmp_path / "no programs here"
    empty.mkdir()
    monkeypatch.setenv("PATH", str(empty))
    monkeypatch.setattr(sysconfig, "get_path", lambda _: str(empty))


@pytest.fixture
def only_pure(tmp_path, monkeypatch):
    """Let graphviz-pure, beside the interpreter, be the only program."""
    empty = tmp_path / "no dot here"
    empty.mkdir()
    monkeypatch.setenv("PATH", str(empty))


@needs_dot
@pytest.mark.parametrize(
    ("suffix", "start"), [("svg", b"<?xml"), ("png", b"\x89PNG"), ("SVG", b"<?xml")]
)
def test_a_picture_is_written_in_the_format_of_the_ending(tmp_path, suffix, start):
    path = tmp_path / f"graph.{suffix}"
    save(small_cost(), path)
    assert path.read_bytes().startswith(start)


def test_text_needs_no_program(tmp_path, no_program):
    save(small_cost(), tmp_path / "graph.gv")
    assert (tmp_path / "graph.gv").read_text(encoding="utf-8") == draw(small_cost()).source


def test_a_page_needs_no_program(tmp_path, no_program):
    save(small_cost(), tmp_path / "graph.html")
    page = (tmp_path / "graph.html").read_text(encoding="utf-8")
    assert page.startswith("<!DOCTYPE html>")
    assert "np.multiply" in page


def test_options_are_those_of_draw(tmp_path):
    model = nn.Sequential(nn.Linear(2, 2), nn.Tanh())
    cost = model(np.ones((1, 2))).sum()
    save(cost, tmp_path / "graph.dot", model=model, depth=0, direction="TB")
    expected = draw(cost, model=model, depth=0, direction="TB").source
    assert (tmp_path / "graph.dot").read_text(encoding="utf-8") == expected


def test_a_picture_that_is_drawn_is_saved_as_it_is(tmp_path):
    picture = draw(small_cost(), grads=True)
    save(picture, tmp_path / "graph.dot")
    assert (tmp_path / "graph.dot").read_text(encoding="utf-8") == picture.source
    with pytest.raises(TypeError, match="drawn already, and grads: leave these out"):
        save(picture, tmp_path / "graph.dot", grads=True)


def test_what_is_no_tensor_is_refused(tmp_path):
    with pytest.raises(TypeError, match=r"save takes a Tensor, .* found ndarray"):
        save(np.ones(2), tmp_path / "graph.svg")
    assert not [*tmp_path.iterdir()]


def test_render_takes_pictures(tmp_path):
    with pytest.raises(TypeError, match=r"render takes a graphviz.Digraph, .* found Tensor: write"):
        render(small_cost(), tmp_path / "graph.svg")


def test_a_file_without_an_ending_is_refused_with_what_there_is(tmp_path):
    with pytest.raises(ValueError, match=r"graph has no ending .*\.svg, \.png"):
        save(small_cost(), tmp_path / "graph")
    assert not [*tmp_path.iterdir()]


def test_without_a_program_the_error_names_both_remedies_and_the_text_is_written(
    tmp_path, no_program
):
    with pytest.raises(FileNotFoundError) as caught:
        save(small_cost(), tmp_path / "graph.svg")
    told = str(caught.value)
    assert "install Graphviz" in told
    assert "pip install graphviz-pure" in told
    assert told.endswith(f"its text is in {tmp_path / 'graph.dot'}")
    assert (tmp_path / "graph.dot").read_text(encoding="utf-8") == draw(small_cost()).source
    assert not (tmp_path / "graph.svg").exists()


def test_without_a_program_a_picture_says_the_same_of_itself(tmp_path, no_program):
    picture = draw(small_cost())
    for show in (picture.pipe, picture._repr_mimebundle_):
        with pytest.raises(
            FileNotFoundError, match=r"install Graphviz .*pip install graphviz-pure"
        ):
            show()
    with pytest.raises(FileNotFoundError, match="its text is in"):
        picture.render(tmp_path / "graph", format="svg")


@needs_pure
def test_a_picture_shows_itself_in_a_notebook_with_what_pip_brings(only_pure):
    bundle = draw(small_cost())._repr_mimebundle_()
    assert [*bundle] == ["image/svg+xml"]
    assert bundle["image/svg+xml"].startswith("<?xml")
    assert len(re.findall('class="node', bundle["image/svg+xml"])) == 4


@needs_pure
def test_render_of_the_picture_works_with_what_pip_brings(only_pure, tmp_path):
    picture = draw(small_cost())
    written = picture.render(tmp_path / "graph", format="png")
    assert written == str(tmp_path / "graph.png")
    assert Path(written).read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "graph").read_text(encoding="utf-8") == picture.source
    picture.render(outfile=tmp_path / "other.svg", cleanup=True)
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == [
        "graph",
        "graph.png",
        "other.svg",
    ]


@needs_pure
def test_what_the_program_refuses_is_said(only_pure, tmp_path):
    for form in ("pdf", "nonsense"):
        with pytest.raises(ValueError, match=rf"graphviz-pure writes no \.{form}: .*install Graph"):
            save(small_cost(), tmp_path / f"graph.{form}")
    assert not [*tmp_path.glob("graph*")]


@needs_dot
def test_a_format_that_dot_does_not_know_is_refused_in_a_sentence(tmp_path):
    with pytest.raises(
        ValueError, match=r"^dot writes no \.nonsense: write \.svg, \.png or \.pdf$"
    ):
        save(small_cost(), tmp_path / "graph.nonsense")


def test_an_explanation_is_saved_as_its_picture(tmp_path):
    x = Tensor(2.0, requires_grad=True, name="x")
    found = explain(x * x, x)
    for name in ("why.dot", "why.html"):
        save(found, tmp_path / name)
    assert (tmp_path / "why.dot").read_text(encoding="utf-8") == found.picture().source


def test_arguments_the_wrong_way_round_are_refused(tmp_path):
    with pytest.raises(TypeError, match="into a file, found Tensor as its name"):
        save(tmp_path / "graph.svg", small_cost())


@pytest.mark.parametrize("name", ["graph.dot", "graph.svg", "graph.html"])
def test_a_folder_is_no_file(tmp_path, name):
    (tmp_path / name).mkdir()
    with pytest.raises(IsADirectoryError, match=rf"{name} is a folder: give the name of a file"):
        save(small_cost(), tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_missing_folder_is_named_for_the_file_that_was_asked_for(no_program, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"graph\.svg: its folder does not exist"):
        save(small_cost(), tmp_path / "missing" / "graph.svg")


def fake(folder, name, answer):
    """Put a program called `name` into `folder`, which answers whatever it is asked."""
    folder.mkdir(exist_ok=True)
    program = folder / name
    program.write_text(f"#!{sys.executable}\nprint({answer!r}, end='')\n", encoding="utf-8")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)


@pytest.mark.skipif(os.name == "nt", reason="a script can't stand in for a program there")
def test_the_systems_dot_comes_first(tmp_path, monkeypatch):
    fake(tmp_path / "bin", "dot", "by dot")
    fake(tmp_path / "bin", "graphviz-pure", "by graphviz-pure")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    render(draw(small_cost()), tmp_path / "graph.svg")
    assert (tmp_path / "graph.svg").read_text() == "by dot"
    assert draw(small_cost()).pipe("svg") == b"by dot"
    (tmp_path / "bin" / "dot").unlink()
    assert draw(small_cost()).pipe("svg") == b"by graphviz-pure"
    assert draw(small_cost()).pipe("svg", encoding="utf-8") == "by graphviz-pure"


def processor_seconds():
    """Return what this process and its programs have computed: no waiting for a busy machine."""
    return sum(os.times()[:4])


@needs_dot
def test_a_recurrent_network_of_10_000_operations_is_rendered_folded_in_seconds(tmp_path):
    W, h = Tensor(np.eye(3), requires_grad=True, name="W"), np.ones(3)
    for _ in range(3_334):
        h = np.tanh(W @ h + 0.1)
    start = processor_seconds()
    save(h, tmp_path / "recurrent.svg")
    assert processor_seconds() - start < 15  # half a second, on a quiet machine
    svg = (tmp_path / "recurrent.svg").read_text(encoding="utf-8")
    assert "x 3,334" in svg
    assert "shown" in svg
    assert len(re.findall('class="node', svg)) < 10


@needs_dot
def test_the_same_program_writes_the_same_svg(tmp_path):
    for name in ("one.svg", "two.svg"):
        save(small_cost(), tmp_path / name)
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"graph\.dot: its folder does not exist"):
        save(small_cost(), tmp_path / "missing" / "graph.dot")


@needs_dot
def test_a_tooltip_that_looks_like_a_label_stays_text(tmp_path):
    scope = {"x": Tensor([1.0, 2.0], requires_grad=True, name="x")}
    exec(compile("y = x * 2", "<b>evil", "exec"), scope)
    picture = draw(scope["y"])
    assert 'tooltip="<b>evil, line 1, in <module>"' in picture.source
    save(picture, tmp_path / "graph.svg")
    svg = (tmp_path / "graph.svg").read_text(encoding="utf-8")
    assert "&lt;b&gt;evil, line 1, in &lt;module&gt;" in svg


def test_half_a_file_is_never_left(tmp_path, monkeypatch):
    def fail(self, target):
        raise OSError("no space left")

    path = tmp_path / "graph.dot"
    path.write_text("the old one")
    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="no space left"):
        save(small_cost(), path)
    assert path.read_text() == "the old one"
    assert [*tmp_path.iterdir()] == [path]


def test_a_copy_of_a_picture_can_be_added_to():
    picture = draw(small_cost())
    copy = picture.copy()
    copy.node("more")
    assert "more" not in picture.source
    assert copy.source.replace("\tmore\n", "") == picture.source
    assert copy.scene is picture.scene


def test_drawing_does_not_need_the_network_packages():
    code = "import autograd_mini.drawing, sys; assert 'nn' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
