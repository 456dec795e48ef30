"""Imports point down, `__all__` is what is exported, and no room is above its budget.

ROOMS is the house from the ground up. A module may import its own room and every floor below it;
rooms of one floor do not know each other. A new module is placed here, or the suite fails.
"""

import ast
import importlib
import importlib.metadata
import inspect
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import pytest

import autograd_mini

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("autograd_mini", "nn", "optim")
PROGRAMS = ("examples", "benchmarks", "tests")
FILE_BUDGET = 300
FUNCTION_BUDGET = 40

# Each line is a floor; a room is a module, or with ".*" a package and all that is in it.
ROOMS = (
    ("autograd_mini.files", "autograd_mini.checks"),
    ("autograd_mini.modes",),
    ("autograd_mini.origin",),
    ("autograd_mini.clock",),
    ("autograd_mini.signature", "autograd_mini.words", "autograd_mini.guards"),
    ("autograd_mini.operation",),
    ("autograd_mini.kinds",),
    ("autograd_mini.primitive",),
    ("autograd_mini.fitting",),
    ("autograd_mini.rules.*",),
    ("autograd_mini.methods", "autograd_mini.exits"),
    ("autograd_mini.storage",),
    ("autograd_mini.recorded", "autograd_mini.states", "autograd_mini.ufunc_methods"),
    ("autograd_mini.reach",),
    ("autograd_mini.anomaly",),
    ("autograd_mini.walk",),
    ("autograd_mini.backward",),
    ("autograd_mini.in_place",),
    ("autograd_mini.tensor",),
    ("autograd_mini.trees", "autograd_mini.variables"),
    ("autograd_mini.scopes",),
    ("autograd_mini.transforms",),
    ("autograd_mini.jacobians", "autograd_mini.checkpointing"),
    ("autograd_mini.testing.*",),
    ("autograd_mini.testing.strategies.*",),
    ("autograd_mini.drawing.*",),
    ("autograd_mini",),
    ("optim.*", "nn.*"),
    ("nn.testing", "nn.pictures.*"),
    ("examples.*", "benchmarks.*"),
    ("tests.*",),
)
# What a room may import besides the standard library and the rooms below.
OUTSIDERS = {
    "autograd_mini.testing.strategies.*": {"numpy", "hypothesis"},
    "autograd_mini.drawing.*": {"numpy", "graphviz"},
    "nn.testing": {"numpy", "hypothesis"},
    "nn.pictures.*": {"numpy", "matplotlib", "PIL"},
    "examples.*": {"numpy", "graphviz", "matplotlib", "PIL", "tqdm"},
}


class Import(NamedTuple):
    """One imported module, and where."""

    target: str
    line: int
    deferred: bool


def name_of(path: Path) -> str:
    """Return the dotted name of the module in the file `path`."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def sources(*folders: str) -> dict[str, Path]:
    """Return the files of every module under `folders`, by module name."""
    paths = (path for folder in folders for path in sorted((ROOT / folder).rglob("*.py")))
    return {name_of(path): path for path in paths}


MODULES = sources(*PACKAGES, *PROGRAMS)


def targets(node: ast.AST, modules: set[str]) -> list[str]:
    """Return the modules that an import statement names; none for any other node."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        source = "." * node.level + (node.module or "")
        inner = [f"{source}.{alias.name}" for alias in node.names]
        return sorted({name if name in modules else source for name in inner})
    return []


def imports(source: str, modules: set[str]) -> Iterator[Import]:
    """Yield every import in `source`, also those inside functions and classes."""
    pending: list[tuple[ast.AST, bool]] = [(ast.parse(source), False)]
    while pending:
        node, deferred = pending.pop()
        for target in targets(node, modules):
            yield Import(target, getattr(node, "lineno", 0), deferred)
        inside = deferred or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        pending.extend((child, inside) for child in ast.iter_child_nodes(node))


