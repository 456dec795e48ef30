"""Names in pictures: what the program calls a value, and no name rather than a wrong one.

The names of variables are read off the byte code, which differs between versions of Python: CI
runs these tests on each.
"""

import itertools
import types
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nn
from autograd_mini import Tensor, tensor
from autograd_mini.drawing import draw
from autograd_mini.drawing.names import Names
from autograd_mini.drawing.nodes import in_order
from autograd_mini.drawing.stores import stores
from tests.test_drawing import leaf

RNG = np.random.default_rng(0)


def named(output):
    """Return operation and name of every call in a graph that got a name."""
    nodes = in_order(output)
    names = Names([node.value for node in nodes if isinstance(node.value, Tensor)])
    return [
        (node.value._operation.name, names.of(node.value))
        for node in nodes
        if node.is_call and names.of(node.value)
    ]


def run(code: str) -> dict[str, Any]:
    """Run lines as a module would."""
    space: dict[str, Any] = {"np": np, "nn": nn, "x": leaf([[0.5, 1.0], [1.5, 2.0]])}
    exec(compile(code, "lines.py", "exec"), space)  # the lines are those below
    return space


def run_in_function(code: str) -> dict[str, Any]:
    """Run lines in a function, whose variables are stored by other instructions."""
    body = "\n".join(f"    {line}" for line in code.splitlines())
    space = run(f"def function(x):\n{body}\n    return locals()\n")
    found: dict[str, Any] = space["function"](space["x"])
    return found


CODES = {
    "an operator": ("y = x * 2", [("np.multiply", "y")]),
    "a call": ("y = np.exp(x)", [("np.exp", "y")]),
    "a method": ("y = x.sum(axis=0)", [("np.sum", "y")]),
    "keywords": ("y = np.sum(x, keepdims=True)", [("np.sum", "y")]),
    "unpacked arguments": ("y = np.sum(*[x], **{'axis': 0})", [("np.sum", "y")]),
    "an index": ("y = x[0]", [("getitem", "y")]),
    "a slice": ("y = x[1:]", [("getitem", "y")]),
    "a property": ("y = x.T", [("np.transpose", "y")]),
    "a negation": ("y = -x", [("np.negative", "y")]),
    "an expression": ("y = np.exp(x * 2) + 1", [("np.add", "y")]),
    "several lines": ("z = x * 2\ny = z.sum()", [("np.multiply", "z"), ("np.sum", "y")]),
    "in place": ("y = x * 1\ny += 2", [("np.multiply", "y"), ("np.add", "y")]),
    "two names at once": ("a = y = x * 2", [("np.multiply", "a")]),
    "a name in an expression": ("y = (z := x * 2).sum()", [("np.multiply", "z"), ("np.sum", "y")]),
    "a condition": ("y = x * 2 if x is not None else x", [("np.multiply", "y")]),
    "a loop": ("y = x\nfor _ in range(2):\n    y = np.sin(y) * 2", [("np.multiply", "y")] * 2),
    "a loop over a Tensor": (
        "y = 0\nfor row in x:\n    y = y + row",
        [("getitem", "row"), ("np.add", "y"), ("getitem", "row"), ("np.add", "y")],
    ),
    "a type": ("y: object = x * 2", [("np.multiply", "y")]),
    "the results of a call": (
        "y = np.split(x, 2)\ny = y[0] * y[1]",
        [("np.split", "y"), ("np.multiply", "y")],
    ),
    "a sum of a list": ("y = sum([x, x, x])", [("np.add", "y")]),
}


@pytest.mark.parametrize("run", [run, run_in_function])
@pytest.mark.parametrize("name", CODES)
def test_a_value_is_called_as_the_variable_it_was_put_into(name, run):
    code, expected = CODES[name]
    assert named(run(code)["y"]) == expected


