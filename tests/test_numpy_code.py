"""Everyday NumPy programs have the right gradient or an error that tells the way on.

The programs and the tables are those of docs/numpy-code.md. To add one, write it there, and its
inputs here; one that raises as first written gets the words that its error must have.
"""

from __future__ import annotations

import decimal
import doctest
import fractions
import json
import random
import re
import statistics
import struct
import sys
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pytest

from autograd_mini import grad
from tests.numpy_programs import (
    DOCUMENT,
    ENGINE,
    NUMPY,
    Program,
    Row,
    changed,
    function_of,
    kept,
    loaded,
    programs,
    replaced,
    slopes,
    written,
)

RNG = np.random.default_rng(0)
SIDE = np.array([-1.0, -1.0])
INPUTS: dict[str, tuple[Any, ...]] = {
    "position": (0.3, 1.0),
    "forward": (
        np.array([[0.9, 0.1], [0.3, 0.7]]),
        np.array([[0.6, 0.3, 0.1], [0.1, 0.3, 0.6]]),
        np.array([0.5, 0.5]),
    ),
    "held_out_error": (0.5, RNG.normal(size=(6, 2)), RNG.normal(size=6)),
    "rank_of_first_page": (0.1 + RNG.random((3, 3)), 0.85),
    "gp_cost": (np.log([1.0, 0.3, 0.1]), np.linspace(0, 1, 5), RNG.normal(size=5)),
    "clustering_cost": (RNG.normal(size=(2, 2)), RNG.normal(size=(4, 2))),
    "roughness": (np.array([0.0, 1.0, 0.5, 2.0, 1.0, 3.0]), 0.2),
    "energy": (np.array([[0.0, 0.0], [1.1, 0.0], [0.5, 1.0]]),),
    "polynomial": (np.array([2.0, 0.0, -1.0]), np.array([1.0, 3.0])),
    "spread_of_ratio": (np.array([1.0, 2.0, 4.0]), np.array([1.0, 3.0, 2.0])),
    "garch_cost": (np.array([0.05, 0.1, 0.8]), np.array([0.3, -0.1, 0.8, -0.5, 0.2])),
    "predators_at_the_end": (np.array([1.0, 0.5, 0.8]), np.array([2.0, 1.0])),
    "thomas": (SIDE, np.array([2.0, 2.5, 3.0]), SIDE, np.array([1.0, 0.0, 2.0])),
    "warping": (np.array([0.0, 1.0, 2.5]), np.array([0.2, 1.1, 1.0, 2.0])),
    "american_put": (1.02, 0.3),
    "call": (100.0, 95.0, 0.2, 0.03, 0.5),
    "reach": (np.array([0.3, 0.5, -0.2]), np.array([1.0, 0.8, 0.5])),
    "kalman_cost": (np.log([0.1, 0.5]), np.array([0.9, 2.1, 2.9, 4.2])),
    "swing": (np.array([9.8, 0.2]), np.array([1.0, 0.0])),
    "smoothing_error": (0.3, np.array([1.0, 2.0, 1.5, 3.0, 2.5])),
    "drawdown": (np.array([0.1, -0.2, 0.05, -0.1]),),
    "portfolio_value": (0.02, 0.001, np.array([0.5, 2.0, 5.0, 10.0])),
    "orthogonalised": (np.array([[1.0, 2.0], [0.5, -1.0], [1.0, 1.0]]),),
    "transport_cost": (np.array([[0.0, 1.0], [2.0, 0.5]]), 0.5),
    "middle_temperature": (1.0, 0.2, 0.3),
    "survival": (1.5, 0.3),
    "depth": (10.0, 2.0),
    "lambert": (1.5,),
}
WORDS = {
    "garch_cost": ("variance[", "Tensor(np.zeros"),
    "predators_at_the_end": ("path[", "Tensor(np.zeros"),
    "thomas": ("c[", "Tensor(np.zeros"),
    "warping": ("cost[", "Tensor(np.zeros"),
    "american_put": ("value[", "Tensor(np.zeros"),
    "call": ("math.sqrt(", "np.sqrt for math.sqrt"),
    "reach": ("np.array(", "autograd_mini.array"),
    "kalman_cost": ("float(", ".item()"),
    "swing": ("np.array(", "np.stack"),
    "smoothing_error": ("np.array(", "np.stack"),
    "drawdown": ("z[", "Tensor(np.zeros"),
    "portfolio_value": ("np.vectorize(", "np.stack"),
    "orthogonalised": ("Q[", "Tensor(np.zeros"),
    "transport_cost": ("float(", ".item()"),
    "middle_temperature": ("np.full(", "x * np.ones(3)"),
    "survival": ("scipy.integrate.quad(", "primitive"),
    "depth": ("scipy.optimize.brentq(", "primitive"),
}
POINT = (2.5, 1.5, np.array([0.5, 3.0, 2.0]))
FREELY = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
BISECTION = "lambert"
MODULES = r"\b(?:np|scipy|math|cmath|statistics)\.(?!zeros)[\w.]+"
NAMED = re.compile(rf"{MODULES}|\b(?:float|int|complex)\b")


