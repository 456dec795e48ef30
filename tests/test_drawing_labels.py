"""What stands in a drawn node, how it looks, and that a strange name never breaks the text."""

import html
import re
import subprocess
import xml.etree.ElementTree as ET
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import nn
from autograd_mini import defvjp, primitive
from autograd_mini.drawing import draw, find_dot
from autograd_mini.drawing.dot import INK, LOOKS, OPERATION
from tests.golden.pictures_cases import PICTURES
from tests.test_drawing import Model, arrows, digits_cost, digits_network, leaf, texts

DOT = find_dot()
needs_dot = pytest.mark.skipif(DOT is None, reason="there is no dot program")


# Settings and values.


@pytest.mark.parametrize(
    ("compute", "expected"),
    [
        (lambda x: x.sum(), ["np.sum", "15"]),
        (lambda x: x.sum(axis=0), ["np.sum", "axis=0", "(3,)", "[3, 5, 7]"]),
        (lambda x: np.var(x, ddof=0), ["np.var", "2.917"]),
        (lambda x: x.var(ddof=1), ["np.var", "ddof=1", "3.5"]),
        (lambda x: np.concatenate([x], axis=None), ["np.concatenate", "axis=None", "(6,)"]),
        (lambda x: x.diagonal(), ["np.diagonal", "(2,)", "[0, 4]"]),
        (lambda x: x.astype(np.float32).max(), ["np.max", "5 float32"]),
        (lambda x: np.einsum("ij->j", x), ["np.einsum", "'ij->j'", "(3,)", "[3, 5, 7]"]),
        (lambda x: x[..., None, 1:], ["getitem", "index=(..., None, 1:)", "(2, 1, 2)"]),
        (lambda x: np.split(x, 2, axis=-2)[0], ["np.split[0]", "(1, 3)", "[[0, 1, 2]]"]),
    ],
)
def test_a_call_shows_its_settings_except_defaults_then_its_result(compute, expected):
    found = texts(draw(compute(leaf(np.arange(6.0).reshape(2, 3)))))[-1]
    assert found[: len(expected)] == expected


@primitive
def beside(x, data=None, **_):
    """Return `x`, with anything beside it for the picture."""
    return x * 1.0


defvjp(beside, lambda g, out, x, data=None, **_: g, None)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (np.arange(7.0), ["(7,)", "0 to 6, mean 3"]),
        (np.full((2, 4), 0.5), ["(2, 4)", "all 0.5"]),
        (np.array([1, np.nan, 3, 4, 5, 6, 7]), ["(7,)", "1 to 7, mean 4.33, 1 nan"]),
        (np.array([1, np.inf, 3, 4, 5, 6, -np.inf]), ["(7,)", "1 to 6, mean 3.8, 2 inf"]),
        (np.array([1 / 3, np.nan, -np.inf]), ["(3,)", "[0.3333, nan, -inf]"]),
        (np.zeros((0, 3)), ["(0, 3)"]),
        (np.array(2.0), ["2"]),
        (np.array([[0.1]], np.float16), ["(1, 1) float16", "[[0.09998]]"]),
        (np.array([123456, 7], np.int64), ["(2,) int64", "[123456, 7]"]),
        (
            np.arange(123456, 123463, dtype=np.int32),
            ["(7,) int32", "123456 to 123462, mean 1.23e+05"],
        ),
        (np.array([True, False]), ["(2,) bool", "[True, False]"]),
        (np.arange(7) < 3, ["(7,) bool", "3 of 7 true"]),
        (np.array([1 + 2j]), ["(1,) complex128", "[1+2j]"]),
        (np.arange(7) * 1j, ["(7,) complex128", "sizes 0 to 6, mean 3"]),
        (np.full(7, np.nan), ["(7,)", "7 nan"]),
        (np.full(7, 1.7e308), ["(7,)", "all 1.7e+308"]),
        (np.array([1.7e308] * 7 + [0]), ["(8,)", "0 to 1.7e+308, mean 1.49e+308"]),
        (np.array([5e-324] * 7 + [0]), ["(8,)", "0 to 4.94e-324, mean 4.94e-324"]),
        (np.full(7, 2**63 - 1), ["(7,) int64", f"all {2**63 - 1}"]),
        (
            np.array([-(2**63)] * 7 + [2**63 - 1]),
            ["(8,) int64", f"{-(2**63)} to {2**63 - 1}, mean -6.92e+18"],
        ),
        (np.full(7, 60_000, np.float16), ["(7,) float16", "all 6e+04"]),
    ],
)
@pytest.mark.filterwarnings("error")
def test_up_to_six_values_are_written_out_and_of_more_the_range(data, expected):
    assert texts(draw(beside(leaf(1.0), data)))[1] == ["input", *expected]


class Foreign:
    """An array of another library, whose values must not be asked for."""

    shape, dtype, ndim = (2,), np.dtype(np.float64), 1

    def __array_function__(self, *_):
        raise AssertionError("drawing computes nothing")


def test_of_another_librarys_array_only_the_shape_is_shown():
    assert texts(draw(beside(leaf(1.0), Foreign())))[1] == ["input", "(2,)"]


