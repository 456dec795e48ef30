"""The documents' examples run, and print what the documents say."""

from __future__ import annotations

import doctest
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pytest

from autograd_mini.drawing import find_dot
from tests.numpy_programs import changed, programs

ROOT = Path(__file__).parents[1]


def blocks(document: str, language: str) -> list[str]:
    text = (ROOT / document).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)


def run(code: str) -> str:
    """Run `code` in an interpreter of its own, where it can't add to this one's table."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_readmes_first_example_prints_what_it_says() -> None:
    first = blocks("README.md", "python")[0]
    said = re.findall(r"# prints (.*)", first)
    assert said
    assert run(first).splitlines() == said


def run_sessions(document: str, names: dict[str, Any] | None = None) -> None:
    """Run the sessions of a document in one scope, and hold what they print against it."""
    sessions = blocks(document, "pycon")
    assert sessions
    parser, runner, scope = doctest.DocTestParser(), doctest.DocTestRunner(), names or {}
    for number, session in enumerate(sessions):
        case = parser.get_doctest(session, scope, f"{document}, session {number}", None, None)
        runner.run(case, clear_globs=False)
        scope.update(case.globs)
    assert runner.summarize(verbose=False).failed == 0


@pytest.mark.parametrize("document", ["README.md", "docs/gradient-checking.md"])
def test_the_sessions_of_a_document_print_what_it_says(document: str) -> None:
    run_sessions(document)


def test_the_sessions_of_the_numpy_programs_print_what_the_document_says() -> None:
    run_sessions("docs/numpy-code.md", {each.name: changed(each) for each in programs()})


def test_the_sessions_of_the_chapters_print_what_they_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run_sessions("docs/neural-networks.md")
    plt.close("all")
    assert [path.name for path in tmp_path.iterdir()] == ["descent.gif"]


def texts(svg: Path) -> list[str]:
    """Return what a picture says, in its order: no place and no size, which fonts decide."""
    tree = ET.parse(svg)
    return [x.text or "" for x in tree.iter("{http://www.w3.org/2000/svg}text")]


@pytest.mark.skipif(find_dot() is None, reason="there is no program to lay out graphs")
def test_the_pictures_of_docs_drawing_are_those_that_its_code_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run_sessions("docs/drawing.md")
    document = (ROOT / "docs/drawing.md").read_text(encoding="utf-8")
    shown = re.findall(r"\]\(images/(.*?\.svg)\)", document)
    written = sorted(path.name for path in tmp_path.glob("*.svg"))
    assert sorted(shown) == written
    for name in shown:
        assert texts(tmp_path / name) == texts(ROOT / "docs/images" / name), (
            f"docs/images/{name} is old: run the sessions of docs/drawing.md in docs/images"
        )


RECIPE = """
import numpy as np
from hypothesis import given, strategies as st
from autograd_mini import defvjp
from autograd_mini.primitive import TABLE
from tests import rule_checks
from tests.samples import Sample, products
{rule}
sample = {sample}
operation = TABLE[sample.function]

@given(st.data())
def check(data):
    for each in (
        rule_checks.check_first_order,
        rule_checks.check_second_order,
        rule_checks.check_result,
        rule_checks.check_float32,
    ):
        each(sample, data.draw(sample.calls))

check()
print("checked", operation.name)
"""


def test_the_recipe_to_add_an_operation_works() -> None:
    rule, sample = blocks("CONTRIBUTING.md", "python")
    assert run(RECIPE.format(rule=rule, sample=sample)).split() == ["checked", "np.cross"]


def test_the_recipe_notices_a_wrong_rule() -> None:
    rule, sample = blocks("CONTRIBUTING.md", "python")
    wrong = rule.replace("np.cross(b, g)", "np.cross(g, b)")
    assert wrong != rule
    with pytest.raises(AssertionError, match="check_first_order"):
        run(RECIPE.format(rule=wrong, sample=sample))