def room_of(module: str) -> tuple[int, str] | None:
    """Return the floor and the room of `module`, or None for one that is in no room.

    A room inside another has the longer name.
    """
    found = []
    for floor, rooms in enumerate(ROOMS):
        for room in rooms:
            package = room.removesuffix(".*")
            if module == package or (room != package and module.startswith(package + ".")):
                found.append((len(package), floor, room))
    return max(found)[1:] if found else None


def complaint(module: str, found: Import) -> str | None:
    """Return what is wrong with one import in `module`, or None."""
    here = room_of(module)
    assert here is not None, f"{module} is in no room: place it in ROOMS"
    floor, room = here
    place = f"{module}, line {found.line}: imports {found.target}"
    top = found.target.partition(".")[0]
    if found.deferred and top in PACKAGES and module.partition(".")[0] in PACKAGES:
        return f"{place} inside a function; import it at the top of the file"
    if found.target.startswith("."):
        return f"{place}; write the whole name"
    if top not in PACKAGES + PROGRAMS:
        allowed = OUTSIDERS.get(room, {"numpy"})
        outside = top in sys.stdlib_module_names or top in allowed or room == "tests.*"
        return None if outside else f"{place}; from outside it may import {sorted(allowed)}"
    there = room_of(found.target)
    if there is None:
        return f"{place}, which is in no room: place it in ROOMS"
    if there[0] < floor or there[1] == room:
        return None
    return f"{place}, which is not below it: move what is shared down"


def complaints(module: str, source: str, modules: set[str]) -> list[str]:
    """Return everything that is wrong with the imports of one module."""
    found = [complaint(module, each) for each in imports(source, modules)]
    return [each for each in found if each is not None]


@pytest.mark.parametrize("module", MODULES)
def test_every_module_has_a_room(module):
    assert room_of(module) is not None, f"{module} is in no room: place it in ROOMS"


def test_every_room_has_a_module():
    rooms = {room for rooms in ROOMS for room in rooms}
    lived_in = {place[1] for place in map(room_of, MODULES) if place}
    assert rooms == lived_in, f"ROOMS names what is not there: {sorted(rooms - lived_in)}"


@pytest.mark.parametrize("module", MODULES)
def test_imports_point_down(module):
    found = complaints(module, MODULES[module].read_text(encoding="utf-8"), set(MODULES))
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("module", "source", "reason"),
    [
        ("autograd_mini.modes", "import autograd_mini.tensor", "not below"),
        ("autograd_mini.modes", "from autograd_mini import tensor", "not below"),
        ("autograd_mini.rules.shaping", "from autograd_mini import Tensor", "not below"),
        ("nn.layers", "from optim import SGD", "not below"),
        ("optim.sgd", "import nn", "not below"),
        ("nn.layers", "def f():\n    from autograd_mini import draw", "inside a function"),
        ("nn.layers", "class A:\n    def f(self):\n        import nn.init", "inside a function"),
        ("autograd_mini.tensor", "import graphviz", "from outside"),
        ("nn.layers", "import scipy.special", "from outside"),
        ("nn.layers", "import hypothesis", "from outside"),
        ("nn.layers", "from nn.testing import networks", "not below"),
        ("nn.layers", "import matplotlib.pyplot", "from outside"),
        ("nn.layers", "from nn.pictures import network", "not below"),
        ("autograd_mini.testing.checking", "import hypothesis.strategies", "from outside"),
        ("nn.layers", "from .module import Module", "whole name"),
        ("nn.layers", "from autograd_mini.attic import old", "no room"),
        ("examples.digits", "from tests.samples import SAMPLES", "not below"),
    ],
)
def test_an_import_that_points_elsewhere_is_caught(module, source, reason):
    found = complaints(module, source, {"autograd_mini.tensor"})
    assert len(found) == 1
    assert reason in found[0]


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("autograd_mini.tensor", "import numpy as np\nfrom autograd_mini import modes"),
        ("autograd_mini.drawing.dot", "import graphviz"),
        ("nn.layers", "from autograd_mini import Tensor\nfrom nn.module import Module"),
        ("examples.digits", "import nn, optim\nimport matplotlib.pyplot as plt"),
    ],
)
def test_an_import_that_points_down_is_welcome(module, source):
    assert complaints(module, source, {"autograd_mini.modes"}) == []