def test_there_is_no_memory_address_in_the_text():
    class Thing:
        pass

    @primitive
    def odd(x, *, how):
        return x * 1.0

    defvjp(odd, lambda g, out, x, *, how: g)
    x = leaf([1.0])
    shown = {
        "thing": (Thing(), "how=Thing"),
        "function": (max, "how=max"),
        "lambda": (lambda: 0, "how=<lambda>"),
        "set": ({"b", "a"}, "how=set"),
        "dtype": (np.dtype("float32"), "how=float32"),
        "list": ([Thing, None, 2.5, slice(1, None)], "how=[Thing, None, 2.5, 1:]"),
    }
    for how, text in shown.values():
        picture = draw(odd(x, how=how))
        assert texts(picture)[1] == ["odd", text, "(1,)", "[1]"]
        assert "0x" not in picture.source


# Strings from outside.

STRANGE = [
    'say "hi"',
    "back\\slash",
    "end\\",
    "\\N \\G \\L \\n \\\\N",
    "<b>bold</b>",
    "<",
    "a > b -> c",
    "<!-- -->",
    "&amp; &lt; & &#65;",
    "]; n9 [label=9",
    "}",
    "n0",
    "digraph",
    "é ü 你好 🙂",
    " ",
]
INVISIBLE = {
    "two\nlines": "two\\nlines",
    "nul\0": "nul\\x00",
    "\ud800": "\\ud800",
    "\u202eright to left": "\\u202eright to left",
}


def named(name):
    """Return a picture in which `name` stands wherever a user's text can."""
    x, weight = leaf(1.0, name), leaf(2.0)
    y = x * weight
    y.name = name
    return draw(beside(y, name, **{name: name, "b": np.zeros(1)}), model=Model(**{name: weight}))


def marks_of(picture):
    """Return the lines of text that say what a node is."""
    return [line for line in picture.body if re.match(r'\t"[^"]*" \[', line)]


@pytest.mark.parametrize("name", [*STRANGE, *INVISIBLE])
def test_a_strange_name_stays_text(name):
    marks = named(name).scene.marks
    assert [mark.title for mark in marks[:3]] == [name, name, f"{name} = np.multiply"]
    shown = INVISIBLE.get(name, name).replace("\\", "\\\\")
    text = html.escape(shown, quote=False)
    assert f"<b>{text}</b>" in named(name).source
    assert f"<b>{text} = np.multiply</b>" in named(name).source


@given(st.text(min_size=1).filter(lambda name: name not in ("x", "data", "b")))
def test_no_name_changes_the_form_of_the_text(name):
    picture = named(name)
    assert len(picture.body) == len(named("plain").body)
    assert len(marks_of(picture)) == 5
    for line in marks_of(picture):
        (label,) = re.findall(r"label=<(.*)> tooltip=|label=<(.*)> class=", line)
        ET.fromstring(f"<label>{''.join(label)}</label>")
        assert all(c.isprintable() for c in line[1:-1])
        assert not re.search(r"(?<!\\)(\\\\)*\\(?!\\)", "".join(label))


def test_a_long_name_is_cut():
    mark = named("x" * 1_000).scene.marks[0]
    assert mark.title == mark.id[:47] + "…" == "x" * 47 + "…"


@pytest.mark.parametrize("bars", [True, False])
def test_a_larger_array_has_a_histogram_of_its_finite_values(bars):
    data = np.array([0.0, 0, 0, 0, 10, 5, 5, np.nan]) if bars else np.full(8, 2.0)
    mark = draw(beside(leaf(1.0), data)).scene.marks[1]
    assert mark.bars == ((1, 0, 0, 0, 0, 0.5, 0, 0, 0, 0.25) if bars else ())
    assert ('bgcolor="#666666"' in draw(beside(leaf(1.0), data)).source) == bars


@pytest.mark.parametrize("one", [1.0, 1e300, 5e-324, np.float32(1)])
def test_numbers_a_rounding_error_apart_have_a_histogram(one):
    data = np.array([one] * 7 + [np.nextafter(one, one * 2)])
    marks = draw(np.negative(leaf(data, "x")) * 1).scene.marks
    assert [mark.bars for mark in marks if mark.title == "x"] == [(1.0, *[0.0] * 8, 0.14)]


def test_without_values_the_picture_is_the_same_for_other_values():
    def picture(scale, **options):
        x = leaf(np.arange(8.0) * scale, "x")
        return draw((x * x).sum(), **options)

    assert picture(1.0).source != picture(2.0).source
    assert picture(1.0, values=False).source == picture(2.0, values=False).source
    assert not any(mark.bars for mark in picture(1.0, values=False).scene.marks)


# What a real dot program makes of it.


