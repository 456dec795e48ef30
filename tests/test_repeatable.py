"""Nothing random decides what the suite says: the same draws in every process, order and folder."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import settings

from autograd_mini.testing import check_grads
from tests.test_architecture import ROOT

xp: Any = np

DRAWN = """
import os

import numpy as np
from hypothesis import given, settings, stateful, strategies as st

import nn
from autograd_mini.testing import check_grads
from autograd_mini.testing.strategies import arrays, assert_gradients, programs

IMPORTED = nn.Linear(2, 2)
few = settings(max_examples=25, stateful_step_count=5)

def out(*drawn):
    test = os.environ["PYTEST_CURRENT_TEST"].split("::")[1].split()[0]
    print("\\ndrawn:", test, ascii(drawn))

@few
@given(st.tuples(st.integers(), st.floats(), st.text(), st.sampled_from(["a", "b", "c"])))
def test_numbers(drawn):
    out(*drawn)

@few
@given(arrays(), programs())
def test_arrays_and_programs(x, program):
    out(x, x.strides, program)

def test_the_checker():
    def f(x):
        out(x.data)
        return np.sin(x)
    assert_gradients(f, max_examples=3, order=1, modes=("rev",))
    check_grads(f, np.ones(20))

def test_weights_of_its_own():
    out(nn.Linear(2, 2).weight)

def test_weights_made_while_importing():
    out(IMPORTED.weight)

class Machine(stateful.RuleBasedStateMachine):
    @stateful.rule(x=st.integers())
    def one(self, x): out("one", x)
    @stateful.rule(x=st.floats())
    def other(self, x): out("other", x)

def test_a_machine():
    stateful.run_state_machine_as_test(Machine, settings=few)
"""


def draws(folder: Path, *options: str, order: int = 1, **environment: str) -> dict[str, list[str]]:
    """Run the tests above in a process of its own; return what each of them has drawn."""
    file = folder / "test_draws.py"
    file.write_text(DRAWN)
    named = [line.split("(")[0][4:] for line in DRAWN.splitlines() if line.startswith("def test_")]
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("HYPOTHESIS", "PYTEST", "CI"))}
    plainly = ("-c", str(ROOT / "pyproject.toml"), "-p", "conftest", "-p", "no:cacheprovider", "-s")
    tests = [f"{file}::{name}" for name in named[::order]]
    found = subprocess.run(
        [sys.executable, "-m", "pytest", *plainly, *options, *tests],
        cwd=folder,
        env={**kept, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
    )
    assert found.returncode == 0, found.stdout + found.stderr
    lines = [line.split(" ", 2)[1:] for line in found.stdout.splitlines() if "drawn:" in line]
    return {name: [drawn for each, drawn in lines if each == name] for name in named}


def test_the_draws_are_the_same_in_every_process_and_order(tmp_path: Path) -> None:
    first = draws(tmp_path, PYTHONHASHSEED="1")
    assert len(first) == 6
    assert all(first.values())
    assert (
        draws(tmp_path, "-p", "examples.digits", order=-1, PYTHONHASHSEED="2", CI="true") == first
    )


def test_a_deep_run_draws_anew_also_where_ci_is_set(tmp_path: Path) -> None:
    first, second = (
        draws(tmp_path, "-k", "numbers", HYPOTHESIS_PROFILE="deep", CI="true")["test_numbers"]
        for _ in range(2)
    )
    assert len(first) > 20
    assert first != second


def test_what_failed_once_is_remembered_by_deep_runs_alone() -> None:
    is_kept = {name: settings.get_profile(name).database for name in ("repeat", "many", "deep")}
    assert is_kept["repeat"] is is_kept["many"] is None
    assert is_kept["deep"] is not None


def test_a_check_repeats_itself_unless_asked_for_a_new_seed() -> None:
    x = np.linspace(0.5, 2, 20)
    assert check_grads(xp.sin, x) == check_grads(xp.sin, x)
    seeds = {check_grads(xp.sin, x, order=1, seed=None).seed for _ in range(5)}
    assert len(seeds) == 5


# Calls of the generators that every module shares, and of new ones without a seed.
SHARED = re.compile(
    r"\b(?:np\.random|random)\.(?!default_rng|Generator|SeedSequence|Random|get_state)[a-z]\w*\("
    r"|default_rng\(\)|SeedSequence\(\)|random\.Random\(\)|derandomize=False|use_true_random"
)


@pytest.mark.parametrize("path", sorted((ROOT / "tests").glob("*.py")), ids=lambda path: path.name)
def test_no_test_draws_from_a_generator_without_a_seed(path: Path) -> None:
    if path.name != Path(__file__).name:
        assert SHARED.findall(path.read_text(encoding="utf-8")) == []