def test_no_import_goes_in_a_circle():
    known = set(MODULES)
    graph = {
        module: {each.target for each in imports(path.read_text(encoding="utf-8"), known)} & known
        for module, path in MODULES.items()
    }
    order = list(TopologicalSorter(graph).static_order())
    assert set(order) == known


# What users import from, where Tab shows what there is and nothing else.
PUBLIC = (
    *PACKAGES,
    *("autograd_mini.drawing", "autograd_mini.testing", "autograd_mini.testing.strategies"),
    *("nn.functional", "nn.init", "nn.pictures", "nn.testing"),
)
MORE = {"autograd_mini": {"__version__"}, "nn": {"pictures"}}


@pytest.mark.parametrize("module", PUBLIC)
def test_tab_shows_what_is_exported_and_nothing_else(module):
    found = importlib.import_module(module)
    assert set(dir(found)) == {*found.__all__, *MORE.get(module, ())}
    assert all(hasattr(found, name) for name in dir(found))


@pytest.mark.parametrize("module", PUBLIC)
def test_all_names_what_the_module_defines(module):
    """A public function or class that is defined in a module, and not imported, is in __all__."""
    found = importlib.import_module(module)
    own = {
        name
        for name, value in vars(found).items()
        if not name.startswith("_") and getattr(value, "__module__", "") == module
    }
    hidden = {"check_probability", "spawned", "generation", "Draw", "T"}  # for the library
    assert own - hidden <= set(found.__all__)


def test_the_version_is_that_of_the_distribution():
    assert autograd_mini.__version__ == importlib.metadata.version("autograd-mini")


@pytest.mark.parametrize("package", PACKAGES)
def test_all_is_what_is_exported(package):
    module = importlib.import_module(package)
    public = {
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and not inspect.ismodule(value)
    }
    listed = module.__all__
    assert len(listed) == len(set(listed)), "a name stands twice"
    assert all(hasattr(module, name) for name in listed)
    assert public <= set(listed), f"exported without being listed: {sorted(public - set(listed))}"


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_says_that_it_is_typed(package):
    assert (ROOT / package / "py.typed").exists()


@pytest.mark.parametrize("module", sources(*PACKAGES))
def test_a_file_is_within_its_budget(module):
    lines = MODULES[module].read_text(encoding="utf-8").count("\n")
    assert lines <= FILE_BUDGET, f"{lines} lines: split the room"


def long_functions(source: str) -> list[str]:
    """Return the functions above the budget, their docstrings not counted."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0]
            doc = first if ast.get_docstring(node, clean=False) is not None else None
            counted = span(node) - (span(doc) if doc else 0)
            if counted > FUNCTION_BUDGET:
                found.append(f"{node.name}, line {node.lineno}: {counted} lines")
    return found


def span(node: ast.stmt) -> int:
    """Return how many lines a statement stands on."""
    assert node.end_lineno is not None
    return node.end_lineno - node.lineno + 1


@pytest.mark.parametrize("module", sources(*PACKAGES))
def test_a_function_is_within_its_budget(module):
    found = long_functions(MODULES[module].read_text(encoding="utf-8"))
    assert not found, "\n".join(found)


@pytest.mark.parametrize(("lines", "caught"), [(FUNCTION_BUDGET - 1, 0), (FUNCTION_BUDGET, 1)])
def test_a_function_above_its_budget_is_caught_whatever_its_docstring(lines, caught):
    source = "def f():\n" + '    """Say\n\n    much.\n    """\n' + "    x = 1\n" * lines
    assert len(long_functions(source)) == caught