def cases(found: Iterable[Program | Row]) -> list[Any]:
    return [pytest.param(case, id=case[0]) for case in found]


KEPT = cases(each for each in programs() if each.written == each.changed)
CHANGED = cases(each for each in programs() if each.error)
AS_IT_IS, REPLACED = cases(kept()), cases(replaced())


def every(args: tuple[Any, ...]) -> tuple[int, ...]:
    return tuple(range(len(args)))


def summed(f: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *args: np.sum(f(*args))


# brentq goes on in C with our error pending, and this one of its own may replace it.
REPLACING = {"depth": "f(a) and f(b) must have different signs"}


def error_of(call: Callable[[], Any]) -> str:
    """Return the error that `call` raises, as the document writes it."""
    with pytest.raises((TypeError, NotImplementedError)) as caught:
        call()
    return f"{caught.type.__name__}: {caught.value}"


def assert_right(f: Any, plain: Any, args: tuple[Any, ...]) -> None:
    """Hold the gradient of `f` by each of `args` against differences of `plain`."""
    assert_near(grad(f, argnums=every(args))(*args), slopes(plain, args), rtol=1e-6)


def assert_near(found: Iterable[Any], numeric: list[Any], rtol: float) -> None:
    for g, slope in zip(found, numeric, strict=True):
        np.testing.assert_allclose(g, slope, rtol=rtol, atol=0.1 * rtol * np.max(np.abs(slope)))


def ways(row: Row) -> set[str]:
    """Return the names of what is written in the place of a row, one of which its error says."""
    if row.written.startswith("z ="):
        return {"Tensor(np.zeros", "z + "}  # the target
    if row.written.startswith("scipy."):
        return {"make the call a primitive"}
    return {*re.findall(r"np\.\w+|autograd_mini\.\w+", row.changed)} or {".item()"}


def test_every_program_has_inputs_and_words_of_its_error() -> None:
    assert {program.name for program in programs()} == set(INPUTS)
    assert {program.name for program in programs() if program.error} == set(WORDS)


def test_the_readme_counts_the_programs() -> None:
    readme = (DOCUMENT.parents[1] / "README.md").read_text(encoding="utf-8")
    assert f"with {len(programs())} everyday programs" in readme


@pytest.mark.parametrize("program", KEPT)
def test_a_program_that_needs_no_change_has_the_right_gradient(program: Program) -> None:
    f = written(program)
    assert_right(f, f, INPUTS[program.name])


@pytest.mark.parametrize("program", CHANGED)
def test_a_program_as_first_written_says_what_to_change(program: Program) -> None:
    f, args = written(program), INPUTS[program.name]
    try:
        error = error_of(lambda: grad(f, argnums=every(args))(*args))
    except ValueError as replaced:
        if REPLACING.get(program.name) == str(replaced):
            return
        raise
    function, way = WORDS[program.name]
    for words in (function, way, f"in {DOCUMENT.name}"):
        assert words in error
    if sys.version_info >= (3, 11):  # 3.10 does not tell where in a line the call is
        says = doctest.OutputChecker().check_output(f"{program.error}\n", f"{error}\n", FREELY)
        assert says, error


@pytest.mark.parametrize("program", CHANGED)
def test_a_program_as_changed_has_the_right_gradient(program: Program) -> None:
    assert_right(changed(program), written(program), INPUTS[program.name])


@pytest.mark.parametrize("program", KEPT + CHANGED)
def test_a_program_as_changed_has_the_right_second_derivative(program: Program) -> None:
    f, args = changed(program), INPUTS[program.name]

    def slope(*args: Any) -> Any:  # along a direction
        first = grad(f)(*args)
        return np.sum(np.cos(np.arange(np.size(first))).reshape(np.shape(first)) * first)

    found = grad(slope, argnums=every(args))(*args)
    assert_near(found, slopes(slope, args), rtol=1e-5)


@pytest.mark.parametrize("program", CHANGED)
def test_a_program_as_changed_has_the_values_of_the_first(program: Program) -> None:
    args = INPUTS[program.name]
    np.testing.assert_allclose(changed(program)(*args), written(program)(*args), rtol=1e-12)


def test_a_bisection_has_no_slope_until_a_newton_step_ends_it() -> None:
    (program,) = [program for program in programs() if program.name == BISECTION]
    assert grad(written(program))(1.5) == 0
    assert_right(changed(program), written(program), (1.5,))


@pytest.mark.parametrize("row", AS_IT_IS)
def test_code_that_needs_no_change_has_the_right_gradient(row: Row) -> None:
    f = loaded("row", function_of(row.written), NUMPY)
    assert_right(summed(f), summed(f), POINT)


@pytest.mark.parametrize("row", REPLACED)
def test_code_to_be_replaced_raises_and_says_so(row: Row) -> None:
    f = loaded("row", function_of(row.written), NUMPY)
    error = error_of(lambda: grad(summed(f), argnums=every(POINT))(*POINT))
    named = NAMED.search(row.written)
    assert (named[0] if named else "") in error
    assert any(way in error for way in ways(row)), error


@pytest.mark.parametrize("row", REPLACED)
def test_what_replaces_it_has_its_values_and_the_right_gradient(row: Row) -> None:
    plain = loaded("row", function_of(row.written), NUMPY)
    f = loaded("row", function_of(row.changed), NUMPY | ENGINE)
    np.testing.assert_array_equal(f(*POINT), plain(*POINT))
    if not isinstance(plain(*POINT), str):
        assert_right(summed(f), summed(plain), POINT)


@pytest.mark.parametrize(
    "leave",
    [
        lambda x: statistics.mean([x, x]),
        lambda x: statistics.stdev([x, 2 * x]),
        decimal.Decimal,
        fractions.Fraction,
        json.dumps,
        lambda x: json.dumps({"x": [x]}),
        lambda x: "%d" % x,  # noqa: UP031 - what is tried
        lambda x: struct.pack("d", x),
        lambda x: b"%f" % x,
        memoryview,
        lambda x: bytes([x]),
        lambda x: "ab" * x,
    ],
)
def test_python_itself_takes_no_number_out_of_a_tensor(leave: Callable[[Any], Any]) -> None:
    with pytest.raises((TypeError, struct.error)):
        grad(lambda x: x * bool(leave(x)))(1.5)


@pytest.mark.parametrize(
    "leave",
    [
        lambda x: [1.0, x, 3.0].index(x),
        lambda x: f"{x:.3f} {x!r} {x}",
        "{:.2e}".format,
        str,
        lambda x: random.Random(0).random() < x,
        lambda x: sorted([3.0, x, 1.0]),
        lambda x: {x: 1}[x],
        lambda x: x in [1.0, x],
    ],
)
def test_looking_at_a_number_changes_no_gradient(leave: Callable[[Any], Any]) -> None:
    assert grad(lambda x: x**2 + 0 * len(str(leave(x))))(1.5) == 3