def run_dot(picture, form):
    command, text = [str(DOT), f"-T{form}"], picture.source.encode()
    # The program was looked up by name, and no shell reads the text.
    done = subprocess.run(command, input=text, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert b"yntax" not in done.stderr
    return done.stdout


def rendered(picture):
    """Return the lines of text in the picture as SVG, by the name of the node or edge."""
    svg = "{http://www.w3.org/2000/svg}"
    groups = ET.fromstring(run_dot(picture, "svg")).iter(f"{svg}g")
    return [
        (g.findtext(f"{svg}title"), ["".join(t.itertext()) for t in g.iter(f"{svg}text")])
        for g in groups
        if (g.get("class") or "graph").split()[0] != "graph"
    ]


@needs_dot
@pytest.mark.parametrize("name", PICTURES)
def test_dot_draws_every_mark_arrow_and_box(name):
    picture = PICTURES[name]()
    scene = picture.scene
    titles = [title for title, _ in rendered(picture)]
    assert sum("->" in title for title in titles) == len(scene.arrows)
    assert {title for title in titles if title.startswith("cluster ")} == {
        f"cluster {box.id}" for box in scene.boxes
    }
    nodes = {title for title in titles if "->" not in title and not title.startswith("cluster ")}
    assert nodes - {"legend"} == {mark.id for mark in scene.marks}
    assert ("legend" in nodes) == bool(scene.legend)


@needs_dot
@pytest.mark.parametrize("name", PICTURES)
def test_dot_reads_back_what_was_written(name):
    scene = PICTURES[name]().scene
    rows = [line.split() for line in run_dot(PICTURES[name](), "plain").decode().splitlines()]
    kinds = [row[0] for row in rows]
    assert kinds.count("node") == len(scene.marks) + bool(scene.legend)
    assert kinds.count("edge") == len(scene.arrows)


@needs_dot
def test_dot_shows_every_line_of_the_digits_cost():
    rng = np.random.default_rng(0)
    network = digits_network(rng)
    picture = draw(digits_cost(network, rng), model=network)
    shown = dict(rendered(picture))
    assert sum("->" in title for title in shown) == len(arrows(picture))
    for mark in picture.scene.marks:
        assert shown[mark.id] == [mark.title, *mark.lines]


@needs_dot
@pytest.mark.parametrize("name", [*STRANGE, *INVISIBLE])
def test_dot_shows_a_strange_name_as_it_is(name):
    picture = named(name)
    shown = dict(rendered(picture))
    first, _, product, *_ = picture.scene.marks
    expected = INVISIBLE.get(name, name)
    assert shown[first.id][0].replace("\xa0", " ") == expected
    assert shown[product.id][0].replace("\xa0", " ") == f"{expected} = np.multiply"


@needs_dot
@pytest.mark.parametrize("name", [*STRANGE, *INVISIBLE])
def test_dot_draws_a_strange_name_wherever_it_can_stand(name):
    model = nn.Module()
    model.parts = {name: nn.Linear(2, 2, rng=np.random.default_rng(0))}
    model.forward = model.parts[name]
    x = leaf(np.ones(2), name)
    picture = draw(model(x).sum(), backward=True, grads=True, color="value", legend=True)
    titles = [title for title, _ in rendered(picture)]
    assert len(titles) == len(picture.scene.marks) + len(picture.scene.arrows) + 2 + 1


# Kinds that everyone can tell apart.


def linear_rgb(colour):
    values = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def luminance(colour):
    return linear_rgb(colour) @ [0.2126, 0.7152, 0.0722]


FILLED = {"operation": OPERATION} | {
    kind: LOOKS[kind] for kind in ("parameter", "input", "output", "gradient")
}


TEXT = {"output": "#ffffff"}


def test_only_the_output_has_text_of_another_colour():
    assert {kind for kind, look in LOOKS.items() if "fontcolor" in look} == {"output"}
    assert LOOKS["output"]["fontcolor"] == "white"


@pytest.mark.parametrize("kind", FILLED)
def test_the_text_in_a_node_has_the_contrast_of_wcags_highest_level(kind):
    colours = FILLED[kind]["fillcolor"], TEXT.get(kind, INK)
    dark, light = sorted(map(luminance, colours))
    assert (light + 0.05) / (dark + 0.05) >= 7


# Machado, Oliveira & Fernandes, A physiologically-based model for simulation of color vision
# deficiency (2009), severity 1.0.
VISIONS = {
    "normal": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}


def cie_lab(rgb):
    to_xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    xyz = np.array(to_xyz) @ np.clip(rgb, 0, 1) / [0.9505, 1, 1.089]
    x, y, z = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("vision", VISIONS)
def test_the_colours_of_the_kinds_differ_for_every_kind_of_vision(vision):
    seen = {
        kind: cie_lab(np.array(VISIONS[vision]) @ linear_rgb(look["color"]))
        for kind, look in FILLED.items()
    }
    # A difference of 2.3 is just noticeable.
    assert all(np.linalg.norm(seen[a] - seen[b]) > 15 for a, b in combinations(seen, 2))


def test_every_kind_has_a_shape_of_its_own():
    outlines = [
        tuple((OPERATION | look).get(key) for key in ("shape", "style", "peripheries"))
        for look in LOOKS.values()
    ]
    assert len(set(outlines)) == len(LOOKS) == 8
