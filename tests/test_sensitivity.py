"""The table of what the gradient checkers catch: this library's own column, and its form."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from benchmarks import checker_sensitivity
from benchmarks.checker_sensitivity import CHECKERS, SETTINGS, Checker, Problem, cell

OWN = CHECKERS["autograd_mini"]
SMALL = ("scale 1, n = 4", "scale 1e-07, n = 4")
CELL = re.compile(r"misses 10 %|cannot tell|false alarm|1e-\d\d")


def committed() -> list[list[str]]:
    """Return the cells of the committed table, line by line."""
    lines = checker_sensitivity.PAGE.read_text(encoding="utf-8").splitlines()
    return [
        [part.strip() for part in line.strip("|").split("|")]
        for line in lines
        if line.startswith("|")
    ]


@pytest.mark.parametrize("name", SMALL)
def test_one_part_in_a_billion_is_caught_at_every_scale_and_the_right_rule_passes(name):
    (row,) = (row for row in committed() if row[0] == name)
    caught = float(row[-1])
    assert caught <= 1.01e-9
    for seed in checker_sensitivity.SEEDS:
        problem = SETTINGS[name](seed)
        assert OWN.verdict(problem, 0.0, seed) == "right"
        assert OWN.verdict(problem, caught, seed) == "wrong"


@pytest.mark.parametrize("seed", [0, 1])
def test_a_wrong_slope_in_the_digits_network_is_caught_and_the_right_one_passes(seed):
    problem = checker_sensitivity.network(seed)
    assert OWN.verdict(problem, 0.0, seed) == "right"
    assert OWN.verdict(problem, 1e-6, seed) == "wrong"


@pytest.mark.parametrize(
    ("verdict", "words"),
    [
        (lambda problem, error, seed: "wrong", "false alarm"),
        (lambda problem, error, seed: "wrong" if seed == 4 else "right", "false alarm"),
        (lambda problem, error, seed: "cannot tell", "cannot tell"),
        (lambda problem, error, seed: "right", "misses 10 %"),
        (lambda problem, error, seed: "wrong" if error > 1e-3 * (seed + 1) else "right", "1e-02"),
        (lambda problem, error, seed: "wrong" if error else "right", "1e-12"),
    ],
)
def test_a_cell_says_what_was_caught_with_every_seed(verdict, words):
    assert cell(Checker("autograd_mini", verdict), SETTINGS["scale 1, n = 4"]) == words


def test_a_peer_that_is_not_installed_is_not_asked():
    def verdict(problem, error, seed):
        raise AssertionError("asked")

    checker = Checker("a_package_that_nobody_has", verdict)
    assert cell(checker, SETTINGS["scale 1, n = 4"]) == "not installed"


def test_the_problems_are_of_the_size_and_scale_that_they_say():
    small, large = checker_sensitivity.scaled(1e-4, 4, 0), checker_sensitivity.scaled(1, 1000, 0)
    assert (small.x.shape, large.x.shape) == ((4,), (1000,))
    np.testing.assert_array_equal(small.f(np.tanh, np.asarray, small.x), 1e-4 * np.tanh(small.x))
    network = checker_sensitivity.network(0)
    assert isinstance(network, Problem)
    assert network.x.shape == (16, 784)
    assert network.f(np.tanh, np.asarray, network.x).shape == ()


def test_the_committed_table_is_in_the_form_that_the_script_prints():
    header, line, *body = committed()
    assert header == ["", *CHECKERS]
    assert set(line) == {"---"}
    assert [row[0] for row in body] == list(SETTINGS)
    assert all(CELL.fullmatch(part) for row in body for part in row[1:])
    text = checker_sensitivity.PAGE.read_text(encoding="utf-8")
    assert checker_sensitivity.COMMAND in text
    assert all(f"{name} " in text for name in ("numpy", "torch", "autograd", "jax"))


def test_the_page_on_gradient_checking_shows_the_committed_table():
    page = Path(__file__).parents[1] / "docs" / "gradient-checking.md"
    lines = checker_sensitivity.PAGE.read_text(encoding="utf-8").splitlines()
    table = "\n".join(line for line in lines if line.startswith("|"))
    assert table in page.read_text(encoding="utf-8")


def test_the_script_prints_a_line_for_every_setting(monkeypatch):
    monkeypatch.setattr(checker_sensitivity, "cell", lambda checker, setting: "x")
    printed = list(checker_sensitivity.rows())
    assert len(printed) == len(committed())
    assert {line.count("|") for line in printed} == {len(CHECKERS) + 2}
