"""What NumPy can send to the engine, and what becomes of it: a rule, a constant, or a refusal."""

from __future__ import annotations

import inspect
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import overrides

from autograd_mini import Tensor
from autograd_mini.primitive import HIDDEN, REFUSALS, TABLE
from autograd_mini.rules.compositions import COMPOSITIONS

UFUNCS = {f for f in overrides.get_overridable_numpy_ufuncs() if isinstance(f, np.ufunc)}
FUNCTIONS = overrides.get_overridable_numpy_array_functions() - {
    # These make arrays from numbers and reach the engine only through `like=`.
    *(getattr(np, name) for name in ("arange", "array", "asarray", "empty", "eye", "full", "ones")),
}

# What came after NumPy 2.0; the README counts them.
LATER = ("cumulative_prod", "cumulative_sum", "matvec", "unstack", "vecmat")

# What a parameter was called in NumPy 2.0.
RENAMED = {"newshape": "shape"}


def has_rule(function: object) -> bool:
    return function in TABLE and bool(TABLE[function].vjps)


def is_constant(function: object) -> bool:
    return function in TABLE and TABLE[function].is_constant


def test_no_numpy_function_is_both_differentiable_and_constant() -> None:
    assert not [f for f in TABLE if has_rule(f) and is_constant(f)]


def test_every_function_in_the_table_is_one_that_numpy_sends_or_our_own() -> None:
    own = {f for f in TABLE if not TABLE[f].name.startswith("np.")}
    assert set(TABLE) - own <= UFUNCS | FUNCTIONS


@pytest.mark.parametrize("ufunc", sorted(UFUNCS - set(TABLE) - set(HIDDEN), key=str), ids=str)
def test_a_ufunc_without_a_rule_refuses_by_name(ufunc: np.ufunc) -> None:
    args = [Tensor(0.5, requires_grad=True)] * ufunc.nin
    with pytest.raises(NotImplementedError, match=rf"np\.{ufunc.__name__} has no derivative rule"):
        ufunc(*args)


@pytest.mark.parametrize(
    "function",
    sorted(
        FUNCTIONS - set(TABLE) - set(COMPOSITIONS), key=lambda f: f"{f.__module__}.{f.__name__}"
    ),
    ids=lambda f: f"{f.__module__}.{f.__name__}",
)
def test_a_function_without_a_rule_refuses_by_name(function: object) -> None:
    x = Tensor(np.eye(2), requires_grad=True)
    reason = "does not take Tensors" if function in REFUSALS else "has no derivative rule"
    with pytest.raises(NotImplementedError, match=rf"{function.__name__} {reason}"):
        x.__array_function__(function, (Tensor,), (x,), {})


def test_what_refuses_with_a_reason_is_numpys_and_has_no_rule() -> None:
    assert not set(REFUSALS) - FUNCTIONS
    assert not set(REFUSALS) & set(TABLE)


def test_what_is_composed_is_numpys_and_has_no_rule() -> None:
    assert not set(COMPOSITIONS) - FUNCTIONS
    assert not set(COMPOSITIONS) & (set(TABLE) | set(REFUSALS))


@pytest.mark.parametrize(
    "function",
    sorted(filter(has_rule, FUNCTIONS), key=lambda f: f.__name__),
    ids=lambda f: f.__name__,
)
def test_a_rule_has_the_parameters_of_its_function(function: object) -> None:
    try:
        numpys = list(inspect.signature(function).parameters.values())
    except ValueError:
        pytest.skip("this NumPy does not tell the signature of a function written in C")
    operation = TABLE[function]
    names = [RENAMED.get(p.name, p.name) for p in numpys]
    for mine, name, numpy in zip(operation.names or (), names, numpys, strict=False):
        assert mine == name or numpy.kind is numpy.POSITIONAL_ONLY
    if not any(p.kind is p.VAR_KEYWORD for p in numpys):
        assert not (operation.keywords or set()) - set(names)


def test_the_readme_counts_the_rules_right() -> None:
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    rules = sum(has_rule(f) for f in UFUNCS | FUNCTIONS)
    rules += sum(not hasattr(np, name) for name in LATER)
    constants = sum(is_constant(f) for f in UFUNCS | FUNCTIONS)
    assert f"has rules for {rules}, knows {constants} without a slope" in readme
    assert f"and composes {len(COMPOSITIONS)} of others" in readme
