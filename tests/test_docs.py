"""The documents' examples run, and print what the documents say."""

from __future__ import annotations

import doctest
import re
import subprocess
import sys
from pathlib import Path

import pytest

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


@pytest.mark.parametrize("document", ["README.md", "docs/gradient-checking.md"])
def test_the_sessions_of_a_document_print_what_it_says(document: str) -> None:
    sessions = blocks(document, "pycon")
    assert sessions
    parser, runner, scope = doctest.DocTestParser(), doctest.DocTestRunner(), {}
    for number, session in enumerate(sessions):
        case = parser.get_doctest(session, scope, f"{document}, session {number}", None, None)
        runner.run(case, clear_globs=False)
        scope.update(case.globs)
    assert runner.summarize(verbose=False).failed == 0


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