UNNAMED = {
    "pairs": "a, b = x * 2, x * 3",
    "a triple": "a, b, c = x * 2, x * 3, x * 4",
    "four": "a, b, c, d = x * 2, x * 3, x * 4, x * 5",
    "unpacked results": "a, b = np.split(x, 2)",
    "a list": "a = [x * 2, x * 3]",
    "a list of items": "a = list(x)",
    "items in a list": "a = [*x]",
    "a tuple of a map": "a = tuple(map(np.sin, [x, x * 2]))",
    "a comprehension": "a = [np.sin(row) for row in [x, x]]",
    "a dict": "a = {'b': x * 2}",
    "an argument": "a = id(np.exp(x))",
    "an item of a list": "a = [0]\na[0] = x * 2",
    "an attribute of a result": "np.exp(x).name = None\na = 1",
    "another variable in the same line": "np.exp(x); a = 1",
    "a condition": "a = 1 if np.exp(x).sum() > 0 else 2",
}


@pytest.mark.parametrize("run", [run, run_in_function])
@pytest.mark.parametrize("name", UNNAMED)
def test_a_variable_that_got_something_else_names_nothing_wrongly(name, run, monkeypatch):
    made: list[Any] = []
    monkeypatch.setattr(tensor, "blank", noted(tensor.blank, made))
    space = run(UNNAMED[name])
    names = Names(made)
    assert made
    for x in made:
        assert not names.of(x) or space[names.of(x)] is x, names.of(x)


def noted(blank, made):
    """Yield the Tensors that are made, and note them."""
    for x in blank:
        made.append(x)
        yield x


def test_an_attribute_names_what_is_put_into_it():
    class Holder:
        pass

    self, x = Holder(), leaf(2.0)
    self.part = Holder()
    self.h = x * 2
    self.part.deep = np.exp(self.h)
    assert named(self.part.deep) == [("np.multiply", "h"), ("np.exp", "deep")]


def test_an_attribute_of_what_a_call_returned_is_no_name():
    class Held:
        def __init__(self, x):
            self.x = x

    made = []

    def hold(x):
        made.append(np.exp(x))
        return Held(x)

    hold(leaf(2.0)).h = 1
    leaf(2.0).name = "outer"
    assert named(made[0]) == []


def test_a_global_and_a_variable_of_a_closure_name_what_they_got():
    space = run("def f():\n    global y\n    y = x * 2\nf()")
    assert named(space["y"]) == [("np.multiply", "y")]

    x = leaf(2.0)
    inner = x * 2

    def use():
        return inner + 1

    assert named(use()) == [("np.multiply", "inner")]


def test_names_are_found_behind_hundreds_of_others():
    code = "\n".join(f"a{i} = {i}" for i in range(300)) + "\ny = np.exp(x)\nz = y.sum()"
    for runner in (run, run_in_function):
        assert named(runner(code)["z"]) == [("np.exp", "y"), ("np.sum", "z")]


def test_a_call_of_the_library_that_makes_several_tensors_names_the_last_one():
    x = leaf(np.ones((2, 3)))
    y = np.piecewise(x, [x.data > 0], [np.sin, np.cos])
    found = named(y)
    assert found[-1][1] in ("y", "")
    assert sum(name == "y" for _, name in found) <= 1


def test_what_reduce_makes_on_the_way_has_no_name():
    x = leaf(1.0)
    total = reduce(np.add, [x, x, x, x])
    assert named(total) == [("np.add", "total")]


def test_a_list_of_what_an_iterator_of_the_library_made_is_no_name():
    x = leaf(1.0)
    parts = list(itertools.accumulate([x, x, x], np.add))
    assert all(name != "parts" or i == 2 for i, (_, name) in enumerate(named(parts[-1])))
    both = [*map(np.sin, [x, x])]
    total = both[0] + both[1]
    assert named(total) == [("np.add", "total")]


def layers(count):
    return nn.Sequential(*(nn.Linear(2, 2, rng=RNG) for _ in range(count)))


def test_what_a_module_made_on_the_way_is_not_called_as_what_it_returned():
    model = layers(3)
    out = model(np.ones((1, 2)))
    assert named(out) == [("linear", "out")]


