"""The derivatives of every family of rules, held against those that JAX and PyTorch gave once.

golden/make_rule_golden.py made golden/rules.npz; nothing here needs JAX or PyTorch.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autograd_mini import Tensor, grad, rules
from autograd_mini.primitive import TABLE
from autograd_mini.testing.tape import calls
from tests.golden.cases import CASES, derivatives

TOLERANCE = 1e-11
RULES = Path(rules.__file__).parent
OF_SCIPY = {"special", "bessel"}  # in the table once SciPy is imported and used

with np.load(Path(__file__).parent / "golden" / "rules.npz") as file:
    GOLDEN = dict(file)
PEERS = [(name, peer) for name in CASES for peer in ("jax", "torch") if f"{name}/{peer}" in GOLDEN]


def family(name: str) -> str:
    return name.partition("/")[0]


def inputs(name: str) -> tuple[Any, ...]:
    if family(name) in OF_SCIPY:
        pytest.importorskip("scipy.special")
    return tuple(GOLDEN[f"{name}/input {i}"] for i in range(len(CASES[name].inputs)))


def check(name: str, found: list[Any], golden: Any) -> None:
    """Raise unless every gradient of `found` is that in the row `golden`, at its own scale."""
    parts = [np.ravel(x).view(float) for x in map(np.ascontiguousarray, found)]
    assert sum(part.size for part in parts) == golden.size
    for i, part in enumerate(parts):
        wanted, golden = golden[: part.size], golden[part.size :]
        scale = np.max(np.abs(wanted))
        np.testing.assert_allclose(
            part, wanted, rtol=0, atol=TOLERANCE * scale, err_msg=f"{name}, gradient {i}"
        )


def families_of(operation: Any) -> set[str]:
    vjps = (*operation.vjps, *operation.vjps_by_name.values())
    modules = {str(vjp.__module__) for vjp in vjps}
    prefix = f"{rules.__name__}."
    return {module.removeprefix(prefix) for module in modules if module.startswith(prefix)}


@pytest.mark.parametrize(("name", "peer"), PEERS, ids=[f"{name}-{peer}" for name, peer in PEERS])
def test_gradients_of_first_and_second_order_are_those_of_the_peers(name: str, peer: str) -> None:
    found = derivatives(CASES[name].f, np, grad, inputs(name))
    check(name, found, GOLDEN[f"{name}/{peer}"])


@pytest.mark.parametrize("name", CASES)
def test_a_case_uses_rules_of_the_file_that_it_is_named_after(name: str) -> None:
    y = CASES[name].f(np, *(Tensor(x, requires_grad=True) for x in inputs(name)))
    used = set().union(*(families_of(node._operation) for node in calls([y])))
    assert family(name) in used


def files_with_rules() -> set[str]:
    found = {path.stem: path.read_text(encoding="utf-8") for path in RULES.glob("*.py")}
    return {
        name
        for name, text in found.items()
        if re.search(r"^\s*(defvjp|rule)\(", text, re.MULTILINE)
    }


def test_every_file_of_rules_has_two_cases() -> None:
    named = [family(name) for name in CASES]
    missing = sorted(each for each in files_with_rules() if named.count(each) < 2)
    assert not missing, f"add cases to golden/cases.py for {missing}, and make their values"


def test_every_rule_in_the_table_stands_in_a_file_that_is_found_to_have_rules() -> None:
    in_table = set().union(*map(families_of, TABLE.values()))
    assert in_table <= files_with_rules() <= in_table | OF_SCIPY


def test_every_case_has_values_and_every_value_a_case() -> None:
    wanted = {name for name, _ in PEERS}
    assert wanted == set(CASES), "run golden/make_rule_golden.py"
    assert {key.rpartition("/")[0] for key in GOLDEN} - {""} == set(CASES)
    assert [each.split()[0] for each in GOLDEN["made with"]] == ["jax", "torch", "numpy"]


def test_most_families_have_values_of_both_peers() -> None:
    families = {peer: {family(name) for name, each in PEERS if each == peer} for _, peer in PEERS}
    assert set().union(*families.values()) - families["jax"] == {"hooks"}  # which JAX has none of
    assert len(families["torch"]) >= 20


@pytest.mark.parametrize("place", [0, -1])
@pytest.mark.parametrize("name", CASES)
def test_a_small_difference_is_seen_in_every_case(name: str, place: int) -> None:
    found = derivatives(CASES[name].f, np, grad, inputs(name))
    part = found[place] = np.array(found[place])
    peer = next(peer for each, peer in PEERS if each == name)
    part.flat[np.argmax(np.abs(part))] *= 1 + 1e-9
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        check(name, found, GOLDEN[f"{name}/{peer}"])


def test_two_gradients_exchanged_are_seen() -> None:
    name = "elementwise/logaddexp2"
    x, y, *second = derivatives(CASES[name].f, np, grad, inputs(name))
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        check(name, [y, x, *second], GOLDEN[f"{name}/jax"])
