"""Random programs: Python that can be pasted, and the same function of whatever it is run on."""

import ast
from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, find, given, settings

from autograd_mini import Tensor, gradients, sigmoid
from autograd_mini.testing import Function, examine
from autograd_mini.testing.strategies import Program, programs, shapes

PLAINLY = [phase for phase in Phase if phase is not Phase.explain]
SEARCH = settings(max_examples=2000, phases=PLAINLY, database=None)
STEP = 1e-30


def value_of(source: str) -> Any:
    """Return the last value that pasted lines assign."""
    names: dict[str, Any] = {"np": np, "sigmoid": sigmoid}
    exec(source, names)
    return names[source.splitlines()[-1].partition(" = ")[0]]


@given(programs())
def test_the_repr_is_python_with_one_assignment_a_line_and_the_same_result(
    program: Program,
) -> None:
    text = repr(program)
    statements = ast.parse(text).body
    assert all(isinstance(statement, ast.Assign) for statement in statements)
    assert [statement.lineno for statement in statements] == [*range(1, len(statements) + 1)]
    assert np.array_equal(value_of(text), program(*program.inputs))


@given(programs())
def test_arrays_and_tensors_run_the_same_program(program: Program) -> None:
    tensors = [Tensor(x, requires_grad=True) for x in program.inputs]
    out = program(*tensors)
    assert isinstance(out, Tensor)
    assert np.array_equal(out.data, program(*program.inputs))
    out.backward(np.ones(out.shape))


@given(programs(kinks=False))
def test_gradients_are_those_of_the_complex_step(program: Program) -> None:
    tensors = [Tensor(x, requires_grad=True) for x in program.inputs]
    out = np.sum(program(*tensors))
    for i, g in enumerate(gradients(out, tensors)):
        for place in np.ndindex(g.shape):
            moved = [x.astype(complex) for x in program.inputs]
            moved[i][place] += 1j * STEP
            slope = np.imag(np.sum(program(*moved))) / STEP
            scale = max(1.0, float(np.max(np.abs(g))))
            assert np.asarray(g)[place] == pytest.approx(slope, rel=1e-9, abs=1e-10 * scale)


@settings(max_examples=max(6, settings.default.max_examples // 8))
@given(programs(max_inputs=2, max_lines=6))
def test_the_checker_never_calls_a_program_wrong(program: Program) -> None:
    report = examine(Function(program, program.inputs), order=1, seed=0)
    assert report.verdict != "wrong", f"{report}\n{program}"


@given(programs(shapes(max_dims=1), max_inputs=2, max_lines=3, kinks=False))
def test_programs_keep_to_their_bounds(program: Program) -> None:
    assert len(program.inputs) <= 2
    assert all(x.ndim <= 1 and x.size for x in program.inputs)
    assert 1 <= len(program.source.splitlines()) <= 3
    assert not any(word in program.source for word in ("maximum", "minimum", "where"))
    out = program(*program.inputs)
    assert np.size(out) <= 60
    assert np.max(np.abs(out)) <= 100


def test_programs_share_values_merge_branches_and_call_everything() -> None:
    seen: Counter[str] = Counter()

    @settings(max_examples=150, derandomize=True, database=None)
    @given(programs())
    def collect(program: Program) -> None:
        lines = program.source.splitlines()
        names = [f"v{i}" for i in range(len(program.inputs) + len(lines))]
        reads = Counter(word for line in lines for word in names if word in line.split(" = ")[1])
        seen["long"] += len(lines) > 4
        seen["shared"] += any(reads[name] > 1 for name in names)
        seen["dead"] += any(not reads[name] for name in names[len(program.inputs) : -1])
        for line in lines:
            seen.update(word for word in words if word in line)

    words = ("sigmoid", "axis=", "@", "maximum", "where", "reshape")
    collect()
    assert not seen["dead"]
    assert seen["long"] > 15
    assert seen["shared"] > 15
    assert all(seen[word] for word in words), seen


@pytest.mark.parametrize(
    ("word", "simplest"),
    [
        ("", ["v0 = np.array(1.0)", "v1 = np.sin(v0)"]),
        ("tanh", ["v0 = np.array(1.0)", "v1 = np.tanh(v0)"]),
    ],
)
def test_programs_shrink_to_what_matters(word: str, simplest: list[str]) -> None:
    found = find(programs(), lambda program: word in program.source, settings=SEARCH)
    assert repr(found).splitlines() == simplest


def test_an_operation_of_a_program_is_named_with_its_line_of_the_repr() -> None:
    program = Program([np.array(2.0), np.array(1.0)], ["v0 * v1", "np.sin(v2)", "v3 + v2"])
    out = program(*(Tensor(x, requires_grad=True) for x in program.inputs))
    assert str(out.origin) == 'File "<program>", line 5, in <module>'
    assert repr(program).splitlines()[4] == "v4 = v3 + v2"


def test_a_program_says_how_many_arrays_it_takes() -> None:
    program = Program([np.array(2.0)], ["np.sin(v0)"])
    with pytest.raises(TypeError, match="takes 1 arrays, found 2"):
        program(1.0, 2.0)