def test_every_call_of_a_module_in_a_loop_names_what_it_returned():
    model, out = layers(2), np.ones((1, 2))
    for _ in range(4):
        out = model(out)
    assert named(out) == [("linear", "out")] * 4


def test_modules_called_by_map_name_nothing_but_what_is_named():
    model = layers(2)
    outs = list(map(model, [np.ones((1, 2)), np.ones((1, 2))]))
    assert all(name != "outs" for _, name in named(outs[0]))


class Pair(nn.Module):
    """Returns two Tensors."""

    def forward(self, x):
        return pair_of(x)


def pair_of(x):
    first = np.sin(x)
    return first, np.cos(first)


def test_a_tuple_that_a_module_returned_is_the_name_of_neither():
    both = Pair()(leaf(1.0))
    assert named(both[1]) == [("np.sin", "first")]


def test_the_users_name_comes_first_then_the_path_then_the_variable():
    mine, held = leaf(1.0, "given"), leaf(2.0)
    weight = Tensor(3.0, requires_grad=True)
    model = nn.Module()
    model.part = nn.Module()
    model.part.inside = held
    model.other = mine
    product = mine * held * weight
    titles = [mark.title for mark in draw(product, model=model).scene.marks]
    assert titles == [
        "given",
        "part.inside",
        "np.multiply",
        "weight",
        "product = np.multiply",
    ]


def test_parameters_of_several_models_are_named_apart():
    first, second = (nn.Sequential(nn.Linear(2, 2), nn.Tanh()) for _ in range(2))
    cost = nn.MSELoss()(second(first(np.ones((1, 2)))), np.zeros((1, 2)))
    names = [mark.title for mark in draw(cost).scene.marks if mark.kind == "parameter"]
    assert names == [
        "Sequential.0.weight",
        "Sequential.0.bias",
        "Sequential#2.0.weight",
        "Sequential#2.0.bias",
    ]


def test_a_model_of_which_nothing_is_in_the_graph_is_told():
    model, other = nn.Sequential(nn.Linear(2, 2)), nn.Sequential(nn.Linear(2, 2))
    out = model(np.ones(2))
    told = "nothing of model=, a Sequential, is in this graph"
    assert draw(out, model=other).scene.notes == (told,)
    for part in (model, model[0]):
        assert draw(out, model=part).scene.notes == ()
    relu = nn.ReLU()
    assert draw(relu(leaf([1.0, -1.0])), model=relu).scene.notes == ()


def test_leaves_of_a_comprehension_or_a_parameter_of_the_library_have_no_variable():
    both = [Tensor(1.0, requires_grad=True) for _ in range(2)]
    made = list(map(Tensor, [1.0, 2.0], [True, True]))
    total = both[0] * both[1] * made[0] * made[1]
    assert [mark.title for mark in draw(total).scene.marks].count("parameter") == 4


def test_a_constant_number_has_no_name():
    half = 0.5
    assert [mark.title for mark in draw(leaf(1.0, "x") * half).scene.marks] == [
        "x",
        "0.5",
        "np.multiply",
    ]


def all_code(code: types.CodeType):
    yield code
    for part in code.co_consts:
        if isinstance(part, types.CodeType):
            yield from all_code(part)


def test_the_byte_code_of_any_program_can_be_read():
    for module in (np.lib.format, itertools, types, nn.module):
        file = getattr(module, "__file__", None)
        if file is None:
            continue
        whole = compile(Path(file).read_text(), file, "exec")
        for code in all_code(whole):
            variables = {
                *code.co_names,
                *code.co_varnames,
                *code.co_cellvars,
                *code.co_freevars,
            }
            assert {store.name for store in stores(code).values()} <= variables


def test_thousands_of_lines_in_one_piece_of_code_all_name_their_values():
    code = "y = x\n" + "\n".join("y = y * 1" for _ in range(3_000))
    found = named(run(code)["y"])
    assert found == [("np.multiply", "y")] * 3_000
